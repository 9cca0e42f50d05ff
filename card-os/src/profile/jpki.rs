//! The public certification application on the card, on a phone and on the Juki card. (card.md §6, §16, §17)

use super::{
    Application, Change, FREE, KEY_WRITE, Kind, Object, Operation, PinFormat, Rule, Rules, SessionKey, Size, WRITE,
    holders_pin, internal, words,
};

const NUMBER: u8 = 1;
const AID: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

/// EF identifier of the token information.
pub const TOKEN_INFORMATION: u8 = 0x06;
/// EF identifier of the certificate availability flags.
pub const AVAILABILITY: u8 = 0x08;
/// EF identifier of the user authentication PIN.
pub const AUTHENTICATION_PIN: u8 = 0x18;
/// EF identifier of the signature private key.
pub const SIGNATURE_KEY: u8 = 0x1A;
/// EF identifier of the signature password.
pub const SIGNATURE_PASSWORD: u8 = 0x1B;

/// The public certification application of the card.
pub static JPKI: Application = application("JPKI", OBJECTS);

/// The same on an Android phone: its authentication certificate is not free. (card.md §17, D-54)
pub static ANDROID_JPKI: Application = application("JPKI of a phone", ANDROID_OBJECTS);

/// The same on a Juki card: one pair, one certificate, one password. (card.md §16, D-53)
pub static JUKI_CARD_JPKI: Application = application("JPKI of a Juki card", JUKI_CARD_OBJECTS);

const fn application(name: &'static str, objects: &'static [Object]) -> Application {
    Application {
        number: NUMBER,
        name: words(name),
        japanese: words("公的個人認証AP"),
        aid: AID,
        change: Change::ReferenceData,
        default_key: None,
        session_key: SessionKey::Refused,
        objects,
    }
}

const AFTER_PASSWORD: Rules = &[(Operation::Read, Rule::Pins(&[SIGNATURE_PASSWORD])), (Operation::Put, Rule::Issuer)];
const AFTER_PIN: Rules = &[(Operation::Read, Rule::Pins(&[AUTHENTICATION_PIN])), (Operation::Put, Rule::Issuer)];

const OBJECTS: &[Object] = &whole(authentication_certificate(FREE, "§6, §6.3, D-18"));
const ANDROID_OBJECTS: &[Object] = &whole(authentication_certificate(AFTER_PIN, "§17, D-54"));
const JUKI_CARD_OBJECTS: &[Object] =
    &[SIGNATURE_CERTIFICATE, SIGNATURE_AUTHORITY, TOKEN, SIGNATURE_PRIVATE_KEY, password(4, "§16, D-53")];

/// Both halves, with this authentication certificate.
const fn whole(authentication_certificate: Object) -> [Object; 17] {
    [
        SIGNATURE_CERTIFICATE,
        SIGNATURE_AUTHORITY,
        file(0x05, 0, ("unknown file", ""), "§6, D-20"),
        TOKEN,
        file(AVAILABILITY, 3, ("certificate availability", ""), "§6.2, D-22").with(WRITE, FREE),
        file(0x09, 0, ("unknown file", ""), "§6, D-20"),
        authentication_certificate,
        file(
            0x0B,
            1900,
            ("user authentication CA certificate", "利用者証明用認証局の自己署名証明書"),
            "§6, §6.3, D-18",
        )
        .with(WRITE, FREE),
        internal(NUMBER, 0x10, "§6, D-20"),
        Object::new(NUMBER, 0x16, Kind::PublicKey, ("terminal CA key reference", ""), "§6, §12, D-20, D-41")
            .with(WRITE, WRITE),
        private_key::<AUTHENTICATION_PIN>(0x17, 0x0A, ("user authentication private key", "利用者証明用秘密鍵")),
        holders_pin::<AUTHENTICATION_PIN>(
            NUMBER,
            3,
            PinFormat::Digits(4),
            ("user authentication PIN", "利用者証明用暗証番号"),
            "§6, §7.1",
        ),
        internal(NUMBER, 0x19, "§6, D-20"),
        SIGNATURE_PRIVATE_KEY,
        password(6, "§6, §7.1"),
        internal(NUMBER, 0x1C, "§6, D-20"),
        internal(NUMBER, 0x1E, "§6, D-20"),
    ]
}

const SIGNATURE_CERTIFICATE: Object =
    file(0x01, 3072, ("signature certificate", "署名用電子証明書"), "§6, §6.3, D-18").with(WRITE, AFTER_PASSWORD);
const SIGNATURE_AUTHORITY: Object =
    file(0x02, 1900, ("signature CA certificate", "署名用認証局の自己署名証明書"), "§6, §6.3, D-18").with(WRITE, FREE);
const TOKEN: Object = file(TOKEN_INFORMATION, 160, ("token information", ""), "§6.1, D-21").with(WRITE, FREE);
const SIGNATURE_PRIVATE_KEY: Object =
    private_key::<SIGNATURE_PASSWORD>(SIGNATURE_KEY, 0x01, ("signature private key", "署名用秘密鍵"));

/// A private key that signs after its PIN.
const fn private_key<const PIN: u8>(number: u8, certificate: u8, names: (&'static str, &'static str)) -> Object {
    let rules = const {
        &[(Operation::Sign, Rule::Pins(&[PIN])), (Operation::Put, Rule::Issuer), (Operation::Generate, Rule::Issuer)]
    };
    Object::new(NUMBER, number, Kind::PrivateKey { certificate: Some(certificate) }, names, "§6, §8")
        .with(KEY_WRITE, rules)
}

const fn file(number: u8, size: u16, names: (&'static str, &'static str), source: &'static str) -> Object {
    Object::new(NUMBER, number, Kind::File(Size::Fixed(size)), names, source)
}

const fn authentication_certificate(in_use: Rules, source: &'static str) -> Object {
    file(0x0A, 1900, ("user authentication certificate", "利用者証明用電子証明書"), source).with(WRITE, in_use)
}

const fn password(least: usize, source: &'static str) -> Object {
    let names = ("signature password", "署名用暗証番号");
    holders_pin::<SIGNATURE_PASSWORD>(NUMBER, 5, PinFormat::Password { least }, names, source)
}
