//! The black-box access matrix: real commands for every object × operation × phase × set of verified PINs.
//!
//! What the card answers is held against the table it is built from, and against `vectors/data/access-matrix.txt`, which is
//! **self-made**: it freezes every status word, so that a changed table is seen as a changed file. `JITSUIN_BLESS=1` writes
//! it anew, and the documents in `docs/` with it.

use card_os::{
    Response,
    profile::{
        ANDROID_JPKI, Application, Change, ISD, JUKI_CARD_JPKI, Kind, Model, Object, Operation, Phase, Rule,
        SessionKey, Size,
    },
    refusal::Refusal,
    scp03::Level,
};
use sim::{
    card::{Direct, Simulated},
    issuer::{Issuer, IssuerError, test_keys},
    rng::SimRng,
    sample,
};
use std::{fmt::Write, path::Path};

const PHASES: [Phase; 4] = [Phase::Blank, Phase::Personalised, Phase::Issued, Phase::Invalid];
const HOLDER: [Operation; 6] = [
    Operation::Read,
    Operation::Verify,
    Operation::Change,
    Operation::Sign,
    Operation::Authenticate,
    Operation::Decipher,
];
const ISSUER: [Operation; 3] = [Operation::Put, Operation::Generate, Operation::Reset];

fn transmit(card: &mut Simulated, command: &[u8]) -> u16 {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    u16::from_be_bytes(*response.last_chunk().expect("a status word"))
}

/// A card with every object, in the given phase.
fn card(phase: Phase) -> Simulated {
    let mut reader = Direct(sample::blank(Model::CARD));
    let mut rng = SimRng::seeded(2);
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
    for (grouping, value) in sample::groupings(Model::CARD, true) {
        issuer.store(grouping, &value).expect("stores");
    }
    for step in PHASES.into_iter().filter(|step| *step > Phase::Blank && *step <= phase) {
        issuer.set_status(step).expect("moves");
    }
    reader.0
}

/// What the sample card holds in this object, or one byte.
fn value(object: &Object) -> Vec<u8> {
    let all = sample::groupings(Model::CARD, true);
    all.into_iter().find(|(grouping, _)| *grouping == object.grouping()).map_or(vec![1], |(_, value)| value)
}

fn verify(card: &mut Simulated, pin: &Object) -> u16 {
    let mut value = value(pin);
    value.truncate(16);
    transmit(card, &[&[0x00, 0x20, 0x00, 0x80 | pin.number, value.len() as u8], &value[..]].concat())
}

/// One holder's command, on a copy.
fn holder(card: &Simulated, application: &Application, object: &Object, operation: Operation) -> u16 {
    let mut card = card.fork();
    let sfi = object.number;
    match operation {
        Operation::Read if matches!(object.kind, Kind::Records(_)) => {
            transmit(&mut card, &[0x00, 0xB2, 0x01, (sfi << 3) | 0x04, 0x00])
        }
        Operation::Read => transmit(&mut card, &[0x00, 0xB0, 0x80 | sfi, 0x00, 0x01]),
        Operation::Sign => transmit(&mut card, &[0x80, 0x2A, 0x00, 0x80 | sfi, 0x01, 0x41, 0x00]),
        Operation::Authenticate => transmit(&mut card, &[0x00, 0x88, 0x00, 0x80 | sfi, 0x01, 0x41, 0x00]),
        // The key is the application's; a cryptogram of nothing is refused only after it was deciphered.
        Operation::Decipher if application.session_key == SessionKey::Delivered(sfi) => {
            let command = [&[0x80, 0xAE, 0x00, 0x00, 0x00, 0x01, 0x00][..], &[0; 255], &[1]].concat();
            match transmit(&mut card, &command) {
                0x6A80 => 0x9000,
                other => other,
            }
        }
        Operation::Decipher => 0x6982,
        Operation::Verify => verify(&mut card, object),
        _ => {
            let mut value = value(object);
            value.truncate(16);
            let header = match application.change {
                Change::ReferenceData => [0x00, 0x24, 0x01],
                Change::Key => [0x80, 0x32, 0x00],
            };
            transmit(
                &mut card,
                &[&header[..], &[0x80 | sfi, value.len().min(16) as u8], &value[..value.len().min(16)]].concat(),
            )
        }
    }
}

