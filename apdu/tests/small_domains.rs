//! What is small enough is enumerated: class bytes, status words, short and extended length fields, headers, tag and
//! length fields. Expectations are the tables of the standards, spelled out.

use apdu::{
    Cla, Class, Command, Encoding, Error, ErrorKind, Form, Header, Indications, Ne, Response, SecureMessaging, Sw,
    tlv::{
        Rules,
        ber::{Reader, Tag, Tlv, Writer},
    },
};

/// ISO/IEC 7816-4:2005 §5.1.1, tables 2 and 3: bits 8 to 1, where c is chaining, s secure messaging, n the channel, and
/// what n = 0 stands for.
const CLASSES: [(&str, &str, u8); 7] = [
    ("000cssnn", "interindustry", 0),
    ("001-----", "reserved", 0),
    ("01scnnnn", "interindustry", 4),
    ("11111111", "invalid", 0),
    ("100cssnn", "proprietary", 0),
    ("101-----", "opaque", 0),
    ("11scnnnn", "proprietary", 4),
];

fn bits(pattern: &str, letter: char, byte: u8) -> u8 {
    let chosen = pattern.chars().enumerate().filter(|(_, c)| *c == letter).map(|(at, _)| byte >> (7 - at) & 1);
    chosen.fold(0, |number, bit| number << 1 | bit)
}

#[test]
fn every_class_byte() {
    for byte in 0..=255 {
        let digits = format!("{byte:08b}");
        let fits = |pattern: &str| digits.chars().zip(pattern.chars()).all(|(a, b)| !"01".contains(b) || a == b);
        let (pattern, family, first_channel) = CLASSES.into_iter().find(|row| fits(row.0)).unwrap();
        let indications = Indications {
            chaining: bits(pattern, 'c', byte) == 1,
            secure_messaging: match (first_channel, bits(pattern, 's', byte)) {
                (_, 0) => SecureMessaging::None,
                (0, 1) => SecureMessaging::Proprietary,
                (0, 2) | (4, 1) => SecureMessaging::Standard,
                _ => SecureMessaging::HeaderAuthenticated,
            },
            channel: first_channel + bits(pattern, 'n', byte),
        };
        let class = match family {
            "interindustry" => Class::Interindustry(indications),
            "proprietary" => Class::Proprietary(indications),
            "reserved" => Class::Reserved(byte),
            "opaque" => Class::Opaque(byte),
            _ => Class::Invalid,
        };
        assert_eq!(Cla(byte).decode(), class, "{byte:02X}");
        assert_eq!(class.encode(), Some(Cla(byte)), "{byte:02X}");
        assert_eq!(Cla(byte).is_proprietary(), byte >= 0x80 && byte != 0xFF);
    }
}

#[test]
fn every_class_value_is_written_only_as_its_own_byte() {
    use SecureMessaging::{HeaderAuthenticated, None, Proprietary, Standard};
    let mut written = 0;
    for chaining in [false, true] {
        for secure_messaging in [None, Proprietary, Standard, HeaderAuthenticated] {
            for channel in 0..=255 {
                let indications = Indications { chaining, secure_messaging, channel };
                for class in [Class::Interindustry(indications), Class::Proprietary(indications)] {
                    if let Some(cla) = class.encode() {
                        assert_eq!(cla.decode(), class);
                        written += 1;
                    }
                }
            }
        }
    }
    // Twice 32 + 64 bytes, without FF.
    assert_eq!(written, 191);
    for byte in 0..=255 {
        assert_eq!(Class::Reserved(byte).encode().is_some(), (0x20..0x40).contains(&byte));
        assert_eq!(Class::Opaque(byte).encode().is_some(), (0xA0..0xC0).contains(&byte));
    }
}

#[test]
fn every_status_word() {
    for value in 0..=0xFFFFu16 {
        let bytes = value.to_be_bytes();
        let response = Response::parse(&bytes).unwrap();
        assert_eq!(response, Response { data: &[], sw: Sw(value) });
        let mut again = [0xEE; 3];
        assert_eq!(response.encode(&mut again), Ok(2));
        assert_eq!(again, [bytes[0], bytes[1], 0xEE]);

        let sw = Sw(value);
        assert_eq!([sw.sw1(), sw.sw2()], bytes);
        assert_eq!(sw.is_success(), value == 0x9000);
        assert_eq!(sw.retries(), (0x63C0..=0x63CF).contains(&value).then_some(bytes[1] & 0x0F));
        let counted = if bytes[1] == 0 { 256 } else { u32::from(bytes[1]) };
        assert_eq!(sw.remaining().map(Ne::get), (bytes[0] == 0x61).then_some(counted));
        assert_eq!(sw.correct_ne().map(Ne::get), (bytes[0] == 0x6C).then_some(counted));
        assert!(sw.to_string().starts_with(&format!("{value:04X} ({}", sw.name())));
    }
    for tries in 0..=255 {
        assert_eq!(Sw::tries_left(tries).retries(), Some(tries.min(15)));
    }
}

