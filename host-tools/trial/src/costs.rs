//! What commands cost the firmware: instructions, stack, words of flash. Exact, and the same each time.

use card_os::{
    profile::Model,
    scp03::{KeySet, Level},
};
use chip::{Chip, Program, Stop};
use serde::{Deserialize, Serialize};
use sim::{
    issuer::{Issuer, test_keys},
    reader::{Reader, ReaderError},
    rng::SimRng,
    sample,
    vpcd::message::{POWER_OFF, POWER_ON, RESET},
};
use std::{collections::BTreeMap, sync::Arc};

/// Instructions that a command may take before it is given up.
const PATIENCE: u64 = 1 << 40;

/// What one act cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Instructions, from the first byte of the command to the wait for the next one.
    pub instructions: u64,
    /// Most bytes of stack.
    pub stack: u32,
    /// Words of flash that were written, erased ones among them.
    pub words: u64,
}

/// A chip whose costs are noted.
pub struct Meter {
    chip: Chip,
    /// Since this was last taken.
    cost: Cost,
}

impl Meter {
    /// Starts a card; the first cost is that of the start.
    ///
    /// # Errors
    /// [`Stop`] where the firmware does not start.
    pub fn start(program: &Arc<Program>, memory: &[u8], seed: u64) -> Result<Self, Stop> {
        let chip = Chip::new(Arc::clone(program), memory.to_vec(), &format!("flash {seed}"));
        let mut meter = Meter { chip, cost: Cost::default() };
        meter.noted(|chip| match chip.run(PATIENCE) {
            Stop::Idle => Ok(()),
            stop => Err(stop),
        })?;
        Ok(meter)
    }

    /// What was spent since this was last asked.
    pub fn take(&mut self) -> Cost {
        std::mem::take(&mut self.cost)
    }

    /// The chip.
    pub fn chip(&mut self) -> &mut Chip {
        &mut self.chip
    }

    fn noted<T>(&mut self, act: impl FnOnce(&mut Chip) -> Result<T, Stop>) -> Result<T, Stop> {
        let (instructions, words) = (self.chip.instructions(), self.chip.words());
        let done = act(&mut self.chip);
        self.cost.instructions += self.chip.instructions() - instructions;
        self.cost.words += self.chip.words() - words;
        self.cost.stack = self.cost.stack.max(self.chip.stack());
        done
    }

    fn control(&mut self, message: &[u8]) -> Result<(), ReaderError> {
        let stop = self.noted(|chip| Ok(chip.tell(message, PATIENCE))).unwrap_or_else(|stop| stop);
        if stop == Stop::Idle { Ok(()) } else { Err(told(stop)) }
    }
}

fn told(stop: Stop) -> ReaderError {
    ReaderError::Protocol(stop.to_string())
}

