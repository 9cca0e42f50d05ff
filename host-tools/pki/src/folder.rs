//! Files of a world's folder: read with a limit, written as a whole.

use crate::{ca::CaError, keys::KeyError};
use serde::{Serialize, de::DeserializeOwned};
use sim::image::replace;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Largest file that is read, in bytes.
const MOST: u64 = 1 << 20;

/// Why the folder cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// A file that does not make sense.
    #[error("{}: damaged ({what}); put back a copy of it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// An authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl FolderError {
    /// What the operating system said about a file.
    pub fn io(path: impl Into<PathBuf>, error: io::Error) -> Self {
        FolderError::Io { path: path.into(), error }
    }

    /// A file that does not make sense.
    pub fn damaged(path: impl Into<PathBuf>, what: impl ToString) -> Self {
        FolderError::Damaged { path: path.into(), what: what.to_string() }
    }
}

/// Makes a folder.
///
/// # Errors
/// [`FolderError::Io`].
pub fn make(path: &Path) -> Result<PathBuf, FolderError> {
    fs::create_dir_all(path).map_err(|error| FolderError::io(path, error))?;
    Ok(path.into())
}

/// Replaces a file as a whole, mode 0600.
///
/// # Errors
/// [`FolderError::Io`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    replace(path, bytes).map_err(|error| FolderError::io(path, error))
}

/// Replaces a JSON file.
///
/// # Errors
/// [`FolderError`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FolderError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| FolderError::damaged(path, error))?;
    text.push(b'\n');
    write(path, &text)
}

/// Reads a file that is not larger than any of a world's.
///
/// # Errors
/// [`FolderError`].
pub fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    let io = |error| FolderError::io(path, error);
    if fs::metadata(path).map_err(io)?.len() > MOST {
        return Err(FolderError::damaged(path, "larger than any file of a world"));
    }
    fs::read(path).map_err(io)
}

/// Reads a JSON file.
///
/// # Errors
/// [`FolderError`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    serde_json::from_slice(&read(path)?).map_err(|error| FolderError::damaged(path, error))
}
