//! The holder's four passwords: tries left without spending one, and new values at home. (service.md §5, rows 19 and 20)

use super::{ClientError, Half, Jpki, Selected};
use crate::{
    era::EraYear,
    personalise::{self, PinError},
};
use apdu::Sw;
use card_os::profile::{Application, COMMON, JPKI, JUKI, TEXT};
use serde::Serialize;
use sim::reader::Reader;
use time::Date;
use zeroize::Zeroizing;

/// One of the passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Password {
    /// 利用者証明用暗証番号
    Authentication,
    /// 署名用暗証番号
    Signature,
    /// 住民基本台帳用暗証番号, which lies in two applications.
    Residents,
    /// 券面事項入力補助用暗証番号
    Form,
}

/// A PIN object: application and EF identifier.
type Object = (&'static Application, u8);

impl Password {
    /// All of them.
    pub const ALL: [Password; 4] = [Password::Authentication, Password::Signature, Password::Residents, Password::Form];

    /// English and Japanese.
    #[must_use]
    pub const fn names(self) -> [&'static str; 2] {
        match self {
            Password::Authentication => ["user authentication PIN", "利用者証明用暗証番号"],
            Password::Signature => ["signature password", "署名用暗証番号"],
            Password::Residents => ["residents' network PIN", "住民基本台帳用暗証番号"],
            Password::Form => ["form filling PIN", "券面事項入力補助用暗証番号"],
        }
    }

    /// Tries that it has when none is spent.
    #[must_use]
    pub const fn tries(self) -> u8 {
        match self {
            Password::Signature => Half::Signature.tries(),
            _ => Half::Authentication.tries(),
        }
    }

    fn objects(self) -> Vec<Object> {
        match self {
            Password::Authentication => vec![(&JPKI, Half::Authentication.pin())],
            Password::Signature => vec![(&JPKI, Half::Signature.pin())],
            Password::Residents => vec![(&COMMON, 0x1C), (&JUKI, 0x1C)],
            Password::Form => vec![(&TEXT, 0x11)],
        }
    }
}

/// Tries of one PIN object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tries {
    /// Of which password.
    pub password: Password,
    /// In which application.
    pub application: &'static str,
    /// EF identifier.
    pub object: String,
    /// Left; `None` where the card has no such object.
    pub left: Option<u8>,
    /// When none is spent.
    pub of: u8,
}

/// Why a password was not taken, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The wrong one.
    #[error("{} ({}): wrong value, {left} tries left", name[0], name[1])]
    Wrong {
        /// Which.
        name: [&'static str; 2],
        /// Tries left.
        left: u8,
    },
    /// No tries left.
    #[error("{} ({}): locked; the municipal counter resets it", .0[0], .0[1])]
    Locked([&'static str; 2]),
    /// A card without it.
    #[error("this card has no {} ({})", .0[0], .0[1])]
    Absent([&'static str; 2]),
    /// A new value that the card does not take.
    #[error("the new value was refused and nothing was asked of the card: {0}")]
    Rule(#[from] PinError),
    /// The two objects of one password differ now.
    #[error(
        "the first of the two objects took the new value and the second did not; repeat the change for it at the counter: {0}"
    )]
    Half(Box<PasswordError>),
    /// Anything else.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl PasswordError {
    fn of(password: Password, error: ClientError) -> Self {
        match error.sw() {
            Some(Sw::FILE_NOT_FOUND | Sw::REFERENCED_DATA_NOT_FOUND) => PasswordError::Absent(password.names()),
            Some(Sw::AUTHENTICATION_METHOD_BLOCKED | Sw::BLOCKED) => PasswordError::Locked(password.names()),
            Some(sw) => match sw.retries() {
                Some(0) => PasswordError::Locked(password.names()),
                Some(left) => PasswordError::Wrong { name: password.names(), left },
                None => error.into(),
            },
            None => error.into(),
        }
    }
}

/// The passwords of a card in a reader.
pub struct Passwords<'r> {
    reader: &'r mut dyn Reader,
}

impl<'r> Passwords<'r> {
    /// Of the card in this reader.
    pub fn new(reader: &'r mut dyn Reader) -> Self {
        Passwords { reader }
    }

    /// Presents the password of a half in the selected application.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn open(jpki: &mut Jpki<'_>, half: Half, value: &str) -> Result<(), PasswordError> {
        let (password, folded) = match half {
            Half::Signature => (Password::Signature, Zeroizing::new(value.to_ascii_uppercase())),
            Half::Authentication => (Password::Authentication, Zeroizing::new(value.to_owned())),
        };
        jpki.verify(half, &folded).map_err(|error| PasswordError::of(password, error))
    }

    /// Tries left of every PIN object; none is spent.
    ///
    /// # Errors
    /// [`ClientError`] of a card that does not answer as one.
    pub fn status(&mut self) -> Result<Vec<Tries>, ClientError> {
        let mut all = Vec::new();
        for password in Password::ALL {
            for (application, object) in password.objects() {
                let left = match self.tries((application, object)) {
                    Ok(left) => Some(left),
                    Err(error) => match PasswordError::of(password, error) {
                        PasswordError::Absent(_) => None,
                        PasswordError::Locked(_) => Some(0),
                        PasswordError::Client(error) => return Err(error),
                        _ => None,
                    },
                };
                let (application, object) = (application.name, format!("{object:04X}"));
                all.push(Tries { password, application, object, left, of: password.tries() });
            }
        }
        Ok(all)
    }

    fn tries(&mut self, (application, object): Object) -> Result<u8, ClientError> {
        Selected::select(self.reader, application)?.tries(object)
    }

    /// The form in which the card takes a new value: the signature password in upper case. A card without a user authentication
    /// PIN is a Juki card, whose rules are looser.
    ///
    /// # Errors
    /// [`PasswordError::Rule`].
    pub fn check(&mut self, password: Password, value: &str) -> Result<Zeroizing<String>, PasswordError> {
        Ok(match password {
            Password::Authentication => personalise::check_digits(personalise::AUTHENTICATION, value)?,
            Password::Residents => personalise::check_digits(personalise::RESIDENTS, value)?,
            Password::Form => personalise::check_digits(personalise::FORM, value)?,
            Password::Signature if self.is_juki_card()? => personalise::check_juki_card(value)?,
            Password::Signature => personalise::check_signature(value)?,
        })
    }

    fn is_juki_card(&mut self) -> Result<bool, ClientError> {
        match self.tries((&JPKI, Half::Authentication.pin())) {
            Ok(_) => Ok(false),
            Err(error) => match PasswordError::of(Password::Authentication, error) {
                PasswordError::Absent(_) => Ok(true),
                PasswordError::Client(error) => Err(error),
                _ => Ok(false),
            },
        }
    }

    /// Gives a password a new value 暗証番号変更, in every object that has it: all are opened with the old value before the first
    /// one is changed.
    ///
    /// # Errors
    /// [`PasswordError`]; nothing was changed, unless it says so.
    pub fn change(&mut self, password: Password, old: &str, new: &str) -> Result<(), PasswordError> {
        let new = self.check(password, new)?;
        let old = match password {
            Password::Signature => Zeroizing::new(old.to_ascii_uppercase()),
            _ => Zeroizing::new(old.to_owned()),
        };
        let said = |error| PasswordError::of(password, error);
        let objects = password.objects();
        // A locked or differing second object is found before the first one changes.
        if objects.len() > 1 {
            for (application, object) in &objects {
                Selected::select(self.reader, application)
                    .and_then(|mut one| one.verify(*object, &old))
                    .map_err(said)?;
            }
        }
        for (index, (application, object)) in objects.into_iter().enumerate() {
            let mut change = || -> Result<(), ClientError> {
                let mut selected = Selected::select(self.reader, application)?;
                selected.verify(object, &old)?;
                selected.change(object, &new)
            };
            let changed = change().map_err(said);
            changed.map_err(|error| if index == 0 { error } else { PasswordError::Half(Box::new(error)) })?;
        }
        Ok(())
    }
}

/// What makes a value easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// Parts of the date of birth.
    Birth,
    /// One character over and over.
    Repeated,
    /// 1234, 4321, ABCD.
    Sequence,
    /// The old value.
    Unchanged,
}

