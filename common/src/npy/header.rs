//! The header: a length, then a Python dictionary of three entries, written as text.

use super::{MAGIC, NpyError, python};

/// More axes than NumPy knows, and than a header of version 1 has room for.
const MOST_AXES: usize = 1000;

/// What the header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header<'a> {
    /// The type as it stands there: `<f4`, or a list for records.
    pub(super) descr: &'a str,
    /// Whether the first index is fastest.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

impl<'a> Header<'a> {
    /// The header, and the bytes behind it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), NpyError> {
        let ends = NpyError::Header("the file ends in it");
        let rest = bytes.strip_prefix(MAGIC).ok_or(NpyError::NotNpy)?;
        let Some((&[major, _minor], rest)) = rest.split_first_chunk() else {
            return Err(ends);
        };
        let split = match major {
            1 => rest
                .split_first_chunk()
                .map(|(len, rest)| (u32::from(u16::from_le_bytes(*len)), rest)),
            2 | 3 => rest
                .split_first_chunk()
                .map(|(len, rest)| (u32::from_le_bytes(*len), rest)),
            _ => return Err(NpyError::Version(major)),
        };
        let split = split.and_then(|(len, rest)| rest.split_at_checked(usize::try_from(len).ok()?));
        let Some((text, data)) = split else {
            return Err(ends);
        };
        let text = std::str::from_utf8(text).map_err(|_| NpyError::Header("it is no text"))?;
        let header = Text(text).header().ok_or(NpyError::Header(
            "it is no dictionary of type, order and shape",
        ))?;
        Ok((header, data))
    }
}

/// The header of version 1 of an array in the order of C.
///
/// # Panics
///
/// If there are more than [`MOST_AXES`] axes.
pub(super) fn written(descr: &str, shape: &[usize]) -> Vec<u8> {
    assert!(shape.len() <= MOST_AXES, "an array of {} axes", shape.len());
    let mut text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': {}, }}",
        python(shape)
    );
    // Spaces and a line end, so that the values begin at a multiple of 64 bytes.
    let before = MAGIC.len() + 4;
    let unpadded = before + text.len() + 1;
    text.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let len = u16::try_from(text.len()).expect("so many axes take less than 64 KiB");
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend(len.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// What is left of the text.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// The whole dictionary; its entries come in any order.
    fn header(mut self) -> Option<Header<'a>> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.take("{")?;
        while self.take("}").is_none() {
            let key = self.quoted()?;
            self.take(":")?;
            match key {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran_order = Some(self.truth()?),
                "shape" => shape = Some(self.shape()?),
                _ => return None,
            }
            if self.take(",").is_none() {
                self.take("}")?;
                break;
            }
        }
        self.0.trim().is_empty().then_some(())?;
        Some(Header {
            descr: descr?,
            fortran_order: fortran_order?,
            shape: shape?,
        })
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (quoted, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        Some(quoted)
    }

    /// A quoted type, or the list that tells the fields of a record.
    fn descr(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        if !text.starts_with('[') {
            return self.quoted();
        }
        let mut depth = 0;
        let end = text.find(|c| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        self.0 = &text[end + 1..];
        Some(&text[..=end])
    }

    fn truth(&mut self) -> Option<bool> {
        match self.take("True") {
            Some(()) => Some(true),
            None => self.take("False").map(|()| false),
        }
    }

    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        self.take("(")?;
        while self.take(")").is_none() {
            let text = self.0.trim_start();
            let end = text.find(|c: char| !c.is_ascii_digit())?;
            shape.push(text[..end].parse().ok()?);
            self.0 = &text[end..];
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
        }
        Some(shape)
    }
}
