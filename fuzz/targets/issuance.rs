//! Any bytes as what an issuer with the keys does to a blank card, power cuts included.
//!
//! Whatever was written and however it was interrupted: the card starts from its memory, its life cycle goes forward, and it
//! signs for nobody before it was handed out.
//!
//! ```text
//! 00 grouping (2) length (1) value    STORE DATA
//! 01 grouping (2)                     key generation
//! 02 grouping (2) length (1) value    RESET RETRY COUNTER
//! 03 version                          PUT KEY with the same keys
//! 04 phase                            SET STATUS
//! 05 header (3) length (1) data       any command in the channel
//! 06 operation tear                   the power goes in this operation of the next one
//! 07                                  power off and on, and a new channel
//! 08                                  everything of a sample card up to this step's number
//! ```
#![no_main]

use apdu::Command;
use card_os::{
    profile::{Model, Phase},
    scp03::Level,
};
use libfuzzer_sys::fuzz_target;
use sim::{
    issuer::{Issuer, test_keys},
    nvm::Tear,
    reader::{Reader, ReaderError},
    rng::SimRng,
    sample,
    session::{Session, Snapshot},
};
use std::cell::RefCell;
use trial::mirror::Mirror;

const STEPS: usize = 12;

/// A session as a reader, and whether its power went.
struct Pulled<'s>(&'s mut Session<Mirror>);

impl Reader for Pulled<'_> {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.power_cycle().expect("whatever was written, a card starts");
        Ok(self.0.card().atr().to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.reset();
        Ok(self.0.card().atr().to_vec())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.0.transmit(command).map(<[u8]>::to_vec).map_err(|_| ReaderError::Mute)
    }
}

struct Bench {
    session: Session<Mirror>,
    blank: Snapshot<Mirror>,
    groupings: Vec<(u16, Vec<u8>)>,
}

impl Bench {
    fn new() -> Self {
        let memory = sample::blank(Model::JPKI_ONLY).into_nvm();
        let Ok(card) = card_os::Card::mount(memory, Mirror, SimRng::seeded(1)) else { panic!("a blank card starts") };
        let mut session = Session::new(card, Mirror);
        let blank = session.snapshot();
        Bench { session, blank, groupings: sample::groupings(Model::JPKI_ONLY, true) }
    }
}

thread_local!(static BENCH: RefCell<Bench> = Bench::new().into());

fn take<'a>(data: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (part, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    part
}

fn number(data: &mut &[u8]) -> u16 {
    take(data, 2).iter().fold(0, |number, byte| number << 8 | u16::from(*byte))
}

fn value<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let length = take(data, 1).first().map_or(0, |length| usize::from(*length));
    take(data, length)
}

fuzz_target!(|data: &[u8]| {
    BENCH.with_borrow_mut(|Bench { session, blank, groupings }| {
        session.restore(blank);
        let mut reached = 0;
        let mut data = data;
        let mut steps = 0;
        while !data.is_empty() && steps < STEPS {
            // A channel until something ends it.
            let mut pulled = Pulled(session);
            let mut cut = None;
            if let Ok(mut issuer) = Issuer::open(&mut pulled, &test_keys(), Level::FULL, &mut SimRng::seeded(5)) {
                while !data.is_empty() && steps < STEPS {
                    steps += 1;
                    // A refusal leaves the channel as it is; where no answer comes the card is started again.
                    let _ = match take(&mut data, 1)[0] % 9 {
                        0 => issuer.store(number(&mut data), value(&mut data)).is_ok(),
                        1 => issuer.generate_key(number(&mut data)).is_ok(),
                        2 => issuer.reset_retry_counter(number(&mut data), value(&mut data)).is_ok(),
                        3 => issuer.put_key(take(&mut data, 1).first().copied().unwrap_or(1), &test_keys()).is_ok(),
                        4 => {
                            let phases = [Phase::Blank, Phase::Personalised, Phase::Issued, Phase::Invalid];
                            let which = take(&mut data, 1).first().copied().unwrap_or(0);
                            issuer.set_status(phases[usize::from(which) % phases.len()]).is_ok()
                        }
                        5 => {
                            let header = take(&mut data, 3);
                            let &[ins, p1, p2] = header else { break };
                            let command = Command::new(0x84, ins, p1, p2).with_data(value(&mut data));
                            issuer.transmit("a command", command).is_ok()
                        }
                        6 => {
                            let &[operation, tear] = take(&mut data, 2) else { break };
                            cut = Some((u64::from(operation), Tear::all(u64::from(tear))[usize::from(tear) % 5]));
                            break;
                        }
                        7 => break,
                        _ => groupings.iter().take(steps * 3).all(|(to, value)| issuer.store(*to, value).is_ok()),
                    };
                }
            }
            session.power_cycle().expect("whatever was written, a card starts");
            if let Some((operation, tear)) = cut {
                session.cut_at(operation, tear);
                let mut pulled = Pulled(session);
                if let Ok(mut issuer) = Issuer::open(&mut pulled, &test_keys(), Level::FULL, &mut SimRng::seeded(6)) {
                    let _ = issuer.store(number(&mut data), value(&mut data));
                }
                session.restart().expect("whatever was cut, a card starts");
            }
            let phase = session.card().phase().expect("the record of the life cycle is whole");
            // Phases are numbered in their order.
            assert!(phase as u8 >= reached, "the life cycle went back to {phase:?}");
            reached = phase as u8;
            if reached < Phase::Issued as u8 {
                refuses(session);
            }
        }
    });
});

/// Nothing is signed and no PIN is compared before the card was handed out.
fn refuses(session: &mut Session<Mirror>) {
    session.transmit(b"\x00\xA4\x04\x0C\x05\xD3\x92\xF0\x00\x26").expect("it has power");
    for command in [&b"\x00\x20\x00\x98\x041234"[..], b"\x80\x2A\x00\x97\x01x\x00", b"\x80\x2A\x00\x9A\x01x\x00"] {
        let answer = session.transmit(command).expect("it has power");
        assert!(answer.len() == 2 && answer != [0x90, 0x00], "{command:02X?} is answered {answer:02X?}");
    }
    session.power_cycle().expect("it had power");
}
