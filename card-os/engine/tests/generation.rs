//! Generated keys against FIPS 186-5 in another library's arithmetic, against other implementations, and against what is known
//! of bad generators.

use crypto_bigint::BoxedUint;
use engine::{
    Components, ComponentsMut, EngineError, Generated, PrivateKey,
    arithmetic::{Arithmetic, Nothing, Pairs, Portable},
    generate,
    limb::{self, Limb},
    modulus::{Modulus, Wide},
    natural::{self, Natural},
};
use num_bigint::BigUint;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{SeedableRng, TryCryptoRng, TryRng},
};
use rsa::pkcs8::EncodePrivateKey;
use sha2::Digest;
use std::{
    io::Write,
    process::{Command, Stdio},
    sync::LazyLock,
};

const fn limbs(bits: usize) -> usize {
    bits / limb::BITS as usize
}

/// Limbs of a prime and a modulus of RSA-2048.
const PRIME: usize = limbs(1024);
const MODULUS: usize = limbs(2048);

static KEYS: LazyLock<Vec<Generated<PRIME, MODULUS>>> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(186);
    (0..12).map(|_| generate(Portable, &mut rng).expect("a key")).collect()
});

fn bytes<const L: usize>(number: &Natural<L>) -> Vec<u8> {
    let mut bytes = vec![0; L * limb::BYTES];
    natural::to_be_bytes(number, &mut bytes).expect("room");
    bytes
}

fn big<const L: usize>(number: &Natural<L>) -> BigUint {
    BigUint::from_bytes_be(&bytes(number))
}

fn gcd(mut a: BigUint, mut b: BigUint) -> BigUint {
    while b != BigUint::ZERO {
        (a, b) = (b.clone(), a % b);
    }
    a
}

/// Whether another library finds the number prime, by the standard's rounds and by Baillie, Pomerance, Selfridge and Wagstaff.
fn is_prime<const L: usize>(number: &Natural<L>) -> bool {
    use crypto_primes::{Flavor, fips};
    let candidate = BoxedUint::from_be_slice_vartime(&bytes(number));
    let rounds = fips::is_prime(
        &mut ChaCha20Rng::seed_from_u64(3),
        Flavor::Any,
        &candidate,
        fips::FipsOptions::with_mr_iterations(5),
    );
    assert_eq!(rounds, crypto_primes::is_prime(Flavor::Any, &candidate));
    rounds
}

/// All that FIPS 186-5 A.1.3 says about a key, computed from p and q alone.
fn follows_the_standard<const N: usize, const M: usize>(key: &Generated<N, M>) {
    let (one, e, bits) = (BigUint::from(1u8), BigUint::from(65537u32), M * limb::BITS as usize);
    let [p, q, dp, dq, qinv] = [&key.p, &key.q, &key.dp, &key.dq, &key.qinv].map(big);
    let (n, d) = (big(&key.n), big(&key.d));
    assert!(is_prime(&key.p) && is_prime(&key.q));
    assert!(p > q && n == &p * &q && n.bits() == bits as u64);
    assert!(&q * &q >= one.clone() << (bits - 1), "q is at least the square root of 2^(nlen - 1)");
    assert!(&p - &q > one.clone() << (bits / 2 - 100));
    let (p_less, q_less) = (&p - &one, &q - &one);
    assert!([&p_less, &q_less].into_iter().all(|order| gcd(order.clone(), e.clone()) == one));
    let lcm = &p_less * &q_less / gcd(p_less.clone(), q_less.clone());
    assert!(&d * &e % &lcm == one && d < lcm && d > one.clone() << (bits / 2));
    assert!(dp == &d % &p_less && dq == &d % &q_less && &qinv * &q % &p == one && qinv < p);
}

