//! The command line: one table that makes parser, help and error messages.

mod apply;
mod authority;
mod client;
mod kiosk;
mod login;
mod service;

pub(crate) use apply::{
    Apply, ApplyForm, ApplyList, ApplySend, ApplyServe, ApplyShow, ApplySign, ApplyStatus, ApplyVerify,
};
pub(crate) use authority::{Authority, AuthorityServe, ListVerifiers, RegisterVerifier};
pub(crate) use client::{
    Certificate, Client, ClientChangePin, ClientExport, ClientFingerprint, ClientReaders, ClientRevoke, ClientShow,
    ClientStatus, ClientValidity, Language, OnCard,
};
pub(crate) use kiosk::{Jpki, Kiosk, KioskIssue, KioskReserve, KioskReset};
pub(crate) use login::{Login, LoginServe, LoginTo};
pub(crate) use service::{
    CallCentre, Cause, Certify, Clock, ClockAdvance, ClockSet, ClockShow, Counter, CounterCard, CounterForm, FormFor,
    Ledger, Now, Period, Register, Resident, ResidentChange, ResidentLeave, ResidentList, ResidentShow, Which,
};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
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
    Tour(Tour),
    /// Play ten years of one card: issue, use, move, loss, release, lock, renewal, marriage, revocation, expiry; and the ledger.
    Story(Story),
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
    /// Put a card into a virtual reader until interrupted.
    Serve(Serve),
    /// Prove a card: chain, key pairs, access conditions, tries, lock, signatures of every scheme.
    Check(Check),
    /// The user client software 利用者クライアントソフト: certificates shown and written to files, PINs changed at home.
    #[command(subcommand)]
    Client(Client),
    /// Hold a card against the conformance cases: the simulated one, or anybody's.
    Conform(Conform),
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

