//! The card under test, as far as somebody knows it: traits, reference values, secrets.
//!
//! ```toml
//! name = "Example card 1.2"
//! traits = ["physical", "contact", "isd", "authentication", "signature", "pins", "certificates"]
//!
//! [secrets]                             # or in the environment: JITSUIN_SECRET_AUTHENTICATION and so on
//! authentication = "1234"               # also signature, common, juki, text (PINs), a, b (照合番号), birth (生年月日)
//!
//! [values]                              # each is optional; cases that want a missing one do not apply
//! card-atr = "3BE000FF8131FE4514"            # hexadecimal
//! signature-ca = "file:signature.der"   # from a file beside this one
//! expiry = "text:20350217"              # text
//! ```
//!
//! JSON has the same shape.

use crate::{
    case::{CaseError, limited_text},
    value::Values,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use zeroize::Zeroizing;

/// What a card can have, and what it means.
pub const TRAITS: [(&str, &str); 24] = [
    ("physical", "an Individual Number Card, no phone and no Juki card 住基カード"),
    ("phone", "certificates in a phone"),
    ("android", "certificates in an Android phone"),
    ("iphone", "certificates in an iPhone"),
    ("juki-card", "the card before the Individual Number Card"),
    ("simulator", "a simulated card, whose names and numbers must not be taken for a real one's"),
    ("contact", "reached over its contacts, or over a reader that shows its contact ATR"),
    ("contactless", "reached over the air"),
    ("isd", "the card manager answers GET DATA"),
    ("second-cvc", "GET DATA 7F21 is there; some older cards have none"),
    ("no-second-cvc", "it is not there"),
    ("jpki", "公的個人認証AP"),
    ("authentication", "the user authentication half of it was issued"),
    ("signature", "the signature half of it was issued"),
    ("no-signature", "it was not"),
    ("certificates", "its certificate files hold X.509 certificates"),
    ("pins", "the holder's PINs can be used and no try is spent"),
    ("no-pins", "a card without PINs 暗証番号なしカード: all of them are blocked"),
    ("common", "共通カードAP"),
    ("juki", "住基AP"),
    ("face", "券面事項確認AP"),
    ("text", "券面事項入力補助AP"),
    ("siblings", "all applications of card.md §3.1"),
    ("records", "the files of both 券面 applications hold signed records"),
];

/// Secrets, and the name that cases have for each.
const SECRETS: [(&str, &str); 8] = [
    ("authentication", "pin.authentication"),
    ("signature", "pin.signature"),
    ("common", "pin.common"),
    ("juki", "pin.juki"),
    ("text", "pin.text"),
    ("a", "a"),
    ("b", "b"),
    ("birth", "birth"),
];

/// Reference values, and what they are.
pub const VALUES: [(&str, &str); 10] = [
    ("card-atr", "the ATR"),
    ("label", "text of EF 0006's label, 32 bytes with its spaces"),
    ("signature-ca", "certificate of the signature CA, DER"),
    ("authentication-ca", "certificate of the user authentication CA, DER"),
    ("cvc-root", "modulus of the key that signed GET DATA 00F8, 256 bytes"),
    ("face-root", "modulus of the key that signed 券面事項確認 EF 0004, 256 bytes"),
    ("text-root", "modulus of the key that signed 券面事項入力補助 EF 0004, 256 bytes"),
    ("common-key", "modulus of 共通カード key 0019, 256 bytes"),
    ("serial", "the 28 digits of 共通カード record 1"),
    ("expiry", "last day of the card, YYYYMMDD"),
];

/// DF names. (card.md §3.1)
const AIDS: [(&str, &[u8]); 6] = [
    ("aid.isd", &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00]),
    ("aid.jpki", &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01]),
    ("aid.common", &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00]),
    ("aid.juki", &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01]),
    ("aid.face", &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02]),
    ("aid.text", &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08]),
];

/// Why a subject cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// Its file.
    #[error(transparent)]
    File(#[from] CaseError),
    /// Not the format.
    #[error("{0}: {1}")]
    Format(String, String),
    /// A trait that is not known.
    #[error("no trait {0:?}; there are {1}, and a vendor's own that begin with x-")]
    Trait(String, String),
    /// A secret that is not known.
    #[error("no secret {0:?}; there are authentication, signature, common, juki, text, a, b, birth")]
    Secret(String),
    /// A secret that no card has.
    #[error("secret {0}: 4 to 16 ASCII characters")]
    Length(String),
    /// A value that is not known or malformed.
    #[error("value {0}: {1}")]
    Value(String, String),
}

