//! Signatures: the card's command beside the bare private operation of its engine, and of the `rsa` crate, in the same run.
//! The first ratio is what padding, hashing, reading the key and the card's own check cost.

use benches::{SIGN, ready, transmit};
use card_os::platform::{Engine, MODULUS};
use criterion::{Criterion, criterion_group, criterion_main};
use rsa::{BoxedUint, PrivateKey, hazmat::rsa_decrypt};
use sim::{fixed::FixedEngine, rng::SimRng, sample};
use std::hint::black_box;

fn sign(c: &mut Criterion) {
    let mut group = c.benchmark_group("sign RSA-2048");
    group.sample_size(30);
    let mut card = ready();
    group.bench_function("card, COMPUTE DIGITAL SIGNATURE", |b| b.iter(|| transmit(&mut card, black_box(SIGN))));
    let key = &sample::keys()[0];
    let (mut engine, mut rng) = (FixedEngine::default(), SimRng::seeded(1));
    let (mut input, mut output) = ([0x5A; MODULUS], [0; MODULUS]);
    input[0] = 0;
    group.bench_function("engine on fixed limbs, blinded and checked", |b| {
        b.iter(|| engine.private(key, black_box(&input), &mut output, &mut rng));
    });
    let [p, q] = [&key.p, &key.q].map(|prime| BoxedUint::from_be_slice_vartime(prime));
    let rival = PrivateKey::from_p_q(p, q, 65_537u64.into()).expect("a key");
    let number = BoxedUint::from_be_slice(&input, 2048).expect("fits");
    group.bench_function("rival: rsa crate, blinded", |b| {
        b.iter(|| rsa_decrypt(Some(&mut rng), &rival, black_box(&number)));
    });
    group.finish();
}

criterion_group!(benches, sign);
criterion_main!(benches);
