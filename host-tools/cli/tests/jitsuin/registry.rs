//! Client crates that others published, unmodified, as judges: `clients/run` builds them and starts these tests.
//!
//! None of them knows of the simulator, and each asks in its own way. (card.md §19.2, §19.3)

mod holders;

use crate::support::{AUTH_PIN, SIGN_PIN, Said, Serve, World, run};
use der::{DecodePem, Encode};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// "abc" and its digest, FIPS 180-4's example, in DigestInfos as the crates want them.
const MESSAGE: &str = "abc";
const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const SHA256_INFO: &str = "3031300d060960864801650304020105000420";

/// The programs of `clients/`, looking for their reader at one socket.
struct Programs {
    socket: PathBuf,
    folder: tempfile::TempDir,
}

impl Programs {
    fn new(socket: &Path) -> Programs {
        Programs { socket: socket.into(), folder: tempfile::tempdir().expect("folder") }
    }

    fn built() -> PathBuf {
        env::var_os("JITSUIN_CLIENTS").expect("start these tests with clients/run").into()
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("PCSCLITE_CSOCK_NAME", &self.socket).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// One of the small programs: its name, then its arguments.
    fn run(&self, words: &[&str]) -> Said {
        run(self.command(Self::built().join("debug").join(words[0])).args(&words[1..]))
    }

    /// The value that a small program printed under a name.
    #[track_caller]
    fn value(&self, name: &str, words: &[&str]) -> String {
        value(&self.run(words).succeeded().out, name)
    }

    /// The published program `jpki-cli`; it ends with 0 whatever the card said.
    fn cli(&self, words: &[&str]) -> std::process::Output {
        self.command(Self::built().join("bin/jpki-cli")).args(words).output().expect("runs")
    }

    /// The same at a terminal, where it takes a message, then asks for a PIN.
    fn typed(&self, pin: &str, message: &str, words: &[&str]) -> Said {
        let program = Self::built().join("bin/jpki-cli");
        let mut command = self.command("/usr/bin/python3");
        run(command.args(["-c", TERMINAL, pin, message, program.to_str().expect("plain")]).args(words))
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("writes");
        path.display().to_string()
    }

    /// Whether openssl opens a signature of [`MESSAGE`] with the key of a DER certificate.
    #[track_caller]
    fn opens(&self, certificate: &str, digest: &str, signature: &str) {
        let certificate = self.write("certificate.der", hex::decode(certificate).expect("hexadecimal"));
        let signature = self.write("signature", hex::decode(signature).expect("hexadecimal"));
        let x509 = ["x509", "-inform", "DER", "-in", &certificate, "-noout", "-pubkey"];
        let key = self.write("key.pem", run(Command::new("openssl").args(x509)).succeeded().out);
        let message = self.write("message", MESSAGE);
        let verify = ["dgst", digest, "-verify", &key, "-signature", &signature, &message];
        run(Command::new("openssl").args(verify)).succeeded();
    }
}

/// Runs a program at a terminal of its own. The PIN is typed once it is asked for and no longer echoed: what comes before that,
/// programs throw away.
const TERMINAL: &str = r#"
import os, pty, select, signal, sys, termios
pin, message, program = sys.argv[1], sys.argv[2], sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(program[0], program)
signal.alarm(60)
os.write(terminal, message.encode() + b"\x04\x04")
said = b""
while True:
    if pin and b"pin_hint" in said and not termios.tcgetattr(terminal)[3] & termios.ECHO:
        os.write(terminal, pin.encode() + b"\n")
        pin = ""
    if select.select([terminal], [], [], 0.02)[0]:
        try:
            said += os.read(terminal, 4096)
        except OSError:
            break
print(said.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[track_caller]
fn value(out: &str, name: &str) -> String {
    let mut values = out.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    values.next_back().unwrap_or_else(|| panic!("no {name} in: {out}")).to_owned()
}

/// A card of a world behind its socket, and the certificates that the world keeps of it.
struct Issued {
    world: World,
    card: String,
    programs: Programs,
    _serving: Serve,
}

impl Issued {
    fn new() -> Issued {
        Issued::of(&[])
    }

    fn of(options: &[&str]) -> Issued {
        let world = World::new();
        let card = world.issue(options);
        let socket = world.file("pcsc");
        let serving = world.serve(&card, &["--pcsc", socket.to_str().expect("plain")]);
        Issued { programs: Programs::new(&socket), world, card, _serving: serving }
    }

    /// DER of a certificate that the world keeps, a leaf or a root, in hexadecimal.
    fn kept(&self, name: &str) -> String {
        let path = match name {
            "auth-ca" => self.world.file("authentication-ca/root.pem"),
            "sign-ca" => self.world.file("signature-ca/root.pem"),
            "auth" => self.world.file(&format!("cards/{}/authentication.pem", self.card)),
            _ => self.world.file(&format!("cards/{}/signature.pem", self.card)),
        };
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let certificate = x509_cert::Certificate::from_pem(text).expect("a certificate");
        hex::encode(certificate.to_der().expect("encodes"))
    }
}

#[test]
#[ignore = "needs what clients/run builds"]
fn registry_jpki() {
    let card = Issued::new();
    let programs = &card.programs;
    let tries = |which| programs.value("tries", &["jpki", "tries", which]);
    for name in ["auth", "auth-ca", "sign-ca"] {
        assert_eq!(programs.value("certificate", &["jpki", "certificate", name]), card.kept(name), "{name}");
    }
    let signature_certificate = programs.value("certificate", &["jpki", "certificate", "sign", SIGN_PIN]);
    assert_eq!(signature_certificate, card.kept("sign"));
    assert_eq!((tries("auth"), tries("sign")), ("3".into(), "5".into()));
    let info = format!("{SHA256_INFO}{SHA256}");
    for (which, pin) in [("auth", AUTH_PIN), ("sign", SIGN_PIN)] {
        let signature = programs.value("signature", &["jpki", "sign", which, pin, &info]);
        programs.opens(&card.kept(which), "-sha256", &signature);
    }
    // Every command goes out twice: a wrong PIN costs two tries, and the second answer is what is seen.
    programs.run(&["jpki", "sign", "auth", "0000", &info]).failed(1, &["1 tries left"]);
    programs.run(&["jpki", "sign", "sign", "WRONG1", &info]).failed(1, &["3 tries left"]);
    assert_eq!((tries("auth"), tries("sign")), ("1".into(), "3".into()));
    programs.value("signature", &["jpki", "sign", "auth", AUTH_PIN, &info]);
    assert_eq!((tries("auth"), tries("sign")), ("3".into(), "3".into()), "the right PIN gives them back");
    for _ in 0..2 {
        programs.run(&["jpki", "sign", "auth", "0000", &info]).failed(1, &[]);
    }
    assert_eq!(tries("auth"), "0");
    programs.run(&["jpki", "sign", "auth", AUTH_PIN, &info]).failed(1, &[]);
    card.world.run(&["show", &card.card]).failed(1, &["another process has this card"]);
}

/// The program as it is published. (card.md §19.3)
#[test]
#[ignore = "needs what clients/run builds"]
fn registry_jpki_cli() {
    let card = Issued::new();
    let programs = &card.programs;
    let said = |words: &[&str]| String::from_utf8(programs.cli(words).stdout).expect("text").trim().to_owned();
    assert_eq!(said(&["crypto", "--auth", "stat"]), "3");
    assert_eq!(said(&["crypto", "stat"]), "5");
    for (flags, name) in [(&["--auth"][..], "auth"), (&["--auth", "--ca"], "auth-ca"), (&["--ca"], "sign-ca")] {
        let read = programs.cli(&[&["crypto"], flags, &["read-certificate"]].concat());
        assert_eq!(hex::encode(read.stdout), card.kept(name), "{name}");
    }
    for (flags, pin, name) in [(&["--auth"][..], AUTH_PIN, "auth"), (&[], SIGN_PIN, "sign")] {
        let signature = programs.folder.path().join("made");
        let path = signature.to_str().expect("plain");
        programs.typed(pin, MESSAGE, &[&["crypto"], flags, &["sign", path]].concat()).succeeded();
        let made = hex::encode(fs::read(&signature).expect("was written"));
        programs.opens(&card.kept(name), "-sha1", &made);
    }
    let refused = programs.typed("0000", MESSAGE, &["crypto", "--auth", "sign", "none"]);
    assert!(refused.out.contains("1 tries left"), "{refused:?}");
    assert_eq!(said(&["crypto", "--auth", "stat"]), "1", "a wrong PIN went out twice");
}

#[test]
#[ignore = "needs what clients/run builds"]
fn registry_myna() {
    let card = Issued::new();
    let programs = &card.programs;
    assert_eq!(programs.value("card", &["myna", "card"]), "true", "the label has spaces behind it");
    assert_eq!(programs.value("certificate", &["myna", "certificate"]), card.kept("auth"));
    let tries = |which| programs.value("tries", &["myna", "tries", which]);
    assert_eq!((tries("auth"), tries("sign")), ("3".into(), "5".into()));
    assert_eq!(programs.value("challenge", &["myna", "challenge", "255"]).len(), 510);
    let signature = programs.value("signature", &["myna", "sign", AUTH_PIN, &format!("{SHA256_INFO}{SHA256}")]);
    programs.opens(&card.kept("auth"), "-sha256", &signature);
    programs.run(&["myna", "sign", "0000", SHA256]).failed(1, &["PinIncorrect(2)"]);
    assert_eq!((tries("auth"), tries("sign")), ("2".into(), "5".into()));
    // The crate's own checks: of the chain, which tells the two hierarchies apart, and of the signature.
    let file = |name: &str| programs.write(name, hex::decode(card.kept(name)).expect("hexadecimal"));
    let (auth, sign) = (file("auth"), file("sign"));
    for (leaf, root) in [(&auth, file("auth-ca")), (&sign, file("sign-ca"))] {
        assert_eq!(programs.value("chain", &["myna", "chain", leaf, &root]), "good");
    }
    programs.run(&["myna", "chain", &auth, &file("sign-ca")]).failed(1, &["VerificationError"]);
    assert_eq!(programs.value("signature", &["myna", "signature", &auth, SHA256, &signature]), "good");
    programs.run(&["myna", "signature", &sign, SHA256, &signature]).failed(1, &["Verification"]);
}

#[test]
#[ignore = "needs what clients/run builds"]
fn registry_myna_card() {
    let card = Issued::new();
    let programs = &card.programs;
    let out = programs.run(&["myna-card", "jpki", AUTH_PIN, SIGN_PIN]).succeeded().out;
    for (name, expected) in [
        ("token", "JPKIAPICCTOKEN2"),
        ("lengths of PINs", "6 16"),
        ("certificates", "true true"),
        ("tries auth", "Remaining(3)"),
        ("tries sign", "Remaining(5)"),
        ("auth chain", "good"),
        ("sign chain", "good"),
        ("auth certificate", &card.kept("auth")),
        ("sign certificate", &card.kept("sign")),
    ] {
        assert_eq!(value(&out, name), expected, "{name}");
    }
    assert!(value(&out, "model").starts_with("SIM"), "no real card says so (D-21)");
    assert!(value(&out, "sign certificate before the password").contains("SW=6982"));
    assert_eq!(out.matches("signed: ").count(), 6, "every scheme opened with both keys: {out}");
    for which in ["auth", "sign"] {
        // What is made here proves nothing to those who hold the real roots, production or test.
        let real = value(&out, &format!("{which} among real roots"));
        assert!(real.contains("no root this crate carries signed this certificate"), "{real}");
    }
    let change = |words: [&str; 4]| programs.run(&[&["myna-card", "change"], &words[..]].concat());
    change([AUTH_PIN, "5678", SIGN_PIN, "OTHER1"]).succeeded();
    programs.value("signature", &["jpki", "sign", "sign", "OTHER1", "00"]);
    programs.run(&["jpki", "sign", "auth", AUTH_PIN, "00"]).failed(1, &["1 tries left"]);
    change(["5678", AUTH_PIN, "OTHER1", SIGN_PIN]).succeeded();
}
