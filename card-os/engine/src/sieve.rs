//! The numbers of an interval that no small prime divides.
//!
//! Residues of the interval's start are secret. They are taken by multiplication, of one product of small primes after the
//! other, each as large as a limb; what is divided by the processor is public. The marks themselves are not written in
//! constant time.

use crate::{
    limb::{self, Limb},
    modulus::Wide,
    natural::{self, Natural},
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Primes below this are sieved out. A small table for chips (feature `window4`: a kilobyte of constants), where a test more
/// costs nothing but time; a larger one where there is room for 23 kilobytes.
const BOUND: usize = if cfg!(feature = "window4") { 1 << 13 } else { 1 << 18 };

/// The public exponent.
const E: Limb = 65537;
/// 2⁻¹ mod e.
const HALF: Limb = 32769;

/// Whether 2i + 1 is composite, for all odd numbers below [`BOUND`]. (Eratosthenes)
#[allow(long_running_const_eval, clippy::indexing_slicing, reason = "the compiler runs it, and would find both")]
static COMPOSITE: [bool; BOUND / 2] = {
    let mut composite = [false; BOUND / 2];
    let mut i = 1;
    while (2 * i + 1) * (2 * i + 1) < BOUND {
        let mut multiple = if composite[i] { BOUND } else { 2 * i * (i + 1) };
        while multiple < BOUND / 2 {
            composite[multiple] = true;
            multiple += 2 * i + 1;
        }
        i += 1;
    }
    composite
};

/// How many odd primes there are below [`BOUND`].
#[allow(long_running_const_eval, clippy::indexing_slicing, reason = "the compiler runs it, and would find both")]
const COUNT: usize = {
    let (mut count, mut i) = (0, 1);
    while i < BOUND / 2 {
        count += !COMPOSITE[i] as usize;
        i += 1;
    }
    count
};

/// Half of each odd prime's distance from the one before, from one on: a byte each, since no gap below 2¹⁸ reaches 2⁸.
#[allow(
    long_running_const_eval,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the compiler runs it, and would find the first two; for the third see the assertion"
)]
static GAPS: [u8; COUNT] = {
    let mut gaps = [0; COUNT];
    let (mut count, mut last, mut i) = (0, 0, 1);
    while i < BOUND / 2 {
        if !COMPOSITE[i] {
            assert!(i - last < 256);
            gaps[count] = (i - last) as u8;
            (count, last) = (count + 1, i);
        }
        i += 1;
    }
    gaps
};

/// The odd primes below [`BOUND`].
fn primes() -> impl Iterator<Item = Limb> {
    GAPS.iter().scan(1, |prime, gap| {
        *prime += 2 * Limb::from(*gap);
        Some(*prime)
    })
}

/// An odd public divisor, and the constants that take the place of division.
struct Divisor {
    m: Limb,
    /// m⁻¹ modulo a limb.
    inverse: Limb,
    /// 2^(N·B − 1) mod m in Montgomery form, for limbs of B bits.
    half: Limb,
}

impl Divisor {
    /// For numbers of N limbs.
    fn new<const N: usize>(m: Limb) -> Self {
        let inverse = limb::negated_inverse(m).wrapping_neg();
        // 2⁰ · 2^B mod m, and from there bit by bit of the exponent.
        let mut divisor = Divisor { m, inverse, half: m.wrapping_neg() % m };
        let exponent = N * limb::BITS as usize - 1;
        for bit in (0..=exponent.ilog2()).rev() {
            divisor.half = divisor.multiply(divisor.half, divisor.half);
            if exponent >> bit & 1 == 1 {
                divisor.half = divisor.twice(divisor.half);
            }
        }
        divisor
    }

    /// 2a mod m, below m, for a below m.
    #[inline(always)]
    fn twice(&self, a: Limb) -> Limb {
        let (difference, borrow) = limb::sub(a, self.m - a, 0);
        difference.wrapping_add(self.m & limb::mask(borrow))
    }

