use super::*;
use crate::{
    card::Simulated,
    reader::{Reader, ReaderError},
    sample,
    slot::{LocalReader, Refused, Slot},
};

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const TOKEN: &[u8] = &[0x00, 0xB0, 0x86, 0x00, 0x20];

type Heard = Arc<Mutex<Vec<String>>>;

/// A hostile card in a slot, and what is told of it.
fn served(plan: &str) -> (Arc<Slot>, Heard) {
    let plan = Plan::load(plan).or_else(|_| Plan::parse("p", plan)).expect("a plan");
    let heard = Heard::default();
    let told = Arc::clone(&heard);
    let tell: Teller = Box::new(move |harm| told.lock().expect("lock").push(harm.to_string()));
    let slot = Slot::new("hostile");
    let campaign = Campaign::waiting(plan, tell, |_| {});
    slot.insert(Box::new(Hostile::new(sample::issued(true), campaign)));
    (slot, heard)
}

fn reader(plan: &str) -> (LocalReader, Heard) {
    let (slot, heard) = served(plan);
    (LocalReader::new(slot), heard)
}

/// What a session of many commands is answered.
fn session(plan: &str) -> (Vec<Result<Vec<u8>, String>>, Vec<String>) {
    let (mut reader, heard) = reader(plan);
    let mut answers = Vec::new();
    for number in 0..300_u32 {
        let command: &[u8] = match number % 5 {
            0 => SELECT,
            1 => TOKEN,
            2 => &[0x00, 0x20, 0x00, 0x98],
            3 => &[0x00, 0xB0, 0x8A, 0x00, 0x04],
            _ => &[0x00, 0xC0, 0x00, 0x00, 0x00],
        };
        let answer = reader.transmit(command);
        if matches!(answer, Err(ReaderError::Reset)) {
            let _ = reader.power_on();
        }
        answers.push(answer.map_err(|error| error.to_string()));
    }
    let heard = heard.lock().expect("lock").clone();
    (answers, heard)
}

#[test]
fn the_same_commands_meet_the_same_harm() {
    for plan in ["seed:1", "seed:2", "bits", "words"] {
        let (first, second) = (session(plan), session(plan));
        assert_eq!(first, second, "{plan}");
        assert!(first.1.len() > 5, "{plan}: {:?}", first.1);
    }
    assert_ne!(session("seed:1"), session("seed:2"));
}

#[test]
fn without_a_rule_that_fits_nothing_is_different() {
    let (mut hostile, heard) = reader("[[rule]]\nwhen = \"FF *\"\ndo = \"mute\"");
    let mut plain = crate::card::Direct(sample::issued(true));
    assert_eq!(hostile.power_on().expect("an ATR"), plain.power_on().expect("an ATR"));
    for command in [SELECT, TOKEN, &[0x00], &[], &[0x00, 0x20, 0x00, 0x98]] {
        assert_eq!(hostile.transmit(command).expect("answers"), plain.transmit(command).expect("answers"));
    }
    assert!(heard.lock().expect("lock").is_empty());
}

#[test]
fn times_are_counted_for_each_rule() {
    let plan = "[[rule]]\nwhen = \"00 20 *\"\nnth = 2\ndo = \"empty\"\n[[rule]]\nwhen = \"00 20 *\"\nevery = 3\ndo = \"one-byte\"";
    let (mut reader, heard) = reader(plan);
    reader.transmit(SELECT).expect("answers");
    let lengths: Vec<usize> =
        (0..7).map(|_| reader.transmit(&[0x00, 0x20, 0x00, 0x98]).expect("answers").len()).collect();
    assert_eq!(lengths, [2, 0, 1, 2, 2, 1, 2]);
    let heard = heard.lock().expect("lock");
    assert_eq!(heard[0], "exchange 3, 00200098: rule 1 (line 1), empty: an answer of 0 bytes");
    assert!(heard[1].starts_with("exchange 4, 00200098: rule 2 (line 5), one-byte: "), "{heard:?}");
}

#[test]
fn more_and_other_le_have_no_end_but_another_command() {
    let (mut reader, _) = reader("[[rule]]\nwhen = \"00 B0 *\"\nnth = 1\ndo = \"more\"\nbytes = 7");
    reader.transmit(SELECT).expect("answers");
    assert!(reader.transmit(TOKEN).expect("answers").ends_with(&[0x61, 0xFF]));
    for _ in 0..1000 {
        assert_eq!(
            reader.transmit(&[0x00, 0xC0, 0x00, 0x00, 0xFF]).expect("answers"),
            b"\xA5\xA5\xA5\xA5\xA5\xA5\xA5\x61\xFF"
        );
    }
    assert_eq!(reader.transmit(TOKEN).expect("answers").len(), 34, "the rule acts once");
    assert_eq!(reader.transmit(&[0x00, 0xC0, 0x00, 0x00, 0xFF]).expect("answers"), [0x6D, 0x00]);

    let (mut reader, _) = self::reader("[[rule]]\nwhen = \"00 20 *\"\nnth = 1\ndo = \"wrong-le\"");
    reader.transmit(SELECT).expect("answers");
    let mut le = 0;
    for _ in 0..600 {
        let [0x6C, next] = reader.transmit(&[0x00, 0x20, 0x00, 0x98, le]).expect("answers")[..] else { panic!("6Cxx") };
        assert_ne!(next, le);
        le = next;
    }
    reader.transmit(SELECT).expect("answers");
    assert_eq!(reader.transmit(&[0x00, 0x20, 0x00, 0x98]).expect("answers"), [0x63, 0xC3]);
}

