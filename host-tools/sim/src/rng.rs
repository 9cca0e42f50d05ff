//! Randomness of a simulated chip: ChaCha20, seeded by the operating system or, for reproducible runs, by a number.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Infallible, Rng, SeedableRng, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// The generator. (card.md D-59)
#[derive(Clone)]
pub struct SimRng(ChaCha20Rng);

impl SimRng {
    /// Seeded by the operating system.
    ///
    /// # Errors
    /// Where the operating system has no randomness to give.
    pub fn from_os() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut())?;
        Ok(SimRng(ChaCha20Rng::from_seed(*seed)))
    }

    /// The same numbers each time. For tests and reproducible worlds only: whoever knows the seed knows every key.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        SimRng(ChaCha20Rng::seed_from_u64(seed))
    }
}

impl std::fmt::Debug for SimRng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimRng(..)")
    }
}

impl TryRng for SimRng {
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

impl TryCryptoRng for SimRng {}

/// `SimRng` is a `CryptoRng` through the blanket implementation; this line fails to compile if it stops being one.
const _: fn() = || {
    fn is_crypto<R: CryptoRng>() {}
    is_crypto::<SimRng>();
};
