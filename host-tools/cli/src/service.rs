//! `jitsuin clock`, `resident`, `counter`, `callcentre`, `ledger`: the people around the card.

use crate::{
    args::{self, Clock, Counter, FormFor, Period, Resident, Which},
    desk::Desk,
    failure::Failure,
    out::say,
};
use pki::{
    birthday, era,
    person::Sex,
    personalise::{Halves, Pins},
};
use serde_json::{Value, json};
use time::{Duration, Month, OffsetDateTime, format_description::well_known::Rfc3339};
use world::{
    Certificate, World, callcentre, certificate, clock as world_clock,
    counter::{self, Cause, Done, Form, Procedure},
    ledger::{self as world_ledger, Event, Filter},
    register::{self, Change, Registered},
    status::{CertificateStatus, ResidentStatus},
};

/// `jitsuin clock`
pub(crate) fn clock(clock: &Clock) -> Result<(), Failure> {
    let (Clock::Show(args::ClockShow { world, json })
    | Clock::Real(args::ClockShow { world, json })
    | Clock::Set(args::ClockSet { world, json, .. })
    | Clock::Advance(args::ClockAdvance { world, json, .. })) = clock;
    let world = crate::world(world)?;
    match clock {
        Clock::Show(_) => {}
        Clock::Real(_) => world_clock::set(&world, None)?,
        Clock::Set(set) => world_clock::set(&world, Some(set.to))?,
        Clock::Advance(advance) => world_clock::set(&world, Some(advanced(world.now()?, advance.by)?))?,
    }
    let (now, stands) = (world.now()?, world_clock::get(&world)?.is_some());
    let text = now.format(&Rfc3339)?;
    if *json {
        return crate::print_json(&json!({ "now": text, "stands": stands }));
    }
    let day = era::written(birthday::jst_date(now));
    say!("{text}  {day}  {}", if stands { "the clock stands" } else { "real time" });
    Ok(())
}

fn advanced(from: OffsetDateTime, by: Period) -> Result<OffsetDateTime, Failure> {
    let far = || Failure::Usage("beyond the calendar".into());
    let months = i32::from(u8::from(from.month())) - 1 + i32::from(by.months) + 12 * i32::from(by.years);
    let year = from.year() + months / 12;
    let month = u8::try_from(months % 12 + 1).ok().and_then(|month| Month::try_from(month).ok()).ok_or_else(far)?;
    let day = from.day().min(month.length(year));
    let date = time::Date::from_calendar_date(year, month, day).map_err(|_| far())?;
    from.replace_date(date).checked_add(Duration::days(i64::from(by.days))).ok_or_else(far)
}

/// `jitsuin resident`
pub(crate) fn resident(resident: &Resident) -> Result<(), Failure> {
    match resident {
        Resident::Register(register) => enter(register),
        Resident::List(list) => residents(list),
        Resident::Show(show) => one(show),
        Resident::Move(to) => {
            let change = Change { address: Some(to.address.clone()), ..Change::default() };
            changed(&crate::world_at(&to.world, &to.now)?, &to.resident, &change, "moved", to.json)
        }
        Resident::Marry(to) => {
            let change = Change { name: Some(to.name.clone()), ..Change::default() };
            changed(&crate::world_at(&to.world, &to.now)?, &to.resident, &change, "married", to.json)
        }
        Resident::Change(to) => {
            let args::ResidentChange { name, address, birth, .. } = to;
            let change = Change { name: name.clone(), address: address.clone(), birth: *birth, sex: to.sex.map(sex) };
            changed(&crate::world_at(&to.world, &to.now)?, &to.resident, &change, "changed", to.json)
        }
        Resident::Die(leave) => left(leave, ResidentStatus::Deceased),
        Resident::MoveAbroad(leave) => left(leave, ResidentStatus::MovedAbroad),
    }
}

/// Sex out of the command line.
pub(crate) fn sex(sex: args::Sex) -> Sex {
    match sex {
        args::Sex::Male => Sex::Male,
        args::Sex::Female => Sex::Female,
        args::Sex::Unknown => Sex::Unknown,
        args::Sex::NotApplicable => Sex::NotApplicable,
    }
}

fn enter(enter: &args::Register) -> Result<(), Failure> {
    let world = crate::world_at(&enter.world, &enter.now)?;
    let now = world.now()?;
    let person = crate::person::named(&enter.person, birthday::jst_date(now))?.person;
    let registered = register::enter(&world, now, &person, enter.stay_ends)?;
    if enter.json {
        return crate::print_json(&shown(&registered, false));
    }
    say!("{}", registered.id);
    Ok(())
}

