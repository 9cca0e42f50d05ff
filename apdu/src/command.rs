//! Command APDUs. (ISO/IEC 7816-3:2006 §12.1)

use crate::{
    Cla, Error, ErrorKind,
    error::{Fault, Parsed, complete, located},
    sink::Sink,
};
use core::fmt;
use nom::{
    Parser,
    bytes::complete::take,
    multi::length_data,
    number::complete::{be_u8, be_u16},
};

/// A command APDU; the data field is borrowed.
///
/// ```
/// use apdu::{Command, Encoding, Ne};
///
/// let read = Command::new(0x00, 0xB0, 0x00, 0x00).with_ne(256);
/// let mut buffer = [0; 16];
/// let len = read.encode(&mut buffer)?;
/// assert_eq!(buffer[..len], [0x00, 0xB0, 0x00, 0x00, 0x00]);
///
/// // One byte more needs the extended form, which is chosen for you.
/// let read = read.with_ne(257);
/// assert_eq!(read.encoding(), Encoding::Case2E);
/// let len = read.encode(&mut buffer)?;
/// assert_eq!(Command::parse(&buffer[..len])?, read);
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// Class.
    pub cla: Cla,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Data field, 0–65,535 bytes. May be secret.
    pub data: &'a [u8],
    /// Most bytes wanted in the response data field; `None` for none.
    pub ne: Option<Ne>,
    /// Form of the length fields: seen by [`Command::parse`], asked of [`Command::encode`]. Case 1 has none and is
    /// read as short; what does not fit in the short form is written extended.
    pub form: Form,
}

/// The four bytes every command begins with.
///
/// ```
/// use apdu::{Cla, Command, Header};
///
/// // The body is malformed, the header is not.
/// let bytes = [0x00, 0xA4, 0x04, 0x0C, 0x00, 0x00];
/// assert!(Command::parse(&bytes).is_err());
/// assert_eq!(Header::parse(&bytes)?, Header { cla: Cla(0x00), ins: 0xA4, p1: 0x04, p2: 0x0C });
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Class.
    pub cla: Cla,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
}

/// Most bytes wanted in a response data field, 1–65,536.
///
/// ```
/// use apdu::Ne;
///
/// assert_eq!(Ne::new(65_536), Some(Ne::MAX));
/// assert_eq!((Ne::new(0), Ne::new(65_537)), (None, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ne(u32);

/// Form of Lc and Le: one byte, or three and two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Lc 1–255, Ne 1–256.
    #[default]
    Short,
    /// Lc 1–65,535, Ne 1–65,536.
    Extended,
}

/// The seven encodings of a command. (ISO/IEC 7816-3:2006 §12.1.3)
///
/// ```
/// use apdu::{Command, Encoding};
///
/// let sign = Command::new(0x80, 0x2A, 0x03, 0x80).with_data(&[0; 32]).with_ne(256);
/// assert_eq!((sign.encoding(), sign.encoded_len()), (Encoding::Case4S, 38));
/// assert_eq!(sign.extended().encoding().to_string(), "4E");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Header only.
    Case1,
    /// Short Le.
    Case2S,
    /// Short Lc, data.
    Case3S,
    /// Short Lc, data, short Le.
    Case4S,
    /// Extended Le.
    Case2E,
    /// Extended Lc, data.
    Case3E,
    /// Extended Lc, data, extended Le.
    Case4E,
}

impl<'a> Command<'a> {
    /// Most bytes in a command data field.
    pub const DATA_MAX: usize = 0xFFFF;

    /// A command of case 1: no data, no response data wanted.
    #[must_use]
    pub const fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Command { cla: Cla(cla), ins, p1, p2, data: &[], ne: None, form: Form::Short }
    }

    /// The same command with this data field; extended if it is longer than 255 bytes.
    #[must_use]
    pub const fn with_data(mut self, data: &'a [u8]) -> Self {
        self.data = data;
        if self.needs_extended() { self.extended() } else { self }
    }

    /// The same command wanting at most `ne` bytes; extended if over 256. Nought wants none, and 65,536 is the most that
    /// can be asked for: a greater number asks for that.
    #[must_use]
    pub const fn with_ne(mut self, ne: u32) -> Self {
        self.ne = if ne > Ne::MAX.0 { Some(Ne::MAX) } else { Ne::new(ne) };
        if self.needs_extended() { self.extended() } else { self }
    }

    /// The same command in the extended form.
    #[must_use]
    pub const fn extended(mut self) -> Self {
        self.form = Form::Extended;
        self
    }

    /// Reads a whole command.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`], [`ErrorKind::Trailing`] or [`ErrorKind::LcZero`]: the bytes are in none of the seven
    /// encodings.
    pub fn parse(input: &'a [u8]) -> Result<Self, Error> {
        complete(input, command(input))
    }

    /// The encoding that [`Command::encode`] uses: extended if asked for or needed.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        let extended = matches!(self.form, Form::Extended) || self.needs_extended();
        match (self.data.is_empty(), self.ne, extended) {
            (true, None, _) => Encoding::Case1,
            (true, Some(_), false) => Encoding::Case2S,
            (true, Some(_), true) => Encoding::Case2E,
            (false, None, false) => Encoding::Case3S,
            (false, None, true) => Encoding::Case3E,
            (false, Some(_), false) => Encoding::Case4S,
            (false, Some(_), true) => Encoding::Case4E,
        }
    }

    /// Bytes that [`Command::encode`] writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        let lengths = match self.encoding() {
            Encoding::Case1 => 0,
            Encoding::Case2S | Encoding::Case3S => 1,
            Encoding::Case4S => 2,
            Encoding::Case2E | Encoding::Case3E => 3,
            Encoding::Case4E => 5,
        };
        4 + lengths + self.data.len()
    }

    /// Writes the command to the start of `out` and gives its length. On an error nothing is written.
    ///
    /// # Errors
    /// [`ErrorKind::DataTooLong`], [`ErrorKind::BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Error> {
        let Ok(lc) = u16::try_from(self.data.len()) else {
            return Err(Error { kind: ErrorKind::DataTooLong, position: 4 });
        };
        let [lc_high, lc_low] = lc.to_be_bytes();
        let [le_high, le_low] = self.ne.map_or(0, Ne::le).to_be_bytes();
        let mut sink = Sink::sized(out, self.encoded_len())?;
        sink.put(&[self.cla.0, self.ins, self.p1, self.p2])?;
        let encoding = self.encoding();
        match encoding {
            Encoding::Case1 | Encoding::Case2S => {}
            Encoding::Case2E => sink.put(&[0])?,
            Encoding::Case3S | Encoding::Case4S => sink.put(&[lc_low])?,
            Encoding::Case3E | Encoding::Case4E => sink.put(&[0, lc_high, lc_low])?,
        }
        sink.put(self.data)?;
        match encoding {
            Encoding::Case1 | Encoding::Case3S | Encoding::Case3E => {}
            Encoding::Case2S | Encoding::Case4S => sink.put(&[le_low])?,
            Encoding::Case2E | Encoding::Case4E => sink.put(&[le_high, le_low])?,
        }
        Ok(sink.len())
    }

    /// The first four bytes.
    #[must_use]
    pub const fn header(&self) -> Header {
        Header { cla: self.cla, ins: self.ins, p1: self.p1, p2: self.p2 }
    }

    const fn needs_extended(&self) -> bool {
        self.data.len() > 0xFF || matches!(self.ne, Some(Ne(257..)))
    }
}

