//! The operating system of a My Number Card: card manager, JPKI and the four applications beside it. No `std`, no allocation, no `unsafe`, no clock.
//!
//! # Design
//!
//! ```text
//! bytes -> apdu::Header, apdu::Command      what they say, without judgement
//!       -> command::Command                 what it means: the shapes that exist
//!       -> card, the ladder of checks       class, instruction, phase, P1-P2, lengths, object, access, data
//!       -> access::grant -> Granted<Op>     permission is a value, and this is its only maker
//!       -> a handler                        reads, compares, signs, writes
//!       -> store.commit(&[Update, ..])      all or nothing, whatever is cut
//!       -> Reply or Refusal                 every reason to say no, mapped to SW1-SW2 in one file
//! ```
//!
//! *One table.* [`profile`] lists every object with its identifier, size, rules and source. SELECT, access checks, store keys
//! and the documents in `docs/` are read from it; what is not listed is never allowed.
//!
//! *Proof is a value.* [`pin::Spent`] exists only after a try was charged and read back; only it compares; only a right
//! comparison makes [`pin::Verified`]. The order cannot be written wrongly.
//!
//! *One way to change.* [`store`] is a journal in two areas; recovery is compaction and there is no other repair code. Objects
//! larger than a record live in two banks ([`mod@file`]), so an interrupted replacement leaves the old content.
//!
//! *A signature is checked before it leaves*, whatever the [`platform::Engine`] did: one faulty CRT half would give the key away.
//!
//! *The card is a plain value*, session and memory included. [`Card::fork`] is the snapshot, and the one sanctioned way to
//! duplicate a secret. There are no test hooks: whatever watches or hurts the card wraps one of the [`platform`] seams.
//!
//! *The stack is small.* What holds much is a function of its own (`#[inline(never)]`), so that its room is free again for the next, and a
//! key is used where it stands. A command of the issuer is deciphered in the answer's place.
//!
//! # Security notes
//!
//! - Secrets have types of their own: wiped when dropped, nothing in `Debug`, no `Clone`. What is deciphered stays where it is until it
//!   is wiped; a test of the simulator reads the stack for copies.
//! - PINs, MACs and cryptograms are compared in constant time. The private operation is as constant as its engine.
//! - Memory is believed only as far as it was read back; a counter that does not match its complement counts as blocked.
//!
//! # Not supported
//!
//! **Logical channels**, **command chaining**, **algorithms** other than RSA-2048 with e = 65537, **T=1 and contactless framing**,
//! the **driving-licence applications** of combined cards, the **resident record code** (nobody outside knows where it is).
#![cfg_attr(not(test), no_std)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

pub mod access;
pub mod card;
pub mod cbc;
pub mod command;
pub mod data;
pub mod file;
#[cfg(feature = "engine")]
pub mod fixed;
pub mod identity;
pub mod messaging;
pub mod mgf1;
pub mod perso;
pub mod pin;
pub mod platform;
pub mod profile;
pub mod public;
pub mod record;
pub mod refusal;
pub mod scp03;
pub mod session;
pub mod sign;
pub mod store;

pub use card::{Card, RESPONSE_MAX, Response};
