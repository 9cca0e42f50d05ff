//! What a card gets beside JPKI: the key that judges terminals, and the four applications with the holder's face.

use crate::error::WorldError;
use pki::{
    ca::CaError,
    card_record::CardRecord,
    cvc,
    files::{self, Face, FaceKeys, Text, TextKeys},
    personalise::Pins,
    reference::{birth_key, number_a, number_b},
    verifiable::Verifiable,
};
use rand_core::CryptoRng;
use sim::issuer::Issuer;

/// Writes all of it. The card makes its keys itself, so nobody else ever has them.
///
/// # Errors
/// [`WorldError`]; the issue is taken up from its beginning, with new keys.
pub(super) fn issue(
    verifiable: &Verifiable,
    record: &mut CardRecord,
    issuer: &mut Issuer<'_>,
    pins: &Pins,
    rng: &mut impl CryptoRng,
    step: &mut dyn FnMut(&str),
) -> Result<(), WorldError> {
    let model = record.profile.model();
    if model.by_grouping(0x0116).is_some() {
        let key = cvc::modulus(verifiable.terminal_authority()).map_err(CaError::Key)?;
        issuer.store(0x0116, &cvc::public_key(&key))?;
    }
    if !record.profile.has_face() {
        return Ok(());
    }
    step("the card makes its keys for 共通カードAP, 券面事項確認AP and 券面事項入力補助AP");
    record.authenticity_key = Some(hex::encode_upper(issuer.generate_key(0x0219)?));
    let face_key = issuer.generate_key(0x041A)?;
    let (text_key, delivery_key) = (issuer.generate_key(0x0513)?, issuer.generate_key(0x0510)?);
    step("drawing the face");
    let (Some(number), Some(code), Some(printed)) = (&record.person.my_number, &record.security_code, record.face())
    else {
        return Ok(());
    };
    let images = portrait::face(&printed);
    let keys = FaceKeys { signing: &face_key };
    let face = Face::new(&record.person, record.expires, &images, keys, &verifiable.face, rng)?;
    let keys = TextKeys { signing: &text_key, delivery: &delivery_key };
    let text = Text::new(&record.person, number, keys, &verifiable.text, rng)?;
    let mut all = vec![
        (0x0201, files::card_number(&record.serial, record.expires)),
        (0x0202, files::key_reference()),
        (0x0302, files::key_reference()),
    ];
    all.extend(face.files.into_iter().map(|(file, content)| (u16::from_be_bytes([4, file]), content)));
    all.extend(text.files.into_iter().map(|(file, content)| (u16::from_be_bytes([5, file]), content)));
    for (grouping, content) in all {
        step(&format!("storing {grouping:04X}, {} bytes", content.len()));
        issuer.store(grouping, &content)?;
    }
    step("setting PINs and 照合番号");
    let (a, b) = (number_a(number), number_b(record.person.birth, record.expires, code));
    let birth = birth_key(record.person.birth);
    for (grouping, value) in [(0x0411, &birth), (0x0412, &b), (0x0413, &a), (0x0514, &a), (0x0515, &b)] {
        issuer.store(grouping, value.as_bytes())?;
    }
    if record.profile.pins {
        for (grouping, pin) in [(0x021C, &pins.residents), (0x031C, &pins.residents), (0x0511, &pins.form)] {
            issuer.store(grouping, pin.as_bytes())?;
        }
    }
    Ok(())
}