impl Weakness {
    /// English and Japanese.
    #[must_use]
    pub const fn advice(self) -> [&'static str; 2] {
        match self {
            Weakness::Birth => ["it has parts of the date of birth", "生年月日の一部が含まれています"],
            Weakness::Repeated => ["it repeats one character", "同じ文字の繰り返しです"],
            Weakness::Sequence => ["its characters follow one another", "連続した文字です"],
            Weakness::Unchanged => ["it is the old value", "変更前と同じです"],
        }
    }

    /// What is weak about a new value.
    #[must_use]
    pub fn of(new: &str, old: &str, birth: Option<Date>) -> Vec<Weakness> {
        let folded = Zeroizing::new(new.to_ascii_uppercase());
        let step = |step: i16| has_run(folded.as_bytes(), step);
        let found = [
            (Weakness::Birth, birth.is_some_and(|birth| has_date(&folded, birth))),
            (Weakness::Repeated, step(0)),
            (Weakness::Sequence, step(1) || step(-1)),
            (Weakness::Unchanged, new.eq_ignore_ascii_case(old)),
        ];
        found.into_iter().filter(|(_, found)| *found).map(|(weakness, _)| weakness).collect()
    }
}

/// Whether four characters in a row, none of them beside the alphabet or the digits, are so far apart.
fn has_run(value: &[u8], step: i16) -> bool {
    value.windows(4).any(|four| four.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step))
}

/// Year, month and day, or year of the era, in the ways in which people shorten them to four digits.
fn has_date(value: &str, birth: Date) -> bool {
    let (year, month, day) = (birth.year(), u8::from(birth.month()), birth.day());
    let (short, era) = (year.rem_euclid(100), EraYear::of(birth).year);
    let mut parts = vec![format!("{year:04}"), format!("{month:02}{day:02}"), format!("{day:02}{month:02}")];
    for year in [short, era] {
        parts.extend([format!("{year:02}{month:02}"), format!("{month:02}{year:02}"), format!("{year:02}{day:02}")]);
    }
    parts.iter().any(|part| value.contains(part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn weak_values_are_named() {
        let weak = |new| Weakness::of(new, "7294", Some(date!(1980 - 02 - 17)));
        for (value, weakness) in [
            ("1980", Weakness::Birth),
            ("0217", Weakness::Birth),
            ("1702", Weakness::Birth),
            ("8002", Weakness::Birth),
            ("5502", Weakness::Birth),
            ("XY0217", Weakness::Birth),
            ("7777", Weakness::Repeated),
            ("AAAA77", Weakness::Repeated),
            ("3456", Weakness::Sequence),
            ("9876", Weakness::Sequence),
            ("abcd77", Weakness::Sequence),
            ("7294", Weakness::Unchanged),
        ] {
            assert_eq!(weak(value), [weakness], "{value}");
        }
        for good in ["7392", "QX58ZT", "1357"] {
            assert_eq!(weak(good), [], "{good}");
        }
        assert_eq!(Weakness::of("0217", "7294", None), [], "whose birth is not known");
    }
}
