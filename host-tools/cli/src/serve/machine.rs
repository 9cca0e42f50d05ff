//! Where cards run that are firmware.

use crate::{
    args::{self, Emulator},
    failure::Failure,
    firmware,
};
use sim::firmware::{BuiltIn, FirmwareError, Machine, Qemu};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Name of QEMU in the search path; where it is not there, nobody asked for it.
const QEMU: &str = "qemu-system-arm";

/// What machines are made of.
pub(super) struct Machines {
    firmware: PathBuf,
    /// Without one: the emulator of this program.
    qemu: Option<PathBuf>,
}

impl fmt::Display for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let firmware = self.firmware.display();
        match &self.qemu {
            Some(qemu) => write!(f, "the firmware {firmware} in {}", qemu.display()),
            None => write!(f, "the firmware {firmware} in the emulator of this program"),
        }
    }
}

impl Machines {
    /// Those that were asked for, if any.
    pub(super) fn new(serve: &args::Serve) -> Result<Option<Machines>, Failure> {
        let Some(named) = &serve.firmware else { return Ok(None) };
        let firmware = firmware::elf(named.as_deref())?;
        let qemu = match serve.emulator {
            Some(Emulator::BuiltIn) => None,
            None if serve.qemu == Path::new(QEMU) && Qemu::is_missing(&serve.qemu).is_some() => None,
            _ => Some(serve.qemu.clone()),
        };
        let machines = Machines { firmware, qemu };
        // What is not there is told before anything is served.
        machines.make(Path::new(""))?;
        Ok(Some(machines))
    }

    /// One that is not started yet. The folder is for its files.
    pub(super) fn make(&self, folder: &Path) -> Result<Box<dyn Machine>, FirmwareError> {
        Ok(match &self.qemu {
            Some(qemu) => Box::new(Qemu::new(qemu.clone(), self.firmware.clone(), folder.to_owned())?),
            None => Box::new(BuiltIn::open(&self.firmware)?),
        })
    }
}
