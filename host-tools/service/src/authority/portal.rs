//! The portal's public pages: fingerprints フィンガープリント and terms 利用者規約, each marked as simulated. (service.md §17, row 34)

use super::{Authorities, Name, Registry, Shared, not_found, without};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};
use pki::{ca::Authority, profile::Hierarchy};
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_cert::{Certificate, der::Decode};

const MARK: &str = "TEST – this is a simulator, not a public service";
const MARK_JAPANESE: &str = "試験用 ― これは模擬環境であり、実在のサービスではありません";
/// Nothing that runs or loads.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:16px/1.6 sans-serif;max-width:52em;margin:2em auto;padding:0 1em}\
    .mark{border:3px solid #b00;color:#b00;padding:.5em 1em;font-weight:bold}code{word-spacing:.2em}";

/// What a root is recognised by.
#[derive(Debug, Serialize)]
struct Fingerprint {
    hierarchy: &'static str,
    japanese: &'static str,
    subject: String,
    serial: String,
    not_before: String,
    not_after: String,
    /// SHA-256 over the DER, hexadecimal.
    sha256: String,
}

#[derive(Debug, Serialize)]
struct Listed {
    simulated: bool,
    notice: &'static str,
    authorities: Vec<Fingerprint>,
}

impl Fingerprint {
    fn of(authority: &Authority) -> Option<Self> {
        let certificate = Certificate::from_der(authority.root()).ok()?;
        let tbs = certificate.tbs_certificate();
        let hierarchy = authority.hierarchy();
        Some(Fingerprint {
            hierarchy: hierarchy.name(),
            japanese: match hierarchy {
                Hierarchy::Signature => "署名用認証局",
                Hierarchy::Authentication => "利用者証明用認証局",
                Hierarchy::Prefecture => "都道府県知事（住基カード）",
            },
            subject: tbs.subject().to_string(),
            serial: hex::encode_upper(tbs.serial_number().as_bytes()),
            not_before: tbs.validity().not_before.to_string(),
            not_after: tbs.validity().not_after.to_string(),
            sha256: hex::encode_upper(Sha256::digest(authority.root())),
        })
    }
}

impl<R: Registry> Authorities<R> {
    fn listed(&self) -> Vec<Fingerprint> {
        self.served.iter().filter_map(|served| Fingerprint::of(&served.authority)).collect()
    }
}

pub(super) async fn fingerprints_json<R: Registry>(State(authorities): Shared<R>) -> Response {
    Json(Listed { simulated: true, notice: MARK, authorities: authorities.listed() }).into_response()
}

pub(super) async fn fingerprints<R: Registry>(State(authorities): Shared<R>) -> Response {
    let body = html! {
        p { "認証局の自己署名証明書が本物であることは、ICカードに記録された証明書のフィンガープリント（SHA-256）を次の値と比べて確かめます。" }
        p { "Compare the SHA-256 fingerprint of the CA certificate on a card with these." }
        @for one in authorities.listed() {
            h2 { (one.japanese) " " small { (one.hierarchy) } }
            dl {
                dt { "SHA-256" } dd { code { (grouped(&one.sha256)) } }
                dt { "主体者・発行者 Subject and issuer" } dd { (one.subject) }
                dt { "発行番号 Serial number" } dd { code { (one.serial) } }
                dt { "有効期間 Validity" } dd { (one.not_before) " – " (one.not_after) }
                dd { a href={ "/fingerprints/" (one.hierarchy) ".cer" } { (one.hierarchy) ".cer" } }
            }
        }
    };
    page("フィンガープリント", "Fingerprints", &body)
}

/// A root, as the operator publishes it. (pki.md §1)
pub(super) async fn root<R: Registry>(State(authorities): Shared<R>, Path(file): Name) -> Response {
    let served = without(&file, ".cer").and_then(|hierarchy| authorities.served(hierarchy));
    let Some(served) = served else { return not_found() };
    ([(header::CONTENT_TYPE, "application/pkix-cert")], served.authority.root().to_vec()).into_response()
}

pub(super) async fn terms() -> Response {
    let body = html! {
        ol {
            li { "この環境の電子証明書は試験用であり、法的な効力はありません。" br;
                "Certificates of this environment are for tests and have no legal effect." }
            li { "登場する人物、市区町村、認証局はすべて架空のものです。" br;
                "Every person, municipality and authority in it is invented." }
            li { "実在の個人番号カードや暗証番号を使わないでください。" br;
                "Use no real Individual Number Card and no real password with it." }
            li { "利用者は、秘密鍵、カード、暗証番号を適切に管理します（模擬）。" br;
                "Users guard private key, card and passwords (simulated)." }
            li { "失効情報は、登録された検証者にのみ提供します。" br;
                "Revocation information is given to registered verifiers only." }
        }
    };
    page("利用者規約", "Terms of use", &body)
}

fn page(japanese: &str, english: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="ja" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "[TEST] " (japanese) " " (english) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                p.mark { (MARK_JAPANESE) br; (MARK) }
                h1 { (japanese) " " (english) }
                (body)
            }
        }
    };
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// In groups of four digits, for eyes.
fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = digits.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}
