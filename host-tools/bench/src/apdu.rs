//! Rows of commands to a card, without any socket.

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side, Signer, Signing, Work},
    error::{BenchError, Trouble},
    message::encode,
};
use card_os::{
    Card,
    platform::{Engine, MODULUS, PrivateKey},
    public, sign,
};
use sim::{
    backend::AnyEngine,
    card::{Direct, MEMORY, Simulated},
    nvm::{Flash, Torn},
    reader::Reader,
    rng::SimRng,
    sample,
};
use std::{any::Any, fs, path::Path, rc::Rc, sync::Arc};

/// Begins the name of every row of these.
pub const PREFIX: &str = "card-";

/// SELECT of the JPKI application.
const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
/// VERIFY of the user authentication PIN with the right value.
const VERIFY: &[u8] = b"\x00\x20\x00\x98\x041234";
/// READ BINARY of 256 bytes of the user authentication certificate.
const READ: &[u8] = &[0x00, 0xB0, 0x8A, 0x00, 0x00];
/// What is signed by [`SIGN`].
const SIGNED: &[u8] = b"hello";
/// COMPUTE DIGITAL SIGNATURE by the user authentication key, PKCS#1 v1.5, hashing on the card.
const SIGN: &[u8] = b"\x80\x2A\x03\x97\x05hello\x00";

/// What can be done with a card.
struct Act {
    name: &'static str,
    title: &'static str,
    /// Sent once, before anything is measured.
    before: &'static [&'static [u8]],
    commands: &'static [&'static [u8]],
    /// How often in one run: card commands take less than a microsecond.
    times: u32,
    signs: bool,
}

const ACTS: [Act; 4] = [
    Act {
        name: "sign",
        title: "VERIFY and COMPUTE DIGITAL SIGNATURE",
        before: &[SELECT],
        commands: &[VERIFY, SIGN],
        times: 1,
        signs: true,
    },
    // A PIN stays verified until power goes or another application is selected.
    Act {
        name: "sign-again",
        title: "COMPUTE DIGITAL SIGNATURE, the PIN verified before",
        before: &[SELECT, VERIFY],
        commands: &[SIGN],
        times: 1,
        signs: true,
    },
    Act {
        name: "select",
        title: "SELECT of the JPKI application",
        before: &[SELECT],
        commands: &[SELECT],
        times: 256,
        signs: false,
    },
    Act {
        name: "read",
        title: "READ BINARY of 256 bytes",
        before: &[SELECT],
        commands: &[READ],
        times: 256,
        signs: false,
    },
];

/// The act of a name.
fn act(name: &str) -> Option<&'static Act> {
    ACTS.iter().find(|act| act.name == name)
}

/// An issued card at rest, and its user authentication key.
pub struct Stored {
    memory: Flash,
    key: PrivateKey,
}

impl Stored {
    /// The sample card. Makes its keys, which takes a part of a second.
    #[must_use]
    pub fn sample() -> Stored {
        let [key, _] = sample::keys();
        Stored { memory: sample::issued(true).into_nvm().into_inner(), key: sign::from_bytes(&sign::to_bytes(key)) }
    }

    /// A card that [`Self::write`] wrote.
    ///
    /// # Errors
    /// [`BenchError::Io`], [`BenchError::Choice`] for another kind of file.
    pub fn read(path: &Path) -> Result<Stored, BenchError> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| BenchError::Io(name.clone(), error))?;
        let stored = || {
            let (memory, key) = bytes.split_at_checked(MEMORY)?;
            Some(Stored { memory: Flash::from_bytes(memory.to_vec())?, key: sign::from_bytes(key.try_into().ok()?) })
        };
        stored().ok_or_else(|| BenchError::Choice(format!("{name}: not a card written for this")))
    }

    /// Writes it for [`Self::read`].
    ///
    /// # Errors
    /// [`BenchError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        let bytes = [self.memory.bytes(), sign::to_bytes(&self.key).as_ref()].concat();
        fs::write(path, bytes).map_err(|error| BenchError::Io(path.display().to_string(), error))
    }

    /// The card, ready to be powered.
    ///
    /// # Errors
    /// [`BenchError::Choice`] for a memory that is no card's.
    pub fn card(&self) -> Result<Simulated, BenchError> {
        Card::mount(Torn::new(self.memory.clone()), AnyEngine::default(), SimRng::seeded(1))
            .map_err(|(error, _)| BenchError::Choice(format!("the card cannot be mounted: {error:?}")))
    }

    /// The signature that the card's is to equal.
    fn expected(&self) -> Result<Arc<[u8]>, BenchError> {
        let (mut em, mut signature) = ([0; MODULUS], [0; MODULUS]);
        encode(SIGNED, &mut em);
        let done = sim::engine::RsaEngine::default().private(&self.key, &em, &mut signature, &mut SimRng::seeded(1));
        if done.is_err() || public::power(&self.key.n, &signature) != Some(em) {
            return Err(BenchError::Choice("the rsa crate refuses the card's key".into()));
        }
        Ok(Arc::new(signature))
    }

    /// The bare engine, signing what the card signs by the key that the card has.
    pub(crate) fn engine(&self) -> Result<Contender, BenchError> {
        let key = sign::from_bytes(&sign::to_bytes(&self.key));
        let signer = Box::new(Bare { engine: AnyEngine::default(), key, rng: SimRng::seeded(1) });
        Ok(Contender {
            name: "engine".into(),
            about: "the card's engine without a card".into(),
            side: Side::Rival,
            countable: true,
            work: Box::new(Signing::new(signer, SIGNED.into(), self.expected()?)),
        })
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stored(..)")
    }
}

