//! The server: one thread a connection, one wake-up thread a slot.

use super::proto::{self as p, In, Out};
use crate::slot::{Disposition, Handle, Refused, Share, Slot, State, Usage};
use std::{
    collections::HashMap,
    fs, io,
    io::{Read, Write},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

/// Longest path of a Unix socket, in bytes.
pub const PATH_MAX: usize = 107;
/// Connections served at once; more are closed at once.
const CONNECTIONS: usize = 512;
/// A client that does not take its answer for so long is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a wake-up thread looks whether the server stopped.
const TICK: Duration = Duration::from_millis(200);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Unix sockets have short names.
    #[error("{}: {} bytes are too long for a Unix socket, the limit is {PATH_MAX} less some for its temporary name; choose a shorter path such as /tmp/jitsuin/pcsc", path.display(), path.as_os_str().len())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// A live server.
    #[error("{}: another server answers there; stop it or choose another path", .0.display())]
    InUse(PathBuf),
    /// Not ours to remove.
    #[error("{}: exists and is not a socket; choose another path", .0.display())]
    NotASocket(PathBuf),
    /// No folder.
    #[error("{}: its folder cannot be written ({error}); make the folder or choose another path", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
}

/// What all connections share.
struct Shared {
    slots: Vec<Arc<Slot>>,
    stopped: AtomicBool,
    next_id: AtomicU32,
    /// Which connection owns a context, and whether it waits for a change.
    waiting: Mutex<HashMap<u32, Waiter>>,
    connections: Mutex<HashMap<u32, UnixStream>>,
}

/// A connection as others see it: somewhere to write a wake-up record.
#[derive(Clone)]
struct Waiter {
    stream: Arc<Mutex<UnixStream>>,
    waiting: Arc<AtomicBool>,
}

impl Waiter {
    /// Ends the wait, if there is one, with this record.
    fn wake(&self, code: u32) -> bool {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let was = self.waiting.swap(false, Ordering::SeqCst);
        if was {
            // A client that is gone is noticed by its own thread.
            let _ = (&*stream).write_all(&Out::default().u32(0).u32(code).done());
        }
        was
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u32, Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<u32, UnixStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a context or handle: never 0, never negative.
    fn id(&self) -> u32 {
        (self.next_id.fetch_add(1, Ordering::Relaxed) & 0x3FFF_FFFF) + 1
    }

    fn states(&self, limit: usize) -> Vec<u8> {
        let mut out = Out::default();
        for slot in self.slots.iter().take(limit) {
            out = out.bytes(&reader_state(slot.name(), &slot.state()));
        }
        out.done()
    }
}

/// A PC/SC socket; dropping it stops it.
pub struct Server {
    shared: Arc<Shared>,
    path: PathBuf,
}

impl Server {
    /// Listens at `path` for clients of these slots. The socket has mode 0600 from the moment it can be found.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(path: &Path, slots: Vec<Arc<Slot>>) -> Result<Server, BindError> {
        let listener = listen(path)?;
        let shared = Arc::new(Shared {
            slots,
            stopped: AtomicBool::new(false),
            next_id: AtomicU32::new(std::process::id() << 8),
            waiting: Mutex::default(),
            connections: Mutex::default(),
        });
        for slot in &shared.slots {
            let (shared, slot, seen) = (Arc::clone(&shared), Arc::clone(slot), slot.state().serial);
            thread::spawn(move || wake_on_change(&shared, &slot, seen));
        }
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&accepting, &listener));
        Ok(Server { shared, path: path.into() })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.path.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; whether it answers does not matter.
        let _ = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
        for stream in self.shared.connections().values() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Binds in a private folder, sets the mode, and only then moves the socket to its place.
fn listen(path: &Path) -> Result<UnixListener, BindError> {
    let io = |error| BindError::Io { path: path.into(), error };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = parent.join(format!(".j{:x}", std::process::id()));
    let temporary = private.join("s");
    if path.as_os_str().len() > PATH_MAX || temporary.as_os_str().len() > PATH_MAX {
        return Err(BindError::TooLong { path: path.into() });
    }
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            return Err(BindError::NotASocket(path.into()));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(BindError::InUse(path.into()));
        }
        fs::remove_file(path).map_err(io)?;
    }
    let _ = fs::remove_dir_all(&private);
    fs::DirBuilder::new().mode(0o700).create(&private).map_err(io)?;
    let bound = UnixListener::bind(&temporary).and_then(|listener| {
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600))?;
        fs::rename(&temporary, path)?;
        Ok(listener)
    });
    let _ = fs::remove_dir_all(&private);
    bound.map_err(io)
}

