//! Montgomery arithmetic modulo an odd number whose top bit is set.
//!
//! R is two to the number of bits. Residues are "almost" reduced: below R, not always below the modulus, which saves a
//! comparison in every step; [`Modulus::reduced`] finishes the work. The three steps are written apart (product or squaring into
//! twice as many limbs, then reduction), since a squaring needs little more than half the products.

use crate::{
    limb::{self, Limb},
    natural::{self, Natural},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bits of the exponent taken at once.
pub const WINDOW: u32 = if cfg!(feature = "window4") { 4 } else { 5 };
const TABLE: usize = 1 << WINDOW;

/// A number of twice as many limbs: low half, high half.
pub type Wide<const N: usize> = [Natural<N>; 2];

/// An odd modulus with its top bit set, and what its arithmetic needs. Wiped when it goes: for a key it is a secret.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Modulus<const N: usize> {
    m: Natural<N>,
    /// −m⁻¹ modulo a limb.
    k: Limb,
    /// R² mod m.
    r2: Natural<N>,
}

impl<const N: usize> core::fmt::Debug for Modulus<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Modulus({} limbs)", N)
    }
}

impl<const N: usize> Modulus<N> {
    /// Prepares a modulus. `None` where it is even or its top bit is not set.
    #[must_use]
    pub fn new(m: &Natural<N>) -> Option<Self> {
        let (first, last) = (m.first()?, m.last()?);
        if first & 1 == 0 || last >> (limb::BITS - 1) == 0 {
            return None;
        }
        let mut modulus = Modulus { m: *m, k: limb::negated_inverse(*first), r2: [0; N] };
        // 2^a · R by doubling and then 2^2a · R, 2^4a · R and so on by squaring, until the factor is R itself.
        let bits = N * limb::BITS as usize;
        let mut power = modulus.one();
        for _ in 0..bits >> bits.trailing_zeros() {
            let carry = natural::double(&mut power);
            natural::sub_masked(&mut power, m, limb::mask(carry));
            // Below the modulus, not only below R: else the next doubling could overflow twice.
            power = modulus.reduced(&power);
        }
        for _ in 0..bits.trailing_zeros() {
            power = modulus.square(&power);
        }
        modulus.r2 = power;
        Some(modulus)
    }

    /// The modulus itself.
    #[must_use]
    pub fn value(&self) -> &Natural<N> {
        &self.m
    }

    /// One in Montgomery form: R − m, since m is more than half of R.
    #[must_use]
    pub fn one(&self) -> Natural<N> {
        let mut one = [0; N];
        natural::sub_masked(&mut one, &self.m, limb::mask(1));
        one
    }

    /// Brings a number below R into Montgomery form.
    #[must_use]
    pub fn enter(&self, a: &Natural<N>) -> Natural<N> {
        self.multiply(a, &self.r2)
    }

    /// Brings a number of twice as many limbs into Montgomery form, without division.
    #[must_use]
    pub fn enter_wide(&self, a: &Wide<N>) -> Natural<N> {
        let mut wide = Zeroizing::new(*a);
        let once = Zeroizing::new(self.reduce(&mut wide));
        // a / R, times R³, divided by R.
        let r3 = Zeroizing::new(self.square(&self.r2));
        self.multiply(&once, &r3)
    }

    /// The number behind a Montgomery form, below the modulus.
    #[must_use]
    pub fn leave(&self, a: &Natural<N>) -> Natural<N> {
        let mut wide = Zeroizing::new([*a, [0; N]]);
        self.reduced(&self.reduce(&mut wide))
    }

    /// The same residue below the modulus.
    #[must_use]
    pub fn reduced(&self, a: &Natural<N>) -> Natural<N> {
        let mut out = *a;
        let below = natural::is_less(a, &self.m);
        natural::sub_masked(&mut out, &self.m, limb::mask(1 ^ below));
        out
    }

    /// a · b / R.
    #[inline(always)]
    #[must_use]
    pub fn multiply(&self, a: &Natural<N>, b: &Natural<N>) -> Natural<N> {
        let mut wide = product(a, b);
        let out = self.reduce(&mut wide);
        wide.zeroize();
        out
    }

    /// a² / R.
    #[inline(always)]
    #[must_use]
    pub fn square(&self, a: &Natural<N>) -> Natural<N> {
        let mut wide = squaring(a);
        let out = self.reduce(&mut wide);
        wide.zeroize();
        out
    }

