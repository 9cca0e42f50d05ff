//! The card specification as a machine: what an issued card must answer about its two PINs and the way to them.
//!
//! Commands are those of [`trial::model`]; warm reset and power (card.md §7.5) are written down here. Nothing is said about the
//! other applications, or about a card that differs from measured ones.

use crate::{Output, alphabet::Act, machine::Rules};
use trial::model::{Data, Expected, Model, Place};

/// DF name of the issuer security domain. (card.md §3.1)
const DOMAIN: [u8; 7] = [0xA0, 0, 0, 0x01, 0x51, 0, 0];
/// DF name of the JPKI application. (card.md §3.1)
const JPKI: [u8; 10] = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0, 0, 0, 0x01];
/// Bytes of a signature.
const SIGNATURE: u32 = 256;

/// A card as it is issued, with the PINs of a sample card.
#[derive(Debug, Clone, Copy, Default)]
pub struct Specification;

/// All that the answers depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    place: Place,
    /// Value, tries left, verified: authentication, signature.
    pins: [(Vec<u8>, u8, bool); 2],
}

impl State {
    fn of(place: Place, model: &Model) -> Self {
        State { place, pins: model.pins().map(|(value, tries, verified)| (value.to_vec(), tries, verified)) }
    }

    fn forget(&mut self) {
        for (_, _, verified) in &mut self.pins {
            *verified = false;
        }
    }

    /// What the model says. It knows no application beside JPKI, so nothing is said about names that another one may have.
    fn command(&mut self, command: &[u8]) -> Option<Output> {
        let named = command.strip_prefix(&[0x00, 0xA4, 0x04]).and_then(|rest| rest.get(2..));
        if named.is_some_and(|name| ![&DOMAIN[..], &JPKI].iter().any(|known| name.starts_with(known))) {
            return None;
        }
        let mut model =
            Model::with(self.pins.each_ref().map(|(value, tries, verified)| (&value[..], *tries, *verified)));
        let Expected { sw, data, place, .. } = model.expect(self.place, command)?;
        *self = State::of(place, &model);
        let length = match data {
            // The model has no keys: what it ends in where everything allows a signature.
            Data::None if sw == 0x6F00 => return Some(Output::Answer { sw: 0x9000, length: SIGNATURE }),
            Data::None => 0,
            Data::Exactly(bytes) => bytes.len(),
            Data::File(_, _, length) | Data::Random(length) => length,
        };
        Some(Output::Answer { sw, length: u32::try_from(length).ok()? })
    }
}

impl Rules for Specification {
    type State = State;

    fn initial(&self) -> State {
        State::of(Place::START, &Model::default())
    }

    fn step(&self, state: &mut State, act: &Act) -> Result<Output, String> {
        let command = match act {
            Act::Command(command) => command,
            // Application and status stay. (card.md D-28)
            Act::Reset => {
                state.place.file = None;
                return Ok(Output::Atr);
            }
            Act::Power => {
                state.place = Place::START;
                state.forget();
                return Ok(Output::Atr);
            }
        };
        state.command(command).ok_or_else(|| "the model knows nothing about this command".into())
    }
}