/// Somebody as JSON, without the My Number unless it is asked for.
fn shown(registered: &Registered, reveal: bool) -> Value {
    let mut value = serde_json::to_value(registered).unwrap_or_default();
    if let (false, Some(person)) = (reveal, value["person"].as_object_mut()) {
        person.remove("my_number");
    }
    value
}

fn residents(list: &args::ResidentList) -> Result<(), Failure> {
    let world = crate::world(&list.world)?;
    let all = register::all(&world)?;
    if list.json {
        return crate::print_json(&all.iter().map(|one| shown(one, list.reveal)).collect::<Vec<_>>());
    }
    for one in &all {
        let number = one.person.my_number.as_ref().filter(|_| list.reveal).map_or("", |number| number.digits());
        say!("{}  {}  {}  {}  {number}", one.id, one.status.name(), one.person.name, one.person.address);
    }
    Ok(())
}

fn one(show: &args::ResidentShow) -> Result<(), Failure> {
    let world = crate::world_at(&show.world, &show.now)?;
    let now = world.now()?;
    let registered = register::get(&world, &show.resident)?;
    let history = register::history(&world, &show.resident)?;
    let certificates = register::certificates(&world, &show.resident)?;
    let mut cards = world.cards()?;
    cards.retain(|card| card.resident == registered.id);
    if show.json {
        let cards: Vec<_> = cards.iter().map(|card| crate::show::listed(card, show.reveal)).collect();
        return crate::print_json(&json!({
            "resident": shown(&registered, show.reveal), "history": history, "cards": cards, "certificates": certificates,
        }));
    }
    let person = &registered.person;
    say!("{}  {}  {}", registered.id, registered.status.name(), person.name);
    say!("  住所 (address)       {}", person.address);
    say!("  生年月日 (birth)     {} {}", person.birth, era::written(person.birth));
    if let Some(number) = person.my_number.as_ref().filter(|_| show.reveal) {
        say!("  個人番号 (My Number) {}", number.digits());
    }
    for version in history {
        let since = birthday::jst_date(version.since);
        say!("  {since}  {}: {}, {}, {}", version.cause, version.status.name(), version.name, version.address);
    }
    for card in cards {
        say!(
            "  {}  {}, {}, expires {}",
            card.record.id,
            card.record.profile.name,
            card.status.name(),
            card.record.expires
        );
    }
    list_certificates(&certificates, now);
    Ok(())
}

fn list_certificates(certificates: &[Certificate], now: OffsetDateTime) {
    for one in certificates {
        let (last, status) = (one.last_day(), one.status);
        let state = match status {
            CertificateStatus::Valid if one.expired(now) => "期間満了 (expired)".to_owned(),
            CertificateStatus::Valid => format!("{} (valid)", status.japanese()),
            CertificateStatus::Held => format!("{} (suspended)", status.japanese()),
            CertificateStatus::Revoked { reason } => format!("{} ({})", status.japanese(), reason.name()),
        };
        say!("  {}  {}  {:06X}  {last}  {state}", one.card, certificate::title(one.hierarchy), one.serial);
    }
}

fn changed(world: &World, id: &str, change: &Change, cause: &str, json: bool) -> Result<(), Failure> {
    let now = world.now()?;
    let (registered, revoked) = register::change(world, now, id, change, cause)?;
    tell(&registered, &revoked, now, json)
}

fn left(leave: &args::ResidentLeave, status: ResidentStatus) -> Result<(), Failure> {
    let world = crate::world_at(&leave.world, &leave.now)?;
    let now = world.now()?;
    let (registered, revoked) = register::leave(&world, now, &leave.resident, status)?;
    tell(&registered, &revoked, now, leave.json)
}

fn tell(registered: &Registered, revoked: &[Certificate], now: OffsetDateTime, json: bool) -> Result<(), Failure> {
    if json {
        return crate::print_json(&json!({ "resident": shown(registered, false), "revoked": revoked }));
    }
    say!("{}: version {}, {}", registered.id, registered.version, registered.status.name());
    list_certificates(revoked, now);
    Ok(())
}

/// `jitsuin counter`
pub(crate) fn counter(counter: &Counter) -> Result<(), Failure> {
    match counter {
        Counter::Issue(certify) => certified(certify, Procedure::Issue),
        Counter::Renew(certify) => certified(certify, Procedure::Renew),
        Counter::Release(of) => done(of, counter::release),
        Counter::Return(of) => done(of, counter::take_back),
        Counter::Form(form) => printed(form),
        Counter::Revoke(revoke) => {
            let world = crate::world_at(&revoke.world, &revoke.now)?;
            let (cause, which) = (cause(revoke.cause), halves(revoke.which));
            handed(&counter::revoke(&world, world.now()?, &revoke.card, cause, which)?, revoke.json)
        }
    }
}

