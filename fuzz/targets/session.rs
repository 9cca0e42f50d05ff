//! Any bytes as a life of one issued card: commands, resets, power cycles and starts from memory. A model beside it says what
//! the card must answer, and what it must be like afterwards.
//!
//! The input is a sequence of [`trial::steps`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use trial::{
    steps::{SESSION, Step, Steps},
    watched::Watched,
};

thread_local!(static WATCHED: RefCell<Watched> = Watched::whole().into());

fuzz_target!(init: {
    // Making the card takes seconds, which are not the fuzzer's.
    WATCHED.with_borrow(|_| ());
}, |data: &[u8]| {
    WATCHED.with_borrow_mut(|watched| {
        watched.begin();
        for step in Steps::new(data).take(SESSION) {
            match step {
                Step::Command(command) => watched.command(command),
                Step::WarmReset => watched.warm_reset(),
                Step::PowerCycle => watched.power_cycle(),
                Step::Remount => watched.restart(),
            }
        }
    });
});
