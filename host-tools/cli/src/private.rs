//! Files that only their owner reads.

use crate::failure::Failure;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Makes a folder, if there is none.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))
}

/// Writes a file; one that exists is left alone without `force`.
pub(crate) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let said = |error: std::io::Error| {
        Failure::Refused(if error.kind() == ErrorKind::AlreadyExists {
            format!("{}: exists already; --force overwrites it", path.display())
        } else {
            format!("{}: {error}", path.display())
        })
    };
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(path).map_err(said)?;
    // One that was there before keeps its mode, and its readers.
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(said)?;
    file.write_all(bytes).map_err(said)
}
