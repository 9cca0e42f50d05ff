//! `jitsuin conform`: a card held against the conformance cases.

use crate::{
    args::{self, Allowed},
    desk::Desk,
    failure::Failure,
    out::say,
};
use conform::{
    case::{Effect, Suite},
    report::{self, Report},
    run::{self, Cards, Options, Outcome},
    subject::Subject,
    vpcd::Listener,
};
use pki::personalise::Pins;
use sim::{
    card::{Direct, StoredCard},
    pcsc::PcscReader,
    reader::Reader,
};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    path::Path,
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

/// Longest text of secrets, in bytes.
const SECRETS_MAX: u64 = 16 * 1024;

/// `jitsuin conform`
pub(crate) fn run(conform: &args::Conform) -> Result<(), Failure> {
    let suite = suite(conform)?;
    if conform.list {
        return list(&suite, conform);
    }
    let (mut subject, card) = match (&conform.world, &conform.card) {
        (Some(world), Some(id)) => {
            let world = crate::world(world)?;
            let (record, card) = crate::card(&world, id)?;
            (Subject::of_card(&world.authorities, &record, &pins(conform, record.profile.is_juki_card())?)?, Some(card))
        }
        _ => (Subject::new("card"), None),
    };
    if let Some(file) = &conform.subject {
        subject = Subject::load(file).map_err(usage)?;
    }
    complete(&mut subject, conform)?;
    let outcomes = match card {
        Some(card) if conform.in_place => {
            let desk = Desk::new(Box::new(card))?;
            let outcomes = hold(&suite, &subject, conform, &mut Cards::One(&mut desk.reader()?));
            desk.clear();
            outcomes
        }
        Some(card) => hold(&suite, &subject, conform, &mut Cards::Copies(&mut copies(card))),
        None => hold(&suite, &subject, conform, &mut Cards::One(&mut *elsewhere(conform)?)),
    };
    finish(conform, Report::new(&subject, OffsetDateTime::now_utc().format(&Rfc3339)?, outcomes))
}

fn usage(error: impl std::error::Error) -> Failure {
    Failure::Usage(error.to_string())
}

fn suite(conform: &args::Conform) -> Result<Suite, Failure> {
    let mut suite = Suite::built_in()?;
    conform.folders.iter().try_for_each(|folder| suite.add_folder(folder).map_err(usage))?;
    suite.keep(&conform.cases).map_err(Failure::Usage)?;
    Ok(suite)
}

/// A fresh copy of a card, as often as one is asked for.
fn copies(card: StoredCard) -> impl FnMut() -> Box<dyn Reader> {
    move || Box::new(Direct(card.fork()))
}

/// PINs by the same rules and defaults as at issue.
fn pins(conform: &args::Conform, juki_card: bool) -> Result<Pins, Failure> {
    if juki_card {
        return Pins::of_juki_card(&conform.sign_pin).map_err(usage);
    }
    let mut pins = Pins::new(&conform.auth_pin, &conform.sign_pin).map_err(usage)?;
    if let Some(pin) = &conform.residents_pin {
        pins = pins.with_residents(pin).map_err(usage)?;
    }
    match &conform.form_pin {
        Some(pin) => pins.with_form(pin).map_err(usage),
        None => Ok(pins),
    }
}

/// Adds what the command line, the environment and standard input tell.
fn complete(subject: &mut Subject, conform: &args::Conform) -> Result<(), Failure> {
    conform.traits.iter().try_for_each(|name| subject.add_trait(name)).map_err(usage)?;
    subject.add_environment(|name| std::env::var(name).ok()).map_err(usage)?;
    if let Some(path) = &conform.secrets {
        let mut text = Zeroizing::new(String::new());
        let read = match path.to_str() {
            Some("-") => std::io::stdin().lock().take(SECRETS_MAX).read_to_string(&mut text),
            _ => fs::File::open(path).and_then(|file| file.take(SECRETS_MAX).read_to_string(&mut text)),
        };
        read.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        subject.add_lines(&text).map_err(usage)?;
    }
    if subject.traits().next().is_none() {
        let what = "nothing is known of this card: --subject FILE or --trait NAME,... tell what it has; \
                    traits are those of docs/CONFORMANCE.md, at least jpki";
        return Err(Failure::Usage(what.into()));
    }
    Ok(())
}

/// A card that is none of this program's.
fn elsewhere(conform: &args::Conform) -> Result<Box<dyn Reader>, Failure> {
    if let Some(socket) = &conform.pcsc {
        return Ok(Box::new(PcscReader::open(socket, conform.reader.as_deref())?));
    }
    let Some(address) = &conform.vpcd else {
        return Err(Failure::Usage("which card? WORLD CARD, --pcsc SOCKET or --vpcd HOST:PORT".into()));
    };
    let listener = Listener::bind(address).map_err(usage)?;
    eprintln!("waiting {} s for a card program to connect to {}", conform.wait, listener.address()?);
    let reader = listener.wait(Duration::from_secs(conform.wait));
    Ok(Box::new(reader.map_err(|error| Failure::Refused(format!("{address}: no card program came: {error}")))?))
}

fn hold(suite: &Suite, subject: &Subject, conform: &args::Conform, cards: &mut Cards<'_>) -> Vec<Outcome> {
    let quiet = conform.json.as_deref().is_some_and(|path| path == Path::new("-"));
    let options = Options { allow: effects(&conform.allow), quick: conform.quick };
    run::run(suite, subject, cards, &options, &mut |outcome| {
        if !quiet {
            say!("{}", report::line(outcome));
        }
    })
}

fn effects(allow: &[Allowed]) -> BTreeSet<Effect> {
    let mut effects = BTreeSet::new();
    for allowed in allow {
        match allowed {
            Allowed::SpendsTries => drop(effects.insert(Effect::SpendsTries)),
            Allowed::ChangesCard => drop(effects.insert(Effect::ChangesCard)),
            Allowed::Locks => drop(effects.insert(Effect::Locks)),
            Allowed::All => effects.extend([Effect::SpendsTries, Effect::ChangesCard, Effect::Locks]),
        }
    }
    effects
}

fn finish(conform: &args::Conform, report: Report) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(&report)?;
    match conform.json.as_deref() {
        Some(path) if path == Path::new("-") => say!("{json}"),
        Some(path) => write(path, &json)?,
        None => {}
    }
    if let Some(path) = &conform.junit {
        write(path, &report::junit(&report, conform.strict))?;
    }
    if let Some(path) = &conform.html {
        write(path, &report::html(&report))?;
    }
    if conform.json.as_deref() != Some(Path::new("-")) {
        say!("\n{}", report::summary(&report));
    }
    if report.counts.good(conform.strict) {
        return Ok(());
    }
    let counts = report.counts;
    Err(Failure::Refused(match counts.passed {
        0 if counts.failed == 0 => "no case applied to this card; see which traits and secrets are missing".into(),
        _ => format!("{} cases failed, {} differ, on {}", counts.failed, counts.differs, report.subject),
    }))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))
}

fn list(suite: &Suite, conform: &args::Conform) -> Result<(), Failure> {
    if conform.json.is_some() {
        return crate::print_json(&suite.cases());
    }
    let mut chapter = "";
    for case in suite.cases() {
        if case.chapter != chapter {
            chapter = &case.chapter;
            say!("{}{chapter}", if case.id == suite.cases()[0].id { "" } else { "\n" });
        }
        let effect = if case.effect == Effect::None { String::new() } else { format!(" ({})", case.effect) };
        say!("  {:<8} {:<4} {}{effect}", case.id, case.confidence.to_string(), case.title);
    }
    Ok(())
}
