//! What an office and the programs of applicants say to each other: CMS, or JSON with binary things in base64.

use super::{CMS, JSON};
use crate::{authority::Token, in_base64, problem::Problem};
use axum::http::{HeaderMap, StatusCode, header};
use base64ct::{Base64, Encoding};
use pki::relying::report::Report;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use world::application::Kept;

/// A message, and its content where that is beside it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// CMS SignedData, DER.
    #[serde(with = "in_base64")]
    pub message: Vec<u8>,
    /// What was signed.
    #[serde(default, serialize_with = "write", deserialize_with = "read", skip_serializing_if = "Option::is_none")]
    pub content: Option<Vec<u8>>,
}

/// An application is nobody else's business.
impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Submission({} bytes, {:?})", self.message.len(), self.content.as_ref().map(Vec::len))
    }
}

fn write<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_deref().map(Base64::encode_string).serialize(serializer)
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Base64::decode_vec(&text).map_err(|_| D::Error::custom("not base64"))).transpose()
}

impl Submission {
    /// Out of a request, by its media type.
    pub(super) fn out_of(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            CMS => Ok(Submission { message: body.to_vec(), content: None }),
            // What the parser says would quote what came.
            JSON => serde_json::from_slice(body).map_err(|_| unreadable(StatusCode::BAD_REQUEST)),
            _ => Err(unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
        }
    }
}

/// What an application comes to, as the office says it.
#[derive(Serialize)]
pub(super) struct Judged<'a> {
    accepted: bool,
    report: &'a Report,
    #[serde(flatten)]
    filed: Option<Filed>,
}

#[derive(Serialize)]
struct Filed {
    number: i64,
    before: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

impl<'a> Judged<'a> {
    pub(super) fn turned_away(report: &'a Report) -> Self {
        Judged { accepted: report.accepted, report, filed: None }
    }

    pub(super) fn kept(report: &'a Report, kept: Kept, receipt: &Token) -> Self {
        let Kept { number, before } = kept;
        // The first sender has it.
        let receipt = (!before).then(|| receipt.reveal().to_owned());
        Judged { accepted: report.accepted, report, filed: Some(Filed { number, before, receipt }) }
    }
}

/// The same, as the applicant's program reads it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Received {
    /// Whether every check holds.
    pub accepted: bool,
    /// The office's report: a verdict for each check. (`pki::relying::report`)
    pub report: serde_json::Value,
    /// 受付番号, where it was put on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Whether it had been accepted before.
    #[serde(default)]
    pub before: bool,
    /// Lets its sender ask for it. A secret, told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// Without the receipt.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({}, {:?})", self.accepted, self.number)
    }
}

pub(super) const NO_RECEIPT: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "no-application",
    "there is no such application, or this is not its receipt",
    "受付番号または受付票が正しくありません",
);
pub(super) const NO_FORM: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "no-form",
    "there is no such procedure; /forms lists them",
    "この手続はありません",
);

/// Not an application at all, or too large.
pub(super) const fn unreadable(status: StatusCode) -> Problem {
    Problem::new(
        status,
        "not-an-application",
        "not an application: CMS as application/pkcs7-mime, or application/json with message and content",
        "申請データの形式が正しくありません",
    )
}
