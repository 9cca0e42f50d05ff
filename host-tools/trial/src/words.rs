//! Words of a fuzzer, out of the card's table: its dictionaries and first inputs.

use card_os::profile::{Application, Kind, Model, Object};
use sim::sample;
use std::fmt::Write;

/// The dictionary of the targets whose input is the life of a card of this model, in libFuzzer's and AFL's form. A command has its
/// length before it, as [`crate::steps`] wants.
#[must_use]
pub fn dictionary(model: &Model) -> String {
    let mut text = String::from(
        "# Made from the card's table: JITSUIN_BLESS=1 cargo test -p trial --test words\n# Commands have their length before them.\n",
    );
    let mut word = |name: &str, bytes: &[u8]| {
        let bytes = bytes.iter().fold(String::new(), |mut text, byte| {
            // Into a string nothing fails.
            let _ = write!(text, "\\x{byte:02X}");
            text
        });
        let _ = writeln!(text, "{name}=\"{bytes}\"");
    };
    for application in model.applications {
        let of = application.number;
        word(&format!("aid_{of}"), application.aid);
        word(&format!("select_{of}"), &step(&select(application)));
        for object in application.objects {
            for (name, command) in commands(object) {
                word(&format!("{name}_{of}_{:02x}", object.number), &step(&command));
            }
        }
    }
    for (name, value) in [("pin", sample::AUTHENTICATION_PIN), ("password", sample::SIGNATURE_PASSWORD)] {
        word(name, value.as_bytes());
    }
    for (name, bytes) in [
        ("other_pin", &b"5678"[..]),
        ("query", &step(&[0x00, 0x20, 0x00, 0x80])),
        ("challenge", &step(&[0x00, 0x84, 0x00, 0x00, 0x08])),
        ("initialize_update", &step(b"\x80\x50\x00\x00\x08\x00\x01\x02\x03\x04\x05\x06\x07\x00")),
        ("external_authenticate", &[0x84, 0x82, 0x33, 0x00, 0x10]),
        ("session_key", &[0x80, 0xAE, 0x00, 0x00, 0x00, 0x01, 0x00]),
        ("terminal_certificate", &[0x80, 0xA2, 0x06, 0xC1]),
        ("next", &[0x00, 0xA4, 0x04, 0x02]),
        ("extended", &[0xFF, 0x01, 0x07]),
        ("warm_reset", &[0x00, 0x00]),
        ("power_cycle", &[0x00, 0x01]),
        ("start_from_memory", &[0x00, 0x02]),
    ] {
        word(name, bytes);
    }
    text
}

/// A life in which everything of an application is met once.
#[must_use]
pub fn life(application: &Application) -> Vec<u8> {
    let commands = application.objects.iter().flat_map(commands).map(|(_, command)| step(&command));
    std::iter::once(step(&select(application))).chain(commands).flatten().collect()
}

fn select(application: &Application) -> Vec<u8> {
    put([0x00, 0xA4, 0x04, 0x0C], application.aid)
}

/// What an object is there for.
fn commands(object: &Object) -> Vec<(&'static str, Vec<u8>)> {
    let sfi = 0x80 | object.number;
    let file = ("file", put([0x00, 0xA4, 0x02, 0x0C], &[0x00, object.number]));
    match object.kind {
        Kind::File(_) => vec![file, ("read", vec![0x00, 0xB0, sfi, 0x00, 0x00])],
        Kind::Records(_) => vec![file, ("record", vec![0x00, 0xB2, 0x01, object.number << 3 | 0x04, 0x00])],
        Kind::DataObject { tag, .. } => {
            let [high, low] = tag.to_be_bytes();
            vec![("data", vec![0x00, 0xCA, high, low, 0x00, 0x00, 0x00])]
        }
        Kind::PrivateKey { .. } => vec![file, ("sign", [&put([0x80, 0x2A, 0x03, sfi], b"A")[..], &[0x00]].concat())],
        Kind::Pin { tries, .. } => {
            let value = value(object);
            let wrong: Vec<u8> = value.iter().map(|byte| byte ^ 0x01).collect();
            let mut all = vec![
                file,
                ("tries", vec![0x00, 0x20, 0x00, sfi]),
                ("verify", put([0x00, 0x20, 0x00, sfi], &value)),
                ("wrong", put([0x00, 0x20, 0x00, sfi], &wrong)),
            ];
            if tries < 10 {
                all.push(("change", put([0x00, 0x24, 0x01, sfi], &value)));
                all.push(("change_key", put([0x80, 0x32, 0x00, sfi], &value)));
            }
            all
        }
        Kind::PublicKey | Kind::Internal => vec![file],
    }
}

/// The value of a PIN object of the sample card.
fn value(object: &Object) -> Vec<u8> {
    let written = sample::groupings(Model::CARD, true).into_iter().find(|(grouping, _)| *grouping == object.grouping());
    written.map_or_else(|| sample::AUTHENTICATION_PIN.into(), |(_, value)| value)
}

fn put(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[data.len() as u8], data].concat()
}

fn step(command: &[u8]) -> Vec<u8> {
    [&[command.len() as u8], command].concat()
}