/// `jitsuin tour`
#[derive(Debug, Args, Default)]
pub(crate) struct Tour {
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

/// `jitsuin story`
#[derive(Debug, Args)]
pub(crate) struct Story {
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

/// `jitsuin new`
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Folder to make.
    pub world: PathBuf,
    /// Make the same keys each time. Whoever knows the seed knows every key.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Give each card issuer keys of its own, derived from a master key in the world, instead of the published test key set.
    #[arg(long)]
    pub diversified_keys: bool,
    /// Keep what the world knows in this PostgreSQL database instead of a file in the folder: postgres://USER@HOST/NAME, empty.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin profiles`
#[derive(Debug, Args)]
pub(crate) struct Profiles {
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Sex as the resident record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sex {
    /// 男
    Male,
    /// 女
    Female,
    /// Not recorded.
    Unknown,
    /// 適用不能
    NotApplicable,
}

/// `jitsuin person`
#[derive(Debug, Args)]
#[command(after_help = "One resident is one JSON object, several are a list:\n  \
    jitsuin person --json | jitsuin issue WORLD --person -\n\
    My Numbers begin with 00000 and have right check digits. Never put a real one in their place.")]
pub(crate) struct Person {
    /// Invent the same people each time.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
    /// Completed years from A to B, both included, at most 110.
    #[arg(long, value_name = "A..B", default_value = "0..105", value_parser = ages)]
    pub age: std::ops::RangeInclusive<u8>,
    /// Day on which they are that old [default: today in Japan].
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub on: Option<String>,
    /// Only people whose text 券面入力補助 is below 128 bytes, as simple clients expect it.
    #[arg(long, conflicts_with = "long")]
    pub short: bool,
    /// Only people whose text is longer: addresses of up to 200 characters.
    #[arg(long)]
    pub long: bool,
    /// Write what is on the faces of their cards into this folder: texts as PNG, photos as JPEG 2000 (JP2).
    #[arg(long, value_name = "DIR")]
    pub faces: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin issue`
#[derive(Debug, Args)]
#[command(after_help = "Many cards at once, on every processor:\n  \
    jitsuin issue WORLD --count 1000\n\
    Ctrl-C stops after the cards in hand; --resume BATCH goes on, also after a crash and in several processes at once. A batch \
    keeps no PINs: give --auth-pin and the others again. What a crash leaves under cards/ without being listed by \
    `jitsuin show` is no card of the world.")]
pub(crate) struct Issue {
    /// World folder.
    pub world: PathBuf,
    /// A resident: sample-1 or sample-2, which come with the tool, a JSON file of `jitsuin person`, or - for standard input.
    #[arg(long, value_name = "SAMPLE|FILE", conflicts_with_all = ["name", "address", "birth", "sex", "count"])]
    pub person: Option<String>,
    /// Name, family and given name separated by an ideographic space.
    #[arg(long, requires_all = ["address", "birth", "sex"], conflicts_with = "count")]
    pub name: Option<String>,
    /// Address from the prefecture on, at most 200 characters.
    #[arg(long, requires = "name")]
    pub address: Option<String>,
    /// Date of birth.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "name")]
    pub birth: Option<String>,
    /// Sex.
    #[arg(long, requires = "name")]
    pub sex: Option<Sex>,
    /// User authentication PIN 利用者証明用暗証番号: four digits.
    #[arg(long, value_name = "PIN", default_value = "1234")]
    pub auth_pin: String,
    /// Signature password 署名用暗証番号: 6 to 16 characters of A-Z and 0-9, with both.
    #[arg(long, value_name = "PASSWORD", default_value = "ABC123")]
    pub sign_pin: String,
    /// 住民基本台帳用暗証番号: four digits.
    #[arg(long, value_name = "PIN", default_value = "1234")]
    pub residents_pin: String,
    /// 券面事項入力補助用暗証番号: four digits.
    #[arg(long, value_name = "PIN", default_value = "1234")]
    pub form_pin: String,
    /// Kind of card: a name of `jitsuin profiles`, or a file of that form.
    #[arg(long, value_name = "NAME|FILE", default_value = "card", conflicts_with = "resume")]
    pub profile: String,
    /// Let the card make its key pairs itself instead of importing them.
    #[arg(long)]
    pub on_card_keys: bool,
    /// Issue no signature certificate: the applicant blackened its box "not wanted".
    #[arg(long)]
    pub no_signature: bool,
    /// Issue no user authentication certificate.
    #[arg(long)]
    pub no_authentication: bool,
    /// Last day of the stay of a foreign resident who is not on the register yet.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, conflicts_with = "count")]
    pub stay_ends: Option<Date>,
    /// Issue a batch of so many cards to invented residents, all with the PINs given here; its id stands on the last line.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(world::batch::MOST)))]
    pub count: Option<u32>,
    /// Make so many cards of a batch at once [default: as many as there are processors].
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Invent the same residents of a batch each time.
    #[arg(long, value_name = "N", requires = "count")]
    pub seed: Option<u64>,
    /// Ages of a batch's residents: completed years from A to B, both included, at most 110 [default: 0..105].
    #[arg(long, value_name = "A..B", value_parser = ages, requires = "count")]
    pub age: Option<std::ops::RangeInclusive<u8>>,
    #[command(flatten)]
    pub now: Now,
    /// Finish an issue that was interrupted, instead of taking a new card: card-0001, or a whole batch, batch-0001.
    #[arg(long, value_name = "CARD|BATCH", conflicts_with_all = ["person", "name", "count"])]
    pub resume: Option<String>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Answer PC/SC clients on this Unix socket; without --vpcd the default is a socket beside the card's image.
    #[arg(long, value_name = "PATH")]
    pub pcsc: Option<PathBuf>,
    /// Be the card of a vpcd virtual reader, usually 127.0.0.1:35963.
    #[arg(long, value_name = "HOST:PORT")]
    pub vpcd: Option<String>,
    /// Let --vpcd name a host other than this one. vpcd knows no authentication.
    #[arg(long, requires = "vpcd")]
    pub allow_remote: bool,
    /// Write every exchange as JSON lines, secrets blanked.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Let this RSA engine sign [default: the fastest that runs on this processor].
    #[arg(long, value_name = "NAME", value_parser = engine())]
    pub engine: Option<Backend>,
}

/// `jitsuin check`
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// User authentication PIN.
    #[arg(long, value_name = "PIN", default_value = "1234")]
    pub auth_pin: String,
    /// Signature password.
    #[arg(long, value_name = "PASSWORD", default_value = "ABC123")]
    pub sign_pin: String,
    /// 券面事項入力補助用暗証番号.
    #[arg(long, value_name = "PIN", default_value = "1234")]
    pub form_pin: String,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What `jitsuin conform` may do to a card that is no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Allowed {
    /// Present wrong values; the right one follows.
    SpendsTries,
    /// Change PINs; they are changed back.
    ChangesCard,
    /// Lock PINs for good.
    Locks,
    /// Everything.
    All,
}

/// `jitsuin conform`
#[derive(Debug, Args)]
#[command(
    after_help = "The card: WORLD CARD (each case gets a copy of it), --pcsc, or --vpcd. What is not a world's card is told by \
                  --subject FILE, or by --trait and secrets; docs/CONFORMANCE.md shows the file and lists the traits.\n\n\
                  A card that contradicts a measured fact fails. One that does otherwise than an assumption (C) or a \
                  decision (D-nn) of the specification differs, which is no failure without --strict.\n\n\
                  Exit codes: 0 the card conforms, 1 it does not, 2 wrong usage."
)]
pub(crate) struct Conform {
    /// World folder.
    #[arg(requires = "card", conflicts_with_all = ["pcsc", "vpcd"])]
    pub world: Option<PathBuf>,
    /// Card id.
    pub card: Option<String>,
    /// A reader behind this PC/SC socket, such as /run/pcscd/pcscd.comm.
    #[arg(long, value_name = "SOCKET", conflicts_with = "vpcd")]
    pub pcsc: Option<PathBuf>,
    /// Name of the reader [default: the first].
    #[arg(long, value_name = "NAME", requires = "pcsc")]
    pub reader: Option<String>,
    /// Be a vpcd reader here, and wait for a card program to connect.
    #[arg(long, value_name = "HOST:PORT")]
    pub vpcd: Option<String>,
    /// How long to wait for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "vpcd")]
    pub wait: u64,
    /// What is known of the card: TOML or JSON.
    #[arg(long, value_name = "FILE")]
    pub subject: Option<PathBuf>,
    /// Traits of the card, beside those of --subject or of the world.
    #[arg(long = "trait", value_name = "NAME,...", value_delimiter = ',')]
    pub traits: Vec<String>,
    /// Take secrets from a file, - for standard input: one NAME=VALUE a line. The environment works too:
    /// JITSUIN_SECRET_AUTHENTICATION, _SIGNATURE, _COMMON, _JUKI, _TEXT, _A, _B, _BIRTH.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// User authentication PIN of a world's card.
    #[arg(long, value_name = "PIN", default_value = "1234", requires = "card")]
    pub auth_pin: String,
    /// Signature password of a world's card.
    #[arg(long, value_name = "PASSWORD", default_value = "ABC123", requires = "card")]
    pub sign_pin: String,
    /// 住民基本台帳用暗証番号 of a world's card [default: as the user authentication PIN].
    #[arg(long, value_name = "PIN", requires = "card")]
    pub residents_pin: Option<String>,
    /// 券面事項入力補助用暗証番号 of a world's card [default: as the user authentication PIN].
    #[arg(long, value_name = "PIN", requires = "card")]
    pub form_pin: Option<String>,
    /// Use a world's card itself, over a PC/SC socket, instead of a copy for each case.
    #[arg(long, requires = "card")]
    pub in_place: bool,
    /// What may be done to a card that is no copy.
    #[arg(long, value_name = "EFFECT,...", value_delimiter = ',')]
    pub allow: Vec<Allowed>,
    /// Run these cases alone: ids such as SEL-003, or chapters such as SEL.
    #[arg(long = "case", value_name = "ID,...", value_delimiter = ',')]
    pub cases: Vec<String>,
    /// Add the cases of a folder of your own.
    #[arg(long = "cases", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Leave out what takes thousands of commands.
    #[arg(long)]
    pub quick: bool,
    /// List the cases instead of running them.
    #[arg(long)]
    pub list: bool,
    /// Fail for what differs, too.
    #[arg(long)]
    pub strict: bool,
    /// Write the report as JSON; - writes it to standard output in place of the text.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the report as one page of HTML.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Values that open what is closed on a card. Wrong ones cost nothing.
#[derive(Debug, Args)]
pub(crate) struct Opening {
    /// User authentication PIN 利用者証明用暗証番号.
    #[arg(long, value_name = "PIN", requires = "card")]
    pub auth_pin: Option<String>,
    /// Signature password 署名用暗証番号.
    #[arg(long, value_name = "PASSWORD", requires = "card")]
    pub sign_pin: Option<String>,
    /// 券面事項入力補助用暗証番号: opens My Number and the four attributes.
    #[arg(long, value_name = "PIN", requires = "card")]
    pub form_pin: Option<String>,
    /// 照合番号A: the twelve digits of the My Number.
    #[arg(long, value_name = "DIGITS", requires = "card")]
    pub number_a: Option<String>,
    /// 照合番号B: birth (era YYMMDD), year of expiry, security code; fourteen digits.
    #[arg(long, value_name = "DIGITS", requires = "card")]
    pub number_b: Option<String>,
    /// 生年月日: date of birth as its key, era YYMMDD.
    #[arg(long, value_name = "DIGITS", requires = "card")]
    pub birth: Option<String>,
}

/// `jitsuin show`
#[derive(Debug, Args)]
#[command(
    after_help = "Everything happens on a copy of the card in memory: the card itself is never asked, so no value given here \
                        costs one of its tries, and nothing on it changes. My Number and 照合番号 stay hidden without --reveal."
)]
pub(crate) struct Show {
    /// World folder.
    pub world: PathBuf,
    /// Card id; without one, the world's cards are listed.
    pub card: Option<String>,
    #[command(flatten)]
    pub opening: Opening,
    /// Take 照合番号A, 照合番号B and date of birth from the world's own record, as somebody does who sees the printed face.
    #[arg(long, requires = "card")]
    pub holder: bool,
    /// Read 券面事項入力補助AP through secure messaging; needs --form-pin.
    #[arg(long, requires_all = ["card", "form_pin"])]
    pub secure_messaging: bool,
    /// Show My Number, 照合番号A and B and the security code, and let --export write what holds them.
    #[arg(long)]
    pub reveal: bool,
    /// Write certificates (PEM), images (PNG, JP2), texts (JSON) and raw EFs (BIN) into this folder, readable by you alone.
    #[arg(long, value_name = "DIR", requires = "card")]
    pub export: Option<PathBuf>,
    /// Let --export overwrite files.
    #[arg(long, requires = "export")]
    pub force: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin card`
#[derive(Debug, Subcommand)]
pub(crate) enum Card {
    /// Draw a card as its holder sees it, with everything around it, in one HTML page.
    Report(CardReport),
}

/// `jitsuin card report`
#[derive(Debug, Args)]
#[command(
    after_help = "What is printed on the face opens the face data, out of the world's own record. Everything happens on a copy of \
                        the card in memory: no try is ever spent. The page needs no network and runs no program."
)]
pub(crate) struct CardReport {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Page to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    #[command(flatten)]
    pub opening: Opening,
    /// Show My Number on the back and the security code on the front.
    #[arg(long)]
    pub reveal: bool,
    /// Overwrite the page.
    #[arg(long)]
    pub force: bool,
}

/// `jitsuin apdu`
#[derive(Debug, Args)]
pub(crate) struct Apdu {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Command APDUs in hexadecimal; standard input, one a line, when none is given. `power` and `reset` work too.
    #[arg(value_name = "HEX")]
    pub commands: Vec<String>,
    /// Show My Number and the card's face, from which 照合番号A and B follow, where they are read. PINs are never shown.
    #[arg(long)]
    pub reveal: bool,
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// Which PIN of the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pin {
    /// User authentication PIN 利用者証明用暗証番号.
    Auth,
    /// Signature password 署名用暗証番号.
    Sign,
    /// 住民基本台帳用暗証番号, both times that the card holds it.
    Residents,
    /// 券面事項入力補助用暗証番号.
    Form,
}

impl Pin {
    /// Its name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Pin::Auth => "authentication",
            Pin::Sign => "signature",
            Pin::Residents => "residents",
            Pin::Form => "form",
        }
    }
}

