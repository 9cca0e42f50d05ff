//! Any bytes as a life of one issued card: commands, resets, power cycles and starts from memory. A shadow model says
//! beforehand what the card must answer about its PINs, and what it must never answer.
//!
//! The input is a sequence of steps, of which the first [`STEPS`] count:
//!
//! ```text
//! 01–FE  that many bytes of a command
//! FF     two bytes of length, high byte first, and so many bytes of a command
//! 00     one byte, an event, modulo 3: 0 warm reset, 1 power off and on, 2 power off and start from memory
//! ```
//!
//! A step whose bytes run out is made of those there are.
#![no_main]

use fuzz::{TEMPLATE, model::Model};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// Enough to block both PINs and to go on from there; more only makes runs slow.
const STEPS: usize = 32;

/// One thing that happens to the card.
enum Step<'a> {
    Command(&'a [u8]),
    WarmReset,
    PowerCycle,
    Remount,
}

/// Takes the next step off the input.
fn next<'a>(input: &mut &'a [u8]) -> Option<Step<'a>> {
    let (&length, rest) = input.split_first()?;
    let (length, rest) = match (length, rest) {
        (0x00, [event, later @ ..]) => {
            *input = later;
            return Some(match event % 3 {
                0 => Step::WarmReset,
                1 => Step::PowerCycle,
                _ => Step::Remount,
            });
        }
        (0xFF, [high, low, later @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), later),
        (length, rest) => (usize::from(length), rest),
    };
    let (command, later) = rest.split_at(length.min(rest.len()));
    *input = later;
    Some(Step::Command(command))
}

fuzz_target!(
    init: {
        LazyLock::force(&TEMPLATE);
    },
    |data: &[u8]| {
        let (mut card, mut model, mut input) = (TEMPLATE.fork(), Model::default(), data);
        for step in std::iter::from_fn(|| next(&mut input)).take(STEPS) {
            match step {
                Step::Command(command) => model.command(&mut card, command),
                Step::WarmReset => model.warm_reset(&mut card),
                Step::PowerCycle => model.power_cycle(&mut card),
                Step::Remount => card = model.remount(card),
            }
        }
    }
);
