//! Bytes as what happens to a card.
//!
//! ```text
//! 01–FE  that many bytes of a command
//! FF     two bytes of length, high byte first, and so many bytes of a command
//! 00     one byte, an event, modulo 3: 0 warm reset, 1 power off and on, 2 power off and start from memory
//! ```
//!
//! A step whose bytes run out is made of those there are.

/// How many steps of an input the `session` target takes: enough to block both PINs and to go on from there; more only makes runs slow.
pub const SESSION: usize = 32;
/// How many the `whole` target takes.
pub const WHOLE: usize = 48;

/// One thing that happens to the card.
#[derive(Debug)]
pub enum Step<'a> {
    /// A command APDU, or what passes for one.
    Command(&'a [u8]),
    /// Warm reset.
    WarmReset,
    /// Power off and on.
    PowerCycle,
    /// Power off, and a start from memory.
    Remount,
}

/// The steps of an input.
#[derive(Debug)]
pub struct Steps<'a> {
    input: &'a [u8],
}

impl<'a> Steps<'a> {
    /// From the first byte on.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Steps { input }
    }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let (&length, rest) = self.input.split_first()?;
        let (length, rest) = match (length, rest) {
            (0x00, [event, later @ ..]) => {
                self.input = later;
                return Some(match event % 3 {
                    0 => Step::WarmReset,
                    1 => Step::PowerCycle,
                    _ => Step::Remount,
                });
            }
            (0xFF, [high, low, later @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), later),
            (length, rest) => (usize::from(length), rest),
        };
        let (command, later) = rest.split_at(length.min(rest.len()));
        self.input = later;
        Some(Step::Command(command))
    }
}
