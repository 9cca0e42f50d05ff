//! One signature, for whoever measures how much stack it takes: `card-os/engine/stack`.
//!
//! ```text
//! stack make FILE             a key
//! stack run FILE touch        touches 65,536 bytes of stack where the others begin: what lies below is to be subtracted
//! stack run FILE prepare      makes it ready
//! stack run FILE sign         and signs twice: the first time draws a blinding pair
//! ```

use engine::{Components, ComponentsMut, Generated, PrivateKey, arithmetic::Portable, generate, limbs};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{fs, hint::black_box, process::ExitCode};

const PRIME: usize = limbs(1024);
const MODULUS: usize = limbs(2048);

fn make(file: &str) {
    let key: Generated<PRIME, MODULUS> = generate(Portable, &mut ChaCha20Rng::seed_from_u64(3)).expect("a key");
    let mut bytes = vec![0; 256 + 5 * 128];
    let (n, primes) = bytes.split_at_mut(256);
    let mut parts = primes.chunks_exact_mut(128);
    let mut part = || parts.next().expect("five");
    key.write(&mut ComponentsMut { n, p: part(), q: part(), dp: part(), dq: part(), qinv: part() }).expect("room");
    fs::write(file, bytes).expect("the file can be written");
}

fn run(file: &str, what: &str) {
    let bytes = fs::read(file).expect("a file made by `stack make`");
    let (n, primes) = bytes.split_at(256);
    let mut parts = primes.chunks_exact(128);
    let mut part = || parts.next().expect("five");
    let components = Components { n, p: part(), q: part(), dp: part(), dq: part(), qinv: part() };
    // The key is the caller's, not the stack's.
    let mut place = Box::new(None);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    if what == "touch" {
        touch();
    } else {
        prepare(&components, &mut place);
    }
    if let ("sign", Some(key)) = (what, place.as_mut()) {
        sign(key, &mut rng);
        sign(key, &mut rng);
    }
    black_box(place);
}

#[inline(never)]
fn touch() {
    black_box([1u8; 1 << 16]);
}

#[inline(never)]
fn prepare(components: &Components<'_>, place: &mut Option<PrivateKey<PRIME, MODULUS>>) {
    *place = Some(PrivateKey::new(components).expect("a key"));
}

#[inline(never)]
fn sign(key: &mut PrivateKey<PRIME, MODULUS>, rng: &mut ChaCha20Rng) {
    let mut output = [0; 256];
    key.private(&[7; 256], &mut output, rng).expect("signs");
    black_box(output);
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", file] => make(file),
        ["run", file, what @ ("touch" | "prepare" | "sign")] => run(file, what),
        _ => {
            eprintln!("stack make FILE | run FILE touch|prepare|sign");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
