//! `jitsuin firmware run`: commands to a card in the emulator of this process, and what each cost.

use super::program;
use crate::{args, failure::Failure, out::say};
use serde::Serialize;
use sim::{image, reader::Reader, sample};
use std::{
    fs,
    io::{BufRead, stdin},
};
use trial::costs::{Cost, Meter};
use zeroize::Zeroizing;

/// Longest line of standard input.
const LINE: usize = 16 << 10;

#[derive(Serialize)]
struct Exchange {
    command: String,
    answer: String,
    #[serde(flatten)]
    cost: Cost,
}

pub(super) fn run(run: &args::FirmwareRun) -> Result<(), Failure> {
    let program = program(run.firmware.as_deref())?;
    let memory = match &run.image {
        Some(path) => {
            let bytes = Zeroizing::new(
                fs::read(path).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?,
            );
            Zeroizing::new(image::parse(path, &bytes)?.bytes().to_vec())
        }
        None => {
            let card =
                sample::of_kind(&run.card).ok_or_else(|| Failure::Usage(format!("no card of kind {:?}", run.card)))?;
            Zeroizing::new(card.nvm().bytes().to_vec())
        }
    };
    let mut meter = Meter::start(&program, &memory, run.seed)?;
    let start = meter.take();
    if !run.json {
        say!(
            "{:>13} instructions  {:>6} bytes of stack  {:>6} words written  start",
            start.instructions,
            start.stack,
            start.words
        );
    }
    let mut exchanges = Vec::new();
    let mut exchange = |text: &str| -> Result<(), Failure> {
        let digits: String = text.split_whitespace().collect();
        let command = hex::decode(&digits).map_err(|error| Failure::Usage(format!("{text:?}: {error}")))?;
        if command.len() < 2 {
            return Err(Failure::Usage(format!("{text:?}: a command APDU has at least four bytes")));
        }
        let answer = meter.transmit(&command)?;
        let done =
            Exchange { command: hex::encode_upper(&command), answer: hex::encode_upper(&answer), cost: meter.take() };
        if !run.json {
            say!(
                "{:>13} instructions  {:>6} bytes of stack  {:>6} words written  {} < {}",
                done.cost.instructions,
                done.cost.stack,
                done.cost.words,
                done.command,
                done.answer
            );
        }
        exchanges.push(done);
        Ok(())
    };
    for command in &run.commands {
        exchange(command)?;
    }
    if run.commands.is_empty() {
        for line in stdin().lock().lines() {
            let line = line?;
            if line.len() > LINE {
                return Err(Failure::Usage("a line is longer than any command APDU".into()));
            }
            // As in card scripts.
            let text = line.split('#').next().unwrap_or_default().trim();
            if !text.is_empty() {
                exchange(text)?;
            }
        }
    }
    if run.json {
        crate::print_json(&exchanges)?;
    }
    Ok(())
}
