//! The steps of a case, one a line.
//!
//! ```text
//! power                         cold reset; the answer is {atr}
//! reset                         warm reset; the answer is {atr}
//! select jpki                   00 A4 04 0C with the DF name {aid.jpki}, expecting 9000
//! ef 0018                       00 A4 02 0C 02 0018, expecting 9000
//! > 00 20 00 80  < 63C3         a command and its answer: data, then status word
//! > 00 B0 00 00 00  < ?256 9000 as start        and a name for the data
//! read 000A as file             SELECT EF, then READ BINARY in pieces of 256 to the end, as tolerant as clients are
//! let digest = sha256({message})                a value: an expression or a function of it
//! check signature(03, {message}, {signature}, {modulus})
//! match {file} = 3082*          a value has this shape
//! for n in 81..9E except 98     so many times, to `end`; also `for n in 00 04 0C`
//! end
//! always                        what follows is done even where a step before failed, to put the card back
//! ```
//!
//! Each case begins with a cold reset. Anything after a # is a comment.

use crate::{
    bytes::{Expression, Pattern, Words, is_name},
    function::Function,
};

/// Most lines of one case.
const LINES_MAX: usize = 400;
/// Most values of one loop, and most rounds of all loops of a case together.
const ROUNDS_MAX: usize = 1 << 17;
/// How deep loops may be nested.
const DEPTH_MAX: usize = 3;

/// What is done in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Power,
    Reset,
    Exchange { command: Expression, data: Pattern, words: Words, name: Option<String> },
    Read { file: Expression, name: String },
    Let { name: String, value: Source },
    Check { function: Function, arguments: Vec<Expression> },
    Match { value: Expression, pattern: Pattern },
    For { name: String, values: Vec<Vec<u8>>, body: Vec<Step> },
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Expression(Expression),
    Function(Function, Vec<Expression>),
}

/// A step and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Line within the steps, from 1.
    pub(crate) line: usize,
    /// As it is written.
    pub(crate) text: String,
    pub(crate) act: Act,
}

/// The steps of a case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Steps {
    pub(crate) main: Vec<Step>,
    /// Done even where one before failed.
    pub(crate) always: Vec<Step>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Steps {
    pub(crate) fn parse(text: &str) -> Result<Steps, Wrong> {
        let lines = text.lines().map(|line| uncommented(line).trim());
        let mut lines: Lines<'_> = lines.enumerate().map(|(at, line)| (at + 1, line)).collect();
        if lines.len() > LINES_MAX {
            return Err(Wrong { line: LINES_MAX, what: format!("more than {LINES_MAX} lines in one case") });
        }
        lines.retain(|(_, line)| !line.is_empty());
        let first_always = lines.iter().position(|(_, line)| *line == "always").unwrap_or(lines.len());
        let (main, always) = lines.split_at(first_always);
        let steps = Steps { main: block(main)?, always: block(always.get(1..).unwrap_or_default())? };
        let rounds = rounds(&steps.main).saturating_add(rounds(&steps.always));
        if rounds > ROUNDS_MAX {
            return Err(Wrong { line: 1, what: format!("{rounds} rounds of loops; {ROUNDS_MAX} are enough") });
        }
        Ok(steps)
    }

    /// Names of values that the subject must know.
    pub(crate) fn foreign_names(&self) -> Vec<String> {
        let (mut own, mut foreign) = (vec!["atr".to_owned()], Vec::new());
        collect(&self.main, &mut own, &mut foreign);
        collect(&self.always, &mut own, &mut foreign);
        foreign
    }
}

type Lines<'t> = Vec<(usize, &'t str)>;

/// A # ends the line, except within quotation marks.
fn uncommented(line: &str) -> &str {
    let mut quoted = false;
    let end = line.find(|c| {
        quoted ^= c == '"';
        c == '#' && !quoted
    });
    &line[..end.unwrap_or(line.len())]
}

fn block(lines: &[(usize, &str)]) -> Result<Vec<Step>, Wrong> {
    let mut rest = lines;
    let steps = nested(&mut rest, 0)?;
    match rest.first() {
        None => Ok(steps),
        Some((line, _)) => Err(Wrong { line: *line, what: "end without for".into() }),
    }
}

