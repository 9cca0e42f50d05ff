//! The codec: commands both ways, and the certificate that every client takes apart first.

use apdu::Command;
use benches::{certificate, extended_command, short_command, walk};
use criterion::{Criterion, Throughput};
use std::{hint::black_box, time::Duration};

fn commands(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for (name, command) in [("short", short_command()), ("extended", extended_command())] {
        let mut buffer = [0; 512];
        let length = command.encode(&mut buffer).expect("fits");
        group.bench_function(format!("parse {name}"), |bencher| {
            bencher.iter(|| Command::parse(black_box(&buffer[..length])).expect("was encoded"));
        });
        let mut out = [0; 512];
        group.bench_function(format!("encode {name}"), |bencher| {
            bencher.iter(|| black_box(&command).encode(black_box(&mut out)));
        });
    }
    group.finish();
}

fn certificates(criterion: &mut Criterion) {
    let certificate = certificate().expect("fits");
    let mut group = criterion.benchmark_group("tlv");
    group.throughput(Throughput::Elements(walk(&certificate).expect("is DER") as u64));
    group.bench_function("certificate header", |bencher| bencher.iter(|| walk(black_box(&certificate))));
    group.finish();
}

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    let mut criterion = criterion.configure_from_args();
    commands(&mut criterion);
    certificates(&mut criterion);
    criterion.final_summary();
}
