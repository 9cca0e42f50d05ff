//! Programs of ours against cards that mean ill: whatever comes, each ends, with a result or with words for what happened.

use card_os::{profile::Model, scp03::Level};
use pki::{
    application::{self, Packing},
    ca::Authority,
    client::{
        Half, Jpki, Messaging, Password, Passwords, Selected,
        genuine::Compared,
        revocation::Request,
        validity::Checked,
        viewer::{self, Place, Shown},
    },
    harness::{Harness, Known},
    keys,
    kind::CardProfile,
    person::Person,
    profile::Hierarchy,
    relying::{self, certificate::Certificate},
    survey::{Authorities, Credential, Credentials, Findings, Survey},
};
use sim::{
    atr::Atr,
    card::{Direct, Simulated},
    explain::Explainer,
    guard::Guarded,
    hostile::{Act, Campaign, Forgery, Hostile, Pattern, Plan, Rule, When},
    issuer::{Issuer, test_keys},
    reader::{Reader, ReaderError},
    rng::SimRng,
    sample::{self, AUTHENTICATION_PIN, FACE_NUMBER_A, FACE_NUMBER_B, SIGNATURE_PASSWORD},
    slot::{LocalReader, Slot},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};
use time::{
    OffsetDateTime,
    macros::{date, datetime},
};

const NOW: OffsetDateTime = datetime!(2026-11-27 03:05:00 UTC);
/// More commands than any program sends: one that sends them has no end.
const COMMANDS_MAX: usize = 20_000;
/// More bytes of answers than any program may have taken when it ends.
const BYTES_MAX: usize = 40 << 20;

/// A card with true certificates, and its authorities.
struct World {
    card: Simulated,
    authorities: [Authority; 2],
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut rng = SimRng::seeded(20);
    let mut authority = |hierarchy| Authority::create(hierarchy, NOW, &mut rng).expect("an authority");
    let authorities = [authority(Hierarchy::Signature), authority(Hierarchy::Authentication)];
    let [authentication, signature] = sample::keys().each_ref().map(|key| keys::public(&key.n).expect("a key"));
    let (person, last) = (Person::sample("sample-1").expect("a sample"), date!(2031 - 04 - 01));
    let new = [
        (0x0102, authorities[0].root().to_vec()),
        (0x010B, authorities[1].root().to_vec()),
        (
            0x0101,
            authorities[0].issue_signature(0x10_0002, &person, "TEST", &signature, NOW, last).expect("issues").der,
        ),
        (
            0x010A,
            authorities[1].issue_authentication(0x10_0002, "TEST", &authentication, NOW, last).expect("issues").der,
        ),
    ];
    let mut reader = Direct(sample::blank(Model::CARD));
    let mut issuer = Issuer::open(&mut reader, &test_keys(), Level::FULL, &mut SimRng::seeded(2)).expect("opens");
    for (grouping, sample) in sample::groupings(Model::CARD, true) {
        let value = new.iter().find(|(known, _)| *known == grouping).map_or(&sample, |(_, value)| value);
        issuer.store(grouping, value).expect("stores");
    }
    issuer.hand_out().expect("is whole");
    reader.power_off().expect("off");
    World { card: reader.0, authorities }
});

/// Counts what a program does, shows all of it to the explainer as a trace would, and ends a program that has no end.
struct Watched {
    reader: LocalReader,
    explainer: Explainer,
    commands: usize,
    bytes: usize,
}

impl Watched {
    fn new(plan: Plan) -> Self {
        let slot = Slot::new("hostile");
        let campaign = Campaign::waiting(plan, Box::new(|_| {}), |_| {});
        slot.insert(Box::new(Hostile::new(WORLD.card.fork(), campaign)));
        Watched { reader: LocalReader::new(slot), explainer: Explainer::default(), commands: 0, bytes: 0 }
    }
}

impl Reader for Watched {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        let atr = self.reader.power_on()?;
        let _ = Atr::parse(&atr);
        Ok(atr)
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.reader.reset()
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.reader.power_off()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.commands += 1;
        let answer = self.reader.transmit(command)?;
        self.bytes += answer.len();
        assert!(
            self.commands < COMMANDS_MAX && self.bytes < BYTES_MAX,
            "no end: {} commands, {} bytes",
            self.commands,
            self.bytes
        );
        self.explainer.exchange(command, &answer);
        Ok(answer)
    }
}

/// What a program did, or why not.
type Said = Result<String, String>;
type Program = fn(&mut dyn Reader) -> Said;

fn told(error: impl std::error::Error) -> String {
    error.to_string()
}

const PROGRAMS: [(&str, Program); 11] = [
    ("viewer", view),
    ("validity", validity),
    ("passwords", passwords),
    ("change", change),
    ("sign", sign),
    ("apply", apply),
    ("revoke", revoke),
    ("survey", |reader| survey(reader, false)),
    ("messaging", |reader| survey(reader, true)),
    ("harness", harness),
    ("issuer", issuer),
];

