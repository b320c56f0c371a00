//! What plotters draws on: an SVG or a page of PDF.

use std::io;

use plotters::backend::SVGBackend;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::pdf::Page;

pub(super) enum Sheet<'a> {
    Svg(SVGBackend<'a>),
    Pdf(&'a mut Page),
}

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

/// Calls the same method of either.
macro_rules! either {
    ($sheet:ident . $method:ident ( $($argument:expr),* )) => {
        match $sheet {
            Self::Svg(svg) => svg.$method($($argument),*),
            Self::Pdf(page) => page.$method($($argument),*),
        }
    };
}

impl DrawingBackend for Sheet<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        either!(self.get_size())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        either!(self.ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        either!(self.present())
    }

    fn draw_pixel(&mut self, place: BackendCoord, colour: BackendColor) -> Drawn {
        either!(self.draw_pixel(place, colour))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        either!(self.draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        either!(self.draw_rect(from, to, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        either!(self.draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        either!(self.draw_circle(center, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        either!(self.fill_polygon(corners, style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        place: BackendCoord,
    ) -> Drawn {
        either!(self.draw_text(text, style, place))
    }
}
