//! The card without its arithmetic: what a fuzzer and a client's many small commands cost.

use benches::{QUERY, READ, SELECT, VERIFY, ready, transmit};
use card_os::Card;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sim::{fixed::FixedEngine, rng::SimRng};
use std::hint::black_box;

fn commands(c: &mut Criterion) {
    let mut group = c.benchmark_group("card");
    for (name, command) in [("SELECT", SELECT), ("READ BINARY, 256 bytes", READ), ("VERIFY, query", QUERY)] {
        let mut card = ready();
        group.bench_function(name, |b| b.iter(|| transmit(&mut card, black_box(command))));
    }
    // Writes to the journal, so each run gets a card that has written as much as the one before.
    let card = ready();
    group.bench_function("VERIFY, right value", |b| {
        b.iter_batched_ref(|| card.fork(), |card| transmit(card, black_box(VERIFY)), BatchSize::SmallInput);
    });
    group.finish();
}

fn snapshots(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot");
    let card = ready();
    group.bench_function("take", |b| b.iter(|| card.fork()));
    // What a fuzzer does between two inputs.
    let mut worn = card.fork();
    group.bench_function("restore and send one command", |b| {
        b.iter(|| {
            worn = card.fork();
            transmit(&mut worn, black_box(QUERY))
        });
    });
    group.bench_function("mount from flash", |b| {
        b.iter_batched(
            || card.nvm().clone(),
            |flash| Card::mount(flash, FixedEngine::default(), SimRng::seeded(1)).map_err(|(error, _)| error),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, commands, snapshots);
criterion_main!(benches);
