//! Test data with a named source, and its loader.
//!
//! Files under `data/` say in their first lines where their expectations come from: a clause of a standard, a line of the
//! card specification, another implementation. One made by this project's own code is marked `self-made`, because it can
//! only show that something changed, not that it was right.
//!
//! Suites that are not copied into the project are read from the folder that `JITSUIN_VECTORS` names; see [`outside`].

pub mod blocks;
pub mod script;
pub mod signatures;

use std::path::{Path, PathBuf};

/// A file of this crate's `data` folder.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// The text of a file of this crate's `data` folder.
///
/// # Panics
/// Where it cannot be read: tests cannot go on without it.
#[must_use]
pub fn text(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of an outside suite, below the folder named by `JITSUIN_VECTORS`. `None`, with a loud word, where that is unset
/// and `JITSUIN_REQUIRE_TOOLS` does not insist.
///
/// # Panics
/// Where the suite is required and missing.
#[must_use]
pub fn outside(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("JITSUIN_VECTORS") else {
        skipped(&format!("{name}: set JITSUIN_VECTORS to the absolute path of the folder of outside test suites"));
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there; JITSUIN_VECTORS names the folder of outside test suites", path.display()));
    None
}

/// Says loudly that a test does not run, and why; fails instead where `JITSUIN_REQUIRE_TOOLS` is set.
///
/// # Panics
/// Where `JITSUIN_REQUIRE_TOOLS` is set.
pub fn skipped(why: &str) {
    assert!(std::env::var_os("JITSUIN_REQUIRE_TOOLS").is_none(), "a required check cannot run: {why}");
    eprintln!("\n*** SKIPPED *** {why}\n");
}
