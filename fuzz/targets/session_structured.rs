//! As `session`, by somebody who knows names, files and PINs, and who pulls the power. The input is a list of [`trial::deeds`],
//! of which the first [`DEEDS`] count; each run begins with the JPKI application selected.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use trial::{
    deeds::{Deed, Name, Selection},
    watched::Watched,
};

const DEEDS: usize = 8;

thread_local!(static WATCHED: RefCell<(Watched, Vec<u8>)> = (Watched::small(), Vec::new()).into());

fuzz_target!(|data: &[u8]| {
    WATCHED.with_borrow_mut(|(watched, scratch)| {
        watched.begin();
        Deed::Select(Name::Jpki, Selection::First).perform(watched, scratch);
        let mut bytes = Unstructured::new(data);
        for _ in 0..DEEDS {
            if bytes.is_empty() {
                break;
            }
            let Ok(deed) = Deed::arbitrary(&mut bytes) else { break };
            deed.perform(watched, scratch);
        }
    });
});
