//! The vector processor of x86-64 with AVX-512 IFMA.

use crate::{
    power,
    vector::{BITS, Constants, Lanes, MASK, Vector},
};
use core::arch::{asm, x86_64::*};
use engine::limb::Limb;

/// A 512-bit register.
#[derive(Debug, Clone, Copy)]
pub struct Zmm(__m512i);

/// Calls an intrinsic.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: all functions of this file but the two last are reached from those two alone, which run where the processor
        // has AVX-512 F, BW, DQ, VL and IFMA: the trait is sealed in this crate, and its callers are generic functions that
        // only `Zmm::pair` and `Zmm::f4` instantiate with this type. Memory operands are references to 64 bytes.
        unsafe { $call }
    };
}

impl Vector for Zmm {
    #[inline(always)]
    fn zero() -> Self {
        Zmm(intrinsic!(_mm512_setzero_si512()))
    }

    #[inline(always)]
    fn splat(value: u64) -> Self {
        Zmm(intrinsic!(_mm512_set1_epi64(value.cast_signed())))
    }

    #[inline(always)]
    fn pairs(even: u64, odd: u64) -> Self {
        let pair = intrinsic!(_mm_set_epi64x(odd.cast_signed(), even.cast_signed()));
        Zmm(intrinsic!(_mm512_broadcast_i64x2(pair)))
    }

    #[inline(always)]
    fn load(lanes: &[u64; 8]) -> Self {
        Zmm(intrinsic!(_mm512_loadu_si512(lanes.as_ptr().cast())))
    }

    #[inline(always)]
    fn store(self, lanes: &mut [u64; 8]) {
        intrinsic!(_mm512_storeu_si512(lanes.as_mut_ptr().cast(), self.0));
    }

    #[inline(always)]
    fn add_low_product(self, a: Self, b: Self) -> Self {
        Zmm(intrinsic!(_mm512_madd52lo_epu64(self.0, a.0, b.0)))
    }

    #[inline(always)]
    fn add_high_product(self, a: Self, b: Self) -> Self {
        Zmm(intrinsic!(_mm512_madd52hi_epu64(self.0, a.0, b.0)))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Zmm(intrinsic!(_mm512_add_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn low(self) -> Self {
        Zmm(intrinsic!(_mm512_and_si512(self.0, Zmm::splat(MASK).0)))
    }

    #[inline(always)]
    fn carry(self) -> Self {
        Zmm(intrinsic!(_mm512_srli_epi64::<{ BITS as u32 }>(self.0)))
    }

    #[inline(always)]
    fn slide<const K: i32>(self, next: Self) -> Self {
        Zmm(intrinsic!(_mm512_alignr_epi64::<K>(next.0, self.0)))
    }

    #[inline(always)]
    fn repeat_pair<const W: i32>(self) -> Self {
        // A quarter of the register in every quarter: two bits each of the selector.
        match W {
            0 => Zmm(intrinsic!(_mm512_shuffle_i64x2::<0b00_00_00_00>(self.0, self.0))),
            _ => Zmm(intrinsic!(_mm512_shuffle_i64x2::<0b01_01_01_01>(self.0, self.0))),
        }
    }

    #[inline(always)]
    fn repeat_lane<const W: i32>(self) -> Self {
        Zmm(intrinsic!(_mm512_permutexvar_epi64(Zmm::splat(W as u64).0, self.0)))
    }

    #[inline(always)]
    fn over(self) -> u8 {
        barrier(intrinsic!(_mm512_cmpgt_epu64_mask(self.0, Zmm::splat(MASK).0)))
    }

    #[inline(always)]
    fn equal(self, other: Self) -> u8 {
        intrinsic!(_mm512_cmpeq_epi64_mask(self.0, other.0))
    }

    #[inline(always)]
    fn increment_where(self, lanes: u8) -> Self {
        Zmm(intrinsic!(_mm512_mask_add_epi64(self.0, lanes, self.0, Zmm::splat(1).0)))
    }

    #[inline(always)]
    fn or_where(self, lanes: u8, other: Self) -> Self {
        Zmm(intrinsic!(_mm512_mask_or_epi64(self.0, lanes, self.0, other.0)))
    }

    #[inline(always)]
    fn pair<const NV: usize, const L: usize>(
        constants: &Constants<NV>,
        bases: &Lanes<NV>,
        exponents: [&[Limb]; 2],
    ) -> Lanes<NV> {
        // SAFETY: only an `Ifma` or a `Lone` calls this with this type, and it shows that the processor has these instructions.
        unsafe { pair::<NV, L>(constants, bases, exponents) }
    }

    #[inline(always)]
    fn f4<const NV: usize, const L: usize>(constants: &Constants<NV>, base: &Lanes<NV>) -> Lanes<NV> {
        // SAFETY: as above.
        unsafe { f4::<NV, L>(constants, base) }
    }
}

/// Keeps the optimiser from gathering masks with vector instructions, which takes longer.
#[inline(always)]
fn barrier(mut mask: u8) -> u8 {
    // SAFETY: an empty instruction that claims to change the value.
    unsafe { asm!("/* {0} */", inout(reg_byte) mask, options(pure, nomem, nostack, preserves_flags)) };
    mask
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")]
fn pair<const NV: usize, const L: usize>(
    constants: &Constants<NV>,
    bases: &Lanes<NV>,
    exponents: [&[Limb]; 2],
) -> Lanes<NV> {
    let powers = power::pair::<Zmm, NV, L>(constants, bases, exponents);
    wipe();
    powers
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")]
fn f4<const NV: usize, const L: usize>(constants: &Constants<NV>, base: &Lanes<NV>) -> Lanes<NV> {
    let power = power::f4::<Zmm, NV, L>(constants, base);
    wipe();
    power
}

/// Leaves nothing of a computation in the vector registers. What the compiler spilled to the stack stays there.
#[inline]
#[target_feature(enable = "avx512f")]
fn wipe() {
    // SAFETY: writes registers that it declares, and nothing else. vzeroall clears 0 to 15 in their full width.
    unsafe {
        asm!(
            "vzeroall",
            "vpxorq zmm16, zmm16, zmm16", "vpxorq zmm17, zmm17, zmm17", "vpxorq zmm18, zmm18, zmm18",
            "vpxorq zmm19, zmm19, zmm19", "vpxorq zmm20, zmm20, zmm20", "vpxorq zmm21, zmm21, zmm21",
            "vpxorq zmm22, zmm22, zmm22", "vpxorq zmm23, zmm23, zmm23", "vpxorq zmm24, zmm24, zmm24",
            "vpxorq zmm25, zmm25, zmm25", "vpxorq zmm26, zmm26, zmm26", "vpxorq zmm27, zmm27, zmm27",
            "vpxorq zmm28, zmm28, zmm28", "vpxorq zmm29, zmm29, zmm29", "vpxorq zmm30, zmm30, zmm30",
            "vpxorq zmm31, zmm31, zmm31",
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _, out("zmm6") _,
            out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _, out("zmm12") _, out("zmm13") _,
            out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _, out("zmm18") _, out("zmm19") _,
            out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _, out("zmm24") _, out("zmm25") _,
            out("zmm26") _, out("zmm27") _, out("zmm28") _, out("zmm29") _, out("zmm30") _, out("zmm31") _,
            options(nomem, nostack, preserves_flags),
        );
    }
}
