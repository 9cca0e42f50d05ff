//! Structured bytes as lines of text.

use apdu::tlv::{
    Rules,
    ber::{Reader, Tlv},
};

/// Deepest nesting that is followed.
const DEPTH: usize = 6;
/// Bytes of a value that are shown.
const SHOWN: usize = 24;

/// Names of tags inside the files of one application; application 0 is everywhere.
const TAGS: &[(u8, u32, &str)] = &[
    (0, 0x6F, "file control information"),
    (0, 0x84, "DF name"),
    (0, 0x73, "card recognition data"),
    (0, 0x7F21, "card-verifiable certificate"),
    (0, 0x5F4E, "certificate body"),
    (0, 0x5F37, "signature"),
    (0, 0x90, "public exponent"),
    (0, 0x91, "modulus"),
    (0, 0xA1, "public key"),
    (4, 0xFF10, "age record 生年月日情報"),
    (4, 0xDF11, "birth 生年月日"),
    (4, 0xDF12, "public key"),
    (4, 0xDF13, "signature"),
    (4, 0xFF20, "card face 券面情報"),
    (4, 0xDF21, "offsets"),
    (4, 0xDF22, "birth 生年月日"),
    (4, 0xDF23, "sex 性別"),
    (4, 0xDF24, "public key"),
    (4, 0xDF25, "name 氏名"),
    (4, 0xDF26, "address 住所"),
    (4, 0xDF27, "photo 顔写真"),
    (4, 0xDF28, "signature"),
    (4, 0xDF29, "expiry 有効期限"),
    (4, 0xDF2A, "security code セキュリティコード"),
    (4, 0xFF30, "AP basic information AP基本情報"),
    (4, 0xDF34, "municipality code"),
    (4, 0xFF40, "My Number as an image 個人番号"),
    (4, 0xDF41, "image"),
    (4, 0xDF42, "public key"),
    (4, 0xDF43, "signature"),
    (5, 0xFF10, "My Number 個人番号"),
    (5, 0xFF20, "four attributes 基本4情報"),
    (5, 0xDF21, "offsets"),
    (5, 0xDF22, "name 氏名"),
    (5, 0xDF23, "address 住所"),
    (5, 0xDF24, "birth 生年月日"),
    (5, 0xDF25, "sex 性別"),
    (5, 0xFF30, "integrity record"),
    (5, 0xDF31, "digest of 0001"),
    (5, 0xDF32, "digest of 0002"),
    (5, 0xDF33, "signature"),
    (5, 0xFF40, "AP basic information AP基本情報"),
    (5, 0xFF50, "public key of the signing key"),
    (5, 0xDF51, "public key"),
    (5, 0xDF52, "signature"),
];

/// The object that `bytes` begins with as an indented tree, in the cards' own form of lengths; `None` where it begins with none.
pub(crate) fn tree(application: u8, bytes: &[u8]) -> Option<Vec<String>> {
    let (object, filler) = Tlv::parse(bytes, Rules::Card).ok()?;
    let mut lines = Vec::new();
    branch(application, &object, 0, &mut lines);
    if !filler.is_empty() {
        lines.push(format!("{} bytes behind it", filler.len()));
    }
    Some(lines)
}

fn branch(application: u8, object: &Tlv<'_>, depth: usize, lines: &mut Vec<String>) {
    let tag = object.tag.0;
    let named = |number| TAGS.iter().find(|row| row.0 == number && row.1 == tag).map(|row| row.2);
    let name = named(application).or_else(|| named(0)).unwrap_or_default();
    let head = format!("{:indent$}{tag:02X} {name}", "", indent = depth * 2);
    let head = head.trim_end();
    // Keys lie in objects that are announced to be primitive; a constructed one may hold bare digits.
    let holds_key = matches!((application, tag), (4, 0xDF12 | 0xDF24 | 0xDF42) | (5, 0xDF51));
    let nested = holds_key || object.tag.is_constructed() && depth < DEPTH;
    let children: Option<Vec<Tlv<'_>>> = Reader::new(object.value, Rules::Card).collect::<Result<_, _>>().ok();
    match children.filter(|children| nested && !children.is_empty()) {
        Some(children) => {
            lines.push(format!("{head}, {} bytes", object.value.len()));
            children.iter().for_each(|child| branch(application, child, depth + 1, lines));
        }
        None => lines.push(format!("{head}: {}", value(object.value))),
    }
}

/// A value: text where it is text, an image by its kind, hexadecimal otherwise.
pub(crate) fn value(bytes: &[u8]) -> String {
    if bytes.starts_with(b"\x89PNG") {
        return format!("PNG image, {} bytes", bytes.len());
    }
    if bytes.starts_with(b"\0\0\0\x0CjP  ") {
        return format!("JPEG 2000 image, {} bytes", bytes.len());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => format!("“{text}”"),
        _ if bytes.len() > SHOWN => {
            format!("{}… ({} bytes)", hex::encode_upper(bytes.get(..SHOWN).unwrap_or_default()), bytes.len())
        }
        _ => hex::encode_upper(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_information_names_the_application() {
        let fci = hex::decode("6F0C840AD392F000260100000001").expect("hex");
        let lines = tree(1, &fci).expect("a tree");
        assert_eq!(lines, ["6F file control information, 12 bytes", "  84 DF name: D392F000260100000001"]);
    }

    #[test]
    fn my_number_is_one_value_and_its_filler_is_told() {
        let file = [&[0xFF, 0x10, 0x0C][..], b"000000000019", &[0xFF, 0xFF]].concat();
        assert_eq!(tree(5, &file).expect("a tree"), ["FF10 My Number 個人番号: “000000000019”", "2 bytes behind it"]);
    }

    #[test]
    fn nothing_is_too_odd() {
        assert_eq!(tree(5, &[0xFF]), None);
        assert_eq!(tree(5, &[]), None);
        let deep = (0..200).fold(vec![0x84, 0x00], |inner, _| {
            let length = u8::try_from(inner.len().min(120)).expect("short");
            [&[0x6F, length][..], inner.get(..usize::from(length)).unwrap_or_default()].concat()
        });
        assert!(tree(0, &deep).is_some_and(|lines| lines.len() <= DEPTH + 2));
    }
}
