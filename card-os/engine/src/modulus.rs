//! Montgomery arithmetic modulo an odd number whose top bit is set.
//!
//! R is two to the number of bits. Residues are "almost" reduced: below R, not always below the modulus, which saves a
//! comparison in every step; [`Modulus::reduced`] finishes the work.

use crate::{
    arithmetic::{Arithmetic, Portable},
    limb::{self, Limb},
    natural::{self, Natural},
    schoolbook,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bits of the exponent taken at once.
pub const WINDOW: u32 = if cfg!(feature = "window4") { 4 } else { 5 };
const TABLE: usize = 1 << WINDOW;
/// Bits that say which bit of a limb is meant: as many are taken at once where the base is two.
const DIGIT: u32 = limb::BITS.trailing_zeros();

/// A number of twice as many limbs: low half, high half.
pub type Wide<const N: usize> = [Natural<N>; 2];

/// An odd modulus with its top bit set, and what its arithmetic needs. Wiped when it goes: for a key it is a secret.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Modulus<const N: usize, A: Arithmetic = Portable> {
    #[zeroize(skip)]
    arithmetic: A,
    m: Natural<N>,
    /// −m⁻¹ modulo a limb.
    k: Limb,
    /// R² mod m.
    r2: Natural<N>,
}

impl<const N: usize, A: Arithmetic> core::fmt::Debug for Modulus<N, A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Modulus({N} limbs, {:?})", self.arithmetic)
    }
}

impl<const N: usize> Modulus<N> {
    /// Prepares a modulus for [`Portable`] arithmetic. `None` where it is even or its top bit is not set.
    #[must_use]
    pub fn new(m: &Natural<N>) -> Option<Self> {
        Modulus::with(Portable, m)
    }
}

