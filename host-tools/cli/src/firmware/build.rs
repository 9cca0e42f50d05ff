//! `jitsuin firmware build`

use super::elf::sources;
use crate::{args, failure::Failure, out::say};
use std::process::{Command, Stdio};

pub(super) fn run(build: &args::FirmwareBuild) -> Result<(), Failure> {
    let sources = sources()?;
    if !build.no_toolchain {
        eprintln!(
            "looking for a compiler with the core library of a Cortex-M3, and for QEMU (two minutes, the first time)"
        );
        step(
            Command::new("card-os/firmware/toolchain").current_dir(&sources).stdout(Stdio::null()),
            "card-os/firmware/toolchain",
        )?;
    }
    eprintln!("building");
    let made = step(Command::new("card-os/firmware/build").current_dir(&sources), "card-os/firmware/build")?;
    say!("{}", made.trim());
    Ok(())
}

/// Runs one of the scripts; what it says on standard error is seen. Gives what it printed.
fn step(command: &mut Command, name: &str) -> Result<String, Failure> {
    let done =
        command.stderr(Stdio::inherit()).output().map_err(|error| Failure::Refused(format!("{name}: {error}")))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let advice =
        "where Debian's packages are not to be had, `rustup target add thumbv7m-none-eabi` is all that is needed";
    Err(Failure::Refused(format!("{name} ended with {}; {advice}", done.status)))
}
