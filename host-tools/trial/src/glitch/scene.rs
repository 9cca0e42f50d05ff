//! The moment before an attacked command, and what is looked at after it.

use super::{GlitchError, Outcome, Plan, Target};
use apdu::Command;
use card_os::{
    identity::KEY_SET_COUNTER,
    pin::Pin,
    profile::{JPKI, Model},
    scp03::Level,
    store::Store,
};
use chip::{Chip, Program, Stop};
use rand_core::Rng;
use sim::{
    card::{Direct, Simulated},
    issuer::{Channel, Issuer, grouping, test_keys},
    nvm::Flash,
    rng::SimRng,
    sample,
};
use std::sync::Arc;

/// How much longer than an unhurt one a command may take, and instructions beside.
const SLACK: u64 = 4;
const MORE: u64 = 200_000;
/// Instructions of a signature, at most.
const SIGNING: u64 = 400_000_000;

const SELECT: &str = "00A4040C0AD392F000260100000001";
const RIGHT: &str = "002000980431323334";
const WRONG: &str = "002000980439393939";
/// DigestInfo of SHA-256, and a digest.
const SIGN: &str = "802A0097333031300D060960864801650304020105000420000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F00";
/// How the signature certificate of the sample card begins; no other file has its length.
const CERTIFICATE: [u8; 4] = [0x30, 0x82, 0x06, 0xDA];
/// Tries of the PIN before the attacked VERIFY, which is the second wrong one.
const TRIES: u8 = 2;
/// The value that nobody was allowed to set.
const NEW: &[u8] = b"9999";

/// A chip before a command, and the command.
struct Side {
    chip: Chip,
    command: Vec<u8>,
}

impl Side {
    /// The chip with the command on its line.
    fn walker(&self) -> Chip {
        let mut chip = self.chip.clone();
        chip.send_message(&self.command);
        chip
    }
}

/// An attacked command.
pub(super) struct Scene {
    target: Target,
    side: Side,
    /// The same with a value that is right, where a comparison is attacked.
    friend: Option<Side>,
    /// And with another one that is wrong, where right and wrong are in the command: what tells these two apart tells nothing of the secret.
    stranger: Option<Side>,
    /// What an unhurt chip answers.
    expected: Vec<u8>,
    instructions: u64,
    words: u64,
    /// The issuer's end of a channel.
    channel: Option<Channel>,
}

impl Scene {
    /// Runs the firmware up to the command, and the command once without harm.
    pub(super) fn new(target: Target, program: &Arc<Program>) -> Result<Self, GlitchError> {
        let failed = |what: String| GlitchError::Scene { target: target.name(), what };
        let mut scene = prepared(target, program, &card(b"1234").map_err(failed)?).map_err(failed)?;
        if target == Target::Verify {
            // The same guess at a card whose PIN it is: what tells the two apart, tells of the PIN.
            let other = prepared(target, program, &card(b"9999").map_err(failed)?).map_err(failed)?;
            scene.friend = Some(other.side);
        }
        let mut unhurt = scene.walker();
        let before = (unhurt.instructions(), unhurt.words());
        let stop = unhurt.run(SIGNING);
        let answer = chip::chip::answer(unhurt.output()).map(<[u8]>::to_vec);
        let Some(answer) = answer.filter(|_| stop == Stop::Idle) else {
            return Err(failed(format!("an unhurt chip does not answer: {stop}")));
        };
        scene.expected = answer;
        scene.instructions = unhurt.instructions() - before.0;
        scene.words = before.1;
        if scene.refused() == (target == Target::Signature) {
            return Err(failed(format!("an unhurt chip answers {:02X?}", scene.expected)));
        }
        match scene.judge(&mut unhurt, stop, Some(&scene.expected.clone())) {
            Outcome::Same => Ok(scene),
            other => Err(failed(format!("an unhurt chip is judged as {other:?}"))),
        }
    }

    fn refused(&self) -> bool {
        !self.expected.ends_with(&[0x90, 0x00])
    }

