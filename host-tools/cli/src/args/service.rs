//! Commands of the service: clock, residents, counter, call centre, ledger.

use super::{Sex, day, moment};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use time::{Date, OffsetDateTime};

/// What time it is, for one command.
#[derive(Debug, Args, Default, Clone, Copy)]
pub(crate) struct Now {
    /// Act as if it were this time: 2030-04-01T09:00:00+09:00, or a day, which means its noon in Japan [default: the world's
    /// clock].
    #[arg(long, value_name = "TIME", value_parser = moment, env = "JITSUIN_NOW")]
    pub now: Option<OffsetDateTime>,
}

/// `jitsuin clock`
#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Show what time it is in the world.
    Show(ClockShow),
    /// Let the clock stand at a time, in the past or the future.
    Set(ClockSet),
    /// Move a clock that stands: 3y, 2m, 10d, or together 1y6m.
    Advance(ClockAdvance),
    /// Let the clock go with the real time again.
    Real(ClockShow),
}

/// `jitsuin clock show`, `jitsuin clock real`
#[derive(Debug, Args)]
pub(crate) struct ClockShow {
    /// World folder.
    pub world: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin clock set`
#[derive(Debug, Args)]
pub(crate) struct ClockSet {
    /// World folder.
    pub world: PathBuf,
    /// The time: 2030-04-01T09:00:00+09:00, or a day, which means its noon in Japan.
    #[arg(value_parser = moment)]
    pub to: OffsetDateTime,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin clock advance`
#[derive(Debug, Args)]
pub(crate) struct ClockAdvance {
    /// World folder.
    pub world: PathBuf,
    /// How far: years, months and days, each at most once, in this order.
    #[arg(value_name = "PERIOD", value_parser = period)]
    pub by: Period,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Years, months and days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) years: u16,
    pub(crate) months: u16,
    pub(crate) days: u16,
}

fn period(text: &str) -> Result<Period, String> {
    let wrong = || format!("{text:?} is no period; give for example 3y, 2m, 10d or 1y6m");
    let (mut period, mut rest) = (Period::default(), text);
    for (unit, value) in [('y', &mut period.years), ('m', &mut period.months), ('d', &mut period.days)] {
        if let Some((number, after)) = rest.split_once(unit) {
            *value = number.parse().map_err(|_| wrong())?;
            rest = after;
        }
    }
    if rest.is_empty() && period != Period::default() { Ok(period) } else { Err(wrong()) }
}

/// `jitsuin resident`
#[derive(Debug, Subcommand)]
pub(crate) enum Resident {
    /// Put somebody on the residents' register; the id stands alone on the last line.
    Register(Register),
    /// List the register.
    List(ResidentList),
    /// Show somebody, with history, cards and certificates.
    Show(ResidentShow),
    /// Record a new address 転居・転入. It revokes the signature certificate.
    Move(ResidentMove),
    /// Record a new name by marriage 婚姻. It revokes the signature certificate.
    Marry(ResidentMarry),
    /// Record any change of the four attributes 基本4情報. It revokes the signature certificate.
    Change(ResidentChange),
    /// Record a death 死亡: every certificate is revoked, cards are over.
    Die(ResidentLeave),
    /// Record a move abroad 国外転出: the card stays, the signature certificate is revoked.
    MoveAbroad(ResidentLeave),
}

/// `jitsuin resident register`
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// World folder.
    pub world: PathBuf,
    /// A resident: sample-1 or sample-2, a JSON file of `jitsuin person`, or - for standard input.
    #[arg(long, value_name = "SAMPLE|FILE", default_value = "sample-1")]
    pub person: String,
    /// Last day of the stay of a foreign resident.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub stay_ends: Option<Date>,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin resident list`
