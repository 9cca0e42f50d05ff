//! A town with a world, on SQLite and, where there is one, on PostgreSQL.

use der::{Decode, DecodePem};
use pki::{
    ca::pem,
    card_record::KeyOrigin,
    client::{Half, Jpki},
    kind::CardProfile,
    my_number::MyNumber,
    person::{Person, Sex},
    personalise::{Halves, Pins},
    profile::Hierarchy,
    relying,
    resident::Resident,
};
use sim::{
    card::StoredCard,
    reader::{Reader, ReaderError},
    rng::SimRng,
    slot::VirtualCard,
};
use sqlx::Executor;
use std::cell::Cell;
use time::{Date, OffsetDateTime, macros::format_description};
use world::{
    Certificate, Options, World, WorldError,
    counter::{self, Done, Procedure},
    issue::{self, Application},
    status::CertificateStatus,
};

pub(crate) const BOTH: Halves = Halves { signature: true, authentication: true };

/// Noon of a day in Japan.
pub(crate) fn moment(day: &str) -> OffsetDateTime {
    let day = Date::parse(day, format_description!("[year]-[month]-[day]")).expect("a day");
    day.with_hms(3, 0, 0).expect("noon").assume_utc()
}

/// Somebody born on this day, with a My Number that follows from it.
pub(crate) fn person(birth: &str) -> Person {
    let digits: String = birth.chars().filter(char::is_ascii_digit).collect();
    Person {
        name: format!("試験　{digits}"),
        address: "模擬県試験市見本町１番".into(),
        birth: moment(birth).date(),
        sex: Sex::Female,
        my_number: Some(MyNumber::test(digits.parse::<u32>().expect("digits") % MyNumber::TESTS)),
    }
}

/// A card with its image, and nothing in between.
pub(crate) struct InReader(pub(crate) StoredCard);

impl Reader for InReader {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.power_on();
        Ok(self.0.atr())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        VirtualCard::reset(&mut self.0);
        Ok(self.0.atr())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.0.power_off();
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        Ok(self.0.transmit(command).expect("answers"))
    }
}

pub(crate) struct Town {
    _folder: tempfile::TempDir,
    pub(crate) world: World,
    now: Cell<OffsetDateTime>,
}

/// Runs a test on each database.
pub(crate) fn everywhere(test: impl Fn(&mut Town)) {
    test(&mut Town::new(None));
    match std::env::var("JITSUIN_POSTGRES") {
        Ok(server) => test(&mut Town::new(Some(&postgres(&server)))),
        Err(_) => vectors::skipped("PostgreSQL: JITSUIN_POSTGRES names no server (Debian package postgresql)"),
    }
}

pub(crate) fn wait<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(what)
}

/// A new database of the server.
fn postgres(server: &str) -> String {
    let mut name = [0; 8];
    getrandom::fill(&mut name).expect("randomness");
    let name = format!("jitsuin_{}", hex::encode(name));
    sqlx::any::install_default_drivers();
    wait(async {
        let pool = sqlx::AnyPool::connect(&format!("{server}/postgres")).await.expect("the server answers");
        pool.execute(format!("CREATE DATABASE {name}").as_str()).await.expect("makes a database");
    });
    format!("{server}/{name}")
}

impl Town {
    fn new(database: Option<&str>) -> Town {
        let folder = tempfile::tempdir().expect("folder");
        let now = moment("2026-11-25");
        let options = Options { seed: Some(7), database, ..Options::default() };
        let world = World::create(&folder.path().join("world"), options, now).expect("creates");
        Town { _folder: folder, world, now: Cell::new(now) }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.now.get()
    }

    pub(crate) fn at(&self, day: &str) {
        self.now.set(moment(day));
    }

    /// Issues a small card to somebody born on this day.
    pub(crate) fn issue(&mut self, birth: &str, halves: Halves) -> String {
        self.issue_to(Resident { person: person(birth), security_code: None }, "jpki-only", halves)
    }

    /// The same, at the time of the world's own clock.
    pub(crate) fn issue_by_clock(&mut self, birth: &str) -> String {
        self.now.set(self.world.now().expect("a time"));
        self.issue(birth, BOTH)
    }

