//! The card's number, record 1 of 共通カードAP 0001. (card.md §9.1)

use apdu::tlv::{Rules, simple::Reader};
use serde::Serialize;

/// 28 digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardNumber {
    /// 製造番号, 15 digits.
    pub serial: String,
    /// 全国地方公共団体コード, 5 digits.
    pub municipality: String,
    /// Expiry, YYYYMMDD.
    pub expires: String,
}

impl CardNumber {
    /// Out of the EF, whose first record it is.
    #[must_use]
    pub fn first(file: &[u8]) -> Option<Self> {
        Reader::new(file, Rules::Card).next()?.ok().and_then(|record| CardNumber::parse(record.value))
    }

    /// Out of the record's value. `None` for anything but 28 digits.
    #[must_use]
    pub fn parse(record: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(record).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let (serial, rest) = text.split_at_checked(15)?;
        let (municipality, expires) = rest.split_at_checked(5)?;
        let whole = expires.len() == 8;
        whole.then(|| CardNumber { serial: serial.into(), municipality: municipality.into(), expires: expires.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_where_they_belong() {
        let number = CardNumber::parse(b"8000000000000019999920360217").expect("28 digits");
        assert_eq!(
            (number.serial.as_str(), number.municipality.as_str(), number.expires.as_str()),
            ("800000000000001", "99999", "20360217")
        );
        for bad in [&b""[..], b"80000000000000199999203602", b"800000000000001999992036021x", &[0xFF; 28]] {
            assert_eq!(CardNumber::parse(bad), None);
        }
    }
}
