//! `jitsuin explore`

use crate::support::jitsuin;
use serde_json::Value;

#[test]
fn a_card_is_walked_and_what_was_covered_is_told() {
    let out = jitsuin(["explore", "--json"]).succeeded().out;
    let coverage: Value = serde_json::from_str(&out).expect("JSON");
    let count = |name: &str| coverage[name].as_u64().expect("a count");
    // Both PINs together have more states than these; each is cut and harmed in some place.
    assert!(count("states") > 10_000 && count("cuts") > 100_000 && count("faults") > 50_000, "{coverage}");
    assert!(coverage["violation"].is_null() && coverage["again"][0].as_u64() > Some(10_000), "{coverage}");
    jitsuin(["explore", "--deeper"]).failed(2, &["--deep"]);
}
