//! A card that means ill: a true card whose answers are spoilt on their way, by rules and by a seed.
//!
//! The wrapped card does its work as always and is not harmed; its memory is as good afterwards as it was before. Everything
//! that a [`Plan`] leaves to chance follows from its seed, the number of the exchange and the true answer, so a client that sends the
//! same commands meets the same harm. Each harm is told with the rule that did it.

mod act;
mod forge;
mod pattern;
mod plan;

pub use act::{Act, Atr, Length};
pub use forge::Forgery;
pub use pattern::Pattern;
pub use plan::{BUILT_IN, Plan, PlanError, Rule, When};

use crate::{
    rng::SimRng,
    slot::{Silence, VirtualCard},
};
use act::below;
use apdu::Command;
use rand_core::Rng;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Largest file that is read for a forgery, in bytes.
const FILE_MAX: usize = 16 * 1024;
/// Sets apart what is left to chance at a start from what is at an exchange.
const STARTS: u64 = 1 << 48;

/// One harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harm {
    /// Which exchange of this card, from 1; which start, where there is no command.
    pub number: u64,
    /// Class, instruction and parameters of the command, as far as there were any. Never its data.
    pub command: Option<Vec<u8>>,
    /// Which rule, from 1.
    pub rule: usize,
    /// The rule's line in its plan.
    pub line: usize,
    /// The act's name.
    pub act: &'static str,
    /// What was done.
    pub what: String,
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Harm { number, rule, line, act, what, .. } = self;
        match &self.command {
            Some(command) => write!(f, "exchange {number}, {}", hex::encode_upper(command))?,
            None => write!(f, "start {number}")?,
        }
        write!(f, ": rule {rule} (line {line}), {act}: {what}")
    }
}

/// Who is told of harms, before the client sees them.
pub type Teller = Box<dyn Fn(&Harm) + Send + Sync>;

/// A plan at work. Shared by the cards that are put into one reader one after another, so that a card which comes back goes on where
/// it was pulled.
pub struct Campaign {
    plan: Plan,
    tell: Teller,
    wait: fn(Duration),
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    exchanges: u64,
    starts: u64,
    /// How often each rule could have acted.
    met: Vec<u64>,
}

impl Campaign {
    /// Begins a plan.
    #[must_use]
    pub fn new(plan: Plan, tell: Teller) -> Arc<Self> {
        Self::waiting(plan, tell, std::thread::sleep)
    }

    /// The same with somebody else's patience: delays are handed to `wait`.
    #[must_use]
    pub fn waiting(plan: Plan, tell: Teller, wait: fn(Duration)) -> Arc<Self> {
        let progress = Mutex::new(Progress { met: vec![0; plan.rules.len()], ..Progress::default() });
        Arc::new(Campaign { plan, tell, wait, progress })
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Which rules act now, of those that `concerns`.
    fn acting(&self, rng: &mut SimRng, concerns: impl Fn(&Rule) -> bool) -> Vec<usize> {
        let mut progress = self.progress();
        let mut acting = Vec::new();
        for (number, rule) in self.plan.rules.iter().enumerate() {
            // Drawn for each, so that one rule's luck is no other's.
            let draw = rng.next_u64() as f64 / u64::MAX as f64;
            if !concerns(rule) {
                continue;
            }
            let met = &mut progress.met[number];
            *met += 1;
            let acts = match rule.when {
                When::Always => true,
                When::Nth(nth) => *met == nth,
                When::Every(every) => met.is_multiple_of(every),
                When::Chance(chance) => draw < chance,
            };
            acting.extend(acts.then_some(number));
        }
        acting
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Randomness of one moment.
    fn rng(&self, moment: u64) -> SimRng {
        SimRng::seeded(self.plan.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(moment))
    }

    fn told(&self, number: u64, command: Option<&[u8]>, rule: usize, act: &'static str, what: String) {
        let command = command.map(|command| command[..command.len().min(4)].to_vec());
        let line = self.plan.rules.get(rule).map_or(0, |rule| rule.line);
        (self.tell)(&Harm { number, command, rule: rule + 1, line, act, what });
    }
}

impl fmt::Debug for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Campaign").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// A card whose answers are spoilt.
#[derive(Debug)]
pub struct Hostile<C> {
    card: C,
    campaign: Arc<Campaign>,
    atr: Vec<u8>,
    /// What goes on until the client does something else: the rule that began it.
    endless: Option<(Endless, usize)>,
    /// The file that was forged last: as it is, and as it is shown.
    forged: Option<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone)]
enum Endless {
    /// So many bytes and 61FF for every GET RESPONSE.
    More(usize),
    /// 6Cxx for every command of this header.
    WrongLe(Vec<u8>),
}

impl<C: VirtualCard> Hostile<C> {
    /// Wraps a card.
    pub fn new(card: C, campaign: Arc<Campaign>) -> Self {
        let mut hostile = Hostile { atr: Vec::new(), card, campaign, endless: None, forged: None };
        hostile.start();
        hostile
    }

