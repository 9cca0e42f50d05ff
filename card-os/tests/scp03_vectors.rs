//! The card's side of SCP03 against recorded exchanges of other vendors' cards, and against published derivations.

use apdu::{Command, Form};
use card_os::scp03::{
    Channel, KEY, KeySet, Level, Pending, Secret16, SessionKeys, decrypt_key, encrypt_key, iv, key_check_value,
    pseudo_random_challenge,
};
use vectors::blocks::Block;

/// All blocks of a kind.
fn blocks(kind: &str) -> Vec<Block> {
    vectors::blocks::blocks("scp03.txt", kind)
}

fn keys(block: &Block) -> KeySet {
    KeySet::from_bytes(&block.array("keys"))
}

/// Host challenge, card challenge and sequence counter of a trace.
fn challenges(trace: &Block) -> ([u8; 8], [u8; 8], [u8; 3]) {
    let answer = trace.get("answer");
    (
        trace.get("initialize")[5..13].try_into().expect("eight"),
        answer[13..21].try_into().expect("eight"),
        answer[29..].try_into().expect("three"),
    )
}

fn pending(trace: &Block) -> Pending {
    let (host, card, _) = challenges(trace);
    Pending::new(&keys(trace), &host, &card)
}

fn channel(trace: &Block) -> Channel {
    let command = trace.get("authenticate");
    pending(trace).authenticate(header(command), &command[5..]).expect("authentic")
}

fn header(command: &[u8]) -> [u8; 4] {
    command[..4].try_into().expect("four")
}

fn unwrap<const M: usize>(channel: &mut Channel, wrapped: &[u8], out: &mut heapless::Vec<u8, M>) -> bool {
    let command = Command::parse(wrapped).expect("well formed");
    channel.unwrap_command(header(wrapped), command.form, command.data, out).is_ok()
}

#[test]
fn the_card_follows_every_trace() {
    let (mut commands, mut responses) = (0, 0);
    for trace in blocks("trace") {
        let mut channel = channel(&trace);
        assert_eq!(pending(&trace).card_cryptogram(), trace.get("answer")[21..29]);
        let mut plain = &[][..];
        let mut exchanges = trace.fields.iter().peekable();
        while let Some((field, bytes)) = exchanges.next() {
            match field.as_str() {
                "plain" => plain = Command::parse(bytes).expect("well formed").data,
                "wrapped" => {
                    let mut out = heapless::Vec::<u8, 256>::new();
                    assert!(unwrap(&mut channel, bytes, &mut out));
                    assert_eq!(out, plain);
                    commands += 1;
                }
                "response" => {
                    let (protected, sw) = bytes.split_last_chunk::<2>().expect("a status word");
                    let clear = exchanges.next_if(|(field, _)| field == "clear").map_or(&[][..], |(_, bytes)| bytes);
                    let mut data = heapless::Vec::<u8, 256>::from_slice(clear).expect("room");
                    channel.wrap_response(&mut data, u16::from_be_bytes(*sw)).expect("room");
                    assert_eq!(data, protected);
                    responses += 1;
                }
                _ => {}
            }
        }
    }
    assert_eq!((commands, responses), (19, 5));
}

#[test]
fn challenges_and_session_keys_are_the_published_ones() {
    let mut checked = (0, 0);
    let mut check = |block: &Block, host: [u8; 8], card: [u8; 8], counter: [u8; 3]| {
        assert_eq!(pseudo_random_challenge(&keys(block), counter, block.get("aid")), card);
        checked.0 += 1;
        if block.fields.iter().any(|(field, _)| field == "session") {
            let session = SessionKeys::derive(&keys(block), &host, &card);
            assert_eq!(
                [session.enc, session.mac, session.rmac].map(|key| key.as_ref().to_vec()).concat(),
                block.get("session")
            );
            checked.1 += 1;
        }
    };
    for trace in blocks("trace") {
        let (host, card, counter) = challenges(&trace);
        check(&trace, host, card, counter);
    }
    for block in blocks("derivation") {
        check(&block, block.array("host"), block.array("card"), block.array("counter"));
    }
    assert_eq!(checked, (5, 2));
}

#[test]
fn the_primitives_are_the_published_ones() {
    let [cmac, check, decryption] =
        ["cmac", "check-value", "decryption"].map(|kind| blocks(kind).pop().expect("one of each"));
    assert_eq!(Secret16::new(cmac.array("key")).cmac(&[cmac.get("input")]), cmac.get("output"));
    assert_eq!(key_check_value(&Secret16::new(check.array("key"))), check.get("output"));
    let (dek, cryptogram) = (Secret16::new(decryption.array("key")), decryption.array::<KEY>("input"));
    let key = decrypt_key(&dek, &cryptogram);
    assert_eq!(key.as_ref(), decryption.get("output"));
    assert_eq!(encrypt_key(&dek, &key), cryptogram);
}

#[test]
fn every_flipped_bit_of_a_command_ends_the_channel() {
    for trace in blocks("trace") {
        let wrapped = trace.get("wrapped");
        let end = 5 + usize::from(wrapped[4]); // Le behind the data is not covered by the MAC.
        for bit in (0..end * 8).filter(|bit| bit / 8 != 4) {
            let mut bad = wrapped.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            let mut out = heapless::Vec::<u8, 256>::from_slice(b"left over").expect("room");
            assert!(!unwrap(&mut channel(&trace), &bad, &mut out), "bit {bit}");
            assert!(out.is_empty());
        }
    }
}

