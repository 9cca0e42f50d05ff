//! Any bytes as a life of one issued card: commands, resets, power cycles and starts from memory. A model beside it says what
//! the card must answer, and what it must be like afterwards.
//!
//! The input is a sequence of [`trial::steps`], of which the first [`STEPS`] count.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use trial::{
    steps::{Step, Steps},
    watched::Watched,
};

/// Enough to block both PINs and to go on from there; more only makes runs slow.
const STEPS: usize = 32;

thread_local!(static WATCHED: RefCell<Watched> = Watched::whole().into());

fuzz_target!(|data: &[u8]| {
    WATCHED.with_borrow_mut(|watched| {
        watched.begin();
        for step in Steps::new(data).take(STEPS) {
            match step {
                Step::Command(command) => watched.command(command),
                Step::WarmReset => watched.warm_reset(),
                Step::PowerCycle => watched.power_cycle(),
                Step::Remount => watched.restart(),
            }
        }
    });
});
