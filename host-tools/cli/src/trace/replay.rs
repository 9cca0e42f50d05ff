//! The commands of a trace once more, on a copy of a card; and whether it answers alike.

use super::lines;
use crate::{
    args::{Pins, TraceReplay},
    failure::Failure,
    out::say,
};
use sim::{
    card::Direct,
    explain::{Answer, Explained, Explainer, Shown},
    reader::Reader,
    trace::{Kind, Line},
};

/// `jitsuin trace replay`
pub(super) fn run(replay: &TraceReplay) -> Result<(), Failure> {
    let world = crate::world(&replay.world)?;
    let (_, stored) = crate::card(&world, &replay.card)?;
    let mut explainer = Explainer::new(stored.card().model());
    let mut card = Direct(stored.fork());
    card.power_on()?;
    let secrets = Secrets { pins: &replay.pins };
    let (mut alike, mut unlike, mut left_out) = (0, 0, 0);
    for line in lines(&replay.file)? {
        let line = line?;
        if replay.reader.as_ref().is_some_and(|wanted| *wanted != line.reader) {
            continue;
        }
        match line.event {
            Kind::Exchange => {}
            Kind::WarmReset => {
                card.reset()?;
                explainer.warm_reset();
                continue;
            }
            _ => {
                card.power_on()?;
                explainer.reset();
                continue;
            }
        }
        let Some(command) = line.command(&|exchange, count| secrets.of(exchange, count)) else {
            left_out += 1;
            say!("? {}", show_line(&line));
            continue;
        };
        let response = card.transmit(&command)?;
        let answered = explainer.exchange(&command, &response);
        if line.exchange.as_ref().is_some_and(|before| is_alike(before, &answered)) {
            alike += 1;
        } else {
            unlike += 1;
            say!("- {}", show_line(&line));
            say!("+ {answered}");
        }
    }
    say!("{alike} alike, {unlike} unlike, {left_out} left out");
    match (unlike, left_out) {
        (0, 0) => Ok(()),
        (_, 0) => Err(Failure::Refused(format!("{unlike} answers differ"))),
        _ => Err(Failure::Refused(
            "commands with secrets were left out; --auth-pin, --sign-pin and --form-pin give them".into(),
        )),
    }
}

fn show_line(line: &Line) -> String {
    line.exchange.as_ref().map_or_else(String::new, ToString::to_string)
}

/// The same status, and the same data where data is the same each time.
fn is_alike(before: &Explained, now: &Explained) -> bool {
    let random =
        matches!(now.answer, Answer::Challenge | Answer::IssuerChannel | Answer::Enciphered | Answer::Signature);
    before.sw == now.sw
        && match (&before.response, &now.response) {
            (Shown::Plain(before), Shown::Plain(now)) if !random => before == now,
            (before, now) => before.count() == now.count(),
        }
}

/// Secrets in place of those that a trace does not have.
struct Secrets<'a> {
    pins: &'a Pins,
}

impl Secrets<'_> {
    /// The right value where it was right, and one of the same length that is not where it was wrong.
    fn of(&self, exchange: &Explained, count: usize) -> Option<Vec<u8>> {
        if count == 0 {
            return Some(Vec::new());
        }
        if !exchange.command.starts_with("VERIFY") || exchange.command.contains("secure messaging") {
            return None;
        }
        let pins = [
            ("user authentication PIN", &self.pins.auth_pin),
            ("signature password", &self.pins.sign_pin),
            ("form filling PIN", &self.pins.form_pin),
        ];
        let (_, known) = pins.into_iter().find(|(name, _)| exchange.command.ends_with(name))?;
        let value = known.as_deref()?.as_bytes();
        if exchange.sw == "9000" {
            return (value.len() == count).then(|| value.to_vec());
        }
        let wrong = vec![b'0'; count];
        Some(if wrong == value { vec![b'1'; count] } else { wrong })
    }
}
