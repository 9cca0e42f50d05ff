//! The card as firmware: `card-os`, unchanged, on a Cortex-M3.
//!
//! # Design
//!
//! | module | what it is |
//! |---|---|
//! | `bare::uart` | the serial line of the board, as vpcd's far end |
//! | `bare::wire` | vpcd's messages on it (spec/pcsc.md §1) |
//! | `bare::flash` | the card's non-volatile memory: words that are written once, pages that are erased |
//! | `bare::host` | semihosting: arguments, the file that the flash lasts in, the end |
//! | `bare::random` | ChaCha20, by a seed |
//! | `bare::memory` | copies and fills of memory, for size |
//!
//! There is no heap, no interrupt handler and no second thread. The line between firmware and chip is the one that card-os draws:
//! memory, engine and randomness are given to it, everything else is the same code as in the simulator.
//!
//! Elsewhere than on the chip this is a program that says how to build it.
#![cfg_attr(all(target_arch = "arm", target_os = "none"), no_std, no_main)]

#[cfg(all(target_arch = "arm", target_os = "none"))]
mod bare;

#[cfg(not(all(target_arch = "arm", target_os = "none")))]
fn main() -> std::process::ExitCode {
    eprintln!(
        "This is the firmware of a Cortex-M3. To build it: rustup target add thumbv7m-none-eabi, then\n\
         cargo build --release -p firmware --target thumbv7m-none-eabi"
    );
    std::process::ExitCode::from(2)
}
