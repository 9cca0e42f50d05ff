//! A card for tests, benches and fuzzers: issued through its own channel, with everything but a certificate authority.
//!
//! PINs are 1234 and ABC123. Its certificate files hold a DER header and filler, no certificates; its keys come from a seed,
//! so they are no secret.

use crate::{
    card::{self, Direct, Options, Simulated},
    engine::RsaEngine,
    issuer::{Issuer, test_keys},
    rng::SimRng,
};
use card_os::{
    platform::{Engine, PrivateKey},
    scp03::Level,
    sign,
};
use std::sync::LazyLock;

/// User authentication PIN of a sample card.
pub const AUTHENTICATION_PIN: &str = "1234";
/// Signature password of a sample card.
pub const SIGNATURE_PASSWORD: &str = "ABC123";

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

/// A blank card with the published test key set.
#[must_use]
pub fn blank() -> Simulated {
    card::blank(*b"JITSUIN001", &test_keys(), Options::default(), SimRng::seeded(1)).expect("fits")
}

/// An issued card; without its signature half where `signature` is false.
#[must_use]
pub fn issued(signature: bool) -> Simulated {
    let mut reader = Direct(blank());
    let mut rng = SimRng::seeded(2);
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
    for (grouping, value) in groupings(signature) {
        issuer.store(grouping, &value).expect("stores");
    }
    issuer.hand_out().expect("is whole");
    let Direct(mut card) = reader;
    card.power_off();
    card
}

/// What is written to a sample card, in this order.
#[must_use]
pub fn groupings(signature: bool) -> Vec<(u16, Vec<u8>)> {
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
    all
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
