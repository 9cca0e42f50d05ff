//! Messages: a two-byte big-endian length and that many bytes.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};
use zeroize::Zeroizing;

/// Messages are wiped when they go: they may be PINs.
pub(super) fn receive(stream: &TcpStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 2];
    read_exact(stream, &mut length)?;
    let mut message = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
    read_exact(stream, &mut message)?;
    Ok(message)
}

/// Reads with quick-ACK armed again before each piece.
fn read_exact(mut stream: &TcpStream, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        #[cfg(target_os = "linux")]
        std::os::linux::net::TcpStreamExt::set_quickack(stream, true)?;
        match stream.read(out) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => out = &mut std::mem::take(&mut out)[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn send(mut stream: &TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    // In one piece: the other end may wait for the second as long as this one did.
    stream.write_all(&Zeroizing::new([&length.to_be_bytes(), message].concat()))
}
