//! Who may use the card: sharing modes, transactions, and word of resets and removals (pcsc.md §3).

use super::{CardGuard, Epoch, Inner, Lock, Refused, Slot, Usage};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// How long a disconnection waits for another's transaction, and how often it looks.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// How a handle wants to live with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Alone. Refused while anybody else is connected.
    Exclusive,
    /// With others.
    Shared,
    /// With others, and also without a card: for questions to the reader.
    Direct,
}

/// What to do with the card at the end of a transaction or of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing: verified PINs stay verified.
    Leave,
    /// Warm reset.
    Reset,
    /// Power off: the session ends.
    Unpower,
    /// As `Unpower`: this slot has no motor.
    Eject,
}

/// A connection to the card of a slot. Dropping it releases everything it held; if that includes a transaction or an exclusive
/// connection the card is reset, as pcscd does. (Whether a reset ends its session is the card's affair.)
#[derive(Debug)]
pub struct Handle {
    slot: Arc<Slot>,
    id: u64,
    share: Share,
    /// The state of the world this handle agreed to.
    seen: Epoch,
    open: bool,
    client: Arc<str>,
}

impl Slot {
    /// Connects, powering the card if nobody has done so.
    ///
    /// # Errors
    /// [`Refused`]: `Sharing`, `NoCard` (not for [`Share::Direct`]), `Mute`.
    pub fn connect(self: &Arc<Self>, share: Share) -> Result<Handle, Refused> {
        self.connect_as(share, Arc::from(""))
    }

    /// The same for a client with a name, which observers are told.
    ///
    /// # Errors
    /// As [`Slot::connect`].
    pub fn connect_as(self: &Arc<Self>, share: Share, client: Arc<str>) -> Result<Handle, Refused> {
        let mut inner = self.inner();
        let (id, seen) = inner.may_enter(share)?;
        inner.state.usage = inner.state.usage.enter(share);
        inner.state.serial += 1;
        drop(inner);
        self.tell();
        let mut handle = Handle { slot: Arc::clone(self), id, share, seen, open: true, client };
        handle.power_if_needed()?;
        // Powering a card that lay there without power ends nobody's session, least of all this one's.
        handle.seen.resets = self.inner().epoch.resets;
        Ok(handle)
    }
}

impl Handle {
    /// Accepts what has happened to the card, changes the sharing mode and perhaps starts the card anew: `Reset` warm,
    /// `Unpower` and `Eject` cold. An open transaction stays open.
    ///
    /// # Errors
    /// [`Refused`]: `Sharing` (the mode stays as it was), `NoCard`, `Mute`.
    pub fn reconnect(&mut self, share: Share, initialization: Disposition) -> Result<(), Refused> {
        let slot = Arc::clone(&self.slot);
        slot.inner().may_pass(self.id)?;
        let mut card = slot.card();
        slot.inner().may_pass(self.id)?;
        self.change_share(share)?;
        if self.slot.inner().state.present {
            self.apply(&mut card, initialization)?;
            self.slot.energise(&mut card)?;
        } else if share != Share::Direct {
            return Err(Refused::NoCard);
        }
        self.seen = self.slot.inner().epoch;
        Ok(())
    }

    /// Reserves the card until the matching [`Handle::end`]; may be nested.
    ///
    /// # Errors
    /// [`Refused`]: `Removed`, `Reset`, `Sharing`.
    pub fn begin(&mut self) -> Result<(), Refused> {
        let mut inner = self.slot.inner();
        inner.may_pass(self.id)?;
        inner.still(self.seen)?;
        let depth = inner.lock.map_or(0, |lock| lock.depth);
        inner.lock = Some(Lock { owner: self.id, depth: depth.saturating_add(1) });
        Ok(())
    }

    /// Ends a transaction. `Unpower` is a cold start here, since the handle lives on. Of a reset everybody is told, and the
    /// caller too: a program that does not reconnect then fails here as it does with pcscd. If the card was reset or removed
    /// meanwhile, the transaction ends all the same, nothing is done to the card, and the caller is told.
    ///
    /// # Errors
    /// [`Refused`]: `NotTransacted`, `Sharing`, `Removed`, `Reset`, `Mute`.
    pub fn end(&mut self, disposition: Disposition) -> Result<(), Refused> {
        let slot = Arc::clone(&self.slot);
        slot.inner().may_pass(self.id)?;
        let mut card = (disposition != Disposition::Leave).then(|| slot.card());
        let still = self.slot.inner().still(self.seen);
        if self.slot.inner().lock.is_none() {
            // A removal ended the transaction already, and is the better answer.
            return still.and(Err(Refused::NotTransacted));
        }
        let applied = match (still, &mut card) {
            (Ok(()), Some(card)) => self.apply(card, disposition).and_then(|()| slot.energise(card)),
            (still, _) => still,
        };
        let mut inner = self.slot.inner();
        inner.lock = inner.lock.filter(|lock| lock.depth > 1).map(|lock| Lock { depth: lock.depth - 1, ..lock });
        applied
    }

