//! Pieces of the page.

use crate::show::{CertificateView, Examined, PinState, PinView, View};
use base64ct::{Base64, Encoding};
use maud::{Markup, PreEscaped, html};
use std::fmt::Write;
use time::{Date, OffsetDateTime};

/// 性別 of the face's code, JIS X 0303.
pub(super) fn sex(code: &str) -> &'static str {
    match code {
        "1" => "男",
        "2" => "女",
        "9" => "適用不能",
        _ => "不明",
    }
}

fn data(media: &str, bytes: &[u8]) -> String {
    format!("data:{media};base64,{}", Base64::encode_string(bytes))
}

/// An image in the page.
pub(super) fn picture(media: &str, bytes: &[u8], words: &str) -> Markup {
    html! { img src=(data(media, bytes)) alt=(words); }
}

/// What the chip holds as pictures, and the photo to take away.
pub(super) fn pictures(examined: &Examined) -> Markup {
    let face = match &examined.findings.personal.face {
        Some(Ok(face)) => face,
        Some(Err(error)) => return html! { p.bad { "券面情報 card face: NOT BELIEVED 信頼できません: " (error) } },
        None => return html! { p { "券面情報 card face: closed 未読" } },
    };
    let number = examined.findings.personal.number_image.as_ref().and_then(|image| image.as_ref().ok());
    html! {
        div.pictures {
            figure { (picture("image/png", &face.name, "氏名 name")) figcaption { "氏名 name, PNG" } }
            figure { (picture("image/png", &face.address, "住所 address")) figcaption { "住所 address, PNG" } }
            @if examined.reveal {
                figure {
                    (picture("image/png", &face.security_code, "セキュリティコード security code"))
                    figcaption { "セキュリティコード, PNG, 署名対象外 not signed" }
                }
            }
            @if let Some(number) = number.filter(|_| examined.reveal) {
                figure { (picture("image/png", number, "個人番号 My Number")) figcaption { "個人番号 My Number, PNG" } }
            }
        }
        p {
            a download="photo.jp2" href=(data("image/jp2", &face.photo)) { "顔写真 photo.jp2" }
            " (" (face.photo.len()) " bytes, JPEG 2000; browsers show none, so the page draws the same figure as PNG)"
        }
    }
}

/// A certificate with the part of its time that is left.
pub(super) fn certificate(certificate: &CertificateView, now: OffsetDateTime) -> Markup {
    let heading = html! {
        h3 { (certificate.japanese) " " small { (certificate.name) " · EF " (certificate.file) } }
    };
    let Some(seen) = &certificate.certificate else {
        return html! { article { (heading) p.quiet { (certificate.state) } } };
    };
    let (begin, end) = (seen.not_before.unix_timestamp(), seen.not_after.unix_timestamp());
    let whole = (end - begin).max(1);
    let left = (end - now.unix_timestamp()).clamp(0, whole) * 100 / whole;
    let (state, class) = match (now < seen.not_before, now > seen.not_after) {
        (true, _) => ("まだ有効ではない not yet valid", "bad"),
        (_, true) => ("期限切れ expired", "bad"),
        _ => ("有効期間内 within its time", "good"),
    };
    let verdict = match certificate.believed {
        Some(true) => html! { span.good { "発行者の署名を確認 signed by its CA" } },
        Some(false) => html! { span.bad { "NOT BELIEVED 信頼できません" } },
        None => html! { span.quiet { "from the issuer's record; on the card a PIN opens it · 暗証番号で保護" } },
    };
    html! {
        article {
            (heading)
            div.bar role="img" aria-label=(format!("{left} % of its time is left")) { i style=(format!("width:{left}%")) {} }
            p { (date(seen.not_before)) " – " (date(seen.not_after)) " · " span class=(class) { (state) } " · " (verdict) }
            dl.plainlist {
                dt { "シリアル番号 Serial" } dd { code { (seen.serial) } }
                dt { "発行者 Issuer" } dd { (seen.issuer) }
                dt { "主体者 Subject" } dd { (seen.subject) }
                @if let Some(holder) = &seen.holder {
                    dt { "基本4情報 Attributes" }
                    dd { (holder.name) " · " (holder.address) " · " (holder.birth) " · " (holder.sex) }
                }
            }
        }
    }
}

/// Calendar day in Japan.
fn date(moment: OffsetDateTime) -> Date {
    pki::birthday::jst_date(moment)
}

