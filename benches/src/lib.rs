//! What the criterion benches (`cargo bench -p benches`) and the instruction counter (`benches/instructions`) share, so that
//! seconds and instructions are those of the same work.

use apdu::{
    Command, Error,
    tlv::{
        Rules,
        ber::{Reader, Tag, Writer},
    },
};
use card_os::Response;
use sim::card::Simulated;

/// SELECT of the JPKI application.
pub const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01";
/// READ BINARY of 256 bytes of the user authentication certificate.
pub const READ: &[u8] = &[0x00, 0xB0, 0x8A, 0x00, 0x00];
/// VERIFY of the user authentication PIN with the right value.
pub const VERIFY: &[u8] = b"\x00\x20\x00\x98\x041234";
/// The try-counter query, the shortest command there is.
pub const QUERY: &[u8] = &[0x00, 0x20, 0x00, 0x98];
/// COMPUTE DIGITAL SIGNATURE, sha256WithRSAEncryption with hashing on the card, by the user authentication key.
pub const SIGN: &[u8] = b"\x80\x2A\x03\x97\x05hello\x00";

/// Sends one command and insists on the status word: a bench of a refusal would be fast and worth nothing.
///
/// # Panics
/// Where the card answers otherwise.
pub fn transmit(card: &mut Simulated, command: &[u8], sw: u16, response: &mut Response) {
    card.transmit(command, response);
    assert!(response.ends_with(&sw.to_be_bytes()), "the answer is {} bytes and not {sw:04X}", response.len());
}

/// Powers a card and selects the JPKI application.
///
/// # Panics
/// Where the card is not an issued one.
#[must_use]
pub fn ready(mut card: Simulated) -> Simulated {
    card.power_on();
    transmit(&mut card, SELECT, 0x9000, &mut Response::new());
    card
}

/// A command with short lengths: VERIFY.
#[must_use]
pub fn short_command() -> Command<'static> {
    Command::new(0x00, 0x20, 0x00, 0x80).with_data(b"1234")
}

/// The largest command that real clients send: a terminal certificate, 307 bytes in extended form. (card.md §12)
#[must_use]
pub fn extended_command() -> Command<'static> {
    Command::new(0x80, 0xA2, 0x06, 0xC1).with_data(&[0x5A; 307]).with_ne(256)
}

/// DER in the shape of a certificate, as long as a real one.
///
/// # Errors
/// None: the buffer is large enough.
pub fn certificate() -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; 2048];
    let mut writer = Writer::new(&mut buffer, Rules::Strict);
    writer.nest(Tag(0x30), |certificate| {
        certificate.nest(Tag(0x30), |body| {
            body.nest(Tag(0xA0), |version| version.put(Tag(0x02), &[2]))?;
            body.put(Tag(0x02), &[0x12, 0x34, 0x56, 0x78])?;
            body.put(Tag(0x30), &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00])?;
            body.put(Tag(0x30), &[0x5A; 120])?;
            body.nest(Tag(0x30), |validity| {
                validity.put(Tag(0x17), b"260101000000Z")?;
                validity.put(Tag(0x17), b"301231235959Z")
            })?;
            body.put(Tag(0x30), &[0x5A; 90])?;
            body.put(Tag(0x30), &[0x5A; 290])?;
            body.nest(Tag(0xA3), |extensions| extensions.put(Tag(0x30), &[0x5A; 700]))
        })?;
        certificate.put(Tag(0x30), &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00])?;
        certificate.put(Tag(0x03), &[0x5A; 257])
    })?;
    Ok(writer.finish().to_vec())
}

/// Reads a certificate down to its fields, as a client does that looks for serial number and validity; counts objects.
///
/// # Errors
/// [`Error`] where it is not DER.
pub fn walk(certificate: &[u8]) -> Result<usize, Error> {
    let mut objects = 0;
    for certificate in Reader::new(certificate, Rules::Strict) {
        for part in Reader::new(certificate?.value, Rules::Strict) {
            let part = part?;
            objects += 1;
            if part.tag == Tag(0x30) {
                objects += fields(part.value);
            }
        }
    }
    Ok(objects)
}

/// Counts objects up to the first bytes that are none.
fn fields(value: &[u8]) -> usize {
    Reader::new(value, Rules::Strict).map_while(Result::ok).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_sees_every_field() {
        // Body, algorithm, signature; eight fields in the body and two in the algorithm.
        assert_eq!(certificate().and_then(|bytes| walk(&bytes)), Ok(3 + 8 + 2));
    }
}
