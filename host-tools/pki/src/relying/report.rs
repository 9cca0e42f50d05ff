//! What a relying party found: a verdict for every check, in order, in two languages. (service.md §8, row 24)

use super::certificate::Certificate;
use crate::application::Form;
use serde::Serialize;
use time::OffsetDateTime;

/// What was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 電子申請, with an application form in it.
    Application,
    /// Any other signed document.
    Document,
    /// Online login.
    Login,
}

/// One of the checks; a number for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// 1. Can it be read at all?
    Form = 1,
    /// 2. Does the certificate lead to a trusted root?
    Chain,
    /// 3. Is it valid, when it signed and now?
    Validity,
    /// 4. Is it revoked?
    Revocation,
    /// 5. Does the signature belong to what was signed?
    Signature,
    /// 6. Was it issued under the policy that is wanted?
    Policy,
    /// 7. Is its key for this?
    Usage,
    /// 8. Is the applicant the person in the certificate?
    Attributes,
}

impl Step {
    /// English and Japanese.
    #[must_use]
    pub const fn names(self) -> [&'static str; 2] {
        match self {
            Step::Form => ["form of the message", "データの形式"],
            Step::Chain => ["chain to a trusted root", "認証局の署名"],
            Step::Validity => ["period of validity", "有効期間"],
            Step::Revocation => ["revocation", "失効情報"],
            Step::Signature => ["signature", "電子署名"],
            Step::Policy => ["certificate policy", "証明書ポリシー"],
            Step::Usage => ["key usage", "鍵の用途"],
            Step::Attributes => ["the four attributes", "基本4情報"],
        }
    }
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It cannot be said, because of an earlier check or because nobody answered. Not accepted either.
    Open,
}

/// What a check found: a word for programs, a sentence for people. No personal attribute stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The outcome.
    pub verdict: Verdict,
    /// In kebab case.
    pub code: &'static str,
    /// English.
    pub english: String,
    /// Japanese.
    pub japanese: String,
}

impl Finding {
    pub(super) fn passed(code: &'static str, english: impl Into<String>, japanese: impl Into<String>) -> Self {
        Finding { verdict: Verdict::Passed, code, english: english.into(), japanese: japanese.into() }
    }

    pub(super) fn failed(code: &'static str, english: impl Into<String>, japanese: impl Into<String>) -> Self {
        Finding { verdict: Verdict::Failed, code, english: english.into(), japanese: japanese.into() }
    }

    pub(super) fn open(code: &'static str, english: impl Into<String>, japanese: impl Into<String>) -> Self {
        Finding { verdict: Verdict::Open, code, english: english.into(), japanese: japanese.into() }
    }

    /// What could not be asked because of an earlier check.
    pub(super) fn not_run() -> Self {
        Finding::open("not-run", "not checked: an earlier check failed", "前の確認が失敗したため確認していません")
    }
}

/// One check and its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which, from 1 to 8; login has no 8.
    pub number: u8,
    /// Which, by name.
    pub name: Step,
    /// The outcome.
    pub verdict: Verdict,
    /// What was found, for programs.
    pub finding: &'static str,
    /// What was found, in English.
    pub text_en: String,
    /// What was found, in Japanese.
    pub text_ja: String,
}

/// Whose certificate it was; nothing but what any certificate shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// 発行番号, hexadecimal. A service keeps its accounts by it.
    pub serial: String,
    /// Issuer.
    pub issuer: String,
    /// First moment.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last moment.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// SHA-256 over its DER.
    pub fingerprint: String,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was judged.
    pub kind: Kind,
    /// Whether every check holds.
    pub accepted: bool,
    /// When it was judged.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// When it was signed, as the signer tells it.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<OffsetDateTime>,
    /// The certificate, where one could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// The application form, where everything is accepted; not in the JSON, which may go to a log.
    #[serde(skip)]
    pub form: Option<Form>,
}

impl Report {
    pub(super) fn new(kind: Kind, at: OffsetDateTime, certificate: Option<&Certificate>) -> Self {
        let signer = certificate.map(Signer::of);
        Report { kind, accepted: false, at, signed_at: None, signer, checks: Vec::new(), form: None }
    }

    pub(super) fn note(&mut self, step: Step, finding: Finding) {
        let Finding { verdict, code, english, japanese } = finding;
        let check =
            Check { number: step as u8, name: step, verdict, finding: code, text_en: english, text_ja: japanese };
        self.checks.push(check);
        self.accepted = self.checks.iter().all(|check| check.verdict == Verdict::Passed);
    }

    /// What a check found.
    #[must_use]
    pub fn check(&self, step: Step) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == step)
    }
}

impl Signer {
    fn of(certificate: &Certificate) -> Self {
        let [not_before, not_after] = certificate.validity();
        Signer {
            serial: certificate.serial(),
            issuer: certificate.issuer().to_string(),
            not_before,
            not_after,
            fingerprint: certificate.fingerprint(),
        }
    }
}
