//! Values that cases name, and what keeps the secret ones out of reports.

use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A value under a name.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    secret: bool,
}

/// Every value that a case can name while it runs.
#[derive(Clone, Default)]
pub(crate) struct Values(BTreeMap<String, Value>);

impl Values {
    pub(crate) fn set(&mut self, name: &str, bytes: Vec<u8>, secret: bool) {
        self.0.insert(name.to_owned(), Value { bytes: Zeroizing::new(bytes), secret });
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("no value has the name {name}"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn is_secret(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.secret)
    }

    /// What shows bytes without these values' secrets.
    pub(crate) fn blank(&self) -> Blank {
        let secrets = self.0.values().filter(|value| value.secret).map(|value| value.bytes.clone());
        let mut secrets: Vec<_> = secrets.filter(|bytes| bytes.len() >= Blank::SHORTEST).collect();
        // The longest first, so that in words no part of one stays beside a shorter one.
        secrets.sort_by_key(|bytes| std::cmp::Reverse(bytes.len()));
        Blank(secrets)
    }
}

/// Shows bytes in hexadecimal with every secret blanked, wherever it stands. Written as text too: names and messages may
/// repeat what a vendor's own case says.
#[derive(Clone, Default)]
pub(crate) struct Blank(Vec<Zeroizing<Vec<u8>>>);

impl Blank {
    /// Shorter ones would blank everything; no PIN is shorter. (card.md §7.1)
    const SHORTEST: usize = 4;
    /// Longest answer that is shown whole.
    const SHOWN_MAX: usize = 4096;

    pub(crate) fn show(&self, bytes: &[u8]) -> String {
        let mut out = String::new();
        let mut at = 0;
        while let Some(first) = bytes.get(at) {
            if at >= Self::SHOWN_MAX {
                out.push_str(&format!("… {} bytes in all", bytes.len()));
                break;
            }
            match self.secret_bytes(&bytes[at..]) {
                0 => {
                    out.push_str(&format!("{first:02X}"));
                    at += 1;
                }
                count => {
                    out.push_str(&format!("<{count} secret bytes>"));
                    at += count;
                }
            }
        }
        out
    }

    /// How many bytes in front are a piece of some secret: one that is read in two commands is no less secret.
    fn secret_bytes(&self, bytes: &[u8]) -> usize {
        let pieces = self.0.iter().flat_map(|secret| (0..secret.len()).map(|from| &secret[from..]));
        let common = pieces.map(|piece| piece.iter().zip(bytes).take_while(|(one, other)| one == other).count());
        common.filter(|count| *count >= Self::SHORTEST).max().unwrap_or(0)
    }

    /// The same for words.
    pub(crate) fn words(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            let mut text = text.replace(&hex::encode_upper(secret), "<secret>");
            text = text.replace(&hex::encode(secret), "<secret>");
            match std::str::from_utf8(secret) {
                Ok(plain) => text.replace(plain, "<secret>"),
                Err(_) => text,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let mut values = Values::default();
        values.set("pin", b"7391".to_vec(), true);
        values.set("number", b"739112345678".to_vec(), true);
        values.set("open", b"open".to_vec(), false);
        let blank = values.blank();
        assert_eq!(blank.show(b"\x047391."), "04<4 secret bytes>2E");
        assert_eq!(blank.show(b"739112345678"), "<12 secret bytes>");
        assert_eq!(blank.show(b"open"), "6F70656E");
        assert_eq!(blank.show(b"12345x678"), "<5 secret bytes>78363738");
        assert_eq!(blank.words("PIN 7391, 37333931"), "PIN <secret>, <secret>");
    }
}
