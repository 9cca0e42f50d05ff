//! One client: what it asked for and holds. Knows messages and nothing of sockets or threads.

use super::{
    frame::Frame,
    pin_pad::{Entry, Feature},
    proto::{self as p, In, Out},
    readers::{Port, Readers, Sink, Waiter},
};
use crate::slot::{Disposition, Handle, Refused, Share, Slot};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Contexts and handles of one client at a time; pcscd allows 200 handles.
const CONTEXTS_MAX: usize = 16;
const HANDLES_MAX: usize = 200;

/// A client of the readers. Dropping it releases all that it holds.
pub struct Session {
    readers: Arc<Readers>,
    sink: Arc<dyn Sink>,
    waiter: Arc<Waiter>,
    client: Arc<str>,
    /// How long it waits for others, and since when it does.
    patience: Duration,
    since: Option<Instant>,
    entry: Option<Entry>,
    minor: u32,
    contexts: Vec<u32>,
    handles: HashMap<u32, Held>,
}

/// A handle, and what it came with.
struct Held {
    context: u32,
    port: Port,
    handle: Handle,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// It was worked off.
    Done,
    /// It has to wait for somebody else: give it again a little later.
    Again,
}

impl Session {
    /// A new client, whose answers go to `sink`. It waits `patience` at most for the end of another's transaction.
    #[must_use]
    pub fn new(readers: Arc<Readers>, sink: Arc<dyn Sink>, client: Arc<str>, patience: Duration) -> Self {
        Session {
            waiter: Waiter::new(Arc::clone(&sink)),
            readers,
            sink,
            client,
            patience,
            since: None,
            entry: None,
            minor: p::MINOR,
            contexts: Vec::new(),
            handles: HashMap::new(),
        }
    }

    /// Who it is.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Contexts and handles that it holds.
    #[must_use]
    pub fn holds(&self) -> (usize, usize) {
        (self.contexts.len(), self.handles.len())
    }

    /// Works one message off; the answer, if there is one, is in the sink when this returns.
    pub fn take(&mut self, frame: &Frame<'_>) -> Taken {
        match self.answer(frame) {
            None => return Taken::Again,
            Some(answer) if answer.is_empty() => {}
            Some(answer) => self.sink.send(&answer),
        }
        self.since = None;
        Taken::Done
    }

    /// `None` where it has to wait, an empty answer where none is due.
    fn answer(&mut self, frame: &Frame<'_>) -> Option<Vec<u8>> {
        let mut fields = In(frame.body);
        Some(match frame.command {
            p::VERSION => self.version(fields),
            p::ESTABLISH => self.establish(fields),
            p::RELEASE => self.release(fields.u32()),
            p::CONNECT => self.connect(frame.body),
            p::RECONNECT => self.reconnect(fields),
            p::DISCONNECT => return self.disconnect(fields),
            p::BEGIN => {
                let id = fields.u32();
                let code = self.with(id, |handle| Ok(handle.begin()));
                Out::default().u32(id).u32(code).done()
            }
            p::END => {
                let (id, disposition) = (fields.u32(), fields.u32());
                let code = self.with(id, |handle| Ok(handle.end(how(disposition)?)));
                Out::default().u32(id).u32(disposition).u32(code).done()
            }
            p::TRANSMIT => self.transmit(fields, frame.data),
            p::CONTROL => return self.control(fields, frame.data),
            p::STATUS => {
                let id = fields.u32();
                let code = self.with(id, |handle| Ok(handle.status()));
                Out::default().u32(id).u32(code).done()
            }
            p::CANCEL => {
                let context = fields.u32();
                let waiter = self.readers.waiter(context);
                let code = waiter.map_or(p::INVALID_HANDLE, |waiter| {
                    waiter.wake(p::CANCELLED);
                    p::SUCCESS
                });
                Out::default().u32(context).u32(code).done()
            }
            p::GET_ATTRIBUTE => self.attribute(fields),
            p::SET_ATTRIBUTE => {
                let (id, attribute) = (fields.u32(), fields.u32());
                let (value, length) = (fields.bytes(p::ATTRIBUTE), fields.u32());
                let code = if self.handles.contains_key(&id) { p::UNSUPPORTED_FEATURE } else { p::INVALID_HANDLE };
                Out::default().u32(id).u32(attribute).field(value, p::ATTRIBUTE).u32(length).u32(code).done()
            }
            p::READER_STATES => self.readers.sixteen_states(),
            p::WAIT_CHANGE => {
                let (readers, told) = (&self.readers, self.minor < p::MINOR_SPLIT_STATES);
                self.waiter.wait(|| if told { readers.sixteen_states() } else { Vec::new() });
                Vec::new()
            }
            // Answered by ending the wait: never twice.
            p::STOP_WAITING => {
                self.waiter.wake(p::SUCCESS);
                Vec::new()
            }
            // Readers come and go with the server only.
            p::READER_EVENTS => Out::default().u32(self.readers_told()).u32(p::SUCCESS).done(),
            p::STATES_SIZE => Out::default().u32(self.readers_told().max(p::READERS as u32)).done(),
            p::STATES => {
                let mut states = self.readers.states(usize::MAX);
                states.resize(states.len().max(p::READERS * p::READER_STATE), 0);
                states
            }
            _ => Vec::new(),
        })
    }

