//! A PIN object by the rules of card.md §7.

/// One PIN object.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub(crate) file: u8,
    pub(crate) key: u8,
    pub(crate) value: Vec<u8>,
    pub(crate) tries: u8,
    pub(crate) max: u8,
    pub(crate) verified: bool,
}

impl Pin {
    pub(crate) fn new(file: u8, key: u8, value: &str, max: u8) -> Self {
        Pin { file, key, value: value.into(), tries: max, max, verified: false }
    }

    /// Query and VERIFY. (card.md §7.2, D-23, D-26)
    pub(crate) fn verify(&mut self, value: &[u8]) -> u16 {
        if value.is_empty() {
            return 0x63C0 + u16::from(self.tries);
        }
        if self.tries == 0 {
            return 0x6984;
        }
        self.verified = value == self.value;
        self.tries = if self.verified { self.max } else { self.tries - 1 };
        if self.verified { 0x9000 } else { 0x63C0 + u16::from(self.tries) }
    }

    /// CHANGE REFERENCE DATA. (card.md §5.4, D-29)
    pub(crate) fn change(&mut self, value: &[u8]) -> u16 {
        let sound = match self.max {
            3 => value.len() == 4 && value.iter().all(u8::is_ascii_digit),
            _ => value.len() >= 6 && value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z')),
        };
        match self.usable() {
            Ok(()) if sound => {
                self.value = value.into();
                self.tries = self.max;
                0x9000
            }
            Ok(()) => 0x6A80,
            Err(refused) => refused,
        }
    }

    /// Whether what it protects may be used. (card.md D-32)
    pub(crate) fn usable(&self) -> Result<(), u16> {
        match (self.tries, self.verified) {
            (0, _) => Err(0x6984),
            (_, false) => Err(0x6982),
            (_, true) => Ok(()),
        }
    }
}
