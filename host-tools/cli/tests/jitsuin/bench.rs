//! `jitsuin bench`: short runs, reports, exit codes. Nothing here depends on how fast anything is.

use crate::support::{Said, binary, jitsuin, run};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
};

const QUICK: [&str; 5] = ["--seconds", "0.01", "--rounds", "2", "--no-instructions"];

fn quick(arguments: &[&str]) -> Said {
    jitsuin([&["bench"], arguments, &QUICK].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("json")
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name")).collect()
}

/// A folder, and the path of a file in it.
fn folder() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().to_owned();
    (folder, move |name: &str| path.join(name).display().to_string())
}

#[test]
fn signing_is_what_is_measured_unless_told_otherwise() {
    let said = quick(&[]).succeeded();
    for part in
        ["RSA-2048", "RSA-3072", "RSA-4096", "thread CPU time, 2 rounds", "portable is", "own back ends: portable"]
    {
        assert!(said.out.contains(part), "no {part:?} in {}", said.out);
    }
    assert!(said.err.contains("RSA-4096"), "progress: {}", said.err);
    assert!(!said.out.contains("instructions"), "none were asked for");
}

#[test]
fn reports_are_json_and_svg() {
    let (_folder, file) = folder();
    let (report, picture) = (file("report.json"), file("report.svg"));
    let said = quick(&[
        "sign",
        "--bits",
        "2048",
        "--backend",
        "portable",
        "--against",
        "rsa,rsa",
        "--json",
        &report,
        "--svg",
        &picture,
    ]);
    assert!(said.succeeded().out.contains("RSA-2048"), "text beside the files");
    let report = json(&fs::read_to_string(report).expect("a report"));
    assert_eq!((&report["format"], &report["rounds"]), (&1.into(), &2.into()));
    assert!(report["cpu"]["features"].is_array() && report["mask"].is_null());
    assert_eq!(names(&report["rows"]), ["sign-2048"]);
    let figures = &report["rows"][0]["figures"];
    assert_eq!(names(figures), ["portable", "rsa"]);
    let [own, rival] = [&figures[0], &figures[1]];
    assert!(own["best_per_second"].as_f64() >= own["median_per_second"].as_f64());
    assert_eq!(own["ratios"][0]["rival"], "rsa");
    assert!(own["ratios"][0]["median"].as_f64().is_some_and(|ratio| ratio > 0.0));
    assert!(rival["ratios"].as_array().is_some_and(Vec::is_empty) && rival["instructions"].is_null());
    well_formed(&fs::read_to_string(picture).expect("a picture"));
}

/// Tags close in the order in which they open, attributes are quoted, and nothing stands outside of the root.
fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut parts = xml.split('<');
    assert_eq!(parts.next(), Some(""), "nothing before the root");
    for part in parts {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().expect("a name")),
        }
        assert!(!open.is_empty() || text.trim().is_empty(), "text outside of the root: {text}");
        let plain =
            ["&amp;", "&lt;", "&gt;", "&quot;"].iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
        assert!(!plain.contains('&'), "{text}");
    }
    assert!(open.is_empty(), "{open:?} are not closed");
}

#[test]
fn json_may_take_the_place_of_the_text() {
    let report = json(&quick(&["sign", "--bits", "2048", "--json", "-"]).succeeded().out);
    assert_eq!(names(&report["rows"]), ["sign-2048"]);
}

#[test]
fn cards_and_sockets_are_measured_beside_the_engine() {
    let report = json(&quick(&["apdu", "--json", "-"]).succeeded().out);
    assert_eq!(names(&report["rows"]), ["card-sign", "card-sign-again", "card-select", "card-read"]);
    assert_eq!(names(&report["rows"][0]["figures"]), ["card", "engine"]);
    let report = json(&quick(&["socket", "--json", "-"]).succeeded().out);
    assert_eq!(names(&report["rows"]), ["socket-sign", "socket-sign-again", "socket-select", "socket-read"]);
    let figures = names(&report["rows"][0]["figures"]);
    assert!(figures.starts_with(&["socket"]) && figures.ends_with(&["card", "engine"]), "{figures:?}");
    assert_eq!(report["rows"][0]["clock"], "wall");
}