/// Every PIN object with a pip for each try.
pub(super) fn pins(view: &View) -> Markup {
    let rows = view.applications.iter().flat_map(|application| {
        application.files.iter().filter_map(move |file| Some((application, file, file.pin.as_ref()?)))
    });
    html! {
        div.scroll { table {
            thead { tr { th { "暗証番号 PIN" } th { "アプリ Application" } th { "EF" } th { "残り Tries" } th { "状態 State" } } }
            tbody {
                @for (application, file, pin) in rows {
                    tr {
                        td { (file.japanese) " " small { (file.name) } }
                        td { (application.japanese) }
                        td { code { (file.identifier) } }
                        td { (pips(pin)) }
                        td {
                            @match pin.state {
                                PinState::BlockedByDesign => span.quiet { "全カードで閉塞 blocked on every card" },
                                PinState::NeverSet => span.quiet { "未設定 never set" },
                                PinState::Blocked => span.bad { "閉塞 blocked" },
                                PinState::Usable => span.good { "使用可 usable" },
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn pips(pin: &PinView) -> Markup {
    let mut text = String::new();
    for try_number in 0..pin.of {
        // Into a string nothing fails.
        let _ = text.write_char(if try_number < pin.left { '●' } else { '○' });
    }
    html! { span.pips title=(format!("{} of {}", pin.left, pin.of)) { (text) } " " (pin.left) "/" (pin.of) }
}

/// Every application with its objects and who opens them.
pub(super) fn files(view: &View) -> Markup {
    html! {
        @for application in &view.applications {
            details open {
                summary { (application.japanese) " " small { (application.name) } " " code { (application.aid) } }
                div.scroll { table {
                    thead { tr { th { "EF" } th { "名称 Name" } th { "種別 Kind" } th { "バイト Bytes" } th { "アクセス条件 Access" } } }
                    tbody {
                        @for file in &application.files {
                            tr {
                                td { code { (file.identifier) } }
                                td { (file.japanese) " " small { (file.name) } }
                                td { (file.kind) }
                                td.number { (file.size.as_deref().unwrap_or("")) }
                                td {
                                    @if file.access.is_empty() { span.quiet { "なし nobody" } }
                                    @for (operation, who) in &file.access { div { b { (operation) } " " (who) } }
                                }
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// What the chip says of itself.
pub(super) fn chip(view: &View) -> Markup {
    html! {
        dl.plainlist {
            dt { "種別 Profile" }
            dd { (view.text("/profile/name")) " · " (view.text("/profile/title")) " · " (view.text("/profile/japanese")) }
            dt { "製造番号 Serial" } dd { code { (view.text("/serial")) } }
            dt { "ライフサイクル Life cycle" } dd { (view.life_cycle) }
            dt { "交付日 Issued" } dd { (view.text("/issued")) }
            dt { "有効期限 Expires" } dd { (view.text("/expires")) }
            dt { "鍵 Keys" } dd { (view.text("/keys")) }
            @if let Some(token) = &view.token {
                dt { "トークン Token" }
                dd { (token.label) " · " (token.model) " · " (token.flag_names().join(", ")) }
            }
            @if let Some(number) = &view.card_number {
                dt { "カード番号 Card number" }
                dd { code { (number.serial) } " · " (number.municipality) " · " (number.expires) }
            }
            dt { "ATR" }
            dd {
                @match &view.atr {
                    Some(atr) => {
                        code { (atr.bytes) } br;
                        (atr.convention) " convention, " (atr.protocol_text()) ": "
                        @for (name, value) in &atr.interface { (name) " " code { (format!("{value:02X}")) } " " }
                        @if !atr.historical.is_empty() { br; "historical bytes " code { (atr.historical) } }
                        @if !atr.statements.is_empty() { br; (atr.statements.join(", ")) }
                        @match atr.check {
                            Some(true) => { br; span.good { "TCK ✓" } },
                            Some(false) => { br; span.bad { "TCK wrong" } },
                            None => {},
                        }
                    },
                    None => span.bad { "makes no sense" },
                }
            }
        }
    }
}

/// Card-verifiable certificates, and whether the card has the keys of its records.
pub(super) fn verifiable(view: &View) -> Markup {
    let keys = [
        (
            "共通カードAP",
            "発行者が知るカードの鍵 the card has the key that its issuer knows",
            &view.internal_authentication,
        ),
        ("券面事項確認AP", "カード自身の鍵 the card has the key of its records", &view.personal.face_key),
        ("券面事項入力補助AP", "カード自身の鍵 the card has the key of its records", &view.personal.text_key),
    ];
    html! {
        div.scroll { table {
            thead { tr { th { "場所 Place" } th { "被証明者 Subject" } th { "証明者 Issuer" } th { "判定 Verdict" } } }
            tbody {
                @for certificate in &view.card_verifiable_certificates {
                    tr {
                        td { (certificate.place) }
                        td { code { (certificate.subject) } }
                        td { code { (certificate.issuer) } }
                        td { (verdict(certificate.believed)) }
                    }
                }
            }
        } }
        @for (application, words, key) in keys {
            @if let Some(key) = key {
                p { (application) ": " (words) " · " (verdict(key.believed)) }
            }
        }
    }
}

fn verdict(believed: bool) -> Markup {
    html! {
        @if believed { span.good { "確認 believed" } } @else { span.bad { "NOT BELIEVED 信頼できません" } }
    }
}

/// The page's own style sheet.
pub(super) fn style() -> Markup {
    html! { style { (PreEscaped(include_str!("style.css"))) } }
}
