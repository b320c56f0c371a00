//! A small generator of 64-bit words.

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, period 2⁶⁴, every state allowed.
///
/// For samples in tests, simulations and permutations; a seed names a stream, the same on every
/// machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next word.
    pub fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_published_ones() {
        let mut words = SplitMix64::new(0);
        assert_eq!(words.next_word(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(words.next_word(), 0x6e78_9e6a_a1b9_65f4);
    }
}
