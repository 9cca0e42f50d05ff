//! Other people's programs as judges: OpenSC, openssl, pcsc_scan and pyscard, over both doors of `jitsuin serve`.
//!
//! What a program needs is in Debian's packages; a missing one is said loudly, and is a failure where
//! `JITSUIN_REQUIRE_TOOLS` is set. (pcsc.md §5, checks 1 to 4)

mod tls;

use crate::support::{AUTH_PIN, Killed, SIGN_PIN, Said, Serve, World, run, until};
use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const MODULE: &str = "opensc-pkcs11.so";

/// Whether every program is there; says what to install where one is not.
fn have(programs: &[&str], packages: &str) -> bool {
    let missing =
        |program: &&&str| !Command::new("which").arg(program).output().is_ok_and(|found| found.status.success());
    let missing: Vec<&str> = programs.iter().filter(missing).copied().collect();
    if missing.is_empty() {
        return true;
    }
    vectors::skipped(&format!("{} not found; install Debian's packages {packages}", missing.join(", ")));
    false
}

const OPENSC: (&[&str], &str) =
    (&["opensc-tool", "pkcs15-tool", "pkcs11-tool", "openssl"], "opensc opensc-pkcs11 openssl");
const PCSCD: (&[&str], &str) = (&["pcscd"], "pcscd vsmartcard-vpcd");

/// Programs that find their reader at a socket.
struct Clients {
    socket: PathBuf,
    folder: tempfile::TempDir,
}

