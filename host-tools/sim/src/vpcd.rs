//! The card's side of vsmartcard's virtual reader vpcd.
//!
//! vpcd listens, the card connects. Messages are a two-byte big-endian length and that many bytes; one byte is a control
//! (0 off, 1 on, 2 reset, 4 ATR), of which only 4 is answered; anything longer is a command APDU. (pcsc.md §1)
//!
//! Two properties of the packaged version matter. It writes length and body apart, so the kernel's delayed ACK costs 44 ms an
//! APDU unless quick-ACK is armed again before every read. And it asks for the ATR all the time, also while a command runs:
//! the answer must come at once, so somebody reads on when a command takes long.

use crate::slot::{Refused, Slot};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
/// How often it is looked whether a command takes long.
const TICK: Duration = Duration::from_millis(20);
/// How long such a command's own thread may wait at its end until it reads again.
const GLANCE: Duration = Duration::from_millis(1);

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
fn serve(stream: TcpStream, slot: &Slot) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (sender, ended) = mpsc::channel();
    let line = &Line::new(stream);
    thread::scope(|scope| {
        scope.spawn(move || line.deputise(slot, &ended));
        let served = line.serve(slot);
        // The deputy goes home.
        drop(sender);
        served
    })
}

/// A connection to a reader. Commands run in the thread that reads, since handing one over takes longer than most of them
/// do; while one takes long, a deputy reads on.
struct Line {
    stream: TcpStream,
    /// Held by whoever reads. What the deputy read and is not the deputy's to do waits in it.
    reading: Mutex<VecDeque<Zeroizing<Vec<u8>>>>,
    writing: Mutex<()>,
    /// Twice the number of commands so far, and one more while one runs.
    commands: AtomicU64,
}

impl Line {
    fn new(stream: TcpStream) -> Line {
        Line { stream, reading: Mutex::default(), writing: Mutex::default(), commands: AtomicU64::new(0) }
    }

    fn serve(&self, slot: &Slot) -> io::Result<()> {
        loop {
            let message = {
                let mut waiting = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
                match waiting.pop_front() {
                    Some(message) => message,
                    None => receive(&self.stream)?,
                }
            };
            match message[..] {
                [] => {}
                [4] => self.send(&slot.state().atr)?,
                // A control nobody has defined: nothing is waited for.
                [control] if control > 2 => {}
                _ => {
                    self.commands.fetch_add(1, Ordering::SeqCst);
                    let answer = act(slot, &message);
                    self.commands.fetch_add(1, Ordering::SeqCst);
                    // The reader waits for exactly one answer to each command.
                    answer.map_or(Ok(()), |answer| self.send(&answer))?;
                }
            }
        }
    }

    /// Steps in wherever the same command runs at two ticks, until the connection has ended.
    fn deputise(&self, slot: &Slot, ended: &mpsc::Receiver<()>) {
        let mut before = 0;
        while ended.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
            let now = self.commands.load(Ordering::SeqCst);
            if now % 2 == 1 && now == before {
                // Whatever is wrong with the connection, its own thread will find out.
                let _ = self.stand_in(slot, now);
                let _ = self.stream.set_read_timeout(None);
            }
            before = now;
        }
    }

    /// Reads while this command runs, and answers questions for the ATR.
    fn stand_in(&self, slot: &Slot, command: u64) -> io::Result<()> {
        let mut waiting = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        while self.commands.load(Ordering::SeqCst) == command {
            self.stream.set_read_timeout(Some(GLANCE))?;
            match self.stream.peek(&mut [0]) {
                Ok(0) => return Ok(()),
                // It may have ended meanwhile: then this is for its own thread, after what waits.
                Ok(_) if self.commands.load(Ordering::SeqCst) != command => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            self.stream.set_read_timeout(None)?;
            let message = receive(&self.stream)?;
            if message[..] == [4] {
                self.send(&slot.state().atr)?;
            } else {
                waiting.push_back(message);
            }
        }
        Ok(())
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let framed = [&length.to_be_bytes(), message].concat();
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        (&self.stream).write_all(&framed)
    }
}

/// Does what the reader wants of the card; gives the answer, where there shall be one.
fn act(slot: &Slot, message: &[u8]) -> Option<Vec<u8>> {
    match message {
        [0] => drop(slot.power_off()),
        [1] => drop(slot.power_on()),
        [2] => drop(slot.reset()),
        command => return Some(slot.transmit(command).unwrap_or_else(silence)),
    }
    None
}

/// What a reader hears from a card that gives no answer: no precise diagnosis.
fn silence(_: Refused) -> Vec<u8> {
    vec![0x6F, 0x00]
}

/// Messages are wiped when they go: they may be PINs.
fn receive(stream: &TcpStream) -> io::Result<Zeroizing<Vec<u8>>> {
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
