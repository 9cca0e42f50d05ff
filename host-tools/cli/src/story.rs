//! `jitsuin story`: ten years of one card, played on a clock of its own, with every outcome held against the rules of the service.
//! (service.md §4, §6, §7, §16)

mod holder;

use crate::{
    args::{self, Which},
    failure::Failure,
    issue,
    out::say,
    service::{halves, write_event},
};
use holder::{Holder, PASSWORD, PIN, refusal};
use pki::{
    birthday,
    card_record::KeyOrigin,
    client::viewer::Term,
    era,
    kind::CardProfile,
    person::{Person, Sex},
    personalise::Pins,
    relying::{certificate::Certificate, report::Report},
    resident::Resident,
};
use serde::Serialize;
use serde_json::json;
use time::{
    Date, OffsetDateTime,
    macros::{date, time},
};
use world::{
    Options, World, callcentre, clock,
    counter::{self, Cause, Procedure},
    issue::{self as box_of_cards, Application},
    ledger::{self, Filter},
    register::{self, Change},
};

const BIRTH: Date = date!(1990 - 07 - 07);
const FIRST_DAY: Date = date!(2026 - 04 - 01);
/// The fifth birthday after the issue.
const FIRST_END: Date = date!(2030 - 07 - 07);
/// The sixth after the renewal, and the last day of the card.
const LAST_DAY: Date = date!(2035 - 07 - 07);

/// `jitsuin story`
pub(crate) fn run(story: &args::Played) -> Result<(), Failure> {
    let temporary = tempfile::Builder::new().prefix("jitsuin-story-").tempdir()?;
    let folder = story.keep.clone().unwrap_or_else(|| temporary.path().join("world"));
    let passphrase = crate::passphrase();
    let options = Options { seed: story.seed, passphrase: passphrase.as_deref(), ..Options::default() };
    let mut world = World::create(&folder, options, noon(FIRST_DAY))?;
    clock::set(&world, Some(noon(FIRST_DAY)))?;
    let (resident, card) = handed_out(&mut world)?;
    let roots = [&world.authorities.signature, &world.authorities.authentication];
    let anchors = roots.into_iter().map(|authority| Certificate::parse(authority.root())).collect::<Result<_, _>>()?;
    let mut teller = Teller { json: story.json, holder: Holder { world, resident, card, anchors }, scenes: Vec::new() };
    teller.play()?;
    teller.end(story)
}

/// Noon in Japan.
fn noon(day: Date) -> OffsetDateTime {
    day.with_time(time!(03:00)).assume_utc()
}

/// A resident's first card, with everything on it.
fn handed_out(world: &mut World) -> Result<(String, String), Failure> {
    let person = Person::new("試験　七海", "模擬県試験市見本町１番", BIRTH, Sex::Female, FIRST_DAY)?;
    let resident = Resident { person, security_code: None };
    let application = Application::new(resident, CardProfile::default(), KeyOrigin::Imported);
    let now = world.now()?;
    let (card, blank) = box_of_cards::prepare(world, &application, now)?;
    let pins = Pins::new(PIN, PASSWORD)?;
    let card = issue::personalise(world, card, blank, &pins, now, &mut |_| {})?;
    Ok((card.resident, card.record.id))
}

/// What happened, and what came of it.
#[derive(Debug, Serialize)]
struct Scene {
    day: String,
    event: &'static str,
    event_ja: &'static str,
    seen: String,
}

struct Teller {
    json: bool,
    holder: Holder,
    scenes: Vec<Scene>,
}

/// What a service is to say: nothing against it, or this finding.
type Expected = Option<&'static str>;

impl Teller {
    fn play(&mut self) -> Result<(), Failure> {
        self.heading(FIRST_DAY);
        self.scene("a card is issued with both certificates", "カードの交付", &self.ends()?)?;
        self.expect_end(FIRST_END)?;
        self.log_in(None)?;
        self.apply(None)?;

        self.day(date!(2026 - 09 - 12))?;
        self.change(
            "the holder moves",
            "転居",
            Change { address: Some("模擬県試験市移転先町９番".into()), ..Change::default() },
            "moved",
        )?;
        self.apply(Some("revoked"))?;
        self.log_in(None)?;
        self.new_signature()?;
        self.apply(None)?;

        self.day(date!(2027 - 12 - 03))?;
        let held = callcentre::stop(&self.holder.world, self.holder.world.now()?, &self.holder.card)?;
        self.scene(
            "the card may be lost, and is stopped by telephone",
            "紛失のおそれ・一時停止",
            &format!("{} certificates on hold", held.len()),
        )?;
        self.log_in(Some("on-hold"))?;
        self.apply(Some("on-hold"))?;

        self.day(date!(2027 - 12 - 06))?;
        let done = counter::release(&self.holder.world, self.holder.world.now()?, &self.holder.card)?;
        self.scene(
            "the card is found and released at the counter",
            "発見・一時停止解除",
            &format!("{} certificate good again", done.certificates.len()),
        )?;
        self.log_in(None)?;
        self.apply(Some("on-hold"))?;
        let (now, signature) = (self.holder.world.now()?, halves(Which::Signature));
        counter::revoke(&self.holder.world, now, &self.holder.card, Cause::StopUsing, signature)?;
        self.scene("a suspended signature certificate cannot be released: revoked", "署名用電子証明書の失効申請", "")?;
        self.new_signature()?;
        self.apply(None)?;

        self.day(date!(2029 - 02 - 14))?;
        let spent = self.holder.lock()?;
        self.scene("a birthday is no PIN", "暗証番号の入力誤り・ロック", &format!("locked after {spent} tries"))?;
        self.holder.reset_pin()?;
        self.scene("the counter resets it", "暗証番号の初期化", "")?;
        self.log_in(None)?;

        self.day(date!(2030 - 04 - 20))?;
        let shown = self.holder.look()?;
        if shown.term != Term::Ending {
            return Err(otherwise("the client software", "less than three months left", &format!("{:?}", shown.term)));
        }
        self.scene("the client software warns: less than three months left", "有効期間満了の通知", &shown.expires)?;
        self.holder.certify((Procedure::Renew, halves(Which::Both)))?;
        self.scene("both certificates are renewed, to the sixth birthday", "更新", &self.ends()?)?;
        self.expect_end(LAST_DAY)?;
        self.log_in(None)?;
        self.apply(None)?;

        self.day(date!(2032 - 10 - 10))?;
        self.change(
            "the holder marries and takes a new name",
            "婚姻・氏名の変更",
            Change { name: Some("模擬　七海".into()), ..Change::default() },
            "married",
        )?;
        self.apply(Some("revoked"))?;
        self.new_signature()?;
        self.apply(None)?;

        self.day(date!(2034 - 01 - 15))?;
        self.holder.revoke_online()?;
        self.scene("the holder revokes the signature certificate from home", "オンライン失効申請", "")?;
        self.apply(Some("revoked"))?;
        self.log_in(None)?;

        self.day(LAST_DAY.next_day().unwrap_or(LAST_DAY))?;
        self.scene("card and certificates have expired", "有効期間満了", "")?;
        self.log_in(Some("expired"))?;
        let done = counter::take_back(&self.holder.world, self.holder.world.now()?, &self.holder.card)?;
        self.scene("the card is given back", "返納", &format!("request {}", done.request))
    }