    pub(crate) fn issue_to(&mut self, resident: Resident, profile: &str, halves: Halves) -> String {
        self.try_issue(resident, profile, halves).expect("issues")
    }

    pub(crate) fn try_issue(
        &mut self,
        resident: Resident,
        profile: &str,
        halves: Halves,
    ) -> Result<String, WorldError> {
        let profile = CardProfile::by_name(profile).expect("a profile");
        let pins = if profile.is_juki_card() { Pins::of_juki_card("ABC123") } else { Pins::new("1234", "ABC123") };
        let application = Application { halves, ..Application::new(resident, profile, KeyOrigin::Imported) };
        let now = self.now();
        let (mut card, stored) = issue::prepare(&mut self.world, &application, now)?;
        issue::issue(&self.world, &mut card, &mut InReader(stored), &pins.expect("PINs"), now, &mut |_| {})?;
        Ok(card.record.id)
    }

    pub(crate) fn reader(&self, card: &str) -> InReader {
        InReader(StoredCard::open(&self.world.image(card), SimRng::from_os().expect("randomness")).expect("opens"))
    }

    pub(crate) fn certify(&self, card: &str, procedure: Procedure, halves: Halves) -> Result<Done, WorldError> {
        let pins = Pins::new("1234", "ABC123").expect("PINs");
        let mut reader = self.reader(card);
        counter::certify(&self.world, self.now(), card, (procedure, halves), Some(&pins), &mut reader, &mut |_| {})
    }

    /// The last certificates of a card: authentication, signature.
    pub(crate) fn latest(&self, card: &str) -> [Option<Certificate>; 2] {
        let all = self.world.certificates(card).expect("reads");
        [Hierarchy::Authentication, Hierarchy::Signature]
            .map(|hierarchy| all.iter().rfind(|one| one.hierarchy == hierarchy).cloned())
    }

    pub(crate) fn on_record(&self, of: &Certificate) -> Certificate {
        let all = self.world.certificates(&of.card).expect("reads");
        all.into_iter().find(|one| one.serial == of.serial && one.hierarchy == of.hierarchy).expect("is on record")
    }

    pub(crate) fn status(&self, of: &Certificate) -> CertificateStatus {
        self.on_record(of).status
    }

    /// The certificate's bytes as text, wherever they are text.
    pub(crate) fn text_of(&self, of: &Certificate) -> String {
        let certificate = x509_cert::Certificate::from_pem(&of.pem).expect("PEM");
        let bytes = der::Encode::to_der(&certificate).expect("DER");
        let again = x509_cert::Certificate::from_der(&bytes).expect("DER");
        assert_eq!(again, certificate);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The card holds its last certificates, and signs with their keys.
    pub(crate) fn proves(&self, card: &str) {
        let mut reader = self.reader(card);
        reader.power_on().expect("powers");
        let mut client = Jpki::select(&mut reader).expect("selects");
        let halves = [(Half::Authentication, "1234"), (Half::Signature, "ABC123")];
        for (one, (half, pin)) in self.latest(card).into_iter().zip(halves) {
            client.verify(half, pin).expect("verifies");
            let der = client.certificate(half.certificate()).expect("reads").expect("is there");
            assert_eq!(pem(&der), one.expect("is on record").pem, "the card has what is on record");
            let signature = client.sign(half, 0x00, b"a message of at most 35 bytes").expect("signs");
            relying::signature(&der, 0x00, b"a message of at most 35 bytes", &signature).expect("is believed");
        }
    }

    /// Lets a program talk to the card.
    pub(crate) fn with_jpki<T>(&self, card: &str, talk: impl FnOnce(&mut Jpki<'_>) -> T) -> T {
        let mut reader = self.reader(card);
        reader.power_on().expect("powers");
        talk(&mut Jpki::select(&mut reader).expect("selects"))
    }

    pub(crate) fn sql(&self, statement: &str) -> Result<(), sqlx::Error> {
        wait(async {
            let pool = sqlx::AnyPool::connect(&self.world.database()).await?;
            pool.execute(statement).await.map(drop)
        })
    }
}
