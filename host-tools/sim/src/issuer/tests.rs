//! The host's end against recorded exchanges, and against the card's end.

use super::{channel::BLOCK, *};
use crate::rng::SimRng;
use card_os::scp03::{Channel as CardChannel, Pending, SessionKeys};

/// A card that is nothing but its end of the channel: it answers each command with the data it received.
struct Echo {
    keys: KeySet,
    options: u8,
    pending: Option<Pending>,
    channel: Option<CardChannel>,
    flip: Option<usize>,
}

impl Echo {
    fn new(options: u8) -> Self {
        Echo { keys: test_keys(), options, pending: None, channel: None, flip: None }
    }
}

impl Reader for Echo {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(vec![0x3B])
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(vec![0x3B])
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn transmit(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let command = Command::parse(bytes).expect("well formed");
        let header = [command.cla.0, command.ins, command.p1, command.p2];
        let mut answer = match command.ins {
            0xA4 => vec![],
            0x50 => {
                let host = command.data.try_into().expect("eight");
                let card = scp03::pseudo_random_challenge(&self.keys, [0, 0, 7], ISD.aid);
                let pending = Pending::new(&self.keys, &host, &card);
                let mut answer = [&[0; 10][..], &[1, 3, self.options], &card, &pending.card_cryptogram()].concat();
                if self.options & 0x10 != 0 {
                    answer.extend_from_slice(&[0, 0, 7]);
                }
                self.pending = Some(pending);
                answer
            }
            0x82 => {
                let pending = self.pending.take().expect("pending");
                let Ok(channel) = pending.authenticate(header, command.data) else { return Ok(vec![0x69, 0x82]) };
                self.channel = Some(channel);
                vec![]
            }
            _ => {
                let channel = self.channel.as_mut().expect("open");
                let mut data = heapless::Vec::<u8, 1024>::new();
                if channel.unwrap_command(header, command.form, command.data, &mut data).is_err() {
                    return Ok(vec![0x69, 0x82]);
                }
                channel.wrap_response(&mut data, 0x9000).expect("room");
                data.to_vec()
            }
        };
        if let Some(at) = self.flip.filter(|_| command.ins == 0xE2) {
            let bits = answer.len() * 8;
            answer[at % bits / 8] ^= 1 << (at % 8);
        }
        answer.extend_from_slice(&[0x90, 0x00]);
        Ok(answer)
    }
}

#[test]
fn both_ends_agree_at_every_level_and_length() {
    for options in [0x60, 0x70] {
        for level in [0x00, 0x01, 0x03, 0x11, 0x13, 0x33].map(|p1| Level::from_p1(p1).expect("a level")) {
            let (mut card, mut rng) = (Echo::new(options), SimRng::seeded(3));
            let mut issuer = Issuer::open(&mut card, &test_keys(), level, &mut rng).expect("opens");
            for length in [0, 1, 15, 16, 17, 200, 247, 248, 300, 900] {
                let data = vec![0x5A; length];
                let command = Command::new(0x84, 0xE2, 0x88, 0x00).with_data(&data).with_ne(65_536);
                assert_eq!(issuer.transmit("echo", command).expect("answers"), data, "{level:?} {length}");
            }
        }
    }
}

#[test]
fn a_changed_answer_is_noticed() {
    for flip in 0..(16 + 8) * 8 {
        let (mut card, mut rng) = (Echo::new(0x60), SimRng::seeded(3));
        card.flip = Some(flip);
        let mut issuer = Issuer::open(&mut card, &test_keys(), Level::FULL, &mut rng).expect("opens");
        let command = Command::new(0x84, 0xE2, 0x88, 0x00).with_data(b"data");
        assert!(matches!(issuer.transmit("echo", command), Err(IssuerError::Tampered(_))), "bit {flip}");
    }
}

#[test]
fn wrong_keys_stop_the_host_first() {
    let (mut card, mut rng) = (Echo::new(0x60), SimRng::seeded(3));
    let wrong = KeySet::from_bytes(&[0x11; 48]);
    assert!(matches!(Issuer::open(&mut card, &wrong, Level::FULL, &mut rng), Err(IssuerError::WrongKeys)));
    assert!(card.pending.is_some(), "no cryptogram was tried against the card");
}

#[test]
fn every_card_gets_keys_of_its_own() {
    let master = Secret16::new([7; KEY]);
    let [one, other] = [[1; 10], [2; 10]].map(|id| diversify(&master, &id));
    assert_ne!(one.bytes()[..], other.bytes()[..]);
    assert_ne!(one.enc.as_ref(), one.mac.as_ref());
}

/// Replays the recorded challenges of every vendor's card and compares every protected command and every opened answer.
#[test]
fn the_host_follows_every_trace() {
    let (mut commands, mut answers) = (0, 0);
    for trace in vectors::blocks::blocks("scp03.txt", "trace") {
        let host: [u8; CHALLENGE] = trace.get("initialize")[5..13].try_into().expect("eight");
        let card: [u8; CHALLENGE] = trace.get("answer")[13..21].try_into().expect("eight");
        let keys = SessionKeys::derive(&KeySet::from_bytes(&trace.array("keys")), &host, &card);
        let authenticate = trace.get("authenticate");
        let level = Level::from_p1(authenticate[2]).expect("a level");
        let proof = keys.host_cryptogram(&host, &card);
        let mut channel = Channel { keys, level: Level::COMMAND_MAC, chain: [0; BLOCK], counter: 0 };
        let command = Command::new(0x84, 0x82, level.p1(), 0x00).with_data(&proof);
        assert_eq!(channel.protect(command).expect("fits"), authenticate[5..]);
        channel.level = level;
        let mut fields = trace.fields.iter().skip_while(|(name, _)| name != "plain").peekable();
        while let Some((name, bytes)) = fields.next() {
            match name.as_str() {
                "plain" => {
                    let (_, wrapped) = fields.next_if(|(name, _)| name == "wrapped").expect("wrapped follows plain");
                    channel.counter += 1;
                    let protected = channel.protect(Command::parse(bytes).expect("plain")).expect("fits");
                    assert_eq!(protected, Command::parse(wrapped).expect("wrapped").data);
                    commands += 1;
                }
                // Errors carry no protection: nothing is to be opened.
                "response" => {
                    let Some((_, clear)) = fields.next_if(|(name, _)| name == "clear") else { continue };
                    let answer = Response::parse(bytes).expect("a response");
                    let mut data = answer.data.to_vec();
                    channel.open_answer("trace", &mut data, answer.sw).expect("holds");
                    assert_eq!(&data, clear);
                    answers += 1;
                }
                other => panic!("unexpected field {other}"),
            }
        }
    }
    assert_eq!((commands, answers), (19, 4));
}
