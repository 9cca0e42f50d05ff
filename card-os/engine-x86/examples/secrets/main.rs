//! Shows that no branch and no address depends on a secret: valgrind is told that the secrets are undefined memory, and reports every
//! decision taken on such. Run by `card-os/engine-x86/secrets` and, for VERIFY, by `benches/secrets`; both also compare instruction
//! counts.
//!
//! ```text
//! secrets undefined                under memcheck: every back end that valgrind can run, and a leak that must be seen
//! secrets verify FILE              under memcheck: VERIFY by a card, from a file that `benches/secrets` makes
//! secrets count BACKEND EXPONENT   under callgrind: one exponentiation, exponents of any shape
//! ```

use engine::{
    Components, ComponentsMut, Generated, PrivateKey,
    arithmetic::{Arithmetic, Kernel, Opens, Pairs, Portable},
    generate,
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::Natural,
};
use engine_x86::{adx::Adx, ifma::Modelled};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::{fs, hint::black_box, process::ExitCode};
use valgrind::{defined, errors, is_tainted, on_valgrind, undefined, undefined_prime};

mod valgrind;
mod verify;

/// An arithmetic that tells valgrind when a value is no secret any more: what opens a signature is the input again, and
/// comparing it is the engine's business.
#[derive(Debug, Clone, Copy)]
struct Watched<A>(A);

impl<A: Arithmetic> Arithmetic for Watched<A> {
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, carry: Limb) -> Limb {
        self.0.row(t, a, q, carry)
    }

    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb {
        self.0.short_row(t, a, q)
    }

    fn multiply<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, b: &Natural<N>, m: &Natural<N>, k: Limb) {
        self.0.multiply(wide, a, b, m, k);
    }

    fn square<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, m: &Natural<N>, k: Limb) {
        self.0.square(wide, a, m, k);
    }
}

impl<const N: usize, A: Pairs<N>> Pairs<N> for Watched<A> {
    type Pair = A::Pair;

    fn pair(self, p: &Modulus<N, Self>, q: &Modulus<N, Self>) -> A::Pair {
        self.0.pair(&inner(p), &inner(q))
    }

    fn powers(
        self,
        pair: &A::Pair,
        [p, q]: [&Modulus<N, Self>; 2],
        bases: [&Natural<N>; 2],
        exponents: [&[Limb]; 2],
    ) -> [Natural<N>; 2] {
        self.0.powers(pair, [&inner(p), &inner(q)], bases, exponents)
    }
}

impl<const M: usize, A: Opens<M>> Opens<M> for Watched<A> {
    type Opening = A::Opening;

    fn opening(self, n: &Modulus<M, Self>) -> A::Opening {
        self.0.opening(&inner(n))
    }

    fn open(self, opening: &A::Opening, n: &Modulus<M, Self>, base: &Natural<M>) -> Natural<M> {
        let mut opened = self.0.open(opening, &inner(n), base);
        defined(&mut opened);
        opened
    }
}

/// The same modulus for the arithmetic inside.
fn inner<const N: usize, A: Arithmetic>(modulus: &Modulus<N, Watched<A>>) -> Modulus<N, A> {
    Modulus::with(modulus.arithmetic().0, modulus.value()).expect("was one before")
}

/// A key, the same one each time: n, p, q, dp, dq, qinv in big-endian bytes.
fn key() -> [Vec<u8>; 6] {
    let made: Generated<16, 32> = generate(Portable, &mut ChaCha20Rng::seed_from_u64(3)).expect("a key");
    let mut numbers = [256, 128, 128, 128, 128, 128].map(|length| vec![0; length]);
    let [n, p, q, dp, dq, qinv] = &mut numbers;
    made.write(&mut ComponentsMut { n, p, q, dp, dq, qinv }).expect("room");
    numbers
}

/// Signs with everything of the key undefined but n and what every prime has; gives the reports.
fn sign<A: Kernel<16, 32>>(arithmetic: A, blind_exponents: bool) -> usize {
    let before = errors();
    let [n, mut p, mut q, mut dp, mut dq, mut qinv] = key();
    undefined_prime(&mut p);
    undefined_prime(&mut q);
    undefined(&mut dp);
    undefined(&mut dq);
    undefined(&mut qinv);
    let components = Components { n: &n, p: &p, q: &q, dp: &dp, dq: &dq, qinv: &qinv };
    let mut key = PrivateKey::<16, 32, _>::with(Watched(arithmetic), &components).expect("a key");
    if blind_exponents {
        key = key.blinding_exponents();
    }
    let (mut rng, mut output) = (ChaCha20Rng::seed_from_u64(1), [0; 256]);
    for round in 0..2 {
        key.private(&[round + 1; 256], &mut output, &mut rng).expect("signs");
    }
    let reports = errors() - before;
    // The secrets must have reached the signature, else nothing was shown.
    assert!(is_tainted(&output), "the signature depends on nothing undefined: the run shows nothing");
    reports
}

