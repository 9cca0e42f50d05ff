//! The verification harness: proves a card from outside, over any reader.
//!
//! It reads, verifies PINs, signs and checks what the card must refuse, as far as its profile has it. What cannot be undone
//! (locking) happens on a clone of the card, if there is one. It leaves the card with all the tries it had.

mod face;

use crate::{
    client::{ClientError, Half, Jpki},
    kind::CardProfile,
    relying::{self, NotBelieved},
};
use apdu::Sw;
use serde::Serialize;
use sim::{
    issuer::{Issuer, IssuerError},
    reader::{Reader, ReaderError},
    rng::SimRng,
};
use std::time::{Duration, Instant};

/// What the harness knows about the card under test.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What kind of card it is.
    pub profile: &'a CardProfile,
    /// DER of the certificate of the CA that issued its signature certificate.
    pub signature_ca: &'a [u8],
    /// DER of the authentication CA's certificate.
    pub authentication_ca: &'a [u8],
    /// Signature password.
    pub signature_pin: &'a str,
    /// Authentication PIN.
    pub authentication_pin: &'a str,
    /// Whether the card was issued with a signature certificate; holders under 15 have none.
    pub has_signature: bool,
    /// Whether the card was issued with a user authentication certificate.
    pub has_authentication: bool,
    /// What is known of the holder's face, where the card has one.
    pub face: Option<Face<'a>>,
}

impl Known<'_> {
    fn authority(&self, half: Half) -> &[u8] {
        match half {
            Half::Signature => self.signature_ca,
            Half::Authentication => self.authentication_ca,
        }
    }

    fn has(&self, half: Half) -> bool {
        match half {
            Half::Signature => self.has_signature,
            Half::Authentication => self.has_authentication,
        }
    }

    /// The halves that the card was issued with.
    fn halves(&self) -> impl Iterator<Item = Half> + use<> {
        let known = (self.has_signature, self.has_authentication);
        Half::ALL.into_iter().filter(move |half| match half {
            Half::Signature => known.0,
            Half::Authentication => known.1,
        })
    }

    /// The halves that the holder can use.
    fn usable(&self) -> impl Iterator<Item = Half> + use<> {
        let pins = self.profile.pins;
        self.halves().filter(move |_| pins)
    }

    fn pin(&self, half: Half) -> &str {
        match half {
            Half::Signature => self.signature_pin,
            Half::Authentication => self.authentication_pin,
        }
    }

    /// What a blocked PIN is told as.
    fn blocked(&self) -> Sw {
        if self.profile.behaviour.blocked_as_iso { Sw::AUTHENTICATION_METHOD_BLOCKED } else { Sw::BLOCKED }
    }

    /// What a key says before its PIN: that it is blocked for a card without PINs.
    fn closed(&self) -> Sw {
        if self.profile.pins { Sw::SECURITY_STATUS_NOT_SATISFIED } else { self.blocked() }
    }

    /// Whether anybody reads the certificate.
    fn is_free(&self, half: Half) -> bool {
        half == Half::Authentication && self.profile.model != card_os::profile::Model::ANDROID.name
    }
}

pub use face::Face;

/// One check and its verdict.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// What was seen.
    pub seen: String,
    /// Microseconds it took.
    pub micros: u128,
}

/// Why a check did not hold.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Reader(#[from] ReaderError),
    #[error(transparent)]
    NotBelieved(#[from] NotBelieved),
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    #[error("{0}")]
    Otherwise(String),
}

type Seen = Result<String, Failed>;

fn otherwise(what: impl Into<String>) -> Failed {
    Failed::Otherwise(what.into())
}

/// Runs named checks and tells each verdict at once.
pub struct Harness<'a> {
    known: Known<'a>,
    tell: &'a mut dyn FnMut(&Check),
    checks: Vec<Check>,
}

impl<'a> Harness<'a> {
    /// A harness that calls `tell` after each check.
    pub fn new(known: Known<'a>, tell: &'a mut dyn FnMut(&Check)) -> Self {
        Harness { known, tell, checks: Vec::new() }
    }

