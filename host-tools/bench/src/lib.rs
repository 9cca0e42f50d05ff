//! How fast the card's engine is, beside other libraries, in a way that survives a busy machine.
//!
//! # Design
//!
//! | module | what it is |
//! |---|---|
//! | [`contender`] | one thing that is measured, and the row of things that do the same work |
//! | [`own`], [`rivals`] | the back ends of this project, and other people's libraries |
//! | [`sign`], [`keygen`], [`apdu`], [`socket`], [`reader`] | the rows: who does which work |
//! | [`rounds`] | interleaved rounds under one [`clock`], in one [`place`] |
//! | [`statistics`] | median, best, ratios |
//! | [`instructions`] | callgrind's count for one operation |
//! | [`report`], [`table`], [`chart`] | what was seen: as data and JSON, as text, as SVG |
//! | [`baseline`] | what was seen before, and whether it got worse |
//!
//! All contenders of a row run in one process on one thread in turn, with the same key and the same message, and every result
//! is compared with one that the `rsa` crate made beforehand; those of [`reader`] are other processes. Rates of two runs are never compared, only ratios to a
//! rival of the same run and instruction counts.
//!
//! # Not supported
//!
//! **Several threads**, **verification speed**, **memory**, **other padding than PKCS#1 v1.5 with SHA-256**.

pub mod again;
pub mod apdu;
pub mod baseline;
pub mod chart;
pub mod clock;
pub mod contender;
pub mod cpu;
pub mod error;
pub mod instructions;
pub mod key;
pub mod keygen;
pub mod message;
pub mod own;
pub mod place;
pub mod reader;
pub mod report;
pub mod rivals;
pub mod rounds;
pub mod run;
pub mod sign;
pub mod socket;
pub mod statistics;
pub mod table;
pub mod versions;

pub use error::BenchError;
