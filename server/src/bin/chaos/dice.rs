//! Everything that is left to chance, drawn from one printed seed (SplitMix64).

use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of one's own, so that what others throw does not matter.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.throw())
    }

    /// 0 ..< `sides`, which must not be 0.
    pub(crate) fn below(&mut self, sides: u32) -> u32 {
        u32::try_from(self.throw() % u64::from(sides)).unwrap_or(0)
    }

    pub(crate) fn percent(&mut self, share: u32) -> bool {
        self.below(100) < share
    }

    /// A moment between two numbers of milliseconds.
    pub(crate) fn ms(&mut self, from: u32, to: u32) -> Duration {
        let micros = u64::from(from) * 1_000 + u64::from(self.below((to - from).max(1) * 1_000));
        Duration::from_micros(micros)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
