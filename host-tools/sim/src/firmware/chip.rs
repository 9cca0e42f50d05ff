//! The emulator of this process.

use super::{FirmwareError, Machine};
use chip::{Chip, Program, Stop};
use std::{fs, path::Path, sync::Arc};
use zeroize::Zeroizing;

/// Most instructions of one command: making a key pair takes thousands of millions.
const PATIENCE: u64 = 1 << 40;

/// A chip of this process.
pub struct BuiltIn {
    program: Arc<Program>,
    chip: Option<Chip>,
    /// Why there is none.
    said: String,
}

impl BuiltIn {
    /// With the firmware of a file, not yet started.
    ///
    /// # Errors
    /// [`FirmwareError::Missing`], [`FirmwareError::Program`].
    pub fn open(firmware: &Path) -> Result<Self, FirmwareError> {
        let path = firmware.to_owned();
        let missing = |error| FirmwareError::Missing { what: "the firmware", path: firmware.to_owned(), error };
        let elf = fs::read(firmware).map_err(missing)?;
        let program = Program::parse(&elf).map_err(|error| FirmwareError::Program { path, error })?;
        Ok(BuiltIn::new(Arc::new(program)))
    }

    /// With this firmware, not yet started.
    #[must_use]
    pub fn new(program: Arc<Program>) -> Self {
        BuiltIn { program, chip: None, said: String::new() }
    }

    /// The chip, where it runs.
    pub fn chip(&mut self) -> Option<&mut Chip> {
        self.chip.as_mut()
    }

    fn ended(&mut self, stop: Stop, chip: &Chip) -> FirmwareError {
        let said = chip.said();
        self.said = if said.is_empty() { stop.to_string() } else { said.to_owned() };
        FirmwareError::Ended(self.said.clone())
    }

    /// Lets the chip do something; one that does not come to wait is gone.
    fn with<T>(&mut self, act: impl FnOnce(&mut Chip) -> Result<T, Stop>) -> Result<T, FirmwareError> {
        let Some(mut chip) = self.chip.take() else { return Err(FirmwareError::Ended(self.said.clone())) };
        match act(&mut chip) {
            Ok(done) => {
                self.chip = Some(chip);
                Ok(done)
            }
            Err(stop) => Err(self.ended(stop, &chip)),
        }
    }
}

impl Machine for BuiltIn {
    fn start(&mut self, flash: &[u8], seed: u64) -> Result<(), FirmwareError> {
        self.chip = Some(Chip::new(Arc::clone(&self.program), flash.to_vec(), &format!("flash {seed}")));
        self.with(|chip| match chip.run(PATIENCE) {
            Stop::Idle => Ok(()),
            stop => Err(stop),
        })
    }

    fn tell(&mut self, message: &[u8]) -> Result<(), FirmwareError> {
        self.with(|chip| match chip.tell(message, PATIENCE) {
            Stop::Idle => Ok(()),
            stop => Err(stop),
        })
    }

    fn ask(&mut self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, FirmwareError> {
        self.with(|chip| chip.ask(message, PATIENCE))
    }

    fn flash(&self) -> Result<Zeroizing<Vec<u8>>, FirmwareError> {
        match &self.chip {
            Some(chip) => Ok(Zeroizing::new(chip.file().to_vec())),
            None => Err(FirmwareError::Ended(self.said.clone())),
        }
    }

    fn is_running(&mut self) -> bool {
        self.chip.is_some()
    }

    fn end(&mut self) -> String {
        self.chip = None;
        self.said.clone()
    }
}
