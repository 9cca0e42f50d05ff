//! The public operation and the check of a key's numbers, against `num-bigint`, which divides.

use engine::{Components, EngineError, arithmetic::Portable, check, limb, public};
use num_bigint::BigUint;
use proptest::prelude::*;

/// Eight limbs of either width for a prime, and twice as many for a modulus.
const PRIME: usize = 8;
const MODULUS: usize = 2 * PRIME;
const PRIME_BYTES: usize = PRIME * limb::BYTES;

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn bytes(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; length - bytes.len()], bytes].concat()
}

/// n, p, q, dP, dQ and qInv, as numbers.
type Key = [BigUint; 6];

/// What belongs to two factors, by division; `None` where there are no inverses.
fn key(p: &BigUint, q: &BigUint) -> Option<Key> {
    let e = BigUint::from(65_537u32);
    let (dp, dq, qinv) = (e.modinv(&(p - 1u32))?, e.modinv(&(q - 1u32))?, q.modinv(p)?);
    Some([p * q, p.clone(), q.clone(), dp, dq, qinv])
}

fn is_consistent(key: &Key) -> bool {
    let [n, p, q, dp, dq, qinv] = key;
    let [p, q, dp, dq, qinv] = [p, q, dp, dq, qinv].map(|number| bytes(number, PRIME_BYTES));
    let n = bytes(n, 2 * PRIME_BYTES);
    check::is_consistent::<PRIME, MODULUS>(&Components { n: &n, p: &p, q: &q, dp: &dp, dq: &dq, qinv: &qinv })
}

/// The definition, by division.
fn is_consistent_by_division([n, p, q, dp, dq, qinv]: &Key) -> bool {
    let (e, one) = (BigUint::from(65_537u32), BigUint::from(1u32));
    n.bit(0)
        && n.bits() == u64::try_from(16 * PRIME_BYTES).expect("small")
        && *n == p * q
        && dp * &e % (p - 1u32) == one
        && dq * &e % (q - 1u32) == one
        && qinv * q % p == one
}

fn factor() -> impl Strategy<Value = BigUint> {
    proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], PRIME_BYTES).prop_map(|mut bytes| {
        bytes[0] |= 0xC0;
        bytes[PRIME_BYTES - 1] |= 1;
        number(&bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn powers_are_those_of_another_library(
        modulus in proptest::collection::vec(any::<u8>(), 2 * PRIME_BYTES),
        base in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], 2 * PRIME_BYTES),
    ) {
        let mut output = vec![0xAA; 2 * PRIME_BYTES];
        let opened = public::power::<MODULUS, _>(Portable, &modulus, &base, &mut output);
        let (n, base) = (number(&modulus), number(&base));
        let expected = if modulus[0] < 0x80 || !n.bit(0) {
            Err(EngineError::Key)
        } else if base >= n {
            Err(EngineError::Input)
        } else {
            Ok(bytes(&base.modpow(&BigUint::from(65_537u32), &n), 2 * PRIME_BYTES))
        };
        prop_assert_eq!(output == [0xAA; 2 * PRIME_BYTES], expected.is_err());
        prop_assert_eq!(opened.map(|()| output), expected);
    }

    /// What belongs together does, and with one number changed it does as far as division says so.
    #[test]
    fn numbers_that_belong_together_are_told(
        p in factor(),
        q in factor(),
        part in 0usize..6,
        bit in 0u64..16 * 8,
    ) {
        let Some(mut key) = key(&p, &q) else { return Ok(()) };
        prop_assert!(is_consistent(&key));
        let bits = key[part].bits();
        let flipped = bit % bits.max(1);
        let set = key[part].bit(flipped);
        key[part].set_bit(flipped, !set);
        prop_assert_eq!(is_consistent(&key), is_consistent_by_division(&key));
    }

    /// Exponents may exceed the order, and qInv the prime, where there is room.
    #[test]
    fn numbers_that_are_not_reduced_belong_together(mut p in factor(), mut q in factor()) {
        let top = u64::try_from(8 * PRIME_BYTES).expect("small") - 1;
        // As short as they may be, so that there is room.
        p.set_bit(top - 1, false);
        q.set_bit(top, true);
        let Some(mut key) = key(&p, &q) else { return Ok(()) };
        let [n, _, _, dp, dq, qinv] = &mut key;
        if n.bits() != 2 * top + 2 {
            return Ok(());
        }
        for (number, order) in [(dp, &p - 1u32), (dq, &q - 1u32), (qinv, p.clone())] {
            let more = &*number + order;
            if more.bits() <= top + 1 {
                *number = more;
            }
        }
        prop_assert!(is_consistent(&key) && is_consistent_by_division(&key));
    }
}

/// e divides one order: there is no inverse, whatever is claimed to be one.
#[test]
fn an_order_that_e_divides_has_no_inverse() {
    let top = u64::try_from(8 * PRIME_BYTES).expect("small") - 1;
    let e = BigUint::from(65_537u32);
    let mut order = (BigUint::from(3u32) << (top - 1)) + (2u32 * &e);
    order = &order - (&order % (2u32 * &e)) + 2u32 * &e;
    let p = order + 1u32;
    assert!(p.bit(0) && p.bits() == top + 1 && (&p - 1u32) % &e == BigUint::ZERO);
    let q = (BigUint::from(7u32) << (top - 2)) + 1u32;
    let (Some(dq), Some(qinv)) = (e.modinv(&(&q - 1u32)), q.modinv(&p)) else { panic!("no inverses") };
    for dp in [BigUint::ZERO, BigUint::from(1u32), &p - 1u32, &p - 2u32] {
        assert!(!is_consistent(&[&p * &q, p.clone(), q.clone(), dp, dq.clone(), qinv.clone()]));
    }
}

/// Lengths that are not those of the size: nothing is read.
#[test]
fn numbers_of_another_length_are_no_key() {
    let (full, short) = (vec![0xFF; 2 * PRIME_BYTES], vec![0xFF; PRIME_BYTES - 1]);
    let half = &full[..PRIME_BYTES];
    let key = Components { n: &full, p: half, q: half, dp: half, dq: half, qinv: &short };
    assert!(!check::is_consistent::<PRIME, MODULUS>(&key));
    let refused = [
        public::power::<MODULUS, _>(Portable, half, &full, &mut full.clone()),
        public::power::<MODULUS, _>(Portable, &full, half, &mut full.clone()),
    ];
    assert_eq!(refused, [Err(EngineError::Key), Err(EngineError::Input)]);
}
