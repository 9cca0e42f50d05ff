//! Bytes as cases write them: hexadecimal, text, names of values, counted fields; and what answers are held against.
//!
//! ```text
//! 00 A4 04 0C        bytes; blanks mean nothing         {pin.common}       a value by its name
//! "JPKI"             ASCII                              {file[4..20]}      part of it, {file[4..]} the rest
//! A5*32              one byte, so many times            [..] [[..]]        Lc in front: one byte; 00 and two bytes
//! ```
//!
//! Expected answers may have gaps: `?4` four bytes, `?1-256` so many at least and at most, `*` any number; the last two only
//! at the end; `?{n}` as many as a loop's byte says, 00 meaning 256. `.` in a status word is any digit.

use crate::value::Values;
use std::ops::Range;
use zeroize::Zeroizing;

/// Longest run that one `*N` or `?N` may name.
const RUN_MAX: usize = 65_544;
/// Longest value that is made. A case that doubles one again and again ends here.
const VALUE_MAX: usize = 1 << 20;
/// How deep counted fields may be nested.
const DEPTH_MAX: usize = 4;

/// One part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    Named {
        name: String,
        from: usize,
        to: Option<usize>,
    },
    Counted {
        extended: bool,
        inner: Vec<Part>,
    },
    /// Any bytes, so many at least and at most.
    Gap(usize, usize),
    /// As many bytes as a value of one byte says, 00 meaning 256.
    GapOf(String),
}

/// Bytes that a case writes down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression(Vec<Part>);

/// Bytes that a case expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

impl Expression {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = Scanner { rest: text, gaps: false, made: 0 }.all()?;
        Ok(Expression(parts))
    }

    /// Names of the values in it.
    pub(crate) fn names(&self) -> Vec<&str> {
        names(&self.0)
    }

    /// Its bytes.
    pub(crate) fn evaluate(&self, values: &Values) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut out = Zeroizing::new(Vec::new());
        evaluate(&self.0, values, &mut out)?;
        Ok(out)
    }
}

impl Pattern {
    /// Reads one; nothing at all means no bytes.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = Scanner { rest: text, gaps: true, made: 0 }.all()?;
        let open = |part: &Part| matches!(part, Part::Gap(least, most) if least != most);
        match parts.split_last() {
            Some((_, before)) if before.iter().any(open) => {
                Err("a gap of unknown length stands only at the end".into())
            }
            _ => Ok(Pattern(parts)),
        }
    }

    /// Names of the values in it.
    pub(crate) fn names(&self) -> Vec<&str> {
        names(&self.0)
    }

    /// Whether all of `bytes` fits; otherwise why not.
    pub(crate) fn fits(&self, bytes: &[u8], values: &Values) -> Result<Result<(), String>, String> {
        let mut at = 0;
        for part in &self.0 {
            let gap = match part {
                Part::Gap(least, most) => Some((*least, *most)),
                Part::GapOf(name) => match values.get(name)?.bytes[..] {
                    [0] => Some((256, 256)),
                    [count] => Some((usize::from(count), usize::from(count))),
                    _ => return Err(format!("{name} is not one byte")),
                },
                _ => None,
            };
            if let Some((least, most)) = gap {
                let left = bytes.len() - at;
                if left < least {
                    return Ok(Err(format!("{} bytes came, {} or more were expected", bytes.len(), at + least)));
                }
                at += left.min(most);
                continue;
            }
            let mut expected = Zeroizing::new(Vec::new());
            evaluate(std::slice::from_ref(part), values, &mut expected)?;
            let there = &bytes[at..bytes.len().min(at + expected.len())];
            if let Some(wrong) = there.iter().zip(expected.iter()).position(|(there, expected)| there != expected) {
                return Ok(Err(format!("another byte at offset {}", at + wrong)));
            }
            if there.len() < expected.len() {
                return Ok(Err(format!("{} bytes came, more were expected", bytes.len())));
            }
            at += expected.len();
        }
        if at == bytes.len() { Ok(Ok(())) } else { Ok(Err(format!("{} bytes came, {at} were expected", bytes.len()))) }
    }
}

/// A status word with gaps: `9000`, `63C.`, `6A82|6A86`, `!9000`; `{n}` stands for two digits of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    alternatives: Vec<String>,
    not: bool,
}