/// `jitsuin client show | export | fingerprint`
fn view(reader: &mut dyn Reader) -> Said {
    reader.power_on().map_err(told)?;
    let read = viewer::read(&mut Jpki::select(reader).map_err(told)?, Some(SIGNATURE_PASSWORD)).map_err(told)?;
    let mut said = String::new();
    for (place, der) in read {
        let Some(der) = der else { continue };
        said.push_str(&Compared::new(place, &der, None).sha256);
        let shown = Shown::new(place, &der, NOW).map_err(told)?;
        said.push_str(&format!("{shown:?} {} {}", shown.last_day(), serde_json::to_string(&shown).map_err(told)?));
    }
    Ok(said)
}

/// `jitsuin client validity`
fn validity(reader: &mut dyn Reader) -> Said {
    reader.power_on().map_err(told)?;
    let mut jpki = Jpki::select(reader).map_err(told)?;
    let mut read = |place: Place| place.read(&mut jpki).map_err(told)?.ok_or_else(|| "none".to_owned());
    let (own, authority) = (read(Place::OwnAuthentication)?, read(Place::CaAuthentication)?);
    let shown = Shown::new(Place::OwnAuthentication, &own, NOW).map_err(told)?;
    let checked = Checked::new(&own, &authority, shown.term)?;
    checked.query().map_err(told)?;
    Ok(format!("{:?}", checked.by_dates()))
}

fn passwords(reader: &mut dyn Reader) -> Said {
    Passwords::new(reader).status().map(|all| format!("{all:?}")).map_err(told)
}

fn change(reader: &mut dyn Reader) -> Said {
    let mut reader = Guard(reader);
    Passwords::new(&mut Guarded::new(&mut reader)).status().map_err(told)?;
    let Guard(reader) = reader;
    let changed = Passwords::new(reader).change(Password::Residents, AUTHENTICATION_PIN, "7294");
    changed.map(|()| "changed".into()).map_err(told)
}

/// A guard wants to own its reader.
struct Guard<'r>(&'r mut dyn Reader);

impl Reader for &mut Guard<'_> {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.power_on()
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.reset()
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.0.power_off()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.0.transmit(command)
    }
}

fn sign(reader: &mut dyn Reader) -> Said {
    let mut jpki = Jpki::select(reader).map_err(told)?;
    for half in Half::ALL {
        let pin = if half == Half::Signature { SIGNATURE_PASSWORD } else { AUTHENTICATION_PIN };
        jpki.verify(half, pin).map_err(told)?;
        let certificate = jpki.certificate(half.certificate()).map_err(told)?.ok_or("none")?;
        for scheme in 0..=5 {
            let signature = jpki.sign(half, scheme, &[0xA5; 32]).map_err(told)?;
            relying::signature(&certificate, scheme, &[0xA5; 32], &signature).map_err(told)?;
        }
    }
    Ok("signatures that open".into())
}

/// `jitsuin apply sign`
fn apply(reader: &mut dyn Reader) -> Said {
    let mut jpki = Jpki::select(reader).map_err(told)?;
    Passwords::open(&mut jpki, Half::Signature, SIGNATURE_PASSWORD).map_err(told)?;
    let der = Place::OwnSignature.read(&mut jpki).map_err(told)?.ok_or("none")?;
    let certificate = Certificate::parse(&der).map_err(told)?;
    let _ = pki::relying::attributes::Attributes::of(&certificate);
    let sign = |info: &[u8]| jpki.sign(Half::Signature, 0x00, info);
    let message =
        application::sign(b"{}", &certificate, Packing::Attached, NOW, sign).map_err(|error| error.to_string())?;
    Ok(format!("{} bytes", message.len()))
}

fn revoke(reader: &mut dyn Reader) -> Said {
    let mut jpki = Jpki::select(reader).map_err(told)?;
    Passwords::open(&mut jpki, Half::Authentication, AUTHENTICATION_PIN).map_err(told)?;
    let request = Request::new(Hierarchy::Authentication, 0x10_0002, NOW, &mut SimRng::seeded(1));
    request.sign(&mut jpki, Half::Authentication).map(|bytes| format!("{} bytes", bytes.len())).map_err(told)
}

/// `jitsuin show`, `jitsuin card report`
fn survey(reader: &mut dyn Reader, secure_messaging: bool) -> Said {
    let given = |value: &str| Some(Credential::given(value));
    let credentials = Credentials {
        authentication: given(AUTHENTICATION_PIN),
        signature: given(SIGNATURE_PASSWORD),
        form: given(AUTHENTICATION_PIN),
        number_a: given(FACE_NUMBER_A),
        number_b: given(FACE_NUMBER_B),
        secure_messaging,
        ..Credentials::default()
    };
    let survey = Survey::take(reader, Model::CARD, &credentials, &mut SimRng::seeded(3)).map_err(told)?;
    let der = |grouping| survey.der(grouping).unwrap_or_default();
    let authorities =
        Authorities { signature: der(0x0102), authentication: der(0x010B), verifiable: None, chain: None };
    let findings = Findings::of(&survey, authorities);
    let _ = survey.is_authentic(&sample::keys()[0].n);
    Ok(format!("{findings:?}"))
}

