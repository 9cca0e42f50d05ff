//! Conformance of My Number Cards: what a card must answer, kept as data, and what holds a card against it.
//!
//! # Design
//!
//! A [`case`] is text in `vectors/conformance`: commands, expected answers, where that is written and how sure it is. The
//! language of its steps is small; what bytes cannot say (signatures, certificates, TLV, secure messaging) is one
//! of a few named functions. A [`subject`] is what is known of the card: traits, reference values, secrets. [`run`] brings
//! both together over any [`sim::reader::Reader`]: the simulator, a PC/SC socket, or a card program that speaks vpcd
//! ([`vpcd`]).
//!
//! *Facts and decisions are different.* A card that contradicts a measurement **fails**. A card that does otherwise than an
//! assumption, or than the specification decided where nobody has published anything, **differs**.
//!
//! *A card is not used up.* Cases that present wrong values, change PINs or lock something are marked, are not run unless
//! allowed, and put back what they can. A secret that the card refuses once is not presented again. Copies of a simulated
//! card have none of these worries.
//!
//! *Nothing secret is reported.* Whatever is shown goes through one place that blanks every known secret wherever it stands.
//!
//! # Not supported
//!
//! **Power cuts** in the middle of a command, **timing**, **radio and electrical properties**, **several cards** at once.

mod bytes;
pub mod case;
mod function;
mod messaging;
mod of_world;
pub mod report;
pub mod run;
mod shape;
mod step;
pub mod subject;
mod value;
pub mod vpcd;
