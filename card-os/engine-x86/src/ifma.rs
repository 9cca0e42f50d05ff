//! Both primes of a key in one stream of vectors.

#[cfg(target_arch = "x86_64")]
use crate::{adx::Adx, zmm::Zmm};
use crate::{
    model::Model,
    vector::{BITS, Constants, Lanes, Vector},
};
use core::marker::PhantomData;
use engine::{
    arithmetic::{Arithmetic, Opens, Pairs, Portable},
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::{self, Natural},
};
use zeroize::Zeroizing;

/// Long exponentiations on vectors V; the few single multiplications of a signature on B.
#[derive(Debug, Clone, Copy)]
pub struct Vectors<V, B> {
    base: B,
    vector: PhantomData<fn() -> V>,
}

/// Shows that the processor has AVX-512 IFMA, BMI2 and ADX: [`Ifma::detect`] is the only source.
#[cfg(target_arch = "x86_64")]
pub type Ifma = Vectors<Zmm, Adx>;

/// The vectors of [`Ifma`] without its rows: [`Lone::detect`] is the only source. For tests where the vectors are to be trusted
/// and adox is not: Bochs 2.7 takes a signed overflow for the carry.
#[cfg(target_arch = "x86_64")]
pub type Lone = Vectors<Zmm, Portable>;

/// The same algorithm on a software model of the vector processor: slow, and it works everywhere.
pub type Modelled = Vectors<Model, Portable>;

#[cfg(target_arch = "x86_64")]
cpufeatures::new!(instructions, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512ifma", "bmi2", "adx");

#[cfg(target_arch = "x86_64")]
impl Ifma {
    /// The accelerator, where the processor and the operating system have what it needs: Intel servers since Ice Lake, AMD
    /// since Zen 4.
    #[must_use]
    pub fn detect() -> Option<Ifma> {
        let base = Adx::detect()?;
        instructions::get().then_some(Vectors { base, vector: PhantomData })
    }
}

#[cfg(target_arch = "x86_64")]
impl Lone {
    /// The accelerator, where [`Ifma::detect`] finds one.
    #[must_use]
    pub fn detect() -> Option<Lone> {
        instructions::get().then_some(Vectors { base: Portable, vector: PhantomData })
    }
}

impl Modelled {
    /// The model.
    #[must_use]
    pub fn new() -> Modelled {
        Vectors { base: Portable, vector: PhantomData }
    }
}

impl Default for Modelled {
    fn default() -> Self {
        Modelled::new()
    }
}

impl<V: Vector + core::fmt::Debug, B: Arithmetic> Arithmetic for Vectors<V, B>
where
    Self: Copy,
{
    #[inline(always)]
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, carry: Limb) -> Limb {
        self.base.row(t, a, q, carry)
    }

    #[inline(always)]
    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb {
        self.base.short_row(t, a, q)
    }

    #[inline(always)]
    fn multiply<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, b: &Natural<N>, m: &Natural<N>, k: Limb) {
        self.base.multiply(wide, a, b, m, k);
    }

    #[inline(always)]
    fn square<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, m: &Natural<N>, k: Limb) {
        self.base.square(wide, a, m, k);
    }
}

impl<const NV: usize> Constants<NV> {
    /// Those of the given moduli, in turns; `limbs` are those of 52 bits.
    fn of<const N: usize, A: Arithmetic>(moduli: &[&Modulus<N, A>], limbs: usize) -> Self {
        let zero = Lanes::ZERO;
        let mut constants = Constants { m: zero, k: [0; 2], enter: zero, one: zero, leave: zero };
        let Constants { m, k, enter, one, leave } = &mut constants;
        let stride = moduli.len();
        for (first, modulus) in moduli.iter().enumerate() {
            let value = modulus.value();
            m.put(first, stride, value);
            // R, then S = 2^spare · R, then S²/R = 2^spare · S.
            let spare = limbs * BITS - N * limb::BITS as usize;
            let mut power = Zeroizing::new(modulus.reduced(&modulus.one()));
            leave.put(first, stride, power.as_ref());
            for into in [&mut *one, enter] {
                for _ in 0..spare {
                    let carry = natural::double(&mut power);
                    natural::sub_masked(&mut power, value, limb::mask(carry));
                    *power = modulus.reduced(&power);
                }
                into.put(first, stride, power.as_ref());
            }
            let inverse = limb::negated_inverse(value.first().copied().unwrap_or(1)) & ((1 << BITS) - 1);
            for k in k.iter_mut().skip(first) {
                *k = inverse;
            }
        }
        constants
    }
}

