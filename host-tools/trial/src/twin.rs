//! The same card twice: in this process, and as firmware of a chip. Answers and memory are compared after everything that is done.

use card_os::{Card, Response, fixed::FixedEngine};
use sim::{
    card::Simulated,
    firmware::{FirmwareError, Machine},
    nvm::{Flash, Torn},
    reader::{Reader, ReaderError},
    rng::SimRng,
    vpcd::message::{ATR, POWER_OFF, POWER_ON, RESET},
};
use zeroize::Zeroizing;

/// A card here, and one that is firmware.
pub struct Twin<M> {
    here: Card<Torn<Flash>, FixedEngine, SimRng>,
    there: M,
    response: Response,
}

/// How the two differ.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// In an answer.
    #[error("{command:02X?} is answered {here:02X?} here and {there:02X?} by the firmware")]
    Answer {
        /// What was sent.
        command: Vec<u8>,
        /// What the card of this process said.
        here: Vec<u8>,
        /// What the firmware said.
        there: Vec<u8>,
    },
    /// In the first byte of memory that is not alike.
    #[error("after {after:02X?} byte {at} of the memories differs")]
    Memory {
        /// What was done.
        after: Vec<u8>,
        /// Where.
        at: usize,
    },
    /// The firmware stopped.
    #[error("{command:02X?}: {error}")]
    Stopped {
        /// What was sent.
        command: Vec<u8>,
        /// How.
        error: FirmwareError,
    },
}

fn stopped(command: &[u8]) -> impl FnOnce(FirmwareError) -> Difference + use<> {
    let command = command.to_vec();
    move |error| Difference::Stopped { command, error }
}

impl<M: Machine> Twin<M> {
    /// Both from the memory of a card, with the same randomness to come.
    ///
    /// # Errors
    /// [`Difference::Stopped`] where the firmware does not start.
    ///
    /// # Panics
    /// Where the memory does not mount here.
    pub fn new(mut there: M, card: &Simulated, seed: u64) -> Result<Self, Difference> {
        let memory = card.nvm().bytes();
        let flash = Flash::from_bytes(memory.to_vec()).expect("the memory of a card");
        let mounted = Card::mount(Torn::new(flash), FixedEngine::default(), SimRng::seeded(seed));
        let here = mounted.map_err(|(error, _)| error).expect("mounts");
        there.start(memory, seed).map_err(stopped(&[]))?;
        let mut twin = Twin { here, there, response: Response::new() };
        twin.same_atr()?;
        Ok(twin)
    }

    /// The firmware.
    pub fn there(&mut self) -> &mut M {
        &mut self.there
    }

    /// Power comes.
    ///
    /// # Errors
    /// [`Difference`].
    pub fn power_on(&mut self) -> Result<(), Difference> {
        self.here.power_on();
        self.there.tell(POWER_ON).map_err(stopped(POWER_ON))?;
        self.same_atr()
    }

    /// Power goes.
    ///
    /// # Errors
    /// [`Difference`].
    pub fn power_off(&mut self) -> Result<(), Difference> {
        self.here.power_off();
        self.there.tell(POWER_OFF).map_err(stopped(POWER_OFF))
    }

    /// Warm reset.
    ///
    /// # Errors
    /// [`Difference`].
    pub fn reset(&mut self) -> Result<(), Difference> {
        self.here.reset();
        self.there.tell(RESET).map_err(stopped(RESET))?;
        self.same_atr()
    }

    fn same_atr(&mut self) -> Result<(), Difference> {
        let said = self.there.ask(ATR).map_err(stopped(ATR))?;
        self.compare(ATR, &self.here.atr(), &said)
    }

    /// One command, of two bytes or more, and the answer of both.
    ///
    /// # Errors
    /// [`Difference`].
    pub fn transmit(&mut self, command: &[u8]) -> Result<&[u8], Difference> {
        let said = self.there.ask(command).map_err(stopped(command))?;
        self.here.transmit(command, &mut self.response);
        self.compare(command, &self.response, &said)?;
        Ok(&self.response)
    }

    fn compare(&self, command: &[u8], here: &[u8], there: &[u8]) -> Result<(), Difference> {
        if here != there {
            let (command, here, there) = (command.to_vec(), here.to_vec(), there.to_vec());
            return Err(Difference::Answer { command, here, there });
        }
        let ours = self.here.nvm().bytes();
        let theirs: Zeroizing<Vec<u8>> = self.there.flash().map_err(stopped(command))?;
        if ours != &theirs[..] {
            let at = ours.iter().zip(theirs.iter()).position(|(one, other)| one != other).unwrap_or(ours.len());
            return Err(Difference::Memory { after: command.to_vec(), at });
        }
        Ok(())
    }
}

/// What differs is told as what a reader may tell.
fn told(difference: Difference) -> ReaderError {
    ReaderError::Protocol(difference.to_string())
}

impl<M: Machine> Reader for Twin<M> {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        Twin::power_on(self).map_err(told)?;
        Ok(self.here.atr().to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        Twin::reset(self).map_err(told)?;
        Ok(self.here.atr().to_vec())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        Twin::power_off(self).map_err(told)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        Twin::transmit(self, command).map(<[u8]>::to_vec).map_err(told)
    }
}
