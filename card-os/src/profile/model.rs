//! Which applications one kind of card has. A model is fixed when the chip is made.

use super::{ANDROID_JPKI, Application, COMMON, FACE, ISD, JPKI, JUKI, JUKI_CARD_JPKI, Object, TEXT, Words, words};

/// A kind of card.
#[derive(Debug)]
pub struct Model {
    /// Its number in the card's memory.
    pub number: u8,
    /// Its name in profiles.
    pub name: Words,
    /// Its applications in the order of occurrence: names sorted bytewise. (card.md D-04)
    pub applications: &'static [&'static Application],
    /// Whether it answers `80 FC 00 00`, the last command of an iPhone's client. (card.md §17, D-54)
    pub takes_last_command_mark: bool,
}

impl Model {
    /// My Number Card 個人番号カード.
    pub const CARD: &'static Model = &Model {
        number: 1,
        name: words("card"),
        applications: &[&ISD, &COMMON, &JUKI, &FACE, &TEXT, &JPKI],
        takes_last_command_mark: false,
    };

    /// The public certification application alone: what this simulator's first images hold.
    pub const JPKI_ONLY: &'static Model =
        &Model { number: 0, name: words("jpki-only"), applications: &[&ISD, &JPKI], takes_last_command_mark: false };

    /// Certificates in an Android phone スマホ用電子証明書.
    pub const ANDROID: &'static Model = &Model {
        number: 2,
        name: words("android"),
        applications: &[&ISD, &ANDROID_JPKI],
        takes_last_command_mark: false,
    };

    /// Certificates in an iPhone.
    pub const IPHONE: &'static Model =
        &Model { number: 3, name: words("iphone"), applications: &[&ISD, &JPKI], takes_last_command_mark: true };

    /// The card before the My Number Card 住民基本台帳カード.
    pub const JUKI_CARD: &'static Model = &Model {
        number: 4,
        name: words("juki-card"),
        applications: &[&ISD, &JUKI_CARD_JPKI],
        takes_last_command_mark: false,
    };

    /// Every model.
    pub const ALL: [&'static Model; 5] =
        [Model::CARD, Model::JPKI_ONLY, Model::ANDROID, Model::IPHONE, Model::JUKI_CARD];

    /// The model with this number.
    #[must_use]
    pub fn by_number(number: u8) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|model| model.number == number)
    }

    /// The model with this name.
    #[cfg(feature = "names")]
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|model| model.name == name)
    }

    /// Every object of every application.
    pub fn objects(&self) -> impl Iterator<Item = &'static Object> + use<> {
        self.applications.iter().flat_map(|application| application.objects)
    }

    /// Finds an object by its data grouping identifier.
    #[must_use]
    pub fn by_grouping(&self, grouping: u16) -> Option<&'static Object> {
        self.objects().find(|object| object.grouping() == grouping)
    }

    /// The application that this object belongs to.
    #[must_use]
    pub fn application_of(&self, object: &Object) -> Option<&'static Application> {
        self.applications.iter().copied().find(|application| application.number == object.application)
    }
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

#[cfg(all(test, feature = "names"))]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_found_by_its_name_and_by_its_number() {
        for model in Model::ALL {
            assert_eq!(Model::by_name(model.name), Some(model));
            assert_eq!(Model::by_number(model.number), Some(model));
        }
        assert_eq!((Model::by_name("no-card"), Model::by_number(0xFF)), (None, None));
    }
}