    pub(super) fn target(&self) -> Target {
        self.target
    }

    /// The chip with the command on its line.
    pub(super) fn walker(&self) -> Chip {
        self.side.walker()
    }

    /// The same with the value that is right.
    pub(super) fn friend(&self) -> Option<Chip> {
        self.friend.as_ref().map(Side::walker)
    }

    /// The same with another value that is wrong.
    pub(super) fn stranger(&self) -> Option<Chip> {
        self.stranger.as_ref().map(Side::walker)
    }

    /// Instructions after which a command that has not answered never will.
    pub(super) fn patience(&self) -> u64 {
        match self.target {
            // Where it gets past the check it takes this long.
            Target::Sign | Target::Signature => SIGNING,
            _ => self.instructions * SLACK + MORE,
        }
    }

    /// The instructions to be hurt.
    pub(super) fn points(&self, plan: &Plan) -> Vec<u64> {
        let most = if self.target == Target::Signature { Some(plan.signatures) } else { plan.points };
        match most {
            Some(most) if most < self.instructions => {
                // Spread evenly, and beginning elsewhere with each seed.
                let first = SimRng::seeded(plan.seed).next_u64() % (self.instructions / most.max(1)).max(1);
                (0..most).map(|k| first + k * self.instructions / most).filter(|at| *at < self.instructions).collect()
            }
            _ => (0..self.instructions).collect(),
        }
    }

    /// Which function an address is in.
    pub(super) fn place(&self, address: u32) -> String {
        self.side.chip.program().at(address).map_or_else(String::new, |symbol| symbol.name.clone())
    }

    /// What has become of the card.
    pub(super) fn judge(&self, chip: &mut Chip, stop: Stop, answer: Option<&[u8]>) -> Outcome {
        let usual = if stop != Stop::Idle || answer.is_none() {
            Outcome::Mute
        } else if answer == Some(&self.expected) {
            Outcome::Same
        } else {
            Outcome::Other
        };
        let changed = chip.words() != self.words;
        let answered = answer.unwrap_or_default();
        let bad = match self.target {
            Target::Verify => self.verified(chip, stop, changed),
            Target::Change => (changed && takes(chip.file(), NEW)).then_some(Outcome::Opened),
            Target::Read => answered.windows(4).any(|part| part == CERTIFICATE).then_some(Outcome::Opened),
            Target::Sign => (answered.len() > 2 && signature(answered).is_some_and(|kind| kind != Signature::Garbled))
                .then_some(Outcome::Opened),
            Target::Signature => match signature(answered) {
                _ if answered == self.expected => None,
                Some(Signature::Right) | None => None,
                Some(Signature::Garbled) => Some(Outcome::Garbled),
                Some(Signature::Factor) => Some(Outcome::Factored),
            },
            Target::Authenticate => self.authenticated(chip, stop, changed),
            Target::Forged => (changed && takes(chip.file(), NEW)).then_some(Outcome::Opened),
        };
        bad.unwrap_or(usual)
    }

    /// Whether a wrong VERIFY has opened the card, or cost nothing.
    fn verified(&self, chip: &mut Chip, stop: Stop, changed: bool) -> Option<Outcome> {
        if stop == Stop::Idle && is_open(chip) {
            return Some(Outcome::Opened);
        }
        if changed && takes(chip.file(), NEW) {
            return Some(Outcome::Opened);
        }
        let charged = changed && tries(chip.file()).is_none_or(|left| left < TRIES);
        (!charged).then_some(Outcome::Free)
    }

    /// Whether the channel is open to its issuer after a cryptogram that was wrong, or the comparison cost nothing.
    fn authenticated(&self, chip: &mut Chip, stop: Stop, changed: bool) -> Option<Outcome> {
        if stop == Stop::Idle
            && let Some(mut channel) = self.channel.as_ref().map(Channel::fork)
        {
            channel.raise(Level::FULL);
            let status = channel.wrap(Command::new(0x84, 0xF2, 0x40, 0x00).with_ne(256)).ok()?;
            chip.receive();
            let said = chip.ask(&status, MORE * 10);
            if said.is_ok_and(|said| said.ends_with(&[0x90, 0x00])) {
                return Some(Outcome::Opened);
            }
        }
        let charged = changed && key_set_tries(chip.file()).is_none_or(|left| left < KEY_SET_COUNTER.full()[0]);
        (!charged).then_some(Outcome::Free)
    }
}

