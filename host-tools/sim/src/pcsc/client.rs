//! A client of the same protocol, so that this tool talks to its own socket, or to a pcscd, without libpcsclite.

use super::proto::{self as p, In, Out};
use crate::reader::{Reader, ReaderError};
use std::{
    io::{Error, ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};
use zeroize::Zeroizing;

/// An answer may take as long as a key generation on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A reader behind a PC/SC socket, with a shared connection to the card in it.
#[derive(Debug)]
pub struct PcscReader {
    pub(super) stream: UnixStream,
    context: u32,
    name: String,
    handle: Option<u32>,
}

/// Names of the readers that a PC/SC socket offers.
///
/// # Errors
/// [`ReaderError`] of the connection.
pub fn list_readers(path: &Path) -> Result<Vec<String>, ReaderError> {
    let mut stream = open(path)?;
    names(&mut stream)
}

impl PcscReader {
    /// Opens the reader with this name, or the first one.
    ///
    /// # Errors
    /// [`ReaderError`]; a missing reader is told with the names of those that are there.
    pub fn open(path: &Path, reader: Option<&str>) -> Result<Self, ReaderError> {
        let mut stream = open(path)?;
        let names = names(&mut stream)?;
        let name = match reader {
            Some(wanted) => names.iter().find(|name| name.as_str() == wanted),
            None => names.first(),
        };
        let name =
            name.cloned().ok_or_else(|| ReaderError::Protocol(format!("no such reader; there are {names:?}")))?;
        let answer = ask(&mut stream, p::ESTABLISH, Out::default().u32(2).u32(0).u32(0))?;
        let mut fields = In(&answer);
        let (_, context) = (fields.u32(), fields.u32());
        check(fields.u32())?;
        Ok(PcscReader { stream, context, name, handle: None })
    }

    /// The reader's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn handle(&mut self) -> Result<u32, ReaderError> {
        if let Some(handle) = self.handle {
            return Ok(handle);
        }
        let body = Out::default().u32(self.context).field(self.name.as_bytes(), p::NAME);
        let body = body.u32(p::SHARE_SHARED).u32(p::PROTOCOL_T1).u32(0).u32(0).u32(0);
        let answer = ask(&mut self.stream, p::CONNECT, body)?;
        let mut fields = In(&answer[4 + p::NAME..]);
        let (_, _, handle, _) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        check(fields.u32())?;
        self.handle = Some(handle);
        Ok(handle)
    }

    fn restart(&mut self, initialization: u32) -> Result<Vec<u8>, ReaderError> {
        let handle = self.handle()?;
        let body =
            Out::default().u32(handle).u32(p::SHARE_SHARED).u32(p::PROTOCOL_T1).u32(initialization).u32(0).u32(0);
        let answer = ask(&mut self.stream, p::RECONNECT, body)?;
        check(In(&answer[20..]).u32())?;
        self.atr()
    }

    /// ATR of the card in it, without touching the card; empty where there is none.
    ///
    /// # Errors
    /// [`ReaderError`] of the connection.
    pub fn atr(&mut self) -> Result<Vec<u8>, ReaderError> {
        let states = states(&mut self.stream)?;
        let state = states.chunks_exact(p::READER_STATE).find(|state| In(state).name() == self.name);
        let mut fields = In(state.ok_or(ReaderError::NoCard)?);
        let (_, _, _, _) = (fields.bytes(p::NAME), fields.u32(), fields.u32(), fields.u32());
        let (atr, length) = (fields.bytes(36), fields.u32());
        let atr = usize::try_from(length).ok().and_then(|length| atr.get(..length));
        atr.map(<[u8]>::to_vec).ok_or_else(|| ReaderError::Protocol(format!("an ATR of {length} bytes")))
    }
}

impl Reader for PcscReader {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.restart(p::UNPOWER)
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.restart(p::RESET)
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        let Some(handle) = self.handle.take() else { return Ok(()) };
        let answer = ask(&mut self.stream, p::DISCONNECT, Out::default().u32(handle).u32(p::UNPOWER).u32(0))?;
        check(In(&answer[8..]).u32())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let exchanged = self.exchange(command);
        if matches!(exchanged, Err(ReaderError::Io(_))) {
            // An answer that comes late would be taken for that of a later command.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        exchanged
    }
}

