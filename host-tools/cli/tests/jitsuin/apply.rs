//! Electronic applications: a form, a card, an office, and the authorities between them. (service.md §6, §8, rows 23 and 24)

use crate::support::{SIGN_PIN, Said, Serve, World, jitsuin, mode, run};
use serde_json::Value;
use service::{
    http::{self, Answer},
    reception::{BODY_MAX, CMS},
};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};
use vectors::skipped;

const LONGEST: usize = 1 << 20;
const NAME: &str = "試験　花子";

/// The authorities of a world over HTTP, and an office that asks them.
struct Town {
    world: World,
    card: String,
    _authority: Serve,
    office: Serve,
    url: String,
    ocsp: String,
    token: String,
}

impl Town {
    fn new() -> Town {
        let world = World::new();
        let card = world.issue(&["--profile", "jpki-only"]);
        let serve = ["authority", "serve", world.name(), "--http", "127.0.0.1:0"];
        let authority = Serve::start_for(&serve, "/fingerprints");
        let base = authority.said.lines().find_map(|line| line.trim().strip_suffix("ocsp/signature"));
        let ocsp = format!("{}ocsp/signature", base.expect("an address"));
        let token = jitsuin(["authority", "register", world.name(), "an office"]).succeeded().out.trim().to_owned();
        let (office, url) = receive(&world, &ocsp, &token);
        Town { world, card, _authority: authority, office, url, ocsp, token }
    }

    fn path(&self, name: &str) -> String {
        self.world.file(name).display().to_string()
    }

    /// `jitsuin apply COMMAND WORLD CARD --sign-pin …`
    fn with_card(&self, command: &str, options: &[&str]) -> Said {
        let own = ["apply", command, self.world.name(), &self.card, "--sign-pin", SIGN_PIN, "--force"];
        jitsuin([&own[..], options].concat())
    }

    /// Fills in a form from the card.
    fn form(&self, name: &str, number: &str) -> String {
        let (out, field) = (self.path(name), format!("登録番号={number}"));
        self.with_card("form", &["--procedure", "car-tax", "--field", &field, "--out", &out]).succeeded();
        out
    }

    fn sign(&self, form: &str, name: &str, options: &[&str]) -> String {
        let out = self.path(name);
        self.with_card("sign", &[&["--form", form, "--out", &out], options].concat()).succeeded();
        out
    }

    fn send(&self, message: &str, options: &[&str]) -> Said {
        jitsuin([&["apply", "send", &self.url, message], options].concat())
    }

    fn send_json(&self, message: &str, options: &[&str]) -> Value {
        let said = self.send(message, &[options, &["--json"]].concat());
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:#?}"))
    }

    fn post(&self, kind: &str, body: &[u8]) -> Answer {
        http::post(&format!("{}applications", self.url), None, kind, body, LONGEST).expect("answers")
    }

    fn list(&self) -> Vec<Value> {
        let listed = jitsuin(["apply", "list", self.world.name(), "--json"]).succeeded().out;
        serde_json::from_str(&listed).expect("json")
    }
}

/// An office of this world; its address.
fn receive(world: &World, ocsp: &str, token: &str) -> (Serve, String) {
    let serve = ["apply", "serve", world.name(), "--http", "127.0.0.1:0", "--ocsp", ocsp, "--token", token, "--log"];
    let office = Serve::start_for(&serve, "are received at");
    let url = office.said.trim().rsplit(' ').next().expect("an address").to_owned();
    (office, url)
}

/// The findings of checks that did not pass.
fn findings(received: &Value) -> Vec<&str> {
    let checks = received["report"]["checks"].as_array().expect("checks").iter();
    let bad = checks.filter(|check| check["verdict"] != "passed");
    bad.map(|check| check["finding"].as_str().expect("a word")).filter(|finding| *finding != "not-run").collect()
}

