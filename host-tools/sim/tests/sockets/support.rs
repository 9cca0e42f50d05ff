//! A card that answers at once, a server for it, and a client that writes and reads raw bytes.

use sim::{
    pcsc::Server,
    slot::{Silence, Slot, VirtualCard},
};
use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Answers what it was sent, with 9000; counts resets and power cycles. A command that begins with FE takes its time.
#[derive(Default, Clone)]
pub(crate) struct Echo {
    pub(crate) resets: Arc<AtomicU32>,
    pub(crate) powers: Arc<AtomicU32>,
}

pub(crate) const ATR: [u8; 9] = [0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];

impl VirtualCard for Echo {
    fn atr(&self) -> Vec<u8> {
        ATR.to_vec()
    }

    fn power_on(&mut self) {
        self.powers.fetch_add(1, Ordering::SeqCst);
    }

    fn power_off(&mut self) {}

    fn reset(&mut self) {
        self.resets.fetch_add(1, Ordering::SeqCst);
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        if command.first() == Some(&0xFE) {
            thread::sleep(Duration::from_millis(700));
        }
        Ok([command, &[0x90, 0x00]].concat())
    }
}

pub(crate) struct Fixture {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) slot: Arc<Slot>,
    pub(crate) card: Echo,
    pub(crate) server: Server,
}

pub(crate) fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("pcsc");
    let (slot, card) = (Slot::new("Test reader"), Echo::default());
    slot.insert(Box::new(card.clone()));
    let server = Server::bind(&path, vec![Arc::clone(&slot)]).expect("binds");
    Fixture { _folder: folder, path, slot, card, server }
}

/// A client that writes and reads raw bytes.
pub(crate) struct Raw(pub(crate) UnixStream);

impl Raw {
    pub(crate) fn open(fixture: &Fixture) -> Raw {
        Raw::connect_to(&fixture.path)
    }

    pub(crate) fn connect_to(path: &Path) -> Raw {
        let stream = UnixStream::connect(path).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("timeout");
        Raw(stream)
    }

    pub(crate) fn send(&mut self, command: u32, fields: &[u32], tail: &[u8], size: usize) {
        let mut message = Vec::new();
        message.extend_from_slice(&u32::try_from(size).expect("size").to_ne_bytes());
        message.extend_from_slice(&command.to_ne_bytes());
        for field in fields {
            message.extend_from_slice(&field.to_ne_bytes());
        }
        message.extend_from_slice(tail);
        self.0.write_all(&message).expect("writes");
    }

    pub(crate) fn read(&mut self, size: usize) -> Vec<u8> {
        let mut answer = vec![0; size];
        self.0.read_exact(&mut answer).expect("answers");
        answer
    }

    pub(crate) fn words(&mut self, count: usize) -> Vec<u32> {
        self.read(count * 4).chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().expect("four"))).collect()
    }

    pub(crate) fn version(&mut self, minor: u32) -> u32 {
        self.send(0x11, &[4, minor, 0], &[], 12);
        self.words(3)[1]
    }

    pub(crate) fn context(&mut self) -> u32 {
        self.send(0x01, &[2, 0, 0], &[], 12);
        self.words(3)[1]
    }

    /// Handle and result.
    pub(crate) fn connect(&mut self, context: u32, share: u32) -> (u32, u32) {
        let mut body = context.to_ne_bytes().to_vec();
        let mut name = b"Test reader".to_vec();
        name.resize(128, 0);
        body.extend_from_slice(&name);
        for field in [share, 2, 0, 0, 0] {
            body.extend_from_slice(&u32::to_ne_bytes(field));
        }
        self.send(0x04, &[], &body, 152);
        let answer = self.read(152);
        let word = |at: usize| u32::from_ne_bytes(answer[at..at + 4].try_into().expect("four"));
        (word(140), word(148))
    }

    pub(crate) fn transmit(&mut self, handle: u32, apdu: &[u8]) -> (u32, Vec<u8>) {
        let length = u32::try_from(apdu.len()).expect("length");
        self.send(0x09, &[handle, 2, 16, length, 2, 16, 65_544, 0], apdu, 32);
        let head = self.words(8);
        let data = if head[7] == 0 { self.read(head[6] as usize) } else { Vec::new() };
        (head[7], data)
    }

    pub(crate) fn simple(&mut self, command: u32, fields: &[u32]) -> u32 {
        self.send(command, fields, &[], fields.len() * 4);
        *self.words(fields.len()).last().expect("a result")
    }

    pub(crate) fn is_closed(&mut self) -> bool {
        // Not one that keeps the client waiting.
        self.0.read(&mut [0; 1]).map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |count| count == 0)
    }
}

/// Waits for what comes about by itself.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
