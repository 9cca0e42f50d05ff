//! An X.509 certificate as people want to see it, with the personal attributes of a signature certificate. (pki.md §6)

use der::{
    Decode,
    asn1::{ObjectIdentifier, Utf8StringRef},
};
use serde::Serialize;
use time::OffsetDateTime;
use x509_cert::{
    Certificate,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// Arc of the personal attributes.
const ATTRIBUTES: &str = "1.2.392.200149.8.5.5.";
const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// First moment.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last moment.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// Bytes of its DER.
    pub bytes: usize,
    /// The holder's attributes, where it carries them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

/// The attributes of a signature certificate's holder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// 氏名 (.1)
    pub name: String,
    /// 氏名の代替文字の使用位置情報 (.2): a digit a character, 1 where it was replaced.
    pub name_substitutions: String,
    /// 性別 (.3): 1 male, 2 female, 3 other.
    pub sex: String,
    /// 生年月日 (.4): era digit ‖ YYYYMMDD.
    pub birth: String,
    /// 住所 (.5)
    pub address: String,
    /// As for the name (.6).
    pub address_substitutions: String,
}

impl Seen {
    /// Out of DER.
    ///
    /// # Errors
    /// Of the decoder.
    pub fn parse(bytes: &[u8]) -> der::Result<Self> {
        let certificate = Certificate::from_der(bytes)?;
        let tbs = certificate.tbs_certificate();
        let moment = |time: &x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
            OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
        };
        let alternative = tbs
            .extensions()
            .and_then(|extensions| extensions.iter().find(|extension| extension.extn_id == SUBJECT_ALTERNATIVE_NAME));
        let names = alternative.map(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()));
        Ok(Seen {
            serial: hex::encode_upper(tbs.serial_number().as_bytes()),
            subject: tbs.subject().to_string(),
            issuer: tbs.issuer().to_string(),
            not_before: moment(&tbs.validity().not_before),
            not_after: moment(&tbs.validity().not_after),
            bytes: bytes.len(),
            holder: names.transpose()?.as_ref().and_then(Holder::of),
        })
    }
}

impl Holder {
    fn of(names: &SubjectAltName) -> Option<Self> {
        let mut holder = Holder::default();
        let mut found = false;
        for name in &names.0 {
            let GeneralName::OtherName(other) = name else { continue };
            let identifier = other.type_id.to_string();
            let text = other.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
            let (Some(number), Ok(text)) = (identifier.strip_prefix(ATTRIBUTES), text) else { continue };
            let place = match number {
                "1" => &mut holder.name,
                "2" => &mut holder.name_substitutions,
                "3" => &mut holder.sex,
                "4" => &mut holder.birth,
                "5" => &mut holder.address,
                "6" => &mut holder.address_substitutions,
                _ => continue,
            };
            *place = text;
            found = true;
        }
        found.then_some(holder)
    }
}
