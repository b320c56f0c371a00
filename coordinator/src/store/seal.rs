//! A chain over the lines of the journal.
//!
//! Each line carries the CRC-32 of its text and of the seal before it, so a line that changed,
//! went missing or moved is noticed when the journal is read at a start, and named. It is no
//! protection against somebody who wants to deceive.

use flate2::Crc;

/// The seal of the last line so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seal(u32);

impl Seal {
    /// The seal of the line that comes next.
    pub(super) fn next(self, body: &str) -> Self {
        let mut crc = Crc::new();
        crc.update(&self.0.to_le_bytes());
        crc.update(body.as_bytes());
        Self(crc.sum())
    }

    /// As it is stored.
    pub(super) fn stored(self) -> i64 {
        i64::from(self.0)
    }

    /// What was stored; nothing if it is none.
    pub(super) fn of(stored: i64) -> Option<Self> {
        u32::try_from(stored).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_a_gap_and_an_exchange_are_noticed() {
        let seal = |lines: &[&str]| {
            let chained = lines
                .iter()
                .fold(Seal::default(), |seal, line| seal.next(line));
            chained.stored()
        };
        let whole = seal(&["a", "b", "c"]);
        for other in [
            &["a", "B", "c"][..],
            &["a", "c"],
            &["b", "a", "c"],
            &["a", "b"],
        ] {
            assert_ne!(seal(other), whole, "{other:?}");
        }
        assert_eq!(Seal::of(whole).map(Seal::stored), Some(whole));
        assert_eq!(Seal::of(-1), None);
    }
}
