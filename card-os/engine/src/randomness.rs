//! Random numbers, from a source that is not believed blindly.

use crate::{
    key::EngineError,
    limb,
    natural::{self, Natural},
};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// The first 64 bits of √2 · 2^(k−1), rounded up. A k-bit number that begins with these or more is no less than √2 · 2^(k−1);
/// one in 2⁶³ that also were is refused.
const SQRT_2: u64 = 0xB504_F333_F9DE_6485;

/// How often a number is drawn before the source is to blame. Six of ten draws fit, so this fails once in 2¹⁶².
const TRIES: usize = 128;

/// Equal bytes in a row that are no chance.
const REPEATED: usize = 16;

/// Big-endian bytes of a number of N limbs.
type Bytes<const N: usize> = [[u8; limb::BYTES]; N];

/// Numbers of N limbs from a source of randomness. A source that repeats itself is refused: each draw is compared, together
/// with the one before, with itself at all distances. That finds bytes that stand still and blocks that come again, if they
/// are no longer than the two; it is no judgement on entropy, which is the source's own business.
pub struct Source<'a, const N: usize, R> {
    rng: &'a mut R,
    /// The draw before the last, and the last.
    draws: Zeroizing<[Bytes<N>; 2]>,
    /// Whether there was one before the last.
    twice: bool,
}

impl<const N: usize, R> core::fmt::Debug for Source<'_, N, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Source(..)")
    }
}

impl<'a, const N: usize, R: TryCryptoRng> Source<'a, N, R> {
    /// Bytes become numbers in an order that does not depend on the limbs of the target.
    #[must_use]
    pub fn new(rng: &'a mut R) -> Self {
        Source { rng, draws: Zeroizing::new([[[0; limb::BYTES]; N]; 2]), twice: false }
    }

    /// A number of N limbs.
    fn draw(&mut self) -> Result<Zeroizing<Natural<N>>, EngineError> {
        let [before, last] = &mut *self.draws;
        *before = *last;
        self.rng.try_fill_bytes(last.as_flattened_mut()).map_err(|_| EngineError::Randomness)?;
        let all = self.draws.as_flattened().as_flattened();
        let (_, last) = all.split_at(N * limb::BYTES);
        if repeats(if self.twice { all } else { last }) {
            return Err(EngineError::Randomness);
        }
        self.twice = true;
        natural::from_be_bytes(last).map(Zeroizing::new).ok_or(EngineError::Randomness)
    }

    /// An odd number, uniform among those between √2 · 2^(k−1) and 2^k with room for an interval above, for k bits.
    /// (FIPS 186-5 A.1.3, steps 4.2 to 4.4)
    ///
    /// # Errors
    /// [`EngineError::Randomness`].
    #[allow(clippy::useless_conversion, reason = "limbs have 64 bits on some targets only")]
    pub fn start(&mut self) -> Result<Zeroizing<Natural<N>>, EngineError> {
        for _ in 0..TRIES {
            let mut number = self.draw()?;
            if let Some(last) = number.last_mut() {
                // Numbers below half of the range never fit.
                *last |= 1 << (limb::BITS - 1);
            }
            if let Some(first) = number.first_mut() {
                *first |= 1;
            }
            let top = number.iter().rev().take(64 / limb::BITS as usize);
            // In two shifts, since a limb may be all of the 64 bits.
            let top = top.fold(0, |top, limb| (top << (limb::BITS - 1) << 1) | u64::from(*limb));
            if (SQRT_2..u64::MAX).contains(&top) {
                return Ok(number);
            }
        }
        Err(EngineError::Randomness)
    }

    /// A number above one and below `bound`, whose top bit is set. (FIPS 186-5 B.3.1, steps 4.1 and 4.2)
    ///
    /// # Errors
    /// [`EngineError::Randomness`].
    pub fn below(&mut self, bound: &Natural<N>) -> Result<Zeroizing<Natural<N>>, EngineError> {
        for _ in 0..TRIES {
            let number = self.draw()?;
            if natural::is_less(&natural::small(1), &number) & natural::is_less(&number, bound) == 1 {
                return Ok(number);
            }
        }
        Err(EngineError::Randomness)
    }
}

/// The bytes equal themselves at some distance, on at least [`REPEATED`] of them. No more than that shows in time.
fn repeats(bytes: &[u8]) -> bool {
    (1..=bytes.len().saturating_sub(REPEATED)).any(|distance| {
        let (_, later) = bytes.split_at(distance);
        bytes.iter().zip(later).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
    })
}
