//! What a service asks a card to sign, in place of a password. (service.md §7)

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// How long an answer is waited for.
pub const LIFE: Duration = Duration::minutes(5);
/// Most characters of a service's name: those of a host.
const SERVICE_MAX: usize = 253;

/// A challenge. Its text begins with what it is for, so that nobody can have a document signed by it; the service takes each
/// one once, and keeps it until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Whose: a host name.
    service: String,
    /// Never the same twice.
    #[serde(with = "nonce")]
    nonce: [u8; 32],
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    issued: OffsetDateTime,
}

impl Challenge {
    /// A new one; `None` for a service whose name is no host name.
    #[must_use]
    pub fn new(service: &str, now: OffsetDateTime, rng: &mut impl CryptoRng) -> Option<Self> {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let issued = now.replace_nanosecond(0).unwrap_or(now);
        Self::is_name(service).then(|| Challenge { service: service.into(), nonce, issued })
    }

    /// Whether a service may call itself so: a host name, with or without a port.
    #[must_use]
    pub fn is_name(service: &str) -> bool {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        (1..=SERVICE_MAX).contains(&service.len()) && service.chars().all(known)
    }

    /// What is signed: four lines.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let nonce = hex::encode(self.nonce);
        format!("Jitsuin login\n{}\n{nonce}\n{}\n", self.service, self.issued.unix_timestamp()).into_bytes()
    }

    /// Whose it is: a host name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The nonce, to find it again by.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// Whether an answer may still come.
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        (self.issued..=self.issued + LIFE).contains(&now)
    }
}

/// Hexadecimal.
mod nonce {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(nonce: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(nonce))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("a nonce has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::rng::SimRng;
    use time::macros::datetime;

    #[test]
    fn challenges_differ_and_end() {
        let now = datetime!(2026-11-27 01:02:03.5 UTC);
        let mut rng = SimRng::seeded(1);
        let one = Challenge::new("login.jpki-sim.test", now, &mut rng).expect("a name");
        let other = Challenge::new("login.jpki-sim.test", now, &mut rng).expect("a name");
        assert_ne!(one.to_bytes(), other.to_bytes());
        assert!(one.to_bytes().starts_with(b"Jitsuin login\nlogin.jpki-sim.test\n"));
        assert!(one.is_open(now) && one.is_open(now + Duration::minutes(4)));
        assert!(!one.is_open(now + Duration::minutes(5)) && !one.is_open(now - Duration::seconds(2)));
        let json = serde_json::to_string(&one).expect("json");
        assert_eq!(serde_json::from_str::<Challenge>(&json).expect("parses"), one);
        assert!(Challenge::new("two\nlines", now, &mut rng).is_none() && Challenge::new("", now, &mut rng).is_none());
    }
}
