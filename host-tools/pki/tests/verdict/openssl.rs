//! OpenSSL as a judge of our messages, and its messages before ours.

use crate::support::*;
use pki::{
    application::Packing,
    ca::pem,
    client::Half,
    relying::{message::Binding, report::Step, verdict::Verifier},
};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use time::OffsetDateTime;

/// A folder with root, certificates, keys and content, or a loud word.
struct Room(tempfile::TempDir);

impl Room {
    fn open(world: &World) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            vectors::skipped("CMS judged by openssl: install openssl");
            return None;
        }
        let room = Room(tempfile::tempdir().expect("folder"));
        fs::write(room.path("root.pem"), pem(world.signature.root())).expect("writes");
        fs::write(room.path("signer.pem"), pem(world.leaves[0].der())).expect("writes");
        fs::write(room.path("other.pem"), pem(world.other.1.der())).expect("writes");
        let key = card_key(Half::Signature).to_pkcs8_pem(LineEnding::LF).expect("pem");
        fs::write(room.path("signer.key"), key.as_bytes()).expect("writes");
        let key = world.other.0.to_pkcs8_pem(LineEnding::LF).expect("pem");
        fs::write(room.path("other.key"), key.as_bytes()).expect("writes");
        fs::write(room.path("content"), content()).expect("writes");
        Some(room)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output =
            Command::new("openssl").current_dir(Path::new(self.0.path())).args(arguments).output().expect("runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// A message over the content that openssl makes.
    fn signed(&self, more: &[&str]) -> Vec<u8> {
        let fixed = ["cms", "-sign", "-binary", "-in", "content", "-outform", "DER", "-out", "made.der"];
        let (done, said) = self.run(&[&fixed[..], &["-signer", "signer.pem", "-inkey", "signer.key"], more].concat());
        assert!(done, "{said}");
        fs::read(self.path("made.der")).expect("reads")
    }
}

#[test]
fn openssl_accepts_our_messages() {
    let Some(room) = Room::open(&WORLD) else { return };
    let at = NOW.unix_timestamp().to_string();
    let verify = [
        "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", "root.pem", "-purpose", "any", "-attime", &at,
        "-cades",
    ];
    fs::write(room.path("attached.der"), signed_by_card(&content(), Packing::Attached)).expect("writes");
    fs::write(room.path("detached.der"), signed_by_card(&content(), Packing::Detached)).expect("writes");
    let (done, said) = room.run(&[&verify[..], &["-in", "attached.der", "-out", "out"]].concat());
    assert!(done, "{said}");
    assert_eq!(fs::read(room.path("out")).expect("reads"), content());
    let detached = [&verify[..], &["-in", "detached.der", "-out", "out", "-content"]].concat();
    let (done, said) = room.run(&[&detached[..], &["content"]].concat());
    assert!(done, "{said}");
    let (done, _) = room.run(&[&detached[..], &["root.pem"]].concat());
    assert!(!done, "another content");
    // It sees what was put in.
    let print = Command::new("openssl")
        .current_dir(room.0.path())
        .args(["cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", "attached.der"])
        .output()
        .expect("runs");
    let print = String::from_utf8_lossy(&print.stdout).into_owned();
    for part in [
        "Nov 27 03:04:05 2026 GMT",
        "id-smime-aa-signingCertificateV2",
        "unsignedAttrs:\n          <ABSENT>",
        "crls:\n      <ABSENT>",
    ] {
        assert!(print.contains(part), "{part} is missing in\n{print}");
    }
}

#[test]
fn messages_of_openssl_are_judged() {
    // OpenSSL signs with its own clock, so the certificates are of yesterday.
    let now = OffsetDateTime::now_utc();
    let world = World::new(now - time::Duration::DAY);
    let Some(room) = Room::open(&world) else { return };
    let strict = Verifier { anchors: &world.anchors, ..verifier(&nothing) };
    let lenient = Verifier { binding: Binding::Optional, ..strict };
    let judge = |verifier: &Verifier<'_>, message: &[u8]| bad(&verifier.application(message, None, now));
    let good = room.signed(&["-nodetach", "-cades"]);
    assert_eq!(judge(&strict, &good), []);
    assert_eq!(judge(&strict, &room.signed(&["-nodetach", "-cades", "-nosmimecap", "-md", "sha256"])), []);
    let detached = room.signed(&["-cades"]);
    assert_eq!(bad(&strict.application(&detached, Some(&content()), now)), []);
    let plain = room.signed(&["-nodetach"]);
    assert_eq!(judge(&strict, &plain), [(Step::Signature, "other-certificate")]);
    assert_eq!(judge(&lenient, &plain), []);
    let first = |message: &[u8]| judge(&lenient, message)[0];
    assert_eq!(first(&room.signed(&["-nodetach", "-md", "sha1"])), (Step::Signature, "algorithm"));
    assert_eq!(first(&room.signed(&["-nodetach", "-md", "sha512"])), (Step::Signature, "algorithm"));
    let pss = ["-nodetach", "-keyopt", "rsa_padding_mode:pss"];
    assert_eq!(first(&room.signed(&pss)), (Step::Signature, "algorithm"));
    assert_eq!(first(&room.signed(&["-nodetach", "-noattr"])), (Step::Form, "signed-attribute"));
    assert_eq!(first(&room.signed(&["-nodetach", "-nocerts"])), (Step::Form, "no-signer-certificate"));
    assert_eq!(first(&room.signed(&["-nodetach", "-keyid"])), (Step::Form, "not-signed-data"));
    assert_eq!(first(&room.signed(&["-nodetach", "-indef"])), (Step::Form, "not-cms"), "BER");
    let two = ["-nodetach", "-signer", "other.pem", "-inkey", "other.key"];
    assert_eq!(first(&room.signed(&two)), (Step::Form, "signers"));
}
