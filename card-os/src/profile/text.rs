//! 券面事項入力補助AP: the printed face as text, for programs that fill in forms. (card.md §9.3)

use super::{
    Application, Change, FREE, FREE_SIGNATURE, KEY_WRITE, Kind, Object, Operation, PinFormat, Rule, Rules, SessionKey,
    Size, WRITE, holders_pin, internal, printed, words,
};

const NUMBER: u8 = 5;
/// 券面事項入力補助用暗証番号
const PIN: u8 = 0x11;
const BLOCKED: u8 = 0x12;
/// 照合番号A
const A: u8 = 0x14;
/// 照合番号B
const B: u8 = 0x15;
/// Private half of EF 0006. No measurement says where a card keeps it; this EF is one of those that nothing opens.
const DELIVERY_KEY: u8 = 0x10;

/// The form-filling application.
pub static TEXT: Application = Application {
    number: NUMBER,
    name: words("form filling"),
    japanese: words("券面事項入力補助AP"),
    aid: &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08],
    change: Change::ReferenceData,
    default_key: Some(0x13),
    session_key: SessionKey::Delivered(DELIVERY_KEY),
    objects: &[
        file(0x01, 17, ("My Number", "個人番号"), "§9.3")
            .with(WRITE, &[(Operation::Read, Rule::Pins(&[PIN, A])), (Operation::Put, Rule::Issuer)]),
        file(0x02, 1536, ("four attributes", "基本4情報"), "§9.3, D-47")
            .with(WRITE, &[(Operation::Read, Rule::Pins(&[PIN, B])), (Operation::Put, Rule::Issuer)]),
        file(0x03, 336, ("integrity record", ""), "§9.3").with(WRITE, AFTER_ANY),
        file(0x04, 568, ("card-verifiable certificate", ""), "§9.3, §10").with(WRITE, FREE),
        file(0x05, 164, ("application information", "AP基本情報"), "§9.3, D-51").with(WRITE, FREE),
        file(0x06, 269, ("public key for session keys", ""), "§9.3, §13").with(WRITE, AFTER_ANY),
        file(0x07, 536, ("public key of the signing key", ""), "§9.3").with(WRITE, AFTER_ANY),
        file(0x08, 16, ("unknown file", ""), "§9.3, D-49").with(WRITE, AFTER_ANY),
        Object::new(
            NUMBER,
            DELIVERY_KEY,
            Kind::PrivateKey { certificate: None },
            ("private key for session keys", ""),
            "§13, D-20",
        )
        .with(
            KEY_WRITE,
            &[
                (Operation::Decipher, Rule::Pins(&[PIN])),
                (Operation::Put, Rule::Issuer),
                (Operation::Generate, Rule::Issuer),
            ],
        ),
        holders_pin::<PIN>(
            NUMBER,
            3,
            PinFormat::Digits(4),
            ("form filling PIN", "券面事項入力補助用暗証番号"),
            "§7.1, §9.3",
        ),
        Object::new(
            NUMBER,
            BLOCKED,
            Kind::Pin { tries: 0, format: PinFormat::Digits(4) },
            ("blocked reference", ""),
            "§7.1, §9.3",
        )
        .with(&[], &[(Operation::Verify, Rule::Free), (Operation::Change, Rule::Pins(&[BLOCKED]))]),
        Object::new(NUMBER, 0x13, Kind::PrivateKey { certificate: None }, ("text signing key", ""), "§8.1, §9.3")
            .with(KEY_WRITE, FREE_SIGNATURE),
        printed(NUMBER, A, 12, ("face number A", "照合番号A"), "§7.1, §9.3"),
        printed(NUMBER, B, 14, ("face number B", "照合番号B"), "§7.1, §9.3"),
        internal(NUMBER, 0x1C, "§9.3, D-20"),
        internal(NUMBER, 0x1E, "§9.3, D-20"),
    ],
};

const AFTER_ANY: Rules = &[(Operation::Read, Rule::Pins(&[PIN, A, B])), (Operation::Put, Rule::Issuer)];

const fn file(number: u8, most: u16, names: (&'static str, &'static str), source: &'static str) -> Object {
    Object::new(NUMBER, number, Kind::File(Size::Written(most)), names, source)
}
