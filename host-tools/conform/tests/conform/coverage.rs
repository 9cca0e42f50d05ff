//! Every fact that an APDU can show has a case, and every case a fact. (`vectors/conformance/facts.toml`)

use conform::{
    case::{Confidence, Suite},
    subject::{TRAITS, VALUES},
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    fact: Vec<Fact>,
    line: Vec<Fact>,
    decision: Vec<Fact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    id: String,
    section: Option<String>,
    confidence: Option<String>,
    text: Option<String>,
    #[serde(default)]
    cases: Vec<String>,
    unobservable: Option<String>,
}

fn facts() -> Facts {
    toml::from_str(include_str!("../../../../vectors/conformance/facts.toml")).expect("facts.toml")
}

fn cases() -> BTreeMap<String, Confidence> {
    let suite = Suite::built_in().expect("cases");
    suite.cases().iter().map(|case| (case.id.clone(), case.confidence.clone())).collect()
}

#[test]
fn every_fact_has_a_case_or_a_reason_and_every_case_a_fact() {
    let (facts, cases) = (facts(), cases());
    let (mut used, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for fact in facts.fact.iter().chain(&facts.line).chain(&facts.decision) {
        assert!(ids.insert(&fact.id), "{} twice", fact.id);
        assert_ne!(fact.cases.is_empty(), fact.unobservable.is_none(), "{}: cases, or why there are none", fact.id);
        for case in &fact.cases {
            assert!(cases.contains_key(case), "{}: no case {case}", fact.id);
            used.insert(case.clone());
        }
    }
    let idle: Vec<&String> = cases.keys().filter(|case| !used.contains(*case)).collect();
    assert!(idle.is_empty(), "cases without a fact: {idle:?}");
}

#[test]
fn a_measured_fact_has_a_case_that_binds() {
    let (facts, cases) = (facts(), cases());
    let measured = |fact: &&Fact| matches!(fact.confidence.as_deref(), Some("A" | "B"));
    for fact in facts.fact.iter().filter(measured).filter(|fact| fact.unobservable.is_none()) {
        // That it is not reliable was measured; what it does is a decision. (card.md §7.3, D-27)
        let binds = fact.cases.iter().any(|case| cases[case].binds());
        assert!(binds || fact.text.as_deref().is_some_and(|text| text.contains("not reliably")), "{}", fact.id);
    }
}

#[test]
fn sections_lines_and_decisions_are_all_there() {
    let facts = facts();
    let sections: BTreeSet<u32> = facts
        .fact
        .iter()
        .map(|fact| {
            fact.section.as_deref().expect("a section").split('.').next().expect("a number").parse().expect("a number")
        })
        .collect();
    assert!((2..=14).all(|section| sections.contains(&section)), "{sections:?}");
    let lines: Vec<String> = facts.line.iter().map(|line| line.id.clone()).collect();
    assert_eq!(lines, (1..=20).map(|line| format!("22/{line}")).collect::<Vec<_>>(), "card.md §22");
    let decisions: Vec<String> = facts.decision.iter().map(|decision| decision.id.clone()).collect();
    assert_eq!(decisions, (1..=59).map(|number| format!("D-{number:02}")).collect::<Vec<_>>(), "card.md §20");
}

#[test]
fn a_decisions_cases_say_so_themselves() {
    let (facts, cases) = (facts(), cases());
    let mut left: BTreeSet<&String> = cases
        .iter()
        .filter(|(_, confidence)| matches!(confidence, Confidence::Decision(_)))
        .map(|(id, _)| id)
        .collect();
    for decision in &facts.decision {
        for case in &decision.cases {
            assert_eq!(cases[case].to_string(), decision.id, "{case}");
            left.remove(case);
        }
    }
    assert!(left.is_empty(), "not under their decision: {left:?}");
}

#[test]
fn the_document_lists_what_there_is() {
    let document = include_str!("../../../../docs/CONFORMANCE.md");
    for (name, meaning) in TRAITS.iter().chain(&VALUES) {
        assert!(document.contains(&format!("| `{name}` |")), "{name}: {meaning}");
    }
    assert!(document.contains(&format!(": {} cases", cases().len())), "there are {} cases", cases().len());
    // A message that names every function is the only way to them from outside.
    let wrong = "chapter = \"x\"\n[[case]]\nid = \"OWN-001\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\n\
                 steps = \"check none()\"\n";
    let said = Suite::default().add("own.toml", wrong).expect_err("no such function").to_string();
    let functions = said.split_once("there are ").expect("a list").1;
    assert!(functions.split(", ").count() > 15);
    for function in functions.split(", ") {
        assert!(document.contains(&format!("`{function}(")), "{function}");
    }
}

#[test]
fn the_documents_own_example_is_a_case() {
    let document = include_str!("../../../../docs/CONFORMANCE.md");
    let example =
        document.split("```toml\n").nth(2).and_then(|rest| rest.split("```").next()).expect("the second block");
    let mut suite = Suite::default();
    suite.add("example.toml", example).expect("reads");
    let outcomes = crate::cards::Issued::get().run(&suite, false, &|card| Box::new(card));
    assert_eq!(crate::cards::otherwise(&outcomes), Vec::<String>::new());
    assert_eq!(conform::report::Counts::of(&outcomes).passed, 1);
}
