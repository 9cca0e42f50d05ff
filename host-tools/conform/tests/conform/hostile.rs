//! The cases against cards that mean ill: each case ends, says why, and keeps a bounded record.

use crate::cards::{Bare, Issued};
use conform::{case::Suite, run::Verdict};
use sim::{
    hostile::{BUILT_IN, Campaign, Hostile, Plan},
    reader::Reader,
    slot::{LocalReader, Slot},
};

/// Most bytes that the exchanges of one case may have in its outcome.
const OUTCOME_MAX: usize = 1 << 20;

fn spoilt(card: Bare, plan: &Plan) -> Box<dyn Reader> {
    let slot = Slot::new("hostile");
    let campaign = Campaign::waiting(plan.clone(), Box::new(|_| {}), |_| {});
    slot.insert(Box::new(Hostile::new(card.0, campaign)));
    Box::new(LocalReader::new(slot))
}

#[test]
fn every_case_ends_and_says_why() {
    let suite = Suite::built_in().expect("cases");
    let named = BUILT_IN.iter().map(|(name, ..)| Plan::load(name).expect("a plan"));
    for plan in named.chain((0..12).map(Plan::seeded)) {
        let outcomes = Issued::get().run(&suite, true, &|card| spoilt(card, &plan));
        assert_eq!(outcomes.len(), suite.cases().len());
        for outcome in &outcomes {
            let passed = outcome.verdict == Verdict::Passed;
            let words = outcome.reason.as_ref().is_some_and(|why| !why.is_empty());
            assert!(passed || words, "{}: {outcome:?}", plan.name);
            let kept: usize = outcome.exchanges.iter().map(|one| one.command.len() + one.response.len()).sum();
            assert!(kept < OUTCOME_MAX, "{}, {}: {kept} bytes are kept", plan.name, outcome.id);
        }
        let failed = outcomes.iter().filter(|one| matches!(one.verdict, Verdict::Failed | Verdict::Differs)).count();
        // A delay is no difference.
        assert!(failed > 0 || plan.name == "slow", "{}: nothing was noticed", plan.name);
    }
}
