//! An accepted terminal certificate opens nothing. (card.md §12, D-41)

use card_os::{Response, profile::Model};
use sim::{card::Simulated, sample};

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

/// A command with extended lengths.
fn extended(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(data.len()).expect("fits").to_be_bytes();
    [&header[..], &[0x00, high, low], data].concat()
}

#[test]
fn a_terminal_that_is_accepted_opens_nothing() {
    const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
    let mut card = sample::issued_as(Model::JPKI_ONLY, true);
    // The sample card's own key stands for the authority of the terminals, so the card itself makes the certificate.
    let body = [0x5A; 297];
    card.power_on();
    assert_eq!(transmit(&mut card, SELECT), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x00\x20\x00\x98\x041234"), [0x90, 0x00]);
    let sign = [&extended([0x80, 0x2A, 0x03, 0x97], &body)[..], &[0x00, 0x00]].concat();
    let signed = transmit(&mut card, &sign);
    let signature = signed.strip_suffix(&[0x90, 0x00]).expect("a signature");

    card.power_on();
    assert_eq!(transmit(&mut card, SELECT), [0x90, 0x00]);
    assert_eq!(transmit(&mut card, b"\x00\xA4\x02\x0C\x02\x00\x16"), [0x90, 0x00]);
    let first = [b"\x7F\x21\x82\x02\x33\x5F\x4E\x82\x01\x29", &body[..]].concat();
    assert_eq!(transmit(&mut card, &extended([0x80, 0xA2, 0x06, 0xC1], &first)), [0x90, 0x00]);
    let second = [b"\x5F\x37\x82\x01\x00", signature].concat();
    // Neither another signature nor another body is accepted. (D-41)
    let damaged = |whole: &[u8]| {
        let (last, rest) = whole.split_last().expect("is long");
        [rest, &[last ^ 1]].concat()
    };
    for (first, second) in [(damaged(&first), second.clone()), (first.clone(), damaged(&second))] {
        let mut card = card.fork();
        assert_eq!(transmit(&mut card, &extended([0x80, 0xA2, 0x06, 0xC1], &first)), [0x90, 0x00]);
        assert_eq!(transmit(&mut card, &extended([0x80, 0xA2, 0x00, 0xC1], &second)), [0x69, 0x82]);
        assert!(!card.session().has_terminal());
    }
    assert_eq!(transmit(&mut card, &extended([0x80, 0xA2, 0x00, 0xC1], &second)), [0x90, 0x00]);
    assert!(card.session().has_terminal());

    for command in [
        &b"\x80\x2A\x03\x97\x01x\x00"[..],
        b"\x80\x2A\x03\x9A\x01x\x00",
        b"\x00\xB0\x81\x00\x04",
        b"\x00\x24\x01\x98\x045678",
        b"\x00\x24\x01\x9B\x06XYZ789",
    ] {
        assert_eq!(transmit(&mut card, command), [0x69, 0x82], "{command:02X?}");
    }
}
