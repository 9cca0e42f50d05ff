//! One card for all cases, over each kind of reader; and what is left of it.

use crate::cards::{Issued, SECRETS, otherwise, subject};
use conform::{
    case::{Effect, Suite},
    report::Counts,
    run::{self, Cards, Options, Verdict},
    subject::Subject,
    vpcd::Listener,
};
use sim::{
    card::Direct,
    pcsc::{PcscReader, Server},
    reader::Reader,
    slot::Slot,
    vpcd::Vpcd,
};
use std::{sync::Arc, time::Duration};

/// Everything that leaves a card as it was, without the long sweeps.
fn gently(reader: &mut dyn Reader, subject: &Subject, allow: &[Effect]) -> Vec<run::Outcome> {
    let options = Options { allow: allow.iter().copied().collect(), quick: true };
    let suite = Suite::built_in().expect("cases");
    run::run(&suite, subject, &mut Cards::One(reader), &options, &mut |_| {})
}

/// Every try of every PIN is there, and every secret opens.
fn is_as_it_was(reader: &mut dyn Reader) {
    const OBJECTS: [(&[u8], u8, usize, u8); 8] = [
        (b"\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01", 0x18, 0, 3),
        (b"\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01", 0x1B, 1, 5),
        (b"\xD3\x92\x10\x00\x31\x00\x01\x01\x01\x00", 0x1C, 2, 3),
        (b"\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x01", 0x1C, 3, 3),
        (b"\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x08", 0x11, 4, 3),
        (b"\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x08", 0x14, 5, 10),
        (b"\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x02", 0x12, 6, 10),
        (b"\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x02", 0x11, 7, 10),
    ];
    for (name, file, secret, tries) in OBJECTS {
        reader.power_on().expect("on");
        let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x0A], name].concat();
        assert_eq!(reader.transmit(&select).expect("answers"), [0x90, 0x00]);
        let query = [0x00, 0x20, 0x00, 0x80 | file];
        assert_eq!(reader.transmit(&query).expect("answers"), [0x63, 0xC0 | tries], "tries of {}", SECRETS[secret].0);
        let value = SECRETS[secret].1.as_bytes();
        let verify = [&query[..], &[u8::try_from(value.len()).expect("short")], value].concat();
        assert_eq!(reader.transmit(&verify).expect("answers"), [0x90, 0x00], "{}", SECRETS[secret].0);
    }
}

#[test]
fn a_card_is_as_it_was() {
    let issued = Issued::get();
    for allow in [&[][..], &[Effect::SpendsTries, Effect::ChangesCard]] {
        let mut card = issued.copy();
        let outcomes = gently(&mut card, &issued.subject, allow);
        let bad = otherwise(&outcomes);
        assert!(bad.is_empty(), "{}", bad.join("\n"));
        let not_run = Counts::of(&outcomes).not_run;
        assert!(if allow.is_empty() { not_run > 30 } else { not_run < 20 }, "{not_run} were not run");
        is_as_it_was(&mut card);
    }
}

#[test]
fn over_a_pcsc_socket_and_over_vpcd() {
    let issued = Issued::get();
    let slot = Slot::new("Conformance");
    let Direct(card) = issued.copy();
    slot.insert(Box::new(card));
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::bind(&folder.path().join("pcsc"), vec![Arc::clone(&slot)]).expect("binds");
    let mut reader = PcscReader::open(server.path(), None).expect("opens");
    let bad = otherwise(&gently(&mut reader, &issued.subject, &[]));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    reader.power_off().expect("off");

    let listener = Listener::bind("127.0.0.1:0").expect("binds");
    let attached = Vpcd::attach(&listener.address().expect("bound").to_string(), slot, false).expect("attaches");
    let mut reader = listener.wait(Duration::from_secs(20)).expect("a card");
    let bad = otherwise(&gently(&mut reader, &issued.subject, &[]));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    drop(attached);
}

#[test]
fn a_wrong_secret_costs_one_try_and_is_not_presented_again() {
    let issued = Issued::get();
    let traits: Vec<&str> = issued.subject.traits().collect();
    let mut wrong = subject(&traits);
    wrong.add_secret("authentication", "1937").expect("a secret");
    let mut card = issued.copy();
    let outcomes = gently(&mut card, &wrong, &[Effect::SpendsTries, Effect::ChangesCard]);
    let held = outcomes.iter().filter(|outcome| {
        outcome.reason.as_deref().is_some_and(|why| why.contains("refused the value of pin.authentication"))
    });
    assert!(held.count() > 40);
    card.power_on().expect("on");
    card.transmit(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01").expect("answers");
    assert_eq!(card.transmit(&[0x00, 0x20, 0x00, 0x98]).expect("answers"), [0x63, 0xC2]);
}

/// A reader that lost its card.
struct Gone;

impl Reader for Gone {
    fn power_on(&mut self) -> Result<Vec<u8>, sim::reader::ReaderError> {
        Err(sim::reader::ReaderError::NoCard)
    }

    fn reset(&mut self) -> Result<Vec<u8>, sim::reader::ReaderError> {
        self.power_on()
    }

    fn power_off(&mut self) -> Result<(), sim::reader::ReaderError> {
        Ok(())
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, sim::reader::ReaderError> {
        self.power_on()
    }
}

#[test]
fn without_a_card_the_run_ends_soon_and_badly() {
    let outcomes = gently(&mut Gone, &Issued::get().subject, &[]);
    let counts = Counts::of(&outcomes);
    assert_eq!((counts.passed, counts.failed), (0, 3));
    assert!(!counts.good(false));
    assert!(outcomes.iter().any(|outcome| outcome.verdict == Verdict::NotRun));
}
