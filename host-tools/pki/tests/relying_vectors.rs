//! The relying party against the signatures of Wycheproof and of NIST, most of them forged in one way or another.

use pki::relying;
use rsa::{BoxedUint, PublicKey, pkcs8::DecodePublicKey};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use vectors::signatures::{Judged, PSS_SALT, Signed, verification};

/// Holds every signature of a file against one scheme of the card; gives how many there were.
fn judge(file: &str, scheme: u8) -> usize {
    let Some(path) = vectors::outside(file) else { return 0 };
    let suite: Value = serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("json");
    let bytes = |value: &Value| hex::decode(value.as_str().expect("text")).expect("hexadecimal");
    let mut judged = 0;
    for group in suite["testGroups"].as_array().expect("groups") {
        let key = PublicKey::from_public_key_der(&bytes(&group["publicKeyDer"])).expect("a key");
        for test in group["tests"].as_array().expect("tests") {
            let believed = relying::opens(&key, scheme, &bytes(&test["msg"]), &bytes(&test["sig"])).is_ok();
            // "Acceptable" ones are parsed padding's leniences; this side re-encodes and compares, so it wants none of them.
            assert_eq!(believed, test["result"] == "valid", "{file}, test {}: {}", test["tcId"], test["comment"]);
            judged += 1;
        }
    }
    judged
}

#[test]
fn forged_signatures_are_not_believed() {
    let pkcs1 = judge("wycheproof/rsa_signature_2048_sha256_test.json", 0x03);
    let pss = judge("wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json", 0x05);
    println!("Wycheproof: {pkcs1} PKCS#1 v1.5 and {pss} PSS signatures judged");
}

fn key(judged: &Judged) -> PublicKey {
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    PublicKey::new(number(&judged.n), number(&judged.e)).expect("a key")
}

/// What the host gives a card that pads and nothing else. Prefixes: RFC 8017 §9.2 note 1.
fn digest_info(hash: &str, message: &[u8]) -> Vec<u8> {
    let (prefix, digest) = match hash {
        "SHA-1" => ("3021300906052b0e03021a05000414", Sha1::digest(message).to_vec()),
        "SHA-256" => ("3031300d060960864801650304020105000420", Sha256::digest(message).to_vec()),
        "SHA-512" => ("3051300d060960864801650304020305000440", Sha512::digest(message).to_vec()),
        other => panic!("no DigestInfo for {other}"),
    };
    [hex::decode(prefix).expect("hexadecimal"), digest].concat()
}

/// Padded alone, hashed by the host, hashed by the card: the last two only with SHA-256. (card.md §8.1)
#[test]
fn nist_pkcs1_signatures_are_judged_as_nist_does() {
    let (mut good, mut bad) = (0, 0);
    for judged in verification("pkcs1") {
        let Signed { hash, message, signature } = &judged.signed;
        let believed = |scheme, input: &[u8]| relying::opens(&key(&judged), scheme, input, signature).is_ok();
        let expected = [judged.is_good(), judged.is_good() && hash == "SHA-256"];
        let what = || format!("{hash}, {}: {}", judged.result, hex::encode(message));
        assert_eq!(believed(0x00, &digest_info(hash, message)), expected[0], "{}", what());
        assert_eq!(believed(0x02, &Sha256::digest(message)), expected[1], "{}", what());
        assert_eq!(believed(0x03, message), expected[1], "{}", what());
        assert!(!believed(0x01, message) && !believed(0x05, message), "of another scheme: {}", what());
        if expected[0] { good += 1 } else { bad += 1 }
    }
    assert_eq!((good, bad), (6, 30));
}

/// The card's salt has 32 bytes, NIST's has ten: good signatures, and none of this card. (card.md §8.1)
#[test]
fn nist_pss_signatures_have_another_salt_and_are_not_believed() {
    let mut good = 0;
    for judged in verification("pss") {
        let (key, Signed { message, signature, .. }) = (key(&judged), &judged.signed);
        assert!(relying::opens(&key, 0x04, &Sha256::digest(message), signature).is_err());
        assert!(relying::opens(&key, 0x05, message, signature).is_err());
        // The same library with NIST's salt, so that it is known what they were refused for.
        let salted = rsa::Pss::<Sha256>::new_with_salt(PSS_SALT);
        let opened = key.verify(salted, &Sha256::digest(message), signature).is_ok();
        assert_eq!(opened, judged.is_good(), "{}: {}", judged.result, hex::encode(message));
        good += usize::from(opened);
    }
    assert_eq!(good, 4);
}
