//! Lines as the run goes, and what it came to.

use super::{Counts, Report, word};
use crate::run::{Outcome, Verdict};
use std::fmt::Write;

/// Exchanges that are shown of a case that did not pass.
const SHOWN: usize = 6;
/// Longest line of an exchange, in characters.
const WIDTH: usize = 160;

/// One outcome: a line, and below it what was seen, where the card did otherwise.
#[must_use]
pub fn line(outcome: &Outcome) -> String {
    let verdict = word(outcome.verdict);
    let mut out = format!("{verdict:<8} {:<8} {:<4} {}", outcome.id, outcome.confidence.to_string(), outcome.title);
    if let Some(reason) = &outcome.reason {
        match outcome.verdict {
            Verdict::Failed | Verdict::Differs => below(&mut out, outcome, reason),
            _ => out = format!("{:<8} {:<8} {verdict}: {reason}", "-", outcome.id),
        }
    }
    out
}

fn below(out: &mut String, outcome: &Outcome, reason: &str) {
    let mut add = |mark: &str, text: &str| {
        let cut: String = text.chars().take(WIDTH).collect();
        let more = if cut.len() < text.len() { "…" } else { "" };
        let _ = write!(out, "\n         {mark} {cut}{more}");
    };
    add("!", reason);
    if let Some(step) = &outcome.step {
        add("at", step);
    }
    for one in outcome.exchanges.iter().skip(outcome.exchanges.len().saturating_sub(SHOWN)) {
        add(">", &format!("{}   {}", one.command, one.name));
        add("<", &format!("{} {}", one.response, one.sw));
    }
    add("see", &format!("card.md §{}", outcome.section));
}

/// What a run came to, on one line.
#[must_use]
pub fn summary(report: &Report) -> String {
    let Counts { passed, failed, differs, not_applicable, not_run } = report.counts;
    let all = report.outcomes.len();
    let mut out = format!("{}: {passed} of {all} cases passed, {failed} failed, {differs} differ", report.subject);
    if not_applicable > 0 {
        let _ = write!(out, ", {not_applicable} do not apply");
    }
    if not_run > 0 {
        let _ = write!(out, ", {not_run} were not run");
    }
    out
}