impl<const N: usize, A: Arithmetic> Modulus<N, A> {
    /// Prepares a modulus. `None` where it is even or its top bit is not set.
    #[must_use]
    pub fn with(arithmetic: A, m: &Natural<N>) -> Option<Self> {
        let (first, last) = (m.first()?, m.last()?);
        // Both in one bit: the value itself may be a secret.
        if first & (last >> (limb::BITS - 1)) == 0 {
            return None;
        }
        let mut modulus = Modulus { arithmetic, m: *m, k: limb::negated_inverse(*first), r2: [0; N] };
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

    /// Who multiplies here.
    #[must_use]
    pub fn arithmetic(&self) -> A {
        self.arithmetic
    }

    /// R² mod m, the constant that brings numbers into Montgomery form.
    #[must_use]
    pub fn r_squared(&self) -> &Natural<N> {
        &self.r2
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

    /// The same in place: no copy of the number stays.
    pub fn enter_in_place(&self, a: &mut Natural<N>) {
        self.scale(a, &self.r2);
    }

    /// Brings a number of twice as many limbs into Montgomery form, without division.
    #[must_use]
    pub fn enter_wide(&self, a: &Wide<N>) -> Natural<N> {
        let mut wide = Zeroizing::new(*a);
        let mut once = Zeroizing::new([0; N]);
        schoolbook::reduce(self.arithmetic, &mut wide, &mut once, &self.m, self.k);
        // a / R, times R³, divided by R.
        let r3 = Zeroizing::new(self.square(&self.r2));
        self.multiply(&once, &r3)
    }

    /// The number behind a Montgomery form, below the modulus.
    #[must_use]
    pub fn leave(&self, a: &Natural<N>) -> Natural<N> {
        let mut wide = Zeroizing::new(const { [[0; N]; 2] });
        let [low, _] = &mut *wide;
        *low = *a;
        let mut number = [0; N];
        schoolbook::reduce(self.arithmetic, &mut wide, &mut number, &self.m, self.k);
        self.reduce(&mut number);
        number
    }

    /// The same residue below the modulus.
    #[must_use]
    pub fn reduced(&self, a: &Natural<N>) -> Natural<N> {
        let mut out = *a;
        let below = natural::is_less(a, &self.m);
        natural::sub_masked(&mut out, &self.m, limb::mask(1 ^ below));
        out
    }

    /// Brings a residue below the modulus, in place: no copy of it stays.
    pub fn reduce(&self, a: &mut Natural<N>) {
        let below = natural::is_less(a, &self.m);
        natural::sub_masked(a, &self.m, limb::mask(1 ^ below));
    }

    /// a · b / R.
    #[must_use]
    pub fn multiply(&self, a: &Natural<N>, b: &Natural<N>) -> Natural<N> {
        let mut product = *a;
        self.arithmetic.multiply(&mut Zeroizing::new(const { [[0; N]; 2] }), &mut product, b, &self.m, self.k);
        product
    }

    /// a · b / R in place of a: no copy of it stays. Apart from the function above, whose scratch the optimiser would else put into the
    /// frames of its callers: `card-os/engine/stack` sees it.
    #[inline(never)]
    pub fn scale(&self, a: &mut Natural<N>, b: &Natural<N>) {
        self.arithmetic.multiply(&mut Zeroizing::new(const { [[0; N]; 2] }), a, b, &self.m, self.k);
    }

    /// a² / R.
    #[must_use]
    pub fn square(&self, a: &Natural<N>) -> Natural<N> {
        let mut square = *a;
        self.arithmetic.square(&mut Zeroizing::new(const { [[0; N]; 2] }), &mut square, &self.m, self.k);
        square
    }

    /// base^exponent, in Montgomery form both ways. Every exponent of the same number of limbs takes the same steps.
    #[must_use]
    pub fn power(&self, base: &Natural<N>, exponent: &[Limb]) -> Natural<N> {
        // One scratch for all of it, wiped once. Both are constants, which are put where they stand: rows that are repeated by code
        // are first made elsewhere, and the table is half of the stack there is.
        let mut wide = Zeroizing::new(const { [[0; N]; 2] });
        let mut table = Zeroizing::new(const { [[0; N]; TABLE] });
        let mut result = Zeroizing::new(self.one());
        for index in 0..TABLE {
            let (done, rest) = table.split_at_mut(index);
            let Some(entry) = rest.first_mut() else { break };
            match (index, done.get(index / 2), done.last()) {
                (0, ..) => *entry = *result,
                (1, ..) => *entry = *base,
                (_, Some(half), _) if index % 2 == 0 => {
                    *entry = *half;
                    self.arithmetic.square(&mut wide, entry, &self.m, self.k);
                }
                (_, _, last) => {
                    *entry = *last.unwrap_or(base);
                    self.arithmetic.multiply(&mut wide, entry, base, &self.m, self.k);
                }
            }
        }
        let mut factor = Zeroizing::new([0; N]);
        let windows = (exponent.len() * limb::BITS as usize).div_ceil(WINDOW as usize);
        for index in (0..windows).rev() {
            select(&table, natural::bits(exponent, index * WINDOW as usize, WINDOW), &mut factor);
            if index == windows - 1 {
                *result = *factor;
                continue;
            }
            for _ in 0..WINDOW {
                self.arithmetic.square(&mut wide, &mut result, &self.m, self.k);
            }
            self.arithmetic.multiply(&mut wide, &mut result, &factor, &self.m, self.k);
        }
        *result
    }

    /// 2^exponent in Montgomery form, for a quarter less work than [`Modulus::power`]: no table, and instead of its
    /// multiplications a shift and one step of a reduction. Every exponent takes the same steps.
    ///
    /// Such a step gives z · 2^w / 2^B for limbs of B bits, so the digits of the exponent, to the base B, are the numbers w − B
    /// from −B to −1. They are those of the exponent + B + B² + … + Bⁿ, each less B.
    #[must_use]
    pub fn power_of_two(&self, exponent: &Natural<N>) -> Natural<N> {
        const { assert!(N > 1, "the first power has up to B + 1 bits") };
        let digits = (N * limb::BITS as usize - 1) / DIGIT as usize;
        let mut sum = Zeroizing::new(*exponent);
        let mut units = [0; N];
        for at in (1..=digits).map(|digit| digit * DIGIT as usize) {
            if let Some(limb) = units.get_mut(at / limb::BITS as usize) {
                *limb |= 1 << (at % limb::BITS as usize);
            }
        }
        let carry = natural::add_masked(&mut sum, &units, limb::mask(1));
        let top = digits * DIGIT as usize;
        let first = natural::bits(sum.as_ref(), top, DIGIT) | (carry << (N * limb::BITS as usize - top));
        let mut power = Zeroizing::new([0; N]);
        for (index, limb) in (0..).zip(power.iter_mut()) {
            *limb = limb::equal(index, first >> DIGIT) & (1 << (first % Limb::from(limb::BITS)));
        }
        *power = self.enter(&power);
        let mut wide = Zeroizing::new(const { [[0; N]; 2] });
        for digit in (0..digits).rev() {
            for _ in 0..DIGIT {
                self.arithmetic.square(&mut wide, &mut power, &self.m, self.k);
            }
            let factor = 1 << natural::bits(sum.as_ref(), digit * DIGIT as usize, DIGIT);
            *power = schoolbook::scale(self.arithmetic, &mut wide, &power, factor, &self.m, self.k);
        }
        *power
    }

    /// base^65537, in Montgomery form both ways.
    #[must_use]
    pub fn power_f4(&self, base: &Natural<N>) -> Natural<N> {
        let mut wide = Zeroizing::new(const { [[0; N]; 2] });
        let mut power = Zeroizing::new(*base);
        for _ in 0..16 {
            self.arithmetic.square(&mut wide, &mut power, &self.m, self.k);
        }
        self.arithmetic.multiply(&mut wide, &mut power, base, &self.m, self.k);
        *power
    }
}

/// Puts an entry of the table into `out`, read in a way that tells nobody which.
#[inline(always)]
fn select<const N: usize>(table: &[Natural<N>; TABLE], index: Limb, out: &mut Natural<N>) {
    out.fill(0);
    for (number, entry) in (0..).zip(table) {
        let chosen = limb::equal(number, index);
        for (slot, value) in out.iter_mut().zip(entry) {
            *slot |= *value & chosen;
        }
    }
}
