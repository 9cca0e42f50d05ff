//! What is left on the stack after the card has answered: nothing of what it deciphered.
//!
//! A command is answered in a thread of its own, deep in its stack, and the thread then reads all of that stack, as a fault or a later
//! command that reads what it never wrote would. Other builds than that of the tests may leave copies that the optimiser made, in the
//! hash function above all; those are out of reach of safe code.
#![cfg(target_os = "linux")]

use card_os::{
    Card, Response, cbc, mgf1,
    platform::{Engine, MODULUS},
    profile::{JPKI, TEXT},
    scp03::{Level, Secret16},
};
use rsa::{BoxedUint, Oaep, PublicKey};
use sha2::Sha256;
use sim::{
    backend::{AnyEngine, Backend},
    card::{Direct, Simulated},
    engine::RsaEngine,
    issuer::{Issuer, test_keys},
    reader::{Reader, ReaderError},
    rng::SimRng,
    sample::{self, AUTHENTICATION_PIN, FACE_NUMBER_A, SIGNATURE_PASSWORD},
};
use std::{
    fs::{self, File},
    hint::black_box,
    io::{Read, Seek, SeekFrom},
};

/// Bytes of stack between what is watched and who watches, so that the watcher overwrites none of it.
const DEPTH: usize = 1 << 15;

/// The stack of a thread after it did something.
fn stack_after(act: impl FnOnce() + Send) -> Vec<u8> {
    let watched = || {
        deep(act);
        stack()
    };
    std::thread::scope(|scope| scope.spawn(watched).join().expect("does it"))
}

#[inline(never)]
fn deep(act: impl FnOnce()) {
    let between = black_box([0u8; DEPTH]);
    act();
    black_box(between);
}

/// Everything in this thread's stack, what lies below the living part included.
fn stack() -> Vec<u8> {
    let here = 0u8;
    let here = (&raw const here).addr() as u64;
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux");
    let range = |line: &str| {
        let (begin, end) = line.split_once(' ')?.0.split_once('-')?;
        Some((u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
    };
    let (begin, end) =
        maps.lines().filter_map(range).find(|(begin, end)| (begin..end).contains(&&here)).expect("mapped");
    let mut memory = File::open("/proc/self/mem").expect("Linux");
    memory.seek(SeekFrom::Start(begin)).expect("there");
    let mut bytes = vec![0; usize::try_from(end - begin).expect("fits")];
    memory.read_exact(&mut bytes).expect("readable");
    bytes
}

/// Whether sixteen bytes of a secret in a row, from any sixteenth on, stand there in this or in the other order of bytes.
fn holds(stack: &[u8], secret: &[u8]) -> bool {
    secret.chunks_exact(16).any(|part| {
        let turned: Vec<u8> = part.iter().rev().copied().collect();
        stack.windows(16).any(|window| window == part || window == turned)
    })
}

fn transmit(card: &mut Simulated, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

#[test]
fn the_watcher_sees_what_was_left() {
    #[inline(never)]
    fn leave(secret: &[u8]) {
        let mut copy = [0; 64];
        copy.copy_from_slice(secret);
        black_box(copy);
    }
    let secret: Vec<u8> = (0..64).map(|byte| byte * 3 + 1).collect();
    assert!(holds(&stack_after(|| leave(&secret)), &secret));
    assert!(!holds(&stack_after(|| {}), &secret));
}

/// Every engine that runs here.
fn backends() -> impl Iterator<Item = Backend> {
    Backend::ALL.into_iter().filter(|backend| backend.is_available())
}

/// A card whose form-filling application is selected and whose PIN there is verified.
fn verified(backend: Backend) -> Simulated {
    let engine = AnyEngine::with(backend).expect("available");
    let issued = sample::issued(true).into_nvm();
    let mut card = Card::mount(issued, engine, SimRng::seeded(9)).map_err(|(error, _)| error).expect("mounts");
    card.power_on();
    let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x0A], TEXT.aid].concat();
    assert_eq!(transmit(&mut card, &select), [0x90, 0x00]);
    let verify = [&[0x00, 0x20, 0x00, 0x91, 0x04], AUTHENTICATION_PIN.as_bytes()].concat();
    assert_eq!(transmit(&mut card, &verify), [0x90, 0x00]);
    card
}

fn set_session_key(cryptogram: &[u8]) -> Vec<u8> {
    [&[0x80, 0xAE, 0x00, 0x00, 0x00, 0x01, 0x00], cryptogram].concat()
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "about the code, not about the optimiser")]
fn nothing_of_a_deciphered_block() {
    let cryptogram: [u8; MODULUS] = std::array::from_fn(|at| at as u8);
    let mut block = [0; MODULUS];
    RsaEngine::default()
        .private(&sample::keys()[1], &cryptogram, &mut block, &mut SimRng::seeded(1))
        .expect("deciphers");
    // And what the card makes of it: OAEP's masks taken off.
    let mut unmasked = block.to_vec();
    let (seed, rest) = unmasked[1..].split_at_mut(32);
    mgf1::mask(rest, seed);
    mgf1::mask(seed, rest);
    let (command, mut answer) = (set_session_key(&cryptogram), Vec::new());
    for backend in backends() {
        let mut card = verified(backend);
        let stack = stack_after(|| answer = transmit(&mut card, &command));
        assert_eq!(answer, [0x6A, 0x80]);
        assert!(!holds(&stack, &block), "{backend:?}: the block");
        assert!(!holds(&stack, &unmasked[1..]), "{backend:?}: the block without its masks");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "about the code, not about the optimiser")]
