//! Personalisation by APDUs: cut anywhere it is taken up again, and a half-personalised card never signs. And what the
//! issuer channel refuses.

use apdu::Command;
use card_os::{
    Card, Response,
    identity::Behaviour,
    platform::Nvm,
    profile::{JPKI, Kind, Model, Phase},
    scp03::{self, Level},
};
use sim::{
    backend::AnyEngine,
    card::{self, Direct, Options, Simulated},
    issuer::{Issuer, IssuerError, Status, diversify, test_keys},
    nvm::{Flash, Tear, Torn},
    reader::{Reader, ReaderError},
    rng::SimRng,
    sample,
};

type Torn64 = Card<Torn<Flash>, AnyEngine, SimRng>;

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";

fn transmit<N: Nvm>(card: &mut Card<N, AnyEngine, SimRng>, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

fn mount(flash: Flash) -> Torn64 {
    Card::mount(Torn::new(flash), AnyEngine::default(), SimRng::seeded(9)).expect("mounts")
}

/// Opens a channel, stores what is missing and hands the card out: what a counter does, begun or taken up.
fn personalise(reader: &mut dyn Reader) -> Result<(), IssuerError> {
    let mut rng = SimRng::seeded(2);
    reader.power_on()?;
    let mut issuer = Issuer::open(reader, &test_keys(), Level::FULL, &mut rng)?;
    let status = issuer.status()?;
    match status.phase {
        Phase::Issued => return Ok(()),
        Phase::Personalised => return issuer.hand_out(),
        _ => {}
    }
    // A key that is written again forgets its certificate, so what comes after it is written again too.
    let mut again = false;
    for (grouping, value) in sample::groupings(Model::JPKI_ONLY, true) {
        if again || !status.is_stored(grouping) {
            again |= matches!(grouping, 0x0117 | 0x011A);
            issuer.store(grouping, &value)?;
        }
    }
    issuer.hand_out()
}

/// What a thief would try with the PINs of the holder-to-be.
fn signs(card: &mut Torn64) -> [Vec<u8>; 2] {
    card.power_on();
    transmit(card, SELECT);
    transmit(card, b"\x00\x20\x00\x98\x041234");
    transmit(card, b"\x00\x20\x00\x9B\x06ABC123");
    [b"\x80\x2A\x03\x97\x01x\x00", b"\x80\x2A\x03\x9A\x01x\x00"].map(|command| transmit(card, command))
}

/// A reader whose card is replaced by a snapshot of it before each command.
struct Snapshots(Simulated);

impl Reader for Snapshots {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(self.0.power_on().to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(self.0.reset().to_vec())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.0.power_off();
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.0 = self.0.fork();
        Ok(transmit(&mut self.0, command))
    }
}

/// The issuer channel and a transfer that is half done are in a snapshot too.
#[test]
fn a_snapshot_goes_on_where_the_card_was() {
    let mut reader = Snapshots(sample::blank(Model::JPKI_ONLY));
    personalise(&mut reader).expect("issues");
    assert_eq!(reader.0.phase(), Some(Phase::Issued));
}

#[test]
fn an_interrupted_personalisation_never_signs_and_is_taken_up() {
    let blank = sample::blank(Model::JPKI_ONLY).into_nvm().into_inner();
    let mut reader = Direct(mount(blank.clone()));
    reader.0.nvm_mut().disarm();
    personalise(&mut reader).expect("issues");
    let operations = reader.0.nvm().operations();
    let (mut cases, mut issued) = (0, 0);
    // A sample of the operations with one tear each, and every tear of the last ones, where the card becomes usable.
    let sampled = (0..operations).step_by(29).map(|at| (at, Tear::all(at)[(at % 5) as usize]));
    let last = (operations - 4..operations).flat_map(|at| Tear::all(at).map(|tear| (at, tear)));
    for (operation, tear) in sampled.chain(last) {
        let mut reader = Direct(mount(blank.clone()));
        reader.0.nvm_mut().arm(operation, tear);
        assert!(personalise(&mut reader).is_err() || reader.0.nvm().is_dead());
        let mut card = mount(reader.0.into_nvm().into_inner());
        let answers = signs(&mut card);
        match card.phase() {
            Some(Phase::Issued) => {
                assert!(answers.iter().all(|answer| answer.len() == 258), "issued, but not whole");
                issued += 1;
            }
            Some(_) => assert_eq!(answers, [[0x69, 0x85], [0x69, 0x85]], "a half-personalised card signs"),
            None => panic!("operation {operation}: no life cycle phase"),
        }
        let mut reader = Direct(card);
        personalise(&mut reader).unwrap_or_else(|error| panic!("operation {operation}: not taken up: {error}"));
        assert!(signs(&mut reader.0).iter().all(|answer| answer.len() == 258), "operation {operation}");
        cases += 1;
    }
    println!("personalisation: {cases} cuts in {operations} operations, {issued} of them after the last step");
    assert!(issued > 0);
}

#[test]
fn a_card_without_its_certificate_is_not_handed_out() {
    for missing in [0x0101, 0x010A, 0x0106, 0x0108, 0x011A, 0x0117] {
        let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
        let mut rng = SimRng::seeded(2);
        let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
        for (grouping, value) in
            sample::groupings(Model::JPKI_ONLY, true).into_iter().filter(|(grouping, _)| *grouping != missing)
        {
            issuer.store(grouping, &value).expect("stores");
        }
        assert_refused(issuer.hand_out(), 0x6985);
        let value = |wanted| {
            sample::groupings(Model::JPKI_ONLY, true)
                .into_iter()
                .find(|(grouping, _)| *grouping == wanted)
                .expect("listed")
                .1
        };
        issuer.store(missing, &value(missing)).expect("stores");
        if let Some(certificate) = [(0x011A, 0x0101), (0x0117, 0x010A)].into_iter().find(|(key, _)| *key == missing) {
            assert_refused(issuer.hand_out(), 0x6985);
            issuer.store(certificate.1, &value(certificate.1)).expect("stores");
        }
        issuer.hand_out().expect("is whole now");
    }
}

/// A card of this model with everything but these, and what it is then told on being handed out.
fn without(
    model: &'static Model,
    missing: &[u16],
) -> (Direct<Torn<Flash>, AnyEngine, SimRng>, Result<(), IssuerError>) {
    let mut reader = Direct(sample::blank(model));
    let mut issuer = open(&mut reader, Level::FULL);
    for (grouping, value) in sample::groupings(model, true) {
        if !missing.contains(&grouping) {
            issuer.store(grouping, &value).expect("stores");
        }
    }
    let handed = issuer.hand_out();
    (reader, handed)
}

#[test]
fn what_the_face_and_the_terminals_need_is_there_at_issue() {
    // 照合番号 and birth-date key of both 券面 applications; the key that judges terminals. (card.md §7.1, §12, decision 3)
    let face = [0x0411, 0x0412, 0x0413, 0x0514, 0x0515].map(|grouping| (Model::CARD, grouping));
    let terminals = [Model::CARD, Model::ANDROID, Model::IPHONE].map(|model| (model, 0x0116));
    // Every file of the applications beside JPKI. (decision 3)
    let objects = Model::CARD.objects().filter(|object| object.application != JPKI.number);
    let files = objects.filter(|object| matches!(object.kind, Kind::File(_) | Kind::Records(_)));
    let files: Vec<_> = files.map(|object| (Model::CARD, object.grouping())).collect();
    assert!(files.len() > 5);
    for (model, missing) in face.into_iter().chain(terminals).chain(files) {
        let (mut reader, handed) = without(model, &[missing]);
        assert_refused(handed, 0x6985);
        let all = sample::groupings(model, true);
        let (_, value) = all.iter().find(|(grouping, _)| *grouping == missing).expect("listed");
        let mut issuer = open(&mut reader, Level::FULL);
        issuer.store(missing, value).expect("stores");
        issuer.hand_out().unwrap_or_else(|error| panic!("{} {missing:04X}: {error}", model.name));
    }
    // The holder's own PINs may be missing, all of them. (card.md D-45)
    without(Model::CARD, &[0x0118, 0x011B, 0x021C, 0x031C, 0x0511]).1.expect("is whole");
    // The first model had no key for terminals, a Juki card has no place for one.
    without(Model::JPKI_ONLY, &[0x0116]).1.expect("is whole");
    without(Model::JUKI_CARD, &[]).1.expect("is whole");
}

#[test]
fn a_new_key_forgets_the_old_certificate_and_signs_only_with_its_own() {
    let sign = |card: &mut Simulated| {
        card.power_on();
        transmit(card, SELECT);
        assert_eq!(transmit(card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
        (transmit(card, b"\x00\xB0\x8A\x00\x02"), transmit(card, b"\x80\x2A\x03\x97\x01x\x00"))
    };
    let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
    let (certificate, before) = sign(&mut reader.0);
    assert_eq!((certificate, before.len()), (vec![0x30, 0x82, 0x90, 0x00], 258));
    let mut issuer = open(&mut reader, Level::FULL);
    issuer.generate_key(0x0117).expect("makes a key");
    assert_eq!(sign(&mut reader.0), (vec![0x00, 0x00, 0x90, 0x00], vec![0x69, 0x85]));
    let certificate = sample::groupings(Model::JPKI_ONLY, true)
        .into_iter()
        .find(|(grouping, _)| *grouping == 0x010A)
        .expect("listed")
        .1;
    open(&mut reader, Level::FULL).store(0x010A, &certificate).expect("stores");
    let (_, after) = sign(&mut reader.0);
    assert!(after.len() == 258 && after != before);
}

#[test]
fn the_password_of_a_half_that_was_never_issued_stays_blocked() {
    let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, false));
    let mut issuer = open(&mut reader, Level::FULL);
    assert_refused(issuer.reset_retry_counter(0x011B, b"ABC123"), 0x6985);
    assert_refused(issuer.store(0x011B, b"ABC123"), 0x6985);
    issuer.reset_retry_counter(0x0118, b"5678").expect("the other half is there");
    // And a blank card that was given one is not handed out.
    let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
    let mut issuer = open(&mut reader, Level::FULL);
    for (grouping, value) in sample::groupings(Model::JPKI_ONLY, false) {
        issuer.store(grouping, &value).expect("stores");
    }
    issuer.store(0x011B, b"ABC123").expect("stores");
    assert_refused(issuer.hand_out(), 0x6985);
}

/// Whether the first bytes of a prime stand anywhere in the memory.
fn holds_key(card: &Simulated, key: usize) -> bool {
    card.nvm().bytes().windows(16).any(|window| window == &sample::keys()[key].p[..16])
}

#[test]
fn nothing_stays_of_a_key_that_was_not_taken() {
    let fresh = || {
        let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
        let mut issuer = open(&mut reader, Level::FULL);
        issuer.store(0x0106, &[0; 160]).expect("stores");
        reader
    };
    // Refused at its end.
    let mut reader = fresh();
    let mut bad = card_os::sign::to_bytes(&sample::keys()[0]).to_vec();
    bad[895] ^= 1;
    assert_refused(open(&mut reader, Level::FULL).store(0x0117, &bad), 0x6A80);
    assert!(!holds_key(&reader.0, 0));
    // Left half-way; gone after the next start.
    let mut reader = fresh();
    let mut issuer = open(&mut reader, Level::FULL);
    let head = [0x01, 0x17, 0xFF, 0x03, 0x80];
    let block = [&head[..], &bad[..215]].concat();
    issuer.transmit("STORE DATA", Command::new(0x84, 0xE2, 0x08, 0x00).with_data(&block)).expect("stores");
    issuer.transmit("STORE DATA", Command::new(0x84, 0xE2, 0x08, 0x01).with_data(&bad[215..435])).expect("stores");
    assert!(holds_key(&reader.0, 0));
    reader.0.power_on();
    assert!(!holds_key(&reader.0, 0));
}

#[test]
fn blocks_come_in_order_and_whole() {
    let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
    let mut issuer = open(&mut reader, Level::FULL);
    let mut block = |p1: u8, number: u8, data: &[u8]| {
        issuer.transmit("STORE DATA", Command::new(0x84, 0xE2, p1, number).with_data(data)).map(drop)
    };
    let first = [&[0x01, 0x06, 160][..], &[1; 100]].concat();
    block(0x08, 0, &first).expect("begins");
    assert_refused(block(0x08, 2, &[2; 30]), 0x6A80);
    assert_refused(block(0x88, 1, &[2; 60]), 0x6A80); // the gap ended it
    block(0x08, 0, &first).expect("begins");
    assert_refused(block(0x88, 1, &[2; 61]), 0x6A80);
    block(0x08, 0, &first).expect("begins");
    assert_refused(block(0x88, 1, &[2; 59]), 0x6A80);
    block(0x08, 0, &first).expect("begins");
    block(0x88, 1, &[2; 60]).expect("is whole");
    assert_refused(block(0x88, 1, &[2; 60]), 0x6A80);
    assert_refused(block(0x88, 0, &[0x01]), 0x6A80);
    assert_refused(block(0x48, 0, &first), 0x6A86);
    // A PIN comes in one piece.
    for (p1, length) in [(0x08, 4), (0x88, 5), (0x88, 3)] {
        assert_refused(block(p1, 0, &[0x01, 0x18, length, b'1', b'2', b'3', b'4']), 0x6A80);
    }
    // FF announces a length of two bytes.
    assert_refused(block(0x08, 0, &[0x01, 0x0A, 0xFF]), 0x6A80);
    assert_refused(block(0x08, 0, &[0x01, 0x0A, 0xFF, 0x01]), 0x6A80);
    let status = issuer.status().expect("answers");
    assert!(status.is_stored(0x0106) && !status.is_stored(0x0118));
}

#[test]
fn a_challenge_from_the_sequence_counter_is_never_given_twice() {
    let options = Options { scp03: 0x70, model: Model::JPKI_ONLY, ..Options::default() };
    let card = card::blank(*b"JITSUIN001", &test_keys(), options, SimRng::seeded(1)).expect("fits");
    let mut reader = Direct(card);
    let mut seen = std::collections::HashSet::new();
    for number in 1..=20u32 {
        reader.0.power_on();
        let answer = transmit(&mut reader.0, b"\x80\x50\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00");
        assert_eq!(answer.len(), 34);
        // Key diversification data come first. (GlobalPlatform Amendment D §7.1.1)
        assert_eq!(answer[..10], *b"JITSUIN001");
        assert_eq!(answer[29..32], number.to_be_bytes()[1..]);
        // GlobalPlatform Amendment D §6.2.2.1: derived, so a host that knows the keys can check it.
        let expected = scp03::pseudo_random_challenge(
            &test_keys(),
            answer[29..32].try_into().expect("three"),
            card_os::profile::ISD.aid,
        );
        assert_eq!(answer[13..21], expected);
        assert!(seen.insert(expected));
    }
    open(&mut reader, Level::FULL).status().expect("the channel opens");
}

/// An ATR has at most 33 bytes, TS among them. (ISO/IEC 7816-3:2006 §8.2.1)
#[test]
fn an_atr_that_is_too_long_is_not_made() {
    let atr = [0x3B; 34];
    let made = |length: usize| {
        let options = Options { model: Model::JPKI_ONLY, atr: &atr[..length], ..Options::default() };
        card::blank(*b"JITSUIN001", &test_keys(), options, SimRng::seeded(1)).map(|card| card.atr().to_vec())
    };
    assert_eq!(made(33).expect("fits"), atr[..33]);
    assert!(made(34).is_err());
}

#[test]
fn a_warm_reset_clears_the_status_of_a_card_made_so() {
    for clears in [false, true] {
        let behaviour = Behaviour { clears_on_warm_reset: clears, ..Behaviour::default() };
        let options = Options { model: Model::JPKI_ONLY, behaviour, ..Options::default() };
        let card = card::blank(*b"JITSUIN001", &test_keys(), options, SimRng::seeded(1)).expect("fits");
        let mut reader = Direct(card);
        personalise(&mut reader).expect("issues");
        let mut card = mount(reader.0.into_nvm().into_inner());
        assert_eq!(card.behaviour(), behaviour);
        card.power_on();
        transmit(&mut card, SELECT);
        assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
        card.reset();
        let answer = transmit(&mut card, b"\x80\x2A\x03\x97\x01x\x00");
        assert_eq!(answer == [0x69, 0x82], clears);
    }
}

#[test]
fn the_channel_is_closed_by_whatever_is_wrong() {
    let select_isd = b"\x00\xA4\x04\x0C\x07\xA0\x00\x00\x01\x51\x00\x00";
    let update = b"\x80\x50\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00";
    type Act = fn(&mut Simulated) -> Vec<u8>;
    let acts: [(&str, Act, &[u8]); 6] = [
        ("a wrong MAC", |card| transmit(card, &[&[0x84, 0xF2, 0x80, 0x02, 0x08][..], &[0; 8]].concat()), &[0x69, 0x82]),
        ("no MAC", |card| transmit(card, &[0x84, 0xF2, 0x80, 0x02]), &[0x69, 0x82]),
        ("a malformed command", |card| transmit(card, &[0x84, 0xF2, 0x80, 0x02, 0x08, 0x00]), &[0x67, 0x00]),
        ("SELECT", |card| transmit(card, SELECT), &[0x90, 0x00]),
        (
            "a warm reset",
            |card| {
                card.reset();
                vec![]
            },
            &[],
        ),
        (
            "power",
            |card| {
                card.power_on();
                vec![]
            },
            &[],
        ),
    ];
    for (name, act, word) in acts {
        let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
        drop(open(&mut reader, Level::FULL));
        let card = &mut reader.0;
        assert!(card.session().is_issuer(), "{name}");
        assert_eq!(transmit(card, b"\x00\x84\x00\x00\x08").len(), 10, "what comes in clear goes on");
        assert!(card.session().is_issuer(), "{name}");
        assert_eq!(act(card), word, "{name}");
        assert!(!card.session().is_issuer(), "{name}");
        transmit(card, select_isd);
        assert_eq!(transmit(card, &[0x84, 0xF2, 0x80, 0x02, 0x00]), [0x68, 0x82], "{name}");
    }
    // Between the two steps of the opening nothing but the second is taken, and it is taken once.
    let mut card = sample::issued_as(Model::JPKI_ONLY, true);
    card.power_on();
    assert!(transmit(&mut card, update).ends_with(&[0x90, 0x00]));
    assert_eq!(transmit(&mut card, &[0x84, 0xF2, 0x80, 0x02, 0x00]), [0x68, 0x82]);
    let wrong = [&[0x84, 0x82, 0x33, 0x00, 0x10][..], &[0; 16]].concat();
    assert_eq!(transmit(&mut card, &wrong), [0x69, 0x82]);
    assert_eq!(transmit(&mut card, &wrong), [0x68, 0x82]);
    // Parameters of both.
    for (command, word) in [
        (&b"\x80\x50\x00\x01\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00"[..], [0x6A, 0x86]),
        (b"\x80\x50\x00\x00\x07\x01\x02\x03\x04\x05\x06\x07\x00", [0x67, 0x00]),
        (b"\x80\x50\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08", [0x67, 0x00]),
        (b"\x80\x50\x05\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x1C", [0x67, 0x00]),
        (b"\x80\x50\x05\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x1D", [0x6A, 0x88]),
    ] {
        assert_eq!(transmit(&mut card, command), word, "{command:02X?}");
    }
    for (level, p2, length, word) in
        [(0x02, 0, 16, [0x6A, 0x86]), (0x33, 1, 16, [0x6A, 0x86]), (0x33, 0, 15, [0x67, 0x00])]
    {
        assert!(transmit(&mut card, update).ends_with(&[0x90, 0x00]));
        let command = [&[0x84, 0x82, level, p2, length][..], &vec![0; usize::from(length)]].concat();
        assert_eq!(transmit(&mut card, &command), word);
    }
}

#[track_caller]
fn assert_refused<T>(result: Result<T, IssuerError>, word: u16) {
    match result.map(drop) {
        Err(IssuerError::Refused { sw, .. }) => assert_eq!(sw.0, word),
        other => panic!("{other:?} instead of {word:04X}"),
    }
}

fn open(reader: &mut Direct<Torn<Flash>, AnyEngine, SimRng>, level: Level) -> Issuer<'_> {
    Issuer::open(reader, &test_keys(), level, &mut SimRng::seeded(3)).expect("opens")
}

