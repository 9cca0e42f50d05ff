//! Messages: a two-byte big-endian length and that many bytes.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};
use zeroize::Zeroizing;

/// Messages are wiped when they go: they may be PINs.
pub(super) fn receive(stream: &TcpStream) -> io::Result<Zeroizing<Vec<u8>>> {
    read(&mut Prompt(stream))
}

pub(super) fn send(mut stream: &TcpStream, message: &[u8]) -> io::Result<()> {
    write(&mut stream, message)
}

/// One message from any stream.
pub(crate) fn read(stream: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// One message to any stream, in one piece: the other end may wait for a second one as long as this one would.
pub(crate) fn write(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_all(&Zeroizing::new([&length.to_be_bytes(), message].concat()))
}

/// A connection with quick-ACK armed again before each read.
struct Prompt<'a>(&'a TcpStream);

impl Read for Prompt<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        std::os::linux::net::TcpStreamExt::set_quickack(self.0, true)?;
        let mut stream = self.0;
        stream.read(out)
    }
}
