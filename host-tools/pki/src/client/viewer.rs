//! The certificate viewer 自分の証明書 of the user client software: which certificates a card shows, and what of them.
//! (service.md §5)

use super::{ClientError, Half, Jpki, Passwords};
use crate::{
    birthday, era,
    survey::{Holder, SeenCertificate},
};
use apdu::Sw;
use der::{Decode, asn1::ObjectIdentifier};
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::{Date, Month, OffsetDateTime};
use x509_cert::ext::pkix::{SubjectAltName, name::GeneralName};

const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// A certificate on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// 利用者証明用電子証明書
    OwnAuthentication,
    /// 署名用電子証明書, which the signature password opens.
    OwnSignature,
    /// Self-signed certificate of the CA of signature certificates.
    CaSignature,
    /// Self-signed certificate of the CA of user authentication certificates.
    CaAuthentication,
}

impl Place {
    /// All four, in the order in which they are shown.
    pub const ALL: [Place; 4] =
        [Place::OwnAuthentication, Place::OwnSignature, Place::CaAuthentication, Place::CaSignature];

    /// English and Japanese.
    #[must_use]
    pub const fn names(self) -> [&'static str; 2] {
        match self {
            Place::OwnAuthentication => ["user authentication certificate", "利用者証明用電子証明書"],
            Place::OwnSignature => ["signature certificate", "署名用電子証明書"],
            Place::CaSignature => ["CA certificate for signature", "署名用認証局の自己署名証明書"],
            Place::CaAuthentication => ["CA certificate for user authentication", "利用者証明用認証局の自己署名証明書"],
        }
    }

    /// Which half of the card it belongs to.
    #[must_use]
    pub const fn half(self) -> Half {
        match self {
            Place::OwnSignature | Place::CaSignature => Half::Signature,
            Place::OwnAuthentication | Place::CaAuthentication => Half::Authentication,
        }
    }

    const fn file(self) -> u8 {
        match self {
            Place::OwnSignature | Place::OwnAuthentication => self.half().certificate(),
            Place::CaSignature | Place::CaAuthentication => self.half().authority(),
        }
    }

    /// Reads it from the selected application, DER. `None` where the card has none.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `6982` for the signature certificate before its password.
    pub fn read(self, jpki: &mut Jpki<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        match jpki.certificate(self.file()) {
            Err(error) if error.sw() == Some(Sw::FILE_NOT_FOUND) => Ok(None),
            read => read,
        }
    }
}

/// What the viewer shows of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Which.
    pub certificate: Place,
    /// 主体者, English.
    pub subject: String,
    /// 主体者, Japanese: the holder's name, or that of the CA; the subject itself where a certificate carries neither.
    pub subject_japanese: String,
    /// 発行者, English.
    pub issuer: String,
    /// 発行番号, hexadecimal.
    pub serial: String,
    /// 発行年月日 in its era.
    pub issued: String,
    /// 有効期間の満了日 in its era.
    pub expires: String,
    /// First moment.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last moment.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// フィンガープリント: SHA-256 over the DER, hexadecimal.
    pub sha256: String,
    /// 基本4情報, in the signature certificate alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// 生年月日 in its era.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth: Option<String>,
    /// What its dates mean now.
    pub term: Term,
}

/// Where a moment lies in a certificate's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Term {
    /// Before the first.
    NotYet,
    /// Between them.
    Within,
    /// Between them, with less than three months left: time to renew. (pki.md R8)
    Ending,
    /// After the last.
    Expired,
}

impl Term {
    /// Of dates.
    #[must_use]
    pub fn at(now: OffsetDateTime, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        match () {
            () if now < not_before => Term::NotYet,
            () if now > not_after => Term::Expired,
            () if birthday::may_renew(birthday::jst_date(now), birthday::jst_date(not_after)) => Term::Ending,
            () => Term::Within,
        }
    }
}

