//! Any bytes as what a relying party reads: X.509 and card-verifiable certificates, signed messages, files of the card.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pki::{
    cvc,
    relying::{self, certificate::Certificate, face, message::Message},
};

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::parse(data) {
        let _ = (certificate.serial(), certificate.validity(), certificate.fingerprint());
        let extensions = certificate.extensions();
        let _ = (extensions.is_authority(), extensions.signs_certificates(), extensions.key_identifier());
        if let Ok(key) = certificate.key() {
            let _ = certificate.is_signed_by(&key);
        }
        assert!(certificate.der() == data, "what was read is what was there");
    }
    let _ = relying::chain(data, data);
    if let Ok(message) = Message::parse(data, None) {
        let _ = (message.content(), message.signed_at());
    }
    if let Some(certificate) = cvc::Certificate::parse(data) {
        let _ = (certificate.issuer(), certificate.subject(), certificate.key());
    }
    let _ = (face::attributes(data), face::my_number(data));
});
