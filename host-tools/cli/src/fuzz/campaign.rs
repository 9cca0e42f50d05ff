//! Targets built and run, some at a time, and what became of each.

use super::progress::Progress;
use crate::failure::Failure;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    fmt,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use trial::script;

/// Seconds in which a finding is made small.
const MINIMISING: u32 = 30;
/// Lines of a target that broke, from its last.
const TAIL: usize = 20;

/// What is to be done.
pub(super) struct Campaign {
    /// The fuzz folder.
    pub folder: PathBuf,
    /// For each target.
    pub seconds: u32,
    /// At a time.
    pub jobs: usize,
}

/// What became of a target.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    target: String,
    #[serde(flatten)]
    progress: Progress,
    /// The input that broke it.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<PathBuf>,
    /// The same as a script.
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<PathBuf>,
    /// What it said in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Outcome {
    pub(super) fn is_bad(&self) -> bool {
        self.error.is_some()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { target, progress, finding, script, error } = self;
        let Progress { executions, per_second, coverage, corpus } = progress;
        write!(f, "{target:<20}{executions:>14} runs {per_second:>9}/s, {coverage} edges, {corpus} inputs kept")?;
        let Some(error) = error else { return Ok(()) };
        write!(f, "\n  broke: {}", error.replace('\n', "\n    "))?;
        if let Some(finding) = finding {
            write!(f, "\n  input: {}", finding.display())?;
        }
        if let Some(script) = script {
            write!(f, "\n  script: {}", script.display())?;
        }
        Ok(())
    }
}

/// The targets that run, so that they end with the program.
#[derive(Default)]
struct Running {
    programs: Mutex<Vec<u32>>,
    stopped: AtomicBool,
}

