//! Where the scenario is played: a reader, a card that can be moved, and clients that write the protocol's bytes themselves.

use crate::{clients::pcscd::Pcscd, support::until};
use sim::{
    pcsc::Server,
    slot::{Silence, Slot, VirtualCard},
    vpcd::Vpcd,
};
use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

/// What keeps a door open.
enum Door {
    Own {
        _server: Server,
    },
    /// For vpcd a card is there as long as it is connected.
    Pcscd {
        card: Option<Vpcd>,
        daemon: Pcscd,
    },
}

pub(super) struct Stage {
    clients: BTreeMap<String, Client>,
    path: PathBuf,
    reader: &'static str,
    slot: Arc<Slot>,
    /// How long the server may be about its own affairs after a card moved or a client died, or before a wait.
    settling: Duration,
    door: Door,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(super) fn own() -> Stage {
        const READER: &str = "Jitsuin Virtual Reader 00 00";
        Self::new(READER, 30, |path, slot| Door::Own { _server: Server::bind(path, vec![slot]).expect("binds") })
    }

    pub(super) fn pcscd() -> Stage {
        Self::new(Pcscd::READER, 150, |path, _| Door::Pcscd { card: None, daemon: Pcscd::start(path) })
    }

    fn new(reader: &'static str, settling: u64, door: impl FnOnce(&Path, Arc<Slot>) -> Door) -> Stage {
        let folder = tempfile::tempdir().expect("folder");
        let (path, slot) = (folder.path().join("pcsc"), Slot::new(reader));
        let door = door(&path, Arc::clone(&slot));
        Stage {
            clients: BTreeMap::new(),
            path,
            reader,
            slot,
            settling: Duration::from_millis(settling),
            door,
            _folder: folder,
        }
    }

    /// Does what a line says, and tells what is heard.
    pub(super) fn play(&mut self, line: &str, patience: Duration) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["scene", ..] => self.begin(),
            ["card", "insert"] => self.insert(),
            ["card", "remove"] => self.remove(),
            ["reader"] => return self.state(),
            [who, "dies"] => self.bury(who),
            [who, "speaks", minor] => {
                let client = Client::open(&self.path, minor.parse().expect("a number"));
                let said = client.spoken();
                self.clients.insert(who.into(), client);
                return said;
            }
            [who, "borrows", other] => {
                let handle = self.client(other).handle;
                self.client(who).handle = handle;
            }
            [who, "cancels", other] => {
                let context = self.client(other).context;
                return self.client(who).ask(0x0D, &[context, 0], patience);
            }
            [who, ref request @ ..] => {
                if request == ["wait"] {
                    thread::sleep(self.settling * 4);
                }
                let reader = self.reader;
                return self.client(who).request(request, reader, patience);
            }
            [] => {}
        }
        String::new()
    }

    /// A new scene: all clients go, and a new card lies in the reader.
    fn begin(&mut self) {
        self.clients.clear();
        until("everybody is gone", || self.state().ends_with("free"));
        self.remove();
        self.insert();
    }

    fn insert(&mut self) {
        self.slot.insert(Box::new(Memory("fresh")));
        if let Door::Pcscd { card, daemon } = &mut self.door {
            let slot = Arc::clone(&self.slot);
            *card = Some(Vpcd::attach(&daemon.address, slot, false).expect("attaches"));
        }
        until("the card is seen", || self.state().starts_with("card"));
        thread::sleep(self.settling);
    }

    fn remove(&mut self) {
        if let Door::Pcscd { card, .. } = &mut self.door {
            *card = None;
        }
        self.slot.remove();
        until("the card is gone", || self.state().starts_with("empty"));
        thread::sleep(self.settling);
    }

    /// A client goes without a word; the daemon notices in its own time.
    fn bury(&mut self, who: &str) {
        let before = self.state();
        let connected = self.clients.remove(who).is_some_and(|client| client.handle != 0);
        until("the dead are noticed", || !connected || self.state() != before);
        thread::sleep(self.settling);
    }

    fn client(&mut self, who: &str) -> &mut Client {
        assert!(who.chars().all(|letter| letter.is_ascii_uppercase()), "{who} is nobody");
        self.clients.entry(who.into()).or_insert_with(|| Client::open(&self.path, 4))
    }

    /// What anybody may know of the reader.
    fn state(&self) -> String {
        let states = Client::open(&self.path, 4).states();
        let own = states.chunks_exact(184).find(|state| state.starts_with(self.reader.as_bytes()));
        let own = own.expect("the reader is there");
        let (flags, sharing) = (word(own, 132), word(own, 136));
        let card = if flags & 0x04 != 0 { "card" } else { "empty" };
        let power = if flags & 0x10 != 0 { " powered" } else { "" };
        let usage = match sharing {
            0 => "free".to_owned(),
            u32::MAX => "exclusive".to_owned(),
            count => format!("shared {count}"),
        };
        format!("{card}{power} {usage}")
    }
}