#[test]
fn lc_is_covered_in_the_form_it_was_sent() {
    for trace in blocks("trace") {
        let command = Command::parse(trace.get("wrapped")).expect("well formed");
        let mut out = heapless::Vec::<u8, 256>::new();
        let (mut short, mut extended) = (channel(&trace), channel(&trace));
        let header = header(trace.get("wrapped"));
        assert!(short.unwrap_command(header, Form::Short, command.data, &mut out).is_ok());
        assert!(extended.unwrap_command(header, Form::Extended, command.data, &mut out).is_err());
    }
}

#[test]
fn a_command_is_taken_once() {
    for trace in blocks("trace") {
        let (mut channel, mut out) = (channel(&trace), heapless::Vec::<u8, 256>::new());
        assert!(unwrap(&mut channel, trace.get("wrapped"), &mut out));
        assert!(!unwrap(&mut channel, trace.get("wrapped"), &mut out));
    }
}

#[test]
fn every_flipped_bit_of_the_authentication_is_refused() {
    for trace in blocks("trace") {
        let command = trace.get("authenticate");
        for bit in (0..command.len() * 8).filter(|bit| bit / 8 != 4) {
            let mut bad = command.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(pending(&trace).authenticate(header(&bad), &bad[5..]).is_err(), "bit {bit}");
        }
        for length in 5..command.len() {
            assert!(pending(&trace).authenticate(header(command), &command[5..length]).is_err(), "{length} bytes");
        }
        let mut other_keys = *keys(&trace).bytes();
        other_keys[KEY] ^= 1; // Key-MAC; the others prove nothing here.
        let (host, card, _) = challenges(&trace);
        let pending = Pending::new(&KeySet::from_bytes(&other_keys), &host, &card);
        assert!(pending.authenticate(header(command), &command[5..]).is_err());
    }
}

/// Commands with a right MAC around data that no padding ends.
#[test]
fn bad_padding_is_refused_like_a_bad_mac() {
    let trace = blocks("trace").into_iter().find(|trace| trace.get("authenticate")[2] == 0x33).expect("level 33");
    let (host, card, _) = challenges(&trace);
    let keys = SessionKeys::derive(&keys(&trace), &host, &card);
    let authenticate = trace.get("authenticate");
    let chain = keys.mac.cmac(&[&[0; 16], &authenticate[..13]]);
    let try_on = |clear: &[u8]| {
        let mut previous = iv(&keys.enc, 1, false);
        let mut body = clear.to_vec();
        for block in body.as_chunks_mut::<16>().0 {
            block.iter_mut().zip(previous).for_each(|(byte, mask)| *byte ^= mask);
            *block = keys.enc.encrypt(block);
            previous = *block;
        }
        let header = [0x84, 0xE2, 0x88, 0x00];
        let length = [u8::try_from(body.len() + 8).expect("short")];
        body.extend_from_slice(&keys.mac.cmac(&[&chain, &header, &length, &body])[..8]);
        let mut out = heapless::Vec::<u8, 64>::new();
        channel(&trace).unwrap_command(header, Form::Short, &body, &mut out).map(|()| out.to_vec())
    };
    let with = |at: usize, length: usize| {
        let mut clear = vec![0; length];
        clear[at] = 0x80;
        clear
    };
    assert_eq!(try_on(&with(15, 16)), Ok(vec![0; 15]));
    assert_eq!(try_on(&with(16, 32)), Ok(vec![0; 16]));
    assert!(try_on(&[0; 16]).is_err(), "no end");
    assert!(try_on(&[0x5A; 16]).is_err(), "another end");
    assert!(try_on(&with(15, 32)).is_err(), "more than a block of padding");
    assert!(try_on(&with(14, 15)).is_err(), "not whole blocks");
}

#[test]
fn errors_are_answered_bare_and_warnings_are_not() {
    for trace in blocks("trace").into_iter().filter(|trace| trace.get("authenticate")[2] & 0x10 != 0) {
        for sw in 0x6000..=0x9FFF_u16 {
            let mut data = heapless::Vec::<u8, 64>::new();
            channel(&trace).wrap_response(&mut data, sw).expect("room");
            assert_eq!(data.is_empty(), !matches!(sw >> 8, 0x90 | 0x62 | 0x63), "{sw:04X}");
        }
    }
}

#[test]
fn what_has_no_room_is_wiped() {
    let trace = blocks("trace").into_iter().find(|trace| trace.get("authenticate")[2] == 0x33).expect("level 33");
    let mut response = heapless::Vec::<u8, 20>::from_slice(&[0x5A; 18]).expect("room");
    assert!(channel(&trace).wrap_response(&mut response, 0x9000).is_err());
    assert!(response.is_empty());
    let mut command = heapless::Vec::<u8, 8>::new();
    assert!(!unwrap(&mut channel(&trace), trace.get("wrapped"), &mut command));
    assert!(command.is_empty());
}

#[test]
fn levels_are_the_six_of_the_standard() {
    let levels: Vec<Level> = (0..=0xFF).filter_map(Level::from_p1).collect();
    assert_eq!(levels.iter().map(|level| level.p1()).collect::<Vec<_>>(), [0x00, 0x01, 0x03, 0x11, 0x13, 0x33]);
    let bits = |level: &Level| [level.c_mac(), level.c_decryption(), level.r_mac(), level.r_encryption()];
    assert_eq!(
        levels.iter().map(bits).collect::<Vec<_>>(),
        [
            [false, false, false, false],
            [true, false, false, false],
            [true, true, false, false],
            [true, false, true, false],
            [true, true, true, false],
            [true, true, true, true],
        ]
    );
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let trace = blocks("trace").pop().expect("one");
    let shown = format!("{:?} {:?} {:?}", keys(&trace), pending(&trace), channel(&trace));
    let numbers = trace.get("keys")[..4].iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    assert!(!shown.contains(&numbers) && shown.contains("Secret16(..)"), "{shown}");
}
