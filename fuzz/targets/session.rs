//! Any bytes as a life of one issued card: commands, resets, power cycles and starts from memory. A shadow model says
//! beforehand what the card must answer about its PINs, and what it must never answer.
//!
//! The input is a sequence of [`trial::steps`], of which the first [`STEPS`] count.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use trial::{
    card::TEMPLATE,
    model::Model,
    steps::{Step, Steps},
};

/// Enough to block both PINs and to go on from there; more only makes runs slow.
const STEPS: usize = 32;

fuzz_target!(
    init: {
        LazyLock::force(&TEMPLATE);
    },
    |data: &[u8]| {
        let (mut card, mut model) = (TEMPLATE.fork(), Model::default());
        for step in Steps::new(data).take(STEPS) {
            match step {
                Step::Command(command) => model.command(&mut card, command),
                Step::WarmReset => model.warm_reset(&mut card),
                Step::PowerCycle => model.power_cycle(&mut card),
                Step::Remount => card = model.remount(card),
            }
        }
    }
);
