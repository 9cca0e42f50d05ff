//! The two sides of the card, drawn.

use super::parts::{picture, sex};
use crate::show::Examined;
use maud::{Markup, html};
use pki::{era, relying::face::CardFace};
use time::Date;

/// Front and back of a card with a face; a plain sheet for what has none.
pub(super) fn sides(examined: &Examined) -> Markup {
    if examined.record.profile.has_face() {
        return html! {
            (front(examined))
            (back(examined))
        };
    }
    let person = &examined.record.person;
    html! {
        div.card.plain {
            (watermark())
            header {
                span { (examined.record.profile.japanese) }
                small { (examined.record.profile.title) }
            }
            dl {
                (row("氏名", "Name", &person.name))
                (row("住所", "Address", &person.address))
                (row("生年月日", "Born", &era::written(person.birth)))
                (row("性別", "Sex", sex(person.sex.face_code())))
            }
            p.note { "券面アプリケーションなし · no face data on this medium; holder from the issuer's record" }
        }
    }
}

fn row(japanese: &str, english: &str, value: &str) -> Markup {
    html! {
        div { dt { (japanese) " " small { (english) } } dd { (value) } }
    }
}

/// Nobody may take the page for a picture of a real card.
fn watermark() -> Markup {
    html! { div.watermark aria-hidden="true" { "TEST 見本" } }
}

fn front(examined: &Examined) -> Markup {
    let record = &examined.record;
    let believed = examined.findings.personal.face.as_ref().and_then(|face| face.as_ref().ok());
    let texts = examined.findings.personal.attributes.as_ref().and_then(|text| text.as_ref().ok());
    // The chip's own words where it told them; the issuer's record otherwise.
    let (name, address) =
        texts.map_or((&record.person.name, &record.person.address), |texts| (&texts.value.name, &texts.value.address));
    let code = match &record.security_code {
        Some(code) if examined.reveal => code.digits(),
        Some(_) => "••••",
        None => "",
    };
    html! {
        div.card.front {
            (watermark())
            header { span { "個人番号カード" } small { "My Number Card — TEST 見本" } }
            div.photo { (photo(examined, believed)) }
            dl {
                (row("氏名", "Name", name))
                (row("住所", "Address", address))
                (row("生年月日", "Born", &(era::written(record.person.birth) + "生")))
                (row("性別", "Sex", sex(record.person.sex.face_code())))
            }
            footer {
                span { (expiry(record.expires)) "まで有効 " small { "Valid until " (record.expires) } }
                span.code { small { "セキュリティコード " } (code) }
            }
        }
    }
}

fn expiry(date: Date) -> String {
    format!("{}年{}月{}日", date.year(), u8::from(date.month()), date.day())
}

fn back(examined: &Examined) -> Markup {
    let person = &examined.record.person;
    let number = match person.my_number.as_ref().filter(|_| examined.reveal) {
        Some(number) => grouped(number.digits()),
        None => "•••• •••• ••••".into(),
    };
    html! {
        div.card.back {
            (watermark())
            header { span { "個人番号カード" } small { "Back 裏面 — TEST 見本" } }
            p.number { small { "個人番号 My Number" } span { (number) } }
            dl {
                (row("氏名", "Name", &person.name))
                (row("生年月日", "Born", &(era::written(person.birth) + "生")))
            }
            @if !examined.reveal { p.note { "非表示 · hidden; --reveal shows it" } }
        }
    }
}

fn grouped(digits: &str) -> String {
    let groups = digits.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(" ")
}

/// Browsers show no JPEG 2000: the figure is drawn again, where it is the one on the card.
fn photo(examined: &Examined, face: Option<&CardFace>) -> Markup {
    let shown = examined.record.face().zip(face).and_then(|(printed, face)| {
        (portrait::face(&printed).photo == face.photo).then(|| portrait::photo_png(&printed))
    });
    match (shown, face) {
        (Some(png), _) => picture("image/png", &png, "顔写真 photo: a drawn figure marked TEST 見本"),
        (None, Some(_)) => html! { span { "JPEG 2000" } },
        (None, None) => html! { span { "顔写真" } },
    }
}
