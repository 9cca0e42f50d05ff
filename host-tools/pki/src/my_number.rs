//! My Number 個人番号: twelve digits, the last of which checks the others. (card.md Appendix B)

use crate::digits;
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize};

/// A My Number with a right check digit.
///
/// Outside this simulator such a number is protected by law, so no person's belongs in here. Those that are made here begin with
/// [`MyNumber::MARK`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct MyNumber(String);

/// Why something is no My Number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MyNumberError {
    /// Not twelve digits.
    #[error("個人番号 (My Number): exactly twelve digits 0-9, without spaces")]
    Form,
    /// Mistyped.
    #[error("個人番号 (My Number): the check digit is wrong; the last of the twelve digits has to be {0}")]
    CheckDigit(char),
}

impl MyNumber {
    /// What the numbers made here begin with. (docs/decisions/0012)
    pub const MARK: &str = "00000";
    /// How many numbers begin with the mark.
    pub const TESTS: u32 = 1_000_000;

    /// Twelve ASCII digits.
    ///
    /// # Errors
    /// [`MyNumberError`].
    pub fn new(digits: &str) -> Result<Self, MyNumberError> {
        let (first, check) = digits.split_at_checked(11).ok_or(MyNumberError::Form)?;
        if digits.len() != 12 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(MyNumberError::Form);
        }
        let right = check_digit(first);
        if !check.starts_with(right) {
            return Err(MyNumberError::CheckDigit(right));
        }
        Ok(MyNumber(digits.into()))
    }

    /// The n-th number that is marked as a test, modulo [`MyNumber::TESTS`].
    #[must_use]
    pub fn test(n: u32) -> Self {
        let first = format!("{}{:06}", Self::MARK, n % Self::TESTS);
        let check = check_digit(&first);
        MyNumber(first + &check.to_string())
    }

    /// Any number that is marked as a test.
    pub fn invent(rng: &mut impl CryptoRng) -> Self {
        Self::test(rng.next_u32())
    }

    /// The twelve digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether it begins with the mark.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.0.starts_with(Self::MARK)
    }
}

/// The digit that belongs behind eleven.
fn check_digit(first: &str) -> char {
    let weighted = first.bytes().rev().zip([2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6]);
    let rest = weighted.map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight).sum::<u32>() % 11;
    if rest <= 1 { '0' } else { char::from_digit(11 - rest, 10).unwrap_or('0') }
}

impl<'de> Deserialize<'de> for MyNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        digits::read(deserializer, MyNumber::new)
    }
}

impl From<MyNumber> for String {
    fn from(number: MyNumber) -> String {
        number.0
    }
}

impl std::fmt::Debug for MyNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MyNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_check_digit_from_outside() {
        // The specimen number of forms and manuals everywhere.
        assert!(MyNumber::new("123456789018").is_ok());
        assert_eq!(MyNumber::new("123456789012"), Err(MyNumberError::CheckDigit('8')));
        // By hand from the ordinance: weights 2 and 4 at the last digit; a remainder of 1 (6·2 = 12) or 0 (2·2 + 6·3 = 22) gives 0.
        for good in ["000000000019", "000000000027", "000000000060", "000000000620", "000000000000"] {
            assert_eq!(MyNumber::new(good).expect(good).digits(), good);
        }
    }

    #[test]
    fn only_twelve_ascii_digits() {
        for bad in [
            "",
            "12345678901",
            "1234567890188",
            "12345678901 ",
            "１２３４５６７８９０１８",
            "12345678901８",
            "-12345678901",
        ] {
            assert_eq!(MyNumber::new(bad), Err(MyNumberError::Form), "{bad}");
        }
    }

    #[test]
    fn it_is_not_printed_by_accident() {
        assert_eq!(format!("{:?}", Some(MyNumber::test(1))), "Some(MyNumber(..))");
    }

    #[test]
    fn json_is_checked() {
        let number: MyNumber = serde_json::from_str("\"123456789018\"").expect("good");
        assert!(!number.is_test());
        assert_eq!(serde_json::to_string(&number).expect("json"), "\"123456789018\"");
        let error = serde_json::from_str::<MyNumber>("\"123456789017\"").expect_err("bad").to_string();
        assert!(error.contains("check digit"), "{error}");
    }

    proptest! {
        #[test]
        fn tests_are_marked_and_good(n in 0..2 * MyNumber::TESTS) {
            let number = MyNumber::test(n);
            prop_assert!(number.is_test());
            prop_assert_eq!(MyNumber::new(number.digits()), Ok(number.clone()));
            prop_assert_eq!(number, MyNumber::test(n % MyNumber::TESTS));
        }

        /// The ordinance's formula, written as it stands there.
        #[test]
        fn the_formula_of_the_ordinance(first in "[0-9]{11}") {
            let p = |n: usize| first.as_bytes()[11 - n] - b'0';
            let q = |n: usize| if n <= 6 { n + 1 } else { n - 5 };
            let remainder = (1..=11).map(|n| usize::from(p(n)) * q(n)).sum::<usize>() % 11;
            let digit = if remainder <= 1 { 0 } else { 11 - remainder };
            let (good, bad) = (format!("{first}{digit}"), format!("{first}{}", (digit + 1) % 10));
            prop_assert!(MyNumber::new(&good).is_ok());
            prop_assert!(MyNumber::new(&bad).is_err());
        }

        #[test]
        fn no_string_is_too_much(text in "\\PC{0,40}") {
            let _ = MyNumber::new(&text);
        }
    }
}