/// One issuer's command, on a copy, at a security level.
fn issuer(card: &Simulated, object: &Object, operation: Operation, level: u8) -> u16 {
    let mut reader = Direct(card.fork());
    let mut rng = SimRng::seeded(3);
    let level = Level::from_p1(level).expect("a level");
    let mut issuer = Issuer::open(&mut reader, &test_keys(), level, &mut rng).expect("opens");
    let grouping = object.grouping();
    let done = match operation {
        Operation::Put => issuer.store(grouping, &value(object)),
        Operation::Generate => issuer.generate_key(grouping).map(drop),
        _ => issuer.reset_retry_counter(grouping, &value(object)),
    };
    match done {
        Ok(()) => 0x9000,
        Err(IssuerError::Refused { sw, .. }) => sw.0,
        Err(other) => panic!("{other}"),
    }
}

/// What the table alone says.
fn allowed(object: &Object, operation: Operation, phase: Phase, pins: &[u8], is_issuer: bool) -> bool {
    let applies = matches!(
        (object.kind, operation),
        (Kind::File(_) | Kind::Records(_), Operation::Read | Operation::Put)
            | (Kind::DataObject { .. } | Kind::PublicKey, Operation::Put)
            | (
                Kind::PrivateKey { .. },
                Operation::Sign | Operation::Authenticate | Operation::Decipher | Operation::Put | Operation::Generate
            )
            | (Kind::Pin { .. }, Operation::Verify | Operation::Change | Operation::Put | Operation::Reset)
    );
    // The one that arrives blocked may be tried by anybody, and never opens.
    let blocked = matches!(object.kind, Kind::Pin { tries: 0, .. });
    applies
        && !blocked
        && match object.rule(operation, phase) {
            Rule::Never => false,
            Rule::Free => true,
            Rule::Pins(wanted) => wanted.iter().any(|pin| pins.contains(pin)),
            Rule::Issuer => is_issuer,
        }
}

/// Every set of PIN objects that can be verified in an application.
fn sets(application: &Application) -> Vec<Vec<&'static Object>> {
    let pins: Vec<&Object> =
        application.objects.iter().filter(|object| matches!(object.kind, Kind::Pin { tries: 1.., .. })).collect();
    let chosen =
        |set: u32| pins.iter().enumerate().filter(move |(i, _)| set & (1 << i) != 0).map(|(_, pin)| *pin).collect();
    (0..1 << pins.len()).map(chosen).collect()
}

fn name(pins: &[&Object]) -> String {
    let names: Vec<String> = pins.iter().map(|pin| format!("{:04X}", pin.number)).collect();
    if names.is_empty() { "-".into() } else { names.join("+") }
}

#[test]
fn the_card_answers_as_its_table_says() {
    let mut seen = String::from(
        "# Access matrix. Source: SELF-MADE by host-tools/sim/tests/access_matrix.rs from the card's own answers; it shows\n\
         # that something changed, not that it was right. phase | verified | object | status word of each operation\n",
    );
    for phase in PHASES {
        let fresh = card(phase);
        for application in Model::CARD.applications.iter().filter(|application| application.number != ISD.number) {
            for pins in sets(application) {
                if phase.in_use() || pins.is_empty() {
                    ask_as_holder(&fresh, application, phase, &pins, &mut seen);
                }
            }
        }
        for object in Model::CARD.objects() {
            write!(seen, "{phase:?} | issuer | {:04X} |", object.grouping()).expect("writes");
            for operation in ISSUER {
                for level in [0x33, 0x03, 0x01, 0x00] {
                    let sw = issuer(&fresh, object, operation, level);
                    let expected = allowed(object, operation, phase, &[], level & 0x03 == 0x03);
                    assert_eq!(sw == 0x9000, expected, "{phase:?} {:04X} {operation:?}: {sw:04X}", object.grouping());
                    if level == 0x33 {
                        write!(seen, " {operation:?} {sw:04X}").expect("writes");
                    }
                }
            }
            seen.push('\n');
        }
    }
    golden(&vectors::path("access-matrix.txt"), &seen);
}

