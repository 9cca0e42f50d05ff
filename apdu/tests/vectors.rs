//! The cases of `vectors/data/codec.txt` and `status-words.txt`, whose headers describe the formats.

use apdu::{Category, Command, Error, Header, Ne, Response, Sw, tlv, tlv::Rules};
use std::{collections::BTreeMap, fs, path::Path};

fn data_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/data").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Lines that are not empty or comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Hex digits, blanks ignored, `XX*n` for repetition.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in text.split_whitespace() {
        let (digits, times) = word.split_once('*').map_or((word, 1), |(hex, times)| (hex, times.parse().unwrap()));
        assert!(digits.len().is_multiple_of(2), "odd number of digits: {word}");
        let once: Vec<u8> =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
        bytes.extend(once.repeat(times));
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn error(error: Error) -> String {
    format!("{:?} at {}", error.kind, error.position)
}

/// The expectation with its byte string spelled out, as the codec's side of the comparison has it.
fn spelled(expected: &str) -> String {
    let Some((before, after)) = expected.split_once("data=") else { return expected.to_owned() };
    let (data, ne) = after.split_at(after.find(" ne=").unwrap_or(after.len()));
    format!("{before}data={}{ne}", hex(&bytes(data)))
}

fn command(input: &[u8]) -> Result<String, Error> {
    let command = Command::parse(input)?;
    assert_eq!(Header::parse(input), Ok(command.header()));
    let mut again = vec![0xEE; command.encoded_len()];
    assert_eq!(command.encode(&mut again), Ok(input.len()));
    assert!(again == input, "written otherwise");
    let ne = command.ne.map_or("-".to_owned(), |ne| ne.get().to_string());
    Ok(format!("{} {} data={} ne={ne}", command.encoding(), command.header(), hex(command.data)))
}

fn response(input: &[u8]) -> Result<String, Error> {
    let response = Response::parse(input)?;
    let mut again = vec![0xEE; response.encoded_len()];
    assert_eq!(response.encode(&mut again), Ok(input.len()));
    assert!(again == input, "written otherwise");
    Ok(format!("{:04X} data={}", response.sw.0, hex(response.data)))
}

/// A tree as the expectation writes it: which objects are read further into is taken from there.
#[derive(Debug)]
enum Node {
    Value(u32, Vec<u8>),
    Nested(u32, Vec<Node>),
}

/// Reads `tag:value` and `tag{ .. }` up to `}`, `+` or the end. Byte strings may go on over blanks.
fn tree(words: &mut std::iter::Peekable<std::str::SplitWhitespace<'_>>) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some(&word) = words.peek() {
        if matches!(word, "}" | "+") {
            break;
        }
        words.next();
        if let Some(tag) = word.strip_suffix('{') {
            nodes.push(Node::Nested(u32::from_str_radix(tag, 16).unwrap(), tree(words)));
            assert_eq!(words.next(), Some("}"), "unclosed {word}");
        } else {
            let (tag, value) = word.split_once(':').unwrap_or_else(|| panic!("not an object: {word}"));
            let mut value = bytes(value);
            while let Some(more) = words.next_if(|word| !word.contains([':', '{', '}', '+'])) {
                value.extend(bytes(more));
            }
            nodes.push(Node::Value(u32::from_str_radix(tag, 16).unwrap(), value));
        }
    }
    nodes
}

/// Compares objects with `nodes`; gives what is left over.
fn check_ber<'a>(mut input: &'a [u8], nodes: &[Node], rules: Rules) -> &'a [u8] {
    for node in nodes {
        let (object, rest) = tlv::ber::Tlv::parse(input, rules).unwrap_or_else(|error| panic!("{error}"));
        match node {
            Node::Value(tag, value) => assert!((object.tag.0, object.value) == (*tag, &value[..]), "{tag:X}"),
            Node::Nested(tag, inside) => {
                assert_eq!(object.tag.0, *tag);
                assert_eq!(check_ber(object.value, inside, rules), b"");
            }
        }
        input = rest;
    }
    input
}

fn write_ber(writer: &mut tlv::ber::Writer<'_>, nodes: &[Node]) -> Result<(), Error> {
    nodes.iter().try_for_each(|node| match node {
        Node::Value(tag, value) => writer.put(tlv::ber::Tag(*tag), value),
        Node::Nested(tag, inside) => writer.nest(tlv::ber::Tag(*tag), |writer| write_ber(writer, inside)),
    })
}

fn check_simple<'a>(mut input: &'a [u8], nodes: &[Node], rules: Rules) -> &'a [u8] {
    for node in nodes {
        let Node::Value(tag, value) = node else { panic!("simple-TLV does not nest") };
        let (object, rest) = tlv::simple::Tlv::parse(input, rules).unwrap_or_else(|error| panic!("{error}"));
        assert!((u32::from(object.tag), object.value) == (*tag, &value[..]), "{tag:X}");
        input = rest;
    }
    input
}

fn write_simple(writer: &mut tlv::simple::Writer<'_>, nodes: &[Node]) -> Result<(), Error> {
    nodes.iter().try_for_each(|node| match node {
        Node::Value(tag, value) => writer.put(u8::try_from(*tag).unwrap(), value),
        Node::Nested(..) => panic!("simple-TLV does not nest"),
    })
}

