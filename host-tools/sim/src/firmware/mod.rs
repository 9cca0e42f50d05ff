//! A card that runs as firmware of a chip, in an emulator.
//!
//! The chip's serial line speaks vpcd's messages; its flash holds what a card [image](crate::image) holds between its header and its
//! checksum. As with a [`StoredCard`](crate::card::StoredCard) an answer leaves only after what it changed is in the image. Which
//! [`Machine`] it is does not matter: QEMU, a process of its own, or with the feature `chip` an emulator in this one.

#[cfg(feature = "chip")]
mod chip;
mod qemu;

#[cfg(feature = "chip")]
pub use chip::BuiltIn;
pub use qemu::Qemu;

use crate::{
    image::{Image, ImageError},
    nvm::Flash,
    slot::{Silence, VirtualCard},
    vpcd::message::{ATR, POWER_OFF, POWER_ON, RESET},
};
use std::{
    io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Why there is no such card.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// The emulator or the program for it.
    #[error("{}: {what} is not there ({error}); in Jitsuin's sources `jitsuin firmware build` gets it, and for QEMU card-os/firmware/toolchain --qemu says where", path.display())]
    Missing {
        /// What it is.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The program is none of this chip.
    #[cfg(feature = "chip")]
    #[error("{}: no firmware ({error}); `jitsuin firmware build` in Jitsuin's sources makes one", path.display())]
    Program {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: ::chip::ProgramError,
    },
    /// The card's image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A socket, a file or a process.
    #[error("the emulator: {0}")]
    Io(#[from] io::Error),
    /// It came, and went.
    #[error("the emulator ended: {0}")]
    Ended(String),
}

/// An emulator with the firmware in it.
pub trait Machine: Send {
    /// Starts it anew with a flash that holds this, and a seed of its randomness.
    ///
    /// # Errors
    /// [`FirmwareError`] where the firmware does not come to wait for a message.
    fn start(&mut self, flash: &[u8], seed: u64) -> Result<(), FirmwareError>;

    /// One message that has no answer.
    ///
    /// # Errors
    /// [`FirmwareError`].
    fn tell(&mut self, message: &[u8]) -> Result<(), FirmwareError>;

    /// One message and its answer.
    ///
    /// # Errors
    /// [`FirmwareError`].
    fn ask(&mut self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, FirmwareError>;

    /// What its flash holds.
    ///
    /// # Errors
    /// [`FirmwareError::Io`].
    fn flash(&self) -> Result<Zeroizing<Vec<u8>>, FirmwareError>;

    /// Whether the firmware still runs.
    fn is_running(&mut self) -> bool;

    /// Ends it. What it said last, if anything.
    fn end(&mut self) -> String;
}

/// A card in an emulator, until dropped.
pub struct FirmwareCard {
    machine: Box<dyn Machine>,
    image: Image,
    /// What is in the image.
    saved: Zeroizing<Vec<u8>>,
    seed: u64,
    atr: Vec<u8>,
}

impl FirmwareCard {
    /// Starts the card of this image; `seed` is that of its randomness.
    ///
    /// # Errors
    /// [`FirmwareError`].
    pub fn start(machine: Box<dyn Machine>, image: &Path, seed: u64) -> Result<Self, FirmwareError> {
        let (image, flash) = Image::open(image)?;
        let saved = Zeroizing::new(flash.bytes().to_vec());
        let mut card = FirmwareCard { machine, image, saved, seed, atr: Vec::new() };
        card.start_again()?;
        Ok(card)
    }

    /// Starts the firmware, with the flash as it was saved last.
    fn start_again(&mut self) -> Result<(), FirmwareError> {
        self.machine.start(&self.saved, self.seed)?;
        match self.machine.ask(ATR) {
            Ok(atr) => self.atr = atr.to_vec(),
            Err(_) => return Err(FirmwareError::Ended(self.machine.end())),
        }
        Ok(())
    }

    /// Puts into the image what the card has changed.
    fn save(&mut self) -> Result<(), FirmwareError> {
        let now = self.machine.flash()?;
        if now != self.saved {
            let flash = Flash::from_bytes(now.to_vec()).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            self.image.save_all(&flash)?;
            self.saved = now;
        }
        Ok(())
    }
}

impl VirtualCard for FirmwareCard {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn power_on(&mut self) {
        let started = if self.machine.is_running() { Ok(()) } else { self.start_again() };
        if let Err(error) = started.and_then(|()| self.machine.tell(POWER_ON)) {
            eprintln!("{error}; the card answers no more");
        }
    }

    fn power_off(&mut self) {
        // One that is gone has no power either.
        let _ = self.machine.tell(POWER_OFF);
    }

    fn reset(&mut self) {
        let _ = self.machine.tell(RESET);
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        // A message of one byte is a control, and none has no meaning: neither is a command.
        if command.len() < 2 {
            return Ok(vec![0x67, 0x00]);
        }
        let answer = self.machine.ask(command);
        match self.save().and(answer) {
            Ok(answer) => Ok(answer.to_vec()),
            Err(error) => {
                eprintln!("{error}; the card answers no more until it is started again");
                self.machine.end();
                Err(Silence::Mute)
            }
        }
    }
}
