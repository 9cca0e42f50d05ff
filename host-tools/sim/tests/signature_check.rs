//! Signatures that must not leave, and padding that must not come twice. (card.md §8)

use card_os::{
    Card, Response,
    fixed::FixedEngine,
    platform::{Engine, EngineFault, MODULUS, PrivateKey},
    profile::Model,
    public, sign,
};
use rand_core::TryCryptoRng;
use sim::{engine::RsaEngine, nvm::Flash, rng::SimRng, sample};

/// An engine that makes one mistake and does not notice: a bit of its result is another one.
#[derive(Default)]
struct Mistaken {
    inner: RsaEngine,
    bit: Option<usize>,
}

impl Engine for Mistaken {
    fn private<R: TryCryptoRng>(
        &mut self,
        key: &PrivateKey,
        input: &[u8; MODULUS],
        output: &mut [u8; MODULUS],
        rng: &mut R,
    ) -> Result<(), EngineFault> {
        self.inner.private(key, input, output, rng)?;
        if let Some(bit) = self.bit {
            output[bit / 8] ^= 1 << (bit % 8);
        }
        Ok(())
    }

    fn generate<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<PrivateKey, EngineFault> {
        self.inner.generate(rng)
    }
}

/// A card in use with the PIN presented.
fn verified(bit: Option<usize>) -> Card<Flash, Mistaken, SimRng> {
    let memory = sample::issued_as(Model::JPKI_ONLY, true).into_nvm().into_inner();
    let engine = Mistaken { bit, ..Mistaken::default() };
    let mut card = Card::mount(memory, engine, SimRng::seeded(9)).map_err(|(error, _)| error).expect("mounts");
    card.power_on();
    for command in [&b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01"[..], b"\x00\x20\x00\x98\x041234"] {
        assert_eq!(transmit(&mut card, command), [0x90, 0x00]);
    }
    card
}

fn transmit(card: &mut Card<Flash, Mistaken, SimRng>, command: &[u8]) -> Vec<u8> {
    let mut response = Response::new();
    card.transmit(command, &mut response);
    response.to_vec()
}

/// C8, C7: whatever the engine, the card opens a signature before it gives it out.
#[test]
fn a_mistake_of_the_engine_never_leaves() {
    for scheme in 0..=5 {
        let command = [&[0x80, 0x2A, scheme, 0x97, 0x20][..], &[0x5A; 32], &[0x00]].concat();
        assert_eq!(transmit(&mut verified(None), &command).len(), MODULUS + 2);
        for bit in [0, 1, 7, 1024, 2046, 2047] {
            assert_eq!(transmit(&mut verified(Some(bit)), &command), [0x6F, 0x00], "scheme {scheme:02X}, bit {bit}");
        }
    }
}

/// card.md §8.1, RFC 8017 §8.1: the salt of PSS is drawn anew; the other schemes draw nothing.
#[test]
fn pss_comes_twice_and_differs() {
    for scheme in 0..=5 {
        let command = [&[0x80, 0x2A, scheme, 0x97, 0x20][..], &[0x5A; 32], &[0x00]].concat();
        let mut card = verified(None);
        let [first, second] = [(); 2].map(|()| transmit(&mut card, &command));
        assert_eq!(first == second, scheme < 4, "scheme {scheme:02X}");
    }
}

/// Each value by itself: the trial signature, which would find most of them, is not asked.
#[test]
fn values_of_a_key_that_do_not_belong_together_are_told() {
    for key in sample::keys() {
        let bytes = sign::to_bytes(key);
        assert!(public::is_consistent(&sign::from_bytes(&bytes)));
        // n, p, q, d mod p − 1, d mod q − 1, q⁻¹ mod p: the last bytes of each, and all of each.
        let ends = [256, 384, 512, 640, 768, 896];
        for (begin, end) in [0].into_iter().chain(ends).zip(ends) {
            let mut odd = bytes.clone();
            odd[end - 1] ^= 0x02;
            assert!(!public::is_consistent(&sign::from_bytes(&odd)), "bytes {begin} to {end}");
            odd[begin..end].fill(0);
            assert!(!public::is_consistent(&sign::from_bytes(&odd)), "bytes {begin} to {end}");
        }
    }
}

#[test]
fn a_key_that_is_ready_goes_with_the_power_and_is_never_shown() {
    let [key, _] = sample::keys();
    assert_eq!(format!("{key:?}"), "PrivateKey(..)");
    let mut engine = FixedEngine::default();
    engine.private(key, &[1; MODULUS], &mut [0; MODULUS], &mut SimRng::seeded(1)).expect("a sound key");
    let ready = |engine: &FixedEngine| !format!("{engine:?}").contains("prepared: None");
    assert!(ready(&engine), "the next signature costs less");
    engine.power_off();
    assert!(!ready(&engine));
}

/// 65537 and what is raised to it are below the modulus, which is odd and has all its bits.
#[test]
fn what_is_no_modulus_or_not_below_it_opens_nothing() {
    let [key, _] = sample::keys();
    let with = |at: usize, change: fn(u8) -> u8| {
        let mut n = key.n;
        n[at] = change(n[at]);
        n
    };
    let two = |at: usize| std::array::from_fn(|place| if place == at { 2 } else { 0 });
    assert_eq!(public::power(&key.n, &two(MODULUS)), Some([0; MODULUS]));
    assert!(public::power(&key.n, &two(MODULUS - 1)).is_some());
    assert_eq!(public::power(&key.n, &key.n), None);
    assert_eq!(public::power(&key.n, &[0xFF; MODULUS]), None);
    assert_eq!(public::power(&with(0, |_| 0), &two(MODULUS - 1)), None, "a short one");
    assert_eq!(public::power(&with(MODULUS - 1, |last| last ^ 1), &two(MODULUS - 1)), None, "an even one");
}
