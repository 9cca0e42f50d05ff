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
    application: Vec<u8>,
    /// The current EF.
    file: u16,
    /// EFs whose VERIFY succeeded since the application was selected.
    verified: Vec<u16>,
}

impl Card {
    pub(crate) fn new(card: Bare, rule: Rule) -> Box<dyn Reader> {
        Box::new(Card { card, rule, application: Vec::new(), file: 0, verified: Vec::new() })
    }

    /// What the simulated card says.
    fn pass(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.card.transmit(command).expect("the simulated card answers");
        let good = answer.ends_with(&[0x90, 0x00]);
        match command {
            [0x00, 0xA4, 0x04, _, _, name @ ..] if good => {
                self.application = name.to_vec();
                (self.file, self.verified) = (0, Vec::new());
            }
            [0x00, 0xA4, 0x02, _, 2, high, low] if good => self.file = u16::from_be_bytes([*high, *low]),
            [0x00, 0xB0, p1 @ 0x81..=0x9E, ..] | [0x00, 0x20, _, p1 @ 0x81..=0x9E, ..] => self.file = u16::from(p1 & 0x1F),
            _ => {}
        }
        if let ([0x00, 0x20, _, _, _, ..], true) = (command, good) {
            self.verified.push(self.file);
        }
        answer
    }

    /// The same with another command.
    fn instead(&mut self, command: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut changed = command.to_vec();
        change(&mut changed);
        self.pass(&changed)
    }

    fn in_application(&self, last: &[u8]) -> bool {
        self.application.starts_with(&[0xD3, 0x92]) && self.application.get(..10).is_some_and(|name| name.ends_with(last))
    }

    fn in_jpki(&self) -> bool {
        self.in_application(&[0x01]) && self.application.starts_with(&[0xD3, 0x92, 0xF0])
    }

