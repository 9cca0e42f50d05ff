//! OpenSC: `opensc-tool`, `pkcs15-tool` and `pkcs11-tool`. (pcsc.md §5, checks 1 to 4)

use super::{Clients, Door, Place, Served, Tools, have};
use crate::support::{AUTH_PIN, SIGN_PIN, World, run};
use std::{fs, process::Command};

pub(super) const OPENSC: Tools =
    (&["opensc-tool", "pkcs15-tool", "pkcs11-tool", "openssl"], "opensc opensc-pkcs11 openssl");

#[test]
fn opensc_over_the_pcsc_socket() {
    checks(Door::Socket);
}

#[test]
fn opensc_over_pcscd_and_vpcd() {
    checks(Door::Pcscd);
}

#[test]
fn opensc_with_keys_made_on_the_card() {
    made_on_the_card(Door::Socket);
}

#[test]
fn opensc_with_keys_made_on_the_card_over_pcscd() {
    made_on_the_card(Door::Pcscd);
}

#[test]
fn four_programs_at_once() {
    at_once(Door::Socket);
}

#[test]
fn four_programs_at_once_over_pcscd() {
    at_once(Door::Pcscd);
}

/// Checks 1 to 4.
fn checks(door: Door) {
    if !have(OPENSC) || !door.is_there() {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let place = Place::new(&world, door);
    let clients = &place.clients;
    let serving = place.serve(&world, &card);
    dumps(clients, &world);
    tests(clients);
    signs(clients, &world);
    locks(clients, "0", AUTH_PIN, "0000", 3);
    opens(clients, "1", SIGN_PIN);
    drop(serving);
    // The lock outlives the reader, and only the issuer channel opens it.
    let serving = place.serve(&world, &card);
    is_locked(clients, "0", AUTH_PIN);
    locks(clients, "1", SIGN_PIN, "WRONG1", 5);
    drop(serving);
    let serving = place.serve(&world, &card);
    is_locked(clients, "1", SIGN_PIN);
    drop(serving);
    world.run(&["reset-pin", &card, "auth", AUTH_PIN]).succeeded();
    world.run(&["reset-pin", &card, "sign", SIGN_PIN]).succeeded();
    let serving = place.serve(&world, &card);
    opens(clients, "0", AUTH_PIN);
    opens(clients, "1", SIGN_PIN);
    drop(serving);
    world.run(&["check", &card]).succeeded();
}

fn made_on_the_card(door: Door) {
    let Some(served) = Served::new(door, &["--on-card-keys", "--person", "sample-2"], OPENSC) else { return };
    dumps(served.clients(), &served.world);
    tests(served.clients());
    signs(served.clients(), &served.world);
}

fn at_once(door: Door) {
    let Some(served) = Served::new(door, &[], OPENSC) else { return };
    std::thread::scope(|scope| {
        for (slot, pin) in [("0", AUTH_PIN), ("1", SIGN_PIN), ("0", AUTH_PIN), ("1", SIGN_PIN)] {
            let clients = served.clients();
            scope.spawn(move || {
                let said = clients.pkcs11(&["--test", "--login", "--slot-index", slot, "--pin", pin]).succeeded().all();
                assert!(said.contains("No errors"), "{said}");
            });
        }
    });
}

/// Check 1: what the card is and holds.
fn dumps(clients: &Clients, world: &World) {
    let detected = clients.run("opensc-tool", &["-n"]).succeeded();
    assert_eq!(detected.out.trim(), "jpki");
    let dump = clients.run("pkcs15-tool", &["--dump"]).succeeded().all();
    let count = |text: &str| dump.matches(text).count();
    assert_eq!((count("\nPIN ["), count("\nPrivate RSA Key ["), count("\nX.509 Certificate [")), (2, 2, 4), "{dump}");
    assert!(dump.contains("Tries left     : 3") && dump.contains("Tries left     : 5"), "{dump}");
    for (number, root) in [("3", "authentication-ca/root.pem"), ("4", "signature-ca/root.pem")] {
        let read = clients.run("pkcs15-tool", &["--read-certificate", number]).succeeded().out;
        let kept = fs::read_to_string(world.file(root)).expect("root");
        assert_eq!(read.trim(), kept.trim(), "certificate {number}");
    }
}

/// Check 2: everything `pkcs11-tool` can try, for both keys.
fn tests(clients: &Clients) {
    for (slot, pin) in [("0", AUTH_PIN), ("1", SIGN_PIN)] {
        let said = clients.pkcs11(&["--test", "--login", "--slot-index", slot, "--pin", pin]).succeeded().all();
        assert!(said.contains("No errors"), "{said}");
        assert_eq!(said.matches("SHA256-RSA-PKCS: OK").count(), 1, "{said}");
    }
}

/// Check 3: signatures that openssl opens with the key of the certificate on the card, and the chain above it.
fn signs(clients: &Clients, world: &World) {
    let (message, signature) = (clients.file("message"), clients.file("signature"));
    fs::write(&message, "jitsuin").expect("writes");
    for (slot, pin, id, hierarchy) in [("0", AUTH_PIN, "01", "authentication"), ("1", SIGN_PIN, "02", "signature")] {
        let login = ["--login", "--slot-index", slot, "--pin", pin];
        let der = clients.file("leaf.der");
        clients
            .pkcs11(&[&login[..], &["--read-object", "--type", "cert", "--id", id, "-o", &der]].concat())
            .succeeded();
        let leaf = clients.file("leaf.pem");
        run(Command::new("openssl").args(["x509", "-inform", "DER", "-in", &der, "-out", &leaf])).succeeded();
        let root = world.file(&format!("{hierarchy}-ca/root.pem")).display().to_string();
        run(Command::new("openssl").args(["verify", "-x509_strict", "-CAfile", &root, &leaf])).succeeded();
        let key = clients.public_key(&leaf, "key.pem");
        for (mechanism, digest) in
            [("SHA256-RSA-PKCS", "-sha256"), ("SHA1-RSA-PKCS", "-sha1"), ("SHA512-RSA-PKCS", "-sha512")]
        {
            let sign = ["--id", id, "--sign", "-m", mechanism, "-i", &message, "-o", &signature];
            clients.pkcs11(&[&login[..], &sign].concat()).succeeded();
            let verify = ["dgst", digest, "-verify", &key, "-signature", &signature, &message];
            run(Command::new("openssl").args(verify)).succeeded();
        }
    }
}

/// Check 4, first half: wrong PINs lock one slot and not the other. The lock is still there for whoever comes next.
fn locks(clients: &Clients, slot: &str, pin: &str, wrong: &str, tries: usize) {
    let login = |pin: &str| clients.pkcs11(&["--login", "--slot-index", slot, "--pin", pin, "-O"]);
    login(pin).succeeded();
    for _ in 0..tries {
        assert!(login(wrong).all().contains("CKR_PIN_INCORRECT"));
    }
    is_locked(clients, slot, pin);
}

/// The right PIN is refused, and the token says why. OpenSC has no better word than "general error" for the card's `6984`.
/// (card.md §14)
fn is_locked(clients: &Clients, slot: &str, pin: &str) {
    let said = clients.pkcs11(&["--login", "--slot-index", slot, "--pin", pin, "-O"]);
    assert!(said.code != Some(0) && said.all().contains("C_Login failed: rv = CKR_GENERAL_ERROR"), "{said:?}");
    let slots = clients.pkcs11(&["--list-slots"]).succeeded().out;
    let own = slots.split("\nSlot ").find(|part| part.starts_with(&format!("{slot} ("))).expect("the slot");
    assert!(own.contains("user PIN locked"), "{slots}");
}

fn opens(clients: &Clients, slot: &str, pin: &str) {
    clients.pkcs11(&["--login", "--slot-index", slot, "--pin", pin, "-O"]).succeeded();
}
