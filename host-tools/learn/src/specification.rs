//! The card specification as a machine: what an issued card must answer about its two PINs and the way to them.
//!
//! The PINs are those of [`trial::model`]; SELECT of JPKI, issuer security domain and EF, warm reset and power (card.md §3.2,
//! §7.5) are written down here, from the text, not from the card's table. Nothing is said about other commands, about the
//! other applications, or about a card that differs from measured ones.

use crate::{Output, alphabet::Act, machine::Rules};
use trial::model::{FILES, Model, Place};

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

    /// SELECT of an application: another one clears the status, the same one keeps it; no EF is current. (card.md D-27)
    fn select(&mut self, jpki: bool) -> u16 {
        if self.place.jpki != jpki {
            self.forget();
        }
        self.place = Place { jpki, file: None };
        0x9000
    }

    /// SELECT of an EF; there are none at the level of the domain. (card.md D-09)
    fn select_file(&mut self, file: [u8; 2]) -> u16 {
        match file {
            [0, number] if self.place.jpki && FILES.contains(&number) => {
                self.place.file = Some(number);
                0x9000
            }
            _ => 0x6A82,
        }
    }

    /// What the model of the PINs says.
    fn command(&mut self, command: &[u8]) -> Option<Output> {
        let mut model =
            Model::with(self.pins.each_ref().map(|(value, tries, verified)| (&value[..], *tries, *verified)));
        let expected = model.expect(self.place, command)?;
        let place = Place { file: expected.file.or(self.place.file), ..self.place };
        *self = State::of(place, &model);
        Some(match expected.sw {
            // The model has no keys: what it ends in where everything allows a signature.
            0x6F00 => Output::Answer { sw: 0x9000, length: SIGNATURE },
            sw => Output::sw(sw),
        })
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
        let selected = match command[..] {
            [0x00, 0xA4, 0x04, 0x0C, 0x07, ref name @ ..] if *name == DOMAIN => Some(state.select(false)),
            [0x00, 0xA4, 0x04, 0x0C, 0x0A, ref name @ ..] if *name == JPKI => Some(state.select(true)),
            [0x00, 0xA4, 0x02, 0x0C, 0x02, high, low] => Some(state.select_file([high, low])),
            _ => None,
        };
        match selected {
            Some(sw) => Ok(Output::sw(sw)),
            None => state.command(command).ok_or_else(|| "the model knows nothing about this command".into()),
        }
    }
}
