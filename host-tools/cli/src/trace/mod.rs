//! `jitsuin trace`: what is done with traces. All of it begins with the lines that `serve --trace` writes.

mod diff;
mod export;
mod replay;
mod show;
mod stats;

pub(crate) use show::told;

use crate::{args::Trace, failure::Failure};
use sim::trace::Line;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Longest line, in bytes: an exchange of two APDUs at their longest.
const LINE: u64 = 1 << 20;

/// `jitsuin trace`
pub(crate) fn run(trace: &Trace) -> Result<(), Failure> {
    match trace {
        Trace::Show(show) => show::run(show),
        Trace::Stats(stats) => stats::run(stats),
        Trace::Diff(diff) => diff::run(diff),
        Trace::Replay(replay) => replay::run(replay),
        Trace::Export(export) => export::run(export),
    }
}

/// The lines of a file, or of standard input where it is `-`, one after the other.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<Line, Failure>>, Failure> {
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?)
    };
    let (mut source, name, mut number) = (BufReader::new(source), path.display().to_string(), 0_u64);
    let mut next = move || -> Result<Option<Line>, Failure> {
        loop {
            let mut text = Vec::new();
            number += 1;
            let length = (&mut source).take(LINE).read_until(b'\n', &mut text)?;
            let odd = |why: &str| Failure::Refused(format!("{name}, line {number}: {why}"));
            match text.trim_ascii() {
                [] if length == 0 => return Ok(None),
                // A watched server asks now and then whether anybody is there.
                [] => {}
                _ if length as u64 == LINE && !text.ends_with(b"\n") => return Err(odd("longer than any exchange")),
                line => {
                    return serde_json::from_slice(line)
                        .map(Some)
                        .map_err(|error| odd(&format!("not a line of a trace: {error}")));
                }
            }
        }
    };
    Ok(std::iter::from_fn(move || next().transpose()))
}
