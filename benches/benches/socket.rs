//! One four-byte command through the PC/SC socket. The rival is the same command to the same slot without a socket, so the
//! difference is what the socket costs.

use benches::{QUERY, SELECT};
use criterion::Criterion;
use sim::{
    pcsc::{PcscReader, Server},
    reader::Reader,
    sample,
    slot::{LocalReader, Slot},
};
use std::{hint::black_box, sync::Arc, time::Duration};

fn readers(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("pcsc");
    let slot = Slot::new("Bench reader");
    slot.insert(Box::new(sample::issued(true)));
    let _server = Server::bind(&path, vec![Arc::clone(&slot)]).expect("binds");
    let mut socket = PcscReader::open(&path, None).expect("opens");
    let mut local = LocalReader::new(slot);

    let mut group = criterion.benchmark_group("socket");
    let readers: [(&str, &mut dyn Reader); 2] = [("PC/SC", &mut socket), ("none", &mut local)];
    for (name, reader) in readers {
        reader.transmit(SELECT).expect("answers");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let answer = reader.transmit(black_box(QUERY)).expect("answers");
                assert_eq!(answer, [0x63, 0xC3]);
            });
        });
    }
    group.finish();
}

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    let mut criterion = criterion.configure_from_args();
    readers(&mut criterion);
    criterion.final_summary();
}
