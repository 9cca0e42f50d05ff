//! Personalisation by APDUs: cut anywhere it is taken up again, and a half-personalised card never signs. And what the
//! issuer channel refuses.

use card_os::{Card, Response, platform::Nvm, profile::Phase, scp03::Level};
use sim::{
    card::{Direct, Simulated},
    engine::RsaEngine,
    issuer::{Issuer, IssuerError, Status, diversify, test_keys},
    nvm::{Flash, Tear, Torn},
    reader::Reader,
    rng::SimRng,
    sample,
};

type Torn64 = Card<Torn<Flash>, RsaEngine, SimRng>;

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";

fn transmit<N: Nvm>(card: &mut Card<N, RsaEngine, SimRng>, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

fn mount(flash: Flash) -> Torn64 {
    Card::mount(Torn::new(flash), RsaEngine::default(), SimRng::seeded(9)).expect("mounts")
}

/// Opens a channel, stores what is missing and hands the card out: what a counter does, begun or taken up.
fn personalise(reader: &mut dyn Reader) -> Result<(), IssuerError> {
    let mut rng = SimRng::seeded(2);
    reader.power_on()?;
    let mut issuer = Issuer::open(reader, &test_keys(), Level::FULL, &mut rng)?;
    let status = issuer.status()?;
    if status.phase == Phase::Issued {
        return Ok(());
    }
    for (grouping, value) in sample::groupings(true) {
        if !status.is_stored(grouping) {
            issuer.store(grouping, &value)?;
        }
    }
    issuer.set_status(Phase::Issued)
}

/// What a thief would try with the PINs of the holder-to-be.
fn signs(card: &mut Torn64) -> [Vec<u8>; 2] {
    card.power_on();
    transmit(card, SELECT);
    transmit(card, b"\x00\x20\x00\x98\x041234");
    transmit(card, b"\x00\x20\x00\x9B\x06ABC123");
    [b"\x80\x2A\x03\x97\x01x\x00", b"\x80\x2A\x03\x9A\x01x\x00"].map(|command| transmit(card, command))
}

#[test]
fn an_interrupted_personalisation_never_signs_and_is_taken_up() {
    let blank = sample::blank().into_nvm();
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
        let mut reader = Direct(sample::blank());
        let mut rng = SimRng::seeded(2);
        let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
        for (grouping, value) in sample::groupings(true).into_iter().filter(|(grouping, _)| *grouping != missing) {
            issuer.store(grouping, &value).expect("stores");
        }
        assert_refused(issuer.set_status(Phase::Issued), 0x6985);
        let value = sample::groupings(true).into_iter().find(|(grouping, _)| *grouping == missing).expect("listed").1;
        issuer.store(missing, &value).expect("stores");
        issuer.set_status(Phase::Issued).expect("is whole now");
    }
}

#[track_caller]
fn assert_refused<T>(result: Result<T, IssuerError>, word: u16) {
    match result.map(drop) {
        Err(IssuerError::Refused { sw, .. }) => assert_eq!(sw.0, word),
        other => panic!("{other:?} instead of {word:04X}"),
    }
}

fn open(reader: &mut Direct<Flash, RsaEngine, SimRng>, level: Level) -> Issuer<'_> {
    Issuer::open(reader, &test_keys(), level, &mut SimRng::seeded(3)).expect("opens")
}

#[test]
fn issuer_acts_want_encrypted_commands() {
    for level in [0x00, 0x01, 0x11].map(|p1| Level::from_p1(p1).expect("a level")) {
        let mut reader = Direct(sample::issued(true));
        let mut issuer = open(&mut reader, level);
        assert_refused(issuer.status(), 0x6982);
        assert_refused(issuer.reset_retry_counter(0x0118, b"5678"), 0x6982);
        assert_refused(issuer.store(0x0106, &[0; 160]), 0x6982);
        assert_refused(issuer.set_status(Phase::Invalid), 0x6982);
    }
    for level in [0x03, 0x13, 0x33].map(|p1| Level::from_p1(p1).expect("a level")) {
        let mut reader = Direct(sample::issued(true));
        open(&mut reader, level).reset_retry_counter(0x0118, b"5678").expect("resets");
    }
}

#[test]
fn bad_content_is_refused_and_the_old_one_stays() {
    let mut reader = Direct(sample::issued(true));
    let before = reader.0.nvm().bytes().to_vec();
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
    assert_refused(issuer.set_status(Phase::Blank), 0x6985);
    assert_ne!(before, reader.0.nvm().bytes(), "leftovers of the attempts");
    reader.0.power_on();
    let Direct(mut card) = reader;
    transmit(&mut card, SELECT);
    assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x80\x2A\x03\x97\x01x\x00").len(), 258, "the old key still signs");
}

#[test]
fn the_key_set_locks_after_ten_wrong_cryptograms() {
    let mut card = sample::issued(true);
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
    let mut reader = Direct(sample::issued(true));
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

#[test]
fn an_invalid_card_answers_and_is_not_written() {
    let mut reader = Direct(sample::issued(true));
    open(&mut reader, Level::FULL).set_status(Phase::Invalid).expect("goes forward");
    let mut issuer = open(&mut reader, Level::FULL);
    assert_refused(issuer.reset_retry_counter(0x0118, b"5678"), 0x6982);
    assert_refused(issuer.store(0x0106, &[0; 160]), 0x6982);
    assert_refused(issuer.generate_key(0x0117), 0x6982);
    assert_refused(issuer.set_status(Phase::Issued), 0x6985);
    reader.0.power_on();
    transmit(&mut reader.0, SELECT);
    assert_eq!(transmit(&mut reader.0, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
}
