//! A server that is killed.

use super::{DONE, FIRST, RIGHT, SELECT, TRIES, WRONG};
use crate::support::World;
use sim::{
    pcsc::PcscReader,
    reader::{Reader, ReaderError},
};
use std::{
    fs,
    time::{Duration, Instant},
};

/// A kill in the midst of writes leaves the image before or after, and never gives a try back.
#[test]
fn a_server_killed_while_it_writes_loses_nothing() {
    let rounds: u32 = std::env::var("JITSUIN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let path = socket.display().to_string();
    let began = Instant::now();
    let (mut presented, mut unanswered) = (0, 0);
    // What the last answer said, and what a try that was never answered may have left.
    let (mut least, mut most) = (3, 3);
    for round in 0..rounds {
        let serving = world.serve(&card, &["--pcsc", &path]);
        let mut reader = PcscReader::open(&socket, Some(FIRST)).expect("opens");
        assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
        let left = match reader.transmit(TRIES).expect("answers")[..] {
            [0x63, word] => word & 0x0F,
            ref other => panic!("{other:02X?}"),
        };
        assert!((least..=most).contains(&left), "round {round}: {left} tries, {least} to {most} expected");
        (least, most) = (left, left);
        let killer = serving.kill_after(Duration::from_micros(u64::from(round * 7919 % 4000)));
        // Wrong and right in turn: each writes.
        let ended = loop {
            let wrong = most > 1;
            // Spent before it is compared; a right one gives all back.
            (least, most) = if wrong { (least - 1, most) } else { (least.min(most - 1), 3) };
            match reader.transmit(if wrong { WRONG } else { RIGHT }) {
                Ok(answer) => {
                    let now = match answer[..] {
                        [0x63, word] => word & 0x0F,
                        [0x90, 0x00] => 3,
                        ref other => panic!("{other:02X?}"),
                    };
                    (least, most) = (now, now);
                    presented += 1;
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(ended, ReaderError::Io(_)), "{ended}");
        unanswered += 1;
        killer.join().expect("killed");
        fs::remove_file(&socket).expect("a killed server leaves its socket");
    }
    let serving = world.serve(&card, &["--pcsc", &path]);
    let mut reader = PcscReader::open(&socket, Some(FIRST)).expect("opens");
    assert_eq!(reader.transmit(SELECT).expect("answers"), DONE);
    assert_eq!(reader.transmit(RIGHT).expect("answers"), DONE);
    serving.interrupt();
    println!("{rounds} kills, {presented} PINs answered, {unanswered} not, in {:?}", began.elapsed());
    world.run(&["check", &card]).succeeded();
}
