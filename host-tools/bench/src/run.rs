//! One run: rows, rounds, counts, a report.

use crate::{
    again, apdu,
    contender::Row,
    cpu::Cpu,
    error::BenchError,
    instructions::{self, Counter},
    key::{self, Key},
    keygen, own, reader,
    report::{FORMAT, Figure, Report, RowReport},
    rivals,
    rounds::{self, Plan, Step, Tell},
    sign, socket,
};
use std::{ops::ControlFlow, path::Path, time::Duration};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Signatures beside other libraries.
    Sign,
    /// Key pairs made.
    Keygen,
    /// Commands to a card.
    Apdu,
    /// Commands to a card behind a socket.
    Socket,
    /// Commands of a client in C to other processes.
    Reader,
}

/// What is to be measured, and how.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// What.
    pub what: What,
    /// This program, for [`What::Reader`].
    pub program: &'a Path,
    /// Names of rivals; all that were compiled in where there are none.
    pub against: Vec<String>,
    /// Names of own back ends; all that run here where there are none.
    pub back_ends: Vec<String>,
    /// Sizes of modulus in bits; what is usual where there are none.
    pub bits: Vec<usize>,
    /// Rounds, at least one.
    pub rounds: u32,
    /// Seconds of each contender in each row, above nought.
    pub seconds: f64,
    /// Counts instructions, if anybody shall.
    pub counter: Option<Counter<'a>>,
}

/// Does it.
///
/// # Errors
/// [`BenchError`].
pub fn run(options: &Options<'_>, tell: &mut Tell<'_>) -> Result<Report, BenchError> {
    let slice = Duration::try_from_secs_f64(options.seconds / f64::from(options.rounds.max(1)));
    let slice = slice.map_err(|_| BenchError::Choice("seconds are a number above nought".into()))?;
    let plan = Plan { rounds: options.rounds.max(1), slice };
    let back_ends = own::chosen(&options.back_ends)?;
    let rivals = rivals::chosen(&options.against)?;
    let sizes = |usual: &[usize]| if options.bits.is_empty() { usual.to_vec() } else { options.bits.clone() };
    let (mut stored, mut notes) = (None, Vec::new());
    let rows: Vec<Row> = match options.what {
        What::Sign => {
            sizes(&key::SIZES).into_iter().map(|bits| sign::row(&Key::of(bits)?, &back_ends, &rivals)).collect()
        }
        What::Keygen => {
            sizes(&key::SIZES[..1]).into_iter().map(|bits| keygen::row(bits, &back_ends, &rivals)).collect()
        }
        What::Apdu => apdu::rows(stored.insert(apdu::Stored::sample())),
        What::Reader => reader::rows(options.program, &mut notes),
        What::Socket => socket::rows(stored.insert(apdu::Stored::sample())),
    }?;
    let mut reports = Vec::new();
    for mut row in rows {
        let samples = rounds::measure(&mut row, plan, tell)?;
        reports.push((RowReport::of(&row, &samples), row));
    }
    let rows = match &options.counter {
        Some(counter) => counted(counter, reports, stored.as_ref(), &mut notes, tell)?,
        None => reports.into_iter().map(|(report, _)| report).collect(),
    };
    Ok(Report {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        cpu: Cpu::here(),
        back_ends: back_ends.iter().map(|back_end| back_end.name.into()).collect(),
        mask: again::mask(),
        rounds: plan.rounds,
        seconds: options.seconds,
        rows,
        notes,
    })
}

/// The reports with instructions, as far as they can be counted.
fn counted(
    counter: &Counter<'_>,
    reports: Vec<(RowReport, Row)>,
    stored: Option<&apdu::Stored>,
    notes: &mut Vec<String>,
    tell: &mut Tell<'_>,
) -> Result<Vec<RowReport>, BenchError> {
    if !reports.iter().any(|(_, row)| row.contenders.iter().any(|contender| contender.countable)) {
        return Ok(reports.into_iter().map(|(report, _)| report).collect());
    }
    if !instructions::available() {
        notes.push("instructions were not counted: valgrind is not here (Debian's package valgrind brings it)".into());
        return Ok(reports.into_iter().map(|(report, _)| report).collect());
    }
    // Making a card or a key under valgrind would take half a minute.
    let folder = tempfile::tempdir().map_err(|error| BenchError::Io("a temporary folder".into(), error))?;
    let file = folder.path().join("made");
    if let Some(stored) = stored {
        stored.write(&file)?;
    }
    let mut counted = Vec::new();
    for (mut report, row) in reports {
        if let Some(bits) = row.name.strip_prefix(sign::PREFIX).and_then(|bits| bits.parse().ok()) {
            Key::of(bits)?.write(&file)?;
        }
        for (figure, contender) in report.figures.iter_mut().zip(&row.contenders) {
            let title = format!("{}: instructions", row.title);
            if let ControlFlow::Break(()) = tell(&Step { row: &title, contender: &contender.name, done: 0.0 }) {
                return Err(BenchError::Interrupted);
            }
            if contender.countable {
                count(counter, &row, figure, contender.work.operations(), &file, notes);
            }
        }
        counted.push(report);
    }
    Ok(counted)
}

fn count(counter: &Counter<'_>, row: &Row, figure: &mut Figure, operations: u32, made: &Path, notes: &mut Vec<String>) {
    match counter.count(&row.name, &figure.name, made) {
        Ok(count) => figure.instructions = Some(count / u64::from(operations.max(1))),
        Err(why) => notes.push(format!("instructions of {}, {}, were not counted: {why}", figure.name, row.name)),
    }
}

/// One contender's work so many times, and once before: what the counter counts. `made` is the key or the card.
///
/// # Errors
/// [`BenchError`].
pub fn once(name: &str, contender: &str, times: u64, made: &Path) -> Result<(), BenchError> {
    let mut row = match name.strip_prefix(sign::PREFIX) {
        Some(bits) => {
            let bits = bits.parse().map_err(|_| BenchError::Choice(format!("no row {name}")))?;
            let (key, names) = (Key::read(bits, made)?, [contender.to_owned()]);
            match own::chosen(&names) {
                Ok(back_ends) => sign::row(&key, &back_ends, &[])?,
                Err(_) => sign::row(&key, &[], &rivals::chosen(&names)?)?,
            }
        }
        None => {
            let rows = apdu::rows(&apdu::Stored::read(made)?)?;
            let found = rows.into_iter().find(|row| row.name == name);
            found.ok_or_else(|| BenchError::Choice(format!("no row {name}")))?
        }
    };
    let found = row.contenders.iter_mut().find(|found| found.name == contender);
    let found = found.ok_or_else(|| BenchError::Choice(format!("{contender} does no {name}")))?;
    for _ in 0..=times {
        rounds::once(found).map_err(|trouble| trouble.of(name, contender))?;
    }
    Ok(())
}
