//! What the clients of one socket have in common: the readers they see, and who of them waits for a change.

use super::{pin_pad::PinPad, proto as p};
use crate::slot::{Slot, State, Usage, Watcher};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// A reader: a slot, and what else the device can do.
#[derive(Debug, Clone)]
pub struct Port {
    /// Where the card goes. Its name is the reader's.
    pub slot: Arc<Slot>,
    /// Keys to type a PIN on, where the reader has them.
    pub pin_pad: Option<Arc<PinPad>>,
}

impl From<Arc<Slot>> for Port {
    /// A plain reader.
    fn from(slot: Arc<Slot>) -> Self {
        Port { slot, pin_pad: None }
    }
}

/// Takes the bytes that go to one client. Never waits.
pub trait Sink: Send + Sync {
    /// An answer; what cannot go at once goes later.
    fn send(&self, bytes: &[u8]);

    /// Something told without being asked, by another thread. A client that has no room for it is cut off.
    fn tell(&self, bytes: &[u8]) {
        self.send(bytes);
    }
}

/// A client as others see it: somebody who may be waiting for a change.
pub(super) struct Waiter {
    sink: Arc<dyn Sink>,
    /// Locked while the record or the states are written: nobody is told twice, or before the states.
    waiting: Mutex<bool>,
}

impl Waiter {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Arc<Self> {
        Arc::new(Waiter { sink, waiting: Mutex::default() })
    }

    fn waiting(&self) -> MutexGuard<'_, bool> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on changes are told; `first` makes what is written before any of them.
    pub(super) fn wait(&self, first: impl FnOnce() -> Vec<u8>) {
        let mut waiting = self.waiting();
        *waiting = true;
        let first = first();
        if !first.is_empty() {
            self.sink.send(&first);
        }
    }

    /// Ends the wait, if there is one, with this record.
    pub(super) fn wake(&self, code: u32) {
        let mut waiting = self.waiting();
        if std::mem::take(&mut *waiting) {
            self.sink.tell(&p::Out::default().u32(0).u32(code).done());
        }
    }
}

/// The readers behind one socket.
pub struct Readers {
    ports: Vec<Port>,
    next_id: AtomicU32,
    /// Which client owns a context.
    waiters: Mutex<HashMap<u32, Arc<Waiter>>>,
}

impl Readers {
    /// These readers, in this order. Clients older than protocol 4:6 see the first 16.
    #[must_use]
    pub fn new(ports: Vec<Port>) -> Arc<Self> {
        let next_id = AtomicU32::new(std::process::id() << 8);
        let readers = Arc::new(Readers { ports, next_id, waiters: Mutex::default() });
        for port in &readers.ports {
            let watcher = Arc::downgrade(&readers);
            port.slot.watch(watcher);
        }
        readers
    }

    pub(super) fn len(&self) -> usize {
        self.ports.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.slot.name() == name)
    }

    /// A number for a context or handle: never 0, never negative.
    pub(super) fn id(&self) -> u32 {
        (self.next_id.fetch_add(1, Ordering::Relaxed) & 0x3FFF_FFFF) + 1
    }

    pub(super) fn enter(&self, context: u32, waiter: Arc<Waiter>) {
        self.waiters().insert(context, waiter);
    }

    pub(super) fn leave(&self, context: u32) {
        self.waiters().remove(&context);
    }

    pub(super) fn waiter(&self, context: u32) -> Option<Arc<Waiter>> {
        self.waiters().get(&context).cloned()
    }

    /// The state of each reader, up to this many.
    pub(super) fn states(&self, limit: usize) -> Vec<u8> {
        let ports = self.ports.iter().take(limit);
        ports.flat_map(|port| reader_state(port.slot.name(), &port.slot.state())).collect()
    }

    /// The same in a field for 16 readers.
    pub(super) fn sixteen_states(&self) -> Vec<u8> {
        let mut states = self.states(p::READERS);
        states.resize(p::READERS * p::READER_STATE, 0);
        states
    }

    fn waiters(&self) -> MutexGuard<'_, HashMap<u32, Arc<Waiter>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Readers {
    fn changed(&self) {
        let waiters: Vec<_> = self.waiters().values().cloned().collect();
        waiters.iter().for_each(|waiter| waiter.wake(p::SUCCESS));
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").field("ports", &self.ports).finish_non_exhaustive()
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
    p::Out::default()
        .field(name.as_bytes(), p::NAME)
        .u32(state.events)
        .u32(flags)
        .u32(sharing)
        .field(&state.atr, 36)
        .u32(u32::try_from(state.atr.len()).unwrap_or(0))
        .u32(protocol)
        .done()
}
