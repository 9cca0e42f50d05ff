//! The page: self-contained, without a program, and forbidden to load anything.

use super::{face, parts};
use crate::show::{Examined, View};
use maud::{DOCTYPE, Markup, html};
use time::OffsetDateTime;

/// What the page may do: show its own pictures and its own style.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page. maud escapes every text that stands in it.
pub(super) fn html(examined: &Examined, view: &View, now: OffsetDateTime) -> String {
    let id = view.text("/id");
    let page = html! {
        (DOCTYPE)
        html lang="ja" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (id) " — TEST 見本" }
                (parts::style())
            }
            body {
                main {
                    div.banner role="note" { strong { "TEST 見本" } " 実在のカードではありません · a simulated card, not a real one" }
                    h1 { (id) " " small { (view.text("/profile/japanese")) } }
                    (section("券面", "The card", face::sides(examined), "sides"))
                    (section("暗証番号", "PINs", parts::pins(view), ""))
                    (section("電子証明書", "Certificates", certificates(view, now), ""))
                    @if examined.record.profile.has_face() {
                        (section("券面情報", "Pictures on the chip", parts::pictures(examined), ""))
                    }
                    (section("カード", "The chip", parts::chip(view), ""))
                    (section("カード検証可能証明書", "Card-verifiable certificates", parts::verifiable(view), ""))
                    (section("ファイル構成", "File map", parts::files(view), ""))
                    footer.page { "jitsuin · " (pki::birthday::jst_date(now)) " · card.md" }
                }
            }
        }
    };
    page.into_string()
}

fn certificates(view: &View, now: OffsetDateTime) -> Markup {
    html! {
        @for certificate in &view.certificates { (parts::certificate(certificate, now)) }
    }
}

fn section(japanese: &str, english: &str, content: Markup, class: &str) -> Markup {
    html! {
        section {
            h2 { (japanese) " " small { (english) } }
            div class=[Some(class).filter(|class| !class.is_empty())] { (content) }
        }
    }
}
