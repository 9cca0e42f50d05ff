//! Three clients of two readers, who send any messages, leave and come back, while cards are put in and taken out. What they
//! hold is what the slots say, every answer has its length, and when all have left nothing is held.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sim::{
    pcsc::{Inbox, PinPad, Port, Pressed, Readers, Session, Sink, Taken},
    slot::{Disposition, Share, Silence, Slot, Usage, VirtualCard},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Acts that count.
const ACTS: usize = 200;
const CLIENTS: usize = 3;

/// Answers what it was sent, and nothing to a command that begins with FF.
struct Echo;

impl VirtualCard for Echo {
    fn atr(&self) -> Vec<u8> {
        vec![0x3B, 0x80, 0x01, 0x81]
    }

    fn power_on(&mut self) {}

    fn power_off(&mut self) {}

    fn reset(&mut self) {}

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        if command.first() == Some(&0xFF) { Err(Silence::Mute) } else { Ok([command, &[0x90, 0x00]].concat()) }
    }
}

#[derive(Default)]
struct Received(Mutex<Vec<u8>>);

impl Received {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Received {
    fn send(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }
}

struct Client {
    session: Session,
    received: Arc<Received>,
}

impl Client {
    fn new(readers: &Arc<Readers>) -> Client {
        let received = Arc::new(Received::default());
        let sink = Arc::clone(&received) as Arc<dyn Sink>;
        Client { session: Session::new(Arc::clone(readers), sink, Arc::from("fuzz"), Duration::ZERO), received }
    }

    /// Sends one message; gives the answer.
    fn send(&mut self, message: &[u8]) -> Vec<u8> {
        self.received.take();
        let mut inbox = Inbox::default();
        let mut left = message;
        while !left.is_empty() {
            let space = inbox.space();
            let length = space.len().min(left.len());
            space[..length].copy_from_slice(&left[..length]);
            inbox.arrived(length);
            left = &left[length..];
        }
        match inbox.frame() {
            Ok(Some(frame)) => {
                // Nobody is waited for here; only a PIN pad would make it wait, and the holder gives up then.
                let _: Taken = self.session.take(&frame);
                self.received.take()
            }
            _ => Vec::new(),
        }
    }
}

/// Reads acts out of the input; what is missing is zero.
struct Acts<'a>(&'a [u8]);

impl Acts<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number that may be one of those handed out.
    fn word(&mut self, known: &[u32]) -> u32 {
        match self.byte() {
            small @ 0..=0x3F => u32::from(small),
            wild @ 0xF8..=0xFF => u32::from(wild).wrapping_mul(0x0101_0101) << (wild % 3),
            number if known.is_empty() => u32::from(number),
            number => known[usize::from(number) % known.len()],
        }
    }
}

const NAMES: [&str; 3] = ["Reader 0", "Reader 1", "Reader 2"];

/// Size of the fixed part of a message, as the protocol has it.
fn size(command: u8) -> usize {
    match command {
        0x01 | 0x06 | 0x08 | 0x11 => 12,
        0x02 | 0x07 | 0x0B | 0x0D => 8,
        0x04 => 152,
        0x05 | 0x0A => 24,
        0x09 => 32,
        0x0F | 0x10 => 280,
        _ => 0,
    }
}

fn message(command: u8, acts: &mut Acts<'_>, known: &[u32]) -> Vec<u8> {
    let mut body = Vec::new();
    if command == 0x04 {
        body.extend_from_slice(&acts.word(known).to_ne_bytes());
        let mut name = NAMES[usize::from(acts.byte()) % 3].as_bytes().to_vec();
        name.resize(128, 0);
        body.extend_from_slice(&name);
    }
    let fixed = size(command);
    while body.len() < fixed {
        // Attributes and names are long: only the first words of a message are worth choosing.
        let word = if body.len() < 32 || command == 0x04 { acts.word(known) } else { 0 };
        body.extend_from_slice(&word.to_ne_bytes());
    }
    let at = match command {
        0x09 => Some(12),
        0x0A => Some(8),
        _ => None,
    };
    let mut data = Vec::new();
    if let Some(at) = at {
        data = (0..acts.byte() % 64).map(|_| acts.byte()).collect();
        body[at..at + 4].copy_from_slice(&u32::try_from(data.len()).expect("short").to_ne_bytes());
        if command == 0x09 {
            body[24..28].copy_from_slice(&300u32.to_ne_bytes());
        }
    }
    let size = u32::try_from(fixed).expect("short");
    [&size.to_ne_bytes()[..], &u32::from(command).to_ne_bytes(), &body, &data].concat()
}

