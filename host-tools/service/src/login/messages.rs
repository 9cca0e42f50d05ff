//! What a login service and its users' programs say to each other: JSON, binary things in base64.

use crate::{authority::Token, in_base64, problem::Problem};
use axum::http::StatusCode;
use pki::relying::{challenge::Challenge, report::Report};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use world::account::{Account, Entry};

/// A challenge, given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenged {
    /// What is to be signed: [`Challenge::to_bytes`], RSASSA-PKCS1-v1_5 with SHA-256.
    pub challenge: Challenge,
    /// Last moment for the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub ends: OffsetDateTime,
}

/// A challenge, answered.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// As it was given.
    pub challenge: Challenge,
    /// User authentication certificate, DER.
    #[serde(with = "in_base64")]
    pub certificate: Vec<u8>,
    /// Made by its key over the challenge.
    #[serde(with = "in_base64")]
    pub signature: Vec<u8>,
    /// A transfer code, with the first login of a new certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
}

/// Without the transfer code.
impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answered({:?}, {} bytes)", self.challenge, self.certificate.len())
    }
}

/// What a login comes to, as the service says it.
#[derive(Serialize)]
pub(super) struct Judged<'a> {
    accepted: bool,
    report: &'a Report,
    #[serde(flatten)]
    opened: Option<Opened>,
}

/// What opened.
#[derive(Clone, Serialize, Deserialize)]
struct Opened {
    account: Account,
    entry: Entry,
    session: String,
    #[serde(with = "time::serde::rfc3339")]
    session_ends: OffsetDateTime,
}

impl<'a> Judged<'a> {
    pub(super) fn refused(report: &'a Report) -> Self {
        Judged { accepted: false, report, opened: None }
    }

    pub(super) fn accepted(
        report: &'a Report,
        account: Account,
        entry: Entry,
        session: &Token,
        session_ends: OffsetDateTime,
    ) -> Self {
        let session = session.reveal().to_owned();
        Judged { accepted: true, report, opened: Some(Opened { account, entry, session, session_ends }) }
    }
}

/// The same, as the user's program reads it.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoggedIn {
    /// Whether every check holds.
    pub accepted: bool,
    /// The service's report: a verdict for each check. (`pki::relying::report`)
    pub report: serde_json::Value,
    /// The account, where it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// How the certificate came to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// Bearer token of the session. A secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Its last moment.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub session_ends: Option<OffsetDateTime>,
}

/// Without the session.
impl std::fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoggedIn({}, {:?})", self.accepted, self.account)
    }
}

/// A transfer code, drawn. A secret, shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Drawn {
    /// The code.
    pub code: String,
    /// Its last moment.
    #[serde(with = "time::serde::rfc3339")]
    pub ends: OffsetDateTime,
}

/// Without the code.
impl std::fmt::Debug for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drawn({})", self.ends)
    }
}

impl Problem {
    pub(super) const CHALLENGE: Self = Problem::new(
        StatusCode::FORBIDDEN,
        "challenge-unknown",
        "this challenge was not given here, was answered before, or is over; ask for another",
        "この認証要求は発行されていないか、使用済みか、期限切れです。もう一度やり直してください",
    );
    pub(super) const ALTERED: Self = Problem::new(
        StatusCode::FORBIDDEN,
        "challenge-altered",
        "this challenge was given and said something else; ask for another",
        "認証要求が改ざんされています。もう一度やり直してください",
    );
    pub(super) const CODE: Self = Problem::new(
        StatusCode::FORBIDDEN,
        "transfer-code",
        "the transfer code is not known here, was used, or has ended; log in without it, or draw a new one",
        "引継ぎコードが正しくないか、使用済みか、期限切れです",
    );
    pub(super) const TAKEN: Self = Problem::new(
        StatusCode::CONFLICT,
        "has-account",
        "this certificate has an account already; a transfer code is for the first login of a new certificate",
        "この電子証明書は既に登録されています。引継ぎコードは新しい電子証明書の初回のログインで使います",
    );
    pub(super) const NO_SESSION: Self = Problem::new(
        StatusCode::UNAUTHORIZED,
        "no-session",
        "there is no such session, or it is over; log in",
        "ログインしていないか、セッションの期限切れです",
    );

    /// Not JSON, not of this form, or too large.
    pub(super) const fn unreadable(status: StatusCode) -> Self {
        Problem::new(
            status,
            "not-an-answer",
            "not a login: application/json with challenge, certificate and signature",
            "ログインのデータの形式が正しくありません",
        )
    }
}
