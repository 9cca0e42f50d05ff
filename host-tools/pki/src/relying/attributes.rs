//! The personal attributes of a signature certificate, and whether they are those of an application form. (pki.md §6)

use super::certificate::Certificate;
use crate::{
    application::Form,
    era::EraYear,
    person::{ADDRESS_MAX, Sex},
};
use der::asn1::Utf8StringRef;
use std::collections::BTreeMap;
use time::{Date, Month};
use x509_cert::ext::pkix::name::GeneralName;

/// In this order they stand in the certificate.
const ORDER: [&str; 6] = [
    "1.2.392.200149.8.5.5.1",
    "1.2.392.200149.8.5.5.4",
    "1.2.392.200149.8.5.5.3",
    "1.2.392.200149.8.5.5.5",
    "1.2.392.200149.8.5.5.2",
    "1.2.392.200149.8.5.5.6",
];

/// 基本4情報 as a certificate has them.
#[derive(Clone, PartialEq, Eq)]
pub struct Attributes {
    name: Substituted,
    address: Substituted,
    birth: Option<Date>,
    sex: String,
}

/// A text, and a digit for each character: 1 where it stands for another.
#[derive(Clone, PartialEq, Eq)]
struct Substituted {
    text: String,
    map: String,
}

/// One of the four attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// 氏名
    Name,
    /// 住所
    Address,
    /// 生年月日
    Birth,
    /// 性別
    Sex,
}

impl Attribute {
    /// English and Japanese.
    #[must_use]
    pub const fn names(self) -> [&'static str; 2] {
        match self {
            Attribute::Name => ["name", "氏名"],
            Attribute::Address => ["address", "住所"],
            Attribute::Birth => ["date of birth", "生年月日"],
            Attribute::Sex => ["sex", "性別"],
        }
    }
}

/// No attributes: a log is no place for them.
impl std::fmt::Debug for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attributes")
    }
}

impl Attributes {
    /// Of a signature certificate; `None` where it has not exactly the six values, in their order and forms.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let names = &certificate.extensions().subject_alternative_name.as_ref()?.0;
        let values: Vec<String> = names.iter().zip(ORDER).map_while(|(name, oid)| value(name, oid)).collect();
        let whole = names.len() == ORDER.len();
        let [name, birth, sex, address, name_map, address_map] = values.try_into().ok().filter(|_| whole)?;
        Some(Attributes {
            name: Substituted::new(name, name_map)?,
            address: Substituted::new(address, address_map)?,
            birth: date(&birth)?,
            sex: Some(sex).filter(|sex| ["1", "2", "3", "9"].contains(&sex.as_str()))?,
        })
    }

    /// Which of a form's attributes are others than the certificate's.
    #[must_use]
    pub fn differences(&self, form: &Form) -> Vec<Attribute> {
        let sex = self.sex == form.sex.code() || (self.sex == "9" && form.sex.code() == "3");
        let same = [
            (Attribute::Name, self.name.stands_for(&form.name)),
            (Attribute::Address, self.address.stands_for(&form.address)),
            (Attribute::Birth, self.birth == Some(form.birth)),
            (Attribute::Sex, sex),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(attribute, _)| attribute).collect()
    }

    /// A form with these attributes filled in; `None` where the certificate has no whole date of birth.
    #[must_use]
    pub fn form(&self, procedure: &str, fields: BTreeMap<String, String>) -> Option<Form> {
        let (procedure, name, address) = (procedure.to_owned(), self.name.text.clone(), self.address.text.clone());
        let sex = [Sex::Male, Sex::Female].into_iter().find(|sex| sex.code() == self.sex).unwrap_or(Sex::NotApplicable);
        Some(Form { procedure, name, address, birth: self.birth?, sex, fields })
    }

    /// Whether a character of the name or of the address stands for another, so that a comparison cannot see all.
    #[must_use]
    pub fn is_substituted(&self) -> bool {
        self.name.map.contains('1') || self.address.map.contains('1')
    }
}

impl Substituted {
    fn new(text: String, map: String) -> Option<Self> {
        let length = text.chars().count();
        let fits = (1..=ADDRESS_MAX).contains(&length)
            && map.chars().count() == length
            && map.chars().all(|digit| matches!(digit, '0' | '1'));
        fits.then_some(Substituted { text, map })
    }

    /// Whether it is what becomes of this text: where a character was replaced, one character of any kind.
    fn stands_for(&self, whole: &str) -> bool {
        let replaced = self.map.chars().map(|digit| digit == '1');
        self.text.chars().count() == whole.chars().count()
            && self
                .text
                .chars()
                .zip(replaced)
                .zip(whole.chars())
                .all(|((own, replaced), other)| replaced || own == other)
    }
}

fn value(name: &GeneralName, oid: &str) -> Option<String> {
    let GeneralName::OtherName(other) = name else { return None };
    let text = other.value.decode_as::<Utf8StringRef<'_>>().ok()?;
    (other.type_id.to_string() == oid).then(|| text.as_str().to_owned())
}

/// Era digit ‖ YYYYMMDD; the inner `None` for the unknown date of era 0.
fn date(text: &str) -> Option<Option<Date>> {
    if text.len() != 9 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u16>().ok();
    let month = Month::try_from(u8::try_from(number(5..7)?).ok()?).ok();
    let date = month.and_then(|month| {
        Date::from_calendar_date(i32::from(number(1..5)?), month, u8::try_from(number(7..9)?).ok()?).ok()
    });
    match (text.chars().next()?, date) {
        ('0', date) => Some(date),
        (era, Some(date)) if EraYear::of(date).era == era => Some(Some(date)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn replaced_characters_stand_for_any_other_ones_for_themselves() {
        let own = Substituted::new("〓田　太郎".into(), "10000".into()).expect("fits");
        assert!(own.stands_for("𠮷田　太郎") && own.stands_for("吉田　太郎"));
        assert!(!own.stands_for("𠮷田　次郎") && !own.stands_for("𠮷田　太") && !own.stands_for("𠮷田　太郎　"));
        for bad in ["1000", "100000", "10002", ""] {
            assert!(Substituted::new("〓田　太郎".into(), bad.into()).is_none(), "{bad}");
        }
    }

    #[test]
    fn dates_want_their_era() {
        assert_eq!(super::date("319800217"), Some(Some(date!(1980 - 02 - 17))), "the example of pki.md §6");
        assert_eq!(super::date("419890108"), Some(Some(date!(1989 - 01 - 08))));
        assert_eq!(super::date("000000000"), Some(None), "unknown");
        for bad in ["419890107", "319800230", "3198002", "31980021x", "９19800217", ""] {
            assert_eq!(super::date(bad), None, "{bad}");
        }
    }
}
