//! `jitsuin firmware`: the card as the program of a chip, built, run and measured.

mod bench;
mod budget;
mod build;
mod elf;
mod panics;
mod run;
mod size;

pub(crate) use elf::{elf, program};

use crate::{args, failure::Failure};

/// `jitsuin firmware`
pub(crate) fn run(firmware: &args::Firmware) -> Result<(), Failure> {
    match firmware {
        args::Firmware::Build(build) => build::run(build),
        args::Firmware::Run(run) => run::run(run),
        args::Firmware::Size(size) => size::run(size),
        args::Firmware::Panics(panics) => panics::run(panics),
        args::Firmware::Bench(bench) => bench::run(bench),
    }
}
