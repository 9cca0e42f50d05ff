//! Try counters and the comparison of secrets. **Proof is a value.**
//!
//! [`Counter::spend`] charges one try in non-volatile memory, reads it back, and returns [`Spent`]; only `Spent` can compare, and
//! only a right comparison makes [`Verified`]; only `Verified` restores the counter and raises the session. So a guess
//! cannot be compared before it is paid for, whatever is cut or fails in between. (card.md D-46, §7.2) [`Counter::guess`] is that
//! way for whoever compares; what a glitch passes over in it is found by what comes after.
//!
//! A counter is stored beside its complement. One that does not match, or is absent, counts as blocked.

use crate::{
    access::{Granted, Verify, Writes},
    platform::Nvm,
    profile::{Kind, Object, PinFormat},
    refusal::Refusal,
    session::Session,
    store::{Key, Store, Update},
};
use core::hint;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// Most bytes of a PIN value. (card.md D-23)
pub const VALUE: usize = 16;

const REFERENCE: u8 = 0x01;
const TRIES: u8 = 0x02;

/// A try counter: where it lies and its maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    key: Key,
    max: u8,
}

impl Counter {
    /// The counter under `key` with `max` tries, fewer than sixteen.
    #[must_use]
    pub const fn new(key: Key, max: u8) -> Self {
        Counter { key, max }
    }

    /// Tries left; 0 where the counter was never set or is damaged.
    pub fn left<N: Nvm>(self, store: &Store<N>) -> u8 {
        match store.array(self.key) {
            Some([left, complement]) if left == !complement && left <= self.max => left,
            _ => 0,
        }
    }

    /// The update that sets the counter to its maximum, to be committed together with a new value.
    #[must_use]
    pub const fn full(self) -> [u8; 2] {
        [self.max, !self.max]
    }

    /// Where it lies.
    #[must_use]
    pub const fn key(self) -> Key {
        self.key
    }

    /// Charges one try, durably.
    ///
    /// # Errors
    /// [`Refusal::Blocked`] where none is left; [`Refusal::Memory`] where the charge could not be read back.
    pub fn spend<N: Nvm>(self, store: &mut Store<N>) -> Result<Spent, Refusal> {
        let left = self.left(store).checked_sub(1).ok_or(Refusal::Blocked)?;
        let charged = [left, !left];
        store.commit(&[Update::Put { key: self.key, value: &charged }])?;
        // The record itself, not `left`: a record that never reached the memory also reads as "none left".
        if store.lasting(self.key) != Some(charged) {
            return Err(Refusal::Memory);
        }
        Ok(Spent { counter: self, left })
    }

    /// Charges a try and compares. Every decision is made twice, since a glitched chip passes over one: that the try is paid for is asked of the
    /// memory again before anything is compared, and the tries come back only if two comparisons agree.
    ///
    /// # Errors
    /// As [`Counter::spend`] and [`Spent::judge`].
    pub fn guess<N: Nvm>(self, store: &mut Store<N>, compare: impl Fn(&Store<N>) -> Choice) -> Result<(), Refusal> {
        let before = self.left(store);
        let spent = self.spend(store)?;
        if !store
            .lasting(hint::black_box(self.key))
            .is_some_and(|[left, complement]| left < before && complement == !left)
        {
            return Err(Refusal::Memory);
        }
        let left = spent.left;
        let verified = spent.judge(compare(store))?;
        if !bool::from(compare(hint::black_box(&*store))) {
            return Err(Refusal::Tries(left));
        }
        verified.restore(store)
    }
}

/// One try has been charged. Not `Clone`: each comparison costs one.
#[derive(Debug)]
#[must_use]
pub struct Spent {
    counter: Counter,
    left: u8,
}

impl Spent {
    /// Judges the evidence of a constant-time comparison.
    ///
    /// # Errors
    /// [`Refusal::Tries`] with what is left.
    pub fn judge(self, equal: Choice) -> Result<Verified, Refusal> {
        if bool::from(equal) { Ok(Verified { counter: self.counter }) } else { Err(Refusal::Tries(self.left)) }
    }
}

/// The secret was presented. Not `Clone`.
#[derive(Debug)]
#[must_use]
pub struct Verified {
    counter: Counter,
}