#[test]
fn removal_and_silence_are_those_of_a_slot() {
    let (slot, _) = served("[[rule]]\nnth = 1\ndo = \"mute\"\n[[rule]]\nnth = 2\ndo = \"pull\"");
    slot.power_on().expect("powers");
    assert_eq!(slot.transmit(SELECT), Err(Refused::Mute));
    assert!(slot.state().present && !slot.state().powered);
    slot.power_on().expect("powers again");
    assert_eq!(slot.transmit(SELECT), Err(Refused::Removed));
    assert!(!slot.state().present);
}

#[test]
fn an_atr_of_any_length_is_an_atr_or_a_mute_card() {
    for count in 0..=60 {
        let (slot, _) = served(&format!("[[rule]]\ndo = \"atr\"\nbytes = {count}"));
        assert!(slot.state().atr.len() <= crate::slot::MAX_ATR, "{count}: shown before it was asked for");
        match slot.power_on() {
            Ok(atr) => assert!(atr.len() == count && (1..=33).contains(&count)),
            Err(refused) => assert!(refused == Refused::Mute && !(1..=33).contains(&count), "{count}"),
        }
        assert!(slot.state().atr.len() <= crate::slot::MAX_ATR);
    }
}

/// The sample card's files hold no certificates: one with the members of one is put there.
struct Filed(Simulated, Vec<u8>);

impl VirtualCard for Filed {
    fn atr(&self) -> Vec<u8> {
        VirtualCard::atr(&self.0)
    }

    fn power_on(&mut self) {}

    fn power_off(&mut self) {}

    fn reset(&mut self) {}

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        let &[0x00, 0xB0, high, low, le] = command else { return Ok(vec![0x90, 0x00]) };
        let offset = usize::from(u16::from_be_bytes([high & 0x7F, low]));
        let Some(rest) = self.1.get(offset..).filter(|rest| !rest.is_empty()) else { return Ok(vec![0x6B, 0x00]) };
        let count = if le == 0 { 256 } else { usize::from(le) };
        Ok([&rest[..rest.len().min(count)], &[0x90, 0x00]].concat())
    }
}

#[test]
fn a_forged_certificate_is_the_same_however_it_is_read() {
    let empty = hex::decode("3000").expect("hex");
    let tbs = [hex::decode("A003020102020101").expect("hex"), empty.repeat(5)].concat();
    let whole = [&[0x30, tbs.len() as u8][..], &tbs, &empty, &[0x03, 0x01, 0x00]].concat();
    let file = [&[0x30, whole.len() as u8], whole.as_slice(), &[0; 300]].concat();
    let plan =
        Plan::parse("p", "[[rule]]\nwhen = \"00 B0 *\"\ndo = \"certificate\"\nhow = \"huge-serial\"").expect("a plan");
    let campaign = Campaign::new(plan, Box::new(|_| {}));
    let mut card = Hostile::new(Filed(sample::issued(false), file.clone()), campaign);
    let mut read = |piece: u8| {
        let mut all = Vec::new();
        loop {
            let [high, low] = (all.len() as u16).to_be_bytes();
            let answer = card.transmit(&[0x00, 0xB0, high, low, piece]).expect("answers");
            let Some((data, [0x90, 0x00])) = answer.split_last_chunk() else { return all };
            all.extend_from_slice(data);
        }
    };
    let whole = read(0);
    assert!(whole.len() > 2000 && whole != file);
    assert_eq!((read(4), read(255)), (whole.clone(), whole));
}

#[test]
fn only_answers_are_spoilt() {
    // The tries of the true card are what its own commands made of them, whatever the client was told.
    let (slot, _) = served("[[rule]]\nwhen = \"00 20 *\"\ndo = \"word\"\nsw = \"9000\"");
    slot.power_on().expect("powers");
    slot.transmit(SELECT).expect("answers");
    assert_eq!(slot.transmit(b"\x00\x20\x00\x98\x040000"), Ok(vec![0x90, 0x00]), "a lie");
    let signed = slot.transmit(&[0x80, 0x2A, 0x03, 0x97, 0x01, 0xAA, 0x00]).expect("answers");
    assert_eq!(signed, [0x69, 0x82], "and no signature for it");
}