impl Shown {
    /// Of a certificate in DER.
    ///
    /// # Errors
    /// Of the decoder.
    pub fn new(place: Place, bytes: &[u8], now: OffsetDateTime) -> der::Result<Self> {
        let seen = SeenCertificate::parse(bytes)?;
        let subject_japanese = match &seen.holder {
            Some(holder) => holder.name.clone(),
            None => alternative_name(bytes)?.unwrap_or_else(|| seen.subject.clone()),
        };
        let written = |at| era::written(birthday::jst_date(at));
        Ok(Shown {
            certificate: place,
            subject_japanese,
            issued: written(seen.not_before),
            expires: written(seen.not_after),
            sha256: hex::encode_upper(Sha256::digest(bytes)),
            birth: seen.holder.as_ref().and_then(|holder| birth(&holder.birth)).map(era::written),
            term: Term::at(now, seen.not_before, seen.not_after),
            subject: seen.subject,
            issuer: seen.issuer,
            serial: seen.serial,
            not_before: seen.not_before,
            not_after: seen.not_after,
            holder: seen.holder,
        })
    }

    /// Last day in Japan.
    #[must_use]
    pub fn last_day(&self) -> Date {
        birthday::jst_date(self.not_after)
    }
}

/// A certificate in DER, where the card has one in this place.
pub type OnCard = (Place, Option<Vec<u8>>);

/// Everything that a card shows, of the signature certificate only with its password.
///
/// # Errors
/// [`PasswordError`](super::PasswordError) of the password, or of the card.
pub fn read(jpki: &mut Jpki<'_>, sign_pin: Option<&str>) -> Result<Vec<OnCard>, super::PasswordError> {
    if let Some(pin) = sign_pin {
        Passwords::open(jpki, Half::Signature, pin)?;
    }
    let wanted = Place::ALL.into_iter().filter(|place| *place != Place::OwnSignature || sign_pin.is_some());
    wanted.map(|place| Ok((place, place.read(jpki)?))).collect()
}

/// A directory name among the subject's alternative names, as a CA has it in Japanese. (pki.md §3)
fn alternative_name(bytes: &[u8]) -> der::Result<Option<String>> {
    let certificate = x509_cert::Certificate::from_der(bytes)?;
    let mut extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
    let Some(extension) = extensions.find(|extension| extension.extn_id == SUBJECT_ALTERNATIVE_NAME) else {
        return Ok(None);
    };
    let names = SubjectAltName::from_der(extension.extn_value.as_bytes())?;
    Ok(names.0.iter().find_map(|name| match name {
        GeneralName::DirectoryName(name) => Some(name.to_string()),
        _ => None,
    }))
}

/// Era digit ‖ YYYYMMDD as a date; `None` for one that is unknown.
fn birth(text: &str) -> Option<Date> {
    let month = Month::try_from(text.get(5..7)?.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(text.get(1..5)?.parse().ok()?, month, text.get(7..9)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn the_notice_comes_three_months_before_the_end() {
        let at = |now| Term::at(now, datetime!(2025-10-27 00:00 UTC), datetime!(2030-02-17 14:59:59 UTC));
        assert_eq!(at(datetime!(2025-10-26 23:59:59 UTC)), Term::NotYet);
        assert_eq!(at(datetime!(2029-11-17 14:59:59 UTC)), Term::Within, "pki.md §8.2, example 6");
        assert_eq!(at(datetime!(2029-11-17 15:00:00 UTC)), Term::Ending, "example 7, in Japan");
        assert_eq!(at(datetime!(2030-02-17 14:59:59 UTC)), Term::Ending);
        assert_eq!(at(datetime!(2030-02-17 15:00:00 UTC)), Term::Expired);
    }

    #[test]
    fn births_are_read_where_they_are_known() {
        assert_eq!(birth("319800217"), Some(date!(1980 - 02 - 17)), "the example of pki.md §6");
        for unknown in ["000000000", "", "3", "３19800217", "319800230"] {
            assert_eq!(birth(unknown), None, "{unknown}");
        }
    }
}
