//! Errors as findings: a word for programs, sentences for people.

use crate::{
    birthday,
    relying::{
        attributes::Attribute,
        certificate::Malformed,
        message::{Unreadable, Unsigned},
        path::{Refused, Status},
        report::Finding,
    },
};
use time::{OffsetDateTime, macros::format_description};

/// A moment as people in Japan read it.
fn jst(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    birthday::jst(at).format(form).unwrap_or_default()
}

pub(super) fn unreadable(why: &Unreadable) -> Finding {
    let (code, japanese) = match why {
        Unreadable::Size(_) => ("too-large", "データが大きすぎます"),
        Unreadable::Der(_) => ("not-cms", "CMS署名データではありません"),
        Unreadable::NotCanonical => ("not-der", "DER符号化ではありません"),
        Unreadable::Kind => ("not-signed-data", "署名データの種類が違います"),
        Unreadable::Signers(_) => ("signers", "署名者が1人ではありません"),
        Unreadable::Uncovered(_) => ("uncovered", "署名の対象でない情報が含まれています"),
        Unreadable::Certificates(_) => ("no-signer-certificate", "署名者の証明書がないか、証明書が多すぎます"),
        Unreadable::Certificate(why) => return malformed(why),
        Unreadable::Attribute(_) => ("signed-attribute", "署名属性がないか、正しくありません"),
        Unreadable::Content => ("content", "署名対象の文書がないか、二重にあります"),
    };
    Finding::failed(code, why.to_string(), japanese)
}

pub(super) fn malformed(why: &Malformed) -> Finding {
    Finding::failed("certificate", why.to_string(), "証明書の形式が正しくありません")
}

pub(super) fn refused(why: &Refused) -> Finding {
    let (code, japanese) = match why {
        Refused::Issuer(_) => ("unknown-issuer", "発行者の証明書がありません".to_owned()),
        Refused::Signature(_) => ("forged-certificate", "認証局の署名が正しくありません".into()),
        Refused::Algorithm => ("certificate-algorithm", "証明書の署名方式が認められません".into()),
        Refused::Length => ("path-too-long", "信頼する認証局に至る経路がありません".into()),
        Refused::NotAuthority(_) => ("not-an-authority", "認証局でない者が発行しています".into()),
        Refused::KeyUsage(_) => ("authority-usage", "発行者の鍵は証明書の署名用ではありません".into()),
        Refused::PathLength(_) => ("path-length", "認証局の階層が深すぎます".into()),
        Refused::UnknownCritical(_) => ("unknown-critical", "未知の重要な拡張があります".into()),
        Refused::Policy => ("path-policy", "有効な証明書ポリシーがありません".into()),
        Refused::MappedAny => ("mapped-any-policy", "ポリシーの対応付けが正しくありません".into()),
        Refused::NameConstraints | Refused::NameConstraintsForm => {
            ("name-constraints", "名前の制約に反しています".into())
        }
        Refused::NotYet { from, .. } => ("not-yet-valid", format!("{}から有効です", jst(*from))),
        Refused::Expired { until, .. } => ("expired", format!("{}で有効期間が満了しました", jst(*until))),
        Refused::Status { status, .. } => return revocation(status, ""),
    };
    Finding::failed(code, why.to_string(), japanese)
}

/// `whose` stands in front of the sentence where it is not the leaf's.
pub(super) fn revocation(status: &Status, whose: &str) -> Finding {
    let english = format!("{whose}{status}");
    match status {
        Status::Good => Finding::passed("good", english, "失効していません"),
        Status::Revoked { at, .. } => Finding::failed("revoked", english, format!("{}に失効しました", jst(*at))),
        Status::OnHold { at } => Finding::failed("on-hold", english, format!("{}から一時保留中です", jst(*at))),
        Status::Unknown => Finding::failed("unknown", english, "認証局がこの証明書を発行していません"),
        Status::Unavailable(_) => Finding::open("unavailable", english, "失効情報を確認できません"),
    }
}

pub(super) fn unsigned(why: Unsigned) -> Finding {
    let (code, japanese) = match why {
        Unsigned::Algorithm => ("algorithm", "署名方式がSHA-256とRSAではありません"),
        Unsigned::Certificate => ("other-certificate", "この証明書による署名ではありません"),
        Unsigned::Signature => ("forged", "署名が正しくありません"),
        Unsigned::Content => ("altered", "文書が署名されたものと違います"),
    };
    Finding::failed(code, why.to_string(), japanese)
}

pub(super) fn differences(differences: &[Attribute]) -> Finding {
    let list = |language: usize, between: &str| {
        differences.iter().map(|one| one.names()[language]).collect::<Vec<_>>().join(between)
    };
    let english = format!("other in the form than in the certificate: {}", list(0, ", "));
    Finding::failed("differ", english, format!("申請書と証明書で異なります: {}", list(1, "、")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_last_moment_of_a_certificate_can_be_told() {
        assert_eq!(jst(datetime!(9999-12-31 14:59:59 UTC)), "9999-12-31 23:59:59");
        // RFC 5280 §4.1.2.5: no end. In Japan that is the year 10000.
        assert_eq!(jst(datetime!(9999-12-31 23:59:59 UTC)), "9999-12-31 23:59:59");
    }
}
