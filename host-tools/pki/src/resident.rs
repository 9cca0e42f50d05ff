//! Invented residents: seeded, of every age and shape, none of them anybody. (docs/decisions/0012)

mod words;

use crate::{
    birthday,
    my_number::MyNumber,
    person::{ADDRESS_MAX, NAME_MAX, Person, PersonError, Sex},
    reference::SecurityCode,
};
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use sim::rng::SimRng;
use std::ops::RangeInclusive;
use time::{Date, Duration, Month};

/// Largest file with a resident, in bytes.
pub const FILE_MAX: usize = 1 << 16;
/// Greatest age of a resident who is invented. The oldest people known lived longer; nobody alive is of the Meiji era.
pub const AGE_MAX: u8 = 110;
/// From this size on, in bytes, the text of 券面入力補助 0002 has a length of three bytes. (card.md §9.0)
const SHORT_TEXT: usize = 128;

/// Somebody, and the security code of the card if it is to have a certain one.
///
/// In JSON one flat object: name, address, birth, sex, and if known my_number and security_code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub struct Resident {
    /// Who.
    pub person: Person,
    /// セキュリティコード of the card.
    pub security_code: Option<SecurityCode>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    name: String,
    address: String,
    #[serde(with = "iso_date")]
    birth: Date,
    sex: Sex,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    my_number: Option<MyNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    security_code: Option<SecurityCode>,
}

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

impl From<Flat> for Resident {
    fn from(flat: Flat) -> Resident {
        let Flat { name, address, birth, sex, my_number, security_code } = flat;
        Resident { person: Person { name, address, birth, sex, my_number }, security_code }
    }
}

impl From<Resident> for Flat {
    fn from(resident: Resident) -> Flat {
        let Person { name, address, birth, sex, my_number } = resident.person;
        Flat { name, address, birth, sex, my_number, security_code: resident.security_code }
    }
}

/// Why a file holds no resident.
#[derive(Debug, thiserror::Error)]
pub enum ResidentError {
    /// Too long.
    #[error("more than {FILE_MAX} bytes; a resident is one small JSON object")]
    Size,
    /// Not such JSON.
    #[error(
        "{0}; a resident is {{\"name\": …, \"address\": …, \"birth\": \"YYYY-MM-DD\", \
         \"sex\": \"male|female|unknown|not-applicable\"}} and may have my_number and security_code; `jitsuin person --json` \
         writes one"
    )]
    Json(serde_json::Error),
    /// More than one, or none.
    #[error("{0} residents in one list; give one")]
    Count(usize),
    /// Not somebody who can get a card.
    #[error(transparent)]
    Person(#[from] PersonError),
}

impl Resident {
    /// Reads one resident, alone or in a list of one, and checks the attributes against a day of issue.
    ///
    /// # Errors
    /// [`ResidentError`].
    pub fn from_json(text: &[u8], today: Date) -> Result<Self, ResidentError> {
        if text.len() > FILE_MAX {
            return Err(ResidentError::Size);
        }
        let is_list = text.trim_ascii_start().first() == Some(&b'[');
        let resident: Resident = if is_list {
            let list: Vec<Resident> = serde_json::from_slice(text).map_err(ResidentError::Json)?;
            let count = list.len();
            let [resident] = <[Resident; 1]>::try_from(list).map_err(|_| ResidentError::Count(count))?;
            resident
        } else {
            serde_json::from_slice(text).map_err(ResidentError::Json)?
        };
        resident.person.validate(today)?;
        Ok(resident)
    }
}

/// Which form of 券面入力補助 0002 a resident has. (card.md §9.3)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Whatever comes.
    #[default]
    Any,
    /// Below 128 bytes, as the simplest clients expect it.
    Short,
    /// From 128 bytes on.
    Long,
}

impl Form {
    /// The form of somebody: what the four attributes and their offset table measure.
    #[must_use]
    pub fn of(person: &Person) -> Form {
        // DF21, headers of DF22 and DF23, DF24, DF25. A text long enough for a longer header is long anyway.
        let content = 11 + 3 + person.name.len() + 3 + person.address.len() + 11 + 4;
        if content < SHORT_TEXT { Form::Short } else { Form::Long }
    }
}

/// Whom to invent.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The same residents each time.
    pub seed: u64,
    /// Completed years, up to [`AGE_MAX`].
    pub ages: RangeInclusive<u8>,
    /// The day on which they are that old.
    pub today: Date,
    /// Short or long.
    pub form: Form,
}

/// Invents residents, one after the other, no two with the same My Number.
#[derive(Debug)]
pub struct Residents {
    wanted: Wanted,
    rng: SimRng,
    next: u32,
}

