//! What goes wrong, and the exit code that tells it.

use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A check failed or an operation was refused: exit code 1.
    Refused(String),
    /// The command line, or what it names, is wrong: exit code 2.
    Usage(String),
    /// Something that a command has an exit code of its own for.
    Other(u8, String),
}

impl Failure {
    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Refused(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Other(code, _) => *code,
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Refused(what) | Failure::Usage(what) | Failure::Other(_, what) => f.write_str(what),
        }
    }
}

/// Everything the libraries say is a refusal; what is a matter of usage is said where the arguments are read.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Refused(error.to_string())
    }
}
