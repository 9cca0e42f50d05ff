//! The user client software: what it shows is what openssl reads in what it exports.

use crate::support::{AUTH_PIN, SIGN_PIN, Said, Serve, World, jitsuin, jitsuin_with_input, mode, run};
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use vectors::skipped;

/// `jitsuin client COMMAND WORLD CARD …`
fn client(world: &World, command: &str, card: &str, arguments: &[&str]) -> Said {
    jitsuin([&["client", command, world.name(), card], arguments].concat())
}

fn client_json(world: &World, command: &str, card: &str, arguments: &[&str]) -> Value {
    let said = client(world, command, card, &[arguments, &["--json"]].concat()).succeeded();
    serde_json::from_str(&said.out).expect("json")
}

/// What openssl says of a certificate in DER, a line each.
fn openssl(der: &Path) -> Option<Vec<String>> {
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("openssl is not installed (Debian package openssl)");
        return None;
    }
    let questions = ["-serial", "-fingerprint", "-sha256", "-dates", "-dateopt", "iso_8601"];
    let said = run(Command::new("openssl").args(["x509", "-inform", "DER", "-noout", "-in"]).arg(der).args(questions));
    Some(said.succeeded().out.lines().map(str::to_owned).collect())
}

const PLACES: [&str; 4] = ["own-authentication", "own-signature", "ca-authentication", "ca-signature"];

#[test]
fn certificates_are_shown_as_openssl_reads_them() {
    let world = World::new();
    let card = world.issue(&[]);
    // Lower case: the client folds it.
    let shown = client_json(&world, "show", &card, &["--sign-pin", "abc123"]);
    let shown = shown["certificates"].as_array().expect("a list");
    assert_eq!(shown.iter().map(|one| one["certificate"].as_str().expect("text")).collect::<Vec<_>>(), PLACES);
    for one in shown {
        let place = one["certificate"].as_str().expect("text");
        let file = world.file(&format!("{place}.cer"));
        let out = file.to_str().expect("a plain path");
        let export = ["--certificate", place, "--out", out, "--sign-pin", SIGN_PIN];
        client(&world, "export", &card, &export).succeeded();
        assert_eq!(mode(&file), 0o600);
        client(&world, "export", &card, &export).failed(1, &["exists already"]);
        client(&world, "export", &card, &[&export[..], &["--force"]].concat()).succeeded();
        let Some(lines) = openssl(&file) else { continue };
        let date = |key: &str| one[key].as_str().expect("a moment").replace('T', " ");
        let plain = |line: &str| line.replace(':', "");
        assert_eq!(lines[0], format!("serial={}", one["serial"].as_str().expect("text")), "{place}");
        assert!(plain(&lines[1]).ends_with(one["sha256"].as_str().expect("text")), "{place}: {lines:?}");
        assert_eq!(lines[2], format!("notBefore={}", date("not_before")), "{place}");
        assert_eq!(lines[3], format!("notAfter={}", date("not_after")), "{place}");
    }
    let (own, ca) = (&shown[1], &shown[3]);
    assert_eq!(own["subject_japanese"], "試験　花子");
    assert_eq!(own["birth"], "昭和55年2月17日");
    assert_eq!(own["issuer"], ca["subject"]);
    assert!(ca["subject_japanese"].as_str().expect("text").contains("署名用"));
    let text = client(&world, "show", &card, &["--lang", "en"]).succeeded().out;
    assert!(text.contains("signature certificate: closed") && !text.contains("主体者"), "{text}");
    client(&world, "export", &card, &["--certificate", "own-signature", "--out", "x"]).failed(2, &["--sign-pin"]);
    client(&world, "show", &card, &["--sign-pin", "WRONG1"]).failed(1, &["signature password", "4 tries left"]);
    jitsuin(["client", "show"]).failed(2, &["--pcsc"]);
}

