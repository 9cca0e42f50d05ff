//! `jitsuin show`: what a world and its cards hold, without any PIN.

use crate::{args, failure::Failure, out::say};
use der::Decode;
use pki::{
    client::{Half, Jpki},
    world::{CardRecord, World},
};
use serde::Serialize;
use sim::card::Direct;
use x509_cert::Certificate;

/// One certificate as people want to see it.
#[derive(Debug, Serialize)]
struct Shown {
    serial: String,
    subject: String,
    issuer: String,
    not_before: String,
    not_after: String,
    bytes: usize,
}

/// What a card tells to anybody.
#[derive(Debug, Serialize)]
struct Card {
    #[serde(flatten)]
    record: CardRecord,
    phase: String,
    atr: String,
    token: String,
    tries_authentication: u8,
    tries_signature: u8,
    certificates: Vec<(String, Option<Shown>)>,
}

/// `jitsuin show`
pub(crate) fn run(show: &args::Show) -> Result<(), Failure> {
    let world = crate::world(&show.world)?;
    match &show.card {
        None => list(&world, show.json),
        Some(id) => {
            let card = examine(&world, id)?;
            if show.json {
                return crate::print_json(&card);
            }
            print(&card);
            Ok(())
        }
    }
}

fn list(world: &World, json: bool) -> Result<(), Failure> {
    let cards = world.cards()?;
    if json {
        return crate::print_json(&cards);
    }
    let made = world.created().format(&time::format_description::well_known::Rfc3339)?;
    say!("{}: made {made}, {} cards", world.folder().display(), cards.len());
    for card in cards {
        say!("{}  {}  {:?}, keys {:?}, expires {}", card.id, card.person.name, card.progress, card.keys, card.expires);
    }
    Ok(())
}

fn examine(world: &World, id: &str) -> Result<Card, Failure> {
    let (record, stored) = crate::card(world, id)?;
    let phase = stored.card().phase().map_or("damaged".to_owned(), |phase| format!("{phase:?}"));
    let atr = hex::encode_upper(stored.card().atr());
    let mut reader = Direct(stored.fork());
    let mut jpki = Jpki::select(&mut reader)?;
    let token = String::from_utf8_lossy(&jpki.read(0x06, 32)?).trim_end().to_owned();
    let (tries_authentication, tries_signature) = (jpki.tries(Half::Authentication)?, jpki.tries(Half::Signature)?);
    let mut certificates = Vec::new();
    for (name, file) in [("user authentication", 0x0A), ("user authentication CA", 0x0B), ("signature CA", 0x02)] {
        let der = jpki.certificate(file)?;
        certificates.push((name.to_owned(), der.map(|der| shown(&der)).transpose()?));
    }
    Ok(Card { record, phase, atr, token, tries_authentication, tries_signature, certificates })
}

fn shown(der: &[u8]) -> Result<Shown, Failure> {
    let certificate = Certificate::from_der(der)?;
    let tbs = certificate.tbs_certificate();
    Ok(Shown {
        serial: hex::encode_upper(tbs.serial_number().as_bytes()),
        subject: tbs.subject().to_string(),
        issuer: tbs.issuer().to_string(),
        not_before: tbs.validity().not_before.to_string(),
        not_after: tbs.validity().not_after.to_string(),
        bytes: der.len(),
    })
}

fn print(card: &Card) {
    let record = &card.record;
    say!("{}  製造番号 {}  life cycle: {}", record.id, record.serial, card.phase);
    say!("  holder   {}  born {}  {}", record.person.name, record.person.birth, record.person.address);
    say!("  issued   {}  expires {}  keys {:?}", record.issued, record.expires, record.keys);
    say!("  ATR      {}  token {}", card.atr, card.token);
    say!("  利用者証明用暗証番号 (authentication PIN)  {}", tries(card.tries_authentication, 3));
    say!(
        "  署名用暗証番号 (signature password)        {}",
        if record.signature.is_none() {
            "never set: no signature certificate was issued".to_owned()
        } else {
            tries(card.tries_signature, 5)
        }
    );
    for (name, certificate) in &card.certificates {
        match certificate {
            None => say!("  {name}: none"),
            Some(shown) => {
                say!(
                    "  {name}: serial {}, {} bytes, {} to {}",
                    shown.serial,
                    shown.bytes,
                    shown.not_before,
                    shown.not_after
                );
                say!("    subject {}", shown.subject);
                say!("    issuer  {}", shown.issuer);
            }
        }
    }
    if let Some(serial) = &record.signature {
        say!("  signature: serial {serial}; the card shows it only after the signature password");
    }
}

fn tries(left: u8, of: u8) -> String {
    let locked = if left == 0 { ": locked, `jitsuin reset-pin` opens it" } else { "" };
    format!("{left} of {of} tries left{locked}")
}
