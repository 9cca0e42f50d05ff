//! Whether the CA certificates on a card are genuine: their fingerprints beside a published list, and beside those of the real
//! authorities. (service.md §5, pki.md §12)

use super::viewer::Place;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most bytes of a list.
pub const LIST_MAX: usize = 64 * 1024;
/// Most authorities on a list.
const AUTHORITIES_MAX: usize = 64;

/// The roots of the real service and of its test environment, by SHA-256. (pki.md §12)
const REAL: [(&str, Origin, &str); 10] = [
    ("signca01", Origin::Real, "19645405A1FE14377434BD55957628AC4038557C542403A2243F21C706FC9355"),
    ("signca02", Origin::Real, "79679C33E4CC9319440F1AD120A597FF1844E2EF217063ADB176966FD5E6FBEB"),
    ("signca03", Origin::Real, "D227F6CDE11D35C5252178F106F843D24651944975413B539FA2FB68DBFA365F"),
    ("authca01", Origin::Real, "4DCFC4CA0AAF9FB2A3081B3F0C991C320B3ACC008667A341EEAEC5AF1D58CA7D"),
    ("authca02", Origin::Real, "0D98DE47FC11B7F67126874B7028B6026A803D2638D6EDFE53176953961FADE6"),
    ("authca03", Origin::Real, "64114F29620C24ED2631D46476A040E7EE740D956089C00B036A6A8118C322B5"),
    ("signca-test 2019", Origin::RealTest, "7BDBDF2652A15E6D458EFC143B7201242E1162416251D0903060FA7C642465CC"),
    ("signca-test 2024", Origin::RealTest, "8126DF7DD2DB230BD8EE48CAA40FC3417DDE3607050ED34973D8D3CF267FE723"),
    ("authca-test 2019", Origin::RealTest, "B6DE0FF5A384F5AF0242A6CA854DEE57EE2CAD97B341F18B914948FD8E638706"),
    ("authca-test 2023", Origin::RealTest, "5A0E7D690C718FADEBC7FB6EFF66A6DD623458DEBC1AA6FB1778BFE157CBEB25"),
];

/// Whose a CA certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Of the real service: this is somebody's real card.
    Real,
    /// Of the test environment of the real service.
    RealTest,
    /// Of neither that is known here: a simulated card, or a generation that came later.
    Simulated,
}

/// A published list, as `/fingerprints.json` of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct List {
    authorities: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Entry {
    hierarchy: String,
    sha256: String,
}

/// Why a list cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Longer than [`LIST_MAX`].
    #[error("the list has {0} bytes, more than {LIST_MAX}")]
    Size(usize),
    /// Not such a list.
    #[error("not a list of fingerprints (JSON with \"authorities\", each with \"hierarchy\" and \"sha256\"): {0}")]
    Json(#[from] serde_json::Error),
    /// Without, or with too many, entries.
    #[error("the list names {0} authorities; 1 to {AUTHORITIES_MAX} are read")]
    Count(usize),
    /// No SHA-256.
    #[error("the list has a fingerprint that is not 64 hexadecimal digits, of {0:?}")]
    Fingerprint(String),
}

impl List {
    /// Out of JSON.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn parse(json: &[u8]) -> Result<Self, ListError> {
        if json.len() > LIST_MAX {
            return Err(ListError::Size(json.len()));
        }
        let mut list: List = serde_json::from_slice(json)?;
        if !(1..=AUTHORITIES_MAX).contains(&list.authorities.len()) {
            return Err(ListError::Count(list.authorities.len()));
        }
        for entry in &mut list.authorities {
            // As they are published: in groups, with colons or spaces.
            entry.sha256.retain(|c| c != ':' && !c.is_ascii_whitespace());
            entry.sha256.make_ascii_uppercase();
            if entry.sha256.len() != 64 || !entry.sha256.bytes().all(|c| c.is_ascii_hexdigit()) {
                return Err(ListError::Fingerprint(entry.hierarchy.clone()));
            }
        }
        Ok(list)
    }

    /// Whether the list has this fingerprint for the authority of this certificate. A Juki card has the prefecture's in the place of
    /// the signature CA's.
    fn has(&self, place: Place, sha256: &str) -> bool {
        let hierarchies: &[&str] = match place {
            Place::CaSignature | Place::OwnSignature => &["signature", "prefecture"],
            Place::CaAuthentication | Place::OwnAuthentication => &["authentication"],
        };
        self.authorities.iter().any(|one| hierarchies.contains(&one.hierarchy.as_str()) && one.sha256 == sha256)
    }
}

/// What a comparison gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Which certificate.
    pub certificate: Place,
    /// Its fingerprint.
    pub sha256: String,
    /// Whose it is, as far as is known here.
    pub origin: Origin,
    /// Its name among the real ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_as: Option<&'static str>,
    /// Whether the list has it; `None` without a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<bool>,
}

impl Compared {
    /// Compares a CA certificate in DER.
    #[must_use]
    pub fn new(place: Place, der: &[u8], list: Option<&List>) -> Self {
        let sha256 = hex::encode_upper(Sha256::digest(der));
        let known = REAL.iter().find(|(_, _, real)| *real == sha256);
        Compared {
            certificate: place,
            origin: known.map_or(Origin::Simulated, |(_, origin, _)| *origin),
            known_as: known.map(|(name, ..)| *name),
            published: list.map(|list| list.has(place, &sha256)),
            sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_ones_are_sixty_four_digits_and_differ() {
        for (index, (name, _, sha256)) in REAL.iter().enumerate() {
            assert!(
                sha256.len() == 64 && sha256.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()),
                "{name}"
            );
            assert!(REAL[..index].iter().all(|(_, _, before)| before != sha256), "{name}");
        }
    }

    #[test]
    fn lists_are_read_in_every_spelling_and_under_limits() {
        // SHA-256 of nothing. (FIPS 180-4 examples)
        let sum = "e3b0c442 98fc1c14 9afbf4c8 996fb924 27ae41e4 649b934c a495991b 7852b855";
        let list = format!(r#"{{"simulated":true,"authorities":[{{"hierarchy":"signature","sha256":"{sum}"}}]}}"#);
        let list = List::parse(list.as_bytes()).expect("a list");
        assert_eq!(Compared::new(Place::CaSignature, b"", Some(&list)).published, Some(true));
        assert_eq!(Compared::new(Place::CaAuthentication, b"", Some(&list)).published, Some(false), "another's");
        assert_eq!(Compared::new(Place::CaSignature, b"x", Some(&list)).published, Some(false));
        assert_eq!(Compared::new(Place::CaSignature, b"", None).published, None);
        for bad in [r#"{"authorities":[]}"#, r#"{"authorities":[{"hierarchy":"signature","sha256":"00"}]}"#, "[]", "{"]
        {
            assert!(List::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(matches!(List::parse(&vec![b' '; LIST_MAX + 1]), Err(ListError::Size(_))));
    }
}
