//! The class byte.

use core::fmt;

/// The class byte as it travels; all 256 values.
///
/// ```
/// use apdu::{Cla, Class, Indications, SecureMessaging};
///
/// let cla = Cla(0x0C);
/// let Class::Interindustry(indications) = cla.decode() else { unreachable!() };
/// assert_eq!(indications.secure_messaging, SecureMessaging::HeaderAuthenticated);
/// assert_eq!(cla.decode().encode(), Some(cla));
///
/// // GlobalPlatform secure messaging on logical channel 1.
/// let wanted = Indications { secure_messaging: SecureMessaging::Proprietary, channel: 1, ..Indications::default() };
/// assert_eq!(Class::Proprietary(wanted).encode(), Some(Cla(0x85)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cla(pub u8);

/// What a class byte means. (ISO/IEC 7816-4:2005 §5.1.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 00–1F (first interindustry values) and 40–7F (further interindustry values).
    Interindustry(Indications),
    /// 20–3F: reserved for future use. Holds the byte.
    Reserved(u8),
    /// 80–9F and C0–FE: proprietary, the low seven bits read as in the interindustry class. That is a convention of
    /// GlobalPlatform (Card Specification 2.3.1 §11.1.4) and JICSAP, not of ISO: ask only where it is known to hold.
    Proprietary(Indications),
    /// A0–BF: proprietary, and reserved in that convention. Holds the byte.
    Opaque(u8),
    /// FF, which is never a class byte. (ISO/IEC 7816-4:2005 §5.1.1)
    Invalid,
}

/// What the bits of a class byte announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indications {
    /// Not the last command of a chain (bit 5).
    pub chaining: bool,
    /// Secure messaging (bits 4 and 3 on channels 0–3, bit 6 on channels 4–19).
    pub secure_messaging: SecureMessaging,
    /// Logical channel, 0–19.
    pub channel: u8,
}

/// How a command is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecureMessaging {
    /// Not, or not indicated.
    #[default]
    None,
    /// In a proprietary format. Channels 0–3 only.
    Proprietary,
    /// ISO/IEC 7816-4 secure messaging, the header not processed.
    Standard,
    /// ISO/IEC 7816-4 secure messaging, the header authenticated. Channels 0–3 only.
    HeaderAuthenticated,
}

impl Cla {
    /// The meaning of this byte.
    #[must_use]
    pub const fn decode(self) -> Class {
        match (self.0, Indications::decode(self.0)) {
            (0xFF, _) => Class::Invalid,
            (0x00..=0x7F, Some(indications)) => Class::Interindustry(indications),
            (byte @ 0x00..=0x7F, None) => Class::Reserved(byte),
            (_, Some(indications)) => Class::Proprietary(indications),
            (byte, None) => Class::Opaque(byte),
        }
    }

    /// Whether bit 8 is set: 80–FE. (FF is no class byte)
    #[must_use]
    pub const fn is_proprietary(self) -> bool {
        matches!(self.0, 0x80..=0xFE)
    }
}

impl Class {
    /// The byte that decodes to this class; `None` where no byte does (a channel over 19, a secure messaging format that
    /// channels 4–19 do not have, a byte that belongs to another class).
    #[must_use]
    pub fn encode(self) -> Option<Cla> {
        let byte = match self {
            Class::Interindustry(indications) => indications.encode()?,
            Class::Proprietary(indications) => 0x80 | indications.encode()?,
            Class::Reserved(byte) | Class::Opaque(byte) => byte,
            Class::Invalid => 0xFF,
        };
        Some(Cla(byte)).filter(|cla| cla.decode() == self)
    }
}

impl Indications {
    /// The low seven bits; `None` for x010 0000–x011 1111.
    const fn decode(byte: u8) -> Option<Self> {
        let chaining = byte & 0x10 != 0;
        let (secure_messaging, channel) = match byte & 0x60 {
            0x00 => {
                let format = match byte & 0x0C {
                    0x00 => SecureMessaging::None,
                    0x04 => SecureMessaging::Proprietary,
                    0x08 => SecureMessaging::Standard,
                    _ => SecureMessaging::HeaderAuthenticated,
                };
                (format, byte & 0x03)
            }
            0x20 => return None,
            0x40 => (SecureMessaging::None, 4 + (byte & 0x0F)),
            _ => (SecureMessaging::Standard, 4 + (byte & 0x0F)),
        };
        Some(Indications { chaining, secure_messaging, channel })
    }

    const fn encode(self) -> Option<u8> {
        let low = match (self.channel, self.secure_messaging) {
            (0..=3, SecureMessaging::None) => self.channel,
            (0..=3, SecureMessaging::Proprietary) => 0x04 | self.channel,
            (0..=3, SecureMessaging::Standard) => 0x08 | self.channel,
            (0..=3, SecureMessaging::HeaderAuthenticated) => 0x0C | self.channel,
            (4..=19, SecureMessaging::None) => 0x40 | (self.channel - 4),
            (4..=19, SecureMessaging::Standard) => 0x60 | (self.channel - 4),
            _ => return None,
        };
        Some(if self.chaining { low | 0x10 } else { low })
    }
}

impl From<u8> for Cla {
    fn from(byte: u8) -> Self {
        Cla(byte)
    }
}

impl fmt::Debug for Cla {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cla({:02X})", self.0)
    }
}