impl Running {
    fn programs(&self) -> MutexGuard<'_, Vec<u32>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, child: &Child) {
        self.programs().push(child.id());
        if self.is_stopped() {
            self.stop();
        }
    }

    /// Before it is waited for: its number is nobody else's until then.
    fn remove(&self, child: &Child) {
        self.programs().retain(|program| *program != child.id());
    }

    /// They say how far they came, and end.
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        for program in self.programs().iter() {
            if let Some(program) = i32::try_from(*program).ok().and_then(Pid::from_raw) {
                // One that has ended needs no telling.
                let _ = kill_process(program, Signal::TERM);
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

impl Campaign {
    /// Builds everything and runs the targets.
    pub(super) fn run(&self, targets: &[String]) -> Result<Vec<Outcome>, Failure> {
        let view = MultiProgress::new();
        let programs = self.build(&view)?;
        let waiting = Mutex::new(targets.iter().cloned().collect::<VecDeque<_>>());
        let done = Mutex::new(Vec::new());
        let running = Arc::new(Running::default());
        let asked = Arc::clone(&running);
        ctrlc::set_handler(move || asked.stop())?;
        let hands = self.jobs.min(targets.len());
        thread::scope(|scope| {
            for _ in 0..hands {
                scope.spawn(|| {
                    loop {
                        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                        let Some(target) = next.filter(|_| !running.is_stopped()) else { return };
                        let outcome = self.one(&programs, &target, &view, &running);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                    }
                });
            }
        });
        let outcomes: Result<Vec<_>, io::Error> =
            done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect();
        let mut outcomes = outcomes?;
        outcomes.sort_by(|one, other| one.target.cmp(&other.target));
        if running.is_stopped() {
            for outcome in &outcomes {
                eprintln!("{outcome}");
            }
            return Err(Failure::Other(130, "interrupted".into()));
        }
        Ok(outcomes)
    }

    /// The folder with the programs.
    fn build(&self, view: &MultiProgress) -> Result<PathBuf, Failure> {
        let bar = view.add(ProgressBar::new_spinner());
        bar.set_style(ProgressStyle::with_template(
            "{elapsed_precise} {spinner} building the targets; the first time this takes minutes",
        )?);
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        let built = Command::new(self.folder.join("run")).arg("--build").stdin(Stdio::null()).output();
        bar.finish_and_clear();
        let built =
            built.map_err(|error| Failure::Refused(format!("{}: {error}", self.folder.join("run").display())))?;
        if !built.status.success() {
            return Err(Failure::Refused(format!(
                "the targets do not build:\n{}",
                String::from_utf8_lossy(&built.stderr).trim_end()
            )));
        }
        let told = String::from_utf8_lossy(&built.stdout);
        Ok(self.folder.join(told.lines().last().unwrap_or_default()))
    }

    fn one(&self, programs: &Path, target: &str, view: &MultiProgress, running: &Running) -> io::Result<Outcome> {
        let artifacts = self.folder.join("artifacts").join(target);
        let corpus = [self.folder.join("corpus").join(target), self.folder.join("seeds").join(target)];
        for folder in corpus.iter().chain([&artifacts]) {
            std::fs::create_dir_all(folder)?;
        }
        let program = programs.join(target);
        let mut command = Command::new(&program);
        command.args(&corpus).arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.args([format!("-max_total_time={}", self.seconds), "-max_len=4096".into()]);
        command.args(["-timeout=20", "-print_final_stats=1"]);
        let dictionary = self.folder.join(format!("{target}.dict"));
        if dictionary.is_file() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        let bar = view.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {spinner} {prefix:<20}{msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(target.to_owned());
        let (progress, tail, success) = follow(quiet(&mut command).spawn()?, &bar, running)?;
        let mut outcome = Outcome { target: target.into(), progress, finding: None, script: None, error: None };
        if !success && !running.is_stopped() {
            let written = tail.iter().rev().find_map(|line| line.split_once("Test unit written to "));
            if let Some((_, artifact)) = written {
                bar.set_message("found something, which is being made small");
                let (finding, script) = self.keep(&program, target, Path::new(artifact.trim()))?;
                (outcome.finding, outcome.script) = (Some(finding), script);
            }
            outcome.error = Some(tail.join("\n"));
        }
        bar.finish_and_clear();
        Ok(outcome)
    }

    /// Makes a finding small and keeps it, with its script where it has one.
    fn keep(&self, program: &Path, target: &str, artifact: &Path) -> io::Result<(PathBuf, Option<PathBuf>)> {
        let found = std::fs::read(artifact)?;
        let name: String = Sha256::digest(&found).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let folder = self.folder.join("findings");
        std::fs::create_dir_all(&folder)?;
        let finding = folder.join(format!("{target}-{name}"));
        let mut command = Command::new(program);
        command.args(["-minimize_crash=1".to_owned(), format!("-max_total_time={MINIMISING}")]);
        command.arg(format!("-exact_artifact_path={}", finding.display())).arg(artifact);
        // Where nothing smaller is found, nothing is written.
        let _ = quiet(&mut command).stderr(Stdio::null()).status()?;
        let small = std::fs::read(&finding).unwrap_or_default();
        let input = if small.is_empty() { &found } else { &small };
        std::fs::write(&finding, input)?;
        let Some(text) = script::of(target, input) else { return Ok((finding, None)) };
        let path = folder.join(format!("{target}-{name}.apdu"));
        std::fs::write(&path, text)?;
        Ok((finding, Some(path)))
    }
}

/// Without what a memory allocator does for each run: give the memory back, and fault it in again.
fn quiet(command: &mut Command) -> &mut Command {
    for variable in ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"] {
        command.env(variable, "268435456");
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped())
}

/// Reads what a target says until it ends.
fn follow(mut child: Child, bar: &ProgressBar, running: &Running) -> io::Result<(Progress, Vec<String>, bool)> {
    let (mut progress, mut tail) = (Progress::default(), VecDeque::new());
    running.add(&child);
    let said = child.stderr.take().map(BufReader::new);
    for line in said.into_iter().flat_map(|said| said.split(b'\n')) {
        let line = String::from_utf8_lossy(&line?).into_owned();
        progress.read(&line);
        let Progress { executions, per_second, coverage, corpus } = progress;
        bar.set_message(format!("{executions} runs, {per_second}/s, {coverage} edges, {corpus} inputs kept"));
        bar.tick();
        if !line.starts_with('#') && !line.starts_with("stat::") {
            tail.push_back(line);
            if tail.len() > TAIL {
                tail.pop_front();
            }
        }
    }
    running.remove(&child);
    let status = child.wait()?;
    Ok((progress, tail.into(), status.success()))
}
