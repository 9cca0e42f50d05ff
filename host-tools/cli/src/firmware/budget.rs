//! What the firmware may take: `card-os/firmware/budget.toml`.

use super::elf::sources;
use crate::failure::Failure;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};
use trial::costs::Cost;

/// Longest file.
const LIMIT: u64 = 64 << 10;

/// The budget.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// Bytes of program memory.
    pub(super) flash: u64,
    /// Bytes of RAM, the deepest stack among them.
    pub(super) ram: u64,
    /// Most of each act, by its name.
    pub(super) acts: BTreeMap<String, Cost>,
}

impl Budget {
    /// Reads one; without a path, the one of these sources.
    pub(super) fn read(path: Option<&Path>) -> Result<Budget, Failure> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => sources()?.join("card-os/firmware/budget.toml"),
        };
        let wrong = |what: &dyn std::fmt::Display| Failure::Usage(format!("{}: {what}", path.display()));
        let length = fs::metadata(&path).map_err(|error| wrong(&error))?.len();
        if length > LIMIT {
            return Err(wrong(&"longer than any budget"));
        }
        let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
        toml::from_str(&text).map_err(|error| wrong(&error))
    }
}
