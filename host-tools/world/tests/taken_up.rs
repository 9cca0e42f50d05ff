//! An issue that is taken up in every phase of the card's life.

use card_os::profile::Phase;
use pki::{card_record::KeyOrigin, kind::CardProfile, person::Person, personalise::Pins, resident::Resident};
use sim::{
    backend::AnyEngine,
    card::Direct,
    issuer::Issuer,
    nvm::{Flash, Torn},
    reader::Reader,
    rng::SimRng,
};
use time::{OffsetDateTime, macros::datetime};
use world::{
    Card, Options, World, WorldError,
    issue::{self, Application},
    status::CardStatus,
};

const NOW: OffsetDateTime = datetime!(2026-11-25 03:00:00 UTC);

/// Does something to the database that no procedure does.
fn sql(world: &World, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pool = sqlx::AnyPool::connect(&world.database()).await.expect("connects");
        sqlx::query(statement).execute(&pool).await.expect(statement);
    });
}

/// A card being issued, without its image.
struct Desk {
    _folder: tempfile::TempDir,
    world: World,
    card: Card,
    reader: Direct<Torn<Flash>, AnyEngine, SimRng>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let place = folder.path().join("world");
        let mut world = World::create(&place, Options { seed: Some(7), ..Options::default() }, NOW).expect("creates");
        let resident = Resident { person: Person::sample("sample-1").expect("sample"), security_code: None };
        let profile = CardProfile::by_name("jpki-only").expect("a profile");
        let application = Application::new(resident, profile, KeyOrigin::OnCard);
        let (card, blank) = issue::prepare(&mut world, &application, NOW).expect("prepares");
        let reader = Direct(blank.fork());
        Desk { _folder: folder, world, card, reader }
    }

    /// Issues the card, or takes its issue up; gives what was told.
    fn issue(&mut self) -> Result<Vec<String>, WorldError> {
        let Desk { world, card, reader, .. } = self;
        let pins = Pins::new("1234", "ABC123").expect("PINs");
        let mut told = Vec::new();
        issue::issue(world, card, reader, &pins, NOW, &mut |step| told.push(step.to_owned()))?;
        Ok(told)
    }

    fn set(&mut self, phase: Phase) {
        let mut rng = SimRng::seeded(1);
        self.reader.power_on().expect("powers");
        let keys = issue::issuer_keys(&self.world, &self.card.record);
        let mut issuer = Issuer::open(&mut self.reader, &keys, issue::level(), &mut rng).expect("opens");
        issuer.set_status(phase).expect("goes on");
    }

    /// What the world has when it stopped before it heard that the card was handed out.
    fn forget(&mut self) {
        sql(&self.world, "DELETE FROM certificates");
        sql(&self.world, "UPDATE cards SET status = 'issuing'");
        self.card = self.world.card(&self.card.record.id).expect("is on record");
        assert_eq!(self.card.status, CardStatus::Issuing);
    }
}

#[test]
fn a_card_that_was_handed_out_keeps_its_pins_and_says_so() {
    let mut desk = Desk::new();
    let whole = desk.issue().expect("issues");
    assert!(!whole.iter().any(|step| step.contains("PINs stay")));
    let before = desk.world.certificates("card-0001").expect("reads");
    desk.forget();
    let told = desk.issue().expect("is finished");
    assert!(told.last().is_some_and(|step| step.contains("its PINs stay") && step.contains("reset-pin")), "{told:?}");
    assert_eq!(desk.world.card("card-0001").expect("is there").status, CardStatus::Issued);
    let after = desk.world.certificates("card-0001").expect("reads");
    assert_eq!(after.len(), 2);
    assert!(after.iter().zip(&before).all(|(after, before)| after.pem == before.pem), "those on the card");
}

#[test]
fn an_invalid_card_is_not_handed_out() {
    let mut desk = Desk::new();
    desk.issue().expect("issues");
    desk.set(Phase::Invalid);
    desk.forget();
    let error = desk.issue().expect_err("is refused");
    assert!(matches!(&error, WorldError::Invalid(id) if *id == desk.card.record.id), "{error}");
    assert!(error.to_string().contains("issue another card"), "{error}");
    assert_eq!(desk.world.card("card-0001").expect("is there").status, CardStatus::Issuing);
    assert!(desk.world.certificates("card-0001").expect("reads").is_empty());
}
