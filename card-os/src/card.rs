//! The card: power, reset, and the ladder of checks that every command climbs.
//!
//! The ladder is class → instruction → phase → P1–P2 → lengths → object → access → data → act; the first rung that
//! fails answers. (card.md §4.2, D-11)

use crate::{
    access::{self, Change, Granted, Read, Sign, Verify},
    command::{Command, DATA_MAX, Instruction, Reference},
    data, file,
    identity::{self, Atr, KEY_SET_COUNTER, Manufacture},
    perso,
    pin::Pin,
    platform::{Engine, MODULUS, Nvm},
    profile::{APPLICATIONS, Application, ISD, Kind, Object, Phase},
    refusal::Refusal,
    scp03::{self, CHALLENGE, Pending},
    session::{Issuer, Session},
    sign::{self, Scheme},
    store::{Store, StoreError},
};
use apdu::{Form, Header};
use rand_core::TryCryptoRng;
use subtle::Choice;
use zeroize::Zeroize;

/// Most bytes of a response: the largest EF, what a secure channel adds, and SW1-SW2.
pub const RESPONSE_MAX: usize = 3072 + 16 + 8 + 2;

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
        Ok(Card { chip: Chip { store, engine, rng }, session: Session::default() })
    }

    /// Boots a card from its memory, finishing what a power cut interrupted.
    ///
    /// # Errors
    /// [`StoreError`] and the memory, untouched by guesswork.
    pub fn mount(nvm: N, engine: E, rng: R) -> Result<Self, (StoreError, N)> {
        let mut store = Store::mount(nvm)?;
        match file::wipe_unfinished_keys(&mut store) {
            Ok(()) => Ok(Card { chip: Chip { store, engine, rng }, session: Session::default() }),
            Err(error) => Err((error, store.into_nvm())),
        }
    }

    /// Cold reset: the ISD is current, nothing is verified. Returns the ATR. (card.md §2.4)
    pub fn power_on(&mut self) -> Atr {
        self.power_off();
        // A medium that fails now fails the next write too, where there is somebody to tell; the next start tries again.
        let _ = file::wipe_unfinished_keys(&mut self.chip.store);
        self.atr()
    }

    /// Power loss: the session is gone, non-volatile memory stays.
    pub fn power_off(&mut self) {
        self.session = Session::default();
        self.chip.engine.power_off();
    }

    /// Warm reset. Returns the ATR. (card.md §2.4, D-03, D-28)
    pub fn reset(&mut self) -> Atr {
        self.session.warm_reset(identity::clears_on_warm_reset(&self.chip.store));
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
        let chip = Chip { store: self.chip.store.fork(), engine: self.chip.engine.clone(), rng: self.chip.rng.clone() };
        Card { chip, session: self.session.fork() }
    }

    /// One command APDU, one response APDU. Any bytes are answered.
    pub fn transmit(&mut self, command: &[u8], response: &mut Response) {
        response.clear();
        let sw = match self.climb(command, response) {
            Ok(()) => apdu::Sw::SUCCESS,
            Err(refusal) => {
                response.clear();
                refusal.sw()
            }
        };
        // The capacity leaves room for it.
        let _ = response.extend_from_slice(&sw.0.to_be_bytes());
    }

    fn climb(&mut self, bytes: &[u8], out: &mut Response) -> Result<(), Refusal> {
        let header = Header::parse(bytes).map_err(|_| Refusal::Length)?;
        if class(header, &self.session)? == Class::Secured {
            return self.secured(header, bytes, out);
        }
        let instruction = Instruction::of(header.cla.0, header.ins, self.session.at_isd())?;
        let phase = identity::phase(&self.chip.store)?;
        if instruction.needs_issued_card() && !phase.in_use() {
            return Err(Refusal::Phase);
        }
        let command = Command::read(instruction, header, apdu::Command::parse(bytes))?;
        self.act(command, phase, out)
    }

    fn act(&mut self, command: Command<'_>, phase: Phase, out: &mut Response) -> Result<(), Refusal> {
        match command {
            Command::SelectName { name, next, fci } => self.select_name(name, next, fci, out),
            Command::SelectDefault { fci } => self.select_application(&ISD, fci, out),
            Command::SelectFile { identifier } => {
                let file = self.session.application().file(identifier).filter(|_| !self.session.at_isd());
                self.session.select_file(file.ok_or(Refusal::FileNotFound)?);
                Ok(())
            }
            Command::SelectMaster { named: true, .. } => Err(Refusal::FileNotFound),
            Command::SelectMaster { .. } if self.session.at_isd() => Err(Refusal::NoMasterFile),
            Command::SelectMaster { le: true, .. } => Err(Refusal::Length),
            Command::SelectMaster { .. } => Ok(()),
            Command::ReadBinary { file, offset, ne } => self.read_binary(phase, file, offset, ne, out),
            Command::ReadRecord { file, record } => {
                // No EF of this card holds records yet, so every one is of the wrong kind.
                self.locate(file, Refusal::FileNotFound)?;
                let _ = record;
                Err(Refusal::WrongKind)
            }
            Command::TryCounter { pin } => {
                let pin = self.locate_pin(pin)?;
                Err(Refusal::Tries(pin.left(&self.chip.store)))
            }
            Command::Verify { pin, value } => self.verify(phase, pin, value),
            Command::ChangeReferenceData { pin, value } => {
                self.locate_pin(pin)?;
                let granted = self.granted::<Change>(phase)?;
                Pin::set(&granted, &mut self.chip.store, value)
            }
            Command::ChangeKey { pin } => {
                self.locate_pin(pin)?;
                Err(Refusal::Conditions)
            }
            Command::ComputeDigitalSignature { scheme, key, input } => self.sign(phase, scheme, key, input, out),
            Command::GetChallenge { ne, form } => self.challenge(ne, form, out),
            Command::InternalAuthenticate { key } => Err(self.no_authentication(key, Refusal::SecurityStatus)?),
            Command::ExternalAuthenticate { key } => Err(self.no_authentication(key, Refusal::Conditions)?),
            Command::GetData { tag, ne, proprietary } => {
                data::get(&self.session, phase, &self.chip.store, (tag, ne, proprietary), out)
            }
            Command::SetSessionKey | Command::IssuerOnly => Err(Refusal::SecurityStatus),
            Command::TerminalCertificate { body, data } => self.terminal_certificate(body, data),
            Command::InitializeUpdate { version, challenge, ne } => {
                self.initialize_update(version, *challenge, ne, out)
            }
        }
    }

    /// Partial names and next occurrence. (card.md §3.3, D-04)
    fn select_name(&mut self, name: &[u8], next: bool, fci: Option<u32>, out: &mut Response) -> Result<(), Refusal> {
        let matches = |application: &&&'static Application| application.aid.starts_with(name);
        let current = self.session.application();
        let found = if next && matches(&&current) {
            APPLICATIONS.iter().filter(matches).skip_while(|application| **application != current).nth(1)
        } else {
            APPLICATIONS.iter().find(matches)
        };
        self.select_application(found.ok_or(Refusal::FileNotFound)?, fci, out)
    }

    fn select_application(
        &mut self,
        application: &'static Application,
        fci: Option<u32>,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        if let Some(ne) = fci {
            let length = u8::try_from(application.aid.len()).map_err(|_| Refusal::NoDiagnosis)?;
            if ne < u32::from(length) + 4 {
                return Err(Refusal::Length);
            }
            out.extend_from_slice(&[0x6F, length + 2, 0x84, length]).map_err(|_| Refusal::NoDiagnosis)?;
            out.extend_from_slice(application.aid).map_err(|_| Refusal::NoDiagnosis)?;
        }
        self.session.select_application(application);
        Ok(())
    }

    /// The object a command is about; one named by SFI becomes the current EF. (card.md D-24)
    fn locate(&mut self, reference: Reference, missing: Refusal) -> Result<&'static Object, Refusal> {
        match reference {
            Reference::Default => Err(missing),
            Reference::Current => self.session.file().ok_or(Refusal::NoCurrentFile),
            Reference::Sfi(sfi) => {
                let file = self.session.application().file(u16::from(sfi)).filter(|_| !self.session.at_isd());
                let file = file.ok_or(missing)?;
                self.session.select_file(file);
                Ok(file)
            }
        }
    }

    fn locate_pin(&mut self, reference: Reference) -> Result<Pin, Refusal> {
        Pin::of(self.locate(reference, Refusal::ReferenceNotFound)?).ok_or(Refusal::WrongKind)
    }

    /// Permission on the EF that [`Self::locate`] made current.
    fn granted<Op: access::Grantable>(&self, phase: Phase) -> Result<Granted<Op>, Refusal> {
        let object = self.session.file().ok_or(Refusal::NoCurrentFile)?;
        access::grant(object, &self.session, phase, &self.chip.store)
    }

    fn read_binary(
        &mut self,
        phase: Phase,
        file: Reference,
        offset: u16,
        ne: u32,
        out: &mut Response,
    ) -> Result<(), Refusal> {
        let Kind::File { capacity } = self.locate(file, Refusal::FileNotFound)?.kind else {
            return Err(Refusal::WrongKind);
        };
        let granted = self.granted::<Read>(phase)?;
        let rest = capacity.checked_sub(offset).filter(|rest| *rest > 0).ok_or(Refusal::Offset)?;
        let length = usize::from(rest).min(usize::try_from(ne).unwrap_or(usize::MAX));
        out.resize(length, 0).map_err(|_| Refusal::Length)?;
        file::read(&granted, &self.chip.store, usize::from(offset), out);
        Ok(())
    }

    fn verify(&mut self, phase: Phase, reference: Reference, value: &[u8]) -> Result<(), Refusal> {
        self.locate_pin(reference)?;
        let granted = self.granted::<Verify>(phase)?;
        match Pin::verify(&granted, &mut self.chip.store, value) {
            Ok(()) => {
                self.session.raise(granted.object());
                Ok(())
            }
            Err(refusal) => {
                self.session.lower(granted.object());
                Err(refusal)
            }
        }
    }

    fn sign(
        &mut self,
        phase: Phase,
        scheme: Scheme,
        key: Reference,
        input: &[u8],
        out: &mut Response,
    ) -> Result<(), Refusal> {
        match self.locate(key, Refusal::ReferenceNotFound)?.kind {
            Kind::PrivateKey { .. } => {}
            Kind::Internal => return Err(Refusal::Conditions),
            Kind::File { .. } | Kind::DataObject { .. } | Kind::Pin { .. } => return Err(Refusal::WrongKind),
        }
        let granted = self.granted::<Sign>(phase)?;
        let Chip { store, engine, rng } = &mut self.chip;
        let signature = sign::sign(&granted, scheme, input, store, engine, rng)?;
        out.extend_from_slice(&signature).map_err(|_| Refusal::NoDiagnosis)
    }

    /// GET CHALLENGE, short form only. (card.md §5.5)
    fn challenge(&mut self, ne: u32, form: Form, out: &mut Response) -> Result<(), Refusal> {
        if form == Form::Extended {
            return Err(Refusal::Conditions);
        }
        out.resize(usize::try_from(ne).unwrap_or(MODULUS), 0).map_err(|_| Refusal::Length)?;
        self.chip.rng.try_fill_bytes(out).map_err(|_| Refusal::NoDiagnosis)
    }

    /// INTERNAL and EXTERNAL AUTHENTICATE: no key of this card answers them; which word says so depends on what was
    /// named. (card.md D-38, D-39)
    fn no_authentication(&mut self, key: Reference, for_keys: Refusal) -> Result<Refusal, Refusal> {
        Ok(match self.locate(key, Refusal::ReferenceNotFound)?.kind {
            Kind::PrivateKey { .. } => for_keys,
            Kind::Pin { .. } | Kind::Internal => Refusal::Conditions,
            Kind::File { .. } | Kind::DataObject { .. } => Refusal::WrongKind,
        })
    }

    /// `80 A2`. No terminal CA key is on this card, so no signature is ever good. (card.md §12, D-41)
    fn terminal_certificate(&mut self, body: bool, data: &[u8]) -> Result<(), Refusal> {
        const BODY: [u8; 10] = [0x7F, 0x21, 0x82, 0x02, 0x33, 0x5F, 0x4E, 0x82, 0x01, 0x29];
        const SIGNATURE: [u8; 5] = [0x5F, 0x37, 0x82, 0x01, 0x00];
        let file = self.session.file().ok_or(Refusal::NoCurrentFile)?;
        if file.grouping() != 0x0116 {
            return Err(Refusal::Conditions);
        }
        let had_body = core::mem::take(&mut self.session.terminal);
        if body {
            if data.len() != BODY.len() + 297 || !data.starts_with(&BODY) {
                return Err(Refusal::Data);
            }
            self.session.terminal = true;
            return Ok(());
        }
        if !had_body {
            return Err(Refusal::Conditions);
        }
        let formed = data.len() == SIGNATURE.len() + MODULUS && data.starts_with(&SIGNATURE);
        Err(if formed { Refusal::SecurityStatus } else { Refusal::Data })
    }

    /// INITIALIZE UPDATE. (GlobalPlatform Amendment D §7.1.1)
    fn initialize_update(
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
    fn secured(&mut self, header: Header, bytes: &[u8], out: &mut Response) -> Result<(), Refusal> {
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
        let mut plain: heapless::Vec<u8, DATA_MAX> = heapless::Vec::new();
        if channel.unwrap_command(raw, body.form, body.data, &mut plain).is_err() {
            self.session.close_channel();
            return Err(Refusal::SecurityStatus);
        }
        self.session.issuer = Issuer::Open(channel);
        let done = perso::act(&mut self.chip, &mut self.session, header, &plain, out);
        plain.zeroize();
        done?;
        if let Issuer::Open(channel) = &mut self.session.issuer {
            channel.wrap_response(out, apdu::Sw::SUCCESS.0).map_err(|_| Refusal::NoDiagnosis)?;
        }
        Ok(())
    }

    /// EXTERNAL AUTHENTICATE: the try is charged before the cryptogram is judged. (card.md D-43)
    fn authenticate(&mut self, pending: Pending, header: [u8; 4], data: &[u8]) -> Result<(), Refusal> {
        let [_, _, level, p2] = header;
        if scp03::Level::from_p1(level).is_none() || p2 != 0 {
            return Err(Refusal::Parameters);
        }
        if data.len() != scp03::CRYPTOGRAM + scp03::MAC {
            return Err(Refusal::Length);
        }
        let spent = KEY_SET_COUNTER.spend(&mut self.chip.store)?;
        let opened = pending.authenticate(header, data);
        let verified = spent.judge(Choice::from(u8::from(opened.is_ok()))).map_err(|_| Refusal::SecurityStatus)?;
        verified.restore(&mut self.chip.store)?;
        self.session.issuer = opened.map_or(Issuer::Closed, Issuer::Open);
        Ok(())
    }
}

/// What the class byte announces.
#[derive(Debug, PartialEq, Eq)]
enum Class {
    Plain,
    Secured,
}

/// The first rung. (card.md §4.1, D-14)
fn class(header: Header, session: &Session) -> Result<Class, Refusal> {
    let cla = header.cla.0;
    match (cla, &session.issuer) {
        (0x84, Issuer::Open(_)) => return Ok(Class::Secured),
        // Until the host has proved itself there is nothing but EXTERNAL AUTHENTICATE.
        (0x84, Issuer::Pending(_)) if header.ins == 0x82 => return Ok(Class::Secured),
        _ => {}
    }
    match cla {
        0x00 | 0x80 => Ok(Class::Plain),
        0x00..=0x0F | 0x80..=0x8F if cla & 0x03 != 0 => Err(Refusal::ChannelUnsupported),
        0x08 => Err(Refusal::NoSecureSession),
        0x00..=0x0F | 0x80..=0x8F => Err(Refusal::SecureMessagingUnsupported),
        _ => Err(Refusal::ClassUnsupported),
    }
}