/// Two exponentiations with bases, exponents and moduli undefined.
fn powers<A: Pairs<16>>(arithmetic: A) -> usize {
    let before = errors();
    let [_, mut p, mut q, ..] = key();
    undefined_prime(&mut p);
    undefined_prime(&mut q);
    let [p, q] = [p, q].map(|bytes| {
        let value = engine::natural::from_be_bytes::<16>(&bytes).expect("128 bytes");
        Modulus::with(arithmetic, &value).expect("odd, top bit set")
    });
    let (mut bases, mut exponents) = ([[3; 16], [5; 16]], [[7; 17], [9; 17]]);
    bases.iter_mut().for_each(|base| undefined(base));
    exponents.iter_mut().for_each(|exponent| undefined(exponent));
    let pair = arithmetic.pair(&p, &q);
    black_box(arithmetic.powers(&pair, [&p, &q], bases.each_ref(), exponents.each_ref().map(|exponent| &exponent[..])));
    errors() - before
}

/// Square and multiply as nobody should: a branch on every bit of the exponent.
fn leaky() -> usize {
    let before = errors();
    let [_, p, ..] = key();
    let modulus = Modulus::<16>::new(&engine::natural::from_be_bytes(&p).expect("128 bytes")).expect("a prime");
    let mut exponent: [Limb; 1] = [0x5555_5555_5555_5555];
    undefined(&mut exponent);
    let mut power = modulus.one();
    for bit in (0..64).rev() {
        power = modulus.square(&power);
        if exponent[0] >> bit & 1 == 1 {
            power = modulus.multiply(&power, &[3; 16]);
        }
    }
    black_box(power);
    errors() - before
}

fn adx() -> Adx {
    if on_valgrind() {
        // SAFETY: valgrind since 3.10 executes these instructions, whatever its CPUID says.
        return unsafe { Adx::assume() };
    }
    Adx::detect().expect("a processor with ADX")
}

fn everything() -> ExitCode {
    let control = leaky();
    let rows = [
        ("portable, signature", sign(Portable, false)),
        ("portable, signature with blinded exponents", sign(Portable, true)),
        ("portable, two powers", powers(Portable)),
        ("adx, signature", sign(adx(), false)),
        ("adx, two powers", powers(adx())),
        ("ifma on the model, signature", sign(Modelled::new(), false)),
        ("ifma on the model, two powers", powers(Modelled::new())),
    ];
    println!("{:<48} {control} (must not be 0)", "control: a branch on the exponent");
    let mut clean = control > 0;
    for (name, reports) in rows {
        println!("{name:<48} {reports}");
        clean &= reports == 0;
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn count(backend: &str, shape: &str) -> Option<()> {
    // Drawn whatever the shape, so that drawing does not count.
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let random = [(); 16].map(|()| rng.next_u64());
    let mut exponent = [0; 16];
    match shape {
        "one" => exponent[0] = 1,
        "top" => exponent[15] = 1 << (limb::BITS - 1),
        "ones" => exponent = [Limb::MAX; 16],
        "random" => exponent = random,
        _ => return None,
    };
    fn run<A: Pairs<16>>(arithmetic: A, exponent: &[Limb]) {
        let [_, p, q, ..] = key();
        let [p, q] = [p, q].map(|bytes| {
            Modulus::with(arithmetic, &engine::natural::from_be_bytes(&bytes).expect("128 bytes")).expect("a prime")
        });
        let pair = arithmetic.pair(&p, &q);
        black_box(arithmetic.powers(&pair, [&p, &q], [&[3; 16], &[5; 16]], [exponent, exponent]));
    }
    match backend {
        "portable" => run(Portable, &exponent),
        "adx" => run(adx(), &exponent),
        "model" => run(Modelled::new(), &exponent),
        _ => return None,
    }
    Some(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["undefined" | "verify", ..] if !on_valgrind() => {
            eprintln!("secrets: not under valgrind; run card-os/engine-x86/secrets or benches/secrets");
        }
        ["undefined"] => return everything(),
        ["verify", file] => return verify::rows(&fs::read(file).expect("a file that `instructions make` made")),
        ["count", backend, shape] if count(backend, shape).is_some() => return ExitCode::SUCCESS,
        _ => eprintln!("secrets undefined | verify FILE | count portable|adx|model one|top|ones|random"),
    }
    ExitCode::FAILURE
}
