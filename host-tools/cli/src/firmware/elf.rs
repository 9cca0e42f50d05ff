//! Where the firmware is.

use crate::failure::Failure;
use chip::Program;
use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The folder of Jitsuin's sources: this one, or one above it.
pub(super) fn sources() -> Result<PathBuf, Failure> {
    let here = env::current_dir()?;
    let found = here.ancestors().find(|folder| folder.join("card-os/firmware/build").exists());
    found.map(Path::to_owned).ok_or_else(|| {
        Failure::Usage("this is not in Jitsuin's sources, where the firmware is built: go there, or name an ELF".into())
    })
}

/// The firmware that was named, or the one that was built last in these sources.
pub(crate) fn elf(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let sources = sources()?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| sources.join("target"), |target| sources.join(target));
    let elf = target.join("firmware/thumbv7m-none-eabi/release/firmware");
    if elf.exists() {
        return Ok(elf);
    }
    Err(Failure::Refused(format!("{}: not built yet; `jitsuin firmware build` builds it", elf.display())))
}

/// The program in it.
pub(crate) fn program(named: Option<&Path>) -> Result<Arc<Program>, Failure> {
    let path = elf(named)?;
    let bytes = std::fs::read(&path).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
    let program = Program::parse(&bytes);
    program.map(Arc::new).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))
}
