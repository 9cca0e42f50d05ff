//! A card for tests, benches and fuzzers: issued through its own channel, with everything but a certificate authority.
//!
//! Every four-digit PIN is 1234, the signature password ABC123. Its certificate files hold a DER header and filler, no
//! certificates, and so do its signed records; its keys come from a seed, so they are no secret.

use crate::{
    card::{self, Direct, Options, Simulated},
    engine::RsaEngine,
    issuer::{Issuer, IssuerError, test_keys},
    reader::Reader,
    rng::SimRng,
};
use card_os::{
    identity::Behaviour,
    platform::{Engine, PrivateKey},
    profile::Model,
    scp03::Level,
    sign,
};
use std::sync::LazyLock;

/// User authentication PIN, and every other PIN of four digits, of a sample card.
pub const AUTHENTICATION_PIN: &str = "1234";
/// Signature password of a sample card.
pub const SIGNATURE_PASSWORD: &str = "ABC123";
/// 照合番号A of a sample card: its My Number, whose check digit is right.
pub const FACE_NUMBER_A: &str = "000000000019";
/// 照合番号B of a sample card. (card.md §7.1)
pub const FACE_NUMBER_B: &str = "55021720352285";
/// Birth-date key of a sample card.
pub const BIRTH: &str = "550217";

/// Keys of every sample card: authentication, signature.
static KEYS: LazyLock<[PrivateKey; 2]> = LazyLock::new(|| {
    let (mut engine, mut rng) = (RsaEngine::default(), SimRng::seeded(0x4A49_5453));
    [(); 2].map(|()| engine.generate(&mut rng).expect("a seeded generator does not fail"))
});

/// The authentication and the signature key of every sample card.
#[must_use]
pub fn keys() -> &'static [PrivateKey; 2] {
    &KEYS
}

/// A blank card of a model, with the published test key set.
#[must_use]
pub fn blank(model: &'static Model) -> Simulated {
    blank_with(model, Behaviour::default())
}

fn blank_with(model: &'static Model, behaviour: Behaviour) -> Simulated {
    let options = Options { model, behaviour, ..Options::default() };
    card::blank(*b"JITSUIN001", &test_keys(), options, SimRng::seeded(1)).expect("fits")
}

/// An issued card with every application; without its signature half where `signature` is false.
#[must_use]
pub fn issued(signature: bool) -> Simulated {
    issued_as(Model::CARD, signature)
}

/// An issued card of a model.
#[must_use]
pub fn issued_as(model: &'static Model, signature: bool) -> Simulated {
    issued_from(blank(model), model, signature)
}

/// An issued card with every application that differs from measured ones.
#[must_use]
pub fn issued_with(behaviour: Behaviour) -> Simulated {
    issued_from(blank_with(Model::CARD, behaviour), Model::CARD, true)
}

/// The card that a script asks for by its `@card` line.
#[must_use]
pub fn of_kind(kind: &str) -> Option<Simulated> {
    let differs = |change: fn(&mut Behaviour)| {
        let mut behaviour = Behaviour::default();
        change(&mut behaviour);
        issued_with(behaviour)
    };
    Some(match kind {
        "blank" => blank(Model::CARD),
        "issued" => issued(true),
        "no-signature" => issued(false),
        "jpki-only" => issued_as(Model::JPKI_ONLY, true),
        "android" => issued_as(Model::ANDROID, true),
        "iphone" => issued_as(Model::IPHONE, true),
        "juki-card" => issued_as(Model::JUKI_CARD, true),
        "clears-on-reset" => differs(|behaviour| behaviour.clears_on_warm_reset = true),
        "clears-on-select" => differs(|behaviour| behaviour.clears_on_select = true),
        "blocked-6983" => differs(|behaviour| behaviour.blocked_as_iso = true),
        "password-per-signature" => differs(|behaviour| behaviour.password_per_signature = true),
        _ => return None,
    })
}

fn issued_from(blank: Simulated, model: &Model, signature: bool) -> Simulated {
    let mut reader = Direct(blank);
    issue(&mut reader, model, signature).expect("a sample card is issued");
    let Direct(mut card) = reader;
    card.power_off();
    card
}

/// Issues a blank sample card of a model that is in a reader.
///
/// # Errors
/// [`IssuerError`] where the card refuses, or the reader has none.
pub fn issue<R: Reader>(reader: &mut R, model: &Model, signature: bool) -> Result<(), IssuerError> {
    let mut rng = SimRng::seeded(2);
    let mut issuer = Issuer::open(reader, &test_keys(), Level::FULL, &mut rng)?;
    for (grouping, value) in groupings(model, signature) {
        issuer.store(grouping, &value)?;
    }
    issuer.hand_out()
}

