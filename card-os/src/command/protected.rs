//! Commands of class 08: parameters in clear, and what they are about in a secure messaging data object, which is not opened
//! here. So whatever can be refused without opening it is refused before. (card.md §4.2, §13)

use super::{Data, Reference, binary_parameters, pin_parameters, sized};
use crate::{messaging, refusal::Refusal};
use apdu::Header;

/// A command with its data object closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected<'a> {
    /// SELECT of an EF; its identifier is in the object.
    SelectFile {
        /// The data field.
        object: Data<'a>,
    },
    /// VERIFY; the value is in the object.
    Verify {
        /// Which PIN object.
        pin: Reference,
        /// The data field.
        object: Data<'a>,
    },
    /// READ BINARY; the wanted length is in the object.
    ReadBinary {
        /// Which EF.
        file: Reference,
        /// Where to begin.
        offset: u16,
        /// Most bytes that, enciphered, have room in what the APDU itself asks for.
        most: u32,
        /// The data field.
        object: Data<'a>,
    },
}

impl<'a> Protected<'a> {
    /// Reads instruction, parameters and lengths.
    ///
    /// # Errors
    /// [`Refusal::SecureMessagingUnsupported`], then [`Refusal::Parameters`], then [`Refusal::Length`].
    pub fn read(header: Header, body: Result<apdu::Command<'a>, apdu::Error>) -> Result<Self, Refusal> {
        let (p1, p2) = (header.p1, header.p2);
        match (header.ins, p1) {
            // An application is selected in clear alone: that ends the session. (card.md D-42)
            (0xA4, 0x00 | 0x04) => Err(Refusal::SecureMessagingUnsupported),
            (0xA4, _) => {
                if p1 != 0x02 || !matches!(p2, 0x00 | 0x0C) {
                    return Err(Refusal::Parameters);
                }
                // Le is as good as none, as in clear. (card.md D-07)
                Ok(Protected::SelectFile { object: Data(sized(body)?.data) })
            }
            (0x20, _) => {
                let pin = pin_parameters(0x00, p1, p2)?;
                let body = sized(body)?;
                if body.ne.is_some() {
                    Err(Refusal::Length)
                } else {
                    Ok(Protected::Verify { pin, object: Data(body.data) })
                }
            }
            (0xB0, _) => {
                let (file, offset) = binary_parameters(p1, p2)?;
                let body = sized(body)?;
                let most = body.ne.and_then(|ne| messaging::room(ne.get())).ok_or(Refusal::Length)?;
                Ok(Protected::ReadBinary { file, offset, most, object: Data(body.data) })
            }
            _ => Err(Refusal::SecureMessagingUnsupported),
        }
    }
}