#[test]
fn an_application_goes_from_a_form_to_the_record() {
    let town = Town::new();
    let listed = jitsuin(["apply", "form"]).succeeded().out;
    assert!(listed.contains("car-tax") && listed.contains("模擬"), "{listed}");
    let form = town.form("form.json", "試験 300 あ 00-01");
    assert_eq!(mode(Path::new(&form)), 0o600);
    let filled: Value = serde_json::from_slice(&fs::read(&form).expect("reads")).expect("json");
    assert_eq!((&filled["name"], &filled["birth"]), (&NAME.into(), &"1980-02-17".into()), "what the certificate has");
    let message = town.sign(&form, "form.p7m", &[]);

    let accepted = town.send_json(&message, &[]);
    assert_eq!((findings(&accepted), &accepted["accepted"], &accepted["number"]), (vec![], &true.into(), &1.into()));
    let receipt = accepted["receipt"].as_str().expect("a receipt");
    let status = |number: &str, receipt: &str| jitsuin(["apply", "status", &town.url, number, "--receipt", receipt]);
    assert!(status("1", receipt).succeeded().out.contains("受理 (accepted)"));
    status("1", "another").failed(1, &["no such application"]);
    status("2", receipt).failed(1, &["no such application"]);
    // Once more: the same number, and no second receipt.
    let again = town.send_json(&message, &[]);
    assert_eq!((&again["number"], &again["before"], again.get("receipt")), (&1.into(), &true.into(), None));
    // Another one, whose content stands beside it.
    let second = town.form("second.json", "試験 300 あ 00-02");
    let detached = town.sign(&second, "second.p7s", &["--detached"]);
    town.send(&detached, &[]).failed(1, &["not accepted"]);
    let said = town.send(&detached, &["--content", &second]).succeeded();
    assert!(said.out.contains("受付番号 3") || said.out.contains("受付番号 2"), "{}", said.out);
    town.send(&detached, &["--content", &form]).failed(1, &["not accepted"]);

    let kept = town.path("kept.p7m");
    let show = ["apply", "show", town.world.name(), "1", "--out", &kept];
    jitsuin(show).succeeded();
    assert_eq!(fs::read(&kept).expect("reads"), fs::read(&message).expect("reads"));
    jitsuin(["apply", "show", town.world.name(), "99"]).failed(1, &["jitsuin apply list"]);
    let ledger = town.world.run(&["ledger"]).succeeded().out;
    assert!(ledger.contains("application-accepted") && !ledger.contains(NAME), "{ledger}");
}

/// The message is CMS that others verify, and the office's checks run on files alone too.
#[test]
fn openssl_verifies_what_was_signed() {
    let town = Town::new();
    let form = town.form("form.json", "試験 300 あ 00-01");
    let message = town.sign(&form, "form.p7m", &[]);
    let root = town.path("signature-ca/root.pem");
    let verify = |options: &[&str]| jitsuin([&["apply", "verify", &message, "--root", &root], options].concat());
    verify(&["--ocsp", &town.ocsp, "--token", &town.token]).succeeded();
    verify(&["--ocsp", &town.ocsp]).failed(1, &["not accepted"]);
    verify(&[]).failed(2, &["--ocsp"]);
    verify(&["--ocsp", &town.ocsp, "--token", &town.token, "--now", "2040-01-01"]).failed(1, &[]);
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("openssl as a judge of CMS (Debian package openssl)");
        return;
    }
    let openssl = |message: &str, options: &[&str]| {
        let purpose =
            ["cms", "-verify", "-inform", "DER", "-purpose", "any", "-binary", "-CAfile", &root, "-in", message];
        run(Command::new("openssl").args(purpose).args(options)).succeeded().out
    };
    assert_eq!(openssl(&message, &["-cades"]).as_bytes(), fs::read(&form).expect("reads"));
    let detached = town.sign(&form, "form.p7s", &["--detached"]);
    openssl(&detached, &["-cades", "-content", &form]);
}

#[test]
fn what_is_not_so_is_refused_and_says_why() {
    let town = Town::new();
    let form = town.form("form.json", "試験 300 あ 00-01");
    // Somebody else's address: signed by the card, and not what its certificate says.
    let moved = fs::read_to_string(&form).expect("reads").replace("見本町", "移転先町");
    let other = town.path("other.json");
    fs::write(&other, moved).expect("writes");
    let refused = town.send_json(&town.sign(&other, "other.p7m", &[]), &[]);
    assert_eq!(findings(&refused), ["differ"]);
    // A document that is no form.
    let text = town.path("text");
    fs::write(&text, "give me money").expect("writes");
    assert_eq!(findings(&town.send_json(&town.sign(&text, "text.p7m", &[]), &[])), ["not-a-form"]);
    // Altered on the way.
    let message = town.sign(&form, "form.p7m", &[]);
    let mut bytes = fs::read(&message).expect("reads");
    let place = bytes.windows(5).position(|window| window == b"00-01").expect("the number stands there in clear");
    bytes[place + 4] = b'9';
    let answer = town.post(CMS, &bytes);
    assert_eq!(answer.status, 422);
    assert_eq!(findings(&serde_json::from_slice(&answer.body).expect("json")), ["altered"]);
    // Suspended, then revoked.
    jitsuin(["callcentre", "stop", town.world.name(), &town.card]).succeeded();
    assert_eq!(findings(&town.send_json(&message, &[])), ["on-hold"]);
    jitsuin(["counter", "release", town.world.name(), &town.card]).succeeded();
    assert_eq!(findings(&town.send_json(&message, &[])), ["on-hold"], "release is for authentication alone");
    jitsuin(["counter", "revoke", town.world.name(), &town.card, "signature"]).succeeded();
    assert_eq!(findings(&town.send_json(&message, &[])), ["revoked"]);
    let list = town.list();
    assert_eq!(list.len(), 5, "all but the altered one were signed by the key of a trusted certificate");
    assert!(list.iter().all(|one| one["accepted"] == false && one["procedure"] == ""));
    jitsuin(["apply", "show", town.world.name(), "1", "--out", &town.path("x")]).failed(1, &["accepted"]);
}