fuzz_target!(|data: &[u8]| {
    let slots = [Slot::new(NAMES[0]), Slot::new(NAMES[1])];
    let pad = PinPad::new();
    let ports =
        vec![Port::from(Arc::clone(&slots[0])), Port { slot: Arc::clone(&slots[1]), pin_pad: Some(Arc::clone(&pad)) }];
    let readers = Readers::new(ports);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(&readers)).collect();
    let (mut acts, mut known) = (Acts(data), Vec::new());
    for _ in 0..ACTS {
        if acts.0.is_empty() {
            break;
        }
        let act = acts.byte();
        let client = usize::from(act) % CLIENTS;
        match acts.byte() {
            command @ 0x00..=0x1F => {
                pad.press(Pressed::Cancel);
                let message = message(command, &mut acts, &known);
                let answer = clients[client].send(&message);
                check(command, &message, &answer);
                // Contexts and handles that were handed out.
                let at = match command {
                    0x01 => 4,
                    0x04 => 140,
                    _ => usize::MAX,
                };
                if let Some(Ok(id)) = answer.get(at..at.saturating_add(4)).map(TryInto::try_into) {
                    known.push(u32::from_ne_bytes(id));
                }
            }
            0x20..=0x3F => drop(slots[usize::from(act) % 2].insert(Box::new(Echo))),
            0x40..=0x5F => drop(slots[usize::from(act) % 2].remove()),
            0x60..=0x6F => drop(slots[usize::from(act) % 2].power_off()),
            0x70..=0x7F => drop(slots[usize::from(act) % 2].reset()),
            _ => clients[client] = Client::new(&readers),
        }
        let held: usize = clients.iter().map(|client| client.session.holds().1).sum();
        let told: usize = slots.iter().map(|slot| users(slot)).sum();
        assert_eq!(held, told, "handles and what the slots say of them");
    }
    drop(clients);
    for slot in slots {
        assert_eq!(users(&slot), 0);
        let mut last = slot.connect(Share::Direct).expect("nobody holds it");
        last.begin().expect("nobody's transaction is open");
        last.end(Disposition::Leave).expect("its own is");
    }
});

fn users(slot: &Slot) -> usize {
    match slot.state().usage {
        Usage::Exclusive => 1,
        Usage::Shared(count) => count as usize,
    }
}

/// An answer has the length that its message has.
fn check(command: u8, message: &[u8], answer: &[u8]) {
    let word = |at: usize| {
        answer.get(at..at + 4).map_or(0, |bytes| u32::from_ne_bytes(bytes.try_into().expect("four"))) as usize
    };
    let expected = match command {
        0x09 if word(28) == 0 => 32 + word(24),
        0x0A => 24 + word(16),
        0x12 | 0x17 => 16 * 184,
        // Told with states in older protocols; both, and the record, may be due or not.
        0x13 | 0x14 => return assert!([0, 8, 16 * 184].contains(&answer.len()), "{command:02X}"),
        0x15 => 8,
        0x16 => 4,
        _ => size(command),
    };
    // A message that asks for two things at once, its own wait's end among them, is told of both.
    let surplus = answer.len().checked_sub(expected);
    assert!(matches!(surplus, Some(0 | 8)), "{command:02X}: {} for {} bytes", answer.len(), message.len());
}