/// The number in some lanes: below R, as the engine wants it.
fn taken<const N: usize, const NV: usize, A: Arithmetic>(
    lanes: &Lanes<NV>,
    first: usize,
    stride: usize,
    modulus: &Modulus<N, A>,
) -> Natural<N> {
    let (mut number, top) = lanes.take(first, stride);
    // Above R by less than a product divided by S, which is far less than the modulus.
    natural::sub_masked(&mut number, modulus.value(), limb::mask(top));
    number
}

/// The seams for one size: limbs of 64 bits, limbs of 52 bits (even) and the vectors that they fill, for the two primes and
/// for the modulus.
macro_rules! size {
    ($prime:literal limbs as $prime52:literal, $modulus:literal limbs as $modulus52:literal, in $vectors:literal) => {
        impl<V: Vector + core::fmt::Debug, B: Arithmetic> Pairs<$prime> for Vectors<V, B>
        where
            Self: Copy,
        {
            type Pair = Constants<$vectors>;

            fn pair(self, p: &Modulus<$prime, Self>, q: &Modulus<$prime, Self>) -> Self::Pair {
                Constants::of(&[p, q], $prime52)
            }

            fn powers(
                self,
                pair: &Self::Pair,
                moduli: [&Modulus<$prime, Self>; 2],
                bases: [&Natural<$prime>; 2],
                exponents: [&[Limb]; 2],
            ) -> [Natural<$prime>; 2] {
                let mut lanes = Zeroizing::new(Lanes::ZERO);
                for (first, base) in bases.into_iter().enumerate() {
                    lanes.put(first, 2, base);
                }
                let powers = Zeroizing::new(V::pair::<$vectors, $prime52>(pair, &lanes, exponents));
                [taken(&powers, 0, 2, moduli[0]), taken(&powers, 1, 2, moduli[1])]
            }

            /// Like any other base: both at once are done before one alone without a table would be.
            fn powers_of_two(
                self,
                pair: &Self::Pair,
                moduli: [&Modulus<$prime, Self>; 2],
                exponents: [&Natural<$prime>; 2],
            ) -> [Natural<$prime>; 2] {
                let twos = moduli.map(|modulus| modulus.enter(&natural::small(2)));
                self.powers(pair, moduli, twos.each_ref(), exponents.map(|exponent| &exponent[..]))
            }
        }

        impl<V: Vector + core::fmt::Debug, B: Arithmetic> Opens<$modulus> for Vectors<V, B>
        where
            Self: Copy,
        {
            type Opening = Constants<$vectors>;

            fn opening(self, n: &Modulus<$modulus, Self>) -> Self::Opening {
                Constants::of(&[n], $modulus52)
            }

            fn open(
                self,
                opening: &Self::Opening,
                n: &Modulus<$modulus, Self>,
                base: &Natural<$modulus>,
            ) -> Natural<$modulus> {
                let mut lanes = Zeroizing::new(Lanes::ZERO);
                lanes.put(0, 1, base);
                let power = Zeroizing::new(V::f4::<$vectors, $modulus52>(opening, &lanes));
                taken(&power, 0, 1, n)
            }
        }
    };
}

size!(16 limbs as 20, 32 limbs as 40, in 5);
size!(24 limbs as 30, 48 limbs as 60, in 8);
size!(32 limbs as 40, 64 limbs as 80, in 10);
