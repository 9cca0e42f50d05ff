//! One four-byte command through the PC/SC socket, beside the same command through the slot in this process.

use benches::{QUERY, SELECT};
use criterion::{Criterion, criterion_group, criterion_main};
use sim::{
    pcsc::{PcscReader, Server},
    reader::Reader,
    sample,
    slot::{LocalReader, Slot},
};
use std::{hint::black_box, sync::Arc};

fn round_trip(c: &mut Criterion) {
    let mut group = c.benchmark_group("round trip");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pcsc");
    let slot = Slot::new("Bench");
    slot.insert(Box::new(sample::issued(true)));
    let _server = Server::bind(&path, vec![Arc::clone(&slot)]).expect("binds");
    let mut socket = PcscReader::open(&path, None).expect("opens");
    let mut local = LocalReader::new(Arc::clone(&slot));
    local.transmit(SELECT).expect("selects");
    group.bench_function("slot in this process", |b| b.iter(|| local.transmit(black_box(QUERY)).expect("answers")));
    group.bench_function("PC/SC socket", |b| b.iter(|| socket.transmit(black_box(QUERY)).expect("answers")));
    group.finish();
}

criterion_group!(benches, round_trip);
criterion_main!(benches);