/// The key signs, and the signature opens.
fn works<const N: usize, const M: usize>(key: &Generated<N, M>) {
    let mut room = [M, N, N, N, N, N].map(|limbs| vec![0; limbs * limb::BYTES]);
    let [n, p, q, dp, dq, qinv] = room.each_mut().map(|bytes| &mut bytes[..]);
    key.write(&mut ComponentsMut { n, p, q, dp, dq, qinv }).expect("room");
    let [n, p, q, dp, dq, qinv] = room.each_ref().map(|bytes| &bytes[..]);
    let mut key: PrivateKey<N, M> = PrivateKey::new(&Components { n, p, q, dp, dq, qinv }).expect("a key");
    let input = [vec![0x00], vec![0xA5; n.len() - 1]].concat();
    let mut output = vec![0; n.len()];
    key.private(&input, &mut output, &mut ChaCha20Rng::seed_from_u64(4)).expect("a signature");
    let opened = BigUint::from_bytes_be(&output).modpow(&65537u32.into(), &BigUint::from_bytes_be(n));
    assert_eq!(opened, BigUint::from_bytes_be(&input));
}

#[test]
fn keys_follow_the_standard_and_sign() {
    for key in &*KEYS {
        follows_the_standard(key);
        works(key);
    }
}

#[test]
fn longer_keys_follow_it_too() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let key = generate::<{ limbs(1536) }, { limbs(3072) }, _, _>(Portable, &mut rng).expect("a key");
    follows_the_standard(&key);
    works(&key);
    let key = generate::<{ limbs(2048) }, { limbs(4096) }, _, _>(Portable, &mut rng).expect("a key");
    follows_the_standard(&key);
    works(&key);
}

/// NIST's keys: what follows from the primes is what NIST says.
#[test]
fn exponents_are_those_of_nist() {
    fn file<const N: usize, const M: usize>(kind: &str) -> usize {
        let keys = vectors::blocks::blocks("key-generation.txt", kind);
        for key in &keys {
            let prime = |name| natural::from_be_bytes::<N>(key.get(name)).expect("length");
            let derived = Generated::<N, M>::from_primes(Portable, &prime("p"), &prime("q")).expect("a key");
            assert_eq!(bytes(&derived.n), key.get("n"));
            assert_eq!(bytes(&derived.d), key.get("d"));
            follows_the_standard(&derived);
            works(&derived);
        }
        keys.len()
    }
    let counts = [
        file::<PRIME, MODULUS>("key2048"),
        file::<{ limbs(1536) }, { limbs(3072) }>("key3072"),
        file::<{ limbs(2048) }, { limbs(4096) }>("key4096"),
    ];
    assert_eq!(counts, [2; 3]);
}

/// What the standard forbids is found in primes from elsewhere.
#[test]
fn forbidden_primes_make_no_key() {
    let Generated { p, q, .. } = &KEYS[0];
    let made =
        |p: &Natural<PRIME>, q: &Natural<PRIME>| Generated::<PRIME, MODULUS>::from_primes(Portable, p, q).is_some();
    let plus = |number: &Natural<PRIME>, bit: usize| {
        let mut sum = *number;
        let mut step = [0; PRIME];
        step[bit / limb::BITS as usize] = 1 << (bit % limb::BITS as usize);
        natural::add_masked(&mut sum, &step, Limb::MAX);
        sum
    };
    assert!(made(p, q) && made(q, p));
    assert!(!made(p, p), "twice the same");
    assert!(!made(q, &plus(q, 924)), "2^924 apart");
    assert!(made(q, &plus(q, 925)), "2^925 apart");
    let mut multiple = big(q) - big(q) % 65537u32 + 1u32;
    if !multiple.bit(0) {
        multiple += 65537u32;
    }
    assert!(!made(p, &natural::from_be_bytes(&multiple.to_bytes_be()).expect("length")), "e divides q - 1");
}

