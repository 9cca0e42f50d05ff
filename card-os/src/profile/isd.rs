//! The issuer security domain and its data objects. (card.md §11)

use super::{Application, Change, FREE, Kind, Object, SessionKey, words};

const NUMBER: u8 = 0;

/// The issuer security domain, current after power-up.
pub static ISD: Application = Application {
    number: NUMBER,
    name: words("issuer security domain"),
    japanese: words("カードマネージャ"),
    aid: &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00],
    change: Change::ReferenceData,
    default_key: None,
    session_key: SessionKey::Refused,
    objects: &[
        data_object(0x01, 0x0042, "issuer identification", 16),
        data_object(0x02, 0x0045, "card identification number", 15),
        data_object(0x03, 0x00F0, "municipality code", 5),
        data_object(0x04, 0x00F2, "card expiry", 8),
        data_object(0x05, 0x00F7, "key id of the intermediate", 16),
        data_object(0x06, 0x00F8, "card-verifiable certificate of the intermediate", 575),
        data_object(0x07, 0x7F21, "card-verifiable certificate of the next key", 575),
    ],
};

const fn data_object(number: u8, tag: u16, name: &'static str, capacity: u16) -> Object {
    Object::new(NUMBER, number, Kind::DataObject { tag, capacity }, (name, ""), "§11, D-40").with(FREE, FREE)
}
