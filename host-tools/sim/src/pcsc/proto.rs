//! Messages and numbers of the protocol. Integers are 32 bits in host order.

use crate::slot::Refused;

pub(super) const ESTABLISH: u32 = 0x01;
pub(super) const RELEASE: u32 = 0x02;
pub(super) const CONNECT: u32 = 0x04;
pub(super) const RECONNECT: u32 = 0x05;
pub(super) const DISCONNECT: u32 = 0x06;
pub(super) const BEGIN: u32 = 0x07;
pub(super) const END: u32 = 0x08;
pub(super) const TRANSMIT: u32 = 0x09;
pub(super) const CONTROL: u32 = 0x0A;
pub(super) const STATUS: u32 = 0x0B;
pub(super) const CANCEL: u32 = 0x0D;
pub(super) const GET_ATTRIBUTE: u32 = 0x0F;
pub(super) const SET_ATTRIBUTE: u32 = 0x10;
pub(super) const VERSION: u32 = 0x11;
pub(super) const READER_STATES: u32 = 0x12;
pub(super) const WAIT_CHANGE: u32 = 0x13;
pub(super) const STOP_WAITING: u32 = 0x14;
pub(super) const READER_EVENTS: u32 = 0x15;
pub(super) const STATES_SIZE: u32 = 0x16;
pub(super) const STATES: u32 = 0x17;

/// Protocol version of this server; the minor number follows the client down.
pub(super) const MAJOR: u32 = 4;
pub(super) const MINOR: u32 = 6;
/// From this minor version on a waiting client fetches the states itself.
pub(super) const MINOR_SPLIT_STATES: u32 = 6;

/// Readers that a client can see.
pub(super) const READERS: usize = 16;
/// Bytes of a reader's name, and of its state.
pub(super) const NAME: usize = 128;
pub(super) const READER_STATE: usize = 184;
/// Bytes of an attribute value.
pub(super) const ATTRIBUTE: usize = 264;
/// Longest APDU or control data in a message: an extended APDU at its longest, and SW1-SW2.
pub(super) const DATA_MAX: u32 = 4 + 3 + 65_536 + 3 + 2;

pub(super) const SUCCESS: u32 = 0;
pub(super) const CANCELLED: u32 = 0x8010_0002;
pub(super) const INVALID_HANDLE: u32 = 0x8010_0003;
pub(super) const NO_MEMORY: u32 = 0x8010_0006;
pub(super) const INSUFFICIENT_BUFFER: u32 = 0x8010_0008;
pub(super) const UNKNOWN_READER: u32 = 0x8010_0009;
pub(super) const SHARING_VIOLATION: u32 = 0x8010_000B;
pub(super) const NO_SMARTCARD: u32 = 0x8010_000C;
pub(super) const PROTOCOL_MISMATCH: u32 = 0x8010_000F;
pub(super) const INVALID_VALUE: u32 = 0x8010_0011;
pub(super) const NOT_TRANSACTED: u32 = 0x8010_0016;
pub(super) const SERVICE_STOPPED: u32 = 0x8010_001E;
pub(super) const UNSUPPORTED_FEATURE: u32 = 0x8010_001F;
pub(super) const UNRESPONSIVE_CARD: u32 = 0x8010_0066;
pub(super) const RESET_CARD: u32 = 0x8010_0068;
pub(super) const REMOVED_CARD: u32 = 0x8010_0069;

pub(super) const SHARE_EXCLUSIVE: u32 = 1;
pub(super) const SHARE_SHARED: u32 = 2;
pub(super) const SHARE_DIRECT: u32 = 3;
pub(super) const PROTOCOL_T1: u32 = 2;

pub(super) const LEAVE: u32 = 0;
pub(super) const RESET: u32 = 1;
pub(super) const UNPOWER: u32 = 2;
pub(super) const EJECT: u32 = 3;

pub(super) const STATE_ABSENT: u32 = 0x02;
pub(super) const STATE_PRESENT: u32 = 0x04;
pub(super) const STATE_POWERED: u32 = 0x10;
pub(super) const STATE_SPECIFIC: u32 = 0x40;

/// Fixed bytes of each message's body; `None` for an unknown message.
pub(super) const fn body_size(command: u32) -> Option<usize> {
    Some(match command {
        VERSION | ESTABLISH | DISCONNECT | END => 12,
        RELEASE | BEGIN | STATUS | CANCEL => 8,
        CONNECT => 4 + NAME + 20,
        RECONNECT | CONTROL => 24,
        TRANSMIT => 32,
        GET_ATTRIBUTE | SET_ATTRIBUTE => 8 + ATTRIBUTE + 8,
        READER_STATES | WAIT_CHANGE | STOP_WAITING | READER_EVENTS | STATES_SIZE | STATES => 0,
        _ => return None,
    })
}

/// Where the body says how many bytes of data follow it.
pub(super) const fn length_field(command: u32) -> Option<usize> {
    match command {
        TRANSMIT => Some(12),
        CONTROL => Some(8),
        _ => None,
    }
}

impl Refused {
    /// PC/SC's word for it.
    pub(super) const fn code(self) -> u32 {
        match self {
            Refused::NoCard => NO_SMARTCARD,
            Refused::Removed => REMOVED_CARD,
            Refused::Reset => RESET_CARD,
            Refused::Sharing => SHARING_VIOLATION,
            Refused::NotTransacted => NOT_TRANSACTED,
            Refused::Mute => UNRESPONSIVE_CARD,
        }
    }
}

/// Writes a message.
#[derive(Debug, Default)]
pub(super) struct Out(Vec<u8>);

impl Out {
    pub(super) fn with_room(bytes: usize) -> Self {
        Out(Vec::with_capacity(bytes))
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes in a field of fixed size, cut or filled with zeros.
    pub(super) fn field(mut self, bytes: &[u8], size: usize) -> Self {
        let end = self.0.len() + size;
        self.0.extend_from_slice(&bytes[..bytes.len().min(size)]);
        self.0.resize(end, 0);
        self
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a message whose size was checked; what is missing reads as zero.
#[derive(Debug)]
pub(super) struct In<'a>(pub(super) &'a [u8]);

impl<'a> In<'a> {
    pub(super) fn u32(&mut self) -> u32 {
        match self.0.split_first_chunk() {
            Some((value, rest)) => {
                self.0 = rest;
                u32::from_ne_bytes(*value)
            }
            None => 0,
        }
    }

    pub(super) fn bytes(&mut self, size: usize) -> &'a [u8] {
        let (value, rest) = self.0.split_at(size.min(self.0.len()));
        self.0 = rest;
        value
    }

    /// A name that ends with its first zero.
    pub(super) fn name(&mut self) -> String {
        let field = self.bytes(NAME);
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    }
}
