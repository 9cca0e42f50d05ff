//! Which numbers are prime, and where the next one is.

use crate::{
    arithmetic::Pairs,
    key::EngineError,
    limb::{self, Limb},
    modulus::Modulus,
    natural::{self, Natural},
    randomness::Source,
    sieve::Interval,
};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// Twos that w − 1 may have. Of all numbers one in 2⁶⁴ has more, and counts as composite: so the squarings of a round are a
/// fixed number.
const TWOS: u32 = 64;

/// What a round of Miller and Rabin needs of an odd w beside its arithmetic: w − 1 = 2^twos · odd.
struct Split<const N: usize> {
    /// w − 1.
    less_one: Natural<N>,
    odd: Natural<N>,
    twos: Limb,
}

impl<const N: usize> Split<N> {
    fn of(w: &Natural<N>) -> Zeroizing<Self> {
        let mut less_one = *w;
        if let Some(first) = less_one.first_mut() {
            *first &= !1;
        }
        let mut split = Zeroizing::new(Split { less_one, odd: less_one, twos: 0 });
        for _ in 0..TWOS {
            let even = 1 ^ (natural::lowest(&split.odd) & 1);
            natural::halve_masked(&mut split.odd, limb::mask(even));
            split.twos += even;
        }
        split
    }
}

impl<const N: usize> zeroize::Zeroize for Split<N> {
    fn zeroize(&mut self) {
        self.less_one.zeroize();
        self.odd.zeroize();
        self.twos.zeroize();
    }
}

/// Euler's test to the base 2 of two numbers at once: 2^((w−1)/2) is 1 or −1 modulo every odd prime w. Cheap, and hardly any
/// composite passes; but some do, so it only chooses which numbers are tested in earnest. Numbers that are even or without
/// their top bit do not pass.
#[must_use]
pub fn pass_euler<const N: usize, A: Pairs<N>>(arithmetic: A, numbers: [&Natural<N>; 2]) -> [bool; 2] {
    let [Some(first), Some(second)] = numbers.map(|w| Modulus::with(arithmetic, w)) else { return [false; 2] };
    let pair = Zeroizing::new(arithmetic.pair(&first, &second));
    let exponents = Zeroizing::new(numbers.map(|w| {
        let mut half = *w;
        natural::halve_masked(&mut half, limb::mask(1));
        half
    }));
    let moduli = [&first, &second];
    let powers = Zeroizing::new(arithmetic.powers_of_two(&pair, moduli, exponents.each_ref()));
    let [a, b] = powers.each_ref();
    [(&first, a), (&second, b)].map(|(modulus, power)| {
        let power = Zeroizing::new(modulus.reduced(power));
        (natural::equal(&power, &modulus.one()) | natural::equal(&power, &less_one(modulus))) != 0
    })
}

/// −1 in Montgomery form.
fn less_one<const N: usize, A: Pairs<N>>(modulus: &Modulus<N, A>) -> Natural<N> {
    let mut number = *modulus.value();
    natural::sub_masked(&mut number, &modulus.one(), limb::mask(1));
    number
}

/// Miller and Rabin's test of two numbers at once, each to as many random bases. (FIPS 186-5 B.3.1) Numbers that are even or
/// without their top bit do not pass; for others, the time does not tell which did.
///
/// # Errors
/// [`EngineError::Randomness`].
#[inline(never)]
pub fn pass_miller_rabin<const N: usize, A: Pairs<N>, R: TryCryptoRng>(
    arithmetic: A,
    numbers: [&Natural<N>; 2],
    rounds: u32,
    source: &mut Source<'_, N, R>,
) -> Result<[bool; 2], EngineError> {
    let [Some(first), Some(second)] = numbers.map(|w| Modulus::with(arithmetic, w)) else { return Ok([false; 2]) };
    let moduli = [&first, &second];
    let pair = Zeroizing::new(arithmetic.pair(&first, &second));
    let splits = numbers.map(Split::of);
    let [split_first, split_second] = splits.each_ref().map(|split| &**split);
    let mut passed = [limb::mask(1); 2];
    for _ in 0..rounds {
        let bases = [source.below(&split_first.less_one)?, source.below(&split_second.less_one)?];
        let [base_first, base_second] = bases.each_ref();
        let bases = Zeroizing::new([first.enter(base_first), second.enter(base_second)]);
        let exponents: [&[Limb]; 2] = [&split_first.odd, &split_second.odd];
        let powers = Zeroizing::new(arithmetic.powers(&pair, moduli, bases.each_ref(), exponents));
        let [a, b] = powers.each_ref();
        for (passed, (modulus, split, power)) in
            passed.iter_mut().zip([(&first, split_first, a), (&second, split_second, b)])
        {
            *passed &= ends_well(modulus, split.twos, power);
        }
    }
    Ok(passed.map(|mask| mask != 0))
}

/// All ones where base^odd is 1, or becomes −1 before it was squared `twos` times; else zero.
fn ends_well<const N: usize, A: Pairs<N>>(modulus: &Modulus<N, A>, twos: Limb, power: &Natural<N>) -> Limb {
    let last = Zeroizing::new(less_one(modulus));
    let mut power = Zeroizing::new(modulus.reduced(power));
    let mut good = natural::equal(&power, &modulus.one());
    for squared in 0..Limb::from(TWOS) {
        let (_, counts) = limb::sub(squared, twos, 0);
        good |= natural::equal(&power, &last) & limb::mask(counts);
        *power = modulus.reduced(&modulus.square(&power));
    }
    good
}

/// The first number without small factors that passes Euler's test, from a random start on, in so many intervals at most.
///
/// # Errors
/// [`EngineError::Randomness`], also where there is none: in 5 intervals once in e²⁸ searches, so the source is to blame.
#[inline(never)]
pub fn search<const N: usize, A: Pairs<N>, R: TryCryptoRng>(
    arithmetic: A,
    intervals: u32,
    source: &mut Source<'_, N, R>,
    fits: impl Fn(&Natural<N>) -> bool,
) -> Result<Zeroizing<Natural<N>>, EngineError> {
    for _ in 0..intervals {
        let mut interval = Interval::from_odd(&*source.start()?);
        while let Some(first) = interval.next().map(Zeroizing::new) {
            let second = Zeroizing::new(interval.next().unwrap_or(*first));
            let passed = pass_euler(arithmetic, [&first, &second]);
            for (number, passed) in [first, second].into_iter().zip(passed) {
                if passed && fits(&number) {
                    return Ok(number);
                }
            }
        }
    }
    Err(EngineError::Randomness)
}
