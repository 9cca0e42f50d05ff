//! `jitsuin conform` as a card's maker meets it.

use crate::support::{Killed, Said, World, binary, jitsuin, jitsuin_with_input};
use serde_json::Value;
use std::{fs, net::TcpListener, process::Stdio};

fn json(path: &std::path::Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("JSON")
}

fn count(report: &Value, what: &str) -> u64 {
    report["counts"][what].as_u64().expect("a number")
}

#[test]
fn a_worlds_card_conforms_and_every_report_is_written() {
    let world = World::new();
    let card = world.issue(&["--sign-pin", "QZ48XWV"]);
    let image = fs::read(world.image(&card)).expect("an image");
    let [a, b, c] = ["report.json", "report.xml", "report.html"].map(|name| world.file(name));
    let options = ["--json", a.to_str().expect("a path"), "--junit", b.to_str().expect("a path")];
    let page = ["--html", c.to_str().expect("a path"), "--sign-pin", "QZ48XWV", "--strict"];
    let said = world.run(&[&["conform", &card], &options[..], &page].concat()).succeeded();
    let report = json(&a);
    assert!(count(&report, "passed") > 340 && count(&report, "failed") == 0 && count(&report, "not-run") == 0);
    assert!(said.out.contains(&format!("{} of", count(&report, "passed"))));
    assert!(fs::read_to_string(&b).expect("XML").starts_with("<?xml"));
    assert!(fs::read_to_string(&c).expect("HTML").contains("</html>"));
    for text in [fs::read_to_string(&a), fs::read_to_string(&b), fs::read_to_string(&c)] {
        assert!(!text.expect("a report").contains("QZ48XWV"));
    }
    assert_eq!(fs::read(world.image(&card)).expect("an image"), image, "each case has a copy");
}

#[test]
fn what_differs_fails_only_where_it_is_asked_for() {
    let world = World::new();
    let card = world.issue(&["--profile", "clears-on-select"]);
    let said = world.run(&["conform", &card, "--case", "STA,PIN-001"]).succeeded();
    assert!(said.out.contains("differs  STA-006"), "{}", said.out);
    world.run(&["conform", &card, "--case", "STA", "--strict"]).failed(1, &["1 differ"]);
    let card = world.issue(&["--profile", "blocked-6983"]);
    let said = world.run(&["conform", &card, "--case", "PIN-011"]).failed(1, &["1 cases failed"]);
    assert!(said.out.contains("6983") && said.out.contains("card.md §7.2"), "{}", said.out);
}

/// Cases that a card of each kind does not pass, of those that apply to it. The four habits in which the field disagrees are
/// seen by the cases that state what was measured; every other kind passes whole.
const NOT_PASSED: [(&str, &[&str]); 4] = [
    ("clears-on-reset", &["LNK-008"]),
    ("clears-on-select", &["STA-006"]),
    (
        "blocked-6983",
        &["PIN-011", "PIN-012", "PIN-014", "CHG-009", "TXT-022", "TXT-024", "FAC-019", "SMG-014", "SMG-028"],
    ),
    ("password-per-signature", &["STA-007"]),
];

#[test]
fn every_kind_of_card_passes_what_applies_to_it() {
    let world = World::new();
    let profiles: Value = serde_json::from_str(&jitsuin(["profiles", "--json"]).succeeded().out).expect("JSON");
    let path = world.file("report.json");
    let names = profiles.as_array().expect("a list").iter().filter_map(|profile| profile["name"].as_str());
    // The first kind once more for a holder whose texts take longer forms.
    let kinds = names.map(|name| (name, "sample-1")).chain([("card", "sample-2")]);
    for (name, person) in kinds {
        let card = world.issue(&["--profile", name, "--person", person]);
        let said = world.run(&["conform", &card, "--quick", "--json", path.to_str().expect("a path")]);
        let report = json(&path);
        let wrong = |outcome: &&Value| matches!(outcome["verdict"].as_str(), Some("failed" | "differs"));
        let outcomes = report["outcomes"].as_array().expect("outcomes");
        let mut seen: Vec<&str> = outcomes.iter().filter(wrong).filter_map(|outcome| outcome["id"].as_str()).collect();
        let mut expected = NOT_PASSED.iter().find(|(kind, _)| *kind == name).map_or(&[][..], |(_, ids)| ids).to_vec();
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected, "{name}: {}", said.out);
        assert!(count(&report, "passed") >= 100, "{name}");
    }
}

