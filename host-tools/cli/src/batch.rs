//! `jitsuin issue --count`: cards in bulk, on every processor.

use crate::{args, failure::Failure, out::say};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pki::{
    birthday,
    card_record::KeyOrigin,
    personalise::{Halves, Pins},
};
use rand_core::Rng;
use serde_json::json;
use sim::rng::SimRng;
use std::{
    io::{IsTerminal, stderr},
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use world::{
    IssuerKeys, World, WorldError,
    batch::{self, Batch, Plan},
};

/// How often lines tell of the progress where no bar can.
const LINES: Duration = Duration::from_secs(5);

/// `jitsuin issue WORLD --count N`
pub(crate) fn begin(issue: &args::Issue, count: u32) -> Result<(), Failure> {
    let mut world = crate::world_at(&issue.world, &issue.now)?;
    let now = world.now()?;
    let profile = crate::issue::profile(&issue.profile)?;
    let pins = crate::issue::pins(issue, &profile)?;
    let seed = match issue.seed {
        Some(seed) => seed,
        None => u64::from(SimRng::from_os()?.next_u32()),
    };
    let ages = issue.age.clone().unwrap_or(0..=105);
    let plan = Plan {
        seed,
        ages: (*ages.start(), *ages.end()),
        on: birthday::jst_date(now),
        profile,
        keys: if issue.on_card_keys { KeyOrigin::OnCard } else { KeyOrigin::Imported },
        halves: Halves { signature: !issue.no_signature, authentication: !issue.no_authentication },
    };
    let batch = batch::begin(&mut world, now, plan, count)?;
    if !issue.json {
        eprintln!("{}: {count} cards, residents invented with --seed {seed}", batch.id);
    }
    work(&world, issue, &batch, &pins)
}

/// `jitsuin issue WORLD --resume BATCH`
pub(crate) fn resume(issue: &args::Issue, id: &str) -> Result<(), Failure> {
    let mut world = crate::world_at(&issue.world, &issue.now)?;
    let now = world.now()?;
    let pins = crate::issue::pins(issue, &batch::get(&world, id)?.plan.profile)?;
    let batch = batch::resume(&mut world, now, id)?;
    work(&world, issue, &batch, &pins)
}

fn work(world: &World, issue: &args::Issue, batch: &Batch, pins: &Pins) -> Result<(), Failure> {
    let jobs = issue.jobs.map_or_else(|| thread::available_parallelism().map_or(1, NonZero::get), usize::from);
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))?;
    if !issue.json && world.issuer() == IssuerKeys::Published {
        eprintln!("issuer keys: the published GlobalPlatform TEST key set; anybody can rewrite these cards");
    }
    let progress = Progress::new(batch, batch::pending(world, &batch.id)?, issue.json);
    let began = Instant::now();
    let (issued, done) = on_threads(world, batch, pins, jobs, &stop, progress);
    let seconds = began.elapsed().as_secs_f64();
    let pending = batch::pending(world, &batch.id)?;
    let go_on = format!("`jitsuin issue WORLD --resume {}` goes on", batch.id);
    done.map_err(|error| {
        Failure::Refused(format!("{error}\n{issued} cards were issued, {pending} are left; {go_on}"))
    })?;
    if stop.load(Ordering::SeqCst) && pending > 0 {
        return Err(Failure::Refused(format!("stopped: {issued} cards were issued, {pending} are left; {go_on}")));
    }
    let rate = f64::from(issued) / seconds.max(f64::MIN_POSITIVE);
    if issue.json {
        return crate::print_json(&json!({
            "batch": batch.id, "size": batch.size, "issued": issued, "pending": pending, "jobs": jobs,
            "seconds": seconds, "cards_per_second": rate,
        }));
    }
    eprintln!("{issued} cards in {seconds:.1} s with --jobs {jobs}: {rate:.1} cards/s");
    if pending > 0 {
        eprintln!("{pending} are in the hands of other workers; if those are gone, {go_on}");
    }
    say!("{}", batch.id);
    Ok(())
}

/// Works until nothing is left, somebody stops it, or one thread fails. Gives how many cards were issued.
fn on_threads(
    world: &World,
    batch: &Batch,
    pins: &Pins,
    jobs: usize,
    stop: &AtomicBool,
    mut progress: Progress,
) -> (u32, Result<(), WorldError>) {
    let failed = AtomicBool::new(false);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (tell, failed) = (tell.clone(), &failed);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) && !failed.load(Ordering::SeqCst) {
                    let done = world.now().and_then(|now| batch::work_one(world, now, batch, pins));
                    let over = !matches!(done, Ok(Some(_)));
                    failed.fetch_or(done.is_err(), Ordering::SeqCst);
                    // Whoever listens does so until the last thread is gone.
                    let _ = tell.send(done);
                    if over {
                        break;
                    }
                }
            });
        }
        drop(tell);
        let (mut issued, mut done) = (0, Ok(()));
        for one in told {
            match one {
                Ok(Some(_)) => {
                    issued += 1;
                    progress.issued(issued);
                }
                Ok(None) => {}
                Err(error) => done = done.and(Err(error)),
            }
        }
        progress.end();
        (issued, done)
    })
}

/// A bar on a terminal, lines elsewhere, nothing beside JSON.
enum Progress {
    Bar(ProgressBar),
    Lines { batch: String, open: u32, last: Instant },
    Silent,
}

impl Progress {
    fn new(batch: &Batch, open: u32, silent: bool) -> Self {
        if silent {
            return Progress::Silent;
        }
        if !stderr().is_terminal() {
            return Progress::Lines { batch: batch.id.clone(), open, last: Instant::now() };
        }
        let bar = ProgressBar::with_draw_target(Some(u64::from(open)), ProgressDrawTarget::stderr());
        let template = "{msg} {bar:32} {pos}/{len} cards, {per_sec}, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(batch.id.clone());
        Progress::Bar(bar)
    }

    fn issued(&mut self, count: u32) {
        match self {
            Progress::Bar(bar) => bar.set_position(u64::from(count)),
            Progress::Lines { batch, open, last } if last.elapsed() >= LINES => {
                eprintln!("  {batch}: {count} of {open} cards");
                *last = Instant::now();
            }
            Progress::Lines { .. } | Progress::Silent => {}
        }
    }

    fn end(self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
