//! `jitsuin fuzz`: the fuzz targets under libFuzzer, looked at while they run.

mod campaign;
mod progress;

use crate::{args, failure::Failure, out::say};
use campaign::Campaign;
use std::path::{Path, PathBuf};
use trial::script;

/// Most bytes of an input that is turned into a script.
const INPUT_MAX: u64 = 1 << 20;

/// `jitsuin fuzz`
pub(crate) fn run(args: &args::Fuzz) -> Result<(), Failure> {
    if let (Some(input), [target]) = (&args.script, &args.target[..]) {
        return print_script(target, input);
    }
    let folder = folder(args.folder.as_deref())?;
    let known = targets(&folder)?;
    if args.list {
        known.iter().for_each(|target| say!("{target}"));
        return Ok(());
    }
    if let Some(unknown) = args.target.iter().find(|target| !known.contains(target)) {
        return Err(Failure::Usage(format!("no target {unknown}; there are {}", known.join(", "))));
    }
    let wanted = if args.target.is_empty() { known } else { args.target.clone() };
    let campaign = Campaign { folder, seconds: args.time, jobs: args.jobs.into() };
    let outcomes = campaign.run(&wanted)?;
    if args.json {
        crate::print_json(&outcomes)?;
    } else {
        outcomes.iter().for_each(|outcome| say!("{outcome}"));
    }
    match outcomes.iter().filter(|outcome| outcome.is_bad()).count() {
        0 => Ok(()),
        bad => {
            Err(Failure::Refused(format!("{bad} of {} targets broke; what broke them is named above", outcomes.len())))
        }
    }
}

fn print_script(target: &str, input: &Path) -> Result<(), Failure> {
    let named = |error: std::io::Error| Failure::Usage(format!("{}: {error}", input.display()));
    if std::fs::metadata(input).map_err(named)?.len() > INPUT_MAX {
        return Err(Failure::Usage(format!("{}: more than {INPUT_MAX} bytes", input.display())));
    }
    let bytes = std::fs::read(input).map_err(named)?;
    let script = script::of(target, &bytes).ok_or_else(|| {
        let lives = script::TARGETS.join(", ");
        Failure::Usage(format!("inputs of {target} are not the life of a card; those of {lives} are"))
    })?;
    say!("{}", script.trim_end());
    Ok(())
}

/// The fuzz folder: the one that is named, or the nearest.
fn folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let is_one = |folder: &Path| folder.join("run").is_file() && folder.join("targets").is_dir();
    if let Some(folder) = named {
        let absolute = std::path::absolute(folder)?;
        return match is_one(&absolute) {
            true => Ok(absolute),
            false => Err(Failure::Usage(format!("{}: no fuzz folder of this project", folder.display()))),
        };
    }
    let here = std::env::current_dir()?;
    here.ancestors().map(|folder| folder.join("fuzz")).find(|folder| is_one(folder)).ok_or_else(|| {
        Failure::Usage("no fuzz folder here or above; go to the project's source, or name it with --folder".into())
    })
}

/// The names of the targets.
fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.join("targets"))? {
        let path = entry?.path();
        if let Some(name) =
            path.file_stem().and_then(|name| name.to_str()).filter(|_| path.extension() == Some("rs".as_ref()))
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