    /// The residue of a / R, almost reduced; `a` is used up.
    #[inline(always)]
    fn reduce(&self, a: &mut Wide<N>) -> Natural<N> {
        let mut rest = a.as_flattened_mut();
        let mut top = 0;
        for _ in 0..N {
            let Some(first) = rest.first() else { break };
            let q = first.wrapping_mul(self.k);
            let carry = row(rest, &self.m, q);
            if let Some(next) = rest.get_mut(N) {
                (*next, top) = limb::add(*next, carry, top);
            }
            rest = rest.split_first_mut().map_or(&mut [], |(_, rest)| rest);
        }
        let [_, mut high] = *a;
        natural::sub_masked(&mut high, &self.m, limb::mask(top));
        high
    }

    /// base^exponent, in Montgomery form both ways. Every exponent of the type takes the same steps.
    #[must_use]
    pub fn power<const E: usize>(&self, base: &Natural<N>, exponent: &Natural<E>) -> Natural<N> {
        let mut table = Zeroizing::new([[0; N]; TABLE]);
        let mut power = Zeroizing::new(self.one());
        for entry in table.iter_mut() {
            *entry = *power;
            *power = self.multiply(&power, base);
        }
        let windows = (E * limb::BITS as usize).div_ceil(WINDOW as usize);
        let window = |index: usize| select(&table, natural::bits(exponent, index * WINDOW as usize, WINDOW));
        let mut result = Zeroizing::new(window(windows - 1));
        for index in (0..windows - 1).rev() {
            for _ in 0..WINDOW {
                *result = self.square(&result);
            }
            let factor = Zeroizing::new(window(index));
            *result = self.multiply(&result, &factor);
        }
        *result
    }

    /// base^65537, in Montgomery form both ways.
    #[must_use]
    pub fn power_f4(&self, base: &Natural<N>) -> Natural<N> {
        let mut power = Zeroizing::new(*base);
        for _ in 0..16 {
            *power = self.square(&power);
        }
        self.multiply(&power, base)
    }
}

/// Adds q · m to the first limbs of `t`; gives the carry above them.
#[inline(always)]
fn row<const N: usize>(t: &mut [Limb], m: &Natural<N>, q: Limb) -> Limb {
    let mut carry = 0;
    for (t, m) in t.iter_mut().zip(m) {
        (*t, carry) = limb::mul_add(*m, q, *t, carry);
    }
    carry
}

/// The whole product.
#[inline(always)]
#[must_use]
pub fn product<const N: usize>(a: &Natural<N>, b: &Natural<N>) -> Wide<N> {
    let mut wide = [[0; N]; 2];
    let mut rest = wide.as_flattened_mut();
    for q in b {
        let carry = row(rest, a, *q);
        if let Some(next) = rest.get_mut(N) {
            *next = carry;
        }
        rest = rest.split_first_mut().map_or(&mut [], |(_, rest)| rest);
    }
    wide
}

/// The whole square: products of different limbs once, doubled, and the squares of the limbs.
#[inline(always)]
fn squaring<const N: usize>(a: &Natural<N>) -> Wide<N> {
    let mut wide = [[0; N]; 2];
    let flat = wide.as_flattened_mut();
    let mut factors = &a[..];
    let mut rest = &mut *flat;
    while let Some((q, others)) = factors.split_first() {
        // Row i begins at limb 2i + 1.
        rest = rest.split_first_mut().map_or(&mut [], |(_, rest)| rest);
        let mut carry = 0;
        let mut places = rest.iter_mut();
        for (other, place) in others.iter().zip(&mut places) {
            (*place, carry) = limb::mul_add(*other, *q, *place, carry);
        }
        if let Some(place) = places.next() {
            *place = carry;
        }
        rest = rest.split_first_mut().map_or(&mut [], |(_, rest)| rest);
        factors = others;
    }
    let (mut fallen, mut carry) = (0, 0);
    for (pair, value) in flat.as_chunks_mut::<2>().0.iter_mut().zip(a) {
        let [low, high] = *pair;
        let (square_low, square_high) = limb::mul_add(*value, *value, 0, 0);
        let doubled = [(low << 1) | fallen, (high << 1) | (low >> (limb::BITS - 1))];
        fallen = high >> (limb::BITS - 1);
        let [low, high] = doubled;
        let (low, next) = limb::add(low, square_low, carry);
        let (high, next) = limb::add(high, square_high, next);
        *pair = [low, high];
        carry = next;
    }
    wide
}

/// An entry of the table, read in a way that tells nobody which.
#[inline(always)]
fn select<const N: usize>(table: &[Natural<N>; TABLE], index: Limb) -> Natural<N> {
    let mut out = [0; N];
    for (number, entry) in (0..).zip(table) {
        let chosen = limb::equal(number, index);
        for (slot, value) in out.iter_mut().zip(entry) {
            *slot |= *value & chosen;
        }
    }
    out
}
