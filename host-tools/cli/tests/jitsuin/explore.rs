//! `jitsuin explore`

use crate::support::jitsuin;
use serde_json::Value;

#[test]
fn a_card_is_walked_and_what_was_covered_is_told() {
    let out = jitsuin(["explore", "--walk", "pins", "--walk", "key-set", "--json"]).succeeded().out;
    let seen: Value = serde_json::from_str(&out).expect("JSON");
    let [pins, key_set] = &seen.as_array().expect("a list")[..] else { panic!("two walks: {seen}") };
    let count = |coverage: &Value, name: &str| coverage[name].as_u64().expect("a count");
    // Both PINs together have more states than these; each is cut and harmed in some place.
    assert!(
        count(pins, "states") > 10_000 && count(pins, "cuts") > 100_000 && count(pins, "faults") > 50_000,
        "{pins}"
    );
    assert!(pins["violation"].is_null() && pins["again"][0].as_u64() > Some(10_000), "{pins}");
    assert_eq!((&pins["walk"], &key_set["walk"]), (&"pins".into(), &"key-set".into()));
    assert!(count(key_set, "states") > 500 && key_set["violation"].is_null(), "{key_set}");
    jitsuin(["explore", "--deeper"]).failed(2, &["--deep"]);
    jitsuin(["explore", "--walk", "moon"]).failed(2, &["pins, key-set, contents"]);
}
