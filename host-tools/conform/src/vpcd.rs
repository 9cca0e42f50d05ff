//! The reader's side of vpcd: waits for a card program to connect, and is its reader. (card.md Appendix C)
//!
//! So a card simulator that speaks vpcd is tested without pcscd.

use sim::reader::{Reader, ReaderError};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

const OFF: u8 = 0;
const ON: u8 = 1;
const RESET: u8 = 2;
const ATR: u8 = 4;

/// How long a card may think.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pause between looks whether a card has come.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest ATR. (ISO/IEC 7816-3 §8.2)
const ATR_MAX: usize = 33;

/// A port that a card connects to.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// A reader whose card connected.
#[derive(Debug)]
pub struct VpcdReader {
    stream: TcpStream,
}

impl Listener {
    /// Listens. vpcd knows no authentication, so the address must be this machine's own.
    ///
    /// # Errors
    /// [`ReaderError::Protocol`] for an address that is none or is another's, [`ReaderError::Io`] where it is taken.
    pub fn bind(address: &str) -> Result<Self, ReaderError> {
        let found = address.to_socket_addrs().ok().and_then(|mut all| all.next());
        let address =
            found.ok_or_else(|| ReaderError::Protocol(format!("{address}: not HOST:PORT, such as 127.0.0.1:35963")))?;
        if !address.ip().is_loopback() {
            return Err(ReaderError::Protocol(format!(
                "{address}: vpcd knows no authentication; name a loopback address"
            )));
        }
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Listener(listener))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`ReaderError::Io`].
    pub fn address(&self) -> Result<SocketAddr, ReaderError> {
        Ok(self.0.local_addr()?)
    }

    /// Waits for a card.
    ///
    /// # Errors
    /// [`ReaderError::NoCard`] where none comes in time.
    pub fn wait(self, patience: Duration) -> Result<VpcdReader, ReaderError> {
        let began = Instant::now();
        loop {
            match self.0.accept() {
                Ok((stream, _)) => return VpcdReader::new(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            if began.elapsed() >= patience {
                return Err(ReaderError::NoCard);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl VpcdReader {
    fn new(stream: TcpStream) -> Result<Self, ReaderError> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(VpcdReader { stream })
    }

    fn send(&mut self, body: &[u8]) -> Result<(), ReaderError> {
        let length = u16::try_from(body.len())
            .map_err(|_| ReaderError::Protocol(format!("{} bytes do not fit into a message of vpcd", body.len())))?;
        let message = Zeroizing::new([&length.to_be_bytes(), body].concat());
        Ok(self.stream.write_all(&message)?)
    }

    fn receive(&mut self) -> Result<Vec<u8>, ReaderError> {
        let received = message(&mut self.stream);
        if received.is_err() {
            // An answer that comes late would be taken for that of a later command.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        Ok(received?)
    }

    /// Controls have no answer; asking for the ATR afterwards shows that the card is there.
    fn control(&mut self, controls: &[u8]) -> Result<Vec<u8>, ReaderError> {
        for control in controls {
            self.send(&[*control])?;
        }
        self.send(&[ATR])?;
        match self.receive()? {
            atr if atr.is_empty() => Err(ReaderError::NoCard),
            atr if atr.len() > ATR_MAX => Err(ReaderError::Protocol(format!("an ATR of {} bytes", atr.len()))),
            atr => Ok(atr),
        }
    }
}

fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut body)?;
    Ok(body)
}

impl Reader for VpcdReader {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.control(&[OFF, ON])
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.control(&[RESET])
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.send(&[OFF])
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        if command.len() < 2 {
            return Err(ReaderError::Protocol("vpcd cannot express a command of one byte".into()));
        }
        self.send(command)?;
        self.receive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::{card::Direct, slot::Slot, vpcd::Vpcd};

    #[test]
    fn the_simulated_card_comes_and_answers() {
        let listener = Listener::bind("127.0.0.1:0").expect("binds");
        let slot = Slot::new("vpcd");
        slot.insert(Box::new(sim::sample::issued(true)));
        let attached = Vpcd::attach(&listener.address().expect("bound").to_string(), slot, false).expect("attaches");
        let mut reader = listener.wait(Duration::from_secs(10)).expect("a card");
        let mut direct = Direct(sim::sample::issued(true));
        assert_eq!(reader.power_on().expect("on"), direct.power_on().expect("on"));
        let query = [0x00, 0x20, 0x00, 0x98];
        assert_eq!(reader.transmit(&query).expect("answers"), direct.transmit(&query).expect("answers"));
        assert!(reader.transmit(&[0]).is_err());
        reader.reset().expect("resets");
        drop(attached);
    }

    #[test]
    fn who_answers_late_is_not_heard_any_more() {
        let listener = Listener::bind("127.0.0.1:0").expect("binds");
        let mut card = TcpStream::connect(listener.address().expect("bound")).expect("connects");
        let mut reader = listener.wait(Duration::from_secs(10)).expect("a card");
        reader.stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        assert!(matches!(reader.transmit(&[0, 0xB0]), Err(ReaderError::Io(_))));
        let _ = card.write_all(&[0, 2, 0x90, 0x00]);
        assert!(reader.transmit(&[0, 0x20]).is_err(), "the late answer is for nobody");
    }

    #[test]
    fn no_card_and_no_foreign_address() {
        assert!(Listener::bind("192.0.2.1:1").is_err() && Listener::bind("nonsense").is_err());
        let listener = Listener::bind("127.0.0.1:0").expect("binds");
        assert!(matches!(listener.wait(Duration::ZERO), Err(ReaderError::NoCard)));
    }
}
