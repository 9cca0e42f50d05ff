//! What came of a run, for people and for machines.

mod html;
mod junit;
mod text;

pub use html::html;
pub use junit::junit;
pub use text::{line, summary};

use crate::run::{Outcome, Verdict};
use serde::Serialize;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The card under test.
    pub subject: String,
    /// Its traits.
    pub traits: Vec<String>,
    /// The tool and its version.
    pub tool: String,
    /// When, in words of ISO 8601.
    pub when: String,
    /// How many of each verdict.
    pub counts: Counts,
    /// Every case.
    pub outcomes: Vec<Outcome>,
}

/// How many of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// The card does it.
    pub passed: usize,
    /// It does otherwise where it must not.
    pub failed: usize,
    /// It does otherwise where nobody has measured.
    pub differs: usize,
    /// The case is about something the card has not.
    pub not_applicable: usize,
    /// Not run.
    pub not_run: usize,
}

impl Counts {
    /// Counts outcomes.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let of = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
        Counts {
            passed: of(Verdict::Passed),
            failed: of(Verdict::Failed),
            differs: of(Verdict::Differs),
            not_applicable: of(Verdict::NotApplicable),
            not_run: of(Verdict::NotRun),
        }
    }

    /// Whether the card conforms; with `strict`, whether it also does what nobody has measured as the specification decides.
    #[must_use]
    pub fn good(&self, strict: bool) -> bool {
        self.failed == 0 && (self.differs == 0 || !strict) && self.passed > 0
    }
}

impl Report {
    /// A report of a run.
    #[must_use]
    pub fn new(subject: &crate::subject::Subject, when: String, outcomes: Vec<Outcome>) -> Self {
        Report {
            subject: subject.name.clone(),
            traits: subject.traits().map(str::to_owned).collect(),
            tool: format!("jitsuin conform {}", env!("CARGO_PKG_VERSION")),
            when,
            counts: Counts::of(&outcomes),
            outcomes,
        }
    }

    /// Chapters in their order, with their outcomes.
    fn chapters(&self) -> Vec<(&str, Vec<&Outcome>)> {
        let mut chapters: Vec<(&str, Vec<&Outcome>)> = Vec::new();
        for outcome in &self.outcomes {
            match chapters.iter_mut().find(|(chapter, _)| *chapter == outcome.chapter) {
                Some((_, outcomes)) => outcomes.push(outcome),
                None => chapters.push((&outcome.chapter, vec![outcome])),
            }
        }
        chapters
    }
}

/// A word for a verdict, the same everywhere.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
        Verdict::Differs => "differs",
        Verdict::NotApplicable => "not applicable",
        Verdict::NotRun => "not run",
    }
}

/// Text between tags and within quotation marks, for HTML and XML alike; control characters neither may hold.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            _ if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            _ => out.push(c),
        }
    }
    out
}
