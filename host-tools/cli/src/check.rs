//! `jitsuin check`: the verification harness over a PC/SC socket.

use crate::{args, desk::Desk, failure::Failure, out::say};
use pki::{
    card_record::CardRecord,
    harness::{Check, Face, Harness, Known},
};
use serde_json::json;
use sim::card::StoredCard;
use std::time::{Duration, Instant};
use world::{World, issue};

/// `jitsuin check`
pub(crate) fn run(check: &args::Check) -> Result<(), Failure> {
    let world = crate::world(&check.world)?;
    let (record, card) = crate::card(&world, &check.card)?;
    let began = Instant::now();
    let json = check.json;
    let pins = Presented { authentication: &check.auth_pin, signature: &check.sign_pin, form: &check.form_pin };
    let checks = prove(&world, &record, card, pins, &mut |check| {
        if !json {
            print(check);
        }
    })?;
    let failed = checks.iter().filter(|check| !check.passed).count();
    if json {
        crate::print_json(&json!({ "card": record.id, "passed": failed == 0, "checks": checks }))?;
    } else {
        say!("{}", summary(&checks, began.elapsed()));
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Refused(format!("{failed} checks failed on {}", record.id))) }
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
    say!(
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
