//! The real engine: whatever is signed is judged by another implementation of RSA, and what is not signed has its reason.
//!
//! The input is P1 of COMPUTE DIGITAL SIGNATURE, which key, whether its PIN is verified, and what is signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pki::relying;
use rsa::{BoxedUint, PublicKey};
use sim::{
    backend::AnyEngine,
    sample,
    session::{Session, Snapshot},
};
use std::cell::RefCell;

type Ready = (Session<AnyEngine>, Snapshot<AnyEngine>, [PublicKey; 2]);

fn ready() -> Ready {
    let mut session = Session::new(sample::issued_as(card_os::profile::Model::JPKI_ONLY, true), AnyEngine::default());
    session.transmit(b"\x00\xA4\x04\x0C\x05\xD3\x92\xF0\x00\x26").expect("it has power");
    let kept = session.snapshot();
    let keys = sample::keys().each_ref().map(|key| {
        PublicKey::new(BoxedUint::from_be_slice_vartime(&key.n), BoxedUint::from(65537u32)).expect("a key of 2048 bits")
    });
    (session, kept, keys)
}

thread_local!(static READY: RefCell<Ready> = ready().into());

fuzz_target!(|data: &[u8]| {
    let &[p1, which, ref input @ ..] = data else { return };
    let (p1, input) = (p1 % 7, &input[..input.len().min(255)]);
    READY.with_borrow_mut(|(session, kept, keys)| {
        session.restore(kept);
        let (key, signature) = (usize::from(which & 1), which & 1 == 1);
        let verified = which & 2 == 0;
        if verified {
            let (head, value) = if signature {
                ([0x00, 0x20, 0x00, 0x9B, 0x06], sample::SIGNATURE_PASSWORD)
            } else {
                ([0x00, 0x20, 0x00, 0x98, 0x04], sample::AUTHENTICATION_PIN)
            };
            session.transmit(&[&head, value.as_bytes()].concat()).expect("it has power");
        }
        let head = [0x80, 0x2A, p1, if signature { 0x9A } else { 0x97 }, input.len() as u8];
        let answer = session.transmit(&[&head[..], input, &[0x00]].concat()).expect("it has power");
        let fits = match p1 {
            0x00 => input.len() <= 245,
            0x02 | 0x04 => input.len() == 32,
            _ => true,
        };
        // card.md §8.1, §8.2, D-33
        let sw = match (p1, input.len(), verified) {
            (0x06, ..) => [0x6A, 0x86],
            (_, 0, _) => [0x67, 0x00],
            (.., false) => [0x69, 0x82],
            _ if !fits => [0x69, 0x85],
            _ => {
                let signed = answer.strip_suffix(&[0x90, 0x00]).expect("a signature");
                return relying::opens(&keys[key], p1, input, signed).expect("another implementation believes it");
            }
        };
        assert_eq!(answer, sw);
    });
});
