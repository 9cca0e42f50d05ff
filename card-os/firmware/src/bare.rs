//! Start, and the loop from message to message.

mod flash;
mod host;
mod memory;
mod random;
mod uart;
mod wire;

use card_os::{Card, Response, fixed::FixedEngine};
use flash::Flash;
use random::Random;
use wire::{Message, Wire};

/// Largest command APDU: header, three bytes Lc, data, two bytes Le. (card.md D-13)
const COMMAND: usize = 4 + 3 + 4096 + 2;

#[cortex_m_rt::entry]
fn main() -> ! {
    let (nvm, rng) = found();
    let Ok(mut card) = Card::mount(nvm, FixedEngine::default(), rng) else {
        host::end(c"firmware: the memory does not mount\n");
    };
    let mut wire = Wire::new();
    let mut command = heapless::Vec::<u8, COMMAND>::new();
    let mut response = Response::new();
    loop {
        match wire.receive(&mut command) {
            Message::Off => card.power_off(),
            Message::On => drop(card.power_on()),
            Message::Reset => drop(card.reset()),
            Message::Atr => wire.send(&card.atr()),
            Message::Command => {
                card.transmit(&command, &mut response);
                wire.send(&response);
            }
            Message::TooLong => wire.send(&[0x67, 0x00]),
            Message::Unknown => {}
        }
    }
}

/// What the card is given: its memory and its randomness. Apart, since the arguments are in nobody's way afterwards.
#[inline(never)]
fn found() -> (Flash, Random) {
    let mut arguments = [0; host::ARGUMENTS];
    let (path, seed) = host::arguments(&mut arguments);
    (Flash::load(path), Random::seeded(seed))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    host::end(c"firmware: panic\n")
}
