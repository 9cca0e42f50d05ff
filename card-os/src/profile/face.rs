//! 券面事項確認AP: the printed face, signed, for whoever has the card before them. (card.md §9.4)

use super::{
    Application, Change, FREE, FREE_SIGNATURE, KEY_WRITE, Kind, Object, Operation, Rule, Rules, SessionKey, Size,
    WRITE, internal, printed, words,
};

const NUMBER: u8 = 4;
/// 生年月日
const BIRTH: u8 = 0x11;
/// 照合番号B
const B: u8 = 0x12;
/// 照合番号A
const A: u8 = 0x13;

/// The face confirmation application.
pub static FACE: Application = Application {
    number: NUMBER,
    name: words("face confirmation"),
    japanese: words("券面事項確認AP"),
    aid: &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02],
    change: Change::ReferenceData,
    default_key: Some(0x1A),
    session_key: SessionKey::Unconfigured,
    objects: &[
        file(0x01, 547, ("age record", "生年月日情報"), "§9.4")
            .with(WRITE, &[(Operation::Read, Rule::Pins(&[BIRTH])), (Operation::Put, Rule::Issuer)]),
        file(0x02, 5632, ("card face", "券面情報"), "§9.4, D-47").with(WRITE, AFTER_A_OR_B),
        file(0x03, 320, ("application information", "AP基本情報"), "§9.4, D-51").with(WRITE, FREE),
        file(0x04, 568, ("card-verifiable certificate", ""), "§9.4, §10").with(WRITE, FREE),
        file(0x05, 1024, ("My Number as an image", "個人番号"), "§9.4")
            .with(WRITE, &[(Operation::Read, Rule::Pins(&[A])), (Operation::Put, Rule::Issuer)]),
        file(0x06, 16, ("unknown file", ""), "§9.4, D-49").with(WRITE, AFTER_A_OR_B),
        printed(NUMBER, BIRTH, 6, ("birth-date key", "生年月日"), "§7.1, §9.4"),
        printed(NUMBER, B, 14, ("face number B", "照合番号B"), "§7.1, §9.4"),
        printed(NUMBER, A, 12, ("face number A", "照合番号A"), "§7.1, §9.4"),
        Object::new(NUMBER, 0x1A, Kind::PrivateKey { certificate: None }, ("face signing key", ""), "§8.1, §9.4")
            .with(KEY_WRITE, FREE_SIGNATURE),
        internal(NUMBER, 0x1C, "§9.4, D-20"),
        internal(NUMBER, 0x1E, "§9.4, D-20"),
    ],
};

const AFTER_A_OR_B: Rules = &[(Operation::Read, Rule::Pins(&[A, B])), (Operation::Put, Rule::Issuer)];

const fn file(number: u8, most: u16, names: (&'static str, &'static str), source: &'static str) -> Object {
    Object::new(NUMBER, number, Kind::File(Size::Written(most)), names, source)
}