fn accept(shared: &Arc<Shared>, listener: &UnixListener) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: give others time to leave.
            thread::sleep(TICK);
            continue;
        };
        if shared.connections().len() >= CONNECTIONS {
            continue;
        }
        let Ok(copy) = stream.try_clone() else { continue };
        let id = shared.id();
        shared.connections().insert(id, copy);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            if let Ok(mut connection) = Connection::new(Arc::clone(&shared), stream) {
                // Every ending is the same: what the client held is released.
                let _ = connection.serve();
            }
            shared.connections().remove(&id);
        });
    }
}

/// Tells waiting clients of each change of a slot after the one with this serial number.
fn wake_on_change(shared: &Shared, slot: &Slot, mut seen: u64) {
    while !shared.stopped.load(Ordering::SeqCst) {
        let serial = slot.wait_change(seen, TICK).serial;
        if serial != seen {
            seen = serial;
            let waiters: Vec<Waiter> = shared.waiting().values().cloned().collect();
            for waiter in waiters {
                waiter.wake(p::SUCCESS);
            }
        }
    }
}

/// One client.
struct Connection {
    shared: Arc<Shared>,
    stream: UnixStream,
    waiter: Waiter,
    minor: u32,
    contexts: Vec<u32>,
    handles: HashMap<u32, Handle>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for context in &self.contexts {
            self.shared.waiting().remove(context);
        }
    }
}

/// The client broke the protocol or went away.
struct Ended;

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Ended
    }
}

impl Connection {
    fn new(shared: Arc<Shared>, stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let writer = Arc::new(Mutex::new(stream.try_clone()?));
        let waiter = Waiter { stream: writer, waiting: Arc::default() };
        Ok(Connection { shared, stream, waiter, minor: p::MINOR, contexts: Vec::new(), handles: HashMap::new() })
    }

    fn serve(&mut self) -> Result<(), Ended> {
        let mut header = [0; 8];
        loop {
            self.stream.read_exact(&mut header)?;
            let mut fields = In(&header);
            let (size, command) = (fields.u32(), fields.u32());
            if p::body_size(command) != usize::try_from(size).ok() {
                return Err(Ended);
            }
            let mut body = vec![0; size as usize];
            self.stream.read_exact(&mut body)?;
            let answer = self.answer(command, &body)?;
            self.send(&answer)?;
        }
    }

    fn send(&self, answer: &[u8]) -> Result<(), Ended> {
        let stream = self.waiter.stream.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((&*stream).write_all(answer)?)
    }

    fn answer(&mut self, command: u32, body: &[u8]) -> Result<Vec<u8>, Ended> {
        let mut fields = In(body);
        Ok(match command {
            p::VERSION => {
                let (_, minor) = (fields.u32(), fields.u32());
                self.minor = minor.min(p::MINOR);
                Out::default().u32(p::MAJOR).u32(self.minor).u32(p::SUCCESS).done()
            }
            p::ESTABLISH => {
                let (scope, context) = (fields.u32(), self.shared.id());
                self.contexts.push(context);
                self.shared.waiting().insert(context, self.waiter.clone());
                Out::default().u32(scope).u32(context).u32(p::SUCCESS).done()
            }
            p::RELEASE => {
                let context = fields.u32();
                let known = self.contexts.contains(&context);
                self.contexts.retain(|other| *other != context);
                self.shared.waiting().remove(&context);
                if self.contexts.is_empty() {
                    self.handles.clear();
                }
                Out::default().u32(context).u32(if known { p::SUCCESS } else { p::INVALID_HANDLE }).done()
            }
            p::CONNECT => self.connect(body),
            p::RECONNECT => self.reconnect(fields),
            p::DISCONNECT => {
                let (id, disposition) = (fields.u32(), fields.u32());
                let code = self.with(id, |handle| Ok(handle.disconnect(how(disposition)?)));
                if code == p::SUCCESS {
                    self.handles.remove(&id);
                }
                Out::default().u32(id).u32(disposition).u32(code).done()
            }
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
            p::TRANSMIT => return self.transmit(fields),
            p::CONTROL => return self.control(fields),
            p::STATUS => {
                let id = fields.u32();
                let code = self.with(id, |handle| Ok(handle.status()));
                Out::default().u32(id).u32(code).done()
            }
            p::CANCEL => {
                let context = fields.u32();
                let waiter = self.shared.waiting().get(&context).cloned();
                let code = waiter.map_or(p::INVALID_HANDLE, |waiter| {
                    waiter.wake(p::CANCELLED);
                    p::SUCCESS
                });
                Out::default().u32(context).u32(code).done()
            }
            p::GET_ATTRIBUTE => self.attribute(fields),
            p::SET_ATTRIBUTE => {
                let (id, attribute) = (fields.u32(), fields.u32());
                let value = fields.bytes(p::ATTRIBUTE);
                let length = fields.u32();
                Out::default().u32(id).u32(attribute).bytes(value).u32(length).u32(p::UNSUPPORTED_FEATURE).done()
            }
            p::READER_STATES | p::STATES => {
                let mut states = self.shared.states(p::READERS);
                states.resize(p::READERS * p::READER_STATE, 0);
                states
            }
            p::STATES_SIZE => Out::default().u32(p::READERS as u32).done(),
            p::WAIT_CHANGE => return self.wait(),
            p::STOP_WAITING => {
                // Answered by the record itself; nothing if a change came first.
                self.waiter.wake(p::SUCCESS);
                Vec::new()
            }
            p::READER_EVENTS => {
                // Readers that came or went, not cards: here they came with the server.
                let events = u32::try_from(self.shared.slots.len()).unwrap_or(u32::MAX);
                Out::default().u32(events).u32(p::SUCCESS).done()
            }
            _ => return Err(Ended),
        })
    }

