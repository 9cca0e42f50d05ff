//! Where a card can be, and the card that is there.

use super::act::Which;
use crate::{
    explore::log::Log,
    journal::Journal,
    model::Place,
    small::{SmallCard, bytes},
};
use std::{
    fmt,
    hash::{Hash, Hasher},
};

/// Parts of a PIN object in the journal, as the format's description names them: reference data, tries.
const PARTS: [u8; 2] = [0x01, 0x02];

/// One PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PinState {
    /// Tries left, as the memory says.
    pub(crate) left: u8,
    /// Which of its two values is in use.
    pub(crate) value: usize,
    /// Whether it is verified.
    pub(crate) verified: bool,
    /// Wrong values about which somebody learned that they are wrong, since the tries were last given back. Counted from
    /// outside.
    pub(crate) guesses: u8,
}

/// All that tells two states apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Abstract {
    /// Current application and EF.
    pub(crate) place: Place,
    /// Whether the issuer's channel is open.
    pub(crate) issuer: bool,
    /// The PINs.
    pub(crate) pins: [PinState; 2],
    /// How the log ends.
    pub(crate) log: Log,
    /// What must not be, and is.
    pub(crate) violation: Option<String>,
}

impl Abstract {
    /// The state of a card. `guesses` by PIN.
    ///
    /// # Errors
    /// What its memory lacks.
    pub(crate) fn of(card: &SmallCard, guesses: [u8; 2]) -> Result<Self, String> {
        let journal = Journal::read(bytes(card)).ok_or("no area of the memory has a header")?;
        let pin = |pin: Which| {
            let [value, left] = PARTS.map(|part| journal.get(key(pin, part)).unwrap_or_default());
            let left = match *left {
                [left, complement] if left == !complement => left,
                _ => return Err(format!("the tries of {pin:?} are damaged")),
            };
            let value = pin.values().iter().position(|known| *known == value);
            let value = value.ok_or_else(|| format!("the value of {pin:?} is none that it was given"))?;
            let verified = card.session().is_verified(pin.file());
            Ok(PinState { left, value, verified, guesses: guesses[pin as usize] })
        };
        Ok(Abstract {
            place: Place::of(card),
            issuer: card.session().is_issuer(),
            pins: [pin(Which::Authentication)?, pin(Which::Signature)?],
            log: Log::of(&journal),
            violation: None,
        })
    }

    /// The value in use.
    #[must_use]
    pub(crate) fn value(&self, pin: Which) -> &'static [u8] {
        pin.values()[self.pins[pin as usize].value]
    }

    /// The other one.
    #[must_use]
    pub(crate) fn other_value(&self, pin: Which) -> &'static [u8] {
        pin.values()[1 - self.pins[pin as usize].value]
    }

    /// Guesses by PIN.
    #[must_use]
    pub(crate) fn guesses(&self) -> [u8; 2] {
        self.pins.map(|pin| pin.guesses)
    }
}

/// Key of a part of a PIN object in the journal.
fn key(pin: Which, part: u8) -> u16 {
    let object = card_os::profile::JPKI.file(u16::from(pin.file())).expect("a row of the table");
    object.key(part).0
}

/// Whether a journal's key belongs to this PIN.
pub(crate) fn belongs(key_: u16, pin: Which) -> bool {
    PARTS.iter().any(|part| key(pin, *part) == key_)
}

/// A card in a state. Two are the same where they differ in nothing that [`Abstract`] has.
pub(crate) struct State {
    /// The card.
    pub(crate) card: SmallCard,
    /// Where it is.
    pub(crate) at: Abstract,
}

impl State {
    /// The same, with what does not hold.
    pub(crate) fn broken(&self, violation: String) -> Self {
        State { card: self.card.fork(), at: Abstract { violation: Some(violation), ..self.at.clone() } }
    }
}

impl Clone for State {
    fn clone(&self) -> Self {
        State { card: self.card.fork(), at: self.at.clone() }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}
