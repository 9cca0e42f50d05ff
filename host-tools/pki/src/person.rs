//! Residents: the four attributes 基本4情報 and the My Number, checked, and their form in certificates. (pki.md §6)

use crate::{
    birthday,
    era::{self, EraYear},
    my_number::{MyNumber, MyNumberError},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use time::{Date, macros::date};

/// Most characters of an address. (pki.md P-18)
pub const ADDRESS_MAX: usize = 200;
/// Most characters of a name.
pub const NAME_MAX: usize = 100;

/// Between family and given name.
const IDEOGRAPHIC_SPACE: char = '\u{3000}';
/// Stands for a character that certificates do not carry. (pki.md P-13)
const GETA: char = '〓';

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

/// 性別 as the resident record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
    /// Not recorded.
    Unknown,
    /// 適用不能: recorded as neither.
    NotApplicable,
}

impl Sex {
    /// Code in the certificate, which has one for everything that is not male or female. (pki.md P-11)
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Sex::Male => "1",
            Sex::Female => "2",
            Sex::Unknown | Sex::NotApplicable => "3",
        }
    }

    /// Code in the 券面 applications, JIS X 0303. (card.md §9.3)
    #[must_use]
    pub const fn face_code(self) -> &'static str {
        match self {
            Sex::Unknown => "0",
            Sex::Male => "1",
            Sex::Female => "2",
            Sex::NotApplicable => "9",
        }
    }
}

/// A resident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// 氏名, family and given name separated by an ideographic space.
    pub name: String,
    /// 住所, from the prefecture on.
    pub address: String,
    /// 生年月日
    #[serde(with = "iso_date")]
    pub birth: Date,
    /// 性別
    pub sex: Sex,
    /// 個人番号. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub my_number: Option<MyNumber>,
}

