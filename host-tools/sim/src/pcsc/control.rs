//! Questions to the reader itself, by a client.

use super::{
    client::{PcscReader, ask, check, send},
    proto::{self as p, In, Out},
};
use crate::reader::ReaderError;
use std::io::Read;

impl PcscReader {
    /// Name of the reader's maker; empty where it does not tell.
    ///
    /// # Errors
    /// [`ReaderError`] of the connection.
    pub fn vendor(&mut self) -> Result<String, ReaderError> {
        const VENDOR_NAME: u32 = 0x0001_0100;
        let handle = self.handle()?;
        let body = Out::default().u32(handle).u32(VENDOR_NAME).field(&[], p::ATTRIBUTE).u32(p::ATTRIBUTE as u32).u32(0);
        let answer = ask(&mut self.stream, p::GET_ATTRIBUTE, body)?;
        let mut fields = In(&answer[8..]);
        let (value, length, code) = (fields.bytes(p::ATTRIBUTE), fields.u32(), fields.u32());
        if code != p::SUCCESS {
            return Ok(String::new());
        }
        let value = value.get(..length as usize).unwrap_or_default();
        Ok(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned())
    }

    /// Sends a control code with its data; `None` where the reader does not know it. No more than `room` bytes come back.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn control(&mut self, code: u32, data: &[u8], room: u32) -> Result<Option<Vec<u8>>, ReaderError> {
        let handle = self.handle()?;
        let length = u32::try_from(data.len()).ok().filter(|length| *length <= p::DATA_MAX);
        let length = length.ok_or_else(|| ReaderError::Protocol(format!("{} bytes are too many", data.len())))?;
        let room = room.min(p::DATA_MAX);
        let body = Out::default().u32(handle).u32(code).u32(length).u32(room).u32(0).u32(0).bytes(data);
        send(&mut self.stream, p::CONTROL, 24, body)?;
        let mut answer = [0; 24];
        self.stream.read_exact(&mut answer)?;
        let mut fields = In(&answer[16..]);
        let (size, outcome) = (fields.u32(), fields.u32());
        if outcome == p::UNSUPPORTED_FEATURE {
            return Ok(None);
        }
        check(outcome)?;
        if size > room {
            return Err(ReaderError::Protocol(format!("{size} bytes where {room} were asked for")));
        }
        let mut value = vec![0; size as usize];
        self.stream.read_exact(&mut value)?;
        Ok(Some(value))
    }
}