/// Commands to a card; signing with the bare engine beside it.
///
/// # Errors
/// [`BenchError`] where the card or its key is no good.
pub fn rows(stored: &Stored) -> Result<Vec<Row>, BenchError> {
    let act = |act: &'static str| {
        let mut card = Direct(stored.card()?);
        card.0.power_on();
        let card = exchanges(act, Who("card", "the simulated card", Side::Own), reader(card), stored, None, 1)?;
        let mut contenders = vec![card];
        if signs(act) {
            contenders.push(stored.engine()?);
        }
        Ok(Row {
            name: format!("{PREFIX}{act}"),
            title: title(act).into(),
            clock: Clock::ThreadCpu,
            processor: None,
            contenders,
        })
    };
    acts().map(act).collect()
}

/// Short names of what can be done.
pub(crate) fn acts() -> impl Iterator<Item = &'static str> {
    ACTS.iter().map(|act| act.name)
}

/// What an act is, for people.
pub(crate) fn title(act: &str) -> &'static str {
    self::act(act).map_or("", |act| act.title)
}

/// Whether an act makes a signature.
pub(crate) fn signs(act: &str) -> bool {
    self::act(act).is_some_and(|act| act.signs)
}

/// Sends one command and brings its answer.
pub(crate) type Transmit = Box<dyn FnMut(&[u8]) -> Result<Vec<u8>, Trouble>>;

/// A reader as something that transmits.
pub(crate) fn reader(mut reader: impl Reader + 'static) -> Transmit {
    Box::new(move |command| reader.transmit(command).map_err(Trouble::failed))
}

/// Short name, what it is, and whose.
pub(crate) struct Who(pub(crate) &'static str, pub(crate) &'static str, pub(crate) Side);

/// A contender that does an act by sending commands. `keep` lives as long as it; one `share` of the usual repetitions is done.
pub(crate) fn exchanges(
    act: &str,
    Who(name, about, side): Who,
    mut transmit: Transmit,
    stored: &Stored,
    keep: Option<Rc<dyn Any>>,
    share: u32,
) -> Result<Contender, BenchError> {
    let Act { before, commands, times, signs, .. } =
        self::act(act).ok_or_else(|| BenchError::Choice(format!("no act {act}")))?;
    let expected = if *signs { Some(stored.expected()?) } else { None };
    for command in *before {
        transmit(command).and_then(|answer| insist(&answer)).map_err(|trouble| trouble.of(act, name))?;
    }
    let times = times.div_ceil(share);
    let work = Box::new(Exchanges { transmit, commands, times, expected, answer: Vec::new(), _keep: keep });
    Ok(Contender { name: name.into(), about: about.into(), side, countable: true, work })
}

/// A refusal would be fast, and worth nothing.
fn insist(answer: &[u8]) -> Result<(), Trouble> {
    match answer {
        [.., 0x90, 0x00] => Ok(()),
        [.., sw1, sw2] => Err(Trouble::Wrong(format!("the card answers {sw1:02X}{sw2:02X}"))),
        _ => Err(Trouble::Wrong("the card answers nothing".into())),
    }
}

/// Commands at work.
struct Exchanges {
    transmit: Transmit,
    commands: &'static [&'static [u8]],
    times: u32,
    expected: Option<Arc<[u8]>>,
    answer: Vec<u8>,
    _keep: Option<Rc<dyn Any>>,
}

impl Work for Exchanges {
    fn run(&mut self) -> Result<(), Trouble> {
        for _ in 0..self.times {
            for command in self.commands {
                self.answer = (self.transmit)(std::hint::black_box(command))?;
                insist(&self.answer)?;
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), Trouble> {
        let answer = std::mem::take(&mut self.answer);
        match &self.expected {
            Some(expected) if !answer.starts_with(expected) => {
                Err(Trouble::Wrong("the card's signature is not the one that the rsa crate makes".into()))
            }
            _ => insist(&answer),
        }
    }

    fn operations(&self) -> u32 {
        self.times
    }
}

/// The engine without a card.
struct Bare {
    engine: AnyEngine,
    key: PrivateKey,
    rng: SimRng,
}

impl Signer for Bare {
    fn sign(&mut self, message: &[u8], signature: &mut [u8]) -> Result<(), Trouble> {
        let mut em = [0; MODULUS];
        encode(message, &mut em);
        let signature = signature.try_into().map_err(Trouble::failed)?;
        let done = self.engine.private(&self.key, &em, signature, &mut self.rng);
        done.map_err(|_| Trouble::Failed("the engine refuses the key".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_done_and_judged() {
        let stored = Stored::sample();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("card");
        stored.write(&path).expect("writes");
        let stored = Stored::read(&path).expect("reads");
        for mut row in rows(&stored).expect("rows") {
            for contender in &mut row.contenders {
                contender.work.run().expect("works");
                assert_eq!(contender.work.check(), Ok(()), "{} {}", row.name, contender.name);
                assert!(contender.work.check().is_err(), "an answer is judged once");
            }
        }
        fs::write(&path, b"no card").expect("writes");
        assert!(Stored::read(&path).expect_err("no card").to_string().contains("not a card"));
        assert!(Stored::read(Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn refusals_are_no_answers() {
        assert_eq!(insist(&[0x90, 0x00]), Ok(()));
        assert!(matches!(insist(&[0x69, 0x82]), Err(Trouble::Wrong(what)) if what.contains("6982")));
        assert!(insist(&[]).is_err());
    }
}