impl Residents {
    /// Begins.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        let mut rng = SimRng::seeded(wanted.seed);
        let next = rng.next_u32() % MyNumber::TESTS;
        Residents { wanted, rng, next }
    }

    /// A number below a bound.
    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound.max(1)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = self.below(u32::try_from(words.len()).unwrap_or(1));
        words.get(index as usize).copied().unwrap_or_default()
    }

    /// Every number once before any comes again: the step has no factor in common with their count.
    fn my_number(&mut self) -> MyNumber {
        self.next = (self.next + 618_033) % MyNumber::TESTS;
        MyNumber::test(self.next)
    }

    fn sex(&mut self) -> Sex {
        match self.below(32) {
            0 => Sex::Unknown,
            1 => Sex::NotApplicable,
            n if n % 2 == 0 => Sex::Male,
            _ => Sex::Female,
        }
    }

    fn birth(&mut self) -> Date {
        let (ages, today) = (self.wanted.ages.clone(), self.wanted.today);
        let oldest = birthday::birthday_in(today, today.year() - i32::from(*ages.end()) - 1);
        let youngest = birthday::birthday_in(today, today.year() - i32::from(*ages.start()));
        let days = u32::try_from((youngest - oldest).whole_days()).unwrap_or(0);
        let leap = self.one_in(16);
        for _ in 0..64 {
            let mut born = oldest.saturating_add(Duration::days(i64::from(self.below(days)) + 1));
            if leap {
                born = Date::from_calendar_date(born.year() / 4 * 4, Month::February, 29).unwrap_or(born);
            }
            if born <= today && (ages.contains(&u8::try_from(birthday::age(born, today)).unwrap_or(u8::MAX))) {
                return born;
            }
        }
        youngest
    }

    fn name(&mut self, sex: Sex) -> String {
        let kind = if self.wanted.form == Form::Short { self.below(14) } else { self.below(16) };
        let rare = if kind == 0 { self.pick(&words::RARE) } else { "" };
        if kind == 14 {
            return self.pick(&words::LATIN).into();
        }
        let family = format!("{rare}{}{}", self.pick(&words::STEMS), self.pick(&words::ENDINGS));
        if kind == 15 {
            let room = u32::try_from(NAME_MAX - 1 - family.chars().count()).unwrap_or(0);
            let length = 20 + self.below(room - 19);
            return format!("{family}\u{3000}{}", words::JUGEMU.chars().take(length as usize).collect::<String>());
        }
        let given = match sex {
            Sex::Male => self.pick(&words::MALE),
            Sex::Female => self.pick(&words::FEMALE),
            Sex::Unknown | Sex::NotApplicable => self.pick(&words::NEUTRAL),
        };
        format!("{family}\u{3000}{given}")
    }

    /// Prefecture to house number.
    fn street(&mut self) -> String {
        let place = [&words::PREFECTURES[..], &words::MUNICIPALITIES, &words::QUARTERS, &words::CHOME];
        let mut address: String = place.map(|words| self.pick(words)).concat();
        let (first, second, third) = (1 + self.below(40), 1 + self.below(25), 1 + self.below(99));
        address += &full_width(&match self.below(3) {
            0 => format!("{first}番{second}号"),
            1 => format!("{}番地{third}", first * 31),
            _ => format!("{first}−{second}−{third}"),
        });
        address
    }

    fn address(&mut self) -> String {
        let mut address = self.street();
        if self.wanted.form == Form::Short {
            return address;
        }
        if self.one_in(2) {
            let (floor, flat) = (1 + self.below(30), 1 + self.below(20));
            let room = full_width(&format!("{floor}{flat:02}号室"));
            address = format!("{address}\u{3000}{}{room}", self.pick(&words::BUILDINGS));
        }
        if self.wanted.form == Form::Any && !self.one_in(8) {
            return address;
        }
        // As long as they get, one of four; else anything from three lines of the face.
        let length = if self.one_in(4) { ADDRESS_MAX } else { 60 + self.below(141) as usize };
        while address.chars().count() < length {
            address += self.pick(&words::FURTHER);
        }
        address.chars().take(length).collect()
    }
}

impl Iterator for Residents {
    type Item = Resident;

    fn next(&mut self) -> Option<Resident> {
        let (sex, birth) = (self.sex(), self.birth());
        let (mut name, mut address) = (self.name(sex), self.address());
        // Short ones are found by trying; the shortest of all is short enough.
        for _ in 0..32 {
            let person = Person { name: name.clone(), address: address.clone(), birth, sex, my_number: None };
            if self.wanted.form != Form::Short || Form::of(&person) == Form::Short {
                break;
            }
            (name, address) = (self.name(sex), self.street());
        }
        let my_number = Some(self.my_number());
        let security_code = Some(SecurityCode::draw(&mut self.rng));
        Some(Resident { person: Person { name, address, birth, sex, my_number }, security_code })
    }
}

/// Digits as addresses have them.
fn full_width(text: &str) -> String {
    text.chars().map(|c| c.to_digit(10).and_then(|digit| char::from_u32(0xFF10 + digit)).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests;
