//! The `jitsuin` binary: arguments, one call, an exit code.

mod apdu;
mod apply;
mod args;
mod authority;
mod batch;
mod bench;
mod card;
mod check;
mod client;
mod conform;
mod ctl;
mod decode;
mod desk;
mod explore;
mod failure;
mod firmware;
mod fuzz;
mod glitch;
mod issue;
mod kiosk;
mod learn;
mod login;
mod on_record;
mod out;
mod person;
mod private;
mod real;
mod report;
mod serve;
mod service;
mod show;
mod story;
mod tour;
mod trace;
mod until;
mod watch;

use crate::{
    args::{Arguments, Command},
    failure::Failure,
    out::say,
};
use clap::Parser;
use pki::card_record::CardRecord;
use serde::Serialize;
use sim::{backend::AnyEngine, card::StoredCard, rng::SimRng};
use std::{path::Path, process::ExitCode};
use world::{World, status::CardStatus};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command.unwrap_or(Command::Tour(args::Played::default())) {
        Command::Tour(tour) => tour::run(&tour),
        Command::Story(story) => story::run(&story),
        Command::New(new) => issue::new(&new),
        Command::Profiles(profiles) => issue::profiles(&profiles),
        Command::Person(person) => person::run(&person),
        Command::Issue(issue) => issue::issue(&issue),
        Command::Clock(clock) => service::clock(&clock),
        Command::Resident(resident) => service::resident(&resident),
        Command::Counter(counter) => service::counter(&counter),
        Command::CallCentre(args::CallCentre::Stop(stop)) => service::stop(&stop),
        Command::Authority(authority) => authority::run(&authority),
        Command::Apply(apply) => apply::run(&apply),
        Command::Login(login) => login::run(&login),
        Command::Kiosk(kiosk) => kiosk::run(&kiosk),
        Command::Ledger(ledger) => service::ledger(&ledger),
        Command::Serve(serve) => serve::run(&serve),
        Command::Ctl(ctl) => ctl::run(ctl),
        Command::Watch(watch) => watch::run(&watch),
        Command::Trace(trace) => trace::run(&trace),
        Command::Check(check) => check::run(&check),
        Command::Client(client) => client::run(&client),
        Command::Conform(conform) => conform::run(&conform),
        Command::Explore(explore) => explore::run(&explore),
        Command::Fuzz(fuzz) => fuzz::run(&fuzz),
        Command::Learn(learn) => learn::run(&learn),
        Command::Firmware(firmware) => firmware::run(&firmware),
        Command::Glitch(glitch) => glitch::run(&glitch),
        Command::Show(show) => show::run(&show),
        Command::Card(args::Card::Report(report)) => card::report(&report),
        Command::Apdu(apdu) => apdu::run(&apdu),
        Command::ResetPin(reset) => issue::reset_pin(&reset),
        Command::Bench(bench) => bench::run(&bench),
        Command::BenchOnce(once) => bench::once(&once),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("jitsuin: {}", out::lines(&failure.to_string()));
            failure.exit_code()
        }
    }
}

/// Passphrase of the authorities' keys, from the environment.
fn passphrase() -> Option<String> {
    std::env::var("JITSUIN_PASSPHRASE").ok().filter(|passphrase| !passphrase.is_empty())
}

/// Opens a world.
fn world(folder: &Path) -> Result<World, Failure> {
    Ok(World::open(folder, passphrase().as_deref())?)
}

/// Opens a world, at another time than its clock's where the command line says so.
fn world_at(folder: &Path, now: &args::Now) -> Result<World, Failure> {
    let mut world = world(folder)?;
    if let Some(now) = now.now {
        world.set_now(now);
    }
    Ok(world)
}

/// An issued card of a world, taken out of its box.
fn card(world: &World, id: &str) -> Result<(CardRecord, StoredCard), Failure> {
    card_on(world, id, AnyEngine::default())
}

/// The same on an engine that was asked for.
fn card_on(world: &World, id: &str, engine: AnyEngine) -> Result<(CardRecord, StoredCard), Failure> {
    let world::Card { record, status, .. } = world.card(id)?;
    if status == CardStatus::Issuing {
        return Err(Failure::Refused(format!(
            "the issue of {id} was interrupted; finish it with `jitsuin issue WORLD --resume {id}`"
        )));
    }
    Ok((record, StoredCard::open_on(&world.image(id), engine, SimRng::from_os()?)?))
}

/// Prints a JSON document.
fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    say!("{}", out::escaped(&serde_json::to_string_pretty(value)?));
    Ok(())
}