/// Nobody tells whether it is revoked: not accepted, not kept, and the same message may come again.
#[test]
fn an_office_that_nobody_answers_accepts_nothing() {
    let town = Town::new();
    let message = town.sign(&town.form("form.json", "1"), "form.p7m", &[]);
    let (deaf, url) = receive(&town.world, &town.ocsp, "no token of anybody");
    let send =
        |url: &str| http::post(&format!("{url}applications"), None, CMS, &fs::read(&message).expect("reads"), LONGEST);
    let answer = send(&url).expect("answers");
    assert_eq!(
        (answer.status, findings(&serde_json::from_slice(&answer.body).expect("json"))),
        (503, vec!["unavailable"])
    );
    assert!(town.list().is_empty());
    deaf.interrupt().succeeded();
    assert_eq!(send(&town.url).expect("answers").status, 200);
    assert_eq!(town.list().len(), 1);
}

/// What was good, damaged in every way that a small generator finds: refused, and never the office's own fault.
#[test]
fn hostile_senders_get_short_answers_and_leave_nothing() {
    let town = Town::new();
    let message = fs::read(town.sign(&town.form("form.json", "1"), "form.p7m", &[])).expect("reads");
    let mut state = 0x9E37_79B9_u32;
    let mut random = move |below: usize| {
        // xorshift32
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        usize::try_from(state).expect("fits") % below
    };
    for _ in 0..300 {
        let mut bytes = message.clone();
        match random(4) {
            0 => bytes.truncate(random(message.len())),
            1 => bytes.extend((0..=random(40)).map(|n| u8::try_from(n).expect("small"))),
            2 => {
                let from = random(message.len());
                bytes.drain(from..(from + 1 + random(20)).min(message.len()));
            }
            _ => {
                for _ in 0..=random(3) {
                    let at = random(message.len());
                    bytes[at] ^= 1 << random(8);
                }
            }
        }
        if bytes != message {
            let answer = town.post(CMS, &bytes);
            assert!([400, 422].contains(&answer.status), "{} for {}", answer.status, hex::encode(&bytes));
        }
    }
    // Nested far deeper than any message.
    let nested: Vec<u8> = (0..30_000).flat_map(|_| [0x30, 0x80]).collect();
    assert_eq!(town.post(CMS, &nested).status, 400);
    for (kind, body, status) in [
        (CMS, &b""[..], 400),
        (CMS, b"\x30\x84\xFF\xFF\xFF\xFF", 400),
        (CMS, &vec![0x30; BODY_MAX + 1], 413),
        ("text/plain", &message, 415),
        ("application/json", b"{", 400),
        ("application/json", br#"{"message":"****"}"#, 400),
        ("application/json", br#"{"message":"","content":"","more":1}"#, 400),
        ("application/json", br#"{"message":"","content":null}"#, 400),
    ] {
        assert_eq!(town.post(kind, body).status, status, "{kind}, {} bytes", body.len());
    }
    let get = |path: &str, token| http::get(&format!("{}{path}", town.url), token, LONGEST);
    assert!(get("forms", None).is_ok() && get("forms/car-tax", None).is_ok());
    for path in ["forms/nothing", "applications/1", "applications/-1", "applications/99999999999999999999", "x"] {
        assert!(get(path, Some("token")).expect_err(path).to_string().contains("404"), "{path}");
    }
    // A head and no body, and the other way round: others are served meanwhile.
    let address = town.url.trim_start_matches("http://").trim_end_matches('/');
    let mut slow = TcpStream::connect(address).expect("connects");
    write!(slow, "POST /applications HTTP/1.1\r\nHost: x\r\nContent-Type: {CMS}\r\nContent-Length: 1000\r\n\r\n")
        .expect("writes");
    let mut noise = TcpStream::connect(address).expect("connects");
    noise.write_all(&[0xFF; 4096]).expect("writes");
    let mut said = Vec::new();
    noise.read_to_end(&mut said).expect("is answered or closed");
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400"), "{:?}", String::from_utf8_lossy(&said));
    let good = town.post(CMS, &message);
    assert_eq!(good.status, 200, "what is good is still good");
    drop(slow);
    assert_eq!(town.list().len(), 1, "nothing else was put on record");

    let good: Value = serde_json::from_slice(&good.body).expect("json");
    let serial = good["report"]["signer"]["serial"].as_str().expect("a serial number").to_owned();
    let log = town.office.interrupt().succeeded().err;
    assert!(log.contains("an application was judged") && log.contains("why=\"not-cms\""), "{log}");
    for secret in [NAME, "見本町", &serial, good["receipt"].as_str().expect("a receipt"), &town.token] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
}
