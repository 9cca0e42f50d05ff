//! Runs cases against a card.

use crate::{
    bytes::{Expression, Pattern, Words},
    case::{Case, Confidence, Effect, Suite},
    step::{Act, Source, Step},
    subject::Subject,
    value::{Blank, Values},
};
use apdu::{Response, Sw};
use serde::Serialize;
use sim::{
    explain::{Explained, Explainer, Shown},
    reader::{Reader, ReaderError},
};
use std::{
    collections::{BTreeSet, VecDeque},
    time::Instant,
};

/// Exchanges of a case that are kept for its report.
const KEPT: usize = 60;
/// Largest file that `read` takes from a card.
const FILE_MAX: usize = 32 * 1024;
/// After so many cases in a row without a working reader there is no card any more.
const SILENT_MAX: usize = 3;

/// Where the card is.
pub enum Cards<'c> {
    /// One card for all cases.
    One(&'c mut dyn Reader),
    /// A fresh copy of the card for each case, with everything a case does undone by throwing it away.
    Copies(&'c mut dyn FnMut() -> Box<dyn Reader>),
}

/// What may be done to a card that is no copy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Effects that are allowed besides [`Effect::None`].
    pub allow: BTreeSet<Effect>,
    /// Leave out what takes thousands of commands.
    pub quick: bool,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The card does it.
    Passed,
    /// The card does otherwise where a measured fact binds it.
    Failed,
    /// The card does otherwise than an assumption or a decision; nobody has measured it.
    Differs,
    /// The card has not what the case is about.
    NotApplicable,
    /// Not run: not allowed, or not safe.
    NotRun,
}

/// One exchange, secrets blanked.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// Line of the steps.
    pub line: usize,
    /// In words.
    pub name: String,
    /// Hexadecimal.
    pub command: String,
    /// Hexadecimal, without status word.
    pub response: String,
    /// Status word.
    pub sw: String,
}

/// What came of a case.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Title of its chapter.
    pub chapter: String,
    /// Section of the specification.
    pub section: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, where it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The step that did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The last exchanges of a case that did not pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// Microseconds it took.
    pub micros: u64,
}

