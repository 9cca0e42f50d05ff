//! Commands on the objects of the current application: read, verify, change, sign, authenticate. (card.md §5)

use super::{Card, Chip, Response};
use crate::{
    access::{self, Authenticate, Granted, Read, Sign, Verify},
    command::Reference,
    file,
    pin::Pin,
    platform::{Engine, MODULUS, Nvm},
    profile::{Change, JPKI, Kind, Object, Operation, Phase, Rule, SIGNATURE_KEY},
    record,
    refusal::Refusal,
    session::Session,
    sign::{self, Scheme},
    store::Store,
};
use apdu::Form;
use rand_core::TryCryptoRng;

impl<N: Nvm, E: Engine, R: TryCryptoRng> Card<N, E, R> {
    /// The object a command is about; one named by SFI becomes the current EF. (card.md D-24)
    fn locate(&mut self, reference: Reference, missing: Refusal) -> Result<&'static Object, Refusal> {
        let application = self.session.application();
        match reference {
            Reference::Default => {
                let key = application.default_key.and_then(|key| application.file(u16::from(key)));
                key.ok_or(missing)
            }
            Reference::Current => self.session.file().ok_or(Refusal::NoCurrentFile),
            Reference::Sfi(sfi) => {
                let file = application.file(u16::from(sfi)).filter(|_| !self.session.at_isd()).ok_or(missing)?;
                self.session.select_file(file);
                Ok(file)
            }
        }
    }

    fn locate_pin(&mut self, reference: Reference) -> Result<Pin, Refusal> {
        Pin::of(self.locate(reference, Refusal::ReferenceNotFound)?).ok_or(Refusal::WrongKind)
    }

    fn granted<Op: access::Grantable>(&self, object: &'static Object, phase: Phase) -> Result<Granted<Op>, Refusal> {
        access::grant(object, &self.session, phase, &self.chip.store)
    }

    pub(super) fn read_binary(
        &mut self,
        phase: Phase,
        file: Reference,
        offset: u16,
        ne: u32,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        self.readable(phase, file, offset)?.read(&self.session, &self.chip.store, ne, out)
    }

    /// What READ BINARY may read: the EF from the offset on.
    pub(super) fn readable(&mut self, phase: Phase, file: Reference, offset: u16) -> Result<Part, Refusal> {
        let object = self.locate(file, Refusal::FileNotFound)?;
        let Kind::File(size) = object.kind else { return Err(Refusal::WrongKind) };
        let granted = self.granted::<Read>(object, phase)?;
        let (offset, size) = (usize::from(offset), file::size(&self.chip.store, object, size));
        let rest = size.checked_sub(offset).filter(|rest| *rest > 0).ok_or(Refusal::Offset)?;
        Ok(Part { granted, offset, rest })
    }

    /// One record, or from it to the last. (card.md §5.2, D-17)
    pub(super) fn read_record(
        &mut self,
        phase: Phase,
        file: Reference,
        (number, rest): (u8, bool),
        ne: u32,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let object = self.locate(file, Refusal::FileNotFound)?;
        let Kind::Records(capacity) = object.kind else { return Err(Refusal::WrongKind) };
        let granted = self.granted::<Read>(object, phase)?;
        let length = file::length(&self.chip.store, object).unwrap_or(0).min(usize::from(capacity));
        out.resize(length, 0).map_err(|_| Refusal::NoDiagnosis)?;
        file::read(&granted, &self.chip.store, 0, out);
        granted.confirm(&self.session, &self.chip.store)?;
        let range = record::range(out, number, rest).ok_or(Refusal::RecordNotFound)?;
        // An answer of fixed size: Le below it is a wrong length. (card.md D-12)
        if u32::try_from(range.len()).is_ok_and(|length| length > ne) {
            return Err(Refusal::Length);
        }
        out.copy_within(range.clone(), 0);
        out.truncate(range.len());
        Ok(())
    }

    pub(super) fn try_counter(&mut self, pin: Reference) -> Result<(), Refusal> {
        let pin = self.locate_pin(pin)?;
        Err(Refusal::Tries(pin.left(&self.chip.store)))
    }

    pub(super) fn verify(&mut self, phase: Phase, pin: Reference, value: &[u8]) -> Result<(), Refusal> {
        let (_, granted) = self.presentable(phase, pin)?;
        self.present(&granted, value)
    }

    /// The PIN object that VERIFY may be done with.
    pub(super) fn presentable(&mut self, phase: Phase, pin: Reference) -> Result<(Pin, Granted<Verify>), Refusal> {
        let pin = self.locate_pin(pin)?;
        Ok((pin, self.granted::<Verify>(pin.object(), phase)?))
    }

    /// Presents a value, and raises or lowers the status.
    pub(super) fn present(&mut self, granted: &Granted<Verify>, value: &[u8]) -> Result<(), Refusal> {
        let done = Pin::verify(granted, &mut self.chip.store, value);
        match done {
            Ok(()) => self.session.raise(granted.object()),
            Err(_) => self.session.lower(granted.object()),
        }
        // Whoever is verified now has presented the right value: seen once more, whatever was decided above.
        if !Pin::holds(granted, &self.chip.store, value) {
            self.session.lower(granted.object());
        }
        done
    }

    /// CHANGE REFERENCE DATA or CHANGE KEY, whichever this application takes. (card.md §5.4, D-29, D-30)
    pub(super) fn change(&mut self, by: Change, phase: Phase, pin: Reference, value: &[u8]) -> Result<(), Refusal> {
        let pin = self.locate_pin(pin)?;
        if self.session.application().change != by {
            return Err(Refusal::Conditions);
        }
        let granted = self.granted::<access::Change>(pin.object(), phase)?;
        Pin::set(&granted, &self.session, &mut self.chip.store, value)
    }

    pub(super) fn sign(
        &mut self,
        phase: Phase,
        scheme: Scheme,
        key: Reference,
        input: &[u8],
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let key = self.locate(key, Refusal::ReferenceNotFound)?;
        match key.kind {
            Kind::PrivateKey { .. } if key.rule(Operation::Sign, phase) != Rule::Never => {}
            Kind::PrivateKey { .. } | Kind::PublicKey | Kind::Internal => return Err(Refusal::Conditions),
            Kind::File(_) | Kind::Records(_) | Kind::DataObject { .. } | Kind::Pin { .. } => {
                return Err(Refusal::WrongKind);
            }
        }
        let granted = self.granted::<Sign>(key, phase)?;
        let Chip { store, engine, rng, .. } = &mut self.chip;
        let mut signature = [0; MODULUS];
        sign::sign(&granted, scheme, input, store, engine, rng, &mut signature)?;
        granted.confirm(&self.session, &self.chip.store)?;
        self.spend_password(key, phase);
        out.extend_from_slice(&signature).map_err(|_| Refusal::NoDiagnosis)
    }

    /// On a card that wants the password for every signature, one signature takes its status away. (card.md §7.3)
    fn spend_password(&mut self, key: &Object, phase: Phase) {
        let signs = self.session.application() == &JPKI && key.number == SIGNATURE_KEY;
        if let Rule::Pins(pins) = key.rule(Operation::Sign, phase)
            && signs
            && self.chip.behaviour.password_per_signature
        {
            let application = self.session.application();
            for pin in pins.iter().filter_map(|pin| application.file(u16::from(*pin))) {
                self.session.lower(pin);
            }
        }
    }

    /// GET CHALLENGE, short form only. (card.md §5.5)
    pub(super) fn challenge(&mut self, ne: u32, form: Form, out: &mut Response) -> Result<(), Refusal> {
        if form == Form::Extended {
            return Err(Refusal::Conditions);
        }
        out.resize(usize::try_from(ne).unwrap_or(MODULUS), 0).map_err(|_| Refusal::Length)?;
        self.chip.rng.try_fill_bytes(out).map_err(|_| Refusal::NoDiagnosis)
    }

    /// INTERNAL AUTHENTICATE: one key answers; which word the others say depends on what was named. (card.md §5.6, D-38)
    pub(super) fn internal_authenticate(
        &mut self,
        phase: Phase,
        key: Reference,
        challenge: &[u8],
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let key = self.locate(key, Refusal::ReferenceNotFound)?;
        match key.kind {
            Kind::PrivateKey { .. } if key.rule(Operation::Authenticate, phase) != Rule::Never => {}
            Kind::PrivateKey { certificate: Some(_) } => return Err(Refusal::SecurityStatus),
            Kind::PrivateKey { .. } | Kind::PublicKey | Kind::Pin { .. } | Kind::Internal => {
                return Err(Refusal::Conditions);
            }
            Kind::File(_) | Kind::Records(_) | Kind::DataObject { .. } => return Err(Refusal::WrongKind),
        }
        let granted = self.granted::<Authenticate>(key, phase)?;
        if challenge.len() > CHALLENGE_MAX {
            return Err(Refusal::Conditions);
        }
        let Chip { store, engine, rng, .. } = &mut self.chip;
        let mut signature = [0; MODULUS];
        sign::sign(&granted, Scheme::CHALLENGE, challenge, store, engine, rng, &mut signature)?;
        granted.confirm(&self.session, &self.chip.store)?;
        out.extend_from_slice(&signature).map_err(|_| Refusal::NoDiagnosis)
    }

    /// EXTERNAL AUTHENTICATE: no key of this card answers it. (card.md D-39)
    pub(super) fn external_authenticate(&mut self, key: Reference) -> Result<(), Refusal> {
        // The default key of an application is for signing.
        let key = if key == Reference::Default {
            Err(Refusal::ReferenceNotFound)
        } else {
            self.locate(key, Refusal::ReferenceNotFound)
        };
        Err(match key?.kind {
            Kind::File(_) | Kind::Records(_) | Kind::DataObject { .. } => Refusal::WrongKind,
            Kind::PrivateKey { .. } | Kind::PublicKey | Kind::Pin { .. } | Kind::Internal => Refusal::Conditions,
        })
    }
}

/// What is left of a transparent EF from an offset on: one byte at least, and it may be read.
pub(super) struct Part {
    granted: Granted<Read>,
    offset: usize,
    rest: usize,
}

impl Part {
    /// Reads `ne` bytes of it, or what there is.
    pub(super) fn read<N: Nvm>(
        &self,
        session: &Session,
        store: &Store<N>,
        ne: u32,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let length = self.rest.min(usize::try_from(ne).unwrap_or(usize::MAX));
        out.resize(length, 0).map_err(|_| Refusal::Length)?;
        file::read(&self.granted, store, self.offset, out);
        self.granted.confirm(session, store)
    }
}

/// Longest challenge of INTERNAL AUTHENTICATE. (card.md §5.6)
const CHALLENGE_MAX: usize = 255;
