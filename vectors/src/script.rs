//! Card scripts: exchanges with what a card must answer, as text.
//!
//! ```text
//! # Anything after a hash is a comment.
//! @title  Blocking a 3-try PIN
//! @source card.md Appendix A
//! @card   issued
//! @power                                       (cold reset; @reset is a warm one)
//! > 00 A4 04 0C 0A D392F000260100000001  < 9000
//! > 00 B0 00 00 04                       < 3082 ?2 9000      (?n: any n bytes)
//! > 00 CA 00 66 00                       < * 9000            (*: any bytes)
//! ```
//!
//! A command and its expectation stand on one line; blanks between bytes mean nothing.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while, take_while1},
    character::complete::{char, digit1, hex_digit1, space0, space1},
    combinator::{all_consuming, map, map_opt, map_res},
    multi::many0,
    sequence::{delimited, preceded},
};

/// Longest script, in bytes.
pub const LIMIT: usize = 1 << 20;

/// Part of an expected response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// This many bytes of any value.
    Any(usize),
    /// Any number of bytes.
    Rest,
}

/// What a response must look like, SW1-SW2 included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

impl Pattern {
    /// Whether the whole response fits.
    #[must_use]
    pub fn matches(&self, response: &[u8]) -> bool {
        fn fit(parts: &[Part], bytes: &[u8]) -> bool {
            match parts.split_first() {
                None => bytes.is_empty(),
                Some((Part::Bytes(expected), later)) => {
                    bytes.strip_prefix(expected.as_slice()).is_some_and(|rest| fit(later, rest))
                }
                Some((Part::Any(count), later)) => bytes.get(*count..).is_some_and(|rest| fit(later, rest)),
                Some((Part::Rest, later)) => (0..=bytes.len()).any(|skip| fit(later, &bytes[skip..])),
            }
        }
        fit(&self.0, response)
    }
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Cold reset.
    Power,
    /// Warm reset.
    Reset,
    /// A command and its answer.
    Exchange {
        /// Line in the file, from 1.
        line: usize,
        /// Command APDU.
        command: Vec<u8>,
        /// What must come back.
        expected: Pattern,
    },
}

/// A card script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// What it shows.
    pub title: String,
    /// Where its expectations come from.
    pub source: String,
    /// The state of the card it begins with.
    pub card: String,
    /// What happens.
    pub steps: Vec<Step>,
}

/// Why a text is no script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ScriptError {}

enum Line {
    Nothing,
    Title(String),
    Source(String),
    Card(String),
    Step(Step),
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] names the first line that is none of the forms above; a script without source is refused.
    pub fn parse(text: &str) -> Result<Script, ScriptError> {
        if text.len() > LIMIT {
            return Err(ScriptError { line: 0, message: format!("longer than {LIMIT} bytes") });
        }
        let mut script = Script::default();
        for (number, raw) in (1..).zip(text.lines()) {
            let (_, parsed) = all_consuming(line).parse(raw).map_err(|_| ScriptError {
                line: number,
                message: format!(
                    "not a comment, a directive (@title @source @card @power @reset) or `> hex < hex`: {raw}"
                ),
            })?;
            match parsed {
                Line::Nothing => {}
                Line::Title(title) => script.title = title,
                Line::Source(source) => script.source = source,
                Line::Card(card) => script.card = card,
                Line::Step(Step::Exchange { command, expected, .. }) => {
                    script.steps.push(Step::Exchange { line: number, command, expected });
                }
                Line::Step(step) => script.steps.push(step),
            }
        }
        if script.source.is_empty() {
            return Err(ScriptError { line: 0, message: "no @source: expectations need one".into() });
        }
        Ok(script)
    }
}

fn line(input: &str) -> IResult<&str, Line> {
    let step = alt((map(tag("@power"), |_| Step::Power), map(tag("@reset"), |_| Step::Reset), exchange));
    let content = alt((
        map(directive("@title"), Line::Title),
        map(directive("@source"), Line::Source),
        map(directive("@card"), Line::Card),
        map(step, Line::Step),
        map(tag(""), |_| Line::Nothing),
    ));
    let comment = many0(preceded(char('#'), take_while(|_| true)));
    map((space0, content, space0, comment), |(_, content, _, _)| content).parse(input)
}

fn directive<'a>(name: &'static str) -> impl Parser<&'a str, Output = String, Error = nom::error::Error<&'a str>> {
    map(preceded((tag(name), space1), take_while1(|c| c != '#')), |text: &str| text.trim().to_owned())
}

fn exchange(input: &str) -> IResult<&str, Step> {
    let command = map(many0(bytes), |groups| groups.concat());
    let expected = map(many0(part), Pattern);
    let both = (preceded((char('>'), space0), command), preceded((char('<'), space0), expected));
    map(both, |(command, expected)| Step::Exchange { line: 0, command, expected }).parse(input)
}

fn bytes(input: &str) -> IResult<&str, Vec<u8>> {
    delimited(space0, map_res(hex_digit1, hex::decode), space0).parse(input)
}

fn part(input: &str) -> IResult<&str, Part> {
    alt((
        map(bytes, Part::Bytes),
        map_opt(delimited(char('?'), digit1, space0), |count: &str| Some(Part::Any(count.parse().ok()?))),
        map((char('*'), space0), |_| Part::Rest),
    ))
    .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "@source nowhere # really\n@title  A b\n@card issued\n\n@power\n> 00A4 04 < 61?2*9000 # x\n";

    #[test]
    fn reads_every_form() {
        let script = Script::parse(TEXT).expect("a script");
        assert_eq!((script.source.as_str(), script.title.as_str(), script.card.as_str()), ("nowhere", "A b", "issued"));
        let expected = Pattern(vec![Part::Bytes(vec![0x61]), Part::Any(2), Part::Rest, Part::Bytes(vec![0x90, 0x00])]);
        assert_eq!(script.steps, [Step::Power, Step::Exchange { line: 6, command: vec![0x00, 0xA4, 0x04], expected }]);
    }

    #[test]
    fn patterns_match_whole_responses() {
        let Some(Step::Exchange { expected, .. }) = Script::parse(TEXT).expect("a script").steps.pop() else {
            panic!("no exchange")
        };
        assert!(expected.matches(&[0x61, 1, 2, 0x90, 0x00]));
        assert!(expected.matches(&[0x61, 1, 2, 3, 4, 0x90, 0x00]));
        assert!(!expected.matches(&[0x61, 1, 0x90, 0x00]));
        assert!(!expected.matches(&[0x61, 1, 2, 0x90, 0x00, 0x00]));
    }

    #[test]
    fn says_which_line_is_wrong() {
        for (text, line) in
            [("@source a\n> 00A < 9000", 2), ("@source a\nhello", 2), ("> 00 < 9000", 0), ("@power x", 1)]
        {
            assert_eq!(Script::parse(text).expect_err(text).line, line, "{text}");
        }
    }
}
