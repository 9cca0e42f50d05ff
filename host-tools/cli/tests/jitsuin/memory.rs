//! What a program that serves a card keeps of secrets: nothing outside of the card's own memory.
//!
//! After every command all writable memory of the program is searched for pieces of marked secrets, and so are the card's file, the
//! trace and what was said. What the optimiser spilt in a release build is out of reach of this; stacks are searched as they are.
#![cfg(target_os = "linux")]

use crate::support::{SIGN_PIN, Serve, World, until};
use memchr::memmem;
use sim::{
    pcsc::PcscReader,
    reader::Reader,
    slot::{LocalReader, Slot},
    vpcd::Listener,
};
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
};
use trial::journal::Journal;

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
/// Passwords that stand nowhere else, neither in this order of bytes nor in the other.
const MARKS: [&[u8; 16]; 3] = [b"QZ7XKW3VJ9GM5PYU", b"4HTN8RBD6ECL2FSA", b"W0QJ7ZPX1VKY9UGH"];
/// The allocator overwrites the first bytes of what is given back; this much of a password is left of it, and is no chance.
const PIECE: usize = 5;
/// Bytes of a key that are looked for together.
const KEY_PIECE: usize = 16;
/// Bytes of an image before the flash, and after it.
const IMAGE_HEADER: usize = 20;
const IMAGE_CHECKSUM: usize = 32;
/// Bytes of a modulus.
const MODULUS: usize = 256;

/// A card in its program, and what is looked for.
struct Watched {
    world: World,
    card: String,
    serving: Serve,
    trace: PathBuf,
}

impl Watched {
    fn serve(world: World, card: String, doors: &[&str]) -> Watched {
        let trace = world.file("trace.jsonl");
        let options = [doors, &["--trace", trace.to_str().expect("plain")]].concat();
        let serving = world.serve(&card, &options);
        Watched { world, card, serving, trace }
    }

    fn image(&self) -> Vec<u8> {
        fs::read(self.world.image(&self.card)).expect("an image")
    }

    /// `secret` stands in so many places of the program's memory and of the image, no piece of it stands elsewhere, and none in the trace.
    #[track_caller]
    fn look(&self, after: &str, secret: &[u8], piece: usize, places: usize) {
        // The answer is out before the program has put its things away.
        until(&format!("{places} places of a secret and no pieces of it, after {after}"), || {
            let found = writable(self.serving.id()).into_iter().map(|bytes| search(&bytes, secret, piece));
            found.fold((0, 0), |sum, found| (sum.0 + found.0, sum.1 + found.1)) == (places, 0)
        });
        let (found, pieces) = search(&self.image(), secret, piece);
        assert_eq!((found, pieces), (places, 0), "places in the image after {after}");
        let trace = fs::read(&self.trace).expect("a trace");
        for text in [secret.to_vec(), hex::encode(secret).into(), hex::encode_upper(secret).into()] {
            assert_eq!(search(&trace, &text, 2 * piece.min(8)), (0, 0), "in the trace after {after}");
        }
    }

    /// None of the passwords but this one, which the card has, stands anywhere.
    #[track_caller]
    fn look_for_marks(&self, after: &str, stored: Option<&[u8; 16]>) {
        for mark in MARKS {
            self.look(after, mark, PIECE, usize::from(stored == Some(mark)));
        }
    }
}

/// All memory that the program may write to.
fn writable(program: u32) -> Vec<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{program}/maps")).expect("Linux");
    let mut memory = File::open(format!("/proc/{program}/mem")).expect("a child's memory may be read");
    let mut found = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|modes| modes.starts_with("rw"))) {
        let range = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [begin, end] = [range.0, range.1].map(|number| u64::from_str_radix(number, 16).expect("hexadecimal"));
        let mut bytes = vec![0; usize::try_from(end - begin).expect("fits")];
        memory.seek(SeekFrom::Start(begin)).expect("there");
        // What was unmapped in the meantime holds nothing.
        if memory.read_exact(&mut bytes).is_ok() {
            found.push(bytes);
        }
    }
    found
}

/// How often `secret` stands there whole, and how many pieces of it stand elsewhere, in either order of bytes.
fn search(memory: &[u8], secret: &[u8], piece: usize) -> (usize, usize) {
    let turned: Vec<u8> = secret.iter().rev().copied().collect();
    let places = |needle: &[u8]| memmem::find_iter(memory, needle).collect::<Vec<_>>();
    let whole = places(secret);
    let covered = |at: usize| whole.iter().any(|from| (*from..from + secret.len()).contains(&at));
    let pieces = secret.windows(piece).flat_map(&places).filter(|at| !covered(*at)).count();
    (whole.len(), pieces + turned.windows(piece).flat_map(&places).count())
}

fn verify(value: &[u8]) -> Vec<u8> {
    [&[0x00, 0x20, 0x00, 0x9B, value.len() as u8], value].concat()
}

fn change(value: &[u8]) -> Vec<u8> {
    [&[0x00, 0x24, 0x01, 0x9B, value.len() as u8], value].concat()
}

