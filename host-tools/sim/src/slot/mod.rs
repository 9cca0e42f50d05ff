//! One virtual slot: a place where a card sits, shared by every socket and every in-process reader.
//!
//! The card is behind one lock, what is known *about* it behind another. A command holds only the first, so a question
//! such as "is a card present, and what is its ATR?" is answered at once while a signature runs.
//!
//! Who may use the card is decided by [`Handle`] (shared, exclusive, transactions). A handle learns of a reset or of a removal
//! by comparing two counters, hence nobody has to know who else is connected.

mod handle;
mod local;

pub use handle::{Disposition, Handle, Share};
pub(crate) use handle::{PATIENCE, POLL};
pub use local::LocalReader;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

/// The longest ATR: TS and 32 characters (ISO/IEC 7816-3 §8.2.1).
pub const MAX_ATR: usize = 33;

/// What sits in a slot. Implemented by the simulated card and by test doubles.
pub trait VirtualCard: Send {
    /// The answer to reset, 1 to [`MAX_ATR`] bytes. May be asked of an unpowered card.
    fn atr(&self) -> Vec<u8>;
    /// Power and clock arrive: a new session, recovery of non-volatile memory.
    fn power_on(&mut self);
    /// Power goes: the session ends, non-volatile memory stays.
    fn power_off(&mut self);
    /// Warm reset.
    fn reset(&mut self);
    /// One command APDU, one response APDU.
    ///
    /// # Errors
    /// [`Silence`] when power was cut while the command ran.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence>;
}

/// The card gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// It has no power any more, and answers again after `power_on`.
    #[error("the card is mute; power it off and on again")]
    Mute,
    /// Somebody pulled it out while it was at work.
    #[error("the card was pulled out; insert it again")]
    Pulled,
}

/// Why a slot did not do what was asked. The card was not reached, except for [`Refused::Mute`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No card in the slot.
    #[error("no card in the slot; insert one")]
    NoCard,
    /// The card of this handle was taken out, even if another one is in the slot now.
    #[error("the card was removed; reconnect")]
    Removed,
    /// Somebody else reset the card: its session is gone.
    #[error("the card was reset by another program; reconnect")]
    Reset,
    /// Somebody else holds the card exclusively or in a transaction.
    #[error("another program holds the card; try again when it is done")]
    Sharing,
    /// The end of a transaction that was never begun.
    #[error("no transaction is open on this handle")]
    NotTransacted,
    /// See [`Silence::Mute`].
    #[error("the card is mute; power it off and on again")]
    Mute,
}

impl From<Silence> for Refused {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Mute => Refused::Mute,
            Silence::Pulled => Refused::Removed,
        }
    }
}

/// Who is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// So many handles, none of them exclusive.
    Shared(u32),
    /// Exactly one handle, and no other is let in.
    Exclusive,
}

/// What is known about a slot without asking the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// A card is in the slot.
    pub present: bool,
    /// It has power.
    pub powered: bool,
    /// Its ATR; empty without a card.
    pub atr: Vec<u8>,
    /// Insertions and removals so far.
    pub events: u32,
    /// Who is connected.
    pub usage: Usage,
    /// Grows with every change of any field above.
    pub serial: u64,
}

/// Something that happened at the contacts.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// A card was put in.
    Inserted,
    /// The card was taken out.
    Removed,
    /// Cold start.
    PowerOn,
    /// Power went.
    PowerOff,
    /// Warm reset.
    Reset,
    /// One command.
    Exchange {
        /// Command APDU: may hold a PIN.
        command: &'a [u8],
        /// Response APDU; empty when the card was mute.
        response: &'a [u8],
        /// Time spent in the card.
        duration: Duration,
        /// Who sent it, as far as is known; empty for a master without a handle.
        client: &'a str,
    },
}

/// Shows lengths only: commands hold PINs.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Inserted => f.write_str("Inserted"),
            Event::Removed => f.write_str("Removed"),
            Event::PowerOn => f.write_str("PowerOn"),
            Event::PowerOff => f.write_str("PowerOff"),
            Event::Reset => f.write_str("Reset"),
            Event::Exchange { command, response, duration, client } => {
                write!(f, "Exchange({} -> {} bytes, {duration:?}, {client:?})", command.len(), response.len())
            }
        }
    }
}

