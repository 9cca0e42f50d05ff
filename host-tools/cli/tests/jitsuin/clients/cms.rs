//! CMS signatures by OpenSSL with its PKCS#11 engine: the key for documents, and the check that anybody can make.
//! (pcsc.md §5, check 6)

use super::{Door, MODULE, SIGNATURE, Served, Tools};
use crate::support::{SIGN_PIN, run};
use std::{fs, process::Command};

const CMS: Tools = (&["openssl", "pkcs11-tool"], "openssl libengine-pkcs11-openssl opensc opensc-pkcs11");
/// The signature key wants its password before every signature, and the engine gives it only once.
const OPENSC_CONF: &str = "app default { framework pkcs15 { pin_cache_ignore_user_consent = true; } }\n";

#[test]
fn cms_over_the_pcsc_socket() {
    signs_a_document(Door::Socket);
}

#[test]
fn cms_over_pcscd_and_vpcd() {
    signs_a_document(Door::Pcscd);
}

fn signs_a_document(door: Door) {
    let Some(served) = Served::new(door, &[], CMS) else { return };
    let clients = served.clients();
    let engine = run(Command::new("openssl").args(["engine", "pkcs11"]));
    if engine.code != Some(0) {
        vectors::skipped("OpenSSL's PKCS#11 engine not found; install Debian's package libengine-pkcs11-openssl");
        return;
    }
    let (der, leaf, signed) = (clients.file("leaf.der"), clients.file("leaf.pem"), clients.file("signed"));
    let login = ["--login", "--slot-index", "1", "--pin", SIGN_PIN];
    clients.pkcs11(&[&login[..], &["--read-object", "--type", "cert", "--id", "02", "-o", &der]].concat()).succeeded();
    run(Command::new("openssl").args(["x509", "-inform", "DER", "-in", &der, "-out", &leaf])).succeeded();
    let document = clients.write("document", "Seal of approval\n");
    let key = format!("{SIGNATURE};type=private;pin-value={SIGN_PIN}");
    let mut sign = clients.command("openssl");
    sign.env("OPENSC_CONF", clients.write("opensc.conf", OPENSC_CONF)).env("PKCS11_MODULE_PATH", MODULE);
    sign.args(["cms", "-sign", "-binary", "-nodetach", "-engine", "pkcs11", "-keyform", "engine", "-inkey", &key]);
    run(sign.args(["-signer", &leaf, "-in", &document, "-outform", "DER", "-out", &signed])).succeeded();

    let root = served.world.file("signature-ca/root.pem").display().to_string();
    let verify = |root: &str| {
        let how = ["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-CAfile", root, "-in", &signed];
        run(Command::new("openssl").args(how))
    };
    let opened = verify(&root).succeeded();
    assert_eq!(opened.out, "Seal of approval\n", "{opened:?}");
    let stranger = verify(&served.world.file("authentication-ca/root.pem").display().to_string());
    assert!(stranger.code != Some(0) && stranger.err.contains("unable to get local issuer"), "{stranger:?}");
    let mut bytes = fs::read(&signed).expect("reads");
    let at = bytes.windows(4).position(|four| four == b"Seal").expect("the document lies open in it");
    bytes[at] = b'M';
    fs::write(&signed, bytes).expect("writes");
    let changed = verify(&root);
    assert!(changed.code != Some(0) && changed.err.contains("verification failure"), "{changed:?}");
}
