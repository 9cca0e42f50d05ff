//! Eight lanes of 64 bits, and numbers spread over them.

use engine::{limb::Limb, natural::Natural};
use zeroize::Zeroize;

/// Bits of a number that one lane holds. The rest of the lane is room for carries.
pub(crate) const BITS: usize = 52;
/// The bits of a lane that belong to the number.
pub(crate) const MASK: u64 = (1 << BITS) - 1;

/// What the algorithms ask of a vector processor. Time and addresses do not depend on the lanes.
///
/// Nobody outside of this crate implements or calls it.
pub trait Vector: Copy {
    /// All lanes nought.
    fn zero() -> Self;
    /// All lanes alike.
    fn splat(value: u64) -> Self;
    /// Even lanes and odd lanes.
    fn pairs(even: u64, odd: u64) -> Self;
    /// From memory.
    fn load(lanes: &[u64; 8]) -> Self;
    /// To memory.
    fn store(self, lanes: &mut [u64; 8]);
    /// Adds the low 52 bits of the product of the low 52 bits of each lane.
    fn add_low_product(self, a: Self, b: Self) -> Self;
    /// Adds the 52 bits above those.
    fn add_high_product(self, a: Self, b: Self) -> Self;
    /// Sums, modulo 2^64.
    fn plus(self, other: Self) -> Self;
    /// The low 52 bits.
    fn low(self) -> Self;
    /// What is above the low 52 bits.
    fn carry(self) -> Self;
    /// The lanes of self from K on, then the first K of `next`.
    fn slide<const K: i32>(self, next: Self) -> Self;
    /// Lanes 2W and 2W + 1 in every pair of lanes; W is 0 or 1.
    fn repeat_pair<const W: i32>(self) -> Self;
    /// Lane W in every lane; W is 0 or 1.
    fn repeat_lane<const W: i32>(self) -> Self;
    /// One bit a lane: the lane is greater than 2^52 − 1.
    fn over(self) -> u8;
    /// One bit a lane: the lanes are equal.
    fn equal(self, other: Self) -> u8;
    /// Adds one to the lanes whose bits are set.
    fn increment_where(self, lanes: u8) -> Self;
    /// Adds the bits of `other` in the lanes whose bits are set.
    fn or_where(self, lanes: u8, other: Self) -> Self;
    /// Runs `power::pair` with the instructions of this processor, then wipes its registers.
    fn pair<const NV: usize, const L: usize>(
        constants: &Constants<NV>,
        bases: &Lanes<NV>,
        exponents: [&[Limb]; 2],
    ) -> Lanes<NV>;
    /// The same for `power::f4`.
    fn f4<const NV: usize, const L: usize>(constants: &Constants<NV>, base: &Lanes<NV>) -> Lanes<NV>;
}

/// A number, or two numbers in turns, 52 bits a lane, least significant first.
#[derive(Clone, Copy, Zeroize)]
#[repr(align(64))]
pub struct Lanes<const NV: usize>(pub(crate) [[u64; 8]; NV]);

impl<const NV: usize> Lanes<NV> {
    pub(crate) const ZERO: Self = Lanes([[0; 8]; NV]);

    /// Puts a number into every `stride`th lane from `first` on.
    pub(crate) fn put(&mut self, first: usize, stride: usize, number: &[Limb]) {
        let lanes = self.0.as_flattened_mut().iter_mut().skip(first).step_by(stride);
        for (lane, at) in lanes.zip((0..number.len() * 64).step_by(BITS)) {
            let limb = |index: usize| number.get(index).copied().unwrap_or(0);
            let (index, shift) = (at / 64, at % 64);
            let above = limb(index + 1).checked_shl(64 - shift as u32).unwrap_or(0);
            *lane = ((limb(index) >> shift) | above) & MASK;
        }
    }

    /// Takes a number out again, with what is above its limbs.
    pub(crate) fn take<const N: usize>(&self, first: usize, stride: usize) -> (Natural<N>, Limb) {
        let (mut number, mut top) = ([0; N], 0);
        let lanes = self.0.as_flattened().iter().skip(first).step_by(stride);
        for (lane, at) in lanes.zip((0..).step_by(BITS)) {
            let (index, shift) = (at / 64, at % 64);
            let parts = [lane << shift, lane.checked_shr(64 - shift as u32).unwrap_or(0)];
            for (index, part) in (index..).zip(parts) {
                match number.get_mut(index) {
                    Some(limb) => *limb |= part,
                    None => top |= part,
                }
            }
        }
        (number, top)
    }
}

/// What exponentiation needs to know of one modulus, or of two in turns. R is that of the engine, S is two to 52 times the lanes.
#[derive(Clone, Zeroize)]
pub struct Constants<const NV: usize> {
    /// The moduli.
    pub(crate) m: Lanes<NV>,
    /// −m⁻¹ modulo 2^52 of each.
    pub(crate) k: [u64; 2],
    /// S²/R: brings a number from the engine's Montgomery form into this one.
    pub(crate) enter: Lanes<NV>,
    /// S: one in Montgomery form.
    pub(crate) one: Lanes<NV>,
    /// R: brings a number back.
    pub(crate) leave: Lanes<NV>,
}
