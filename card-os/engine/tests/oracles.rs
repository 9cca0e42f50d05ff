//! The engine against other implementations: the signatures of Wycheproof and of NIST, the `rsa` crate, and `crypto-bigint`.

mod support;

use crypto_bigint::BoxedUint;
use engine::{
    EngineError, PrivateKey, Rsa2048, Rsa3072, Rsa4096,
    arithmetic::Portable,
    limb::{self, Limb},
    modulus::Modulus,
    natural,
};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rsa::{hazmat::rsa_decrypt, pkcs8::DecodePrivateKey, traits::PublicKeyParts};
use serde_json::Value;
use sha2::Digest;
use support::{KEY, MODULUS, Numbers, PRIME};

fn private<const N: usize, const M: usize>(key: &mut PrivateKey<N, M>, input: &[u8]) -> Result<Vec<u8>, EngineError> {
    let mut output = vec![0; input.len()];
    key.private(input, &mut output, &mut ChaCha20Rng::seed_from_u64(5)).map(|()| output)
}

/// EMSA-PKCS1-v1_5. Prefixes: RFC 8017 §9.2 note 1.
fn encode(hash: &str, message: &[u8], size: usize) -> Vec<u8> {
    let (prefix, digest) = match hash {
        "SHA-1" => ("3021300906052b0e03021a05000414", sha1::Sha1::digest(message).to_vec()),
        "SHA-224" => ("302d300d06096086480165030402040500041c", sha2::Sha224::digest(message).to_vec()),
        "SHA-256" => ("3031300d060960864801650304020105000420", sha2::Sha256::digest(message).to_vec()),
        "SHA-384" => ("3041300d060960864801650304020205000430", sha2::Sha384::digest(message).to_vec()),
        "SHA-512" => ("3051300d060960864801650304020305000440", sha2::Sha512::digest(message).to_vec()),
        other => panic!("no DigestInfo for {other}"),
    };
    let info = [hex::decode(prefix).expect("hexadecimal"), digest].concat();
    [vec![0x00, 0x01], vec![0xFF; size - 3 - info.len()], vec![0x00], info].concat()
}

/// Signs every message of a file; gives how many signatures were compared, if the file is there.
fn wycheproof<const N: usize, const M: usize>(file: &str) -> Option<usize> {
    let path = vectors::outside(file)?;
    let suite: Value = serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("json");
    let bytes = |value: &Value| hex::decode(value.as_str().expect("text")).expect("hexadecimal");
    let mut compared = 0;
    for group in suite["testGroups"].as_array().expect("groups") {
        if group["privateKey"]["publicExponent"] != "010001" {
            continue;
        }
        let hash = group["sha"].as_str().expect("a hash");
        if hash.contains('/') {
            continue;
        }
        let key = rsa::PrivateKey::from_pkcs8_der(&bytes(&group["privateKeyPkcs8"])).expect("a key");
        let mut engine: PrivateKey<N, M> = Numbers::of(&key).prepared(Portable);
        for test in group["tests"].as_array().expect("tests") {
            let input = encode(hash, &bytes(&test["msg"]), key.size());
            assert_eq!(private(&mut engine, &input), Ok(bytes(&test["sig"])), "{file}, test {}", test["tcId"]);
            compared += 1;
        }
    }
    Some(compared)
}

#[test]
fn wycheproof_signatures_of_three_sizes() {
    let compared = [
        wycheproof::<{ 1024 / limb::BITS as usize }, { 2048 / limb::BITS as usize }>(
            "wycheproof/rsa_pkcs1_2048_sig_gen_test.json",
        ),
        wycheproof::<{ 1536 / limb::BITS as usize }, { 3072 / limb::BITS as usize }>(
            "wycheproof/rsa_pkcs1_3072_sig_gen_test.json",
        ),
        wycheproof::<{ 2048 / limb::BITS as usize }, { 4096 / limb::BITS as usize }>(
            "wycheproof/rsa_pkcs1_4096_sig_gen_test.json",
        ),
    ];
    println!("Wycheproof signatures of 2048, 3072, 4096 bits: {compared:?}");
    assert!(compared.into_iter().flatten().all(|count| count > 15), "{compared:?}");
}

/// A key of which only modulus and exponent are published: another implementation finds its primes.
fn factored(n: &[u8], d: &[u8]) -> rsa::PrivateKey {
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    rsa::PrivateKey::from_components(number(n), 65_537u64.into(), number(d), vec![]).expect("a key")
}

/// Signs every message of NIST's keys of one size; gives how many signatures were compared.
fn nist<const N: usize, const M: usize>() -> usize {
    let mut compared = 0;
    for key in vectors::signatures::generation() {
        if key.n.len() != M * limb::BYTES {
            continue;
        }
        let mut engine: PrivateKey<N, M> = Numbers::of(&factored(&key.n, &key.d)).prepared(Portable);
        for signed in &key.signatures {
            let input = encode(&signed.hash, &signed.message, key.n.len());
            assert_eq!(private(&mut engine, &input).as_ref(), Ok(&signed.signature), "{}, {M} limbs", signed.hash);
            compared += 1;
        }
    }
    compared
}

