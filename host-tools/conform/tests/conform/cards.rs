//! A card with every application and real certificates and records, made once, and what the suite is told of it.

use crate::records;
use card_os::{profile::Model, scp03::Level};
use conform::{
    case::Suite,
    run::{self, Cards, Options, Outcome, Verdict},
    subject::Subject,
};
use pki::{ca::Authority, cvc::Chain, person::Person, profile::Hierarchy};
use sim::{
    backend::AnyEngine,
    card::{self, CONTACT_ATR, Direct, Simulated},
    issuer::{Issuer, test_keys},
    nvm::{Flash, Torn},
    reader::Reader,
    rng::SimRng,
    sample,
};
use std::sync::OnceLock;
use time::macros::{date, datetime};

/// Secrets that stand in no other text: PINs, password, 照合番号, birth-date key.
pub(crate) const SECRETS: [(&str, &str); 8] = [
    ("authentication", "7391"),
    ("signature", "QZ48XWV"),
    ("common", "6284"),
    ("juki", "6248"),
    ("text", "8537"),
    ("a", "739128450617"),
    ("b", "55021720354068"),
    ("birth", "550217"),
];

/// A card to be talked to.
pub(crate) type Bare = Direct<Torn<Flash>, AnyEngine, SimRng>;

/// A card and its subject.
pub(crate) struct Issued {
    card: Simulated,
    pub(crate) subject: Subject,
}

impl Issued {
    /// The card of all tests.
    pub(crate) fn get() -> &'static Issued {
        static CARD: OnceLock<Issued> = OnceLock::new();
        CARD.get_or_init(|| issue(true, &CONTACT_ATR))
    }

    /// One whose holder has no signature certificate.
    pub(crate) fn without_signature() -> Issued {
        issue(false, &CONTACT_ATR)
    }

    /// One over the air, with the ATR that a reader makes of it.
    pub(crate) fn over_the_air() -> Issued {
        issue(true, b"\x3B\x88\x80\x01\x00\x00\x41\xE0\xB3\x81\xA1\x00\x3B")
    }

    /// A fresh copy.
    pub(crate) fn copy(&self) -> Bare {
        Direct(self.card.fork())
    }

    /// Runs cases, each on a copy behind a wrapper.
    pub(crate) fn run(&self, suite: &Suite, quick: bool, wrap: &dyn Fn(Bare) -> Box<dyn Reader>) -> Vec<Outcome> {
        let mut copies = || wrap(self.copy());
        let options = Options { quick, ..Options::default() };
        run::run(suite, &self.subject, &mut Cards::Copies(&mut copies), &options, &mut |_| {})
    }
}

/// What did not pass, with why.
pub(crate) fn otherwise(outcomes: &[Outcome]) -> Vec<String> {
    let bad = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Failed | Verdict::Differs));
    bad.map(conform::report::line).collect()
}

/// A subject with these traits and every secret of the cards here.
pub(crate) fn subject(traits: &[&str]) -> Subject {
    let mut subject = Subject::new("simulated card");
    for name in traits {
        subject.add_trait(name).expect("a trait");
    }
    for (name, secret) in SECRETS {
        subject.add_secret(name, secret).expect("a secret");
    }
    subject
}

fn issue(signature: bool, atr: &[u8]) -> Issued {
    let mut rng = SimRng::seeded(20);
    let moduli = sample::keys().each_ref().map(|key| key.n);
    let (text, face) =
        (records::text(SECRETS[5].1, &moduli[0], &moduli[1], &mut rng), records::face(&moduli[0], &mut rng));
    let chain = Chain::create(&mut rng).expect("keys");
    let root = chain.root.clone().expect("just made");
    let now = datetime!(2026-04-01 00:00 UTC);
    let mut authority = |hierarchy| Authority::create(hierarchy, now, &mut rng).expect("an authority");
    let (signing, authenticating) = (authority(Hierarchy::Signature), authority(Hierarchy::Authentication));
    let keys = moduli.map(|modulus| pki::keys::public(&modulus).expect("a key"));
    let person = Person::sample("sample-1").expect("a sample");
    let last = date!(2031 - 04 - 01);
    let leaf = authenticating.issue_authentication(0x10_0002, "TEST", &keys[0], now, last).expect("issues").der;
    let signer = signing.issue_signature(0x10_0002, &person, "TEST", &keys[1], now, last).expect("issues").der;

    let mut new = vec![
        (0x0102, signing.root().to_vec()),
        (0x010B, authenticating.root().to_vec()),
        (0x010A, leaf),
        (0x0101, signer),
        (0x00F7, chain.intermediate.0.to_vec()),
        (0x00F8, chain.first.clone()),
        (0x7F21, chain.second.clone()),
    ];
    let groupings: [&[u16]; 8] =
        [&[0x0118], &[0x011B], &[0x021C], &[0x031C], &[0x0511], &[0x0413, 0x0514], &[0x0412, 0x0515], &[0x0411]];
    for ((_, secret), groupings) in SECRETS.iter().zip(groupings) {
        new.extend(groupings.iter().map(|grouping| (*grouping, secret.as_bytes().to_vec())));
    }
    new.extend(text.files.iter().chain(&face.files).cloned());

    let options = card::Options { atr, ..card::Options::default() };
    let mut reader = Direct(card::blank(*b"JITSUIN001", &test_keys(), options, SimRng::seeded(1)).expect("fits"));
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut SimRng::seeded(2)).expect("opens");
    for (grouping, sample) in sample::groupings(Model::CARD, signature) {
        let value = new.iter().find(|(known, _)| *known == grouping).map_or(&sample, |(_, value)| value);
        issuer.store(grouping, value).unwrap_or_else(|error| panic!("{grouping:04X}: {error}"));
    }
    issuer.hand_out().expect("is whole");
    reader.power_off().expect("off");

    let mut subject = subject(&[
        "simulator",
        "physical",
        "isd",
        "jpki",
        "authentication",
        "certificates",
        "pins",
        "second-cvc",
        "common",
        "juki",
        "face",
        "text",
        "siblings",
        "records",
    ]);
    subject.add_trait(if signature { "signature" } else { "no-signature" }).expect("a trait");
    subject.add_trait(if atr == CONTACT_ATR { "contact" } else { "contactless" }).expect("a trait");
    for (name, value) in [
        ("card-atr", atr.to_vec()),
        ("label", format!("{:32}", "JPKIAPICCTOKEN2").into_bytes()),
        ("signature-ca", signing.root().to_vec()),
        ("authentication-ca", authenticating.root().to_vec()),
        ("cvc-root", records::modulus(&root)),
        ("face-root", face.root),
        ("text-root", text.root),
        ("common-key", moduli[0].to_vec()),
        ("serial", b"9999900000000019999920350217".to_vec()),
        ("expiry", b"20350217".to_vec()),
    ] {
        subject.add_value(name, value).expect("a value");
    }
    Issued { card: reader.0, subject }
}
