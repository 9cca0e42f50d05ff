//! The kiosk: copies of the resident record, and PINs reset by reservation. (service.md §7, §15, rows 22 and 26)

use crate::support::{AUTH_PIN, SIGN_PIN, Said, Serve, World, jitsuin, mode, run};
use serde_json::Value;
use std::{path::Path, process::Command};
use vectors::skipped;

const NAME: &str = "試験　花子";

/// `jitsuin kiosk COMMAND WORLD CARD …`
fn kiosk(world: &World, command: &str, card: &str, options: &[&str]) -> Said {
    jitsuin([&["kiosk", command, world.name(), card], options].concat())
}

fn print(world: &World, card: &str, options: &[&str]) -> (String, Said) {
    let out = world.file("copy.pdf").display().to_string();
    let said = kiosk(world, "issue", card, &[&["--pin", AUTH_PIN, "--force", "--out", &out], options].concat());
    (out, said)
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// What a reader of PDF takes out of it.
fn text(path: &str) -> Option<String> {
    if !has("pdftotext") || !has("qpdf") {
        skipped("a judge of PDF (Debian packages qpdf poppler-utils poppler-data)");
        return None;
    }
    let checked = run(Command::new("qpdf").args(["--check", path])).succeeded().out;
    assert!(checked.contains("No syntax or stream encoding errors"), "{checked}");
    Some(run(Command::new("pdftotext").args(["-layout", path, "-"])).succeeded().out)
}

#[test]
fn a_copy_of_the_resident_record_is_printed_for_whoever_lives_here() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let number = world.record(&card)["person"]["my_number"].as_str().expect("a My Number").to_owned();
    let (out, said) = print(&world, &card, &[]);
    let said = said.succeeded();
    assert!(said.out.contains("領収証書") && said.out.contains("200 円"), "{}", said.out);
    assert_eq!(mode(Path::new(&out)), 0o600);
    if let Some(text) = text(&out) {
        // The space of a name is one of many to a reader of PDF.
        for part in ["試験", "花子", "昭和55年2月17日", "模擬県", "住民票の写し", "SIMULATED"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains(&number), "only where it is asked for");
    }
    print(&world, &card, &["--my-number"]).1.succeeded();
    if let Some(text) = text(&out) {
        assert!(text.contains(&number), "{text}");
    }
    let ledger = world.run(&["ledger"]).succeeded().out;
    assert!(ledger.contains("kiosk") && ledger.contains("residence-copy-issued") && !ledger.contains(NAME), "{ledger}");
    let own = ["--pin", AUTH_PIN, "--out", &out];
    kiosk(&world, "issue", &card, &own).failed(1, &["exists already"]);
    kiosk(&world, "issue", &card, &["--pin", "0000", "--out", &out, "--force"]).failed(1, &["2 tries left"]);
    print(&world, &card, &[]).1.succeeded();
}

#[test]
fn whose_certificate_is_not_good_gets_nothing() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let serve = ["authority", "serve", world.name(), "--http", "127.0.0.1:0", "--open"];
    let authority = Serve::start_for(&serve, "/fingerprints");
    let ocsp = authority.said.lines().find_map(|line| line.trim().strip_suffix("ocsp/authentication"));
    let ocsp = format!("{}ocsp/authentication", ocsp.expect("an address"));
    let asked: [&[&str]; 2] = [&[], &["--ocsp", &ocsp]];
    let refused = |finding: &str| {
        for options in asked {
            let said = print(&world, &card, options).1.failed(1, &["does not take this certificate"]);
            assert!(said.out.contains(finding), "{finding}: {}", said.out);
        }
    };
    for options in asked {
        print(&world, &card, options).1.succeeded();
    }
    jitsuin(["callcentre", "stop", world.name(), &card]).succeeded();
    refused("一時保留");
    jitsuin(["counter", "release", world.name(), &card]).succeeded();
    for options in asked {
        print(&world, &card, options).1.succeeded();
    }
    print(&world, &card, &["--now", "2040-01-01"]).1.failed(1, &["does not take"]);
    // Who moved abroad keeps the certificate, and is no resident.
    jitsuin(["resident", "move-abroad", world.name(), "resident-0001"]).succeeded();
    print(&world, &card, &[]).1.failed(1, &["resident-0001"]);
    jitsuin(["counter", "revoke", world.name(), &card, "authentication"]).succeeded();
    refused("失効");
    assert!(!world.run(&["ledger"]).succeeded().out.contains(AUTH_PIN));
}

