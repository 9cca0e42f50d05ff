//! A shadow of the card: what an issued JPKI card must answer, and what it must be like afterwards.
//!
//! card.md §3 to §8, §11 and §20 are written down here a second time, on purpose and without the card's table, so that a mistake
//! has to be made twice to stay unseen. A counter watched from outside is not enough: a blocked PIN that is compared once
//! more reads 0 before and after.
//!
//! A command is `None` to the model where card.md does not say what becomes of it, or where it belongs to the issuer.

mod contents;
mod objects;
mod pin;
mod reading;
mod select;

use apdu::{Command, Form};
use card_os::{
    Card,
    platform::{Engine, Nvm},
};
pub(crate) use contents::Contents;
use pin::Pin;
use rand_core::TryCryptoRng;
use sim::sample;

/// Every EF of the JPKI application. (card.md §6)
const FILES: [u8; 17] = [1, 2, 5, 6, 8, 9, 0x0A, 0x0B, 0x10, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E];

/// Where the card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The JPKI application is current, and not the issuer security domain.
    pub jpki: bool,
    /// The current EF.
    pub file: Option<u8>,
}

impl Place {
    /// Cold start.
    pub const START: Place = Place { jpki: false, file: None };

    /// After a warm reset. (card.md D-28)
    pub fn leave_file(&mut self) {
        self.file = None;
    }

    /// Where a card stands.
    pub fn of<N: Nvm, E: Engine, R: TryCryptoRng>(card: &Card<N, E, R>) -> Self {
        let session = card.session();
        Place { jpki: !session.at_isd(), file: session.file().map(|file| file.number) }
    }

    /// The EF with this short identifier, where the current application has one. (card.md D-09)
    fn sfi(self, sfi: u8) -> Option<u8> {
        Some(sfi).filter(|sfi| self.jpki && FILES.contains(sfi))
    }

    /// The object that P2 of VERIFY and its relatives names. (card.md D-24, D-25)
    fn named(self, p2: u8) -> Result<u8, u16> {
        match p2 {
            0x80 => self.file.ok_or(0x6986),
            0x81..=0x9E => self.sfi(p2 & 0x1F).ok_or(0x6A88),
            _ => Err(0x6A86),
        }
    }
}

/// What stands before the status word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    None,
    /// These bytes.
    Exactly(Vec<u8>),
    /// Bytes of an EF: its number, the offset, and how many.
    File(u8, usize, usize),
    /// So many bytes that nobody can know beforehand.
    Random(usize),
}

/// What a command that the model understands does.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Status word.
    pub sw: u16,
    /// Response data.
    pub data: Data,
    /// Where the card stands afterwards.
    pub place: Place,
    /// Whether memory is written.
    pub writes: bool,
}

/// What comes of a command before it is known where the card stands afterwards.
struct Outcome {
    sw: u16,
    data: Data,
    /// The EF it makes current, where it gets so far.
    file: Option<u8>,
    writes: bool,
}

impl Outcome {
    fn refused(sw: u16) -> Self {
        Outcome { sw, data: Data::None, file: None, writes: false }
    }

    /// About an EF, which is current from then on.
    fn about(file: u8, sw: u16) -> Self {
        Outcome { file: Some(file), ..Outcome::refused(sw) }
    }

    fn with(data: Data) -> Self {
        Outcome { data, ..Outcome::refused(0x9000) }
    }
}

/// A command whose length fields hold what they promise.
struct Body<'a> {
    data: &'a [u8],
    ne: Option<usize>,
    extended: bool,
}

impl<'a> Body<'a> {
    /// Rung 4 of card.md §4.2, as far as it is the same for every command.
    fn of(command: &'a [u8]) -> Result<Self, u16> {
        let Command { data, ne, form, .. } = Command::parse(command).map_err(|_| 0x6700u16)?;
        Ok(Body { data, ne: ne.map(|ne| ne.get() as usize), extended: form == Form::Extended })
    }

    /// Ne of a command without data.
    fn only_ne(&self) -> Result<usize, u16> {
        self.ne.filter(|_| self.data.is_empty()).ok_or(0x6700)
    }
}

