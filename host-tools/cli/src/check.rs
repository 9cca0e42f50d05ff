//! `jitsuin check`: the verification harness over a PC/SC socket.

use crate::{
    args,
    desk::Desk,
    failure::Failure,
    out::{say, say_line},
    show::{Read, View},
};
use pki::{
    card_record::CardRecord,
    client::{ClientError, Half, Jpki},
    harness::{Check, Face, Harness, Known},
    relying,
    survey::{Credential, Credentials},
};
use rand_core::Rng;
use serde_json::json;
use sim::{card::StoredCard, reader::Reader, rng::SimRng};
use std::time::{Duration, Instant};
use world::{World, issue};

/// `jitsuin check`
pub(crate) fn run(check: &args::Check) -> Result<(), Failure> {
    let began = Instant::now();
    let json = check.json;
    let mut tell = |check: &Check| {
        if !json {
            print(check);
        }
    };
    let (name, checks) = match (&check.world, &check.card) {
        (Some(folder), Some(id)) => {
            let world = crate::world(folder)?;
            let (record, card) = crate::card(&world, id)?;
            let pins = Presented {
                authentication: check.pins.auth_pin.as_deref().unwrap_or("1234"),
                signature: check.pins.sign_pin.as_deref().unwrap_or("ABC123"),
                form: check.pins.form_pin.as_deref().unwrap_or("1234"),
            };
            let checks = prove(&world, &record, card, pins, &mut tell)?;
            (record.id, checks)
        }
        _ => (check.real.reader.clone().unwrap_or_default(), look(check, &mut tell)?),
    };
    let failed = checks.iter().filter(|check| !check.passed).count();
    if json {
        crate::print_json(&json!({ "card": name, "passed": failed == 0, "checks": checks }))?;
    } else {
        say!("{}", summary(&checks, began.elapsed()));
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Refused(format!("{failed} checks failed on {name}"))) }
}

/// What can be proved of a card in a real reader without changing it: what it holds, and that it has the keys of its certificates.
fn look(check: &args::Check, tell: &mut dyn FnMut(&Check)) -> Result<Vec<Check>, Failure> {
    let mut reader = check.real.open()?;
    let given = |value: &Option<String>| value.as_deref().map(Credential::given);
    let presented = [(Half::Authentication, &check.pins.auth_pin), (Half::Signature, &check.pins.sign_pin)];
    let mut checks = Vec::new();
    let mut say = |began: Instant, name: &str, seen: Result<String, String>| {
        let micros = began.elapsed().as_micros();
        let passed = seen.is_ok();
        let check = Check { name: name.into(), passed, seen: seen.unwrap_or_else(|why| why), micros };
        tell(&check);
        checks.push(check);
    };
    for (half, pin) in presented {
        let Some(pin) = pin else { continue };
        let began = Instant::now();
        say(began, &format!("{half:?}: a signature opens with the certificate's key"), signs(&mut *reader, half, pin));
    }
    let began = Instant::now();
    let credentials = Credentials {
        authentication: given(&check.pins.auth_pin),
        signature: given(&check.pins.sign_pin),
        form: given(&check.pins.form_pin),
        ..Credentials::default()
    };
    let read = Read::from_reader(&mut *reader, &credentials)?;
    let view = View::of(&read, None);
    say(began, "the card was read", Ok(format!("{} applications", view.applications.len())));
    for certificate in &view.certificates {
        let seen = match (&certificate.certificate, certificate.believed) {
            (Some(seen), Some(true)) => Ok(format!("serial {}, until {}", seen.serial, seen.not_after.date())),
            (Some(_), _) => Err("was not issued by the CA whose certificate is on the card".into()),
            (None, Some(false)) => Err(certificate.state.clone()),
            // Closed, or never issued.
            (None, _) => Ok(certificate.state.clone()),
        };
        say(began, &format!("certificate {}", certificate.name), seen);
    }
    Ok(checks)
}

/// Signs something new, and opens it with the key of the certificate.
fn signs(reader: &mut dyn Reader, half: Half, pin: &str) -> Result<String, String> {
    let told = |error: ClientError| error.to_string();
    let mut jpki = Jpki::select(reader).map_err(told)?;
    jpki.verify(half, pin).map_err(told)?;
    let certificate = jpki.certificate(half.certificate()).map_err(told)?.ok_or("there is no certificate")?;
    // DigestInfo of SHA-256, around something that no card has signed before. (card.md §8)
    let mut input = hex::decode("3031300D060960864801650304020105000420").unwrap_or_default();
    let mut random = [0; 32];
    let mut rng = SimRng::from_os().map_err(|error| error.to_string())?;
    rng.fill_bytes(&mut random);
    input.extend_from_slice(&random);
    let signature = jpki.sign(half, 0, &input).map_err(told)?;
    relying::signature(&certificate, 0, &input, &signature).map_err(|error| error.to_string())?;
    Ok(format!("{} bytes", signature.len()))
}

/// PINs to prove a card with.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// User authentication PIN.
    pub authentication: &'a str,
    /// Signature password.
    pub signature: &'a str,
    /// Form-filling PIN.
    pub form: &'a str,
}

/// Proves a card, and locks a clone of it.
pub(crate) fn prove(
    world: &World,
    record: &CardRecord,
    card: StoredCard,
    pins: Presented<'_>,
    tell: &mut dyn FnMut(&Check),
) -> Result<Vec<Check>, Failure> {
    let clone = Desk::new(Box::new(card.fork()))?;
    let desk = Desk::new(Box::new(card))?;
    let prefecture = world.authorities.prefecture.as_ref().filter(|_| record.profile.is_juki_card());
    let known = Known {
        profile: &record.profile,
        signature_ca: prefecture.unwrap_or(&world.authorities.signature).root(),
        authentication_ca: world.authorities.authentication.root(),
        signature_pin: pins.signature,
        authentication_pin: pins.authentication,
        has_signature: record.signature.is_some(),
        has_authentication: record.authentication.is_some(),
        face: Face::of(&world.authorities, record, pins.form),
    };
    let mut harness = Harness::new(known, tell);
    harness.prove(&mut desk.reader()?);
    if harness.passed() {
        harness.lock(&mut clone.reader()?, &issue::issuer_keys(world, record));
    }
    let checks = harness.checks().to_vec();
    desk.clear();
    clone.clear();
    Ok(checks)
}

/// One verdict on one line.
pub(crate) fn print(check: &Check) {
    let verdict = if check.passed { "ok  " } else { "FAIL" };
    say_line!(
        "{verdict} {:>9}  {}: {}",
        duration(Duration::from_micros(u64::try_from(check.micros).unwrap_or(0))),
        check.name,
        check.seen
    );
}

/// How many of how many, and how long it took.
pub(crate) fn summary(checks: &[Check], took: Duration) -> String {
    let passed = checks.iter().filter(|check| check.passed).count();
    format!("{passed} of {} checks passed in {}", checks.len(), duration(took))
}

/// A duration in a unit that people read.
pub(crate) fn duration(took: Duration) -> String {
    match took.as_micros() {
        micros @ 0..10_000 => format!("{:.2} ms", micros as f64 / 1000.0),
        micros @ 10_000..1_000_000 => format!("{:.0} ms", micros as f64 / 1000.0),
        micros => format!("{:.2} s", micros as f64 / 1_000_000.0),
    }
}
