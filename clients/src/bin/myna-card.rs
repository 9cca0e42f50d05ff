//! The crate `myna-card`, as a program: it was written from measurements of real cards, and it checks what it reads.

use clients::{fail, show};
use myna_card::{
    Certificate, Pin,
    ap::{
        common::CommonAp,
        jpki::{JpkiAp, SignatureScheme},
        text::{TextAp, ef},
    },
    certificate::roots::Accept,
    data::Date,
    mf::{MasterFile, tag},
    transport::pcsc::{self, PcscTransport, Sharing},
};

const USAGE: &str = "myna-card chip
       myna-card jpki PIN PASSWORD
       myna-card change OLD NEW OLD-PASSWORD NEW-PASSWORD
       myna-card text PIN A B";

const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::Verbatim,
    SignatureScheme::Sha256Bare,
    SignatureScheme::PreHashedDigestInfo,
    SignatureScheme::Sha256DigestInfo,
    SignatureScheme::PreHashedPss,
    SignatureScheme::Sha256Pss,
];

type Card = myna_card::Card<PcscTransport>;
type Done = Result<(), Box<dyn std::error::Error>>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Err(error) = run(&arguments) {
        fail(&error);
    }
}

fn run(arguments: &[&str]) -> Done {
    let mut card = pcsc::connect_any(Sharing::Exclusive)?;
    match arguments {
        ["chip"] => chip(&mut card),
        ["jpki", pin, password] => jpki(&mut card, &Pin::numeric(pin)?, &Pin::new(password)?),
        ["change", pin, new, password, other] => {
            let mut jpki = JpkiAp::select(&mut card)?;
            jpki.change_auth_pin(&Pin::numeric(pin)?, &Pin::numeric(new)?)?;
            jpki.change_sign_pin(&Pin::new(password)?, &Pin::new(other)?)?;
            show("changed", &"both");
            Ok(())
        }
        ["text", pin, a, b] => text(&mut card, [pin, a, b]),
        _ => Err(USAGE.into()),
    }
}

/// What the card manager and the 共通カード application tell anybody.
fn chip(card: &mut Card) -> Done {
    card.transport_mut().power_cycle()?;
    let mut manager = MasterFile::new(card);
    show("identification", &String::from_utf8_lossy(&manager.data_object(tag::CARD_IDENTIFICATION)?));
    let mut common = CommonAp::select(card)?;
    show("atr", &hex::encode(common.card().contact_atr()?));
    let info = common.read_card_info()?;
    show("serial", &info.serial);
    show("municipality", &info.municipality_code);
    show("expiry", &info.expiry);
    Ok(())
}

/// The JPKI application: token, certificates, chains, and every scheme of both keys, opened by the crate itself.
fn jpki(card: &mut Card, pin: &Pin, password: &Pin) -> Done {
    let mut jpki = JpkiAp::select(card)?;
    let token = jpki.read_token_info()?;
    show("token", &jpki.read_token_type()?.name());
    show("model", &token.model);
    show("lengths of PINs", &format!("{} {}", token.min_pin_len, token.max_pin_len));
    let there = jpki.read_certificate_availability()?;
    show("certificates", &format!("{} {}", there.has_sign_certificate(), there.has_auth_certificate()));
    for (name, tries) in [("auth", jpki.auth_pin_retries()?), ("sign", jpki.sign_pin_retries()?)] {
        show(&format!("tries {name}"), &format!("{tries:?}"));
    }
    show("sign certificate before the password", &outcome(jpki.read_sign_certificate_der()));
    jpki.verify_auth_pin(pin)?;
    jpki.verify_sign_pin(password)?;
    for scheme in SCHEMES {
        let data: &[u8] = if scheme == SignatureScheme::Verbatim { b"in the field" } else { &[0x5A; 32] };
        let auth = jpki.sign_with_auth_key_checked(scheme, data)?;
        let sign = jpki.sign_with_sign_key_checked(scheme, data)?;
        show("signed", &format!("{scheme:?} {} {}", auth.len(), sign.len()));
    }
    let auth = [jpki.read_auth_certificate()?, jpki.read_auth_ca_certificate()?];
    let sign = [jpki.read_sign_certificate()?, jpki.read_sign_ca_certificate()?];
    for (name, chain) in [("auth", auth), ("sign", sign)] {
        let on = today()?;
        show(&format!("{name} certificate"), &hex::encode(chain[0].der()));
        show(&format!("{name} chain"), &outcome(Certificate::verify_chain(&chain, on)));
        show(&format!("{name} among real roots"), &outcome(chain[0].verify_to_root(on, Accept::ProductionAndTest)));
    }
    Ok(())
}

/// The 券面事項入力補助 application, in clear and under secure messaging.
fn text(card: &mut Card, [pin, a, b]: [&str; 3]) -> Done {
    let mut text = TextAp::select(card)?;
    for (name, key) in [("pin", ef::PIN), ("a", ef::CODE_A), ("b", ef::CODE_B), ("blocked", ef::BLOCKED_0012)] {
        show(&format!("tries {name}"), &format!("{:?}", text.retries(key)?));
    }
    text.verify_pin(&Pin::numeric(pin)?)?;
    show("number", &text.read_my_number()?.as_str());
    let attributes = text.read_attributes()?;
    show("name", &attributes.name);
    show("address", &attributes.address);
    show("birth", &attributes.birth_date);
    show("sex", &format!("{:?}", attributes.sex));
    let clear = [text.read_ef(ef::MY_NUMBER)?, text.read_ef(ef::ATTRIBUTES)?];
    let mut session = text.open_secure_session(&[0x17; myna_card::sm::SEED_LEN])?;
    session.verify(ef::CODE_A, &Pin::numeric(a)?)?;
    session.verify(ef::CODE_B, &Pin::numeric(b)?)?;
    let enciphered = [session.read_ef(ef::MY_NUMBER)?, session.read_ef(ef::ATTRIBUTES)?];
    show("enciphered as in clear", &(clear == enciphered));
    show("physical", &session.read_ef_physical(ef::MY_NUMBER)?.len());
    show("counter", &session.counter());
    Ok(())
}

fn today() -> Result<Date, std::time::SystemTimeError> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Date::from_unix_seconds(now.as_secs().cast_signed()))
}

fn outcome<T>(result: myna_card::Result<T>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "good".into())
}
