//! openssl with nothing but files: the signatures and the certificates of a card. (pki.md)

use super::{Clients, Tools, have};
use crate::support::{World, run};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const OPENSSL: Tools = (&["openssl"], "openssl");

/// All six schemes of both keys, opened by openssl.
#[test]
fn openssl_opens_a_signature_of_every_scheme() {
    if !have(OPENSSL) {
        return;
    }
    let world = World::new();
    for card in [world.issue(&[]), world.issue(&["--on-card-keys"])] {
        let clients = Clients::new(Path::new(""));
        let message = "message to be signed";
        let (text, digest) = (clients.file("message"), clients.file("digest"));
        fs::write(&text, message).expect("writes");
        run(Command::new("openssl").args(["dgst", "-sha256", "-binary", "-out", &digest, &text])).succeeded();
        let hash = hex::encode(fs::read(&digest).expect("digest"));
        for (sfi, verify, hierarchy) in
            [(0x97, "002000980431323334", "authentication"), (0x9A, "0020009B06414243313233", "signature")]
        {
            let certificate = world.file(&format!("cards/{card}/{hierarchy}.pem")).display().to_string();
            let key = clients.public_key(&certificate, "key.pem");
            for scheme in 0..=5u8 {
                let input = match scheme {
                    0 => format!("3031300D060960864801650304020105000420{hash}"),
                    2 | 4 => hash.clone(),
                    _ => hex::encode(message),
                };
                let command = format!("802A{scheme:02X}{sfi:02X}{:02X}{input}00", input.len() / 2);
                let select = "00A4040C0AD392F000260100000001";
                let said = world.run(&["apdu", &card, "--json", select, verify, &command]).succeeded().out;
                let last: serde_json::Value =
                    serde_json::from_str(said.lines().last().expect("an answer")).expect("json");
                assert_eq!(last["sw"], "9000");
                let signature = hex::decode(last["response"].as_str().expect("data")).expect("hex");
                assert_eq!(signature.len(), 256);
                let path = clients.file("signature");
                fs::write(&path, signature).expect("writes");
                let common = ["-sigfile", &path, "-in", &digest, "-pubin", "-inkey", &key];
                let options: &[&str] = match scheme {
                    // Bare padding around the digest, no DigestInfo.
                    1 => &["-pkeyopt", "rsa_padding_mode:pkcs1"],
                    0 | 2 | 3 => &["-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_padding_mode:pkcs1"],
                    _ => &[
                        "-pkeyopt",
                        "digest:sha256",
                        "-pkeyopt",
                        "rsa_padding_mode:pss",
                        "-pkeyopt",
                        "rsa_pss_saltlen:32",
                    ],
                };
                let judged = run(Command::new("openssl").args(["pkeyutl", "-verify"]).args(common).args(options));
                assert!(judged.succeeded().all().contains("Verified Successfully"), "{hierarchy}, scheme {scheme}");
            }
        }
    }
}

/// What `openssl x509 -text` shows of a card's certificates. (pki.md §3 to §6)
#[test]
fn openssl_shows_the_profile() {
    if !have(OPENSSL) {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let text = |path: PathBuf| {
        run(Command::new("openssl")
            .args(["x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", "-in"])
            .arg(path))
        .succeeded()
        .out
    };
    let authentication = text(world.file(&format!("cards/{card}/authentication.pem")));
    for field in [
        "sha256WithRSAEncryption",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "TLS Web Client Authentication",
        "X509v3 Certificate Policies: critical",
        "1.2.392.200149.8.5.1.0.30",
        "OCSP - URI:http://ocsp.jpki-sim.test/",
        "CRL Distribution Points",
        "Public-Key: (2048 bit)",
        "14:59:59",
    ] {
        assert!(authentication.contains(field), "no {field:?} in {authentication}");
    }
    assert!(!authentication.contains("Alternative Name: \n                othername"), "no attribute of the holder");
    let signature = text(world.file(&format!("cards/{card}/signature.pem")));
    for field in [
        "Digital Signature, Non Repudiation",
        "1.2.392.200149.8.5.1.0.20",
        "1.2.392.200149.8.5.5.1",
        "1.2.392.200149.8.5.5.6",
        "JPKI-SIM-TEST",
    ] {
        assert!(signature.contains(field), "no {field:?} in {signature}");
    }
    assert!(!signature.contains("OCSP"), "only the authentication certificate names a responder");
    for hierarchy in ["signature", "authentication"] {
        let root = text(world.file(&format!("{hierarchy}-ca/root.pem")));
        assert!(root.contains("CA:TRUE") && root.contains("Certificate Sign, CRL Sign"), "{root}");
        let file = world.file(&format!("{hierarchy}-ca/root.pem"));
        let leaf = world.file(&format!("cards/{card}/{hierarchy}.pem"));
        run(Command::new("openssl").args(["verify", "-x509_strict", "-CAfile"]).arg(&file).arg(&leaf)).succeeded();
    }
    assert!(env::var_os("JITSUIN_PASSPHRASE").is_none());
}
