//! `jitsuin learn`: a card's automaton, and what tells it apart.

use crate::{args, ctl::Channel, failure::Failure, out::say, private, real, serve::Request};
use indicatif::{ProgressBar, ProgressStyle};
use learn::{
    Output,
    alphabet::{self, Act, Alphabet},
    diff::{comparable, diff},
    learner::{self, Counts, Options},
    machine::{self, Machine, Rules},
    oracle::{Copies, InReader, Oracle, destructive},
    specification::Specification,
};
use serde_json::json;
use sim::{card::Simulated, nvm::Flash, reader::ReaderError, sample};
use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// What --diff compares with where it names no file.
const MODEL: &str = "model";
/// Name of the snapshot in the server.
const SNAPSHOT: &str = "jitsuin-learn";

/// `jitsuin learn`
pub(crate) fn run(learn: &args::Learn) -> Result<(), Failure> {
    let text = match &learn.alphabet {
        Some(file) => read(file, alphabet::TEXT_MAX)?,
        None => alphabet::PINS.into(),
    };
    if learn.print_alphabet {
        say!("{}", text.trim_end());
        return Ok(());
    }
    // Whatever is wrong with the files is said before a card is asked.
    let before = learn.from.as_deref().map(load).transpose()?;
    let alphabet = match (&before, &learn.alphabet) {
        (Some(machine), _) => machine.alphabet().clone(),
        (None, Some(file)) => Alphabet::parse(&text).map_err(|error| wrong(file, error))?,
        (None, None) => Alphabet::parse(&text)?,
    };
    let other = other(learn, &alphabet)?;
    for file in &learn.out {
        Form::of(file)?;
        if file.exists() && !learn.force {
            return Err(Failure::Refused(format!("{}: exists already; --force overwrites it", file.display())));
        }
    }
    let began = Instant::now();
    let (name, machine, counts) = match (before, &learn.from) {
        (Some(machine), Some(file)) => (file.display().to_string(), machine, None),
        _ => ask(learn, &alphabet)?,
    };
    let seconds = began.elapsed().as_secs_f64();
    for file in &learn.out {
        private::write(file, Form::of(file)?.write(&machine)?.as_bytes(), learn.force)?;
    }
    let difference = match &other {
        Some((_, other)) => diff(&machine, other)?,
        None => None,
    };
    let against = other.map(|(against, _)| against);
    let (states, symbols) = (machine.states().len(), alphabet.symbols().len());
    if learn.json {
        crate::print_json(&json!({
            "card": name, "states": states, "symbols": symbols, "asked": counts, "seconds": seconds,
            "compared_with": against, "difference": difference,
        }))?;
    } else {
        say!("{name}: {states} states, {symbols} symbols");
        if let Some(Counts { words, acts, counterexamples, .. }) = counts {
            say!(
                "{words} words, each from a reset; {acts} acts in them; {counterexamples} counterexamples; {seconds:.1} s"
            );
        }
        match (&against, &difference) {
            (Some(against), Some(trace)) => say!("told apart from {against}, which answers on the right:\n{trace}"),
            (Some(against), None) => say!("answers every word of these symbols as {against} does"),
            (None, _) => {}
        }
    }
    match (against, difference) {
        (Some(against), Some(trace)) => {
            let steps = trace.0.len();
            Err(Failure::Refused(format!("{name} does not answer as {against} does: {steps} steps tell them apart")))
        }
        _ => Ok(()),
    }
}

fn wrong(file: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{}: {error}", file.display()))
}

/// What the card is to be compared with.
fn other(learn: &args::Learn, alphabet: &Alphabet) -> Result<Option<(String, Machine)>, Failure> {
    let Some(file) = &learn.diff else { return Ok(None) };
    if file == Path::new(MODEL) {
        let machine = Specification.machine(alphabet).map_err(|error| {
            Failure::Usage(format!("{error}; --diff=FILE compares with what another card was seen to do"))
        })?;
        return Ok(Some(("the model".into(), machine)));
    }
    let machine = load(file)?;
    comparable(alphabet, machine.alphabet()).map_err(|error| wrong(file, error))?;
    Ok(Some((file.display().to_string(), machine)))
}

/// How a machine is written to a file.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Dot,
}

impl Form {
    /// As the file's name tells.
    fn of(file: &Path) -> Result<Self, Failure> {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Form::Json),
            Some("dot") => Ok(Form::Dot),
            _ => Err(wrong(file, ".json or .dot tells how to write it; `dot -Tsvg` of Graphviz draws the latter")),
        }
    }

    fn write(self, machine: &Machine) -> Result<String, Failure> {
        Ok(match self {
            Form::Json => serde_json::to_string(machine)? + "\n",
            Form::Dot => machine.to_dot(),
        })
    }
}