#[test]
fn every_ne_in_both_forms() {
    for ne in 1..=65_536u32 {
        let read = Command::new(0x00, 0xB0, 0x00, 0x00).with_ne(ne);
        let mut out = [0xEE; 8];
        let len = read.encode(&mut out).unwrap();
        let [.., high, low] = ne.to_be_bytes();
        let short = [0x00, 0xB0, 0x00, 0x00, low];
        let extended = [0x00, 0xB0, 0x00, 0x00, 0x00, high, low];
        assert_eq!(out[..len], if ne <= 256 { &short[..] } else { &extended[..] }[..], "{ne}");
        assert_eq!(Command::parse(&out[..len]), Ok(read));

        assert_eq!(read.extended().encode(&mut out), Ok(7));
        assert_eq!(out[..7], extended);
        assert_eq!(Command::parse(&out[..7]), Ok(Command { form: Form::Extended, ..read }));
        assert_eq!(Ne::new(ne).map(Ne::get), Some(ne));
    }
    let read = Command::new(0x00, 0xB0, 0x00, 0x00);
    assert_eq!((read.with_ne(0).ne, read.with_ne(65_537).ne), (None, Some(Ne::MAX)));
    assert_eq!((Ne::new(0), Ne::new(65_537), Ne::new(u32::MAX)), (None, None, None));
}

#[test]
fn every_short_lc_and_le() {
    let mut bytes = vec![0x80, 0x2A, 0x03, 0x80];
    for lc in 1..=255u8 {
        bytes.truncate(4);
        bytes.push(lc);
        bytes.extend((0..lc).map(|at| at ^ 0xA5));
        let data = bytes[5..].to_vec();
        assert_same(&bytes, Encoding::Case3S, &data, None);
        bytes.push(0);
        for le in 0..=255 {
            *bytes.last_mut().unwrap() = le;
            assert_same(&bytes, Encoding::Case4S, &data, Some(if le == 0 { 256 } else { u32::from(le) }));
        }
    }
}

#[test]
fn lengths_around_the_forms() {
    for lc in [1, 2, 254, 255, 256, 257, 4_095, 65_534, 65_535] {
        let data = vec![0x5A; lc];
        for ne in [None, Some(1), Some(256), Some(257), Some(65_535), Some(65_536)] {
            let command = Command::new(0x00, 0xDB, 0x3F, 0xFF).with_data(&data).with_ne(ne.unwrap_or(0));
            let expected = match (lc > 255 || ne > Some(256), ne.is_some()) {
                (false, false) => Encoding::Case3S,
                (false, true) => Encoding::Case4S,
                (true, false) => Encoding::Case3E,
                (true, true) => Encoding::Case4E,
            };
            let mut out = vec![0xEE; command.encoded_len()];
            assert_eq!(command.encode(&mut out), Ok(out.len()));
            assert_same(&out, expected, &data, ne);
        }
    }
    let data = vec![0; 65_536];
    let refused = Command::new(0, 0, 0, 0).with_data(&data).encode(&mut vec![0; 70_000]);
    assert_eq!(refused, Err(Error { kind: ErrorKind::DataTooLong, position: 4 }));
    let data = vec![0; 65_537];
    let refused = Response { data: &data, sw: Sw::SUCCESS }.encode(&mut vec![0; 70_000]);
    assert_eq!(refused, Err(Error { kind: ErrorKind::DataTooLong, position: 65_536 }));
}

fn assert_same(bytes: &[u8], encoding: Encoding, data: &[u8], ne: Option<u32>) {
    let command = Command::parse(bytes).unwrap();
    assert_eq!((command.encoding(), command.ne.map(Ne::get)), (encoding, ne));
    assert!(command.data == data);
    let mut again = vec![0xEE; command.encoded_len()];
    assert_eq!(command.encode(&mut again), Ok(bytes.len()));
    assert!(again == bytes);
}

