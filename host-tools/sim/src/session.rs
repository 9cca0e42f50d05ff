//! A card for fuzzers and other programs that try a great many things with one card.
//!
//! # Design
//!
//! A [`Session`] holds a card in this process, without slot, socket or image. [`Session::snapshot`] keeps everything of it, memory and
//! volatile state; [`Session::restore`] goes back at the cost of what has changed since, well below a microsecond for a few commands.
//! [`Session::cut_at`] pulls the power in one word written or page erased; a restart then begins from what is left.
//!
//! ```
//! use sim::{backend::AnyEngine, nvm::Tear, sample, session::Session, slot::Silence};
//!
//! let mut session = Session::new(sample::issued(true), AnyEngine::default());
//! let kept = session.snapshot();
//!
//! // SELECT JPKI, then VERIFY with a wrong user authentication PIN: two tries are left.
//! let select = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
//! assert_eq!(session.transmit(select), Ok(&[0x90, 0x00][..]));
//! assert_eq!(session.transmit(b"\x00\x20\x00\x98\x049999"), Ok(&[0x63, 0xC2][..]));
//!
//! // Back to three, and the power goes in the first word that the same command writes.
//! session.restore(&kept);
//! session.transmit(select)?;
//! session.cut_at(0, Tear::Before);
//! assert_eq!(session.transmit(b"\x00\x20\x00\x98\x049999"), Err(Silence::Pulled));
//! session.power_cycle()?;
//! session.transmit(select)?;
//! assert_eq!(session.transmit(b"\x00\x20\x00\x98"), Ok(&[0x63, 0xC3][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    nvm::{Flash, Tear, Torn},
    rng::SimRng,
    slot::Silence,
};
use card_os::{Response, platform::Engine, store::StoreError};

/// A card with a probe at its memory.
pub type Card<E> = card_os::Card<Torn<Flash>, E, SimRng>;

/// The memory of a card does not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the card does not start from its memory ({0:?}); restore a snapshot")]
pub struct NoStart(pub StoreError);

/// A card as it was.
#[derive(Debug)]
pub struct Snapshot<E> {
    card: Card<E>,
    torn: bool,
}

/// A card, and what is done with it.
#[derive(Debug)]
pub struct Session<E> {
    card: Card<E>,
    /// What a card that starts from memory gets.
    engine: E,
    /// The memory is as a cut left it, until power comes back.
    torn: bool,
    response: Response,
}

impl<E: Engine + Clone> Session<E> {
    /// Powers the card on. `engine` is for the cards that start from its memory later.
    #[must_use]
    pub fn new(mut card: Card<E>, engine: E) -> Self {
        card.nvm_mut().disarm();
        card.power_on();
        Session { card, engine, torn: false, response: Response::new() }
    }

    /// The card, for observers.
    #[must_use]
    pub fn card(&self) -> &Card<E> {
        &self.card
    }

    /// One command APDU, one response APDU.
    ///
    /// # Errors
    /// [`Silence::Pulled`] where the power goes in this command, [`Silence::Mute`] from then on until it comes back.
    pub fn transmit(&mut self, command: &[u8]) -> Result<&[u8], Silence> {
        if self.torn {
            return Err(Silence::Mute);
        }
        self.card.transmit(command, &mut self.response);
        self.torn = self.card.nvm().is_dead();
        if self.torn { Err(Silence::Pulled) } else { Ok(&self.response) }
    }

    /// The power will go in this operation of the memory, a word written or a page erased, counted from 0 and from now.
    pub fn cut_at(&mut self, operation: u64, tear: Tear) {
        if !self.torn {
            self.card.nvm_mut().arm(operation, tear);
        }
    }

    /// No cut is ordered any more.
    pub fn spare(&mut self) {
        if !self.torn {
            self.card.nvm_mut().disarm();
        }
    }

    /// The last answer, power or not.
    #[must_use]
    pub fn response(&self) -> &[u8] {
        &self.response
    }

    /// Words written and pages erased since the session began, the last cut was ordered, or the power last came back.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.card.nvm().operations()
    }

    /// Warm reset. A card without power stays mute.
    pub fn reset(&mut self) {
        if !self.torn {
            self.card.reset();
        }
    }

    /// Power off and on. A card whose power went in the middle of a write starts from what is left of its memory. A cut that has not
    /// happened yet is forgotten.
    ///
    /// # Errors
    /// [`NoStart`]; the card stays mute.
    pub fn power_cycle(&mut self) -> Result<(), NoStart> {
        if self.torn {
            return self.restart();
        }
        self.card.nvm_mut().disarm();
        self.card.power_on();
        Ok(())
    }

    /// Power off, and a start from memory alone, as another chip with the same memory would. Its randomness is the same each time.
    ///
    /// # Errors
    /// [`NoStart`]; the card stays mute.
    pub fn restart(&mut self) -> Result<(), NoStart> {
        self.torn = true;
        let memory = Torn::new(self.card.nvm().inner().clone());
        self.card = card_os::Card::mount(memory, self.engine.clone(), SimRng::seeded(0))
            .map_err(|(error, _)| NoStart(error))?;
        self.card.power_on();
        self.torn = false;
        Ok(())
    }

    /// Keeps everything of the card, for [`Session::restore`].
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot<E> {
        self.card.nvm_mut().inner_mut().settle();
        Snapshot { card: self.card.fork(), torn: self.torn }
    }

    /// Everything is as it was, at the cost of what has changed since; another card's snapshot is copied as a whole.
    pub fn restore(&mut self, snapshot: &Snapshot<E>) {
        self.card.restore(&snapshot.card);
        self.torn = snapshot.torn;
    }
}
