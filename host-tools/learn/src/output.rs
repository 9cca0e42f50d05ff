//! What is kept of an answer.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An answer, less its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Output {
    /// Status word, and how many bytes came before it.
    Answer {
        /// SW1 SW2.
        sw: u16,
        /// Bytes of data.
        length: u32,
    },
    /// An answer to reset. Cards that behave alike have different ones. (card.md D-01)
    Atr,
    /// None.
    Mute,
}

impl Output {
    /// A status word alone.
    #[must_use]
    pub fn sw(sw: u16) -> Self {
        Output::Answer { sw, length: 0 }
    }

    /// What is kept of a response APDU; one without a status word is none.
    #[must_use]
    pub fn of(response: &[u8]) -> Self {
        match response.split_last_chunk::<2>() {
            Some((data, sw)) => {
                let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
                Output::Answer { sw: u16::from_be_bytes(*sw), length }
            }
            None => Output::Mute,
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Answer { sw, length: 0 } => write!(f, "{sw:04X}"),
            Output::Answer { sw, length } => write!(f, "{length}+{sw:04X}"),
            Output::Atr => f.write_str("ATR"),
            Output::Mute => f.write_str("mute"),
        }
    }
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text:?} is no answer; one is like 63C2, 256+9000, ATR or mute");
        let (length, sw) = match text {
            "ATR" => return Ok(Output::Atr),
            "mute" => return Ok(Output::Mute),
            _ => text.split_once('+').unwrap_or(("0", text)),
        };
        let length = length.parse().map_err(|_| unknown())?;
        let hex = sw.len() == 4 && sw.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sw = u16::from_str_radix(sw, 16).ok().filter(|_| hex).ok_or_else(unknown)?;
        Ok(Output::Answer { sw, length })
    }
}

impl From<Output> for String {
    fn from(output: Output) -> String {
        output.to_string()
    }
}

impl TryFrom<String> for Output {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_is_written() {
        let all = [
            (Output::of(&[0x63, 0xC2]), "63C2"),
            (Output::of(&[1, 2, 3, 0x90, 0x00]), "3+9000"),
            (Output::of(&[0x90]), "mute"),
            (Output::Atr, "ATR"),
        ];
        for (output, text) in all {
            assert_eq!((output.to_string().as_str(), text.parse()), (text, Ok(output)));
        }
        for text in ["", "900", "90000", "+9000", "-1+9000", "ATR 9", "9OOO", "+900"] {
            assert!(text.parse::<Output>().is_err(), "{text}");
        }
    }
}
