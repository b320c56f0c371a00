//! Counts of neighbouring bins in few bits: Rice codes of what is not foreseen.
//!
//! A count c is foreseen as the mean p of the two before, rounded down (before the first ones, 0).
//! What is left, c − p = 0, −1, 1, −2, 2, … becomes r = 0, 1, 2, 3, 4, …; with k the bits of ⌊√p⌋,
//! for a count varies by about the root of its mean, the code is r div 2^k ones, a zero, and the k low
//! bits of r, the highest first. Where that would be more than 31 ones, it is 32 ones and then the 64
//! bits of c. Bytes are filled from their highest bit on; zeros fill the last one.
//!
//! This takes about 7 bits for each bin of the histogram of a network's noise, where numbers of
//! variable length take 11 after compression by zlib, and does not depend on a compressor.
//!
//! Source: R. F. Rice, "Some practical universal noiseless coding techniques", JPL Publication 79-22,
//! 1979.

/// From here on a count is written as it is.
const MOST_ONES: u64 = 32;

/// The two counts before one.
#[derive(Default)]
struct Before([u64; 2]);

impl Before {
    fn foreseen(&self) -> u64 {
        self.0[0] / 2 + self.0[1] / 2 + (self.0[0] & self.0[1] & 1)
    }

    /// The low bits of r.
    fn low_bits(&self) -> u32 {
        u64::BITS - self.foreseen().isqrt().leading_zeros()
    }

    fn push(&mut self, count: u64) {
        self.0 = [self.0[1], count];
    }
}

/// The code of these counts.
pub(crate) fn encode(counts: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut bits = Writer::default();
    let mut before = Before::default();
    for count in counts {
        let (foreseen, low) = (before.foreseen(), before.low_bits());
        let distance = count.abs_diff(foreseen);
        // 2·distance needs 65 bits.
        let rest = 2 * u128::from(distance) - u128::from(count < foreseen);
        match u64::try_from(rest >> low) {
            Ok(ones) if ones < MOST_ONES => {
                bits.ones(ones);
                bits.write(0, 1);
                bits.write(rest as u64, low);
            }
            _ => {
                bits.ones(MOST_ONES);
                bits.write(count, u64::BITS);
            }
        }
        before.push(count);
    }
    bits.bytes
}

/// The `len` counts of a code, if it is that of so many, none beyond 2⁵³.
pub(crate) fn decode(code: &[u8], len: usize) -> Option<Vec<u64>> {
    // Each takes a bit at least: no table is made that the code can't fill.
    if len > code.len().saturating_mul(8) {
        return None;
    }
    let mut bits = Reader { code, next: 0 };
    let mut before = Before::default();
    let mut counts = Vec::with_capacity(len);
    for _ in 0..len {
        let (foreseen, low) = (before.foreseen(), before.low_bits());
        let mut ones = 0;
        while ones < MOST_ONES && bits.read(1)? == 1 {
            ones += 1;
        }
        let count = if ones == MOST_ONES {
            bits.read(u64::BITS)?
        } else {
            let rest = ones << low | bits.read(low)?;
            let distance = rest.div_ceil(2);
            match rest % 2 {
                0 => foreseen.checked_add(distance)?,
                _ => foreseen.checked_sub(distance)?,
            }
        };
        if count > 1 << 53 {
            return None;
        }
        before.push(count);
        counts.push(count);
    }
    let unused = code.len() * 8 - bits.next;
    (unused < 8 && bits.read(unused as u32)? == 0).then_some(counts)
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// Bits of the last byte that are free.
    free: u32,
}

impl Writer {
    fn ones(&mut self, number: u64) {
        self.write(u64::MAX, number as u32);
    }

    /// Appends the low bits of a word, the highest of them first; at most 64.
    fn write(&mut self, word: u64, number: u32) {
        for index in (0..number).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((word >> index & 1) as u8) << self.free;
            }
        }
    }
}

struct Reader<'a> {
    code: &'a [u8],
    /// The next bit.
    next: usize,
}

impl Reader<'_> {
    /// The next bits as the low ones of a word, if there are so many; at most 64.
    fn read(&mut self, number: u32) -> Option<u64> {
        (0..number).try_fold(0, |word, _| {
            let byte = self.code.get(self.next / 8)?;
            let bit = byte >> (7 - self.next % 8) & 1;
            self.next += 1;
            Some(word << 1 | u64::from(bit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_back() {
        let smooth = (1..3000_u64).map(|bin| 1 + bin * (3000 - bin) / 37);
        let cases: [Vec<u64>; 5] = [
            vec![],
            vec![1; 100],
            vec![1, 1 << 53, 1, 2, 1 << 52, 3],
            smooth.collect(),
            (0..500).map(|bin| bin * 7919 % 97 + 1).collect(),
        ];
        for counts in cases {
            let code = encode(counts.iter().copied());
            assert_eq!(decode(&code, counts.len()), Some(counts));
        }
    }

    #[test]
    fn counts_that_vary_by_their_root_take_few_bits() {
        // ±√c about a mean of 900: 5 bits of √c, a sign, and what the code costs.
        let counts = (0..8000_u64).map(|bin| 870 + bin * 48_271 % 61);
        let code = encode(counts);
        assert!(code.len() < 8000 * 8 / 8, "{}", code.len());
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let code = encode([5, 6, 7, 8].into_iter());
        assert_eq!(decode(&code, 3), None, "bits are left");
        assert_eq!(decode(&code, 400), None, "bits are missing");
        assert_eq!(decode(&code[..1], 4), None);
        assert_eq!(decode(&[0xff; 12], 1), None, "2⁶⁴ − 1");
        assert_eq!(decode(&[0b1000_0000], 1), None, "less than nothing");
        assert_eq!(decode(&[], usize::MAX), None);
        assert_eq!(decode(&[], 0), Some(vec![]));
    }
}