/// §15: with the other PIN and a comparison of the face, within 24 hours, once.
#[test]
fn a_pin_is_reset_by_reservation() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let reserve = |options: &[&str]| kiosk(&world, "reserve", &card, options);
    let reset = |pin, new| kiosk(&world, "reset", &card, &["--pin", pin, "--new", new]);
    let left = || -> [Option<u64>; 2] {
        let status = jitsuin(["client", "status", world.name(), &card, "--json"]).succeeded().out;
        let status: Value = serde_json::from_str(&status).expect("json");
        [0, 1].map(|index| status["passwords"][index]["left"].as_u64())
    };
    for _ in 0..3 {
        kiosk(&world, "issue", &card, &["--pin", "0000", "--out", "/nowhere/x"]).failed(1, &["利用者証明用"]);
    }
    assert_eq!(left(), [Some(0), Some(5)], "locked");
    reset("auth", "8264").failed(1, &["nothing is reserved", "jitsuin kiosk reserve"]);
    let good = ["--reset", "auth", "--pin", SIGN_PIN, "--face-compared"];
    reserve(&good[..4]).failed(1, &["the face was not compared"]);
    reserve(&["--reset", "auth", "--pin", "WRONG1", "--face-compared"]).failed(1, &["4 tries left"]);
    reserve(&["--reset", "sign", "--pin", AUTH_PIN, "--face-compared"]).failed(1, &["locked"]);
    let told: Value = serde_json::from_str(&reserve(&[&good[..], &["--json"]].concat()).succeeded().out).expect("json");
    assert_eq!((&told["card"], &told["reset"]), (&card.as_str().into(), &"authentication".into()));
    reset("sign", "QX58ZT").failed(1, &["nothing is reserved"]);
    reset("auth", "12345").failed(2, &["four digits"]);
    let said = reset("auth", "8264").succeeded();
    assert!(said.out.contains("初期化") && !said.all().contains("8264"), "{said:?}");
    assert_eq!(left(), [Some(3), Some(5)]);
    let out = world.file("again.pdf").display().to_string();
    kiosk(&world, "issue", &card, &["--pin", "8264", "--out", &out]).succeeded();
    reset("auth", AUTH_PIN).failed(1, &["nothing is reserved"]);
    // The other way round, a day and a minute later: too late; then in time.
    let other = ["--reset", "sign", "--pin", "8264", "--face-compared"];
    reserve(&other).succeeded();
    jitsuin(["clock", "advance", world.name(), "2d"]).succeeded();
    reset("sign", "QX58ZT").failed(1, &["24 hours"]);
    reserve(&other).succeeded();
    jitsuin(["callcentre", "stop", world.name(), &card]).succeeded();
    reset("sign", "QX58ZT").failed(1, &["not stopped"]);
    reserve(&other).failed(1, &["cannot be used now"]);
    jitsuin(["counter", "release", world.name(), &card]).succeeded();
    reset("sign", "QX58ZT").succeeded();
    jitsuin(["client", "show", world.name(), &card, "--sign-pin", "QX58ZT"]).succeeded();
    let ledger = world.run(&["ledger"]).succeeded().out;
    assert!(ledger.contains("pin-reset-reserved") && !ledger.contains("QX58ZT"), "{ledger}");
}
