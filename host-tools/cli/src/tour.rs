//! `jitsuin` without a command: from nothing to a proved card.

use crate::{args, check, failure::Failure, issue, out::say};
use pki::{
    card_record::KeyOrigin, harness::Check, kind::CardProfile, person::Person, personalise::Pins, resident::Resident,
};
use serde_json::json;
use sim::{card::StoredCard, rng::SimRng};
use std::time::Instant;
use time::OffsetDateTime;
use world::{
    Options, World,
    issue::{self as counter, Application},
};

const AUTHENTICATION_PIN: &str = "1234";
const SIGNATURE_PASSWORD: &str = "ABC123";

const PRESENTED: check::Presented<'_> =
    check::Presented { authentication: AUTHENTICATION_PIN, signature: SIGNATURE_PASSWORD, form: AUTHENTICATION_PIN };

/// `jitsuin tour`
pub(crate) fn run(tour: &args::Played) -> Result<(), Failure> {
    let began = Instant::now();
    let temporary = tempfile::Builder::new().prefix("jitsuin-tour-").tempdir()?;
    let folder = tour.keep.clone().unwrap_or_else(|| temporary.path().join("world"));
    let mut checks = Vec::new();
    let mut tell = |check: &Check| {
        if !tour.json {
            check::print(check);
        }
    };
    let mut done = |name: &str, seen: String, began: Instant| {
        let check = Check { name: name.into(), passed: true, seen, micros: began.elapsed().as_micros() };
        tell(&check);
        checks.push(check);
    };

    let step = Instant::now();
    let now = OffsetDateTime::now_utc();
    let mut world = World::create(
        &folder,
        Options { seed: tour.seed, passphrase: crate::passphrase().as_deref(), ..Options::default() },
        now,
    )?;
    done("a world with two TEST certificate authorities", folder.display().to_string(), step);

    let step = Instant::now();
    let person = Person::sample("sample-1")?;
    let name = person.name.clone();
    let resident = Resident { person, security_code: None };
    let application = Application::new(resident, CardProfile::default(), KeyOrigin::Imported);
    let (card, blank) = counter::prepare(&mut world, &application, now)?;
    done("a blank card for a resident", format!("{} for {name}", card.record.id), step);

    let step = Instant::now();
    let pins = Pins::new(AUTHENTICATION_PIN, SIGNATURE_PASSWORD)?;
    let mut steps = 0;
    let record = issue::personalise(&world, card, blank, &pins, now, &mut |_| steps += 1)?.record;
    done("personalised by APDUs over its PC/SC socket", format!("{steps} steps, in one SCP03 channel"), step);

    let card = StoredCard::open(&world.image(&record.id), SimRng::from_os()?)?;
    checks.extend(check::prove(&world, &record, card, PRESENTED, &mut tell)?);

    let failed = checks.iter().filter(|check| !check.passed).count();
    if tour.json {
        crate::print_json(&json!({ "passed": failed == 0, "card": record.id, "checks": checks }))?;
    } else {
        say!("\n{}", check::summary(&checks, began.elapsed()));
        match &tour.keep {
            Some(folder) => say!("kept: jitsuin serve {} {}", folder.display(), record.id),
            None => say!("nothing is kept; `jitsuin tour --keep DIR` keeps the world, `jitsuin --help` shows more"),
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Refused(format!("{failed} checks failed"))) }
}
