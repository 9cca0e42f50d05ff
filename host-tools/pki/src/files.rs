//! Contents of the four applications beside JPKI, as the counter writes them. (card.md §9)
//!
//! Objects are BER-TLV in the cards' own form: a length from 128 on is `82 hh ll`. Offsets count from the first byte of the
//! file to the header of the object they name.

mod common;
mod face;
mod text;

pub use common::{card_number, key_reference};
pub use face::{Face, FaceKeys};
pub use text::{Text, TextKeys};

use crate::cvc::KeyId;
use apdu::tlv::{
    Rules,
    ber::{Tag, Writer},
};
use rand_core::CryptoRng;
use time::Date;

/// Bytes with which the 16-byte files of unknown purpose are filled. (card.md §9.3, §9.4)
pub const UNKNOWN: [u8; 16] = [0xFF; 16];

/// Why a file was not made.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The signing key.
    #[error("signing: {0}")]
    Signature(#[from] rsa::Error),
    /// Something that does not fit its file.
    #[error("{file}: {length} bytes do not fit; shorten name or address")]
    TooLong {
        /// Which file.
        file: &'static str,
        /// What it would take.
        length: usize,
    },
}

/// One object.
fn object(tag: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; value.len() + 8];
    let mut writer = Writer::new(&mut bytes, Rules::Card);
    // The tags are constants, and no value is near 64 KiB.
    let written = writer.put(Tag(tag), value);
    debug_assert!(written.is_ok());
    let length = writer.len();
    bytes.truncate(length);
    bytes
}

/// A file of one object: an offset table under `table`, then the objects it points at.
fn with_offsets(outer: u32, table: u32, objects: &[Vec<u8>]) -> Vec<u8> {
    let content: usize = objects.iter().map(Vec::len).sum();
    let table_length = object(table, &vec![0; objects.len() * 2]).len();
    // Header of the outer object: two bytes of tag and one or three of length.
    let header = object(outer, &vec![0; table_length + content]).len() - table_length - content;
    let mut offset = header + table_length;
    let mut offsets = Vec::with_capacity(objects.len() * 2);
    for object in objects {
        offsets.extend_from_slice(&u16::try_from(offset).unwrap_or(u16::MAX).to_be_bytes());
        offset += object.len();
    }
    object(outer, &[object(table, &offsets), objects.concat()].concat())
}

/// Rounded up to whole 256 bytes with FF. (card.md D-47)
fn filled(mut file: Vec<u8>) -> Vec<u8> {
    file.resize(file.len().next_multiple_of(256), 0xFF);
    file
}

/// YYYYMMDD
fn digits(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
}

/// So many bytes of no meaning, fixed per card. (card.md D-51)
fn opaque(count: usize, rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Key ids named in basic information; none of them is the signer of EF 0004. (card.md D-51, D-52)
fn information_key(number: &[u8; 7]) -> Vec<u8> {
    KeyId::new(number, b"001").0.to_vec()
}