#[test]
fn in_place_only_what_is_allowed_is_done() {
    let world = World::new();
    let card = world.issue(&[]);
    let run = |options: &[&str]| world.run(&[&["conform", &card, "--in-place", "--quick"], options].concat());
    let said = run(&[]).succeeded();
    assert!(said.out.contains("not run: --allow spends-tries lets it be run"), "{}", said.out);
    run(&["--allow", "spends-tries,changes-card", "--json", "-"]).succeeded();
    // Nothing is spent, changed or locked afterwards.
    world.run(&["check", &card]).succeeded();
    let said = run(&["--case", "PIN-011", "--allow", "all"]).succeeded();
    assert!(said.out.contains("1 of 1 cases passed"), "{}", said.out);
    let said = world.run(&["apdu", &card, "00A4040C0AD392F000260100000001", "00200098"]).succeeded();
    assert!(said.out.contains("63C0"), "locked, as it was allowed");
}

#[test]
fn a_list_and_cases_of_ones_own() {
    let said = jitsuin(["conform", "--list"]).succeeded();
    assert!(said.out.contains("  SEL-003  A    共通カードAP") && said.out.contains("(locks)"));
    let listed: Value =
        serde_json::from_str(&jitsuin(["conform", "--list", "--json", "-"]).succeeded().out).expect("JSON");
    assert!(listed.as_array().is_some_and(|cases| cases.len() > 350));

    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    let folder = world.file("cases");
    fs::create_dir(&folder).expect("a folder");
    let own = "chapter = \"Own\"\n[[case]]\nid = \"OWN-001\"\ntitle = \"t\"\nsection = \"1\"\nconfidence = \"B\"\n\
               needs = [\"x-mine\"]\nsteps = '''\n> 00840000 08 < ?8 9000\n'''\n";
    fs::write(folder.join("own.toml"), own).expect("writes");
    let folder = folder.to_str().expect("a path");
    let run =
        |options: &[&str]| world.run(&[&["conform", &card, "--cases", folder, "--case", "OWN"], options].concat());
    run(&["--trait", "x-mine"]).succeeded();
    run(&[]).failed(1, &["no case applied"]);
    fs::write(world.file("cases/own.toml"), own.replace("?8", "?x")).expect("writes");
    run(&[]).failed(2, &["own.toml:9: OWN-001", "a number"]);
}

#[test]
fn wrong_usage_says_what_to_do() {
    jitsuin(["conform"]).failed(2, &["--subject FILE", "--trait"]);
    jitsuin(["conform", "--trait", "jpki"]).failed(2, &["WORLD CARD", "--pcsc", "--vpcd"]);
    jitsuin(["conform", "--trait", "nonsense"]).failed(2, &["no trait \"nonsense\"", "jpki"]);
    jitsuin(["conform", "--list", "--case", "XXX-001"]).failed(2, &["XXX-001", "--list"]);
    jitsuin(["conform", "--cases", "/nonexistent"]).failed(2, &["/nonexistent"]);
    jitsuin(["conform", "--trait", "jpki", "--vpcd", "192.0.2.1:1"]).failed(2, &["loopback"]);
    jitsuin(["conform", "--trait", "jpki", "--pcsc", "/nonexistent"]).failed(1, &["reader"]);
    let said = jitsuin_with_input(&["conform", "--trait", "jpki", "--secrets", "-"], b"authentication=73");
    said.failed(2, &["4 to 16"]);
}

#[test]
fn a_card_program_that_speaks_vpcd_comes_to_it() {
    let world = World::new();
    let card = world.issue(&["--profile", "jpki-only"]);
    // A free port, as good as one can be found.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").to_string();
    let arguments =
        ["conform", "--vpcd", &address, "--trait", "jpki,physical,isd,second-cvc,contact,authentication,pins"];
    let mut command = binary();
    command.args(arguments).args(["--quick", "--secrets", "-", "--json", "-"]);
    let mut conform =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    std::io::Write::write_all(&mut conform.stdin.take().expect("piped"), b"authentication=1234\n").expect("writes");
    let mut serve = binary();
    serve.args(["serve", world.name(), &card, "--vpcd", &address]).stdout(Stdio::null()).stderr(Stdio::null());
    let _serve = Killed(serve.spawn().expect("starts"));
    let said = Said::from(conform.wait_with_output().expect("ends")).succeeded();
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert!(count(&report, "passed") > 90, "{}", report["counts"]);
    assert!(said.err.contains("waiting"));
}

#[test]
fn no_card_program_comes() {
    let arguments = ["conform", "--vpcd", "127.0.0.1:0", "--wait", "0", "--trait", "jpki"];
    jitsuin(arguments).failed(1, &["no card program came"]);
}
