//! `jitsuin new`, `profiles`, `person`, `issue`

use super::{Now, day};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use time::Date;

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

/// `20..30` or `20` as completed years.
fn ages(text: &str) -> Result<std::ops::RangeInclusive<u8>, String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let age = |text: &str| text.parse().ok().filter(|age| *age <= pki::resident::AGE_MAX);
    match (age(least), age(most)) {
        (Some(least), Some(most)) if least <= most => Ok(least..=most),
        _ => Err(format!("give completed years, such as 20..30 or 20, from 0 to {}", pki::resident::AGE_MAX)),
    }
}
