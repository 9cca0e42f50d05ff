//! The checks of a relying party 署名検証者, in order, with a verdict for each. (service.md §8)
//!
//! One that fails does not stop those that can still be asked: whoever has to explain a refusal wants all of it.
//!
//! There are no time stamps here, so the time of signing is what the signer says. A certificate must have been valid then,
//! *and* be valid and not revoked now: an earlier date costs a thief nothing.

mod words;

use super::{
    attributes::Attributes,
    certificate::Certificate,
    challenge::Challenge,
    message::{Binding, Message, Unsigned},
    path::{self, Path, Refused, Revocation, Rules, Status},
    report::{Finding, Kind, Report, Step},
};
use crate::application::Form;
use der::asn1::ObjectIdentifier;
use time::{Duration, OffsetDateTime};

/// How far clocks of signers may run ahead.
const SKEW: Duration = Duration::minutes(5);
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// A relying party: whom it trusts, and what it wants.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// Root certificates; all generations may be there.
    pub anchors: &'a [Certificate],
    /// The policy that certificates must be issued under, see [`crate::profile::Hierarchy::policy`].
    pub policy: ObjectIdentifier,
    /// Who tells about revocation.
    pub revocation: &'a dyn Revocation,
    /// Whether messages must name their certificate under the signature.
    pub binding: Binding,
}

/// The revocation is a stranger.
impl std::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({} roots, policy {})", self.anchors.len(), self.policy)
    }
}

/// What a key must be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Signature,
    Login,
}

impl Verifier<'_> {
    /// An application: a signed message whose content is a [`Form`]. `beside` is the content of a detached one.
    #[must_use]
    pub fn application(&self, message: &[u8], beside: Option<&[u8]>, now: OffsetDateTime) -> Report {
        let (mut report, message) = self.signed(Kind::Application, message, beside, now);
        let content = message.as_ref().and_then(|message| message.content().or(beside));
        let mut form = None;
        let finding = match (&message, content) {
            (Some(message), Some(content)) => match Form::parse(content) {
                Ok(parsed) => attributes(message.certificate(), form.insert(parsed)),
                Err(why) => Finding::failed("not-a-form", why.to_string(), "申請書の形式が正しくありません"),
            },
            _ => Finding::not_run(),
        };
        report.note(Step::Attributes, finding);
        report.form = form.filter(|_| report.accepted);
        report
    }

    /// Any other document: everything but the attributes.
    #[must_use]
    pub fn document(&self, message: &[u8], beside: Option<&[u8]>, now: OffsetDateTime) -> Report {
        self.signed(Kind::Document, message, beside, now).0
    }

    /// A login: the signature over a [`Challenge`], RSASSA-PKCS1-v1_5 with SHA-256, and the certificate.
    #[must_use]
    pub fn login(&self, challenge: &Challenge, certificate: &[u8], signature: &[u8], now: OffsetDateTime) -> Report {
        let parsed = Certificate::parse(certificate);
        let mut report = Report::new(Kind::Login, now, parsed.as_ref().ok());
        let form = match &parsed {
            Err(why) => words::malformed(why),
            Ok(_) if challenge.is_open(now) => {
                Finding::passed("certificate", "a certificate in DER", "証明書として読めます")
            }
            Ok(_) => Finding::failed("challenge-over", "the challenge is not open any more", "認証要求の期限切れです"),
        };
        report.note(Step::Form, form);
        let Ok(certificate) = &parsed else {
            skip(&mut report);
            return report;
        };
        let verify = || {
            let key = certificate.key().map_err(|_| Unsigned::Algorithm)?;
            super::opens(&key, 0x03, &challenge.to_bytes(), signature).map_err(|_| Unsigned::Signature)
        };
        self.judge(&mut report, certificate, &[], None, Purpose::Login, verify);
        report
    }

    fn signed(
        &self,
        kind: Kind,
        bytes: &[u8],
        beside: Option<&[u8]>,
        now: OffsetDateTime,
    ) -> (Report, Option<Message>) {
        let parsed = Message::parse(bytes, beside);
        let mut report = Report::new(kind, now, parsed.as_ref().ok().map(Message::certificate));
        match parsed {
            Err(why) => {
                report.note(Step::Form, words::unreadable(&why));
                skip(&mut report);
                (report, None)
            }
            Ok(message) => {
                report.note(
                    Step::Form,
                    Finding::passed("signed-data", "CMS SignedData in DER", "CMS署名データとして読めます"),
                );
                report.signed_at = message.signed_at();
                let (certificate, others) = (message.certificate(), message.certificates());
                let verify = || message.verify(beside, self.binding);
                self.judge(&mut report, certificate, others, message.signed_at(), Purpose::Signature, verify);
                (report, Some(message))
            }
        }
    }

    /// Checks 2 to 7.
    fn judge(
        &self,
        report: &mut Report,
        certificate: &Certificate,
        others: &[Certificate],
        signed_at: Option<OffsetDateTime>,
        purpose: Purpose,
        verify: impl FnOnce() -> Result<(), Unsigned>,
    ) {
        let now = report.at;
        let path = self.path(certificate, others, signed_at.unwrap_or(now));
        let chain = match &path {
            Ok(path) => Finding::passed(
                "trusted",
                format!("issued by {}", path.anchor().subject()),
                "信頼する認証局が発行しています",
            ),
            Err(why) => words::refused(why),
        };
        report.note(Step::Chain, chain);
        let path = path.as_ref().ok();
        report.note(Step::Validity, validity(path, certificate, signed_at, now, purpose));
        report.note(Step::Revocation, path.map_or_else(Finding::not_run, |path| self.status(path, now)));
        let signature = match verify() {
            Ok(()) => Finding::passed(
                "intact",
                "made by the certificate's key over this content",
                "署名は正しく、内容は改ざんされていません",
            ),
            Err(why) => words::unsigned(why),
        };
        report.note(Step::Signature, signature);
        report.note(Step::Policy, self.policy(path, certificate));
        report.note(Step::Usage, usage(certificate, purpose));
    }

    /// The path to go by: one that obeys every rule, and of those one that is valid at the moment.
    fn path<'c>(
        &'c self,
        certificate: &'c Certificate,
        others: &'c [Certificate],
        at: OffsetDateTime,
    ) -> Result<Path<'c>, Refused> {
        let rules = Rules::default();
        let all = path::paths(certificate, others, self.anchors)?;
        let mut why = None;
        let mut good = Vec::new();
        for path in all {
            match path.check(&rules) {
                Ok(_) => good.push(path),
                Err(refused) => why = why.or(Some(refused)),
            }
        }
        let best = good.iter().position(|path| path.valid_at(at).is_ok()).unwrap_or(0);
        if good.is_empty() { Err(why.unwrap_or(Refused::Length)) } else { Ok(good.swap_remove(best)) }
    }

    fn status(&self, path: &Path<'_>, now: OffsetDateTime) -> Finding {
        let (certificate, status) = path.status(now, self.revocation);
        let leaf = path.certificates().first().is_some_and(|leaf| *leaf == certificate);
        let whose = if leaf || status == Status::Good { String::new() } else { format!("{}: ", certificate.subject()) };
        words::revocation(&status, &whose)
    }

    /// The certificate itself must name the policy, and what is above it must let it.
    fn policy(&self, path: Option<&Path<'_>>, certificate: &Certificate) -> Finding {
        let named = certificate.extensions().policies.iter().flat_map(|all| &all.0);
        let own = named.clone().any(|one| one.policy_identifier == self.policy);
        let allowed = path.is_none_or(|path| path.check(&Rules::default()).is_ok_and(|all| all.hold(&self.policy)));
        if own && allowed {
            return Finding::passed(
                "wanted-policy",
                format!("issued under {}", self.policy),
                "求める証明書ポリシーです",
            );
        }
        let seen: Vec<_> = named.map(|one| one.policy_identifier.to_string()).collect();
        let seen = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
        let english = format!("issued under {seen}, and not under {}", self.policy);
        Finding::failed("wrong-policy", english, "求める証明書ポリシーではありません")
    }
}

