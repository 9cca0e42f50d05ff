//! One connection of the peer: messages of the reader, worked off while it asks for the ATR all the time.

use super::frame::{receive, send};
use crate::slot::{Refused, Slot};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::{
    collections::VecDeque,
    io,
    net::TcpStream,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use zeroize::Zeroizing;

/// How often it is looked whether a command takes long.
const TICK: Duration = Duration::from_millis(20);
/// How long such a command's own thread may wait at its end until it reads again.
const GLANCE: Duration = Duration::from_millis(1);

/// Serves one connection until it ends.
pub(super) fn serve(stream: TcpStream, slot: &Slot) -> io::Result<()> {
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
            }
            before = now;
        }
    }

    /// Reads while this command runs, and answers questions for the ATR.
    fn stand_in(&self, slot: &Slot, command: u64) -> io::Result<()> {
        let mut waiting = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        while self.commands.load(Ordering::SeqCst) == command {
            match recv(&self.stream, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
                Ok((1.., _)) => {}
                Ok((0, _)) => return Ok(()),
                Err(Errno::AGAIN | Errno::INTR) => {
                    thread::sleep(GLANCE);
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
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
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        send(&self.stream, message)
    }
}

/// Does what the reader wants of the card; gives the answer, where there shall be one.
fn act(slot: &Slot, message: &[u8]) -> Option<Vec<u8>> {
    match message {
        [0] => drop(slot.power_off()),
        [1] => drop(slot.power_on()),
        [2] => drop(slot.reset()),
        command => return Some(slot.transmit(command).map_or_else(silence, carried)),
    }
    None
}

/// What a message carries of an answer: one that is longer, as a hostile card's may be, is cut off.
fn carried(mut answer: Vec<u8>) -> Vec<u8> {
    answer.truncate(usize::from(u16::MAX));
    answer
}

/// What a reader hears from a card that gives no answer: no precise diagnosis.
fn silence(_: Refused) -> Vec<u8> {
    vec![0x6F, 0x00]
}
