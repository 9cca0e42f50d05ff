//! Why bytes were refused, and where.

use core::fmt;
use nom::{IResult, error::ParseError};

/// A refusal: what is wrong, and the offset of the field that is wrong (or missing) in the bytes read or written.
///
/// ```
/// use apdu::{Command, Error, ErrorKind};
///
/// // Lc announces five bytes, four follow.
/// let error = Command::parse(b"\x00\x20\x00\x80\x051234").unwrap_err();
/// assert_eq!(error, Error { kind: ErrorKind::Truncated, position: 5 });
/// assert_eq!(error.to_string(), "at byte 5: the input ends inside the field that begins here; check the length before it");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Offset in bytes, from the start of the slice handed in.
    pub position: usize,
}

/// What is wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input ends inside the field that begins here.
    Truncated,
    /// Bytes are left after the last field.
    Trailing,
    /// An extended Lc of 0000: cases 3E and 4E carry data. (ISO/IEC 7816-3:2006 §12.1.3)
    LcZero,
    /// A data field of more than 65,535 bytes (command) or 65,536 bytes (response).
    DataTooLong,
    /// The output buffer has no room for the field that would begin here.
    BufferTooSmall,
    /// Not a tag: BER 00 or a [`Tag`](crate::tlv::ber::Tag) whose number is no tag field; simple-TLV 00 or FF.
    TagInvalid,
    /// A tag that would fit in fewer bytes.
    TagNotMinimal,
    /// A tag of more than three bytes.
    TagTooLong,
    /// The indefinite length 80, which ISO/IEC 7816 does not use.
    LengthIndefinite,
    /// A length that would fit in fewer bytes.
    LengthNotMinimal,
    /// A length of more than three bytes (BER) or over 65,535 (simple-TLV).
    LengthTooLong,
}

impl ErrorKind {
    const fn text(self) -> &'static str {
        match self {
            ErrorKind::Truncated => "the input ends inside the field that begins here; check the length before it",
            ErrorKind::Trailing => "bytes are left after the last field; check Lc and Le",
            ErrorKind::LcZero => "extended Lc is 0000; leave Lc out when there is no data",
            ErrorKind::DataTooLong => "the data field is too long for one APDU; split it",
            ErrorKind::BufferTooSmall => "the output buffer is full; give a larger one",
            ErrorKind::TagInvalid => "not a tag; is this filler after the last object?",
            ErrorKind::TagNotMinimal => "the tag is longer than its number needs",
            ErrorKind::TagTooLong => "the tag has more than three bytes, which is not supported",
            ErrorKind::LengthIndefinite => "indefinite length, which ISO/IEC 7816 does not use",
            ErrorKind::LengthNotMinimal => {
                "the length is longer than it needs; read with Rules::Card if a card wrote it"
            }
            ErrorKind::LengthTooLong => "the length is over what is supported",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.position, self.kind.text())
    }
}

impl core::error::Error for Error {}

/// What a parser of this crate gives: nom's result over bytes, with [`Fault`] as error.
pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, Fault<'a>>;

/// An error on its way out of nom; what was left of the input becomes the position.
pub(crate) struct Fault<'a> {
    kind: ErrorKind,
    rest: &'a [u8],
}

impl<'a> Fault<'a> {
    pub(crate) fn at<T>(rest: &'a [u8], kind: ErrorKind) -> Parsed<'a, T> {
        Err(nom::Err::Error(Fault { kind, rest }))
    }
}

impl<'a> ParseError<&'a [u8]> for Fault<'a> {
    /// The combinators in use fail for one reason only: there are not enough bytes.
    fn from_error_kind(rest: &'a [u8], _: nom::error::ErrorKind) -> Self {
        Fault { kind: ErrorKind::Truncated, rest }
    }

    fn append(_: &'a [u8], _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

/// Leaves nom: the value and what follows it, or the error with its offset in `input`.
pub(crate) fn located<'a, T>(input: &[u8], parsed: Parsed<'a, T>) -> Result<(T, &'a [u8]), Error> {
    let (kind, left) = match parsed {
        Ok((rest, value)) => return Ok((value, rest)),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => (fault.kind, fault.rest.len()),
        Err(nom::Err::Incomplete(_)) => (ErrorKind::Truncated, 0),
    };
    Err(Error { kind, position: input.len().saturating_sub(left) })
}

/// The same where nothing may follow.
pub(crate) fn complete<'a, T>(input: &[u8], parsed: Parsed<'a, T>) -> Result<T, Error> {
    let (value, rest) = located(input, parsed)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(Error { kind: ErrorKind::Trailing, position: input.len().saturating_sub(rest.len()) })
    }
}