    fn version(&mut self, mut fields: In<'_>) -> Vec<u8> {
        let (major, minor) = (fields.u32(), fields.u32());
        self.minor = minor.min(p::MINOR);
        let code = if major == p::MAJOR { p::SUCCESS } else { p::SERVICE_STOPPED };
        Out::default().u32(p::MAJOR).u32(self.minor).u32(code).done()
    }

    fn establish(&mut self, mut fields: In<'_>) -> Vec<u8> {
        let scope = fields.u32();
        let (context, code) = match self.contexts.len() {
            CONTEXTS_MAX.. => (0, p::NO_MEMORY),
            _ => (self.readers.id(), p::SUCCESS),
        };
        if code == p::SUCCESS {
            self.contexts.push(context);
            self.readers.enter(context, Arc::clone(&self.waiter));
        }
        Out::default().u32(scope).u32(context).u32(code).done()
    }

    /// The handles of a context go with it.
    fn release(&mut self, context: u32) -> Vec<u8> {
        let known = self.contexts.contains(&context);
        if known {
            self.contexts.retain(|other| *other != context);
            self.readers.leave(context);
            self.handles.retain(|_, held| held.context != context);
        }
        Out::default().u32(context).u32(if known { p::SUCCESS } else { p::INVALID_HANDLE }).done()
    }

    fn connect(&mut self, body: &[u8]) -> Vec<u8> {
        let mut fields = In(body);
        let context = fields.u32();
        let field = fields.bytes(p::NAME);
        let (mode, protocols) = (fields.u32(), fields.u32());
        let connected = self.open(context, &In(field).name(), mode, protocols);
        let (id, protocol, code) = match connected {
            Ok((id, protocol)) => (id, protocol, p::SUCCESS),
            Err(code) => (0, 0, code),
        };
        let answer = Out::default().u32(context).field(field, p::NAME).u32(mode).u32(protocols);
        answer.u32(id).u32(protocol).u32(code).done()
    }

    fn open(&mut self, context: u32, name: &str, mode: u32, protocols: u32) -> Result<(u32, u32), u32> {
        if !self.contexts.contains(&context) {
            return Err(p::INVALID_HANDLE);
        }
        if self.handles.len() >= HANDLES_MAX {
            return Err(p::NO_MEMORY);
        }
        let port = self.readers.find(name).ok_or(p::UNKNOWN_READER)?.clone();
        let share = acceptable(mode, protocols)?;
        let handle = port.slot.connect_as(share, Arc::clone(&self.client)).map_err(Refused::code)?;
        let (id, protocol) = (self.readers.id(), protocol(&port.slot));
        self.handles.insert(id, Held { context, port, handle });
        Ok((id, protocol))
    }

    fn reconnect(&mut self, mut fields: In<'_>) -> Vec<u8> {
        let (id, mode, protocols, initialization) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let code = self.with(id, |handle| {
            let share = acceptable(mode, protocols)?;
            // Nothing can be connected to a card that is out.
            let how = how(initialization)?;
            if how == Disposition::Eject { Err(p::INVALID_VALUE) } else { Ok(handle.reconnect(share, how)) }
        });
        let protocol = self.handles.get(&id).map_or(0, |held| protocol(&held.port.slot));
        Out::default().u32(id).u32(mode).u32(protocols).u32(initialization).u32(protocol).u32(code).done()
    }

