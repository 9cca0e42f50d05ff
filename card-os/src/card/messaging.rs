//! Secure messaging around the holder's commands. (card.md §13, D-42)

use super::{Card, Response};
use crate::{
    access::{self, Decipher},
    command::{Command, DATA_MAX, Instruction},
    messaging::Messaging,
    platform::{Engine, MODULUS, Nvm},
    profile::{Phase, SessionKey},
    refusal::Refusal,
    sign,
};
use apdu::Header;
use rand_core::TryCryptoRng;
use zeroize::Zeroize;

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
        let mut em = sign::decipher(&granted, cryptogram, &self.chip.store, &mut self.chip.engine, &mut self.chip.rng)?;
        self.session.messaging = Some(Messaging::begin(&mut em)?);
        Ok(())
    }

    /// A command of class 08 in a session. A data object that does not hold ends the session; what the command itself answers
    /// does not.
    pub(super) fn messaged(&mut self, header: Header, bytes: &[u8], out: &mut Response) -> Result<(), Refusal> {
        let messaging = self.session.messaging.as_mut().ok_or(Refusal::NoSecureSession)?;
        messaging.advance();
        let instruction = match (header.ins, header.p1) {
            (0x20, _) => Instruction::Verify,
            (0xB0, _) => Instruction::ReadBinary,
            // An application is selected in clear alone: that ends the session.
            (0xA4, 0x02) => Instruction::Select,
            _ => return Err(Refusal::SecureMessagingUnsupported),
        };
        let body = apdu::Command::parse(bytes).map_err(|_| Refusal::Length)?;
        let mut data: heapless::Vec<u8, DATA_MAX> = heapless::Vec::new();
        let done = self.opened(instruction, header, body, &mut data, out);
        data.zeroize();
        if done == Err(Refusal::MessagingObject) {
            self.session.messaging = None;
        }
        done
    }

    fn opened(
        &mut self,
        instruction: Instruction,
        header: Header,
        body: apdu::Command<'_>,
        data: &mut heapless::Vec<u8, DATA_MAX>,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let messaging = self.session.messaging.as_ref().ok_or(Refusal::NoSecureSession)?;
        if body.data.is_empty() {
            return Err(Refusal::MessagingObjectMissing);
        }
        let ne = if instruction == Instruction::ReadBinary {
            if body.ne.is_none() {
                return Err(Refusal::Length);
            }
            Some(Messaging::ne(body.data)?)
        } else {
            messaging.data(body.data, data)?;
            None
        };
        let plain = apdu::Command { data: data.as_slice(), ne, ..body };
        let command = Command::read(instruction, header, Ok(plain))?;
        let phase = crate::identity::phase(&self.chip.store)?;
        self.act(command, phase, out)?;
        self.session.messaging.as_ref().map_or(Ok(()), |messaging| messaging.wrap(out))
    }
}
