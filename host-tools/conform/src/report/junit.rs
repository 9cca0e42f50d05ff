//! JUnit XML, for build servers: a test suite for each chapter.

use super::{Report, escaped};
use crate::run::{Outcome, Verdict};
use std::fmt::Write;

/// The report as JUnit XML. Failures are failures; what differs is a skipped test that says so, unless `strict`.
#[must_use]
pub fn junit(report: &Report, strict: bool) -> String {
    let chapters = report.chapters();
    let failed = |outcome: &&&Outcome| fails(outcome, strict);
    let skipped = |outcome: &&&Outcome| outcome.verdict != Verdict::Passed && !fails(outcome, strict);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Outcome> = report.outcomes.iter().collect();
    let totals = |outcomes: &[&Outcome]| {
        let time: u64 = outcomes.iter().map(|outcome| outcome.micros).sum();
        let (failures, skips) = (outcomes.iter().filter(failed).count(), outcomes.iter().filter(skipped).count());
        format!(
            "tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skips}\" {}",
            outcomes.len(),
            seconds(time)
        )
    };
    let _ = writeln!(out, "<testsuites name=\"{}\" {}>", escaped(&report.subject), totals(&all));
    for (chapter, outcomes) in chapters {
        let when = escaped(&report.when);
        let _ = writeln!(out, "  <testsuite name=\"{}\" timestamp=\"{when}\" {}>", escaped(chapter), totals(&outcomes));
        for outcome in outcomes {
            test(&mut out, outcome, strict);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn fails(outcome: &Outcome, strict: bool) -> bool {
    outcome.verdict == Verdict::Failed || (strict && outcome.verdict == Verdict::Differs)
}

fn seconds(micros: u64) -> String {
    format!("time=\"{}.{:06}\"", micros / 1_000_000, micros % 1_000_000)
}

fn test(out: &mut String, outcome: &Outcome, strict: bool) {
    let (id, title, time) = (escaped(&outcome.id), escaped(&outcome.title), seconds(outcome.micros));
    let _ = write!(out, "    <testcase classname=\"{id}\" name=\"{id} {title}\" {time}");
    let reason = escaped(outcome.reason.as_deref().unwrap_or_default());
    if outcome.verdict == Verdict::Passed {
        out.push_str("/>\n");
    } else if fails(outcome, strict) {
        let _ = write!(out, ">\n      <failure type=\"{}\" message=\"{reason}\">", outcome.confidence);
        let _ = writeln!(out, "card.md §{}, {}", escaped(&outcome.section), outcome.confidence);
        for one in &outcome.exchanges {
            let _ = writeln!(out, "&gt; {}   {}", escaped(&one.command), escaped(&one.name));
            let _ = writeln!(out, "&lt; {} {}", escaped(&one.response), one.sw);
        }
        out.push_str("</failure>\n    </testcase>\n");
    } else {
        let word = escaped(super::word(outcome.verdict));
        let _ = write!(out, ">\n      <skipped message=\"{word}: {reason}\"/>\n    </testcase>\n");
    }
}
