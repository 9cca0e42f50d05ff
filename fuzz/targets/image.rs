//! Any bytes as an image file, and any change to the memory of an issued card: refused or used, never a panic, and no secret
//! leaves.
//!
//! The input is changes of the memory, `place (2) new (1)` each, and it is an image file as it stands.
#![no_main]

use card_os::Response;
use libfuzzer_sys::fuzz_target;
use sim::{image, rng::SimRng};
use std::{path::Path, sync::LazyLock};
use trial::{card::NoEngine, plausible::contains_no_secret, small};

/// Makes an area of a few hundred bytes; places are modulo its size.
static MEMORY: LazyLock<Vec<u8>> = LazyLock::new(|| small::memory().bytes().to_vec());

const DIALOGUE: [&[u8]; 8] = [
    b"\x00\xA4\x04\x0C\x05\xD3\x92\xF0\x00\x26",
    b"\x00\x20\x00\x98",
    b"\x00\x20\x00\x98\x049999",
    b"\x00\x20\x00\x98\x041234",
    b"\x00\x24\x01\x98\x045678",
    b"\x80\x2A\x00\x97\x01x\x00",
    b"\x00\xB0\x86\x00\x00",
    b"\x00\xB0\x81\x00\x00",
];

fuzz_target!(|data: &[u8]| {
    // Where it opens, so does what is in it.
    let _ = image::parse(Path::new("fuzz"), data);

    let mut memory = MEMORY.clone();
    for change in data.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % memory.len();
        memory[at] = change[2];
    }
    let flash = sim::nvm::Flash::from_bytes(memory).expect("the size is unchanged");
    let Ok(mut card) = card_os::Card::mount(flash, NoEngine, SimRng::seeded(3)) else { return };
    card.power_on();
    let mut response = Response::new();
    for command in DIALOGUE {
        card.transmit(command, &mut response);
        contains_no_secret(command, &response);
    }
});
