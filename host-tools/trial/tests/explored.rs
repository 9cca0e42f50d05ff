//! Everything that can become of the PINs of an issued card.

use trial::explore::{Depth, Walk, explore};

#[test]
fn no_way_to_a_pin_breaks_a_promise() {
    let coverage = explore(Walk::Pins, Depth::Second, |_| {});
    println!("{coverage}");
    assert_eq!(coverage.violation, None);
}