impl Words {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (not, words) = text.strip_prefix('!').map_or((false, text), |words| (true, words));
        let alternatives: Vec<String> = words.split('|').map(str::to_uppercase).collect();
        for word in &alternatives {
            let plain = word.len() == 4 && word.chars().all(|c| c == '.' || c.is_ascii_hexdigit());
            let named = word.contains('{') && word.ends_with('}');
            if !plain && !named {
                return Err(format!("{word}: not a status word such as 9000, 63C. or 6A82|6A86"));
            }
        }
        Ok(Words { alternatives, not })
    }

    /// Whether this word is one of them.
    pub(crate) fn fits(&self, word: u16, values: &Values) -> Result<bool, String> {
        let digits = format!("{word:04X}");
        for alternative in &self.alternatives {
            let expected = match alternative.split_once('{') {
                Some((front, name)) => {
                    let name = name.trim_end_matches('}').to_lowercase();
                    format!("{front}{}", hex::encode_upper(&values.get(&name)?.bytes))
                }
                None => alternative.clone(),
            };
            let same = |(wanted, there): (char, char)| wanted == '.' || wanted == there;
            if expected.chars().zip(digits.chars()).all(same) {
                return Ok(!self.not);
            }
        }
        Ok(self.not)
    }
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.alternatives.join(" or ");
        if self.not { write!(f, "not {words}") } else { f.write_str(&words) }
    }
}

fn names(parts: &[Part]) -> Vec<&str> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Named { name, .. } | Part::GapOf(name) => found.push(name.as_str()),
            Part::Counted { inner, .. } => found.extend(names(inner)),
            Part::Bytes(_) | Part::Gap(..) => {}
        }
    }
    found
}

fn evaluate(parts: &[Part], values: &Values, out: &mut Zeroizing<Vec<u8>>) -> Result<(), String> {
    for part in parts {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(bytes),
            Part::Named { name, from, to } => {
                let bytes = &values.get(name)?.bytes;
                let range = Range { start: *from, end: to.unwrap_or(bytes.len()) };
                let piece = bytes.get(range.clone());
                out.extend_from_slice(piece.ok_or_else(|| format!("{name} has {} bytes, not {range:?}", bytes.len()))?);
            }
            Part::Counted { extended, inner } => {
                let mut field = Zeroizing::new(Vec::new());
                evaluate(inner, values, &mut field)?;
                let length = field.len();
                match extended {
                    false => out.push(u8::try_from(length).map_err(|_| format!("{length} bytes need [[ ]]"))?),
                    true => {
                        let length =
                            u16::try_from(length).map_err(|_| format!("{length} bytes are too long for Lc"))?;
                        out.push(0);
                        out.extend_from_slice(&length.to_be_bytes());
                    }
                }
                out.extend_from_slice(&field);
            }
            Part::Gap(..) | Part::GapOf(_) => return Err("a gap has no bytes".into()),
        }
        if out.len() > VALUE_MAX {
            return Err(format!("a value of more than {VALUE_MAX} bytes"));
        }
    }
    Ok(())
}

/// Reads from left to right.
struct Scanner<'t> {
    rest: &'t str,
    gaps: bool,
    /// Bytes so far.
    made: usize,
}

impl<'t> Scanner<'t> {
    fn all(mut self) -> Result<Vec<Part>, String> {
        let parts = self.parts(0)?;
        if self.rest.is_empty() { Ok(parts) } else { Err(format!("{}: a ] without a [", self.rest)) }
    }

    fn parts(&mut self, depth: usize) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            let Some(first) = self.rest.chars().next() else { return Ok(parts) };
            match first {
                ']' => return Ok(parts),
                '[' => parts.push(self.counted(depth)?),
                '{' => parts.push(named(self.until('{', '}')?)?),
                '"' => parts.push(Part::Bytes(self.until('"', '"')?.as_bytes().to_vec())),
                '?' | '*' if self.gaps => parts.push(self.gap(first)?),
                _ => self.hexadecimal(&mut parts)?,
            }
        }
    }

    fn counted(&mut self, depth: usize) -> Result<Part, String> {
        if depth == DEPTH_MAX {
            return Err("fields nested too deeply".into());
        }
        let (open, close) = if self.rest.starts_with("[[") { ("[[", "]]") } else { ("[", "]") };
        self.rest = &self.rest[open.len()..];
        let inner = self.parts(depth + 1)?;
        self.rest = self.rest.strip_prefix(close).ok_or_else(|| format!("{open} without {close}"))?;
        Ok(Part::Counted { extended: open == "[[", inner })
    }

    /// What stands between two marks.
    fn until(&mut self, open: char, close: char) -> Result<&'t str, String> {
        let body = self.rest.strip_prefix(open).unwrap_or(self.rest);
        let (inside, rest) = body.split_once(close).ok_or_else(|| format!("{open} without {close}"))?;
        if !inside.is_ascii() {
            return Err(format!("{inside}: only ASCII stands here"));
        }
        self.rest = rest;
        Ok(inside)
    }

    fn gap(&mut self, first: char) -> Result<Part, String> {
        self.rest = &self.rest[1..];
        if first == '*' {
            return Ok(Part::Gap(0, usize::MAX));
        }
        if self.rest.starts_with('{') {
            return match named(self.until('{', '}')?)? {
                Part::Named { name, from: 0, to: None } => Ok(Part::GapOf(name)),
                _ => Err("?{NAME} takes a whole value".into()),
            };
        }
        let least = self.number()?;
        let most = match self.rest.strip_prefix('-') {
            Some(rest) => {
                self.rest = rest;
                self.number()?
            }
            None => least,
        };
        if least <= most { Ok(Part::Gap(least, most)) } else { Err(format!("?{least}-{most}: the wrong way round")) }
    }

    fn number(&mut self) -> Result<usize, String> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = number.parse().ok().filter(|number| *number <= RUN_MAX);
        number.ok_or_else(|| format!("a number up to {RUN_MAX} is missing"))
    }

    fn hexadecimal(&mut self, parts: &mut Vec<Part>) -> Result<(), String> {
        let pair = self.rest.get(..2).unwrap_or(self.rest);
        let byte = hex::decode(pair).map_err(|_| format!("{pair:?}: not two hexadecimal digits"))?;
        self.rest = &self.rest[2..];
        let mut bytes = byte;
        let run = self.rest.strip_prefix('*').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(rest) = run {
            self.rest = rest;
            bytes = bytes.repeat(self.number()?);
        }
        self.made += bytes.len();
        if self.made > RUN_MAX {
            return Err(format!("more than {RUN_MAX} bytes; no command is so long"));
        }
        match parts.last_mut() {
            Some(Part::Bytes(before)) => before.extend_from_slice(&bytes),
            _ => parts.push(Part::Bytes(bytes)),
        }
        Ok(())
    }
}

