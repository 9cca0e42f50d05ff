//! The crate `myna-card`, as a program: it was written from measurements of real cards, and it checks what it reads.

use clients::{fail, show};
use myna_card::{
    Certificate, Pin,
    ap::{
        common::CommonAp,
        jpki::{JpkiAp, SignatureScheme},
        surface::SurfaceAp,
        text::{TextAp, ef},
    },
    certificate::roots::Accept,
    data::{Date, RsaPublicKey, verification_code_b},
    mf::{MasterFile, tag},
    transport::pcsc::{self, PcscTransport, Sharing},
};

const USAGE: &str = "myna-card chip
       myna-card jpki PIN PASSWORD
       myna-card change OLD NEW OLD-PASSWORD NEW-PASSWORD
       myna-card text PIN A BIRTH-YYYYMMDD EXPIRY-YEAR SECURITY-CODE ROOT-MODULUS-HEX
       myna-card face A BIRTH-YYYYMMDD EXPIRY-YEAR SECURITY-CODE ROOT-MODULUS-HEX";

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
        ["text", pin, printed @ ..] => text(&mut card, &Pin::numeric(pin)?, &Printed::of(printed)?),
        ["face", printed @ ..] => face(&mut card, &Printed::of(printed)?),
        _ => Err(USAGE.into()),
    }
}

/// What the card manager and the 共通カード application tell anybody.
fn chip(card: &mut Card) -> Done {
    card.transport_mut().power_cycle()?;
    let mut manager = MasterFile::new(card);
    show("identification", &String::from_utf8_lossy(&manager.data_object(tag::CARD_IDENTIFICATION)?));
    let chain = manager.certificate_chain()?;
    let [upper, lower] = &chain[..] else { return Err(format!("{} certificates", chain.len()).into()) };
    show("chain", &outcome(lower.verify_with(&upper.public_key)));
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

/// What a reader of the printed card knows, and the root that its certificates lead to.
struct Printed {
    a: Pin,
    b: Pin,
    birth: Pin,
    root: RsaPublicKey,
}

impl Printed {
    /// 照合番号B and the birth-date key are made by the crate's own rules.
    fn of(words: &[&str]) -> Result<Printed, Box<dyn std::error::Error>> {
        let [a, birth, expiry, code, modulus] = words else { return Err(USAGE.into()) };
        let birth = Date::parse(birth.as_bytes())?;
        let b = verification_code_b(birth, expiry.parse()?, code.as_bytes())?;
        Ok(Printed {
            a: Pin::numeric(a)?,
            birth: Pin::numeric(&b.as_bytes()[..6])?,
            b,
            root: RsaPublicKey { exponent: vec![1, 0, 1], modulus: hex::decode(modulus)? },
        })
    }
}

/// The 券面事項入力補助 application, in clear and under secure messaging.
fn text(card: &mut Card, pin: &Pin, printed: &Printed) -> Done {
    let mut text = TextAp::select(card)?;
    for (name, key) in [("pin", ef::PIN), ("a", ef::CODE_A), ("b", ef::CODE_B), ("blocked", ef::BLOCKED_0012)] {
        show(&format!("tries {name}"), &format!("{:?}", text.retries(key)?));
    }
    text.verify_pin(pin)?;
    show("number", &text.read_my_number()?.as_str());
    let attributes = text.read_attributes()?;
    show("name", &attributes.name);
    show("address", &attributes.address);
    show("birth", &attributes.birth_date);
    show("sex", &format!("{:?}", attributes.sex));
    let certificate = text.read_certificate()?;
    show("certificate", &outcome(certificate.verify_with(&printed.root)));
    show("certificate among real ones", &outcome(certificate.verify()));
    let key = text.read_signed_public_key()?;
    show("key", &outcome(key.verify(&certificate.public_key)));
    let challenge = text.card().get_challenge(16)?;
    let signature = text.sign(&challenge)?;
    show("card", &outcome(SignatureScheme::Sha256DigestInfo.verify(&key.public_key, &challenge, &signature)));
    let record = text.read_integrity_record()?;
    show("record", &outcome(record.verify(&certificate.public_key)));
    let clear = [text.read_ef(ef::MY_NUMBER)?, text.read_ef(ef::ATTRIBUTES)?];
    show("record of the number", &record.matches_my_number_file(&text.read_my_number_file()?));
    show("record of the attributes", &record.matches_attributes_file(&clear[1])?);
    let mut session = text.open_secure_session(&[0x17; myna_card::sm::SEED_LEN])?;
    session.verify(ef::CODE_A, &printed.a)?;
    session.verify(ef::CODE_B, &printed.b)?;
    let enciphered = [session.read_ef(ef::MY_NUMBER)?, session.read_ef(ef::ATTRIBUTES)?];
    show("enciphered as in clear", &(clear == enciphered));
    show("physical", &session.read_ef_physical(ef::MY_NUMBER)?.len());
    Ok(())
}

/// The 券面事項確認 application: every record under its own credential, and the card that holds the key in them.
fn face(card: &mut Card, printed: &Printed) -> Done {
    let mut face = SurfaceAp::select(card)?;
    let certificate = face.read_certificate()?;
    show("certificate", &outcome(certificate.verify_with(&printed.root)));
    show("certificate among real ones", &outcome(certificate.verify()));
    show("municipality", &face.read_ap_basic_data()?.municipality_code);
    show("face before a credential", &outcome(face.read_card_face()));
    face.verify_birth_date(&printed.birth)?;
    let age = face.read_age_record()?;
    show("age", &format!("{} {}", age.birth_date, outcome(age.verify(&certificate.public_key))));
    face.verify_code_b(&printed.b)?;
    show("number before A", &outcome(face.read_my_number_image()));
    let front = face.read_card_face()?;
    show("front", &outcome(front.verify(&certificate.public_key)));
    show("birth", &front.birth_date);
    show("expiry", &front.expiry);
    show("sex", &format!("{:?}", front.sex));
    for (name, image) in [("name", &front.name_image), ("address", &front.address_image), ("photo", &front.photo)] {
        show(&format!("image of {name}"), &format!("{:?}", image.format));
    }
    face.verify_code_a(&printed.a)?;
    let number = face.read_my_number_image()?;
    show("number", &format!("{:?} {}", number.image.format, outcome(number.verify(&certificate.public_key))));
    let challenge = face.card().get_challenge(16)?;
    let signature = face.sign(&challenge)?;
    show("card", &outcome(SignatureScheme::Sha256DigestInfo.verify(&front.public_key, &challenge, &signature)));
    Ok(())
}

fn today() -> Result<Date, std::time::SystemTimeError> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Date::from_unix_seconds(now.as_secs().cast_signed()))
}

fn outcome<T>(result: myna_card::Result<T>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "good".into())
}
