//! 共通カードAP: the card's number, and the key it authenticates itself with. (card.md §9.1)

use super::{
    Application, Change, FREE, KEY_WRITE, Kind, Object, Operation, PinFormat, Rule, SessionKey, WRITE, holders_pin,
    internal, words,
};

const NUMBER: u8 = 2;
const PIN: u8 = 0x1C;

/// The common card application.
pub static COMMON: Application = Application {
    number: NUMBER,
    name: words("common card"),
    japanese: words("共通カードAP"),
    aid: &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00],
    change: Change::Key,
    default_key: None,
    session_key: SessionKey::Unconfigured,
    objects: &[
        Object::new(NUMBER, 0x01, Kind::Records(30), ("card number", "製造番号"), "§9.1").with(WRITE, FREE),
        Object::new(NUMBER, 0x02, Kind::Records(18), ("key reference", ""), "§9.1, D-48").with(WRITE, FREE),
        Object::new(
            NUMBER,
            0x19,
            Kind::PrivateKey { certificate: None },
            ("internal authentication key", ""),
            "§5.6, §9.1",
        )
        .with(
            KEY_WRITE,
            &[
                (Operation::Authenticate, Rule::Free),
                (Operation::Put, Rule::Issuer),
                (Operation::Generate, Rule::Issuer),
            ],
        ),
        holders_pin::<PIN>(
            NUMBER,
            3,
            PinFormat::Digits(4),
            ("common card PIN", "住民基本台帳用暗証番号 (共通カードAP)"),
            "§7.1, §9.1",
        ),
        internal(NUMBER, 0x1E, "§9.1, D-20"),
    ],
};
