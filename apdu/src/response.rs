//! Response APDUs. (ISO/IEC 7816-3:2006 §12.1)

use crate::{
    Error, ErrorKind, Sw,
    error::{Parsed, complete},
    sink::Sink,
};
use core::fmt;
use nom::{Parser, bytes::complete::take, number::complete::be_u16};

/// A response APDU; the data field is borrowed.
///
/// ```
/// use apdu::{Response, Sw};
///
/// let response = Response::parse(&[0x8F, 0x8F, 0x00, 0x90, 0x00])?;
/// assert_eq!((response.data, response.sw), (&[0x8F, 0x8F, 0x00][..], Sw::SUCCESS));
///
/// let mut buffer = [0; 2];
/// assert_eq!(Response::from(Sw::FILE_NOT_FOUND).encode(&mut buffer), Ok(2));
/// assert_eq!(buffer, [0x6A, 0x82]);
/// # Ok::<(), apdu::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// Data field, 0–65,536 bytes. May be secret.
    pub data: &'a [u8],
    /// Status word.
    pub sw: Sw,
}

impl<'a> Response<'a> {
    /// Most bytes in a response data field.
    pub const DATA_MAX: usize = 0x1_0000;

    /// Reads a whole response: everything but the last two bytes is data.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] if there are fewer than two bytes, [`ErrorKind::DataTooLong`].
    pub fn parse(input: &'a [u8]) -> Result<Self, Error> {
        let len = input.len().saturating_sub(2);
        check(len)?;
        complete(input, response(len, input))
    }

    /// Bytes that [`Response::encode`] writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.data.len() + 2
    }

    /// Writes the response to the start of `out` and gives its length. On an error nothing is written.
    ///
    /// # Errors
    /// [`ErrorKind::DataTooLong`], [`ErrorKind::BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Error> {
        check(self.data.len())?;
        let mut sink = Sink::sized(out, self.encoded_len())?;
        sink.put(self.data)?;
        sink.put(&self.sw.to_bytes())?;
        Ok(sink.len())
    }
}

/// A response without data.
impl From<Sw> for Response<'_> {
    fn from(sw: Sw) -> Self {
        Response { data: &[], sw }
    }
}

/// Without the data field: it may be private.
impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("data", &format_args!("[{} bytes]", self.data.len()))
            .field("sw", &self.sw)
            .finish()
    }
}

fn response(len: usize, input: &[u8]) -> Parsed<'_, Response<'_>> {
    (take(len), be_u16).map(|(data, sw)| Response { data, sw: Sw(sw) }).parse_complete(input)
}

fn check(len: usize) -> Result<(), Error> {
    if len > Response::DATA_MAX {
        return Err(Error { kind: ErrorKind::DataTooLong, position: Response::DATA_MAX });
    }
    Ok(())
}