impl Verified {
    /// Gives the tries back.
    ///
    /// # Errors
    /// [`Refusal::Memory`]; the try stays charged.
    pub fn restore<N: Nvm>(self, store: &mut Store<N>) -> Result<(), Refusal> {
        store.commit(&[Update::Put { key: self.counter.key, value: &self.counter.full() }])?;
        Ok(())
    }
}

/// A PIN object of the table, with what its row says.
#[derive(Debug, Clone, Copy)]
pub struct Pin {
    object: &'static Object,
    counter: Counter,
    format: PinFormat,
}

impl Pin {
    /// The PIN object behind a row, if it is one.
    #[must_use]
    pub fn of(object: &'static Object) -> Option<Self> {
        match object.kind {
            Kind::Pin { tries, format } => {
                Some(Pin { object, counter: Counter::new(object.key(TRIES), tries), format })
            }
            _ => None,
        }
    }

    /// Its row.
    #[must_use]
    pub fn object(&self) -> &'static Object {
        self.object
    }

    /// Tries left.
    pub fn left<N: Nvm>(&self, store: &Store<N>) -> u8 {
        self.counter.left(store)
    }

    /// Whether a value was ever set.
    pub fn is_set<N: Nvm>(&self, store: &Store<N>) -> bool {
        store.contains(self.object.key(REFERENCE))
    }

    /// VERIFY: spend, compare, restore. `Ok` is the only ground on which a session raises its status.
    ///
    /// # Errors
    /// [`Refusal::Blocked`], [`Refusal::Tries`] or [`Refusal::Memory`].
    pub fn verify<N: Nvm>(granted: &Granted<Verify>, store: &mut Store<N>, candidate: &[u8]) -> Result<(), Refusal> {
        let pin = Pin::of(granted.object()).ok_or(Refusal::WrongKind)?;
        // It is this object's try that is charged.
        if Pin::of(hint::black_box(granted.object())).map(|pin| pin.counter) != Some(pin.counter) {
            return Err(Refusal::Memory);
        }
        pin.counter.guess(store, |store| matches(store, granted.object(), candidate))
    }

    /// Whether this is the value of the PIN object. For a value that was charged for.
    pub fn holds<N: Nvm>(granted: &Granted<Verify>, store: &Store<N>, candidate: &[u8]) -> bool {
        matches(store, hint::black_box(granted.object()), candidate).into()
    }

    /// Sets a new value and all tries, atomically, and leaves no copy of the old value in memory.
    ///
    /// # Errors
    /// [`Refusal::Data`] where the value breaks the format, or as [`Granted::confirm`]; the old one then stands.
    // Apart from where it was granted: a branch that goes astray there must not arrive behind both decisions.
    #[inline(never)]
    pub fn set<N: Nvm, Op: Writes>(
        granted: &Granted<Op>,
        session: &Session,
        store: &mut Store<N>,
        value: &[u8],
    ) -> Result<(), Refusal> {
        granted.confirm(session, store)?;
        let pin = Pin::of(granted.object()).ok_or(Refusal::WrongKind)?;
        if !pin.format.accepts(value) {
            return Err(Refusal::Data);
        }
        store.commit_scrubbed(&[
            Update::Put { key: pin.object.key(REFERENCE), value },
            Update::Put { key: pin.counter.key, value: &pin.counter.full() },
        ])?;
        Ok(())
    }
}

/// Whether a value is that of a PIN object.
#[inline(never)]
fn matches<N: Nvm>(store: &Store<N>, pin: &Object, candidate: &[u8]) -> Choice {
    store.with(pin.key(REFERENCE), |reference| equal(reference, candidate)).unwrap_or(Choice::from(0))
}

/// Compares two values of up to [`VALUE`] bytes in time that depends on neither.
fn equal(reference: &[u8], candidate: &[u8]) -> Choice {
    let mut padded = [[0u8; VALUE]; 2];
    let [left, right] = &mut padded;
    for (slot, byte) in left.iter_mut().zip(reference) {
        *slot = *byte;
    }
    for (slot, byte) in right.iter_mut().zip(candidate) {
        *slot = *byte;
    }
    let same = left.ct_eq(right) & reference.len().ct_eq(&candidate.len());
    padded.zeroize();
    same
}
