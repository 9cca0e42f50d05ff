//! A card as text and JSON show it: no PIN, and My Number only where it was asked for.

use super::{Read, access};
use crate::decode;
use card_os::profile::{Kind, Object, Phase};
use pki::{
    card_record::CardRecord,
    cvc,
    reference::{number_a, number_b},
    relying::NotBelieved,
    survey::{CardNumber, CertificateState, Content, Judged, SeenCertificate, TokenInformation},
};
use serde::Serialize;
use serde_json::Value;
use sim::atr::Atr;

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    pub(crate) record: Value,
    pub(crate) life_cycle: String,
    #[serde(rename = "answer_to_reset")]
    pub(crate) atr: Option<Atr>,
    pub(crate) applications: Vec<ApplicationView>,
    pub(crate) data_objects: Vec<DataObjectView>,
    pub(crate) token: Option<TokenInformation>,
    pub(crate) card_number: Option<CardNumber>,
    pub(crate) certificates: Vec<CertificateView>,
    pub(crate) card_verifiable_certificates: Vec<VerifiableView>,
    pub(crate) personal: PersonalView,
    /// Whether the card signs with the key that its issuer knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) internal_authentication: Option<Told<Proved>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) face_numbers: Option<FaceNumbers>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ApplicationView {
    pub(crate) name: &'static str,
    pub(crate) japanese: &'static str,
    pub(crate) aid: String,
    /// Tree of what SELECT told.
    pub(crate) control_information: Vec<String>,
    pub(crate) files: Vec<FileView>,
}

/// One row of the file map.
#[derive(Debug, Serialize)]
pub(crate) struct FileView {
    pub(crate) identifier: String,
    pub(crate) name: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) japanese: &'static str,
    pub(crate) kind: String,
    /// Bytes, or a bound: `≤1536`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<String>,
    /// Operation and who may do it.
    pub(crate) access: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pin: Option<PinView>,
    /// What came of reading it: `read`, or the card's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PinView {
    pub(crate) left: u8,
    pub(crate) of: u8,
    pub(crate) state: PinState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PinState {
    Usable,
    Blocked,
    /// Blocked since the card was issued, because there was nothing for it.
    NeverSet,
    /// A reference that every card holds blocked.
    BlockedByDesign,
}

#[derive(Debug, Serialize)]
pub(crate) struct DataObjectView {
    pub(crate) tag: String,
    pub(crate) name: &'static str,
    pub(crate) content: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct CertificateView {
    pub(crate) file: String,
    pub(crate) name: &'static str,
    pub(crate) japanese: &'static str,
    /// `present`, `never issued`, `closed` or what is wrong with it.
    pub(crate) state: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<SeenCertificate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) believed: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(crate) struct VerifiableView {
    pub(crate) place: &'static str,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) believed: bool,
}

/// One thing that the 券面 applications tell.
#[derive(Debug, Serialize)]
pub(crate) struct Told<T> {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<T>,
    pub(crate) believed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why_not: Option<String>,
}

/// What of them was opened.
#[derive(Debug, Default, Serialize)]
pub(crate) struct PersonalView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) my_number: Option<Told<NumberView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attributes: Option<Told<AttributesView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age: Option<Told<AgeView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) face: Option<Told<FaceView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) my_number_image: Option<Told<ImageView>>,
    /// Whether the card signs with the key that its records name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) face_key: Option<Told<Proved>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text_key: Option<Told<Proved>>,
}

/// Nothing more to tell.
#[derive(Debug, Serialize)]
pub(crate) struct Proved {}

