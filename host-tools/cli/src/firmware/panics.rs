//! `jitsuin firmware panics`: which functions of the linked program can end in a panic.

use super::{elf::sources, program};
use crate::{args, failure::Failure, out::say};
use chip::Program;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Longest file of reasons.
const LIMIT: u64 = 64 << 10;

pub(super) fn run(panics: &args::FirmwarePanics) -> Result<(), Failure> {
    let program = program(panics.firmware.as_deref())?;
    let found = ends(&program);
    if panics.json {
        crate::print_json(&found)?;
    } else {
        for (function, ways) in &found {
            say!("{:>4}  {function}", ways.len());
        }
        say!("{} functions of {} can end in a panic", found.len(), functions(&program));
    }
    if !panics.check {
        return Ok(());
    }
    let path = match &panics.reasons {
        Some(path) => path.clone(),
        None => sources()?.join("card-os/firmware/panics.toml"),
    };
    let wrong = |what: &dyn std::fmt::Display| Failure::Usage(format!("{}: {what}", path.display()));
    if fs::metadata(&path).map_err(|error| wrong(&error))?.len() > LIMIT {
        return Err(wrong(&"longer than any list of reasons"));
    }
    let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
    let reasons: BTreeMap<String, String> = toml::from_str(&text).map_err(|error| wrong(&error))?;
    let unexplained: Vec<&str> = found.keys().map(String::as_str).filter(|name| !reasons.contains_key(*name)).collect();
    if unexplained.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!("no reason in {} for:\n{}", path.display(), unexplained.join("\n"))))
}

fn functions(program: &Program) -> usize {
    program.symbols().iter().filter(|symbol| symbol.is_code).count()
}

/// Functions that branch to a panic, with the places in them. What the compiler has put apart from many functions, and what only passes on, is
/// not itself one.
fn ends(program: &Program) -> BTreeMap<String, Vec<u32>> {
    let branches: Vec<(u32, u32)> = program.branches().collect();
    let mut panics: BTreeSet<&str> =
        program.symbols().iter().map(|symbol| symbol.name.as_str()).filter(|name| is_panic(name)).collect();
    let names = |address| program.at(address).map(|symbol| symbol.name.as_str());
    loop {
        let mut found: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut more = None;
        for (from, to) in &branches {
            let (Some(caller), Some(called)) = (names(*from), names(*to)) else { continue };
            if !panics.contains(called) || panics.contains(caller) {
                continue;
            }
            if caller.starts_with("OUTLINED_FUNCTION_") {
                more = Some(caller);
            }
            found.entry(caller.to_owned()).or_default().push(*from);
        }
        match more {
            Some(outlined) => drop(panics.insert(outlined)),
            None => return found,
        }
    }
}

fn is_panic(name: &str) -> bool {
    let of_core = name.starts_with("core::") && (name.contains("panicking::") || name.contains("_fail"));
    of_core || name == "rust_begin_unwind" || name.ends_with("::rust_begin_unwind")
}
