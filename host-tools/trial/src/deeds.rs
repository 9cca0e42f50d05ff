//! What somebody may do with a card who knows its names, files and PINs: the alphabet of structured fuzzing.

use crate::watched::Watched;
use arbitrary::{Arbitrary, Unstructured};
use sim::{nvm::Tear, sample};

/// How many deeds of an input count.
const DEEDS: usize = 8;

/// The deeds that bytes mean; before them the JPKI application is selected.
pub fn deeds(input: &[u8]) -> impl Iterator<Item = Deed> {
    let mut bytes = Unstructured::new(input);
    let more = std::iter::from_fn(move || if bytes.is_empty() { None } else { Deed::arbitrary(&mut bytes).ok() });
    std::iter::once(Deed::Select(Name::Jpki, Selection::First)).chain(more.take(DEEDS))
}

/// One deed. Generated from bytes, so that a fuzzer's input is a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Arbitrary)]
pub enum Deed {
    /// SELECT of an application.
    Select(Name, Selection),
    /// SELECT of an EF.
    File(u8),
    /// READ BINARY of an EF by its short identifier, 00 for the current one.
    Read(u8, u8, Length),
    /// READ BINARY of the current EF at a long offset.
    ReadAt(u16, Length),
    /// VERIFY, or the query where there is no value.
    Verify(Object, Value),
    /// CHANGE REFERENCE DATA.
    Change(Object, Value),
    /// COMPUTE DIGITAL SIGNATURE: P1, and how many bytes are signed.
    Sign(Object, u8, u8),
    /// GET CHALLENGE.
    Challenge(u8),
    /// GET DATA of an object of card.md §11.
    Data(Tag),
    /// A command with any header.
    Header([u8; 4], Option<u8>),
    /// Warm reset.
    WarmReset,
    /// Power off and on.
    PowerCycle,
    /// Power off, and a start from memory.
    Restart,
    /// The power goes in this operation of the memory in the next command.
    Cut(u8, Torn),
}

/// Which DF name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Name {
    /// The public certification application, in full.
    Jpki,
    /// So many bytes of it.
    JpkiPart(u8),
    /// The issuer security domain.
    Domain,
    /// One that is not there.
    Unknown,
}

/// P2 of SELECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Selection {
    /// 0C
    First,
    /// 00 and this Le
    WithFci(u8),
    /// 0E
    Next,
    /// 02 and this Le
    NextWithFci(u8),
}

/// Ne.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Length {
    /// Short Le.
    Short(u8),
    /// Extended Le.
    Extended(u16),
}

/// The object of a command in P2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Object {
    /// EF 0018
    AuthenticationPin,
    /// EF 001B
    SignaturePassword,
    /// EF 0017
    AuthenticationKey,
    /// EF 001A
    SignatureKey,
    /// The current EF.
    Current,
    /// This P2.
    Other(u8),
}

impl Object {
    fn p2(self) -> u8 {
        match self {
            Object::AuthenticationPin => 0x98,
            Object::SignaturePassword => 0x9B,
            Object::AuthenticationKey => 0x97,
            Object::SignatureKey => 0x9A,
            Object::Current => 0x80,
            Object::Other(p2) => p2,
        }
    }
}

/// A value of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Value {
    /// None: the query.
    None,
    /// The authentication PIN that the card was issued with.
    Pin,
    /// Another one.
    OtherPin,
    /// The signature password that the card was issued with.
    Password,
    /// Another one.
    OtherPassword,
    /// So many bytes, to 20.
    Bytes(u8, u8),
}

/// Object of GET DATA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
#[allow(missing_docs, reason = "the names are the tags")]
pub enum Tag {
    T0042,
    T0045,
    T0066,
    T00F2,
    T5F51,
    Other(u16),
}

/// A kind of tear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
#[allow(missing_docs, reason = "the names are those of `Tear`")]
pub enum Torn {
    Before,
    After,
    FirstHalf,
    LastHalf,
    Bits(u8),
}

const JPKI: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