/// The shadow of one card.
#[derive(Debug, Clone)]
pub struct Model {
    pins: [Pin; 2],
}

impl Default for Model {
    /// A sample card as it is issued. (card.md §7.1)
    fn default() -> Self {
        Model {
            pins: [
                Pin::new(0x18, 0x17, sample::AUTHENTICATION_PIN, 3),
                Pin::new(0x1B, 0x1A, sample::SIGNATURE_PASSWORD, 5),
            ],
        }
    }
}

impl Model {
    /// A card whose PINs, authentication and signature, have these values, tries and states.
    #[must_use]
    pub fn with(pins: [(&[u8], u8, bool); 2]) -> Self {
        let mut model = Model::default();
        for (pin, (value, tries, verified)) in model.pins.iter_mut().zip(pins) {
            (pin.value, pin.tries, pin.verified) = (value.to_vec(), tries, verified);
        }
        model
    }

    /// Value, tries left and status of the PINs, authentication and signature.
    #[must_use]
    pub fn pins(&self) -> [(&[u8], u8, bool); 2] {
        self.pins.each_ref().map(|pin| (&pin.value[..], pin.tries, pin.verified))
    }

    /// What becomes of a command, and of the model itself.
    pub fn expect(&mut self, place: Place, command: &[u8]) -> Option<Expected> {
        let Some((&[cla, ins, p1, p2], _)) = command.split_first_chunk() else {
            return Some(at(place, Outcome::refused(0x6700)));
        };
        let p = (p1, p2);
        let outcome = match (class(cla), ins) {
            // EXTERNAL AUTHENTICATE of the issuer's channel.
            (Err(0x6882), 0x82) if cla == 0x84 => return None,
            (Err(sw), _) => Err(sw),
            (Ok(()), 0xA4) if cla == 0x00 => return self.select(place, p, command),
            (Ok(()), 0xB0) if cla == 0x00 => self.read_binary(place, p, command),
            (Ok(()), 0xB2) if cla == 0x00 => reading::record(place, p, command),
            (Ok(()), 0x20) if cla == 0x00 => self.present(place, p, 0x00, command, Pin::verify),
            (Ok(()), 0x24) if cla == 0x00 => self.present(place, p, 0x01, command, Pin::change),
            (Ok(()), 0x84) if cla == 0x00 => reading::challenge(p, command),
            (Ok(()), 0x88) if cla == 0x00 => objects::internal_authenticate(place, p, command),
            (Ok(()), 0xCA) => reading::data_object(place, cla, p, command),
            (Ok(()), 0x2A) if cla == 0x80 => self.sign(place, p, command),
            // The issuer's, terminal certificates, marks of smartphones and commands of other applications.
            (Ok(()), 0x82) => return None,
            (Ok(()), 0x32 | 0xAE | 0xA2 | 0xFC | 0x8A | 0x06 | 0x50 | 0x52 | 0x54) if cla == 0x80 => return None,
            (Ok(()), 0xD8 | 0xE2 | 0xE4 | 0xE6 | 0xF2) if cla == 0x80 && !place.jpki => return None,
            // card.md D-15
            (Ok(()), _) => Err(0x6D00),
        };
        Some(at(place, outcome.unwrap_or_else(Outcome::refused)))
    }

    /// The security status is gone.
    pub fn forget(&mut self) {
        for pin in &mut self.pins {
            pin.verified = false;
        }
    }
}

fn at(place: Place, outcome: Outcome) -> Expected {
    let Outcome { sw, data, file, writes } = outcome;
    Expected { sw, data, place: Place { file: file.or(place.file), ..place }, writes }
}

/// The first rung. (card.md §4.1, D-14)
fn class(cla: u8) -> Result<(), u16> {
    match cla {
        0x00 | 0x80 => Ok(()),
        0x00..=0x0F | 0x80..=0x8F if cla & 0x03 != 0 => Err(0x6881),
        0x08 => Err(0x69FC),
        0x00..=0x0F | 0x80..=0x8F => Err(0x6882),
        _ => Err(0x6E00),
    }
}
