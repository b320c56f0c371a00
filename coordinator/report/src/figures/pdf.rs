//! A page of PDF that plotters draws on: vectors and text, without a font of its own.
//!
//! Text is set in Helvetica and Symbol, two of the fonts that every reader of PDF has (ISO
//! 32000-1, 9.6.2.2); their widths are in `pdf/widths.rs`. Absent: pictures, and letters that
//! neither font has, for which a question mark stands.

mod widths;

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle, FontTransform,
};

use self::widths::{Face, Piece, pieces};

/// Points (1/72 inch) in a unit of a tenth of a pixel.
const SCALE: f32 = 0.075;
/// The share of a radius at which the handles of a quarter of a circle lie.
const HANDLE: f32 = 0.552_284_7;

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

/// A page that is being drawn.
pub(super) struct Page {
    size: (u32, u32),
    content: Content,
    /// The opacities that were used, in percent.
    opacities: BTreeSet<u8>,
}

impl Page {
    /// An empty page, in units.
    pub(super) fn new(size: (u32, u32)) -> Self {
        let mut content = Content::new();
        content.set_line_cap(LineCapStyle::ButtCap);
        content.set_line_join(LineJoinStyle::MiterJoin);
        Self {
            size,
            content,
            opacities: BTreeSet::new(),
        }
    }

    /// The bytes of the file. There is no date in it.
    pub(super) fn finish(self, title: &str) -> Vec<u8> {
        let [catalog, pages, page, content, info] = [1, 2, 3, 4, 5].map(Ref::new);
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        pdf.document_info(info)
            .title(TextStr(title))
            .producer(TextStr("tailsweep"));

        let fonts = [Face::Plain, Face::Bold, Face::Symbol];
        let font_ref = |index: usize| Ref::new(6 + index as i32);
        let state_ref = |index: usize| Ref::new(6 + (fonts.len() + index) as i32);
        let (width, height) = (self.size.0 as f32 * SCALE, self.size.1 as f32 * SCALE);
        let mut sheet = pdf.page(page);
        sheet
            .media_box(Rect::new(0.0, 0.0, width, height))
            .parent(pages)
            .contents(content);
        let mut resources = sheet.resources();
        let mut dict = resources.fonts();
        for (index, face) in fonts.iter().enumerate() {
            dict.pair(Name(face.name()), font_ref(index));
        }
        dict.finish();
        let mut dict = resources.ext_g_states();
        for (index, opacity) in self.opacities.iter().enumerate() {
            dict.pair(Name(state_name(*opacity).as_bytes()), state_ref(index));
        }
        dict.finish();
        resources.finish();
        sheet.finish();

        for (index, face) in fonts.iter().enumerate() {
            let mut font = pdf.type1_font(font_ref(index));
            font.base_font(Name(face.base_font()));
            if *face != Face::Symbol {
                font.encoding_predefined(Name(b"WinAnsiEncoding"));
            }
        }
        for (index, opacity) in self.opacities.iter().enumerate() {
            let share = f32::from(*opacity) / 100.0;
            pdf.ext_graphics(state_ref(index))
                .stroking_alpha(share)
                .non_stroking_alpha(share);
        }
        let packed = packed(&self.content.finish());
        pdf.stream(content, &packed).filter(Filter::FlateDecode);
        pdf.finish()
    }

    fn x(&self, x: i32) -> f32 {
        x as f32 * SCALE
    }

    /// Upwards, as PDF has it.
    fn y(&self, y: i32) -> f32 {
        (self.size.1 as i32 - y) as f32 * SCALE
    }

    fn ink(&mut self, colour: BackendColor) {
        let (red, green, blue) = colour.rgb;
        let [red, green, blue] = [red, green, blue].map(|part| f32::from(part) / 255.0);
        let opacity = (colour.alpha * 100.0).round().clamp(0.0, 100.0) as u8;
        self.opacities.insert(opacity);
        let name = state_name(opacity);
        self.content.set_parameters(Name(name.as_bytes()));
        self.content.set_fill_rgb(red, green, blue);
        self.content.set_stroke_rgb(red, green, blue);
    }

    fn pen<S: BackendStyle>(&mut self, style: &S) {
        self.ink(style.color());
        self.content
            .set_line_width(style.stroke_width() as f32 * SCALE);
    }

    fn trace(&mut self, places: impl IntoIterator<Item = BackendCoord>) {
        for (index, (x, y)) in places.into_iter().enumerate() {
            let (x, y) = (self.x(x), self.y(y));
            match index {
                0 => self.content.move_to(x, y),
                _ => self.content.line_to(x, y),
            };
        }
    }

    fn paint(&mut self, fill: bool) {
        if fill {
            self.content.fill_nonzero();
        } else {
            self.content.stroke();
        }
    }
}

fn state_name(opacity: u8) -> String {
    format!("A{opacity}")
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .expect("writing into memory cannot fail")
}

impl DrawingBackend for Page {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.pen(style);
        let (x, y) = (self.x(left), self.y(bottom));
        let (width, height) = (self.x(right) - x, self.y(top) - y);
        self.content.rect(x, y, width, height);
        self.paint(fill);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.pen(style);
        self.trace(path);
        self.paint(false);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.pen(style);
        let (x, y, r) = (self.x(x), self.y(y), radius as f32 * SCALE);
        let h = r * HANDLE;
        self.content
            .move_to(x + r, y)
            .cubic_to(x + r, y + h, x + h, y + r, x, y + r)
            .cubic_to(x - h, y + r, x - r, y + h, x - r, y)
            .cubic_to(x - r, y - h, x - h, y - r, x, y - r)
            .cubic_to(x + h, y - r, x + r, y - h, x + r, y)
            .close_path();
        self.paint(fill);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.ink(style.color());
        self.trace(corners);
        self.content.close_path();
        self.paint(true);
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        self.ink(style.color());
        // As the SVG backend of plotters does.
        let size = (style.size() / 1.24) as f32 * SCALE;
        let bold = matches!(style.style(), FontStyle::Bold);
        let pieces = pieces(text, bold);
        let width = size * pieces.iter().map(Piece::width).sum::<f32>();
        let along = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -0.5 * width,
            HPos::Right => -width,
        };
        // Half the height of an x.
        let below = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.26,
            VPos::Bottom => -0.26,
        } * size;
        let (x, y) = (self.x(x), self.y(y));
        let matrix = match style.transform() {
            FontTransform::Rotate270 => [0.0, 1.0, -1.0, 0.0, x + below, y + along],
            FontTransform::Rotate90 => [0.0, -1.0, 1.0, 0.0, x - below, y - along],
            FontTransform::Rotate180 => [-1.0, 0.0, 0.0, -1.0, x - along, y + below],
            _ => [1.0, 0.0, 0.0, 1.0, x + along, y - below],
        };
        self.content.begin_text().set_text_matrix(matrix);
        for piece in &pieces {
            self.content
                .set_font(Name(piece.face.name()), size * piece.scale)
                .set_rise(size * piece.rise)
                .show(Str(&piece.codes));
        }
        self.content.end_text();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::{Color, RGBColor};

    use super::*;

    #[test]
    fn a_page_is_a_file_of_pdf_with_its_size_in_points() {
        let mut page = Page::new((4000, 2000));
        let style = RGBColor(1, 2, 3).mix(0.5).filled();
        page.draw_rect((0, 0), (10, 10), &style, true).unwrap();
        let bytes = page.finish("α over depth");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("%PDF-1.") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 300 150]"), "{text}");
        assert!(text.contains("/ca 0.5") && text.contains("/Symbol"));
    }
}