/// Runs the cases in their order and tells each outcome at once.
pub fn run(
    suite: &Suite,
    subject: &Subject,
    cards: &mut Cards<'_>,
    options: &Options,
    tell: &mut dyn FnMut(&Outcome),
) -> Vec<Outcome> {
    let (mut outcomes, mut refused, mut silent) = (Vec::new(), BTreeSet::new(), 0);
    for case in suite.cases() {
        let began = Instant::now();
        let copies = matches!(cards, Cards::Copies(_));
        let withheld = match inapplicable(case, subject) {
            Some(why) => Some((Verdict::NotApplicable, why)),
            None => prevented(case, options, copies, &refused, silent).map(|why| (Verdict::NotRun, why)),
        };
        let mut outcome = match withheld {
            Some((verdict, why)) => outcome(case, verdict, Some(why)),
            None => {
                let mut copy;
                let reader: &mut dyn Reader = match cards {
                    Cards::One(reader) => &mut **reader,
                    Cards::Copies(copies) => {
                        copy = copies();
                        &mut *copy
                    }
                };
                let mut session = Session::new(reader, subject.values().clone());
                let stopped = session.case(case);
                refused.append(&mut session.refused);
                silent = if matches!(stopped, Some((_, Stop::Reader(_)))) { silent + 1 } else { 0 };
                session.outcome(case, stopped)
            }
        };
        outcome.micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tell(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

fn outcome(case: &Case, verdict: Verdict, reason: Option<String>) -> Outcome {
    Outcome {
        id: case.id.clone(),
        title: case.title.clone(),
        chapter: case.chapter.clone(),
        section: case.section.clone(),
        confidence: case.confidence.clone(),
        verdict,
        reason,
        step: None,
        exchanges: Vec::new(),
        micros: 0,
    }
}

/// Why a case says nothing about this card.
fn inapplicable(case: &Case, subject: &Subject) -> Option<String> {
    if let Some(need) = case.needs.iter().find(|need| !subject.meets(need)) {
        return Some(match need.strip_prefix('!') {
            Some(absent) => format!("the card has {absent}"),
            None => format!("the card has not: {need}"),
        });
    }
    let missing = case.steps.foreign_names().into_iter().find(|name| !subject.values().has(name))?;
    Some(format!("nobody told {missing}"))
}

/// Why a case is better not run.
fn prevented(
    case: &Case,
    options: &Options,
    copies: bool,
    refused: &BTreeSet<String>,
    silent: usize,
) -> Option<String> {
    if silent >= SILENT_MAX {
        return Some("no card answers any more".into());
    }
    if case.long && options.quick {
        return Some("takes thousands of commands".into());
    }
    if copies {
        return None;
    }
    if case.effect != Effect::None && !options.allow.contains(&case.effect) {
        return Some(format!("--allow {} lets it be run", case.effect));
    }
    let name = case.steps.foreign_names().into_iter().find(|name| refused.contains(name))?;
    Some(format!("the card refused the value of {name}; it is not presented again"))
}

/// Why a case stopped.
enum Stop {
    /// The card did otherwise.
    Otherwise(String),
    /// No answer came.
    Reader(ReaderError),
}

impl From<ReaderError> for Stop {
    fn from(error: ReaderError) -> Self {
        Stop::Reader(error)
    }
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Stop::Otherwise(what)
    }
}

/// A case being run.
struct Session<'r> {
    reader: &'r mut dyn Reader,
    values: Values,
    blank: Blank,
    explainer: Explainer,
    kept: VecDeque<(usize, Explained)>,
    /// Names of secrets that the card did not take.
    refused: BTreeSet<String>,
}

impl<'r> Session<'r> {
    fn new(reader: &'r mut dyn Reader, values: Values) -> Self {
        let (blank, explainer) = (values.blank(), Explainer::default());
        Session { reader, values, blank, explainer, kept: VecDeque::new(), refused: BTreeSet::new() }
    }

    /// Runs a case; where it stopped, at which step and why.
    fn case(&mut self, case: &Case) -> Option<(Option<Step>, Stop)> {
        let begun = self.power().map_err(|error| (None, Stop::Reader(error)));
        let main = begun.and_then(|()| self.steps(&case.steps.main));
        let always = self.steps(&case.steps.always);
        main.and(always).err()
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), (Option<Step>, Stop)> {
        for step in steps {
            match &step.act {
                Act::For { name, values, body } => {
                    for value in values {
                        self.values.set(name, value.clone(), false);
                        self.steps(body).map_err(|(inner, stop)| (inner, self.with(name, value, stop)))?;
                    }
                }
                _ => self.step(step).map_err(|stop| (Some(step.clone()), stop))?,
            }
        }
        Ok(())
    }

    /// Tells in which round of a loop it was.
    fn with(&self, name: &str, value: &[u8], stop: Stop) -> Stop {
        match stop {
            Stop::Otherwise(what) => Stop::Otherwise(format!("{what}, with {name} = {}", hex::encode_upper(value))),
            reader => reader,
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match &step.act {
            Act::Power => self.power()?,
            Act::Reset => {
                let atr = self.reader.reset()?;
                self.explainer.warm_reset();
                self.values.set("atr", atr, false);
            }
            Act::Exchange { command, data, words, name } => {
                self.exchange(step.line, command, data, words, name.as_deref())?
            }
            Act::Read { file, name } => self.read(step.line, file, name)?,
            Act::Let { name, value } => {
                let value = match value {
                    Source::Expression(value) => value.evaluate(&self.values)?.to_vec(),
                    Source::Function(function, arguments) => self.work(*function, arguments)?,
                };
                self.values.set(name, value, false);
            }
            Act::Check { function, arguments } => drop(self.work(*function, arguments)?),
            Act::Match { value, pattern } => {
                let value = value.evaluate(&self.values)?;
                pattern.fits(&value, &self.values)??;
            }
            Act::For { .. } => {}
        }
        Ok(())
    }

    fn power(&mut self) -> Result<(), ReaderError> {
        let atr = self.reader.power_on()?;
        self.explainer.reset();
        self.values.set("atr", atr, false);
        Ok(())
    }

    fn work(&self, function: crate::function::Function, arguments: &[Expression]) -> Result<Vec<u8>, String> {
        let arguments: Vec<_> = arguments.iter().map(|one| one.evaluate(&self.values)).collect::<Result<_, _>>()?;
        let arguments: Vec<&[u8]> = arguments.iter().map(|one| &one[..]).collect();
        function.work(&arguments)
    }

    /// Sends a command and keeps the exchange.
    fn send(&mut self, line: usize, command: &[u8]) -> Result<(Vec<u8>, Sw), Stop> {
        let answer = self.reader.transmit(command)?;
        let explained = self.explainer.exchange(command, &answer);
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((line, explained));
        let response = Response::parse(&answer)
            .map_err(|_| Stop::Otherwise(format!("an answer of {} bytes without a status word", answer.len())))?;
        Ok((response.data.to_vec(), response.sw))
    }

    fn exchange(
        &mut self,
        line: usize,
        command: &Expression,
        data: &Pattern,
        words: &Words,
        name: Option<&str>,
    ) -> Result<(), Stop> {
        let bytes = command.evaluate(&self.values)?;
        let (answer, sw) = self.send(line, &bytes)?;
        if !words.fits(sw.0, &self.values)? {
            if matches!(sw.0, 0x6300 | 0x63C0..=0x63CF | 0x6983 | 0x6984) {
                let names = command.names().into_iter().filter(|name| self.values.is_secret(name));
                self.refused.extend(names.map(str::to_owned));
            }
            return Err(Stop::Otherwise(format!("the card answered {sw}, expected was {words}")));
        }
        data.fits(&answer, &self.values)?.map_err(|what| format!("response data: {what}"))?;
        if let Some(name) = name {
            self.values.set(name, answer, false);
        }
        Ok(())
    }

    /// SELECT EF, then READ BINARY in pieces to the end. It takes whatever a client can cope with: how short reads are answered is
    /// for the cases about that.
    fn read(&mut self, line: usize, file: &Expression, name: &str) -> Result<(), Stop> {
        let file = file.evaluate(&self.values)?;
        let (_, sw) = self.send(line, &[&[0x00, 0xA4, 0x02, 0x0C, 0x02], &file[..]].concat())?;
        if !sw.is_success() {
            return Err(Stop::Otherwise(format!("SELECT EF answered {sw}")));
        }
        let mut content = Vec::new();
        loop {
            let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
            let (mut piece, mut sw) = self.send(line, &[0x00, 0xB0, high, low, 0x00])?;
            if let 0x6C01..=0x6CFF = sw.0 {
                (piece, sw) = self.send(line, &[0x00, 0xB0, high, low, sw.0.to_be_bytes()[1]])?;
            }
            let ended = sw.0 == 0x6B00 && !content.is_empty();
            if !matches!(sw.0, 0x9000 | 0x6282) && !ended {
                return Err(Stop::Otherwise(format!("READ BINARY answered {sw}")));
            }
            content.extend_from_slice(&piece);
            if ended || piece.len() < 256 {
                break;
            }
            if content.len() >= FILE_MAX {
                return Err(Stop::Otherwise(format!("a file of more than {FILE_MAX} bytes")));
            }
        }
        self.values.set(name, content, false);
        Ok(())
    }

    fn outcome(self, case: &Case, stopped: Option<(Option<Step>, Stop)>) -> Outcome {
        let Some((step, stop)) = stopped else { return outcome(case, Verdict::Passed, None) };
        let verdict = match &stop {
            Stop::Otherwise(_) if !case.confidence.binds() => Verdict::Differs,
            _ => Verdict::Failed,
        };
        let reason = match stop {
            Stop::Otherwise(what) => what,
            Stop::Reader(error) => error.to_string(),
        };
        let mut outcome = outcome(case, verdict, Some(self.blank.words(&reason)));
        outcome.step = step.map(|step| self.blank.words(&step.text));
        outcome.exchanges = self.kept.iter().map(|(line, one)| shown(&self.blank, *line, one)).collect();
        outcome
    }
}

fn shown(blank: &Blank, line: usize, explained: &Explained) -> Exchange {
    let show = |shown: &Shown| match shown {
        Shown::Plain(bytes) => blank.show(bytes),
        Shown::Blank(0) => String::new(),
        Shown::Blank(count) => format!("<{count} secret bytes>"),
    };
    let fields =
        [show(&explained.header), show(&explained.data), explained.ne.map_or(String::new(), |ne| format!("Ne={ne}"))];
    let command: Vec<String> = fields.into_iter().filter(|field| !field.is_empty()).collect();
    Exchange {
        line,
        name: blank.words(&explained.command),
        command: command.join(" "),
        response: show(&explained.response),
        sw: explained.sw.clone(),
    }
}