/// Why somebody cannot be a resident.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// Name.
    #[error("name: {0}")]
    Name(&'static str),
    /// Address.
    #[error("address: {0}")]
    Address(&'static str),
    /// Date of birth.
    #[error("birth: {0}")]
    Birth(&'static str),
    /// My Number.
    #[error(transparent)]
    MyNumber(#[from] MyNumberError),
    /// No such sample.
    #[error("no sample resident {0:?}; there are sample-1 and sample-2")]
    Sample(String),
}

/// Text as a certificate carries it, and where characters were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substituted {
    /// The text.
    pub text: String,
    /// One digit a character: 1 replaced, 0 not.
    pub map: String,
}

impl Person {
    /// A resident without a My Number, checked against a day of issue.
    ///
    /// # Errors
    /// [`PersonError`] says which attribute, and why.
    pub fn new(name: &str, address: &str, birth: Date, sex: Sex, today: Date) -> Result<Self, PersonError> {
        let person = Person { name: name.into(), address: address.into(), birth, sex, my_number: None };
        person.validate(today)?;
        Ok(person)
    }

    /// The same resident with a My Number: the own one, or where there is none an invented one.
    #[must_use]
    pub fn with_my_number(mut self, rng: &mut impl CryptoRng) -> Self {
        self.my_number.get_or_insert_with(|| MyNumber::invent(rng));
        self
    }

    /// Checks the attributes.
    ///
    /// # Errors
    /// [`PersonError`].
    pub fn validate(&self, today: Date) -> Result<(), PersonError> {
        let (family, given) = self.name.split_once(IDEOGRAPHIC_SPACE).unwrap_or((&self.name, ""));
        if family.trim().is_empty() || given.trim().is_empty() {
            return Err(PersonError::Name("family and given name, separated by an ideographic space (U+3000)"));
        }
        if self.name.chars().count() > NAME_MAX {
            return Err(PersonError::Name("at most 100 characters"));
        }
        if self.name.chars().any(char::is_control) {
            return Err(PersonError::Name("no control characters"));
        }
        if self.address.trim().is_empty() {
            return Err(PersonError::Address("must not be empty"));
        }
        if self.address.chars().count() > ADDRESS_MAX {
            return Err(PersonError::Address("at most 200 characters"));
        }
        if self.address.chars().any(char::is_control) {
            return Err(PersonError::Address("no control characters"));
        }
        if self.birth < era::FIRST_DAY {
            return Err(PersonError::Birth("not before the Meiji era (1868-01-25)"));
        }
        if self.birth > today {
            return Err(PersonError::Birth("lies in the future"));
        }
        if birthday::age(self.birth, today) > 150 {
            return Err(PersonError::Birth("more than 150 years ago"));
        }
        Ok(())
    }

    /// An invented resident that comes with the tool.
    ///
    /// # Errors
    /// [`PersonError::Sample`].
    pub fn sample(name: &str) -> Result<Self, PersonError> {
        let person = |name: &str, address: &str, birth, sex, number| {
            let my_number = Some(MyNumber::test(number));
            Person { name: name.into(), address: address.into(), birth, sex, my_number }
        };
        match name {
            "sample-1" => {
                Ok(person("試験　花子", "模擬県試験市見本町一丁目２番３号", date!(1980 - 02 - 17), Sex::Female, 1))
            }
            "sample-2" => Ok(person(
                "試験　太郎左衛門之介",
                "模擬県試験市大字見本字長大住所確認用地割第九十九地割一万二千三百四十五番地六七八九の千二百三十四　\
                 試験見本第二サンプル団地東西南北連結棟別館アネックス１０１号室気付",
                date!(2004 - 02 - 29),
                Sex::Male,
                2,
            )),
            other => Err(PersonError::Sample(other.into())),
        }
    }

    /// Name as in the certificate.
    #[must_use]
    pub fn certificate_name(&self) -> Substituted {
        substitute(&self.name)
    }

    /// Address as in the certificate.
    #[must_use]
    pub fn certificate_address(&self) -> Substituted {
        substitute(&self.address)
    }

    /// Era digit ‖ YYYYMMDD. (pki.md §6, N = 4)
    #[must_use]
    pub fn certificate_birth(&self) -> String {
        let era = EraYear::of(self.birth).era;
        format!("{era}{:04}{:02}{:02}", self.birth.year(), u8::from(self.birth.month()), self.birth.day())
    }
}

fn substitute(text: &str) -> Substituted {
    let beyond = |c: char| u32::from(c) > 0xFFFF;
    Substituted {
        text: text.chars().map(|c| if beyond(c) { GETA } else { c }).collect(),
        map: text.chars().map(|c| if beyond(c) { '1' } else { '0' }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = date!(2026 - 11 - 24);

    #[test]
    fn samples_are_valid_and_say_test() {
        for name in ["sample-1", "sample-2"] {
            let person = Person::sample(name).expect(name);
            person.validate(TODAY).expect(name);
            assert!(person.name.starts_with("試験"));
            assert!(person.my_number.as_ref().is_some_and(MyNumber::is_test));
        }
        assert_ne!(
            Person::sample("sample-1").expect("one").my_number,
            Person::sample("sample-2").expect("two").my_number
        );
        assert!(Person::sample("sample-3").is_err());
    }

    #[test]
    fn bad_attributes_are_named() {
        let birth = date!(1980 - 02 - 17);
        let new = |name: &str, address: &str, birth| Person::new(name, address, birth, Sex::Male, TODAY);
        assert!(matches!(new("試験太郎", "模擬県", birth), Err(PersonError::Name(_))));
        assert!(matches!(new("試験　", "模擬県", birth), Err(PersonError::Name(_))));
        assert!(matches!(new("試験　太\u{7}郎", "模擬県", birth), Err(PersonError::Name(_))));
        assert!(matches!(new("試験　太郎", "", birth), Err(PersonError::Address(_))));
        assert!(matches!(new("試験　太郎", &"字".repeat(201), birth), Err(PersonError::Address(_))));
        assert!(new("試験　太郎", &"字".repeat(200), birth).is_ok());
        assert!(matches!(new("試験　太郎", "模擬県", date!(2026 - 11 - 25)), Err(PersonError::Birth(_))));
        assert!(matches!(new("試験　太郎", "模擬県", date!(1868 - 01 - 24)), Err(PersonError::Birth(_))));
    }

    #[test]
    fn records_of_earlier_versions_have_no_my_number() {
        let old = r#"{"name":"試験　花子","address":"模擬県","birth":"1980-02-17","sex":"female"}"#;
        let person: Person = serde_json::from_str(old).expect("loads");
        assert_eq!(person.my_number, None);
        assert_eq!(serde_json::to_string(&person).expect("json"), old);
        let numbered = person.with_my_number(&mut sim::rng::SimRng::seeded(1));
        let number = numbered.my_number.clone().expect("given");
        assert!(number.is_test());
        assert_eq!(numbered.with_my_number(&mut sim::rng::SimRng::seeded(2)).my_number, Some(number), "kept");
        let bad = old.replace('}', r#","my_number":"123456789012"}"#);
        assert!(serde_json::from_str::<Person>(&bad).is_err());
    }

    #[test]
    fn sexes_have_a_code_for_certificates_and_one_for_the_face() {
        let codes = [Sex::Male, Sex::Female, Sex::NotApplicable, Sex::Unknown].map(|sex| (sex.code(), sex.face_code()));
        assert_eq!(codes, [("1", "1"), ("2", "2"), ("3", "9"), ("3", "0")], "pki.md P-11, card.md §9.3");
        assert_eq!(serde_json::to_string(&Sex::NotApplicable).expect("json"), "\"not-applicable\"");
    }

    #[test]
    fn certificate_forms() {
        let mut person = Person::sample("sample-1").expect("sample");
        assert_eq!(person.certificate_birth(), "319800217", "the example of pki.md §6");
        person.name = "𠮷田　太郎".into();
        assert_eq!(person.certificate_name(), Substituted { text: "〓田　太郎".into(), map: "10000".into() });
        for (birth, expected) in [
            (date!(1912 - 07 - 29), "119120729"),
            (date!(1912 - 07 - 30), "219120730"),
            (date!(1989 - 01 - 07), "319890107"),
            (date!(1989 - 01 - 08), "419890108"),
            (date!(2019 - 04 - 30), "420190430"),
            (date!(2019 - 05 - 01), "520190501"),
        ] {
            person.birth = birth;
            assert_eq!(person.certificate_birth(), expected);
        }
    }
}
