//! The black-box access matrix: real commands for every object × operation × phase × set of verified PINs.
//!
//! What the card answers is held against the table it is built from, and against `vectors/data/access-matrix.txt`, which is
//! **self-made**: it freezes every status word, so that a changed table is seen as a changed file. `JITSUIN_BLESS=1` writes
//! it anew, and the documents in `docs/` with it.

use card_os::{
    Response,
    profile::{APPLICATIONS, JPKI, Kind, Object, Operation, Phase, Rule},
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
const HOLDER: [Operation; 4] = [Operation::Read, Operation::Verify, Operation::Change, Operation::Sign];
const ISSUER: [Operation; 3] = [Operation::Put, Operation::Generate, Operation::Reset];

fn transmit(card: &mut Simulated, command: &[u8]) -> u16 {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    u16::from_be_bytes(*response.last_chunk().expect("a status word"))
}

/// A card with every object, in the given phase.
fn card(phase: Phase) -> Simulated {
    let mut reader = Direct(sample::blank());
    let mut rng = SimRng::seeded(2);
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng).expect("opens");
    for (grouping, value) in sample::groupings(true) {
        issuer.store(grouping, &value).expect("stores");
    }
    for step in PHASES.into_iter().filter(|step| *step > Phase::Blank && *step <= phase) {
        issuer.set_status(step).expect("moves");
    }
    reader.0
}

fn name(pins: (bool, bool)) -> &'static str {
    match pins {
        (false, false) => "-",
        (true, false) => "0018",
        (false, true) => "001B",
        (true, true) => "0018+001B",
    }
}

/// One holder's command, on a copy.
fn holder(card: &Simulated, object: &Object, operation: Operation) -> u16 {
    let mut card = card.fork();
    let sfi = object.number;
    let secret: &[u8] = if sfi == 0x1B { b"ABC123" } else { b"1234" };
    let mut command = match operation {
        Operation::Read => return transmit(&mut card, &[0x00, 0xB0, 0x80 | sfi, 0x00, 0x01]),
        Operation::Sign => return transmit(&mut card, &[0x80, 0x2A, 0x00, 0x80 | sfi, 0x01, 0x41, 0x00]),
        Operation::Verify => vec![0x00, 0x20, 0x00, 0x80 | sfi, secret.len() as u8],
        _ => vec![0x00, 0x24, 0x01, 0x80 | sfi, secret.len() as u8],
    };
    command.extend_from_slice(secret);
    transmit(&mut card, &command)
}

/// One issuer's command, on a copy, at a security level.
fn issuer(card: &Simulated, object: &Object, operation: Operation, level: u8) -> u16 {
    let mut reader = Direct(card.fork());
    let mut rng = SimRng::seeded(3);
    let level = Level::from_p1(level).expect("a level");
    let mut issuer = Issuer::open(&mut reader, &test_keys(), level, &mut rng).expect("opens");
    let grouping = object.grouping();
    let value = sample::groupings(true).into_iter().find(|(other, _)| *other == grouping).map_or(vec![1], |(_, v)| v);
    let done = match operation {
        Operation::Put => issuer.store(grouping, &value),
        Operation::Generate => issuer.generate_key(grouping).map(drop),
        _ => issuer.reset_retry_counter(grouping, &value),
    };
    match done {
        Ok(()) => 0x9000,
        Err(IssuerError::Refused { sw, .. }) => sw.0,
        Err(other) => panic!("{other}"),
    }
}

