//! vpcd's messages: a length of two bytes, and that many bytes; one byte is a control. (spec/pcsc.md §1)

use super::uart::Uart;

/// What came.
pub(super) enum Message {
    /// Power off.
    Off,
    /// Power on.
    On,
    /// Warm reset.
    Reset,
    /// The ATR is asked for.
    Atr,
    /// A command APDU, which is in the buffer.
    Command,
    /// A command APDU longer than any that the card takes.
    TooLong,
    /// Nothing that has a meaning.
    Unknown,
}

/// The line, message by message.
pub(super) struct Wire(Uart);

impl Wire {
    /// Switches it on.
    pub(super) fn new() -> Self {
        Wire(Uart::new())
    }

    /// Waits for a message. A command is put into `command`.
    pub(super) fn receive<const N: usize>(&mut self, command: &mut heapless::Vec<u8, N>) -> Message {
        let length = u16::from_be_bytes([self.0.receive(), self.0.receive()]);
        command.clear();
        let mut fits = true;
        for _ in 0..length {
            fits &= command.push(self.0.receive()).is_ok();
        }
        match (length, command.first()) {
            (0, _) => Message::Unknown,
            (1, Some(0)) => Message::Off,
            (1, Some(1)) => Message::On,
            (1, Some(2)) => Message::Reset,
            (1, Some(4)) => Message::Atr,
            (1, _) => Message::Unknown,
            _ if fits => Message::Command,
            _ => Message::TooLong,
        }
    }

    /// Sends an answer.
    pub(super) fn send(&mut self, answer: &[u8]) {
        let length = u16::try_from(answer.len()).unwrap_or(0);
        for byte in length.to_be_bytes().iter().chain(answer) {
            self.0.send(*byte);
        }
    }
}