    /// Begins to wait before the states are taken, so no change falls between.
    fn wait(&mut self) -> Result<Vec<u8>, Ended> {
        let stream = self.waiter.stream.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiter.waiting.store(true, Ordering::SeqCst);
        if self.minor < p::MINOR_SPLIT_STATES {
            let mut states = self.shared.states(p::READERS);
            states.resize(p::READERS * p::READER_STATE, 0);
            (&*stream).write_all(&states)?;
        }
        Ok(Vec::new())
    }

    /// Runs something on a handle of this client and gives PC/SC's word for the outcome.
    fn with(&mut self, id: u32, act: impl FnOnce(&mut Handle) -> Result<Result<(), Refused>, u32>) -> u32 {
        match self.handles.get_mut(&id).map(act) {
            None => p::INVALID_HANDLE,
            Some(Err(code)) => code,
            Some(Ok(Ok(()))) => p::SUCCESS,
            Some(Ok(Err(refused))) => refused.code(),
        }
    }

    fn connect(&mut self, body: &[u8]) -> Vec<u8> {
        let mut fields = In(body);
        let context = fields.u32();
        let name = fields.name();
        let (mode, protocols) = (fields.u32(), fields.u32());
        let connected = self.open(context, &name, mode, protocols);
        let (id, protocol, code) = match connected {
            Ok((id, protocol)) => (id, protocol, p::SUCCESS),
            Err(code) => (0, 0, code),
        };
        let name = &body[4..4 + p::NAME];
        Out::default().u32(context).bytes(name).u32(mode).u32(protocols).u32(id).u32(protocol).u32(code).done()
    }

    fn open(&mut self, context: u32, name: &str, mode: u32, protocols: u32) -> Result<(u32, u32), u32> {
        if !self.contexts.contains(&context) {
            return Err(p::INVALID_HANDLE);
        }
        let slot = self.shared.slots.iter().find(|slot| slot.name() == name).ok_or(p::UNKNOWN_READER)?;
        let handle = slot.connect(acceptable(mode, protocols)?).map_err(Refused::code)?;
        let protocol = protocol(slot);
        let id = self.shared.id();
        self.handles.insert(id, handle);
        Ok((id, protocol))
    }

    fn reconnect(&mut self, mut fields: In<'_>) -> Vec<u8> {
        let (id, mode, protocols, initialization) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let code = self.with(id, |handle| {
            let share = acceptable(mode, protocols)?;
            Ok(handle.reconnect(share, how(initialization)?))
        });
        let protocol = self.handles.get(&id).map_or(0, |handle| protocol(handle.slot()));
        Out::default().u32(id).u32(mode).u32(protocols).u32(initialization).u32(protocol).u32(code).done()
    }

    fn transmit(&mut self, mut fields: In<'_>) -> Result<Vec<u8>, Ended> {
        let (id, _, _, length) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let (_, _, room) = (fields.u32(), fields.u32(), fields.u32());
        let command = zeroize::Zeroizing::new(self.data(length)?);
        let answer = match self.handles.get_mut(&id) {
            None => Err(p::INVALID_HANDLE),
            Some(handle) => handle.transmit(&command).map_err(Refused::code),
        };
        let (response, code) = match answer {
            Ok(response) if response.len() as u64 > u64::from(room) => (response, p::INSUFFICIENT_BUFFER),
            Ok(response) => (response, p::SUCCESS),
            Err(code) => (Vec::new(), code),
        };
        let size = u32::try_from(response.len()).unwrap_or(0);
        let head = Out::default().u32(id).u32(p::PROTOCOL_T1).u32(16).u32(length).u32(p::PROTOCOL_T1).u32(16);
        let head = head.u32(size).u32(code);
        Ok(if code == p::SUCCESS { head.bytes(&response).done() } else { head.done() })
    }

