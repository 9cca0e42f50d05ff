//! `jitsuin new`, `jitsuin profiles`, `jitsuin issue`, `jitsuin reset-pin`.

use crate::{args, desk::Desk, failure::Failure, out::say};
use pki::{
    birthday,
    card_record::{CardRecord, KeyOrigin},
    kind::{self, CardProfile, ProfileError},
    person::Person,
    personalise::{self, Halves, Pins},
    resident::Resident,
};
use serde_json::json;
use sim::card::StoredCard;
use std::io::Read;
use time::OffsetDateTime;
use world::{
    Card, IssuerKeys, Options, World, WorldError, counter,
    issue::{self, Application},
};
use zeroize::Zeroizing;

/// `jitsuin new`
pub(crate) fn new(new: &args::New) -> Result<(), Failure> {
    let issuer = if new.diversified_keys { IssuerKeys::Diversified } else { IssuerKeys::Published };
    let passphrase = crate::passphrase();
    let options =
        Options { seed: new.seed, passphrase: passphrase.as_deref(), issuer, database: new.database.as_deref() };
    let world = World::create(&new.world, options, new.now.now.unwrap_or_else(OffsetDateTime::now_utc))?;
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
    if let Some(count) = issue.count {
        return crate::batch::begin(issue, count);
    }
    if let Some(id) = issue.resume.as_deref().filter(|id| id.starts_with("batch-")) {
        return crate::batch::resume(issue, id);
    }
    if issue.jobs.is_some() {
        return Err(Failure::Usage("--jobs is for batches: give --count N or --resume batch-0001".into()));
    }
    let mut world = crate::world_at(&issue.world, &issue.now)?;
    let now = world.now()?;
    // Everything that somebody may have typed wrongly is looked at before a card is taken out of the box.
    let (card, stored, pins) = match &issue.resume {
        Some(id) => {
            let (card, stored) = issue::take_up(&world, id)?;
            let pins = pins(issue, &card.record.profile)?;
            (card, stored, pins)
        }
        None => {
            let keys = if issue.on_card_keys { KeyOrigin::OnCard } else { KeyOrigin::Imported };
            let (profile, resident) = (profile(&issue.profile)?, resident(issue, now)?);
            let pins = pins(issue, &profile)?;
            let mut application = Application::new(resident, profile, keys);
            application.halves = Halves { signature: !issue.no_signature, authentication: !issue.no_authentication };
            application.stay_ends = issue.stay_ends;
            let (card, stored) = issue::prepare(&mut world, &application, now)?;
            (card, stored, pins)
        }
    };
    if !issue.json && world.issuer() == IssuerKeys::Published {
        eprintln!("issuer keys: the published GlobalPlatform TEST key set; anybody can rewrite this card");
    }
    let card = personalise(&world, card, stored, &pins, now, &mut |step| {
        if !issue.json {
            eprintln!("  {step}");
        }
    })?;
    if issue.json {
        // Who wants the My Number asks `show --reveal` for it.
        return crate::print_json(&crate::show::listed(&card, false));
    }
    say!("{}", card.record.id);
    Ok(())
}

/// The first PINs, by the rules of the card's kind.
pub(crate) fn pins(issue: &args::Issue, profile: &CardProfile) -> Result<Pins, Failure> {
    let usage = |error: personalise::PinError| Failure::Usage(error.to_string());
    if profile.is_juki_card() {
        return Pins::of_juki_card(&issue.sign_pin).map_err(usage);
    }
    let pins = Pins::new(&issue.auth_pin, &issue.sign_pin);
    pins.and_then(|pins| pins.with_residents(&issue.residents_pin)?.with_form(&issue.form_pin)).map_err(usage)
}

/// A card profile by its name, or out of a file where the name looks like one.
pub(crate) fn profile(name: &str) -> Result<CardProfile, Failure> {
    let usage = |error: ProfileError| Failure::Usage(error.to_string());
    if !name.contains(['.', '/']) {
        return CardProfile::by_name(name).map_err(usage);
    }
    let io = |error: std::io::Error| Failure::Usage(format!("{name}: {error}"));
    let mut text = String::new();
    let limit = u64::try_from(kind::FILE_MAX).unwrap_or(u64::MAX) + 1;
    std::fs::File::open(name).map_err(io)?.take(limit).read_to_string(&mut text).map_err(io)?;
    CardProfile::from_toml(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))
}

