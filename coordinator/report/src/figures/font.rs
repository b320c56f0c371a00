//! The letters of figures: Liberation Sans, cut down to the letters of European languages and the
//! signs that figures use, and named otherwise, as its licence asks (`font/OFL.txt`).
//!
//! Its letters are as wide as those of Helvetica and Arial, the first choices of the SVGs.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

/// A font, parsed once.
pub(super) struct Font {
    /// Its own name.
    pub(super) name: &'static str,
    pub(super) file: &'static [u8],
    pub(super) face: Face<'static>,
}

pub(super) static PLAIN: LazyLock<Font> = LazyLock::new(|| {
    let file = include_bytes!("font/regular.ttf");
    Font::new("TailsweepSans-Regular", file)
});

pub(super) static BOLD: LazyLock<Font> = LazyLock::new(|| {
    let file = include_bytes!("font/bold.ttf");
    Font::new("TailsweepSans-Bold", file)
});

impl Font {
    fn new(name: &'static str, file: &'static [u8]) -> Self {
        let face = Face::parse(file, 0).expect("the font in the program is whole");
        Self { name, file, face }
    }

    /// The shape of a letter; that of a question mark for one that it does not have.
    pub(super) fn glyph(&self, letter: char) -> GlyphId {
        let question = || self.face.glyph_index('?');
        let known = self.face.glyph_index(letter).or_else(question);
        known.expect("the font has a question mark")
    }

    /// How wide a shape is, as a share of the size.
    pub(super) fn advance(&self, glyph: GlyphId) -> f32 {
        let units = f32::from(self.face.units_per_em());
        f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) / units
    }

    /// How wide a text is, as a share of the size.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars()
            .map(|letter| self.advance(self.glyph(letter)))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_as_wide_as_those_of_helvetica() {
        // Adobe Core 14 AFM: l 222, a 556, space 278; in bold 278, 556, 278.
        for (font, width) in [(&PLAIN, 1.056), (&BOLD, 1.112)] {
            assert!((font.width("la ") - width).abs() < 2e-3);
        }
    }

    #[test]
    fn the_signs_of_figures_have_shapes_and_others_a_question_mark() {
        for font in [&PLAIN, &BOLD] {
            let unknown = font.glyph('漢');
            assert_eq!(unknown, font.glyph('?'));
            for sign in "αβγεηθλμπστ−≤≥∞→√′±²³½×·–…’₁é".chars()
            {
                assert_ne!(font.glyph(sign), unknown, "{sign}");
            }
        }
    }
}
