//! Digits that open something, read so that no error repeats them.

use serde::{
    Deserializer,
    de::{Error, Visitor},
};
use std::fmt::{self, Display, Formatter};

/// Reads a text by this rule. What is no text fails with the rule's own word too: serde's would show the value.
pub(crate) fn read<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    rule: fn(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    // Not `deserialize_str`: there the format itself makes the error about a number.
    deserializer.deserialize_any(Digits(rule))
}

struct Digits<T, E>(fn(&str) -> Result<T, E>);

impl<T, E: Display> Digits<T, E> {
    fn no_text<F: Error>(&self) -> Result<T, F> {
        let rule = (self.0)("").err().map(|error| error.to_string()).unwrap_or_default();
        Err(F::custom(format!("{rule}, in quotation marks")))
    }
}

impl<T, E: Display> Visitor<'_> for Digits<T, E> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("digits in quotation marks")
    }

    fn visit_str<F: Error>(self, text: &str) -> Result<T, F> {
        (self.0)(text).map_err(F::custom)
    }

    fn visit_bytes<F: Error>(self, _: &[u8]) -> Result<T, F> {
        self.no_text()
    }

    fn visit_bool<F: Error>(self, _: bool) -> Result<T, F> {
        self.no_text()
    }

    fn visit_i64<F: Error>(self, _: i64) -> Result<T, F> {
        self.no_text()
    }

    fn visit_i128<F: Error>(self, _: i128) -> Result<T, F> {
        self.no_text()
    }

    fn visit_u64<F: Error>(self, _: u64) -> Result<T, F> {
        self.no_text()
    }

    fn visit_u128<F: Error>(self, _: u128) -> Result<T, F> {
        self.no_text()
    }

    fn visit_f64<F: Error>(self, _: f64) -> Result<T, F> {
        self.no_text()
    }
}

#[cfg(test)]
mod tests {
    use crate::{my_number::MyNumber, reference::SecurityCode};

    #[test]
    fn no_error_repeats_what_was_given() {
        for json in ["123456789018", "-123456789018", "123456789018.0", "\"123456789017\"", "\"x123456789018\""] {
            let error = serde_json::from_str::<MyNumber>(json).expect_err(json).to_string();
            assert!(error.contains("個人番号 (My Number)") && !error.contains("1234567890"), "{error}");
        }
        for json in ["2285", "-2285", "2285.5", "1e300", "\"22850\"", "\"２２８５\""] {
            let error = serde_json::from_str::<SecurityCode>(json).expect_err(json).to_string();
            assert!(error.contains("セキュリティコード (security code)"), "{error}");
            assert!(!error.contains("2285") && !error.contains("２２８５") && !error.contains("1e"), "{error}");
        }
        for json in ["null", "[2285]", "{\"2285\": 2285}", "true"] {
            let error = serde_json::from_str::<SecurityCode>(json).expect_err(json).to_string();
            assert!(error.contains("quotation marks") && !error.contains("2285"), "{error}");
        }
    }
}
