//! BER-TLV data objects. (ISO/IEC 7816-4:2005 §5.2.2, ISO/IEC 8825-1 §8.1)

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
    number::complete::{be_u8, be_u16, be_u24},
};

/// A tag as it is written, most significant byte first: `Tag(0x84)`, `Tag(0x7F49)`, `Tag(0xDF21)`.
///
/// Any number can be held; one that is no tag field of at most three bytes matches nothing and is refused by [`Writer`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u32);

/// One data object.
///
/// ```
/// use apdu::tlv::{Rules, ber::{Tag, Tlv}};
///
/// // An object and the filler of the file it lies in.
/// let file = [0xDF, 0x33, 0x01, 0x00, 0xFF, 0xFF, 0xFF];
/// let (object, filler) = Tlv::parse(&file, Rules::Strict)?;
/// assert_eq!((object.tag, object.value), (Tag(0xDF33), &[0x00][..]));
/// assert_eq!((object.raw, filler), (&file[..4], &file[4..]));
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag.
    pub tag: Tag,
    /// Value field. May be secret.
    pub value: &'a [u8],
    /// The object as written: tag, length and value. Signatures over objects are made over these bytes.
    pub raw: &'a [u8],
}

/// The objects of one level, in order. After an error it ends.
///
/// ```
/// use apdu::tlv::{Rules, ber::{Reader, Tag, Tlv}};
///
/// // Answer to GENERATE ASYMMETRIC KEY PAIR, cut down to size.
/// let (template, _) = Tlv::parse(&[0x7F, 0x49, 0x08, 0x81, 0x01, 0xC5, 0x82, 0x03, 0x01, 0x00, 0x01], Rules::Strict)?;
/// let mut parts = Reader::new(template.value, Rules::Strict);
/// assert_eq!(parts.next().transpose()?.map(|part| part.tag), Some(Tag(0x81)));
/// assert_eq!(parts.next().transpose()?.map(|part| part.value), Some(&[0x01, 0x00, 0x01][..]));
/// assert!(parts.next().is_none());
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    rules: Rules,
}

/// Writes objects into a caller's buffer. A call that fails leaves the objects written before it; buffer bytes after
/// them are unspecified.
///
/// ```
/// use apdu::tlv::{Rules, ber::{Tag, Writer}};
///
/// let mut buffer = [0; 16];
/// let mut writer = Writer::new(&mut buffer, Rules::Strict);
/// writer.nest(Tag(0xE3), |entry| {
///     entry.put(Tag(0x4F), &[0xA0, 0x00])?;
///     entry.put(Tag(0x9F70), &[0x01])
/// })?;
/// assert_eq!(writer.finish(), [0xE3, 0x08, 0x4F, 0x02, 0xA0, 0x00, 0x9F, 0x70, 0x01, 0x01]);
/// # Ok::<(), apdu::Error>(())
/// ```
pub struct Writer<'a> {
    sink: Sink<'a>,
    rules: Rules,
}

/// The first object of one level with this tag.
///
/// ```
/// use apdu::tlv::{Rules, ber::{Tag, find}};
///
/// let fci = [0x84, 0x02, 0xD3, 0x92, 0xA5, 0x00];
/// assert_eq!(find(&fci, Tag(0x84), Rules::Strict)?.map(|name| name.value), Some(&[0xD3, 0x92][..]));
/// assert_eq!(find(&fci, Tag(0x85), Rules::Strict)?, None);
/// # Ok::<(), apdu::Error>(())
/// ```
///
/// # Errors
/// Those of [`Tlv::parse`], for the object found or one before it.
pub fn find(input: &[u8], tag: Tag, rules: Rules) -> Result<Option<Tlv<'_>>, Error> {
    Reader::new(input, rules).find(|object| object.as_ref().map_or(true, |object| object.tag == tag)).transpose()
}

impl Tag {
    /// Whether the value is announced to be objects again (bit 6 of the first byte).
    #[must_use]
    pub const fn is_constructed(self) -> bool {
        let bit = match self.0 {
            0..=0xFF => 0x20,
            0x100..=0xFFFF => 0x2000,
            _ => 0x20_0000,
        };
        self.0 & bit != 0
    }
}

impl<'a> Tlv<'a> {
    /// Reads the object that `input` begins with; gives it and what follows.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and the kinds that begin with `Tag` or `Length`.
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
    /// A writer from the start of `out`. [`Rules`] tells which tags it takes and the form of its lengths.
    #[must_use]
    pub fn new(out: &'a mut [u8], rules: Rules) -> Self {
        Writer { sink: Sink::new(out), rules }
    }

    /// Appends an object.
    ///
    /// # Errors
    /// [`ErrorKind::BufferTooSmall`], [`ErrorKind::LengthTooLong`], and the kinds that begin with `Tag`.
    pub fn put(&mut self, tag: Tag, value: &[u8]) -> Result<(), Error> {
        self.nest(tag, |writer| writer.put_raw(value))
    }