#[test]
fn every_byte_of_a_header() {
    for at in 0..4 {
        for byte in 0..=255 {
            let mut bytes = [0x11, 0x22, 0x33, 0x44];
            bytes[at] = byte;
            let [cla, ins, p1, p2] = bytes;
            let header = Header { cla: Cla(cla), ins, p1, p2 };
            assert_eq!(Header::parse(&bytes), Ok(header));
            assert_eq!(Command::parse(&bytes), Ok(Command::new(cla, ins, p1, p2)));
            assert_eq!(header.to_string(), format!("{:08X}", u32::from_be_bytes(bytes)));
            assert_same(&bytes, Encoding::Case1, &[], None);
        }
    }
    for len in 0..4 {
        let short = Err(Error { kind: ErrorKind::Truncated, position: len });
        assert_eq!(Header::parse(&[0; 4][..len]), short);
    }
}

/// ISO/IEC 7816-3:2006 §12.1.3: n bytes after the header, of which B1, B2 and B3 are the first.
fn case(body: &[u8]) -> Option<Encoding> {
    let n = body.len();
    match *body {
        [] => Some(Encoding::Case1),
        [_] => Some(Encoding::Case2S),
        [b1, ..] if b1 != 0 && n == 1 + usize::from(b1) => Some(Encoding::Case3S),
        [b1, ..] if b1 != 0 && n == 2 + usize::from(b1) => Some(Encoding::Case4S),
        [0, _, _] => Some(Encoding::Case2E),
        [0, b2, b3, ..] => match usize::from(u16::from_be_bytes([b2, b3])) {
            0 => None,
            lc if n == 3 + lc => Some(Encoding::Case3E),
            lc if n == 5 + lc => Some(Encoding::Case4E),
            _ => None,
        },
        _ => None,
    }
}

fn assert_decided_as_the_standard(bytes: &[u8]) {
    let decided = Command::parse(bytes);
    assert_eq!(decided.map(|command| command.encoding()).ok(), case(&bytes[4..]), "{bytes:02X?}");
    if let Ok(command) = decided {
        let mut again = [0xEE; 16];
        assert_eq!(command.encode(&mut again), Ok(bytes.len()));
        assert_eq!(&again[..bytes.len()], bytes);
    }
}

#[test]
fn every_body_up_to_three_bytes() {
    let mut bytes = [0x00, 0xA4, 0x04, 0x00, 0, 0, 0];
    for body in 0..=0xFF_FFFFu32 {
        let [_, b1, b2, b3] = body.to_be_bytes();
        bytes[4..].copy_from_slice(&[b1, b2, b3]);
        assert_decided_as_the_standard(&bytes);
        if b3 == 0 {
            assert_decided_as_the_standard(&bytes[..6]);
        }
        if b3 == 0 && b2 == 0 {
            assert_decided_as_the_standard(&bytes[..5]);
        }
    }
}