/// Takes lines up to an `end` that is not its own.
fn nested(rest: &mut &[(usize, &str)], depth: usize) -> Result<Vec<Step>, Wrong> {
    let mut steps = Vec::new();
    while let Some(&(line, text)) = rest.first() {
        if text == "end" {
            break;
        }
        let wrong = |what| Wrong { line, what };
        *rest = &rest[1..];
        let mut act = act(text).map_err(wrong)?;
        if let Act::For { body, .. } = &mut act {
            if depth == DEPTH_MAX {
                return Err(wrong(format!("more than {DEPTH_MAX} loops within each other")));
            }
            *body = nested(rest, depth + 1)?;
            if rest.first().is_none_or(|(_, text)| *text != "end") {
                return Err(wrong("for without end".into()));
            }
            *rest = &rest[1..];
        }
        steps.push(Step { line, text: text.to_owned(), act });
    }
    Ok(steps)
}

fn act(text: &str) -> Result<Act, String> {
    let (word, rest) = text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()));
    match word {
        "power" if rest.is_empty() => Ok(Act::Power),
        "reset" if rest.is_empty() => Ok(Act::Reset),
        "select" => done(&format!("00A4040C[{{aid.{rest}}}]")),
        "ef" => done(&format!("00A4020C02 {rest}")),
        "read" => {
            let (file, name) = rest.split_once(" as ").ok_or("read EF as NAME")?;
            Ok(Act::Read { file: Expression::parse(file)?, name: new_name(name)? })
        }
        "let" => {
            let (name, value) = rest.split_once('=').ok_or("let NAME = VALUE")?;
            Ok(Act::Let { name: new_name(name)?, value: source(value.trim())? })
        }
        "check" => match source(rest)? {
            Source::Function(function, arguments) => Ok(Act::Check { function, arguments }),
            Source::Expression(_) => Err(format!("check FUNCTION(ARGUMENT, ...); there are {}", Function::names())),
        },
        "match" => {
            let (value, pattern) = rest.split_once('=').ok_or("match VALUE = PATTERN")?;
            Ok(Act::Match { value: Expression::parse(value)?, pattern: Pattern::parse(pattern)? })
        }
        "for" => {
            let (name, values) = rest.split_once(" in ").ok_or("for NAME in VALUES")?;
            Ok(Act::For { name: new_name(name)?, values: values_of(values)?, body: Vec::new() })
        }
        _ if text.starts_with('>') => exchange(&text[1..]),
        _ => Err(format!(
            "{word}: not a step; they are power, reset, select, ef, >, read, let, check, match, for, end, always"
        )),
    }
}

/// A command that answers nothing but 9000.
fn done(command: &str) -> Result<Act, String> {
    let (data, words) = (Pattern::parse("")?, Words::parse("9000")?);
    Ok(Act::Exchange { command: Expression::parse(command)?, data, words, name: None })
}

fn exchange(text: &str) -> Result<Act, String> {
    let (command, answer) = text.split_once('<').ok_or("> COMMAND < DATA SW: the answer is missing")?;
    let (answer, name) = match answer.rsplit_once(" as ") {
        Some((answer, name)) => (answer.trim(), Some(new_name(name)?)),
        None => (answer.trim(), None),
    };
    let (data, words) = answer.rsplit_once(char::is_whitespace).unwrap_or(("", answer));
    Ok(Act::Exchange {
        command: Expression::parse(command)?,
        data: Pattern::parse(data)?,
        words: Words::parse(words)?,
        name,
    })
}

fn new_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if is_name(name) && !name.contains('.') {
        return Ok(name.to_owned());
    }
    Err(format!("{name}: not a name of lower-case letters, digits and hyphens"))
}

fn source(text: &str) -> Result<Source, String> {
    let call = text.strip_suffix(')').and_then(|text| text.split_once('('));
    let Some((name, arguments)) = call.filter(|(name, _)| is_name(name)) else {
        return Ok(Source::Expression(Expression::parse(text)?));
    };
    let function =
        Function::named(name).ok_or_else(|| format!("{name}: no such function; there are {}", Function::names()))?;
    let arguments: Vec<Expression> = match arguments.trim() {
        "" => Vec::new(),
        arguments => arguments.split(',').map(Expression::parse).collect::<Result<_, _>>()?,
    };
    if arguments.len() != function.arity() {
        return Err(format!("{name} takes {} arguments, not {}", function.arity(), arguments.len()));
    }
    Ok(Source::Function(function, arguments))
}

