//! Surveys of the sample card: what each value opens, what a wrong one says, and that a stranger's roots believe nothing.

use card_os::profile::Model;
use pki::{
    cvc::{Certificate, Chain, KeyId},
    keys,
    survey::{Authorities, Content, Credential, Credentials, Findings, Survey, SurveyError},
    verifiable::Verifiable,
};
use sim::{
    card::Direct,
    rng::SimRng,
    sample::{self, AUTHENTICATION_PIN, FACE_NUMBER_A, FACE_NUMBER_B},
};

fn survey(credentials: &Credentials) -> Result<Survey, SurveyError> {
    Survey::take(&mut Direct(sample::issued(true)), Model::CARD, credentials, &mut SimRng::seeded(8))
}

fn given(value: &str) -> Option<Credential> {
    Some(Credential::given(value))
}

/// Which of these files of 券面事項入力補助AP and 券面事項確認AP were read.
fn opened(survey: &Survey) -> Vec<u16> {
    [0x0401, 0x0402, 0x0405, 0x0501, 0x0502, 0x0503].into_iter().filter(|file| survey.file(*file).is_some()).collect()
}

#[test]
fn values_open_what_the_matrix_says() {
    // card.md §7.4
    let free = survey(&Credentials::default()).expect("reads");
    assert!(opened(&free).is_empty());
    assert!(free.file(0x010A).is_some() && free.file(0x0101).is_none());
    assert_eq!(free.content(0x001A), None);
    assert_eq!(free.content(0x0118), Some(&Content::Tries(3)));
    let a = survey(&Credentials { number_a: given(FACE_NUMBER_A), ..Credentials::default() }).expect("reads");
    assert_eq!(opened(&a), [0x0402, 0x0405, 0x0501, 0x0503]);
    let b = survey(&Credentials { number_b: given(FACE_NUMBER_B), ..Credentials::default() }).expect("reads");
    assert_eq!(opened(&b), [0x0402, 0x0502, 0x0503]);
    let form = survey(&Credentials { form: given(AUTHENTICATION_PIN), ..Credentials::default() }).expect("reads");
    assert_eq!(opened(&form), [0x0501, 0x0502, 0x0503]);
}

#[test]
fn secure_messaging_reads_the_same() {
    let credentials = |secure_messaging| Credentials {
        form: given(AUTHENTICATION_PIN),
        number_b: given(FACE_NUMBER_B),
        secure_messaging,
        ..Credentials::default()
    };
    let (plain, enciphered) = (survey(&credentials(false)).expect("reads"), survey(&credentials(true)).expect("reads"));
    for file in 0x0501..=0x0508 {
        assert!(plain.file(file).is_some(), "{file:04X}");
        assert_eq!(plain.file(file), enciphered.file(file), "{file:04X}");
    }
    let without = Credentials { secure_messaging: true, ..Credentials::default() };
    assert!(matches!(survey(&without), Err(SurveyError::Messaging(_))));
}

#[test]
fn wrong_values_stop_it_unless_they_were_only_tried() {
    let wrong = Credentials { authentication: given("0000"), ..Credentials::default() };
    assert!(matches!(survey(&wrong), Err(SurveyError::Wrong { left: 2, .. })));
    let tried = Credentials {
        birth: Some(Credential { must_hold: false, ..Credential::given("999999") }),
        ..Credentials::default()
    };
    assert!(opened(&survey(&tried).expect("goes on")).is_empty());
    let mut phone = Direct(sample::issued(true));
    let face = Credentials { number_a: given(FACE_NUMBER_A), ..Credentials::default() };
    let taken = Survey::take(&mut phone, Model::ANDROID, &face, &mut SimRng::seeded(8));
    assert!(matches!(taken, Err(SurveyError::Absent(_))));
}

#[test]
fn a_strangers_roots_believe_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let mut rng = SimRng::seeded(77);
    let stranger = Verifiable::create(folder.path(), None, &mut rng).expect("keys");
    let chain = Chain::create(&mut rng).expect("keys");
    let credentials = Credentials {
        number_a: given(FACE_NUMBER_A),
        number_b: given(FACE_NUMBER_B),
        form: given(AUTHENTICATION_PIN),
        ..Credentials::default()
    };
    let survey = survey(&credentials).expect("reads");
    for verifiable in [Some(&stranger), None] {
        let authorities = Authorities { signature: &[], authentication: &[], verifiable, chain: Some(&chain) };
        let findings = Findings::of(&survey, authorities);
        assert!(
            findings.verifiable.iter().all(|seen| !matches!(&seen.certificate, Ok(judged) if judged.believed.is_ok()))
        );
        let personal = &findings.personal;
        assert!(matches!(personal.face, Some(Err(_))) && matches!(personal.number_image, Some(Err(_))));
        for believed in [
            personal.my_number.as_ref().expect("read").as_ref().map(|judged| judged.believed.is_ok()),
            personal.attributes.as_ref().expect("read").as_ref().map(|judged| judged.believed.is_ok()),
        ] {
            assert!(!matches!(believed, Ok(true)), "believed without a root");
        }
    }
}

/// The card manager's chain: a certificate counts for the key that it names. (card.md §10, §11)
#[test]
fn a_chain_whose_names_do_not_meet_is_not_believed() {
    let mut rng = SimRng::seeded(78);
    let [root, intermediate, next] = [(); 3].map(|()| keys::generate(&mut rng).expect("a key"));
    let ids = [b"8000020", b"8999930", b"8000050", b"8999931"].map(|number| KeyId::new(number, b"001"));
    let mut taken = survey(&Credentials::default()).expect("reads");
    // Subject of the first, issuer of the second, and which of them are believed.
    for (subject, issuer, expected) in
        [(ids[1], ids[1], [true, true]), (ids[1], ids[3], [true, false]), (ids[3], ids[3], [false, true])]
    {
        let first = Certificate::issue(&root, ids[0], subject, intermediate.as_public_key(), &mut rng).expect("signs");
        let second = Certificate::issue(&intermediate, issuer, ids[2], next.as_public_key(), &mut rng).expect("signs");
        let (first, second) = (first.data_object(), second.data_object());
        for (tag, bytes) in [(0x00F8, &first), (0x7F21, &second)] {
            let object = taken.data_objects.iter_mut().find(|object| object.tag == tag).expect("is there");
            object.content = Ok(bytes.clone());
        }
        let chain = Chain { intermediate: ids[1], first, second, root: Some(root.as_public_key().clone()) };
        let authorities = Authorities { signature: &[], authentication: &[], verifiable: None, chain: Some(&chain) };
        let findings = Findings::of(&taken, authorities);
        let believed = ["GET DATA 00F8", "GET DATA 7F21"].map(|place| {
            let seen = findings.verifiable.iter().find(|seen| seen.place == place).expect("was read");
            matches!(&seen.certificate, Ok(judged) if judged.believed.is_ok())
        });
        assert_eq!(believed, expected, "{subject} {issuer}");
    }
}
