//! Every back end computes what the portable one does, on random numbers and on numbers made of long runs of ones and noughts,
//! where carries run. Back ends that this processor lacks are named as not tested.

use engine::{
    arithmetic::{Arithmetic, Kernel, Portable},
    limb::Limb,
    modulus::Modulus,
    natural::Natural,
};
use engine_x86::ifma::Modelled;
#[cfg(target_arch = "x86_64")]
use engine_x86::{
    adx::Adx,
    ifma::{Ifma, Lone},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// A number of random limbs, or of random runs of ones and noughts.
fn number<const N: usize>(rng: &mut ChaCha20Rng) -> Natural<N> {
    let mut limbs = [0; N];
    if rng.next_u32().is_multiple_of(3) {
        for limb in &mut limbs {
            *limb = rng.next_u64();
        }
        return limbs;
    }
    let (mut at, mut bit) = (0, rng.next_u32() & 1);
    while at < 64 * N {
        let end = (at + 1 + rng.next_u32() as usize % 150).min(64 * N);
        for place in at..end {
            limbs[place / 64] |= Limb::from(bit) << (place % 64);
        }
        (at, bit) = (end, 1 - bit);
    }
    limbs
}

/// An odd one with the top bit set.
fn modulus<const N: usize, A: Arithmetic>(arithmetic: A, rng: &mut ChaCha20Rng) -> Modulus<N, A> {
    let mut m = number::<N>(rng);
    m[0] |= 1;
    m[N - 1] |= 1 << 63;
    Modulus::with(arithmetic, &m).expect("odd, top bit set")
}

/// One size of one back end.
fn agree<const N: usize, const M: usize, A: Kernel<N, M>>(arithmetic: A, rounds: u64) {
    for round in 0..rounds {
        // The same numbers for both.
        let draw = || ChaCha20Rng::seed_from_u64(round);
        let (mut rng, mut again) = (draw(), draw());
        let own = [modulus::<N, A>(arithmetic, &mut rng), modulus(arithmetic, &mut rng)];
        let portable = [modulus::<N, _>(Portable, &mut again), modulus(Portable, &mut again)];
        let (a, b) = (number(&mut rng), number(&mut rng));
        for (own, portable) in own.iter().zip(&portable) {
            assert_eq!(own.value(), portable.value());
            let reduced = |x: &Natural<N>| portable.reduced(x);
            assert_eq!(reduced(&own.multiply(&a, &b)), reduced(&portable.multiply(&a, &b)), "{round}: product");
            assert_eq!(reduced(&own.square(&a)), reduced(&portable.square(&a)), "{round}: square");
            assert_eq!(reduced(&own.square(&b)), reduced(&own.multiply(&b, &b)), "{round}: square as product");
        }
        // Exponents as they are, and longer by a blinding factor.
        let exponents = [number::<M>(&mut rng), number::<M>(&mut rng)];
        for length in [N, N + 1] {
            let exponents = [&exponents[0][..length], &exponents[1][..length]];
            let pair = arithmetic.pair(&own[0], &own[1]);
            let powers = arithmetic.powers(&pair, [&own[0], &own[1]], [&a, &b], exponents);
            let expected = [portable[0].power(&a, exponents[0]), portable[1].power(&b, exponents[1])];
            for at in 0..2 {
                assert_eq!(portable[at].leave(&powers[at]), portable[at].leave(&expected[at]), "{round}: power {at}");
            }
        }
        let exponents = [number(&mut rng), number(&mut rng)];
        let pair = arithmetic.pair(&own[0], &own[1]);
        let powers = arithmetic.powers_of_two(&pair, [&own[0], &own[1]], exponents.each_ref());
        for at in 0..2 {
            let expected = portable[at].power_of_two(&exponents[at]);
            assert_eq!(portable[at].leave(&powers[at]), portable[at].leave(&expected), "{round}: power of two {at}");
        }
        let (own, portable) = (modulus::<M, A>(arithmetic, &mut draw()), modulus::<M, _>(Portable, &mut draw()));
        let base = number::<M>(&mut rng);
        let opened = arithmetic.open(&arithmetic.opening(&own), &own, &base);
        assert_eq!(portable.leave(&opened), portable.leave(&portable.power_f4(&base)), "{round}: open");
    }
}

/// JITSUIN_ROUNDS, if set, takes the place of `rounds`: for slow processors.
fn all_sizes<A: Kernel<16, 32> + Kernel<24, 48> + Kernel<32, 64>>(arithmetic: A, rounds: u64) {
    let rounds = match std::env::var("JITSUIN_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("JITSUIN_ROUNDS is a number"),
        Err(_) => rounds,
    };
    agree::<16, 32, A>(arithmetic, rounds);
    agree::<24, 48, A>(arithmetic, rounds / 2);
    agree::<32, 64, A>(arithmetic, rounds / 4);
}

#[test]
fn the_model_of_the_vectors_agrees() {
    all_sizes(Modelled::new(), 8);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_rows_agree() {
    match Adx::detect() {
        Some(adx) => all_sizes(adx, 200),
        None => println!("*** NOT TESTED *** this processor has no ADX"),
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_vectors_agree() {
    match Ifma::detect() {
        Some(ifma) => all_sizes(ifma, 400),
        None => println!("*** NOT TESTED *** this processor has no AVX-512 IFMA; the same algorithm ran on the model"),
    }
}

/// The vectors with nothing but portable code around them: also for processors whose adox is not to be trusted.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_vectors_alone_agree() {
    match Lone::detect() {
        Some(lone) => all_sizes(lone, 40),
        None => println!("*** NOT TESTED *** this processor has no AVX-512 IFMA; the same algorithm ran on the model"),
    }
}
