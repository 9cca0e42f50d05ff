//! The card's side of vsmartcard's virtual reader vpcd.
//!
//! vpcd listens, the card connects. Messages are a two-byte big-endian length and that many bytes; one byte is a control
//! (0 off, 1 on, 2 reset, 4 ATR), of which only 4 is answered; anything longer is a command APDU. (pcsc.md §1)
//!
//! Two properties of the packaged version matter. It writes length and body apart, so the kernel's delayed ACK costs 44 ms an
//! APDU unless quick-ACK is armed again before every read. And it asks for the ATR all the time, also while a command runs:
//! the answer must come at once, so commands run in a thread of their own.

use crate::slot::{Refused, Slot};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use zeroize::Zeroizing;

/// First and longest pause between attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no peer to connect to.
#[derive(Debug, thiserror::Error)]
pub enum VpcdError {
    /// Not a host and port.
    #[error("{0}: not HOST:PORT ({1}); vpcd usually listens on 127.0.0.1:35963")]
    Address(String, io::Error),
    /// A host that is not this one.
    #[error(
        "{0}: not on this machine; vpcd knows no authentication, so name a loopback address or allow it explicitly"
    )]
    Remote(SocketAddr),
}

/// A card attached to a vpcd reader until dropped.
#[derive(Debug)]
pub struct Vpcd {
    stopped: Arc<AtomicBool>,
    current: Arc<Mutex<Option<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Vpcd {
    /// Attaches the card of a slot to the reader at `address`, and attaches it again whenever the reader comes back.
    ///
    /// # Errors
    /// [`VpcdError`].
    pub fn attach(address: &str, slot: Arc<Slot>, allow_remote: bool) -> Result<Vpcd, VpcdError> {
        let found = address.to_socket_addrs().and_then(|mut all| all.next().ok_or(io::ErrorKind::NotFound.into()));
        let address = found.map_err(|error| VpcdError::Address(address.into(), error))?;
        if !address.ip().is_loopback() && !allow_remote {
            return Err(VpcdError::Remote(address));
        }
        let (stopped, current) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (stop, place) = (Arc::clone(&stopped), Arc::clone(&current));
        let thread = thread::spawn(move || keep_attached(address, &slot, &stop, &place));
        Ok(Vpcd { stopped, current, thread: Some(thread) })
    }
}

impl Drop for Vpcd {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(stream) = self.current.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep_attached(address: SocketAddr, slot: &Arc<Slot>, stop: &AtomicBool, place: &Mutex<Option<TcpStream>>) {
    let mut pause = PAUSES.0;
    while !stop.load(Ordering::SeqCst) {
        if let Ok(stream) = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            && let Ok(copy) = stream.try_clone()
        {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
            pause = PAUSES.0;
            // Any error means the same: the reader is gone, and the card with it loses power.
            let _ = serve(stream, slot);
            let _ = slot.power_off();
        }
        let mut left = pause;
        while !stop.load(Ordering::SeqCst) && !left.is_zero() {
            let step = left.min(Duration::from_millis(50));
            thread::sleep(step);
            left -= step;
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Serves one connection until it ends.
fn serve(mut stream: TcpStream, slot: &Arc<Slot>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let writer = Arc::new(Mutex::new(stream.try_clone()?));
    let (sender, commands) = mpsc::channel::<Zeroizing<Vec<u8>>>();
    let (answering, card) = (Arc::clone(&writer), Arc::clone(slot));
    let worker = thread::spawn(move || {
        for message in commands {
            match message[..] {
                [0] => drop(card.power_off()),
                [1] => drop(card.power_on()),
                [2] => drop(card.reset()),
                // A control nobody has defined: nothing is waited for.
                [_] => {}
                // The reader waits for exactly one answer to each command.
                _ => {
                    let response = card.transmit(&message).unwrap_or_else(silence);
                    if send(&answering, &response).is_err() {
                        break;
                    }
                }
            }
        }
    });
    let ended = loop {
        match receive(&mut stream) {
            Ok(message) if message[..] == [4] => {
                if let Err(error) = send(&writer, &slot.state().atr) {
                    break Err(error);
                }
            }
            Ok(message) if message.is_empty() => {}
            Ok(message) => drop(sender.send(message)),
            Err(error) => break Err(error),
        }
    };
    drop(sender);
    let _ = worker.join();
    ended
}

/// What a reader hears from a card that gives no answer: no precise diagnosis.
fn silence(_: Refused) -> Vec<u8> {
    vec![0x6F, 0x00]
}

/// Messages are wiped when they go: they may be PINs.
fn receive(stream: &mut TcpStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 2];
    read_exact(stream, &mut length)?;
    let mut message = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
    read_exact(stream, &mut message)?;
    Ok(message)
}

/// Reads with quick-ACK armed again before each piece.
fn read_exact(stream: &mut TcpStream, mut out: &mut [u8]) -> io::Result<()> {
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

fn send(stream: &Mutex<TcpStream>, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let framed = [&length.to_be_bytes(), message].concat();
    stream.lock().unwrap_or_else(PoisonError::into_inner).write_all(&framed)
}
