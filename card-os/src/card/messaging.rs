//! Secure messaging around the holder's commands. (card.md §13, D-42)

use super::{Card, Chip, Response};
use crate::{
    access::{self, Decipher},
    command::{DATA_MAX, Protected, Reference},
    identity,
    messaging::Messaging,
    pin::VALUE,
    platform::{Engine, MODULUS, Nvm},
    profile::{Phase, SessionKey},
    refusal::Refusal,
    sign,
};
use apdu::Header;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

impl<N: Nvm, E: Engine, R: TryCryptoRng> Card<N, E, R> {
    /// SET SESSION KEY: the PIN is looked for before anything is deciphered.
    pub(super) fn set_session_key(&mut self, phase: Phase, cryptogram: &[u8; MODULUS]) -> Result<(), Refusal> {
        let key = match self.session.application().session_key {
            SessionKey::Refused => return Err(Refusal::SecurityStatus),
            SessionKey::Unconfigured => return Err(Refusal::NoKeyDelivery),
            SessionKey::Delivered(key) => self.session.application().file(u16::from(key)),
        };
        let key = key.ok_or(Refusal::NoDiagnosis)?;
        let granted = access::grant::<Decipher, N>(key, &self.session, phase, &self.chip.store)?;
        let Chip { store, engine, rng, .. } = &mut self.chip;
        let mut em = Zeroizing::new([0; MODULUS]);
        sign::decipher(&granted, cryptogram, store, engine, rng, &mut em)?;
        granted.confirm(&self.session, &self.chip.store)?;
        Messaging::begin(&mut self.session.messaging, &mut em)
    }

    /// A command of class 08 in a session: whatever can be refused without opening its data object is refused before. An object
    /// that does not hold ends the session; what the command itself answers does not.
    #[inline(never)]
    pub(super) fn messaged(&mut self, header: Header, bytes: &[u8], out: &mut Response) -> Result<(), Refusal> {
        self.session.messaging.as_mut().ok_or(Refusal::NoSecureSession)?.advance();
        let command = Protected::read(header, apdu::Command::parse(bytes))?;
        let phase = identity::phase(&self.chip.store)?;
        let done = match command {
            Protected::SelectFile { object } => self.select_enciphered(&object),
            Protected::Verify { pin, object } => self.verify_enciphered(phase, pin, &object),
            Protected::ReadBinary { file, offset, most, object } => {
                self.read_enciphered(phase, (file, offset), most, &object, out)
            }
        };
        if done == Err(Refusal::MessagingObject) {
            self.session.messaging = None;
        }
        done
    }

    fn messaging(&self) -> Result<&Messaging, Refusal> {
        self.session.messaging.as_ref().ok_or(Refusal::NoSecureSession)
    }

    fn select_enciphered(&mut self, object: &[u8]) -> Result<(), Refusal> {
        let mut identifier = Plain::default();
        self.messaging()?.data(object, &mut identifier)?;
        match identifier.as_slice() {
            &[high, low] => self.select_file(u16::from_be_bytes([high, low])),
            _ => Err(Refusal::Length),
        }
    }

    /// The try-counter query has four bytes and so no such form: a value has one byte at least.
    fn verify_enciphered(&mut self, phase: Phase, pin: Reference, object: &[u8]) -> Result<(), Refusal> {
        let (pin, granted) = self.presentable(phase, pin)?;
        if pin.left(&self.chip.store) == 0 {
            self.session.lower(pin.object());
            return Err(Refusal::Blocked);
        }
        let mut value = Plain::default();
        self.messaging()?.data(object, &mut value)?;
        if (1..=VALUE).contains(&value.len()) { self.present(&granted, &value) } else { Err(Refusal::Length) }
    }

    fn read_enciphered(
        &mut self,
        phase: Phase,
        (file, offset): (Reference, u16),
        most: u32,
        object: &[u8],
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let part = self.readable(phase, file, offset)?;
        let ne = Messaging::ne(object)?;
        part.read(&self.session, &self.chip.store, ne.min(most), out)?;
        self.messaging()?.wrap(out)
    }
}

/// What was deciphered, wiped when it goes.
type Plain = Zeroizing<heapless::Vec<u8, DATA_MAX>>;