#[test]
fn the_search_finds_what_is_there() {
    let memory = [&[0; 100][..], MARKS[0], &[1; 30], &MARKS[0][11..], &[2; 9]].concat();
    assert_eq!(search(&memory, MARKS[0], PIECE), (1, 1));
    let turned: Vec<u8> = memory.into_iter().rev().collect();
    assert_eq!(search(&turned, MARKS[0], PIECE).0, 0);
    assert_eq!(search(&turned, MARKS[0], PIECE).1, 12 + 1);
}

/// A life at this reader: passwords presented, changed and changed again, signatures, resets.
fn live(watched: &Watched, reader: &mut dyn Reader) {
    let mut tell = |what: &str, command: &[u8], sw: [u8; 2]| {
        let answer = reader.transmit(command).expect("answers");
        assert!(answer.ends_with(&sw), "{what}: {answer:02X?}");
    };
    let (done, [first, second, wrong]) = ([0x90, 0x00], MARKS);
    tell("SELECT", SELECT, done);
    tell("VERIFY", &verify(SIGN_PIN.as_bytes()), done);
    watched.look_for_marks("VERIFY with the first password", None);
    tell("CHANGE", &change(first), done);
    watched.look_for_marks("CHANGE to the first mark", Some(first));
    tell("wrong VERIFY", &verify(wrong), [0x63, 0xC4]);
    watched.look_for_marks("VERIFY with a wrong value", Some(first));
    tell("VERIFY", &verify(first), done);
    watched.look_for_marks("VERIFY with the first mark", Some(first));
    tell("CHANGE", &change(second), done);
    watched.look_for_marks("CHANGE to the second mark", Some(second));
    tell("short command", &[0x00], [0x67, 0x00]);
    tell("VERIFY", &verify(second), done);
    tell("a signature", b"\x80\x2A\x00\x9A\x06abcdef\x00", done);
    watched.look_for_marks("a signature", Some(second));
    reader.reset().expect("resets");
    watched.look_for_marks("a warm reset", Some(second));
    reader.power_off().expect("powers off");
    watched.look_for_marks("power off", Some(second));
}

#[test]
fn no_password_stays_in_a_program_behind_its_own_socket() {
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let watched = Watched::serve(world, card, &["--pcsc", socket.to_str().expect("plain")]);
    let mut reader = PcscReader::open(&socket, None).expect("opens");
    reader.power_on().expect("powers");
    live(&watched, &mut reader);
}

#[test]
fn no_password_stays_in_a_program_behind_vpcd() {
    let world = World::new();
    let card = world.issue(&[]);
    let slot = Slot::new("vpcd");
    let listener = Listener::bind("127.0.0.1:0", Arc::clone(&slot), false).expect("a port");
    let watched = Watched::serve(world, card, &["--vpcd", &listener.address().to_string()]);
    until("the card is in the slot", || slot.state().present);
    let mut reader = LocalReader::new(slot);
    reader.power_on().expect("powers");
    live(&watched, &mut reader);
}

/// The secret halves of every private key in an image, in pieces.
fn key_pieces(image: &[u8]) -> Vec<Vec<u8>> {
    let journal = Journal::read(&image[IMAGE_HEADER..image.len() - IMAGE_CHECKSUM]).expect("a journal");
    let mut pieces = Vec::new();
    for (key, head) in journal.living() {
        // The head of an object: bank and length.
        let &[bank, 0x03, 0x80] = *head else { continue };
        let blocks = (0..4).flat_map(|block| journal.get((key & 0xFF00) | u16::from(bank + block)).expect("a block"));
        let whole: Vec<u8> = blocks.copied().collect();
        assert_eq!(whole.len(), MODULUS + 5 * MODULUS / 2, "a private key");
        // No piece goes from one block into the next.
        assert_eq!(240 % KEY_PIECE, 0);
        pieces.extend(whole[MODULUS..].chunks(KEY_PIECE).map(<[u8]>::to_vec));
    }
    pieces
}

/// What an engine leaves of a key with which it has signed, on its stack above all, is not searched here: something is. (docs/assurance.md)
#[test]
fn no_private_key_stands_outside_the_flash_before_it_signs() {
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let watched = Watched::serve(world, card, &["--pcsc", socket.to_str().expect("plain")]);
    let pieces = key_pieces(&watched.image());
    assert!(pieces.len() >= 2 * 40, "pieces of two keys at least: {}", pieces.len());
    let mut reader = PcscReader::open(&socket, None).expect("opens");
    reader.power_on().expect("powers");
    for command in
        [SELECT, &verify(SIGN_PIN.as_bytes()), &change(MARKS[0]), &verify(MARKS[1]), &[0x00, 0xB0, 0x9A, 0x00, 0x00]]
    {
        reader.transmit(command).expect("answers");
        until(&format!("each piece of a key in the flash alone, in its own order, after {command:02X?}"), || {
            let memory = writable(watched.serving.id());
            pieces.iter().all(|piece| {
                let found = memory.iter().map(|bytes| search(bytes, piece, KEY_PIECE));
                found.fold((0, 0), |sum, found| (sum.0 + found.0, sum.1 + found.1)) == (1, 0)
            })
        });
    }
}
