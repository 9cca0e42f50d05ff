//! What a wrong signature says about the key. (Boneh, DeMillo, Lipton 1997; Lenstra's form with one signature)

use num_bigint::BigUint;

/// Public exponent of every key of this card.
const E: u32 = 65_537;

/// sᵉ mod n, in as many bytes as n. `None` where s is not below n.
#[must_use]
pub fn message(n: &[u8; 256], signature: &[u8; 256]) -> Option<[u8; 256]> {
    let (n, s) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(signature));
    (s < n).then(|| bytes(&s.modpow(&E.into(), &n)))
}

/// EMSA-PKCS1-v1_5 of a DigestInfo. (RFC 8017 §9.2)
///
/// # Panics
/// Where it does not fit.
#[must_use]
pub fn padded(info: &[u8]) -> [u8; 256] {
    let mut message = [0xFF; 256];
    let from = message.len() - info.len();
    (message[0], message[1], message[from - 1]) = (0x00, 0x01, 0x00);
    message[from..].copy_from_slice(info);
    message
}

/// Whether gcd(sᵉ − m, n) is a factor of n.
#[must_use]
pub fn shares_a_factor(n: &[u8; 256], opened: &[u8; 256], expected: &[u8; 256]) -> bool {
    let [n, opened, expected] = [n, opened, expected].map(|number| BigUint::from_bytes_be(number));
    let (mut a, mut b) = (n.clone(), (opened + &n - expected) % &n);
    while b != BigUint::ZERO {
        (a, b) = (b.clone(), a % b);
    }
    a > BigUint::from(1u8) && a < n
}

fn bytes(number: &BigUint) -> [u8; 256] {
    let mut out = [0; 256];
    let digits = number.to_bytes_be();
    out[256 - digits.len()..].copy_from_slice(&digits);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::sample;

    /// The key's own numbers: a signature that is right modulo q alone.
    #[test]
    fn a_signature_that_is_right_modulo_one_prime_gives_the_other() {
        let key = &sample::keys()[0];
        let [n, p, dp, q] = [&key.n[..], &key.p, &key.dp, &key.q].map(BigUint::from_bytes_be);
        let expected = padded(&[0x30; 51]);
        let m = BigUint::from_bytes_be(&expected);
        // Right modulo p; modulo q it is nothing in particular.
        let half = m.modpow(&dp, &p);
        let wrong = bytes(&half);
        let opened = message(&key.n, &wrong).expect("below n");
        assert!(shares_a_factor(&key.n, &opened, &expected));
        let dq = BigUint::from_bytes_be(&key.dq);
        let qinv = BigUint::from_bytes_be(&key.qinv);
        let other = m.modpow(&dq, &q);
        let right = &other + &q * ((&half + &p - &other % &p) * qinv % &p);
        assert!(right < n);
        let opened = message(&key.n, &bytes(&right)).expect("below n");
        assert_eq!(opened, expected);
        assert!(!shares_a_factor(&key.n, &opened, &expected));
        assert_eq!(message(&key.n, &[0xFF; 256]), None);
    }
}
