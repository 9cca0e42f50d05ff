//! Other people's libraries. A new one is one line of [`RIVALS`] and a file.

mod rsa_crate;

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "graviola")]
mod graviola;
#[cfg(feature = "openssl")]
mod openssl;
#[cfg(feature = "ring")]
mod ring;

use crate::{contender::Prepare, error::BenchError, keygen::MakeGenerator};

/// What a library can do.
#[derive(Debug, Clone, Copy)]
pub struct Library {
    /// What it calls itself, with its version.
    pub version: fn() -> String,
    /// What protects its signatures.
    pub protection: &'static str,
    /// Prepares a key.
    pub signer: Prepare,
    /// Makes keys of so many bits, if it makes any.
    pub generator: Option<MakeGenerator>,
}

/// A library that may be compiled in.
#[derive(Debug, Clone, Copy)]
pub struct Rival {
    /// What `--against` calls it.
    pub name: &'static str,
    /// The feature of the `jitsuin` package that brings it; empty where it is always there.
    pub feature: &'static str,
    /// What else it takes to build it, as the end of a sentence.
    pub needs: &'static str,
    /// The library; none where it was not compiled in.
    pub library: Option<Library>,
}

/// Every rival, compiled in or not.
pub const RIVALS: [Rival; 5] = [
    Rival { name: "rsa", feature: "", needs: "", library: Some(rsa_crate::LIBRARY) },
    Rival {
        name: "openssl",
        feature: "bench-openssl",
        needs: " (needs Debian's libssl-dev and pkg-config)",
        #[cfg(feature = "openssl")]
        library: Some(openssl::LIBRARY),
        #[cfg(not(feature = "openssl"))]
        library: None,
    },
    Rival {
        name: "aws-lc",
        feature: "bench-aws-lc",
        needs: " (needs a C compiler)",
        #[cfg(feature = "aws-lc")]
        library: Some(aws_lc::LIBRARY),
        #[cfg(not(feature = "aws-lc"))]
        library: None,
    },
    Rival {
        name: "ring",
        feature: "bench-ring",
        needs: " (needs a C compiler)",
        #[cfg(feature = "ring")]
        library: Some(ring::LIBRARY),
        #[cfg(not(feature = "ring"))]
        library: None,
    },
    Rival {
        name: "graviola",
        feature: "bench-graviola",
        needs: "",
        #[cfg(feature = "graviola")]
        library: Some(graviola::LIBRARY),
        #[cfg(not(feature = "graviola"))]
        library: None,
    },
];

/// The rivals with these names, or, where there are none, all that were compiled in.
///
/// # Errors
/// [`BenchError::Choice`] for an unknown name, [`BenchError::NotBuilt`] for one that this program was built without.
pub fn chosen(names: &[String]) -> Result<Vec<(&'static str, Library)>, BenchError> {
    if names.is_empty() {
        return Ok(RIVALS.into_iter().filter_map(|rival| Some((rival.name, rival.library?))).collect());
    }
    let one = |name: &String| {
        let known = || RIVALS.map(|rival| rival.name).join(", ");
        let found = RIVALS.into_iter().find(|rival| rival.name == name);
        let Rival { name, feature, needs, library } =
            found.ok_or_else(|| BenchError::Choice(format!("no rival {name}; there are: {}", known())))?;
        Ok((name, library.ok_or(BenchError::NotBuilt { name, feature, needs })?))
    };
    names.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rival_that_is_not_there_says_how_to_get_it() {
        for rival in RIVALS {
            match chosen(&[rival.name.into()]) {
                Ok(found) => assert_eq!(found[0].0, rival.name),
                Err(refused) => {
                    let text = refused.to_string();
                    let command = format!("cargo build --release --features {}", rival.feature);
                    assert!(rival.library.is_none() && text.contains(&command), "{text}");
                }
            }
        }
        assert!(chosen(&["abacus".into()]).expect_err("unknown").to_string().contains("graviola"));
        assert!(chosen(&[]).expect("some").iter().any(|(name, _)| *name == "rsa"));
    }
}