#[derive(Debug, Serialize)]
pub(crate) struct NumberView {
    pub(crate) digits: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct AttributesView {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) birth: String,
    pub(crate) sex: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct AgeView {
    pub(crate) birth: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct FaceView {
    pub(crate) birth: String,
    pub(crate) sex: String,
    /// Not signed.
    pub(crate) expires: String,
    pub(crate) name_image_bytes: usize,
    pub(crate) address_image_bytes: usize,
    pub(crate) photo_bytes: usize,
    /// Not signed.
    pub(crate) security_code_image_bytes: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ImageView {
    pub(crate) image_bytes: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct FaceNumbers {
    pub(crate) a: String,
    pub(crate) b: String,
    pub(crate) security_code: String,
}

/// What stands in place of My Number.
pub(crate) const HIDDEN: &str = "hidden; --reveal shows it";

impl View {
    /// Of a card that was read.
    pub(crate) fn of(read: &Read, record: Option<&CardRecord>) -> Self {
        let Read { phase, survey, findings, reveal } = read;
        View {
            record: record.map_or(Value::Null, |record| self::record(record, *reveal)),
            life_cycle: phase.map_or("damaged".to_owned(), |phase| format!("{phase:?}")),
            atr: Atr::parse(&survey.atr),
            applications: applications(read, record),
            data_objects: data_objects(read),
            token: findings.token.clone(),
            card_number: findings.number.clone(),
            certificates: certificates(read),
            card_verifiable_certificates: verifiable(read),
            personal: personal(read),
            internal_authentication: record
                .and_then(CardRecord::authenticity)
                .and_then(|key| survey.is_authentic(&key))
                .map(|verdict| told(&verdict, |()| Proved {})),
            face_numbers: record.filter(|_| *reveal).and_then(face_numbers),
        }
    }

    /// A text of the record.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The authorities' record, without what opens the card's face.
pub(crate) fn record(record: &CardRecord, reveal: bool) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    if !reveal {
        if let Some(record) = value.as_object_mut() {
            record.remove("security_code");
        }
        if let Some(person) = value.get_mut("person").and_then(Value::as_object_mut) {
            person.remove("my_number");
        }
    }
    value
}

fn face_numbers(record: &CardRecord) -> Option<FaceNumbers> {
    let (number, code) = (record.person.my_number.as_ref()?, record.security_code.as_ref()?);
    let b = number_b(record.person.birth, record.expires, code);
    Some(FaceNumbers { a: number_a(number).to_string(), b: b.to_string(), security_code: code.digits().into() })
}

fn applications(read: &Read, record: Option<&CardRecord>) -> Vec<ApplicationView> {
    let phase = read.phase.unwrap_or(Phase::Issued);
    let view = |surveyed: &pki::survey::Surveyed| {
        let files = surveyed.objects.iter().map(|seen| {
            let object = seen.object;
            let (size, pin, seen) = match (&seen.content, object.kind) {
                (Content::File(bytes), _) => (Some(bytes.len().to_string()), None, Some("read".into())),
                (Content::Records(bytes), _) => (Some(bytes.len().to_string()), None, Some("read".into())),
                (Content::Tries(left), Kind::Pin { tries, .. }) => {
                    (None, Some(PinView { left: *left, of: tries, state: pin_state(record, object, *left) }), None)
                }
                (Content::Closed(sw), _) => (access::size(object), None, Some(sw.to_string())),
                _ => (access::size(object), None, None),
            };
            FileView {
                identifier: identifier(object),
                name: object.name,
                japanese: object.japanese,
                kind: access::kind(object),
                size,
                access: access::opened_by(surveyed.application, object, phase),
                pin,
                seen,
            }
        });
        ApplicationView {
            name: surveyed.application.name,
            japanese: surveyed.application.japanese,
            aid: hex::encode_upper(surveyed.application.aid),
            control_information: decode::tree(0, &surveyed.control_information).unwrap_or_default(),
            files: files.collect(),
        }
    };
    read.survey.applications.iter().map(view).collect()
}

fn identifier(object: &Object) -> String {
    match object.kind {
        Kind::DataObject { tag, .. } => format!("{tag:04X}"),
        _ => format!("{:04X}", object.number),
    }
}

fn pin_state(record: Option<&CardRecord>, object: &Object, left: u8) -> PinState {
    let holders = matches!(object.kind, Kind::Pin { tries: 3..=5, .. });
    match object.kind {
        Kind::Pin { tries: 0, .. } => PinState::BlockedByDesign,
        _ if object.grouping() == 0x011B && record.is_some_and(|record| record.signature.is_none()) => {
            PinState::NeverSet
        }
        _ if holders && record.is_some_and(|record| !record.profile.pins) => PinState::NeverSet,
        _ if left == 0 => PinState::Blocked,
        _ => PinState::Usable,
    }
}

fn data_objects(read: &Read) -> Vec<DataObjectView> {
    let view = |object: &pki::survey::DataObject| {
        let content = match &object.content {
            Ok(bytes) => match (object.tag, cvc::Certificate::parse(bytes), bytes.first_chunk()) {
                (_, Some(certificate), _) => format!("{} by {}", certificate.subject(), certificate.issuer()),
                (0x0042 | 0x00F7, _, Some(id)) => cvc::KeyId(*id).to_string(),
                _ => decode::value(bytes),
            },
            Err(sw) => sw.to_string(),
        };
        DataObjectView { tag: format!("{:04X}", object.tag), name: object.name, content }
    };
    read.survey.data_objects.iter().map(view).collect()
}

fn certificates(read: &Read) -> Vec<CertificateView> {
    let view = |file: &pki::survey::CertificateFile| {
        let (state, certificate, believed) = match &file.state {
            CertificateState::Closed => ("closed: a PIN opens it".to_owned(), None, None),
            CertificateState::Empty => ("never issued".to_owned(), None, None),
            CertificateState::Present(present) => match &present.certificate {
                Err(error) => (error.to_string(), None, Some(false)),
                Ok(judged) => ("present".to_owned(), Some(judged.value.clone()), Some(judged.believed.is_ok())),
            },
        };
        let (name, japanese) = (file.name, file.japanese);
        CertificateView { file: format!("{:04X}", file.file), name, japanese, state, certificate, believed }
    };
    read.findings.certificates.iter().map(view).collect()
}

fn verifiable(read: &Read) -> Vec<VerifiableView> {
    let view = |certificate: &pki::survey::VerifiableCertificate| match &certificate.certificate {
        Ok(Judged { value, believed }) => VerifiableView {
            place: certificate.place,
            issuer: value.issuer().to_string(),
            subject: value.subject().to_string(),
            believed: believed.is_ok(),
        },
        Err(error) => VerifiableView {
            place: certificate.place,
            issuer: error.to_string(),
            subject: String::new(),
            believed: false,
        },
    };
    read.findings.verifiable.iter().map(view).collect()
}

fn personal(read: &Read) -> PersonalView {
    let personal = &read.findings.personal;
    let digits = |digits: &String| if read.reveal { digits.clone() } else { HIDDEN.to_owned() };
    PersonalView {
        my_number: personal
            .my_number
            .as_ref()
            .map(|number| judged(number, |number| NumberView { digits: digits(number) })),
        attributes: personal.attributes.as_ref().map(|attributes| {
            judged(attributes, |attributes| AttributesView {
                name: attributes.name.clone(),
                address: attributes.address.clone(),
                birth: attributes.birth.clone(),
                sex: attributes.sex.clone(),
            })
        }),
        age: personal.age.as_ref().map(|age| told(age, |age| AgeView { birth: age.birth.clone() })),
        face: personal.face.as_ref().map(|face| {
            told(face, |face| FaceView {
                birth: face.birth.clone(),
                sex: face.sex.clone(),
                expires: face.expires.clone(),
                name_image_bytes: face.name.len(),
                address_image_bytes: face.address.len(),
                photo_bytes: face.photo.len(),
                security_code_image_bytes: face.security_code.len(),
            })
        }),
        my_number_image: personal
            .number_image
            .as_ref()
            .map(|image| told(image, |image| ImageView { image_bytes: image.len() })),
        face_key: personal.face_key.as_ref().map(|key| told(key, |()| Proved {})),
        text_key: personal.text_key.as_ref().map(|key| told(key, |()| Proved {})),
    }
}

fn told<T, V>(judged: &Result<T, NotBelieved>, view: impl FnOnce(&T) -> V) -> Told<V> {
    match judged {
        Ok(value) => Told { value: Some(view(value)), believed: true, why_not: None },
        Err(error) => Told { value: None, believed: false, why_not: Some(error.to_string()) },
    }
}

fn judged<T, V>(judged: &Result<Judged<T>, NotBelieved>, view: impl FnOnce(&T) -> V) -> Told<V> {
    let mut told = told(judged, |judged| view(&judged.value));
    if let Ok(Judged { believed: Err(error), .. }) = judged {
        (told.believed, told.why_not) = (false, Some(error.to_string()));
    }
    told
}
