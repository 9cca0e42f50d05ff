//! What the authorities know about one card.

use crate::{kind::CardProfile, person::Person, reference::SecurityCode};
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

/// How far a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Begun, not finished.
    Issuing,
    /// With its holder.
    Issued,
}

/// card.json: what the authorities know about a card. PINs are nowhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CardRecord {
    /// Its id in this world.
    pub id: String,
    /// 製造番号, 15 digits.
    pub serial: String,
    /// Its holder.
    pub person: Person,
    /// How far it is.
    pub progress: Progress,
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
    /// Serial number of the signature certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
    /// Serial number of the user authentication certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authentication: Option<String>,
}