#[test]
fn the_end_is_announced_three_months_before() {
    let folder = tempfile::tempdir().expect("folder");
    let world = folder.path().join("world");
    let world = world.to_str().expect("a plain path");
    jitsuin(["new", world, "--now", "2025-10-27"]).succeeded();
    let issued = jitsuin(["issue", world, "--profile", "jpki-only", "--now", "2025-10-27"]).succeeded().out;
    let card = issued.lines().last().expect("an id");
    for (day, notice) in [("2029-11-17", ""), ("2029-11-18", "更新できます"), ("2030-02-18", "満了しました")]
    {
        let said = jitsuin(["client", "show", world, card, "--now", day]).succeeded();
        assert!(said.out.contains("令和12年2月17日"), "pki.md §8.2, example 1: {}", said.out);
        assert_eq!((said.err.is_empty(), said.err.contains(notice)), (notice.is_empty(), true), "{day}: {}", said.err);
    }
}

fn tries(world: &World, card: &str) -> Vec<Option<u64>> {
    let status = client_json(world, "status", card, &[]);
    status["passwords"].as_array().expect("a list").iter().map(|one| one["left"].as_u64()).collect()
}

#[test]
fn pins_change_at_home_and_tries_are_told_for_nothing() {
    let world = World::new();
    let card = world.issue(&[]);
    let full = [3, 5, 3, 3, 3].map(Some);
    assert_eq!(tries(&world, &card), full);
    let change = |pin, old, new| client(&world, "change-pin", &card, &["--pin", pin, "--old", old, "--new", new]);
    change("residents", "9999", "8264").failed(1, &["wrong value, 2 tries left"]);
    assert_eq!(tries(&world, &card), [3, 5, 2, 3, 3].map(Some));
    // Both objects, with the right value.
    let said = change("residents", AUTH_PIN, "0217").succeeded();
    assert!(said.err.contains("date of birth") && !said.all().contains("0217"), "{said:?}");
    assert_eq!(tries(&world, &card), full);
    change("residents", "0217", "8264").succeeded();
    change("sign", "abc123", "qx58zt").succeeded();
    client(&world, "show", &card, &["--sign-pin", "QX58ZT"]).succeeded();
    change("sign", "QX58ZT", "short").failed(2, &["6 to 16"]);
    change("auth", AUTH_PIN, "12345").failed(2, &["four digits"]);
    assert_eq!(tries(&world, &card), full, "nothing was asked of the card");
    let from_input = ["client", "change-pin", world.name(), &card, "--pin", "form"];
    let said = jitsuin_with_input(&from_input, b"1234\n9876\n").succeeded();
    assert!(said.err.contains("follow one another") && !said.all().contains("9876"), "{said:?}");
    jitsuin_with_input(&from_input, b"").failed(2, &["no value"]);
    // Three wrong ones lock it, and a query still costs nothing.
    for _ in 0..3 {
        change("auth", "0000", "8264").failed(1, &["user authentication PIN"]);
    }
    change("auth", AUTH_PIN, "8264").failed(1, &["locked", "counter"]);
    assert_eq!(tries(&world, &card)[0], Some(0));
    let said = client(&world, "status", &card, &[]).succeeded();
    assert!(said.out.contains("locked"), "{}", said.out);
}

#[test]
fn a_card_behind_anybodys_socket() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let here = client(&world, "show", &card, &["--json"]).succeeded().out;
    let socket = world.file("pcscd.comm");
    let socket = socket.to_str().expect("a plain path");
    let readers = || jitsuin(["client", "readers", "--pcsc", socket]);
    readers().failed(1, &["is pcscd"]);
    let served = world.serve(&card, &["--pcsc", socket]);
    let seen = jitsuin(["client", "readers", "--pcsc", socket, "--json"]).succeeded().out;
    let seen: Value = serde_json::from_str(&seen).expect("json");
    assert_eq!((seen[0]["jpki"].as_bool(), seen[0]["atr"].as_str().map(|atr| &atr[..2])), (Some(true), Some("3B")));
    assert!(readers().succeeded().out.contains("公的個人認証AP"));
    let there = jitsuin(["client", "show", "--pcsc", socket, "--json"]).succeeded().out;
    assert_eq!(here, there);
    let status = jitsuin(["client", "status", "--pcsc", socket, "--json"]).succeeded().out;
    let status: Value = serde_json::from_str(&status).expect("json");
    assert_eq!(status["passwords"][1]["left"], 5);
    assert_eq!(status["passwords"][2]["left"], Value::Null, "it has no such application");
    jitsuin(["client", "show", "--pcsc", socket, "--reader", "no such reader"]).failed(1, &["no such reader"]);
    served.interrupt();
}

