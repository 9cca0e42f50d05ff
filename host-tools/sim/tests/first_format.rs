//! A card of the first format, in which the card says nothing about its model and has JPKI alone, still boots and works.
//!
//! The first program's sample card is made again, byte by byte: today's card of the same model, with the one record that is
//! longer now written as it was then. That it is the same is proved by the hash of what that program wrote (the sample card of
//! commit 5c25ba4, with and without signature half).

use card_os::{Card, Response, identity::Behaviour, profile::Model, scp03::Level};
use sha2::{Digest, Sha256};
use sim::{
    backend::AnyEngine,
    card::{Direct, Simulated},
    issuer::{Issuer, test_keys},
    nvm::{Flash, Torn},
    rng::SimRng,
    sample,
};

const WRITTEN: [(bool, &str); 2] = [
    (true, "7e69b4482a4df4258c70b2704b4104e700bf97743821aa43e19fcd89fd9c78b3"),
    (false, "c5b769b4ec0a90a731d5be9d7a7bdfea5493dc79af9b48d75d49d8d34951aa1f"),
];

/// Memory of the first program's sample card.
fn first(signature: bool) -> Vec<u8> {
    let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
    let mut rng = SimRng::seeded(2);
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
    for (grouping, value) in sample::groupings(Model::JPKI_ONLY, signature) {
        // The key that judges terminals came later.
        if grouping != 0x0116 {
            issuer.store(grouping, &value).expect("stores");
        }
    }
    issuer.hand_out().expect("is whole");
    let mut memory = reader.0.into_nvm().bytes().to_vec();
    // Kind, length, key 0005, CRC-32, then behaviour and model: the model was not there.
    let at = memory.windows(4).position(|head| matches!(head, [0x50..=0x57, 2, 0, 5])).expect("the options record");
    memory[at + 1] = 1;
    memory[at + 9] = 0xFF;
    let head = [memory[at], 1, 0, 5, memory[at + 8]];
    memory[at + 4..at + 8].copy_from_slice(&crc(&head).to_be_bytes());
    memory
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn boot(memory: Vec<u8>) -> Simulated {
    let flash = Flash::from_bytes(memory).expect("a size of memory");
    Card::mount(Torn::new(flash), AnyEngine::default(), SimRng::seeded(9)).map_err(|(error, _)| error).expect("mounts")
}

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

#[test]
fn it_is_what_the_first_program_wrote() {
    for (signature, hash) in WRITTEN {
        assert_eq!(hex::encode(Sha256::digest(first(signature))), hash);
    }
}

#[test]
fn it_boots_and_works() {
    let mut card = boot(first(true));
    assert_eq!((card.model(), card.behaviour()), (Model::JPKI_ONLY, Behaviour::default()));
    card.power_on();
    assert_eq!(transmit(&mut card, b"\x00\xA4\x04\x0C\x0A\xD3\x92\x10\x00\x31\x00\x01\x01\x01\x00"), [0x6A, 0x82]);
    assert_eq!(transmit(&mut card, b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01"), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x80\x2A\x03\x97\x01\x41\x00").len(), 258);
    assert_eq!(transmit(&mut card, b"\x00\x20\x00\x9B\x06ABC123"), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x00\x24\x01\x9B\x06XYZ789"), [0x90, 0x00]);
    // No key judges terminals on it.
    assert_eq!(transmit(&mut card, b"\x00\xA4\x02\x0C\x02\x00\x16"), [0x90, 0x00]);
    let steps = [
        [&b"\x80\xA2\x06\xC1\x00\x01\x33\x7F\x21\x82\x02\x33\x5F\x4E\x82\x01\x29"[..], &[0x5A; 297]].concat(),
        [&b"\x80\xA2\x00\xC1\x00\x01\x05\x5F\x37\x82\x01\x00"[..], &[0x00; 256]].concat(),
    ];
    assert_eq!(transmit(&mut card, &steps[0]), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, &steps[1]), [0x69, 0x82]);
    // And once more after a restart, written by today's program.
    let mut again = boot(card.into_nvm().bytes().to_vec());
    assert_eq!(again.model(), Model::JPKI_ONLY);
    again.power_on();
    transmit(&mut again, b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
    assert_eq!(transmit(&mut again, b"\x00\x20\x00\x9B\x06XYZ789"), [0x90, 0x00]);
}

#[test]
fn a_model_of_the_future_is_refused_whole() {
    let mut memory = sample::blank(Model::CARD).into_nvm().bytes().to_vec();
    let at = memory.windows(4).position(|head| matches!(head, [0x50..=0x57, 2, 0, 5])).expect("the options record");
    memory[at + 9] = 0x77;
    let head = [memory[at], 2, 0, 5, memory[at + 8], memory[at + 9]];
    memory[at + 4..at + 8].copy_from_slice(&crc(&head).to_be_bytes());
    let flash = Flash::from_bytes(memory.clone()).expect("a size of memory");
    let Err((error, flash)) = Card::mount(flash, AnyEngine::default(), SimRng::seeded(9)) else { panic!("mounts") };
    assert_eq!(error, card_os::store::StoreError::Version(0x77));
    assert_eq!(flash.bytes(), memory, "nothing was changed");
}
