//! A simulated PIN pad: the reader asks its holder for a PIN and puts it into the command itself, so that no program on
//! the computer sees it. (PC/SC part 10 §2.5, FEATURE_VERIFY_PIN_DIRECT and FEATURE_MODIFY_PIN_DIRECT)
//!
//! Nobody stands in front of a simulated reader; whoever plays the holder calls [`PinPad::press`].

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Entries typed ahead at most.
const AHEAD: usize = 16;
/// How long the holder has where the program does not say.
const PATIENCE: Duration = Duration::from_secs(30);

/// Words that come from the pad and not from the card.
const TIMEOUT: [u8; 2] = [0x64, 0x00];
const CANCELLED: [u8; 2] = [0x64, 0x01];
const DIFFERENT: [u8; 2] = [0x64, 0x02];
const WRONG_SIZE: [u8; 2] = [0x64, 0x03];
const BAD_STRUCTURE: [u8; 2] = [0x6B, 0x80];

/// What the holder does.
pub enum Pressed {
    /// Types this and confirms it.
    Pin(Zeroizing<Vec<u8>>),
    /// Gives up.
    Cancel,
}

/// The keys of a reader.
#[derive(Default)]
pub struct PinPad {
    typed: Mutex<VecDeque<Pressed>>,
}

impl PinPad {
    /// Keys that nobody has touched yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The holder's next act, now or when the reader asks. False where too much was typed ahead.
    pub fn press(&self, pressed: Pressed) -> bool {
        let mut typed = self.typed();
        let room = typed.len() < AHEAD;
        if room {
            typed.push_back(pressed);
        }
        room
    }

    /// Shows the holder a question.
    pub(super) fn ask(&self, feature: Feature, structure: &[u8]) -> Entry {
        let question = Question::parse(feature, structure);
        let patience = question.as_ref().map_or(Duration::ZERO, |question| question.patience);
        Entry { until: Instant::now() + patience, question, pins: Vec::new() }
    }

    fn typed(&self) -> MutexGuard<'_, VecDeque<Pressed>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing of what was typed.
impl std::fmt::Debug for PinPad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinPad")
    }
}

/// Abilities of a reader that programs can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    VerifyPin,
    ModifyPin,
    PinProperties,
    Properties,
}

impl Feature {
    /// What a reader with keys has more than another.
    pub(super) const PIN_PAD: [Feature; 3] = [Feature::VerifyPin, Feature::ModifyPin, Feature::PinProperties];

    const fn tag(self) -> u8 {
        match self {
            Feature::VerifyPin => 0x06,
            Feature::ModifyPin => 0x07,
            Feature::PinProperties => 0x0A,
            Feature::Properties => 0x12,
        }
    }

    /// Its control code: CM_IOCTL numbers of this reader's own choice.
    pub(super) const fn control(self) -> u32 {
        0x4233_0000 + self.tag() as u32
    }

    /// Tag, length and control code, as programs are told.
    pub(super) fn record(self) -> [u8; 6] {
        let [a, b, c, d] = self.control().to_be_bytes();
        [self.tag(), 4, a, b, c, d]
    }

    /// The question that belongs to a control code.
    pub(super) fn from_control(control: u32) -> Option<Feature> {
        [Feature::VerifyPin, Feature::ModifyPin].into_iter().find(|feature| feature.control() == control)
    }
}

/// A question that the holder has not answered in full.
pub(super) struct Entry {
    until: Instant,
    /// Nothing where the program's structure makes no sense.
    question: Option<Question>,
    pins: Vec<Zeroizing<Vec<u8>>>,
}

/// The command to be sent, or the pad's own word.
type Answered = Result<Zeroizing<Vec<u8>>, [u8; 2]>;

impl Entry {
    /// Takes what was typed. `None` where something is missing yet.
    pub(super) fn poll(&mut self, pad: &PinPad) -> Option<Answered> {
        let Some(question) = &self.question else { return Some(Err(BAD_STRUCTURE)) };
        while self.pins.len() < question.entries() {
            match pad.typed().pop_front() {
                Some(Pressed::Cancel) => return Some(Err(CANCELLED)),
                Some(Pressed::Pin(pin)) if !question.sizes.contains(&pin.len()) => return Some(Err(WRONG_SIZE)),
                Some(Pressed::Pin(pin)) => self.pins.push(pin),
                None if Instant::now() >= self.until => return Some(Err(TIMEOUT)),
                None => return None,
            }
        }
        Some(question.command(&self.pins))
    }
}

