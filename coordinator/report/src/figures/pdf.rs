//! Pages of PDF that plotters draws on: vectors, and text in a font that is inside the file.
//!
//! Papers are refused with fonts that are not embedded, so the whole (small) font of `font.rs` is,
//! and the text can be searched. Absent: pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{
    CidFontType, FontFlags, LineCapStyle, LineJoinStyle, SystemInfo, UnicodeCmap,
};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle, FontTransform,
};
use ttf_parser::GlyphId;

use super::font::{BOLD, Font, PLAIN};

/// Points (1/72 inch) in a unit of a tenth of a pixel: text of 12.5 pixels is text of 8 points.
pub(super) const SCALE: f32 = 0.064;
/// The share of a radius at which the handles of a quarter of a circle lie.
const HANDLE: f32 = 0.552_284_7;

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

/// A page that is being drawn.
pub(super) struct Page {
    size: (u32, u32),
    content: Content,
    /// The opacities that were used, in percent.
    opacities: BTreeSet<u8>,
    /// The shapes that were used, plain and bold, with their letters.
    letters: [Letters; 2],
}

type Letters = BTreeMap<u16, char>;

/// Their names among the resources of a page.
const FONTS: [&[u8]; 2] = [b"F0", b"F1"];

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
            letters: Default::default(),
        }
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

/// The bytes of the file. There is no date in it.
pub(super) fn file(title: &str, pages: Vec<Page>) -> Vec<u8> {
    let mut last = 0;
    let mut next = || {
        last += 1;
        Ref::new(last)
    };
    let [catalog, tree, info] = [(); 3].map(|()| next());
    let mut pdf = Pdf::new();
    // What pdfTeX includes without a warning.
    pdf.set_version(1, 5);
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info)
        .title(TextStr(title))
        .producer(TextStr("tailsweep"));
    let mut letters: [Letters; 2] = Default::default();
    let mut states = BTreeMap::new();
    for page in &pages {
        for (all, own) in letters.iter_mut().zip(&page.letters) {
            all.extend(own);
        }
        for opacity in &page.opacities {
            states.entry(*opacity).or_insert_with(&mut next);
        }
    }
    let fonts = letters
        .each_ref()
        .map(|letters| (!letters.is_empty()).then(&mut next));
    let numbers: Vec<[Ref; 2]> = pages.iter().map(|_| [next(), next()]).collect();
    pdf.pages(tree)
        .kids(numbers.iter().map(|[page, _]| *page))
        .count(pages.len() as i32);
    for (page, [number, content]) in pages.into_iter().zip(numbers) {
        let (width, height) = (page.size.0 as f32 * SCALE, page.size.1 as f32 * SCALE);
        let mut sheet = pdf.page(number);
        sheet
            .media_box(Rect::new(0.0, 0.0, width, height))
            .parent(tree)
            .contents(content);
        let mut resources = sheet.resources();
        let mut dict = resources.fonts();
        for (name, font) in FONTS.iter().zip(fonts) {
            font.map(|font| dict.pair(Name(name), font));
        }
        dict.finish();
        let mut dict = resources.ext_g_states();
        for (opacity, state) in &states {
            dict.pair(Name(state_name(*opacity).as_bytes()), *state);
        }
        dict.finish();
        resources.finish();
        sheet.finish();
        let packed = packed(&page.content.finish());
        pdf.stream(content, &packed).filter(Filter::FlateDecode);
    }
    for (opacity, state) in states {
        let share = f32::from(opacity) / 100.0;
        pdf.ext_graphics(state)
            .stroking_alpha(share)
            .non_stroking_alpha(share);
    }
    for ((font, number), letters) in [&PLAIN, &BOLD].into_iter().zip(fonts).zip(&letters) {
        if let Some(number) = number {
            embed(&mut pdf, font, number, [(); 4].map(|()| next()), letters);
        }
    }
    pdf.finish()
}

/// Writes a font: its shapes, how wide those that are used are, and which letters they stand for
/// (ISO 32000-1, 9.7).
fn embed(pdf: &mut Pdf, font: &Font, number: Ref, others: [Ref; 4], letters: &Letters) {
    let [cid, descriptor, file, unicode] = others;
    let name = Name(font.name.as_bytes());
    let system = SystemInfo {
        registry: Str(b"Adobe"),
        ordering: Str(b"Identity"),
        supplement: 0,
    };
    pdf.type0_font(number)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(unicode);
    let mut described = pdf.cid_font(cid);
    described
        .subtype(CidFontType::Type2)
        .base_font(name)
        .system_info(system)
        .font_descriptor(descriptor)
        .cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = described.widths();
    for glyph in letters.keys() {
        let width = 1000.0 * font.advance(GlyphId(*glyph));
        widths.consecutive(*glyph, [width]);
    }
    widths.finish();
    described.finish();
    let thousandths = |units: i16| 1000.0 * f32::from(units) / f32::from(font.face.units_per_em());
    let bounds = font.face.global_bounding_box();
    let [left, bottom, right, top] =
        [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(thousandths);
    let height = font.face.capital_height().unwrap_or(font.face.ascender());
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(thousandths(font.face.ascender()))
        .descent(thousandths(font.face.descender()))
        .cap_height(thousandths(height))
        .stem_v(80.0)
        .font_file2(file);
    pdf.stream(file, &packed(font.file))
        .filter(Filter::FlateDecode)
        .pair(Name(b"Length1"), font.file.len() as i32);
    let mut map = UnicodeCmap::new(Name(b"Letters"), system);
    for (glyph, letter) in letters {
        map.pair(*glyph, *letter);
    }
    pdf.cmap(unicode, &map.finish());
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
        let bold = usize::from(matches!(style.style(), FontStyle::Bold));
        let font: &Font = [&PLAIN, &BOLD][bold];
        let width = size * font.width(text);
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
        let mut shapes = Vec::with_capacity(2 * text.len());
        for letter in text.chars() {
            let glyph = font.glyph(letter);
            self.letters[bold].entry(glyph.0).or_insert(letter);
            shapes.extend(glyph.0.to_be_bytes());
        }
        self.content
            .begin_text()
            .set_text_matrix(matrix)
            .set_font(Name(FONTS[bold]), size)
            .show(Str(&shapes))
            .end_text();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::{Color, IntoFont, RGBColor};

    use super::*;

    #[test]
    fn a_file_has_its_pages_in_points_and_its_fonts_inside() {
        let mut first = Page::new((4000, 2000));
        let style = RGBColor(1, 2, 3).mix(0.5).filled();
        first.draw_rect((0, 0), (10, 10), &style, true).unwrap();
        let style = ("sans-serif", 100.0).into_font().color(&RGBColor(0, 0, 0));
        first.draw_text("α over K₁", &style, (5, 5)).unwrap();
        let bytes = file("α over depth", vec![first, Page::new((1000, 500))]);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("%PDF-1.") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 256 128]"), "{text}");
        assert!(text.contains("/MediaBox [0 0 64 32]") && text.contains("/Count 2"));
        assert!(text.contains("/ca 0.5"));
        assert!(text.contains("/FontFile2") && text.contains("TailsweepSans-Regular"));
        assert!(!text.contains("TailsweepSans-Bold"), "nothing is bold");
        // The letter α, so that the text can be searched.
        assert!(text.contains("<03B1>"), "{text}");
    }
}