#[test]
fn nist_signatures_of_three_sizes() {
    let compared = [
        nist::<{ 1024 / limb::BITS as usize }, { 2048 / limb::BITS as usize }>(),
        nist::<{ 1536 / limb::BITS as usize }, { 3072 / limb::BITS as usize }>(),
        nist::<{ 2048 / limb::BITS as usize }, { 4096 / limb::BITS as usize }>(),
    ];
    assert_eq!(compared, [10, 5, 5]);
}

/// Random inputs, and those where arithmetic breaks first: 0, 1, n − 1, multiples of a prime, runs of ones.
#[test]
fn the_rsa_crate_agrees() {
    let numbers = Numbers::of(&KEY);
    let mut engine: Rsa2048 = numbers.prepared(Portable);
    let mut inputs: Vec<Vec<u8>> = vec![vec![0; 256], [vec![0; 255], vec![1]].concat()];
    let mut last = numbers.n.clone();
    last[255] -= 1;
    inputs.push(last);
    for prime in [&numbers.p, &numbers.q] {
        inputs.push([vec![0; 128], prime.clone()].concat());
        inputs.push([prime[..64].iter().map(|byte| byte / 4).collect(), vec![0; 192]].concat());
    }
    for ones in 0..64 {
        inputs.push([vec![0x00; 1 + ones], vec![0xFF; 190], vec![0x00; 65 - ones]].concat());
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    inputs.extend((0..200).map(|_| {
        let mut bytes: Vec<u8> = (0..256)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            })
            .collect();
        bytes[0] = 0;
        bytes
    }));
    for input in &inputs {
        let number = BoxedUint::from_be_slice(input, 2048).expect("fits");
        let expected = rsa_decrypt(None::<&mut ChaCha20Rng>, &*KEY, &number).expect("signs").to_be_bytes();
        assert_eq!(private(&mut engine, input).as_deref(), Ok(&expected[..]), "{}", hex::encode(input));
    }
}

/// The exponents of every use are others, the results the same.
#[test]
fn blinded_exponents_change_nothing() {
    let numbers = Numbers::of(&KEY);
    let (mut plain, mut blinded) = (
        numbers.prepared::<PRIME, MODULUS, _>(Portable),
        numbers.prepared::<PRIME, MODULUS, _>(Portable).blinding_exponents(),
    );
    for round in 0..8 {
        let input = encode("SHA-256", &[round], 256);
        assert_eq!(private(&mut blinded, &input), private(&mut plain, &input));
    }
}

#[test]
fn what_is_no_input_is_refused_and_nothing_is_written() {
    let numbers = Numbers::of(&KEY);
    let mut engine: Rsa2048 = numbers.prepared(Portable);
    assert_eq!(private(&mut engine, &numbers.n), Err(EngineError::Input), "n itself");
    assert_eq!(private(&mut engine, &[0xFF; 256]), Err(EngineError::Input));
    assert_eq!(private(&mut engine, &[0; 255]), Err(EngineError::Input));
    let mut short = [0xAA; 255];
    let refused = engine.private(&[0; 256], &mut short, &mut ChaCha20Rng::seed_from_u64(1));
    assert_eq!((refused, short), (Err(EngineError::Input), [0xAA; 255]));
}

#[test]
fn what_is_no_key_is_refused() {
    let good = Numbers::of(&KEY);
    let refused = |change: &dyn Fn(&mut Numbers)| {
        let mut numbers = Numbers::of(&KEY);
        change(&mut numbers);
        Rsa2048::new(&numbers.components()).map(drop)
    };
    assert_eq!(refused(&|_| ()), Ok(()));
    assert_eq!(refused(&|numbers| numbers.p[127] ^= 1), Err(EngineError::Key), "an even prime");
    assert_eq!(refused(&|numbers| numbers.q[0] &= 0x7F), Err(EngineError::Key), "a short prime");
    assert_eq!(refused(&|numbers| numbers.n[0] &= 0x7F), Err(EngineError::Key), "a short modulus");
    assert_eq!(refused(&|numbers| numbers.dp.truncate(127)), Err(EngineError::Key), "a short exponent");
    assert!(Rsa3072::new(&good.components()).is_err() && Rsa4096::new(&good.components()).is_err());
}

