//! The tour of the README, run as it stands, in both languages.

use crate::support::run;
use std::{fs, path::Path, process::Command};

/// The fenced blocks with this mark, comments removed.
fn blocks(readme: &str, mark: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(readme);
    let text = fs::read_to_string(path).expect("the README");
    let blocks = text.split("```sh ").skip(1).filter_map(|part| part.strip_prefix(mark)?.split_once("```"));
    let code = |line: &str| line.split(" # ").next().unwrap_or_default().trim_end().to_owned();
    blocks.map(|(block, _)| block.trim().lines().map(code).collect::<Vec<_>>().join("\n")).collect()
}

fn bash(script: &str) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let programs = Path::new(env!("CARGO_BIN_EXE_jitsuin")).parent().expect("a folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder.path())
        .env("PATH", format!("{programs}:{path}"));
    command.env("HOME", folder.path()).env_remove("PCSCLITE_CSOCK_NAME").env_remove("JITSUIN_PASSPHRASE");
    run(&mut command).succeeded().out
}

#[test]
fn the_tour_runs_as_it_is_written() {
    let tour = blocks("README.md", "tour");
    assert_eq!(tour.len(), 3);
    let out = bash(&tour.join("\n"));
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("no {text:?} in {out}"));
    // In the order in which the page promises them.
    assert!(at("card-0001  製造番号") < at("checks passed"));
    // Status words stand at the beginning of a line; anywhere else they may be bytes of a signature.
    let word = |word: &str| at(&format!("\n{word} "));
    assert!(word("63C3") < at("COMPUTE DIGITAL SIGNATURE user authentication private key, scheme 03"));
    assert!(word("63C2") < word("63C1") && word("63C1") < word("63C0") && word("63C0") < word("6984"));
    assert!(word("6984") < out.rfind("checks passed").expect("a second check"));
}

#[test]
fn the_whole_card_runs_as_it_is_written() {
    let first = blocks("README.md", "tour").swap_remove(0);
    let whole = blocks("README.md", "whole");
    assert_eq!(whole.len(), 2);
    let out = bash(&format!("{first}\n{}\nls files card.html conformance.html conformance.xml", whole.join("\n")));
    for part in ["believed", "READ RECORD", "cases passed, 0 failed, 0 differ", "conformance.xml", ".jp2"] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
}

#[test]
fn the_service_runs_as_it_is_written() {
    let out = bash(&blocks("README.md", "service").join("\n"));
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("no {text:?} in {out}"));
    assert!(at("一時停止 (stopped)") < at("解除できません") && at("解除できません") < at("checks passed"));
    assert!(at("令和18年2月17日") < at("certificate-suspended"), "to the sixth birthday: 2036-02-17");
}

#[test]
fn applications_run_as_they_are_written() {
    if Command::new("openssl").arg("version").output().is_err() {
        vectors::skipped("the README's block of applications: install Debian's package openssl");
        return;
    }
    let (tour, [apply]) = (blocks("README.md", "tour").swap_remove(0), &blocks("README.md", "apply")[..]) else {
        panic!("one block")
    };
    // A busy machine takes longer than two seconds.
    let open = |port| format!("until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done");
    let ready = [38080, 38081, 38082].map(open).join("\n");
    let out = bash(&format!("{tour}\n{}\ncmp form.json read.json", apply.replace("sleep 2", &ready)));
    for part in ["登録しました", "受付番号 1", "受理 (accepted)"] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
}

#[test]
fn opensc_runs_as_it_is_written() {
    let there = |program: &str| Command::new("which").arg(program).output().is_ok_and(|found| found.status.success());
    if !["opensc-tool", "pkcs15-tool", "pkcs11-tool", "openssl"].into_iter().all(there) {
        vectors::skipped("the README's OpenSC block: install Debian's packages opensc opensc-pkcs11 openssl");
        return;
    }
    let script = [blocks("README.md", "tour"), blocks("README.md", "opensc")].concat().join("\n");
    let out = bash(&script);
    assert!(out.contains("\njpki\n") && out.contains("Verified OK") && out.contains("authentication.pem: OK"), "{out}");
}

#[test]
fn readers_run_as_they_are_written() {
    let (tour, [readers]) = (blocks("README.md", "tour").swap_remove(0), &blocks("README.md", "readers")[..]) else {
        panic!("one block")
    };
    let out = bash(&format!("{tour}\n{readers}"));
    for part in [
        "Second: card-0002",
        "user authentication PIN: 3 tries left",
        "checks passed",
        "# client jitsuin",
        "status words:",
    ] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
}

/// Shortly: that the commands are what they say, not how fast anything is.
#[test]
fn the_benchmark_runs_as_it_is_written() {
    let [block] = &blocks("README.md", "bench")[..] else { panic!("one block") };
    let quick = "jitsuin bench --seconds 0.01 --rounds 1 --no-instructions ";
    let out = bash(&block.replace("jitsuin bench", quick));
    for part in ["RSA-4096", "against the baseline", "VERIFY and COMPUTE DIGITAL SIGNATURE (", "through the socket ("] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
}

#[test]
fn both_languages_show_the_same_commands() {
    for mark in ["tour", "whole", "service", "apply", "opensc", "readers", "bench"] {
        assert_eq!(blocks("README.md", mark), blocks("README.ja.md", mark));
    }
}
