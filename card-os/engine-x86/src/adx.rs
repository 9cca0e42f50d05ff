//! Montgomery arithmetic on rows of mulx, adcx and adox.

use crate::rows::*;
use engine::{
    arithmetic::{Arithmetic, Nothing, Opens, Pairs},
    limb::Limb,
    modulus::{Modulus, Wide},
    natural::Natural,
    schoolbook,
};

/// Shows that the processor has BMI2 and ADX: [`Adx::detect`] is the only source.
#[derive(Debug, Clone, Copy)]
pub struct Adx(());

cpufeatures::new!(instructions, "bmi2", "adx");

impl Adx {
    /// The accelerator, where the processor has what it needs: Intel since 2014, AMD since 2017.
    #[must_use]
    pub fn detect() -> Option<Adx> {
        instructions::get().then_some(Adx(()))
    }

    /// The accelerator, whatever the processor says: valgrind runs these instructions but does not say so.
    ///
    /// # Safety
    /// The processor, or whoever plays it, has BMI2 and ADX. Else the first multiplication is an illegal instruction.
    #[must_use]
    pub unsafe fn assume() -> Adx {
        Adx(())
    }
}

impl Arithmetic for Adx {
    #[inline(always)]
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, mut carry: Limb) -> Limb {
        let (long, short) = a.as_chunks::<16>();
        let Some((places, rest)) = t.split_at_mut_checked(16 * long.len()) else { return carry };
        for (t, a) in places.as_chunks_mut::<16>().0.iter_mut().zip(long) {
            carry = row16(self, t, a, q, carry);
        }
        for (t, a) in rest.as_chunks_mut::<8>().0.iter_mut().zip(short.as_chunks::<8>().0) {
            carry = row8(self, t, a, q, carry);
        }
        carry
    }

    #[inline(always)]
    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb {
        /// A row of the length that L is; which one is known when this is compiled.
        macro_rules! of_length {
            ($($limbs:literal => $row:ident),+) => {
                match L {
                    $($limbs => match (t.first_chunk_mut(), a.first_chunk()) {
                        (Some(t), Some(a)) => $row(self, t, a, q, 0),
                        _ => 0,
                    },)+
                    _ => 0,
                }
            };
        }
        const { assert!(L < 16, "a short row") };
        of_length!(
            1 => row1, 2 => row2, 3 => row3, 4 => row4, 5 => row5, 6 => row6, 7 => row7, 8 => row8,
            9 => row9, 10 => row10, 11 => row11, 12 => row12, 13 => row13, 14 => row14, 15 => row15
        )
    }

    // Out of line: rows want six registers, and what surrounds them wants some too.
    #[inline(never)]
    fn multiply<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, b: &Natural<N>, m: &Natural<N>, k: Limb) {
        schoolbook::product(self, wide, a, b);
        schoolbook::reduce(self, wide, a, m, k);
    }

    #[inline(never)]
    fn square<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, m: &Natural<N>, k: Limb) {
        schoolbook::square(self, wide, a);
        schoolbook::reduce(self, wide, a, m, k);
    }
}

impl<const N: usize> Pairs<N> for Adx {
    type Pair = Nothing;

    fn pair(self, _: &Modulus<N, Self>, _: &Modulus<N, Self>) -> Nothing {
        Nothing
    }

    fn powers(
        self,
        _: &Nothing,
        [p, q]: [&Modulus<N, Self>; 2],
        [base_p, base_q]: [&Natural<N>; 2],
        [exponent_p, exponent_q]: [&[Limb]; 2],
    ) -> [Natural<N>; 2] {
        [p.power(base_p, exponent_p), q.power(base_q, exponent_q)]
    }
}

impl<const M: usize> Opens<M> for Adx {
    type Opening = Nothing;

    fn opening(self, _: &Modulus<M, Self>) -> Nothing {
        Nothing
    }

    fn open(self, _: &Nothing, n: &Modulus<M, Self>, base: &Natural<M>) -> Natural<M> {
        n.power_f4(base)
    }
}
