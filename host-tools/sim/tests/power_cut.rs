//! Power cut at every word of what changes a card: old or new, whole, and never a free guess.
//!
//! For each command the card is run once to count its operations (words written, pages erased), then once for each
//! operation and each of five tears. Each result is mounted; a sample of the recoveries is cut again at every operation.

use card_os::{
    Card, Response,
    platform::{Engine, EngineFault, MODULUS, Nvm, PrivateKey},
    profile::{Kind, Model, Phase},
    scp03::{KeySet, Level},
    store::{Key, Store, Update},
};
use rand_core::TryCryptoRng;
use sim::{
    card::Direct,
    engine::RsaEngine,
    issuer::{Issuer, IssuerError, test_keys},
    nvm::{Fault, Faulty, Flash, Tear, Torn},
    reader::Reader,
    rng::SimRng,
    sample,
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

type TornCard = Card<Torn<Flash>, RsaEngine, SimRng>;

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
const PIN: &[u8] = b"1234";

fn transmit<E: Engine, N: Nvm>(card: &mut Card<N, E, SimRng>, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

fn verify(pin: &[u8]) -> Vec<u8> {
    [&[0x00, 0x20, 0x00, 0x98, pin.len() as u8], pin].concat()
}

fn change(pin: &[u8]) -> Vec<u8> {
    [&[0x00, 0x24, 0x01, 0x98, pin.len() as u8], pin].concat()
}

fn mount(flash: Flash) -> TornCard {
    mount_with(flash, RsaEngine::default())
}

fn mount_with<E: Engine>(flash: Flash, engine: E) -> Card<Torn<Flash>, E, SimRng> {
    let mut card = Card::mount(Torn::new(flash), engine, SimRng::seeded(9)).expect("mounts");
    card.power_on();
    transmit(&mut card, SELECT);
    card
}

/// Tries left of the authentication PIN as the card tells.
fn tries<E: Engine>(card: &mut Card<Torn<Flash>, E, SimRng>) -> u8 {
    match transmit(card, &[0x00, 0x20, 0x00, 0x98])[..] {
        [0x63, sw2] => sw2 & 0x0F,
        ref other => panic!("{other:02X?}"),
    }
}

/// Which of two PINs opens the card. Looks at copies, so it spends nothing.
fn opens(flash: &Flash, pins: [&[u8]; 2]) -> [bool; 2] {
    pins.map(|pin| transmit(&mut mount(flash.clone()), &verify(pin)) == [0x90, 0x00])
}

/// Runs `act` cut at every operation with every tear, after `prepare`, and hands each surviving memory to `judge` with the
/// card's answer, empty where power went first. Gives the number of cases.
fn cut_everywhere(
    flash: &Flash,
    prepare: impl Fn(&mut TornCard),
    act: impl Fn(&mut TornCard) -> Vec<u8>,
    mut judge: impl FnMut(Flash, &[u8], u64, Tear),
) -> u64 {
    let mut card = mount(flash.clone());
    prepare(&mut card);
    card.nvm_mut().disarm();
    act(&mut card);
    let operations = card.nvm().operations();
    assert!(operations > 0, "nothing was written");
    for operation in 0..operations {
        for tear in Tear::all(operation) {
            let mut card = mount(flash.clone());
            prepare(&mut card);
            card.nvm_mut().arm(operation, tear);
            let answer = act(&mut card);
            assert!(card.nvm().is_dead());
            judge(card.into_nvm().into_inner(), &answer, operation, tear);
        }
    }
    operations * 5
}

#[test]
fn a_wrong_verify_never_gives_a_try_back() {
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let cases = cut_everywhere(
        &flash,
        |_| {},
        |card| transmit(card, &verify(b"0000")),
        |left, answer, operation, tear| {
            let mut card = mount(left);
            assert!(matches!(tries(&mut card), 2 | 3), "operation {operation}, {tear:?}");
            // An answer that depends on the candidate only after the try is spent for good.
            if answer.first() == Some(&0x63) {
                assert_eq!(tries(&mut card), 2, "free guess at operation {operation}, {tear:?}");
            }
            assert_eq!(transmit(&mut card, &verify(PIN)), [0x90, 0x00]);
            assert_eq!(tries(&mut card), 3);
        },
    );
    println!("wrong VERIFY: {cases} cuts");
}

#[test]
fn a_right_verify_ends_with_two_or_three_tries() {
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let cases = cut_everywhere(
        &flash,
        |card| drop(transmit(card, &verify(b"0000"))),
        |card| transmit(card, &verify(PIN)),
        |left, answer, operation, tear| {
            let mut card = mount(left);
            let left = tries(&mut card);
            assert!(matches!(left, 1..=3), "operation {operation}, {tear:?}");
            assert!(answer != [0x90, 0x00] || left == 3, "said yes without giving the try back");
            assert_eq!(transmit(&mut card, &verify(PIN)), [0x90, 0x00]);
        },
    );
    println!("right VERIFY: {cases} cuts");
}

#[test]
fn an_attacker_with_a_cutter_gets_no_more_guesses_than_tries() {
    // Cuts each wrong VERIFY at each operation, forever from the memory that is left: the comparator's answers are counted.
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    for operation in 0..8 {
        for tear in Tear::all(operation) {
            let (mut memory, mut answers) = (flash.clone(), 0);
            for guess in 0..40u32 {
                let mut card = mount(memory);
                if tries(&mut card) == 0 {
                    memory = card.into_nvm().into_inner();
                    break;
                }
                card.nvm_mut().arm(operation, tear);
                let answer = transmit(&mut card, &verify(format!("{guess:04}").as_bytes()));
                answers += u32::from(answer.first() == Some(&0x63));
                memory = card.into_nvm().into_inner();
            }
            assert!(answers <= 3, "{answers} answers with operation {operation}, {tear:?}");
            drop(memory);
        }
    }
}

#[test]
fn change_leaves_the_old_pin_or_the_new_one() {
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let (mut old, mut new) = (0, 0);
    let cases = cut_everywhere(
        &flash,
        |card| assert_eq!(transmit(card, &verify(PIN)), [0x90, 0x00]),
        |card| transmit(card, &change(b"5678")),
        |left, answer, operation, tear| {
            match opens(&left, [PIN, b"5678"]) {
                [true, false] => {
                    assert_ne!(answer, [0x90, 0x00], "said yes, kept the old one");
                    old += 1;
                }
                [false, true] => new += 1,
                both => panic!("{both:?} at operation {operation}, {tear:?}"),
            }
            assert_eq!(tries(&mut mount(left)), 3);
        },
    );
    println!("CHANGE REFERENCE DATA: {cases} cuts, {old} kept the old value, {new} have the new one");
    assert!(old > 0 && new > 0);
}

/// The same for every PIN object of every application.
#[test]
fn no_application_gives_a_try_back() {
    let flash = sample::issued(true).into_nvm().into_inner();
    let values = sample::groupings(Model::CARD, true);
    let mut cases = 0;
    for application in Model::CARD.applications {
        let select = [&[0x00, 0xA4, 0x04, 0x0C, application.aid.len() as u8], application.aid].concat();
        for object in application.objects {
            let Kind::Pin { tries: most @ 1.., .. } = object.kind else { continue };
            let sfi = 0x80 | object.number;
            let (_, value) = values.iter().find(|(grouping, _)| *grouping == object.grouping()).expect("has a value");
            let present = |value: &[u8]| [&[0x00, 0x20, 0x00, sfi, value.len() as u8], value].concat();
            let select = |card: &mut TornCard| assert_eq!(transmit(card, &select), [0x90, 0x00]);
            let left = |card: &mut TornCard| transmit(card, &[0x00, 0x20, 0x00, sfi])[1] & 0x0F;
            cases += cut_everywhere(
                &flash,
                select,
                |card| transmit(card, &present(b"0")),
                |memory, answer, operation, tear| {
                    let mut card = mount(memory);
                    select(&mut card);
                    let now = left(&mut card);
                    assert!(now == most || now == most - 1, "{}: operation {operation}, {tear:?}", object.name);
                    assert!(answer.first() != Some(&0x63) || now == most - 1, "{}: a free guess", object.name);
                    assert_eq!(transmit(&mut card, &present(value)), [0x90, 0x00], "{}", object.name);
                    assert_eq!(left(&mut card), most);
                },
            );
        }
    }
    println!("every PIN object: {cases} cuts");
}

#[test]
fn no_old_pin_stays_in_the_image() {
    // The marker must not appear anywhere once another value has taken its place, whatever was cut on the way.
    const MARKER: &[u8] = b"MARKER7MARKER7MA";
    let set = |pin: &[u8]| [&[0x00, 0x24, 0x01, 0x9B, pin.len() as u8], pin].concat();
    let verify = |pin: &[u8]| [&[0x00, 0x20, 0x00, 0x9B, pin.len() as u8], pin].concat();
    let holds = |flash: &Flash| flash.bytes().windows(MARKER.len()).any(|window| window == MARKER);
    let mut card = mount(sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner());
    assert_eq!(transmit(&mut card, &verify(b"ABC123")), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, &set(MARKER)), [0x90, 0x00]);
    let flash = card.into_nvm().into_inner();
    assert!(holds(&flash));
    cut_everywhere(
        &flash,
        |card| assert_eq!(transmit(card, &verify(MARKER)), [0x90, 0x00]),
        |card| transmit(card, &set(b"ABC123")),
        |left, _, operation, tear| {
            let mut card = mount(left);
            if transmit(&mut card, &verify(b"ABC123")) == [0x90, 0x00] {
                assert!(!holds(&card.into_nvm().into_inner()), "operation {operation}, {tear:?}");
            }
        },
    );
}

/// Guesses against a memory that goes wrong, with power cycles between, from each number of tries: no answer that depends on
/// the guess, no yes, and the value in use stays.
#[test]
fn a_memory_that_does_not_write_gives_no_guess() {
    for fault in [Fault::Failing, Fault::Silent] {
        for spent in 0..3 {
            let mut card = mount(sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner());
            for _ in 0..spent {
                transmit(&mut card, &verify(b"0000"));
            }
            let mut memory = Faulty::new(card.into_nvm().into_inner());
            for guess in 0..40 {
                let mut card = Card::mount(memory, RsaEngine::default(), SimRng::seeded(9)).expect("mounts");
                card.power_on();
                transmit(&mut card, SELECT);
                card.nvm_mut().set(Some(fault));
                let candidate = if guess % 2 == 0 { b"9999" } else { b"1234" };
                for _ in 0..3 {
                    let answer = transmit(&mut card, &verify(candidate));
                    assert!(matches!(answer[0], 0x65 | 0x69), "{fault:?}, {spent} spent: {answer:02X?}");
                }
                memory = card.into_nvm();
                memory.set(None);
            }
        }
    }
}

#[test]
fn a_memory_that_does_not_write_changes_nothing_and_says_so() {
    for fault in [Fault::Failing, Fault::Silent] {
        let mut card = Card::mount(
            Faulty::new(sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner()),
            RsaEngine::default(),
            SimRng::seeded(9),
        )
        .expect("mounts");
        card.power_on();
        transmit(&mut card, SELECT);
        assert_eq!(transmit(&mut card, &verify(PIN)), [0x90, 0x00]);
        card.nvm_mut().set(Some(fault));
        assert_eq!(transmit(&mut card, &change(b"5678")), [0x65, 0x81], "{fault:?}");
        let mut memory = card.into_nvm();
        memory.set(None);
        let mut card = Card::mount(memory, RsaEngine::default(), SimRng::seeded(9)).expect("mounts");
        card.power_on();
        transmit(&mut card, SELECT);
        assert_eq!(transmit(&mut card, &verify(PIN)), [0x90, 0x00], "{fault:?}");
    }
}

/// Each operation of a change may be the one from which on the memory only says that it writes and erases. (A6, P15)
#[test]
fn a_yes_means_that_the_old_value_is_gone() {
    const MARKER: &[u8] = b"MARKER7MARKER7MA";
    let with = |header: [u8; 4], value: &[u8]| [&header[..], &[value.len() as u8], value].concat();
    let verify = |value: &[u8]| with([0x00, 0x20, 0x00, 0x9B], value);
    let change = |value: &[u8]| with([0x00, 0x24, 0x01, 0x9B], value);
    let mut card = mount(sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner());
    assert_eq!(transmit(&mut card, &verify(b"ABC123")), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, &change(MARKER)), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, &verify(MARKER)), [0x90, 0x00]);
    let flash = card.into_nvm().into_inner();
    // Until no operation is left to go wrong.
    for operation in 0.. {
        let memory = Faulty::new(flash.clone());
        let mut card = Card::mount(memory, RsaEngine::default(), SimRng::seeded(9)).expect("mounts");
        card.power_on();
        transmit(&mut card, SELECT);
        assert_eq!(transmit(&mut card, &verify(MARKER)), [0x90, 0x00]);
        card.nvm_mut().set_at(operation, Fault::Silent);
        let answer = transmit(&mut card, &change(b"ABC123"));
        let memory = card.into_nvm().into_inner();
        let stays = memory.bytes().windows(MARKER.len()).any(|window| window == MARKER);
        assert!(answer != [0x90, 0x00] || !stays, "said yes with the old value in memory, silent from {operation} on");
        if answer == [0x90, 0x00] {
            assert!(operation > 10, "{operation} operations");
            break;
        }
        assert_eq!(answer, [0x65, 0x81]);
    }
}

