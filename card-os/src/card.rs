//! The card: power, reset, and the ladder of checks that every command climbs.
//!
//! The ladder is class → instruction → phase → P1–P2 → lengths → object → access → data → act; the first rung that
//! fails answers. (card.md §4.2, D-11)

mod issuer;
mod messaging;
mod objects;
mod select;
mod terminal;

use crate::{
    command::{Command, Instruction},
    data, file,
    identity::{self, Atr, Behaviour, Manufacture},
    platform::{Engine, Nvm},
    profile::{Change, ISD, Model, Phase},
    refusal::Refusal,
    session::{Issuer, Session},
    store::{Store, StoreError},
};
use apdu::Header;
use rand_core::TryCryptoRng;

/// Most bytes of a response: the largest EF, what a secure channel adds, and SW1-SW2.
pub const RESPONSE_MAX: usize = 5632 + 16 + 8 + 2;

/// A response APDU.
pub type Response = heapless::Vec<u8, RESPONSE_MAX>;

/// What a handler of the issuer's acts works on: memory, engine and randomness, but no session.
#[derive(Debug)]
pub struct Chip<N, E, R> {
    /// The journal.
    pub store: Store<N>,
    /// The private operation.
    pub engine: E,
    /// Randomness.
    pub rng: R,
    /// Which applications the card has.
    pub model: &'static Model,
    /// Where it differs from measured cards.
    pub behaviour: Behaviour,
}

/// A card. One plain value: [`Card::fork`] is a snapshot of it, memory and session included.
#[derive(Debug)]
pub struct Card<N, E, R> {
    chip: Chip<N, E, R>,
    session: Session,
}

impl<N: Nvm, E: Engine, R: TryCryptoRng> Card<N, E, R> {
    /// Makes a blank card with issuer keys, as the card maker does.
    ///
    /// # Errors
    /// [`StoreError`] of the medium.
    pub fn manufacture(nvm: N, engine: E, rng: R, card: &Manufacture<'_>) -> Result<Self, StoreError> {
        let mut store = Store::format(nvm)?;
        identity::manufacture(&mut store, card)?;
        let chip = Chip { store, engine, rng, model: card.model, behaviour: card.behaviour };
        Ok(Card { chip, session: Session::default() })
    }

    /// Boots a card from its memory, finishing what a power cut interrupted.
    ///
    /// # Errors
    /// [`StoreError`] and the memory, untouched by guesswork.
    #[inline(never)]
    pub fn mount(nvm: N, engine: E, rng: R) -> Result<Self, (StoreError, N)> {
        let mut store = Store::mount(nvm)?;
        let known =
            identity::model(&store).and_then(|known| file::wipe_unfinished_keys(&mut store, known.0).map(|()| known));
        match known {
            Ok((model, behaviour)) => {
                Ok(Card { chip: Chip { store, engine, rng, model, behaviour }, session: Session::default() })
            }
            Err(error) => Err((error, store.into_nvm())),
        }
    }

    /// Cold reset: the ISD is current, nothing is verified. Returns the ATR. (card.md §2.4)
    pub fn power_on(&mut self) -> Atr {
        self.power_off();
        // A medium that fails now fails the next write too, where there is somebody to tell; the next start tries again.
        let Chip { store, model, .. } = &mut self.chip;
        let _ = store.settle().and_then(|()| file::wipe_unfinished_keys(store, model));
        self.atr()
    }

    /// Power loss: the session is gone, non-volatile memory stays.
    pub fn power_off(&mut self) {
        self.session = Session::default();
        self.chip.engine.power_off();
    }

    /// Warm reset. Returns the ATR. (card.md §2.4, D-03, D-28)
    pub fn reset(&mut self) -> Atr {
        self.session.warm_reset(self.chip.behaviour.clears_on_warm_reset);
        self.atr()
    }

    /// The ATR.
    #[must_use]
    pub fn atr(&self) -> Atr {
        identity::atr(&self.chip.store)
    }

