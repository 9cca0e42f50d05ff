//! A private key, prepared for use.

use crate::{
    limb,
    modulus::{Modulus, Wide, product},
    natural::{self, Natural},
};
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Why there is no result. Nothing of one was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineError {
    /// The numbers are no key of this size: lengths, parity, or primes whose top bit is not set.
    Key,
    /// The input is of another length, or not below the modulus.
    Input,
    /// The random source failed.
    Randomness,
    /// The result did not open with the public exponent: a fault, or CRT values that do not belong together.
    Fault,
}

/// The numbers of a key in big-endian bytes: n as long as the modulus, the others half as long.
#[derive(Clone, Copy)]
pub struct Components<'a> {
    /// Modulus p · q.
    pub n: &'a [u8],
    /// First prime factor.
    pub p: &'a [u8],
    /// Second prime factor.
    pub q: &'a [u8],
    /// d mod (p − 1).
    pub dp: &'a [u8],
    /// d mod (q − 1).
    pub dq: &'a [u8],
    /// q⁻¹ mod p.
    pub qinv: &'a [u8],
}

impl core::fmt::Debug for Components<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Components(..)")
    }
}

/// A private key of primes of N limbs and a modulus of M = 2N. A secret: no `Clone`, nothing in `Debug`, wiped when it goes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey<const N: usize, const M: usize> {
    n: Modulus<M>,
    p: Modulus<N>,
    q: Modulus<N>,
    dp: Natural<N>,
    dq: Natural<N>,
    /// q⁻¹ mod p in Montgomery form.
    qinv: Natural<N>,
    blinding: Option<Blinding<M>>,
}

/// rᵉ and r⁻¹ modulo n in Montgomery form, for a random r.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Blinding<const M: usize> {
    blind: Natural<M>,
    unblind: Natural<M>,
}

impl<const N: usize, const M: usize> core::fmt::Debug for PrivateKey<N, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

impl<const N: usize, const M: usize> PrivateKey<N, M> {
    /// Prepares a key. That its numbers belong together is found out by the first use.
    ///
    /// # Errors
    /// [`EngineError::Key`].
    pub fn new(components: &Components<'_>) -> Result<Self, EngineError> {
        const { assert!(M == 2 * N, "a modulus has twice the limbs of its primes") };
        let half = |bytes| natural::from_be_bytes::<N>(bytes).map(Zeroizing::new).ok_or(EngineError::Key);
        let n = natural::from_be_bytes(components.n).ok_or(EngineError::Key)?;
        let n = Modulus::new(&n).ok_or(EngineError::Key)?;
        let p = Modulus::new(&*half(components.p)?).ok_or(EngineError::Key)?;
        let q = Modulus::new(&*half(components.q)?).ok_or(EngineError::Key)?;
        let (dp, dq) = (*half(components.dp)?, *half(components.dq)?);
        let qinv = p.enter(&*half(components.qinv)?);
        Ok(PrivateKey { n, p, q, dp, dq, qinv, blinding: None })
    }

    /// The modulus in big-endian bytes equals these: the same key, for whoever keeps one ready. Not a comparison of secrets.
    #[must_use]
    pub fn has_modulus(&self, n: &[u8]) -> bool {
        natural::from_be_bytes::<M>(n).is_some_and(|n| natural::equal(&n, self.n.value()) != 0)
    }

    /// `output` = `input`ᵈ mod n, both big-endian and as long as the modulus. `rng` feeds blinding.
    ///
    /// # Errors
    /// [`EngineError`]; `output` is then untouched.
    pub fn private<R: TryCryptoRng>(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        rng: &mut R,
    ) -> Result<(), EngineError> {
        let input = natural::from_be_bytes::<M>(input).ok_or(EngineError::Input)?;
        if natural::is_less(&input, self.n.value()) == 0 || output.len() != M * limb::BYTES {
            return Err(EngineError::Input);
        }
        let blinding = match self.blinding.take() {
            Some(blinding) => blinding,
            None => self.draw(rng)?,
        };
        let blinded = Zeroizing::new(self.n.multiply(&input, &blinding.blind));
        let power = Zeroizing::new(self.crt(&blinded, &self.dp, &self.dq));
        let result = Zeroizing::new(self.n.reduced(&self.n.multiply(&power, &blinding.unblind)));
        self.blinding =
            Some(Blinding { blind: self.n.square(&blinding.blind), unblind: self.n.square(&blinding.unblind) });
        let opened = Zeroizing::new(self.n.leave(&self.n.power_f4(&self.n.enter(&result))));
        if natural::equal(&opened, &input) == 0 {
            // Whatever went wrong may have been the pair.
            self.blinding = None;
            return Err(EngineError::Fault);
        }
        natural::to_be_bytes(&result, output).ok_or(EngineError::Input)
    }