    /// Appends bytes as they are: objects encoded before.
    ///
    /// # Errors
    /// [`ErrorKind::BufferTooSmall`].
    pub fn put_raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sink.put(bytes)
    }

    /// Appends an object whose value is what `content` writes. The buffer needs no room beyond the result.
    ///
    /// # Errors
    /// As [`Writer::put`], or the error of `content`.
    pub fn nest<F>(&mut self, tag: Tag, content: F) -> Result<(), Error>
    where
        F: FnOnce(&mut Self) -> Result<(), Error>,
    {
        let start = self.sink.len();
        let result = self.try_nest(tag, content);
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

    fn try_nest<F>(&mut self, tag: Tag, content: F) -> Result<(), Error>
    where
        F: FnOnce(&mut Self) -> Result<(), Error>,
    {
        let start = self.sink.len();
        let refused = |kind| Error { kind, position: start };
        let tag = tag.0.to_be_bytes();
        let tag = tag.iter().position(|&byte| byte != 0).and_then(|first| tag.get(first..));
        let tag = tag.unwrap_or_default();
        check_tag(tag, self.rules).map_err(refused)?;
        self.sink.put(tag)?;
        let mark = self.sink.len();
        content(self)?;
        let (field, size) = length_field(self.sink.len().saturating_sub(mark), self.rules).map_err(refused)?;
        self.sink.insert(mark, field.get(..size).unwrap_or_default())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:02X})", self.0)
    }
}

/// Without the value: it may be secret.
impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tlv")
            .field("tag", &self.tag)
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
    let (rest, tag) = tag(input, rules)?;
    let (rest, len) = length(rest, rules)?;
    let (rest, value) = take(len).parse_complete(rest)?;
    let (_, raw) = take(input.len() - rest.len()).parse_complete(input)?;
    Ok((rest, Tlv { tag, value, raw }))
}

/// Tag field. (ISO/IEC 7816-4:2005 §5.2.2.1)
fn tag(input: &[u8], rules: Rules) -> Parsed<'_, Tag> {
    let (rest, first) = be_u8(input)?;
    if first == 0 {
        return Fault::at(input, ErrorKind::TagInvalid);
    }
    if first & 0x1F != 0x1F {
        return Ok((rest, Tag(u32::from(first))));
    }
    let (rest, second) = be_u8(rest)?;
    match second {
        // A leading nought, which no rule allows; a number that fits the first byte, which cards use.
        0x80 => return Fault::at(input, ErrorKind::TagNotMinimal),
        0x00..=0x1E if rules == Rules::Strict => {
            return Fault::at(input, ErrorKind::TagNotMinimal);
        }
        0x00..=0x7F => return Ok((rest, Tag(u32::from_be_bytes([0, 0, first, second])))),
        _ => {}
    }
    let (rest, third) = be_u8(rest)?;
    if third & 0x80 != 0 {
        return Fault::at(input, ErrorKind::TagTooLong);
    }
    Ok((rest, Tag(u32::from_be_bytes([0, first, second, third]))))
}

/// Length field. (ISO/IEC 7816-4:2005 §5.2.2.2)
fn length(input: &[u8], rules: Rules) -> Parsed<'_, u32> {
    let (rest, first) = be_u8(input)?;
    let (rest, len, least) = match first {
        0x00..=0x7F => return Ok((rest, u32::from(first))),
        0x80 => return Fault::at(input, ErrorKind::LengthIndefinite),
        0x81 => be_u8(rest).map(|(rest, len)| (rest, u32::from(len), 0x80))?,
        0x82 => be_u16(rest).map(|(rest, len)| (rest, u32::from(len), 0x100))?,
        0x83 => be_u24(rest).map(|(rest, len)| (rest, len, 0x1_0000))?,
        _ => return Fault::at(input, ErrorKind::LengthTooLong),
    };
    if rules == Rules::Strict && len < least {
        return Fault::at(input, ErrorKind::LengthNotMinimal);
    }
    Ok((rest, len))
}

/// The reader's rules, asked of a tag to be written.
fn check_tag(field: &[u8], rules: Rules) -> Result<(), ErrorKind> {
    match located(field, tag(field, rules)) {
        Ok((_, [])) => Ok(()),
        Ok(_) | Err(Error { kind: ErrorKind::Truncated, .. }) => Err(ErrorKind::TagInvalid),
        Err(error) => Err(error.kind),
    }
}

/// A length field and how many of its bytes count.
fn length_field(len: usize, rules: Rules) -> Result<([u8; 4], usize), ErrorKind> {
    let len = u32::try_from(len).map_err(|_| ErrorKind::LengthTooLong)?;
    let [top, high, middle, low] = len.to_be_bytes();
    match len {
        0..=0x7F => Ok(([low, 0, 0, 0], 1)),
        0x80..=0xFF if rules == Rules::Strict => Ok(([0x81, low, 0, 0], 2)),
        0x80..=0xFFFF => Ok(([0x82, middle, low, 0], 3)),
        _ if top == 0 => Ok(([0x83, high, middle, low], 4)),
        _ => Err(ErrorKind::LengthTooLong),
    }
}
