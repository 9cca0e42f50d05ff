//! What a card is asked: a text file of commands by name.
//!
//! ```text
//! # A comment.
//! query        00200098
//! wrong        002000980430303030   destructive
//! warm-reset   reset
//! power-cycle  power
//! ```

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Both PINs of the JPKI application of a fresh card.
pub const PINS: &str = include_str!("../alphabets/pins.txt");

/// Most bytes of an alphabet's text.
pub const TEXT_MAX: usize = 64 * 1024;
/// Most symbols.
pub const SYMBOLS_MAX: usize = 64;
/// Most characters of a name.
const NAME_MAX: usize = 32;
/// Most bytes of a command.
const COMMAND_MAX: usize = 4096 + 9;

/// What is done to the card.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Act {
    /// A command APDU.
    Command(Vec<u8>),
    /// Warm reset.
    Reset,
    /// Power off and on.
    Power,
}

impl TryFrom<String> for Act {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "reset" => Ok(Act::Reset),
            "power" => Ok(Act::Power),
            _ => match hex::decode(&text) {
                Ok(bytes) if (4..=COMMAND_MAX).contains(&bytes.len()) => Ok(Act::Command(bytes)),
                Ok(_) => Err(format!("a command has 4 to {COMMAND_MAX} bytes")),
                Err(_) => Err("neither a command in hexadecimal nor `reset` nor `power`".into()),
            },
        }
    }
}

impl From<Act> for String {
    fn from(act: Act) -> String {
        match act {
            Act::Command(bytes) => hex::encode_upper(bytes),
            Act::Reset => "reset".into(),
            Act::Power => "power".into(),
        }
    }
}

/// One thing to do, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(rename = "do")]
    pub act: Act,
    /// It was marked as one that may spend a try or change the card for good.
    pub destructive: bool,
}

impl Symbol {
    /// Whether it may spend a try or change the card: by its mark, or because a value is presented or written whoever forgot to
    /// mark it.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        let presents = match &self.act {
            Act::Command(bytes) => matches!(bytes[..], [_, 0x20 | 0x21 | 0x24 | 0x2C | 0x32 | 0x82, _, _, _, ..]),
            Act::Reset | Act::Power => false,
        };
        self.destructive || presents
    }
}

/// Symbols, each with a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Symbol>", try_from = "Vec<Symbol>")]
pub struct Alphabet(Vec<Symbol>);

/// Why a text is no alphabet.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlphabetError {
    /// A line of it.
    #[error("line {line}: {what}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// All of it.
    #[error("{0}")]
    Whole(String),
}

impl Alphabet {
    /// Reads a text.
    ///
    /// # Errors
    /// [`AlphabetError`]. Commands are not repeated in it: they may hold PINs.
    pub fn parse(text: &str) -> Result<Self, AlphabetError> {
        if text.len() > TEXT_MAX {
            return Err(AlphabetError::Whole(format!("an alphabet has at most {TEXT_MAX} bytes")));
        }
        let mut symbols = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let refused = |what: String| AlphabetError::Line { line: number + 1, what };
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(name) = words.next() else { continue };
            let act =
                words.next().ok_or_else(|| refused(format!("{name:?} does nothing; a command follows the name")))?;
            let destructive = match (words.next(), words.next()) {
                (None, _) => false,
                (Some("destructive"), None) => true,
                _ => return Err(refused(format!("after the command of {name:?} only `destructive` may follow"))),
            };
            let act = Act::try_from(act.to_owned()).map_err(|what| refused(format!("{name:?}: {what}")))?;
            symbols.push(Symbol { name: name.into(), act, destructive });
            check(&symbols).map_err(refused)?;
        }
        Alphabet::try_from(symbols).map_err(AlphabetError::Whole)
    }

    /// The symbols, in their order.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol] {
        &self.0
    }

    /// The names of a word's symbols, for people.
    #[must_use]
    pub fn spell(&self, word: &[usize]) -> String {
        let names = word.iter().map(|symbol| self.0.get(*symbol).map_or("?", |symbol| &symbol.name));
        names.collect::<Vec<_>>().join(", ")
    }
}

fn check(symbols: &[Symbol]) -> Result<(), String> {
    if symbols.len() > SYMBOLS_MAX {
        return Err(format!("an alphabet has at most {SYMBOLS_MAX} symbols"));
    }
    let mut seen = BTreeSet::new();
    for Symbol { name, .. } in symbols {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(format!("{name:?} is no name; one has 1 to {NAME_MAX} of A-Z a-z 0-9 - _ ."));
        }
        if !seen.insert(name) {
            return Err(format!("there are two symbols {name:?}"));
        }
    }
    Ok(())
}

impl TryFrom<Vec<Symbol>> for Alphabet {
    type Error = String;

    fn try_from(symbols: Vec<Symbol>) -> Result<Self, String> {
        if symbols.is_empty() {
            return Err("there is no symbol in it".into());
        }
        check(&symbols).map(|()| Alphabet(symbols))
    }
}

impl From<Alphabet> for Vec<Symbol> {
    fn from(alphabet: Alphabet) -> Vec<Symbol> {
        alphabet.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_alphabet_is_one_and_marks_what_it_must() {
        let alphabet = Alphabet::parse(PINS).expect("an alphabet");
        assert_eq!(alphabet.symbols().len(), 16);
        for symbol in alphabet.symbols() {
            let marked = ["right-", "wrong-", "change-", "present-"].iter().any(|start| symbol.name.starts_with(start));
            assert_eq!((symbol.destructive, symbol.is_destructive()), (marked, marked), "{}", symbol.name);
        }
    }

    #[test]
    fn who_forgets_a_mark_does_not_lose_a_card() {
        let alphabet = Alphabet::parse("a 0020009804 30303030\n").map(|_| ());
        assert!(alphabet.is_err(), "a command is one word");
        let alphabet = Alphabet::parse("a 002000980430303030\nb 00200098\nc 00A4000C\n d 802C0098\n").expect("one");
        let destructive: Vec<_> = alphabet.symbols().iter().map(Symbol::is_destructive).collect();
        assert_eq!(destructive, [true, false, false, false]);
    }

    #[test]
    fn what_is_refused_is_told_by_line() {
        let many: String = (0..65).map(|n| format!("s{n} reset\n")).collect();
        let cases = [
            ("", "no symbol"),
            ("# only this\n", "no symbol"),
            ("a\n", "line 1: \"a\" does nothing"),
            ("\na 00\n", "line 2: \"a\": a command has 4"),
            ("a 0020009\n", "neither a command"),
            ("a 00200098 harmless\n", "only `destructive`"),
            ("a 00200098 destructive indeed\n", "only `destructive`"),
            ("a reset\nb power\na reset\n", "line 3: there are two symbols \"a\""),
            ("päckchen reset\n", "is no name"),
            ("abcdefghijklmnopqrstuvwxyzabcdefg reset\n", "is no name"),
            (&many, "line 65: an alphabet has at most 64"),
            (&format!("a {}\n", "00".repeat(COMMAND_MAX + 1)), "a command has 4"),
            (&"#".repeat(TEXT_MAX + 1), "at most 65536 bytes"),
        ];
        for (text, words) in cases {
            let said = Alphabet::parse(text).expect_err(words).to_string();
            assert!(said.contains(words), "{said}");
        }
        let said = Alphabet::parse("a 0020009804303030303\n").expect_err("odd").to_string();
        assert!(!said.contains("3030"), "a PIN is not repeated: {said}");
    }
}
