//! A private key, prepared for use.

use crate::{
    arithmetic::{Arithmetic, Kernel, Opens, Pairs, Portable},
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::{self, Natural},
    public, schoolbook,
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
        let n = modulus::<M, A>(arithmetic, components.n)?;
        let p = modulus::<N, A>(arithmetic, components.p)?;
        let q = modulus::<N, A>(arithmetic, components.q)?;
        let (pair, opening) = (arithmetic.pair(&p, &q), arithmetic.opening(&n));
        let (mut dp, mut dq, mut qinv) = ([0; N], [0; N], [0; N]);
        let numbers = [(&mut dp, components.dp), (&mut dq, components.dq), (&mut qinv, components.qinv)];
        for (number, bytes) in numbers {
            *number = natural::from_be_bytes(bytes).ok_or(EngineError::Key)?;
        }
        qinv = p.enter(&qinv);
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
    #[inline(never)]
    #[must_use]
    pub fn has_modulus(&self, n: &[u8]) -> bool {
        natural::from_be_bytes::<M>(n).is_some_and(|n| natural::equal(&n, self.n.value()) != 0)
    }

    /// `base`⁶⁵⁵³⁷ mod n into `output`, both big-endian and as long as the modulus.
    ///
    /// # Errors
    /// [`EngineError::Input`]; `output` is then untouched.
    pub fn public(&self, base: &[u8], output: &mut [u8]) -> Result<(), EngineError> {
        public::prepared(&self.n, &self.opening, base, output)
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
        let mut number = [0; M];
        natural::read_be_bytes(&mut number, input).ok_or(EngineError::Input)?;
        if natural::is_less(&number, self.n.value()) == 0 || output.len() != M * limb::BYTES {
            return Err(EngineError::Input);
        }
        if self.blinding.is_none() {
            self.renew(rng)?;
        }
        // Used once, whatever comes of it; and small frames of stack, each with what one step needs.
        let mut value = Zeroizing::new(number);
        let done = self.blinded(&mut value, rng);
        if done.is_err() || !self.opens(&value, &number) {
            // Whatever went wrong may have been the pair.
            self.blinding = None;
            return Err(done.err().unwrap_or(EngineError::Fault));
        }
        if let Some(Blinding { blind, unblind }) = &mut self.blinding {
            *blind = self.n.square(blind);
            *unblind = self.n.square(unblind);
        }
        natural::to_be_bytes(&value, output).ok_or(EngineError::Input)
    }

    /// `value`ᵈ mod n in place, under the blinding pair.
    #[inline(never)]
    fn blinded<R: TryCryptoRng>(&self, value: &mut Natural<M>, rng: &mut R) -> Result<(), EngineError> {
        let Some(Blinding { blind, unblind }) = &self.blinding else { return Err(EngineError::Randomness) };
        self.n.scale(value, blind);
        if self.blind_exponents {
            self.crt_with_long_exponents(value, rng)?;
        } else {
            self.crt(value, [&self.dp, &self.dq]);
        }
        self.n.scale(value, unblind);
        self.n.reduce(value);
        Ok(())
    }

    #[inline(never)]
    fn crt_with_long_exponents<R: TryCryptoRng>(&self, value: &mut Natural<M>, rng: &mut R) -> Result<(), EngineError> {
        let exponents = [blind(&self.dp, &self.p, rng)?, blind(&self.dq, &self.q, rng)?];
        let [ep, eq] = exponents.each_ref().map(|wide| wide.as_flattened().get(..N + BLIND).unwrap_or(&[]));
        self.crt(value, [ep, eq]);
        Ok(())
    }

    /// Whether a signature opens to this input.
    #[inline(never)]
    fn opens(&self, signature: &Natural<M>, input: &Natural<M>) -> bool {
        let mut opened = Zeroizing::new(self.n.enter(signature));
        *opened = self.n.arithmetic().open(&self.opening, &self.n, &opened);
        *opened = self.n.leave(&opened);
        natural::equal(&opened, input) != 0
    }

    /// A new blinding pair. The inverse comes from Fermat's theorem for each prime, by the same ladder as a signature.
    #[inline(never)]
    fn renew<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<(), EngineError> {
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
        let pair = Blinding { blind: self.n.power_f4(&self.n.enter(&random)), unblind: [0; M] };
        self.blinding = Some(pair);
        // From here on the inverse.
        self.crt(&mut random, [&*less_two(&self.p), &*less_two(&self.q)]);
        if let Some(Blinding { unblind, .. }) = &mut self.blinding {
            *unblind = self.n.enter(&random);
        }
        Ok(())
    }

    /// `value` to the given powers modulo p and q, in place. (RFC 8017 §5.1.2, Garner's recombination)
    #[inline(never)]
    fn crt(&self, value: &mut Natural<M>, exponents: [&[Limb]; 2]) {
        let mut powers = Zeroizing::new(const { [[0; N]; 2] });
        self.powers(value, exponents, &mut powers);
        let [mp, mq] = &*powers;
        // (mp − mq) · q⁻¹ mod p; mq may exceed p, which Montgomery multiplication does not mind.
        let mut h = Zeroizing::new(*mp);
        let mut other = Zeroizing::new(*mq);
        for scaled in [&mut h, &mut other] {
            **scaled = self.p.multiply(scaled, &self.qinv);
            **scaled = self.p.reduced(scaled);
        }
        let borrow = natural::sub_masked(&mut h, &other, limb::mask(1));
        natural::add_masked(&mut h, self.p.value(), limb::mask(borrow));
        let mut result = Zeroizing::new(const { [[0; N]; 2] });
        schoolbook::product(self.p.arithmetic(), &mut result, &h, self.q.value());
        let [low, high] = &mut *result;
        let carry = natural::add_masked(low, mq, limb::mask(1));
        let mut one = [0; N];
        if let Some(first) = one.first_mut() {
            *first = carry;
        }
        natural::add_masked(high, &one, limb::mask(1));
        *value = joined(&result);
    }

    /// `value` to the given powers modulo p and q.
    #[inline(never)]
    fn powers(&self, value: &Natural<M>, exponents: [&[Limb]; 2], powers: &mut [Natural<N>; 2]) {
        let moduli = [&self.p, &self.q];
        let mut bases = Zeroizing::new(const { [[0; N]; 2] });
        {
            let wide = Zeroizing::new(halves::<N, M>(value));
            for (base, modulus) in bases.iter_mut().zip(moduli) {
                *base = modulus.enter_wide(&wide);
            }
        }
        *powers = self.p.arithmetic().powers(&self.pair, moduli, bases.each_ref(), exponents);
        for (power, modulus) in powers.iter_mut().zip(moduli) {
            *power = modulus.leave(power);
        }
    }
}

/// Reads and prepares one modulus, in a stack frame of its own.
#[inline(never)]
fn modulus<const L: usize, A: Arithmetic>(arithmetic: A, bytes: &[u8]) -> Result<Modulus<L, A>, EngineError> {
    let mut value = Zeroizing::new([0; L]);
    natural::read_be_bytes(&mut value, bytes).ok_or(EngineError::Key)?;
    Modulus::with(arithmetic, &value).ok_or(EngineError::Key)
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