#[test]
fn both_doors_are_measured_beside_servers_in_c() {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|said| said.status.success());
    if !there("cc") || !there("pcscd") || !Path::new("/usr/include/PCSC/winscard.h").exists() {
        vectors::skipped("rates of the doors: install Debian's packages gcc libpcsclite-dev pcscd vsmartcard-vpcd");
        return;
    }
    let report = json(&quick(&["reader", "--json", "-"]).succeeded().out);
    let rows = report["rows"].as_array().expect("rows");
    let named = |name: &str| rows.iter().find(|row| row["name"] == name).expect("the row");
    assert_eq!(names(&named("reader-socket")["figures"]), ["jitsuin", "c-server"]);
    // With a figure of the IFD handler where that was built.
    let vpcd = names(&named("reader-vpcd")["figures"]);
    assert!(vpcd.starts_with(&["jitsuin"]) && vpcd.ends_with(&["c-card", "c-delayed"]), "{vpcd:?}");
    assert!(names(&named("reader-insert")["figures"]).starts_with(&["jitsuin"]));
    for figure in rows.iter().flat_map(|row| row["figures"].as_array().expect("figures")) {
        let latency = |name: &str| figure["latency"][name].as_f64().expect("nanoseconds");
        assert!(latency("p50_ns") > 0.0 && latency("p50_ns") <= latency("p99_ns"), "{figure}");
    }
    // Three places with more than one processor, two of them with insertions; one processor is no choice.
    assert!([3, 8].contains(&rows.len()), "{}", rows.len());
    ends_with_nothing_left_behind("reader");
}

#[test]
fn a_compiler_that_is_not_there_says_how_to_get_it() {
    let mut command = binary();
    run(command.args(["bench", "reader"]).env("PATH", "/nonexistent")).failed(2, &["Debian's package gcc"]);
}

#[test]
fn keys_are_made() {
    let report = json(&quick(&["keygen", "--backend", "portable", "--against", "rsa", "--json", "-"]).succeeded().out);
    assert_eq!(names(&report["rows"]), ["keygen-2048"]);
    assert_eq!(names(&report["rows"][0]["figures"]), ["portable", "rsa"]);
}

#[test]
fn wrong_choices_are_usage() {
    for (arguments, words) in [
        (&["--against", "abacus"][..], "no rival abacus; there are: rsa, openssl"),
        (&["--backend", "abacus"], "no back end abacus; there are: portable"),
        (&["--bits", "1024"], "2048"),
        (&["keygen", "--bits", "1000"], "2048"),
        (&["apdu", "--against", "rsa"], "--against has no meaning here"),
        (&["socket", "--bits", "2048"], "--bits has no meaning here"),
        (&["reader", "--bits", "2048"], "--bits has no meaning here"),
        (&["apdu", "--backend", "portable"], "--backend has no meaning here"),
        (&["--fail-over", "5%"], "--compare"),
        (&["--fail-over", "much", "--compare", "x"], "such as 5%"),
    ] {
        quick(arguments).failed(2, &[words]);
    }
    for (option, value) in [("--seconds", "0"), ("--seconds", "nan"), ("--rounds", "0")] {
        jitsuin(["bench", option, value]).failed(2, &[option]);
    }
    let out = "/nonexistent/report.json";
    quick(&["--bits", "2048", "--json", out]).failed(1, &[out]);
}

#[cfg(not(feature = "bench-ring"))]
#[test]
fn a_rival_that_is_not_there_says_how_to_get_it() {
    let command = "cargo build --release --features bench-ring";
    quick(&["--against", "rsa,ring"]).failed(2, &["ring was not compiled in", command]);
}

