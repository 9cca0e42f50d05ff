//! As `session`, by somebody who knows names, files and PINs, and who pulls the power. The input is a list of [`trial::deeds`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use trial::{deeds::deeds, watched::Watched};

thread_local!(static WATCHED: RefCell<(Watched, Vec<u8>)> = (Watched::small(), Vec::new()).into());

fuzz_target!(init: {
    // Making the card takes seconds, which are not the fuzzer's.
    WATCHED.with_borrow(|_| ());
}, |data: &[u8]| {
    WATCHED.with_borrow_mut(|(watched, scratch)| {
        watched.begin();
        deeds(data).for_each(|deed| deed.perform(watched, scratch));
    });
});
