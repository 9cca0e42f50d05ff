//! Terminal certificates. (card.md §12, D-41)

use super::Card;
use crate::{
    file,
    platform::{Engine, MODULUS, Nvm},
    profile::Kind,
    refusal::Refusal,
    sign::{self, PUBLIC_KEY},
};
use rand_core::TryCryptoRng;
use sha2::{Digest, Sha256};

/// `7F21 ‖ 5F4E` headers of the first step.
const BODY_HEAD: [u8; 10] = [0x7F, 0x21, 0x82, 0x02, 0x33, 0x5F, 0x4E, 0x82, 0x01, 0x29];
/// Issuer ‖ subject ‖ public key.
const BODY: usize = 297;
/// `5F37` header of the second step.
const SIGNATURE_HEAD: [u8; 5] = [0x5F, 0x37, 0x82, 0x01, 0x00];

impl<N: Nvm, E: Engine, R: TryCryptoRng> Card<N, E, R> {
    /// `80 A2`: a card-verifiable certificate in two steps, its body and its signature, judged with the key of EF 0016. A good
    /// one raises a flag that opens nothing.
    pub(super) fn terminal_certificate(&mut self, body: bool, data: &[u8]) -> Result<(), Refusal> {
        let file = self.session.file().ok_or(Refusal::NoCurrentFile)?;
        if file.kind != Kind::PublicKey {
            return Err(Refusal::Conditions);
        }
        let had = self.session.terminal.take();
        if body {
            let body = data.strip_prefix(&BODY_HEAD).filter(|body| body.len() == BODY).ok_or(Refusal::Data)?;
            self.session.terminal = Some(Sha256::digest(body).into());
            return Ok(());
        }
        let digest = had.ok_or(Refusal::Conditions)?;
        let signature: &[u8; MODULUS] =
            data.strip_prefix(&SIGNATURE_HEAD).and_then(|rest| rest.try_into().ok()).ok_or(Refusal::Data)?;
        let mut key = [0; PUBLIC_KEY];
        file::read_public_key(&self.chip.store, file, &mut key);
        if !sign::opens(&key, &digest, signature, &mut self.chip.engine) {
            return Err(Refusal::SecurityStatus);
        }
        self.session.accept_terminal();
        Ok(())
    }
}
