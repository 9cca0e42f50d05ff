//! Card profiles: the kinds of cards that a world issues, as data. (`profiles.toml`)

use crate::card_record::KeyOrigin;
use card_os::{identity, profile::Model};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The profiles that come with the tool.
const BUILT_IN: &str = include_str!("../profiles.toml");
/// Largest profile file, in bytes.
pub const FILE_MAX: usize = 64 * 1024;
/// Bytes of the token label. (card.md §6.1)
const LABEL: usize = 32;

static PROFILES: LazyLock<Vec<CardProfile>> = LazyLock::new(|| parse(BUILT_IN).unwrap_or_default());

/// How the card is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// ISO/IEC 7816-3, T=1.
    Contact,
    /// ISO/IEC 14443 type B.
    Contactless,
}

/// Where a card differs from measured ones; see [`identity::Behaviour`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[allow(missing_docs, reason = "the fields are those of the card's own type")]
pub struct Behaviour {
    pub clears_on_warm_reset: bool,
    pub clears_on_select: bool,
    pub blocked_as_iso: bool,
    pub password_per_signature: bool,
}

/// A kind of card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CardProfile {
    /// Its name on the command line.
    pub name: String,
    /// What it is.
    pub title: String,
    /// The same in Japanese.
    #[serde(default)]
    pub japanese: String,
    /// Sections of the card specification.
    #[serde(default)]
    pub source: String,
    /// Name of the chip's model.
    pub model: String,
    /// How it is reached.
    pub interface: Interface,
    /// ATR, hexadecimal.
    pub atr: String,
    /// Label in EF 0006 of JPKI, at most 32 ASCII characters.
    pub token: String,
    /// Whether a signature certificate may be issued.
    #[serde(default = "yes")]
    pub signature: bool,
    /// Whether a user authentication certificate is issued.
    #[serde(default = "yes")]
    pub authentication: bool,
    /// Whether its holder gets PINs.
    #[serde(default = "yes")]
    pub pins: bool,
    /// Where its keys are made, where the kind decides that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyOrigin>,
    /// Where it differs from measured cards.
    #[serde(default)]
    pub behaviour: Behaviour,
}

const fn yes() -> bool {
    true
}

/// Why there is no such profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No such name.
    #[error("no card profile {0:?}; `jitsuin profiles` lists them, and a name with a dot or slash is read as a file")]
    Unknown(String),
    /// Too large a file.
    #[error("more than {FILE_MAX} bytes; a card profile is a short TOML file")]
    Size,
    /// Not TOML, or other fields.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A field that makes no sense.
    #[error("profile {profile:?}: {what}")]
    Field {
        /// Which profile.
        profile: String,
        /// What is wrong.
        what: String,
    },
    /// Not exactly one.
    #[error("{0} profiles in one file; give one")]
    Count(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    profile: Vec<CardProfile>,
}

impl Default for CardProfile {
    /// My Number Card, contact.
    fn default() -> Self {
        PROFILES.first().cloned().unwrap_or_else(CardProfile::jpki_only)
    }
}

