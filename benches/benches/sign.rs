//! Signatures through the card, and the rows of `jitsuin bench sign` for every size of key: this project's back ends beside
//! whatever rivals the `bench` crate was built with.
//!
//! Through the card the rivals are the `rsa` crate alone with the same key, blinded as the card's engine is: once the bare
//! private operation, once with its own check of the result, which is what the card does too. What the card takes above
//! the second is the price of being a card.

use bench::{key, own, rivals, sign};
use benches::{SIGN, VERIFY, ready, transmit};
use card_os::{Response, platform::MODULUS};
use criterion::Criterion;
use rsa::{
    BoxedUint, PrivateKey,
    hazmat::{rsa_decrypt, rsa_decrypt_and_check},
};
use sim::{rng::SimRng, sample};
use std::{hint::black_box, time::Duration};

fn signatures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign");
    let (mut card, mut response) = (ready(sample::issued(true)), Response::new());
    transmit(&mut card, VERIFY, 0x9000, &mut response);
    group.bench_function("card, scheme 03", |bencher| {
        bencher.iter(|| transmit(&mut card, black_box(SIGN), 0x9000, &mut response));
    });

    let [key, _] = sample::keys();
    let [p, q] = [&key.p, &key.q].map(|prime| BoxedUint::from_be_slice_vartime(prime));
    let key = PrivateKey::from_p_q(p, q, 65_537u64.into()).expect("two primes");
    let mut input = [0x5A; MODULUS];
    input[0] = 0x00;
    let input = BoxedUint::from_be_slice(&input, 2048).expect("2048 bits");
    let mut rng = SimRng::seeded(1);
    group.bench_function("rsa crate, private operation", |bencher| {
        bencher.iter(|| rsa_decrypt(Some(&mut rng), &key, black_box(&input)).expect("below the modulus"));
    });
    group.bench_function("rsa crate, private operation and check", |bencher| {
        bencher.iter(|| rsa_decrypt_and_check(&key, Some(&mut rng), black_box(&input)).expect("below the modulus"));
    });
    group.finish();
}

fn back_ends(criterion: &mut Criterion) {
    let (own, rivals) = (own::chosen(&[]).expect("some"), rivals::chosen(&[]).expect("some"));
    for bits in key::SIZES {
        let mut group = criterion.benchmark_group(format!("sign-{bits}"));
        let key = key::Key::of(bits).expect("a key");
        for mut contender in sign::row(&key, &own, &rivals).expect("a row").contenders {
            group.bench_function(&contender.name, |bencher| {
                bencher.iter(|| {
                    contender.work.run().expect("signs");
                    contender.work.check().expect("as all others");
                });
            });
        }
        group.finish();
    }
}

fn main() {
    // A signature takes milliseconds: fewer samples over a longer time.
    let criterion = Criterion::default().sample_size(40).measurement_time(Duration::from_secs(6));
    let mut criterion = criterion.warm_up_time(Duration::from_secs(1)).configure_from_args();
    signatures(&mut criterion);
    back_ends(&mut criterion);
    criterion.final_summary();
}
