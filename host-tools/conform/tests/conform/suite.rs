//! The simulated card passes.

use crate::{
    cards::{self, Issued},
    differences::DIFFERENCES,
    otherwise::{self, Rule},
};
use conform::{case::Suite, report::Counts, run::Verdict};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

#[test]
fn the_simulated_card_passes_everything_that_applies() {
    let outcomes = Issued::get().run(&Suite::built_in().expect("cases"), false, &|card| Box::new(card));
    let bad = cards::otherwise(&outcomes);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let counts = Counts::of(&outcomes);
    assert_eq!((counts.failed, counts.differs, counts.not_run), (0, 0, 0));
    assert!(counts.passed >= 340 && counts.good(true), "{counts:?}");
}

#[test]
fn a_card_without_the_signature_certificate_passes_too() {
    let outcomes = Issued::without_signature().run(&Suite::built_in().expect("cases"), true, &|card| Box::new(card));
    let bad = cards::otherwise(&outcomes);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let passed = |id: &str| outcomes.iter().any(|outcome| outcome.id == id && outcome.verdict == Verdict::Passed);
    assert!(passed("CRT-011") && passed("AVA-003") && passed("PIN-001"));
}

/// card.md §11: a card over the air tells its contact ATR, not what a reader made of its ATQB.
#[test]
fn over_the_air_a_card_passes_unless_it_tells_the_atr_of_its_reader() {
    let (suite, card) = (Suite::built_in().expect("cases"), Issued::over_the_air());
    let outcomes = card.run(&suite, true, &|card| Box::new(card));
    let bad = cards::otherwise(&outcomes);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let passed = |id: &str| outcomes.iter().any(|outcome| outcome.id == id && outcome.verdict == Verdict::Passed);
    assert!(passed("LNK-003") && passed("LNK-011") && passed("CAR-023"));
    let of_the_reader: Rule = |card, command| match command {
        [_, 0xCA, 0x5F, 0x51, ..] => b"\x88\x80\x01\x00\x00\x41\xE0\xB3\x81\xA1\x00\x3B\x90\x00".to_vec(),
        _ => card.pass(command),
    };
    assert_eq!(seen(&card, &suite, of_the_reader), ["CAR-023"]);
    let nothing: Rule = |card, command| match command {
        [_, 0xCA, 0x5F, 0x51, ..] => vec![0x6A, 0x88],
        _ => card.pass(command),
    };
    assert_eq!(seen(&card, &suite, nothing), ["CAR-023"]);
}

/// Without the long sweeps: they take most of the time and see nothing of these.
#[test]
fn each_difference_is_seen_by_its_cases_and_by_no_other() {
    let (suite, card, next) = (Suite::built_in().expect("cases"), Issued::get(), AtomicUsize::new(0));
    let work = || {
        let mut wrong = String::new();
        while let Some((what, rule, expected)) = DIFFERENCES.get(next.fetch_add(1, Ordering::Relaxed)) {
            let seen = seen(card, &suite, *rule);
            if seen != *expected {
                wrong.push_str(&format!("{what}: seen by {seen:?}, expected {expected:?}\n"));
            }
        }
        wrong
    };
    let wrong: String = thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(work));
        threads.map(|thread| thread.join().expect("no panic")).concat()
    });
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(DIFFERENCES.len() >= 20);
}

/// Ids of the cases that a difference does not pass.
fn seen(card: &Issued, suite: &Suite, rule: Rule) -> Vec<String> {
    let outcomes = card.run(suite, true, &|bare| {
        otherwise::fresh();
        otherwise::Card::boxed(bare, rule)
    });
    let bad = outcomes.into_iter().filter(|outcome| matches!(outcome.verdict, Verdict::Failed | Verdict::Differs));
    bad.map(|outcome| outcome.id).collect()
}