impl Deed {
    /// The command APDU, where it is one.
    pub fn command(&self, out: &mut Vec<u8>) -> bool {
        out.clear();
        match *self {
            Deed::Select(name, selection) => {
                let (p2, le) = match selection {
                    Selection::First => (0x0C, None),
                    Selection::WithFci(le) => (0x00, Some(le)),
                    Selection::Next => (0x0E, None),
                    Selection::NextWithFci(le) => (0x02, Some(le)),
                };
                let name = match name {
                    Name::Jpki => JPKI,
                    Name::JpkiPart(length) => &JPKI[..1 + usize::from(length) % JPKI.len()],
                    Name::Domain => &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00],
                    Name::Unknown => &[0xD3, 0x92, 0x10],
                };
                put(out, [0x00, 0xA4, 0x04, p2], name);
                out.extend(le);
            }
            Deed::File(file) => put(out, [0x00, 0xA4, 0x02, 0x0C], &[0x00, file & 0x1F]),
            Deed::Read(sfi, offset, length) => {
                out.extend_from_slice(&[0x00, 0xB0, 0x80 | (sfi & 0x1F), offset]);
                length.put(out);
            }
            Deed::ReadAt(offset, length) => {
                let [high, low] = (offset & 0x0FFF).to_be_bytes();
                out.extend_from_slice(&[0x00, 0xB0, high, low]);
                length.put(out);
            }
            Deed::Verify(object, value) => value.put([0x00, 0x20, 0x00, object.p2()], out),
            Deed::Change(object, value) => value.put([0x00, 0x24, 0x01, object.p2()], out),
            Deed::Sign(object, p1, length) => {
                put(out, [0x80, 0x2A, p1 % 7, object.p2()], &[0x5A; 255][..usize::from(length)]);
                out.push(0x00);
            }
            Deed::Challenge(le) => out.extend_from_slice(&[0x00, 0x84, 0x00, 0x00, le]),
            Deed::Data(tag) => {
                let [high, low] = tag.number().to_be_bytes();
                out.extend_from_slice(&[0x00, 0xCA, high, low, 0x00]);
            }
            Deed::Header(header, le) => {
                out.extend_from_slice(&header);
                out.extend(le);
            }
            Deed::WarmReset | Deed::PowerCycle | Deed::Restart | Deed::Cut(..) => return false,
        }
        true
    }

    /// Does it.
    pub fn perform(&self, watched: &mut Watched, scratch: &mut Vec<u8>) {
        match *self {
            Deed::WarmReset => watched.warm_reset(),
            Deed::PowerCycle => watched.power_cycle(),
            Deed::Restart => watched.restart(),
            Deed::Cut(operation, tear) => watched.cut(u64::from(operation), tear.into()),
            _ => {
                self.command(scratch);
                watched.command(scratch);
            }
        }
    }
}

impl Length {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Length::Short(le) => out.push(le),
            Length::Extended(le) => {
                out.push(0x00);
                out.extend_from_slice(&le.to_be_bytes());
            }
        }
    }
}

impl Value {
    fn put(self, header: [u8; 4], out: &mut Vec<u8>) {
        match self {
            Value::None => out.extend_from_slice(&header),
            Value::Pin => put(out, header, sample::AUTHENTICATION_PIN.as_bytes()),
            Value::OtherPin => put(out, header, b"5678"),
            Value::Password => put(out, header, sample::SIGNATURE_PASSWORD.as_bytes()),
            Value::OtherPassword => put(out, header, b"XYZ789XYZ789"),
            Value::Bytes(byte, length) => put(out, header, &[byte; 20][..1 + usize::from(length) % 20]),
        }
    }
}

impl Tag {
    fn number(self) -> u16 {
        match self {
            Tag::T0042 => 0x0042,
            Tag::T0045 => 0x0045,
            Tag::T0066 => 0x0066,
            Tag::T00F2 => 0x00F2,
            Tag::T5F51 => 0x5F51,
            Tag::Other(tag) => tag,
        }
    }
}

impl From<Torn> for Tear {
    fn from(torn: Torn) -> Self {
        match torn {
            Torn::Before => Tear::Before,
            Torn::After => Tear::After,
            Torn::FirstHalf => Tear::FirstHalf,
            Torn::LastHalf => Tear::LastHalf,
            Torn::Bits(seed) => Tear::Bits(u64::from(seed)),
        }
    }
}

/// Header, Lc, data; a short form.
fn put(out: &mut Vec<u8>, header: [u8; 4], data: &[u8]) {
    out.extend_from_slice(&header);
    out.push(data.len() as u8);
    out.extend_from_slice(data);
}
