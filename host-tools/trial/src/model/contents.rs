//! What stands in the files and data objects of the sample card. (card.md §6, §11)

use card_os::profile::Model;
use sim::sample;
use std::{collections::HashMap, sync::LazyLock};

/// GlobalPlatform card recognition data, as card.md D-40 has it.
const RECOGNITION: &[u8] =
    b"\x73\x2E\x06\x07\x2A\x86\x48\x86\xFC\x6B\x01\x60\x0B\x06\x09\x2A\x86\x48\x86\xFC\x6B\x02\x02\x02\
    \x63\x09\x06\x07\x2A\x86\x48\x86\xFC\x6B\x03\x64\x0B\x06\x09\x2A\x86\x48\x86\xFC\x6B\x04\x02\x55";
/// The contact ATR without its first byte. (card.md §11)
const ATR: &[u8] = b"\xE0\x00\xFF\x81\x31\xFE\x45\x14";

/// What was written to the sample card, by data grouping.
static WRITTEN: LazyLock<HashMap<u16, Vec<u8>>> =
    LazyLock::new(|| sample::groupings(Model::JPKI_ONLY, true).into_iter().collect());

/// Content of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// As they were written.
    Written,
    /// Never written: all 00. Shorter files are there nevertheless.
    Blank,
}

impl Contents {
    /// Size of a transparent EF that can be read at all. (card.md §6, D-18)
    pub(crate) fn size(file: u8) -> Option<usize> {
        match file {
            0x01 => Some(3072),
            0x02 | 0x0A | 0x0B => Some(1900),
            0x06 => Some(160),
            0x08 => Some(3),
            _ => None,
        }
    }

    /// Whether an answer holds what an EF has from `offset` on.
    pub(crate) fn holds(self, file: u8, offset: usize, answer: &[u8]) -> bool {
        let written = WRITTEN.get(&u16::from_be_bytes([0x01, file])).map_or(&[][..], |written| &written[..]);
        let written = if self == Contents::Blank && file != 0x08 { &[] } else { written };
        let (content, rest) = answer.split_at(written.len().saturating_sub(offset).min(answer.len()));
        written.get(offset..).is_none_or(|written| written.starts_with(content)) && rest.iter().all(|byte| *byte == 0)
    }

    /// A data object at the level of the card manager. (card.md §11, D-40)
    pub(crate) fn object(tag: u16) -> Option<&'static [u8]> {
        match tag {
            0x5F51 => Some(ATR),
            0x0066 => Some(RECOGNITION),
            0x0042 | 0x0045 | 0x00F0 | 0x00F2 | 0x00F7 | 0x00F8 | 0x7F21 => Some(WRITTEN.get(&tag)?),
            _ => None,
        }
    }
}
