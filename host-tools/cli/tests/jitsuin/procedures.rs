//! The service from the command line: residents, counter, call centre and clock; the authorities over HTTP, with openssl as judge.

use crate::support::{Serve, World, jitsuin, run};
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use vectors::skipped;

fn json(world: &World, arguments: &[&str]) -> Value {
    let said = world.run(&[arguments, &["--json"]].concat()).succeeded();
    serde_json::from_str(&said.out).expect("json")
}

/// `jitsuin GROUP COMMAND WORLD …`
fn group(world: &World, group: &str, command: &str, arguments: &[&str]) -> crate::support::Said {
    jitsuin([&[group, command, world.name()], arguments].concat())
}

fn group_json(world: &World, name: &str, command: &str, arguments: &[&str]) -> Value {
    let said = group(world, name, command, &[arguments, &["--json"]].concat()).succeeded();
    serde_json::from_str(&said.out).expect("json")
}

/// A world that is standing at a time, with one small card.
fn standing() -> (World, String) {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    (world, card)
}

#[test]
fn a_residents_years_from_the_command_line() {
    let (world, card) = standing();
    let resident = json(&world, &["show"])[0]["resident"].as_str().expect("a holder").to_owned();
    // Lost for a while.
    assert_eq!(group_json(&world, "callcentre", "stop", &[&card])["suspended"].as_array().expect("a list").len(), 2);
    group(&world, "callcentre", "stop", &[&card]).failed(1, &["stopped already"]);
    group(&world, "counter", "issue", &[&card]).failed(1, &["stopped"]);
    let released = group(&world, "counter", "release", &[&card]).succeeded();
    assert!(released.out.contains("SIMULATED") && released.out.contains("解除できません"), "{}", released.out);
    group(&world, "counter", "issue", &[&card, "signature"]).failed(1, &["revoke it first"]);
    group(&world, "counter", "revoke", &[&card, "signature"]).succeeded();
    let issued = group_json(&world, "counter", "issue", &[&card, "signature"]);
    assert_eq!(issued["certificates"].as_array().expect("a list").len(), 1);
    world.run(&["check", &card]).succeeded();
    // Moved, and the register remembers.
    group(&world, "resident", "move", &[&resident, "模擬県試験市移転先町９番"]).succeeded();
    let shown = group_json(&world, "resident", "show", &[&resident]);
    assert_eq!(shown["history"].as_array().expect("a list").len(), 2);
    assert!(shown["resident"]["person"].get("my_number").is_none(), "only where it is asked for");
    let statuses: Vec<&str> = shown["certificates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["status"].as_str().expect("text"))
        .collect();
    assert_eq!(statuses, ["valid", "revoked", "revoked"], "authentication stays");
    // Years go by: too early, then in the window.
    group(&world, "counter", "renew", &[&card, "authentication"]).failed(1, &["can be renewed from"]);
    group(&world, "clock", "advance", &["4y"]).succeeded();
    let until = shown["certificates"][0]["ends"].as_str().expect("a moment")[..10].to_owned();
    group(&world, "clock", "set", &[&until]).succeeded();
    group(&world, "counter", "renew", &[&card, "authentication"]).succeeded();
    group(&world, "counter", "return", &[&card]).succeeded();
    group(&world, "counter", "return", &[&card]).failed(1, &["given back"]);
    let events = json(&world, &["ledger", "--card", &card]);
    let names: Vec<&str> =
        events.as_array().expect("a list").iter().map(|event| event["event"].as_str().expect("text")).collect();
    for name in [
        "card-issued",
        "card-stopped",
        "certificate-suspended",
        "card-released",
        "certificate-revoked",
        "card-returned",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(!world.run(&["ledger"]).succeeded().out.contains("試験"), "nobody is named in the ledger");
    group(&world, "clock", "real", &[]).succeeded();
}

/// Row 35, before a procedure.
#[test]
fn forms_have_what_the_register_knows() {
    let (world, card) = standing();
    for (procedure, title, choice) in [
        ("issue", "新規発行／更新申請書", "□ 更新"),
        ("revoke", "失効申請／秘密鍵漏えい等届出書", "□ 紛失"),
        ("reset-pin", "暗証番号変更・初期化申請書", "□ 署名用電子証明書"),
    ] {
        let form = group(&world, "counter", "form", &[&card, "--for", procedure]).succeeded().out;
        for part in [title, choice, "SIMULATED", "試験　花子", "昭和55年2月17日", "本人確認書類"] {
            assert!(form.contains(part), "{part} is missing in\n{form}");
        }
        assert!(!form.contains("{number}") && !form.contains("1234"), "{form}");
    }
    group(&world, "counter", "form", &["card-9999", "--for", "issue"]).failed(1, &["no card"]);
}

#[test]
fn bad_procedures_say_what_to_do() {
    let (world, card) = standing();
    group(&world, "counter", "release", &[&card]).failed(1, &["only a card that was stopped"]);
    group(&world, "counter", "renew", &["card-9999"]).failed(1, &["no card", "jitsuin show"]);
    group(&world, "resident", "show", &["resident-9999"]).failed(1, &["jitsuin resident list"]);
    group(&world, "resident", "change", &["resident-0001"]).failed(1, &["nothing would change"]);
    group(&world, "resident", "change", &["resident-0001", "--birth", "2026-02-30"]).failed(2, &["YYYY-MM-DD"]);
    group(&world, "clock", "set", &["tomorrow"]).failed(2, &["2030-04-01"]);
    group(&world, "clock", "advance", &["3"]).failed(2, &["1y6m"]);
    group(&world, "counter", "renew", &[&card, "--now", "2020-01-01"]).failed(1, &[]);
    world.run(&["issue", "--person", "sample-2", "--now", "2020-01-01"]).failed(1, &["jitsuin clock"]);
    jitsuin(["new", &format!("{}2", world.name()), "--database", "mysql://x"]).failed(1, &["postgres://"]);
    assert!(!Path::new(&format!("{}2", world.name())).exists(), "nothing is left");
    group(&world, "authority", "end", &["nobody"]).failed(1, &["no verifier"]);
}

/// `openssl ocsp` and `openssl verify` hear from the authorities what the counter did. (service.md rows 10, 11, 15, 33, 37)
#[test]
fn openssl_asks_the_authorities() {
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("openssl as a judge of OCSP and CRLs (Debian package openssl)");
        return;
    }
    let (world, card) = standing();
    let served =
        Serve::start_for(&["authority", "serve", world.name(), "--http", "127.0.0.1:0", "--open"], "/fingerprints");
    let url = served.said.lines().next().and_then(|line| line.rsplit(' ').next()).expect("a URL").to_owned();
    let file = |name: &str| world.file(name).display().to_string();
    let ask = |half: &str| {
        let (root, leaf) = (file(&format!("{half}-ca/root.pem")), file(&format!("cards/{card}/{half}.pem")));
        let url = format!("{url}ocsp/{half}");
        let said = run(Command::new("openssl").args([
            "ocsp",
            "-issuer",
            &root,
            "-cert",
            &leaf,
            "-url",
            &url,
            "-CAfile",
            &root,
            "-no_cert_verify",
        ]));
        let verified =
            run(Command::new("openssl")
                .args(["ocsp", "-issuer", &root, "-cert", &leaf, "-url", &url, "-CAfile", &root]));
        assert!(verified.all().contains("Response verify OK"), "{}", verified.all());
        said.all()
    };
    let crl = |half: &str| {
        let (root, leaf) = (file(&format!("{half}-ca/root.pem")), file(&format!("cards/{card}/{half}.pem")));
        let path = file(&format!("{half}.crl.pem"));
        let fetched = fetch(&format!("{url}crl/{half}.crl"));
        fs::write(file("crl.der"), fetched).expect("writes");
        let to_pem = ["crl", "-inform", "DER", "-in", &file("crl.der"), "-out", &path];
        run(Command::new("openssl").args(to_pem)).succeeded();
        run(Command::new("openssl").args(["verify", "-crl_check", "-CAfile", &root, "-CRLfile", &path, &leaf]))
    };
    for half in ["signature", "authentication"] {
        assert!(ask(half).contains(": good"), "{half}");
        crl(half).succeeded();
    }
    group(&world, "callcentre", "stop", &[&card]).succeeded();
    for half in ["signature", "authentication"] {
        let said = ask(half);
        assert!(said.contains(": revoked") && said.contains("certificateHold"), "{said}");
        assert!(crl(half).all().contains("certificate revoked"), "{half}");
    }
    group(&world, "counter", "release", &[&card]).succeeded();
    assert!(ask("authentication").contains(": good"), "released");
    crl("authentication").succeeded();
    group(&world, "counter", "revoke", &[&card, "--cause", "lost"]).succeeded();
    for half in ["signature", "authentication"] {
        assert!(ask(half).contains("keyCompromise"), "{half}");
        assert!(crl(half).all().contains("certificate revoked"), "{half}");
    }
    assert!(String::from_utf8_lossy(&fetch(&format!("{url}fingerprints"))).contains("TEST"));
}

/// Registered verifiers alone are told something, unless the authority is open.
#[test]
fn verifiers_are_registered_and_end() {
    let (world, card) = standing();
    let token =
        group(&world, "authority", "register", &["試験裁判所", "--category", "2"]).succeeded().out.trim().to_owned();
    group(&world, "authority", "register", &["試験裁判所"]).failed(1, &["registered already"]);
    assert!(group(&world, "authority", "verifiers", &[]).succeeded().out.contains("裁判所"));
    let served = Serve::start_for(&["authority", "serve", world.name(), "--http", "127.0.0.1:0"], "/fingerprints");
    let url = served.said.lines().next().and_then(|line| line.rsplit(' ').next()).expect("a URL").to_owned();
    let status = |token: Option<&str>| request(&format!("{url}crl/signature.crl"), token).0;
    assert_eq!((status(None), status(Some("wrong")), status(Some(&token))), (401, 401, 200));
    group(&world, "authority", "end", &["試験裁判所"]).succeeded();
    assert_eq!(status(Some(&token)), 401, "its registration ended");
    assert_eq!(served.interrupt().code, Some(0));
    let _ = card;
}

fn fetch(url: &str) -> Vec<u8> {
    let (status, body) = request(url, None);
    assert_eq!(status, 200, "{url}");
    body
}

/// One GET over HTTP/1.1.
fn request(url: &str, token: Option<&str>) -> (u16, Vec<u8>) {
    use std::io::{Read, Write};
    let rest = url.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = std::net::TcpStream::connect(host).expect("connects");
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n{token}Connection: close\r\n\r\n").expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("reads");
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
    (status, answer.split_off(head + 4))
}