/// The chip before the command, and the command.
fn prepared(target: Target, program: &Arc<Program>, card: &Simulated) -> Result<Scene, String> {
    let started = Chip::started(Arc::clone(program), card.nvm().bytes().to_vec(), "flash 1");
    let mut chip = started.map_err(|stop| stop.to_string())?;
    let ask = |chip: &mut Chip, command: &[u8]| {
        let said = chip.ask(command, SIGNING).map_err(|stop| stop.to_string())?;
        if said.ends_with(&[0x90, 0x00]) { Ok(said) } else { Err(format!("{command:02X?} is answered {said:02X?}")) }
    };
    let (mut right, mut other, mut channel) = (None, None, None);
    let command = match target {
        Target::Verify => {
            ask(&mut chip, &bytes(SELECT))?;
            // Not the first of its kind: what the first one left on the stack must not help the second.
            for command in ["002000980435353535", SELECT] {
                chip.ask(&bytes(command), SIGNING).map_err(|stop| stop.to_string())?;
            }
            bytes(WRONG)
        }
        Target::Change => {
            ask(&mut chip, &bytes(SELECT))?;
            [&bytes("0024019804"), NEW].concat()
        }
        Target::Read => {
            ask(&mut chip, &bytes(SELECT))?;
            bytes("00B0810000")
        }
        Target::Sign | Target::Signature => {
            // The key stays ready; the status does not, if another application is selected between.
            let others = ["00A4040C07A0000001510000", SELECT];
            let commands = [SELECT, RIGHT, SIGN];
            let after = if target == Target::Sign { &others[..] } else { &[] };
            for command in commands.iter().chain(after) {
                ask(&mut chip, &bytes(command))?;
            }
            bytes(SIGN)
        }
        Target::Authenticate | Target::Forged => {
            ask(&mut chip, &bytes("00A4040C07A0000001510000"))?;
            let host = [0x48; 8];
            let answer = ask(&mut chip, &[&bytes("8050000008"), &host[..], &[0x00]].concat())?;
            let (answer, _) = answer.split_last_chunk::<2>().ok_or("no status word")?;
            let agreed = Channel::agree(&test_keys(), &host, answer).map_err(|error| error.to_string())?;
            let mut own = agreed.channel;
            let level = Level::FULL.p1();
            let opening = |proof: &[u8], own: &mut Channel| {
                let wrapped = own.wrap(Command::new(0x84, 0x82, level, 0x00).with_data(proof));
                wrapped.map(|command| command.to_vec()).map_err(|error| error.to_string())
            };
            if target == Target::Authenticate {
                right = Some(opening(&agreed.proof, &mut own.fork())?);
                let mut stranger = opening(&agreed.proof.map(|byte| byte ^ 0x3C), &mut own.fork())?;
                spoil(&mut stranger);
                other = Some(stranger);
                let mut wrong = opening(&agreed.proof.map(|byte| byte ^ 0x5A), &mut own)?;
                spoil(&mut wrong);
                channel = Some(own);
                wrong
            } else {
                let right = opening(&agreed.proof, &mut own)?;
                ask(&mut chip, &right)?;
                own.raise(Level::FULL);
                let value = grouping(0x0118, NEW).map_err(|error| error.to_string())?;
                let reset = Command::new(0x84, 0x2C, 0x00, 0x00).with_data(&value);
                let mut wrong = own.wrap(reset).map_err(|error| error.to_string())?.to_vec();
                spoil(&mut wrong);
                wrong
            }
        }
    };
    let [friend, stranger] = [right, other].map(|command| command.map(|command| Side { chip: chip.clone(), command }));
    let side = Side { chip, command };
    Ok(Scene { target, side, friend, stranger, expected: Vec::new(), instructions: 0, words: 0, channel })
}

