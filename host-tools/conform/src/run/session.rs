//! One case being run: what it does to a reader, and what came of it.

use super::{Exchange, Outcome, Verdict, outcome};
use crate::{
    bytes::{Expression, Pattern, Words},
    case::Case,
    function::Function,
    step::{Act, Source, Step},
    value::{Blank, Values},
};
use apdu::{Response, Sw};
use sim::{
    explain::{Explained, Explainer, Shown},
    reader::{Reader, ReaderError},
};
use std::collections::{BTreeSet, VecDeque};

/// Exchanges of a case that are kept for its report.
const KEPT: usize = 60;
/// Largest file that `read` takes from a card.
const FILE_MAX: usize = 32 * 1024;

/// Why a case stopped.
pub(super) enum Stop {
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

/// Where a case stopped.
pub(super) struct Stopped {
    /// The step as it is written; none for the cold reset before all steps.
    step: Option<String>,
    pub(super) why: Stop,
}

impl Stopped {
    /// Tells in which round of a loop it was.
    fn with(mut self, name: &str, value: &[u8]) -> Self {
        if let Stop::Otherwise(what) = &mut self.why {
            what.push_str(&format!(", with {name} = {}", hex::encode_upper(value)));
        }
        self
    }
}

/// A case being run.
pub(super) struct Session<'r> {
    reader: &'r mut dyn Reader,
    values: Values,
    blank: Blank,
    explainer: Explainer,
    kept: VecDeque<(usize, Explained)>,
    /// Names of secrets that the card did not take.
    pub(super) refused: BTreeSet<String>,
}

impl<'r> Session<'r> {
    pub(super) fn new(reader: &'r mut dyn Reader, values: Values) -> Self {
        let (blank, explainer) = (values.blank(), Explainer::default());
        Session { reader, values, blank, explainer, kept: VecDeque::new(), refused: BTreeSet::new() }
    }

    /// Runs a case; where it stopped, at which step and why.
    pub(super) fn case(&mut self, case: &Case) -> Option<Stopped> {
        let begun = self.power().map_err(|error| Stopped { step: None, why: Stop::Reader(error) });
        let main = begun.and_then(|()| self.steps(&case.steps.main));
        let always = self.steps(&case.steps.always);
        main.and(always).err()
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Stopped> {
        for step in steps {
            match &step.act {
                Act::For { name, values, body } => {
                    for value in values {
                        self.values.set(name, value.clone(), false);
                        self.steps(body).map_err(|stopped| stopped.with(name, value))?;
                    }
                }
                _ => self.step(step).map_err(|why| Stopped { step: Some(step.text.clone()), why })?,
            }
        }
        Ok(())
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

    fn work(&self, function: Function, arguments: &[Expression]) -> Result<Vec<u8>, String> {
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

    pub(super) fn outcome(self, case: &Case, stopped: Option<Stopped>) -> Outcome {
        let Some(Stopped { step, why }) = stopped else { return outcome(case, Verdict::Passed, None) };
        let verdict = match &why {
            Stop::Otherwise(_) if !case.confidence.binds() => Verdict::Differs,
            _ => Verdict::Failed,
        };
        let reason = match why {
            Stop::Otherwise(what) => what,
            Stop::Reader(error) => error.to_string(),
        };
        let mut outcome = outcome(case, verdict, Some(self.blank.words(&reason)));
        outcome.step = step.map(|step| self.blank.words(&step));
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