impl Header {
    /// Reads the header of a command and leaves its body alone, well-formed or not.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] if there are fewer than four bytes.
    pub fn parse(input: &[u8]) -> Result<Self, Error> {
        located(input, header(input)).map(|(header, _)| header)
    }
}

impl Ne {
    /// The most that the short form can ask for: 256.
    pub const SHORT_MAX: Ne = Ne(0x100);
    /// The most that can be asked for: 65,536.
    pub const MAX: Ne = Ne(0x1_0000);

    /// `None` if `ne` is not 1–65,536.
    #[must_use]
    pub const fn new(ne: u32) -> Option<Self> {
        if 0 < ne && ne <= Ne::MAX.0 { Some(Ne(ne)) } else { None }
    }

    /// The number, 1–65,536.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Le of one byte.
    pub(crate) const fn short(le: u8) -> Self {
        if le == 0 { Ne::SHORT_MAX } else { Ne(le as u32) }
    }

    fn extended(le: u16) -> Self {
        if le == 0 { Ne::MAX } else { Ne(u32::from(le)) }
    }

    /// Le in the extended form; its low byte is Le in the short form.
    fn le(self) -> u16 {
        u16::try_from(self.0).unwrap_or(0)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Case1 => "1",
            Encoding::Case2S => "2S",
            Encoding::Case3S => "3S",
            Encoding::Case4S => "4S",
            Encoding::Case2E => "2E",
            Encoding::Case3E => "3E",
            Encoding::Case4E => "4E",
        })
    }
}

/// Four hexadecimal bytes.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}{:02X}{:02X}{:02X}", self.cla.0, self.ins, self.p1, self.p2)
    }
}

/// Without the data field: it may be a PIN.
impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("header", &format_args!("{}", self.header()))
            .field("data", &format_args!("[{} bytes]", self.data.len()))
            .field("ne", &self.ne.map(Ne::get))
            .field("form", &self.form)
            .finish()
    }
}

fn header(input: &[u8]) -> Parsed<'_, Header> {
    (be_u8, be_u8, be_u8, be_u8).map(|(cla, ins, p1, p2)| Header { cla: Cla(cla), ins, p1, p2 }).parse_complete(input)
}

fn command(input: &[u8]) -> Parsed<'_, Command<'_>> {
    let (body, Header { cla, ins, p1, p2 }) = header(input)?;
    let (rest, (data, ne, form)) = match body {
        [] => (body, (body, None, Form::Short)),
        [0, _, ..] => extended_body(body)?,
        _ => short_body(body)?,
    };
    Ok((rest, Command { cla, ins, p1, p2, data, ne, form }))
}

type Body<'a> = (&'a [u8], Option<Ne>, Form);

/// Le; Lc and data; Lc, data and Le.
fn short_body(body: &[u8]) -> Parsed<'_, Body<'_>> {
    let (le, data) = match body {
        [_] => (body, &[][..]),
        _ => length_data(be_u8).parse_complete(body)?,
    };
    if le.is_empty() {
        return Ok((le, (data, None, Form::Short)));
    }
    be_u8.map(|le| (data, Some(Ne::short(le)), Form::Short)).parse_complete(le)
}

/// The same in three, or three and two bytes: 00 tells this form from the short one.
fn extended_body(body: &[u8]) -> Parsed<'_, Body<'_>> {
    let (length, _) = be_u8(body)?;
    let (rest, n) = be_u16(length)?;
    if rest.is_empty() {
        return Ok((rest, (rest, Some(Ne::extended(n)), Form::Extended)));
    }
    if n == 0 {
        return Fault::at(length, ErrorKind::LcZero);
    }
    let (le, data) = take(n).parse_complete(rest)?;
    if le.is_empty() {
        return Ok((le, (data, None, Form::Extended)));
    }
    be_u16.map(|le| (data, Some(Ne::extended(le)), Form::Extended)).parse_complete(le)
}
