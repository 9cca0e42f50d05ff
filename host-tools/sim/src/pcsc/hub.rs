//! The threads that look after all clients of all sockets of a server: few, however many clients there are.
//!
//! Idle clients lie in the hub and cost one descriptor and a few hundred bytes. One thread, the leader, waits for all of them
//! at once; who has something to say is taken out and looked after by the thread that led, while another one leads. A thread
//! stays with a busy client for a moment after each message, because being woken by that client's bytes directly is twice as
//! fast as through the leader. The number of those who stay is limited, so that some are always free for everybody else.

use super::{
    connection::{Connection, DEADLINE, Ended, Pause, Turns, Wire},
    readers::{Readers, Sink},
    session::Session,
};
use crate::slot::{PATIENCE, POLL};
use mio::{Events, Interest, Poll, Registry, Token, Waker, unix::SourceFd};
use std::{
    collections::{HashMap, VecDeque},
    io,
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Threads of a server at most, and how many of them may stay with one client each.
pub(super) const THREADS: usize = 32;
const SEATS: usize = 24;
/// Clients of a server at a time. Beyond it the one that has waited longest without asking for anything makes room.
pub(super) const CONNECTIONS: usize = 4096;
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Events taken at a time.
const EVENTS: usize = 64;

const WAKER: Token = Token(usize::MAX);

/// A socket that clients connect to, and what they find there.
pub(super) struct Door {
    pub(super) listener: UnixListener,
    pub(super) readers: Arc<Readers>,
}

/// See the module.
pub(super) struct Hub {
    doors: Vec<Door>,
    /// Whoever holds this leads.
    lead: Mutex<Lead>,
    registry: Registry,
    waker: Waker,
    clients: Mutex<Clients>,
    /// Threads: all, those who want to lead, those who stay with a client.
    threads: AtomicUsize,
    free: AtomicUsize,
    seats: AtomicUsize,
    ready: AtomicUsize,
    stopped: AtomicBool,
    ended: (Mutex<()>, Condvar),
}

struct Lead {
    poll: Poll,
    events: Events,
    swept: Instant,
}

#[derive(Default)]
struct Clients {
    parked: HashMap<usize, Parked>,
    ready: VecDeque<Connection>,
    next: usize,
    /// Parked until somebody else is done.
    blocked: usize,
    /// All, with those that a thread looks after.
    count: usize,
}

struct Parked {
    connection: Connection,
    pause: Pause,
    since: Instant,
}

impl Hub {
    /// Opens the doors.
    pub(super) fn start(doors: Vec<Door>) -> io::Result<Arc<Hub>> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKER)?;
        for (number, door) in doors.iter().enumerate() {
            door.listener.set_nonblocking(true)?;
            registry.register(&mut SourceFd(&door.listener.as_raw_fd()), Token(number), Interest::READABLE)?;
        }
        let clients = Clients { next: doors.len(), ..Clients::default() };
        let hub = Arc::new(Hub {
            doors,
            lead: Mutex::new(Lead { poll, events: Events::with_capacity(EVENTS), swept: Instant::now() }),
            registry,
            waker,
            clients: Mutex::new(clients),
            threads: AtomicUsize::new(0),
            free: AtomicUsize::new(0),
            seats: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            ended: Default::default(),
        });
        hub.spawn()?;
        Ok(hub)
    }

    /// Drops every client and ends the threads, after the commands under way.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // What cannot be woken looks again at its next tick.
        let _ = self.waker.wake();
        let limit = PATIENCE;
        let guard = self.ended.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = |_: &mut ()| self.threads.load(Ordering::SeqCst) > 0;
        let _ended = self.ended.1.wait_timeout_while(guard, limit, running);
        let (parked, ready) = {
            let mut clients = self.clients();
            (std::mem::take(&mut clients.parked), std::mem::take(&mut clients.ready))
        };
        drop((parked, ready));
    }

    /// Threads and clients now.
    pub(super) fn load(&self) -> (usize, usize) {
        (self.threads.load(Ordering::SeqCst), self.clients().count)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread more, where there may be one.
    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let room = |threads| (threads < THREADS).then_some(threads + 1);
        if self.threads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, room).is_ok() {
            let hub = Arc::clone(self);
            let spawned = thread::Builder::new().name("pcsc".into()).spawn(move || {
                let _left = Left(&hub);
                hub.work();
            });
            if let Err(error) = spawned {
                self.threads.fetch_sub(1, Ordering::SeqCst);
                return Err(error);
            }
        }
        Ok(())
    }

    fn work(self: &Arc<Self>) {
        loop {
            self.free.fetch_add(1, Ordering::SeqCst);
            let connection = self.next();
            let others = self.free.fetch_sub(1, Ordering::SeqCst) - 1;
            let Some(mut connection) = connection else { return };
            if others == 0 {
                // Without one more, this client would hold up all others.
                let _ = self.spawn();
            }
            match connection.run(&**self) {
                Ok(pause) => self.park(connection, pause),
                Err(ended) => self.end(connection, ended),
            }
        }
    }

    /// Leads until there is somebody to look after. `None` where this thread is not needed any more.
    fn next(&self) -> Option<Connection> {
        let mut lead = self.lead.lock().unwrap_or_else(PoisonError::into_inner);
        let Lead { poll, events, swept } = &mut *lead;
        loop {
            if self.stopped.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(connection) = self.clients().ready.pop_front() {
                self.ready.fetch_sub(1, Ordering::SeqCst);
                return Some(connection);
            }
            let soonest = if self.clients().blocked > 0 { POLL } else { TICK };
            // An interrupted wait is a short one.
            if poll.poll(events, Some(soonest)).is_err() {
                events.clear();
            }
            let idle = events.is_empty();
            for event in &*events {
                match event.token() {
                    WAKER => {}
                    Token(number) if number < self.doors.len() => self.accept(&self.doors[number]),
                    Token(number) => self.pick_up(number),
                }
            }
            if swept.elapsed() >= soonest {
                self.sweep();
                *swept = Instant::now();
            }
            if idle && self.free.load(Ordering::SeqCst) > 2 {
                return None;
            }
        }
    }

    fn accept(&self, door: &Door) {
        loop {
            match door.listener.accept() {
                Ok((stream, _)) => {
                    if self.clients().count >= CONNECTIONS {
                        self.evict();
                    }
                    // One that cannot be served is closed.
                    if let Ok(connection) = greet(stream, door) {
                        self.clients().count += 1;
                        self.park(connection, Pause::Read);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    if !self.evict() {
                        return;
                    }
                }
            }
        }
    }

    /// Closes the idle client that holds least and has waited longest. False where there is none.
    fn evict(&self) -> bool {
        let mut clients = self.clients();
        let weight = |(_, parked): &(&usize, &Parked)| (parked.connection.session.holds(), parked.since);
        let Some((number, _)) = clients.parked.iter().min_by_key(weight) else { return false };
        let number = *number;
        let evicted = clients.take(number);
        drop(clients);
        evicted.into_iter().for_each(|connection| {
            self.forget(&connection);
            self.end(connection, Ended::Evicted);
        });
        true
    }

    /// Lays a client down until it, or somebody, has something to say.
    fn park(&self, connection: Connection, pause: Pause) {
        let mut clients = self.clients();
        if pause == Pause::Turn {
            clients.ready.push_back(connection);
            self.ready.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let number = clients.next;
        // Never the waker's number, nor a door's.
        clients.next = if number == usize::MAX - 1 { self.doors.len() } else { number + 1 };
        let descriptor = connection.wire.stream.as_raw_fd();
        clients.parked.insert(number, Parked { connection, pause, since: Instant::now() });
        // Whoever takes no answers may have sent more: that is not looked at, or the hub would never sleep.
        let interest = if pause == Pause::Write { Interest::WRITABLE } else { Interest::READABLE };
        if pause == Pause::Others {
            clients.blocked += 1;
            drop(clients);
            // The leader must not sleep as long as it meant to.
            let _ = self.waker.wake();
        } else if let Err(error) = self.registry.register(&mut SourceFd(&descriptor), Token(number), interest) {
            tracing::warn!(%error, "a connection was dropped");
            let dropped = clients.take(number);
            drop(clients);
            dropped.into_iter().for_each(|connection| self.end(connection, Ended::Gone));
        }
    }

    /// Takes up a client that has something to say.
    fn pick_up(&self, number: usize) {
        let mut clients = self.clients();
        if let Some(connection) = clients.take(number) {
            self.forget(&connection);
            clients.ready.push_back(connection);
            self.ready.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn forget(&self, connection: &Connection) {
        // One that was not registered needs nothing.
        let _ = self.registry.deregister(&mut SourceFd(&connection.wire.stream.as_raw_fd()));
    }

    /// Takes up those that wait for others, and those whose time is over.
    fn sweep(&self) {
        let due = |parked: &Parked| match parked.pause {
            Pause::Others => true,
            _ => parked.since.elapsed() > DEADLINE && parked.connection.is_overdue(),
        };
        let numbers: Vec<usize> = {
            let clients = self.clients();
            clients.parked.iter().filter(|(_, parked)| due(parked)).map(|(number, _)| *number).collect()
        };
        numbers.into_iter().for_each(|number| self.pick_up(number));
    }

    fn end(&self, connection: Connection, ended: Ended) {
        tracing::debug!(client = connection.session.client(), %ended, "a connection is over");
        // What it held is released before it counts as gone.
        drop(connection);
        self.clients().count -= 1;
    }
}

impl Clients {
    fn take(&mut self, number: usize) -> Option<Connection> {
        let Parked { connection, pause, .. } = self.parked.remove(&number)?;
        self.blocked -= usize::from(pause == Pause::Others);
        Some(connection)
    }
}

impl Turns for Hub {
    fn are_waited_for(&self) -> bool {
        self.ready.load(Ordering::Relaxed) > 0 || self.stopped.load(Ordering::Relaxed)
    }

    fn take_seat(&self) -> bool {
        let room = |seats| (seats < SEATS).then_some(seats + 1);
        self.seats.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    fn leave_seat(&self) {
        self.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A thread is over, however it ended.
struct Left<'a>(&'a Hub);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let _guard = self.0.ended.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.threads.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.1.notify_all();
    }
}

/// A new client, and who it is.
fn greet(stream: UnixStream, door: &Door) -> io::Result<Connection> {
    let client = client_name(&stream);
    tracing::info!(%client, "a client connected");
    let wire = Wire::new(stream);
    let sink: Arc<dyn Sink> = Arc::clone(&wire) as _;
    Connection::new(wire, Session::new(Arc::clone(&door.readers), sink, client, PATIENCE))
}

/// Program, process and user at the other end, as far as the operating system tells.
#[cfg(target_os = "linux")]
fn client_name(stream: &UnixStream) -> Arc<str> {
    let Ok(peer) = rustix::net::sockopt::socket_peercred(stream) else { return Arc::from("unknown") };
    let pid = peer.pid.as_raw_nonzero();
    let program = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let program: String = program.trim_end().chars().filter(|c| !c.is_control()).take(32).collect();
    Arc::from(format!("{program} pid {pid} uid {}", peer.uid.as_raw()).trim_start())
}

#[cfg(not(target_os = "linux"))]
fn client_name(_: &UnixStream) -> Arc<str> {
    Arc::from("unknown")
}
