//! Runs one operation a given number of times, to be counted by callgrind. See `benches/instructions`.
//!
//! ```text
//! instructions list                      names of the operations, and how often each is worth running
//! instructions make FILE                 an issued card and its key; making them costs seconds, hence apart
//! instructions run FILE NAME COUNT
//! instructions present FILE VALUE COUNT  VERIFY with this value, wrong or not, from the same state each time
//! instructions leak VALUE COUNT          what must be seen: a comparison that ends with the first wrong byte
//! ```
//!
//! What does not repeat is done whatever the count is, so that a run with count nought is what is to be subtracted.

use apdu::Command;
use bench::key::Key;
use benches::{QUERY, READ, SELECT, SIGN, VERIFY, certificate, extended_command, ready, short_command, transmit, walk};
use card_os::{
    Card, Response,
    platform::{Engine, MODULUS, PrivateKey},
    sign,
};
use sim::{
    backend::{AnyEngine, Backend},
    card::{MEMORY, Simulated},
    nvm::{Flash, Torn},
    rng::SimRng,
    sample,
    session::Session,
};
use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What a file made by `make` holds.
struct Stored {
    memory: Flash,
    key: PrivateKey,
    /// The file itself; keys of sizes that no card has lie beside it.
    file: PathBuf,
}

/// Where a key of so many bits lies.
fn beside(file: &Path, bits: usize) -> PathBuf {
    file.with_extension(bits.to_string())
}