/// Rows 13, 15 and 16, against the authorities over HTTP.
#[test]
fn authorities_are_asked_and_told() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let serve = ["authority", "serve", world.name(), "--http", "127.0.0.1:0"];
    let served = Serve::start_for(&serve, "/fingerprints");
    let base = served.said.lines().find_map(|line| line.split("answer at ").nth(1)).expect("an address").trim();
    let at = |path: &str| format!("{base}{path}");
    let registered = jitsuin(["authority", "register", world.name(), "a verifier"]).succeeded().out;
    let token = registered.trim();
    let list = at("fingerprints.json");
    let compared = client_json(&world, "fingerprint", &card, &["--list", &list]);
    for one in compared["certificates"].as_array().expect("a list") {
        assert_eq!((&one["origin"], &one["published"]), (&"simulated".into(), &true.into()));
    }
    let other = world.file("list.json");
    let forged = format!(r#"{{"authorities":[{{"hierarchy":"signature","sha256":"{}"}}]}}"#, "00".repeat(32));
    fs::write(&other, forged).expect("writes");
    client(&world, "fingerprint", &card, &["--list", other.to_str().expect("plain")]).failed(1, &["do not trust"]);
    client(&world, "fingerprint", &card, &["--list", "https://localhost/"]).failed(2, &["only http://"]);
    client(&world, "fingerprint", &card, &["--list", &at("nothing")]).failed(1, &["404"]);

    let (ocsp, crl) = (at("ocsp/authentication"), at("crl/authentication.crl"));
    let by_ocsp = ["--ocsp", ocsp.as_str(), "--token", token];
    let by_crl = ["--crl", crl.as_str(), "--token", token];
    for by in [by_ocsp, by_crl] {
        assert_eq!(client_json(&world, "validity", &card, &by)["result"]["verdict"], "good");
    }
    client(&world, "validity", &card, &["--ocsp", &ocsp]).failed(1, &["accredited"]);
    client(&world, "validity", &card, &["--crl", &crl]).failed(1, &["--token"]);
    client(&world, "validity", &card, &[&by_ocsp[..], &["--now", "2035-01-01"]].concat()).failed(1, &["is expired"]);

    let revoke = ["--certificate", "own-authentication", "--pin"];
    client(&world, "revoke", &card, &[&revoke[..], &["0000"]].concat()).failed(1, &["2 tries left"]);
    jitsuin(["callcentre", "stop", world.name(), &card]).succeeded();
    client(&world, "validity", &card, &by_ocsp).failed(1, &["is held"]);
    client(&world, "revoke", &card, &[&revoke[..], &[AUTH_PIN]].concat()).failed(1, &["at the counter"]);
    jitsuin(["counter", "release", world.name(), &card]).succeeded();
    let said = client(&world, "revoke", &card, &[&revoke[..], &[AUTH_PIN]].concat()).succeeded();
    assert!(said.out.contains("SIMULATED") && said.out.contains("失効"), "{}", said.out);
    for by in [by_ocsp, by_crl] {
        let said = client(&world, "validity", &card, &[&by[..], &["--json"]].concat()).failed(1, &["is revoked"]);
        let told: Value = serde_json::from_str(&said.out).expect("json");
        assert_eq!(told["result"]["reason"], "cessationOfOperation", "pki.md §9.2");
    }
    client(&world, "revoke", &card, &[&revoke[..], &[AUTH_PIN]].concat()).failed(1, &["revoked already"]);
}