    /// Waits for the end of another's transaction, unless the card is left as it is.
    fn disconnect(&mut self, mut fields: In<'_>) -> Option<Vec<u8>> {
        let (id, disposition) = (fields.u32(), fields.u32());
        let code = self.with(id, |handle| Ok(handle.try_disconnect(how(disposition)?)));
        if code == p::SHARING_VIOLATION && self.waits() {
            return None;
        }
        if code == p::SUCCESS {
            self.handles.remove(&id);
        }
        Some(Out::default().u32(id).u32(disposition).u32(code).done())
    }

    /// Whether it may wait any longer.
    fn waits(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() < self.patience
    }

    fn transmit(&mut self, mut fields: In<'_>, command: &[u8]) -> Vec<u8> {
        let (id, _, _, length) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let (_, _, room) = (fields.u32(), fields.u32(), fields.u32());
        let answer = match self.handles.get_mut(&id) {
            None => Err(p::INVALID_HANDLE),
            Some(held) => held.handle.transmit(command).map_err(Refused::code),
        };
        let (response, code) = match answer {
            Ok(response) if response.len() as u64 > u64::from(room) => (response, p::INSUFFICIENT_BUFFER),
            Ok(response) => (response, p::SUCCESS),
            Err(code) => (Vec::new(), code),
        };
        let size = u32::try_from(response.len()).unwrap_or(0);
        let head = Out::with_room(32 + response.len()).u32(id).u32(p::PROTOCOL_T1).u32(16).u32(length);
        let head = head.u32(p::PROTOCOL_T1).u32(16).u32(size).u32(code);
        if code == p::SUCCESS { head.bytes(&response).done() } else { head.done() }
    }

    /// What the reader itself can do: tell how long APDUs may be and, with a PIN pad, ask for a PIN. (PC/SC part 10)
    fn control(&mut self, mut fields: In<'_>, data: &[u8]) -> Option<Vec<u8>> {
        let (id, control, length, room) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let answer = match (self.handles.get_mut(&id), Feature::from_control(control)) {
            (None, _) => Err(p::INVALID_HANDLE),
            (Some(held), Some(feature)) => match &held.port.pin_pad {
                Some(pad) => {
                    // Asked again until the holder has typed.
                    let answered = self.entry.get_or_insert_with(|| pad.ask(feature, data)).poll(pad)?;
                    self.entry = None;
                    match answered {
                        Ok(command) => held.handle.transmit(&command).map_err(Refused::code),
                        Err(word) => Ok(word.to_vec()),
                    }
                }
                None => Err(p::UNSUPPORTED_FEATURE),
            },
            (Some(held), None) => told(control, held.port.pin_pad.is_some()).ok_or(p::UNSUPPORTED_FEATURE),
        };
        let (value, code) = match answer {
            Ok(value) if value.len() as u64 > u64::from(room) => (Vec::new(), p::INSUFFICIENT_BUFFER),
            Ok(value) => (value, p::SUCCESS),
            Err(code) => (Vec::new(), code),
        };
        let size = u32::try_from(value.len()).unwrap_or(0);
        let head = Out::default().u32(id).u32(control).u32(length).u32(room).u32(size).u32(code);
        Some(head.bytes(&value).done())
    }

    fn attribute(&self, mut fields: In<'_>) -> Vec<u8> {
        let (id, attribute) = (fields.u32(), fields.u32());
        let held = self.handles.get(&id);
        let value = held.and_then(|held| attribute_of(&held.port.slot, attribute));
        let code = match (&value, held) {
            (_, None) => p::INVALID_HANDLE,
            (None, _) => p::UNSUPPORTED_FEATURE,
            _ => p::SUCCESS,
        };
        let value = value.unwrap_or_default();
        let length = u32::try_from(value.len().min(p::ATTRIBUTE)).unwrap_or(0);
        Out::default().u32(id).u32(attribute).field(&value, p::ATTRIBUTE).u32(length).u32(code).done()
    }

