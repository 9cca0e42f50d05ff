//! `jitsuin firmware bench`: what each act costs, and whether a count tells secrets apart.

use super::{budget::Budget, program, size::Size};
use crate::{args, failure::Failure, out::say};
use serde::Serialize;
use std::collections::BTreeMap;
use trial::costs::{self, Cost, Counts};

/// Signatures whose instructions are compared.
const SIGNATURES: u8 = 8;

#[derive(Serialize)]
struct Report {
    flash: u64,
    ram: u64,
    acts: BTreeMap<String, Cost>,
    counts: Vec<Counts>,
}

pub(super) fn run(bench: &args::FirmwareBench) -> Result<(), Failure> {
    let program = program(bench.firmware.as_deref())?;
    let budget = Budget::read(&bench.budget)?;
    eprintln!("measuring: about ten seconds");
    let acts = costs::all(&program)?;
    let counts = costs::equal(&program, SIGNATURES)?.to_vec();
    let size = Size::of(&program, 0);
    let deepest = acts.values().map(|cost| u64::from(cost.stack)).max().unwrap_or_default();
    let report = Report { flash: size.flash, ram: size.fixed + deepest, acts, counts };
    if bench.json {
        crate::print_json(&report)?;
    } else {
        say!("{:>13}  {:>7}  {:>7}", "instructions", "stack", "words");
        for (act, cost) in &report.acts {
            say!("{:>13}  {:>7}  {:>7}  {act}", cost.instructions, cost.stack, cost.words);
        }
        for Counts { name, counts } in &report.counts {
            let of: u64 = counts.values().sum();
            match counts.len() {
                1 => say!("{of} {name}: the same number of instructions each"),
                kinds => say!("{of} {name}: {kinds} different numbers of instructions"),
            }
        }
        say!("{} bytes of flash, {} bytes of RAM with the deepest stack", report.flash, report.ram);
    }
    let leaks = report.counts.iter().filter(|counts| counts.counts.len() != 1);
    let mut wrong: Vec<String> = leaks.map(|counts| format!("{}: a count tells them apart", counts.name)).collect();
    if let Some(budget) = budget {
        over(&report, &budget, &mut wrong);
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Refused(wrong.join("\n"))) }
}

/// What is over the budget, and what the budget does not know.
fn over(report: &Report, budget: &Budget, wrong: &mut Vec<String>) {
    let mut hold = |what: &str, has: u64, most: u64| {
        if has > most {
            wrong.push(format!("{what}: {has}, and the budget has {most}"));
        }
    };
    hold("flash", report.flash, budget.flash);
    hold("RAM", report.ram, budget.ram);
    for (act, cost) in &report.acts {
        let Some(most) = budget.acts.get(act) else { continue };
        hold(&format!("{act}, instructions"), cost.instructions, most.instructions);
        hold(&format!("{act}, stack"), cost.stack.into(), most.stack.into());
        hold(&format!("{act}, words"), cost.words, most.words);
    }
    let unknown = report.acts.keys().filter(|act| !budget.acts.contains_key(*act));
    wrong.extend(unknown.map(|act| format!("{act}: not in the budget")));
    let gone = budget.acts.keys().filter(|act| !report.acts.contains_key(*act));
    wrong.extend(gone.map(|act| format!("{act}: in the budget, and not measured")));
}
