//! `jitsuin new`, `jitsuin issue`, `jitsuin reset-pin`.

use crate::{args, desk::Desk, failure::Failure, out::say};
use pki::{
    birthday, counter,
    person::{Person, Sex},
    personalise::{self, Pins},
    profile::Hierarchy,
    world::{CardRecord, IssuerKeys, KeyOrigin, Options, World},
};
use serde_json::json;
use sim::card::StoredCard;
use time::OffsetDateTime;

/// `jitsuin new`
pub(crate) fn new(new: &args::New) -> Result<(), Failure> {
    let issuer = if new.diversified_keys { IssuerKeys::Diversified } else { IssuerKeys::Published };
    let passphrase = crate::passphrase();
    let options = Options { seed: new.seed, passphrase: passphrase.as_deref(), issuer };
    let world = World::create(&new.world, options, OffsetDateTime::now_utc())?;
    if new.json {
        return crate::print_json(&json!({
            "world": new.world,
            "signature_ca": world.folder().join("signature-ca/root.pem"),
            "authentication_ca": world.folder().join("authentication-ca/root.pem"),
        }));
    }
    say!("{}: a new world with two TEST certificate authorities", new.world.display());
    if new.seed.is_some() {
        say!("made from a seed: whoever knows it knows every key");
    }
    say!("next: jitsuin issue {}", new.world.display());
    Ok(())
}

/// `jitsuin issue`
pub(crate) fn issue(issue: &args::Issue) -> Result<(), Failure> {
    let pins = Pins::new(&issue.auth_pin, &issue.sign_pin).map_err(|error| Failure::Usage(error.to_string()))?;
    let now = OffsetDateTime::now_utc();
    let changing = World::change(&issue.world)?;
    let mut world = crate::world(&issue.world)?;
    let (record, card) = match &issue.resume {
        Some(id) => counter::take_up(&world, id)?,
        None => {
            let keys = if issue.on_card_keys { KeyOrigin::OnCard } else { KeyOrigin::Imported };
            counter::prepare(&mut world, &changing, person(issue, now)?, keys, now)?
        }
    };
    if !issue.json && world.issuer() == IssuerKeys::Published {
        eprintln!("issuer keys: the published GlobalPlatform TEST key set; anybody can rewrite this card");
    }
    let record = personalise(&mut world, &changing, record, card, &pins, now, &mut |step| {
        if !issue.json {
            eprintln!("  {step}");
        }
    })?;
    if issue.json {
        return crate::print_json(&record);
    }
    say!("{}", record.id);
    Ok(())
}

/// Personalises a card over a PC/SC socket of its own.
pub(crate) fn personalise(
    world: &mut World,
    changing: &pki::world::Changing,
    mut record: CardRecord,
    card: StoredCard,
    pins: &Pins,
    now: OffsetDateTime,
    step: &mut dyn FnMut(&str),
) -> Result<CardRecord, Failure> {
    let desk = Desk::new(Box::new(card))?;
    let mut reader = desk.reader()?;
    let issued = counter::issue(world, changing, &mut record, &mut reader, pins, now, step);
    desk.clear();
    issued.map_err(|error| {
        Failure::Refused(format!("{error}\nnothing is lost: `jitsuin issue WORLD --resume {}` goes on", record.id))
    })?;
    Ok(record)
}

fn person(issue: &args::Issue, now: OffsetDateTime) -> Result<Person, Failure> {
    let today = birthday::jst_date(now);
    let (Some(name), Some(address), Some(birth), Some(sex)) = (&issue.name, &issue.address, &issue.birth, issue.sex)
    else {
        // The security code, if one is named, belongs to the card's face.
        return Ok(crate::person::named(issue.person.as_deref().unwrap_or("sample-1"), today)?.person);
    };
    let birth = crate::person::date("--birth", birth)?;
    let sex = match sex {
        args::Sex::Male => Sex::Male,
        args::Sex::Female => Sex::Female,
        args::Sex::Unknown => Sex::Unknown,
        args::Sex::NotApplicable => Sex::NotApplicable,
    };
    Person::new(name, address, birth, sex, today).map_err(|error| Failure::Usage(error.to_string()))
}

/// `jitsuin reset-pin`
pub(crate) fn reset_pin(reset: &args::ResetPin) -> Result<(), Failure> {
    let usage = |error: personalise::PinError| Failure::Usage(error.to_string());
    let (hierarchy, value, name) = match reset.pin {
        args::Pin::Auth => {
            let value = personalise::check_authentication(&reset.value).map_err(usage)?;
            (Hierarchy::Authentication, value, "利用者証明用暗証番号 (authentication PIN)")
        }
        args::Pin::Sign => {
            let value = personalise::check_signature(&reset.value).map_err(usage)?;
            (Hierarchy::Signature, value, "署名用暗証番号 (signature password)")
        }
    };
    let world = crate::world(&reset.world)?;
    let (record, card) = crate::card(&world, &reset.card)?;
    if hierarchy == Hierarchy::Signature && record.signature.is_none() {
        return Err(Failure::Refused(format!(
            "{}: issued without a signature certificate, so there is no password to reset",
            record.id
        )));
    }
    let desk = Desk::new(Box::new(card))?;
    let done = counter::reset_pin(&mut desk.reader()?, &counter::issuer_keys(&world, &record), hierarchy, &value);
    desk.clear();
    done?;
    if reset.json {
        return crate::print_json(&json!({ "card": reset.card, "reset": hierarchy.name() }));
    }
    say!("{name} has its new value and all its tries");
    Ok(())
}
