//! The codec: one command in, one command out, one walk over TLV.

use apdu::{
    Command,
    tlv::{Rules, ber},
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    let short = hex(b"00A4040C0AD392F000260100000001");
    let extended = [&[0x00, 0xB0, 0x00, 0x00, 0x00, 0x08, 0x00][..], &[0x5A; 2048], &[0x00, 0x00]].concat();
    for (name, bytes) in [("short", &short), ("extended, 2048 bytes", &extended)] {
        group.bench_function(format!("parse {name}"), |b| b.iter(|| Command::parse(black_box(bytes))));
        let command = Command::parse(bytes).expect("well formed");
        let mut out = vec![0; bytes.len()];
        group.bench_function(format!("encode {name}"), |b| b.iter(|| black_box(&command).encode(&mut out)));
    }
    // Three levels deep, as in a certificate-sized template.
    let inner = [&[0x5F, 0x4E, 0x82, 0x01, 0x29][..], &[1; 297], &[0x5F, 0x37, 0x82, 0x01, 0x00], &[2; 256]].concat();
    let template = [&[0x7F, 0x21, 0x82, 0x02, 0x33][..], &inner].concat();
    group.bench_function("walk a card-verifiable certificate", |b| {
        b.iter(|| {
            ber::Reader::new(black_box(&template), Rules::Card).flatten().fold(0, |sum, outer| {
                ber::Reader::new(outer.value, Rules::Card).flatten().fold(sum, |sum, object| sum + object.value.len())
            })
        });
    });
    group.finish();
}

fn hex(text: &[u8]) -> Vec<u8> {
    let digit = |c: u8| if c.is_ascii_digit() { c - b'0' } else { c - b'A' + 10 };
    text.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

criterion_group!(benches, codec);
criterion_main!(benches);
