//! `jitsuin firmware`

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `jitsuin firmware`
#[derive(Debug, Subcommand)]
pub(crate) enum Firmware {
    /// Build the firmware, and get a compiler for it first where there is none. Prints the ELF.
    Build(FirmwareBuild),
    /// Start a card in the emulator of this program, send it commands, and tell what each cost.
    Run(FirmwareRun),
    /// What takes how many bytes.
    Size(FirmwareSize),
    /// Count instructions, stack and written words of every command, and see that no count tells secrets apart.
    Bench(FirmwareBench),
    /// Which functions of the linked program can end in a panic.
    Panics(FirmwarePanics),
}

/// `jitsuin firmware build`
#[derive(Debug, Args)]
#[command(
    after_help = "Run it in Jitsuin's sources. Nothing is installed: Debian's compiler and QEMU are unpacked under target/."
)]
pub(crate) struct FirmwareBuild {
    /// Do not look for compiler and QEMU.
    #[arg(long)]
    pub no_toolchain: bool,
}

/// `jitsuin firmware run`
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is written: the card is a copy. Without APDUs they are read from standard input, one a line; what stands \
                        behind # is a comment. Every PIN of a sample card is 1234, its signature password ABC123."
)]
pub(crate) struct FirmwareRun {
    /// Command APDUs in hexadecimal.
    #[arg(value_name = "APDU")]
    pub commands: Vec<String>,
    /// The firmware [default: what `jitsuin firmware build` built].
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    /// Kind of sample card: blank, issued, no-signature, jpki-only, android, iphone, juki-card.
    #[arg(long, value_name = "KIND", default_value = "issued", conflicts_with = "image")]
    pub card: String,
    /// Take a copy of this card image instead.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Seed of the card's randomness.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Print the exchanges as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What the firmware is held against.
#[derive(Debug, Args)]
pub(crate) struct Budget {
    /// Fail where something is above the budget.
    #[arg(long)]
    pub check: bool,
    /// The budget [default: card-os/firmware/budget.toml].
    #[arg(long = "budget", value_name = "FILE", requires = "check")]
    pub file: Option<PathBuf>,
}

/// `jitsuin firmware size`
#[derive(Debug, Args)]
pub(crate) struct FirmwareSize {
    /// The firmware [default: what `jitsuin firmware build` built].
    #[arg(value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    /// Name so many of the largest functions and tables.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    #[command(flatten)]
    pub budget: Budget,
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin firmware bench`
#[derive(Debug, Args)]
#[command(
    after_help = "Instructions are counted, not timed: the same firmware gives the same numbers on every machine. All wrong PINs of four \
                        digits must take the same number, and so must signatures of different inputs.\n\n\
                        Exit codes: 0 within the budget and nothing told apart, 1 not so, 2 wrong usage."
)]
pub(crate) struct FirmwareBench {
    /// The firmware [default: what `jitsuin firmware build` built].
    #[arg(value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    #[command(flatten)]
    pub budget: Budget,
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin firmware panics`
#[derive(Debug, Args)]
#[command(
    after_help = "A function is one that branches to a panic of the core library in the linked program, whether or not it ever does."
)]
pub(crate) struct FirmwarePanics {
    /// The firmware [default: what `jitsuin firmware build` built].
    #[arg(value_name = "ELF")]
    pub firmware: Option<PathBuf>,
    /// Fail where one of them has no reason in the file of reasons.
    #[arg(long)]
    pub check: bool,
    /// The file of reasons [default: card-os/firmware/panics.toml].
    #[arg(long, value_name = "FILE", requires = "check")]
    pub reasons: Option<PathBuf>,
    /// Print functions and addresses as JSON.
    #[arg(long)]
    pub json: bool,
}
