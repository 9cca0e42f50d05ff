//! Any bytes as command and response APDU: parsing never panics, and what parses encodes to the same bytes.
#![no_main]

use apdu::{Command, Header, Response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Header::parse(data);
    let mut out = vec![0xEE; data.len() + 8];
    if let Ok(command) = Command::parse(data) {
        let length = command.encode(&mut out).expect("what was parsed can be written");
        assert_eq!(&out[..length], data);
        assert_eq!(command.encoded_len(), length);
    }
    if let Ok(response) = Response::parse(data) {
        let length = response.encode(&mut out).expect("what was parsed can be written");
        assert_eq!(&out[..length], data);
    }
});
