//! A client's socket: bytes in, messages to its [`Session`], bytes out. Never waits longer than a moment.

use super::{
    frame::{Inbox, Malformed},
    readers::Sink,
    session::{Session, Taken},
};
use rustix::{
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};
use std::{
    io,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a client may take from the first byte of a message to its last, and to take its answers.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
/// How long the next message of a busy client is waited for before its thread looks after others.
const MOMENT: Duration = Duration::from_millis(20);
/// Messages in a row before others get their turn.
const TURN: u32 = 32;

/// A client, who waits in the hub or is looked after by one of its threads.
pub(super) struct Connection {
    pub(super) wire: Arc<Wire>,
    pub(super) session: Session,
    inbox: Inbox,
    /// Since when half a message is there, or an answer is not taken.
    since: Option<Instant>,
    /// It has sent a whole message.
    is_known: bool,
}

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Its own next bytes.
    Read,
    /// Room for its answers.
    Write,
    /// Somebody else.
    Others,
    /// Its turn.
    Turn,
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    #[error("the client went away")]
    Gone,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the client took more than {DEADLINE:?} for one message")]
    Slow,
    #[error("the client made room for others")]
    Evicted,
}

/// What a connection may ask of those who look after it.
pub(super) trait Turns {
    /// Whether others wait for a thread.
    fn are_waited_for(&self) -> bool;
    /// Whether this thread may wait for one client; to be given back.
    fn take_seat(&self) -> bool;
    fn leave_seat(&self);
}

impl Connection {
    pub(super) fn new(wire: Arc<Wire>, session: Session) -> io::Result<Self> {
        // In blocking mode: a thread that waits for this client alone is woken by its bytes without a detour.
        wire.stream.set_read_timeout(Some(MOMENT))?;
        Ok(Connection { wire, session, inbox: Inbox::default(), since: None, is_known: false })
    }

    /// Works off what is there, and what a busy client sends next.
    pub(super) fn run(&mut self, turns: &impl Turns) -> Result<Pause, Ended> {
        let mut messages = 0;
        loop {
            if !self.wire.flush()? {
                return self.pause(Pause::Write);
            }
            if let Some(frame) = self.inbox.frame()? {
                if self.session.take(&frame) == Taken::Again {
                    return Ok(Pause::Others);
                }
                self.inbox.consume();
                (self.since, self.is_known) = (None, true);
                messages += 1;
                if messages % TURN == 0 && turns.are_waited_for() {
                    return Ok(Pause::Turn);
                }
                continue;
            }
            // libpcsclite writes a message in pieces: the rest of one is worth waiting for, from whoever has sent a whole one before.
            let busy = self.is_known && !turns.are_waited_for() && turns.take_seat();
            let flags = if busy { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
            let received = recv(&self.wire.stream, self.inbox.space(), flags);
            if busy {
                turns.leave_seat();
            }
            match received {
                Ok((0, _)) => return Err(Ended::Gone),
                Ok((count, _)) => self.inbox.arrived(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.inbox.rest();
                    return self.pause(Pause::Read);
                }
                Err(_) => return Err(Ended::Gone),
            }
        }
    }

    /// Whether it has used up its time.
    pub(super) fn is_overdue(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() > DEADLINE)
    }

    fn pause(&mut self, pause: Pause) -> Result<Pause, Ended> {
        if pause == Pause::Write || !self.inbox.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
        if self.is_overdue() { Err(Ended::Slow) } else { Ok(pause) }
    }
}

/// The way to a client: written to by its own thread, and by others who tell it of a change.
pub(super) struct Wire {
    pub(super) stream: UnixStream,
    /// What the client has not taken yet.
    pending: Mutex<Vec<u8>>,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Arc<Self> {
        Arc::new(Wire { stream, pending: Mutex::default() })
    }

    /// Writes what is left over. False where the client does not take it.
    fn flush(&self) -> Result<bool, Ended> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.is_empty() {
            return Ok(true);
        }
        let written = self.write(&pending).ok_or(Ended::Gone)?;
        pending.drain(..written);
        if pending.is_empty() {
            *pending = Vec::new();
        }
        Ok(pending.is_empty())
    }

    /// How much of it went. `None` where the client is gone.
    fn write(&self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match send(&self.stream, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => return None,
            }
        }
        Some(bytes.len() - rest.len())
    }
}

impl Sink for Wire {
    fn send(&self, bytes: &[u8]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        // A client that is gone is noticed where its next message is looked for.
        let written = if pending.is_empty() { self.write(bytes).unwrap_or(bytes.len()) } else { 0 };
        pending.extend_from_slice(&bytes[written..]);
    }

    fn tell(&self, bytes: &[u8]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if !pending.is_empty() {
            // Its thread is at it, or the hub waits for room.
            pending.extend_from_slice(bytes);
        } else if self.write(bytes).is_some_and(|written| written < bytes.len()) {
            // Nobody may be looking after this one just now, and it waits for this very record without reading.
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
        }
    }
}
