//! The card in process: commands, and what fuzzers and tests do between them.
//!
//! A command that changes memory is measured on a fresh duplicate each time, made outside the measured part. "Sustained" is
//! the same card all along: what the journal costs, its compaction included, is then in the mean.

use benches::{QUERY, READ, SELECT, VERIFY, ready, transmit};
use card_os::{Card, Response};
use criterion::{BatchSize, Criterion};
use sim::{
    backend::AnyEngine,
    card::Simulated,
    nvm::{Flash, Torn},
    rng::SimRng,
    sample,
};
use std::{hint::black_box, time::Duration};

fn mount(memory: Flash) -> Simulated {
    Card::mount(Torn::new(memory), AnyEngine::default(), SimRng::seeded(1))
        .map_err(|(error, _)| error)
        .expect("was mounted before")
}

fn commands(criterion: &mut Criterion, stored: &Simulated) {
    let mut group = criterion.benchmark_group("command");
    let mut response = Response::new();
    for (name, command, sw) in
        [("SELECT", SELECT, 0x9000), ("READ BINARY 256", READ, 0x9000), ("VERIFY query", QUERY, 0x63C3)]
    {
        let mut card = stored.fork();
        group.bench_function(name, |bencher| {
            bencher.iter(|| transmit(&mut card, black_box(command), sw, &mut response));
        });
    }
    group.bench_function("VERIFY right", |bencher| {
        let fresh = || stored.fork();
        bencher.iter_batched_ref(
            fresh,
            |card| transmit(card, black_box(VERIFY), 0x9000, &mut response),
            BatchSize::LargeInput,
        );
    });
    let mut card = stored.fork();
    group.bench_function("VERIFY right, sustained", |bencher| {
        bencher.iter(|| transmit(&mut card, black_box(VERIFY), 0x9000, &mut response));
    });
    group.finish();
}

fn snapshots(criterion: &mut Criterion, stored: &Simulated) {
    let mut group = criterion.benchmark_group("snapshot");
    group.bench_function("take", |bencher| bencher.iter_with_large_drop(|| black_box(stored).fork()));
    let mut card = stored.fork();
    group.bench_function("copied over", |bencher| bencher.iter(|| card = black_box(stored).fork()));
    group.bench_function("mount", |bencher| {
        bencher.iter_batched(|| stored.nvm().inner().clone(), mount, BatchSize::LargeInput);
    });
    group.finish();
}

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    let mut criterion = criterion.configure_from_args();
    let stored = ready(sample::issued(true));
    commands(&mut criterion, &stored);
    snapshots(&mut criterion, &stored);
    criterion.final_summary();
}
