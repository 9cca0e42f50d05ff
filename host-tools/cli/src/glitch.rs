//! `jitsuin glitch`: the card's firmware, hurt at every instruction of a command.

use crate::{args, failure::Failure, firmware, out::say};
use indicatif::{ProgressBar, ProgressStyle};
use std::{fs, thread};
use trial::glitch::{Finding, Model, Plan, Target, map, run as hurt};

/// Findings that are told one by one.
const TOLD: usize = 40;

/// `jitsuin glitch`
pub(crate) fn run(args: &args::Glitch) -> Result<(), Failure> {
    let program = firmware::program(args.firmware.as_deref())?;
    let jobs = args.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let plan = Plan {
        targets: chosen(&args.command, &Target::ALL),
        models: chosen(&args.model, &Model::ALL),
        points: args.points,
        signatures: args.signatures,
        registers: args.registers,
        seed: args.seed,
        jobs,
    };
    let style =
        ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} instructions, {msg}, {eta} left")?;
    let progress = ProgressBar::new(0).with_style(style);
    let report = hurt(&program, &plan, |so_far| {
        progress.set_length(so_far.points);
        progress.set_position(so_far.done);
        progress.set_message(format!("{} glitches, {} not harmless", so_far.glitches, so_far.bad));
    })?;
    progress.finish_and_clear();
    if let Some(path) = &args.svg {
        fs::write(path, map(&program, &report))
            .map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
    }
    if args.json {
        crate::print_json(&report)?;
    } else {
        for Finding { target, glitch, instruction, address, place, outcome, .. } in report.findings.iter().take(TOLD) {
            say!("{} instruction {instruction} at {address:#x} in {place}: {glitch} -> {outcome:?}", target.name());
        }
        if report.findings.len() > TOLD {
            say!("and {} more; --json has them", report.findings.len() - TOLD);
        }
        say!("{report}");
    }
    match report.bad {
        0 => Ok(()),
        bad => Err(Failure::Refused(format!("{bad} of {} glitches are not harmless", report.glitches))),
    }
}

/// Those that were named, or all.
fn chosen<T: Copy + PartialEq>(named: &[T], all: &[T]) -> Vec<T> {
    all.iter().copied().filter(|one| named.is_empty() || named.contains(one)).collect()
}