/// An issued card with this authentication PIN. Cards with different ones differ in nothing else.
fn card(pin: &[u8]) -> Result<Simulated, String> {
    let mut reader = Direct(sample::issued_as(Model::JPKI_ONLY, true));
    let mut rng = SimRng::seeded(3);
    let opened = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut rng);
    let reset = opened.and_then(|mut issuer| issuer.reset_retry_counter(0x0118, pin));
    reset.map_err(|error| error.to_string())?;
    reader.0.power_off();
    Ok(reader.0)
}

/// Turns the last eight bytes around: a MAC.
fn spoil(command: &mut [u8]) {
    let from = command.len() - 8;
    command[from..].iter_mut().for_each(|byte| *byte ^= 0xA5);
}

/// Whether the card signs. One that says so before it looks at its input is asked for a signature.
fn is_open(chip: &mut Chip) -> bool {
    chip.receive();
    // Too long for any padding: refused for that where the PIN was given, and for the PIN where not.
    let too_long = [&bytes("802A0097FA"), &[0x5A; 250][..], &[0x00]].concat();
    match chip.ask(&too_long, MORE * 10) {
        Ok(said) if said[..] == [0x69, 0x82] => false,
        Ok(_) => chip.ask(&bytes(SIGN), SIGNING).is_ok_and(|said| said.ends_with(&[0x90, 0x00])),
        Err(_) => false,
    }
}

fn store(file: &[u8]) -> Option<Store<Flash>> {
    Store::mount(Flash::from_bytes(file.to_vec())?).ok()
}

/// Tries of the authentication PIN that a memory holds.
fn tries(file: &[u8]) -> Option<u8> {
    let pin = JPKI.file(0x0018).and_then(Pin::of)?;
    Some(pin.left(&store(file)?))
}

/// Tries of the issuer's keys that a memory holds.
fn key_set_tries(file: &[u8]) -> Option<u8> {
    Some(KEY_SET_COUNTER.left(&store(file)?))
}

/// Whether a card with this memory takes this PIN. Asked of a card of this process, which nobody hurts.
fn takes(file: &[u8], pin: &[u8]) -> bool {
    let Some(flash) = Flash::from_bytes(file.to_vec()) else { return false };
    let Ok(mut card) = card_os::Card::mount(flash, sim::engine::RsaEngine::default(), SimRng::seeded(1)) else {
        return false;
    };
    let mut response = card_os::Response::new();
    card.transmit(&bytes(SELECT), &mut response);
    card.transmit(&[&bytes("0020009804"), pin].concat(), &mut response);
    response.ends_with(&[0x90, 0x00])
}

/// What a signature is.
#[derive(Debug, PartialEq, Eq)]
enum Signature {
    /// Of the input, or of another one: padded as it must be.
    Right,
    /// It gives a factor of the modulus.
    Factor,
    /// Neither.
    Garbled,
}

/// Looks at 256 bytes before the status word, with the key of the sample card. (Boneh, DeMillo, Lipton 1997)
fn signature(answer: &[u8]) -> Option<Signature> {
    let (bytes, [0x90, 0x00]) = answer.split_last_chunk::<2>()? else { return None };
    let signature: &[u8; 256] = bytes.try_into().ok()?;
    let key = &sample::keys()[0];
    Some(match crate::factor::message(&key.n, signature) {
        None => Signature::Garbled,
        Some([0x00, 0x01, 0xFF, 0xFF, ..]) => Signature::Right,
        Some(message) => {
            let expected = crate::factor::padded(&self::bytes(SIGN)[5..56]);
            if crate::factor::shares_a_factor(&key.n, &message, &expected) {
                Signature::Factor
            } else {
                Signature::Garbled
            }
        }
    })
}

/// Of hexadecimal digits of this file.
fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).expect("digits")
}
