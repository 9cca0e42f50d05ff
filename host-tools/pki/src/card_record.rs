//! What the authorities know about one card.

use crate::{
    birthday, kind::CardProfile, person::Person, personalise::Halves, profile::Hierarchy, reference::SecurityCode,
    relying::face::Modulus,
};
use serde::{Deserialize, Serialize};
use time::Date;

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

/// Where the card's keys were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrigin {
    /// By the authority, and imported.
    Imported,
    /// By the card.
    OnCard,
}

/// What was put on a card, and what the authorities know to do so. PINs are nowhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CardRecord {
    /// Its id in this world.
    pub id: String,
    /// 製造番号, 15 digits.
    pub serial: String,
    /// Its holder.
    pub person: Person,
    /// Where its keys come from.
    pub keys: KeyOrigin,
    /// Day of issue in Japan.
    #[serde(with = "iso_date")]
    pub issued: Date,
    /// Last day of the card.
    #[serde(with = "iso_date")]
    pub expires: Date,
    /// What kind of card it is; the first cards had the public certification application alone.
    #[serde(default = "CardProfile::jpki_only")]
    pub profile: CardProfile,
    /// Modulus of the key by which the card authenticates itself (共通カードAP 0019), hexadecimal. Nothing on the card tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authenticity_key: Option<String>,
    /// Printed on its face, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub security_code: Option<SecurityCode>,
    /// What the photo on its face is drawn from. Earlier cards have none: theirs follows from name and My Number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub photo_seed: Option<u32>,
    /// Which certificates it has or is to have; earlier cards have all that their kind and their holder's age allow.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub halves: Option<Halves>,
    /// Serial number of the signature certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
    /// Serial number of the user authentication certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authentication: Option<String>,
}

impl CardRecord {
    /// Which certificates it has or is to have.
    #[must_use]
    pub fn halves(&self) -> Halves {
        self.halves.unwrap_or_else(|| Halves {
            signature: self.profile.signature && birthday::may_sign(self.person.birth, self.issued),
            authentication: self.profile.authentication,
        })
    }

    /// The hierarchy of its signature certificate.
    #[must_use]
    pub fn signature_hierarchy(&self) -> Hierarchy {
        if self.profile.is_juki_card() { Hierarchy::Prefecture } else { Hierarchy::Signature }
    }

    /// Notes the serial number of a certificate that was put on it.
    pub fn set_certificate(&mut self, hierarchy: Hierarchy, serial: u32) {
        let serial = Some(format!("{serial:06X}"));
        match hierarchy {
            Hierarchy::Authentication => self.authentication = serial,
            Hierarchy::Signature | Hierarchy::Prefecture => self.signature = serial,
        }
    }

    /// Serial numbers of the certificates on it.
    #[must_use]
    pub fn certificates(&self) -> Vec<(Hierarchy, u32)> {
        [(Hierarchy::Authentication, &self.authentication), (self.signature_hierarchy(), &self.signature)]
            .into_iter()
            .filter_map(|(hierarchy, serial)| Some((hierarchy, u32::from_str_radix(serial.as_ref()?, 16).ok()?)))
            .collect()
    }

    /// The key by which the card authenticates itself, where it is known.
    #[must_use]
    pub fn authenticity(&self) -> Option<Modulus> {
        hex::decode(self.authenticity_key.as_ref()?).ok()?.try_into().ok()
    }

    /// What is printed on its face, where it has one.
    #[must_use]
    pub fn face(&self) -> Option<portrait::Holder<'_>> {
        let Person { name, address, birth, my_number, .. } = &self.person;
        let (my_number, security_code) = (my_number.as_ref()?.digits(), self.security_code.as_ref()?.digits());
        let age = u8::try_from(birthday::age(*birth, self.issued)).unwrap_or(0);
        let seed = self.photo_seed.map_or_else(|| portrait::seed(&[name, my_number]), u64::from);
        Some(portrait::Holder { name, address, security_code, my_number, age, seed })
    }
}
