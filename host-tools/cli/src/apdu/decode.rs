//! What an answer holds, beside its bytes.

use crate::decode::{tree, value};
use apdu::tlv::{Rules, ber::Tlv, simple::Reader as Records};
use card_os::profile::Object;
use pki::{
    cvc,
    survey::{CardNumber, SeenCertificate, TokenInformation},
};
use sim::explain::Answer;

/// Most bytes of a file that are put together.
const FILE_MAX: usize = 64 * 1024;

/// Puts files together that are read in pieces, and takes answers apart.
#[derive(Default)]
pub(crate) struct Decoder {
    file: Option<(&'static Object, Vec<u8>)>,
}

impl Decoder {
    /// Lines about an answer's data; none where nothing is known of its structure.
    pub(crate) fn lines(&mut self, answer: Answer, data: &[u8]) -> Vec<String> {
        if data.is_empty() {
            return Vec::new();
        }
        match answer {
            Answer::Nothing => Vec::new(),
            Answer::ControlInformation => tree(0, data).unwrap_or_default(),
            Answer::File(object, offset) => self.file(object, usize::from(offset), data),
            Answer::Records(object) => records(object, data),
            Answer::DataObject(tag) => data_object(tag, data),
            Answer::Signature => vec![format!("signature, {} bytes", data.len())],
            Answer::Challenge => vec![format!("{} random bytes", data.len())],
            Answer::IssuerChannel => channel(data),
            Answer::Enciphered => enciphered(data),
        }
    }