    /// The life cycle phase; `None` where its record is damaged.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        identity::phase(&self.chip.store).ok()
    }

    /// Which applications it has.
    #[must_use]
    pub fn model(&self) -> &'static Model {
        self.chip.model
    }

    /// Where it differs from measured cards.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.chip.behaviour
    }

    /// The session, for observers.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The memory, for observers.
    #[must_use]
    pub fn nvm(&self) -> &N {
        self.chip.store.nvm()
    }

    /// The memory, for probes that arm themselves.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.chip.store.nvm_mut()
    }

    /// Takes the memory out of the card.
    pub fn into_nvm(self) -> N {
        self.chip.store.into_nvm()
    }

    /// The sanctioned way to duplicate a card, secrets included: the simulator's snapshot.
    #[must_use]
    pub fn fork(&self) -> Self
    where
        N: Clone,
        E: Clone,
        R: Clone,
    {
        let Chip { store, engine, rng, model, behaviour } = &self.chip;
        let (engine, rng) = (engine.clone(), rng.clone());
        let chip = Chip { store: store.fork(), engine, rng, model, behaviour: *behaviour };
        Card { chip, session: self.session.fork() }
    }

    /// Becomes as `other` is, as [`Card::fork`] would make it, by way of [`Clone::clone_from`] of memory, engine and
    /// randomness: a simulator goes back to a snapshot at the cost of what has changed.
    pub fn restore(&mut self, other: &Self)
    where
        N: Clone,
        E: Clone,
        R: Clone,
    {
        let Chip { store, engine, rng, model, behaviour } = &other.chip;
        self.chip.store.restore(store);
        self.chip.engine.clone_from(engine);
        self.chip.rng.clone_from(rng);
        (self.chip.model, self.chip.behaviour) = (model, *behaviour);
        self.session = other.session.fork();
    }

    /// One command APDU, one response APDU. Any bytes are answered.
    #[inline(never)]
    pub fn transmit(&mut self, command: &[u8], response: &mut Response) {
        response.clear();
        let sw = match self.climb(command, response) {
            Ok(()) => apdu::Sw::SUCCESS,
            Err(refusal) => {
                response.clear();
                self.told(refusal).sw()
            }
        };
        // The capacity leaves room for it.
        let _ = response.extend_from_slice(&sw.0.to_be_bytes());
    }

    /// The refusal as this card tells it.
    fn told(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Blocked if self.chip.behaviour.blocked_as_iso => Refusal::BlockedAsIso,
            other => other,
        }
    }

    fn climb(&mut self, bytes: &[u8], out: &mut Response) -> Result<(), Refusal> {
        let header = Header::parse(bytes).map_err(|_| Refusal::Length)?;
        match class(header, &self.session)? {
            Class::Plain => {}
            Class::Issuer => return self.secured(header, bytes, out),
            Class::Messaging => return self.messaged(header, bytes, out),
        }
        let instruction = Instruction::of(header.cla.0, header.ins, self.session.at_isd())?;
        let phase = identity::phase(&self.chip.store)?;
        if instruction.needs_issued_card() && !phase.in_use() {
            return Err(Refusal::Phase);
        }
        // The physical card refuses this mark of smartphones by length, however it looks. (card.md D-43, D-54)
        if instruction == Instruction::LastCommandMark && !self.chip.model.takes_last_command_mark {
            return Err(Refusal::Length);
        }
        let command = Command::read(instruction, header, apdu::Command::parse(bytes))?;
        self.act(command, phase, out)
    }

    #[inline(never)]
    fn act(&mut self, command: Command<'_>, phase: Phase, out: &mut Response) -> Result<(), Refusal> {
        match command {
            Command::SelectName { name, next, fci } => self.select_name(&name, next, fci, out),
            Command::SelectDefault { fci } => self.select_application(&ISD, fci, out),
            Command::SelectFile { identifier } => self.select_file(identifier),
            Command::SelectMaster { named, le } => self.select_master(named, le),
            Command::ReadBinary { file, offset, ne } => self.read_binary(phase, file, offset, ne, out),
            Command::ReadRecord { file, record, rest, ne } => self.read_record(phase, file, (record, rest), ne, out),
            Command::TryCounter { pin } => self.try_counter(pin),
            Command::Verify { pin, value } => self.verify(phase, pin, &value),
            Command::ChangeReferenceData { pin, value } => self.change(Change::ReferenceData, phase, pin, &value),
            Command::ChangeKey { pin, value } => self.change(Change::Key, phase, pin, &value),
            Command::ComputeDigitalSignature { scheme, key, input } => self.sign(phase, scheme, key, &input, out),
            Command::GetChallenge { ne, form } => self.challenge(ne, form, out),
            Command::InternalAuthenticate { key, challenge } => self.internal_authenticate(phase, key, &challenge, out),
            Command::ExternalAuthenticate { key } => self.external_authenticate(key),
            Command::GetData { tag, ne, proprietary } => {
                data::get(&self.session, phase, &self.chip.store, (tag, ne, proprietary), out)
            }
            Command::SetSessionKey { cryptogram } => self.set_session_key(phase, cryptogram),
            Command::LastCommandMark => Ok(()),
            Command::IssuerOnly => Err(Refusal::SecurityStatus),
            Command::TerminalCertificate { body, data } => self.terminal_certificate(body, &data),
            Command::InitializeUpdate { version, challenge, ne } => {
                self.initialize_update(version, *challenge, ne, out)
            }
        }
    }
}

/// What the class byte announces.
#[derive(Debug, PartialEq, Eq)]
enum Class {
    Plain,
    /// The issuer's channel.
    Issuer,
    /// Secure messaging of the holder's programs.
    Messaging,
}

/// The first rung. (card.md §4.1, D-14)
fn class(header: Header, session: &Session) -> Result<Class, Refusal> {
    let cla = header.cla.0;
    match (cla, &session.issuer) {
        (0x84, Issuer::Open(_)) => return Ok(Class::Issuer),
        // Until the host has proved itself there is nothing but EXTERNAL AUTHENTICATE.
        (0x84, Issuer::Pending(_)) if header.ins == 0x82 => return Ok(Class::Issuer),
        _ => {}
    }
    match cla {
        0x00 | 0x80 => Ok(Class::Plain),
        0x00..=0x0F | 0x80..=0x8F if cla & 0x03 != 0 => Err(Refusal::ChannelUnsupported),
        0x08 if session.is_messaging() => Ok(Class::Messaging),
        0x08 => Err(Refusal::NoSecureSession),
        0x0C if session.is_messaging() => Err(Refusal::MessagingObjectMissing),
        0x00..=0x0F | 0x80..=0x8F => Err(Refusal::SecureMessagingUnsupported),
        _ => Err(Refusal::ClassUnsupported),
    }
}
