//! Everything that can become of the PINs of an issued card.

use trial::explore::{Depth, explore};

#[test]
fn no_way_to_a_pin_breaks_a_promise() {
    let coverage = explore(Depth::Second, |_| {});
    println!("{coverage}");
    assert_eq!(coverage.violation, None);
}
