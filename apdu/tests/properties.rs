//! What must hold for any input: parsing never panics, what parses is written back byte for byte, what is written is
//! read back, nothing is written outside the buffer, errors point into the input, data fields are not printed.

use apdu::{
    Cla, Command, Error, ErrorKind, Form, Header, Ne, Response, Sw,
    tlv::{Rules, ber, simple},
};
use proptest::{collection::vec, prelude::*};

/// Any bytes, often small numbers so that lengths fit what follows.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => 0u8..8, 1 => Just(0x81u8), 1 => Just(0x82u8), 1 => Just(0xFFu8), 2 => any::<u8>()], 0..64)
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..300), 1 => vec(any::<u8>(), 65_500..=65_535)]
}

fn tag() -> impl Strategy<Value = ber::Tag> {
    prop_oneof![
        (1u32..=0xFF).prop_filter("one byte", |tag| tag & 0x1F != 0x1F),
        (0u32..8, 0x1Fu32..=0x7F).prop_map(|(class, number)| (class << 5 | 0x1F) << 8 | number),
        (0u32..8, 0x81u32..=0xFF, 0u32..=0x7F)
            .prop_map(|(class, high, low)| (class << 5 | 0x1F) << 16 | high << 8 | low),
    ]
    .prop_map(ber::Tag)
}

#[derive(Debug, Clone)]
enum Object {
    Value(ber::Tag, Vec<u8>),
    Nested(ber::Tag, Vec<Object>),
}

fn objects() -> impl Strategy<Value = Vec<Object>> {
    let leaf = (tag(), vec(any::<u8>(), 0..200)).prop_map(|(tag, value)| Object::Value(tag, value));
    let object = leaf.prop_recursive(4, 24, 5, |inner| {
        (tag(), vec(inner, 0..5)).prop_map(|(tag, inside)| Object::Nested(tag, inside))
    });
    vec(object, 0..4)
}

fn write(writer: &mut ber::Writer<'_>, objects: &[Object]) -> Result<(), Error> {
    objects.iter().try_for_each(|object| match object {
        Object::Value(tag, value) => writer.put(*tag, value),
        Object::Nested(tag, inside) => writer.nest(*tag, |writer| write(writer, inside)),
    })
}

fn read(input: &[u8], objects: &[Object], rules: Rules) {
    let mut reader = ber::Reader::new(input, rules);
    for object in objects {
        let seen = reader.next().unwrap().unwrap();
        match object {
            Object::Value(tag, value) => assert!((seen.tag, seen.value) == (*tag, &value[..])),
            Object::Nested(tag, inside) => {
                assert_eq!(seen.tag, *tag);
                read(seen.value, inside, rules);
            }
        }
    }
    assert!(reader.next().is_none());
}

