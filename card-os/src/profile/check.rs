//! Check values of the table's rows.
//!
//! A row is data in the chip's memory of code, and ages and suffers light as all memory does. Its check value is computed by the
//! compiler from what it says; the card computes it again whenever the row is asked for permission. (spec/reliability.md, A5)

use super::{Kind, Object, PinFormat, Rule, Rules, Size};

/// FNV-1a with 32 bits. Every step is one-to-one in the byte and in what was before, so that another byte in one place is always
/// seen.
#[derive(Clone, Copy)]
struct Check(u32);

impl Check {
    const fn byte(self, byte: u8) -> Self {
        Check((self.0 ^ byte as u32).wrapping_mul(0x0100_0193))
    }

    const fn bytes(mut self, mut bytes: &[u8]) -> Self {
        let mut count: u8 = 0;
        while let [first, rest @ ..] = bytes {
            self = self.byte(*first);
            count = count.wrapping_add(1);
            bytes = rest;
        }
        self.byte(count)
    }

    const fn word(self, word: u16) -> Self {
        self.bytes(&word.to_be_bytes())
    }

    const fn rules(mut self, mut rules: Rules) -> Self {
        let mut count: u8 = 0;
        while let [(operation, rule), rest @ ..] = rules {
            self = self.byte(*operation as u8);
            self = match rule {
                Rule::Never => self.byte(0),
                Rule::Free => self.byte(1),
                Rule::Pins(pins) => self.byte(2).bytes(pins),
                Rule::Issuer => self.byte(3),
            };
            count = count.wrapping_add(1);
            rules = rest;
        }
        self.byte(count)
    }

    const fn kind(self, kind: Kind) -> Self {
        match kind {
            Kind::File(Size::Fixed(size)) => self.byte(0).word(size),
            Kind::File(Size::Written(most)) => self.byte(1).word(most),
            Kind::Records(most) => self.byte(2).word(most),
            Kind::DataObject { tag, capacity } => self.byte(3).word(tag).word(capacity),
            Kind::PrivateKey { certificate: None } => self.byte(4),
            Kind::PrivateKey { certificate: Some(certificate) } => self.byte(5).byte(certificate),
            Kind::PublicKey => self.byte(6),
            Kind::Pin { tries, format: PinFormat::Digits(count) } => {
                self.byte(7).byte(tries).bytes(&count.to_be_bytes())
            }
            Kind::Pin { tries, format: PinFormat::Password { least } } => {
                self.byte(8).byte(tries).bytes(&least.to_be_bytes())
            }
            Kind::Internal => self.byte(9),
        }
    }
}

impl Object {
    /// Check value of what the card acts on; names and sources are for people.
    pub(super) const fn sum(&self) -> u32 {
        let Object { application, number, kind, personalising, in_use, .. } = *self;
        Check(0x811C_9DC5).byte(application).byte(number).kind(kind).rules(personalising).rules(in_use).0
    }

    /// Whether the row says what it said when the card was built.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.sum() == self.check
    }
}
