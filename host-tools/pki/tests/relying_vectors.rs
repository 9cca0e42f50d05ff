//! The relying party against Wycheproof's signatures, most of them forged in one way or another.

use pki::relying;
use rsa::{PublicKey, pkcs8::DecodePublicKey};
use serde_json::Value;

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