/// Every object and operation of an application, with these PIN objects verified.
fn ask_as_holder(fresh: &Simulated, application: &Application, phase: Phase, pins: &[&Object], seen: &mut String) {
    let mut card = fresh.fork();
    card.power_on();
    let select = [&[0x00, 0xA4, 0x04, 0x0C, application.aid.len() as u8], application.aid].concat();
    assert_eq!(transmit(&mut card, &select), 0x9000);
    for pin in pins {
        assert_eq!(verify(&mut card, pin), 0x9000);
    }
    let numbers: Vec<u8> = pins.iter().map(|pin| pin.number).collect();
    for object in application.objects {
        write!(seen, "{phase:?} | {} | {:04X} |", name(pins), object.grouping()).expect("writes");
        for operation in HOLDER {
            let sw = holder(&card, application, object, operation);
            let expected = allowed(object, operation, phase, &numbers, false);

            assert_eq!(
                sw == 0x9000,
                expected,
                "{phase:?} {} {:04X} {operation:?}: {sw:04X}",
                name(pins),
                object.grouping()
            );
            write!(seen, " {operation:?} {sw:04X}").expect("writes");
        }
        seen.push('\n');
    }
}

#[test]
fn the_documents_are_what_the_table_says() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    golden(&docs.join("ACCESS.md"), &access_document());
    golden(&docs.join("REFUSALS.md"), &refusals_document());
}

fn access_document() -> String {
    let mut text = String::from(
        "# Access conditions\n\n*Generated from the table in `card-os/src/profile`; `JITSUIN_BLESS=1 cargo test -p sim --test access_matrix` \
         writes it anew.*\n\nWhat is not listed is never allowed. \"PIN 0018\" means: after VERIFY of that object in this session. \"issuer\" means: in a \
         secure channel with\nC-MAC and C-DECRYPTION. Before issue the holder's commands all answer `6985`.\n",
    );
    for application in Model::CARD.applications.iter().copied().chain([&ANDROID_JPKI, &JUKI_CARD_JPKI]) {
        let aid: String = application.aid.iter().map(|byte| format!("{byte:02X}")).collect();
        writeln!(text, "\n## {} {} `{aid}`\n", application.name, application.japanese).expect("writes");
        text.push_str("| Object | Name | Kind | Before issue | In use | Source |\n|---|---|---|---|---|---|\n");
        for object in application.objects {
            let kind = match object.kind {
                Kind::File(Size::Fixed(0)) => "transparent".into(),
                Kind::File(Size::Fixed(size)) => format!("transparent, {size} bytes"),
                Kind::File(Size::Written(most)) => format!("transparent, up to {most} bytes"),
                Kind::Records(most) => format!("records, up to {most} bytes"),
                Kind::PublicKey => "internal (RSA-2048 public key)".into(),
                Kind::DataObject { capacity, .. } => format!("data object, up to {capacity} bytes"),
                Kind::PrivateKey { .. } => "RSA-2048 private key".into(),
                Kind::Pin { tries, .. } => format!("PIN, {tries} tries"),
                Kind::Internal => "internal".into(),
            };
            let identifier = match object.kind {
                Kind::DataObject { tag, .. } => tag,
                _ => u16::from(object.number),
            };
            writeln!(
                text,
                "| {identifier:04X} | {} {} | {kind} | {} | {} | card.md {} |",
                object.name,
                object.japanese,
                rules(object.personalising),
                rules(object.in_use),
                object.source
            )
            .expect("writes");
        }
    }
    text
}

fn rules(rules: &[(Operation, Rule)]) -> String {
    let one = |(operation, rule): &(Operation, Rule)| {
        let who = match rule {
            Rule::Never => "nobody".into(),
            Rule::Free => "anybody".into(),
            Rule::Pins(pins) => {
                let pins: Vec<String> = pins.iter().map(|pin| format!("{pin:04X}")).collect();
                format!("PIN {}", pins.join(" or "))
            }
            Rule::Issuer => "issuer".into(),
        };
        format!("{} {who}", format!("{operation:?}").to_lowercase())
    };
    if rules.is_empty() { "–".into() } else { rules.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn refusals_document() -> String {
    let mut text = String::from(
        "# Refusals\n\n*Generated from `card-os/src/refusal.rs`; `JITSUIN_BLESS=1 cargo test -p sim --test access_matrix` writes it anew.*\n\nThe \
         ladder: class, instruction, phase, P1–P2, lengths, object, access, data. The first rung that fails answers (decision 1).\n\n| Reason | SW1-SW2 | Meaning |\n|---|---|---|\n",
    );
    for refusal in Refusal::ALL {
        writeln!(text, "| {refusal:?} | `{:04X}` | {} |", refusal.sw().0, refusal.sw().name()).expect("writes");
    }
    text
}

fn golden(path: &Path, text: &str) {
    if std::env::var_os("JITSUIN_BLESS").is_some() {
        std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "{} is not what the card does now; JITSUIN_BLESS=1 writes it anew", path.display());
}
