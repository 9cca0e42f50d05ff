//! `jitsuin bench`: one measurement, its report, and its comparison with an earlier one.

use crate::{
    args::{self, Measured},
    failure::Failure,
    out::say,
};
use ::bench::{
    BenchError, again,
    baseline::{Baseline, Comparison, Verdict},
    chart,
    instructions::Counter,
    report::Report,
    rounds::Step,
    run::{self, Options, What},
    socket,
};
use std::{
    fs,
    io::{IsTerminal, Write},
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Exit code of a result that is not the right one.
const WRONG: u8 = 3;
/// Exit code of a baseline that was better by more than is allowed.
const WORSE: u8 = 4;
/// Exit code of a baseline that cannot be compared, or not wholly.
const INCOMPARABLE: u8 = 5;
/// Exit code of a program ended by Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// `jitsuin bench`
pub(crate) fn run(bench: &args::Bench) -> Result<(), Failure> {
    refuse_idle_options(bench)?;
    if bench.mask_ifma {
        again::with(again::CAPABILITIES, again::NO_IFMA.as_ref()).map_err(failure)?;
    }
    if bench.what == Measured::Socket {
        socket::prepare().map_err(failure)?;
    }
    // Before anything is measured: a bad file is found out at once, and --save may replace it.
    let before = bench.compare.as_deref().map(Baseline::read).transpose().map_err(failure)?;
    let report = measured(bench)?;
    let to_output = bench.json.as_deref() == Some(Path::new("-"));
    if to_output {
        crate::print_json(&report)?;
    } else {
        say!("{}", report.to_string().trim_end());
    }
    if let Some(path) = bench.json.as_deref().filter(|_| !to_output) {
        write(path, &json(&report)?)?;
    }
    if let Some(path) = &bench.svg {
        write(path, &chart::svg(&report))?;
    }
    if let Some(path) = &bench.save {
        write(path, &json(&Baseline::of(&report))?)?;
    }
    match before {
        Some(before) => judge(&before.compare(&report), bench.fail_over, to_output),
        None => Ok(()),
    }
}

/// `jitsuin bench-once`
pub(crate) fn once(once: &args::BenchOnce) -> Result<(), Failure> {
    run::once(&once.row, &once.contender, once.times, &once.made).map_err(failure)
}

/// An option that would do nothing is a mistake.
fn refuse_idle_options(bench: &args::Bench) -> Result<(), Failure> {
    let idle = |option: &str, why: &str| Err(Failure::Usage(format!("{option} {why}")));
    match bench.what {
        Measured::Apdu | Measured::Socket | Measured::Reader if !bench.against.is_empty() => {
            idle("--against", "has no meaning here: the rivals are always the same")
        }
        Measured::Apdu | Measured::Socket | Measured::Reader if !bench.bits.is_empty() => {
            idle("--bits", "has no meaning here: the card's keys have 2048 bits")
        }
        Measured::Apdu | Measured::Socket | Measured::Reader if !bench.backend.is_empty() => {
            idle("--backend", "has no meaning here: the card takes the fastest")
        }
        _ => Ok(()),
    }
}

fn measured(bench: &args::Bench) -> Result<Report, Failure> {
    let program = std::env::current_exe()?;
    let (what, rounds, seconds) = match bench.what {
        Measured::Sign => (What::Sign, 9, 0.5),
        // A key takes as long as it takes to find two primes, so only many of them tell anything: one a round.
        Measured::Keygen => (What::Keygen, 50, 0.05),
        Measured::Apdu => (What::Apdu, 9, 0.5),
        Measured::Socket => (What::Socket, 9, 0.5),
        Measured::Reader => (What::Reader, 9, 0.5),
    };
    let options = Options {
        what,
        program: &program,
        against: unique(&bench.against),
        back_ends: unique(&bench.backend),
        bits: unique(&bench.bits),
        rounds: bench.rounds.unwrap_or(rounds),
        seconds: bench.seconds.unwrap_or(seconds),
        counter: (!bench.no_instructions).then_some(Counter { program: &program }),
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))?;
    let mut progress = Progress::default();
    let report = run::run(&options, &mut |step| {
        progress.show(step);
        if interrupted.load(Ordering::SeqCst) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.clear();
    report.map_err(failure)
}

/// Each once, in the order in which they were named.
fn unique<T: PartialEq + Clone>(named: &[T]) -> Vec<T> {
    let mut unique = Vec::new();
    for one in named {
        if !unique.contains(one) {
            unique.push(one.clone());
        }
    }
    unique
}

/// Who works now, on standard error: on one line of a terminal, elsewhere one line a row.
#[derive(Default)]
struct Progress {
    row: String,
    shown: String,
}

impl Progress {
    fn show(&mut self, step: &Step<'_>) {
        let mut err = std::io::stderr().lock();
        // A progress that cannot be shown is no reason to stop.
        if err.is_terminal() {
            let line = format!("{} {:.0} %: {}", step.row, step.done * 100.0, step.contender);
            if self.shown != line {
                let _ = write!(err, "\r\x1b[K{line}").and_then(|()| err.flush());
                self.shown = line;
            }
        } else if self.row != step.row {
            let _ = writeln!(err, "{} ...", step.row);
            self.row = step.row.into();
        }
    }

    fn clear(&self) {
        let mut err = std::io::stderr().lock();
        if err.is_terminal() {
            let _ = write!(err, "\r\x1b[K").and_then(|()| err.flush());
        }
    }
}

fn judge(comparison: &Comparison, limit: Option<f64>, quietly: bool) -> Result<(), Failure> {
    let text = comparison.to_string();
    if quietly {
        eprint!("{text}");
    } else {
        say!("\nagainst the baseline, better above nought:\n{}", text.trim_end());
    }
    let Some(limit) = limit else { return Ok(()) };
    let percent = limit * 100.0;
    match comparison.verdict(limit) {
        Verdict::Fine => Ok(()),
        Verdict::Worse => Err(Failure::Other(WORSE, format!("worse than the baseline by more than {percent} %"))),
        Verdict::Incomparable => {
            let why = "nothing to compare with the baseline, or something in it was not measured this time";
            Err(Failure::Other(INCOMPARABLE, why.into()))
        }
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))
}

fn failure(error: BenchError) -> Failure {
    let text = error.to_string();
    match error {
        BenchError::Wrong { .. } => Failure::Other(WRONG, text),
        BenchError::Interrupted => Failure::Other(INTERRUPTED, text),
        BenchError::Choice(_) | BenchError::NotBuilt { .. } | BenchError::Missing { .. } => Failure::Usage(text),
        BenchError::Failed { .. } | BenchError::Io(..) | BenchError::Baseline { .. } => Failure::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_result_has_an_exit_code_of_its_own() {
        let named = || ("row".to_owned(), "contender".to_owned());
        let (row, contender) = named();
        let wrong = BenchError::Wrong { row, contender, what: "one bit".into() };
        let (row, contender) = named();
        let failed = BenchError::Failed { row, contender, why: "no key".into() };
        let code = |failure: Failure| match failure {
            Failure::Other(code, _) => code,
            Failure::Refused(_) => 1,
            Failure::Usage(_) => 2,
        };
        assert_eq!([wrong, failed, BenchError::Interrupted].map(|error| code(failure(error))), [3, 1, 130]);
    }
}
