//! The card of this process and the same card as firmware: byte for byte alike, memory included.
//!
//! JITSUIN_FIRMWARE names the ELF that card-os/firmware/build makes.

use arbitrary::{Arbitrary, Unstructured};
use card_os::{
    profile::Model,
    scp03::{KeySet, Level},
};
use chip::Program;
use rand_core::Rng;
use rsa::pkcs8::DecodePrivateKey;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sim::{
    firmware::{BuiltIn, Machine, Qemu},
    issuer::{Issuer, test_keys},
    rng::SimRng,
    sample,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, LazyLock},
};
use trial::{
    deeds::Deed,
    twin::{Difference, Twin},
};
use vectors::script::{Script, Step};

/// Random commands in all.
const COMMANDS: usize = 100_000;
/// Commands of one card, before another one takes its place.
const ROUND: usize = 1_000;
/// Signatures among them: each takes the emulator a second.
const SIGNATURES: usize = 24;

static FIRMWARE: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let found = std::env::var_os("JITSUIN_FIRMWARE").map(PathBuf::from);
    if found.is_none() {
        vectors::skipped("the firmware's twin: JITSUIN_FIRMWARE names what card-os/firmware/build makes");
    }
    found
});

/// A chip of this process with the firmware, if there is one.
fn built_in() -> Option<impl FnMut() -> BuiltIn> {
    let elf = std::fs::read(FIRMWARE.as_ref()?).expect("JITSUIN_FIRMWARE names a file");
    let program = Arc::new(Program::parse(&elf).expect("firmware"));
    Some(move || BuiltIn::new(Arc::clone(&program)))
}

/// Follows a script. Gives how many commands it has.
fn follow<M: Machine>(twin: &mut Twin<M>, script: &Script) -> Result<usize, Difference> {
    let mut exchanges = 0;
    for step in &script.steps {
        match step {
            Step::Power => twin.power_on()?,
            Step::Reset => twin.reset()?,
            Step::Exchange { command, .. } if command.len() < 2 => {}
            Step::Exchange { command, .. } => {
                twin.transmit(command)?;
                exchanges += 1;
            }
        }
    }
    Ok(exchanges)
}

/// Every card script, with the card that it asks for.
fn every_script<M: Machine>(mut machine: impl FnMut() -> M) {
    let mut exchanges = 0;
    for entry in std::fs::read_dir(vectors::path("scripts")).expect("the folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let script = Script::parse(&vectors::text(&format!("scripts/{name}"))).expect("a script");
        let card = sample::of_kind(&script.card).expect("a kind");
        let followed = Twin::new(machine(), &card, 1).and_then(|mut twin| follow(&mut twin, &script));
        exchanges += followed.unwrap_or_else(|difference| panic!("{name}: {difference}"));
    }
    assert!(exchanges > 300, "{exchanges} exchanges");
}

#[test]
fn every_script_is_followed_by_the_chip_of_this_process() {
    let Some(machine) = built_in() else { return };
    every_script(machine);
}

/// The judge of the emulator: the same program in somebody else's.
#[test]
fn every_script_is_followed_in_qemu() {
    let Some(elf) = FIRMWARE.clone() else { return };
    let qemu = std::env::var_os("JITSUIN_QEMU").unwrap_or_else(|| "qemu-system-arm".into());
    let mut folders = Vec::new();
    let mut machine = || {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Qemu::new(PathBuf::from(&qemu), elf.clone(), folder.path().to_owned());
        folders.push(folder);
        made
    };
    if let Err(error) = machine() {
        return vectors::skipped(&format!("the firmware in QEMU: {error}"));
    }
    every_script(|| machine().expect("it was there just now"));
}

#[test]
fn a_card_is_issued_alike() {
    let Some(mut machine) = built_in() else { return };
    let blank = sample::blank(Model::CARD);
    let mut twin = Twin::new(machine(), &blank, 3).expect("starts");
    sample::issue(&mut twin, Model::CARD, true).expect("alike");
    let mut rng = SimRng::seeded(4);
    let mut issuer = Issuer::open(&mut twin, &test_keys(), Level::FULL, &mut rng).expect("alike");
    issuer.reset_retry_counter(0x0118, b"9876").expect("alike");
    issuer.put_key(1, &KeySet::from_bytes(&[0x5A; 48])).expect("alike");
    issuer.status().expect("alike");
}