/// Checks 2 to 7 of something that could not be read.
fn skip(report: &mut Report) {
    for step in [Step::Chain, Step::Validity, Step::Revocation, Step::Signature, Step::Policy, Step::Usage] {
        report.note(step, Finding::not_run());
    }
}

fn validity(
    path: Option<&Path<'_>>,
    certificate: &Certificate,
    signed_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
    purpose: Purpose,
) -> Finding {
    let signed_at = match (purpose, signed_at) {
        (Purpose::Login, _) => now,
        (Purpose::Signature, Some(at)) if at <= now + SKEW => at,
        (Purpose::Signature, Some(at)) => {
            return Finding::failed(
                "signed-in-future",
                format!("signed at {at}, which is to come"),
                "署名時刻が未来です",
            );
        }
        (Purpose::Signature, None) => {
            return Finding::failed(
                "no-signing-time",
                "the message does not say when it was signed",
                "署名時刻がありません",
            );
        }
    };
    let valid_at = |at: OffsetDateTime| match path {
        Some(path) => path.valid_at(at),
        None => path::valid_at(certificate, at),
    };
    match (valid_at(now), valid_at(signed_at)) {
        (Ok(()), Ok(())) => Finding::passed("valid", "valid when it signed and now", "署名時も現在も有効期間内です"),
        (Err(why), _) => words::refused(&why),
        (Ok(()), Err(why)) => {
            let finding = words::refused(&why);
            let english = format!("signed at {signed_at}: {}", finding.english);
            Finding::failed("signed-outside", english, "署名時に有効期間外でした")
        }
    }
}

fn usage(certificate: &Certificate, purpose: Purpose) -> Finding {
    let extensions = certificate.extensions();
    let usage = extensions.key_usage.as_ref();
    let purposes = extensions.extended_key_usage.as_ref().map(|all| &all.0);
    let (fits, wanted) = match purpose {
        Purpose::Signature => {
            (usage.is_some_and(|usage| usage.non_repudiation()) && purposes.is_none(), "nonRepudiation")
        }
        Purpose::Login => {
            let clients = purposes.is_some_and(|all| all.contains(&CLIENT_AUTHENTICATION));
            (usage.is_some_and(|usage| usage.digital_signature()) && clients, "digitalSignature and clientAuth")
        }
    };
    let authority = extensions.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca);
    if fits && !authority {
        Finding::passed("right-usage", format!("the key is for {wanted}"), "鍵の用途に合っています")
    } else {
        Finding::failed("wrong-usage", format!("the key is not for {wanted}"), "鍵の用途が違います")
    }
}

fn attributes(certificate: &Certificate, form: &Form) -> Finding {
    let Some(own) = Attributes::of(certificate) else {
        let english = "the certificate does not carry the four attributes";
        return Finding::failed("no-attributes", english, "証明書に基本4情報がありません");
    };
    match own.differences(form).as_slice() {
        [] if own.is_substituted() => {
            let english = "the same as in the certificate, as far as its replaced characters tell";
            Finding::passed("same-but-replaced", english, "証明書と一致します（代替文字を除く）")
        }
        [] => Finding::passed("same", "the same as in the certificate", "証明書と一致します"),
        differences => words::differences(differences),
    }
}
