//! The command line: one table that makes parser, help and error messages.

mod apply;
mod authority;
mod bench;
mod client;
mod conform;
mod explore;
mod firmware;
mod fuzz;
mod glitch;
mod issue;
mod kiosk;
mod learn;
mod login;
mod pin;
mod real;
mod serve;
mod service;
mod show;
mod trace;

pub(crate) use apply::{
    Apply, ApplyForm, ApplyList, ApplySend, ApplyServe, ApplyShow, ApplySign, ApplyStatus, ApplyVerify,
};
pub(crate) use authority::{Authority, AuthorityServe, ListVerifiers, RegisterVerifier};
pub(crate) use bench::{Bench, BenchOnce, Measured};
pub(crate) use client::{
    Certificate, Client, ClientChangePin, ClientExport, ClientFingerprint, ClientReaders, ClientRevoke, ClientShow,
    ClientStatus, ClientValidity, Language, OnCard,
};
pub(crate) use conform::{Allowed, Conform};
pub(crate) use explore::Explore;
pub(crate) use firmware::{Budget, Firmware, FirmwareBench, FirmwareBuild, FirmwarePanics, FirmwareRun, FirmwareSize};
pub(crate) use fuzz::Fuzz;
pub(crate) use glitch::Glitch;
pub(crate) use issue::{Issue, New, Person, Profiles, Sex};
pub(crate) use kiosk::{Jpki, Kiosk, KioskIssue, KioskReserve, KioskReset};
pub(crate) use learn::Learn;
pub(crate) use login::{Login, LoginServe, LoginTo};
pub(crate) use pin::{Pin, Pins, ResetPin};
pub(crate) use real::Real;
pub(crate) use serve::{Ctl, Emulator, Serve, Watch};
pub(crate) use service::{
    CallCentre, Cause, Certify, Clock, ClockAdvance, ClockSet, ClockShow, Counter, CounterCard, CounterForm, FormFor,
    Ledger, Now, Period, Register, Resident, ResidentChange, ResidentLeave, ResidentList, ResidentShow, Which,
};
pub(crate) use show::{Card, CardReport, Opening, Show};
pub(crate) use trace::{Format, Trace, TraceDiff, TraceExport, TraceFile, TraceReplay, TraceShow};

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use sim::backend::Backend;
use std::path::PathBuf;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Japan's My Number Card and its public certification service (JPKI), simulated end to end.
///
/// Without a command: `tour`. Everything here is a TEST: the keys, the authorities and the residents protect and prove
/// nothing.
#[derive(Debug, Parser)]
#[command(name = "jitsuin", version, max_term_width = 120)]
#[command(after_help = "Exit codes: 0 done, 1 a check failed or an operation was refused, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything at once: a fresh world, a card issued over its PC/SC socket, and the card proved.
    Tour(Played),
    /// Play ten years of one card: issue, use, move, loss, release, lock, renewal, marriage, revocation, expiry; and the ledger.
    Story(Played),
    /// Make a world: two certificate authorities and an empty box of cards.
    New(New),
    /// List the kinds of cards that can be issued.
    Profiles(Profiles),
    /// Invent residents who can be given cards.
    Person(Person),
    /// Issue a card to a resident; its id stands alone on the last line.
    Issue(Issue),
    /// Set the clock of a world.
    #[command(subcommand)]
    Clock(Clock),
    /// The residents' register 住民基本台帳.
    #[command(subcommand)]
    Resident(Resident),
    /// The municipal counter 市区町村窓口: certificates issued, renewed, released, revoked; cards taken back.
    #[command(subcommand)]
    Counter(Counter),
    /// The call centre コールセンター.
    #[command(subcommand, name = "callcentre")]
    CallCentre(CallCentre),
    /// The certification authorities over HTTP: OCSP, CRLs, fingerprints; and the verifiers who may ask.
    #[command(subcommand)]
    Authority(Authority),
    /// Electronic applications 電子申請: signed on a card, sent, judged, received.
    #[command(subcommand)]
    Apply(Apply),
    /// Log in with the user authentication certificate 利用者証明: a service, and the program that does it.
    #[command(subcommand)]
    Login(Login),
    /// The kiosk in a shop コンビニ交付: copies of the resident record, PINs reset by reservation.
    #[command(subcommand)]
    Kiosk(Kiosk),
    /// Print the ledger of a world: every event, in order, never changed.
    Ledger(Ledger),
    /// Put cards into virtual readers until interrupted.
    Serve(Serve),
    /// Be the hand at the readers of a running `jitsuin serve`: insert, remove, swap, pull, keep, restore.
    Ctl(Ctl),
    /// Look at the readers of a running `jitsuin serve`, live: cards, PINs, decoded traffic, rates.
    Watch(Watch),
    /// What is done with traces: shown, counted, compared, replayed, exported.
    #[command(subcommand)]
    Trace(Trace),
    /// Prove a card: chain, key pairs, access conditions, tries, lock, signatures of every scheme.
    Check(Check),
    /// The user client software 利用者クライアントソフト: certificates shown and written to files, PINs changed at home.
    #[command(subcommand)]
    Client(Client),
    /// Hold a card against the conformance cases: the simulated one, or anybody's.
    Conform(Conform),
    /// Walk every state of the card's PINs, with the power cut at every word.
    Explore(Explore),
    /// Fuzz card, codec, sockets and readers, with a live view; findings become scripts.
    Fuzz(Fuzz),
    /// Learn a card's automaton by asking, and tell it apart from another card's or from the specification's.
    Learn(Learn),
    /// The card as the program of a Cortex-M3: built, run in an emulator, measured to the instruction.
    #[command(subcommand)]
    Firmware(Firmware),
    /// Hurt the firmware at every instruction of a command, and see whether the card opens.
    Glitch(Glitch),
    /// Show what a card holds: everything that is free, and what the values given here open.
    Show(Show),
    /// Write a card down for people.
    #[command(subcommand)]
    Card(Card),
    /// Send command APDUs and explain the answers.
    Apdu(Apdu),
    /// Unlock a PIN through the issuer channel, as the municipal counter does.
    ResetPin(ResetPin),
    /// Measure the engine beside other libraries, and the card and its socket beside the engine.
    Bench(Bench),
    /// Do one operation of a benchmark so many times, to be counted by callgrind.
    #[command(hide = true)]
    BenchOnce(BenchOnce),
}