/// Watches a slot, for traces and statistics.
pub trait Observer: Send + Sync {
    /// Called in the order of events, with the card locked: it must be quick and must not call the slot.
    fn event(&self, event: &Event<'_>);
}

/// Wants to know at once that something about a slot is different, without a thread of its own that waits for it.
pub trait Watcher: Send + Sync {
    /// Called after each change of a slot's [`State`], by whoever made it: it must be quick, and must not use the card.
    fn changed(&self);
}

/// A slot, to be shared by reference count.
pub struct Slot {
    name: String,
    /// Locked while a command runs. Always locked before `inner`, never after.
    card: Mutex<Option<Box<dyn VirtualCard>>>,
    /// Locked for a moment only.
    inner: Mutex<Inner>,
    changed: Condvar,
    observers: RwLock<Vec<Arc<dyn Observer>>>,
    watchers: RwLock<Vec<Weak<dyn Watcher>>>,
}

/// The bookkeeping.
struct Inner {
    state: State,
    /// Sessions that ended by reset, loss of power or removal.
    epoch: Epoch,
    lock: Option<Lock>,
    next_handle: u64,
}

/// How often the ground moved under a handle's feet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Epoch {
    removals: u64,
    resets: u64,
}

/// The card is reserved for one handle: an open transaction, nested `depth` deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lock {
    owner: u64,
    depth: u32,
}

type CardGuard<'a> = MutexGuard<'a, Option<Box<dyn VirtualCard>>>;

impl Slot {
    /// An empty slot. `name` is what PC/SC clients see as the reader's name.
    pub fn new(name: impl Into<String>) -> Arc<Slot> {
        let state =
            State { present: false, powered: false, atr: Vec::new(), events: 0, usage: Usage::Shared(0), serial: 0 };
        let epoch = Epoch { removals: 0, resets: 0 };
        Arc::new(Slot {
            name: name.into(),
            card: Mutex::new(None),
            inner: Mutex::new(Inner { state, epoch, lock: None, next_handle: 0 }),
            changed: Condvar::new(),
            observers: RwLock::default(),
            watchers: RwLock::default(),
        })
    }

    /// The reader's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is known, at once, whatever the card is doing.
    pub fn state(&self) -> State {
        self.inner().state.clone()
    }

    /// Waits until the serial differs from `seen`, or `timeout` is over. Returns the state either way.
    pub fn wait_change(&self, seen: u64, timeout: Duration) -> State {
        let unchanged = |inner: &mut Inner| inner.state.serial == seen;
        let (inner, _) =
            self.changed.wait_timeout_while(self.inner(), timeout, unchanged).unwrap_or_else(PoisonError::into_inner);
        inner.state.clone()
    }

    /// Adds a watcher, told of everything from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.observers.write().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// Adds somebody who is called after each change for as long as they live.
    pub fn watch(&self, watcher: Weak<dyn Watcher>) {
        let mut watchers = self.watchers.write().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(watcher);
    }

    /// Puts a card in, unpowered. A card that was there comes out first and is returned.
    pub fn insert(&self, card: Box<dyn VirtualCard>) -> Option<Box<dyn VirtualCard>> {
        let mut place = self.card();
        let former = self.eject(&mut place);
        let atr = sensible(card.atr());
        *place = Some(card);
        self.update(|inner| {
            inner.state.present = true;
            inner.state.atr = atr;
            inner.state.events = inner.state.events.wrapping_add(1);
        });
        self.emit(&Event::Inserted);
        former
    }

    /// Takes the card out, after the command under way. Every handle is told [`Refused::Removed`]; a transaction ends.
    pub fn remove(&self) -> Option<Box<dyn VirtualCard>> {
        self.eject(&mut self.card())
    }

    /// Gives power, unless it is there. Returns the ATR. Like the three calls below it is for a master that is no
    /// [`Handle`], such as the virtual reader's driver, and stays out of open transactions.
    ///
    /// # Errors
    /// [`Refused`]: `NoCard`, `Sharing`, `Mute`.
    pub fn power_on(&self) -> Result<Vec<u8>, Refused> {
        let mut card = self.admitted()?;
        self.energise(&mut card)?;
        Ok(self.state().atr)
    }

    /// Takes power away.
    ///
    /// # Errors
    /// [`Refused`]: `NoCard`, `Sharing`.
    pub fn power_off(&self) -> Result<(), Refused> {
        self.cut(&mut *self.admitted()?);
        Ok(())
    }

    /// Warm reset of a powered card, cold start of any other. Returns the ATR.
    ///
    /// # Errors
    /// [`Refused`]: `NoCard`, `Sharing`, `Mute`.
    pub fn reset(&self) -> Result<Vec<u8>, Refused> {
        let mut card = self.admitted()?;
        self.warm_reset(&mut card)?;
        Ok(self.state().atr)
    }

    /// One command. A card without power is mute.
    ///
    /// # Errors
    /// [`Refused`]: `NoCard`, `Sharing`, `Mute`.
    pub fn transmit(&self, command: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut card = self.admitted()?;
        if !self.inner().state.powered {
            return Err(Refused::Mute);
        }
        self.exchange(&mut card, command, "")
    }

