//! The issuer's channel: opening it, and what comes through it. (card.md D-43, D-44)

use super::{Card, Response};
use crate::{
    command::DATA_MAX,
    identity::{self, KEY_SET_COUNTER},
    perso::{self, Answer},
    platform::{Engine, Nvm},
    profile::ISD,
    refusal::Refusal,
    scp03::{self, CHALLENGE, Pending},
    session::Issuer,
};
use apdu::Header;
use rand_core::TryCryptoRng;
use zeroize::Zeroize;

impl<N: Nvm, E: Engine, R: TryCryptoRng> Card<N, E, R> {
    /// INITIALIZE UPDATE. (GlobalPlatform Amendment D §7.1.1)
    #[inline(never)]
    pub(super) fn initialize_update(
        &mut self,
        version: u8,
        host: [u8; CHALLENGE],
        ne: u32,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        self.session.close_channel();
        let issuer = identity::issuer_keys(&self.chip.store)?;
        let derived = issuer.options & 0x10 != 0;
        if ne < if derived { 32 } else { 29 } {
            return Err(Refusal::Length);
        }
        if version != 0 && version != issuer.version {
            return Err(Refusal::ReferenceNotFound);
        }
        if KEY_SET_COUNTER.left(&self.chip.store) == 0 {
            return Err(Refusal::Blocked);
        }
        let mut challenge = [0; CHALLENGE];
        let mut sequence = None;
        if derived {
            let counter = identity::next_sequence(&mut self.chip.store)?;
            challenge = scp03::pseudo_random_challenge(&issuer.keys, counter, ISD.aid);
            sequence = Some(counter);
        } else {
            self.chip.rng.try_fill_bytes(&mut challenge).map_err(|_| Refusal::NoDiagnosis)?;
        }
        let pending = Pending::new(&issuer.keys, &host, &challenge);
        let answer = identity::diversification(&self.chip.store)
            .into_iter()
            .chain([issuer.version, 0x03, issuer.options])
            .chain(challenge)
            .chain(pending.card_cryptogram())
            .chain(sequence.into_iter().flatten());
        out.extend(answer);
        self.session.issuer = Issuer::Pending(pending);
        Ok(())
    }

    /// A command in the issuer channel. Whatever fails in its protection ends the channel.
    #[inline(never)]
    pub(super) fn secured(&mut self, header: Header, bytes: &[u8], out: &mut Response) -> Result<(), Refusal> {
        let issuer = core::mem::take(&mut self.session.issuer);
        let Some(body) = apdu::Command::parse(bytes).ok().filter(|body| body.data.len() <= DATA_MAX) else {
            self.session.close_channel();
            return Err(Refusal::Length);
        };
        let raw = [header.cla.0, header.ins, header.p1, header.p2];
        let mut channel = match issuer {
            Issuer::Closed => return Err(Refusal::SecureMessagingUnsupported),
            Issuer::Pending(pending) => return self.authenticate(pending, raw, body.data),
            Issuer::Open(channel) => channel,
        };
        // In the answer's place, since a chip has no room for both.
        if channel.unwrap_command(raw, body.form, body.data, out).is_err() {
            self.session.close_channel();
            return Err(Refusal::SecurityStatus);
        }
        self.session.issuer = Issuer::Open(channel);
        let mut answer = Answer::new();
        let done = perso::act(&mut self.chip, &mut self.session, header, out, &mut answer);
        out.zeroize();
        done?;
        out.extend_from_slice(&answer).map_err(|_| Refusal::NoDiagnosis)?;
        if let Issuer::Open(channel) = &mut self.session.issuer {
            channel.wrap_response(out, apdu::Sw::SUCCESS.0).map_err(|_| Refusal::NoDiagnosis)?;
        }
        Ok(())
    }

    /// EXTERNAL AUTHENTICATE: the try is charged before the cryptogram is judged. (card.md D-43)
    #[inline(never)]
    fn authenticate(&mut self, pending: Pending, header: [u8; 4], data: &[u8]) -> Result<(), Refusal> {
        let [_, _, level, p2] = header;
        if scp03::Level::from_p1(level).is_none() || p2 != 0 {
            return Err(Refusal::Parameters);
        }
        if data.len() != scp03::CRYPTOGRAM + scp03::MAC {
            return Err(Refusal::Length);
        }
        KEY_SET_COUNTER.guess(&mut self.chip.store, |_| pending.proves(header, data)).map_err(
            |refusal| match refusal {
                Refusal::Tries(_) => Refusal::SecurityStatus,
                other => other,
            },
        )?;
        let opened = pending.authenticate(header, data);
        self.session.issuer = opened.map_or(Issuer::Closed, Issuer::Open);
        Ok(())
    }
}
