//! The vector processor in plain Rust: the algorithms can be run where there is none, and under tools that know none.

use crate::{
    power,
    vector::{BITS, Constants, Lanes, MASK, Vector},
};
use core::hint::black_box;
use engine::limb::Limb;

/// Eight lanes in memory.
#[derive(Debug, Clone, Copy)]
pub struct Model([u64; 8]);

impl Model {
    #[inline(always)]
    fn each(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        let mut lanes = self.0;
        for (lane, other) in lanes.iter_mut().zip(other.0) {
            *lane = f(*lane, other);
        }
        Model(lanes)
    }

    /// One bit a lane, each nought or one.
    #[inline(always)]
    fn bits(self, other: Self, f: impl Fn(u64, u64) -> u64) -> u8 {
        self.0.iter().zip(other.0).rev().fold(0, |bits, (lane, other)| bits << 1 | f(*lane, other) as u8)
    }

    /// All ones in the lanes whose bits are set.
    #[inline(always)]
    fn mask(bits: u8) -> Self {
        let mut lanes = [0; 8];
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane = black_box(u64::from(bits >> at & 1).wrapping_neg());
        }
        Model(lanes)
    }
}

impl Vector for Model {
    fn zero() -> Self {
        Model([0; 8])
    }

    fn splat(value: u64) -> Self {
        Model([value; 8])
    }

    fn pairs(even: u64, odd: u64) -> Self {
        Model([even, odd, even, odd, even, odd, even, odd])
    }

    fn load(lanes: &[u64; 8]) -> Self {
        Model(*lanes)
    }

    fn store(self, lanes: &mut [u64; 8]) {
        *lanes = self.0;
    }

    fn add_low_product(self, a: Self, b: Self) -> Self {
        self.each(a.each(b, |a, b| (u128::from(a & MASK) * u128::from(b & MASK)) as u64 & MASK), u64::wrapping_add)
    }

    fn add_high_product(self, a: Self, b: Self) -> Self {
        let high = |a, b| ((u128::from(a & MASK) * u128::from(b & MASK)) >> BITS) as u64;
        self.each(a.each(b, high), u64::wrapping_add)
    }

    fn plus(self, other: Self) -> Self {
        self.each(other, u64::wrapping_add)
    }

    fn low(self) -> Self {
        Model(self.0.map(|lane| lane & MASK))
    }

    fn carry(self) -> Self {
        Model(self.0.map(|lane| lane >> BITS))
    }

    fn slide<const K: i32>(self, next: Self) -> Self {
        let mut lanes = [0; 8];
        for (slot, lane) in lanes.iter_mut().zip(self.0.into_iter().chain(next.0).skip(K as usize)) {
            *slot = lane;
        }
        Model(lanes)
    }

    fn repeat_pair<const W: i32>(self) -> Self {
        let at = 2 * W as usize;
        Model::pairs(self.0[at], self.0[at + 1])
    }

    fn repeat_lane<const W: i32>(self) -> Self {
        Model::splat(self.0[W as usize])
    }

    fn over(self) -> u8 {
        // Lanes are far below 2^63, so the difference is negative where the lane is greater.
        self.bits(Model::splat(MASK), |lane, mask| mask.wrapping_sub(lane) >> 63)
    }

    fn equal(self, other: Self) -> u8 {
        self.bits(other, |a, b| 1 ^ (((a ^ b) | (a ^ b).wrapping_neg()) >> 63))
    }

    fn increment_where(self, lanes: u8) -> Self {
        self.each(Model::mask(lanes), u64::wrapping_sub)
    }

    fn or_where(self, lanes: u8, other: Self) -> Self {
        self.each(other.each(Model::mask(lanes), |lane, mask| lane & mask), |a, b| a | b)
    }

    fn pair<const NV: usize, const L: usize>(
        constants: &Constants<NV>,
        bases: &Lanes<NV>,
        exponents: [&[Limb]; 2],
    ) -> Lanes<NV> {
        power::pair::<Self, NV, L>(constants, bases, exponents)
    }

    fn f4<const NV: usize, const L: usize>(constants: &Constants<NV>, base: &Lanes<NV>) -> Lanes<NV> {
        power::f4::<Self, NV, L>(constants, base)
    }
}
