//! Runs cases against a card.

mod session;

use crate::{
    case::{Case, Confidence, Effect, Suite},
    subject::Subject,
};
use serde::Serialize;
use session::{Session, Stop, Stopped};
use sim::reader::Reader;
use std::{collections::BTreeSet, time::Instant};

/// After so many cases in a row without a working reader there is no card any more.
const SILENT_MAX: usize = 3;

/// Where the card is.
pub enum Cards<'c> {
    /// One card for all cases.
    One(&'c mut dyn Reader),
    /// A fresh copy of the card for each case, with everything a case does undone by throwing it away.
    Copies(&'c mut dyn FnMut() -> Box<dyn Reader>),
}

/// What may be done to a card that is no copy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Effects that are allowed besides [`Effect::None`].
    pub allow: BTreeSet<Effect>,
    /// Leave out what takes thousands of commands.
    pub quick: bool,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The card does it.
    Passed,
    /// The card does otherwise where a measured fact binds it.
    Failed,
    /// The card does otherwise than an assumption or a decision; nobody has measured it.
    Differs,
    /// The card has not what the case is about.
    NotApplicable,
    /// Not run: not allowed, or not safe.
    NotRun,
}

/// One exchange, secrets blanked.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// Line of the steps.
    pub line: usize,
    /// In words.
    pub name: String,
    /// Hexadecimal.
    pub command: String,
    /// Hexadecimal, without status word.
    pub response: String,
    /// Status word.
    pub sw: String,
}

/// What came of a case.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Title of its chapter.
    pub chapter: String,
    /// Section of the specification.
    pub section: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, where it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The step that did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The last exchanges of a case that did not pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// Microseconds it took.
    pub micros: u64,
}

/// Runs the cases in their order and tells each outcome at once.
pub fn run(
    suite: &Suite,
    subject: &Subject,
    cards: &mut Cards<'_>,
    options: &Options,
    tell: &mut dyn FnMut(&Outcome),
) -> Vec<Outcome> {
    let (mut outcomes, mut refused, mut silent) = (Vec::new(), BTreeSet::new(), 0);
    for case in suite.cases() {
        let began = Instant::now();
        let copies = matches!(cards, Cards::Copies(_));
        let withheld = match inapplicable(case, subject) {
            Some(why) => Some((Verdict::NotApplicable, why)),
            None => prevented(case, options, copies, &refused, silent).map(|why| (Verdict::NotRun, why)),
        };
        let mut outcome = match withheld {
            Some((verdict, why)) => outcome(case, verdict, Some(why)),
            None => {
                let mut copy;
                let reader: &mut dyn Reader = match cards {
                    Cards::One(reader) => &mut **reader,
                    Cards::Copies(copies) => {
                        copy = copies();
                        &mut *copy
                    }
                };
                let mut session = Session::new(reader, subject.values().clone());
                let stopped = session.case(case);
                refused.append(&mut session.refused);
                silent = if matches!(stopped, Some(Stopped { why: Stop::Reader(_), .. })) { silent + 1 } else { 0 };
                session.outcome(case, stopped)
            }
        };
        outcome.micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tell(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

fn outcome(case: &Case, verdict: Verdict, reason: Option<String>) -> Outcome {
    Outcome {
        id: case.id.clone(),
        title: case.title.clone(),
        chapter: case.chapter.clone(),
        section: case.section.clone(),
        confidence: case.confidence.clone(),
        verdict,
        reason,
        step: None,
        exchanges: Vec::new(),
        micros: 0,
    }
}

/// Why a case says nothing about this card.
fn inapplicable(case: &Case, subject: &Subject) -> Option<String> {
    if let Some(need) = case.needs.iter().find(|need| !subject.meets(need)) {
        return Some(match need.strip_prefix('!') {
            Some(absent) => format!("the card has {absent}"),
            None => format!("the card has not: {need}"),
        });
    }
    let missing = case.steps.foreign_names().into_iter().find(|name| !subject.values().has(name))?;
    Some(format!("nobody told {missing}"))
}

/// Why a case is better not run.
fn prevented(
    case: &Case,
    options: &Options,
    copies: bool,
    refused: &BTreeSet<String>,
    silent: usize,
) -> Option<String> {
    if silent >= SILENT_MAX {
        return Some("no card answers any more".into());
    }
    if case.long && options.quick {
        return Some("takes thousands of commands".into());
    }
    if copies {
        return None;
    }
    if case.effect != Effect::None && !options.allow.contains(&case.effect) {
        return Some(format!("--allow {} lets it be run", case.effect));
    }
    let name = case.steps.foreign_names().into_iter().find(|name| refused.contains(name))?;
    Some(format!("the card refused the value of {name}; it is not presented again"))
}