/// PIN_VERIFY or PIN_MODIFY structure, as far as this pad goes: ASCII, left-justified, no length inside the block.
struct Question {
    patience: Duration,
    sizes: std::ops::RangeInclusive<usize>,
    /// Where a PIN begins in the data field.
    position: usize,
    /// Bytes that a PIN fills, 0 for as many as it has.
    block: usize,
    /// For a change: where the old and the new PIN go, whether the old one is asked for and the new one confirmed.
    change: Option<Change>,
    /// Command header and, where `block` says so, the data field to fill in.
    template: Vec<u8>,
}

struct Change {
    offsets: [usize; 2],
    ask_old: bool,
    confirm: bool,
}

impl Question {
    fn parse(feature: Feature, structure: &[u8]) -> Option<Question> {
        let fixed = if feature == Feature::VerifyPin { 19 } else { 24 };
        let (head, template) = structure.split_at_checked(fixed)?;
        let length = u32::from_le_bytes(*head.last_chunk()?);
        if usize::try_from(length) != Ok(template.len()) || template.len() < 4 {
            return None;
        }
        let [seconds, _, format, block, inner, rest @ ..] = head else { return None };
        // Bits 1-0: 2 is ASCII; bit 2: justified to the right; bit 7: the position counts bytes.
        let bytes_or_none = format & 0x80 != 0 || format & 0x78 == 0;
        if format & 0x07 != 0x02 || !bytes_or_none || block & 0xF0 != 0 || *inner != 0 {
            return None;
        }
        let (offsets, rest) = if feature == Feature::VerifyPin { rest.split_at(0) } else { rest.split_at(2) };
        let [longest, shortest, rest @ ..] = rest else { return None };
        let change = match (offsets, rest) {
            ([old, new], [confirm, ..]) => Some(Change {
                offsets: [usize::from(*old), usize::from(*new)],
                ask_old: confirm & 2 != 0,
                confirm: confirm & 1 != 0,
            }),
            _ => None,
        };
        Some(Question {
            patience: if *seconds == 0 { PATIENCE } else { Duration::from_secs(u64::from(*seconds)) },
            sizes: usize::from(*shortest)..=usize::from(*longest),
            position: usize::from(format >> 3 & 0x0F),
            block: usize::from(block & 0x0F),
            change,
            template: template.to_vec(),
        })
    }

    /// How often the holder has to type.
    fn entries(&self) -> usize {
        self.change.as_ref().map_or(1, |change| 1 + usize::from(change.ask_old) + usize::from(change.confirm))
    }

