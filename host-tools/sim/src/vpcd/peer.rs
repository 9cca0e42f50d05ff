//! The card's side: vpcd listens, the card connects.
//!
//! The reader asks for the ATR all the time, also while a command runs: the answer must come at once, so commands run in a
//! thread of their own. An empty slot is told by not being connected.

use super::{VpcdError, address, line::serve};
use crate::slot::{Slot, Watcher};
use std::{
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// First and longest pause between attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// How long a reader must see the place empty to notice that the card was out: it looks every 400 ms.
const EMPTY: Duration = Duration::from_millis(900);
/// How often a thread that waits looks whether it is needed any more.
const TICK: Duration = Duration::from_millis(50);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A card attached to a vpcd reader until dropped.
#[derive(Debug)]
pub struct Vpcd {
    stopped: Arc<AtomicBool>,
    link: Arc<Link>,
    thread: Option<JoinHandle<()>>,
}

impl Vpcd {
    /// Attaches the card of a slot to the reader at `address`, and attaches it again whenever the reader comes back, or a card
    /// comes into the slot.
    ///
    /// # Errors
    /// [`VpcdError`].
    pub fn attach(name: &str, slot: Arc<Slot>, allow_remote: bool) -> Result<Vpcd, VpcdError> {
        let address = address(name, allow_remote)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let link = Arc::new(Link { slot, stream: Mutex::default() });
        let watcher = Arc::downgrade(&link);
        link.slot.watch(watcher);
        let (stop, place) = (Arc::clone(&stopped), Arc::clone(&link));
        let thread = thread::spawn(move || keep_attached(address, &place, &stop));
        Ok(Vpcd { stopped, link, thread: Some(thread) })
    }
}

impl Drop for Vpcd {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.link.break_off();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A slot and the connection that stands for the card in it.
#[derive(Debug)]
struct Link {
    slot: Arc<Slot>,
    stream: Mutex<Option<TcpStream>>,
}

impl Link {
    fn break_off(&self) {
        if let Some(stream) = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Watcher for Link {
    fn changed(&self) {
        if !self.slot.state().present {
            self.break_off();
        }
    }
}

fn keep_attached(address: SocketAddr, link: &Link, stop: &AtomicBool) {
    let slot = &link.slot;
    let mut pause = PAUSES.0;
    while !stop.load(Ordering::SeqCst) {
        let state = slot.state();
        if !state.present {
            slot.wait_change(state.serial, TICK);
            continue;
        }
        if let Ok(stream) = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            && let Ok(copy) = stream.try_clone()
        {
            *link.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
            pause = PAUSES.0;
            // Taken out before the connection was known to whoever took it.
            link.changed();
            // Any error means the same: the reader is gone, and the card with it loses power.
            let _ = serve(stream, slot);
            link.break_off();
            let _ = slot.power_off();
        }
        // The same card, or another one: the reader is to see that something happened.
        let gone = slot.state().events != state.events;
        sleep(if gone { EMPTY } else { pause }, stop);
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn sleep(mut left: Duration, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) && !left.is_zero() {
        let step = left.min(TICK);
        thread::sleep(step);
        left -= step;
    }
}