    fn file(&mut self, object: &'static Object, offset: usize, data: &[u8]) -> Vec<String> {
        match &mut self.file {
            Some((known, bytes)) if *known == object && bytes.len() == offset && offset < FILE_MAX => {
                bytes.extend_from_slice(data);
            }
            // Clients begin with the first bytes and then again from the start, or somewhere in between.
            Some((known, bytes)) if *known == object && offset > 0 && offset < bytes.len() => {
                bytes.truncate(offset);
                bytes.extend_from_slice(data);
            }
            _ if offset == 0 => self.file = Some((object, data.to_vec())),
            _ => return Vec::new(),
        }
        self.file.as_ref().map(|(object, bytes)| content(object, bytes)).unwrap_or_default()
    }
}

/// An EF from its start, perhaps not yet to its end.
fn content(object: &Object, bytes: &[u8]) -> Vec<String> {
    match object.grouping() {
        0x0101 | 0x0102 | 0x010A | 0x010B => certificate(bytes),
        0x0106 => TokenInformation::parse(bytes).map(|token| token_lines(&token)).unwrap_or_default(),
        0x0108 => availability(bytes),
        0x0404 | 0x0504 => verifiable(bytes),
        _ => tree(object.application, bytes).unwrap_or_else(|| unfinished(bytes)),
    }
}

/// Nothing to say of an object of which not all is there, but that.
fn unfinished(bytes: &[u8]) -> Vec<String> {
    match *bytes {
        [0xFF, tag, 0x82, high, low, ..] if tag % 0x10 == 0 => {
            let whole = usize::from(u16::from_be_bytes([high, low])) + 5;
            vec![format!("{} of the {whole} bytes of object FF{tag:02X}", bytes.len())]
        }
        _ => Vec::new(),
    }
}

fn certificate(bytes: &[u8]) -> Vec<String> {
    let &[0x30, 0x82, high, low, ..] = bytes else {
        return if bytes.iter().all(|byte| *byte == 0) {
            vec!["no certificate: never issued".into()]
        } else {
            Vec::new()
        };
    };
    let length = usize::from(u16::from_be_bytes([high, low])) + 4;
    let Some(der) = bytes.get(..length) else {
        return vec![format!("certificate of {length} bytes, {} of them so far", bytes.len())];
    };
    match SeenCertificate::parse(der) {
        Ok(seen) => {
            let mut lines = vec![
                format!("certificate of {length} bytes, serial {}", seen.serial),
                format!("  subject {}", seen.subject),
                format!("  issuer  {}", seen.issuer),
                format!("  valid   {} to {}", seen.not_before.date(), seen.not_after.date()),
            ];
            lines.extend(seen.holder.map(|holder| {
                format!("  holder  {}, {}, born {}, sex {}", holder.name, holder.address, holder.birth, holder.sex)
            }));
            lines
        }
        Err(error) => vec![format!("no certificate: {error}")],
    }
}

fn token_lines(token: &TokenInformation) -> Vec<String> {
    vec![
        format!("token {:?}, manufacturer {:?}", token.label, token.manufacturer),
        format!(
            "  model {:?}, serial {:?}, flags {:08X} {}",
            token.model,
            token.serial,
            token.flags,
            token.flag_names().join(" ")
        ),
        format!(
            "  PIN of {} to {} characters, hardware {}, firmware {}",
            token.shortest_pin, token.longest_pin, token.hardware, token.firmware
        ),
    ]
}

fn availability(bytes: &[u8]) -> Vec<String> {
    let &[signature, authentication, ..] = bytes else { return Vec::new() };
    let word = |flag| if flag == 0x8F { "present" } else { "absent" };
    vec![format!("signature certificate {}, user authentication certificate {}", word(signature), word(authentication))]
}

fn verifiable(bytes: &[u8]) -> Vec<String> {
    let certificate = cvc::Certificate::parse(bytes);
    certificate.map_or_else(Vec::new, |certificate| {
        let (issuer, subject) = (certificate.issuer(), certificate.subject());
        vec![format!("card-verifiable certificate: issuer 証明者鍵ID {issuer}, subject 被証明者鍵ID {subject}")]
    })
}

fn records(object: &Object, data: &[u8]) -> Vec<String> {
    let Ok(records) = Records::new(data, Rules::Card).collect::<Result<Vec<_>, _>>() else { return Vec::new() };
    let mut lines = Vec::new();
    for record in records {
        lines.push(format!("record {:02X}: {}", record.tag, value(record.value)));
        if let Some(number) = CardNumber::parse(record.value).filter(|_| object.grouping() == 0x0201) {
            lines.push(format!(
                "  製造番号 {}, municipality {}, expires {}",
                number.serial, number.municipality, number.expires
            ));
        }
    }
    lines
}

fn data_object(tag: u16, data: &[u8]) -> Vec<String> {
    match tag {
        0x00F8 | 0x7F21 => verifiable(data),
        0x0066 => tree(0, data).unwrap_or_default(),
        0x5F51 => Vec::new(),
        _ => vec![value(data)],
    }
}

/// Answer to INITIALIZE UPDATE. (GlobalPlatform Amendment D §7.1.1)
fn channel(data: &[u8]) -> Vec<String> {
    let Some((diversification, rest)) = data.split_at_checked(10) else { return Vec::new() };
    let (Some((&[version, protocol, options], rest)), hex) = (rest.split_first_chunk(), hex::encode_upper::<&[u8]>)
    else {
        return Vec::new();
    };
    let Some((challenge, rest)) = rest.split_at_checked(8) else { return Vec::new() };
    vec![
        format!("key diversification data {}", hex(diversification)),
        format!("keys version {version:02X}, SCP{protocol:02X} i={options:02X}"),
        format!("card challenge {}, cryptogram and counter {}", hex(challenge), hex(rest)),
    ]
}

fn enciphered(data: &[u8]) -> Vec<String> {
    match Tlv::parse(data, Rules::Card) {
        Ok((object, [])) if object.tag.0 == 0x86 && object.value.first() == Some(&1) => {
            vec![format!("{} bytes enciphered", object.value.len() - 1)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_os::profile::{FACE, JPKI, TEXT};

    #[test]
    fn a_file_read_in_pieces_is_put_together() {
        let object = FACE.file(0x03).expect("row");
        let file = [&[0xFF, 0x30, 0x82, 0x01, 0x00, 0xDF, 0x32, 0x82, 0x00, 0xFB][..], &[0x5A; 251]].concat();
        let mut decoder = Decoder::default();
        let first = decoder.lines(Answer::File(object, 0), &file[..100]);
        assert_eq!(first, ["100 of the 261 bytes of object FF30"]);
        let second = decoder.lines(Answer::File(object, 100), &file[100..]);
        assert_eq!(second.len(), 2, "{second:?}");
        assert!(decoder.lines(Answer::File(object, 999), &[0]).is_empty(), "a gap");
    }

    #[test]
    fn odd_answers_are_left_alone() {
        let objects = JPKI.objects.iter().chain(TEXT.objects).chain(FACE.objects);
        for object in objects {
            for bytes in [&[][..], &[0x30], &[0x30, 0x82, 0xFF, 0xFF, 0x00], &[0xFF, 0x20, 0x82], &[0xFF; 300], &[0; 5]]
            {
                let mut decoder = Decoder::default();
                decoder.lines(Answer::File(object, 0), bytes);
                decoder.lines(Answer::Records(object), bytes);
            }
        }
        for bytes in [&[0x86, 0x00][..], &[1; 12], &[1; 32], &[0x86, 0x01, 0x01]] {
            for answer in [Answer::IssuerChannel, Answer::Enciphered, Answer::DataObject(0x00F8), Answer::Challenge] {
                Decoder::default().lines(answer, bytes);
            }
        }
    }
}