/// Changes every number at the end of a line that begins with this name.
fn scaled(text: &str, name: &str, factor: f64) -> String {
    let line = |line: &str| match line.split_once(&format!("\"{name}\": ")) {
        Some((before, number)) => {
            let comma = if number.ends_with(',') { "," } else { "" };
            let number: f64 = number.trim_end_matches(',').parse().expect("a number");
            format!("{before}\"{name}\": {}{comma}", number * factor)
        }
        None => line.into(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_baseline_is_kept_and_compared() {
    let (_folder, file) = folder();
    let base = file("base.json");
    quick(&["--bits", "2048", "--save", &base]).succeeded();
    let text = fs::read_to_string(&base).expect("a baseline");
    assert!(!text.contains("per_second"), "rates are not kept");
    let compare = |text: &str, bits: &str| {
        fs::write(&base, text).expect("writes");
        quick(&["--bits", bits, "--compare", &base, "--fail-over", "50%"])
    };
    // As if everything had been ten times as fast, and ten times as slow.
    let (faster, slower) = (|name| scaled(&text, name, 10.0), |name| scaled(&text, name, 0.1));
    let better_before = scaled(&faster("median"), "best", 10.0);
    let said = compare(&better_before, "2048").failed(4, &["worse than the baseline by more than 50 %"]);
    assert!(said.out.contains("sign-2048: portable against rsa"), "{}", said.out);
    let worse_before = scaled(&slower("median"), "best", 0.1);
    assert!(compare(&worse_before, "2048").succeeded().out.contains("against the baseline"));
    // Without a limit it only tells.
    fs::write(&base, &better_before).expect("writes");
    quick(&["--bits", "2048", "--compare", &base]).succeeded();
    // Nothing in common.
    compare(&text, "3072").failed(5, &["nothing to compare"]);
    // With JSON on standard output, the comparison is told elsewhere.
    let said = quick(&["--bits", "2048", "--compare", &base, "--json", "-"]).succeeded();
    assert!(said.err.contains("portable against rsa") && json(&said.out).is_object());
}

#[test]
fn bad_baselines_are_told_before_anything_is_measured() {
    let (_folder, file) = folder();
    let base = file("base.json");
    quick(&["--compare", &base]).failed(1, &["base.json"]);
    for text in ["", "{}", "no json", "{\"format\": 2}"] {
        fs::write(&base, text).expect("writes");
        let said = quick(&["--compare", &base]).failed(1, &["not a baseline", "--save"]);
        assert!(!said.err.contains("RSA-2048"), "{}", said.err);
    }
}

#[test]
fn an_interrupt_ends_it_with_nothing_left_behind() {
    for what in ["sign", "socket"] {
        ends_with_nothing_left_behind(what);
    }
}

fn ends_with_nothing_left_behind(what: &str) {
    let (folder, file) = folder();
    let report = file("report.json");
    let mut command = binary();
    command.args(["bench", what, "--seconds", "600", "--json", &report]).env("TMPDIR", folder.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut err = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    err.read_line(&mut line).expect("progress");
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(kill.expect("a shell").success());
    let status = child.wait().expect("ends");
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("words");
    assert_eq!(status.code(), Some(130), "{line}{rest}");
    assert!(rest.contains("nothing was written"), "{rest}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "{what}");
}

#[test]
fn the_mask_is_told_in_the_report() {
    let report = json(&quick(&["--bits", "2048", "--mask-ifma", "--json", "-"]).succeeded().out);
    assert_eq!(report["mask"], ":~0x200000");
}

#[test]
fn instructions_are_counted_where_valgrind_is() {
    let have = Path::new("/usr/bin/valgrind").exists();
    if !have {
        vectors::skipped("instruction counts: install Debian's package valgrind");
        return;
    }
    let arguments =
        ["bench", "--bits", "2048", "--backend", "portable", "--against", "rsa", "--seconds", "0.01", "--json", "-"];
    let report = json(&jitsuin(arguments).succeeded().out);
    let figures = report["rows"][0]["figures"].as_array().expect("figures");
    // Whatever the optimiser did, a signature has more than a million products of limbs.
    assert!(figures.iter().all(|figure| figure["instructions"].as_u64() > Some(1_000_000)), "{figures:?}");
    assert_eq!(report["notes"], json("[]"));
    // Elsewhere it says so, and goes on.
    let said = run(binary().args(arguments).env("PATH", "/nonexistent")).succeeded();
    assert!(said.out.contains("valgrind is not here"), "{}", said.out);
    jitsuin(["bench-once", "sign-2048", "portable", "1", "/nonexistent"]).failed(1, &["/nonexistent"]);
    jitsuin(["bench-once", "card-sign", "card", "1", "/nonexistent"]).failed(1, &["/nonexistent"]);
}