fn load(file: &Path) -> Result<Machine, Failure> {
    let text = read(file, machine::TEXT_MAX)?;
    Machine::from_json(&text).map_err(|error| wrong(file, error))
}

/// Reads a text of at most so many bytes.
fn read(file: &Path, most: usize) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(file).and_then(|opened| opened.take(most as u64 + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length > most => Err(wrong(file, format!("more than {most} bytes"))),
        Ok(_) => Ok(text),
        Err(error) => Err(wrong(file, error)),
    }
}

/// Learns what the card is.
fn ask(learn: &args::Learn, alphabet: &Alphabet) -> Result<(String, Machine, Option<Counts>), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A card that is to be restored is restored before the end.
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))?;
    let (name, mut oracle) = card(learn, alphabet)?;
    let style = ProgressStyle::with_template("{elapsed_precise} {spinner} {msg}")?;
    let progress = ProgressBar::new_spinner().with_style(style);
    let options = Options { extra: usize::from(learn.extra), random: learn.random as usize, seed: learn.seed };
    let learned = learner::learn(alphabet, &mut *oracle, &options, &mut |counts| {
        progress.set_message(counts.to_string());
        progress.tick();
        !stop.load(Ordering::SeqCst)
    });
    progress.finish_and_clear();
    let (machine, counts) = learned?;
    Ok((name, machine, Some(counts)))
}

/// The card that the command line names.
fn card(learn: &args::Learn, alphabet: &Alphabet) -> Result<(String, Box<dyn Oracle>), Failure> {
    if let (Some(world), Some(id)) = (&learn.world, &learn.card) {
        let world = crate::world(world)?;
        let (_, card) = crate::card(&world, id)?;
        return Ok((id.clone(), copies(card.fork())?));
    }
    let Some(socket) = &learn.pcsc else {
        return Ok(("the sample card".into(), copies(sample::issued(true))?));
    };
    let spends = destructive(alphabet);
    let spent = learn.control.is_none() && !spends.is_empty();
    if spent && !learn.allow_destructive {
        return Err(Failure::Usage(format!(
            "{} may spend tries or change the card for good, and a card in a reader does not get them back. Leave them out of the \
             alphabet (--print-alphabet), give --control where `jitsuin serve` has the reader, or say --allow-destructive",
            spends.join(", ")
        )));
    }
    let (name, restored) = (learn.reader.as_deref(), learn.control.as_deref());
    let mut reader = if spent && learn.real_card {
        Box::new(real::connect(socket, name)?)
    } else {
        real::own_or_guarded(socket, name, learn.real_card)?
    };
    reader.power_on()?;
    let shown = format!("the card in {}", name.unwrap_or("the first reader"));
    Ok(match (name, restored) {
        (Some(name), Some(control)) => (shown, Box::new(Restored::new(InReader(reader), control, name)?)),
        _ => (shown, Box::new(InReader(reader))),
    })
}

/// Copies in memory; the card itself is never asked.
fn copies(card: Simulated) -> Result<Box<dyn Oracle>, Failure> {
    let memory: Flash = card.into_nvm().into_inner();
    Ok(Box::new(Copies::mirrored(memory).map_err(Failure::Refused)?))
}

/// A card in a reader of `jitsuin serve`, which makes it again what it was.
struct Restored {
    reader: InReader,
    channel: Channel,
    name: String,
}

impl Restored {
    fn new(mut reader: InReader, control: &Path, name: &str) -> Result<Self, Failure> {
        let mut channel = Channel::open(Some(control))?;
        reader.reset()?;
        channel.ask(&Request::Snapshot { reader: name.into(), name: SNAPSHOT.into() })?;
        Ok(Restored { reader, channel, name: name.into() })
    }
}

impl Oracle for Restored {
    fn reset(&mut self) -> Result<(), ReaderError> {
        let request = Request::Restore { reader: self.name.clone(), name: SNAPSHOT.into() };
        let refused = |failure| ReaderError::Protocol(format!("the card was not restored: {failure}"));
        self.channel.ask(&request).map(drop).map_err(refused)
    }

    fn step(&mut self, act: &Act) -> Result<Output, ReaderError> {
        self.reader.step(act)
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        if let Err(error) = self.reset() {
            eprintln!("{error}; its snapshot {SNAPSHOT} is in the server");
        }
    }
}
