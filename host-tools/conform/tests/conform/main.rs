//! The suite against cards: the simulated one, which it must pass, and ones that each do one thing otherwise.

mod cards;
mod coverage;
mod differences;
mod hostile;
mod otherwise;
mod readers;
mod records;
mod reports;
mod suite;
mod untrusted;