    /// What follows a message's fixed part.
    fn data(&mut self, length: u32) -> Result<Vec<u8>, Ended> {
        if length > p::DATA_MAX {
            return Err(Ended);
        }
        let mut data = vec![0; length as usize];
        self.stream.read_exact(&mut data)?;
        Ok(data)
    }

    /// The feature question and the one feature: how long APDUs may be. No PIN pad. (PC/SC part 10)
    fn control(&mut self, mut fields: In<'_>) -> Result<Vec<u8>, Ended> {
        const GET_FEATURES: u32 = 0x4200_0D48;
        const PROPERTIES: u32 = 0x4233_0012;
        let (id, control, length, room) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        self.data(length)?;
        let value = match control {
            GET_FEATURES => [&[0x12, 0x04][..], &PROPERTIES.to_be_bytes()].concat(),
            PROPERTIES => [&[0x0A, 0x04][..], &0x1_0000_u32.to_le_bytes()].concat(),
            _ => Vec::new(),
        };
        let code = match () {
            () if !self.handles.contains_key(&id) => p::INVALID_HANDLE,
            () if value.is_empty() => p::UNSUPPORTED_FEATURE,
            () if value.len() as u64 > u64::from(room) => p::INSUFFICIENT_BUFFER,
            () => p::SUCCESS,
        };
        let value = if code == p::SUCCESS { value } else { Vec::new() };
        let size = u32::try_from(value.len()).unwrap_or(0);
        let head = Out::default().u32(id).u32(control).u32(length).u32(room).u32(size).u32(code);
        Ok(head.bytes(&value).done())
    }

    fn attribute(&self, mut fields: In<'_>) -> Vec<u8> {
        let (id, attribute) = (fields.u32(), fields.u32());
        let handle = self.handles.get(&id);
        let value = handle.and_then(|handle| {
            let (name, state) = (handle.slot().name(), handle.slot().state());
            match attribute {
                0x0001_0100 => Some(b"Jitsuin\0".to_vec()),
                0x0009_0303 => Some(state.atr),
                0x0009_0300 => Some(vec![if state.present { 2 } else { 0 }]),
                0x0008_0201 => Some(p::PROTOCOL_T1.to_ne_bytes().to_vec()),
                0x7FFF_0003 | 0x7FFF_0004 => Some([name.as_bytes(), b"\0"].concat()),
                _ => None,
            }
        });
        let code = match (&value, handle) {
            (_, None) => p::INVALID_HANDLE,
            (None, _) => p::UNSUPPORTED_FEATURE,
            _ => p::SUCCESS,
        };
        let value = value.unwrap_or_default();
        let length = u32::try_from(value.len()).unwrap_or(0);
        Out::default().u32(id).u32(attribute).field(&value, p::ATTRIBUTE).u32(length).u32(code).done()
    }
}

/// A sharing mode and the protocols that go with it: this card speaks T=1.
fn acceptable(mode: u32, protocols: u32) -> Result<Share, u32> {
    match mode {
        p::SHARE_DIRECT => Ok(Share::Direct),
        p::SHARE_EXCLUSIVE | p::SHARE_SHARED if protocols & p::PROTOCOL_T1 == 0 => Err(p::PROTOCOL_MISMATCH),
        p::SHARE_EXCLUSIVE => Ok(Share::Exclusive),
        p::SHARE_SHARED => Ok(Share::Shared),
        _ => Err(p::INVALID_PARAMETER),
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
        _ => Err(p::INVALID_PARAMETER),
    }
}

/// One reader as libpcsclite reads it.
fn reader_state(name: &str, state: &State) -> Vec<u8> {
    let mut flags = if state.present { p::STATE_PRESENT } else { p::STATE_ABSENT };
    if state.powered {
        flags |= p::STATE_POWERED | p::STATE_SPECIFIC;
    }
    let sharing = match state.usage {
        Usage::Exclusive => u32::MAX,
        Usage::Shared(count) => count,
    };
    let protocol = if state.powered { p::PROTOCOL_T1 } else { 0 };
    Out::default()
        .field(name.as_bytes(), p::NAME)
        .u32(state.events)
        .u32(flags)
        .u32(sharing)
        .field(&state.atr, 36)
        .u32(u32::try_from(state.atr.len()).unwrap_or(0))
        .u32(protocol)
        .done()
}