/// Remembers what each key's signatures were, so that thousands of imports need no arithmetic.
#[derive(Clone, Default)]
struct Remembering {
    inner: RsaEngine,
    known: Rc<RefCell<HashMap<Vec<u8>, [u8; MODULUS]>>>,
}

impl Engine for Remembering {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        let asked = [&key.n[..], &key.p, &key.q, &key.dp, &key.dq, &key.qinv, input].concat();
        if let Some(known) = self.known.borrow().get(&asked) {
            *output = *known;
            return Ok(());
        }
        self.inner.private(key, input, output, rng)?;
        self.known.borrow_mut().insert(asked, *output);
        Ok(())
    }

    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault> {
        self.inner.generate(rng)
    }
}

#[test]
fn key_import_leaves_the_old_key_or_the_new_one() {
    // The signature key is replaced by the authentication key; a deterministic signature tells which one is there.
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let engine = Remembering::default();
    let new = card_os::sign::to_bytes(&sample::keys()[0]);
    let certificate = sample::groupings(Model::JPKI_ONLY, true)
        .into_iter()
        .find(|(grouping, _)| *grouping == 0x0101)
        .expect("listed")
        .1;
    // A key that was replaced waits for its own certificate and signs nothing; with one, its signature tells which it is.
    let signature = |flash: &Flash| {
        let sign = |card: &mut Card<Torn<Flash>, Remembering, SimRng>| {
            card.power_on();
            transmit(card, SELECT);
            assert_eq!(transmit(card, b"\x00\x20\x00\x9B\x06ABC123"), [0x90, 0x00]);
            transmit(card, b"\x80\x2A\x03\x9A\x01x\x00")
        };
        let mut card = mount_with(flash.clone(), engine.clone());
        let answer = sign(&mut card);
        if answer != [0x69, 0x85] {
            return answer;
        }
        let mut reader = Direct(card);
        let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut SimRng::seeded(6)).expect("opens");
        issuer.store(0x0101, &certificate).expect("stores");
        sign(&mut reader.0)
    };
    let import = |card: Card<Torn<Flash>, Remembering, SimRng>, arm: Option<(u64, Tear)>| {
        let mut reader = Direct(card);
        reader.power_on().expect("power");
        let mut rng = SimRng::seeded(4);
        {
            let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
            // Only the import itself is cut.
            drop(issuer.status().expect("answers"));
        }
        match arm {
            Some((operation, tear)) => reader.0.nvm_mut().arm(operation, tear),
            None => reader.0.nvm_mut().disarm(),
        }
        let mut rng = SimRng::seeded(5);
        let done = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng)
            .and_then(|mut issuer| issuer.store(0x011A, new.as_ref()))
            .is_ok();
        (reader.0, done)
    };
    let before = signature(&flash);
    let (card, done) = import(mount_with(flash.clone(), engine.clone()), None);
    assert!(done);
    let operations = card.nvm().operations();
    let after = signature(&card.into_nvm().into_inner());
    assert_ne!(before, after);
    let (mut old, mut fresh, mut cases) = (0, 0, 0);
    // Every operation of an import is cut; the tears are taken in turn.
    for operation in 0..operations {
        let tear = Tear::all(operation)[(operation % 5) as usize];
        let (card, done) = import(mount_with(flash.clone(), engine.clone()), Some((operation, tear)));
        assert!(!done || card.nvm().is_dead());
        let left = card.into_nvm().into_inner();
        match signature(&left) {
            kept if kept == before => old += 1,
            changed if changed == after => fresh += 1,
            _ => panic!("neither key at operation {operation}, {tear:?}"),
        }
        if operation % 16 == 0 {
            // It can be done again, whatever was left half-way.
            let (card, done) = import(mount_with(left, engine.clone()), None);
            assert!(done, "not again after operation {operation}");
            assert_eq!(signature(&card.into_nvm().into_inner()), after);
        }
        cases += 1;
    }
    println!("key import: {cases} cuts, {old} kept the old key, {fresh} have the new one");
    assert!(old > 0 && fresh > 0);
}