impl Reader for Meter {
    /// The ATR is not asked for.
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.control(POWER_ON).map(|()| Vec::new())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.control(RESET).map(|()| Vec::new())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.control(POWER_OFF)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.noted(|chip| chip.ask(command, PATIENCE)).map(|answer| answer.to_vec()).map_err(told)
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// The firmware does not start.
    #[error("the firmware does not start: {0}")]
    Start(#[from] Stop),
    /// A command was not answered as it should.
    #[error("{act}: {what}")]
    Act {
        /// Which one.
        act: &'static str,
        /// How.
        what: String,
    },
}

const JPKI: &str = "00A4040C0AD392F000260100000001";
const RIGHT: &str = "002000980431323334";
const WRONG: &str = "002000980439393939";
/// DigestInfo of SHA-256, and a digest.
const INPUT: &str =
    "3031300D060960864801650304020105000420000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";

/// What is measured of the holder's commands, in this order: its name, its command, its status word.
fn commands() -> Vec<(&'static str, String, u16)> {
    let sign = format!("802A009733{INPUT}00");
    vec![
        ("SELECT application", JPKI.into(), 0x9000),
        ("SELECT file", "00A4020C02000A".into(), 0x9000),
        ("READ BINARY, 256 bytes", "00B0000000".into(), 0x9000),
        ("try counter", "00200098".into(), 0x63C3),
        ("VERIFY, wrong", WRONG.into(), 0x63C2),
        ("VERIFY, right", RIGHT.into(), 0x9000),
        ("CHANGE REFERENCE DATA", "002401980434333231".into(), 0x9000),
        ("GET CHALLENGE, 8 bytes", "0084000008".into(), 0x9000),
        ("COMPUTE DIGITAL SIGNATURE, key not ready", sign.clone(), 0x9000),
        ("COMPUTE DIGITAL SIGNATURE", sign, 0x9000),
    ]
}

/// All costs by name: those of an issued card's commands, and of the issuer's acts on a blank one.
///
/// # Errors
/// [`CostError`].
pub fn all(program: &Arc<Program>) -> Result<BTreeMap<String, Cost>, CostError> {
    let mut costs = BTreeMap::new();
    let mut meter = Meter::start(program, sample::issued(true).nvm().bytes(), 1)?;
    costs.insert("start".to_owned(), meter.take());
    for (act, command, sw) in commands() {
        let command = bytes(&command);
        let answer = meter.transmit(&command).map_err(|error| CostError::Act { act, what: error.to_string() })?;
        let said = answer.last_chunk::<2>().map(|sw| u16::from_be_bytes(*sw));
        if said != Some(sw) {
            return Err(CostError::Act { act, what: format!("answers {said:04X?}") });
        }
        costs.insert(act.to_owned(), meter.take());
    }
    issuing(program, &mut costs)?;
    Ok(costs)
}

/// The issuer's acts.
fn issuing(program: &Arc<Program>, costs: &mut BTreeMap<String, Cost>) -> Result<(), CostError> {
    let blank = sample::blank(Model::JPKI_ONLY);
    let mut meter = Meter::start(program, blank.nvm().bytes(), 1)?;
    let mut rng = SimRng::seeded(2);
    let failed =
        |act: &'static str| move |error: sim::issuer::IssuerError| CostError::Act { act, what: error.to_string() };
    meter.take();
    drop(Issuer::open(&mut meter, &test_keys(), Level::FULL, &mut rng).map_err(failed("the channel is opened"))?);
    costs.insert("issuer: channel opened".into(), meter.take());
    for (grouping, value) in sample::groupings(Model::JPKI_ONLY, true) {
        let act = match grouping {
            0x0117 | 0x011A => "issuer: key stored",
            0x0101 | 0x0102 | 0x010A | 0x010B => "issuer: certificate stored",
            0x0118 | 0x011B => "issuer: PIN stored",
            _ => "issuer: other values stored, the most",
        };
        // Each over a channel of its own, whose cost is known.
        let mut issuer = Issuer::open(&mut meter, &test_keys(), Level::FULL, &mut rng).map_err(failed(act))?;
        issuer.store(grouping, &value).map_err(failed(act))?;
        let cost = meter.take();
        let most = costs.entry(act.to_owned()).or_default();
        *most = Cost {
            instructions: most.instructions.max(cost.instructions),
            stack: most.stack.max(cost.stack),
            words: most.words.max(cost.words),
        };
    }
    let act = "issuer: PUT KEY";
    let mut issuer = Issuer::open(&mut meter, &test_keys(), Level::FULL, &mut rng).map_err(failed(act))?;
    issuer.put_key(1, &KeySet::from_bytes(&[0x5A; 48])).map_err(failed(act))?;
    costs.insert(act.into(), meter.take());
    Ok(())
}

/// What could tell secrets apart by counting: a name, and the counts that were seen, with how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// What was done.
    pub name: &'static str,
    /// How many times each count was seen. One entry is what should be.
    pub counts: BTreeMap<u64, u64>,
}

/// Counts the instructions of every wrong PIN of four digits, of wrong passwords, and of `signatures` signatures of different inputs, each from the
/// same moment.
///
/// # Errors
/// [`CostError`].
pub fn equal(program: &Arc<Program>, signatures: u8) -> Result<[Counts; 3], CostError> {
    let mut meter = Meter::start(program, sample::issued(true).nvm().bytes(), 1)?;
    let ask = |meter: &mut Meter, command: &[u8]| {
        let answer = meter.transmit(command);
        answer.map_err(|error| CostError::Act { act: "counting", what: error.to_string() })
    };
    ask(&mut meter, &bytes(JPKI))?;
    let selected = meter.chip().snapshot();
    let mut pins = BTreeMap::new();
    for pin in (0..10_000).filter(|pin| *pin != 1234) {
        meter.chip().restore(&selected);
        meter.take();
        ask(&mut meter, &[&bytes("0020009804"), format!("{pin:04}").as_bytes()].concat())?;
        *pins.entry(meter.take().instructions).or_insert(0) += 1;
    }
    let mut passwords = BTreeMap::new();
    for place in 0..6 {
        for letter in b'A'..=b'Z' {
            let mut password = *b"ABC123";
            if password[place] == letter {
                continue;
            }
            password[place] = letter;
            meter.chip().restore(&selected);
            meter.take();
            ask(&mut meter, &[&bytes("0020009B06"), &password[..]].concat())?;
            *passwords.entry(meter.take().instructions).or_insert(0) += 1;
        }
    }
    meter.chip().restore(&selected);
    ask(&mut meter, &bytes(RIGHT))?;
    let mut sign = bytes(&format!("802A009733{INPUT}00"));
    // The first one makes the key ready.
    ask(&mut meter, &sign)?;
    let ready = meter.chip().snapshot();
    let mut signed = BTreeMap::new();
    for number in 0..signatures {
        sign[30..50].fill(number.wrapping_mul(0x53));
        meter.chip().restore(&ready);
        meter.take();
        ask(&mut meter, &sign)?;
        *signed.entry(meter.take().instructions).or_insert(0) += 1;
    }
    Ok([
        Counts { name: "every wrong PIN of four digits", counts: pins },
        Counts { name: "passwords with one wrong letter", counts: passwords },
        Counts { name: "signatures of different inputs", counts: signed },
    ])
}

/// Of hexadecimal digits of this file.
fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).expect("digits")
}
