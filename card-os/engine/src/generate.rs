//! Key generation after FIPS 186-5 A.1.3 (random probable primes), for e = 65537.
//!
//! The search for a prime walks an interval from a random start, where the standard draws each candidate anew: see decision 10.
//! All else is the standard's, and holds for every key that is given out: both primes at least √2 · 2^(nlen/2 − 1) and more
//! than 2^(nlen/2 − 100) apart, e prime to p − 1 and q − 1, d the inverse of e modulo their least common multiple and above
//! 2^(nlen/2), rounds of Miller and Rabin with random bases after Table B.1, and an end to every search.
//!
//! # Side channels
//!
//! Time and addresses tell how many starts were drawn, which positions of an interval small primes mark, and how many candidates
//! failed before the prime. The positions that are marked are the residues of the start modulo small primes: whoever reads all
//! addresses of the sieve, learns the start and with it the prime. So keys are generated where nobody shares the cache; on a chip
//! there is none. Time alone tells no more than a few bits (of the number of candidates). All other work takes the same steps for
//! every key, and is as blind as a signature.

use crate::{
    arithmetic::Pairs,
    exponent,
    key::{EngineError, joined},
    limb,
    modulus::Modulus,
    natural::{self, Natural},
    prime,
    randomness::Source,
    schoolbook,
};
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Candidates for p, in intervals of nlen numbers. (FIPS 186-5 A.1.3, step 4.7: 5 · nlen)
const INTERVALS_P: u32 = 5;
/// Candidates for q, in intervals of nlen numbers. (Step 5.8: 10 · nlen)
const INTERVALS_Q: u32 = 10;
/// Pairs of probable primes that are tested in earnest. No second one was ever seen to be needed.
const TRIES: usize = 4;

/// Rounds of Miller and Rabin for primes of a modulus of so many bits. (FIPS 186-5 Table B.1: error below 2⁻¹¹² at 2048 bits,
/// 2⁻¹²⁸ at 3072, 2⁻¹⁴⁴ at 4096)
const fn rounds(modulus_bits: usize) -> u32 {
    if modulus_bits < 3072 { 5 } else { 4 }
}

/// A generated key of primes of N limbs and a modulus of M = 2N, with p > q. A secret: no `Clone`, nothing in `Debug`, wiped
/// when it goes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Generated<const N: usize, const M: usize> {
    /// Modulus p · q.
    pub n: Natural<M>,
    /// The larger prime.
    pub p: Natural<N>,
    /// The smaller prime.
    pub q: Natural<N>,
    /// d mod (p − 1).
    pub dp: Natural<N>,
    /// d mod (q − 1).
    pub dq: Natural<N>,
    /// q⁻¹ mod p.
    pub qinv: Natural<N>,
    /// 65537⁻¹ modulo the least common multiple of p − 1 and q − 1.
    pub d: Natural<M>,
}

/// Room for the numbers of a key in big-endian bytes: n as long as the modulus, the others half as long.
pub struct ComponentsMut<'a> {
    /// Modulus.
    pub n: &'a mut [u8],
    /// First prime factor.
    pub p: &'a mut [u8],
    /// Second prime factor.
    pub q: &'a mut [u8],
    /// d mod (p − 1).
    pub dp: &'a mut [u8],
    /// d mod (q − 1).
    pub dq: &'a mut [u8],
    /// q⁻¹ mod p.
    pub qinv: &'a mut [u8],
}

impl core::fmt::Debug for ComponentsMut<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ComponentsMut(..)")
    }
}

impl<const N: usize, const M: usize> core::fmt::Debug for Generated<N, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Generated(..)")
    }
}