fn objects(input: &[u8], expected: &str, simple: bool, rules: Rules) {
    if expected.contains(" at ") {
        let refused = if simple {
            tlv::simple::Reader::new(input, rules).find_map(Result::err)
        } else {
            tlv::ber::Reader::new(input, rules).find_map(Result::err)
        };
        assert_eq!(refused.map(error).as_deref(), Some(expected));
        return;
    }
    let (read_only, expected) = expected.strip_prefix("read-only").map_or((false, expected), |rest| (true, rest));
    let mut words = expected.split_whitespace().peekable();
    let nodes = tree(&mut words);
    let left = words.next().map_or(Vec::new(), |plus| {
        assert_eq!(plus, "+");
        words.flat_map(bytes).collect()
    });
    let mut buffer = vec![0xEE; input.len() + 1];
    let (rest, written) = if simple {
        let mut writer = tlv::simple::Writer::new(&mut buffer);
        write_simple(&mut writer, &nodes).unwrap();
        (check_simple(input, &nodes, rules), writer.finish())
    } else {
        let mut writer = tlv::ber::Writer::new(&mut buffer, rules);
        write_ber(&mut writer, &nodes).unwrap();
        (check_ber(input, &nodes, rules), writer.finish())
    };
    assert_eq!(rest, left);
    assert_eq!(written == &input[..input.len() - left.len()], !read_only, "written {}", hex(written));
}

#[test]
fn codec_cases() {
    let text = data_file("codec.txt");
    let (mut section, mut source) = ("", "");
    let mut seen = BTreeMap::<&str, usize>::new();
    for (number, line) in lines(&text) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            (section, source) = (name, "");
            continue;
        }
        if let Some(name) = line.strip_prefix("source:") {
            source = name.trim();
            continue;
        }
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, input, expected] = parts[..] else { panic!("line {number}: not `name | bytes | expected`") };
        assert!(!source.is_empty(), "line {number}: no source named");
        println!("line {number}: {section}: {name} ({source})");
        let input = bytes(input);
        match section {
            "command" => assert_eq!(command(&input).unwrap_or_else(error), spelled(expected)),
            "response" => assert_eq!(response(&input).unwrap_or_else(error), spelled(expected)),
            "ber strict" => objects(&input, expected, false, Rules::Strict),
            "ber card" => objects(&input, expected, false, Rules::Card),
            "simple strict" => objects(&input, expected, true, Rules::Strict),
            "simple card" => objects(&input, expected, true, Rules::Card),
            _ => panic!("line {number}: no such kind: {section}"),
        }
        *seen.entry(section).or_default() += 1;
    }
    let kinds = ["ber card", "ber strict", "command", "response", "simple card", "simple strict"];
    assert!(seen.keys().eq(kinds.iter()), "a kind has no cases: {seen:?}");
    println!("{seen:?}");
}

/// The values a first column stands for.
fn values(pattern: &str) -> Vec<u16> {
    if let Some((first, last)) = pattern.split_once('-') {
        return (u16::from_str_radix(first, 16).unwrap()..=u16::from_str_radix(last, 16).unwrap()).collect();
    }
    assert_eq!(pattern.len(), 4, "{pattern}");
    let fits = |value: &u16| format!("{value:04X}").chars().zip(pattern.chars()).all(|(a, b)| b == 'x' || a == b);
    (0..=0xFFFF).filter(fits).collect()
}

#[test]
fn status_words() {
    let text = data_file("status-words.txt");
    let mut covered = vec![false; 0x1_0000];
    let mut single = Vec::new();
    for (number, line) in lines(&text) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [pattern, category, name, source] = parts[..] else { panic!("line {number}: not four columns") };
        assert!(source.starts_with("ISO/IEC 7816-4:") || source.starts_with("card.md §14"), "line {number}");
        let category = match category {
            "normal" => Category::Normal,
            "warning" => Category::Warning,
            "execution" => Category::ExecutionError,
            "checking" => Category::CheckingError,
            "proprietary" => Category::Proprietary,
            "invalid" => Category::Invalid,
            _ => panic!("line {number}: no such category: {category}"),
        };
        let values = values(pattern);
        if let [value] = values[..] {
            single.push(Sw(value));
        }
        for value in values {
            if !std::mem::replace(&mut covered[usize::from(value)], true) {
                assert_eq!((Sw(value).category(), Sw(value).name()), (category, name), "{value:04X}, line {number}");
            }
        }
    }
    assert!(covered.into_iter().all(|covered| covered), "a value is in no line");
    single.sort();
    assert_eq!(single, Sw::NAMED, "constants and lines of one value differ");
}

#[test]
fn numbers_in_status_words_are_shown() {
    for (sw, shown) in [
        (0x9000, "9000 (success)"),
        (0x63C2, "63C2 (wrong value, 2 tries left)"),
        (0x63C1, "63C1 (wrong value, 1 try left)"),
        (0x63C0, "63C0 (wrong value, no tries left)"),
        (0x6110, "6110 (more data available, 16 bytes)"),
        (0x6100, "6100 (more data available, 256 bytes or more)"),
        (0x6C20, "6C20 (wrong Le, 32 bytes)"),
        (0x6C00, "6C00 (wrong Le, 256 bytes)"),
        (0x0000, "0000 (not a status word)"),
    ] {
        assert_eq!(Sw(sw).to_string(), shown);
    }
    assert_eq!((Sw(0x6C00).correct_ne(), Sw(0x6110).remaining()), (Some(Ne::SHORT_MAX), Ne::new(16)));
}
