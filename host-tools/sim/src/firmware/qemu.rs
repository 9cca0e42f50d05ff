//! QEMU: a process of its own, whose serial line is a Unix socket and whose flash lasts in a file.

use super::{FirmwareError, Machine};
use crate::{image::replace, vpcd::frame};
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

/// QEMU, and what it runs.
#[derive(Debug)]
pub struct Qemu {
    program: PathBuf,
    firmware: PathBuf,
    /// Where line and flash are.
    folder: PathBuf,
    running: Option<(Child, UnixStream)>,
}

impl Qemu {
    /// QEMU for Arm by its path, or by its name in the search path; the firmware by its path; a folder that is nobody else's to read.
    /// Nothing is started yet.
    ///
    /// # Errors
    /// [`FirmwareError::Missing`].
    pub fn new(program: PathBuf, firmware: PathBuf, folder: PathBuf) -> Result<Self, FirmwareError> {
        let missing = |what, path: &Path| {
            let path = path.to_owned();
            move |error| FirmwareError::Missing { what, path, error }
        };
        fs::metadata(&firmware).map_err(missing("the firmware", &firmware))?;
        if let Some(error) = Qemu::is_missing(&program) {
            return Err(missing("the emulator", &program)(error));
        }
        Ok(Qemu { program, firmware, folder, running: None })
    }

    /// Why there is no such program, if so.
    #[must_use]
    pub fn is_missing(program: &Path) -> Option<io::Error> {
        let mut version = Command::new(program);
        version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        version.status().err()
    }

    /// The file of the flash.
    fn file(&self) -> PathBuf {
        self.folder.join("flash")
    }

    fn line(&mut self) -> Result<&mut UnixStream, FirmwareError> {
        match &mut self.running {
            Some((_, line)) => Ok(line),
            None => Err(FirmwareError::Ended("it was not started".into())),
        }
    }
}

/// Ends a process and gives the last line that it said.
fn last_words(mut process: Child) -> String {
    let _ = process.kill();
    let _ = process.wait();
    let mut said = String::new();
    if let Some(error) = process.stderr.take() {
        let _ = error.take(1 << 16).read_to_string(&mut said);
    }
    said.lines().last().unwrap_or("it says nothing").to_owned()
}

impl Machine for Qemu {
    fn start(&mut self, flash: &[u8], seed: u64) -> Result<(), FirmwareError> {
        self.end();
        let file = self.file();
        replace(&file, flash)?;
        let socket = self.folder.join("line");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let mut command = Command::new(&self.program);
        command.args(["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-kernel"]).arg(&self.firmware);
        let file = file.display();
        command.arg("-semihosting-config").arg(format!("enable=on,target=native,arg=firmware,arg={file},arg={seed}"));
        command.arg("-chardev").arg(format!("socket,id=line,path={}", socket.display()));
        command.args(["-serial", "chardev:line"]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let began = Instant::now();
        loop {
            match listener.accept() {
                Ok((line, _)) => {
                    line.set_nonblocking(false)?;
                    line.set_read_timeout(Some(PATIENCE))?;
                    self.running = Some((process, line));
                    return Ok(());
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
                Err(_) if process.try_wait()?.is_some() || began.elapsed() > START => {
                    return Err(FirmwareError::Ended(last_words(process)));
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn tell(&mut self, message: &[u8]) -> Result<(), FirmwareError> {
        Ok(frame::write(self.line()?, message)?)
    }

    fn ask(&mut self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, FirmwareError> {
        let line = self.line()?;
        frame::write(line, message)?;
        Ok(frame::read(line)?)
    }

    fn flash(&self) -> Result<Zeroizing<Vec<u8>>, FirmwareError> {
        Ok(Zeroizing::new(fs::read(self.file())?))
    }

    fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|(process, _)| matches!(process.try_wait(), Ok(None)))
    }

    fn end(&mut self) -> String {
        self.running.take().map_or_else(String::new, |(process, _)| last_words(process))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.end();
    }
}