    /// Readers of which this client can be told.
    fn readers_told(&self) -> u32 {
        let all = self.readers.len();
        let told = if self.minor < p::MINOR_SPLIT_STATES { all.min(p::READERS) } else { all };
        u32::try_from(told).unwrap_or(u32::MAX)
    }

    /// Runs something on a handle of this client and gives PC/SC's word for the outcome.
    fn with(&mut self, id: u32, act: impl FnOnce(&mut Handle) -> Result<Result<(), Refused>, u32>) -> u32 {
        match self.handles.get_mut(&id).map(|held| act(&mut held.handle)) {
            None => p::INVALID_HANDLE,
            Some(Err(code)) => code,
            Some(Ok(Ok(()))) => p::SUCCESS,
            Some(Ok(Err(refused))) => refused.code(),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for context in &self.contexts {
            self.readers.leave(*context);
        }
    }
}

/// Sizes only.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}, {:?} contexts and handles)", self.client, self.holds())
    }
}

/// What a reader tells of itself under a control code.
fn told(control: u32, pin_pad: bool) -> Option<Vec<u8>> {
    const GET_FEATURES: u32 = 0x4200_0D48;
    let longest = 0x1_0000_u32.to_le_bytes();
    match control {
        GET_FEATURES => {
            let pad: &[Feature] = if pin_pad { &Feature::PIN_PAD } else { &[] };
            let features = pad.iter().chain([&Feature::Properties]);
            Some(features.flat_map(|feature| feature.record()).collect())
        }
        _ if control == Feature::Properties.control() => Some([&[0x0A, 0x04][..], &longest].concat()),
        // No display, a key to confirm, no second time limit.
        _ if pin_pad && control == Feature::PinProperties.control() => Some(vec![0x00, 0x00, 0x02, 0x00]),
        _ => None,
    }
}

/// An attribute of a reader, SCARD_ATTR_….
fn attribute_of(slot: &Slot, attribute: u32) -> Option<Vec<u8>> {
    let state = slot.state();
    let word = |value: u32| Some(value.to_ne_bytes().to_vec());
    match attribute {
        0x0001_0100 => Some(b"Jitsuin\0".to_vec()),
        0x0001_0101 => Some(b"Virtual\0".to_vec()),
        // Version 1.0.0, as MMmmbbbb.
        0x0001_0102 => word(0x0100_0000),
        // Asynchronous protocols: T=1.
        0x0003_0120 => word(p::PROTOCOL_T1),
        // Channel: none of the wired kinds, number 0.
        0x0002_0110 => word(0x0020_0000),
        // Characteristics: the card cannot be ejected or swallowed.
        0x0006_0150 => word(0),
        0x0008_0201 => word(p::PROTOCOL_T1),
        0x0009_0300 => Some(vec![if state.present { 2 } else { 0 }]),
        0x0009_0301 => Some(vec![u8::from(state.powered)]),
        0x0009_0303 if state.present => Some(state.atr),
        // Longest command in bytes, vendor defined.
        0x0007_A007 => word(p::DATA_MAX),
        0x7FFF_0003 | 0x7FFF_0004 => Some([slot.name().as_bytes(), b"\0"].concat()),
        _ => None,
    }
}

/// A sharing mode and the protocols that go with it: this card speaks T=1.
fn acceptable(mode: u32, protocols: u32) -> Result<Share, u32> {
    match mode {
        p::SHARE_DIRECT => Ok(Share::Direct),
        p::SHARE_EXCLUSIVE | p::SHARE_SHARED if protocols & p::PROTOCOL_T1 == 0 => Err(p::PROTOCOL_MISMATCH),
        p::SHARE_EXCLUSIVE => Ok(Share::Exclusive),
        p::SHARE_SHARED => Ok(Share::Shared),
        _ => Err(p::INVALID_VALUE),
    }
}

/// The protocol in use.
fn protocol(slot: &Slot) -> u32 {
    if slot.state().powered { p::PROTOCOL_T1 } else { 0 }
}

fn how(disposition: u32) -> Result<Disposition, u32> {
    match disposition {
        p::LEAVE => Ok(Disposition::Leave),
        p::RESET => Ok(Disposition::Reset),
        p::UNPOWER => Ok(Disposition::Unpower),
        p::EJECT => Ok(Disposition::Eject),
        _ => Err(p::INVALID_VALUE),
    }
}
