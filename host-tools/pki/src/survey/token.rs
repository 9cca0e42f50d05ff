//! Token information, JPKI EF 0006. (card.md §6.1)

use serde::Serialize;

/// Bytes of the EF.
const LENGTH: usize = 160;

/// Bits of the flags that have a name in PKCS #11.
const FLAGS: [(u32, &str); 4] =
    [(0x01, "RNG"), (0x04, "LOGIN_REQUIRED"), (0x08, "USER_PIN_INITIALIZED"), (0x400, "TOKEN_INITIALIZED")];

/// A serialised PKCS #11 token-information structure. Texts are without their filler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenInformation {
    /// By which programs tell card, phone and Juki card apart.
    pub label: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Flags as they are.
    pub flags: u32,
    /// Most PIN length.
    pub longest_pin: u32,
    /// Least PIN length.
    pub shortest_pin: u32,
    /// Most sessions.
    pub sessions: u32,
    /// Two characters.
    pub hardware: String,
    /// Two characters.
    pub firmware: String,
    /// Sixteen characters.
    pub time: String,
}

impl TokenInformation {
    /// Out of the EF. `None` for anything but 160 bytes.
    #[must_use]
    pub fn parse(file: &[u8]) -> Option<Self> {
        if file.len() != LENGTH {
            return None;
        }
        let text = |start: usize, length: usize| {
            let bytes = file.get(start..start + length).unwrap_or_default();
            String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned()
        };
        let number = |start: usize| {
            let bytes = file.get(start..).and_then(|rest| rest.first_chunk().copied());
            u32::from_be_bytes(bytes.unwrap_or_default())
        };
        Some(TokenInformation {
            label: text(0, 32),
            manufacturer: text(32, 32),
            model: text(64, 16),
            serial: text(80, 16),
            flags: number(96),
            sessions: number(100),
            longest_pin: number(116),
            shortest_pin: number(120),
            hardware: text(140, 2),
            firmware: text(142, 2),
            time: text(144, 16),
        })
    }

    /// The flags by their names in PKCS #11.
    #[must_use]
    pub fn flag_names(&self) -> Vec<&'static str> {
        FLAGS.into_iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that card.md §6.1 saw on cards.
    #[test]
    fn the_specifications_values() {
        let mut file = format!("{:32}{:032}{:16}{:016}", "JPKIAPICCTOKEN2", 1, "E16R01NJ", 20_500_003).into_bytes();
        for number in [0x040D_u32, 1, 0, 1, 0, 16, 6, u32::MAX, u32::MAX, u32::MAX, u32::MAX] {
            file.extend_from_slice(&number.to_be_bytes());
        }
        file.extend_from_slice(b"03019999999999999999");
        let token = TokenInformation::parse(&file).expect("160 bytes");
        assert_eq!((token.label.as_str(), token.model.as_str()), ("JPKIAPICCTOKEN2", "E16R01NJ"));
        assert_eq!((token.longest_pin, token.shortest_pin, token.sessions), (16, 6, 1));
        assert_eq!((token.hardware.as_str(), token.firmware.as_str()), ("03", "01"));
        let flags = ["RNG", "LOGIN_REQUIRED", "USER_PIN_INITIALIZED", "TOKEN_INITIALIZED"];
        assert_eq!(token.flag_names(), flags);
        assert_eq!(TokenInformation::parse(&file[..159]), None);
    }
}
