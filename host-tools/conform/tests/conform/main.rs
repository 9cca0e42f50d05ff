//! The suite against cards: the simulated one, which it must pass, and ones that each do one thing otherwise.

mod cards;
mod differences;
mod otherwise;
mod records;
mod suite;
