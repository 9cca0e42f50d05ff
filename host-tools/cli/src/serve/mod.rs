//! `jitsuin serve`: readers with cards in them, until interrupted.

mod control;
mod machine;
mod rack;
mod request;

pub(crate) use request::{About, Answer, Pin, Request, Tear};

use crate::{args, desk::READER, failure::Failure, out::say};
use control::Control;
use machine::Machines;
use rack::Rack;
use sim::{
    backend::{AnyEngine, Backend},
    hostile::Plan,
    pcsc::{Port, SOCKET_VARIABLE, SYSTEM_PATH, Server, Socket},
    vpcd::{Listener, Vpcd},
};
use std::{
    fs::{OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};
use world::status::CardStatus;

/// Where `jitsuin ctl` looks for the control channel.
pub(crate) const CONTROL_VARIABLE: &str = "JITSUIN_CONTROL";

/// Readers behind one socket: as many as every libpcsclite can see.
const READERS: usize = 16;

/// `jitsuin serve`
pub(crate) fn run(serve: &args::Serve) -> Result<(), Failure> {
    if serve.verbose {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    }
    let world = crate::world(&serve.world)?;
    let engine = engine(serve.engine)?;
    let signer = engine.backend();
    let places = places(serve, &world)?;
    let folder = places.iter().find_map(|place| place.card.as_deref()).map(|card| world.card_folder(card));
    let names: Vec<String> = places.iter().map(|place| place.reader.clone()).collect();
    let plan =
        serve.hostile.as_deref().map(Plan::load).transpose().map_err(|error| Failure::Usage(error.to_string()))?;
    let machines = Machines::new(serve)?;
    let run_by = machines.as_ref().map(ToString::to_string);
    let rack = Arc::new(Rack::new(world, engine, &names, serve.pin_pad, plan.as_ref(), machines)?);
    if let Some(path) = &serve.trace {
        rack.outputs.add(trace_file(path)?);
    }
    let (interrupted, wait) = mpsc::sync_channel(1);
    let stop = interrupted.clone();
    ctrlc::set_handler(move || {
        // Full where somebody has said so before.
        let _ = interrupted.try_send(());
    })?;
    for Place { reader, card } in &places {
        card.iter().try_for_each(|card| rack.insert(reader, card))?;
    }
    rack.bring_back();
    let slots: Vec<_> = rack.slots().cloned().collect();
    let server = match path(serve, folder)? {
        Some(path) => Some(Server::open(sockets(&path, rack.ports(), serve.system))?),
        None => None,
    };
    let control = match (&serve.control, &server) {
        (Some(path), _) => Some(std::path::absolute(path)?),
        (None, Some(server)) if !serve.system => Some(beside(server.path())),
        (None, _) => None,
    };
    let control = control.map(|path| Control::open(&path, Arc::clone(&rack), stop)).transpose()?;
    let attach = |(address, slot): (&String, _)| Vpcd::attach(address, slot, serve.allow_remote);
    let attached: Vec<Vpcd> = serve.vpcd.iter().zip(slots.iter().cloned()).map(attach).collect::<Result<_, _>>()?;
    // The last readers are those of others.
    let guests = slots[slots.len() - serve.vpcd_listen.len()..].iter().cloned();
    let listen = |(address, slot): (&String, _)| Listener::bind(address, slot, serve.allow_remote);
    let listening: Vec<Listener> = serve.vpcd_listen.iter().zip(guests).map(listen).collect::<Result<_, _>>()?;

    for path in server.iter().flat_map(Server::paths) {
        say!("export {SOCKET_VARIABLE}={}", quoted(path));
    }
    if let Some(control) = &control {
        say!("export {CONTROL_VARIABLE}={}", quoted(control.path()));
    }
    for address in &serve.vpcd {
        say!("# attached to vpcd at {address}, again whenever it comes back");
    }
    for listener in &listening {
        say!("# virtual cards may connect to {}", listener.address());
    }
    match run_by {
        Some(machine) => say!("# cards are {machine}"),
        None => say!("# signatures by the engine {signer}"),
    }
    if let Some(Plan { name, seed, rules }) = &plan {
        say!("# hostile by {name}, {} rules, seed {seed}: copies of cards, whose answers are spoilt", rules.len());
    }
    for Place { reader, card } in &places {
        let card = card.as_deref().unwrap_or("no card");
        say!("# {card} is in the reader {reader:?}; interrupt to take it out");
    }
    // The senders live in the handler and the control channel, so this waits for a word and nothing else.
    let _ = wait.recv();
    drop((server, attached, listening, control));
    rack.clear();
    for card in places.iter().filter_map(|place| place.card.as_deref()) {
        eprintln!("{card} is out of the reader");
    }
    Ok(())
}

/// A reader, and the card that is in it at first.
struct Place {
    reader: String,
    card: Option<String>,
}

/// The readers asked for: the card named first, then each `--reader`, each card of `--all`, and those for others' cards.
fn places(serve: &args::Serve, world: &world::World) -> Result<Vec<Place>, Failure> {
    let mut cards: Vec<Option<String>> = serve.card.iter().cloned().map(Some).collect();
    if serve.all {
        let all = world.cards()?.into_iter().filter(|card| card.status != CardStatus::Issuing);
        cards.extend(all.map(|card| Some(card.record.id)));
    }
    let named = serve.reader.iter().map(|(name, card)| Place { reader: name.clone(), card: card.clone() });
    let mut places: Vec<Place> = named.collect();
    let own = cards.len() + serve.vpcd_listen.len();
    cards.resize(own, None);
    // Those with names of their own stand between.
    let guests = serve.vpcd_listen.len();
    let numbered = cards.into_iter().enumerate().map(|(number, card)| Place { reader: name(number), card });
    let mut numbered: Vec<Place> = numbered.collect();
    let last = numbered.split_off(own - guests);
    numbered.append(&mut places);
    numbered.extend(last);
    if numbered.is_empty() {
        return Err(Failure::Usage("nothing to serve: name a card, --reader NAME=CARD, --all or --vpcd-listen".into()));
    }
    if serve.vpcd.len() > numbered.len() {
        return Err(Failure::Usage("more --vpcd than readers: the n-th is for the card of the n-th".into()));
    }
    Ok(numbered)
}

/// The name of a reader that was given none.
fn name(number: usize) -> String {
    if number == 0 { READER.into() } else { format!("Jitsuin Virtual Reader {number:02} 00") }
}

/// Where PC/SC clients are answered, if anywhere.
fn path(serve: &args::Serve, folder: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    match (&serve.pcsc, folder) {
        _ if serve.system => Ok(Some(SYSTEM_PATH.into())),
        (Some(path), _) => Ok(Some(std::path::absolute(path)?)),
        (None, _) if !serve.vpcd.is_empty() => Ok(None),
        (None, Some(folder)) => Ok(Some(std::path::absolute(folder.join("pcsc"))?)),
        (None, None) => Err(Failure::Usage("no card, hence no place for the socket: name one with --pcsc".into())),
    }
}

/// One socket for each 16 readers; those after the first have their number at the end of the path.
fn sockets(path: &Path, ports: Vec<Port>, public: bool) -> Vec<Socket> {
    let numbered = |number: usize| {
        let mut path = path.as_os_str().to_owned();
        if number > 0 {
            path.push(format!(".{number}"));
        }
        PathBuf::from(path)
    };
    let groups = ports.chunks(READERS).enumerate();
    groups.map(|(number, ports)| Socket { path: numbered(number), ports: ports.to_vec(), public }).collect()
}

/// The control channel's usual place.
fn beside(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".ctl");
    path.into()
}

/// The engine asked for, or the fastest.
fn engine(asked: Option<Backend>) -> Result<AnyEngine, Failure> {
    let here = || Backend::ALL.into_iter().filter(|backend| backend.is_available()).map(Backend::name);
    match asked {
        None => Ok(AnyEngine::default()),
        Some(backend) => AnyEngine::with(backend).map_err(|error| {
            Failure::Usage(format!("{error}; here there are {}", here().collect::<Vec<_>>().join(", ")))
        }),
    }
}

/// A trace shows who did what, so only its owner reads it.
fn trace_file(path: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path).and_then(|file| {
        // One that was there before has the mode of whoever made it.
        file.set_permissions(Permissions::from_mode(0o600)).map(|()| file)
    });
    Ok(Box::new(opened.map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?))
}

/// A path that a shell takes as one word.
fn quoted(path: &Path) -> String {
    let text = PathBuf::from(path).display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
