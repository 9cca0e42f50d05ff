//! The card against the one right PKCS#1 v1.5 signature of Wycheproof's generation vectors: their keys are imported, their
//! messages are signed.

use card_os::{Response, platform::PrivateKey, profile::Model, scp03::Level};
use rsa::{pkcs8::DecodePrivateKey, rand_core::CryptoRng};
use serde_json::Value;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sim::{
    card::{Direct, Simulated},
    engine,
    issuer::{Issuer, test_keys},
    rng::SimRng,
    sample,
};

fn hex_of(value: &Value, field: &str) -> Vec<u8> {
    hex::decode(value[field].as_str().unwrap_or_else(|| panic!("{field}"))).expect("hexadecimal")
}

/// An issued card whose authentication key is this one.
fn card(key: &PrivateKey, rng: &mut impl CryptoRng) -> Simulated {
    let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, rng).expect("opens");
    for (grouping, value) in sample::groupings(Model::JPKI_ONLY, false) {
        let imported = card_os::sign::to_bytes(key);
        let value = if grouping == 0x0117 { imported.as_ref() } else { &value[..] };
        issuer.store(grouping, value).expect("stores");
    }
    issuer.hand_out().expect("is whole");
    reader.0.power_on();
    transmit(&mut reader.0, b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
    assert_eq!(transmit(&mut reader.0, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    reader.0
}

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

fn sign(card: &mut Simulated, scheme: u8, input: &[u8]) -> Vec<u8> {
    let mut command = vec![0x80, 0x2A, scheme, 0x97, 0x00];
    command.extend_from_slice(&u16::try_from(input.len()).expect("short").to_be_bytes());
    command.extend_from_slice(input);
    command.extend_from_slice(&[0x00, 0x00]);
    transmit(card, &command)
}

/// DigestInfo of a message. Prefixes: RFC 8017 §9.2 note 1.
fn digest_info(hash: &str, message: &[u8]) -> Option<Vec<u8>> {
    let (prefix, digest) = match hash {
        "SHA-224" => ("302d300d06096086480165030402040500041c", Sha224::digest(message).to_vec()),
        "SHA-256" => ("3031300d060960864801650304020105000420", Sha256::digest(message).to_vec()),
        "SHA-384" => ("3041300d060960864801650304020205000430", Sha384::digest(message).to_vec()),
        "SHA-512" => ("3051300d060960864801650304020305000440", Sha512::digest(message).to_vec()),
        _ => return None,
    };
    Some([hex::decode(prefix).expect("hexadecimal"), digest].concat())
}

#[test]
fn the_card_signs_as_wycheproof_says() {
    let Some(path) = vectors::outside("wycheproof/rsa_pkcs1_2048_sig_gen_test.json") else { return };
    let suite: Value = serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("json");
    let mut rng = SimRng::seeded(6);
    let mut compared = [0, 0];
    for group in suite["testGroups"].as_array().expect("groups") {
        // This card has one public exponent. (card.md §1)
        if group["privateKey"]["publicExponent"] != "010001" {
            continue;
        }
        let hash = group["sha"].as_str().expect("a hash");
        let key = rsa::PrivateKey::from_pkcs8_der(&hex_of(group, "privateKeyPkcs8")).expect("a key");
        let mut card = card(&engine::crt(&key).expect("RSA-2048"), &mut rng);
        for test in group["tests"].as_array().expect("tests") {
            let (message, signature) = (hex_of(test, "msg"), hex_of(test, "sig"));
            let expected = [&signature[..], &[0x90, 0x00]].concat();
            // The host hashes, the card pads what it is given.
            if let Some(info) = digest_info(hash, &message) {
                assert_eq!(sign(&mut card, 0x00, &info), expected, "{hash}, test {}", test["tcId"]);
                compared[0] += 1;
            }
            // The card hashes, as it does for SHA-256 alone.
            if hash == "SHA-256" {
                assert_eq!(sign(&mut card, 0x02, &Sha256::digest(&message)), expected, "test {}", test["tcId"]);
                if !message.is_empty() {
                    assert_eq!(sign(&mut card, 0x03, &message), expected, "test {}", test["tcId"]);
                }
                compared[1] += 1;
            }
        }
    }
    println!("Wycheproof: {} signatures of the host's digests, {} of the card's own", compared[0], compared[1]);
    assert!(compared[0] > 20 && compared[1] > 5, "{compared:?}");
}
