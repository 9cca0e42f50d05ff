//! The applications beside JPKI: what opens what, and whether the face on the card is the holder's and believed.

use super::{Harness, Known, Seen, expect, otherwise, refused};
use crate::{
    authorities::Authorities,
    card_record::CardRecord,
    client::{Messaging, Selected},
    person::Person,
    reference::{SecurityCode, birth_key, number_a, number_b},
    relying::face::{self, Modulus},
    signer::{Purpose, Signer},
};
use apdu::Sw;
use card_os::profile::{COMMON, FACE, TEXT};
use sim::{reader::Reader, rng::SimRng};
use time::Date;
use zeroize::Zeroizing;

/// What is known of the face.
#[derive(Debug, Clone, Copy)]
pub struct Face<'a> {
    holder: &'a Person,
    serial: &'a str,
    expires: Date,
    code: &'a SecurityCode,
    number: &'a str,
    authenticity: Option<Modulus>,
    signers: [&'a Signer; 2],
    pin: &'a str,
}

impl<'a> Face<'a> {
    /// Out of the card's record, with the form-filling PIN; `None` for a card without a face.
    #[must_use]
    pub fn of(authorities: &'a Authorities, record: &'a CardRecord, pin: &'a str) -> Option<Self> {
        let verifiable = authorities.verifiable.as_ref()?;
        Some(Face {
            holder: &record.person,
            serial: &record.serial,
            expires: record.expires,
            code: record.security_code.as_ref()?,
            number: record.person.my_number.as_ref()?.digits(),
            authenticity: record.authenticity(),
            signers: [&verifiable.face, &verifiable.text],
            pin,
        })
    }

    fn a(&self) -> Option<Zeroizing<String>> {
        self.holder.my_number.as_ref().map(number_a)
    }

    fn b(&self) -> Zeroizing<String> {
        number_b(self.holder.birth, self.expires, self.code)
    }
}

impl Harness<'_> {
    /// The four applications beside JPKI, where the card has them.
    pub(super) fn prove_face(&mut self, reader: &mut dyn Reader) {
        let Some(known) = self.known.face else { return };
        self.check("共通カードAP: the card's number, and INTERNAL AUTHENTICATE", |_| common(reader, &known));
        self.check("券面事項確認AP: each key opens its own", |_| keys(reader, &known));
        self.check("券面事項確認AP: certificate, records and the card's own key", |_| images(reader, &known));
        self.check("券面事項入力補助AP: certificate, records and the card's own key", |_| {
            texts(reader, &known)
        });
        if self.known.profile.pins {
            self.check("券面事項入力補助AP: secure messaging", |known| messaging(reader, known));
        }
    }
}

fn common(reader: &mut dyn Reader, known: &Face<'_>) -> Seen {
    let mut common = Selected::select(reader, &COMMON)?;
    let records = common.records(0x01)?;
    let number = records.first().map(|record| String::from_utf8_lossy(record).into_owned()).unwrap_or_default();
    expect(number.starts_with(known.serial) && number.len() == 28, || format!("record 1 is {number}"))?;
    let (once, twice) = (common.authenticate(0x19, b"challenge")?, common.authenticate(0x19, b"challenge")?);
    expect(once.len() == 256 && once == twice, || "its answer is not 256 bytes, or not the same twice".into())?;
    if let Some(key) = &known.authenticity {
        face::challenge(key, b"challenge", &once)?;
    }
    Ok(number)
}

/// Who reads what in 券面事項確認AP. (card.md §7.4)
fn keys(reader: &mut dyn Reader, known: &Face<'_>) -> Seen {
    let a = known.a().ok_or_else(|| otherwise("no My Number is known"))?;
    let opens: [(u8, Zeroizing<String>, &[u8]); 3] =
        [(0x11, birth_key(known.holder.birth), &[1]), (0x12, known.b(), &[2, 6]), (0x13, a, &[2, 5, 6])];
    for (key, value, opened) in opens {
        reader.power_on()?;
        let mut face = Selected::select(reader, &FACE)?;
        face.verify(key, &value)?;
        for file in [1, 2, 5, 6] {
            if opened.contains(&file) {
                face.file(file)?;
            } else {
                refused(face.file(file), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
            }
        }
    }
    Ok("birth date, 照合番号A, 照合番号B".into())
}

fn images(reader: &mut dyn Reader, known: &Face<'_>) -> Seen {
    let mut card = Selected::select(reader, &FACE)?;
    let signer = face::signer(&card.file(0x04)?, &known.signers[0].root, Purpose::Face)?;
    card.verify(0x13, &known.a().ok_or_else(|| otherwise("no My Number is known"))?)?;
    card.verify(0x11, &birth_key(known.holder.birth))?;
    let (birth, first) = face::age(&card.file(0x01)?, &signer)?;
    let shown = face::card_face(&card.file(0x02)?, &signer)?;
    let (_, third) = face::number_image(&card.file(0x05)?, &signer)?;
    expect(first == shown.key && first == third, || "the records name different keys".into())?;
    let date = |date: Date| format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day());
    expect(birth == date(known.holder.birth) && shown.birth == birth, || format!("born {birth}, {}", shown.birth))?;
    expect(shown.expires == date(known.expires), || format!("expires {}", shown.expires))?;
    expect(shown.sex == known.holder.sex.face_code(), || format!("sex {}", shown.sex))?;
    face::challenge(&first, b"challenge", &card.sign(0x03, b"challenge")?)?;
    Ok(format!("name {}, address {}, photo {} bytes", shown.name.len(), shown.address.len(), shown.photo.len()))
}

fn texts(reader: &mut dyn Reader, known: &Face<'_>) -> Seen {
    let mut card = Selected::select(reader, &TEXT)?;
    let signer = face::signer(&card.file(0x04)?, &known.signers[1].root, Purpose::Text)?;
    card.verify(0x14, &known.a().ok_or_else(|| otherwise("no My Number is known"))?)?;
    refused(card.file(0x02), Sw::SECURITY_STATUS_NOT_SATISFIED)?;
    card.verify(0x15, &known.b())?;
    let (number, attributes) = (card.file(0x01)?, card.file(0x02)?);
    face::integrity(&card.file(0x03)?, &number, &attributes, &signer)?;
    let shown = face::attributes(&attributes)?;
    expect(face::my_number(&number)? == known.number, || "another My Number".into())?;
    expect(shown.name == known.holder.name && shown.address == known.holder.address, || "another holder".into())?;
    let key = face::text_key(&card.file(0x07)?, &signer)?;
    face::challenge(&key, b"challenge", &card.sign(0x03, b"challenge")?)?;
    expect(card.tries(0x12)? == 0, || "the blocked reference has tries".into())?;
    Ok(format!("{}, {} bytes of text", shown.name, attributes.len()))
}

fn messaging(reader: &mut dyn Reader, known: &Known<'_>) -> Seen {
    let known = known.face.ok_or_else(|| otherwise("no face is known"))?;
    let mut card = Selected::select(reader, &TEXT)?;
    card.verify(0x11, known.pin)?;
    let plain = card.file(0x02)?;
    let mut rng = SimRng::from_os().map_err(|error| otherwise(error.to_string()))?;
    let mut session = Messaging::deliver(&mut card, &mut rng)?;
    session.verify(&mut card, 0x15, &known.b())?;
    let read = session.read(&mut card, 0x02, 0)?;
    expect(*read == plain, || "what was read enciphered differs".into())?;
    Ok(format!("照合番号B presented and {} bytes read enciphered", read.len()))
}
