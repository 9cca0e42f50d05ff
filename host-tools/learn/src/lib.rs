//! A card's automaton, learned by asking.
//!
//! # Design
//!
//! An [`alphabet`] is a text file of commands by name. An [`oracle`] sends them, begins anew when asked to, and answers with
//! status word and length. The [`learner`] asks until a [`machine`] explains every answer, and looks for answers that it does
//! not explain with [`suite`]. Machines are minimal and numbered in one way, so two that behave alike are equal; [`diff`]
//! names the shortest word that tells two others apart. [`specification`] is what the card specification says, as such a
//! machine.
//!
//! # Not supported
//!
//! **Contents**: two answers of one length are one answer. **Proof without a bound**: a machine that was learned is right for
//! every card that has at most so many states more as were tried ([`suite`]); only the comparison of two machines is exact.

pub mod alphabet;
pub mod diff;
pub mod learner;
pub mod machine;
mod observations;
pub mod oracle;
mod output;
pub mod specification;
pub mod suite;

pub use output::Output;