/// `jitsuin reset-pin`
#[derive(Debug, Args)]
pub(crate) struct ResetPin {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Which PIN.
    pub pin: Pin,
    /// Its new value.
    pub value: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What `jitsuin bench` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measured {
    /// RSA signatures, PKCS#1 v1.5 with SHA-256, beside other libraries.
    Sign,
    /// RSA key pairs, beside other libraries.
    Keygen,
    /// Commands to a card, signatures beside the bare engine.
    Apdu,
    /// Commands through the PC/SC socket, beside the card without it and the bare engine.
    Socket,
}

/// `jitsuin bench`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 an operation failed, 2 wrong usage or a rival that was not compiled in, \
                        3 A RESULT WAS WRONG, 4 worse than the baseline by more than --fail-over allows, \
                        5 not comparable with the baseline, 130 interrupted."
)]
pub(crate) struct Bench {
    /// What to measure.
    #[arg(default_value = "sign")]
    pub what: Measured,
    /// Rivals: rsa, and openssl, aws-lc, ring, graviola where compiled in; all of them when none is named.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub against: Vec<String>,
    /// Back ends of the engine; all that run on this processor when none is named.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub backend: Vec<String>,
    /// Sizes of key: 2048, 3072, 4096.
    #[arg(long, value_name = "BITS,...", value_delimiter = ',')]
    pub bits: Vec<usize>,
    /// Rounds, in each of which everybody has one turn [default: 9; 15 for keygen].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: Option<u32>,
    /// Seconds of each contender in each row, divided among the rounds [default: 0.5; 3 for keygen].
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Write the report as JSON; - writes it to standard output in place of the text.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the report.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Keep ratios and instruction counts for --compare.
    #[arg(long, value_name = "BASE")]
    pub save: Option<PathBuf>,
    /// Compare ratios and instruction counts with a file of --save.
    #[arg(long, value_name = "BASE")]
    pub compare: Option<PathBuf>,
    /// Fail where something got worse than the baseline by more than this.
    #[arg(long, value_name = "PERCENT", requires = "compare", value_parser = percent)]
    pub fail_over: Option<f64>,
    /// Keep OpenSSL and AWS-LC from AVX512-IFMA: starts the program again with OPENSSL_ia32cap=:~0x200000.
    #[arg(long)]
    pub mask_ifma: bool,
    /// Do not count instructions, even where valgrind is installed.
    #[arg(long)]
    pub no_instructions: bool,
}

