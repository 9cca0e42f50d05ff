//! Online login: a service, a card, and the authorities between them. (service.md §7, rows 25 and 27)

use crate::support::{AUTH_PIN, Said, Serve, World, jitsuin, jitsuin_with_input, until};
use base64ct::{Base64, Encoding};
use der::{DecodePem, Encode};
use serde_json::{Value, json};
use service::http::{self, Answer};
use sha2::{Digest, Sha256};
use std::fs;

const LONGEST: usize = 1 << 16;

/// The authorities of a world over HTTP, and a service that asks them.
struct Town {
    world: World,
    card: String,
    token: String,
    ocsp: String,
    authority: Option<Serve>,
    login: Serve,
    url: String,
}

impl Town {
    fn new() -> Town {
        let world = World::new();
        let card = world.issue(&["--profile", "jpki-only"]);
        let serve = ["authority", "serve", world.name(), "--http", "127.0.0.1:0"];
        let authority = Serve::start_for(&serve, "/fingerprints");
        let ocsp = authority.said.lines().find_map(|line| line.trim().strip_suffix("ocsp/authentication"));
        let ocsp = format!("{}ocsp/authentication", ocsp.expect("an address"));
        let token = jitsuin(["authority", "register", world.name(), "a login service"]).succeeded().out;
        let token = token.trim().to_owned();
        let (login, url) = serve_login(&world, &ocsp, &token, &[]);
        Town { world, card, token, ocsp, authority: Some(authority), login, url }
    }

    fn to(&self, options: &[&str]) -> Said {
        let own = ["login", "to", &self.url, self.world.name(), &self.card, "--pin", AUTH_PIN];
        jitsuin([&own[..], options].concat())
    }

    fn to_json(&self, options: &[&str]) -> Value {
        let said = self.to(&[options, &["--json"]].concat());
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:#?}"))
    }

    fn run(&self, group: &str, command: &str, arguments: &[&str]) -> Said {
        jitsuin([&[group, command, self.world.name()], arguments].concat()).succeeded()
    }

    /// Asks for a challenge.
    fn challenge(&self, url: &str) -> Value {
        let answer = post(&format!("{url}challenges"), None, &Value::Null);
        read(&answer)["challenge"].clone()
    }

    /// The four lines that are signed, written down here once more.
    fn answered(&self, challenge: &Value, half: &str, commands: [&str; 2]) -> Value {
        let issued = challenge["issued"].as_str().expect("a moment");
        let issued = time::OffsetDateTime::parse(issued, &time::format_description::well_known::Rfc3339);
        let text = format!(
            "Jitsuin login\n{}\n{}\n{}\n",
            challenge["service"].as_str().expect("a name"),
            challenge["nonce"].as_str().expect("a nonce"),
            issued.expect("a moment").unix_timestamp()
        );
        let [verify, sign] = commands;
        let sign = format!("{sign}20{}00", hex::encode(Sha256::digest(text)));
        let select = "00A4040C0AD392F000260100000001";
        let said = self.world.run(&["apdu", &self.card, "--json", select, verify, &sign]).succeeded().out;
        let last: Value = serde_json::from_str(said.lines().last().expect("an answer")).expect("json");
        let signature = hex::decode(last["response"].as_str().expect("data")).expect("hexadecimal");
        let pem = fs::read_to_string(self.world.file(&format!("cards/{}/{half}.pem", self.card))).expect("reads");
        let certificate = x509_cert::Certificate::from_pem(pem).expect("PEM").to_der().expect("DER");
        json!({
            "challenge": challenge,
            "certificate": Base64::encode_string(&certificate),
            "signature": Base64::encode_string(&signature),
        })
    }

    fn with_authentication_key(&self, challenge: &Value) -> Value {
        self.answered(challenge, "authentication", ["002000980431323334", "802A0297"])
    }

    fn present(&self, answered: &Value) -> Answer {
        post(&format!("{}logins", self.url), None, answered)
    }
}