fn harness(reader: &mut dyn Reader) -> Said {
    let profile = CardProfile::default();
    let known = Known {
        profile: &profile,
        signature_ca: WORLD.authorities[0].root(),
        authentication_ca: WORLD.authorities[1].root(),
        signature_pin: SIGNATURE_PASSWORD,
        authentication_pin: AUTHENTICATION_PIN,
        has_signature: true,
        has_authentication: true,
        face: None,
    };
    let mut tell = |_: &_| {};
    let mut harness = Harness::new(known, &mut tell);
    harness.prove(reader);
    harness.lock(reader, &test_keys());
    let mut text = Selected::select(reader, &card_os::profile::TEXT).map_err(told)?;
    text.verify(0x11, AUTHENTICATION_PIN).map_err(told)?;
    Messaging::deliver(&mut text, &mut SimRng::seeded(4)).map_err(told)?;
    let failed = harness.checks().iter().find(|check| !check.passed);
    failed.map_or(Ok("all".into()), |check| Err(check.seen.clone()))
}

fn issuer(reader: &mut dyn Reader) -> Said {
    let mut issuer = Issuer::open(reader, &test_keys(), Level::FULL, &mut SimRng::seeded(5)).map_err(told)?;
    let status = issuer.status().map_err(told)?;
    issuer.reset_retry_counter(0x0118, AUTHENTICATION_PIN.as_bytes()).map_err(told)?;
    issuer.generate_key(0x0117).map_err(told)?;
    issuer.put_key(2, &test_keys()).map_err(told)?;
    Ok(format!("{status:?}"))
}

/// Runs a program; what it said, or how it broke.
fn tried(program: Program, plan: Plan) -> Result<Said, String> {
    let name = plan.name.clone();
    let ended = catch_unwind(AssertUnwindSafe(|| program(&mut Watched::new(plan))));
    match ended {
        Ok(Err(why)) if why.is_empty() => Err(format!("{name}: an error without words")),
        Ok(said) => Ok(said),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().cloned();
            Err(format!(
                "{name}: {}",
                words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into())).unwrap_or_default()
            ))
        }
    }
}

#[test]
fn every_program_does_its_work_with_a_true_card() {
    for (name, program) in PROGRAMS {
        let plan = Plan { name: name.into(), seed: 0, rules: Vec::new() };
        tried(program, plan).expect(name).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

#[test]
fn every_seed_ends_with_a_result_or_with_words() {
    const SEEDS: u64 = 4000;
    let (mut broken, mut good) = (Vec::new(), 0);
    for seed in 0..SEEDS {
        let (name, program) = PROGRAMS[(seed % PROGRAMS.len() as u64) as usize];
        // Some cards are spoilt now and then, some all the time.
        let mut plan = Plan::seeded(seed);
        plan.rules[0].when = When::Chance([0.02, 0.1, 0.5][(seed % 3) as usize]);
        match tried(program, plan) {
            Ok(said) => good += u64::from(said.is_ok()),
            Err(why) => broken.push(format!("{name}, {why}")),
        }
    }
    assert!(broken.is_empty(), "{} of {SEEDS} broke: {:#?}", broken.len(), &broken[..broken.len().min(10)]);
    // Neither are all harms met without being noticed, nor is everything refused.
    assert!((SEEDS / 50..SEEDS / 2).contains(&good), "{good} of {SEEDS}");
}

#[test]
fn every_forged_certificate_ends_with_a_result_or_with_words() {
    for forgery in Forgery::ALL {
        let rule = Rule { line: 1, pattern: Pattern::any(), when: When::Always, act: Act::Certificate(Some(forgery)) };
        for (name, program) in PROGRAMS {
            let plan = Plan { name: format!("{forgery:?}"), seed: 9, rules: vec![rule.clone()] };
            let said = tried(program, plan).unwrap_or_else(|why| panic!("{name}, {why}"));
            let believes = matches!(name, "validity" | "harness");
            assert!(!believes || said.is_err(), "{name} believes {forgery:?}: {said:?}");
        }
    }
}

#[test]
fn every_built_in_plan_ends_with_a_result_or_with_words() {
    for (plan, ..) in sim::hostile::BUILT_IN {
        for (name, program) in PROGRAMS {
            let _ = tried(program, Plan::load(plan).expect("a plan")).unwrap_or_else(|why| panic!("{name}, {why}"));
        }
    }
}

#[test]
fn every_modulus_is_refused_or_used() {
    use pki::relying::face;
    let mut one = [0; 256];
    one[255] = 1;
    let mut even = sample::keys()[0].n;
    even[255] &= 0xFE;
    let mut rng = SimRng::seeded(6);
    for modulus in [[0; 256], one, even, [0xFF; 256], [0x80; 256]] {
        for signature in [&[][..], &[0], &[0; 256], &[0xFF; 256], &modulus] {
            assert!(face::challenge(&modulus, b"challenge", signature).is_err());
            if let Ok(key) = keys::public(&modulus) {
                assert!((0..=6).all(|scheme| relying::opens(&key, scheme, b"x", signature).is_err()));
                let _ = key.encrypt(&mut rng, rsa::Oaep::<sha2::Sha256>::new(), b"x");
            }
        }
    }
}