    /// What was checked so far.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Whether every check held.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    fn check(&mut self, name: impl Into<String>, test: impl FnOnce(&Known<'a>) -> Seen) {
        let began = Instant::now();
        let result = test(&self.known);
        let (passed, seen) = match result {
            Ok(seen) => (true, seen),
            Err(failed) => (false, failed.to_string()),
        };
        let check = Check { name: name.into(), passed, seen, micros: micros(began.elapsed()) };
        (self.tell)(&check);
        self.checks.push(check);
    }

    /// Everything that leaves the card as it was. Stops early where a PIN is wrong, so at most one try of each is spent.
    pub fn prove(&mut self, reader: &mut dyn Reader) {
        self.check("power and selection", |known| {
            let atr = reader.power_on()?;
            expect(atr == known.profile.atr(), || format!("ATR {}", hex::encode_upper(&atr)))?;
            let mut jpki = Jpki::select(reader)?;
            let label = jpki.read(0x06, 32)?;
            let text = String::from_utf8_lossy(&label).trim_end().to_owned();
            let expected = text == known.profile.token;
            expect(expected, || format!("the token is labelled {text:?}, not {:?}", known.profile.token))?;
            Ok(format!("ATR {}, token {text}", hex::encode_upper(atr)))
        });
        self.check("certificates and tries are those of the issue", |known| as_issued(reader, known));
        for half in self.known.halves() {
            self.check(format!("{}: closed before its PIN", name(half)), |known| closed(reader, known, half));
        }
        for half in Half::ALL.into_iter().filter(|half| !self.known.has(*half)).collect::<Vec<_>>() {
            self.check(format!("{}: never issued, never opens", name(half)), |known| absent(reader, known, half));
        }
        if !self.passed() {
            // A card that is not as it was issued is not asked for more: wrong PINs would lock it.
            return;
        }
        for half in self.known.usable() {
            self.check(format!("{}: PIN is right", name(half)), |known| {
                Jpki::select(reader)?.verify(half, known.pin(half))?;
                Ok("one VERIFY".into())
            });
        }
        if !self.passed() {
            return;
        }
        for half in self.known.usable() {
            self.check(format!("{}: chain", name(half)), |known| chain(reader, known, half));
        }
        for half in self.known.usable() {
            for scheme in 0x00..=0x05 {
                self.check(format!("{}: signature scheme {scheme:02X}", name(half)), |known| {
                    sign(reader, known, half, scheme)
                });
            }
        }
        if self.known.usable().count() == 2 {
            self.check("one PIN opens nothing of the other", |known| separate(reader, known));
        }
        if self.known.profile.pins {
            self.check("a wrong value costs one try, a right one gives it back", |known| count(reader, known));
            self.check("status ends with power", |known| forgets(reader, known));
        }
        self.prove_face(reader);
    }

    /// Locks both PINs of a clone, restarts it, and unlocks them through the issuer channel.
    pub fn lock(&mut self, clone: &mut dyn Reader, issuer: &card_os::scp03::KeySet) {
        if !self.known.profile.pins {
            return;
        }
        for half in self.known.usable() {
            self.check(format!("{}: locks after {} wrong values (on a clone)", name(half), half.tries()), |known| {
                lock(clone, known, half)
            });
        }
        self.check("a lock survives power and only the issuer channel opens it (on a clone)", |known| {
            unlock(clone, known, issuer)
        });
    }
}

fn micros(took: Duration) -> u128 {
    took.as_micros()
}

fn name(half: Half) -> &'static str {
    match half {
        Half::Signature => "signature 署名用",
        Half::Authentication => "authentication 利用者証明用",
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(Failed::Otherwise(otherwise())) }
}

