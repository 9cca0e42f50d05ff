//! What the firmware may take: `card-os/firmware/budget.toml`.

use super::elf::sources;
use crate::{args, failure::Failure};
use serde::Deserialize;
use std::{collections::BTreeMap, fs};
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
    /// The one to be held against, if so; where none is named, that of these sources.
    pub(super) fn read(asked: &args::Budget) -> Result<Option<Budget>, Failure> {
        if !asked.check {
            return Ok(None);
        }
        let path = match &asked.file {
            Some(path) => path.clone(),
            None => sources()?.join("card-os/firmware/budget.toml"),
        };
        let wrong = |what: &dyn std::fmt::Display| Failure::Usage(format!("{}: {what}", path.display()));
        let length = fs::metadata(&path).map_err(|error| wrong(&error))?.len();
        if length > LIMIT {
            return Err(wrong(&"longer than any budget"));
        }
        let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
        toml::from_str(&text).map(Some).map_err(|error| wrong(&error))
    }
}
