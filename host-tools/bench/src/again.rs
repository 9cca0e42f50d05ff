//! Starting this program again with another environment: some libraries read theirs once, before anybody can change it.

use crate::error::BenchError;
use std::{env, ffi::OsStr, os::unix::process::CommandExt, process::Command};

/// What OpenSSL, and AWS-LC after it, read to ignore what the processor offers. (OPENSSL_ia32cap(3))
pub const CAPABILITIES: &str = "OPENSSL_ia32cap";

/// After the colon stand EBX and ECX of CPUID leaf 7; bit 21 of EBX is AVX512-IFMA.
pub const NO_IFMA: &str = ":~0x200000";

/// Makes sure that this process was started with this variable: starts it again where it was not, and comes back only where
/// it was.
///
/// # Errors
/// [`BenchError::Io`] where the program cannot be started.
pub fn with(variable: &str, value: &OsStr) -> Result<(), BenchError> {
    if env::var_os(variable).as_deref() == Some(value) {
        return Ok(());
    }
    let program = env::current_exe().map_err(|error| BenchError::Io("this program".into(), error))?;
    let error = Command::new(&program).args(env::args_os().skip(1)).env(variable, value).exec();
    Err(BenchError::Io(program.display().to_string(), error))
}

/// What OpenSSL was told to ignore, if anything.
#[must_use]
pub fn mask() -> Option<String> {
    env::var_os(CAPABILITIES).map(|mask| mask.to_string_lossy().into_owned())
}
