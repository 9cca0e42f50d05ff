//! Where one message of a client ends and the next begins.

use super::proto as p;
use zeroize::{Zeroize, Zeroizing};

/// Longest message: header, fixed part, and data at its longest.
pub const FRAME_MAX: usize = HEADER + 32 + p::DATA_MAX as usize;
/// Bytes of the header: size and command.
const HEADER: usize = 8;
/// What an inbox begins with: enough for all that has no APDU.
const FIRST: usize = 512;

/// One whole message.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// What is asked.
    pub command: u32,
    /// The fixed part, of the size that belongs to the command.
    pub body: &'a [u8],
    /// What follows it: a command APDU or control data, which may hold a PIN.
    pub data: &'a [u8],
}

/// Sizes only.
impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({:02X}, {} and {} bytes)", self.command, self.body.len(), self.data.len())
    }
}

/// No client of this protocol writes that; nothing after it can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of this protocol")]
pub struct Malformed;

/// What a client has written and nobody has worked off yet, in whatever pieces it came. What goes out of it is wiped.
///
/// It grows with what arrives and never with what is announced: at most twice as large, and never beyond [`FRAME_MAX`].
#[derive(Default)]
pub struct Inbox {
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Inbox {
    /// Room for what comes next, at least one byte; [`Inbox::arrived`] says how much came.
    pub fn space(&mut self) -> &mut [u8] {
        if self.filled == self.buffer.len() {
            let size = (2 * self.buffer.len()).clamp(FIRST, FRAME_MAX.max(self.filled + 1));
            // Not grown in place: the allocator would leave a copy behind.
            let mut larger = Zeroizing::new(vec![0; size]);
            larger[..self.filled].copy_from_slice(&self.buffer[..self.filled]);
            self.buffer = larger;
        }
        &mut self.buffer[self.filled..]
    }

    /// So many bytes of the room are filled now.
    pub fn arrived(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.buffer.len());
    }

    /// Whether nothing is there, not even a part of a message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Bytes of memory in use.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// The first message, if all of it is there.
    ///
    /// # Errors
    /// [`Malformed`], as soon as the bytes that say so are there.
    pub fn frame(&self) -> Result<Option<Frame<'_>>, Malformed> {
        let bytes = &self.buffer[..self.filled];
        let Some((command, body, data)) = measure(bytes)? else { return Ok(None) };
        let (body, data) = (HEADER..HEADER + body, HEADER + body..HEADER + body + data);
        Ok(bytes.get(data).map(|data| Frame { command, body: &bytes[body], data }))
    }

    /// Wipes the first message, where all of it is there.
    pub fn consume(&mut self) {
        let Ok(Some(frame)) = self.frame() else { return };
        let length = HEADER + frame.body.len() + frame.data.len();
        self.buffer.copy_within(length..self.filled, 0);
        let left = self.filled - length;
        self.buffer[left..self.filled].zeroize();
        self.filled = left;
    }

    /// Gives memory back where nothing is there.
    pub fn rest(&mut self) {
        if self.filled == 0 {
            self.buffer = Zeroizing::default();
        }
    }
}

/// Command, bytes of the fixed part and bytes of data of the message that begins here; `None` where that is not known yet.
fn measure(bytes: &[u8]) -> Result<Option<(u32, usize, usize)>, Malformed> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let mut fields = p::In(header);
    let (size, command) = (fields.u32(), fields.u32());
    let body = p::body_size(command).ok_or(Malformed)?;
    if usize::try_from(size) != Ok(body) {
        return Err(Malformed);
    }
    let Some(at) = p::length_field(command) else { return Ok(Some((command, body, 0))) };
    let Some(field) = rest.get(at..at + 4) else { return Ok(None) };
    match p::In(field).u32() {
        length @ 0..=p::DATA_MAX => Ok(Some((command, body, length as usize))),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(inbox: &mut Inbox, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = inbox.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            inbox.arrived(count);
            bytes = &bytes[count..];
        }
    }

    fn message(command: u32, size: u32, body: &[u8]) -> Vec<u8> {
        [&size.to_ne_bytes()[..], &command.to_ne_bytes(), body].concat()
    }

    /// Every message, with data where it can have some.
    fn messages() -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for command in 0..0x20 {
            let Some(size) = p::body_size(command) else { continue };
            let mut body: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            if let Some(at) = p::length_field(command) {
                body[at..at + 4].copy_from_slice(&5u32.to_ne_bytes());
                body.extend_from_slice(b"\x00\x20\x00\x80\x00");
            }
            all.push(message(command, u32::try_from(size).expect("small"), &body));
        }
        all
    }

    #[test]
    fn every_split_of_every_message_gives_the_same() {
        let all = messages();
        assert_eq!(all.len(), 20);
        for bytes in &all {
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let mut inbox = Inbox::default();
                    for piece in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                        assert!(inbox.frame().expect("well-formed").is_none() || piece.is_empty());
                        push(&mut inbox, piece);
                    }
                    let frame = inbox.frame().expect("well-formed").expect("whole");
                    let data = frame.data.len();
                    assert_eq!(&[frame.body, frame.data].concat(), &bytes[8..]);
                    assert_eq!(data, if p::length_field(frame.command).is_some() { 5 } else { 0 });
                    inbox.consume();
                    assert!(inbox.is_empty() && inbox.buffer.iter().all(|byte| *byte == 0), "nothing stays behind");
                }
            }
        }
    }

    #[test]
    fn messages_in_one_piece_come_out_one_by_one() {
        let all = messages();
        let mut inbox = Inbox::default();
        push(&mut inbox, &all.concat());
        for bytes in &all {
            let frame = inbox.frame().expect("well-formed").expect("whole");
            assert_eq!(&[frame.body, frame.data].concat(), &bytes[8..]);
            inbox.consume();
        }
        assert!(inbox.frame().expect("well-formed").is_none() && inbox.is_empty());
    }

    #[test]
    fn every_wrong_size_is_refused_and_none_is_believed() {
        let claims = [0, 1, 3, 7, 33, 153, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 8, u32::MAX];
        for command in 0..0x100 {
            for size in claims.into_iter().chain(0..300) {
                let mut inbox = Inbox::default();
                push(&mut inbox, &message(command, size, &[]));
                let fits = p::body_size(command).is_some_and(|body| body == size as usize);
                assert_eq!(inbox.frame().is_ok(), fits, "{command:02X}, {size}");
                assert!(inbox.capacity() <= FIRST);
            }
        }
        for (command, size, at) in [(p::TRANSMIT, 32, 12), (p::CONTROL, 24, 8)] {
            for length in [p::DATA_MAX + 1, 0x7FFF_FFFF, u32::MAX] {
                let mut body = vec![0; at];
                body.extend_from_slice(&length.to_ne_bytes());
                let mut inbox = Inbox::default();
                push(&mut inbox, &message(command, size, &body));
                assert_eq!(inbox.frame().err(), Some(Malformed), "at once, before the rest of the message");
            }
            let mut body = vec![0; size as usize];
            body[at..at + 4].copy_from_slice(&p::DATA_MAX.to_ne_bytes());
            let mut inbox = Inbox::default();
            push(&mut inbox, &message(command, size, &body));
            assert!(inbox.frame().expect("well-formed").is_none());
            assert!(inbox.capacity() <= FIRST, "memory follows what came, not what was announced");
            push(&mut inbox, &vec![7; p::DATA_MAX as usize]);
            assert_eq!(inbox.frame().expect("well-formed").expect("whole").data.len(), p::DATA_MAX as usize);
            assert!(inbox.capacity() <= FRAME_MAX);
        }
    }
}
