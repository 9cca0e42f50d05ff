//! What a card is given: the data groupings of one issue, and the rules for first PINs.

use crate::{authorities::Authorities, card_record::CardRecord, cvc::KeyId, profile::MUNICIPALITY_CODE};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Which certificates a card gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halves {
    /// 署名用
    pub signature: bool,
    /// 利用者証明用
    pub authentication: bool,
}

/// Why a PIN is not taken at the counter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// A PIN of four digits.
    #[error("{0}: exactly four digits")]
    Digits(&'static str),
    /// Signature password.
    #[error(
        "署名用暗証番号 (signature password): 6 to 16 characters of A-Z and 0-9, with at least one letter and one digit"
    )]
    Signature,
    /// Password of a Juki card.
    #[error("署名用暗証番号 (password of a Juki card): 4 to 16 characters of A-Z and 0-9")]
    JukiCard,
}

/// The first PINs of a card. (card.md §7.1)
pub struct Pins {
    /// User authentication PIN.
    pub authentication: Zeroizing<String>,
    /// Signature password.
    pub signature: Zeroizing<String>,
    /// 住民基本台帳用暗証番号, which the card holds twice: in 共通カードAP and in 住基AP.
    pub residents: Zeroizing<String>,
    /// 券面事項入力補助用暗証番号
    pub form: Zeroizing<String>,
}

impl std::fmt::Debug for Pins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pins(..)")
    }
}

impl Pins {
    /// Checks both; the password is folded to upper case, as clients do. The other two PINs are the authentication PIN, as
    /// many people choose it.
    ///
    /// # Errors
    /// [`PinError`] names the one that is wrong.
    pub fn new(authentication: &str, signature: &str) -> Result<Self, PinError> {
        let authentication = check_digits(AUTHENTICATION, authentication)?;
        let (residents, form) = (authentication.clone(), authentication.clone());
        Ok(Pins { authentication, signature: check_signature(signature)?, residents, form })
    }

    /// With another 住民基本台帳用暗証番号.
    ///
    /// # Errors
    /// [`PinError::Digits`].
    pub fn with_residents(mut self, pin: &str) -> Result<Self, PinError> {
        self.residents = check_digits(RESIDENTS, pin)?;
        Ok(self)
    }

    /// With another 券面事項入力補助用暗証番号.
    ///
    /// # Errors
    /// [`PinError::Digits`].
    pub fn with_form(mut self, pin: &str) -> Result<Self, PinError> {
        self.form = check_digits(FORM, pin)?;
        Ok(self)
    }

    /// With the password of a Juki card, whose rules are looser.
    ///
    /// # Errors
    /// [`PinError::JukiCard`].
    pub fn of_juki_card(password: &str) -> Result<Self, PinError> {
        let signature = check_juki_card(password)?;
        let none = || Zeroizing::new(String::new());
        Ok(Pins { authentication: none(), signature, residents: none(), form: none() })
    }
}

/// Names of the PINs of four digits, as messages have them.
pub const AUTHENTICATION: &str = "利用者証明用暗証番号 (authentication PIN)";
/// See [`AUTHENTICATION`].
pub const RESIDENTS: &str = "住民基本台帳用暗証番号 (residents' network PIN)";
/// See [`AUTHENTICATION`].
pub const FORM: &str = "券面事項入力補助用暗証番号 (form filling PIN)";

/// Four digits.
///
/// # Errors
/// [`PinError::Digits`] with this name.
pub fn check_digits(name: &'static str, pin: &str) -> Result<Zeroizing<String>, PinError> {
    let good = pin.len() == 4 && pin.bytes().all(|c| c.is_ascii_digit());
    good.then(|| Zeroizing::new(pin.to_owned())).ok_or(PinError::Digits(name))
}

/// Six to sixteen letters and digits, with both.
///
/// # Errors
/// [`PinError::Signature`].
pub fn check_signature(password: &str) -> Result<Zeroizing<String>, PinError> {
    let folded = check_password(password, 6).ok_or(PinError::Signature)?;
    let mixed = folded.bytes().any(|c| c.is_ascii_uppercase()) && folded.bytes().any(|c| c.is_ascii_digit());
    mixed.then_some(folded).ok_or(PinError::Signature)
}

/// Four to sixteen letters and digits. (card.md §16)
///
/// # Errors
/// [`PinError::JukiCard`].
pub fn check_juki_card(password: &str) -> Result<Zeroizing<String>, PinError> {
    check_password(password, 4).ok_or(PinError::JukiCard)
}

/// Folded to upper case, where it is of this alphabet and length.
fn check_password(password: &str, least: usize) -> Option<Zeroizing<String>> {
    let folded = Zeroizing::new(password.to_ascii_uppercase());
    let good =
        (least..=16).contains(&folded.len()) && folded.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    good.then_some(folded)
}

/// EF 0006, token information: our own text fields, everything else as observed. (card.md §6.1, D-21)
#[must_use]
pub fn token_information(label: &str, card: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend_from_slice(format!("{label:32}").as_bytes());
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
pub fn fixed(record: &CardRecord, halves: Halves, authorities: &Authorities) -> Vec<(u16, Vec<u8>)> {
    let (chain, expires) = (&authorities.chain, record.expires);
    let expires = format!("{:04}{:02}{:02}", expires.year(), u8::from(expires.month()), expires.day());
    let mut all = vec![
        (0x0042, KeyId::new(b"8000020", b"001").0.to_vec()),
        (0x0045, record.serial.as_bytes().to_vec()),
        (0x00F0, MUNICIPALITY_CODE.as_bytes().to_vec()),
        (0x00F2, expires.into_bytes()),
        (0x00F7, chain.intermediate.0.to_vec()),
        (0x00F8, chain.first.clone()),
        (0x7F21, chain.second.clone()),
        (0x0106, token_information(&record.profile.token, &record.serial)),
        (0x0108, availability(halves)),
    ];
    if record.profile.is_juki_card() {
        all.extend(authorities.prefecture.iter().map(|authority| (0x0102, authority.root().to_vec())));
    } else {
        all.push((0x0102, authorities.signature.root().to_vec()));
        all.push((0x010B, authorities.authentication.root().to_vec()));
    }
    let model = record.profile.model();
    all.retain(|(grouping, _)| model.by_grouping(*grouping).is_some());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_information_is_160_bytes_with_the_label_in_front() {
        let bytes = token_information("JPKIAPICCTOKEN2", "800000000000001");
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
            assert_eq!(Pins::new(bad, "ABC123").expect_err(bad), PinError::Digits(AUTHENTICATION));
        }
        for bad in ["AB123", "ABCDEF", "123456", "ABC-123", "ABCDEFGHIJKLMNOP1", "ABC12３"] {
            assert_eq!(Pins::new("1234", bad).expect_err(bad), PinError::Signature);
        }
        assert!(Pins::of_juki_card("1234").is_ok(), "card.md §16");
        for bad in ["123", "ABCDEFGHIJKLMNOP1", "AB-1"] {
            assert_eq!(Pins::of_juki_card(bad).expect_err(bad), PinError::JukiCard);
        }
    }
}