    fn command(&self, pins: &[Zeroizing<Vec<u8>>]) -> Answered {
        let pins = match (&self.change, pins) {
            (Some(change), [.., new, again]) if change.confirm => {
                if new != again {
                    return Err(DIFFERENT);
                }
                &pins[..pins.len() - 1]
            }
            _ => pins,
        };
        let (header, data) = self.template.split_at(4);
        let mut field = Zeroizing::new(Vec::with_capacity(255));
        if self.block == 0 {
            pins.iter().for_each(|pin| field.extend_from_slice(pin));
        } else {
            field.extend_from_slice(data.get(1..).unwrap_or_default());
            let places =
                self.change.as_ref().map_or(&[0, 0][..], |change| &change.offsets[usize::from(!change.ask_old)..]);
            for (pin, offset) in pins.iter().zip(places) {
                let at = offset + self.position;
                if pin.len() > self.block {
                    return Err(WRONG_SIZE);
                }
                field.get_mut(at..at + pin.len()).ok_or(BAD_STRUCTURE)?.copy_from_slice(pin);
            }
        }
        let length = u8::try_from(field.len()).map_err(|_| BAD_STRUCTURE)?;
        let mut command = Zeroizing::new(Vec::with_capacity(5 + field.len()));
        command.extend_from_slice(header);
        command.push(length);
        command.extend_from_slice(&field);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PIN_VERIFY as OpenSC fills it in for a PIN of variable length.
    fn verify(template: &[u8], format: u8, block: u8) -> Vec<u8> {
        let mut structure = vec![2, 0, format, block, 0, 16, 4, 2, 1, 9, 4, 0, 0, 0, 0];
        structure.extend_from_slice(&u32::try_from(template.len()).expect("short").to_le_bytes());
        [&structure, template].concat()
    }

    fn modify(template: &[u8], offsets: [u8; 2], confirm: u8, block: u8) -> Vec<u8> {
        let mut structure =
            vec![2, 0, 0x82, block, 0, offsets[0], offsets[1], 16, 4, confirm, 2, 3, 9, 4, 0, 1, 2, 0, 0, 0];
        structure.extend_from_slice(&u32::try_from(template.len()).expect("short").to_le_bytes());
        [&structure, template].concat()
    }

    fn typed(pins: &[&str]) -> Arc<PinPad> {
        let pad = PinPad::new();
        for pin in pins {
            assert!(pad.press(Pressed::Pin(Zeroizing::new(pin.as_bytes().to_vec()))));
        }
        pad
    }

    fn asked(pad: &PinPad, feature: Feature, structure: &[u8]) -> Answered {
        pad.ask(feature, structure).poll(pad).expect("nothing is missing")
    }

    #[test]
    fn a_typed_pin_becomes_a_command() {
        let variable = verify(&[0x00, 0x20, 0x00, 0x80], 0x82, 0);
        let command = asked(&typed(&["1234"]), Feature::VerifyPin, &variable).expect("a command");
        assert_eq!(command[..], *b"\x00\x20\x00\x80\x041234");
        let fixed = verify(b"\x00\x20\x00\x80\x06\xFF\xFF\xFF\xFF\xFF\xFF", 0x82, 6);
        let command = asked(&typed(&["12345"]), Feature::VerifyPin, &fixed).expect("a command");
        assert_eq!(command[..], *b"\x00\x20\x00\x80\x0612345\xFF");
        let change = modify(&[0x00, 0x24, 0x00, 0x80], [0, 0], 3, 0);
        let command = asked(&typed(&["1234", "98765", "98765"]), Feature::ModifyPin, &change).expect("a command");
        assert_eq!(command[..], *b"\x00\x24\x00\x80\x09123498765");
        let change = modify(b"\x00\x24\x00\x80\x0C\0\0\0\0\0\0\0\0\0\0\0\0", [0, 6], 3, 6);
        let command = asked(&typed(&["1234", "98765", "98765"]), Feature::ModifyPin, &change).expect("a command");
        assert_eq!(command[..], *b"\x00\x24\x00\x80\x0C1234\0\098765\0");
    }

    #[test]
    fn what_the_holder_does_wrong_is_told_without_the_card() {
        let question = verify(&[0x00, 0x20, 0x00, 0x80], 0x82, 0);
        assert_eq!(asked(&typed(&["123"]), Feature::VerifyPin, &question), Err(WRONG_SIZE));
        let change = modify(&[0x00, 0x24, 0x00, 0x80], [0, 0], 1, 0);
        assert_eq!(asked(&typed(&["98765", "98764"]), Feature::ModifyPin, &change), Err(DIFFERENT));
        let pad = PinPad::new();
        assert!(pad.press(Pressed::Cancel));
        assert_eq!(asked(&pad, Feature::VerifyPin, &question), Err(CANCELLED));
        let mut entry = pad.ask(Feature::VerifyPin, &question);
        assert!(entry.poll(&pad).is_none(), "nothing is typed yet");
        entry.until = Instant::now();
        assert_eq!(entry.poll(&pad), Some(Err(TIMEOUT)));
    }

    #[test]
    fn odd_structures_are_refused_and_hurt_nobody() {
        let good = modify(b"\x00\x24\x00\x80\x0C\0\0\0\0\0\0\0\0\0\0\0\0", [0, 6], 3, 6);
        for feature in [Feature::VerifyPin, Feature::ModifyPin] {
            for length in 0..good.len() {
                let pad = typed(&["1234", "98765", "98765"]);
                assert!(asked(&pad, feature, &good[..length]).is_err(), "{feature:?}, cut to {length}");
            }
            for at in 0..good.len() {
                for value in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
                    let mut odd = good.clone();
                    odd[at] = value;
                    let pad = typed(&["1234", "98765", "98765"]);
                    // Whatever comes of it.
                    let _ = pad.ask(feature, &odd).poll(&pad);
                }
            }
        }
        let pad = PinPad::new();
        assert_eq!((0..20).filter(|_| pad.press(Pressed::Cancel)).count(), AHEAD);
    }
}