/// `name` or `name[from..to]`.
fn named(text: &str) -> Result<Part, String> {
    let wrong = || format!("{{{text}}}: not a name such as {{pin.common}} or {{file[4..20]}}");
    let (name, range) = match text.split_once('[') {
        None => (text, None),
        Some((name, range)) => (name, Some(range.strip_suffix(']').ok_or_else(wrong)?)),
    };
    if !is_name(name) {
        return Err(wrong());
    }
    let name = name.to_owned();
    let Some((from, to)) = range.map(|range| range.split_once("..").ok_or_else(wrong)).transpose()? else {
        return Ok(Part::Named { name, from: 0, to: None });
    };
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let to = if to.is_empty() { None } else { Some(number(to)?) };
    Ok(Part::Named { name, from: number(from)?, to })
}

/// Lower-case words with points and hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    (1..=64).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let mut values = Values::default();
        values.set("pin.common", b"1234".to_vec(), true);
        values.set("n", vec![0xC2], false);
        values.set("k", vec![2], false);
        values
    }

    #[test]
    fn every_form_becomes_bytes() {
        let bytes = |text: &str| Expression::parse(text).and_then(|one| one.evaluate(&values()).map(|b| b.to_vec()));
        assert_eq!(bytes("00 20 0080 [{pin.common}]").expect("bytes"), b"\x00\x20\x00\x80\x041234");
        assert_eq!(bytes("[[A5*3 \"x\"]]").expect("bytes"), b"\x00\x00\x04\xA5\xA5\xA5x");
        assert_eq!(bytes("{pin.common[1..3]}{pin.common[3..]}").expect("bytes"), b"234");
        for wrong in [
            "0",
            "zz",
            "{",
            "{A}",
            "[00",
            "00]",
            "{n[0..2]}",
            "{unknown}",
            "?2",
            "A5*99999",
            "A5*65000 A5*65000",
            "[A5*256]",
            "é",
        ] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_see_what_differs() {
        let fits = |text: &str, bytes: &[u8]| {
            let pattern = Pattern::parse(text).expect("a pattern");
            pattern.fits(bytes, &values()).expect("known names")
        };
        for (text, bytes) in
            [("", &[][..]), ("30?1*", &[0x30, 1, 2]), ("?1-2", &[1]), ("?{k}", &[1, 2]), ("{n}?2", &[0xC2, 0, 0])]
        {
            assert_eq!(fits(text, bytes), Ok(()), "{text}");
        }
        for (text, bytes) in [
            ("", &[1][..]),
            ("30*", &[0x31]),
            ("?1-2", &[]),
            ("?{k}", &[1]),
            ("?{k}", &[1, 2, 3]),
            ("?1-2", &[1, 2, 3]),
            ("{n}", &[]),
        ] {
            assert!(fits(text, bytes).is_err(), "{text}");
        }
        assert!(Pattern::parse("*00").is_err() && Pattern::parse("?3-2").is_err());
    }

    #[test]
    fn status_words() {
        let fits = |text: &str, word| Words::parse(text).expect("a word").fits(word, &values()).expect("known");
        assert!(fits("63C.", 0x63C7) && !fits("63C.", 0x6300) && fits("6A82|6A86", 0x6A86) && fits("63{n}", 0x63C2));
        assert!(fits("!9000", 0x6982) && !fits("!9000", 0x9000));
        for wrong in ["", "900", "90000", "9g00", "9000|"] {
            assert!(Words::parse(wrong).is_err(), "{wrong}");
        }
    }
}
