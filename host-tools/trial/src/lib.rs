//! The card on trial: whatever breaks it on purpose and says what it must be like afterwards.
//!
//! # Design
//!
//! [`model`] writes the rules of the card down a second time, without the card's table; [`watched`] is a card beside it, compared after
//! each command. [`explore`] walks every state that
//! the PINs, the issuer's keys and what he writes can be in and cuts the power at every word of every command there; it judges memories with a [`journal`] reader
//! of its own, so that the card's opinion of its memory is not what convinces. [`card`] and [`mirror`] are cards without RSA,
//! [`steps`] and [`deeds`] are what bytes of a fuzzer mean to them.
//!
//! [`twin`] is the card of this process beside the same card as firmware of a chip; [`costs`] is what its
//! commands take there, and [`glitch`] hurts the chip at every instruction of them.
//!
//! # Not supported
//!
//! **The applications beside JPKI** are fuzzed, not explored.

pub mod card;
pub mod costs;
pub mod deeds;
pub mod explore;
pub mod factor;
pub mod glitch;
pub mod journal;
pub mod mirror;
pub mod model;
pub mod plausible;
pub mod script;
pub mod small;
pub mod steps;
pub mod twin;
pub mod watched;
pub mod words;