proptest! {
    #[test]
    fn commands_come_back(header: [u8; 4], data in data(), ne in 0u32..=65_536, extended: bool) {
        let [cla, ins, p1, p2] = header;
        let mut command = Command::new(cla, ins, p1, p2).with_data(&data).with_ne(ne);
        if extended {
            command = command.extended();
        }
        let len = command.encoded_len();
        let mut out = vec![0xEE; len + 2];
        prop_assert_eq!(command.encode(&mut out), Ok(len));
        prop_assert_eq!(&out[len..], [0xEE, 0xEE]);
        let seen = Command::parse(&out[..len]).unwrap();
        prop_assert_eq!(seen.ne.map_or(0, Ne::get), ne);
        // Case 1 has no form to come back.
        let form = if data.is_empty() && ne == 0 { Form::Short } else { command.form };
        prop_assert_eq!(seen, Command { form, ..command });
        prop_assert_eq!(seen.encoding(), command.encoding());

        let mut small = vec![0xEE; len - 1];
        prop_assert_eq!(command.encode(&mut small), Err(Error { kind: ErrorKind::BufferTooSmall, position: len - 1 }));
        prop_assert!(small.iter().all(|byte| *byte == 0xEE));
    }

    #[test]
    fn the_form_is_what_is_needed_at_least(data in data(), ne in 1u32..=65_536) {
        // Built by hand: a form that does not fit is not obeyed.
        let command = Command { data: &data, ne: Ne::new(ne), form: Form::Short, ..Command::new(0, 0, 0, 0) };
        let mut out = vec![0; command.encoded_len()];
        prop_assert_eq!(command.encode(&mut out), Ok(out.len()));
        let seen = Command::parse(&out).unwrap();
        prop_assert!((seen.data, seen.ne) == (&data[..], Ne::new(ne)));
        prop_assert_eq!(seen.form == Form::Extended, data.len() > 255 || ne > 256);
    }

    #[test]
    fn any_bytes_as_a_command(bytes in likely_bytes()) {
        match Command::parse(&bytes) {
            Ok(command) => {
                prop_assert_eq!(Header::parse(&bytes), Ok(command.header()));
                let mut again = vec![0xEE; command.encoded_len()];
                prop_assert_eq!(command.encode(&mut again), Ok(bytes.len()));
                prop_assert_eq!(again, bytes);
            }
            Err(error) => {
                prop_assert!(error.position <= bytes.len());
                prop_assert_eq!(Header::parse(&bytes).is_ok(), bytes.len() >= 4);
            }
        }
    }

    #[test]
    fn any_bytes_as_a_response(bytes in vec(any::<u8>(), 0..600)) {
        match Response::parse(&bytes) {
            Ok(response) => {
                let mut again = vec![0xEE; response.encoded_len() + 1];
                prop_assert_eq!(response.encode(&mut again), Ok(bytes.len()));
                prop_assert_eq!(&again[..bytes.len()], &bytes[..]);
                prop_assert_eq!(response.encode(&mut again[..bytes.len() - 1]).map_err(|e| e.kind), Err(ErrorKind::BufferTooSmall));
            }
            Err(_) => prop_assert!(bytes.len() < 2),
        }
    }

    #[test]
    fn objects_come_back(objects in objects(), card: bool) {
        let rules = if card { Rules::Card } else { Rules::Strict };
        let mut out = vec![0xEE; 1 << 16];
        let mut writer = ber::Writer::new(&mut out, rules);
        write(&mut writer, &objects).unwrap();
        let len = writer.len();
        prop_assert_eq!(writer.is_empty(), objects.is_empty());
        prop_assert_eq!(writer.finish().len(), len);
        prop_assert!(out[len..].iter().all(|byte| *byte == 0xEE));
        read(&out[..len], &objects, rules);
        read(&out[..len], &objects, Rules::Card);

        // The size of the result is enough, and one less is not, at whichever depth the end falls.
        let mut exact = vec![0x77; len];
        prop_assert!(write(&mut ber::Writer::new(&mut exact, rules), &objects).is_ok());
        prop_assert_eq!(&exact[..], &out[..len]);
        if len > 0 {
            let mut small = vec![0x77; len - 1];
            let mut writer = ber::Writer::new(&mut small, rules);
            prop_assert_eq!(write(&mut writer, &objects).map_err(|error| error.kind), Err(ErrorKind::BufferTooSmall));
            let kept = writer.finish();
            prop_assert_eq!(kept, &out[..kept.len()]);
        }
    }

    #[test]
    fn any_bytes_as_objects(bytes in likely_bytes()) {
        let mut reader = ber::Reader::new(&bytes, Rules::Strict);
        let mut out = vec![0xEE; bytes.len()];
        let mut writer = ber::Writer::new(&mut out, Rules::Strict);
        loop {
            let at = reader.position();
            match reader.next() {
                None => break,
                Some(Ok(object)) => {
                    prop_assert_eq!(object.raw, &bytes[at..reader.position()]);
                    prop_assert!(object.raw.ends_with(object.value));
                    writer.put(object.tag, object.value).unwrap();
                    // What is strict is also what a card may write.
                    let (card, _) = ber::Tlv::parse(&bytes[at..], Rules::Card).unwrap();
                    prop_assert_eq!(card, object);
                    prop_assert!(ber::find(&bytes, object.tag, Rules::Strict).unwrap().is_some());
                }
                Some(Err(error)) => {
                    prop_assert!((at..=bytes.len()).contains(&error.position));
                    prop_assert!(reader.next().is_none());
                    break;
                }
            }
        }
        let written = writer.finish();
        prop_assert_eq!(written, &bytes[..written.len()]);
        ber::Reader::new(&bytes, Rules::Card).for_each(drop);
    }

    #[test]
    fn records_come_back(records in vec((1u8..=0xFE, vec(any::<u8>(), 0..600)), 0..6)) {
        let mut out = vec![0xEE; 4_000];
        let mut writer = simple::Writer::new(&mut out);
        let mut ends = vec![0];
        for (tag, value) in &records {
            writer.put(*tag, value).unwrap();
            // Tag, length of one byte or FF and two, value. (ISO/IEC 7816-4:2005 §5.2.1)
            ends.push(ends[ends.len() - 1] + if value.len() < 0xFF { 2 } else { 4 } + value.len());
            prop_assert!(Some(&writer.len()) == ends.last() && !writer.is_empty());
        }
        prop_assert_eq!(writer.is_empty(), records.is_empty());
        let written = writer.finish();
        for rules in [Rules::Strict, Rules::Card] {
            let mut reader = simple::Reader::new(written, rules);
            for end in &ends {
                prop_assert_eq!(reader.position(), *end);
                reader.next();
            }
            let seen: Vec<_> = simple::Reader::new(written, rules).map(Result::unwrap).collect();
            prop_assert!(seen.iter().map(|seen| (seen.tag, seen.value)).eq(records.iter().map(|(t, v)| (*t, &v[..]))));
        }
    }

    #[test]
    fn any_bytes_as_records(bytes in likely_bytes()) {
        let mut out = vec![0xEE; bytes.len()];
        let mut writer = simple::Writer::new(&mut out);
        for record in simple::Reader::new(&bytes, Rules::Strict) {
            match record {
                Ok(record) => writer.put(record.tag, record.value).unwrap(),
                Err(error) => prop_assert!(error.position <= bytes.len()),
            }
        }
        let written = writer.finish();
        prop_assert_eq!(written, &bytes[..written.len()]);
        simple::Reader::new(&bytes, Rules::Card).for_each(drop);
    }
}