/// What is written to a sample card of a model, in this order.
#[must_use]
pub fn groupings(model: &Model, signature: bool) -> Vec<(u16, Vec<u8>)> {
    let mut all: Vec<(u16, Vec<u8>)> = vec![
        (0x0042, b"8000020\x08\x05001\0\0\0\0".to_vec()),
        (0x0045, b"999990000000001".to_vec()),
        (0x00F0, b"99999".to_vec()),
        (0x00F2, b"20350217".to_vec()),
        (0x00F7, b"8000023\x08\x05001\0\0\0\0".to_vec()),
        (0x00F8, verifiable(0x11)),
        (0x7F21, verifiable(0x22)),
        (0x0106, token_information()),
        (0x0108, vec![if signature { 0x8F } else { 0x00 }, 0x8F, 0x00]),
        (0x0102, certificate(1301)),
        (0x010B, certificate(1333)),
        // A new key forgets the certificate of the old one, so the key comes first.
        (0x0117, sign::to_bytes(&KEYS[0]).to_vec()),
        (0x010A, certificate(1590)),
        (0x0118, AUTHENTICATION_PIN.into()),
    ];
    if signature {
        all.push((0x011A, sign::to_bytes(&KEYS[1]).to_vec()));
        all.push((0x0101, certificate(1758)));
        all.push((0x011B, SIGNATURE_PASSWORD.into()));
    }
    all.push((0x0116, public_key(&KEYS[0])));
    all.extend(beside_jpki());
    all.retain(|(grouping, _)| model.by_grouping(*grouping).is_some());
    all
}

/// The four applications beside JPKI, with objects of the sizes that were seen. (card.md §9)
fn beside_jpki() -> Vec<(u16, Vec<u8>)> {
    let key = || sign::to_bytes(&KEYS[0]).to_vec();
    let reference = || b"\x01\x108000020\x08\x05001\0\0\0\0".to_vec();
    vec![
        (0x0201, b"\x01\x1C9999900000000019999920350217".to_vec()),
        (0x0202, reference()),
        (0x0219, key()),
        (0x021C, AUTHENTICATION_PIN.into()),
        (0x0302, reference()),
        (0x031C, AUTHENTICATION_PIN.into()),
        (0x0401, object(0xFF10, 547)),
        (0x0402, filled(object(0xFF20, 3070))),
        (0x0403, object(0xFF30, 320)),
        (0x0404, object(0x7F21, 568)),
        (0x0405, object(0xFF40, 686)),
        (0x0406, vec![0xFF; 16]),
        (0x0411, BIRTH.into()),
        (0x0412, FACE_NUMBER_B.into()),
        (0x0413, FACE_NUMBER_A.into()),
        (0x041A, key()),
        (0x0501, [b"\xFF\x10\x0C", FACE_NUMBER_A.as_bytes(), b"\xFF\xFF"].concat()),
        (0x0502, filled(object(0xFF20, 104))),
        (0x0503, object(0xFF30, 336)),
        (0x0504, object(0x7F21, 568)),
        (0x0505, object(0xFF40, 164)),
        (0x0506, [&[0xA1, 0x82, 0x01, 0x09][..], &public_key(&KEYS[1])].concat()),
        (0x0507, object(0xFF50, 536)),
        (0x0508, vec![0xFF; 16]),
        (0x0510, sign::to_bytes(&KEYS[1]).to_vec()),
        (0x0511, AUTHENTICATION_PIN.into()),
        (0x0513, key()),
        (0x0514, FACE_NUMBER_A.into()),
        (0x0515, FACE_NUMBER_B.into()),
    ]
}

/// A data object of so many bytes in all, without anything in it.
fn object(tag: u16, length: usize) -> Vec<u8> {
    let mut bytes = tag.to_be_bytes().to_vec();
    match u8::try_from(length - 3) {
        Ok(value) if value < 0x80 => bytes.push(value),
        _ => bytes.extend_from_slice(&[0x82, ((length - 5) >> 8) as u8, (length - 5) as u8]),
    }
    bytes.resize(length, 0x5A);
    bytes
}

/// The same in a file of whole 256 bytes. (card.md D-47)
fn filled(mut object: Vec<u8>) -> Vec<u8> {
    object.resize(object.len().next_multiple_of(256), 0xFF);
    object
}

/// A public key as cards store it. (card.md §9.0)
fn public_key(key: &PrivateKey) -> Vec<u8> {
    [&[0x90, 0x03, 0x01, 0x00, 0x01, 0x91, 0x82, 0x01, 0x00][..], &key.n].concat()
}

/// Bytes with the length header of a certificate and nothing in it.
fn certificate(length: u16) -> Vec<u8> {
    let [high, low] = (length - 4).to_be_bytes();
    let mut bytes = vec![0x5A; usize::from(length)];
    bytes[..4].copy_from_slice(&[0x30, 0x82, high, low]);
    bytes
}

/// The shape of a card-verifiable certificate in GET DATA, 575 bytes. (card.md §10)
fn verifiable(filler: u8) -> Vec<u8> {
    let mut bytes =
        vec![0x4D, 0x0A, 0x42, 0x10, 0x5F, 0x20, 0x10, 0x5F, 0x49, 0x82, 0x01, 0x09, 0x5F, 0x4E, 0x82, 0x01, 0x29];
    bytes.resize(17 + 297, filler);
    bytes.extend_from_slice(&[0x5F, 0x37, 0x82, 0x01, 0x00]);
    bytes.resize(575, filler);
    bytes
}

/// EF 0006. (card.md §6.1, D-21)
fn token_information() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend_from_slice(b"JPKIAPICCTOKEN2                 ");
    bytes.extend_from_slice(b"JITSUIN TEST SIMULATOR          ");
    bytes.extend_from_slice(b"SIMJITSUIN      ");
    bytes.extend_from_slice(b"SIM0000000000001");
    for number in [0x0000_040D_u32, 1, 0, 1, 0, 16, 6, u32::MAX, u32::MAX, u32::MAX, u32::MAX] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(b"0301");
    bytes.extend_from_slice(&[b'9'; 16]);
    bytes
}
