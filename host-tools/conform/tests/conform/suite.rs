//! The simulated card passes.

use crate::{
    cards::{self, Issued},
    otherwise::{self, DIFFERENCES},
};
use conform::{case::Suite, run::Verdict};

#[test]
fn the_simulated_card_passes() {
    let outcomes = Issued::get().run(&Suite::built_in().expect("cases"), false, &|card| Box::new(card));
    let bad = cards::otherwise(&outcomes);
    eprintln!("{:?}", conform::report::Counts::of(&outcomes));
    for outcome in &outcomes { if outcome.verdict==conform::run::Verdict::NotApplicable {eprintln!("{}", conform::report::line(outcome));} }
    for outcome in &outcomes { if outcome.micros > 300_000 { eprintln!("{} {}", outcome.id, outcome.micros); } }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Without the long sweeps: they take most of the time and see nothing of these.
#[test]
fn each_difference_is_seen_by_its_cases_and_by_no_other() {
    let (suite, card) = (Suite::built_in().expect("cases"), Issued::get());
    let mut wrong = String::new();
    for (what, rule, expected) in DIFFERENCES {
        let outcomes = card.run(&suite, true, &|bare| {
            otherwise::fresh();
            otherwise::Card::new(bare, *rule)
        });
        let seen: Vec<&str> = outcomes
            .iter()
            .filter(|outcome| matches!(outcome.verdict, Verdict::Failed | Verdict::Differs))
            .map(|outcome| outcome.id.as_str())
            .collect();
        if seen != *expected {
            wrong.push_str(&format!("{what}: seen by {seen:?}, expected {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
