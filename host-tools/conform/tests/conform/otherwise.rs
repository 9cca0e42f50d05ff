//! Cards that each do one thing otherwise: the simulated card behind a wrapper that changes one behaviour.

use crate::cards::{Bare, SECRETS};
use sim::reader::{Reader, ReaderError};

/// What a wrapper does with a command.
pub(crate) type Rule = fn(&mut Card, &[u8]) -> Vec<u8>;

/// The card, what a rule can know of it from outside, and the rule.
pub(crate) struct Card {
    card: Bare,
    rule: Rule,
    /// DF name of the application, as it was selected.
    pub(crate) application: Vec<u8>,
    /// The current EF.
    pub(crate) file: u16,
    /// EFs whose VERIFY succeeded since the application was selected.
    pub(crate) verified: Vec<u16>,
}

impl Card {
    pub(crate) fn boxed(card: Bare, rule: Rule) -> Box<dyn Reader> {
        Box::new(Card { card, rule, application: Vec::new(), file: 0, verified: Vec::new() })
    }

    /// What the simulated card says.
    pub(crate) fn pass(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.card.transmit(command).expect("the simulated card answers");
        let good = answer.ends_with(&[0x90, 0x00]);
        match command {
            [0x00, 0xA4, 0x04, _, _, name @ ..] if good => {
                self.application = name.to_vec();
                (self.file, self.verified) = (0, Vec::new());
            }
            [0x00, 0xA4, 0x02, _, 2, high, low] if good => self.file = u16::from_be_bytes([*high, *low]),
            [0x00, 0xB0, p1 @ 0x81..=0x9E, ..] | [0x00, 0x20, _, p1 @ 0x81..=0x9E, ..] => {
                self.file = u16::from(p1 & 0x1F)
            }
            _ => {}
        }
        if let ([0x00, 0x20, _, _, _, ..], true) = (command, good) {
            self.verified.push(self.file);
        }
        answer
    }

    /// A command of the wrapper's own, which nobody follows.
    pub(crate) fn quietly(&mut self, command: &[u8]) -> Vec<u8> {
        self.card.transmit(command).expect("the simulated card answers")
    }

    /// The same with another command.
    pub(crate) fn instead(&mut self, command: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut changed = command.to_vec();
        change(&mut changed);
        self.pass(&changed)
    }

    pub(crate) fn in_application(&self, last: &[u8]) -> bool {
        self.application.starts_with(&[0xD3, 0x92])
            && self.application.get(..10).is_some_and(|name| name.ends_with(last))
    }

    pub(crate) fn in_jpki(&self) -> bool {
        self.in_application(&[0x01]) && self.application.starts_with(&[0xD3, 0x92, 0xF0])
    }

    /// Presents a secret that the wrapper knows.
    pub(crate) fn verify(&mut self, sfi: u8, secret: usize) {
        let value = SECRETS[secret].1.as_bytes();
        let command = [&[0x00, 0x20, 0x00, 0x80 | sfi, u8::try_from(value.len()).expect("short")], value].concat();
        let _ = self.quietly(&command);
    }
}

impl Reader for Card {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        (self.application, self.file, self.verified) = (Vec::new(), 0, Vec::new());
        self.card.power_on()
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        let mut atr = self.card.reset()?;
        // A rule answers a command that no reader sends where it wants to see resets too.
        match (self.rule)(self, RESET)[..] {
            [0x01] => return self.power_on(),
            [0x02] => atr.reverse(),
            _ => {}
        }
        Ok(atr)
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.card.power_off()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        Ok((self.rule)(self, command))
    }
}

/// What a rule sees at a warm reset; 01 makes it a cold one, 02 turns the ATR round.
pub(crate) const RESET: &[u8] = &[];

thread_local! {
    /// What a card without power would have to remember.
    pub(crate) static MEMORY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Forgets what a former card remembered.
pub(crate) fn fresh() {
    MEMORY.with(|memory| memory.set(false));
}
