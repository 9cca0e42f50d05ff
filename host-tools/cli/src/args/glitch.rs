//! `jitsuin glitch`

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use std::path::PathBuf;
use trial::glitch::{Model, Target};

/// `jitsuin glitch`
#[derive(Debug, Args)]
#[command(
    after_help = "Commands: `verify`, a wrong PIN; `change`, a PIN changed by who does not know it; `read`, a certificate that wants the password; \
                  `sign`, a signature without the PIN; `signature`, one with the PIN, whose value must be right; `authenticate`, a host without \
                  the issuer's keys; `forged`, an issuer's command with a wrong MAC.\n\n\
                  Outcomes: `same` and `other` answers with nothing open; `mute`; `garbled`, bytes spoilt on the line, which say nothing of the key; \
                  and what is not harmless: `free`, a value was compared and no try charged; `opened`; `factored`, a wrong signature that gives the key \
                  away.\n\n\
                  Exit codes: 0 every glitch was harmless, 1 one was not, 2 wrong usage."
)]
pub(crate) struct Glitch {
    /// Attack this command alone; may be given more than once.
    #[arg(long, value_name = "COMMAND", value_parser = PossibleValuesParser::new(Target::ALL.map(Target::name)).map(target))]
    pub command: Vec<Target>,
    /// Only this kind of glitch; may be given more than once.
    #[arg(long, value_name = "MODEL", value_parser = PossibleValuesParser::new(Model::ALL.map(Model::name)).map(model))]
    pub model: Vec<Model>,
    /// Hurt so many instructions of each command, spread evenly [default: every one].
    #[arg(long, value_name = "N")]
    pub points: Option<u64>,
    /// Hurt so many instructions of `signature`, spread evenly: there are fifty million, and each takes a second.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub signatures: u64,
    /// Bits of registers, by chance, at each instruction.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub registers: u8,
    /// Of that chance.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: one for each processor].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Draw the program, with every instruction that was hurt.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// The firmware [default: what `jitsuin firmware build` built].
    #[arg(value_name = "ELF")]
    pub firmware: Option<PathBuf>,
}

fn target(name: String) -> Target {
    Target::ALL.into_iter().find(|target| target.name() == name).expect("one of the possible values")
}

fn model(name: String) -> Model {
    Model::ALL.into_iter().find(|model| model.name() == name).expect("one of the possible values")
}