    /// Presents a secret that the wrapper knows.
    fn verify(&mut self, sfi: u8, secret: usize) {
        let value = SECRETS[secret].1.as_bytes();
        let command = [&[0x00, 0x20, 0x00, 0x80 | sfi, u8::try_from(value.len()).expect("short")], value].concat();
        let _ = self.card.transmit(&command);
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
const RESET: &[u8] = &[];

/// Answers one word in place of another.
fn word(mut answer: Vec<u8>, from: u16, to: u16) -> Vec<u8> {
    if answer.ends_with(&from.to_be_bytes()) {
        answer.truncate(answer.len() - 2);
        answer.extend_from_slice(&to.to_be_bytes());
    }
    answer
}

fn sw(word: u16) -> Vec<u8> {
    word.to_be_bytes().to_vec()
}

/// Le of a short READ BINARY.
fn asked(command: &[u8]) -> Option<usize> {
    match command {
        [0x00, 0xB0, _, _, 0] => Some(256),
        [0x00, 0xB0, _, _, le] => Some(usize::from(*le)),
        _ => None,
    }
}

fn offset(command: &[u8]) -> usize {
    match command {
        [_, _, 0x80..=0xFF, low, ..] => usize::from(*low),
        [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    }
}

/// The differences: what they are, how, and the cases that see them.
pub(crate) const DIFFERENCES: &[(&str, Rule, &[&str])] = &[
    ("a blocked PIN answers 6983", |card, command| word(card.pass(command), 0x6984, 0x6983), &[]),
    (
        "the query after a good VERIFY answers 9000",
        |card, command| match command {
            [0x00, 0x20, 0x00, _] => {
                let answer = card.pass(command);
                if answer[0] == 0x63 && card.verified.contains(&card.file) { sw(0x9000) } else { answer }
            }
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "short reads answer 6282",
        |card, command| {
            let answer = card.pass(command);
            if asked(command).is_some_and(|le| answer.len() - 2 < le) { word(answer, 0x9000, 0x6282) } else { answer }
        },
        &[],
    ),
    (
        "Le above what is there answers 6Cxx",
        |card, command| {
            let answer = card.pass(command);
            match asked(command) {
                Some(le) if answer.ends_with(&[0x90, 0x00]) && answer.len() - 2 < le => {
                    vec![0x6C, u8::try_from(answer.len() - 2).expect("short")]
                }
                _ => answer,
            }
        },
        &[],
    ),
    (
        "the next occurrence is always the first",
        |card, command| match command {
            [0x00, 0xA4, 0x04, 0x02 | 0x0E, ..] => card.instead(command, |command| command[3] &= 0x0C),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "the token information has 159 bytes",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_jpki() && card.file == 6 && command.get(1) == Some(&0xB0) && answer.ends_with(&[0x90, 0x00]) {
                let at = offset(command);
                if at >= 159 {
                    return sw(0x6B00);
                }
                answer.truncate((answer.len() - 2).min(159 - at));
                answer.extend_from_slice(&[0x90, 0x00]);
            }
            answer
        },
        &[],
    ),
    (
        "the label is padded with zeros",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_jpki() && card.file == 6 && command.get(1) == Some(&0xB0) {
                let (at, data) = (offset(command), answer.len() - 2);
                for (place, byte) in (at..).zip(&mut answer[..data]) {
                    if (15..32).contains(&place) {
                        *byte = 0;
                    }
                }
            }
            answer
        },
        &[],
    ),
    (
        "VERIFY knows the current EF alone",
        |card, command| match command {
            [0x00, 0x20, _, 0x81..=0x9E, ..] => sw(0x6A86),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "READ BINARY knows no short identifier",
        |card, command| match command {
            [0x00, 0xB0, 0x80..=0x9F, ..] => sw(0x6A86),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "a query of five bytes is taken",
        |card, command| match command {
            [0x00, 0x20, 0x00, _, 0x00] => card.instead(command, |command| command.truncate(4)),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "selecting an EF clears the status",
        |card, command| {
            if let [0x00, 0xA4, 0x02, ..] = command
                && card.in_jpki()
            {
                let _ = card.card.transmit(b"\x00\xA4\x04\x0C\x07\xA0\x00\x00\x01\x51\x00\x00");
                let _ = card.card.transmit(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
            }
            card.pass(command)
        },
        &[],
    ),
    (
        "the file control information has tag 85 instead of 84",
        |card, command| {
            let mut answer = card.pass(command);
            if let ([0x00, 0xA4, 0x04, ..], [0x6F, _, 0x84, ..]) = (command, &answer[..]) {
                answer[2] = 0x85;
            }
            answer
        },
        &[],
    ),
    (
        "certificate files are filled with FF",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_jpki() && matches!(card.file, 1 | 2 | 10 | 11) && command.get(1) == Some(&0xB0) {
                let data = answer.len() - 2;
                answer[..data].iter_mut().rev().take_while(|byte| **byte == 0).for_each(|byte| *byte = 0xFF);
            }
            answer
        },
        &[],
    ),
    (
        "logical channels are accepted",
        |card, command| match command {
            [0x01..=0x03 | 0x81..=0x83, ..] => card.instead(command, |command| command[0] &= 0xFC),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "GET CHALLENGE takes the extended form",
        |card, command| match command {
            [0x00, 0x84, 0x00, 0x00, 0x00, high, low] => {
                let mut answer = vec![0xA5; usize::from(u16::from_be_bytes([*high, *low]))];
                answer.extend_from_slice(&[0x90, 0x00]);
                answer
            }
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "GET DATA cuts off what is longer than Le",
        |card, command| match command {
            [0x00, 0xCA, p1, p2, 0x00] => {
                let mut answer = card.pass(&[0x00, 0xCA, *p1, *p2, 0x00, 0x00, 0x00]);
                if answer.len() > 258 {
                    answer.truncate(256);
                    answer.extend_from_slice(&[0x90, 0x00]);
                }
                answer
            }
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "an offset exactly at the end gives nothing and 9000",
        |card, command| {
            let answer = card.pass(command);
            let at_end = answer == [0x6B, 0x00]
                && asked(command).is_some()
                && offset(command) > 0
                && !card.application.is_empty()
                && {
                    let before = u16::try_from(offset(command) - 1).expect("an offset").to_be_bytes();
                    let high = if command[2] >= 0x80 { 0x80 } else { before[0] };
                    card.card.transmit(&[0x00, 0xB0, high, before[1], 0x01]).expect("answers").len() == 3
                };
            if at_end { sw(0x9000) } else { answer }
        },
        &[],
    ),
    (
        "Le beside P2 = 0C is a wrong length",
        |card, command| match command {
            [0x00, 0xA4, 0x04, 0x0C, length, rest @ ..] if *length > 0 && rest.len() == usize::from(*length) + 1 => sw(0x6700),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "no extended length",
        |card, command| match command {
            [_, _, _, _, 0x00, _, _, ..] => sw(0x6700),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "PSS of a message is PKCS#1 v1.5",
        |card, command| match command {
            [0x80, 0x2A, 0x05, ..] => card.instead(command, |command| command[2] = 0x03),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "the bare hash of a message gets a DigestInfo",
        |card, command| match command {
            [0x80, 0x2A, 0x01, ..] => card.instead(command, |command| command[2] = 0x03),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "the wrong value that uses the last try answers 6984",
        |card, command| match command {
            [_, 0x20, _, _, _, ..] => word(card.pass(command), 0x63C0, 0x6984),
            _ => card.pass(command),
        },
        &[],
    ),
    ("an unknown class is an unknown instruction", |card, command| word(card.pass(command), 0x6E00, 0x6D00), &[]),
    (
        "READ BINARY on a key is 6982",
        |card, command| match command {
            [0x00, 0xB0, ..] => word(card.pass(command), 0x6981, 0x6982),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "every challenge is the same",
        |card, command| {
            let mut answer = card.pass(command);
            if let [0x00, 0x84, ..] = command {
                let data = answer.len() - 2;
                answer[..data].fill(0xA5);
            }
            answer
        },
        &[],
    ),
    (
        "the JPKI status outlives other applications and power",
        |card, command| {
            let answer = card.pass(command);
            match command {
                [0x00, 0x20, 0x00, _, 4, value @ ..] if value == SECRETS[0].1.as_bytes() && card.in_jpki() => {
                    MEMORY.with(|memory| memory.set(true));
                }
                [0x00, 0xA4, 0x04, ..] if card.in_jpki() && MEMORY.with(std::cell::Cell::get) => {
                    card.verify(0x18, 0);
                    let _ = card.card.transmit(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
                }
                _ => {}
            }
            answer
        },
        &[],
    ),
    (
        "a SELECT that fails loses the EF",
        |card, command| {
            let answer = card.pass(command);
            if let ([0x00, 0xA4, ..], true, true) = (command, answer == [0x6A, 0x82], card.in_jpki()) {
                let _ = card.card.transmit(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
            }
            answer
        },
        &[],
    ),
    ("a warm reset is a cold one", |card, command| if command == RESET { vec![0x01] } else { card.pass(command) }, &[]),
    ("a warm reset has an ATR of its own", |card, command| if command == RESET { vec![0x02] } else { card.pass(command) }, &[]),
    ("80 FC is unknown", |card, command| if command.starts_with(&[0x80, 0xFC]) { sw(0x6D00) } else { card.pass(command) }, &[]),
    (
        "there is no MF to be selected in an application either",
        |card, command| if command == [0x00, 0xA4, 0x00, 0x00] { sw(0x6A86) } else { card.pass(command) },
        &[],
    ),
    (
        "5F51 is the whole ATR",
        |card, command| {
            let mut answer = card.pass(command);
            if let [_, 0xCA, 0x5F, 0x51, ..] = command
                && answer.len() > 2
            {
                answer.insert(0, 0x3B);
            }
            answer
        },
        &[],
    ),
    ("secure messaging without a session is not provided", |card, command| word(card.pass(command), 0x69FC, 0x6882), &[]),
    ("SET SESSION KEY elsewhere is unknown", |card, command| word(card.pass(command), 0x66F1, 0x6D00), &[]),
    (
        "the My Number has no filler",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_application(&[0x04, 0x08]) && card.file == 1 && command.starts_with(&[0x00, 0xB0]) && answer.len() > 2 {
                let left = 15usize.saturating_sub(offset(command)).min(answer.len() - 2);
                answer.truncate(left);
                answer.extend_from_slice(&[0x90, 0x00]);
            }
            answer
        },
        &[],
    ),
    (
        "照合番号A opens everything of 入力補助",
        |card, command| {
            let answer = card.pass(command);
            if let [0x00, 0x20, 0x00, _, 12, ..] = command
                && card.in_application(&[0x04, 0x08])
                && answer == [0x90, 0x00]
            {
                card.verify(0x15, 6);
            }
            answer
        },
        &[],
    ),
    (
        "照合番号B reaches the My Number in 券面確認",
        |card, command| {
            let answer = card.pass(command);
            if let [0x00, 0x20, 0x00, _, 14, ..] = command
                && card.in_application(&[0x04, 0x02])
                && answer == [0x90, 0x00]
            {
                card.verify(0x13, 5);
            }
            answer
        },
        &[],
    ),
    (
        "the signing keys of the 券面 applications have no default",
        |card, command| match command {
            [0x80, 0x2A, _, 0x00, ..] => sw(0x6A88),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "a change takes the old value and the new one",
        |card, command| match command {
            [0x00, 0x24, 0x01, ..] => sw(0x6700),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "records come without their header",
        |card, command| {
            let mut answer = card.pass(command);
            if command.starts_with(&[0x00, 0xB2]) && answer.len() > 4 {
                answer.drain(..2);
            }
            answer
        },
        &[],
    ),
    (
        "an unknown EF is 6A88",
        |card, command| match command {
            [0x00, 0xA4, 0x02, ..] => word(card.pass(command), 0x6A82, 0x6A88),
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "80 2A needs no Le",
        |card, command| match command {
            [0x80, 0x2A, _, _, length, data @ ..] if *length > 0 && data.len() == usize::from(*length) => {
                card.instead(command, |command| command.push(0))
            }
            _ => card.pass(command),
        },
        &[],
    ),
    (
        "one PIN opens both keys",
        |card, command| {
            let answer = card.pass(command);
            if let [0x00, 0x20, 0x00, _, 4, ..] = command
                && card.in_jpki()
                && answer == [0x90, 0x00]
            {
                let file = card.file;
                card.verify(0x1B, 1);
                let _ = card.card.transmit(&[&[0x00, 0xA4, 0x02, 0x0C, 0x02], &file.to_be_bytes()[..]].concat());
            }
            answer
        },
        &[],
    ),
];

thread_local! {
    /// What a card without power would have to remember.
    static MEMORY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Forgets what a former card remembered.
pub(crate) fn fresh() {
    MEMORY.with(|memory| memory.set(false));
}
