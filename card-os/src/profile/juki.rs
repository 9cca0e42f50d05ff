//! 住基AP: what the residents' network uses; all that can be seen of it is a key reference and a PIN. (card.md §9.2)

use super::{Application, Change, FREE, Kind, Object, PinFormat, SessionKey, WRITE, holders_pin, words};

const NUMBER: u8 = 3;
const PIN: u8 = 0x1C;

/// The residents' network application.
pub static JUKI: Application = Application {
    number: NUMBER,
    name: words("residents' network"),
    japanese: words("住基AP"),
    aid: &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01],
    change: Change::Key,
    default_key: None,
    session_key: SessionKey::Refused,
    objects: &[
        Object::new(NUMBER, 0x02, Kind::Records(18), ("key reference", ""), "§9.2, D-48").with(WRITE, FREE),
        holders_pin::<PIN>(
            NUMBER,
            3,
            PinFormat::Digits(4),
            ("residents' network PIN", "住民基本台帳用暗証番号"),
            "§7.1, §9.2",
        ),
    ],
};
