//! A guard in front of somebody's real card: nothing that changes it goes through, and no PIN where a wrong one could be the last.

use crate::reader::{Reader, ReaderError};

/// Tries that must be left before a PIN is presented, whether it is right or wrong.
const TRIES: u8 = 2;

/// A reader behind the guard.
///
/// What is let through is listed, and the rest is not: SELECT, reading, questions, COMPUTE DIGITAL SIGNATURE and INTERNAL
/// AUTHENTICATE, and VERIFY after the card has told that at least two tries are left. A PIN under secure messaging is not let
/// through: how many tries it has cannot be asked before.
#[derive(Debug)]
pub struct Guarded<R>(R);

impl<R: Reader> Guarded<R> {
    /// Guards the card in this reader.
    pub fn new(reader: R) -> Self {
        Guarded(reader)
    }

    /// Asks the card how many tries are left. (card.md §7.2)
    fn tries(&mut self, reference: u8) -> Result<Option<u8>, ReaderError> {
        let answer = self.0.transmit(&[0x00, 0x20, 0x00, reference])?;
        Ok(match answer[..] {
            [0x63, word] if word >> 4 == 0xC => Some(word & 0x0F),
            _ => None,
        })
    }
}

impl<R: Reader> Reader for Guarded<R> {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.power_on()
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.0.reset()
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.0.power_off()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        match verdict(command) {
            Verdict::Harmless => {}
            Verdict::Presents(reference) => match self.tries(reference)? {
                Some(TRIES..) => {}
                Some(left) => {
                    return Err(ReaderError::Guarded(format!(
                        "{left} tries are left, and a wrong PIN would be one less"
                    )));
                }
                None => return Err(ReaderError::Guarded("the card does not tell how many tries are left".into())),
            },
            Verdict::Changes => {
                let header = command.get(..4).unwrap_or(command);
                return Err(ReaderError::Guarded(format!(
                    "{} is not on the list of commands that change nothing",
                    hex::encode_upper(header)
                )));
            }
        }
        self.0.transmit(command)
    }
}

/// What a command could do.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Harmless,
    /// Presents a PIN to this reference.
    Presents(u8),
    Changes,
}

fn verdict(command: &[u8]) -> Verdict {
    match *command {
        // SELECT, READ BINARY, READ RECORD, GET DATA, GET RESPONSE, GET CHALLENGE, INTERNAL AUTHENTICATE
        [0x00, 0xA4 | 0xB0 | 0xB2 | 0xCA | 0xC0 | 0x84 | 0x88, _, _, ..] => Verdict::Harmless,
        // VERIFY as a question, and with a value.
        [0x00, 0x20, 0x00, _] => Verdict::Harmless,
        [0x00, 0x20, 0x00, reference, _, ..] => Verdict::Presents(reference),
        // GET DATA, COMPUTE DIGITAL SIGNATURE
        [0x80, 0xCA | 0x2A, _, _, ..] => Verdict::Harmless,
        _ => Verdict::Changes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::AnyEngine,
        card::Direct,
        nvm::{Flash, Torn},
        rng::SimRng,
        sample,
    };

    const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
    const TRIES: &[u8] = b"\x00\x20\x00\x98";
    const WRONG: &[u8] = b"\x00\x20\x00\x98\x040000";

    fn card() -> Guarded<Direct<Torn<Flash>, AnyEngine, SimRng>> {
        let mut card = Guarded::new(Direct(sample::issued(true)));
        card.power_on().expect("powers");
        assert_eq!(card.transmit(SELECT).expect("answers"), [0x90, 0x00]);
        card
    }

    #[test]
    fn the_last_try_is_never_spent() {
        let mut card = card();
        assert_eq!(card.transmit(WRONG).expect("answers"), [0x63, 0xC2]);
        assert_eq!(card.transmit(WRONG).expect("answers"), [0x63, 0xC1]);
        for _ in 0..3 {
            let refused = card.transmit(WRONG).expect_err("is not sent");
            assert!(matches!(&refused, ReaderError::Guarded(why) if why.contains("1 tries are left")), "{refused}");
        }
        assert_eq!(card.transmit(TRIES).expect("answers"), [0x63, 0xC1]);
        // A reference that is no PIN: nothing is known, so nothing is sent.
        assert!(matches!(card.transmit(b"\x00\x20\x00\x97\x040000"), Err(ReaderError::Guarded(_))));
    }

    /// Every class and instruction, as they come and inside the issuer channel: the memory stays as it is.
    #[test]
    fn nothing_that_is_let_through_changes_the_memory() {
        let mut card = card();
        let (mut passed, mut held) = (0, 0);
        for cla in 0..=255 {
            for ins in 0..=255 {
                for tail in [&[0, 0][..], &[0, 0x98, 4, b'1', b'2', b'3', b'4'], &[0, 0x9B, 0], &[4, 0, 2, 0xD3, 0x92]]
                {
                    card.transmit(SELECT).expect("answers");
                    let command = [&[cla, ins], tail].concat();
                    let presents = matches!(verdict(&command), Verdict::Presents(_));
                    let before = card.0.0.nvm().wear();
                    match card.transmit(&command) {
                        Ok(_) => passed += 1,
                        Err(ReaderError::Guarded(_)) => held += 1,
                        Err(other) => panic!("{other}"),
                    }
                    // Counting a try is the one thing that a PIN writes.
                    assert!(presents || card.0.0.nvm().wear() == before, "{command:02X?}");
                }
            }
        }
        assert!(passed > 30 && held > 250_000, "{passed} passed, {held} held");
    }
}