impl<const N: usize, const M: usize> Generated<N, M> {
    /// What follows from two primes, in either order. Whether they are prime is not asked.
    ///
    /// `None` where the standard forbids them: e divides p − 1 or q − 1, they are too close to each other, or d is too short; or
    /// where the top bit of one is not set, or p − 1 and q − 1 have more than 64 twos in common.
    #[inline(never)]
    #[must_use]
    pub fn from_primes<A: Pairs<N>>(arithmetic: A, p: &Natural<N>, q: &Natural<N>) -> Option<Self> {
        const { assert!(M == 2 * N, "a modulus has twice the limbs of its primes") };
        let mut primes = Zeroizing::new([*p, *q]);
        let [p, q] = &mut *primes;
        natural::swap_masked(p, q, limb::mask(natural::is_less(p, q)));
        if !far_apart(p, q) {
            return None;
        }
        let modulus = Modulus::with(arithmetic, p)?;
        if natural::lowest(q) & (q.last()? >> (limb::BITS - 1)) == 0 {
            return None;
        }
        let mut orders = Zeroizing::new(*primes);
        for order in orders.iter_mut() {
            *order = less(order, 1);
        }
        let [order_p, order_q] = &*orders;
        let mut d = exponent::lcm(order_p, order_q)?;
        exponent::inverse_of_e(d.as_flattened_mut())?;
        let [_, high] = &*d;
        if natural::equal(high, &[0; N]) != 0 {
            // At most 2^(nlen/2); exactly that cannot be, since e · d is odd.
            return None;
        }
        // From here on the inverses of e modulo the orders.
        for order in orders.iter_mut() {
            exponent::inverse_of_e(order)?;
        }
        let [p, q] = &*primes;
        let mut n = Zeroizing::new(const { [[0; N]; 2] });
        schoolbook::product(arithmetic, &mut n, p, q);
        // Fermat: q^(p − 2) is the inverse.
        let q_form = Zeroizing::new(modulus.enter(q));
        let qinv = Zeroizing::new(modulus.power(&q_form, &*Zeroizing::new(less(p, 2))));
        let [dp, dq] = &*orders;
        Some(Generated { n: joined(&n), p: *p, q: *q, dp: *dp, dq: *dq, qinv: modulus.leave(&qinv), d: joined(&d) })
    }

    /// Writes what [`crate::Components`] takes.
    ///
    /// # Errors
    /// [`EngineError::Input`] where there is not exactly as much room as the key takes.
    pub fn write(&self, out: &mut ComponentsMut<'_>) -> Result<(), EngineError> {
        natural::to_be_bytes(&self.n, out.n).ok_or(EngineError::Input)?;
        let ComponentsMut { n: _, p, q, dp, dq, qinv } = out;
        let numbers = [(&self.p, p), (&self.q, q), (&self.dp, dp), (&self.dq, dq), (&self.qinv, qinv)];
        for (number, out) in numbers {
            natural::to_be_bytes(number, out).ok_or(EngineError::Input)?;
        }
        Ok(())
    }
}

/// A number minus a small one.
fn less<const N: usize>(number: &Natural<N>, by: limb::Limb) -> Natural<N> {
    let mut difference = *number;
    natural::sub_masked(&mut difference, &natural::small(by), limb::mask(1));
    difference
}

/// |p − q| > 2^(k − 100) for primes of k bits. (FIPS 186-5 A.1.3, step 5.4)
fn far_apart<const N: usize>(p: &Natural<N>, q: &Natural<N>) -> bool {
    let mut numbers = Zeroizing::new([*p, *q]);
    let [larger, smaller] = &mut *numbers;
    natural::swap_masked(larger, smaller, limb::mask(natural::is_less(larger, smaller)));
    natural::sub_masked(larger, smaller, limb::mask(1));
    let at = N * limb::BITS as usize - 100;
    let mut least = [0; N];
    if let Some(limb) = least.get_mut(at / limb::BITS as usize) {
        *limb = 1 << (at % limb::BITS as usize);
    }
    natural::is_less(&least, larger) == 1
}

/// Generates a key. The same bytes of the source make the same key, whatever the arithmetic and the size of its limbs.
///
/// # Errors
/// [`EngineError::Randomness`]: the source fails, repeats itself, or leads to no prime in as many tries as the standard allows.
pub fn generate<const N: usize, const M: usize, A: Pairs<N>, R: TryCryptoRng>(
    arithmetic: A,
    rng: &mut R,
) -> Result<Generated<N, M>, EngineError> {
    const { assert!(M * limb::BITS as usize >= 2048, "FIPS 186-5 5.1: a modulus has at least 2048 bits") };
    let mut source = Source::<N, R>::new(rng);
    for _ in 0..TRIES {
        let p = prime::search(arithmetic, INTERVALS_P, &mut source, |_| true)?;
        let q = prime::search(arithmetic, INTERVALS_Q, &mut source, |q| far_apart(&p, q))?;
        let passed = prime::pass_miller_rabin(arithmetic, [&p, &q], rounds(M * limb::BITS as usize), &mut source)?;
        if passed != [true; 2] {
            continue;
        }
        if let Some(key) = Generated::from_primes(arithmetic, &p, &q) {
            return Ok(key);
        }
    }
    Err(EngineError::Randomness)
}