/// A card under test.
#[derive(Clone)]
pub struct Subject {
    /// What reports call it.
    pub name: String,
    traits: BTreeSet<String>,
    values: Values,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).field("traits", &self.traits).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    traits: Vec<String>,
    #[serde(default)]
    secrets: BTreeMap<String, Zeroizing<String>>,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

impl Subject {
    /// A card of which nothing is known but its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut values = Values::default();
        for (name, aid) in AIDS {
            values.set(name, aid.to_vec(), false);
        }
        Subject { name: name.into(), traits: BTreeSet::new(), values }
    }

    /// Reads a file: JSON where its name ends so, otherwise TOML.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn load(path: &Path) -> Result<Self, SubjectError> {
        let (file, text) = (path.display().to_string(), Zeroizing::new(limited_text(path)?));
        let written: Written = if path.extension().is_some_and(|end| end == "json") {
            serde_json::from_str(&text)
                .map_err(|error| SubjectError::Format(file, without_values(&error.to_string())))?
        } else {
            let told = |error: toml::de::Error| {
                let line =
                    error.span().and_then(|span| text.get(..span.start)).map_or(0, |text| text.matches('\n').count());
                SubjectError::Format(format!("{file}:{}", line + 1), without_values(error.message()))
            };
            toml::from_str(&text).map_err(told)?
        };
        let mut subject = Subject::new(&written.name);
        for name in &written.traits {
            subject.add_trait(name)?;
        }
        for (name, secret) in &written.secrets {
            subject.add_secret(name, secret)?;
        }
        for (name, value) in &written.values {
            subject.add_written(name, value, path.parent().unwrap_or(Path::new(".")))?;
        }
        Ok(subject)
    }

    /// Adds a trait.
    ///
    /// # Errors
    /// [`SubjectError::Trait`].
    pub fn add_trait(&mut self, name: &str) -> Result<(), SubjectError> {
        if !TRAITS.iter().any(|(known, _)| *known == name) && !name.starts_with("x-") {
            return Err(SubjectError::Trait(name.into(), TRAITS.map(|(name, _)| name).join(", ")));
        }
        self.traits.insert(name.into());
        Ok(())
    }

    /// Adds a secret, and a wrong value of the same length beside it.
    ///
    /// # Errors
    /// [`SubjectError::Secret`], [`SubjectError::Length`].
    pub fn add_secret(&mut self, name: &str, secret: &str) -> Result<(), SubjectError> {
        let known = SECRETS.iter().find(|(known, _)| *known == name).ok_or(SubjectError::Secret(name.into()))?;
        if !(4..=16).contains(&secret.len()) || !secret.is_ascii() {
            return Err(SubjectError::Length(name.into()));
        }
        // Two candidates, so that what is wrong tells nothing of what is right.
        let wrong = ["0", "1"].map(|digit| digit.repeat(secret.len()));
        let wrong = wrong.into_iter().find(|wrong| wrong != secret).unwrap_or_default();
        self.values.set(&format!("wrong.{name}"), wrong.into_bytes(), false);
        self.values.set(known.1, secret.as_bytes().to_vec(), true);
        Ok(())
    }

    /// Takes secrets from variables such as `JITSUIN_SECRET_AUTHENTICATION`.
    ///
    /// # Errors
    /// [`SubjectError::Length`].
    pub fn add_environment(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), SubjectError> {
        for (name, _) in SECRETS {
            if let Some(secret) = variable(&format!("JITSUIN_SECRET_{}", name.to_uppercase())) {
                self.add_secret(name, &Zeroizing::new(secret))?;
            }
        }
        Ok(())
    }

    /// Takes secrets from text, one `name=value` a line.
    ///
    /// # Errors
    /// [`SubjectError`]; the value is not told.
    pub fn add_lines(&mut self, text: &str) -> Result<(), SubjectError> {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, secret) =
                line.split_once('=').ok_or_else(|| SubjectError::Secret("(a line without =)".into()))?;
            self.add_secret(name.trim(), secret.trim())?;
        }
        Ok(())
    }

    /// Adds a reference value.
    ///
    /// # Errors
    /// [`SubjectError::Value`] for a name that is not known.
    pub fn add_value(&mut self, name: &str, value: Vec<u8>) -> Result<(), SubjectError> {
        if !VALUES.iter().any(|(known, _)| *known == name) && !name.starts_with("x-") {
            return Err(SubjectError::Value(
                name.into(),
                format!("there are {}", VALUES.map(|(name, _)| name).join(", ")),
            ));
        }
        self.values.set(name, value, false);
        Ok(())
    }

    fn add_written(&mut self, name: &str, value: &str, folder: &Path) -> Result<(), SubjectError> {
        let bytes = match value.split_once(':') {
            Some(("text", text)) => text.as_bytes().to_vec(),
            Some(("file", file)) => {
                let path = folder.join(file);
                let read = std::fs::read(&path);
                read.map_err(|error| SubjectError::Value(name.into(), format!("{}: {error}", path.display())))?
            }
            _ => hex::decode(value.replace(' ', "")).map_err(|_| {
                SubjectError::Value(name.into(), "hexadecimal digits, text:..., or file:... beside this file".into())
            })?,
        };
        self.add_value(name, bytes)
    }

    /// Its traits.
    pub fn traits(&self) -> impl Iterator<Item = &str> {
        self.traits.iter().map(String::as_str)
    }

    /// Whether it has this trait, or has it not where a `!` stands in front.
    #[must_use]
    pub fn meets(&self, need: &str) -> bool {
        match need.strip_prefix('!') {
            Some(absent) => !self.traits.contains(absent),
            None => self.traits.contains(need),
        }
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }
}