#[test]
fn every_lc_with_every_small_body() {
    for b1 in [0, 1, 2, 3, 4, 5] {
        for b2 in [0, 1] {
            for b3 in 0..8 {
                for n in 3..=12 {
                    let bytes =
                        [0x00, 0xA4, 0x04, 0x00, b1, b2, b3, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
                    assert_decided_as_the_standard(&bytes[..4 + n]);
                }
            }
        }
    }
}

/// Which tag fields there are. (ISO/IEC 7816-4:2005 §5.2.2.1, table 7; the second byte under 1F is card.md §9.0's)
fn tag_len(bytes: [u8; 4], rules: Rules) -> Option<usize> {
    let least = if rules == Rules::Strict { 0x1F } else { 0x00 };
    match bytes {
        [0x00, ..] => None,
        [first, ..] if first & 0x1F != 0x1F => Some(1),
        [_, second, ..] if (least..=0x7F).contains(&second) => Some(2),
        [_, 0x81..=0xFF, 0x00..=0x7F, _] => Some(3),
        _ => None,
    }
}

#[test]
fn every_tag_field() {
    for value in 0..=0xFF_FFFFu32 {
        let [_, first, second, third] = value.to_be_bytes();
        if second > 2 && first & 0x1F != 0x1F {
            continue;
        }
        // The byte after the tag, whichever it is, is read as length nought.
        for rules in [Rules::Strict, Rules::Card] {
            let bytes = [first, second, third, 0x00];
            let Some(len) = tag_len(bytes, rules) else {
                let refused = Tlv::parse(&bytes, rules).unwrap_err();
                let kind = match (first, second) {
                    (0x00, _) => ErrorKind::TagInvalid,
                    (_, 0x00..=0x80) => ErrorKind::TagNotMinimal,
                    _ => ErrorKind::TagTooLong,
                };
                assert_eq!(refused, Error { kind, position: 0 }, "{value:06X}");
                continue;
            };
            let mut bytes = bytes;
            bytes[len] = 0;
            let tag = Tag(u32::from_be_bytes([0, first, second, third]) >> (8 * (3 - len)));
            let (object, rest) = Tlv::parse(&bytes, rules).unwrap();
            assert_eq!((object.tag, object.value.len(), object.raw), (tag, 0, &bytes[..=len]));
            assert_eq!(rest.len(), 3 - len);
            assert_eq!(tag.is_constructed(), first & 0x20 != 0);
            let mut out = [0xEE; 4];
            let mut writer = Writer::new(&mut out, rules);
            assert_eq!(writer.put(tag, &[]), Ok(()));
            assert_eq!(writer.finish(), &bytes[..=len]);
        }
    }
}

#[test]
fn tags_that_are_no_tag_field_are_not_written() {
    let mut out = [0xEE; 8];
    let mut writer = Writer::new(&mut out, Rules::Card);
    writer.put(Tag(0x84), &[]).unwrap();
    for (tag, kind) in [
        (0x00, ErrorKind::TagInvalid),
        (0x1F, ErrorKind::TagInvalid),
        (0x7F, ErrorKind::TagInvalid),
        (0x8400, ErrorKind::TagInvalid),
        (0x1234, ErrorKind::TagInvalid),
        (0x5F81, ErrorKind::TagInvalid),
        (0x7F_4900, ErrorKind::TagInvalid),
        (0x9F_801F, ErrorKind::TagNotMinimal),
        (0x9F_8181, ErrorKind::TagTooLong),
        (0x9F81_8100, ErrorKind::TagTooLong),
        (u32::MAX, ErrorKind::TagTooLong),
    ] {
        assert_eq!(writer.put(Tag(tag), &[1]), Err(Error { kind, position: 2 }), "{tag:X}");
    }
    assert_eq!(writer.finish(), [0x84, 0x00]);
}

#[test]
fn every_length_up_to_three_bytes_of_it() {
    let zeros = vec![0; 66_000];
    let mut out = vec![0xEE; 66_010];
    for len in (0..=1_100).chain((1_101..65_000).step_by(97)).chain(65_400..=65_700) {
        for rules in [Rules::Strict, Rules::Card] {
            let [_, high, middle, low] = u32::try_from(len).unwrap().to_be_bytes();
            let header: &[u8] = match (len, rules) {
                (0..=127, _) => &[0x04, low],
                (128..=255, Rules::Strict) => &[0x04, 0x81, low],
                (128..=65_535, _) => &[0x04, 0x82, middle, low],
                _ => &[0x04, 0x83, high, middle, low],
            };
            let mut writer = Writer::new(&mut out, rules);
            writer.put(Tag(0x04), &zeros[..len]).unwrap();
            let written = writer.finish();
            assert_eq!((&written[..header.len()], written.len()), (header, header.len() + len));
            let object = Reader::new(written, rules).next().unwrap().unwrap();
            assert_eq!((object.value.len(), object.raw.len()), (len, written.len()));
            let strict = Tlv::parse(written, Rules::Strict).map(|_| ()).map_err(|error| error.kind);
            let card_form = rules == Rules::Card && (128..=255).contains(&len);
            assert_eq!(strict, if card_form { Err(ErrorKind::LengthNotMinimal) } else { Ok(()) });
        }
    }
}

#[test]
fn no_length_has_more_than_three_bytes() {
    let value = vec![0; 0x100_0000];
    let mut out = vec![0xEE; value.len() + 8];
    let mut writer = Writer::new(&mut out, Rules::Strict);
    assert_eq!(writer.put(Tag(0x04), &value), Err(Error { kind: ErrorKind::LengthTooLong, position: 0 }));
    writer.put(Tag(0x04), &value[1..]).unwrap();
    assert_eq!(writer.finish()[..5], [0x04, 0x83, 0xFF, 0xFF, 0xFF]);
}
