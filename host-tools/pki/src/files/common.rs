//! Records of 共通カードAP and 住基AP. (card.md §9.1, §9.2)

use super::digits;
use crate::{cvc::KeyId, profile::MUNICIPALITY_CODE};
use time::Date;

/// Record 1 of 共通 0001: serial 製造番号 (15 digits) ‖ municipality code (5) ‖ expiry (8).
#[must_use]
pub fn card_number(serial: &str, expires: Date) -> Vec<u8> {
    record(format!("{serial:0>15}{MUNICIPALITY_CODE}{}", digits(expires)).as_bytes())
}

/// The one record of 共通 0002 and 住基 0002. (card.md D-48)
#[must_use]
pub fn key_reference() -> Vec<u8> {
    record(&KeyId::new(b"8000020", b"001").0)
}

/// Record 1 with a short value.
fn record(value: &[u8]) -> Vec<u8> {
    [&[0x01, u8::try_from(value.len()).unwrap_or(0xFE)], value].concat()
}
