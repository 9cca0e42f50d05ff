//! Everything that can become of a card in the hands of its issuer, and of who would like to be that.

use trial::explore::{Depth, Walk, explore};

fn explored(walk: Walk) {
    let coverage = explore(walk, Depth::Second, |_| {});
    println!("{coverage}");
    assert_eq!(coverage.violation, None);
}

#[test]
fn no_way_to_the_key_set_breaks_a_promise() {
    explored(Walk::KeySet);
}

#[test]
fn no_way_of_issuing_breaks_a_promise() {
    explored(Walk::Contents);
}