/// Outside expectations, and both halves of the twin hold to them: keys imported, digests signed.
#[test]
fn both_sign_as_wycheproof_says() {
    let Some(path) = vectors::outside("wycheproof/rsa_pkcs1_2048_sig_gen_test.json") else { return };
    let Some(mut machine) = built_in() else { return };
    let suite: Value = serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("json");
    let hex_of = |value: &Value, field: &str| hex::decode(value[field].as_str().expect("text")).expect("hexadecimal");
    let groups = suite["testGroups"].as_array().expect("groups").iter();
    let mut compared = 0;
    // The card pads what it is given with the DigestInfo of SHA-256, and has one public exponent. (card.md §1)
    for group in groups.filter(|group| group["sha"] == "SHA-256" && group["privateKey"]["publicExponent"] == "010001") {
        let key = rsa::PrivateKey::from_pkcs8_der(&hex_of(group, "privateKeyPkcs8")).expect("a key");
        let key = card_os::sign::to_bytes(&sim::engine::crt(&key).expect("RSA-2048"));
        let mut twin = Twin::new(machine(), &sample::issued(true), 5).expect("starts");
        let mut rng = SimRng::seeded(6);
        let certificate = sample::groupings(Model::CARD, true).into_iter().find(|(grouping, _)| *grouping == 0x010A);
        let mut issuer = Issuer::open(&mut twin, &test_keys(), Level::FULL, &mut rng).expect("alike");
        issuer.store(0x0117, key.as_ref()).expect("alike");
        issuer.store(0x010A, &certificate.expect("listed").1).expect("alike");
        for command in ["00A4040C0AD392F000260100000001", "002000980431323334"] {
            assert_eq!(twin.transmit(&hex::decode(command).expect("hex")).expect("alike"), [0x90, 0x00]);
        }
        for test in group["tests"].as_array().expect("tests") {
            let digest = Sha256::digest(hex_of(test, "msg"));
            let command = [&[0x80, 0x2A, 0x02, 0x97, 0x20], &digest[..], &[0x00]].concat();
            let expected = [&hex_of(test, "sig")[..], &[0x90, 0x00]].concat();
            assert_eq!(twin.transmit(&command).expect("alike"), expected, "test {}", test["tcId"]);
            compared += 1;
        }
    }
    assert_eq!(compared, 8);
}

#[test]
fn a_hundred_thousand_commands_are_answered_alike() {
    let Some(mut machine) = built_in() else { return };
    let mut rng = SimRng::seeded(0x5457_494E);
    let (mut scratch, mut signatures, mut words) = (Vec::new(), SIGNATURES, BTreeMap::new());
    for round in 0..COMMANDS / ROUND {
        let kind = ["issued", "no-signature", "android", "password-per-signature"][round % 4];
        let card = sample::of_kind(kind).expect("a kind");
        let mut twin = Twin::new(machine(), &card, round as u64).expect("starts");
        let mut done = 0;
        while done < ROUND {
            let mut bytes = [0; 16];
            rng.fill_bytes(&mut bytes);
            let deed = Deed::arbitrary(&mut Unstructured::new(&bytes)).expect("bytes enough");
            let alike = match deed {
                Deed::WarmReset => twin.reset(),
                Deed::PowerCycle => twin.power_on(),
                Deed::Sign(..) if signatures == 0 => continue,
                _ if !deed.command(&mut scratch) || scratch.len() < 2 => continue,
                _ => {
                    done += 1;
                    twin.transmit(&scratch).map(|answer| {
                        let sw = answer.last_chunk::<2>().copied().expect("a status word");
                        signatures -= usize::from(matches!(deed, Deed::Sign(..)) && sw == [0x90, 0x00]);
                        *words.entry(sw).or_insert(0) += 1;
                    })
                }
            };
            alike.unwrap_or_else(|difference| panic!("round {round}, command {done}: {difference}"));
        }
    }
    println!("{COMMANDS} commands, {} signatures, status words {words:02X?}", SIGNATURES - signatures);
    assert!(words.len() > 12, "{words:02X?}");
}