/// Row 30 at home: looser rules for the password, and the prefecture's certificate in place of both others.
#[test]
fn a_juki_card_at_home() {
    let world = World::new();
    let card = world.issue(&["--profile", "juki-card", "--sign-pin", SIGN_PIN]);
    assert_eq!(tries(&world, &card)[..2], [None, Some(5)], "it has no user authentication PIN");
    let change = |new| client(&world, "change-pin", &card, &["--pin", "sign", "--old", SIGN_PIN, "--new", new]);
    change("123").failed(2, &["4 to 16"]);
    change("8264").succeeded();
    let shown = client_json(&world, "show", &card, &["--sign-pin", "8264"]);
    let own = &shown["certificates"].as_array().expect("a list")[0];
    assert_eq!(own["certificate"], "own-signature");
    let revoke = |certificate| client(&world, "revoke", &card, &["--certificate", certificate, "--pin", "8264"]);
    revoke("own-authentication").failed(1, &["user authentication PIN"]);
    let said = revoke("own-signature").succeeded();
    assert!(said.out.contains(own["serial"].as_str().expect("text")), "{}", said.out);
    let ledger = world.run(&["ledger", "--card", &card, "--json"]).succeeded().out;
    let ledger: Value = serde_json::from_str(&ledger).expect("json");
    let of = |event: &str| {
        let found = ledger.as_array().expect("a list").iter().find(|one| one["event"] == event).expect("an event");
        (found["actor"].clone(), found["authority"].clone())
    };
    assert_eq!(of("certificate-revoked"), ("holder".into(), "prefecture".into()));
}

/// Row 13 over HTTP: from home to the authority, once, and nobody else's word counts.
#[test]
fn a_certificate_is_revoked_over_http() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let serve = ["authority", "serve", world.name(), "--http", "127.0.0.1:0", "--log"];
    let served = Serve::start_for(&serve, "/fingerprints");
    let base = served.said.lines().find_map(|line| line.split("answer at ").nth(1)).expect("an address").trim();
    let base = base.trim_end_matches('/').to_owned();
    let own = ["--certificate", "own-authentication", "--pin", AUTH_PIN];
    let revoke = |options: &[&str]| client(&world, "revoke", &card, &[&own[..], options].concat());
    let post = |body: &[u8]| {
        let answer = service::http::post(&format!("{base}/revocations"), None, "application/json", body, 4096);
        let answer = answer.expect("answers");
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status, said["error"].as_str().unwrap_or_default().to_owned())
    };
    for body in [&b""[..], b"{}", b"null", br#"{"request":"{}","signature":"00"}"#, &[b'['; 3000]] {
        assert_eq!(post(body), (400, "not-a-request".into()), "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(post(&[b' '; 5000]).0, 413);
    // Well-formed, of a certificate that nobody has, and with a signature of nobody: told alike.
    let serial =
        client_json(&world, "show", &card, &[])["certificates"][0]["serial"].as_str().expect("text").to_owned();
    let now = time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339).expect("text");
    for serial in [serial.as_str(), "7FFFFF"] {
        let request = format!(
            r#"{{"purpose":"jitsuin certificate revocation request 1","authority":"authentication","serial":"{serial}","at":"{now}","nonce":"{}"}}"#,
            "00".repeat(16)
        );
        let envelope = serde_json::json!({ "request": request, "signature": "00".repeat(256) });
        assert_eq!(post(envelope.to_string().as_bytes()), (403, "not-believed".into()));
    }
    revoke(&["--to", "https://localhost"]).failed(2, &["only http://"]);
    revoke(&["--to", &format!("{base}/nothing")]).failed(1, &["404"]);
    jitsuin(["callcentre", "stop", world.name(), &card]).succeeded();
    revoke(&["--to", &base]).failed(1, &["窓口", "the counter helps"]);
    jitsuin(["counter", "release", world.name(), &card]).succeeded();
    let socket = world.file("pcsc").display().to_string();
    let reader = world.serve(&card, &["--pcsc", &socket]);
    let at_home = |options: &[&str]| jitsuin([&["client", "revoke", "--pcsc", &socket], &own[..], options].concat());
    at_home(&[]).failed(2, &["--to"]);
    let said = at_home(&["--to", &base]).succeeded();
    assert!(said.out.contains(&serial) && said.out.contains("失効しました"), "{}", said.out);
    at_home(&["--to", &base]).failed(1, &["the counter helps"]);
    reader.interrupt();
    let log = served.interrupt().succeeded().err;
    // A serial may be so short that the digits of a time have it.
    let told: String = log.lines().filter_map(|line| line.split_once("INFO ")).map(|(_, told)| told).collect();
    assert!(told.contains("outcome=\"not-believed\"") && !told.contains(&serial) && !told.contains(AUTH_PIN), "{log}");
}