type Operation = (&'static str, u32, fn(Stored, u32));

const OPERATIONS: [Operation; 15] = [
    ("parse-short", 1000, |_, count| parse(short_command(), count)),
    ("parse-extended", 1000, |_, count| parse(extended_command(), count)),
    ("encode-short", 1000, |_, count| encode(short_command(), count)),
    ("encode-extended", 1000, |_, count| encode(extended_command(), count)),
    ("certificate-header", 1000, |_, count| header(count)),
    ("select", 1000, |stored, count| command(stored, SELECT, 0x9000, count)),
    ("read-binary-256", 1000, |stored, count| command(stored, READ, 0x9000, count)),
    ("verify-query", 1000, |stored, count| command(stored, QUERY, 0x63C3, count)),
    // Few enough for the journal never to be full: compaction is counted by `mount` and by nobody else.
    ("verify-right", 100, |stored, count| command(stored, VERIFY, 0x9000, count)),
    ("snapshot", 100, snapshot),
    ("mount", 10, mounts),
    ("sign-card", 5, signatures),
    ("sign-engine-alone", 5, engine),
    ("sign-portable-3072", 2, |stored, count| larger(&stored, 3072, count)),
    ("sign-portable-4096", 1, |stored, count| larger(&stored, 4096, count)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list"] => OPERATIONS.iter().for_each(|(name, count, _)| println!("{name} {count}")),
        ["make", file] => make(file),
        ["run", file, name, count] => {
            let operation = OPERATIONS.iter().find(|(listed, _, _)| *listed == name);
            let (Some((_, _, run)), Ok(count)) = (operation, count.parse()) else { return usage() };
            run(read(file), count);
        }
        ["present", file, value, count] => {
            let Ok(count) = count.parse() else { return usage() };
            present(read(file), value, count);
        }
        ["leak", value, count] => {
            let Ok(count) = count.parse() else { return usage() };
            leak(value, count);
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("instructions list | make FILE | run FILE NAME COUNT | present FILE VALUE COUNT | leak VALUE COUNT");
    ExitCode::FAILURE
}

fn make(file: &str) {
    let [key, _] = sample::keys();
    let memory = sample::issued(true).into_nvm().into_inner();
    fs::write(file, [memory.bytes(), sign::to_bytes(key).as_ref()].concat()).expect("the file can be written");
    for bits in [3072, 4096] {
        Key::of(bits).and_then(|key| key.write(&beside(Path::new(file), bits))).expect("a key of this size");
    }
}

fn read(file: &str) -> Stored {
    let bytes = fs::read(file).expect("a file made by `instructions make`");
    let (memory, key) = bytes.split_at_checked(MEMORY).expect("a whole memory");
    let memory = Flash::from_bytes(memory.to_vec()).expect("a memory of the usual size");
    Stored { memory, key: sign::from_bytes(key.try_into().expect("a whole key")), file: file.into() }
}

/// Counts are to be those of any machine, whatever its processor has.
fn safe_engine() -> AnyEngine {
    AnyEngine::with(Backend::Portable).expect("runs everywhere")
}

fn mount(memory: Flash) -> Simulated {
    Card::mount(Torn::new(memory), safe_engine(), SimRng::seeded(1))
        .map_err(|(error, _)| error)
        .expect("was mounted before")
}

/// VERIFY of the signature password, by values of any length.
fn present(stored: Stored, value: &str, count: u32) {
    let mut session = Session::new(mount(stored.memory), safe_engine());
    session.transmit(SELECT).expect("it has power");
    let kept = session.snapshot();
    let command = [&[0x00, 0x20, 0x00, 0x9B, value.len() as u8], value.as_bytes()].concat();
    for _ in 0..count {
        session.restore(&kept);
        black_box(session.transmit(black_box(&command))).expect("it has power");
    }
}

/// The mistake that the count is there to find.
fn leak(value: &str, count: u32) {
    for _ in 0..count {
        let pairs = black_box(sample::SIGNATURE_PASSWORD).bytes().zip(black_box(value).bytes());
        black_box(pairs.take_while(|(one, other)| black_box(one) == black_box(other)).count());
    }
}

fn parse(command: Command<'_>, count: u32) {
    let mut buffer = [0; 512];
    let length = command.encode(&mut buffer).expect("fits");
    for _ in 0..count {
        black_box(Command::parse(black_box(&buffer[..length]))).expect("was encoded");
    }
}

fn encode(command: Command<'_>, count: u32) {
    let mut buffer = [0; 512];
    for _ in 0..count {
        black_box(&command).encode(black_box(&mut buffer)).expect("fits");
    }
}

fn header(count: u32) {
    let certificate = certificate().expect("fits");
    for _ in 0..count {
        black_box(walk(black_box(&certificate))).expect("is DER");
    }
}

fn command(stored: Stored, command: &[u8], sw: u16, count: u32) {
    let (mut card, mut response) = (ready(mount(stored.memory)), Response::new());
    for _ in 0..count {
        transmit(&mut card, black_box(command), sw, &mut response);
    }
}

fn snapshot(stored: Stored, count: u32) {
    let card = ready(mount(stored.memory));
    for _ in 0..count {
        black_box(card.fork());
    }
}

/// With the copy of the memory that the card then owns, some thousands of instructions in millions.
fn mounts(stored: Stored, count: u32) {
    for _ in 0..count {
        black_box(mount(stored.memory.clone()));
    }
}

fn signatures(stored: Stored, count: u32) {
    let (mut card, mut response) = (ready(mount(stored.memory)), Response::new());
    transmit(&mut card, VERIFY, 0x9000, &mut response);
    // The first signature prepares the key.
    transmit(&mut card, SIGN, 0x9000, &mut response);
    for _ in 0..count {
        transmit(&mut card, black_box(SIGN), 0x9000, &mut response);
    }
}

fn engine(stored: Stored, count: u32) {
    let (mut engine, mut rng) = (safe_engine(), SimRng::seeded(1));
    let (mut input, mut output) = ([0x5A; MODULUS], [0; MODULUS]);
    input[0] = 0x00;
    for _ in 0..=count {
        engine.private(&stored.key, black_box(&input), &mut output, &mut rng).expect("a usable key");
    }
    black_box(output);
}

/// A row of `jitsuin bench`. Sizes that no card has yet.
fn larger(stored: &Stored, bits: usize, count: u32) {
    let (row, key) = (format!("sign-{bits}"), beside(&stored.file, bits));
    bench::run::once(&row, "portable", count.into(), &key).expect("a key of this size");
}
