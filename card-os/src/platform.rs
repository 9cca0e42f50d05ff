//! The seams: what a card needs from the chip under it.
//!
//! There are three: [`Nvm`], [`Engine`] and a random source, which is [`rand_core::TryCryptoRng`] itself. There is no
//! clock, because a card has none. Everything that watches or hurts the card wraps one of these from outside.

use rand_core::TryCryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes in one word, the smallest unit that [`Nvm::write`] takes.
pub const WORD: usize = 4;

/// Bytes in an RSA-2048 modulus, message representative and signature.
pub const MODULUS: usize = 256;

/// Bytes in each of the five CRT values of an RSA-2048 private key.
pub const PRIME: usize = MODULUS / 2;

/// The medium did not do what it was asked: power is gone, or a word or page failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NvmFault;

/// Non-volatile memory with flash semantics.
///
/// # What an implementation promises
///
/// 1. `erase` sets every bit of one page to one.
/// 2. Callers write a word at most once between two erases of its page; `write` may refuse or corrupt otherwise.
/// 3. A write that is cut by power loss (*torn*) leaves any subset of the intended bits cleared in the word in flight;
///    words before it are complete, words after it untouched.
/// 4. A torn erase leaves any mixture of old bits and ones in that page, and touches no other page.
/// 5. Writes and erases happen in the order of the calls.
///
/// The [store](crate::store) relies on these five and on nothing else.
pub trait Nvm {
    /// Bytes in one erasable page, a multiple of [`WORD`].
    const PAGE: usize;

    /// Size in bytes, a multiple of twice [`Self::PAGE`].
    fn size(&self) -> usize;

    /// Fills `out` from byte `at` on. Reads outside the memory give ones, as erased flash would.
    fn read(&self, at: usize, out: &mut [u8]);

    /// Writes whole words. `at` and `data.len()` are multiples of [`WORD`].
    ///
    /// # Errors
    /// The word in flight is torn as in promise 3.
    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmFault>;

    /// Erases the page that begins at byte `at`, a multiple of [`Self::PAGE`].
    ///
    /// # Errors
    /// The page is torn as in promise 4.
    fn erase(&mut self, at: usize) -> Result<(), NvmFault>;
}

/// The engine could not do the operation: no usable key, a failed random source, or an internal check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineFault;

/// An RSA-2048 private key in CRT form, all values big-endian; the public exponent is 65537.
///
/// A secret: no `Clone`, no contents in `Debug`, wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey {
    /// n = p·q, 256 bytes (public).
    pub n: [u8; MODULUS],
    /// First prime factor.
    pub p: [u8; PRIME],
    /// Second prime factor.
    pub q: [u8; PRIME],
    /// d mod (p − 1).
    pub dp: [u8; PRIME],
    /// d mod (q − 1).
    pub dq: [u8; PRIME],
    /// q⁻¹ mod p.
    pub qinv: [u8; PRIME],
}

impl core::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// The raw private operation and key generation. Padding is the card's; so is the check of every signature.
pub trait Engine {
    /// `output = inputᵈ mod n`. `rng` feeds blinding.
    ///
    /// # Errors
    /// [`EngineFault`] where the key is unusable; `output` is then meaningless.
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault>;

    /// `base`⁶⁵⁵³⁷ mod n, by which the card checks what [`Engine::private`] gave. An engine that has the key ready may be faster than
    /// this; it then answers with a computation of its own, not with what it remembers. `None` where n or the base is no good.
    fn public(&mut self, n: &[u8; MODULUS], base: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
        crate::public::power(n, base)
    }

    /// Makes a key pair with e = 65537.
    ///
    /// # Errors
    /// [`EngineFault`] where the random source fails.
    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault>;

    /// Power is gone, and with it everything kept in RAM: keys that were held ready are wiped.
    fn power_off(&mut self) {}
}