fn nothing_of_an_enciphered_value() {
    let mut card = verified(Backend::best());
    let seed: [u8; 32] = std::array::from_fn(|at| (at as u8) * 5 + 1);
    let modulus = BoxedUint::from_be_slice_vartime(&sample::keys()[1].n);
    let public = PublicKey::new(modulus, 65_537u64.into()).expect("a key");
    let block = [&[0xA0, 0x22, 0x80, 0x20], &seed[..]].concat();
    let cryptogram = public.encrypt(&mut SimRng::seeded(1), Oaep::<Sha256>::new(), &block).expect("enciphers");
    let (command, mut answer) = (set_session_key(&cryptogram), Vec::new());
    let stack = stack_after(|| answer = transmit(&mut card, &command));
    assert_eq!(answer, [0x90, 0x00]);
    assert!(!holds(&stack, &seed), "the session key");
    let key = Secret16::new(*seed.first_chunk().expect("sixteen"));
    let mut value: heapless::Vec<u8, 64> = heapless::Vec::new();
    value.extend_from_slice(FACE_NUMBER_A.as_bytes()).expect("room");
    let mut padded = [FACE_NUMBER_A.as_bytes(), &[0x80, 0, 0, 0]].concat();
    cbc::encrypt(&key, key.encrypt(&1u128.to_be_bytes()), &mut value).expect("room");
    let command = [&[0x08, 0x20, 0x00, 0x94, 0x13, 0x86, 0x11, 0x01], &value[..]].concat();
    let stack = stack_after(|| answer = transmit(&mut card, &command));
    assert_eq!(answer, [0x90, 0x00]);
    assert!(!holds(&stack, &padded), "the value");
    padded.truncate(12);
    padded.extend_from_slice(&[0; 4]);
    assert!(!holds(&stack, &padded), "the value where it is compared");
}

/// A right value is followed by a write, which overwrites much of the stack; a wrong one by nothing.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "about the code, not about the optimiser")]
fn nothing_of_the_pin_that_a_wrong_value_was_held_against() {
    let mut card = verified(Backend::best());
    let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x0A], JPKI.aid].concat();
    assert_eq!(transmit(&mut card, &select), [0x90, 0x00]);
    let mut answer = Vec::new();
    let stack = stack_after(|| answer = transmit(&mut card, b"\x00\x20\x00\x9B\x06WRONG0"));
    assert_eq!(answer, [0x63, 0xC4]);
    let padded = [SIGNATURE_PASSWORD.as_bytes(), &[0; 10]].concat();
    assert!(!holds(&stack, &padded), "the PIN where it is compared");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "about the code, not about the optimiser")]
fn nothing_of_a_cryptogram_in_cbc() {
    // The last block is the one that nothing overwrites.
    let secret: Vec<u8> = (0..63).map(|byte| byte * 3 + 1).chain([0x80]).collect();
    let key = Secret16::new([0xC3; 16]);
    let mut data: Box<heapless::Vec<u8, 128>> = Box::default();
    data.extend_from_slice(&secret[..63]).expect("room");
    cbc::encrypt(&key, [0; 16], &mut data).expect("room");
    let stack = stack_after(|| cbc::decrypt(&key, [0; 16], &mut data).expect("holds"));
    assert_eq!(data[..], secret[..63]);
    assert!(!holds(&stack, &secret), "deciphered");
    let stack = stack_after(|| cbc::encrypt(&key, [0; 16], &mut data).expect("room"));
    assert!(!holds(&stack, &secret), "enciphered");
}

/// A reader that writes down what was sent.
struct Tape {
    card: Direct<sim::nvm::Torn<sim::nvm::Flash>, AnyEngine, SimRng>,
    sent: Vec<Vec<u8>>,
}

impl Reader for Tape {
    fn power_on(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.card.power_on()
    }

    fn reset(&mut self) -> Result<Vec<u8>, ReaderError> {
        self.card.reset()
    }

    fn power_off(&mut self) -> Result<(), ReaderError> {
        self.card.power_off()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.sent.push(command.to_vec());
        self.card.transmit(command)
    }
}

/// The stack after a card was told what an issuer told another one that is the same.
fn stack_after_issuer(act: impl FnOnce(&mut Issuer<'_>)) -> Vec<u8> {
    let mut card = sample::issued(true);
    card.power_on();
    let mut tape = Tape { card: Direct(card.fork()), sent: Vec::new() };
    act(&mut Issuer::open(&mut tape, &test_keys(), Level::FULL, &mut SimRng::seeded(3)).expect("opens"));
    // On this one nothing but its own code runs.
    stack_after(|| {
        for command in &tape.sent {
            assert!(transmit(&mut card, command).ends_with(&[0x90, 0x00]));
        }
    })
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "about the code, not about the optimiser")]
fn nothing_of_a_value_that_the_issuer_sent() {
    let stack = stack_after_issuer(|issuer| issuer.reset_retry_counter(0x011B, b"NEWSECRET1").expect("resets"));
    let padded = [&[0x01, 0x1B, 0x0A], &b"NEWSECRET1"[..], &[0x80, 0, 0]].concat();
    assert!(!holds(&stack, &padded));
    // And where the answer, which stands in the same place, does not overwrite it.
    let value: Vec<u8> = (0..77).map(|byte| byte * 3 + 1).collect();
    let stack = stack_after_issuer(|issuer| issuer.store(0x0502, &value).expect("stores"));
    assert!(!holds(&stack, &[&[0x05, 0x02, 77], &value[..]].concat()));
}
