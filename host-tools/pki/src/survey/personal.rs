//! What the 券面 applications tell of their holder, judged under the world's roots. (card.md §9.3, §9.4)

use super::{Judged, Survey};
use crate::{
    relying::{
        NotBelieved,
        face::{self, Attributes, CardFace, Modulus},
    },
    signer::Purpose,
    verifiable::Verifiable,
};
use card_os::profile::{COMMON, FACE, TEXT};

/// 券面事項確認AP 0001.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Age {
    /// 生年月日, YYYYMMDD.
    pub birth: String,
}

/// What was opened; `None` for what stayed closed or is not on the card.
#[derive(Debug, Default)]
pub struct Personal {
    /// 券面事項確認AP 0001, 生年月日情報.
    pub age: Option<Result<Age, NotBelieved>>,
    /// 券面事項確認AP 0002, 券面情報.
    pub face: Option<Result<CardFace, NotBelieved>>,
    /// 券面事項確認AP 0005: My Number as PNG.
    pub number_image: Option<Result<Vec<u8>, NotBelieved>>,
    /// 券面事項入力補助AP 0001: My Number.
    pub my_number: Option<Result<Judged<String>, NotBelieved>>,
    /// 券面事項入力補助AP 0002, 基本4情報.
    pub attributes: Option<Result<Judged<Attributes>, NotBelieved>>,
    /// Whether 券面事項確認AP signs with the key that its records name.
    pub face_key: Option<Result<(), NotBelieved>>,
    /// The same of 券面事項入力補助AP.
    pub text_key: Option<Result<(), NotBelieved>>,
}

impl Personal {
    /// Judges what a survey read; without roots nothing is believed.
    pub(super) fn of(survey: &Survey, roots: Option<&Verifiable>) -> Self {
        let signer = |grouping, purpose, root: Option<&rsa::PublicKey>| -> Result<Modulus, NotBelieved> {
            let certificate = survey.file(grouping).ok_or(NotBelieved::Chain)?;
            face::signer(certificate, root.ok_or(NotBelieved::Chain)?, purpose)
        };
        let mut personal = Personal::default();
        personal.faces(survey, || signer(0x0404, Purpose::Face, roots.map(|roots| &roots.face.root)));
        personal.texts(survey, || signer(0x0504, Purpose::Text, roots.map(|roots| &roots.text.root)));
        personal
    }

    fn faces(&mut self, survey: &Survey, signer: impl Fn() -> Result<Modulus, NotBelieved>) {
        let age = survey.file(0x0401).map(|file| face::age(file, &signer()?));
        let shown = survey.file(0x0402).map(|file| face::card_face(file, &signer()?));
        let number = survey.file(0x0405).map(|file| face::number_image(file, &signer()?));
        let keys = [
            age.as_ref().and_then(|age| age.as_ref().ok()).map(|(_, key)| *key),
            shown.as_ref().and_then(|face| face.as_ref().ok()).map(|face| face.key),
            number.as_ref().and_then(|number| number.as_ref().ok()).map(|(_, key)| *key),
        ];
        self.face_key = own_key(survey, FACE.number, keys.into_iter().flatten());
        self.age = age.map(|age| age.map(|(birth, _)| Age { birth }));
        self.face = shown;
        self.number_image = number.map(|number| number.map(|(image, _)| image));
    }

    fn texts(&mut self, survey: &Survey, signer: impl Fn() -> Result<Modulus, NotBelieved>) {
        let record = || survey.file(0x0503).ok_or(NotBelieved::Chain);
        self.my_number = survey.file(0x0501).map(|file| {
            let believed = || face::covers_number(record()?, file, &signer()?);
            Ok(Judged { value: face::my_number(file)?, believed: believed() })
        });
        self.attributes = survey.file(0x0502).map(|file| {
            let believed = || face::covers_attributes(record()?, file, &signer()?);
            Ok(Judged { value: face::attributes(file)?, believed: believed() })
        });
        let key = survey.file(0x0507).map(|file| face::text_key(file, &signer()?));
        self.text_key = match key {
            Some(Err(error)) => Some(Err(error)),
            Some(Ok(key)) => own_key(survey, TEXT.number, [key].into_iter()),
            None => None,
        };
    }
}

impl Survey {
    /// Whether 共通カードAP signed with this key, the one by which a card is told from a copy of its files; `None` for a card without
    /// that application. Nothing on a card tells this key: its issuer does.
    #[must_use]
    pub fn is_authentic(&self, key: &Modulus) -> Option<Result<(), NotBelieved>> {
        own_key(self, COMMON.number, [*key].into_iter())
    }
}

/// Whether the application signed its challenge with every one of these keys; `None` where no record named one.
fn own_key(survey: &Survey, application: u8, keys: impl Iterator<Item = Modulus>) -> Option<Result<(), NotBelieved>> {
    let surveyed = survey.applications.iter().find(|surveyed| surveyed.application.number == application)?;
    let (challenge, signature) = surveyed.proof.as_ref()?;
    let mut verdicts = keys.map(|key| face::challenge(&key, challenge, signature)).peekable();
    verdicts.peek().is_some().then(|| verdicts.collect())
}