    /// One command APDU, one response APDU.
    ///
    /// # Errors
    /// [`Refused`]: `Removed`, `Reset`, `Sharing`, `NoCard`, `Mute`.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Refused> {
        self.may_transmit()?; // at once, even while somebody else's command runs
        let mut card = self.slot.card();
        self.may_transmit()?;
        self.slot.energise(&mut card)?;
        self.slot.exchange(&mut card, command, &self.client)
    }

    /// Whether the handle is still good for its card.
    ///
    /// # Errors
    /// [`Refused`]: `Removed`, `Reset`.
    pub fn status(&self) -> Result<(), Refused> {
        self.slot.inner().still(self.seen)
    }

    /// Ends the connection. Anything but leaving waits for the end of another's transaction, as pcscd does.
    ///
    /// # Errors
    /// [`Refused::Sharing`] where that takes too long: the handle is still connected.
    pub fn disconnect(&mut self, disposition: Disposition) -> Result<(), Refused> {
        let began = Instant::now();
        loop {
            let done = self.try_disconnect(disposition);
            if done.is_ok() || began.elapsed() > PATIENCE {
                return done;
            }
            // The bookkeeping is locked for each look only: whoever holds the transaction needs it to go on.
            thread::sleep(POLL);
        }
    }

    /// The same without waiting.
    ///
    /// # Errors
    /// [`Refused::Sharing`]: another handle is in a transaction, this one is still connected.
    pub fn try_disconnect(&mut self, disposition: Disposition) -> Result<(), Refused> {
        if disposition != Disposition::Leave {
            self.slot.inner().may_pass(self.id)?;
            let mut card = self.slot.card();
            self.slot.inner().may_pass(self.id)?;
            // A card that is gone or mute needs nothing more.
            let _ = self.apply(&mut card, disposition);
        }
        self.release();
        Ok(())
    }

    /// The slot this handle belongs to.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    fn may_transmit(&self) -> Result<(), Refused> {
        let inner = self.slot.inner();
        inner.may_pass(self.id)?;
        inner.still(self.seen)
    }

    fn power_if_needed(&self) -> Result<(), Refused> {
        let state = self.slot.state();
        if self.share == Share::Direct || state.powered {
            return Ok(());
        }
        self.slot.energise(&mut self.slot.card())
    }

    fn change_share(&mut self, share: Share) -> Result<(), Refused> {
        let alone = matches!(self.slot.inner().state.usage, Usage::Exclusive | Usage::Shared(1));
        if share == Share::Exclusive && !alone {
            return Err(Refused::Sharing);
        }
        if share != self.share {
            self.share = share;
            self.slot.update(|inner| inner.state.usage = inner.state.usage.leave().enter(share));
        }
        Ok(())
    }

    /// What a disposition means to the card.
    fn apply(&self, card: &mut CardGuard<'_>, disposition: Disposition) -> Result<(), Refused> {
        match disposition {
            Disposition::Leave => Ok(()),
            Disposition::Reset => self.slot.warm_reset(card),
            Disposition::Unpower | Disposition::Eject => {
                self.slot.cut(card);
                Ok(())
            }
        }
    }

    fn release(&mut self) {
        if std::mem::replace(&mut self.open, false) {
            let id = self.id;
            self.slot.update(|inner| {
                inner.lock = inner.lock.filter(|lock| lock.owner != id);
                inner.state.usage = inner.state.usage.leave();
            });
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let held = self.share == Share::Exclusive || self.slot.inner().lock.is_some_and(|lock| lock.owner == self.id);
        if held {
            let mut card = self.slot.card();
            if self.status().is_ok() {
                // A mute card has no session to inherit.
                let _ = self.slot.warm_reset(&mut card);
            }
        }
        self.release();
    }
}

impl Inner {
    /// A number for a new handle and the world it starts in, if there is room.
    fn may_enter(&mut self, share: Share) -> Result<(u64, Epoch), Refused> {
        let others = !matches!(self.state.usage, Usage::Shared(0));
        if self.state.usage == Usage::Exclusive || (share == Share::Exclusive && others) {
            return Err(Refused::Sharing);
        }
        if share != Share::Direct && !self.state.present {
            return Err(Refused::NoCard);
        }
        self.next_handle += 1;
        Ok((self.next_handle, self.epoch))
    }

    /// Refuses all but the owner of an open transaction.
    fn may_pass(&self, id: u64) -> Result<(), Refused> {
        match self.lock {
            Some(lock) if lock.owner != id => Err(Refused::Sharing),
            _ => Ok(()),
        }
    }

    /// A removal hides a reset: there is no card to reconnect to without asking.
    fn still(&self, seen: Epoch) -> Result<(), Refused> {
        if self.epoch.removals != seen.removals {
            Err(Refused::Removed)
        } else if self.epoch.resets != seen.resets {
            Err(Refused::Reset)
        } else {
            Ok(())
        }
    }
}

impl Usage {
    fn enter(self, share: Share) -> Usage {
        match (self, share) {
            (_, Share::Exclusive) => Usage::Exclusive,
            (Usage::Shared(count), _) => Usage::Shared(count + 1),
            (Usage::Exclusive, _) => Usage::Exclusive,
        }
    }

    fn leave(self) -> Usage {
        match self {
            Usage::Shared(count) => Usage::Shared(count.saturating_sub(1)),
            Usage::Exclusive => Usage::Shared(0),
        }
    }
}