    /// A new session: what went on ends, and a rule may give another ATR.
    fn start(&mut self) {
        (self.endless, self.forged) = (None, None);
        self.atr = self.card.atr();
        let campaign = Arc::clone(&self.campaign);
        let number = {
            let mut progress = campaign.progress();
            progress.starts += 1;
            progress.starts
        };
        let mut rng = campaign.rng(STARTS + number);
        for rule in campaign.acting(&mut rng, |rule| matches!(rule.act, Act::Atr(_))) {
            let Act::Atr(how) = &campaign.plan.rules[rule].act else { continue };
            self.atr = match how {
                Atr::Bytes(bytes) => bytes.clone(),
                Atr::Count(count) => stretched(&self.atr, *count),
                Atr::Any => stretched(&self.atr, below(&mut rng, 41)),
            };
            campaign.told(number, None, rule, "atr", format!("an ATR of {} bytes", self.atr.len()));
        }
    }

    /// The whole of the current EF, asked of the true card, which is left as it was.
    fn file(&mut self) -> Result<Vec<u8>, Silence> {
        let mut file = Vec::new();
        while file.len() < FILE_MAX {
            let [high, low] = (file.len() as u16).to_be_bytes();
            let answer = self.card.transmit(&[0x00, 0xB0, high, low, 0x00])?;
            let Some((data, [0x90, 0x00])) = answer.split_last_chunk() else { break };
            file.extend_from_slice(data);
            if data.len() < 256 {
                break;
            }
        }
        Ok(file)
    }

    /// READ BINARY of a forged certificate in place of what the card answered.
    fn forge(
        &mut self,
        command: &[u8],
        answer: &mut Vec<u8>,
        forgery: Option<Forgery>,
        rng: &mut SimRng,
    ) -> Result<Option<String>, Silence> {
        let &[0x00, 0xB0, p1, p2, ..] = command else { return Ok(None) };
        // What is shown may be longer than what is there.
        if !matches!(answer[..], [.., 0x90, 0x00] | [0x6B, 0x00]) {
            return Ok(None);
        }
        let real = self.file()?;
        let forgery = forgery.unwrap_or_else(|| Forgery::ALL[below(rng, Forgery::ALL.len())]);
        let known = self.forged.as_ref().is_some_and(|(known, _)| *known == real);
        if !known {
            let Some(mut shown) = forge::forged(&real, forgery, rng) else { return Ok(None) };
            shown.resize(shown.len().max(real.len()), 0x00);
            self.forged = Some((real, shown));
        }
        let Some((_, shown)) = &self.forged else { return Ok(None) };
        let offset = if p1 & 0x80 == 0 { u16::from_be_bytes([p1, p2]) } else { u16::from(p2) };
        let ne = Command::parse(command).ok().and_then(|command| command.ne).map_or(256, apdu::Ne::get);
        let part = shown.get(usize::from(offset)..).filter(|rest| !rest.is_empty());
        *answer = match part {
            Some(rest) => [&rest[..rest.len().min(ne as usize)], &[0x90, 0x00]].concat(),
            None => vec![0x6B, 0x00],
        };
        let what =
            if known { "the forged certificate goes on".into() } else { format!("{forgery:?}, {} bytes", shown.len()) };
        Ok(Some(what))
    }

