//! An issue that is taken up in every phase of the card's life.

use card_os::profile::Phase;
use pki::{
    counter::{self, Application, CounterError},
    kind::CardProfile,
    person::Person,
    personalise::Pins,
    resident::Resident,
    world::{CardRecord, Changing, KeyOrigin, Options, Progress, World},
};
use sim::{backend::AnyEngine, card::Direct, issuer::Issuer, nvm::Flash, reader::Reader, rng::SimRng};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-25 03:00:00 UTC);

/// A card being issued, without its image.
struct Desk {
    _folder: tempfile::TempDir,
    world: World,
    changing: Changing,
    record: CardRecord,
    reader: Direct<Flash, AnyEngine, SimRng>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let place = folder.path().join("world");
        let mut world = World::create(&place, Options { seed: Some(7), ..Options::default() }, NOW).expect("creates");
        let changing = World::change(&place).expect("locks");
        let resident = Resident { person: Person::sample("sample-1").expect("sample"), security_code: None };
        let profile = CardProfile::by_name("jpki-only").expect("a profile");
        let application = Application { resident, profile, keys: KeyOrigin::OnCard };
        let (record, blank) = counter::prepare(&mut world, &changing, application, NOW).expect("prepares");
        let reader = Direct(blank.fork());
        Desk { _folder: folder, world, changing, record, reader }
    }

    /// Issues the card, or takes its issue up; gives what was told.
    fn issue(&mut self) -> Result<Vec<String>, CounterError> {
        let Desk { world, changing, record, reader, .. } = self;
        let pins = Pins::new("1234", "ABC123").expect("PINs");
        let mut told = Vec::new();
        counter::issue(world, changing, record, reader, &pins, NOW, &mut |step| told.push(step.to_owned()))?;
        Ok(told)
    }

    fn set(&mut self, phase: Phase) {
        let mut rng = SimRng::seeded(1);
        self.reader.power_on().expect("powers");
        let keys = counter::issuer_keys(&self.world, &self.record);
        let mut issuer = Issuer::open(&mut self.reader, &keys, counter::level(), &mut rng).expect("opens");
        issuer.set_status(phase).expect("goes on");
        self.record.progress = Progress::Issuing;
    }
}

#[test]
fn a_card_that_was_handed_out_keeps_its_pins_and_says_so() {
    let mut desk = Desk::new();
    let whole = desk.issue().expect("issues");
    assert!(!whole.iter().any(|step| step.contains("PINs stay")));
    desk.record.progress = Progress::Issuing;
    let told = desk.issue().expect("is finished");
    assert!(told.last().is_some_and(|step| step.contains("its PINs stay") && step.contains("reset-pin")), "{told:?}");
    assert_eq!(desk.record.progress, Progress::Issued);
}

#[test]
fn an_invalid_card_is_not_handed_out() {
    let mut desk = Desk::new();
    desk.issue().expect("issues");
    desk.set(Phase::Invalid);
    let error = desk.issue().expect_err("is refused");
    assert!(matches!(&error, CounterError::Invalid(id) if *id == desk.record.id), "{error}");
    assert!(error.to_string().contains("issue another card"), "{error}");
    assert_eq!(desk.record.progress, Progress::Issuing);
}
