//! The chip glitched at every instruction of a command: is the card open afterwards, was a value compared for nothing, did a wrong signature
//! leave?
//!
//! # Design
//!
//! A [`Target`] is a command that must be refused, or a signature that must be right, and a `scene` is the moment before it. The chip runs up to
//! an instruction, is hurt there by one [`Glitch`], runs on, and is asked and looked at by `scene::Scene::judge`: what it answers
//! counts for nothing, what it then does counts. Then it goes back to that instruction for the next glitch. What the card promises
//! is judged on the program that the compiler made, since that is what an attacker has.

mod map;
mod report;
mod scene;

pub use map::map;
pub use report::{Finding, Report, Row};

use chip::{Chip, Glitch, Program, Snapshot, Stop};
use rand_core::Rng;
use scene::Scene;
use serde::Serialize;
use sim::rng::SimRng;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// The attacked command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// VERIFY with a wrong PIN.
    Verify,
    /// CHANGE REFERENCE DATA without the PIN.
    Change,
    /// READ BINARY of the signature certificate without the password.
    Read,
    /// COMPUTE DIGITAL SIGNATURE without the PIN.
    Sign,
    /// COMPUTE DIGITAL SIGNATURE with the PIN: its result.
    Signature,
    /// EXTERNAL AUTHENTICATE by who does not have the issuer's keys.
    Authenticate,
    /// An issuer's command with a wrong MAC.
    Forged,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 7] = [
        Target::Verify,
        Target::Change,
        Target::Read,
        Target::Sign,
        Target::Signature,
        Target::Authenticate,
        Target::Forged,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Target::Verify => "verify",
            Target::Change => "change",
            Target::Read => "read",
            Target::Sign => "sign",
            Target::Signature => "signature",
            Target::Authenticate => "authenticate",
            Target::Forged => "forged",
        }
    }
}

/// What a glitch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// One instruction is passed over.
    Skip,
    /// Two are.
    SkipTwo,
    /// Z is turned around.
    Zero,
    /// One bit of the instruction is.
    Opcode,
    /// One bit of a register is.
    Register,
}

impl Model {
    /// All of them.
    pub const ALL: [Model; 5] = [Model::Skip, Model::SkipTwo, Model::Zero, Model::Opcode, Model::Register];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Model::Skip => "skip",
            Model::SkipTwo => "skip-two",
            Model::Zero => "zero",
            Model::Opcode => "opcode",
            Model::Register => "register",
        }
    }

    /// Its glitches at one instruction of `length` bytes: all of them, of registers some.
    fn glitches(self, length: u32, registers: u8, rng: &mut SimRng) -> Vec<Glitch> {
        match self {
            Model::Skip => vec![Glitch::Skip(1)],
            Model::SkipTwo => vec![Glitch::Skip(2)],
            Model::Zero => vec![Glitch::Zero],
            Model::Opcode => (0..8 * length as u8).map(Glitch::Opcode).collect(),
            Model::Register => {
                let any = |_| {
                    let chance = rng.next_u32();
                    Glitch::Register((chance & 15) as u8, (chance >> 4 & 31) as u8)
                };
                (0..registers).map(any).collect()
            }
        }
    }
}

/// What became of a glitched command, from harmless to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The answer of an unhurt chip.
    Same,
    /// Another answer, and nothing is open.
    Other,
    /// No answer: the chip has stopped, or never ends.
    Mute,
    /// What stood in RAM left, or a signature was garbled on its way out after it was checked: it does not say anything about the key.
    Garbled,
    /// A value was compared and no try was charged for it.
    Free,
    /// The card did what it must not.
    Opened,
    /// A wrong signature left that gives a factor of the modulus.
    Factored,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 7] = [
        Outcome::Same,
        Outcome::Other,
        Outcome::Mute,
        Outcome::Garbled,
        Outcome::Free,
        Outcome::Opened,
        Outcome::Factored,
    ];

    /// Whether a card may do so.
    #[must_use]
    pub fn is_harmless(self) -> bool {
        self < Outcome::Free
    }
}

/// What is tried.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The attacked commands.
    pub targets: Vec<Target>,
    /// The glitches.
    pub models: Vec<Model>,
    /// Instructions of a target at most, spread evenly; all of them where there is no number.
    pub points: Option<u64>,
    /// Instructions of the signature's exponentiation, spread evenly: each costs a second.
    pub signatures: u64,
    /// Glitches of registers at an instruction, by chance.
    pub registers: u8,
    /// Of that chance.
    pub seed: u64,
    /// Threads.
    pub jobs: usize,
}

/// How far a campaign has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Instructions done.
    pub done: u64,
    /// Instructions in all.
    pub points: u64,
    /// Glitches done.
    pub glitches: u64,
    /// Those that are not harmless.
    pub bad: u64,
}

/// Why there is no campaign.
#[derive(Debug, thiserror::Error)]
pub enum GlitchError {
    /// The firmware does not come to the moment before the command.
    #[error("{target}: {what}")]
    Scene {
        /// Which.
        target: &'static str,
        /// How.
        what: String,
    },
}

