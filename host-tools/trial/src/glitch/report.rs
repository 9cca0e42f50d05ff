//! What a campaign has seen.

use super::{Model, Outcome, Target};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Findings kept at most; all are counted.
const KEPT: usize = 10_000;

/// A glitch that was not harmless.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The attacked command.
    pub target: Target,
    /// The kind of glitch.
    pub model: Model,
    /// Which one.
    pub glitch: String,
    /// Instructions of the command before it.
    pub instruction: u64,
    /// Where the program was.
    pub address: u32,
    /// In which function.
    pub place: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What the card answered.
    pub answer: Option<String>,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The attacked command.
    pub target: Target,
    /// The kind of glitch.
    pub model: Model,
    /// How often each outcome was seen, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 7],
}

/// All of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Glitches in all.
    pub glitches: u64,
    /// Those that were not harmless.
    pub bad: u64,
    /// By command and kind.
    pub rows: Vec<Row>,
    /// What was not harmless, in order.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    counts: BTreeMap<(Target, Model), [u64; 7]>,
    /// Worst outcome and glitches by address.
    #[serde(skip)]
    pub(super) marks: BTreeMap<u32, (Outcome, u64)>,
}

impl Report {
    pub(super) fn count(&mut self, target: Target, model: Model, outcome: Outcome, finding: impl FnOnce() -> Finding) {
        self.glitches += 1;
        self.counts.entry((target, model)).or_default()[outcome as usize] += 1;
        if !outcome.is_harmless() {
            self.bad += 1;
            if self.findings.len() < KEPT {
                self.findings.push(finding());
            }
        }
    }

    pub(super) fn mark(&mut self, address: u32, outcome: Outcome) {
        let (worst, count) = self.marks.entry(address).or_insert((outcome, 0));
        *worst = (*worst).max(outcome);
        *count += 1;
    }

    pub(super) fn add(&mut self, other: Report) {
        self.glitches += other.glitches;
        self.bad += other.bad;
        self.findings.extend(other.findings);
        self.findings.truncate(KEPT);
        for (key, counts) in other.counts {
            let mine = self.counts.entry(key).or_default();
            mine.iter_mut().zip(counts).for_each(|(mine, more)| *mine += more);
        }
        for (address, (outcome, count)) in other.marks {
            let (worst, mine) = self.marks.entry(address).or_insert((outcome, 0));
            *worst = (*worst).max(outcome);
            *mine += count;
        }
    }

    pub(super) fn finish(&mut self) {
        let row = |(&(target, model), &outcomes): (&(Target, Model), &[u64; 7])| Row { target, model, outcomes };
        self.rows = self.counts.iter().map(row).collect();
        self.findings.sort_by_key(|finding| (finding.target, finding.instruction, finding.model));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:12} {:9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8}",
            "command", "glitch", "same", "other", "mute", "garbled", "free", "opened", "factored"
        )?;
        for Row { target, model, outcomes } in &self.rows {
            let [same, other, mute, garbled, free, opened, factored] = outcomes;
            writeln!(
                f,
                "{:12} {:9} {same:>9} {other:>9} {mute:>9} {garbled:>9} {free:>8} {opened:>8} {factored:>8}",
                target.name(),
                model.name(),
            )?;
        }
        write!(f, "{} glitches, {} not harmless", self.glitches, self.bad)
    }
}