    /// The answer of something that has no end.
    fn go_on(&mut self, command: &[u8], number: u64) -> Option<Vec<u8>> {
        let (endless, rule) = self.endless.take()?;
        let (answer, act) = match &endless {
            Endless::More(count) if command.get(1) == Some(&0xC0) => {
                ([&vec![0xA5; *count][..], &[0x61, 0xFF]].concat(), "more")
            }
            Endless::WrongLe(header) if command.starts_with(header) => (other_le(command), "wrong-le"),
            _ => return None,
        };
        let word = hex::encode_upper(&answer[answer.len() - 2..]);
        self.campaign.told(number, Some(command), rule, act, format!("{} bytes and {word} again", answer.len() - 2));
        self.endless = Some((endless, rule));
        Some(answer)
    }
}

/// The ATR cut off, or filled up with A5.
fn stretched(atr: &[u8], count: usize) -> Vec<u8> {
    let mut atr = atr.to_vec();
    atr.resize(count, 0xA5);
    atr
}

/// 6Cxx with another Le than the command had.
fn other_le(command: &[u8]) -> Vec<u8> {
    let ne = Command::parse(command).ok().and_then(|command| command.ne).map_or(0, apdu::Ne::get);
    vec![0x6C, (ne as u8).wrapping_add(1)]
}

impl<C: VirtualCard> VirtualCard for Hostile<C> {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn power_on(&mut self) {
        self.card.power_on();
        self.start();
    }

    fn power_off(&mut self) {
        self.card.power_off();
        self.endless = None;
    }

    fn reset(&mut self) {
        self.card.reset();
        self.start();
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        let campaign = Arc::clone(&self.campaign);
        let number = {
            let mut progress = campaign.progress();
            progress.exchanges += 1;
            progress.exchanges
        };
        if let Some(answer) = self.go_on(command, number) {
            return Ok(answer);
        }
        let mut rng = campaign.rng(number);
        let acting = campaign.acting(&mut rng, |rule| !matches!(rule.act, Act::Atr(_)) && rule.pattern.fits(command));
        let acts: Vec<(usize, Act)> = acting
            .into_iter()
            .map(|rule| match &campaign.plan.rules[rule].act {
                Act::Anything => (rule, Act::any(&mut rng)),
                act => (rule, act.clone()),
            })
            .collect();
        let tell = |rule, act: &Act, what| campaign.told(number, Some(command), rule, act.name(), what);
        // A card that wants another Le has not done the command.
        if let Some((rule, act)) = acts.iter().find(|(_, act)| *act == Act::WrongLe) {
            let answer = other_le(command);
            self.endless = Some((Endless::WrongLe(command[..command.len().min(4)].to_vec()), *rule));
            tell(*rule, act, hex::encode_upper(&answer));
            return Ok(answer);
        }
        let mut answer = self.card.transmit(command)?;
        for (rule, act) in acts {
            let what = match &act {
                Act::Delay(delay) => {
                    tell(rule, &act, format!("{} ms", delay.as_millis()));
                    (campaign.wait)(*delay);
                    continue;
                }
                Act::Mute | Act::Pull => {
                    let pulled = act == Act::Pull;
                    let what = if pulled { "the card is pulled out" } else { "no answer" };
                    tell(rule, &act, what.into());
                    return Err(if pulled { Silence::Pulled } else { Silence::Mute });
                }
                Act::More(count) => {
                    self.endless = Some((Endless::More(*count), rule));
                    answer.truncate(answer.len().saturating_sub(2));
                    answer.extend_from_slice(&[0x61, 0xFF]);
                    Some("61FF".into())
                }
                Act::Certificate(forgery) => self.forge(command, &mut answer, *forgery, &mut rng)?,
                act => act.spoil(&mut answer, &mut rng),
            };
            what.into_iter().for_each(|what| tell(rule, &act, what));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