/// A service of this world; its address.
fn serve_login(world: &World, ocsp: &str, token: &str, options: &[&str]) -> (Serve, String) {
    let serve = ["login", "serve", world.name(), "--http", "127.0.0.1:0", "--ocsp", ocsp, "--token", token];
    let login = Serve::start_for(&[&serve[..], options].concat(), "log in at");
    let url = login.said.trim().rsplit(' ').next().expect("an address").to_owned();
    (login, url)
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Answer {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    http::post(url, token, "application/json", &body, LONGEST).expect("answers")
}

fn read(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// The findings of checks that did not pass.
fn findings(told: &Value) -> Vec<&str> {
    let checks = told["report"]["checks"].as_array().expect("checks");
    let failed = checks.iter().filter(|check| check["verdict"] != "passed");
    failed.map(|check| check["finding"].as_str().expect("text")).collect()
}

#[test]
fn who_is_let_in_and_when() {
    let mut town = Town::new();
    let first = town.to(&[]).succeeded();
    assert_eq!(first.out.matches("ok  ").count(), 7, "seven checks: {}", first.out);
    assert!(first.out.contains("registered with this login"), "{}", first.out);
    let known = town.to_json(&[]);
    assert_eq!((&known["accepted"], &known["entry"]), (&json!(true), &json!("known")));
    let account = known["account"]["id"].as_str().expect("an id").to_owned();
    assert!(first.out.contains(&account) && known["account"]["certificates"] == 1);

    // The session, and its end.
    let session = known["session"].as_str().expect("a token");
    let me = |token: Option<&str>| http::get(&format!("{}me", town.url), token, LONGEST);
    let mine: Value = serde_json::from_slice(&me(Some(session)).expect("a session")).expect("json");
    assert_eq!(mine["id"], account.as_str());
    assert!(me(None).is_err() && me(Some("guessed")).is_err() && me(Some(&town.token)).is_err());
    let out = |token: &str| post(&format!("{}logout", town.url), Some(token), &Value::Null).status;
    assert_eq!([out(session), out(session)], [204, 401]);
    assert!(me(Some(session)).is_err(), "logged out");

    // A wrong PIN is the card's matter.
    let wrong = ["login", "to", &town.url, town.world.name(), &town.card];
    jitsuin_with_input(&wrong, b"0000\n").failed(1, &["wrong value, 2 tries left"]);
    town.run("callcentre", "stop", &[&town.card]);
    let held = town.to_json(&[]);
    assert_eq!((findings(&held), &held["session"]), (vec!["on-hold"], &Value::Null));
    town.to(&[]).failed(1, &["refused"]);
    town.run("counter", "release", &[&town.card]);
    assert_eq!(town.to_json(&[])["account"]["id"], account.as_str());
    // An authority that says nothing opens no door.
    town.authority.take().expect("runs").interrupt();
    assert_eq!(findings(&town.to_json(&[])), ["unavailable"]);
    let again = ["authority", "serve", town.world.name(), "--http", &address(&town.ocsp)];
    town.authority = Some(Serve::start_for(&again, "/fingerprints"));
    town.run("counter", "revoke", &[&town.card, "authentication"]);
    assert_eq!(findings(&town.to_json(&[])), ["revoked"]);
    assert_eq!(town.login.interrupt().code, Some(0));
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").split('/').next().expect("a host").to_owned()
}

#[test]
fn a_challenge_is_answered_once_here_and_in_time() {
    let town = Town::new();
    let noon = "2027-03-01T03:00:00Z";
    town.run("clock", "set", &[noon]);
    let right = town.with_authentication_key(&town.challenge(&town.url));
    let told = read(&town.present(&right));
    assert_eq!(told["accepted"], true, "{told}");
    let problem = |answered: &Value| {
        let answer = town.present(answered);
        (answer.status, read(&answer)["error"].as_str().unwrap_or_default().to_owned())
    };
    let unknown = (403, "challenge-unknown".to_owned());
    assert_eq!(problem(&right), unknown, "replayed");

    // Its text changed, and the signature made over the change: it is not what was given. It does not come back either.
    let given = town.challenge(&town.url);
    let mut changed = given.clone();
    changed["issued"] = "2027-03-01T03:00:01Z".into();
    assert_eq!(problem(&town.with_authentication_key(&changed)), (403, "challenge-altered".to_owned()));
    assert_eq!(problem(&town.with_authentication_key(&given)), unknown);

    // The signature of another challenge, and the key of the other half.
    let mut crossed = town.with_authentication_key(&town.challenge(&town.url));
    crossed["challenge"] = town.challenge(&town.url);
    let answer = town.present(&crossed);
    assert_eq!((answer.status, findings(&read(&answer))), (403, vec!["forged"]));
    let challenge = town.challenge(&town.url);
    let signing = town.answered(&challenge, "signature", ["0020009B06414243313233", "802A029A"]);
    let told = read(&town.present(&signing));
    let found = findings(&told);
    assert!(found.contains(&"unknown-issuer") && found.contains(&"wrong-policy"), "{found:?}");
    assert!(found.contains(&"wrong-usage"), "{found:?}");

    // A challenge of another service, relayed: it is unknown here, and the program does not even sign it.
    let (_other, url) = serve_login(&town.world, &town.ocsp, &town.token, &["--name", "other.test"]);
    assert_eq!(problem(&town.with_authentication_key(&town.challenge(&url))), unknown);
    let to = ["login", "to", &url, town.world.name(), &town.card, "--pin", AUTH_PIN];
    jitsuin(to).failed(1, &["other.test", "nothing was signed"]);
    let there = jitsuin([&to[..], &["--service", "other.test", "--json"]].concat()).succeeded().out;
    let there: Value = serde_json::from_str(&there).expect("json");
    assert_eq!(there["entry"], "registered", "each service has accounts of its own");
    assert_ne!(there["account"]["id"], told["account"]["id"]);

    // Five minutes, and not one more.
    let late = town.with_authentication_key(&town.challenge(&town.url));
    town.run("clock", "set", &["2027-03-01T03:05:01Z"]);
    assert_eq!(findings(&read(&town.present(&late))), ["challenge-over"]);

    for body in [json!({}), json!([]), json!({ "challenge": given, "certificate": "?", "signature": "" })] {
        let (status, error) = problem(&body);
        assert!((400..500).contains(&status) && error == "not-an-answer", "{status} {error}");
    }
    let form = http::post(&format!("{}logins", town.url), None, "text/plain", b"{}", LONGEST).expect("answers");
    assert_eq!(form.status, 415, "no web page of another origin sends JSON unasked");
    let bad = ["login", "serve", town.world.name(), "--ocsp", &town.ocsp, "--http", "127.0.0.1:0", "--name", "a b"];
    jitsuin(bad).failed(2, &["--name"]);
    jitsuin(["login", "to", "https://login.test", town.world.name(), &town.card, "--pin", "1"]).failed(2, &["http://"]);
}

/// The certificate names nobody: without a code a renewed one would be a stranger.
#[test]
fn an_account_outlives_its_certificate() {
    let town = Town::new();
    let ends = town.world.record(&town.card)["expires"].as_str().expect("a day").to_owned();
    let certificates = jitsuin(["resident", "show", town.world.name(), "resident-0001", "--json"]).succeeded().out;
    let certificates: Value = serde_json::from_str(&certificates).expect("json");
    let last = certificates["certificates"][0]["ends"].as_str().expect("a moment")[..10].to_owned();
    assert!(last <= ends);
    town.run("clock", "set", &[&last]);
    let account = town.to_json(&[])["account"]["id"].clone();
    let drawn = town.to(&["--draw-transfer"]).succeeded().out;
    let code = drawn.lines().last().expect("a code").to_owned();
    town.to(&["--transfer", &code]).failed(1, &["has an account already"]);
    town.run("counter", "renew", &[&town.card, "authentication"]);
    town.to(&["--transfer", "guessed"]).failed(1, &["transfer code"]);
    let moved = town.to_json(&["--transfer", &code]);
    assert_eq!((&moved["entry"], &moved["account"]["id"]), (&json!("transferred"), &account));
    assert_eq!(moved["account"]["certificates"], 2);
    assert_eq!(town.to_json(&[])["account"]["id"], account, "from now on without a code");
    // Used up: the next certificate gets an account of its own.
    town.run("counter", "revoke", &[&town.card, "authentication"]);
    town.run("counter", "issue", &[&town.card, "authentication"]);
    town.to(&["--transfer", &code]).failed(1, &["used"]);
    let other = town.to_json(&[]);
    assert_eq!(other["entry"], "registered");
    assert_ne!(other["account"]["id"], account);
    // A session ends by itself.
    let session = other["session"].as_str().expect("a token").to_owned();
    let me = || http::get(&format!("{}me", town.url), Some(&session), LONGEST).is_ok();
    assert!(me());
    town.run("clock", "set", &[&format!("{last}T03:16:00Z")]);
    until("the session is over", || !me());
}

/// Tokens, codes and receipts are random, and one in 64 begins with a hyphen.
#[test]
fn a_secret_may_begin_with_a_hyphen() {
    let nobody = "http://127.0.0.1:1";
    for arguments in [
        &["login", "to", nobody, "x", "y", "--pin", "1234", "--transfer", "-code"][..],
        &["apply", "status", nobody, "1", "--receipt", "-receipt"],
        &["client", "validity", "x", "y", "--ocsp", nobody, "--token", "-token"],
    ] {
        let said = jitsuin(arguments);
        assert!(said.code == Some(1) && !said.err.contains("Usage"), "{arguments:?}: {said:?}");
    }
}
