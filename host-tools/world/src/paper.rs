//! Papers of the counter as plain text, each marked as simulated. (service.md row 35)

use crate::{
    card::Card,
    certificate::{Certificate, title},
    counter::Cause,
    fee::Fee,
    register::Registered,
};
use pki::{birthday, era};
use std::fmt::Write;
use time::{Date, OffsetDateTime};

pub(crate) const MARK: &str = "【模擬・試験用】 SIMULATED, FOR TESTS ONLY";

/// A paper with a title, a number to be filled in, and lines.
fn paper(japanese: &str, english: &str, holder: &Registered, card: &Card, now: OffsetDateTime) -> String {
    let mut text = format!("{MARK}\n{japanese}\n({english})\n\n");
    line(&mut text, "受付番号", "number", "{number}");
    line(&mut text, "受付日", "date", &date(birthday::jst_date(now)));
    line(&mut text, "氏名", "name", &holder.person.name);
    line(&mut text, "住所", "address", &holder.person.address);
    line(&mut text, "カード", "card", &card.record.id);
    text
}

fn line(text: &mut String, japanese: &str, english: &str, value: &str) {
    // A String takes everything.
    let _ = writeln!(text, "{japanese} ({english}): {value}");
}

/// A day in the Japanese era.
fn date(day: Date) -> String {
    era::written(day)
}

fn list(text: &mut String, heading: &str, certificates: &[Certificate]) {
    let _ = writeln!(text, "\n{heading}");
    for one in certificates {
        let until = date(one.last_day());
        let _ = writeln!(text, "  {}\n    発行番号 {:06X}　有効期間の満了日 {until}", title(one.hierarchy), one.serial);
    }
    if certificates.is_empty() {
        text.push_str("  なし (none)\n");
    }
}

/// What is filled in before a procedure at the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Of certificates: new, or renewed. (service.md §4.2)
    Issue,
    /// Of certificates, or a private key that may be known. (service.md §4.6)
    Revoke,
    /// Of a password that was forgotten or is locked. (service.md §4.7)
    PinReset,
}

impl Form {
    const fn title(self) -> [&'static str; 2] {
        match self {
            Form::Issue => [
                "署名用電子証明書／利用者証明用電子証明書 新規発行／更新申請書",
                "application for a new or renewed certificate",
            ],
            Form::Revoke => [
                "電子証明書失効申請／秘密鍵漏えい等届出書",
                "application for revocation, or notice of a private key that may be known",
            ],
            Form::PinReset => ["暗証番号変更・初期化申請書", "application for the reset of a PIN"],
        }
    }

    /// What the applicant marks with a cross.
    const fn choices(self) -> &'static [&'static str] {
        match self {
            Form::Issue => &[
                "署名用電子証明書 (signature)",
                "利用者証明用電子証明書 (user authentication)",
                "新規発行 (new)",
                "更新 (renewal)",
            ],
            Form::Revoke => &[
                "署名用電子証明書 (signature)",
                "利用者証明用電子証明書 (user authentication)",
                "利用の取りやめ (no longer wanted)",
                "紛失 (lost)",
                "盗難 (stolen)",
                "損壊・故障 (broken)",
                "不正使用の疑い (misused)",
                "秘密鍵の漏えい (key known)",
            ],
            Form::PinReset => &[
                "署名用電子証明書 (signature password)",
                "利用者証明用電子証明書 (user authentication PIN)",
                "住民基本台帳 (resident register PIN)",
                "券面事項入力補助 (form PIN)",
            ],
        }
    }
}

/// A form with what the register knows, for its holder to mark and sign. No PIN has a place on it.
pub(crate) fn form(form: Form, holder: &Registered, card: &Card, now: OffsetDateTime) -> String {
    let [japanese, english] = form.title();
    let mut text =
        paper(japanese, english, holder, card, now).replace("{number}", "（窓口で記入 filled in at the counter）");
    line(&mut text, "生年月日", "date of birth", &date(holder.person.birth));
    text.push('\n');
    for choice in form.choices() {
        let _ = writeln!(text, "  □ {choice}");
    }
    text.push_str("\n本人確認書類 (identity document): ＿＿＿＿＿＿＿＿\n署名 (signature): ＿＿＿＿＿＿＿＿＿＿＿＿\n");
    text
}

/// 電子証明書の写し
pub(crate) fn certificates(holder: &Registered, card: &Card, new: &[Certificate], now: OffsetDateTime) -> String {
    let mut text = paper("電子証明書の写し", "copy of the certificates", holder, card, now);
    list(&mut text, "発行した電子証明書 (issued)", new);
    text
}

/// 一時停止解除
pub(crate) fn release(holder: &Registered, card: &Card, released: &[Certificate], now: OffsetDateTime) -> String {
    let mut text =
        paper("個人番号カード一時停止解除届 受理通知", "release of a stopped card, accepted", holder, card, now);
    list(&mut text, "一時保留を解除した電子証明書 (released)", released);
    text.push_str(
        "\n署名用電子証明書の一時保留は解除できません。失効申請の上、新規に発行を受けてください。\n\
         (A suspended signature certificate cannot be released: apply for its revocation and for a new one.)\n",
    );
    text
}

/// 電子証明書失効申請等受理通知書
pub(crate) fn revocation(
    holder: &Registered,
    card: &Card,
    revoked: &[Certificate],
    cause: Cause,
    now: OffsetDateTime,
) -> String {
    let mut text = paper("電子証明書失効申請等受理通知書", "notice of acceptance of a revocation", holder, card, now);
    line(&mut text, "事由", "cause", cause.japanese());
    list(&mut text, "失効した電子証明書 (revoked)", revoked);
    text
}

/// カード返納届
pub(crate) fn card_return(holder: &Registered, card: &Card, revoked: &[Certificate], now: OffsetDateTime) -> String {
    let mut text = paper("個人番号カード返納届 受理通知", "return of a card, accepted", holder, card, now);
    list(&mut text, "失効した電子証明書 (revoked)", revoked);
    text
}

/// コンビニ交付 領収証書
pub(crate) fn kiosk(holder: &Registered, card: &Card, fee: Fee, now: OffsetDateTime) -> String {
    let mut text = paper("証明書交付 領収証書", "receipt of a kiosk", holder, card, now);
    line(&mut text, "証明書", "document", "住民票の写し (copy of the resident record)");
    line(&mut text, "手数料", "fee", &format!("{} 円", fee.yen));
    text
}

/// 暗証番号初期化
pub(crate) fn pin_reset(holder: &Registered, card: &Card, now: OffsetDateTime) -> String {
    let mut text = paper("暗証番号変更・初期化申請書 受理通知", "reset of a PIN, accepted", holder, card, now);
    text.push_str("\n暗証番号はこの書面に記載されません。 (No PIN stands on this paper.)\n");
    text
}
