//! Whom the learner asks.

use crate::{
    Output,
    alphabet::{Act, Alphabet},
    machine::Rules,
};
use card_os::{
    Card, Response,
    platform::{Engine, Nvm},
};
use rand_core::TryCryptoRng;
use sim::{
    nvm::Flash,
    reader::{Reader, ReaderError},
    rng::SimRng,
};
use trial::mirror::Mirror;

/// A card that can begin anew.
pub trait Oracle {
    /// Brings the card back to where every word begins.
    ///
    /// # Errors
    /// [`ReaderError`] where it does not come back.
    fn reset(&mut self) -> Result<(), ReaderError>;

    /// Does something to it.
    ///
    /// # Errors
    /// [`ReaderError`] where nobody can say what it answers. A card that goes mute has answered.
    fn step(&mut self, act: &Act) -> Result<Output, ReaderError>;
}

/// A card of this process. It begins anew as a copy, so nothing it is asked costs it anything.
#[derive(Debug)]
pub struct Copies<N, E, R> {
    origin: Card<N, E, R>,
    card: Card<N, E, R>,
}

impl<N: Nvm + Clone, E: Engine + Clone, R: TryCryptoRng + Clone> Copies<N, E, R> {
    /// Copies of this card, each with its power just switched on.
    #[must_use]
    pub fn new(mut origin: Card<N, E, R>) -> Self {
        origin.power_off();
        origin.power_on();
        Copies { card: origin.fork(), origin }
    }

    /// The copy that is asked.
    #[must_use]
    pub fn card(&self) -> &Card<N, E, R> {
        &self.card
    }
}

impl Copies<Flash, Mirror, SimRng> {
    /// Copies of the card with this memory. What they sign is no signature, but takes no time and is as long as one.
    ///
    /// # Errors
    /// What the card says of its memory.
    pub fn mirrored(memory: Flash) -> Result<Self, String> {
        match Card::mount(memory, Mirror, SimRng::seeded(28)) {
            Ok(card) => Ok(Copies::new(card)),
            Err((error, _)) => Err(format!("the card's memory cannot be read: {error:?}")),
        }
    }
}

impl<N: Nvm + Clone, E: Engine + Clone, R: TryCryptoRng + Clone> Oracle for Copies<N, E, R> {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.card = self.origin.fork();
        Ok(())
    }

    fn step(&mut self, act: &Act) -> Result<Output, ReaderError> {
        Ok(match act {
            Act::Command(command) => {
                let mut response = Response::new();
                self.card.transmit(command, &mut response);
                Output::of(&response)
            }
            Act::Reset => {
                self.card.reset();
                Output::Atr
            }
            Act::Power => {
                self.card.power_off();
                self.card.power_on();
                Output::Atr
            }
        })
    }
}

/// A card in a reader. It begins anew by a power cycle, which gives no try back.
pub struct InReader(pub Box<dyn Reader>);

impl Oracle for InReader {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.0.power_off()?;
        self.0.power_on().map(drop)
    }

    fn step(&mut self, act: &Act) -> Result<Output, ReaderError> {
        let answer = match act {
            Act::Command(command) => self.0.transmit(command).map(|response| Output::of(&response)),
            Act::Reset => self.0.reset().map(|_| Output::Atr),
            Act::Power => self.0.power_off().and_then(|()| self.0.power_on()).map(|_| Output::Atr),
        };
        match answer {
            Err(ReaderError::Mute) => Ok(Output::Mute),
            other => other,
        }
    }
}

/// Rules that answer as a card would.
#[derive(Debug)]
pub struct ByRules<R: Rules> {
    rules: R,
    state: R::State,
}

impl<R: Rules> ByRules<R> {
    /// Asks these rules.
    pub fn new(rules: R) -> Self {
        ByRules { state: rules.initial(), rules }
    }
}

impl<R: Rules> Oracle for ByRules<R> {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.state = self.rules.initial();
        Ok(())
    }

    fn step(&mut self, act: &Act) -> Result<Output, ReaderError> {
        self.rules.step(&mut self.state, act).map_err(ReaderError::Protocol)
    }
}

/// Names of the symbols that nobody should send to a card that does not begin as a copy.
#[must_use]
pub fn destructive(alphabet: &Alphabet) -> Vec<&str> {
    let symbols = alphabet.symbols().iter().filter(|symbol| symbol.is_destructive());
    symbols.map(|symbol| symbol.name.as_str()).collect()
}
