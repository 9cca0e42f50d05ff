//! The simulated card passes.

use crate::cards::{Issued, otherwise};
use conform::case::Suite;

#[test]
fn the_simulated_card_passes() {
    let outcomes = Issued::get().run(&Suite::built_in().expect("cases"), false, &|card| Box::new(card));
    let bad = otherwise(&outcomes);
    eprintln!("{:?}", conform::report::Counts::of(&outcomes));
    for outcome in &outcomes { if outcome.verdict==conform::run::Verdict::NotApplicable {eprintln!("{}", conform::report::line(outcome));} }
    for outcome in &outcomes { if outcome.micros > 300_000 { eprintln!("{} {}", outcome.id, outcome.micros); } }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
