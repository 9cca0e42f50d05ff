//! The card's side of SCP03 against recorded exchanges of another vendor's card.

use apdu::Command;
use card_os::scp03::{Channel, KeySet, Pending};

fn keys() -> KeySet {
    let mut bytes = [0; 48];
    for (byte, value) in bytes.iter_mut().zip((0x00..0x10).chain(0x10..0x20).chain(0x20..0x30)) {
        *byte = value;
    }
    KeySet::from_bytes(&bytes)
}

/// Lines `what | hex` of every trace.
fn traces() -> Vec<Vec<(String, Vec<u8>)>> {
    let text = vectors::text("scp03.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" | "));
    let mut traces: Vec<Vec<_>> = Vec::new();
    for (what, value) in lines {
        match what {
            "trace" => traces.push(Vec::new()),
            _ => traces.last_mut().expect("a trace").push((what.to_owned(), hex::decode(value).expect("hex"))),
        }
    }
    traces
}

fn authenticate(trace: &[(String, Vec<u8>)]) -> (Channel, [u8; 8]) {
    let bytes = |what: &str| &trace.iter().find(|(name, _)| name == what).expect(what).1;
    let host = bytes("initialize")[5..13].try_into().expect("eight");
    let card = bytes("answer")[13..21].try_into().expect("eight");
    let pending = Pending::new(&keys(), &host, &card);
    let cryptogram = pending.card_cryptogram();
    let command = bytes("authenticate");
    let header = command[..4].try_into().expect("four");
    (pending.authenticate(header, &command[5..]).expect("authentic"), cryptogram)
}

#[test]
fn the_card_follows_every_trace() {
    let mut exchanges = 0;
    for trace in traces() {
        let (mut channel, cryptogram) = authenticate(&trace);
        assert_eq!(trace[1].1[21..29], cryptogram, "card cryptogram");
        let mut lines = trace[3..].iter().peekable();
        while let Some((what, plain)) = lines.next() {
            assert_eq!(what, "plain");
            let wrapped = &lines.next().expect("wrapped").1;
            let (plain, wrapped) = (Command::parse(plain).expect("plain"), Command::parse(wrapped).expect("wrapped"));
            let header = [wrapped.cla.0, wrapped.ins, wrapped.p1, wrapped.p2];
            let mut out = heapless::Vec::<u8, 256>::new();
            channel.unwrap_command(header, wrapped.form, wrapped.data, &mut out).expect("unwraps");
            assert_eq!(out, plain.data);
            exchanges += 1;
            if lines.peek().is_some_and(|(what, _)| what == "response") {
                let protected = &lines.next().expect("response").1;
                let mut data = heapless::Vec::<u8, 256>::new();
                data.extend_from_slice(&lines.next().expect("clear").1).expect("room");
                channel.wrap_response(&mut data, 0x9000).expect("room");
                assert_eq!(data[..], protected[..]);
            }
        }
    }
    assert_eq!(exchanges, 15);
}

#[test]
fn every_flipped_bit_ends_the_channel() {
    for trace in traces() {
        let wrapped = &trace.iter().find(|(what, _)| what == "wrapped").expect("wrapped").1;
        for bit in 0..wrapped.len() * 8 {
            let mut bad = wrapped.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let Ok(command) = Command::parse(&bad) else { continue };
            if bit / 8 >= wrapped.len() - 1 {
                continue; // Le is not covered by the MAC.
            }
            let (mut channel, _) = authenticate(&trace);
            let header = [command.cla.0, command.ins, command.p1, command.p2];
            let mut out = heapless::Vec::<u8, 256>::new();
            assert!(channel.unwrap_command(header, command.form, command.data, &mut out).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_wrong_cryptogram_or_mac_is_refused() {
    let pending = || Pending::new(&keys(), &[1; 8], &[2; 8]);
    assert!(pending().authenticate([0x84, 0x82, 0x33, 0x00], &[0; 16]).is_err());
    assert!(pending().authenticate([0x84, 0x82, 0x02, 0x00], &[0; 16]).is_err());
    assert!(pending().authenticate([0x84, 0x82, 0x33, 0x00], &[0; 7]).is_err());
}