    /// A blinding pair. The inverse comes from Fermat's theorem for each prime, by the same ladder as a signature.
    fn draw<R: TryCryptoRng>(&self, rng: &mut R) -> Result<Blinding<M>, EngineError> {
        let mut random = Zeroizing::new([0; M]);
        for limb in random.iter_mut() {
            let mut bytes = Zeroizing::new([0; limb::BYTES]);
            rng.try_fill_bytes(bytes.as_mut()).map_err(|_| EngineError::Randomness)?;
            *limb = limb::Limb::from_be_bytes(*bytes);
        }
        if let Some(top) = random.last_mut() {
            // Below n, whose top bit is set.
            *top >>= 1;
        }
        if natural::equal(&random, &[0; M]) != 0 {
            return Err(EngineError::Randomness);
        }
        let less_two = |modulus: &Modulus<N>| {
            let (mut exponent, mut two) = (Zeroizing::new(*modulus.value()), [0; N]);
            if let Some(first) = two.first_mut() {
                *first = 2;
            }
            natural::sub_masked(&mut exponent, &two, limb::mask(1));
            exponent
        };
        let inverse = Zeroizing::new(self.crt(&random, &less_two(&self.p), &less_two(&self.q)));
        let blind = self.n.power_f4(&self.n.enter(&random));
        Ok(Blinding { blind, unblind: self.n.enter(&inverse) })
    }

    /// The number that is `input`^`ep` mod p and `input`^`eq` mod q. (RFC 8017 §5.1.2, Garner's recombination)
    fn crt(&self, input: &Natural<M>, ep: &Natural<N>, eq: &Natural<N>) -> Natural<M> {
        let wide = Zeroizing::new(halves::<N, M>(input));
        let power = |modulus: &Modulus<N>, exponent: &Natural<N>| {
            let base = Zeroizing::new(modulus.enter_wide(&wide));
            let power = Zeroizing::new(modulus.power(&base, exponent));
            Zeroizing::new(modulus.leave(&power))
        };
        let (mp, mq) = (power(&self.p, ep), power(&self.q, eq));
        // (mp − mq) · q⁻¹ mod p; mq may exceed p, which Montgomery multiplication does not mind.
        let scaled = |value: &Natural<N>| Zeroizing::new(self.p.reduced(&self.p.multiply(value, &self.qinv)));
        let mut h = scaled(&mp);
        let borrow = natural::sub_masked(&mut h, &scaled(&mq), limb::mask(1));
        natural::add_masked(&mut h, self.p.value(), limb::mask(borrow));
        let mut result = Zeroizing::new(product(&h, self.q.value()));
        let [low, high] = &mut *result;
        let carry = natural::add_masked(low, &mq, limb::mask(1));
        let mut one = [0; N];
        if let Some(first) = one.first_mut() {
            *first = carry;
        }
        natural::add_masked(high, &one, limb::mask(1));
        joined(&result)
    }
}

fn halves<const N: usize, const M: usize>(number: &Natural<M>) -> Wide<N> {
    let mut wide = [[0; N]; 2];
    for (slot, limb) in wide.as_flattened_mut().iter_mut().zip(number) {
        *slot = *limb;
    }
    wide
}

fn joined<const N: usize, const M: usize>(wide: &Wide<N>) -> Natural<M> {
    let mut number = [0; M];
    for (slot, limb) in number.iter_mut().zip(wide.as_flattened()) {
        *slot = *limb;
    }
    number
}
