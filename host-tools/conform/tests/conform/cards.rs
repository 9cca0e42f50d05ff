//! A world with one card, made once, and what the suite is told of it.

use conform::{
    case::Suite,
    run::{self, Cards, Options, Outcome, Verdict},
    subject::Subject,
};
use pki::{
    counter,
    person::Person,
    personalise::Pins,
    world::{self, KeyOrigin, World},
};
use sim::{
    card::{Direct, Simulated},
    reader::Reader,
    rng::SimRng,
};
use std::sync::OnceLock;
use time::macros::datetime;

/// PINs that stand in no other text.
pub(crate) const AUTHENTICATION_PIN: &str = "7391";
pub(crate) const SIGNATURE_PASSWORD: &str = "QZ48XWV";

/// A card with real certificates, and its subject.
pub(crate) struct Issued {
    card: Simulated,
    pub(crate) subject: Subject,
}

impl Issued {
    /// The card of all tests.
    pub(crate) fn get() -> &'static Issued {
        static CARD: OnceLock<Issued> = OnceLock::new();
        CARD.get_or_init(issue)
    }

    /// A fresh copy.
    pub(crate) fn copy(&self) -> Simulated {
        self.card.fork()
    }

    /// Runs cases, each on a copy behind a wrapper.
    pub(crate) fn run(&self, suite: &Suite, quick: bool, wrap: impl Fn(Direct<sim::nvm::Flash, sim::backend::AnyEngine, SimRng>) -> Box<dyn Reader>) -> Vec<Outcome> {
        let mut copies = || wrap(Direct(self.copy()));
        let options = Options { quick, ..Options::default() };
        run::run(suite, &self.subject, &mut Cards::Copies(&mut copies), &options, &mut |_| {})
    }
}

/// What did not pass, with why.
pub(crate) fn otherwise(outcomes: &[Outcome]) -> Vec<String> {
    let bad = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Failed | Verdict::Differs));
    bad.map(|outcome| conform::report::line(outcome)).collect()
}

fn issue() -> Issued {
    let folder = tempfile::tempdir().expect("folder");
    let now = datetime!(2026-04-01 00:00 UTC);
    let path = folder.path().join("world");
    let mut world = World::create(&path, world::Options { seed: Some(7), ..world::Options::default() }, now).expect("world");
    let changing = World::change(&path).expect("lock");
    let person = Person::sample("sample-1").expect("sample");
    let (mut record, blank) = counter::prepare(&mut world, &changing, person, KeyOrigin::Imported, now).expect("blank");
    let pins = Pins::new(AUTHENTICATION_PIN, SIGNATURE_PASSWORD).expect("PINs");
    let mut reader = Direct(blank.fork());
    drop(blank);
    counter::issue(&mut world, &changing, &mut record, &mut reader, &pins, now, &mut |_| {}).expect("issues");
    let subject = subject(&world, &record);
    let Direct(card) = reader;
    Issued { card, subject }
}

fn subject(world: &World, record: &pki::world::CardRecord) -> Subject {
    let mut subject = Subject::new("simulated card");
    for name in ["physical", "contact", "isd", "jpki", "authentication", "signature", "certificates", "pins", "second-cvc"] {
        subject.add_trait(name).expect("a trait");
    }
    subject.add_secret("authentication", AUTHENTICATION_PIN).expect("a secret");
    subject.add_secret("signature", SIGNATURE_PASSWORD).expect("a secret");
    let expiry = record.expires;
    let expiry = format!("{:04}{:02}{:02}", expiry.year(), u8::from(expiry.month()), expiry.day());
    for (name, value) in [
        ("card-atr", sim::card::CONTACT_ATR.to_vec()),
        ("label", format!("{:32}", "JPKIAPICCTOKEN2").into_bytes()),
        ("signature-ca", world.signature.root().to_vec()),
        ("authentication-ca", world.authentication.root().to_vec()),
        ("expiry", expiry.into_bytes()),
    ] {
        subject.add_value(name, value).expect("a value");
    }
    subject
}
