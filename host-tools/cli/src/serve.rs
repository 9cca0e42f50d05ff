//! `jitsuin serve`: a card in a virtual reader until interrupted.

use crate::{args, desk::READER, failure::Failure, out::say};
use sim::{
    backend::{AnyEngine, Backend},
    pcsc::{SOCKET_VARIABLE, Server},
    slot::Slot,
    trace::Trace,
    vpcd::Vpcd,
};
use std::{
    fs::{OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

/// `jitsuin serve`
pub(crate) fn run(serve: &args::Serve) -> Result<(), Failure> {
    let world = crate::world(&serve.world)?;
    let engine = engine(serve.engine)?;
    let signer = engine.backend();
    let (record, card) = crate::card_on(&world, &serve.card, engine)?;
    let slot = Slot::new(READER);
    if let Some(path) = &serve.trace {
        slot.observe(Arc::new(Trace::new(trace_file(path)?, card.card().model())));
    }
    let (interrupted, wait) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more: the program is ending already.
        let _ = interrupted.send(());
    })?;
    slot.insert(Box::new(card));
    let path = match (&serve.pcsc, &serve.vpcd) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(world.card_folder(&record.id).join("pcsc")),
    };
    let server = match path {
        Some(path) => Some(Server::bind(&std::path::absolute(path)?, vec![Arc::clone(&slot)])?),
        None => None,
    };
    let vpcd = match &serve.vpcd {
        Some(address) => Some(Vpcd::attach(address, Arc::clone(&slot), serve.allow_remote)?),
        None => None,
    };
    if let Some(server) = &server {
        say!("export {SOCKET_VARIABLE}={}", quoted(server.path()));
    }
    if let Some(address) = &serve.vpcd {
        say!("# attached to vpcd at {address}, again whenever it comes back");
    }
    say!("# signatures by the engine {signer}");
    say!("# {} is in the reader {READER:?}; interrupt to take it out", record.id);
    // The sender lives in the handler, so this waits for an interrupt and nothing else.
    let _ = wait.recv();
    drop((server, vpcd));
    slot.remove();
    eprintln!("{} is out of the reader", record.id);
    Ok(())
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
