//! Permission is a value: [`grant`] holds the table's rule against session and phase, and is the only maker of
//! [`Granted`]. Handlers ask for a `Granted<Op>`, so nobody reaches an object around the rules.
//!
//! A chip that is glitched passes over one decision. So the table is asked twice: by [`grant`], and by [`Granted::confirm`] right before
//! something is written or leaves. (spec/reliability.md §6; docs/decisions/0035-glitches.md)

use crate::{
    identity,
    pin::Pin,
    platform::Nvm,
    profile::{Object, Operation, Phase, Rule},
    refusal::Refusal,
    session::Session,
    store::Store,
};
use core::{hint, marker::PhantomData};

/// An operation as a type, so that one grant cannot serve for another.
pub trait Grantable {
    /// Its row in the table.
    const OPERATION: Operation;
}

macro_rules! operations {
    ($($name:ident: $doc:literal,)*) => {$(
        #[doc = $doc]
        #[derive(Debug)]
        pub enum $name {}
        impl Grantable for $name {
            const OPERATION: Operation = Operation::$name;
        }
    )*};
}

operations! {
    Read: "READ BINARY, READ RECORD, GET DATA.",
    Verify: "VERIFY and the try-counter query.",
    Change: "CHANGE REFERENCE DATA, CHANGE KEY.",
    Sign: "COMPUTE DIGITAL SIGNATURE.",
    Authenticate: "INTERNAL AUTHENTICATE.",
    Decipher: "SET SESSION KEY.",
    Put: "STORE DATA.",
    Generate: "GENERATE ASYMMETRIC KEY PAIR.",
    Reset: "RESET RETRY COUNTER.",
}

/// Operations that a private key does.
pub trait UsesKey: Grantable {}
impl UsesKey for Sign {}
impl UsesKey for Authenticate {}
impl UsesKey for Decipher {}

/// Operations that replace what an object holds.
pub trait Writes: Grantable {}
impl Writes for Change {}
impl Writes for Put {}
impl Writes for Generate {}
impl Writes for Reset {}

/// `Op` may be done with this object, now.
#[derive(Debug)]
#[must_use]
pub struct Granted<Op> {
    object: &'static Object,
    operation: PhantomData<Op>,
}

impl<Op: Grantable> Granted<Op> {
    /// The object.
    #[must_use]
    pub fn object(&self) -> &'static Object {
        self.object
    }

    /// Asks the table once more, with nothing that was computed for the first time.
    ///
    /// # Errors
    /// As [`grant`].
    pub fn confirm<N: Nvm>(&self, session: &Session, store: &Store<N>) -> Result<(), Refusal> {
        let phase = identity::phase(store)?;
        permitted(Op::OPERATION, hint::black_box(self.object), session, phase, store)
    }
}

/// Asks the table. A row that was damaged since the card was built permits nothing. (spec/reliability.md, A5)
///
/// # Errors
/// [`Refusal::Memory`] for such a row; [`Refusal::Blocked`] where the PIN that opens the object has no tries left and the
/// operation is one for which the card tells so (signing, changing: card.md D-29, D-32); [`Refusal::SecurityStatus`] otherwise.
pub fn grant<Op: Grantable, N: Nvm>(
    object: &'static Object,
    session: &Session,
    phase: Phase,
    store: &Store<N>,
) -> Result<Granted<Op>, Refusal> {
    permitted(Op::OPERATION, object, session, phase, store)?;
    Ok(Granted { object, operation: PhantomData })
}

/// One function for all operations, so that it stands once in a chip.
#[inline(never)]
fn permitted<N: Nvm>(
    operation: Operation,
    object: &Object,
    session: &Session,
    phase: Phase,
    store: &Store<N>,
) -> Result<(), Refusal> {
    if !object.is_whole() {
        return Err(Refusal::Memory);
    }
    let allowed = match object.rule(operation, phase) {
        Rule::Never => false,
        Rule::Free => true,
        Rule::Issuer => session.is_issuer(),
        Rule::Pins(pins) => {
            let tells = matches!(operation, Operation::Sign | Operation::Change);
            if tells && !pins.iter().any(|pin| is_usable(*pin, session, store)) {
                return Err(Refusal::Blocked);
            }
            session.is_any_verified(pins)
        }
    };
    if allowed { Ok(()) } else { Err(Refusal::SecurityStatus) }
}

/// Whether the PIN object with this EF identifier in the current application has tries left.
fn is_usable<N: Nvm>(pin: u8, session: &Session, store: &Store<N>) -> bool {
    session.application().file(u16::from(pin)).and_then(Pin::of).is_some_and(|pin| pin.left(store) > 0)
}