fn printed(form: &args::CounterForm) -> Result<(), Failure> {
    let world = crate::world_at(&form.world, &form.now)?;
    let which = match form.procedure {
        FormFor::Issue => Form::Issue,
        FormFor::Revoke => Form::Revoke,
        FormFor::ResetPin => Form::PinReset,
    };
    let text = counter::form(&world, world.now()?, &form.card, which)?;
    if form.json {
        return crate::print_json(&json!({ "card": form.card, "form": text }));
    }
    say!("{text}");
    Ok(())
}

fn done(
    of: &args::CounterCard,
    procedure: fn(&World, OffsetDateTime, &str) -> Result<Done, world::WorldError>,
) -> Result<(), Failure> {
    let world = crate::world_at(&of.world, &of.now)?;
    handed(&procedure(&world, world.now()?, &of.card)?, of.json)
}

/// The paper that the counter hands out.
pub(crate) fn handed(done: &Done, json: bool) -> Result<(), Failure> {
    if json {
        return crate::print_json(done);
    }
    say!("{}", done.paper);
    say!("手数料 (fee): {} 円  {}", done.fee.yen, done.fee.why);
    Ok(())
}

pub(crate) const fn halves(which: Which) -> Halves {
    Halves {
        signature: matches!(which, Which::Signature | Which::Both),
        authentication: matches!(which, Which::Authentication | Which::Both),
    }
}

const fn cause(cause: args::Cause) -> Cause {
    match cause {
        args::Cause::StopUsing => Cause::StopUsing,
        args::Cause::Lost => Cause::Lost,
        args::Cause::Stolen => Cause::Stolen,
        args::Cause::Broken => Cause::Broken,
        args::Cause::Misused => Cause::Misused,
        args::Cause::KeyLeaked => Cause::KeyLeaked,
    }
}

fn certified(certify: &args::Certify, procedure: Procedure) -> Result<(), Failure> {
    let pins = Pins::new(&certify.auth_pin, &certify.sign_pin).map_err(|error| Failure::Usage(error.to_string()))?;
    let world = crate::world_at(&certify.world, &certify.now)?;
    let (_, card) = crate::card(&world, &certify.card)?;
    let desk = Desk::new(Box::new(card))?;
    let (now, what) = (world.now()?, (procedure, halves(certify.which)));
    let done = counter::certify(&world, now, &certify.card, what, Some(&pins), &mut desk.reader()?, &mut |step| {
        if !certify.json {
            eprintln!("  {step}");
        }
    });
    desk.clear();
    handed(&done?, certify.json)
}

/// `jitsuin callcentre stop`
pub(crate) fn stop(stop: &args::CounterCard) -> Result<(), Failure> {
    let world = crate::world_at(&stop.world, &stop.now)?;
    let now = world.now()?;
    let held = callcentre::stop(&world, now, &stop.card)?;
    if stop.json {
        return crate::print_json(&json!({ "card": stop.card, "suspended": held }));
    }
    say!("{}: 一時停止 (stopped)", stop.card);
    list_certificates(&held, now);
    say!("the counter releases it (`jitsuin counter release`) or ends it (`jitsuin counter revoke --cause lost`)");
    Ok(())
}

/// `jitsuin ledger`
pub(crate) fn ledger(ledger: &args::Ledger) -> Result<(), Failure> {
    let world = crate::world(&ledger.world)?;
    let filter = Filter { resident: ledger.resident.clone(), card: ledger.card.clone(), after: ledger.after };
    let events = world_ledger::events(&world, &filter)?;
    if ledger.json {
        return crate::print_json(&events);
    }
    events.iter().try_for_each(write_event)
}

/// A line of the ledger.
pub(crate) fn write_event(event: &Event) -> Result<(), Failure> {
    let who = [&event.resident, &event.card].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
    let certificate = event.authority.as_ref().zip(event.serial.as_ref());
    let serial = certificate.map(|(authority, serial)| format!(" {authority}:{serial}")).unwrap_or_default();
    let at = event.at.format(&Rfc3339)?;
    say!("{:>6}  {at}  {:11}  {}  {who}{serial}  {}", event.id, event.actor, event.event, event.detail);
    Ok(())
}