impl CardProfile {
    /// The profiles that come with the tool.
    #[must_use]
    pub fn all() -> &'static [CardProfile] {
        &PROFILES
    }

    /// The profile with this name.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`].
    pub fn by_name(name: &str) -> Result<Self, ProfileError> {
        let found = PROFILES.iter().find(|profile| profile.name == name);
        found.cloned().ok_or_else(|| ProfileError::Unknown(name.into()))
    }

    /// The one profile of a file.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        if text.len() > FILE_MAX {
            return Err(ProfileError::Size);
        }
        let profiles = parse(text)?;
        let count = profiles.len();
        let [profile] = <[CardProfile; 1]>::try_from(profiles).map_err(|_| ProfileError::Count(count))?;
        Ok(profile)
    }

    /// What cards are of which nothing else is written down: those that this tool issued first.
    #[must_use]
    pub fn jpki_only() -> Self {
        CardProfile {
            name: Model::JPKI_ONLY.name.into(),
            title: "The public certification application alone".into(),
            japanese: "公的個人認証APのみ".into(),
            source: "§6".into(),
            model: Model::JPKI_ONLY.name.into(),
            interface: Interface::Contact,
            atr: hex::encode_upper(sim::card::CONTACT_ATR),
            token: "JPKIAPICCTOKEN2".into(),
            signature: true,
            authentication: true,
            pins: true,
            keys: None,
            behaviour: Behaviour::default(),
        }
    }

    /// The chip's model.
    #[must_use]
    pub fn model(&self) -> &'static Model {
        Model::by_name(&self.model).unwrap_or(Model::JPKI_ONLY)
    }

    /// The ATR.
    #[must_use]
    pub fn atr(&self) -> Vec<u8> {
        hex::decode(&self.atr).unwrap_or_default()
    }

    /// Where it differs from measured cards.
    #[must_use]
    pub fn behaviour(&self) -> identity::Behaviour {
        let Behaviour { clears_on_warm_reset, clears_on_select, blocked_as_iso, password_per_signature } =
            self.behaviour;
        identity::Behaviour { clears_on_warm_reset, clears_on_select, blocked_as_iso, password_per_signature }
    }

    /// Whether it has the four applications beside JPKI.
    #[must_use]
    pub fn has_face(&self) -> bool {
        self.model() == Model::CARD
    }

    /// Whether its one certificate comes from the prefecture. (card.md §16, D-53)
    #[must_use]
    pub fn is_juki_card(&self) -> bool {
        self.model() == Model::JUKI_CARD
    }

    fn validate(&self) -> Result<(), ProfileError> {
        let wrong = |what: String| Err(ProfileError::Field { profile: self.name.clone(), what });
        if Model::by_name(&self.model).is_none() {
            let names: Vec<&str> = Model::ALL.iter().map(|model| model.name).collect();
            return wrong(format!("no model {:?}; there are {}", self.model, names.join(", ")));
        }
        match hex::decode(&self.atr) {
            Ok(atr) if matches!(atr.first(), Some(0x3B | 0x3F)) && (2..=identity::ATR_MAX).contains(&atr.len()) => {}
            _ => return wrong("atr: 2 to 33 bytes in hexadecimal, beginning with 3B or 3F".into()),
        }
        if self.token.len() > LABEL || !self.token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("token: at most 32 printable ASCII characters".into());
        }
        if self.is_juki_card() && self.authentication {
            return wrong("a Juki card has no user authentication certificate; say authentication = false".into());
        }
        if !self.signature && !self.authentication {
            return wrong("a card without any certificate; keep signature or authentication".into());
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Vec<CardProfile>, ProfileError> {
    let File { profile } = toml::from_str(text)?;
    profile.iter().try_for_each(CardProfile::validate)?;
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_that_come_with_the_tool_are_sound() {
        let profiles = parse(BUILT_IN).expect("parses");
        assert_eq!(profiles.first().map(|profile| profile.name.as_str()), Some("card"), "the default comes first");
        for (i, profile) in profiles.iter().enumerate() {
            assert!(!profile.source.is_empty(), "{}: no source", profile.name);
            assert!(profiles[..i].iter().all(|other| other.name != profile.name), "{} twice", profile.name);
            // TCK: what follows TS adds up to nothing. (ISO/IEC 7816-3 §8.2.5)
            let atr = profile.atr();
            assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0, "{}: TCK", profile.name);
        }
    }

    #[test]
    fn bad_profiles_say_what_is_wrong() {
        let good = "[[profile]]\nname = \"x\"\ntitle = \"x\"\nmodel = \"card\"\ninterface = \"contact\"\n\
                    atr = \"3B00\"\ntoken = \"T\"\n";
        assert!(CardProfile::from_toml(good).is_ok());
        for (change, what) in [
            (("\"card\"", "\"cards\""), "no model"),
            (("3B00", "00"), "atr"),
            (("3B00", "3Bxx"), "atr"),
            (("\"T\"", "\"トークン\""), "token"),
            (("contact", "usb"), "unknown variant"),
            (("token", "tokn"), "unknown field"),
            (("\"card\"", "\"juki-card\""), "no user authentication"),
        ] {
            let error = CardProfile::from_toml(&good.replace(change.0, change.1)).expect_err(what);
            assert!(error.to_string().contains(what), "{error}");
        }
        assert!(matches!(CardProfile::from_toml(&good.repeat(2)), Err(ProfileError::Count(2))));
        assert!(matches!(CardProfile::from_toml(&" ".repeat(FILE_MAX + 1)), Err(ProfileError::Size)));
        assert!(matches!(CardProfile::by_name("none"), Err(ProfileError::Unknown(_))));
    }
}
