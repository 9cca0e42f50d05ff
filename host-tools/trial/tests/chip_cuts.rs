//! Power that goes at every word of flash while the firmware runs.
//!
//! JITSUIN_FIRMWARE names the ELF that card-os/firmware/build makes.

use card_os::{
    Card,
    identity::KEY_SET_COUNTER,
    pin::Pin,
    profile::{JPKI, Model},
    scp03::Level,
    store::Store,
};
use chip::{Chip, Cut, Program, Stop, Torn, Written};
use sim::{
    card::Simulated,
    engine::RsaEngine,
    issuer::{Issuer, test_keys},
    nvm::Flash,
    reader::Reader,
    rng::SimRng,
    sample,
};
use std::sync::Arc;
use trial::{costs::Meter, journal::Journal};

const PATIENCE: u64 = 1 << 40;
/// Of so many cuts one is also started on the chip.
const STARTED: usize = 64;

fn firmware() -> Option<Arc<Program>> {
    let Some(path) = std::env::var_os("JITSUIN_FIRMWARE") else {
        vectors::skipped("cuts of the firmware: JITSUIN_FIRMWARE names what card-os/firmware/build makes");
        return None;
    };
    let elf = std::fs::read(path).expect("JITSUIN_FIRMWARE names a file");
    Some(Arc::new(Program::parse(&elf).expect("firmware")))
}

/// The memory after a start of a card of this process.
fn mended(file: &[u8]) -> Vec<u8> {
    let flash = Flash::from_bytes(file.to_vec()).expect("a memory");
    let card = Card::mount(flash, RsaEngine::default(), SimRng::seeded(1)).map_err(|(error, _)| error).expect("mounts");
    card.into_nvm().bytes().to_vec()
}

/// What the memory of a card says, by a second reader.
fn values(memory: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let journal = Journal::read(memory).expect("a journal");
    journal.living().iter().map(|(key, value)| (*key, value.to_vec())).collect()
}

/// Tries of the authentication PIN, and of the issuer's keys.
fn tries(memory: &[u8]) -> (u8, u8) {
    let store = Store::mount(Flash::from_bytes(memory.to_vec()).expect("a memory")).expect("mounts");
    let pin = JPKI.file(0x0018).and_then(Pin::of).expect("a PIN object");
    (pin.left(&store), KEY_SET_COUNTER.left(&store))
}

/// The firmware starts from this memory, and makes of it what a card of this process does.
fn starts_alike(program: &Arc<Program>, file: &[u8], expected: &[u8]) {
    let chip = Chip::started(Arc::clone(program), file.to_vec(), "flash 1").expect("starts");
    assert!(chip.file() == expected, "the firmware mends a memory otherwise");
}

/// Every memory that a cut in these writes leaves, with how far it had come.
fn cuts<'w>(before: &[u8], writes: &'w [Written]) -> impl Iterator<Item = (usize, Torn, Vec<u8>)> + 'w {
    let mut file = before.to_vec();
    writes.iter().enumerate().flat_map(move |(number, written)| {
        let place = written.at..written.at + 4;
        let torn = Torn::ALL.map(|torn| {
            let mut file = file.clone();
            file[place.clone()].copy_from_slice(&written.torn(torn));
            (number, torn, file)
        });
        file[place].copy_from_slice(&written.new);
        torn
    })
}

#[test]
fn a_verify_that_is_cut_anywhere_costs_a_try_or_nothing_and_never_gives_one() {
    let Some(program) = firmware() else { return };
    let card: Simulated = sample::issued_as(Model::JPKI_ONLY, true);
    let mut count = 0;
    for (pin, most) in [("39393939", 2), ("31323334", 3)] {
        let mut chip = Chip::started(Arc::clone(&program), card.nvm().bytes().to_vec(), "flash 1").expect("starts");
        for command in ["00A4040C0AD392F000260100000001", "002000980435353535"] {
            chip.ask(&hex::decode(command).expect("hex"), PATIENCE).expect("answers");
        }
        let before = chip.file().to_vec();
        let verify = hex::decode(format!("0020009804{pin}")).expect("hex");
        let moment = chip.snapshot();
        chip.note_words();
        chip.ask(&verify, PATIENCE).expect("answers");
        let writes = chip.note_words();
        assert!(writes.len() >= 3, "{} words", writes.len());
        for (words, torn, file) in cuts(&before, &writes) {
            // The cut itself, on the chip: it leaves what was worked out.
            chip.restore(&moment);
            chip.cut(Cut { words: words as u64, torn });
            assert_eq!(chip.tell(&verify, PATIENCE), Stop::Cut);
            assert!(chip.file() == file, "{words} {torn:?}");
            let mended = mended(&file);
            starts_alike(&program, &file, &mended);
            let (left, _) = tries(&mended);
            // Two were left. Those of a right PIN come back when all was written.
            assert!(
                (1..=most).contains(&left) && (left < 3 || words + 1 == writes.len()),
                "{words} {torn:?}: {left} left"
            );
            count += 1;
        }
    }
    println!("{count} cuts");
}

#[test]
fn a_key_import_that_is_cut_anywhere_leaves_the_old_key_or_the_new_one() {
    let Some(program) = firmware() else { return };
    let card = sample::issued_as(Model::JPKI_ONLY, true);
    let mut meter = Meter::start(&program, card.nvm().bytes(), 1).expect("starts");
    let mut rng = SimRng::seeded(6);
    let old = values(meter.chip().file());
    let before = meter.chip().file().to_vec();
    meter.chip().note_words();
    let mut issuer = Issuer::open(&mut meter, &test_keys(), Level::FULL, &mut rng).expect("opens");
    let new = card_os::sign::to_bytes(&sample::keys()[0]);
    issuer.store(0x011A, new.as_ref()).expect("stores");
    let writes = meter.chip().note_words();
    let stored = values(&mended(meter.chip().file()));
    meter.power_off().expect("power goes");

    // What belongs to the key, by its parts: everything that the import has changed but the counters and the sequence of the channel.
    let told = |values: &[(u16, Vec<u8>)]| -> Vec<(u16, Vec<u8>)> {
        values.iter().filter(|value| !old.contains(value) || !stored.contains(value)).cloned().collect()
    };
    let (old_parts, new_parts) = (told(&old), told(&stored));
    assert_ne!(old_parts, new_parts);
    let mut seen = std::collections::BTreeMap::new();
    for (number, torn, file) in cuts(&before, &writes) {
        let mended = mended(&file);
        if number % STARTED == 0 {
            starts_alike(&program, &file, &mended);
        }
        let now = values(&mended);
        let has = |parts: &[(u16, Vec<u8>)]| parts.iter().all(|part| now.contains(part));
        let state = match (has(&old_parts), has(&new_parts)) {
            (true, false) => "old",
            (false, true) => "new",
            other => panic!("{number} {torn:?}: {other:?} of {} values", now.len()),
        };
        *seen.entry(state).or_insert(0) += 1;
        let (pin, keys) = tries(&mended);
        assert!(pin == 3 && keys > 0, "{number} {torn:?}");
    }
    println!("{} words, cuts that left {seen:?}", writes.len());
    assert_eq!(seen.len(), 2, "{seen:?}");
}
