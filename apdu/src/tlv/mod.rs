//! Tag-length-value: BER-TLV (the data objects of ISO/IEC 7816) and simple-TLV (the records of JICSAP and ISO/IEC 7816).
//!
//! Readers are iterators over the objects of one level; a nested level is a new reader over an object's value, so depth
//! is in the caller's hands. Nothing here calls itself.

pub mod ber;
pub mod simple;

/// How much freedom an encoding has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// One encoding for one object. Tags and lengths are as short as can be; any other is refused. This is DER for tag
    /// and length, and what the standards want for data on its way to a card.
    #[default]
    Strict,
    /// What cards write. Reading, a tag number below 31 may take two bytes (`FF10`) and a length may take more bytes
    /// than it needs (`82 00 9F`, `FF 00 05`). Writing BER, a length from 128 takes the form `82 hh ll`, never
    /// `81 ll`, as in the 券面 files. (card.md §9.0)
    Card,
}