/// `jitsuin tour`, `jitsuin story`: a world of its own.
#[derive(Debug, Args, Default)]
pub(crate) struct Played {
    /// Keep the world in this folder (which must not exist) instead of removing it.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Make the same keys and certificates each time.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin check`
#[derive(Debug, Args)]
#[command(
    after_help = "Of a card of a world PINs that are not given are those of a fresh one, 1234 and ABC123. Of a card in a reader only what is \
                        given is presented, and only what changes nothing is checked."
)]
pub(crate) struct Check {
    /// World folder.
    #[arg(required_unless_present = "reader", requires = "card")]
    pub world: Option<PathBuf>,
    /// Card id.
    pub card: Option<String>,
    #[command(flatten)]
    pub real: Real,
    #[command(flatten)]
    pub pins: Pins,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin apdu`
#[derive(Debug, Args)]
#[command(
    override_usage = "jitsuin apdu [OPTIONS] WORLD CARD [HEX]...\n       jitsuin apdu [OPTIONS] --reader NAME --real-card [HEX]..."
)]
pub(crate) struct Apdu {
    /// World folder, card id, and command APDUs in hexadecimal; with --reader APDUs alone. Without any, standard input is read, one a
    /// line. `power` and `reset` work too.
    #[arg(value_name = "WORLD CARD HEX")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub real: Real,
    /// Show My Number and the card's face, from which 照合番号A and B follow, where they are read. PINs are never shown.
    #[arg(long)]
    pub reveal: bool,
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// The engines by name, for the parser to list; whether one runs here is found out when it is wanted.
fn engine() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(Backend::ALL.map(Backend::name)).try_map(|name| name.parse::<Backend>())
}

/// A day.
fn day(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(|_| "not YYYY-MM-DD".into())
}

/// A moment, or a day, which stands for its noon in Japan.
fn moment(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(day) = day(text) {
        return Ok(day.with_hms(3, 0, 0).map_err(|error| error.to_string())?.assume_utc());
    }
    let moment = OffsetDateTime::parse(text, &Rfc3339);
    moment.map_err(|_| "neither YYYY-MM-DD nor a time such as 2030-04-01T09:00:00+09:00".into())
}
