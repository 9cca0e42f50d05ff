//! What the data of an answer is built of.

use super::{context::Context, secret};
use apdu::Header;
use card_os::profile::{Kind, Object};

/// What came.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing that is known to have a structure.
    #[default]
    Nothing,
    /// File control information of an application.
    ControlInformation,
    /// Bytes of an EF from this offset on.
    File(&'static Object, u16),
    /// Records of an EF.
    Records(&'static Object),
    /// A data object of the card manager, by its tag.
    DataObject(u16),
    /// A signature of 256 bytes.
    Signature,
    /// Random bytes.
    Challenge,
    /// Diversification, key information, challenge and cryptogram of an issuer channel that begins.
    IssuerChannel,
    /// Enciphered by secure messaging.
    Enciphered,
}

impl Answer {
    /// What this command gives when it is done.
    pub(super) fn of(context: &Context, header: Header) -> Self {
        match (header.cla.0, header.ins) {
            (0x00, 0xA4) if header.p1 == 0x04 => Answer::ControlInformation,
            (0x00, 0xB0) => {
                let offset = match header.p1 {
                    0x80.. => u16::from(header.p2),
                    p1 => u16::from_be_bytes([p1, header.p2]),
                };
                let file =
                    context.referenced(secret::read_from(header)).filter(|file| matches!(file.kind, Kind::File(_)));
                file.map_or(Answer::Nothing, |file| Answer::File(file, offset))
            }
            (0x00, 0xB2) => context.referenced(0x80 | (header.p2 >> 3)).map_or(Answer::Nothing, Answer::Records),
            (0x00 | 0x80, 0xCA) => Answer::DataObject(u16::from_be_bytes([header.p1, header.p2])),
            (0x80, 0x2A) | (0x00, 0x88) => Answer::Signature,
            (0x00, 0x84) => Answer::Challenge,
            (0x80, 0x50) => Answer::IssuerChannel,
            (0x08, _) => Answer::Enciphered,
            _ => Answer::Nothing,
        }
    }
}
