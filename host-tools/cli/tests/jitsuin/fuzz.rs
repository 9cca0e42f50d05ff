//! `jitsuin fuzz`, with programs that speak as libFuzzer does; the real ones are built and run by `fuzz/run`.

use crate::support::{binary, jitsuin, run};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A fuzz folder whose targets are scripts: one that finds nothing and one that breaks.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["targets", "programs"] {
        fs::create_dir(at(name)).expect("a folder");
    }
    let script = |path: &Path, text: &str| {
        fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("made executable");
    };
    script(&at("run"), r#"[ "$1" = --build ] && echo "$(dirname "$0")/programs""#);
    for name in ["tlv", "session"] {
        fs::write(at("targets").join(name).with_extension("rs"), "").expect("written");
    }
    script(&at("programs/tlv"), "printf '#1024\\tNEW    cov: 33 ft: 40 corp: 7/99b exec/s: 512 rss: 30Mb\\n' >&2");
    // A life of one command, found by accident and not made any smaller.
    script(
        &at("programs/session"),
        r#"case "$*" in *-minimize_crash=1*) exit 0 ;; esac
echo "assertion failed: it broke" >&2
for word in "$@"; do case "$word" in -artifact_prefix=*) at=${word#*=}crash-1 ;; esac; done
printf '\004\000\040\000\230' > "$at"
echo "Test unit written to $at" >&2
exit 77"#,
    );
    folder
}

#[test]
fn a_finding_is_kept_with_its_script() {
    let folder = folder();
    let said = run(binary().args(["fuzz", "--jobs", "2", "--time", "1", "--json", "--folder"]).arg(folder.path()))
        .failed(1, &["1 of 2 targets broke"]);
    let outcomes: Value = serde_json::from_str(&said.out).expect("JSON");
    let [session, tlv] = &outcomes.as_array().expect("a list")[..] else { panic!("two targets: {outcomes}") };
    assert_eq!((&tlv["executions"], &tlv["coverage"], &tlv["corpus"]), (&1024.into(), &33.into(), &7.into()));
    assert!(session["error"].as_str().expect("an error").contains("it broke"));
    let script = fs::read_to_string(session["script"].as_str().expect("a script")).expect("written");
    assert_eq!(script, "00200098\n");

    // What was kept is what --script prints, and a card answers it.
    let input = session["finding"].as_str().expect("a finding");
    let printed = jitsuin(["fuzz", "--target", "session", "--script", input]).succeeded().out;
    assert_eq!(printed, script);
}

#[test]
fn what_is_not_there_is_told() {
    let folder = folder();
    let fuzz = |words: &[&str]| run(binary().arg("fuzz").args(words).arg("--folder").arg(folder.path()));
    assert_eq!(fuzz(&["--list"]).succeeded().out, "session\ntlv\n");
    fuzz(&["--target", "sesion"]).failed(2, &["no target sesion", "session, tlv"]);
    fuzz(&["--time", "0"]).failed(2, &["--time"]);
    let input = folder.path().join("run");
    let input = input.to_str().expect("a name");
    fuzz(&["--target", "tlv", "--script", input]).failed(2, &["tlv", "session_structured"]);
    fuzz(&["--target", "session", "--script", "/nowhere"]).failed(2, &["/nowhere"]);
    jitsuin(["fuzz", "--folder", "/"]).failed(2, &["no fuzz folder"]);
    // Targets that do not build.
    fs::write(folder.path().join("run"), "#!/bin/sh\necho 'error: no compiler' >&2\nexit 1\n").expect("written");
    fuzz(&[]).failed(1, &["do not build", "no compiler"]);
}