/// `jitsuin profiles`
pub(crate) fn profiles(profiles: &args::Profiles) -> Result<(), Failure> {
    if profiles.json {
        return crate::print_json(&CardProfile::all());
    }
    for profile in CardProfile::all() {
        say!("{:24} {}", profile.name, profile.title);
        say!("{:24} {}", "", profile.japanese);
        say!("{:24} ATR {}, token {}, card.md {}", "", profile.atr, profile.token, profile.source);
    }
    Ok(())
}

/// Personalises a card over a PC/SC socket of its own.
pub(crate) fn personalise(
    world: &World,
    mut card: Card,
    stored: StoredCard,
    pins: &Pins,
    now: OffsetDateTime,
    step: &mut dyn FnMut(&str),
) -> Result<Card, Failure> {
    let desk = Desk::new(Box::new(stored))?;
    let mut reader = desk.reader()?;
    let issued = issue::issue(world, &mut card, &mut reader, pins, now, step);
    desk.clear();
    issued.map_err(|error| match error {
        WorldError::Invalid(_) => error.into(),
        _ => Failure::Refused(format!(
            "{error}\nnothing is lost: `jitsuin issue WORLD --resume {}` goes on",
            card.record.id
        )),
    })?;
    Ok(card)
}

fn resident(issue: &args::Issue, now: OffsetDateTime) -> Result<Resident, Failure> {
    let today = birthday::jst_date(now);
    let (Some(name), Some(address), Some(birth), Some(sex)) = (&issue.name, &issue.address, &issue.birth, issue.sex)
    else {
        return crate::person::named(issue.person.as_deref().unwrap_or("sample-1"), today);
    };
    let birth = crate::person::date("--birth", birth)?;
    let person = Person::new(name, address, birth, crate::service::sex(sex), today)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Resident { person, security_code: None })
}

/// `jitsuin reset-pin`
pub(crate) fn reset_pin(reset: &args::ResetPin) -> Result<(), Failure> {
    let world = crate::world_at(&reset.world, &reset.now)?;
    let (record, card) = crate::card(&world, &reset.card)?;
    let (groupings, value, name) = checked(reset, &record)?;
    let model = record.profile.model();
    if groupings.iter().any(|grouping| model.by_grouping(*grouping).is_none()) {
        return Err(Failure::Refused(format!(
            "{}: a card of profile {:?} has no {name}",
            record.id, record.profile.name
        )));
    }
    if reset.pin == args::Pin::Sign && record.signature.is_none() {
        return Err(Failure::Refused(format!(
            "{}: issued without a signature certificate, so there is no password to reset",
            record.id
        )));
    }
    let desk = Desk::new(Box::new(card))?;
    let done = counter::reset_pin(&world, world.now()?, &reset.card, &mut desk.reader()?, groupings, &value);
    desk.clear();
    done?;
    if reset.json {
        return crate::print_json(&json!({ "card": reset.card, "reset": reset.pin.name() }));
    }
    say!("{name} has its new value and all its tries");
    Ok(())
}

/// The PIN objects that one citizen-visible PIN stands for, the value by their rules, and its name.
fn checked(
    reset: &args::ResetPin,
    record: &CardRecord,
) -> Result<(&'static [u16], Zeroizing<String>, &'static str), Failure> {
    let usage = |error: personalise::PinError| Failure::Usage(error.to_string());
    let digits = |name| personalise::check_digits(name, &reset.value).map_err(usage).map(|value| (value, name));
    let (groupings, (value, name)): (&[u16], _) = match reset.pin {
        args::Pin::Auth => (&[0x0118], digits(personalise::AUTHENTICATION)?),
        args::Pin::Residents => (&[0x021C, 0x031C], digits(personalise::RESIDENTS)?),
        args::Pin::Form => (&[0x0511], digits(personalise::FORM)?),
        args::Pin::Sign => {
            let check =
                if record.profile.is_juki_card() { personalise::check_juki_card } else { personalise::check_signature };
            (&[0x011B], (check(&reset.value).map_err(usage)?, "署名用暗証番号 (signature password)"))
        }
    };
    Ok((groupings, value, name))
}