#[derive(Debug, Args)]
pub(crate) struct ResidentList {
    /// World folder.
    pub world: PathBuf,
    /// Show My Numbers.
    #[arg(long)]
    pub reveal: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin resident show`
#[derive(Debug, Args)]
pub(crate) struct ResidentShow {
    /// World folder.
    pub world: PathBuf,
    /// Resident id.
    pub resident: String,
    #[command(flatten)]
    pub now: Now,
    /// Show the My Number.
    #[arg(long)]
    pub reveal: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin resident move`
#[derive(Debug, Args)]
pub(crate) struct ResidentMove {
    /// World folder.
    pub world: PathBuf,
    /// Resident id.
    pub resident: String,
    /// The new address, from the prefecture on.
    pub address: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin resident marry`
#[derive(Debug, Args)]
pub(crate) struct ResidentMarry {
    /// World folder.
    pub world: PathBuf,
    /// Resident id.
    pub resident: String,
    /// The new name, family and given name separated by an ideographic space.
    pub name: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin resident change`
#[derive(Debug, Args)]
pub(crate) struct ResidentChange {
    /// World folder.
    pub world: PathBuf,
    /// Resident id.
    pub resident: String,
    /// 氏名
    #[arg(long)]
    pub name: Option<String>,
    /// 住所
    #[arg(long)]
    pub address: Option<String>,
    /// 生年月日, corrected.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub birth: Option<Date>,
    /// 性別
    #[arg(long)]
    pub sex: Option<Sex>,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin resident die`, `jitsuin resident move-abroad`
#[derive(Debug, Args)]
pub(crate) struct ResidentLeave {
    /// World folder.
    pub world: PathBuf,
    /// Resident id.
    pub resident: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin counter`
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Each accepted request has a number and a paper, marked as simulated. `jitsuin issue` hands out a card, \
                        `jitsuin reset-pin` gives a PIN a new value."
)]
pub(crate) enum Counter {
    /// Issue certificates on a card that its holder has 新規発行: declined before, revoked, or expired.
    Issue(Certify),
    /// Renew certificates 更新, from three months before their end.
    Renew(Certify),
    /// Release a card that was stopped by telephone 一時停止解除. The signature certificate cannot be released.
    Release(CounterCard),
    /// Revoke certificates 失効申請, for one of the causes that the form knows.
    Revoke(Revoke),
    /// Take a card back 返納. Its certificates end.
    Return(CounterCard),
    /// Print a form 申請書 that its holder fills in before one of these.
    Form(CounterForm),
}

/// Forms of the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormFor {
    /// 新規発行／更新申請書
    Issue,
    /// 失効申請／秘密鍵漏えい等届出書
    Revoke,
    /// 暗証番号変更・初期化申請書
    ResetPin,
}

/// `jitsuin counter form`
#[derive(Debug, Args)]
pub(crate) struct CounterForm {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// For which procedure.
    #[arg(long = "for", value_name = "PROCEDURE")]
    pub procedure: FormFor,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Which certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// 署名用
    Signature,
    /// 利用者証明用
    Authentication,
    /// Both.
    Both,
}

/// `jitsuin counter issue`, `jitsuin counter renew`
#[derive(Debug, Args)]
pub(crate) struct Certify {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Which certificates.
    #[arg(default_value = "both")]
    pub which: Which,
    /// User authentication PIN, for a card that never had this certificate.
    #[arg(long, value_name = "PIN", default_value = "1234")]
    pub auth_pin: String,
    /// Signature password, for a card that never had this certificate.
    #[arg(long, value_name = "PASSWORD", default_value = "ABC123")]
    pub sign_pin: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin counter release`, `jitsuin counter return`
#[derive(Debug, Args)]
pub(crate) struct CounterCard {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Why certificates are revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cause {
    /// 利用の取りやめ: the holder does not want it any more.
    StopUsing,
    /// 紛失
    Lost,
    /// 盗難
    Stolen,
    /// 損壊・故障
    Broken,
    /// 不正使用, or suspected.
    Misused,
    /// 秘密鍵漏えい
    KeyLeaked,
}

/// `jitsuin counter revoke`
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: String,
    /// Why. Loss, theft, damage and misuse end both certificates.
    #[arg(long, default_value = "stop-using")]
    pub cause: Cause,
    /// Which certificates the holder stops using.
    #[arg(default_value = "both")]
    pub which: Which,
    #[command(flatten)]
    pub now: Now,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `jitsuin callcentre`
#[derive(Debug, Subcommand)]
pub(crate) enum CallCentre {
    /// Stop a card that may be lost 一時停止: both certificates are suspended until the counter releases or ends them.
    Stop(CounterCard),
}

/// `jitsuin ledger`
#[derive(Debug, Args)]
pub(crate) struct Ledger {
    /// World folder.
    pub world: PathBuf,
    /// Events of this resident alone.
    #[arg(long, value_name = "ID")]
    pub resident: Option<String>,
    /// Events of this card alone.
    #[arg(long, value_name = "ID")]
    pub card: Option<String>,
    /// Events after the one with this number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub after: i64,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        assert_eq!(period("1y6m"), Ok(Period { years: 1, months: 6, days: 0 }));
        assert_eq!(period("10d"), Ok(Period { days: 10, ..Period::default() }));
        for bad in ["", "3", "y", "6m1y", "-1d", "1y1y", "99999999d"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }
}
