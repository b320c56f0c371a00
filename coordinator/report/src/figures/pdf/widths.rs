//! How wide the letters of Helvetica and Symbol are, in thousandths of the size of the font, and
//! under which codes they are found. Source: the metrics of the 14 standard fonts of PDF (Adobe
//! Core 14 AFM).

/// A font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Bold,
    Symbol,
}

impl Face {
    /// Its name among the resources of a page.
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::Plain => b"F0",
            Self::Bold => b"F1",
            Self::Symbol => b"F2",
        }
    }

    /// Its own name.
    pub(super) fn base_font(self) -> &'static [u8] {
        match self {
            Self::Plain => b"Helvetica",
            Self::Bold => b"Helvetica-Bold",
            Self::Symbol => b"Symbol",
        }
    }
}

/// Letters of one font that follow one another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) face: Face,
    pub(super) codes: Vec<u8>,
    thousandths: u32,
    /// Of the size of the text.
    pub(super) scale: f32,
    /// Above the base line, as a share of the size of the text.
    pub(super) rise: f32,
}

impl Piece {
    /// As a share of the size of the text.
    pub(super) fn width(&self) -> f32 {
        self.scale * self.thousandths as f32 / 1000.0
    }
}

/// A text by fonts.
pub(super) fn pieces(text: &str, bold: bool) -> Vec<Piece> {
    let latin = if bold { Face::Bold } else { Face::Plain };
    let mut pieces: Vec<Piece> = Vec::new();
    for letter in text.chars() {
        let (face, code, width, scale, rise) = match (symbol(letter), subscript(letter)) {
            (Some((code, width)), _) => (Face::Symbol, code, width, 1.0, 0.0),
            (None, Some(digit)) => (latin, digit, 556, 0.62, -0.14),
            (None, None) => {
                let (code, width) = self::latin(letter, bold);
                (latin, code, width, 1.0, 0.0)
            }
        };
        match pieces.last_mut() {
            Some(piece) if piece.face == face && piece.rise == rise => {
                piece.codes.push(code);
                piece.thousandths += u32::from(width);
            }
            _ => pieces.push(Piece {
                face,
                codes: vec![code],
                thousandths: width.into(),
                scale,
                rise,
            }),
        }
    }
    pieces
}

/// The code and width in Symbol.
fn symbol(letter: char) -> Option<(u8, u16)> {
    Some(match letter {
        'α' => (0x61, 631),
        'β' => (0x62, 549),
        'γ' => (0x67, 411),
        'ε' => (0x65, 439),
        'η' => (0x68, 603),
        'θ' => (0x71, 521),
        'λ' => (0x6c, 549),
        'μ' => (0x6d, 576),
        'π' => (0x70, 549),
        'σ' => (0x73, 603),
        'τ' => (0x74, 439),
        '−' => (0x2d, 549),
        '≤' => (0xa3, 549),
        '∞' => (0xa5, 713),
        '≥' => (0xb3, 549),
        '→' => (0xae, 987),
        '√' => (0xd6, 549),
        '′' => (0xa2, 247),
        _ => return None,
    })
}

/// The digit that stands in small below the line.
fn subscript(letter: char) -> Option<u8> {
    let digit = u32::from(letter).checked_sub(u32::from('₀'))?;
    (digit < 10).then_some(b'0' + digit as u8)
}

/// The code in WinAnsiEncoding and the width in Helvetica.
fn latin(letter: char, bold: bool) -> (u8, u16) {
    let pick = |plain, heavy| if bold { heavy } else { plain };
    match letter {
        ' '..='~' => {
            let code = letter as u8;
            let widths = if bold { &BOLD } else { &PLAIN };
            (code, widths[usize::from(code - b' ')])
        }
        '…' => (0x85, 1000),
        '‘' => (0x91, pick(222, 278)),
        '’' => (0x92, pick(222, 278)),
        '“' => (0x93, pick(333, 500)),
        '”' => (0x94, pick(333, 500)),
        '–' => (0x96, 556),
        '—' => (0x97, 1000),
        '\u{a0}' => (0xa0, 278),
        '±' => (0xb1, 584),
        '²' => (0xb2, 333),
        '³' => (0xb3, 333),
        '·' => (0xb7, 278),
        '½' => (0xbd, 834),
        '×' => (0xd7, 584),
        _ => latin('?', bold),
    }
}

/// Of space to tilde.
#[rustfmt::skip]
const PLAIN: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

#[rustfmt::skip]
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_the_font_changes() {
        let pieces = pieces("late α, K₁ ±2", false);
        let faces: Vec<Face> = pieces.iter().map(|piece| piece.face).collect();
        use Face::{Plain, Symbol};
        assert_eq!(faces, [Plain, Symbol, Plain, Plain, Plain]);
        assert_eq!(pieces[1].codes, [0x61]);
        assert_eq!(pieces[3].codes, *b"1");
        assert!(pieces[3].rise < 0.0);
        assert_eq!(pieces[4].codes, [b' ', 0xb1, b'2']);
        assert_eq!(
            pieces[0].width(),
            (222 + 556 + 278 + 556 + 278) as f32 / 1000.0
        );
    }

    #[test]
    fn letters_that_no_font_has_are_question_marks() {
        assert_eq!(pieces("漢", true)[0].codes, *b"?");
    }
}