type IssuerAct = fn(&mut Issuer<'_>) -> Result<(), IssuerError>;

/// Acts of the issuer, cut at every operation with every tear: before or after, and the card goes on.
#[test]
fn issuer_acts_are_done_or_not() {
    let own = || KeySet::from_bytes(&[0x5A; 48]);
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let reset: IssuerAct = |issuer| issuer.reset_retry_counter(0x0118, b"5678");
    let replace: IssuerAct = |issuer| issuer.put_key(0x02, &KeySet::from_bytes(&[0x5A; 48]));
    let end: IssuerAct = |issuer| issuer.set_status(Phase::Invalid);
    // Which PIN opens, which issuer keys open, and the phase.
    let observe = |flash: &Flash| {
        let pins = opens(flash, [PIN, b"5678"]);
        let keys = [test_keys(), own()].map(|keys| {
            let mut reader = Direct(mount(flash.clone()));
            Issuer::open(&mut reader, &keys, Level::FULL, &mut SimRng::seeded(7)).is_ok()
        });
        (pins, keys, mount(flash.clone()).phase())
    };
    for (name, act) in [("RESET RETRY COUNTER", reset), ("PUT KEY", replace), ("SET STATUS", end)] {
        let run = |arm: Option<(u64, Tear)>| {
            let mut reader = Direct(mount(flash.clone()));
            if let Some((operation, tear)) = arm {
                reader.0.nvm_mut().arm(operation, tear);
            } else {
                reader.0.nvm_mut().disarm();
            }
            let channel = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut SimRng::seeded(6));
            let done = channel.and_then(|mut issuer| act(&mut issuer)).is_ok();
            let operations = reader.0.nvm().operations();
            (reader.0.into_nvm().into_inner(), done, operations)
        };
        let before = observe(&flash);
        let (changed, done, operations) = run(None);
        let after = observe(&changed);
        assert!(done && before != after, "{name}");
        let (mut kept, mut made) = (0, 0);
        for operation in 0..operations {
            // Every operation; every tear of it where the act is decided, one in turn while old copies are being removed.
            let tears = Tear::all(operation);
            let tears = if operation < 60 { &tears[..] } else { &tears[(operation % 5) as usize..][..1] };
            for tear in tears {
                let (left, done, _) = run(Some((operation, *tear)));
                let seen = observe(&left);
                assert!(seen == before || seen == after, "{name}, operation {operation}, {tear:?}: {seen:?}");
                assert!(!done || seen == after, "{name}: said yes, and did not");
                if seen == after { made += 1 } else { kept += 1 }
            }
        }
        println!("{name}: {} cuts, {kept} before, {made} after", kept + made);
        assert!(kept > 0 && made > 0);
    }
}