#[test]
fn issuer_acts_want_encrypted_commands() {
    for level in [0x00, 0x01, 0x11].map(|p1| Level::from_p1(p1).expect("a level")) {
        let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
        let mut issuer = open(&mut reader, level);
        assert_refused(issuer.status(), 0x6982);
        assert_refused(issuer.reset_retry_counter(0x0118, b"5678"), 0x6982);
        assert_refused(issuer.store(0x0106, &[0; 160]), 0x6982);
        assert_refused(issuer.set_status(Phase::Invalid), 0x6982);
    }
    for level in [0x03, 0x13, 0x33].map(|p1| Level::from_p1(p1).expect("a level")) {
        let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
        open(&mut reader, level).reset_retry_counter(0x0118, b"5678").expect("resets");
    }
}

#[test]
fn bad_content_is_refused_and_the_old_one_stays() {
    let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
    let mut issuer = open(&mut reader, Level::FULL);
    let mut key = card_os::sign::to_bytes(&sample::keys()[0]).to_vec();
    for at in [0, 255, 256, 400, 520, 700, 895] {
        key[at] ^= 1;
        assert_refused(issuer.store(0x0117, &key), 0x6A80);
        key[at] ^= 1;
    }
    assert_refused(issuer.store(0x0117, &key[..895]), 0x6A80);
    assert_refused(issuer.store(0x0106, &[0; 161]), 0x6A80);
    assert_refused(issuer.store(0x0109, &[0; 1]), 0x6982);
    assert_refused(issuer.store(0x0110, &[0; 1]), 0x6982);
    assert_refused(issuer.store(0x0999, &[0; 1]), 0x6A88);
    for pin in [&b"123"[..], b"12345", b"12A4", b""] {
        assert_refused(issuer.reset_retry_counter(0x0118, pin), 0x6A80);
    }
    for password in [&b"ABC12"[..], b"abc123", b"ABC 123", b"ABCDEFGHIJKLMNOP1"] {
        assert_refused(issuer.reset_retry_counter(0x011B, password), 0x6A80);
    }
    assert_refused(issuer.generate_key(0x0118), 0x6981);
    for phase in [Phase::Blank, Phase::Personalised, Phase::Issued] {
        assert_refused(issuer.set_status(phase), 0x6985);
    }
    reader.0.power_on();
    let Direct(mut card) = reader;
    transmit(&mut card, SELECT);
    assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x80\x2A\x03\x97\x01x\x00").len(), 258, "the old key still signs");
}

