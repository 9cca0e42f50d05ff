//! What single commands mean, where no card answers differently for it today or no script says it. (card.md §3, §5, §13)

use apdu::Header;
use card_os::{
    command::{Command, Data, Instruction, Protected, Reference},
    refusal::Refusal,
};

fn read(bytes: &[u8]) -> Result<Command<'_>, Refusal> {
    let header = Header::parse(bytes).expect("four bytes");
    let instruction = Instruction::of(header.cla.0, header.ins, false)?;
    Command::read(instruction, header, apdu::Command::parse(bytes))
}

fn protected(bytes: &[u8]) -> Result<Protected<'_>, Refusal> {
    Protected::read(Header::parse(bytes).expect("four bytes"), apdu::Command::parse(bytes))
}

/// P2 = xxxxx100 is record n, xxxxx101 is n to the last; any other is wrong. (card.md §5.2, D-17)
#[test]
fn read_record_tells_one_record_from_the_rest() {
    for sfi in 0..=30 {
        let file = if sfi == 0 { Reference::Current } else { Reference::Sfi(sfi) };
        for low in 0..8 {
            let expected = match low {
                4 => Ok(Command::ReadRecord { file, record: 3, rest: false, ne: 256 }),
                5 => Ok(Command::ReadRecord { file, record: 3, rest: true, ne: 256 }),
                _ => Err(Refusal::Parameters),
            };
            assert_eq!(read(&[0x00, 0xB2, 0x03, sfi << 3 | low, 0x00]), expected, "{sfi} {low}");
        }
    }
}

/// No data is expected, so Le is a wrong length. (card.md D-12)
#[test]
fn set_session_key_takes_no_le() {
    let extended = |le: &[u8]| [&[0x80, 0xAE, 0x00, 0x00, 0x00, 0x01, 0x00][..], &[0x5A; 256], le].concat();
    assert_eq!(read(&extended(&[])), Ok(Command::SetSessionKey { cryptogram: &[0x5A; 256] }));
    assert_eq!(read(&extended(&[0x00, 0x00])), Err(Refusal::Length));
}

/// An application is selected in clear alone; an EF also in class 08. (card.md D-42)
#[test]
fn an_application_is_not_selected_under_secure_messaging() {
    for p1 in [0x00, 0x04] {
        let command = [0x08, 0xA4, p1, 0x0C, 0x02, 0x87, 0x00];
        assert_eq!(protected(&command), Err(Refusal::SecureMessagingUnsupported));
    }
    for (p1, p2) in (0..=0xFF).flat_map(|p2| [(0x02, p2), (0x03, p2)]) {
        let expected = match (p1, p2) {
            (0x02, 0x00 | 0x0C) => Ok(Protected::SelectFile { object: Data(&[0x87, 0x00]) }),
            _ => Err(Refusal::Parameters),
        };
        assert_eq!(protected(&[0x08, 0xA4, p1, p2, 0x02, 0x87, 0x00]), expected, "{p1:02X} {p2:02X}");
    }
}

/// Of class 08 there are SELECT, VERIFY and READ BINARY, with the lengths that they have in clear. (card.md §13, D-12, D-42)
#[test]
fn what_secure_messaging_knows() {
    let object = Data(&[0x87, 0x00]);
    for ins in 0..=0xFF {
        let [bare, with_le] =
            [&[][..], &[0x00]].map(|le| [&[0x08, ins, 0x00, 0x81, 0x02, 0x87, 0x00][..], le].concat());
        let (bare, with_le) = (protected(&bare), protected(&with_le));
        match ins {
            0xA4 => assert_eq!((bare, with_le), (Err(Refusal::SecureMessagingUnsupported), bare)),
            0x20 => {
                assert_eq!(bare, Ok(Protected::Verify { pin: Reference::Sfi(1), object }));
                assert_eq!(with_le, Err(Refusal::Length));
            }
            0xB0 => {
                assert_eq!(bare, Err(Refusal::Length));
                let Ok(Protected::ReadBinary { file, offset, object: seen, .. }) = with_le else {
                    panic!("{with_le:?}")
                };
                assert_eq!((file, offset, seen), (Reference::Current, 0x81, object));
            }
            _ => assert_eq!((bare, with_le), (Err(Refusal::SecureMessagingUnsupported), bare)),
        }
    }
    assert_eq!(protected(&[0x08, 0x20, 0x01, 0x81, 0x02, 0x87, 0x00]), Err(Refusal::Parameters));
    assert_eq!(protected(&[0x08, 0xB0, 0x9F, 0x00, 0x02, 0x87, 0x00, 0x00]), Err(Refusal::Parameters));
}

/// The next occurrence of a name wants a name.
#[test]
fn next_without_a_name_is_a_wrong_length() {
    for p2 in [0x02, 0x0E] {
        assert_eq!(read(&[0x00, 0xA4, 0x04, p2]), Err(Refusal::Length));
    }
    for p2 in [0x00, 0x0C] {
        assert_eq!(read(&[0x00, 0xA4, 0x04, p2]), Ok(Command::SelectDefault { fci: None }));
    }
}