/// A card that remembers how its session began, until it is told something.
struct Memory(&'static str);

impl VirtualCard for Memory {
    fn atr(&self) -> Vec<u8> {
        vec![0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14]
    }

    fn power_on(&mut self) {
        self.0 = "cold";
    }

    fn power_off(&mut self) {}

    fn reset(&mut self) {
        self.0 = "warm";
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        if command == KEEP {
            self.0 = "kept";
        }
        Ok([self.0.as_bytes(), &[0x90, 0x00]].concat())
    }
}

const KEEP: [u8; 4] = [0x80, 0x01, 0x00, 0x00];
const TELL: [u8; 4] = [0x80, 0x02, 0x00, 0x00];

/// A connection with one context and at most one handle.
struct Client {
    stream: UnixStream,
    context: u32,
    handle: u32,
    minor: u32,
    /// What the version was answered with.
    version: Option<[u32; 3]>,
    /// The request that is not answered yet, and the size of its answer.
    pending: Option<(u32, usize)>,
}

impl Client {
    fn open(path: &Path, minor: u32) -> Client {
        let stream = UnixStream::connect(path).expect("connects");
        let mut client = Client { stream, context: 0, handle: 0, minor, version: None, pending: None };
        client.send(0x11, &[4, minor, 0], &[]);
        client.version = client.read(12, Duration::from_secs(10)).ok().map(|said| [0, 4, 8].map(|at| word(&said, at)));
        // A server may insist on a version of its own.
        client.minor = client.version.map_or(minor, |[_, minor, _]| minor);
        client.send(0x01, &[2, 0, 0], &[]);
        client.context = client.read(12, Duration::from_secs(10)).map_or(0, |said| word(&said, 4));
        client
    }

    fn spoken(&self) -> String {
        match self.version {
            Some([major, minor, code]) => format!("{major}:{minor} {}", name(code)),
            None => "hangs up".into(),
        }
    }

    fn request(&mut self, words: &[&str], reader: &str, patience: Duration) -> String {
        let handle = self.handle;
        if self.pending.is_some() && !matches!(words, ["then" | "stop"]) {
            return "waits for the answer before".into();
        }
        match *words {
            ["connect", share, ref protocol @ ..] => {
                let mut field = reader.as_bytes().to_vec();
                field.resize(128, 0);
                let (share, protocol) = (number(share), protocol.first().map_or(2, |one| number(one)));
                let tail = [share, protocol, 0, 0, 0].map(u32::to_ne_bytes).concat();
                let body = [&self.context.to_ne_bytes()[..], &field, &tail].concat();
                self.put(0x04, &body, 152);
                self.hear(patience)
            }
            ["reconnect", share, how] => self.ask(0x05, &[handle, number(share), 2, number(how), 0, 0], patience),
            ["disconnect", how] => self.ask(0x06, &[handle, number(how), 0], patience),
            ["begin"] => self.ask(0x07, &[handle, 0], patience),
            ["end", how] => self.ask(0x08, &[handle, number(how), 0], patience),
            ["keep"] => self.transmit(KEEP, patience),
            ["tell"] => self.transmit(TELL, patience),
            ["status"] => self.ask(0x0B, &[handle, 0], patience),
            ["release"] => self.ask(0x02, &[self.context, 0], patience),
            ["wait"] => {
                self.put(0x13, &[], 8);
                if self.minor < 6 {
                    self.read(16 * 184, Duration::from_secs(10)).expect("the states come at once");
                }
                self.hear(patience)
            }
            // The answer, if there is one, is that of the wait.
            ["stop"] => {
                self.put(0x14, &[], 8);
                let heard = self.hear(patience);
                self.pending = None;
                heard
            }
            ["then"] => self.hear(patience),
            _ => panic!("no such request: {words:?}"),
        }
    }

    /// A request whose answer has its size.
    fn ask(&mut self, command: u32, fields: &[u32], patience: Duration) -> String {
        let body: Vec<u8> = fields.iter().flat_map(|field| field.to_ne_bytes()).collect();
        self.put(command, &body, body.len());
        self.hear(patience)
    }

    fn transmit(&mut self, command: [u8; 4], patience: Duration) -> String {
        let fields = [self.handle, 2, 16, 4, 2, 16, 65_544, 0];
        self.send(0x09, &fields, &command);
        self.pending = Some((0x09, 32));
        self.hear(patience)
    }

    fn put(&mut self, command: u32, body: &[u8], answer: usize) {
        let words: Vec<u32> = body.chunks_exact(4).map(|four| word(four, 0)).collect();
        self.send(command, &words, &[]);
        self.pending = Some((command, answer));
    }

    /// The answer to the request before, if it comes in time.
    fn hear(&mut self, patience: Duration) -> String {
        let Some((command, size)) = self.pending else { return "nothing to hear".into() };
        let said = match self.read(size, patience) {
            Ok(said) => said,
            Err(ErrorKind::WouldBlock) => return "waits".into(),
            Err(_) => return "hangs up".into(),
        };
        self.pending = None;
        let code = word(&said, size - 4);
        match (command, code) {
            (0x04, 0) => self.handle = word(&said, 140),
            (0x09, 0) => {
                let response = self.read(word(&said, 24) as usize, patience).expect("the response follows");
                return match response.strip_suffix(&[0x90, 0x00]) {
                    Some(text) => format!("{} {}", name(code), String::from_utf8_lossy(text)),
                    None => format!("{} {response:02X?}", name(code)),
                };
            }
            _ => {}
        }
        name(code)
    }

    fn states(&mut self) -> Vec<u8> {
        self.send(0x12, &[], &[]);
        self.read(16 * 184, Duration::from_secs(10)).expect("the states")
    }

    fn send(&mut self, command: u32, fields: &[u32], tail: &[u8]) {
        let size = u32::try_from(fields.len() * 4).expect("a size");
        let head = [size, command].into_iter().chain(fields.iter().copied());
        let message: Vec<u8> = head.flat_map(u32::to_ne_bytes).chain(tail.iter().copied()).collect();
        // Whoever was hung up on hears it at the answer.
        let _ = self.stream.write_all(&message);
    }

    fn read(&mut self, size: usize, patience: Duration) -> Result<Vec<u8>, ErrorKind> {
        let mut said = vec![0; size];
        self.stream.set_read_timeout(Some(patience)).expect("a timeout");
        self.stream.read_exact(&mut said).map_err(|error| error.kind())?;
        Ok(said)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// A sharing mode, a disposition or a protocol; or a number that is none.
fn number(word: &str) -> u32 {
    match word {
        "leave" => 0,
        "exclusive" | "reset" | "T0" => 1,
        "shared" | "unpower" | "T1" => 2,
        "direct" | "eject" | "T0+T1" => 3,
        _ => word.parse().expect("a word or a number"),
    }
}

/// PC/SC's name of a result.
fn name(code: u32) -> String {
    let name = match code {
        0 => "SUCCESS",
        0x8010_0001 => "INTERNAL_ERROR",
        0x8010_0002 => "CANCELLED",
        0x8010_0003 => "INVALID_HANDLE",
        0x8010_0009 => "UNKNOWN_READER",
        0x8010_000A => "TIMEOUT",
        0x8010_000B => "SHARING_VIOLATION",
        0x8010_000C => "NO_SMARTCARD",
        0x8010_000F => "PROTO_MISMATCH",
        0x8010_0011 => "INVALID_VALUE",
        0x8010_0016 => "NOT_TRANSACTED",
        0x8010_0017 => "READER_UNAVAILABLE",
        0x8010_001D => "NO_SERVICE",
        0x8010_001E => "SERVICE_STOPPED",
        0x8010_001F => "UNSUPPORTED_FEATURE",
        0x8010_0066 => "UNRESPONSIVE_CARD",
        0x8010_0067 => "UNPOWERED_CARD",
        0x8010_0068 => "RESET_CARD",
        0x8010_0069 => "REMOVED_CARD",
        _ => return format!("{code:08X}"),
    };
    name.into()
}
