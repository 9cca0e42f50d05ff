//! Every back end of the engine, on the same inputs, beside other implementations and published vectors. (rsa-engine.md §8)
//!
//! JITSUIN_AGREEMENT is the number of inputs (default 60); CI takes ten thousand, with OpenSSL among the judges.

mod back_ends;
mod encodings;
mod published;

use back_ends::back_ends;
use bench::key::Key;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use rsa::{BoxedUint, hazmat::rsa_decrypt};

/// Inputs below the modulus, random and where arithmetic breaks first: 0, 1, n − 1, multiples of a prime, runs of ones and noughts.
fn input(round: usize, key: &Key, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let [n, p, q, ..] = &key.numbers;
    let length = n.len();
    let mut input = vec![0; length];
    match round % 8 {
        _ if round == 0 => {}
        _ if round == 8 => input[length - 1] = 1,
        0 => {
            input.copy_from_slice(n);
            // n − 1, n − 3 and so on: n is odd, and its last byte is large enough for none or some of these.
            input[length - 1] -= 1;
            input[length - 2] = input[length - 2].saturating_sub((round / 8 - 2) as u8);
        }
        at @ (1 | 2) => {
            // A small multiple of a prime.
            let mut carry = 0u128;
            let (prime, factor) = (if at == 1 { p } else { q }, u128::from(rng.next_u64()));
            // The carry runs on above the prime, where nothing is.
            let digits = prime.iter().rev().copied().chain([0; 8]);
            for (place, digit) in input.iter_mut().rev().zip(digits) {
                carry += u128::from(digit) * factor;
                *place = carry as u8;
                carry >>= 8;
            }
        }
        3 | 4 => {
            let (mut bit, mut at) = (0u8, 1);
            while at < length {
                let end = (at + 1 + rng.next_u32() as usize % 30).min(length);
                input[at..end].fill(bit);
                (bit, at) = (!bit, end);
            }
        }
        _ => rng.fill_bytes(&mut input[1..]),
    }
    input
}

#[test]
fn all_back_ends_and_other_libraries_agree() {
    let rounds = std::env::var("JITSUIN_AGREEMENT").map_or(60, |count| count.parse().expect("a number"));
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut compared = 0;
    // The larger keys take longer; each has its share.
    for (bits, rounds) in [(2048, rounds * 9 / 10), (3072, rounds * 7 / 100), (4096, rounds * 3 / 100)] {
        let key = Key::of(bits).expect("a key");
        let mut back_ends = back_ends(&key);
        #[cfg(feature = "openssl")]
        back_ends.push(("openssl", openssl(&key)));
        for round in 0..rounds {
            let input = input(round, &key, &mut rng);
            let number = BoxedUint::from_be_slice(&input, bits as u32).expect("fits");
            let judge = rsa_decrypt(None::<&mut ChaCha20Rng>, &key.rsa, &number).expect("below the modulus");
            for (name, private) in &mut back_ends {
                // The model takes ten times as long as the rest.
                if *name == "ifma on the model" && round % 10 != 0 {
                    continue;
                }
                assert_eq!(private(&input), &*judge.to_be_bytes(), "{name}, {bits} bits: {}", hex::encode(&input));
            }
            compared += 1;
        }
        println!(
            "{bits} bits, {rounds} inputs: {:?} and the rsa crate",
            back_ends.iter().map(|b| b.0).collect::<Vec<_>>()
        );
    }
    assert!(compared + 3 >= rounds, "{compared} of {rounds}");
}

#[cfg(feature = "openssl")]
fn openssl(key: &Key) -> back_ends::Private {
    let key = openssl::rsa::Rsa::private_key_from_der(
        &openssl::pkey::PKey::private_key_from_pkcs8(&key.pkcs8)
            .and_then(|key| key.rsa()?.private_key_to_der())
            .expect("a key"),
    )
    .expect("a key");
    Box::new(move |input| {
        let mut output = vec![0; input.len()];
        key.private_encrypt(input, &mut output, openssl::rsa::Padding::NONE).expect("below the modulus");
        output
    })
}