#[test]
fn a_writer_that_is_refused_keeps_what_it_had() {
    let mut out = [0xEE; 10];
    let mut writer = ber::Writer::new(&mut out, Rules::Strict);
    writer.put(ber::Tag(0x84), &[1, 2]).unwrap();
    // The value fits, its object does not.
    let refused = writer.nest(ber::Tag(0x6F), |inner| inner.put(ber::Tag(0x85), &[0; 3]));
    assert_eq!(refused, Err(Error { kind: ErrorKind::BufferTooSmall, position: 10 }));
    assert_eq!(writer.len(), 4);
    writer.put(ber::Tag(0x85), &[3; 4]).unwrap();
    assert_eq!(writer.finish(), [0x84, 2, 1, 2, 0x85, 4, 3, 3, 3, 3]);

    let mut out = [0xEE; 5];
    let mut writer = simple::Writer::new(&mut out);
    writer.put(0x01, &[7]).unwrap();
    assert_eq!(writer.put(0x02, &[8]), Err(Error { kind: ErrorKind::BufferTooSmall, position: 5 }));
    assert_eq!(writer.put(0xFF, &[]), Err(Error { kind: ErrorKind::TagInvalid, position: 3 }));
    assert_eq!(writer.put(0x01, &vec![0; 65_536]), Err(Error { kind: ErrorKind::LengthTooLong, position: 3 }));
    writer.put(0x02, &[]).unwrap();
    assert_eq!(writer.finish(), [1, 1, 7, 2, 0]);
}

#[test]
fn data_fields_are_not_printed() {
    let verify = Command::new(0x00, 0x20, 0x00, 0x80).with_data(b"1234");
    let shown = format!("{verify:?}");
    assert_eq!(shown, "Command { header: 00200080, data: [4 bytes], ne: None, form: Short }");
    let secret = [0x84, 0x01, 0xA5];
    let (object, _) = ber::Tlv::parse(&secret, Rules::Strict).unwrap();
    let (record, _) = simple::Tlv::parse(&secret, Rules::Strict).unwrap();
    for shown in [
        format!("{:?}", Response { data: &secret, sw: Sw::SUCCESS }),
        format!("{object:?}"),
        format!("{record:?}"),
        format!("{:?}", ber::Reader::new(&secret, Rules::Strict)),
        format!("{:?}", simple::Reader::new(&secret, Rules::Strict)),
    ] {
        assert!(!shown.contains("165") && !shown.to_uppercase().contains("A5"), "{shown}");
        assert!(shown.contains(" bytes]"), "{shown}");
    }
    // What is no secret is shown as it travels.
    let shown = format!("{:?} {:?} {:?}", Cla(0x0C), Sw(0x6A82), ber::Tag(0x7F49));
    assert_eq!(shown, "Cla(0C) Sw(6A82) Tag(7F49)");
}
