//! Randomness by a seed: the simulator's, so that both cards of a pair draw the same numbers. A chip has a source of its own in its
//! place.

use rand_chacha::ChaCha20Rng;
use rand_core::{Infallible, Rng, SeedableRng, TryCryptoRng, TryRng};

/// ChaCha20.
pub(super) struct Random(ChaCha20Rng);

impl Random {
    /// The same numbers for the same seed.
    pub(super) fn seeded(seed: u64) -> Self {
        Random(ChaCha20Rng::seed_from_u64(seed))
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(out);
        Ok(())
    }
}

impl TryCryptoRng for Random {}
