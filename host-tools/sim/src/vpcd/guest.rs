//! The reader's side: other people's virtual cards connect, and sit in a slot of ours.

use super::{
    VpcdError, address,
    frame::{receive, send},
    message::{ATR, POWER_OFF, POWER_ON, RESET},
};
use crate::slot::{Silence, Slot, VirtualCard};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long a card may take to answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long one may take to tell its ATR when it comes.
const GREETING: Duration = Duration::from_secs(5);
/// How often an idle card is looked for.
const TICK: Duration = Duration::from_millis(50);

/// A place where virtual cards connect, until dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens at `name`; whoever connects sits in the slot until the connection ends. One at a time.
    ///
    /// # Errors
    /// [`VpcdError`].
    pub fn bind(name: &str, slot: Arc<Slot>, allow_remote: bool) -> Result<Listener, VpcdError> {
        let wanted = address(name, allow_remote)?;
        let taken = |error| VpcdError::Taken(wanted, error);
        let listener = TcpListener::bind(wanted).map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // One that does not behave like a card is gone again; another may come.
                if let Ok(stream) = stream {
                    let _ = host(stream, &slot, &stop);
                }
            }
        });
        Ok(Listener { address, stopped, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread; whether it answers does not matter.
        let _ = TcpStream::connect_timeout(&self.address, TICK);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Lets one card sit in the slot until it goes.
fn host(stream: TcpStream, slot: &Slot, stop: &AtomicBool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GREETING))?;
    stream.set_write_timeout(Some(GREETING))?;
    let watch = stream.try_clone()?;
    let mut guest = Guest { stream, atr: Vec::new() };
    guest.atr = guest.ask(ATR)?;
    watch.set_read_timeout(Some(TIMEOUT))?;
    slot.insert(Box::new(guest));
    let mine = slot.state().events;
    watch_over(&watch, || !stop.load(Ordering::SeqCst) && slot.state().events == mine);
    let _ = watch.shutdown(Shutdown::Both);
    if slot.state().events == mine {
        slot.remove();
    }
    Ok(())
}

/// Returns when the other end is gone, or nobody needs it any more.
fn watch_over(stream: &TcpStream, is_needed: impl Fn() -> bool) {
    while is_needed() {
        thread::sleep(TICK);
        // Only a look: answers belong to whoever sent the command.
        match recv(stream, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((1.., _)) | Err(Errno::AGAIN | Errno::INTR) => {}
            Ok((0, _)) | Err(_) => return,
        }
    }
}

/// A card at the other end of a connection.
#[derive(Debug)]
struct Guest {
    stream: TcpStream,
    atr: Vec<u8>,
}

impl Guest {
    fn ask(&mut self, message: &[u8]) -> io::Result<Vec<u8>> {
        send(&self.stream, message)?;
        Ok(receive(&self.stream)?.to_vec())
    }

    /// Starts it in some way and asks for its ATR, which may be another one now.
    fn start(&mut self, how: &[u8]) {
        let atr = send(&self.stream, how).and_then(|()| self.ask(ATR));
        // None is an ATR that the slot takes for a mute card.
        self.atr = atr.unwrap_or_default();
    }
}

impl VirtualCard for Guest {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn power_on(&mut self) {
        self.start(POWER_ON);
    }

    fn power_off(&mut self) {
        // One that is gone has no power anyway.
        let _ = send(&self.stream, POWER_OFF);
    }

    fn reset(&mut self) {
        self.start(RESET);
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        // One byte is a control, and a longer length cannot be written: neither can be a command here. (pcsc.md §1)
        if command.len() < 2 || command.len() > usize::from(u16::MAX) {
            return Ok(vec![0x67, 0x00]);
        }
        self.ask(command).map_err(|_| Silence::Pulled)
    }
}
