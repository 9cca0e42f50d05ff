//! Any text as a file of conformance cases.
#![no_main]

use conform::case::Suite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut suite = Suite::default();
    if let Err(error) = suite.add("fuzz", text) {
        assert!(!error.to_string().is_empty());
    }
});
