//! Which bytes of an exchange nobody is shown.

use super::context::Context;
use apdu::Header;
use card_os::profile::{FACE, TEXT};

/// EFs that are My Number, or from which it or 照合番号B follows: both face records with their pictures, the number as text, and
/// the digest of twelve digits. (card.md §9.3, §9.4, §22 item 20)
const FILES: [u16; 5] = [0x0401, 0x0402, 0x0405, 0x0501, 0x0503];

/// Whether command data may hold a PIN or a key, in whatever class it is sent.
pub(super) fn in_command(header: Header) -> bool {
    // What a program meant to encipher, it may have sent in clear. READ BINARY has nothing but a length there.
    if header.cla.0 == 0x08 && header.ins != 0xB0 {
        return true;
    }
    // With the odd instructions beside them, whose data is BER-TLV: programs try those too.
    matches!(header.ins & 0xFE, 0x20 | 0x24 | 0x32 | 0x2C | 0xAE | 0xD8 | 0xE2)
}

/// Whether an answer may hold what opens the card's face. Secure messaging enciphers it. Where a file of the two applications
/// is not known, it may be any.
pub(super) fn in_answer(context: &Context, header: Header) -> bool {
    if header.ins & 0xFE != 0xB0 || header.cla.0 == 0x08 {
        return false;
    }
    match context.referenced(read_from(header)) {
        Some(file) => FILES.contains(&file.grouping()),
        None => context.is_at(&FACE) || context.is_at(&TEXT),
    }
}

/// The file of READ BINARY, as [`Context::referenced`] takes it.
pub(super) fn read_from(header: Header) -> u8 {
    if header.p1 < 0x80 { 0x80 } else { 0x80 | (header.p1 & 0x1F) }
}