/// The card must refuse, with this word.
fn refused<T>(result: Result<T, ClientError>, sw: Sw) -> Result<(), Failed> {
    match result {
        Ok(_) => Err(otherwise(format!("the card did it instead of answering {sw}"))),
        Err(error) if error.sw() == Some(sw) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn as_issued(reader: &mut dyn Reader, known: &Known<'_>) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    let flag = |half| if known.has(half) { 0x8F } else { 0x00 };
    let flags = [flag(Half::Signature), flag(Half::Authentication), 0x00];
    if !known.profile.is_juki_card() {
        let told = jpki.read(0x08, 3)?;
        expect(told == flags, || format!("EF 0008 is {}", hex::encode_upper(&told)))?;
    }
    if !known.profile.pins {
        for half in known.halves() {
            expect(jpki.tries(half)? == 0, || format!("{half:?}: a PIN of a card without PINs has tries"))?;
        }
        return Ok("no PIN has any tries".into());
    }
    for half in known.halves() {
        expect(jpki.tries(half)? == half.tries(), || format!("{half:?}: tries were spent before"))?;
    }
    let tries = known.halves().map(|half| format!("{} for {}", half.tries(), name(half)));
    Ok(tries.collect::<Vec<_>>().join(", "))
}

/// A half that the card was issued without. (card.md D-19, D-53)
fn absent(reader: &mut dyn Reader, known: &Known<'_>, half: Half) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    if known.profile.is_juki_card() {
        refused(jpki.tries(half), Sw::REFERENCED_DATA_NOT_FOUND)?;
        refused(jpki.read(half.certificate(), 4), Sw::FILE_NOT_FOUND)?;
        return Ok("its EFs do not exist".into());
    }
    expect(jpki.tries(half)? == 0, || "its PIN object has tries".into())?;
    refused(jpki.verify(half, "ABC123"), known.blocked())?;
    refused(jpki.sign(half, 0x03, b"x"), known.blocked())?;
    refused(jpki.read(half.certificate(), 4), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    Ok("no certificate, PIN object blocked".into())
}

fn closed(reader: &mut dyn Reader, known: &Known<'_>, half: Half) -> Seen {
    reader.power_on()?;
    let mut jpki = Jpki::select(reader)?;
    refused(jpki.sign(half, 0x03, b"x"), known.closed())?;
    refused(jpki.change(half, "987654"), known.closed())?;
    refused(jpki.read(half.key(), 256), Sw::INCOMPATIBLE_FILE_STRUCTURE)?;
    refused(jpki.read(half.pin(), 16), Sw::INCOMPATIBLE_FILE_STRUCTURE)?;
    if known.is_free(half) {
        jpki.read(half.certificate(), 4)?;
    } else {
        refused(jpki.read(half.certificate(), 4), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    }
    Ok("key, PIN and certificate are as the table says".into())
}

fn chain(reader: &mut dyn Reader, known: &Known<'_>, half: Half) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    let authority = jpki.certificate(half.authority())?.ok_or_else(|| otherwise("no CA certificate"))?;
    expect(authority == known.authority(half), || "the CA certificate on the card is not this world's".into())?;
    jpki.verify(half, known.pin(half))?;
    let certificate = jpki.certificate(half.certificate())?.ok_or_else(|| otherwise("no certificate"))?;
    relying::chain(&certificate, &authority)?;
    relying::chain(&authority, &authority)?;
    Ok(format!("{} bytes under {} bytes, both signatures hold", certificate.len(), authority.len()))
}

fn sign(reader: &mut dyn Reader, known: &Known<'_>, half: Half, scheme: u8) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    jpki.verify(half, known.pin(half))?;
    let certificate = jpki.certificate(half.certificate())?.ok_or_else(|| otherwise("no certificate"))?;
    let input = [0xA5; 32];
    let signature = jpki.sign(half, scheme, &input)?;
    relying::signature(&certificate, scheme, &input, &signature)?;
    if known.profile.behaviour.password_per_signature && half == Half::Signature {
        refused(jpki.sign(half, scheme, &input), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
        jpki.verify(half, known.pin(half))?;
    }
    let again = jpki.sign(half, scheme, &input)?;
    let randomised = scheme >= 0x04;
    expect((again != signature) == randomised, || "salt is missing, or there is one too many".into())?;
    Ok(if randomised { "opens; two differ by their salt" } else { "opens; two are alike" }.into())
}

fn separate(reader: &mut dyn Reader, known: &Known<'_>) -> Seen {
    for (own, other) in [(Half::Signature, Half::Authentication), (Half::Authentication, Half::Signature)] {
        reader.power_on()?;
        let mut jpki = Jpki::select(reader)?;
        jpki.verify(own, known.pin(own))?;
        refused(jpki.sign(other, 0x03, b"x"), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    }
    Ok("each key wants its own".into())
}

fn count(reader: &mut dyn Reader, known: &Known<'_>) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    for half in known.usable() {
        refused(jpki.verify(half, "0"), Sw::tries_left(half.tries() - 1))?;
        expect(jpki.tries(half)? == half.tries() - 1, || "the query tells another number".into())?;
        jpki.verify(half, known.pin(half))?;
        expect(jpki.tries(half)? == half.tries(), || "the try was not given back".into())?;
    }
    Ok("for each".into())
}

fn forgets(reader: &mut dyn Reader, known: &Known<'_>) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    for half in known.halves() {
        jpki.verify(half, known.pin(half))?;
    }
    jpki.reader().power_off()?;
    jpki.reader().power_on()?;
    let mut jpki = Jpki::select(reader)?;
    for half in known.halves() {
        refused(jpki.sign(half, 0x03, b"x"), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    }
    Ok("nothing is signed after it".into())
}

fn lock(clone: &mut dyn Reader, known: &Known<'_>, half: Half) -> Seen {
    clone.power_on()?;
    let mut jpki = Jpki::select(clone)?;
    for left in (0..half.tries()).rev() {
        refused(jpki.verify(half, "0"), Sw::tries_left(left))?;
    }
    refused(jpki.verify(half, known.pin(half)), known.blocked())?;
    refused(jpki.sign(half, 0x03, b"x"), known.blocked())?;
    expect(jpki.tries(half)? == 0, || "the query does not tell 0".into())?;
    Ok("the right value is refused too".into())
}

fn unlock(clone: &mut dyn Reader, known: &Known<'_>, keys: &card_os::scp03::KeySet) -> Seen {
    clone.power_off()?;
    clone.power_on()?;
    let mut jpki = Jpki::select(clone)?;
    for half in known.halves() {
        refused(jpki.verify(half, known.pin(half)), known.blocked())?;
    }
    let mut rng = SimRng::from_os().map_err(|error| otherwise(error.to_string()))?;
    let mut issuer = Issuer::open(clone, keys, card_os::scp03::Level::FULL, &mut rng)?;
    for half in known.halves() {
        issuer.reset_retry_counter(u16::from_be_bytes([1, half.pin()]), known.pin(half).as_bytes())?;
    }
    let mut jpki = Jpki::select(clone)?;
    for half in known.halves() {
        jpki.verify(half, known.pin(half))?;
        jpki.sign(half, 0x03, b"x")?;
    }
    Ok("both sign again after RESET RETRY COUNTER".into())
}
