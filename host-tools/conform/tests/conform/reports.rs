//! Reports of a card that does everything otherwise, so that every exchange is shown: no secret is.

use crate::cards::{Bare, Issued, SECRETS};
use conform::{
    case::Suite,
    report::{self, Report},
    run::{Outcome, Verdict},
};
use sim::reader::{Reader, ReaderError};

/// Every answer but one that opens something gets a byte more, so that nearly no case passes and files are still read.
struct Odd(Bare);

impl Reader for Odd {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.power_on()
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.reset()
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.0.power_off()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let mut answer = self.0.transmit(command)?;
        if answer.len() > 2 {
            answer.insert(0, 0xEE);
        }
        Ok(answer)
    }
}

/// A vendor's own cases, which write secrets down where they do not belong, and read what holds them.
const LEAKS: &str = "chapter = \"own\"\n\
    [[case]]\nid = \"OWN-001\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\nsteps = '''\n\
    select jpki\n> 00B0000004[{pin.authentication}{pin.signature}{a}] < 9000\n'''\n\
    [[case]]\nid = \"OWN-002\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\nsteps = '''\n\
    select text\nef 0011\n> 00200080[{pin.text}] < 9000\nef 0001\n> 00B0000011 < 9000\n'''\n\
    [[case]]\nid = \"OWN-003\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\nsteps = '''\n\
    select text\nef 0011\n> 00200080[{pin.text}] < 9000\nef 0001\n> 00B000000A < * 9000\n> 00B0000A00 < 9000\n'''\n\
    [[case]]\nid = \"OWN-004\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\nsteps = '''\n\
    > 00A4040C[\"QZ48XWV\"] < 9000\n'''\n\
    [[case]]\nid = \"OWN-005\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"A\"\nsteps = '''\n\
    let b = {b}\nlet twice = {b}{b}\nmatch {twice} = 00\n'''\n";

fn outcomes() -> Vec<Outcome> {
    let mut suite = Suite::built_in().expect("cases");
    suite.add("own.toml", LEAKS).expect("cases");
    let mut outcomes = Issued::get().run(&suite, true, &|card| Box::new(Odd(card)));
    // Times are digits like any others.
    outcomes.iter_mut().for_each(|outcome| outcome.micros = 0);
    outcomes
}

fn report() -> Report {
    Report::new(&Issued::get().subject, "TIME".into(), outcomes())
}

#[test]
fn no_secret_is_in_any_report() {
    let report = report();
    let own = |id: &str| report.outcomes.iter().find(|outcome| outcome.id == id).expect("run");
    assert!(report.counts.failed > 50, "{:?}", report.counts);
    for id in ["OWN-001", "OWN-002", "OWN-003", "OWN-004", "OWN-005"] {
        assert_eq!(own(id).verdict, Verdict::Failed, "{id}");
    }
    // The whole file, with the odd byte in front.
    assert!(own("OWN-002").exchanges.iter().any(|one| one.response == "<18 secret bytes>"));
    let texts = [
        serde_json::to_string(&report).expect("JSON"),
        report::junit(&report, true),
        report::html(&report),
        report.outcomes.iter().map(report::line).collect::<Vec<_>>().join("\n"),
        report::summary(&report),
        format!("{report:?}"),
    ];
    for text in &texts {
        for (name, secret) in SECRETS {
            assert!(!text.to_uppercase().contains(&hex::encode_upper(secret)), "{name} in hexadecimal");
            // Four or six digits stand by chance among the digits of a signature; longer ones do not.
            assert!(secret.len() < 7 || !text.contains(secret), "{name}");
        }
        // Nor a part of a number that was read in pieces.
        assert!(!text.contains("3733393132"), "the first digits of 照合番号A");
        assert!(!text.contains("3530363137"), "the last digits of 照合番号A");
    }
    for outcome in &report.outcomes {
        let words = [Some(&outcome.title), outcome.reason.as_ref(), outcome.step.as_ref()];
        for (name, secret) in SECRETS {
            assert!(words.iter().flatten().all(|words| !words.contains(secret)), "{name} in {}", outcome.id);
        }
    }
}

#[test]
fn reports_are_whole() {
    let report = report();
    let (all, failed, differs) = (report.outcomes.len(), report.counts.failed, report.counts.differs);
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&report).expect("JSON")).expect("JSON");
    assert_eq!(json["outcomes"].as_array().map(Vec::len), Some(all));
    assert_eq!(json["counts"]["failed"].as_u64(), u64::try_from(failed).ok());

    for (strict, failures) in [(false, failed), (true, failed + differs)] {
        let xml = report::junit(&report, strict);
        assert_eq!(xml.matches("<testcase ").count(), all);
        assert_eq!(xml.matches("<failure ").count(), failures);
        assert!(xml.contains(&format!("tests=\"{all}\" failures=\"{failures}\"")));
        well_formed(&xml);
    }
    let page = report::html(&report);
    assert_eq!(page.matches("<tr id=").count(), all);
    assert!(!page.contains("http"), "needs nothing but itself");
    well_formed(
        &page
            .replace("<!DOCTYPE html>", "")
            .replace("<br>", "")
            .replace("<meta charset=\"utf-8\">", "")
            .replace("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">", ""),
    );
}

/// Every tag is closed, in order, and nothing that looks like one stands in text.
fn well_formed(text: &str) {
    let mut open = Vec::new();
    for piece in text.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("not closed: {piece}"));
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {piece}");
        } else if !tag.ends_with('/') && !tag.starts_with('?') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