/// Parsers repeat what they did not understand, and that may be a PIN.
fn without_values(message: &str) -> String {
    let mut out = String::new();
    for (at, piece) in message.split(['"', '`', '\'']).enumerate() {
        out.push_str(if at % 2 == 0 { piece } else { "…" });
    }
    out.replace(|c: char| c.is_ascii_digit(), "·")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, text: &str) -> Result<Subject, SubjectError> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(name);
        std::fs::write(folder.path().join("ca.der"), b"ca").expect("writes");
        std::fs::write(&path, text).expect("writes");
        Subject::load(&path)
    }

    #[test]
    fn both_formats_are_read() {
        let toml = "name = \"x\"\ntraits = [\"jpki\", \"x-mine\"]\n[secrets]\nauthentication = \"7391\"\n\
                    [values]\nsignature-ca = \"file:ca.der\"\nexpiry = \"text:20350217\"\ncard-atr = \"3B 00\"\n";
        let json = "{\"name\": \"x\", \"traits\": [\"jpki\"], \"secrets\": {\"authentication\": \"7391\"}}";
        for (name, text) in [("a.toml", toml), ("a.json", json)] {
            let subject = load(name, text).expect("reads");
            assert!(subject.meets("jpki") && !subject.meets("!jpki") && subject.meets("!face"));
            assert_eq!(&subject.values().get("wrong.authentication").expect("there").bytes[..], b"0000");
            assert!(!format!("{subject:?}").contains("7391"));
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        for text in [
            "name = 7391",
            "name = \"x\"\n[secrets]\nauthentication = 7391",
            "name = \"x\"\n[secrets]\nauthentication = \"739173917391739173\"",
            "name = \"x\"\n[secrets]\npin = \"7391\"",
            "name = \"x\"\n[secrets]\nauthentication = \"7391",
            "name = \"x\"\nsecrets = \"7391\"",
            "name = \"x\"\ntraits = [\"y\"]",
            "name = \"x\"\n[values]\ny = \"00\"",
            "name = \"x\"\n[values]\ncard-atr = \"file:none\"",
        ] {
            let said = load("a.toml", text).expect_err(text).to_string();
            assert!(!said.contains("7391"), "{said}");
        }
        let said = load("a.json", "{\"name\": \"x\", \"secrets\": \"7391\"}").expect_err("wrong").to_string();
        assert!(!said.contains("7391"), "{said}");
    }

    #[test]
    fn environment_and_lines() {
        let mut subject = Subject::new("x");
        subject.add_environment(|name| (name == "JITSUIN_SECRET_A").then(|| "123456789018".into())).expect("fits");
        subject.add_lines("# PINs\nsignature = ABC123\n").expect("fits");
        assert!(subject.values().has("a") && subject.values().has("wrong.signature"));
        assert!(subject.add_lines("signature ABC123").is_err());
    }
}