/// The same seed makes the same key on every target, and on every arithmetic.
#[test]
fn a_seed_is_a_key() {
    let key = |seed| generate::<PRIME, MODULUS, _, _>(Portable, &mut ChaCha20Rng::seed_from_u64(seed)).expect("a key");
    let other = |seed| generate::<PRIME, MODULUS, _, _>(Other, &mut ChaCha20Rng::seed_from_u64(seed)).expect("a key");
    assert_eq!(bytes(&key(1).n), bytes(&key(1).n));
    assert_eq!(bytes(&key(1).n), bytes(&other(1).n));
    assert_ne!(key(1).n, key(2).n);
    // Made by this code. It can only show that keys changed, or that they differ between targets.
    let digest = hex::encode(sha2::Sha256::digest(bytes(&key(1).n)));
    assert_eq!(digest, "45a8a9c4fd13624877e2946ecad03d0af0fc48f6aca697b0f33a44f9b295a50f");
}

/// Another arithmetic: the same products, but powers of two like those of any base, and the second first.
#[derive(Debug, Clone, Copy)]
struct Other;

impl Arithmetic for Other {
    fn row(self, t: &mut [Limb], a: &[Limb], q: Limb, carry: Limb) -> Limb {
        Portable.row(t, a, q, carry)
    }

    fn short_row<const L: usize>(self, t: &mut [Limb; L], a: &[Limb; L], q: Limb) -> Limb {
        Portable.short_row(t, a, q)
    }

    fn square<const N: usize>(self, wide: &mut Wide<N>, a: &mut Natural<N>, m: &Natural<N>, k: Limb) {
        let b = *a;
        self.multiply(wide, a, &b, m, k);
    }
}

impl<const N: usize> Pairs<N> for Other {
    type Pair = Nothing;

    fn pair(self, _: &Modulus<N, Self>, _: &Modulus<N, Self>) -> Nothing {
        Nothing
    }

    fn powers(
        self,
        _: &Nothing,
        moduli: [&Modulus<N, Self>; 2],
        bases: [&Natural<N>; 2],
        exponents: [&[Limb]; 2],
    ) -> [Natural<N>; 2] {
        let second = moduli[1].power(bases[1], exponents[1]);
        [moduli[0].power(bases[0], exponents[0]), second]
    }

    fn powers_of_two(
        self,
        pair: &Nothing,
        moduli: [&Modulus<N, Self>; 2],
        exponents: [&Natural<N>; 2],
    ) -> [Natural<N>; 2] {
        let twos = moduli.map(|modulus| modulus.enter(&natural::small(2)));
        self.powers(pair, moduli, twos.each_ref(), exponents.map(|exponent| &exponent[..]))
    }
}

/// A block that comes again and again, after some good bytes; without a block, failure.
struct Stuck {
    good: ChaCha20Rng,
    good_bytes: usize,
    block: Vec<u8>,
    at: usize,
}

