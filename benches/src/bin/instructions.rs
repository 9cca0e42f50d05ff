//! Runs one operation so many times, for a tool that counts instructions: `instructions NAME COUNT`. See `benches/instructions`.

use apdu::Command;
use benches::{QUERY, READ, SELECT, SIGN, VERIFY, ready, transmit};
use std::{hint::black_box, process::ExitCode};

const NAMES: &str = "parse select read query verify snapshot sign";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else { return usage() };
    let Ok(count) = count.parse::<u32>() else { return usage() };
    let template = ready();
    let mut card = template.fork();
    let mut once: Box<dyn FnMut()> = match name.as_str() {
        "parse" => Box::new(|| {
            let _ = black_box(Command::parse(black_box(SELECT)));
        }),
        "select" => Box::new(move || drop(transmit(&mut card, black_box(SELECT)))),
        "read" => Box::new(move || drop(transmit(&mut card, black_box(READ)))),
        "query" => Box::new(move || drop(transmit(&mut card, black_box(QUERY)))),
        "verify" => Box::new(move || drop(transmit(&mut card, black_box(VERIFY)))),
        "snapshot" => Box::new(|| drop(black_box(&template).fork())),
        "sign" => Box::new(move || drop(transmit(&mut card, black_box(SIGN)))),
        _ => return usage(),
    };
    // The first one fills caches of its own, so it is never part of the difference.
    once();
    for _ in 0..count {
        once();
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions NAME COUNT, NAME one of: {NAMES}");
    ExitCode::from(2)
}