impl Clients {
    fn new(socket: &Path) -> Clients {
        Clients { socket: socket.into(), folder: tempfile::tempdir().expect("folder") }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // A home of their own: OpenSC keeps caches, and every card of this kind has the same serial number for it.
        command.env("PCSCLITE_CSOCK_NAME", &self.socket).env("HOME", self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Said {
        run(self.command(program).args(arguments))
    }

    fn pkcs11(&self, arguments: &[&str]) -> Said {
        self.run("pkcs11-tool", &[&["--module", MODULE], arguments].concat())
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A file with a certificate's public key in it.
    fn public_key(&self, certificate: &str, name: &str) -> String {
        let key = run(Command::new("openssl").args(["x509", "-in", certificate, "-noout", "-pubkey"])).succeeded().out;
        fs::write(self.file(name), key).expect("writes");
        self.file(name)
    }
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

/// Checks 1 to 4. `serve` puts the card behind the clients' socket and takes it away again when dropped.
fn checks<S>(world: &World, card: &str, clients: &Clients, serve: impl Fn() -> S) {
    let serving = serve();
    dumps(clients, world);
    tests(clients);
    signs(clients, world);
    locks(clients, "0", AUTH_PIN, "0000", 3);
    opens(clients, "1", SIGN_PIN);
    drop(serving);
    // The lock outlives the reader, and only the issuer channel opens it.
    let serving = serve();
    is_locked(clients, "0", AUTH_PIN);
    locks(clients, "1", SIGN_PIN, "WRONG1", 5);
    drop(serving);
    let serving = serve();
    is_locked(clients, "1", SIGN_PIN);
    drop(serving);
    world.run(&["reset-pin", card, "auth", AUTH_PIN]).succeeded();
    world.run(&["reset-pin", card, "sign", SIGN_PIN]).succeeded();
    let serving = serve();
    opens(clients, "0", AUTH_PIN);
    opens(clients, "1", SIGN_PIN);
    drop(serving);
    world.run(&["check", card]).succeeded();
}

/// A card behind the PC/SC socket, and programs that look there.
struct Served {
    world: World,
    clients: Clients,
    _serving: Serve,
}

fn served(options: &[&str]) -> Served {
    let world = World::new();
    let card = world.issue(options);
    let socket = world.file("pcsc");
    let serving = world.serve(&card, &["--pcsc", &socket.display().to_string()]);
    Served { clients: Clients::new(&socket), world, _serving: serving }
}

#[test]
fn opensc_over_the_pcsc_socket() {
    if !have(OPENSC.0, OPENSC.1) {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let socket = world.file("pcsc");
    let clients = Clients::new(&socket);
    let path = socket.display().to_string();
    checks(&world, &card, &clients, || world.serve(&card, &["--pcsc", &path]));
}

#[test]
fn opensc_with_keys_made_on_the_card() {
    if !have(OPENSC.0, OPENSC.1) {
        return;
    }
    let Served { world, clients, _serving } = served(&["--on-card-keys", "--person", "sample-2"]);
    dumps(&clients, &world);
    tests(&clients);
    signs(&clients, &world);
}

/// pcscd of our own, listening at a socket of our own, with vpcd as its only reader.
fn pcscd(clients: &Clients, port: u16) -> Killed {
    let drivers =
        ["/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/lib/x86_64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so"];
    let driver = drivers.into_iter().find(|path| Path::new(path).exists()).expect("vsmartcard-vpcd has its driver");
    let readers = clients.file("readers");
    fs::create_dir(&readers).expect("folder");
    let text = format!(
        "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {driver}\nCHANNELID 0x{port:X}\n"
    );
    fs::write(format!("{readers}/vpcd"), text).expect("writes");
    let _ = fs::create_dir("/run/pcscd");
    // The daemon takes its socket as descriptor 3 from whoever starts it, as systemd does.
    let start = "import os, socket, sys\n\
                 s = socket.socket(socket.AF_UNIX)\n\
                 s.bind(sys.argv[1]); s.listen(16)\n\
                 os.dup2(s.fileno(), 3); os.set_inheritable(3, True)\n\
                 os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n\
                 os.execvp('pcscd', ['pcscd', '--foreground', '-c', sys.argv[2]])\n";
    let log = fs::File::create(clients.file("pcscd.log")).expect("log");
    let child = Command::new("/usr/bin/python3")
        .args(["-c", start, &clients.socket.display().to_string(), &readers])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("log"))
        .stderr(log)
        .spawn();
    Killed(child.expect("python3 starts"))
}

#[test]
fn opensc_over_pcscd_and_vpcd() {
    if !have(OPENSC.0, OPENSC.1) || !have(PCSCD.0, PCSCD.1) || !have(&["python3"], "python3") {
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let clients = Clients::new(&world.file("pcscd"));
    // A port that is free, and its neighbour is vpcd's second slot.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let _daemon = pcscd(&clients, port);
    let address = format!("127.0.0.1:{port}");
    until("vpcd listens", || std::net::TcpStream::connect(&address).is_ok());
    let is_seen = || clients.run("opensc-tool", &["-n"]).out.trim() == "jpki";
    checks(&world, &card, &clients, || {
        // pcscd polls: the card of before must have gone first.
        until("the reader is empty", || !is_seen());
        let serving = world.serve(&card, &["--vpcd", &address]);
        until("the card is seen", is_seen);
        serving
    });
}

#[test]
fn four_programs_at_once() {
    if !have(OPENSC.0, OPENSC.1) {
        return;
    }
    let Served { clients, .. } = &served(&[]);
    std::thread::scope(|scope| {
        for (slot, pin) in [("0", AUTH_PIN), ("1", SIGN_PIN), ("0", AUTH_PIN), ("1", SIGN_PIN)] {
            scope.spawn(move || {
                let said = clients.pkcs11(&["--test", "--login", "--slot-index", slot, "--pin", pin]).succeeded().all();
                assert!(said.contains("No errors"), "{said}");
            });
        }
    });
}

#[test]
fn pcsc_scan_sees_the_card() {
    if !have(&["pcsc_scan"], "pcsc-tools") {
        return;
    }
    let Served { clients, .. } = &served(&[]);
    let said = clients.run("pcsc_scan", &["-n", "-t", "2"]).all();
    assert!(said.contains("Jitsuin Virtual Reader 00 00") && said.contains("Card inserted"), "{said}");
    assert!(said.contains("3B E0 00 FF 81 31 FE 45 14"), "{said}");
}

const PYSCARD: &str = r#"
from smartcard.System import readers
from smartcard.scard import *
from smartcard.CardMonitoring import CardMonitor
(reader,) = readers()
assert str(reader) == "Jitsuin Virtual Reader 00 00", reader
card = reader.createConnection()
card.connect()
assert bytes(card.getATR()).hex() == "3be000ff8131fe4514"
def send(text):
    data, sw1, sw2 = card.transmit(list(bytes.fromhex(text)))
    return bytes(data).hex(), "%02X%02X" % (sw1, sw2)
assert send("00A4040C0AD392F000260100000001") == ("", "9000")
assert send("00200098") == ("", "63C3")
assert send("002000980431323334") == ("", "9000")
data, word = send("802A0397026F6B00")
assert (len(data), word) == (512, "9000")
assert send("00B08A00000000")[0].startswith("3082"), "extended Le"
card.disconnect()
# A reset by the end of a session keeps what the specification says it keeps; power does not.
_, context = SCardEstablishContext(SCARD_SCOPE_USER)
_, handle, protocol = SCardConnect(context, str(reader), SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_Tx)
assert protocol == SCARD_PROTOCOL_T1
assert SCardBeginTransaction(handle) == 0 and SCardEndTransaction(handle, SCARD_LEAVE_CARD) == 0
result, name, state, protocol, atr = SCardStatus(handle)
assert result == 0 and bytes(atr).hex() == "3be000ff8131fe4514"
assert SCardDisconnect(handle, SCARD_UNPOWER_CARD) == 0
_, handle, protocol = SCardConnect(context, str(reader), SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1)
result, answer = SCardTransmit(handle, SCARD_PCI_T1, list(bytes.fromhex("00200098")))
assert bytes(answer).hex() == "6a88", "the ISD is current after power"
result, states = SCardGetStatusChange(context, 0, [(str(reader), SCARD_STATE_UNAWARE)])
assert states[0][1] & SCARD_STATE_PRESENT and states[0][1] & SCARD_STATE_INUSE, states
assert SCardDisconnect(handle, SCARD_LEAVE_CARD) == 0
assert SCardReleaseContext(context) == 0
print("pyscard is content")
"#;

#[test]
fn pyscard_talks_to_the_card() {
    let there = Command::new("/usr/bin/python3").args(["-c", "import smartcard"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        vectors::skipped("Python's smartcard module not found; install Debian's package python3-pyscard");
        return;
    }
    let Served { clients, .. } = &served(&[]);
    let said = clients.run("/usr/bin/python3", &["-c", PYSCARD]).succeeded();
    assert!(said.out.contains("pyscard is content"), "{said:?}");
}

/// All six schemes of both keys, opened by openssl.
#[test]
fn openssl_opens_a_signature_of_every_scheme() {
    if !have(&["openssl"], "openssl") {
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
    if !have(&["openssl"], "openssl") {
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
