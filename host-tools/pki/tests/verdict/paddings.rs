//! Signatures whose padding a careless parser would believe (Bleichenbacher 2006 and its kin), made with the key itself, so that
//! nothing but the padding is wrong, and one that needs no key.

use crate::support::*;
use cms::{content_info::ContentInfo, signed_data::SignedData};
use der::{Decode, Encode};
use num_bigint::BigUint;
use pki::{
    application::{self, NotSigned, Packing},
    client::Half,
    relying::{self, report::Step},
};
use rsa::{
    BoxedUint, PublicKey,
    traits::{PrivateKeyParts, PublicKeyParts},
};
use sha2::{Digest, Sha256};

const INFO: &str = "3031300d060960864801650304020105000420";

fn big(number: &BoxedUint) -> BigUint {
    BigUint::from_bytes_be(&number.to_be_bytes())
}

/// The private operation on anything.
fn raw(block: &[u8]) -> Vec<u8> {
    let key = card_key(Half::Signature);
    let opened = BigUint::from_bytes_be(block).modpow(&big(key.d()), &big(key.n().as_ref()));
    let bytes = opened.to_bytes_be();
    [vec![0; 256 - bytes.len()], bytes].concat()
}

/// 00 01 FF… 00 ‖ info ‖ behind, with this many FF.
fn block(ones: usize, info: &[u8], behind: u8) -> Vec<u8> {
    let mut block = [&[0x00, 0x01], &vec![0xFF; ones][..], &[0x00], info].concat();
    block.resize(256, behind);
    block
}

fn variants(digest: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let prefix = hex::decode(INFO).expect("hex");
    let info = [&prefix[..], digest].concat();
    let without_null =
        [&hex::decode("302f300b0609608648016503040201 0420".replace(' ', "")).expect("hex")[..], digest].concat();
    let mut in_parameters = hex::decode("3041301d060960864801650304020105 1000".replace(' ', "")).expect("hex");
    in_parameters.extend_from_slice(&[0xAB; 14]);
    in_parameters.extend_from_slice(&[&[0x04, 0x20], digest].concat());
    let full = |info: &[u8]| 256 - 3 - info.len();
    let mut type_two = block(full(&info), &info, 0);
    type_two[1] = 0x02;
    let mut hole = block(full(&info), &info, 0);
    hole[100] = 0xFE;
    let mut no_border = block(full(&info), &info, 0);
    no_border[256 - info.len() - 1] = 0xFF;
    vec![
        ("garbage behind the hash", block(8, &info, 0xAA)),
        ("zeros behind the hash", block(8, &info, 0x00)),
        ("no NULL in the DigestInfo", block(full(&without_null), &without_null, 0)),
        ("garbage in the parameters", block(full(&in_parameters), &in_parameters, 0)),
        ("block type 2", type_two),
        ("not all ones", hole),
        ("no zero before the DigestInfo", no_border),
        ("the bare hash", block(full(digest), digest, 0)),
    ]
}

#[test]
fn paddings_are_compared_and_not_parsed() {
    let mut seen = Vec::new();
    let good = message();
    let outer = ContentInfo::from_der(&good).expect("a message");
    let data: SignedData = outer.content.decode_as().expect("signed data");
    let signer = data.signer_infos.0.get(0).expect("a signer");
    let digest = Sha256::digest(signer.signed_attrs.as_ref().expect("attributes").to_der().expect("encodes"));
    let tail = good.len() - 256;
    let right = block(256 - 3 - 51, &[&hex::decode(INFO).expect("hex")[..], &digest].concat(), 0);
    assert_eq!(good[tail..], raw(&right), "the private operation here is the card's");
    for (what, block) in variants(&digest) {
        assert_eq!(block.len(), 256, "{what}");
        let mut forged = good.clone();
        forged[tail..].copy_from_slice(&raw(&block));
        assert_eq!(bad(&judge(&forged)), [(Step::Signature, "forged")], "{what}");
        seen.push(what);
    }
    println!("{} paddings refused", seen.len());
    // And the signing side checks what it is given.
    let wrong = application::sign(&content(), &WORLD.leaves[0], Packing::Attached, SIGNED, |_: &[u8]| {
        Ok::<_, std::convert::Infallible>(raw(&block(8, &[0; 51], 0xAA)))
    });
    assert!(matches!(wrong, Err(NotSigned::Mismatch)));
    let (other, _) = &WORLD.other;
    let wrong = application::sign(&content(), &WORLD.leaves[0], Packing::Attached, SIGNED, |info: &[u8]| {
        other.sign(rsa::Pkcs1v15Sign::new_unprefixed(), info)
    });
    assert!(matches!(wrong, Err(NotSigned::Mismatch)), "another card's key");
}

/// With e = 3 a cube root of padding, hash and garbage needs no private key.
#[test]
fn cube_roots_are_no_signatures() {
    let message = b"pay everything to the bearer";
    let info = [&hex::decode(INFO).expect("hex")[..], &Sha256::digest(message)].concat();
    let wanted = BigUint::from_bytes_be(&block(8, &info, 0xFF));
    let root = wanted.cbrt();
    let cube = root.pow(3).to_bytes_be();
    assert_eq!(
        cube[..1 + 8 + 1 + info.len()],
        block(8, &info, 0)[1..2 + 8 + 1 + info.len()],
        "a parser would believe it"
    );
    let key = PublicKey::new(card_key(Half::Signature).n().as_ref().clone(), 3u64.into()).expect("a key");
    let bytes = root.to_bytes_be();
    let signature = [vec![0; 256 - bytes.len()], bytes].concat();
    assert!(relying::opens(&key, 0x03, message, &signature).is_err());
    // A certificate with a small exponent is not believed at all.
    let [from, to] = ["0203010001", "020300FFFF"].map(|hex| hex::decode(hex).expect("hex"));
    let weak = reissued(&WORLD.leaves[0], &WORLD.signature, &from, &to);
    assert!(WORLD.leaves[0].key().is_ok() && weak.key().is_err());
}
