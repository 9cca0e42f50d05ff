//! What the benchmarks share: the commands they send, and a card that is ready for them.
//!
//! Machines are noisy, so nothing here asserts a time. Times are read as ratios within one run; changes are judged by
//! instruction counts, which are the same every time.

use card_os::{Card, Response, platform::Nvm};
use rand_core::TryCryptoRng;
use sim::{card::Simulated, sample};

/// SELECT of the JPKI application.
pub const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
/// READ BINARY of the authentication certificate's first 256 bytes, by SFI.
pub const READ: &[u8] = b"\x00\xB0\x8A\x00\x00";
/// VERIFY of the authentication PIN, the right value.
pub const VERIFY: &[u8] = b"\x00\x20\x00\x98\x041234";
/// Try-counter query.
pub const QUERY: &[u8] = b"\x00\x20\x00\x98";
/// COMPUTE DIGITAL SIGNATURE with the authentication key: the card hashes, sha256WithRSAEncryption.
pub const SIGN: &[u8] = b"\x80\x2A\x03\x97\x05hello\x00";

/// An issued card with the JPKI application selected and the authentication PIN verified.
#[must_use]
pub fn ready() -> Simulated {
    let mut card = sample::issued(true);
    card.power_on();
    for command in [SELECT, VERIFY] {
        assert_eq!(transmit(&mut card, command)[..], [0x90, 0x00]);
    }
    card
}

/// One command, one response.
pub fn transmit<N: Nvm, E: card_os::platform::Engine, R: TryCryptoRng>(
    card: &mut Card<N, E, R>,
    command: &[u8],
) -> Response {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response
}
