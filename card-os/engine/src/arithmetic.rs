//! Who multiplies: the seam where an accelerator takes over.
//!
//! Everything above works with any implementation and asks for three shapes of work: rows of a product or whole
//! multiplications ([`Arithmetic`]), and long exponentiations, which an accelerator may arrange as it likes ([`Pairs`],
//! [`Opens`]). All values that cross the seam are in the Montgomery form of [`Modulus`], so no accelerator's own form is seen
//! outside of it.

use crate::{
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::Natural,
    schoolbook,
};
use zeroize::Zeroize;

/// Multiplication modulo an odd m whose top bit is set. A value of the type is the right to use it: an accelerator hands one out
/// only where the processor can do what it needs.
///
/// # What an implementation promises
///
/// Products are below R (not always below m) and congruent to a · b / R. Time and addresses do not depend on the numbers.
/// `wide` is scratch; its owner wipes it.
///
/// Multiplications are compiled into their callers for speed, or once for all of them in the small configuration.
pub trait Arithmetic: Copy + core::fmt::Debug {
    /// Adds q · a + carry to the first limbs of `t`, as many as `a` has, a multiple of eight; gives the limb above them.
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, carry: Limb) -> Limb;

    /// The same for fewer than sixteen limbs and no carry.
    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb;

    /// `a` = a · b / R, with `k` = −m⁻¹ modulo a limb.
    #[cfg_attr(feature = "window4", inline(never))]
    #[cfg_attr(not(feature = "window4"), inline(always))]
    fn multiply<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, b: &Natural<N>, m: &Natural<N>, k: Limb) {
        schoolbook::product(self, wide, a, b);
        schoolbook::reduce(self, wide, a, m, k);
    }

    /// `a` = a² / R.
    #[cfg_attr(feature = "window4", inline(never))]
    #[cfg_attr(not(feature = "window4"), inline(always))]
    fn square<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, m: &Natural<N>, k: Limb) {
        schoolbook::square(self, wide, a);
        schoolbook::reduce(self, wide, a, m, k);
    }
}

/// Two exponentiations at once, modulo two numbers of one size.
pub trait Pairs<const N: usize>: Arithmetic {
    /// What it keeps beside the two moduli.
    type Pair: Zeroize + Send;

    /// Prepares two moduli for many exponentiations.
    fn pair(self, p: &Modulus<N, Self>, q: &Modulus<N, Self>) -> Self::Pair;

    /// `bases`^`exponents`, first of each modulo p, second modulo q; in and out in Montgomery form. Both exponents have the same
    /// number of limbs, and every exponent of that length takes the same steps.
    fn powers(
        self,
        pair: &Self::Pair,
        moduli: [&Modulus<N, Self>; 2],
        bases: [&Natural<N>; 2],
        exponents: [&[Limb]; 2],
    ) -> [Natural<N>; 2];

    /// 2^`exponents` in Montgomery form, first modulo p, second modulo q. Every exponent takes the same steps.
    fn powers_of_two(
        self,
        pair: &Self::Pair,
        [p, q]: [&Modulus<N, Self>; 2],
        [exponent_p, exponent_q]: [&Natural<N>; 2],
    ) -> [Natural<N>; 2] {
        let _ = pair;
        [p.power_of_two(exponent_p), q.power_of_two(exponent_q)]
    }
}

/// The public operation.
pub trait Opens<const M: usize>: Arithmetic {
    /// What it keeps beside the modulus.
    type Opening: Zeroize + Send;

    /// Prepares a modulus for many operations.
    fn opening(self, n: &Modulus<M, Self>) -> Self::Opening;

    /// base^65537, in and out in Montgomery form.
    fn open(self, opening: &Self::Opening, n: &Modulus<M, Self>, base: &Natural<M>) -> Natural<M>;
}

/// All that a private key of primes of N limbs and a modulus of M asks for.
pub trait Kernel<const N: usize, const M: usize>: Pairs<N> + Opens<M> {}

impl<const N: usize, const M: usize, A: Pairs<N> + Opens<M>> Kernel<N, M> for A {}

/// For an [`Arithmetic`] that keeps nothing.
#[derive(Debug, Clone, Copy, Zeroize)]
pub struct Nothing;

/// Safe Rust on the limbs of the target: works everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Portable;

impl Arithmetic for Portable {
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(not(feature = "compact"), inline(always))]
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, mut carry: Limb) -> Limb {
        if cfg!(feature = "compact") {
            for (t, a) in t.as_chunks_mut::<4>().0.iter_mut().zip(a.as_chunks::<4>().0) {
                carry = limb::mul_add_four(t, a, q, carry);
            }
            return carry;
        }
        // Eight at a time, so that the loop itself costs little.
        for (t, a) in t.as_chunks_mut::<8>().0.iter_mut().zip(a.as_chunks::<8>().0) {
            for (t, a) in t.as_chunks_mut::<4>().0.iter_mut().zip(a.as_chunks::<4>().0) {
                carry = limb::mul_add_four(t, a, q, carry);
            }
        }
        carry
    }

    #[inline(always)]
    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb {
        let mut carry = 0;
        let (odd_places, places) = t.split_at_mut(L % 4);
        let (odd_limbs, limbs) = a.split_at(L % 4);
        for (t, a) in odd_places.iter_mut().zip(odd_limbs) {
            (*t, carry) = limb::mul_add(*a, q, *t, carry);
        }
        for (t, a) in places.as_chunks_mut::<4>().0.iter_mut().zip(limbs.as_chunks::<4>().0) {
            carry = limb::mul_add_four(t, a, q, carry);
        }
        carry
    }
}

impl<const N: usize> Pairs<N> for Portable {
    type Pair = Nothing;

    fn pair(self, _: &Modulus<N>, _: &Modulus<N>) -> Nothing {
        Nothing
    }

    fn powers(
        self,
        _: &Nothing,
        [p, q]: [&Modulus<N>; 2],
        [base_p, base_q]: [&Natural<N>; 2],
        [exponent_p, exponent_q]: [&[Limb]; 2],
    ) -> [Natural<N>; 2] {
        [p.power(base_p, exponent_p), q.power(base_q, exponent_q)]
    }
}

impl<const M: usize> Opens<M> for Portable {
    type Opening = Nothing;

    fn opening(self, _: &Modulus<M>) -> Nothing {
        Nothing
    }

    fn open(self, _: &Nothing, n: &Modulus<M>, base: &Natural<M>) -> Natural<M> {
        n.power_f4(base)
    }
}
