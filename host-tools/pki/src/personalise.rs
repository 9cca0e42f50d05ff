//! What a card is given: the data groupings of one issue, and the rules for first PINs.

use crate::{cvc::Chain, profile::MUNICIPALITY_CODE};
use time::Date;
use zeroize::Zeroizing;

/// Which certificates a card gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halves {
    /// 署名用
    pub signature: bool,
    /// 利用者証明用
    pub authentication: bool,
}

/// Why a PIN is not taken at the counter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// User authentication PIN.
    #[error("利用者証明用暗証番号 (authentication PIN): exactly four digits")]
    Authentication,
    /// Signature password.
    #[error(
        "署名用暗証番号 (signature password): 6 to 16 characters of A-Z and 0-9, with at least one letter and one digit"
    )]
    Signature,
}

/// The first PINs of a card. (card.md §7.1)
pub struct Pins {
    /// User authentication PIN.
    pub authentication: Zeroizing<String>,
    /// Signature password.
    pub signature: Zeroizing<String>,
}

impl std::fmt::Debug for Pins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pins(..)")
    }
}

impl Pins {
    /// Checks both; the password is folded to upper case, as clients do.
    ///
    /// # Errors
    /// [`PinError`] names the one that is wrong.
    pub fn new(authentication: &str, signature: &str) -> Result<Self, PinError> {
        Ok(Pins { authentication: check_authentication(authentication)?, signature: check_signature(signature)? })
    }
}

/// Four digits.
///
/// # Errors
/// [`PinError::Authentication`].
pub fn check_authentication(pin: &str) -> Result<Zeroizing<String>, PinError> {
    let good = pin.len() == 4 && pin.bytes().all(|c| c.is_ascii_digit());
    good.then(|| Zeroizing::new(pin.to_owned())).ok_or(PinError::Authentication)
}

/// Six to sixteen letters and digits, with both.
///
/// # Errors
/// [`PinError::Signature`].
pub fn check_signature(password: &str) -> Result<Zeroizing<String>, PinError> {
    let folded = Zeroizing::new(password.to_ascii_uppercase());
    let good = (6..=16).contains(&folded.len())
        && folded.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && folded.bytes().any(|c| c.is_ascii_uppercase())
        && folded.bytes().any(|c| c.is_ascii_digit());
    good.then_some(folded).ok_or(PinError::Signature)
}

/// EF 0006, token information: our own text fields, everything else as observed. (card.md §6.1, D-21)
#[must_use]
pub fn token_information(card: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend_from_slice(format!("{:32}", "JPKIAPICCTOKEN2").as_bytes());
    bytes.extend_from_slice(format!("{:32}", "JITSUIN TEST SIMULATOR").as_bytes());
    bytes.extend_from_slice(format!("{:16}", "SIMJITSUIN").as_bytes());
    // A real card has sixteen digits here.
    bytes.extend_from_slice(format!("S{card:0>15}").as_bytes().get(..16).unwrap_or(&[b'S'; 16]));
    for number in [0x0000_040D_u32, 1, 0, 1, 0, 16, 6, u32::MAX, u32::MAX, u32::MAX, u32::MAX] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(b"0301");
    bytes.extend_from_slice(&[b'9'; 16]);
    bytes
}

/// EF 0008, certificate availability. (card.md §6.2, D-22)
#[must_use]
pub fn availability(halves: Halves) -> Vec<u8> {
    let flag = |present| if present { 0x8F } else { 0x00 };
    vec![flag(halves.signature), flag(halves.authentication), 0x00]
}

/// Everything that does not depend on the card's keys, with the data grouping identifiers of the issuer channel.
#[must_use]
pub fn fixed(serial: &str, expiry: Date, halves: Halves, chain: &Chain, roots: [&[u8]; 2]) -> Vec<(u16, Vec<u8>)> {
    let [signature_ca, authentication_ca] = roots;
    let expiry = format!("{:04}{:02}{:02}", expiry.year(), u8::from(expiry.month()), expiry.day());
    vec![
        (0x0042, crate::cvc::KeyId::new(b"8000020", b"001").0.to_vec()),
        (0x0045, serial.as_bytes().to_vec()),
        (0x00F0, MUNICIPALITY_CODE.as_bytes().to_vec()),
        (0x00F2, expiry.into_bytes()),
        (0x00F7, chain.intermediate.0.to_vec()),
        (0x00F8, chain.first.clone()),
        (0x7F21, chain.second.clone()),
        (0x0106, token_information(serial)),
        (0x0108, availability(halves)),
        (0x0102, signature_ca.to_vec()),
        (0x010B, authentication_ca.to_vec()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_information_is_160_bytes_with_the_label_in_front() {
        let bytes = token_information("800000000000001");
        assert_eq!(bytes.len(), 160);
        assert_eq!(&bytes[..32], b"JPKIAPICCTOKEN2                 ");
        assert_eq!(&bytes[64..67], b"SIM");
        assert_eq!(&bytes[80..96], b"S800000000000001");
        assert_eq!(bytes[96..100], [0x00, 0x00, 0x04, 0x0D]);
        assert_eq!(&bytes[140..144], b"0301");
    }

    #[test]
    fn first_pins_follow_the_counters_rules() {
        assert!(Pins::new("1234", "ABC123").is_ok());
        assert_eq!(Pins::new("1234", "abc123").expect("folded").signature.as_str(), "ABC123");
        for bad in ["123", "12345", "12a4", "１２３４"] {
            assert_eq!(Pins::new(bad, "ABC123").expect_err(bad), PinError::Authentication);
        }
        for bad in ["AB123", "ABCDEF", "123456", "ABC-123", "ABCDEFGHIJKLMNOP1", "ABC12３"] {
            assert_eq!(Pins::new("1234", bad).expect_err(bad), PinError::Signature);
        }
    }
}
