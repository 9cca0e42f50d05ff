//! The engine's back ends that run here, as functions from bytes to bytes.

use bench::key::Key;
use engine::{
    Components, PrivateKey,
    arithmetic::{Kernel, Opens, Portable},
    modulus::Modulus,
    natural,
};
#[cfg(target_arch = "x86_64")]
use engine_x86::{
    adx::Adx,
    ifma::{Ifma, Modelled},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// The private operation of one implementation.
pub(crate) type Private = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// The public operation of one back end: modulus, base.
pub(crate) type Public = fn(&[u8], &[u8]) -> Vec<u8>;

fn private<const N: usize, const M: usize, A: Kernel<N, M> + 'static>(arithmetic: A, key: &Key) -> Private {
    let [n, p, q, dp, dq, qinv] = &key.numbers;
    let components = Components { n, p, q, dp, dq, qinv };
    let mut key = PrivateKey::<N, M, A>::with(arithmetic, &components).expect("a key");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    Box::new(move |input| {
        let mut output = vec![0; input.len()];
        key.private(input, &mut output, &mut rng).expect("below the modulus");
        output
    })
}

fn any_size<A>(arithmetic: A, key: &Key) -> Private
where
    A: Kernel<16, 32> + Kernel<24, 48> + Kernel<32, 64> + 'static,
{
    match key.bits {
        2048 => private::<16, 32, A>(arithmetic, key),
        3072 => private::<24, 48, A>(arithmetic, key),
        4096 => private::<32, 64, A>(arithmetic, key),
        other => panic!("{other} bits"),
    }
}

/// Those that run here, by name.
pub(crate) fn back_ends(key: &Key) -> Vec<(&'static str, Private)> {
    let mut all = vec![("portable", any_size(Portable, key))];
    #[cfg(target_arch = "x86_64")]
    {
        all.push(("ifma on the model", any_size(Modelled::new(), key)));
        all.extend(Adx::detect().map(|adx| ("adx", any_size(adx, key))));
        all.extend(Ifma::detect().map(|ifma| ("ifma", any_size(ifma, key))));
    }
    all
}

fn public<const M: usize, A: Opens<M>>(arithmetic: A, n: &[u8], base: &[u8]) -> Vec<u8> {
    let n = Modulus::<M, A>::with(arithmetic, &natural::from_be_bytes(n).expect("length")).expect("a modulus");
    let base = n.enter(&natural::from_be_bytes(base).expect("length"));
    let opened = n.leave(&arithmetic.open(&arithmetic.opening(&n), &n, &base));
    let mut out = vec![0; 8 * M];
    natural::to_be_bytes(&opened, &mut out).expect("room");
    out
}

fn any_public<A: Opens<32> + Opens<48> + Opens<64>>(arithmetic: A, n: &[u8], base: &[u8]) -> Vec<u8> {
    match n.len() {
        256 => public::<32, A>(arithmetic, n, base),
        384 => public::<48, A>(arithmetic, n, base),
        _ => public::<64, A>(arithmetic, n, base),
    }
}

/// Those that run here.
pub(crate) fn openers() -> Vec<(&'static str, Public)> {
    let mut all: Vec<(&str, Public)> = vec![("portable", |n, base| any_public(Portable, n, base))];
    #[cfg(target_arch = "x86_64")]
    {
        all.push(("ifma on the model", |n, base| any_public(Modelled::new(), n, base)));
        if Adx::detect().is_some() {
            all.push(("adx", |n, base| any_public(Adx::detect().expect("was there"), n, base)));
        }
        if Ifma::detect().is_some() {
            all.push(("ifma", |n, base| any_public(Ifma::detect().expect("was there"), n, base)));
        }
    }
    all
}