/// The issuer key set has ten tries, and a cutter buys none.
#[test]
fn wrong_cryptograms_are_counted_under_power_cuts() {
    let flash = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let select_isd = b"\x00\xA4\x04\x0C\x07\xA0\x00\x00\x01\x51\x00\x00";
    let update = b"\x80\x50\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00";
    let wrong = [&[0x84, 0x82, 0x33, 0x00, 0x10][..], &[0x5A; 16]].concat();
    for operation in 0..6 {
        for tear in Tear::all(operation) {
            let (mut memory, mut judged) = (flash.clone(), 0);
            for _ in 0..60 {
                let mut card = mount(memory);
                transmit(&mut card, select_isd);
                if transmit(&mut card, update) == [0x69, 0x84] {
                    memory = card.into_nvm().into_inner();
                    break;
                }
                card.nvm_mut().arm(operation, tear);
                // 6982 is the verdict on the cryptogram; 6581 says only that the memory failed.
                judged += u32::from(transmit(&mut card, &wrong) == [0x69, 0x82]);
                memory = card.into_nvm().into_inner();
            }
            assert!(judged <= 10, "{judged} verdicts with operation {operation}, {tear:?}");
            drop(memory);
        }
    }
}

/// What a store holds, for comparison.
fn dump(store: &Store<Torn<Flash>>) -> Vec<Option<Vec<u8>>> {
    (0..64).map(|key| store.get(Key(key)).map(|value| value.to_vec())).collect()
}

