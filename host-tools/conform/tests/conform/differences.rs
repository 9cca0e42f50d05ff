//! The differences: what each card does otherwise, how, and which cases see it.

use crate::{
    cards::SECRETS,
    otherwise::{MEMORY, RESET, Rule},
};

/// Answers one word in place of another.
fn word(mut answer: Vec<u8>, from: u16, to: u16) -> Vec<u8> {
    if answer.ends_with(&from.to_be_bytes()) {
        answer.truncate(answer.len() - 2);
        answer.extend_from_slice(&to.to_be_bytes());
    }
    answer
}

fn sw(word: u16) -> Vec<u8> {
    word.to_be_bytes().to_vec()
}

/// Le of a short READ BINARY.
fn asked(command: &[u8]) -> Option<usize> {
    match command {
        [0x00, 0xB0, _, _, 0] => Some(256),
        [0x00, 0xB0, _, _, le] => Some(usize::from(*le)),
        _ => None,
    }
}

fn offset(command: &[u8]) -> usize {
    match command {
        [_, _, 0x80..=0xFF, low, ..] => usize::from(*low),
        [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    }
}

/// The differences: what they are, how, and the cases that see them.
pub(crate) const DIFFERENCES: &[(&str, Rule, &[&str])] = &[
    (
        "a blocked PIN answers 6983",
        |card, command| word(card.pass(command), 0x6984, 0x6983),
        &["PIN-011", "PIN-012", "PIN-014", "CHG-009", "TXT-022", "TXT-024", "FAC-019", "SMG-014", "SMG-028"],
    ),
    (
        "the query after a good VERIFY answers 9000",
        |card, command| match command {
            [0x00, 0x20, 0x00, _] => {
                let answer = card.pass(command);
                if answer[0] == 0x63 && card.verified.contains(&card.file) { sw(0x9000) } else { answer }
            }
            _ => card.pass(command),
        },
        &[
            "PIN-005", "PIN-006", "PIN-009", "PIN-010", "PIN-015", "CHG-003", "COM-005", "JUK-002", "JUK-005",
            "TXT-020", "TXT-023", "SMG-015", "SMG-016", "SMG-024",
        ],
    ),
    (
        "short reads answer 6282",
        |card, command| {
            let answer = card.pass(command);
            if asked(command).is_some_and(|le| answer.len() - 2 < le) { word(answer, 0x9000, 0x6282) } else { answer }
        },
        &["RUL-010", "RDB-001", "TXT-029"],
    ),
    (
        "Le above what is there answers 6Cxx",
        |card, command| {
            let answer = card.pass(command);
            match asked(command) {
                Some(le) if answer.ends_with(&[0x90, 0x00]) && answer.len() - 2 < le => {
                    vec![0x6C, u8::try_from(answer.len() - 2).expect("short")]
                }
                _ => answer,
            }
        },
        &["RUL-010", "RUL-011", "RDB-001", "TXT-029"],
    ),
    (
        "the next occurrence is always the first",
        |card, command| match command {
            [0x00, 0xA4, 0x04, 0x02 | 0x0E, ..] => card.instead(command, |command| command[3] &= 0x0C),
            _ => card.pass(command),
        },
        &["SEL-023", "SEL-024", "SEL-025"],
    ),
    (
        "the token information has 159 bytes",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_jpki() && card.file == 6 && command.get(1) == Some(&0xB0) && answer.ends_with(&[0x90, 0x00]) {
                let at = offset(command);
                if at >= 159 {
                    return sw(0x6B00);
                }
                answer.truncate((answer.len() - 2).min(159 - at));
                answer.extend_from_slice(&[0x90, 0x00]);
            }
            answer
        },
        &["TOK-001", "TOK-005"],
    ),
    (
        "the label is padded with zeros",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_jpki() && card.file == 6 && command.get(1) == Some(&0xB0) {
                let (at, data) = (offset(command), answer.len() - 2);
                for (place, byte) in (at..).zip(&mut answer[..data]) {
                    if (15..32).contains(&place) {
                        *byte = 0;
                    }
                }
            }
            answer
        },
        &["TOK-002", "TOK-003"],
    ),
    (
        "VERIFY knows the current EF alone",
        |card, command| match command {
            [0x00, 0x20, _, 0x81..=0x9E, ..] => sw(0x6A86),
            _ => card.pass(command),
        },
        &["PIN-007", "PIN-015", "PIN-017"],
    ),
    (
        "80 2A knows the current EF alone",
        |card, command| match command {
            [0x80, 0x2A, _, 0x81..=0x9E, ..] => sw(0x6A88),
            _ => card.pass(command),
        },
        &["AUT-001", "AUT-009", "SGN-001", "SGN-009", "KEY-002", "KEY-003", "TXT-013", "FAC-011"],
    ),
    (
        "READ BINARY knows no short identifier",
        |card, command| match command {
            [0x00, 0xB0, 0x80..=0x9F, ..] => sw(0x6A86),
            _ => card.pass(command),
        },
        &["RDB-005", "RDB-006", "RDB-007", "RDB-009", "RDB-010", "RDB-012", "RDB-013", "RDB-015"],
    ),
    (
        "a query of five bytes is taken",
        |card, command| match command {
            [0x00, 0x20, 0x00, _, 0x00] => card.instead(command, |command| command.truncate(4)),
            _ => card.pass(command),
        },
        &["RUL-008", "RUL-015", "PIN-007"],
    ),
    (
        "selecting an EF clears the status",
        |card, command| {
            if let [0x00, 0xA4, 0x02, ..] = command
                && card.in_jpki()
            {
                let _ = card.quietly(b"\x00\xA4\x04\x0C\x07\xA0\x00\x00\x01\x51\x00\x00");
                let _ = card.quietly(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
            }
            card.pass(command)
        },
        &[
            "LNK-008", "SEL-026", "RUL-019", "FIL-012", "CRT-004", "CRT-007", "CRT-009", "CRT-010", "PIN-020",
            "STA-001", "STA-004", "STA-006", "STA-007", "CHG-003", "AUT-002", "AUT-003", "AUT-004", "AUT-005",
            "AUT-006", "AUT-007", "AUT-008", "AUT-009", "AUT-010", "AUT-012", "AUT-013", "AUT-015", "SGN-002",
            "SGN-003", "SGN-004", "SGN-005", "SGN-006", "SGN-007", "SGN-008", "SGN-009", "SGN-010", "SGN-012",
            "SGN-013", "SGN-015", "KEY-003",
        ],
    ),
    (
        "the file control information has tag 85 instead of 84",
        |card, command| {
            let mut answer = card.pass(command);
            if let ([0x00, 0xA4, 0x04, ..], [0x6F, _, 0x84, ..]) = (command, &answer[..]) {
                answer[2] = 0x85;
            }
            answer
        },
        &["SEL-007", "SEL-008", "SEL-024"],
    ),
    (
        "certificate files are filled with FF",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_jpki()
                && matches!(card.file, 1 | 2 | 10 | 11)
                && command.get(1) == Some(&0xB0)
                && answer.len() > 2
            {
                let head = card.quietly(&[0x00, 0xB0, 0x00, 0x00, 0x04]);
                let end = 4 + usize::from(u16::from_be_bytes([head[2], head[3]]));
                let data = answer.len() - 2;
                answer[..data].iter_mut().skip(end.saturating_sub(offset(command))).for_each(|byte| *byte = 0xFF);
            }
            answer
        },
        &["CRT-001", "CRT-002", "CRT-003", "CRT-004"],
    ),
    (
        "logical channels are accepted",
        |card, command| match command {
            [0x01..=0x03 | 0x81..=0x83, ..] => card.instead(command, |command| command[0] &= 0xFC),
            _ => card.pass(command),
        },
        &["RUL-001", "RUL-015"],
    ),
    (
        "GET CHALLENGE takes the extended form",
        |card, command| match command {
            [0x00, 0x84, 0x00, 0x00, 0x00, high, low] => {
                let mut answer = vec![0xA5; usize::from(u16::from_be_bytes([*high, *low]))];
                answer.extend_from_slice(&[0x90, 0x00]);
                answer
            }
            _ => card.pass(command),
        },
        &["CHA-004"],
    ),
    (
        "GET DATA cuts off what is longer than Le",
        |card, command| match command {
            [0x00, 0xCA, p1, p2, 0x00] => {
                let mut answer = card.pass(&[0x00, 0xCA, *p1, *p2, 0x00, 0x00, 0x00]);
                if answer.len() > 258 {
                    answer.truncate(256);
                    answer.extend_from_slice(&[0x90, 0x00]);
                }
                answer
            }
            _ => card.pass(command),
        },
        &["RUL-009"],
    ),
    (
        "an offset exactly at the end gives nothing and 9000",
        |card, command| {
            let answer = card.pass(command);
            let at_end = answer == [0x6B, 0x00]
                && asked(command).is_some()
                && offset(command) > 0
                && !card.application.is_empty()
                && {
                    let before = u16::try_from(offset(command) - 1).expect("an offset").to_be_bytes();
                    let high = if command[2] >= 0x80 { 0x80 } else { before[0] };
                    card.quietly(&[0x00, 0xB0, high, before[1], 0x01]).len() == 3
                };
            if at_end { sw(0x9000) } else { answer }
        },
        &["RDB-008", "TXT-030"],
    ),
    (
        "Le beside P2 = 0C is a wrong length",
        |card, command| match command {
            [0x00, 0xA4, 0x04, 0x0C, length, rest @ ..] if *length > 0 && rest.len() == usize::from(*length) + 1 => {
                sw(0x6700)
            }
            _ => card.pass(command),
        },
        &["SEL-027", "ROB-001"],
    ),
    (
        "no extended length",
        |card, command| match command {
            [_, _, _, _, 0x00, _, _, ..] => sw(0x6700),
            _ => card.pass(command),
        },
        &[
            "RUL-002", "RUL-007", "RUL-009", "RUL-012", "RUL-013", "RUL-018", "RUL-019", "RDB-003", "RDB-015",
            "CHA-004", "INA-006", "AUT-015", "SGN-015", "KEY-003", "FAC-024", "CAR-006", "CAR-007", "CAR-008",
            "CAR-009", "CAR-010", "CAR-018", "CAR-019", "TER-003", "TER-004", "SMG-001", "SMG-002", "SMG-003",
            "SMG-004", "SMG-005", "SMG-006", "SMG-007", "SMG-008", "SMG-009", "SMG-010", "SMG-011", "SMG-012",
            "SMG-013", "SMG-014", "SMG-015", "SMG-016", "SMG-017", "SMG-018", "SMG-019", "SMG-020", "SMG-021",
            "SMG-022", "SMG-023", "SMG-024", "SMG-025", "SMG-026", "SMG-027", "SMG-028", "SMG-029",
        ],
    ),
    (
        "PSS of a message is PKCS#1 v1.5",
        |card, command| match command {
            [0x80, 0x2A, 0x05, ..] => card.instead(command, |command| command[2] = 0x03),
            _ => card.pass(command),
        },
        &["AUT-007", "AUT-010", "AUT-015", "SGN-007", "SGN-010", "SGN-015"],
    ),
    (
        "the bare hash of a message gets a DigestInfo",
        |card, command| match command {
            [0x80, 0x2A, 0x01, ..] => card.instead(command, |command| command[2] = 0x03),
            _ => card.pass(command),
        },
        &["AUT-003", "AUT-015", "SGN-003", "SGN-015"],
    ),
    (
        "the wrong value that uses the last try answers 6984",
        |card, command| match command {
            [_, 0x20, _, _, _, ..] => word(card.pass(command), 0x63C0, 0x6984),
            _ => card.pass(command),
        },
        &["PIN-011", "PIN-012", "PIN-013", "PIN-014", "CHG-009", "TXT-024", "FAC-019"],
    ),
    (
        "an unknown class is an unknown instruction",
        |card, command| word(card.pass(command), 0x6E00, 0x6D00),
        &["RUL-005", "RUL-007", "RUL-015"],
    ),
    (
        "READ BINARY on a key is 6982",
        |card, command| match command {
            [0x00, 0xB0, ..] => word(card.pass(command), 0x6981, 0x6982),
            _ => card.pass(command),
        },
        &["RDB-010", "RDB-014", "FIL-006", "COM-006", "COM-007", "TXT-028", "FAC-021"],
    ),
    (
        "every challenge is the same",
        |card, command| {
            let mut answer = card.pass(command);
            if let [0x00, 0x84, ..] = command {
                let data = answer.len() - 2;
                answer[..data].fill(0xA5);
            }
            answer
        },
        &["CHA-005"],
    ),
    (
        "the JPKI status outlives other applications and power",
        |card, command| {
            let answer = card.pass(command);
            match command {
                [0x00, 0x20, 0x00, _, 4, value @ ..] if value == SECRETS[0].1.as_bytes() && card.in_jpki() => {
                    MEMORY.with(|memory| memory.set(true));
                }
                [0x00, 0xA4, 0x04, ..]
                    if answer == [0x90, 0x00] && card.in_jpki() && MEMORY.with(std::cell::Cell::get) =>
                {
                    card.verify(0x18, 0);
                    let _ = card.quietly(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
                }
                _ => {}
            }
            answer
        },
        &["LNK-006", "SEL-031", "STA-005"],
    ),
    (
        "a SELECT that fails loses the EF",
        |card, command| {
            let answer = card.pass(command);
            if let ([0x00, 0xA4, ..], true, true) = (command, answer == [0x6A, 0x82], card.in_jpki()) {
                let _ = card.quietly(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
            }
            answer
        },
        &["SEL-026"],
    ),
    (
        "a warm reset is a cold one",
        |card, command| if command == RESET { vec![0x01] } else { card.pass(command) },
        &["LNK-008", "LNK-009"],
    ),
    (
        "a warm reset has an ATR of its own",
        |card, command| if command == RESET { vec![0x02] } else { card.pass(command) },
        &["LNK-004"],
    ),
    (
        "80 FC is unknown",
        |card, command| if command.starts_with(&[0x80, 0xFC]) { sw(0x6D00) } else { card.pass(command) },
        &["CMD-004"],
    ),
    (
        "there is no MF to be selected in an application either",
        |card, command| if command == [0x00, 0xA4, 0x00, 0x00] { sw(0x6A86) } else { card.pass(command) },
        &["SEL-018"],
    ),
    (
        "5F51 is the whole ATR",
        |card, command| {
            let mut answer = card.pass(command);
            if let [_, 0xCA, 0x5F, 0x51, ..] = command
                && answer.len() > 2
            {
                answer.insert(0, 0x3B);
            }
            answer
        },
        &["CAR-012", "CAR-013"],
    ),
    (
        "secure messaging without a session is not provided",
        |card, command| word(card.pass(command), 0x69FC, 0x6882),
        &["RUL-002", "RUL-003", "SMG-016", "SMG-017", "SMG-018", "SMG-019", "SMG-021", "SMG-022"],
    ),
    (
        "an object of secure messaging is judged first",
        |card, command| {
            let answer = card.pass(command);
            match command {
                [0x08, _, _, _, _, 0x87, ..] if answer != [0x69, 0xFC] => {
                    let _ = card.quietly(b"\x00\xA4\x04\x0C\x0A\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x08");
                    sw(0x6988)
                }
                _ => answer,
            }
        },
        &["SMG-028"],
    ),
    (
        "secure messaging answers whatever Le is",
        |card, command| match command {
            [0x08, 0xB0, _, _, 0x05, 0x96, 0x03, 0x00, 0x00, 0x00, _] => card.instead(command, |command| {
                command.pop();
                command.splice(4..5, [0x00, 0x00, 0x05]);
                command.extend([0x00, 0x00]);
            }),
            _ => card.pass(command),
        },
        &["SMG-029"],
    ),
    ("SET SESSION KEY elsewhere is unknown", |card, command| word(card.pass(command), 0x66F1, 0x6D00), &["SMG-007"]),
    (
        "the My Number has no filler",
        |card, command| {
            let mut answer = card.pass(command);
            if card.in_application(&[0x04, 0x08])
                && card.file == 1
                && command.starts_with(&[0x00, 0xB0])
                && answer.len() > 2
            {
                let left = 15usize.saturating_sub(offset(command)).min(answer.len() - 2);
                answer.truncate(left);
                answer.extend_from_slice(&[0x90, 0x00]);
            }
            answer
        },
        &["TXT-001", "TXT-002", "TXT-005", "SMG-011"],
    ),
    (
        "照合番号A opens everything of 入力補助",
        |card, command| {
            let answer = card.pass(command);
            if let [0x00, 0x20, 0x00, _, 12, ..] = command
                && card.in_application(&[0x04, 0x08])
                && answer == [0x90, 0x00]
            {
                card.verify(0x15, 6);
            }
            answer
        },
        &["TXT-014"],
    ),
    (
        "照合番号B reaches the My Number in 券面確認",
        |card, command| {
            let answer = card.pass(command);
            if let [0x00, 0x20, 0x00, _, 14, ..] = command
                && card.in_application(&[0x04, 0x02])
                && answer == [0x90, 0x00]
            {
                card.verify(0x13, 5);
            }
            answer
        },
        &["FAC-007", "FAC-012"],
    ),
    (
        "the signing keys of the 券面 applications have no default",
        |card, command| match command {
            [0x80, 0x2A, _, 0x00, ..] => sw(0x6A88),
            _ => card.pass(command),
        },
        &["TXT-011", "TXT-012", "TXT-013", "FAC-009", "FAC-010", "FAC-011"],
    ),
    (
        "a change takes the old value and the new one",
        |card, command| match command {
            [0x00, 0x24, 0x01, ..] => sw(0x6700),
            _ => card.pass(command),
        },
        &[
            "PIN-018", "CHG-001", "CHG-002", "CHG-003", "CHG-004", "CHG-005", "CHG-006", "CHG-007", "CHG-009",
            "COM-010", "TXT-025", "TXT-026", "FAC-022",
        ],
    ),
    (
        "records come without their header",
        |card, command| {
            let mut answer = card.pass(command);
            if command.starts_with(&[0x00, 0xB2]) && answer.len() > 4 {
                answer.drain(..2);
            }
            answer
        },
        &["RDR-001", "RDR-002", "RDR-003", "COM-001", "COM-002", "COM-003", "COM-004", "JUK-001", "CAR-021"],
    ),
    (
        "an unknown EF is 6A88",
        |card, command| match command {
            [0x00, 0xA4, 0x02, ..] => word(card.pass(command), 0x6A82, 0x6A88),
            _ => card.pass(command),
        },
        &[
            "LNK-005", "SEL-011", "SEL-014", "SEL-019", "SEL-026", "COM-011", "JUK-004", "TXT-028", "FAC-021",
            "JUK-006", "CAR-016", "CAR-017", "ROB-007",
        ],
    ),
    (
        "80 2A needs no Le",
        |card, command| match command {
            [0x80, 0x2A, _, _, length, data @ ..] if *length > 0 && data.len() == usize::from(*length) => {
                card.instead(command, |command| command.push(0))
            }
            _ => card.pass(command),
        },
        &["RUL-016", "AUT-014", "SGN-014"],
    ),
    (
        "one PIN opens both keys",
        |card, command| {
            let answer = card.pass(command);
            if let [0x00, 0x20, 0x00, _, 4, ..] = command
                && card.in_jpki()
                && answer == [0x90, 0x00]
            {
                let file = card.file;
                card.verify(0x1B, 1);
                let _ = card.quietly(&[&[0x00, 0xA4, 0x02, 0x0C, 0x02], &file.to_be_bytes()[..]].concat());
            }
            answer
        },
        &["FIL-013", "STA-002"],
    ),
];
