//! Which commands a rule is about.

use std::{fmt, str::FromStr};

/// Longest pattern, in bytes.
const MAX: usize = 300;

/// Bytes of a command APDU: hexadecimal digits, `.` for any digit, `?4` for any four bytes, `*` at the end for any rest. Blanks mean nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Value and mask.
    bytes: Vec<(u8, u8)>,
    open: bool,
}

impl Pattern {
    /// Every command.
    #[must_use]
    pub fn any() -> Self {
        Pattern { bytes: Vec::new(), open: true }
    }

    /// Whether a command fits.
    #[must_use]
    pub fn fits(&self, command: &[u8]) -> bool {
        let long_enough = if self.open { command.len() >= self.bytes.len() } else { command.len() == self.bytes.len() };
        long_enough && self.bytes.iter().zip(command).all(|((value, mask), byte)| byte & mask == *value)
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pattern = Pattern::default();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            if pattern.open {
                return Err("`*` stands only at the end".into());
            }
            if pattern.bytes.len() > MAX {
                return Err(format!("a pattern has {MAX} bytes at most"));
            }
            let after = &rest[first.len_utf8()..];
            rest = match first {
                '*' => {
                    pattern.open = true;
                    after
                }
                '?' => {
                    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                    let (count, after) = after.split_at(digits);
                    let count: usize = count.parse().map_err(|_| "`?` stands before a number of bytes")?;
                    if count > MAX {
                        return Err(format!("a pattern has {MAX} bytes at most"));
                    }
                    pattern.bytes.extend(std::iter::repeat_n((0, 0), count));
                    after
                }
                _ => {
                    let second = after.chars().next().ok_or_else(|| format!("half a byte: {rest:?}"))?;
                    let ((high, upper), (low, lower)) = (digit(first)?, digit(second)?);
                    pattern.bytes.push((high << 4 | low, upper << 4 | lower));
                    &after[second.len_utf8()..]
                }
            }
            .trim_start();
        }
        Ok(pattern)
    }
}

/// Value and mask of a digit.
fn digit(digit: char) -> Result<(u8, u8), String> {
    match (digit, digit.to_digit(16)) {
        ('.', _) => Ok((0, 0)),
        (_, Some(value)) => Ok((value as u8, 0x0F)),
        _ => Err(format!("{digit:?} is no hexadecimal digit, and none of . ? *")),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (value, mask) in &self.bytes {
            let digit = |value: u8, mask: u8| if mask == 0 { ".".to_owned() } else { format!("{value:X}") };
            write!(f, "{}{} ", digit(value >> 4, mask >> 4), digit(value & 0x0F, mask & 0x0F))?;
        }
        f.write_str(if self.open { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, command: &[u8]) -> bool {
        pattern.parse::<Pattern>().expect(pattern).fits(command)
    }

    #[test]
    fn digits_gaps_and_rests() {
        assert!(fits("00 B0 *", &[0x00, 0xB0]) && fits("00b0*", &[0x00, 0xB0, 1, 2, 3]));
        assert!(!fits("00 B0 *", &[0x00, 0xB1]) && !fits("00 B0 *", &[0x00]));
        assert!(
            fits("00 B0 8. ?1 00", &[0x00, 0xB0, 0x8A, 7, 0]) && !fits("00 B0 8. ?1 00", &[0x00, 0xB0, 0x9A, 7, 0])
        );
        assert!(fits("..20..98", &[0x80, 0x20, 0x00, 0x98]) && !fits("..20..98", &[0x80, 0x20, 0x00, 0x98, 4]));
        assert!(fits("*", &[]) && !fits("", &[0]) && fits("", &[]));
        assert!(Pattern::any().fits(&[]) && Pattern::any().fits(&[0; 500]));
    }

    #[test]
    fn what_is_none_is_told() {
        for (bad, word) in [
            ("0", "half a byte"),
            ("0x", "no hexadecimal"),
            ("* 00", "at the end"),
            ("?", "number"),
            ("?999", "at most"),
            ("日", "half"),
            ("日本", "no hexa"),
        ] {
            let said = bad.parse::<Pattern>().expect_err(bad);
            assert!(said.contains(word), "{bad}: {said}");
        }
        assert!("00".repeat(400).parse::<Pattern>().is_err());
    }
}
