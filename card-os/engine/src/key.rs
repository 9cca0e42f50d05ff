//! A private key, prepared for use.

use crate::{
    arithmetic::{Arithmetic, Kernel, Opens, Pairs, Portable},
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::{self, Natural},
    schoolbook,
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

/// Limbs that blinding adds to an exponent: 64 bits of them.
const BLIND: usize = 8 / limb::BYTES;

/// A private key of primes of N limbs and a modulus of M = 2N. A secret: no `Clone`, nothing in `Debug`, wiped when it goes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey<const N: usize, const M: usize, A: Kernel<N, M> = Portable> {
    n: Modulus<M, A>,
    p: Modulus<N, A>,
    q: Modulus<N, A>,
    pair: <A as Pairs<N>>::Pair,
    opening: <A as Opens<M>>::Opening,
    dp: Natural<N>,
    dq: Natural<N>,
    /// q⁻¹ mod p in Montgomery form.
    qinv: Natural<N>,
    blinding: Option<Blinding<M>>,
    blind_exponents: bool,
}

/// rᵉ and r⁻¹ modulo n in Montgomery form, for a random r.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Blinding<const M: usize> {
    blind: Natural<M>,
    unblind: Natural<M>,
}

impl<const N: usize, const M: usize, A: Kernel<N, M>> core::fmt::Debug for PrivateKey<N, M, A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

impl<const N: usize, const M: usize> PrivateKey<N, M> {
    /// Prepares a key for [`Portable`] arithmetic. That its numbers belong together is found out by the first use.
    ///
    /// # Errors
    /// [`EngineError::Key`].
    pub fn new(components: &Components<'_>) -> Result<Self, EngineError> {
        PrivateKey::with(Portable, components)
    }
}

impl<const N: usize, const M: usize, A: Kernel<N, M>> PrivateKey<N, M, A> {
    /// Prepares a key. That its numbers belong together is found out by the first use.
    ///
    /// # Errors
    /// [`EngineError::Key`].
    pub fn with(arithmetic: A, components: &Components<'_>) -> Result<Self, EngineError> {
        const { assert!(M == 2 * N, "a modulus has twice the limbs of its primes") };
        let half = |bytes| natural::from_be_bytes::<N>(bytes).map(Zeroizing::new).ok_or(EngineError::Key);
        let n = natural::from_be_bytes(components.n).ok_or(EngineError::Key)?;
        let n = Modulus::with(arithmetic, &n).ok_or(EngineError::Key)?;
        let p = Modulus::with(arithmetic, &*half(components.p)?).ok_or(EngineError::Key)?;
        let q = Modulus::with(arithmetic, &*half(components.q)?).ok_or(EngineError::Key)?;
        let (dp, dq) = (*half(components.dp)?, *half(components.dq)?);
        let qinv = p.enter(&*half(components.qinv)?);
        let (pair, opening) = (arithmetic.pair(&p, &q), arithmetic.opening(&n));
        Ok(PrivateKey { n, p, q, pair, opening, dp, dq, qinv, blinding: None, blind_exponents: false })
    }

    /// Also adds a fresh 64-bit multiple of p − 1 and q − 1 to the exponents of every use, so that no two uses walk the same
    /// bits. Costs 6 % of a signature; meant for chips whose power somebody measures.
    #[must_use]
    pub fn blinding_exponents(mut self) -> Self {
        self.blind_exponents = true;
        self
    }

    /// The modulus in big-endian bytes equals these: the same key, for whoever keeps one ready. Not a comparison of secrets.
    #[must_use]
    pub fn has_modulus(&self, n: &[u8]) -> bool {
        natural::from_be_bytes::<M>(n).is_some_and(|n| natural::equal(&n, self.n.value()) != 0)
    }