/// One flipped bit anywhere in the key: no wrong signature leaves. (reliability.md §4, Bellcore)
#[test]
fn a_flipped_bit_of_the_key_never_leaves() {
    let input = encode("SHA-256", b"fault", 256);
    let (mut refused, mut harmless) = (0, 0);
    let right = private(&mut Numbers::of(&KEY).prepared::<PRIME, MODULUS, _>(Portable), &input);
    for part in 0..6 {
        for bit in (0..1024).step_by(61) {
            let mut numbers = Numbers::of(&KEY);
            let Numbers { n, p, q, dp, dq, qinv } = &mut numbers;
            [n, p, q, dp, dq, qinv][part][bit / 8] ^= 1 << (bit % 8);
            let Ok(mut engine) = Rsa2048::new(&numbers.components()) else {
                refused += 1;
                continue;
            };
            match private(&mut engine, &input) {
                Err(EngineError::Fault | EngineError::Input) => refused += 1,
                other => {
                    assert_eq!(other, right, "part {part}, bit {bit}");
                    harmless += 1;
                }
            }
        }
    }
    println!("flipped bits: {refused} refused, {harmless} without effect");
    assert!(refused > 90);
}

#[test]
fn nothing_of_a_key_is_shown() {
    let numbers = Numbers::of(&KEY);
    let engine: Rsa2048 = numbers.prepared(Portable);
    assert_eq!(format!("{engine:?} {:?}", numbers.components()), "PrivateKey(..) Components(..)");
}

/// The longest first power there is: all ones, of a length that leaves most bits to it, on either width of limbs.
#[test]
fn the_first_power_of_two_has_room() {
    fn compare<const N: usize>() {
        let mut m = [Limb::MAX; N];
        m[N / 2] = 0x1234;
        let modulus = Modulus::<N>::new(&m).expect("odd, top bit set");
        let (two, exponent) = (modulus.enter(&natural::small(2)), [Limb::MAX; N]);
        let powers = [modulus.power_of_two(&exponent), modulus.power(&two, &exponent)];
        assert_eq!(modulus.leave(&powers[0]), modulus.leave(&powers[1]), "{N} limbs");
    }
    compare::<24>();
    compare::<40>();
}

/// Eight limbs of either width.
const SMALL: usize = 8;
const SMALL_BYTES: usize = SMALL * limb::BYTES;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exponentiation and its parts against `crypto-bigint`, which divides.
    #[test]
    fn powers_are_those_of_another_library(
        mut m in proptest::collection::vec(any::<u8>(), SMALL_BYTES),
        base in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], SMALL_BYTES),
        exponent in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], SMALL_BYTES),
    ) {
        m[0] |= 0x80;
        m[SMALL_BYTES - 1] |= 1;
        let bits = u32::try_from(SMALL_BYTES * 8).expect("small");
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).expect("fits");
        let odd = crypto_bigint::Odd::new(number(&m)).into_option().expect("odd");
        let params = crypto_bigint::modular::BoxedMontyParams::new(odd.clone());
        let reduced = number(&base).rem(odd.as_nz_ref());
        let expected = crypto_bigint::modular::BoxedMontyForm::new(reduced, &params).pow(&number(&exponent)).retrieve();

        let modulus = Modulus::<SMALL>::new(&natural::from_be_bytes(&m).expect("size")).expect("odd, top bit set");
        let base = natural::from_be_bytes::<SMALL>(&base).expect("size");
        let exponent = natural::from_be_bytes::<SMALL>(&exponent).expect("size");
        let power = modulus.leave(&modulus.power(&modulus.enter(&base), &exponent));
        let mut bytes = [0; SMALL_BYTES];
        natural::to_be_bytes(&power, &mut bytes).expect("room");
        prop_assert_eq!(&bytes[..], &expected.to_be_bytes()[..]);
    }

    /// Powers of two come out as those of any base do.
    #[test]
    fn powers_of_two_are_powers(
        mut m in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], SMALL_BYTES),
        exponent in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], SMALL_BYTES),
    ) {
        m[0] |= 0x80;
        m[SMALL_BYTES - 1] |= 1;
        let modulus = Modulus::<SMALL>::new(&natural::from_be_bytes(&m).expect("size")).expect("odd, top bit set");
        let exponent = natural::from_be_bytes::<SMALL>(&exponent).expect("size");
        let two = modulus.enter(&natural::small(2));
        prop_assert_eq!(
            modulus.leave(&modulus.power_of_two(&exponent)),
            modulus.leave(&modulus.power(&two, &exponent))
        );
    }

    /// Every window of a number is the bits that are there.
    #[test]
    fn windows_are_bits(number in any::<[u8; SMALL_BYTES]>(), at in 0..SMALL_BYTES * 8, width in 1u32..6) {
        let value = natural::from_be_bytes::<SMALL>(&number).expect("size");
        let bit = |at: usize| number.iter().rev().nth(at / 8).map_or(0, |byte| byte >> (at % 8) & 1);
        let expected = (0..width).fold(0, |sum, i| sum | Limb::from(bit(at + i as usize)) << i);
        prop_assert_eq!(natural::bits(&value, at, width), expected);
    }
}
