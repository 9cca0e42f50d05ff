//! The simulated card as something that can be put into a slot or talked to directly.

use crate::{
    backend::AnyEngine,
    image::{Image, ImageError},
    nvm::{Flash, Tear, Torn},
    reader::{Reader, ReaderError},
    rng::SimRng,
    slot::{Silence, VirtualCard},
};
use card_os::{
    Card, Response,
    identity::{Behaviour, DIVERSIFICATION, Manufacture},
    platform::{Engine, Nvm},
    profile::Model,
    scp03::KeySet,
    store::StoreError,
};
use rand_core::TryCryptoRng;

/// Bytes of memory of a card with every application: two areas of 64 KiB.
pub const MEMORY: usize = 128 * 1024;
/// Bytes of memory of a card with the public certification application alone, which is what the first images have.
pub const SMALL_MEMORY: usize = 64 * 1024;

pub use card_os::identity::CONTACT_ATR;

/// The card as it is simulated, with a probe at its memory that can pull the power.
pub type Simulated = Card<Torn<Flash>, AnyEngine, SimRng>;

/// Why a card cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// Its image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Its memory.
    #[error("the card's memory cannot be read ({0:?}); put back a copy of the image, or issue a new card")]
    Store(StoreError),
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

/// What a card maker can choose.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Key version number of the issuer keys, 01–7F.
    pub key_version: u8,
    /// SCP03 parameter i: 60 or 70.
    pub scp03: u8,
    /// Which applications it has.
    pub model: &'static Model,
    /// ATR, at most [`card_os::identity::ATR_MAX`] bytes.
    pub atr: &'a [u8],
    /// Where it differs from measured cards.
    pub behaviour: Behaviour,
}

impl Default for Options<'_> {
    /// What the field has, as far as it is known.
    fn default() -> Self {
        Options {
            key_version: 0x01,
            scp03: 0x60,
            model: Model::CARD,
            atr: &CONTACT_ATR,
            behaviour: Behaviour::default(),
        }
    }
}

/// Makes a blank card in memory.
///
/// # Errors
/// [`CardError::Store`] only for an ATR that is too long.
pub fn blank(
    diversification: [u8; DIVERSIFICATION],
    keys: &KeySet,
    options: Options<'_>,
    rng: SimRng,
) -> Result<Simulated, CardError> {
    let Options { key_version, scp03: scp03_options, model, atr, behaviour } = options;
    let card = Manufacture { atr, diversification, keys, key_version, scp03_options, model, behaviour };
    let memory = if model == Model::CARD { MEMORY } else { SMALL_MEMORY };
    Card::manufacture(Torn::new(Flash::new(memory)), AnyEngine::default(), rng, &card).map_err(CardError::Store)
}

/// A card with its image: each answer leaves only after what it changed is on disk.
#[derive(Debug)]
pub struct StoredCard {
    card: Simulated,
    image: Image,
    engine: AnyEngine,
    /// Whoever armed the memory pulls the card out with it.
    armed: bool,
    /// The memory is as a cut left it, until power comes back.
    torn: bool,
}

impl StoredCard {
    /// Keeps a new card in a new image.
    ///
    /// # Errors
    /// [`CardError::Image`].
    pub fn create(path: &std::path::Path, card: Simulated) -> Result<Self, CardError> {
        let image = Image::create(path, card.nvm())?;
        Ok(StoredCard { card, image, engine: AnyEngine::default(), armed: false, torn: false })
    }

    /// Opens a card on the fastest engine.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn open(path: &std::path::Path, rng: SimRng) -> Result<Self, CardError> {
        StoredCard::open_on(path, AnyEngine::default(), rng)
    }

    /// Opens a card on this engine.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn open_on(path: &std::path::Path, engine: AnyEngine, rng: SimRng) -> Result<Self, CardError> {
        let (image, flash) = Image::open(path)?;
        let card = mount(flash, engine.clone(), rng)?;
        Ok(StoredCard { card, image, engine, armed: false, torn: false })
    }

    /// The card.
    #[must_use]
    pub fn card(&self) -> &Simulated {
        &self.card
    }

    /// A card like this one without an image, for what cannot be undone.
    #[must_use]
    pub fn fork(&self) -> Simulated {
        self.card.fork()
    }

    /// The card is as this one from now on, session included, and its image too.
    ///
    /// # Errors
    /// [`CardError::Image`]; the card is what it was.
    pub fn restore(&mut self, card: Simulated) -> Result<(), CardError> {
        self.image.save_all(card.nvm())?;
        (self.card, self.armed, self.torn) = (card, false, false);
        Ok(())
    }

    /// Somebody will pull the card out of its reader in this operation of its memory, a word written or a page erased, counted
    /// from 0 and from now.
    pub fn cut_at(&mut self, operation: u64, tear: Tear) {
        self.card.nvm_mut().arm(operation, tear);
        self.armed = true;
    }

    /// Boots anew from what a cut has left.
    fn recover(&mut self) -> Result<(), CardError> {
        let flash = self.card.nvm().inner().clone();
        self.card = mount(flash, self.engine.clone(), SimRng::from_os()?)?;
        self.image.save(self.card.nvm())?;
        self.torn = false;
        Ok(())
    }
}

fn mount(flash: Flash, engine: AnyEngine, rng: SimRng) -> Result<Simulated, CardError> {
    Card::mount(Torn::new(flash), engine, rng).map_err(|(error, _)| CardError::Store(error))
}

impl VirtualCard for StoredCard {
    fn atr(&self) -> Vec<u8> {
        self.card.atr().to_vec()
    }

    fn power_on(&mut self) {
        if self.torn
            && let Err(error) = self.recover()
        {
            eprintln!("{error}; the card answers no more");
        }
        self.card.power_on();
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn reset(&mut self) {
        self.card.reset();
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        if self.torn {
            return Err(Silence::Mute);
        }
        let mut response = Response::new();
        self.card.transmit(command, &mut response);
        if self.armed && self.card.nvm().is_dead() {
            (self.armed, self.torn) = (false, true);
        }
        if let Err(error) = self.image.save(self.card.nvm()) {
            // An answer about a change that is not kept would be a free guess after the next start.
            eprintln!("{error}; the card answers no more until this is mended and it is started again");
            self.card.power_off();
            return Err(Silence::Mute);
        }
        if self.torn { Err(Silence::Pulled) } else { Ok(response.to_vec()) }
    }
}

impl VirtualCard for Simulated {
    fn atr(&self) -> Vec<u8> {
        Card::atr(self).to_vec()
    }

    fn power_on(&mut self) {
        Card::power_on(self);
    }

    fn power_off(&mut self) {
        Card::power_off(self);
    }

    fn reset(&mut self) {
        Card::reset(self);
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        let mut response = Response::new();
        Card::transmit(self, command, &mut response);
        Ok(response.to_vec())
    }
}

/// A card talked to without any slot or socket.
#[derive(Debug)]
pub struct Direct<N, E, R>(pub Card<N, E, R>);

impl<N: Nvm, E: Engine, R: TryCryptoRng> Reader for Direct<N, E, R> {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(self.0.power_on().to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        Ok(self.0.reset().to_vec())
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.0.power_off();
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let mut response = Response::new();
        self.0.transmit(command, &mut response);
        Ok(response.to_vec())
    }
}