impl TryRng for Stuck {
    type Error = std::io::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for byte in out {
            if self.good_bytes > 0 {
                let mut good = [0];
                self.good.try_fill_bytes(&mut good).expect("never fails");
                (*byte, self.good_bytes) = (good[0], self.good_bytes - 1);
            } else {
                let from = self.block.get(self.at % self.block.len().max(1));
                *byte = *from.ok_or_else(|| std::io::Error::other("no randomness"))?;
                self.at += 1;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}

#[test]
fn a_stuck_source_is_refused() {
    let mut noise = [0; 240];
    ChaCha20Rng::seed_from_u64(6).try_fill_bytes(&mut noise).expect("never fails");
    // So that every draw is high enough, and none is refused for another reason.
    let noise = noise.map(|byte| byte | 0xC0);
    let blocks = [1, 2, 3, 4, 7, 8, 16, 32, 64, 100, 127, 128, 129, 200, 240].map(|length| noise[..length].to_vec());
    let constants = [0x00, 0x01, 0x7F, 0xB5, 0xC0, 0xFF].map(|byte| vec![byte]);
    for block in blocks.into_iter().chain(constants).chain([vec![]]) {
        for good_bytes in [0, 64, 128, 512, 1024] {
            let length = block.len();
            let mut rng = Stuck { good: ChaCha20Rng::seed_from_u64(7), good_bytes, block: block.clone(), at: 0 };
            let refused = generate::<PRIME, MODULUS, _, _>(Portable, &mut rng).map(drop);
            assert_eq!(refused, Err(EngineError::Randomness), "a block of {length} after {good_bytes} good bytes");
        }
    }
}

#[test]
fn nothing_of_a_key_is_shown() {
    let mut room: [[u8; 0]; 6] = [[]; 6];
    let [n, p, q, dp, dq, qinv] = room.each_mut().map(|bytes| &mut bytes[..]);
    let mut out = ComponentsMut { n, p, q, dp, dq, qinv };
    assert_eq!(KEYS[0].write(&mut out), Err(EngineError::Input));
    assert_eq!(format!("{:?} {out:?}", KEYS[0]), "Generated(..) ComponentsMut(..)");
}

/// The moduli of a list that share a prime with another one. (Bernstein's product and remainder tree, here of one level)
fn with_common_primes(moduli: &[BigUint]) -> Vec<usize> {
    let product: BigUint = moduli.iter().product();
    let shares = |n: &BigUint| gcd(&product % (n * n) / n, n.clone()) != BigUint::from(1u8);
    moduli.iter().enumerate().filter(|(_, n)| shares(n)).map(|(index, _)| index).collect()
}

/// Heninger and others 2012, Lenstra and others 2012.
#[test]
fn no_two_keys_share_a_prime() {
    let mut moduli: Vec<BigUint> = KEYS.iter().map(|key| big(&key.n)).collect();
    assert!(with_common_primes(&moduli).is_empty());
    moduli.push(big(&KEYS[3].p) * big(&KEYS[7].q));
    assert_eq!(with_common_primes(&moduli), [3, 7, 12], "the test finds what it looks for");
}

/// All small residues are powers of 65537: the mark of the generator of CVE-2017-15361 ("ROCA").
fn is_marked(n: &BigUint) -> bool {
    small_primes().all(|prime| {
        let residue = n % prime;
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * 65537 % prime;
            BigUint::from(power) == residue
        })
    })
}

/// The primes from 3 to 167, of which that generator's constant is a multiple.
fn small_primes() -> impl Iterator<Item = u64> {
    (3..=167).filter(|n| (2..*n).all(|factor| n % factor != 0))
}

/// Nemec and others 2017: primes of the form k · M + (65537^a mod M) for a product M of small primes.
#[test]
fn no_key_has_the_mark_of_roca() {
    assert!(KEYS.iter().all(|key| !is_marked(&big(&key.n))));
    let product = 2u32 * small_primes().map(BigUint::from).product::<BigUint>();
    let form = |k: u8, a: u64| {
        let power = BigUint::from(65537u32).modpow(&a.into(), &product);
        BigUint::from_bytes_be(&[k; 100]) * &product + power
    };
    let marked = form(0xD3, 0x1234_5678_9ABC) * form(0xE7, 0xFEDC_BA98_7654);
    assert!(is_marked(&marked), "the test finds what it looks for");
}

/// The key as the `rsa` crate takes it: n, e, d and the primes belong together.
fn elsewhere<const N: usize, const M: usize>(key: &Generated<N, M>) -> rsa::PrivateKey {
    let number = |bytes: Vec<u8>| BoxedUint::from_be_slice_vartime(&bytes);
    let primes = vec![number(bytes(&key.p)), number(bytes(&key.q))];
    let e = BoxedUint::from(65537u64);
    rsa::PrivateKey::from_components(number(bytes(&key.n)), e, number(bytes(&key.d)), primes).expect("a key")
}

#[test]
fn others_accept_the_keys() {
    let keys: Vec<_> = KEYS.iter().map(elsewhere).collect();
    for key in &keys {
        key.validate().expect("a key");
    }
    let spawn = || {
        let mut command = Command::new("openssl");
        command.args(["rsa", "-check", "-noout", "-inform", "DER"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    for key in keys.iter().take(4) {
        let Ok(mut openssl) = spawn() else { return vectors::skipped("openssl is not on PATH") };
        let der = key.to_pkcs8_der().expect("encodes");
        openssl.stdin.take().expect("piped").write_all(der.as_bytes()).expect("writes");
        let output = openssl.wait_with_output().expect("ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("RSA key ok"), "{said}");
    }
}