    /// The card for a master without a handle, when no transaction is open.
    fn admitted(&self) -> Result<CardGuard<'_>, Refused> {
        let card = self.card();
        let inner = self.inner();
        match (inner.state.present, inner.lock) {
            (false, _) => Err(Refused::NoCard),
            (true, Some(_)) => Err(Refused::Sharing),
            (true, None) => Ok(card),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The card, when no command runs. A card that panicked is treated as one that lost power.
    fn card(&self) -> CardGuard<'_> {
        self.card.lock().unwrap_or_else(|poisoned| {
            let mut card = poisoned.into_inner();
            self.card.clear_poison();
            self.cut(&mut card);
            card
        })
    }

    /// Changes the bookkeeping and wakes those who wait for a change.
    fn update<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner();
        let result = change(&mut inner);
        inner.state.serial += 1;
        drop(inner);
        self.tell();
        result
    }

    /// Tells of a change of the bookkeeping, which must not be locked.
    fn tell(&self) {
        self.changed.notify_all();
        for watcher in self.watchers.read().unwrap_or_else(PoisonError::into_inner).iter() {
            watcher.upgrade().inspect(|watcher| watcher.changed());
        }
    }

    fn emit(&self, event: &Event<'_>) {
        for observer in self.observers.read().unwrap_or_else(PoisonError::into_inner).iter() {
            observer.event(event);
        }
    }

    fn eject(&self, place: &mut Option<Box<dyn VirtualCard>>) -> Option<Box<dyn VirtualCard>> {
        self.cut(place);
        let card = place.take()?;
        self.update(|inner| {
            inner.state.present = false;
            inner.state.atr.clear();
            inner.state.events = inner.state.events.wrapping_add(1);
            inner.epoch.removals += 1;
            // A transaction is about a card: without it nobody is held off any longer.
            inner.lock = None;
        });
        self.emit(&Event::Removed);
        Some(card)
    }

    /// Power on, if it is off.
    fn energise(&self, card: &mut Option<Box<dyn VirtualCard>>) -> Result<(), Refused> {
        let card = card.as_mut().ok_or(Refused::NoCard)?;
        if !self.inner().state.powered {
            card.power_on();
            self.note_atr(card.atr())?;
            self.emit(&Event::PowerOn);
        }
        Ok(())
    }

    /// Power off, if it is on. The session ends for everybody.
    fn cut(&self, card: &mut Option<Box<dyn VirtualCard>>) {
        let was_powered = self.inner().state.powered;
        if let Some(card) = card.as_mut().filter(|_| was_powered) {
            card.power_off();
            self.lose_power();
            self.emit(&Event::PowerOff);
        }
    }

    fn warm_reset(&self, card: &mut Option<Box<dyn VirtualCard>>) -> Result<(), Refused> {
        if !self.inner().state.powered {
            return self.energise(card);
        }
        let card = card.as_mut().ok_or(Refused::NoCard)?;
        card.reset();
        self.update(|inner| inner.epoch.resets += 1);
        self.note_atr(card.atr())?;
        self.emit(&Event::Reset);
        Ok(())
    }

    fn exchange(
        &self,
        card: &mut Option<Box<dyn VirtualCard>>,
        command: &[u8],
        client: &str,
    ) -> Result<Vec<u8>, Refused> {
        let inserted = card.as_mut().ok_or(Refused::NoCard)?;
        let started = Instant::now();
        let response = inserted.transmit(command);
        let duration = started.elapsed();
        let shown = response.as_deref().unwrap_or_default();
        self.emit(&Event::Exchange { command, response: shown, duration, client });
        match response {
            Ok(_) => {}
            Err(Silence::Mute) => self.lose_power(),
            Err(Silence::Pulled) => drop(self.eject(card)),
        }
        Ok(response?)
    }

    fn lose_power(&self) {
        self.update(|inner| {
            inner.state.powered = false;
            inner.epoch.resets += 1;
        });
    }

    /// A card that has just answered to reset is powered, provided the answer is one.
    fn note_atr(&self, atr: Vec<u8>) -> Result<(), Silence> {
        let atr = sensible(atr);
        let answered = !atr.is_empty();
        self.update(|inner| {
            inner.state.powered = answered;
            inner.state.atr = atr;
        });
        if answered { Ok(()) } else { Err(Silence::Mute) }
    }
}

/// An ATR for which clients have room; nothing in place of a longer one.
fn sensible(atr: Vec<u8>) -> Vec<u8> {
    if atr.len() <= MAX_ATR { atr } else { Vec::new() }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("name", &self.name).field("state", &self.state()).finish_non_exhaustive()
    }
}