impl PcscReader {
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let handle = self.handle()?;
        let length = u32::try_from(command.len()).ok().filter(|length| *length <= p::DATA_MAX);
        let length = length.ok_or_else(|| ReaderError::Protocol(format!("{} bytes are no APDU", command.len())))?;
        let head = Out::default().u32(handle).u32(p::PROTOCOL_T1).u32(16).u32(length).u32(p::PROTOCOL_T1).u32(16);
        let body = head.u32(p::DATA_MAX).u32(0).bytes(command);
        send(&mut self.stream, p::TRANSMIT, 32, body)?;
        let mut answer = [0; 32];
        read(&mut self.stream, &mut answer)?;
        let mut fields = In(&answer[24..]);
        let (size, code) = (fields.u32(), fields.u32());
        if code == p::INSUFFICIENT_BUFFER {
            return Err(ReaderError::Protocol(format!("a response of {size} bytes, more than an APDU has")));
        }
        check(code)?;
        if size > p::DATA_MAX {
            return Err(ReaderError::Protocol(format!("a response of {size} bytes")));
        }
        let mut response = vec![0; size as usize];
        read(&mut self.stream, &mut response)?;
        Ok(response)
    }
}

pub(super) fn open(path: &Path) -> Result<UnixStream, ReaderError> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // The oldest version in use: every server speaks it.
    let answer = ask(&mut stream, p::VERSION, Out::default().u32(p::MAJOR).u32(4).u32(0))?;
    check(In(&answer[8..]).u32())?;
    Ok(stream)
}

fn states(stream: &mut UnixStream) -> Result<Vec<u8>, ReaderError> {
    send(stream, p::READER_STATES, 0, Out::default())?;
    let mut states = vec![0; p::READERS * p::READER_STATE];
    read(stream, &mut states)?;
    Ok(states)
}

pub(super) fn names(stream: &mut UnixStream) -> Result<Vec<String>, ReaderError> {
    let states = states(stream)?;
    let names = states.chunks_exact(p::READER_STATE).map(|state| In(state).name());
    Ok(names.filter(|name| !name.is_empty()).collect())
}

/// Sends a message and reads an answer of the same size.
pub(super) fn ask(stream: &mut UnixStream, command: u32, body: Out) -> Result<Vec<u8>, ReaderError> {
    let body = body.done();
    let mut answer = vec![0; body.len()];
    let size = u32::try_from(body.len()).unwrap_or(0);
    send(stream, command, size, Out::default().bytes(&body))?;
    read(stream, &mut answer)?;
    Ok(answer)
}

/// Reads all of it; what takes too long is told in words.
fn read(stream: &mut UnixStream, out: &mut [u8]) -> Result<(), ReaderError> {
    stream.read_exact(out).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            ReaderError::Io(Error::new(ErrorKind::TimedOut, "the card does not answer in time"))
        }
        _ => error.into(),
    })
}

pub(super) fn send(stream: &mut UnixStream, command: u32, size: u32, body: Out) -> Result<(), ReaderError> {
    let message = Zeroizing::new(Out::default().u32(size).u32(command).bytes(&Zeroizing::new(body.done())).done());
    Ok(stream.write_all(&message)?)
}

pub(super) fn check(code: u32) -> Result<(), ReaderError> {
    match code {
        p::SUCCESS => Ok(()),
        p::NO_SMARTCARD | p::REMOVED_CARD => Err(ReaderError::NoCard),
        p::RESET_CARD => Err(ReaderError::Reset),
        p::SHARING_VIOLATION => Err(ReaderError::Busy),
        p::UNRESPONSIVE_CARD => Err(ReaderError::Mute),
        other => Err(ReaderError::Protocol(format!("the server answers {other:08X}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A card that takes ten minutes: the program ends, and hears no answer that belongs to another command.
    #[test]
    fn who_does_not_answer_in_time_is_not_waited_for_again() {
        let (stream, mut server) = UnixStream::pair().expect("a pair");
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let mut reader = PcscReader { stream, context: 1, name: "slow".into(), handle: Some(7) };
        let late = reader.transmit(&[0x00, 0xB0, 0x00, 0x00]).expect_err("no answer");
        assert!(late.to_string().contains("does not answer in time"), "{late}");
        let answer = Out::default().u32(7).u32(2).u32(16).u32(4).u32(2).u32(16).u32(2).u32(p::SUCCESS);
        let _ = server.write_all(&answer.bytes(&[0x90, 0x00]).done());
        let began = Instant::now();
        assert!(reader.transmit(&[0x00, 0x20, 0x00, 0x80]).is_err(), "the late answer is for nobody");
        assert!(reader.power_off().is_err() && began.elapsed() < Duration::from_secs(5));
    }
}
