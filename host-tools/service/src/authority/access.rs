//! Tokens of verifiers and sessions: shown once, kept as hashes.

use axum::http::{HeaderMap, header};
use base64ct::{Base64UrlUnpadded, Encoding};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Most characters of a token.
const TOKEN_MAX: usize = 256;

/// A bearer token. A secret: whoever holds it is the verifier.
pub struct Token(Zeroizing<String>);

/// Nothing of it.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// 256 random bits.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        let token = Token(Zeroizing::new(Base64UrlUnpadded::encode_string(&bytes)));
        bytes.zeroize();
        token
    }

    /// For the one to whom it is given.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// SHA-256 of a token: all that a registry keeps. Tokens are random, so nobody finds one to a hash. Equality takes the same time for
/// all.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Of a token as it was sent.
    #[must_use]
    pub fn of(token: &str) -> Self {
        TokenHash(Sha256::digest(token).into())
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

/// The token that a request carries. (RFC 6750 §2.1)
pub(crate) fn bearer(headers: &HeaderMap) -> Option<TokenHash> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("Bearer") && (1..=TOKEN_MAX).contains(&token.len());
    fits.then(|| TokenHash::of(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use sim::rng::SimRng;

    fn sent(values: &[&str]) -> Option<TokenHash> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"));
        }
        bearer(&headers)
    }

    #[test]
    fn tokens_are_known_by_their_hash() {
        let mut rng = SimRng::seeded(1);
        let (one, other) = (Token::generate(&mut rng), Token::generate(&mut rng));
        assert_eq!(one.reveal().len(), 43);
        assert_eq!(sent(&[&format!("Bearer {}", one.reveal())]), Some(one.hash()));
        assert_eq!(sent(&[&format!("bearer  {}", one.reveal())]), Some(one.hash()));
        assert_ne!(one.hash(), other.hash());
        assert!(!format!("{one:?}").contains(one.reveal()));
    }

    #[test]
    fn other_credentials_are_nobody() {
        let long = format!("Bearer {}", "x".repeat(TOKEN_MAX + 1));
        for values in [&[][..], &["Basic eDp5"], &["Bearer"], &["Bearer "], &[&long], &["Bearer a", "Bearer a"]] {
            assert_eq!(sent(values), None, "{values:?}");
        }
    }

    #[test]
    fn a_hash_is_sha_256() {
        // FIPS 180-4, "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(TokenHash::of("abc").0), abc);
    }
}
