//! What a world knows of its own card.

use crate::subject::{Subject, SubjectError};
use card_os::profile::Model;
use pki::{
    authorities::Authorities,
    card_record::CardRecord,
    cvc, files,
    kind::Interface,
    personalise::Pins,
    reference::{birth_key, number_a, number_b},
};

impl Subject {
    /// A card of a world, with the PINs that it was issued with.
    ///
    /// # Errors
    /// [`SubjectError`] for a record that makes no sense.
    pub fn of_card(authorities: &Authorities, record: &CardRecord, pins: &Pins) -> Result<Self, SubjectError> {
        let mut subject = Subject::new(&format!("{} ({})", record.id, record.profile.name));
        for name in traits(record) {
            subject.add_trait(name)?;
        }
        secrets(&mut subject, record, pins)?;
        let serial = files::card_number(&record.serial, record.expires).split_off(2);
        subject.add_value("card-atr", record.profile.atr())?;
        subject.add_value("label", format!("{:32}", record.profile.token).into_bytes())?;
        subject.add_value("expiry", serial[serial.len() - 8..].to_vec())?;
        subject.add_value("serial", serial)?;
        let signature = match &authorities.prefecture {
            Some(prefecture) if record.profile.is_juki_card() => prefecture,
            _ => &authorities.signature,
        };
        subject.add_value("signature-ca", signature.root().to_vec())?;
        subject.add_value("authentication-ca", authorities.authentication.root().to_vec())?;
        if let Some(verifiable) = &authorities.verifiable {
            for (name, signer) in [("face-root", &verifiable.face), ("text-root", &verifiable.text)] {
                let modulus = cvc::modulus(&signer.root);
                subject.add_value(
                    name,
                    modulus.map_err(|error| SubjectError::Value(name.into(), error.to_string()))?.to_vec(),
                )?;
            }
        }
        if let Some(root) = &authorities.chain.root {
            let modulus =
                cvc::modulus(root).map_err(|error| SubjectError::Value("cvc-root".into(), error.to_string()))?;
            subject.add_value("cvc-root", modulus.to_vec())?;
        }
        if let Some(key) = &record.authenticity_key {
            let modulus =
                hex::decode(key).map_err(|error| SubjectError::Value("common-key".into(), error.to_string()))?;
            subject.add_value("common-key", modulus)?;
        }
        Ok(subject)
    }
}

fn traits(record: &CardRecord) -> Vec<&'static str> {
    let profile = &record.profile;
    let model = profile.model();
    let mut traits = vec!["simulator", "isd", "jpki", "certificates", "second-cvc"];
    let mut add = |holds: bool, names: &[&'static str]| {
        if holds {
            traits.extend_from_slice(names);
        }
    };
    add(model == Model::CARD || model == Model::JPKI_ONLY, &["physical"]);
    add(model == Model::ANDROID, &["phone", "android"]);
    add(model == Model::IPHONE, &["phone", "iphone"]);
    add(model == Model::JUKI_CARD, &["juki-card"]);
    add(profile.has_face(), &["common", "juki", "face", "text", "siblings", "records"]);
    add(profile.pins, &["pins"]);
    add(!profile.pins, &["no-pins"]);
    add(record.authentication.is_some(), &["authentication"]);
    add(record.signature.is_some(), &["signature"]);
    add(record.signature.is_none(), &["no-signature"]);
    add(profile.interface == Interface::Contact, &["contact"]);
    add(profile.interface == Interface::Contactless, &["contactless"]);
    traits
}

fn secrets(subject: &mut Subject, record: &CardRecord, pins: &Pins) -> Result<(), SubjectError> {
    let profile = &record.profile;
    if profile.pins && record.authentication.is_some() {
        subject.add_secret("authentication", &pins.authentication)?;
    }
    if profile.pins && record.signature.is_some() {
        subject.add_secret("signature", &pins.signature)?;
    }
    let (Some(number), Some(code)) = (&record.person.my_number, &record.security_code) else { return Ok(()) };
    if profile.pins {
        subject.add_secret("common", &pins.residents)?;
        subject.add_secret("juki", &pins.residents)?;
        subject.add_secret("text", &pins.form)?;
    }
    subject.add_secret("a", &number_a(number))?;
    subject.add_secret("b", &number_b(record.person.birth, record.expires, code))?;
    subject.add_secret("birth", &birth_key(record.person.birth))
}