/// `A..B`, up or down, `except X Y`; or `X Y Z`.
fn values_of(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let (all, except) = text.split_once(" except ").map_or((text, ""), |(all, except)| (all, except));
    let listed = |text: &str| text.split_whitespace().map(Number::parse).collect::<Result<Vec<_>, _>>();
    let numbers = match all.split_once("..") {
        None => listed(all)?,
        Some((first, last)) => Number::range(Number::parse(first.trim())?, Number::parse(last.trim())?)?,
    };
    let except = listed(except)?;
    let left: Vec<Vec<u8>> = numbers.into_iter().filter(|one| !except.contains(one)).map(Number::bytes).collect();
    if left.is_empty() { Err("a loop over nothing".into()) } else { Ok(left) }
}

/// One or two bytes of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    value: u16,
    wide: bool,
}

impl Number {
    fn parse(text: &str) -> Result<Number, String> {
        let wrong = || format!("{text:?}: a loop runs over values of two or four hexadecimal digits");
        if !text.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let value = u16::from_str_radix(text, 16).map_err(|_| wrong())?;
        match text.len() {
            2 => Ok(Number { value, wide: false }),
            4 => Ok(Number { value, wide: true }),
            _ => Err(wrong()),
        }
    }

    fn range(first: Number, last: Number) -> Result<Vec<Number>, String> {
        if first.wide != last.wide {
            return Err("both ends of a loop have the same number of digits".into());
        }
        let (low, high) = (first.value.min(last.value), first.value.max(last.value));
        let mut all: Vec<Number> = (low..=high).map(|value| Number { value, wide: first.wide }).collect();
        if first.value > last.value {
            all.reverse();
        }
        Ok(all)
    }

    fn bytes(self) -> Vec<u8> {
        let [high, low] = self.value.to_be_bytes();
        if self.wide { vec![high, low] } else { vec![low] }
    }
}

/// Rounds of all loops.
fn rounds(steps: &[Step]) -> usize {
    let one = |step: &Step| match &step.act {
        Act::For { values, body, .. } => values.len().saturating_mul(rounds(body).max(1)),
        _ => 0,
    };
    steps.iter().map(one).fold(0, usize::saturating_add)
}

fn collect(steps: &[Step], own: &mut Vec<String>, foreign: &mut Vec<String>) {
    for step in steps {
        let (used, made): (Vec<&str>, Option<&String>) = match &step.act {
            Act::Power | Act::Reset => (Vec::new(), None),
            Act::Exchange { command, data, name, .. } => {
                (command.names().into_iter().chain(data.names()).collect(), name.as_ref())
            }
            Act::Read { file, name } => (file.names(), Some(name)),
            Act::Let { name, value: Source::Expression(value) } => (value.names(), Some(name)),
            Act::Let { name, value: Source::Function(_, arguments) } => {
                (arguments.iter().flat_map(Expression::names).collect(), Some(name))
            }
            Act::Match { value, pattern } => (value.names().into_iter().chain(pattern.names()).collect(), None),
            Act::Check { arguments, .. } => (arguments.iter().flat_map(Expression::names).collect(), None),
            Act::For { name, body, .. } => {
                own.push(name.clone());
                collect(body, own, foreign);
                (Vec::new(), None)
            }
        };
        for name in used {
            if !own.iter().chain(foreign.iter()).any(|known| known == name) {
                foreign.push(name.to_owned());
            }
        }
        own.extend(made.cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_read() {
        let text = "power\nreset\nselect jpki\nef 0018 # a PIN\n> 00200080 < 63C3\n> 00B0000000 < ?256 9000 as start\n\
                    read 000A as file\nlet m = \"a # b\"\nlet d = sha256({m})\ncheck equal({d}, {d})\n\
                    for n in C2..C0\nfor m2 in 00 01\n> 00{n} < 6D00\nend\nend\nalways\npower";
        let steps = Steps::parse(text).expect("reads");
        assert_eq!((steps.main.len(), steps.always.len()), (11, 1));
        assert_eq!(steps.foreign_names(), ["aid.jpki"]);
        let Act::For { values, .. } = &steps.main[10].act else { panic!("a loop") };
        assert_eq!(values, &[[0xC2], [0xC1], [0xC0]]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for wrong in [
            "jump",
            "> 00",
            "> 00 < 90",
            "read 0001",
            "let X = 00",
            "check 00",
            "check equal(00)",
            "check no-such(00)",
            "for n in 0..1\nend",
            "for n in +1..+2\nend",
            "for n in 00..01",
            "end",
            "for a in 0000..FFFF\nfor b in 0000..FFFF\nend\nend",
            "power on",
        ] {
            let text = format!("power\n{wrong}");
            let Wrong { line, what } = Steps::parse(&text).expect_err(wrong);
            assert!((1..=2).contains(&line) && !what.is_empty(), "{wrong}: {line} {what}");
        }
    }
}