/// What the table alone says.
fn allowed(object: &Object, operation: Operation, phase: Phase, pins: (bool, bool), is_issuer: bool) -> bool {
    let applies = matches!(
        (object.kind, operation),
        (Kind::File { .. }, Operation::Read | Operation::Put)
            | (Kind::DataObject { .. }, Operation::Put)
            | (Kind::PrivateKey { .. }, Operation::Sign | Operation::Put | Operation::Generate)
            | (Kind::Pin { .. }, Operation::Verify | Operation::Change | Operation::Put | Operation::Reset)
    );
    applies
        && match object.rule(operation, phase) {
            Rule::Never => false,
            Rule::Free => true,
            Rule::Pin(0x18) => pins.0,
            Rule::Pin(0x1B) => pins.1,
            Rule::Pin(other) => panic!("no PIN {other:02X}"),
            Rule::Issuer => is_issuer,
        }
}

#[test]
fn the_card_answers_as_its_table_says() {
    let mut seen = String::from(
        "# Access matrix. Source: SELF-MADE by host-tools/sim/tests/access_matrix.rs from the card's own answers; it shows\n\
         # that something changed, not that it was right. phase | verified | object | operation | status word\n",
    );
    for phase in PHASES {
        let fresh = card(phase);
        for pins in [(false, false), (true, false), (false, true), (true, true)] {
            if !phase.in_use() && pins != (false, false) {
                continue;
            }
            let mut card = fresh.fork();
            card.power_on();
            transmit(&mut card, b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
            if pins.0 {
                assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), 0x9000);
            }
            if pins.1 {
                assert_eq!(transmit(&mut card, b"\x00\x20\x00\x9B\x06ABC123"), 0x9000);
            }
            for object in JPKI.objects {
                for operation in HOLDER {
                    let sw = holder(&card, object, operation);
                    let granted = sw == 0x9000;
                    assert_eq!(
                        granted,
                        allowed(object, operation, phase, pins, false),
                        "{phase:?} {pins:?} {:04X} {operation:?}: {sw:04X}",
                        object.number
                    );
                    writeln!(seen, "{phase:?} | {} | {:04X} | {operation:?} | {sw:04X}", name(pins), object.grouping())
                        .expect("writes");
                }
            }
        }
        for object in APPLICATIONS.iter().flat_map(|application| application.objects) {
            for operation in ISSUER {
                for level in [0x33, 0x03, 0x01, 0x00] {
                    let sw = issuer(&fresh, object, operation, level);
                    let expected = allowed(object, operation, phase, (false, false), level & 0x03 == 0x03);
                    assert_eq!(sw == 0x9000, expected, "{phase:?} {:04X} {operation:?}: {sw:04X}", object.grouping());
                    if level == 0x33 {
                        writeln!(seen, "{phase:?} | issuer | {:04X} | {operation:?} | {sw:04X}", object.grouping())
                            .expect("writes");
                    }
                }
            }
        }
    }
    golden(&vectors::path("access-matrix.txt"), &seen);
}

#[test]
fn the_documents_are_what_the_table_says() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    golden(&docs.join("ACCESS.md"), &access_document());
    golden(&docs.join("REFUSALS.md"), &refusals_document());
}

fn access_document() -> String {
    let mut text = String::from(
        "# Access conditions\n\n*Generated from the table in `card-os/src/profile.rs`; `JITSUIN_BLESS=1 cargo test -p sim --test access_matrix` \
         writes it anew.*\n\nWhat is not listed is never allowed. \"PIN 0018\" means: after VERIFY of that object in this session. \"issuer\" means: in a \
         secure channel with\nC-MAC and C-DECRYPTION. Before issue the holder's commands all answer `6985`.\n",
    );
    for application in APPLICATIONS {
        let aid: String = application.aid.iter().map(|byte| format!("{byte:02X}")).collect();
        writeln!(text, "\n## {} {} `{aid}`\n", application.name, application.japanese).expect("writes");
        text.push_str("| Object | Name | Kind | Before issue | In use | Source |\n|---|---|---|---|---|---|\n");
        for object in application.objects {
            let kind = match object.kind {
                Kind::File { capacity: 0 } => "transparent".into(),
                Kind::File { capacity } => format!("transparent, {capacity} bytes"),
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
            Rule::Pin(pin) => format!("PIN {pin:04X}"),
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
