//! How long key generation takes: median and quartiles over fifty keys of 2048 bits, each the best of three runs, so that
//! whatever else the machine does counts little.

use engine::{Generated, arithmetic::Portable, generate, limb};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::time::Instant;

const PRIME: usize = 1024 / limb::BITS as usize;

fn main() {
    let best = |seed| {
        let run = |_| {
            let (mut rng, start) = (ChaCha20Rng::seed_from_u64(seed), Instant::now());
            let _key: Generated<PRIME, { 2 * PRIME }> = generate(Portable, &mut rng).expect("a key");
            start.elapsed().as_secs_f64() * 1e3
        };
        (0..3).map(run).fold(f64::MAX, f64::min)
    };
    let mut times: Vec<f64> = (0..50).map(best).collect();
    times.sort_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / 50.0;
    let [least, lower, median, upper, most] = [0, 12, 25, 37, 49].map(|at| times[at]);
    println!("ms: min {least:.1}, quartiles {lower:.1} {median:.1} {upper:.1}, max {most:.1}, mean {mean:.1}");
}