/// Hurts the chip as planned. `progress` is called now and then.
///
/// # Errors
/// [`GlitchError`] where the firmware does not do without glitches what it must.
pub fn run(program: &Arc<Program>, plan: &Plan, progress: impl Fn(Progress) + Sync) -> Result<Report, GlitchError> {
    let mut report = Report::default();
    let scenes: Vec<Scene> =
        plan.targets.iter().map(|target| Scene::new(*target, program)).collect::<Result<_, _>>()?;
    let points: Vec<Vec<u64>> = scenes.iter().map(|scene| scene.points(plan)).collect();
    let all = points.iter().map(|points| points.len() as u64).sum();
    let counters = Counters::default();
    for (scene, points) in scenes.iter().zip(&points) {
        let jobs = plan.jobs.clamp(1, points.len().max(1));
        let found = Mutex::new(&mut report);
        thread::scope(|scope| {
            for share in points.chunks(points.len().div_ceil(jobs).max(1)) {
                let (found, counters, progress) = (&found, &counters, &progress);
                scope.spawn(move || {
                    let seen = walk(scene, share, plan, |glitches, bad| {
                        progress(counters.count(all, glitches, bad));
                    });
                    found.lock().unwrap_or_else(PoisonError::into_inner).add(seen);
                });
            }
        });
    }
    report.finish();
    Ok(report)
}

#[derive(Default)]
struct Counters {
    done: AtomicU64,
    glitches: AtomicU64,
    bad: AtomicU64,
}

impl Counters {
    fn count(&self, points: u64, glitches: u64, bad: u64) -> Progress {
        let add = |counter: &AtomicU64, more| counter.fetch_add(more, Ordering::Relaxed) + more;
        Progress { done: add(&self.done, 1), points, glitches: add(&self.glitches, glitches), bad: add(&self.bad, bad) }
    }
}

/// A chip on its way through a command.
struct Walker {
    chip: Chip,
    here: Option<Snapshot>,
}

/// What is seen from outside: whether a chip goes on, and its answer. Where one has stopped is not seen.
type Seen = (bool, Option<Vec<u8>>);

impl Walker {
    fn new(chip: Chip) -> Self {
        Walker { chip, here: None }
    }

    /// Hurts it here; it stays where that leads.
    fn hurt(&mut self, glitch: Glitch, patience: u64) -> Stop {
        match self.chip.glitch(glitch) {
            Ok(()) => self.chip.run(patience),
            Err(stop) => stop,
        }
    }

    fn answer(&self) -> Option<Vec<u8>> {
        chip::chip::answer(self.chip.output()).map(<[u8]>::to_vec)
    }

    /// What is seen of it hurt here, where it goes back to.
    fn seen(&mut self, glitch: Glitch, patience: u64) -> Seen {
        let here = self.here.take().unwrap_or_else(|| self.chip.snapshot());
        let goes_on = self.hurt(glitch, patience) == Stop::Idle;
        let seen = (goes_on, self.answer());
        self.chip.restore(&here);
        self.here = Some(here);
        seen
    }

    /// Goes on, unhurt. Tells whether it came so far.
    fn advance(&mut self, instructions: u64) -> bool {
        self.here = None;
        self.chip.run(instructions) == Stop::Limit
    }
}

/// Walks along a command and hurts the chip at these instructions, which are in order.
fn walk(scene: &Scene, points: &[u64], plan: &Plan, counted: impl Fn(u64, u64)) -> Report {
    let mut report = Report::default();
    let mut walker = Walker::new(scene.walker());
    let mut friend = scene.friend().map(Walker::new);
    let mut stranger = scene.stranger().map(Walker::new);
    let mut at = 0;
    for &point in points {
        for walker in [Some(&mut walker), friend.as_mut(), stranger.as_mut()].into_iter().flatten() {
            if !walker.advance(point - at) {
                return report;
            }
        }
        at = point;
        let (here, pc) = (walker.chip.snapshot(), walker.chip.pc());
        let mut rng = SimRng::seeded(plan.seed ^ point << 8 ^ scene.target() as u64);
        let (mut glitches, mut bad) = (0, 0);
        for model in &plan.models {
            for glitch in model.glitches(walker.chip.program().length(pc), plan.registers, &mut rng) {
                let stop = walker.hurt(glitch, scene.patience());
                let answer = walker.answer();
                let mut outcome = scene.judge(&mut walker.chip, stop, answer.as_deref());
                if outcome == Outcome::Free {
                    // Nothing was learned if a right value, hurt in the same way, looks like the wrong one; nor if two wrong ones do not.
                    let seen = (stop == Stop::Idle, answer.clone());
                    let alike = |walker: &mut Option<Walker>| {
                        walker.as_mut().map(|other| other.seen(glitch, scene.patience()) == seen)
                    };
                    if alike(&mut friend) != Some(false) || alike(&mut stranger) == Some(false) {
                        outcome = Outcome::Other;
                    }
                }
                glitches += 1;
                bad += u64::from(!outcome.is_harmless());
                report.count(scene.target(), *model, outcome, || Finding {
                    target: scene.target(),
                    model: *model,
                    glitch: format!("{glitch:?}"),
                    instruction: point,
                    address: pc,
                    place: scene.place(pc),
                    outcome,
                    answer: answer.as_deref().map(hex::encode_upper),
                });
                report.mark(pc, outcome);
                walker.chip.restore(&here);
            }
        }
        counted(glitches, bad);
    }
    report
}
