//! What a fuzzer in Rust gets: snapshots that are gone back to, and short lives of a card, alone and beside its model.
//!
//! A sequence is a start and eight commands, of which two write; restoring is part of it. `benches/sessions` puts a rival beside it.

use benches::{QUERY, READ, SELECT, VERIFY};
use criterion::{Criterion, Throughput};
use sim::session::Session;
use std::{hint::black_box, time::Duration};
use trial::{
    card::{NoEngine, issued, mount},
    watched::Watched,
};

/// Eight commands, and their status words.
const SEQUENCE: [(&[u8], u16); 8] = [
    (SELECT, 0x9000),
    (QUERY, 0x63C3),
    (b"\x00\x20\x00\x98\x049999", 0x63C2),
    (VERIFY, 0x9000),
    (READ, 0x9000),
    (b"\x00\x84\x00\x00\x08", 0x9000),
    (b"\x00\xB0\x81\x00\x04", 0x6982),
    (QUERY, 0x63C3),
];

fn run(session: &mut Session<NoEngine>) {
    for (command, sw) in SEQUENCE {
        let answer = session.transmit(black_box(command)).expect("it has power");
        assert!(answer.ends_with(&sw.to_be_bytes()), "{command:02X?} is answered {answer:02X?}");
    }
}

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    let mut session = Session::new(mount(issued()), NoEngine);
    let kept = session.snapshot();
    run(&mut session);
    let used = session.card().fork();
    let fresh = {
        session.restore(&kept);
        session.card().fork()
    };
    // There and back: both copies write what eight commands have changed.
    group.throughput(Throughput::Elements(2));
    group.bench_function("restore after eight commands", |bencher| {
        let mut card = used.fork();
        bencher.iter(|| {
            card.restore(black_box(&fresh));
            card.restore(black_box(&used));
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("eight commands", |bencher| {
        bencher.iter(|| {
            session.restore(&kept);
            run(&mut session);
        });
    });
    for (name, mut watched) in
        [("eight commands beside the model", Watched::whole()), ("the same, small memory", Watched::small())]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                watched.begin();
                SEQUENCE.iter().for_each(|(command, _)| watched.command(black_box(command)));
            });
        });
    }
    group.finish();
}

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    let mut criterion = criterion.configure_from_args();
    sessions(&mut criterion);
    criterion.final_summary();
}
