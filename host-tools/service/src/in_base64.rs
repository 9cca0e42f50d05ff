//! Bytes in JSON.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&Base64::encode_string(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    Base64::decode_vec(&String::deserialize(deserializer)?).map_err(|_| D::Error::custom("not base64"))
}
