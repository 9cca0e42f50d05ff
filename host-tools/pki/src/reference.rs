//! 照合番号, what a reader of the printed face can know and show to the card: A, B, and the birth-date key. (card.md §7.1)

use crate::{digits, era::EraYear, my_number::MyNumber};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize};
use time::Date;
use zeroize::Zeroizing;

/// The four digits セキュリティコード printed on a card's face. They belong to the card, not to its holder.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct SecurityCode(String);

/// Why something is no security code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("セキュリティコード (security code): exactly four digits 0-9")]
pub struct SecurityCodeError;

impl SecurityCode {
    /// Four ASCII digits.
    ///
    /// # Errors
    /// [`SecurityCodeError`].
    pub fn new(digits: &str) -> Result<Self, SecurityCodeError> {
        let good = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
        good.then(|| SecurityCode(digits.into())).ok_or(SecurityCodeError)
    }

    /// Any code.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        SecurityCode(format!("{:04}", rng.next_u32() % 10_000))
    }

    /// The four digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecurityCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        digits::read(deserializer, SecurityCode::new)
    }
}

impl From<SecurityCode> for String {
    fn from(code: SecurityCode) -> String {
        code.0
    }
}

impl std::fmt::Debug for SecurityCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecurityCode(..)")
    }
}

/// 照合番号A: the My Number, 12 digits.
#[must_use]
pub fn number_a(my_number: &MyNumber) -> Zeroizing<String> {
    Zeroizing::new(my_number.digits().into())
}

/// 照合番号B, 14 digits: birth (era YYMMDD) ‖ year in which the card expires (Gregorian) ‖ security code.
#[must_use]
pub fn number_b(birth: Date, expires: Date, code: &SecurityCode) -> Zeroizing<String> {
    Zeroizing::new(format!("{}{:04}{}", birth_key(birth).as_str(), expires.year(), code.digits()))
}

/// The birth-date key 生年月日, 6 digits: year of the era ‖ month ‖ day.
#[must_use]
pub fn birth_key(birth: Date) -> Zeroizing<String> {
    let year = EraYear::of(birth).year.rem_euclid(100);
    Zeroizing::new(format!("{year:02}{:02}{:02}", u8::from(birth.month()), birth.day()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn the_example_of_the_card_specification() {
        let code = SecurityCode::new("2285").expect("code");
        let number = number_b(date!(1980 - 02 - 17), date!(2035 - 02 - 17), &code);
        assert_eq!(number.as_str(), "55021720352285", "card.md §7.1");
        assert_eq!(number_a(&MyNumber::new("123456789018").expect("number")).as_str(), "123456789018");
    }

    #[test]
    fn birth_keys_of_every_era_have_six_digits() {
        for (birth, key) in [
            (date!(1912 - 07 - 29), "450729"),
            (date!(1912 - 07 - 30), "010730"),
            (date!(1926 - 12 - 25), "011225"),
            (date!(1989 - 01 - 07), "640107"),
            (date!(1989 - 01 - 08), "010108"),
            (date!(2004 - 02 - 29), "160229"),
            (date!(2019 - 05 - 01), "010501"),
            (date!(2026 - 11 - 24), "081124"),
        ] {
            assert_eq!(birth_key(birth).as_str(), key, "{birth}");
        }
        assert_eq!(birth_key(Date::MIN).len(), 6);
    }

    #[test]
    fn codes_are_four_digits_and_not_printed_by_accident() {
        for bad in ["", "123", "12345", "12a4", "１２３４", " 123", "+123"] {
            assert_eq!(SecurityCode::new(bad), Err(SecurityCodeError), "{bad}");
        }
        assert_eq!(format!("{:?}", SecurityCode::new("0001").expect("code")), "SecurityCode(..)");
    }
}