#[test]
fn the_key_set_locks_after_ten_wrong_cryptograms() {
    let mut card = sample::issued_as(Model::JPKI_ONLY, true);
    let wrong = |card: &mut Simulated| {
        transmit(card, b"\x00\xA4\x04\x0C\x07\xA0\x00\x00\x01\x51\x00\x00");
        let update = transmit(card, b"\x80\x50\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00");
        if !update.ends_with(&[0x90, 0x00]) {
            return update;
        }
        transmit(card, &[&[0x84, 0x82, 0x33, 0x00, 0x10][..], &[0x5A; 16]].concat())
    };
    for _ in 0..9 {
        assert_eq!(wrong(&mut card), [0x69, 0x82]);
    }
    // One right cryptogram gives all ten back.
    let mut reader = Direct(card);
    drop(open(&mut reader, Level::FULL));
    let Direct(mut card) = reader;
    for _ in 0..10 {
        assert_eq!(wrong(&mut card), [0x69, 0x82]);
    }
    assert_eq!(wrong(&mut card), [0x69, 0x84]);
    let mut reader = Direct(card);
    assert_refused(Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut SimRng::seeded(3)), 0x6984);
    reader.0.power_on();
    transmit(&mut reader.0, SELECT);
    assert_eq!(transmit(&mut reader.0, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00], "the holder does not notice");
}