/// `jitsuin bench-once`
#[derive(Debug, Args)]
pub(crate) struct BenchOnce {
    /// Short name of a row.
    pub row: String,
    /// Short name of a contender.
    pub contender: String,
    /// How often, after once to make everything ready.
    pub times: u64,
    /// A key or a card that the benchmark wrote.
    pub made: PathBuf,
}

/// The engines by name, for the parser to list; whether one runs here is found out when it is wanted.
fn engine() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(Backend::ALL.map(Backend::name)).try_map(|name| name.parse::<Backend>())
}

/// `20..30` or `20` as completed years.
fn ages(text: &str) -> Result<std::ops::RangeInclusive<u8>, String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let age = |text: &str| text.parse().ok().filter(|age| *age <= pki::resident::AGE_MAX);
    match (age(least), age(most)) {
        (Some(least), Some(most)) if least <= most => Ok(least..=most),
        _ => Err(format!("give completed years, such as 20..30 or 20, from 0 to {}", pki::resident::AGE_MAX)),
    }
}

/// A time that somebody is willing to wait.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "give seconds from 0.001 to 3600".into())
}

/// `5%` or `5` as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').parse().ok().filter(|percent| (0.0..100.0).contains(percent));
    percent.map(|percent: f64| percent / 100.0).ok_or_else(|| "give a percentage from 0 to 100, such as 5%".into())
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