    /// a · b / 2^B mod m, below m, for b below m.
    #[inline(always)]
    fn multiply(&self, a: Limb, b: Limb) -> Limb {
        let (low, high) = limb::multiply(a, b);
        let (_, above) = limb::multiply(low.wrapping_mul(self.inverse), self.m);
        let (difference, borrow) = limb::sub(high, above, 0);
        difference.wrapping_add(self.m & limb::mask(borrow))
    }

    /// −number / 2 mod m: after so many steps of two, m divides.
    ///
    /// Multiples of m are subtracted so that limb after limb becomes zero (Jebelean's exact division). What is left, `above`,
    /// is such that the number is −above · R mod m.
    #[inline(always)]
    fn steps<const N: usize>(&self, number: &Natural<N>) -> Limb {
        let above = number.iter().fold(0, |above, limb| {
            let (difference, borrow) = limb::sub(*limb, above, 0);
            limb::multiply(difference.wrapping_mul(self.inverse), self.m).1 + borrow
        });
        self.multiply(above, self.half)
    }
}

/// value mod m for a secret value and a public m, which is small against a limb.
#[inline(always)]
fn remainder(value: Limb, m: Limb) -> Limb {
    // Never more than the quotient, and at most one less.
    let (_, quotient) = limb::multiply(value, Limb::MAX / m);
    let rest = value.wrapping_sub(quotient.wrapping_mul(m));
    let (less, borrow) = limb::sub(rest, m, 0);
    less.wrapping_add(m & limb::mask(borrow))
}

/// The odd numbers from a start on, as many as two N limbs have bits, and marks on those that cannot be primes of a key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Interval<const N: usize> {
    start: Natural<N>,
    marks: Wide<N>,
    /// The next position to look at.
    next: usize,
}

impl<const N: usize> core::fmt::Debug for Interval<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Interval(..)")
    }
}

impl<const N: usize> Interval<N> {
    /// Numbers in it, and bits of a modulus of two such primes.
    pub const LENGTH: usize = 2 * N * limb::BITS as usize;

    /// Sieves the interval that begins with an odd number.
    ///
    /// Marked are multiples of small primes (also such a prime itself), and numbers w with 65537 | w − 1.
    #[must_use]
    pub fn from_odd(start: &Natural<N>) -> Self {
        let mut interval = Interval { start: *start, marks: [[0; N]; 2], next: 0 };
        let unit = Divisor::new::<N>(E).steps(start);
        interval.mark(remainder(unit + HALF, E), E);
        let (mut fresh, mut members) = (primes().peekable(), primes());
        while let Some(first) = fresh.next() {
            let (mut product, mut count) = (first, 1);
            while let Some(larger) = fresh.peek().and_then(|prime| product.checked_mul(*prime)) {
                (product, count) = (larger, count + 1);
                fresh.next();
            }
            let steps = Divisor::new::<N>(product).steps(start);
            for prime in members.by_ref().take(count) {
                interval.mark(remainder(steps, prime), prime);
            }
        }
        interval
    }

    /// Marks each `step`-th number. The positions show in time and addresses.
    #[inline(always)]
    fn mark(&mut self, first: Limb, step: Limb) {
        let (Ok(first), Ok(step)) = (usize::try_from(first), usize::try_from(step)) else { return };
        for at in (first..Self::LENGTH).step_by(step) {
            if let Some(limb) = self.marks.as_flattened_mut().get_mut(at / limb::BITS as usize) {
                *limb |= 1 << (at % limb::BITS as usize);
            }
        }
    }
}

impl<const N: usize> Iterator for Interval<N> {
    type Item = Natural<N>;

    /// The next number without a mark. The start must leave room for all of the interval.
    fn next(&mut self) -> Option<Natural<N>> {
        let marks = self.marks.as_flattened();
        let at = (self.next..Self::LENGTH).find(|at| natural::bits(marks, *at, 1) == 0)?;
        self.next = at + 1;
        let mut number = self.start;
        natural::add_masked(&mut number, &natural::small(Limb::try_from(2 * at).ok()?), limb::mask(1));
        Some(number)
    }
}