#[test]
fn new_issuer_keys_take_the_place_of_the_old() {
    let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
    let own = diversify(&card_os::scp03::Secret16::new([7; 16]), b"JITSUIN001");
    open(&mut reader, Level::FULL).put_key(0x30, &own).expect("replaces");
    let mut rng = SimRng::seeded(4);
    assert!(matches!(Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng), Err(IssuerError::WrongKeys)));
    let Status { phase, .. } =
        Issuer::open(&mut reader, &own, Level::FULL, &mut rng).expect("opens").status().expect("answers");
    assert_eq!(phase, Phase::Issued);
    let old = [0x40u8, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
    assert!(!reader.0.nvm().bytes().windows(8).any(|window| window == old), "the old key is still in the memory");
}

/// Key versions are 01 to 7F, and a set is three keys. (GlobalPlatform Card Specification §11.8.2.3, Amendment D §7.2)
#[test]
fn a_key_set_is_taken_whole_or_not_at_all() {
    let mut reader = Direct(sample::blank(Model::JPKI_ONLY));
    let own = diversify(&card_os::scp03::Secret16::new([7; 16]), b"JITSUIN001");
    for version in [0x00, 0x80, 0xFF] {
        assert_refused(open(&mut reader, Level::FULL).put_key(version, &own), 0x6A80);
    }
    let mut data = vec![0x31];
    for key in [&own.enc, &own.mac, &own.dek, &own.dek] {
        if data.len() != 1 + 3 * 23 {
            let command = Command::new(0x84, 0xD8, Options::default().key_version, 0x81).with_data(&data).with_ne(256);
            assert_refused(open(&mut reader, Level::FULL).transmit("PUT KEY", command).map(drop), 0x6A80);
        }
        data.extend_from_slice(&[0x88, 0x11, 0x10]);
        data.extend_from_slice(&scp03::encrypt_key(&test_keys().dek, key));
        data.push(0x03);
        data.extend_from_slice(&scp03::key_check_value(key));
    }
    open(&mut reader, Level::FULL).status().expect("the old keys open");
}

#[test]
fn an_invalid_card_answers_and_is_not_written() {
    let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
    open(&mut reader, Level::FULL).set_status(Phase::Invalid).expect("goes forward");
    let mut issuer = open(&mut reader, Level::FULL);
    assert_refused(issuer.reset_retry_counter(0x0118, b"5678"), 0x6982);
    assert_refused(issuer.store(0x0106, &[0; 160]), 0x6982);
    assert_refused(issuer.generate_key(0x0117), 0x6982);
    assert_refused(issuer.put_key(0x02, &test_keys()), 0x6982);
    assert_refused(issuer.set_status(Phase::Issued), 0x6985);
    reader.0.power_on();
    transmit(&mut reader.0, SELECT);
    assert_eq!(transmit(&mut reader.0, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
}
