//! What holds for every response of a card, whatever it was asked.

use sim::sample;
use std::sync::LazyLock;

/// Status words that card.md §14 lists as sent by a card whose memory is sound, less 63Cx, which has a check of its own.
const DOCUMENTED: [u16; 22] = [
    0x66F1, 0x6700, 0x6881, 0x6882, 0x6981, 0x6982, 0x6984, 0x6985, 0x6986, 0x6987, 0x6988, 0x69FC, 0x6A80, 0x6A82,
    0x6A83, 0x6A86, 0x6A88, 0x6B00, 0x6D00, 0x6E00, 0x6F00, 0x9000,
];

/// What no response may hold: the password, and the beginning of each prime factor.
static SECRETS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let primes = sample::keys().iter().flat_map(|key| [&key.p[..16], &key.q[..16]]);
    primes.chain([sample::SIGNATURE_PASSWORD.as_bytes()]).collect()
});

/// What holds for every response; gives its status word.
///
/// # Panics
/// Where it does not hold.
pub fn plausible(command: &[u8], response: &[u8]) -> u16 {
    contains_no_secret(command, response);
    formed(command, response)
}

/// The status word is one that card.md knows, and an error has no data. Gives the status word.
///
/// # Panics
/// Where it is not so.
pub fn formed(command: &[u8], response: &[u8]) -> u16 {
    let (data, sw) = response.split_last_chunk::<2>().expect("every response ends in a status word");
    let sw = u16::from_be_bytes(*sw);
    let tries = (0x63C0..=0x63CA).contains(&sw) && matches!(command, [0x00 | 0x08, 0x20, ..]);
    assert!(tries || DOCUMENTED.contains(&sw), "{command:02X?} answers {sw:04X}, which is not in card.md §14");
    assert!(sw == 0x9000 || data.is_empty(), "{command:02X?} answers {sw:04X} with {} bytes of data", data.len());
    sw
}

/// No secret of the sample card is in an answer.
///
/// # Panics
/// Where one is.
pub fn contains_no_secret(command: &[u8], answer: &[u8]) {
    assert!(!SECRETS.iter().any(|secret| contains(answer, secret)), "the answer to {command:02X?} holds a secret");
}

/// Whether `bytes` hold `part`. By its first byte: nearly every response is searched and found clean.
fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return true };
    bytes.iter().enumerate().any(|(at, byte)| byte == first && bytes[at..].starts_with(part))
}
