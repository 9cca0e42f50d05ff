//! `jitsuin story`: its outcomes are those of the service's rules, and its world can be asked afterwards.

use crate::support::jitsuin;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("json")
}

/// What was seen in the scenes of a name, in order.
fn seen<'a>(told: &'a Value, event: &str) -> Vec<&'a str> {
    let scenes = told["scenes"].as_array().expect("a list").iter();
    scenes.filter(|scene| scene["event"] == event).map(|scene| scene["seen"].as_str().expect("text")).collect()
}

#[test]
fn a_decade_comes_out_as_the_rules_want() {
    let folder = tempfile::tempdir().expect("folder");
    let world = folder.path().join("kept").display().to_string();
    let told = json(&jitsuin(["story", "--json", "--keep", &world]).succeeded().out);
    // service.md §16: on hold, released for authentication alone, expired.
    let logins = [
        "accepted",
        "accepted",
        "refused, on-hold",
        "accepted",
        "accepted",
        "accepted",
        "accepted",
        "refused, expired",
    ];
    assert_eq!(seen(&told, "log in"), logins);
    // §4.4: a move, a marriage; §4.5: the hold that stays; §4.6: online.
    let [yes, revoked, held] = ["accepted", "refused, revoked", "refused, on-hold"];
    let applications = [yes, revoked, yes, held, held, yes, yes, revoked, yes, revoked];
    assert_eq!(seen(&told, "electronic application"), applications);
    // pki.md §8: born on 7 July 1990, issued in April 2026, renewed in April 2030.
    assert_eq!(seen(&told, "a card is issued with both certificates"), ["until 2030-07-07 and 2030-07-07"]);
    assert_eq!(
        seen(&told, "both certificates are renewed, to the sixth birthday"),
        ["until 2035-07-07 and 2035-07-07"]
    );

    let ledger = json(&jitsuin(["ledger", &world, "--json"]).succeeded().out);
    assert_eq!(ledger, told["ledger"], "what it printed is on record");
    let count = |event: &str| ledger.as_array().expect("a list").iter().filter(|one| one["event"] == event).count();
    assert_eq!([count("certificate-issued"), count("certificate-revoked"), count("card-returned")], [7, 6, 1]);
    assert!(!jitsuin(["ledger", &world]).succeeded().out.contains("七海"), "nobody is named in the ledger");
    jitsuin(["story", "--keep", &world]).failed(1, &["exists"]);
}