#[test]
fn recovery_may_be_cut_too() {
    // A small memory, so that compaction comes often; a second cut at every operation of every recovery.
    let mut base = Store::format(Torn::new(Flash::new(4096))).expect("formats");
    let (mut tears, mut nested) = (0, 0);
    for round in 0..36u16 {
        let long = vec![round as u8; usize::from(round) * 7 % 120];
        let updates = [
            Update::Put { key: Key(round % 7), value: &long },
            Update::Put { key: Key(20), value: &[round as u8] },
            Update::Delete { key: Key((round + 3) % 7) },
        ];
        let updates = &updates[..1 + usize::from(round % 3)];
        let scrub = round % 4 == 3;
        let run = |store: &mut Store<Torn<Flash>>| {
            if scrub { store.commit_scrubbed(updates) } else { store.commit(updates) }
        };
        let before = dump(&base);
        let mut done = base.fork();
        done.nvm_mut().disarm();
        run(&mut done).expect("commits");
        let (after, operations) = (dump(&done), done.nvm().operations());
        for operation in 0..operations {
            for tear in Tear::all(u64::from(round) << 32 | operation) {
                let mut store = base.fork();
                store.nvm_mut().arm(operation, tear);
                assert!(run(&mut store).is_err());
                let left = store.into_nvm().into_inner();
                let mut recovered = Store::mount(Torn::new(left.clone())).expect("mounts");
                let seen = dump(&recovered);
                assert!(seen == before || seen == after, "round {round}, operation {operation}, {tear:?}");
                let recovery = recovered.nvm().operations();
                // It goes on writing, and what it writes stays.
                recovered.nvm_mut().disarm();
                run(&mut recovered).expect("commits after recovery");
                recovered.commit(&[Update::Put { key: Key(63), value: &[0x63; 40] }]).expect("and again");
                let again = Store::mount(Torn::new(recovered.into_nvm().into_inner())).expect("mounts again");
                let mut expected = after.clone();
                expected[63] = Some(vec![0x63; 40]);
                assert_eq!(dump(&again), expected);
                tears += 1;
                for second in 0..recovery {
                    let tear = Tear::all(second)[(second % 5) as usize];
                    let mut torn = Torn::new(left.clone());
                    torn.arm(second, tear);
                    let twice = match Store::mount(torn) {
                        Ok(store) => store.into_nvm(),
                        Err((_, nvm)) => nvm,
                    };
                    let settled = Store::mount(Torn::new(twice.into_inner())).expect("mounts after two cuts");
                    assert_eq!(dump(&settled), seen, "recovery changed its mind");
                    nested += 1;
                }
            }
        }
        base = Store::mount(Torn::new(done.into_nvm().into_inner())).expect("mounts");
        assert_eq!(dump(&base), after);
    }
    println!("store: {tears} cuts, {nested} of them cut again in recovery");
}
