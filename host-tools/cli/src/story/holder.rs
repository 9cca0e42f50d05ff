//! The holder in the story: what one does with a card, over its socket, and what services say to it.

use crate::{desk::Desk, failure::Failure, login::signed, on_record::OnRecord};
use pki::{
    application::{self, Form, Packing},
    client::{
        Half, Jpki, PasswordError, Passwords,
        revocation::Request,
        viewer::{Place, Shown},
    },
    profile::Hierarchy,
    relying::{
        certificate::Certificate,
        challenge::Challenge,
        message::Binding,
        report::{Report, Verdict},
        verdict::Verifier,
    },
};
use sim::{pcsc::PcscReader, reader::Reader, rng::SimRng};
use std::collections::BTreeMap;
use world::{
    World,
    counter::{self, Done, Procedure},
    online, register,
};

pub(super) const PIN: &str = "1234";
pub(super) const WRONG_PIN: &str = "0707";
pub(super) const PASSWORD: &str = "ABC123";
const SERVICE: &str = "login.jitsuin.test";
const PROCEDURE: &str = "自動車税の住所変更届";
/// P1 of a signature over a DigestInfo. (card.md §8.1)
const DIGEST_INFO: u8 = 0x00;

pub(super) struct Holder {
    pub(super) world: World,
    pub(super) resident: String,
    pub(super) card: String,
    pub(super) anchors: Vec<Certificate>,
}

/// The finding that a refusal is about; `None` where everything holds.
pub(super) fn refusal(report: &Report) -> Option<&'static str> {
    let found = report.checks.iter().filter(|check| check.verdict != Verdict::Passed).map(|check| check.finding);
    found.into_iter().find(|finding| *finding != "not-run")
}

impl Holder {
    /// Puts the card into a reader, and takes it out again.
    fn at_reader<T>(&self, act: impl FnOnce(&mut PcscReader) -> Result<T, Failure>) -> Result<T, Failure> {
        let (_, card) = crate::card(&self.world, &self.card)?;
        let desk = Desk::new(Box::new(card))?;
        let mut reader = desk.reader()?;
        reader.power_on()?;
        let done = act(&mut reader);
        drop(reader);
        desk.clear();
        done
    }

    /// A relying party that asks the world's own record.
    fn verify(&self, hierarchy: Hierarchy, judge: impl FnOnce(&Verifier<'_>) -> Report) -> Report {
        let told = OnRecord(&self.world, hierarchy);
        let policy = hierarchy.policy();
        judge(&Verifier { anchors: &self.anchors, policy, revocation: &told, binding: Binding::Required })
    }

    /// Logs in to an online service.
    pub(super) fn log_in(&self) -> Result<Report, Failure> {
        let now = self.world.now()?;
        let challenge = Challenge::new(SERVICE, now, &mut SimRng::from_os()?);
        let challenge = challenge.ok_or_else(|| Failure::Refused(format!("{SERVICE}: no host name")))?;
        let (certificate, signature) = self.at_reader(|reader| signed(&mut Jpki::select(reader)?, &challenge, PIN))?;
        Ok(self.verify(Hierarchy::Authentication, |verifier| verifier.login(&challenge, &certificate, &signature, now)))
    }

    /// Signs an application with the attributes of the register, and sends it to an office.
    pub(super) fn apply(&self) -> Result<Report, Failure> {
        let now = self.world.now()?;
        let person = register::get(&self.world, &self.resident)?.person;
        let (name, address, birth, sex) = (person.name, person.address, person.birth, person.sex);
        let form = Form { procedure: PROCEDURE.into(), name, address, birth, sex, fields: BTreeMap::new() };
        let content = form.to_json()?;
        let message = self.at_reader(|reader| {
            let mut jpki = Jpki::select(reader)?;
            Passwords::open(&mut jpki, Half::Signature, PASSWORD)?;
            let certificate = Certificate::parse(&own(&mut jpki, Place::OwnSignature)?)?;
            let sign = |info: &[u8]| jpki.sign(Half::Signature, DIGEST_INFO, info);
            application::sign(&content, &certificate, Packing::Attached, now, sign)
                .map_err(|error| Failure::Refused(error.to_string()))
        })?;
        Ok(self.verify(Hierarchy::Signature, |verifier| verifier.application(&message, None, now)))
    }

    /// Revokes the signature certificate from home.
    pub(super) fn revoke_online(&self) -> Result<Done, Failure> {
        let now = self.world.now()?;
        let request = self.at_reader(|reader| {
            let mut jpki = Jpki::select(reader)?;
            Passwords::open(&mut jpki, Half::Signature, PASSWORD)?;
            let shown = Shown::new(Place::OwnSignature, &own(&mut jpki, Place::OwnSignature)?, now)?;
            let serial = u32::from_str_radix(&shown.serial, 16)?;
            let request = Request::new(Hierarchy::Signature, serial, now, &mut SimRng::from_os()?);
            Ok(request.sign(&mut jpki, Half::Signature)?)
        })?;
        Ok(online::revoke(&self.world, now, &request)?)
    }

    /// Presents a wrong PIN until the card locks it; how often that was.
    pub(super) fn lock(&self) -> Result<u32, Failure> {
        self.at_reader(|reader| {
            let mut jpki = Jpki::select(reader)?;
            for spent in 1.. {
                let refused = Passwords::open(&mut jpki, Half::Authentication, WRONG_PIN);
                match refused {
                    Err(PasswordError::Wrong { left: 0, .. } | PasswordError::Locked(_)) => return Ok(spent),
                    Err(PasswordError::Wrong { .. }) => {}
                    Err(error) => return Err(error.into()),
                    Ok(()) => break,
                }
            }
            Err(Failure::Refused("the card took a wrong PIN".into()))
        })
    }

    /// What the client software says of the authentication certificate's dates.
    pub(super) fn look(&self) -> Result<Shown, Failure> {
        let now = self.world.now()?;
        self.at_reader(|reader| {
            let der = own(&mut Jpki::select(reader)?, Place::OwnAuthentication)?;
            Ok(Shown::new(Place::OwnAuthentication, &der, now)?)
        })
    }

    /// Has certificates issued or renewed at the counter.
    pub(super) fn certify(&self, what: (Procedure, pki::personalise::Halves)) -> Result<Done, Failure> {
        let now = self.world.now()?;
        self.at_reader(|reader| Ok(counter::certify(&self.world, now, &self.card, what, None, reader, &mut |_| {})?))
    }

    /// Has the authentication PIN reset at the counter.
    pub(super) fn reset_pin(&self) -> Result<Done, Failure> {
        let now = self.world.now()?;
        self.at_reader(|reader| Ok(counter::reset_pin(&self.world, now, &self.card, reader, &[0x0118], PIN)?))
    }
}

fn own(jpki: &mut Jpki<'_>, place: Place) -> Result<Vec<u8>, Failure> {
    place.read(jpki)?.ok_or_else(|| Failure::Refused(format!("this card has no {}", place.names()[0])))
}