    /// `base`⁶⁵⁵³⁷ mod n into `output`, both big-endian and as long as the modulus.
    ///
    /// # Errors
    /// [`EngineError::Input`]; `output` is then untouched.
    pub fn public(&self, base: &[u8], output: &mut [u8]) -> Result<(), EngineError> {
        let base = natural::from_be_bytes::<M>(base).ok_or(EngineError::Input)?;
        if natural::is_less(&base, self.n.value()) == 0 {
            return Err(EngineError::Input);
        }
        let opened = self.n.arithmetic().open(&self.opening, &self.n, &self.n.enter(&base));
        natural::to_be_bytes(&self.n.leave(&opened), output).ok_or(EngineError::Input)
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
        let power = if self.blind_exponents {
            let exponents = [blind(&self.dp, &self.p, rng)?, blind(&self.dq, &self.q, rng)?];
            let [ep, eq] = exponents.each_ref().map(|wide| wide.as_flattened().get(..N + BLIND).unwrap_or(&[]));
            Zeroizing::new(self.crt(&blinded, [ep, eq]))
        } else {
            Zeroizing::new(self.crt(&blinded, [&self.dp, &self.dq]))
        };
        let result = Zeroizing::new(self.n.reduced(&self.n.multiply(&power, &blinding.unblind)));
        self.blinding =
            Some(Blinding { blind: self.n.square(&blinding.blind), unblind: self.n.square(&blinding.unblind) });
        let opened = self.n.arithmetic().open(&self.opening, &self.n, &Zeroizing::new(self.n.enter(&result)));
        let opened = Zeroizing::new(self.n.leave(&Zeroizing::new(opened)));
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
        draw(random.as_mut(), rng)?;
        if let Some(top) = random.last_mut() {
            // Below n, whose top bit is set.
            *top >>= 1;
        }
        if natural::equal(&random, &[0; M]) != 0 {
            return Err(EngineError::Randomness);
        }
        let less_two = |modulus: &Modulus<N, A>| {
            let (mut exponent, mut two) = (Zeroizing::new(*modulus.value()), [0; N]);
            if let Some(first) = two.first_mut() {
                *first = 2;
            }
            natural::sub_masked(&mut exponent, &two, limb::mask(1));
            exponent
        };
        let inverse = Zeroizing::new(self.crt(&random, [&*less_two(&self.p), &*less_two(&self.q)]));
        let blind = self.n.power_f4(&self.n.enter(&random));
        Ok(Blinding { blind, unblind: self.n.enter(&inverse) })
    }

    /// The number that is `input`^`exponents` modulo p and q. (RFC 8017 §5.1.2, Garner's recombination)
    fn crt(&self, input: &Natural<M>, exponents: [&[Limb]; 2]) -> Natural<M> {
        let wide = Zeroizing::new(halves::<N, M>(input));
        let moduli = [&self.p, &self.q];
        let bases = Zeroizing::new(moduli.map(|modulus| modulus.enter_wide(&wide)));
        let powers = self.p.arithmetic().powers(&self.pair, moduli, bases.each_ref(), exponents);
        let [mp, mq] = &*Zeroizing::new(powers);
        let (mp, mq) = (Zeroizing::new(self.p.leave(mp)), Zeroizing::new(self.q.leave(mq)));
        // (mp − mq) · q⁻¹ mod p; mq may exceed p, which Montgomery multiplication does not mind.
        let scaled = |value: &Natural<N>| Zeroizing::new(self.p.reduced(&self.p.multiply(value, &self.qinv)));
        let mut h = scaled(&mp);
        let borrow = natural::sub_masked(&mut h, &scaled(&mq), limb::mask(1));
        natural::add_masked(&mut h, self.p.value(), limb::mask(borrow));
        let mut result = Zeroizing::new([[0; N]; 2]);
        schoolbook::product(self.p.arithmetic(), &mut result, &h, self.q.value());
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

/// Fills a number from the random source.
fn draw<R: TryCryptoRng>(number: &mut [Limb], rng: &mut R) -> Result<(), EngineError> {
    for limb in number {
        let mut bytes = Zeroizing::new([0; limb::BYTES]);
        rng.try_fill_bytes(bytes.as_mut()).map_err(|_| EngineError::Randomness)?;
        *limb = Limb::from_be_bytes(*bytes);
    }
    Ok(())
}

/// `exponent` + r · (modulus − 1) for a random r of 64 bits: the same power, by Fermat's theorem.
fn blind<const N: usize, A: Arithmetic, R: TryCryptoRng>(
    exponent: &Natural<N>,
    modulus: &Modulus<N, A>,
    rng: &mut R,
) -> Result<Zeroizing<Wide<N>>, EngineError> {
    let mut factor = Zeroizing::new([0; BLIND]);
    draw(factor.as_mut(), rng)?;
    let mut order = Zeroizing::new(*modulus.value());
    if let Some(first) = order.first_mut() {
        *first &= !1;
    }
    let mut wide = Zeroizing::new([*exponent, [0; N]]);
    for (at, factor) in factor.iter().enumerate() {
        let mut carry = 0;
        let mut places = wide.as_flattened_mut().iter_mut().skip(at);
        for (order, place) in order.iter().zip(&mut places) {
            (*place, carry) = limb::mul_add(*order, *factor, *place, carry);
        }
        // Nothing was there yet: each row reaches one limb further than the last, and the sum has no more than they.
        if let Some(place) = places.next() {
            *place = carry;
        }
    }
    Ok(wide)
}

fn halves<const N: usize, const M: usize>(number: &Natural<M>) -> Wide<N> {
    let mut wide = [[0; N]; 2];
    for (slot, limb) in wide.as_flattened_mut().iter_mut().zip(number) {
        *slot = *limb;
    }
    wide
}

pub(crate) fn joined<const N: usize, const M: usize>(wide: &Wide<N>) -> Natural<M> {
    let mut number = [0; M];
    for (slot, limb) in number.iter_mut().zip(wide.as_flattened()) {
        *slot = *limb;
    }
    number
}