    /// Lets time go on to noon of a day.
    fn day(&mut self, day: Date) -> Result<(), Failure> {
        clock::set(&self.holder.world, Some(noon(day)))?;
        self.heading(day);
        Ok(())
    }

    fn heading(&self, day: Date) {
        if !self.json {
            say!("\n{day}  {}", era::written(day));
        }
    }

    fn scene(&mut self, event: &'static str, event_ja: &'static str, seen: &str) -> Result<(), Failure> {
        let day = birthday::jst_date(self.holder.world.now()?);
        if !self.json {
            let seen = if seen.is_empty() { String::new() } else { format!(": {seen}") };
            say!("  {event_ja} ({event}){seen}");
        }
        self.scenes.push(Scene { day: day.to_string(), event, event_ja, seen: seen.into() });
        Ok(())
    }

    fn judged(
        &mut self,
        event: &'static str,
        event_ja: &'static str,
        report: &Report,
        expected: Expected,
    ) -> Result<(), Failure> {
        let found = refusal(report);
        let said = found.map_or("accepted".to_owned(), |finding| format!("refused, {finding}"));
        if found != expected || report.accepted != expected.is_none() {
            return Err(otherwise(event, expected.unwrap_or("accepted"), &said));
        }
        self.scene(event, event_ja, &said)
    }

    fn log_in(&mut self, expected: Expected) -> Result<(), Failure> {
        let report = self.holder.log_in()?;
        self.judged("log in", "ログイン", &report, expected)
    }

    fn apply(&mut self, expected: Expected) -> Result<(), Failure> {
        let report = self.holder.apply()?;
        self.judged("electronic application", "電子申請", &report, expected)
    }

    fn change(
        &mut self,
        event: &'static str,
        event_ja: &'static str,
        change: Change,
        cause: &str,
    ) -> Result<(), Failure> {
        let (world, resident) = (&self.holder.world, &self.holder.resident);
        let (_, revoked) = register::change(world, world.now()?, resident, &change, cause)?;
        self.scene(event, event_ja, &format!("{} signature certificate revoked", revoked.len()))
    }

    fn new_signature(&mut self) -> Result<(), Failure> {
        let done = self.holder.certify((Procedure::Issue, halves(Which::Signature)))?;
        let seen = done.certificates.first().map(|one| format!("until {}", one.last_day())).unwrap_or_default();
        self.scene("a new signature certificate", "署名用電子証明書の新規発行", &seen)
    }

    /// The last days of the certificates that can be used.
    fn last_days(&self) -> Result<Vec<Date>, Failure> {
        let now = self.holder.world.now()?;
        let all = self.holder.world.certificates(&self.holder.card)?;
        Ok(all.iter().filter(|one| one.usable(now)).map(world::Certificate::last_day).collect())
    }

    fn ends(&self) -> Result<String, Failure> {
        let days: Vec<String> = self.last_days()?.iter().map(Date::to_string).collect();
        Ok(format!("until {}", days.join(" and ")))
    }

    fn expect_end(&self, day: Date) -> Result<(), Failure> {
        match self.last_days()?[..] {
            [one, other] if one == day && other == day => Ok(()),
            _ => Err(otherwise("the certificates", &format!("both until {day}"), &self.ends()?)),
        }
    }

    fn end(self, story: &args::Played) -> Result<(), Failure> {
        let Holder { world, card, .. } = self.holder;
        let events = ledger::events(&world, &Filter::default())?;
        if self.json {
            return crate::print_json(&json!({ "card": card, "scenes": self.scenes, "ledger": events }));
        }
        say!("\n台帳 (the ledger)");
        for event in &events {
            write_event(event)?;
        }
        match &story.keep {
            Some(folder) => say!("\nkept: jitsuin ledger {}; its clock stands on the last day", folder.display()),
            None => say!("\nnothing is kept; `jitsuin story --keep DIR` keeps the world"),
        }
        Ok(())
    }
}

/// The story is a promise: whatever comes out otherwise is a failure.
fn otherwise(what: &str, expected: &str, came: &str) -> Failure {
    Failure::Refused(format!("{what}: the rules want {expected:?}, and it came out {came:?}"))
}
