//! What a holder, or somebody who sees the printed face, can tell a program.

use super::SurveyError;
use crate::{
    card_record::CardRecord,
    reference::{birth_key, number_a, number_b},
};
use card_os::profile::{Model, Object};
use zeroize::Zeroizing;

/// One value.
pub struct Credential {
    /// The value as it is sent.
    pub value: Zeroizing<String>,
    /// Whether a card that does not take it ends the survey. What is tried without having been asked for need not hold.
    pub must_hold: bool,
}

/// Values to present, each to every PIN object that takes it.
#[derive(Default)]
pub struct Credentials {
    /// 利用者証明用暗証番号
    pub authentication: Option<Credential>,
    /// 署名用暗証番号
    pub signature: Option<Credential>,
    /// 券面事項入力補助用暗証番号
    pub form: Option<Credential>,
    /// 照合番号A
    pub number_a: Option<Credential>,
    /// 照合番号B
    pub number_b: Option<Credential>,
    /// 生年月日, era YYMMDD.
    pub birth: Option<Credential>,
    /// Whether 券面事項入力補助AP is read through secure messaging.
    pub secure_messaging: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credential {
    /// One that somebody gave.
    #[must_use]
    pub fn given(value: &str) -> Self {
        Credential { value: Zeroizing::new(value.into()), must_hold: true }
    }

    /// One that is tried.
    #[must_use]
    pub fn tried(value: Zeroizing<String>) -> Self {
        Credential { value, must_hold: false }
    }
}

impl Credentials {
    /// Adds what is printed on the card, out of the issuer's record, where nothing was given.
    #[must_use]
    pub fn with_printed(mut self, record: &CardRecord) -> Self {
        let (Some(number), Some(code)) = (&record.person.my_number, &record.security_code) else { return self };
        if record.profile.has_face() {
            let b = number_b(record.person.birth, record.expires, code);
            self.number_a.get_or_insert_with(|| Credential::tried(number_a(number)));
            self.number_b.get_or_insert_with(|| Credential::tried(b));
            self.birth.get_or_insert_with(|| Credential::tried(birth_key(record.person.birth)));
        }
        self
    }

    /// What this PIN object takes. (card.md §7.1)
    pub(super) fn of(&self, object: &Object) -> Option<&Credential> {
        self.rows().into_iter().find(|row| row.1.contains(&object.grouping())).and_then(|row| row.2)
    }

    /// Name, PIN objects, value.
    fn rows(&self) -> [(&'static str, &'static [u16], Option<&Credential>); 6] {
        [
            ("利用者証明用暗証番号 (user authentication PIN)", &[0x0118], self.authentication.as_ref()),
            ("署名用暗証番号 (signature password)", &[0x011B], self.signature.as_ref()),
            ("券面事項入力補助用暗証番号 (form filling PIN)", &[0x0511], self.form.as_ref()),
            ("照合番号A (face number A)", &[0x0413, 0x0514], self.number_a.as_ref()),
            ("照合番号B (face number B)", &[0x0412, 0x0515], self.number_b.as_ref()),
            ("生年月日 (birth-date key)", &[0x0411], self.birth.as_ref()),
        ]
    }

    /// Whether a card of this model takes all of it.
    pub(super) fn check(&self, model: &Model) -> Result<(), SurveyError> {
        let unknown = |objects: &[u16]| !objects.iter().any(|grouping| model.by_grouping(*grouping).is_some());
        let given = |credential: Option<&Credential>| credential.is_some_and(|credential| credential.must_hold);
        if let Some((name, ..)) = self.rows().into_iter().find(|(_, objects, value)| given(*value) && unknown(objects))
        {
            return Err(SurveyError::Absent(name));
        }
        match (self.secure_messaging, model.by_grouping(0x0511).is_some(), self.form.is_some()) {
            (true, false, _) => Err(SurveyError::Messaging("this kind of card has no such application")),
            (true, true, false) => Err(SurveyError::Messaging("give the form filling PIN")),
            _ => Ok(()),
        }
    }
}
