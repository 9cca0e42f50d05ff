//! The verification harness: proves a card from outside, over any reader.
//!
//! It reads, verifies PINs, signs and checks what the card must refuse. What cannot be undone (locking) happens on a clone of
//! the card, if there is one. It leaves the card with all the tries it had.

use crate::{
    client::{ClientError, Half, Jpki},
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
    /// DER of the signature CA's certificate.
    pub signature_ca: &'a [u8],
    /// DER of the authentication CA's certificate.
    pub authentication_ca: &'a [u8],
    /// Signature password.
    pub signature_pin: &'a str,
    /// Authentication PIN.
    pub authentication_pin: &'a str,
    /// Whether the card was issued with a signature certificate; holders under 15 have none.
    pub has_signature: bool,
}

impl Known<'_> {
    fn authority(&self, half: Half) -> &[u8] {
        match half {
            Half::Signature => self.signature_ca,
            Half::Authentication => self.authentication_ca,
        }
    }

    /// The halves that the holder has.
    fn halves(&self) -> impl Iterator<Item = Half> + use<> {
        let has_signature = self.has_signature;
        Half::ALL.into_iter().filter(move |half| has_signature || *half != Half::Signature)
    }

    fn pin(&self, half: Half) -> &str {
        match half {
            Half::Signature => self.signature_pin,
            Half::Authentication => self.authentication_pin,
        }
    }
}

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
        self.check("power and selection", |_| {
            let atr = reader.power_on()?;
            let mut jpki = Jpki::select(reader)?;
            let label = jpki.read(0x06, 32)?;
            let text = String::from_utf8_lossy(&label).trim_end().to_owned();
            let expected = text == "JPKIAPICCTOKEN2";
            if expected { Ok(format!("ATR {}, token {text}", hex::encode_upper(atr))) } else { Err(otherwise(text)) }
        });
        self.check("certificates and tries are those of the issue", |known| as_issued(reader, known));
        for half in self.known.halves() {
            self.check(format!("{}: closed before its PIN", name(half)), |_| closed(reader, half));
        }
        if !self.known.has_signature {
            self.check(format!("{}: never issued, never opens", name(Half::Signature)), |_| absent(reader));
        }
        if !self.passed() {
            // A card that is not as it was issued is not asked for more: wrong PINs would lock it.
            return;
        }
        for half in self.known.halves() {
            self.check(format!("{}: PIN is right", name(half)), |known| {
                Jpki::select(reader)?.verify(half, known.pin(half))?;
                Ok("one VERIFY".into())
            });
        }
        if !self.passed() {
            return;
        }
        for half in self.known.halves() {
            self.check(format!("{}: chain", name(half)), |known| chain(reader, known, half));
        }
        for half in self.known.halves() {
            for scheme in 0x00..=0x05 {
                self.check(format!("{}: signature scheme {scheme:02X}", name(half)), |known| {
                    sign(reader, known, half, scheme)
                });
            }
        }
        if self.known.has_signature {
            self.check("one PIN opens nothing of the other", |known| separate(reader, known));
        }
        self.check("a wrong value costs one try, a right one gives it back", |known| count(reader, known));
        self.check("status ends with power", |known| forgets(reader, known));
    }

    /// Locks both PINs of a clone, restarts it, and unlocks them through the issuer channel.
    pub fn lock(&mut self, clone: &mut dyn Reader, issuer: &card_os::scp03::KeySet) {
        for half in self.known.halves() {
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
    let flags = [if known.has_signature { 0x8F } else { 0x00 }, 0x8F, 0x00];
    let told = jpki.read(0x08, 3)?;
    expect(told == flags, || format!("EF 0008 is {}", hex::encode_upper(&told)))?;
    for half in known.halves() {
        expect(jpki.tries(half)? == half.tries(), || format!("{half:?}: tries were spent before"))?;
    }
    let tries = known.halves().map(|half| format!("{} for {}", half.tries(), name(half)));
    Ok(tries.collect::<Vec<_>>().join(", "))
}

/// The signature half of a card that was issued without it. (card.md D-19)
fn absent(reader: &mut dyn Reader) -> Seen {
    let mut jpki = Jpki::select(reader)?;
    expect(jpki.tries(Half::Signature)? == 0, || "its PIN object has tries".into())?;
    refused(jpki.verify(Half::Signature, "ABC123"), Sw::BLOCKED)?;
    refused(jpki.sign(Half::Signature, 0x03, b"x"), Sw::BLOCKED)?;
    refused(jpki.read(Half::Signature.certificate(), 4), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    Ok("no certificate, PIN object blocked".into())
}

fn closed(reader: &mut dyn Reader, half: Half) -> Seen {
    reader.power_on()?;
    let mut jpki = Jpki::select(reader)?;
    refused(jpki.sign(half, 0x03, b"x"), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    refused(jpki.change(half, "987654"), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    refused(jpki.read(half.key(), 256), Sw::INCOMPATIBLE_FILE_STRUCTURE)?;
    refused(jpki.read(half.pin(), 16), Sw::INCOMPATIBLE_FILE_STRUCTURE)?;
    match half {
        Half::Signature => refused(jpki.read(half.certificate(), 4), Sw::SECURITY_STATUS_NOT_SATISFIED)?,
        Half::Authentication => drop(jpki.read(half.certificate(), 4)?),
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
    for half in known.halves() {
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
    refused(jpki.verify(half, known.pin(half)), Sw::BLOCKED)?;
    refused(jpki.sign(half, 0x03, b"x"), Sw::BLOCKED)?;
    expect(jpki.tries(half)? == 0, || "the query does not tell 0".into())?;
    Ok("the right value is refused too".into())
}

fn unlock(clone: &mut dyn Reader, known: &Known<'_>, keys: &card_os::scp03::KeySet) -> Seen {
    clone.power_off()?;
    clone.power_on()?;
    let mut jpki = Jpki::select(clone)?;
    for half in known.halves() {
        refused(jpki.verify(half, known.pin(half)), Sw::BLOCKED)?;
    }
    let mut rng = SimRng::from_os().map_err(|error| otherwise(error.to_string()))?;
    let mut issuer = Issuer::open(clone, keys, crate::counter::level(), &mut rng)?;
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
