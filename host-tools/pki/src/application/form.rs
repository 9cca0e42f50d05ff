//! What an applicant fills in: who it is, for what, and further fields. JSON, because both ends are programs.

use crate::person::{ADDRESS_MAX, NAME_MAX, Sex};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};
use std::collections::BTreeMap;
use time::Date;

/// Most bytes of a form as JSON.
pub const BYTES_MAX: usize = 64 * 1024;
/// Most characters of the name of a procedure or of a field.
const LABEL_MAX: usize = 100;
/// Most fields beside the four attributes.
const FIELDS_MAX: usize = 64;
/// Most characters of a field.
const FIELD_MAX: usize = 4000;

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

/// An application form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// 手続: which application this is.
    pub procedure: String,
    /// 氏名, family and given name separated by an ideographic space, as in the certificate.
    pub name: String,
    /// 住所
    pub address: String,
    /// 生年月日
    #[serde(with = "iso_date")]
    pub birth: Date,
    /// 性別
    pub sex: Sex,
    /// The fields of the procedure.
    #[serde(default, deserialize_with = "each_once")]
    pub fields: BTreeMap<String, String>,
}

/// Why bytes are no form.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Longer than [`BYTES_MAX`].
    #[error("the form has {0} bytes, more than {BYTES_MAX}")]
    Size(usize),
    /// Not the JSON of a form.
    #[error("not an application form: {0}")]
    Json(#[from] serde_json::Error),
    /// A text that is empty, too long, or has control characters.
    #[error("{0}: {1}")]
    Text(&'static str, String),
}

impl Form {
    /// Out of JSON, under limits.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn parse(json: &[u8]) -> Result<Self, FormError> {
        if json.len() > BYTES_MAX {
            return Err(FormError::Size(json.len()));
        }
        let form: Form = serde_json::from_slice(json)?;
        form.validate()?;
        Ok(form)
    }

    /// As JSON: what is signed.
    ///
    /// # Errors
    /// [`FormError`] for a form that nobody would take.
    pub fn to_json(&self) -> Result<Vec<u8>, FormError> {
        self.validate()?;
        let json = serde_json::to_vec_pretty(self)?;
        if json.len() > BYTES_MAX { Err(FormError::Size(json.len())) } else { Ok(json) }
    }

    fn validate(&self) -> Result<(), FormError> {
        text("procedure", &self.procedure, LABEL_MAX)?;
        text("name", &self.name, NAME_MAX)?;
        text("address", &self.address, ADDRESS_MAX)?;
        if self.fields.len() > FIELDS_MAX {
            return Err(FormError::Text("fields", format!("at most {FIELDS_MAX}")));
        }
        for (label, value) in &self.fields {
            text("the name of a field", label, LABEL_MAX)?;
            // A field may be left empty, and may have several lines.
            if value.chars().count() > FIELD_MAX || value.chars().any(|c| c.is_control() && c != '\n') {
                let what = format!("{label:?} has more than {FIELD_MAX} characters, or control characters");
                return Err(FormError::Text("fields", what));
            }
        }
        Ok(())
    }
}

fn text(what: &'static str, value: &str, most: usize) -> Result<(), FormError> {
    let why = match value {
        empty if empty.trim().is_empty() => "must not be empty".to_owned(),
        long if long.chars().count() > most => format!("at most {most} characters"),
        bad if bad.chars().any(char::is_control) => "no control characters".to_owned(),
        _ => return Ok(()),
    };
    Err(FormError::Text(what, why))
}

/// A field that stands there twice would be read differently by different people.
fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Once;
    impl<'de> Visitor<'de> for Once {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("fields, each once")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = BTreeMap::new();
            while let Some((label, value)) = map.next_entry::<String, String>()? {
                if fields.insert(label.clone(), value).is_some() {
                    return Err(A::Error::custom(format!("the field {label:?} stands there twice")));
                }
            }
            Ok(fields)
        }
    }
    deserializer.deserialize_map(Once)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn form() -> Form {
        Form {
            procedure: "自動車税の住所変更届".into(),
            name: "試験　花子".into(),
            address: "模擬県試験市見本町一丁目２番３号".into(),
            birth: date!(1980 - 02 - 17),
            sex: Sex::Female,
            fields: BTreeMap::from([("登録番号".into(), "試験 300 あ 00-00".into())]),
        }
    }

    #[test]
    fn a_form_comes_back_as_it_went() {
        assert_eq!(Form::parse(&form().to_json().expect("json")).expect("a form"), form());
    }

    #[test]
    fn bad_forms_are_refused_with_a_reason() {
        let json = String::from_utf8(form().to_json().expect("json")).expect("text");
        let refused = |json: &str, part: &str| {
            let error = Form::parse(json.as_bytes()).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        };
        refused("", "EOF");
        refused(&json.replace("\"sex\"", "\"gender\""), "gender");
        refused(&json.replace("1980-02-17", "1980-02-30"), "");
        refused(&json.replace("試験　花子", ""), "name: must not be empty");
        refused(&json.replace("試験　花子", &"字".repeat(101)), "at most 100");
        refused(&json.replace("試験　花子", "試験　花\\u0000子"), "control");
        refused(&json.replace("\"name\"", "\"name\": \"試験　太郎\", \"name\""), "duplicate field");
        refused(&json.replace("\"登録番号\"", "\"登録番号\": \"\", \"登録番号\""), "twice");
        refused(&format!("{json} {json}"), "trailing");
        refused(&" ".repeat(BYTES_MAX + 1), "more than");
        let mut many = form();
        many.fields = (0..65).map(|n| (n.to_string(), String::new())).collect();
        assert!(many.to_json().is_err());
    }
}
