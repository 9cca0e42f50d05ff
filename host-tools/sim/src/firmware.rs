//! A card that runs as firmware of a chip, in an emulator that is a process of its own.
//!
//! The emulator's serial line speaks vpcd's messages over a Unix socket; the chip's flash lasts in a file, which holds what a
//! card [image](crate::image) holds between its header and its checksum. As with a [`StoredCard`](crate::card::StoredCard) an answer
//! leaves only after what it changed is in the image.

use crate::{
    image::{Image, ImageError, replace},
    nvm::Flash,
    slot::{Silence, VirtualCard},
    vpcd::{
        frame,
        message::{ATR, POWER_OFF, POWER_ON, RESET},
    },
};
use std::{
    fs,
    io::{self, Read},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// How long the emulator may take until it is there.
const START: Duration = Duration::from_secs(10);
/// How long a command may take: a key pair is made in minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why there is no such card.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// The emulator or the program for it.
    #[error("{}: {what} is not there ({error}); card-os/firmware/toolchain and card-os/firmware/build make it", path.display())]
    Missing {
        /// What it is.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
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

/// QEMU, and what it runs.
#[derive(Debug, Clone)]
pub struct Emulator {
    qemu: PathBuf,
    firmware: PathBuf,
}

impl Emulator {
    /// QEMU for Arm by its path, or by its name in the search path; the firmware by its path.
    ///
    /// # Errors
    /// [`FirmwareError::Missing`].
    pub fn new(qemu: PathBuf, firmware: PathBuf) -> Result<Self, FirmwareError> {
        let missing = |what, path: &Path| {
            let path = path.to_owned();
            move |error| FirmwareError::Missing { what, path, error }
        };
        fs::metadata(&firmware).map_err(missing("the firmware", &firmware))?;
        let mut version = Command::new(&qemu);
        version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        version.status().map_err(missing("the emulator", &qemu))?;
        Ok(Emulator { qemu, firmware })
    }

    /// Starts it with a flash in a file. Gives the process, and the line to it.
    fn start(&self, folder: &Path, flash: &Path, seed: u64) -> Result<(Child, UnixStream), FirmwareError> {
        let socket = folder.join("line");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let mut command = Command::new(&self.qemu);
        command.args(["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-kernel"]).arg(&self.firmware);
        let flash = flash.display();
        command.arg("-semihosting-config").arg(format!("enable=on,target=native,arg=firmware,arg={flash},arg={seed}"));
        command.arg("-chardev").arg(format!("socket,id=line,path={}", socket.display()));
        command.args(["-serial", "chardev:line"]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let began = Instant::now();
        loop {
            match listener.accept() {
                Ok((line, _)) => {
                    line.set_nonblocking(false)?;
                    line.set_read_timeout(Some(PATIENCE))?;
                    return Ok((process, line));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
                Err(_) if process.try_wait()?.is_some() || began.elapsed() > START => {
                    return Err(FirmwareError::Ended(last_words(&mut process)));
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

/// Ends a process and gives the last line that it said.
fn last_words(process: &mut Child) -> String {
    let _ = process.kill();
    let _ = process.wait();
    let mut said = String::new();
    if let Some(error) = process.stderr.take() {
        let _ = error.take(1 << 16).read_to_string(&mut said);
    }
    said.lines().last().unwrap_or("it says nothing").to_owned()
}

/// A card in an emulator, until dropped.
#[derive(Debug)]
pub struct FirmwareCard {
    emulator: Emulator,
    image: Image,
    /// Where line and flash are.
    folder: PathBuf,
    /// What is in the image.
    saved: Zeroizing<Vec<u8>>,
    seed: u64,
    process: Child,
    line: UnixStream,
    atr: Vec<u8>,
}

impl FirmwareCard {
    /// Starts the card of this image. `folder` is nobody else's to read; `seed` is that of its randomness.
    ///
    /// # Errors
    /// [`FirmwareError`].
    pub fn start(emulator: Emulator, image: &Path, folder: PathBuf, seed: u64) -> Result<Self, FirmwareError> {
        let (image, flash) = Image::open(image)?;
        let saved = Zeroizing::new(flash.bytes().to_vec());
        let file = folder.join("flash");
        replace(&file, &saved)?;
        let (process, line) = emulator.start(&folder, &file, seed)?;
        let mut card = FirmwareCard { emulator, image, folder, saved, seed, process, line, atr: Vec::new() };
        card.atr = card.greet()?;
        Ok(card)
    }

    fn greet(&mut self) -> Result<Vec<u8>, FirmwareError> {
        match self.ask(ATR) {
            Ok(atr) => Ok(atr.to_vec()),
            Err(_) => Err(FirmwareError::Ended(last_words(&mut self.process))),
        }
    }

    fn ask(&mut self, message: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        frame::write(&mut self.line, message)?;
        frame::read(&mut self.line)
    }

    /// Puts into the image what the card has changed.
    fn save(&mut self) -> Result<(), FirmwareError> {
        let now = Zeroizing::new(fs::read(self.folder.join("flash"))?);
        if now != self.saved {
            let flash = Flash::from_bytes(now.to_vec()).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            self.image.save_all(&flash)?;
            self.saved = now;
        }
        Ok(())
    }

    /// Starts the emulator again, with the flash as it is.
    fn start_again(&mut self) -> Result<(), FirmwareError> {
        (self.process, self.line) = self.emulator.start(&self.folder, &self.folder.join("flash"), self.seed)?;
        self.atr = self.greet()?;
        Ok(())
    }
}

impl VirtualCard for FirmwareCard {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn power_on(&mut self) {
        let ended = !matches!(self.process.try_wait(), Ok(None));
        let started = if ended { self.start_again() } else { Ok(()) };
        if let Err(error) = started.and_then(|()| frame::write(&mut self.line, POWER_ON).map_err(Into::into)) {
            eprintln!("{error}; the card answers no more");
        }
    }

    fn power_off(&mut self) {
        // One that is gone has no power either.
        let _ = frame::write(&mut self.line, POWER_OFF);
    }

    fn reset(&mut self) {
        let _ = frame::write(&mut self.line, RESET);
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        // A message of one byte is a control, and none has no meaning: neither is a command.
        if command.len() < 2 {
            return Ok(vec![0x67, 0x00]);
        }
        let answer = self.ask(command).map_err(FirmwareError::from);
        match self.save().and(answer) {
            Ok(answer) => Ok(answer.to_vec()),
            Err(error) => {
                eprintln!("{error}; the card answers no more until it is started again");
                let _ = last_words(&mut self.process);
                Err(Silence::Mute)
            }
        }
    }
}

impl Drop for FirmwareCard {
    fn drop(&mut self) {
        let _ = last_words(&mut self.process);
    }
}
