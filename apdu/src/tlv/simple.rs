//! Simple-TLV data objects, of which record files consist. (ISO/IEC 7816-4:2005 §5.2.1, card.md §5.2)
//!
//! The tag is one byte, 01–FE; the length one byte, 00–FE, or FF and two bytes.

use super::Rules;
use crate::{
    Error, ErrorKind,
    error::{Fault, Parsed, located},
    sink::Sink,
};
use core::fmt;
use nom::{
    Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16},
};

/// One data object.
///
/// ```
/// use apdu::tlv::{Rules, simple::Tlv};
///
/// let (record, rest) = Tlv::parse(&[0x01, 0x02, 0x31, 0x32, 0x02, 0x00], Rules::Strict)?;
/// assert_eq!((record.tag, record.value, rest), (0x01, &b"12"[..], &[0x02, 0x00][..]));
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag, 01–FE: the record identifier.
    pub tag: u8,
    /// Value field. May be secret.
    pub value: &'a [u8],
    /// The object as written: tag, length and value.
    pub raw: &'a [u8],
}

/// The objects in order. After an error it ends.
///
/// ```
/// use apdu::tlv::{Rules, simple::Reader};
///
/// let mut records = Reader::new(&[0x01, 0x01, 0x30, 0x02, 0x00], Rules::Strict);
/// assert_eq!(records.next().transpose()?.map(|record| record.value), Some(&b"0"[..]));
/// assert_eq!(records.next().transpose()?.map(|record| record.tag), Some(0x02));
/// assert!(records.next().is_none());
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    rules: Rules,
}

/// Writes objects into a caller's buffer, lengths always as short as can be.
///
/// ```
/// use apdu::tlv::simple::Writer;
///
/// let mut buffer = [0; 8];
/// let mut writer = Writer::new(&mut buffer);
/// writer.put(0x01, b"28")?;
/// assert_eq!(writer.finish(), b"\x01\x0228");
/// # Ok::<(), apdu::Error>(())
/// ```
pub struct Writer<'a> {
    sink: Sink<'a>,
}

impl<'a> Tlv<'a> {
    /// Reads the object that `input` begins with; gives it and what follows.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`], [`ErrorKind::TagInvalid`]; [`ErrorKind::LengthNotMinimal`] under [`Rules::Strict`].
    pub fn parse(input: &'a [u8], rules: Rules) -> Result<(Self, &'a [u8]), Error> {
        located(input, object(input, rules))
    }
}

impl<'a> Reader<'a> {
    /// A reader of the objects that `input` consists of.
    #[must_use]
    pub const fn new(input: &'a [u8], rules: Rules) -> Self {
        Reader { input, position: 0, rules }
    }

    /// Offset of the next object in the input.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.input.get(self.position..).filter(|rest| !rest.is_empty())?;
        match Tlv::parse(rest, self.rules) {
            Ok((object, _)) => {
                self.position += object.raw.len();
                Some(Ok(object))
            }
            Err(Error { kind, position }) => {
                let position = self.position + position;
                self.position = self.input.len();
                Some(Err(Error { kind, position }))
            }
        }
    }
}

impl core::iter::FusedIterator for Reader<'_> {}

impl<'a> Writer<'a> {
    /// A writer from the start of `out`.
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Writer { sink: Sink::new(out) }
    }

    /// Appends an object, or changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::TagInvalid`], [`ErrorKind::LengthTooLong`], [`ErrorKind::BufferTooSmall`].
    pub fn put(&mut self, tag: u8, value: &[u8]) -> Result<(), Error> {
        let start = self.sink.len();
        let refused = |kind| Error { kind, position: start };
        if matches!(tag, 0x00 | 0xFF) {
            return Err(refused(ErrorKind::TagInvalid));
        }
        let len = u16::try_from(value.len()).map_err(|_| refused(ErrorKind::LengthTooLong))?;
        let result = match len.to_be_bytes() {
            [0, low @ 0x00..=0xFE] => self.sink.put(&[tag, low]),
            [high, low] => self.sink.put(&[tag, 0xFF, high, low]),
        }
        .and_then(|()| self.sink.put(value));
        if result.is_err() {
            self.sink.truncate(start);
        }
        result
    }

    /// Bytes written so far: the offset of the next object.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sink.len()
    }

    /// Whether nothing is written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> &'a [u8] {
        self.sink.written()
    }
}

/// Without the value: it may be secret.
impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tlv")
            .field("tag", &format_args!("{:02X}", self.tag))
            .field("value", &format_args!("[{} bytes]", self.value.len()))
            .finish_non_exhaustive()
    }
}

/// Without the input, for the same reason.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("input", &format_args!("[{} bytes]", self.input.len()))
            .field("position", &self.position)
            .field("rules", &self.rules)
            .finish()
    }
}

fn object(input: &[u8], rules: Rules) -> Parsed<'_, Tlv<'_>> {
    let (length, tag) = be_u8(input)?;
    if matches!(tag, 0x00 | 0xFF) {
        return Fault::at(input, ErrorKind::TagInvalid);
    }
    let (rest, len) = match be_u8(length)? {
        (rest, 0xFF) => be_u16(rest)?,
        (rest, len) => (rest, u16::from(len)),
    };
    if rules == Rules::Strict && len < 0xFF && length.first() == Some(&0xFF) {
        return Fault::at(length, ErrorKind::LengthNotMinimal);
    }
    let (rest, value) = take(len).parse_complete(rest)?;
    let (_, raw) = take(input.len() - rest.len()).parse_complete(input)?;
    Ok((rest, Tlv { tag, value, raw }))
}
