//! A card over the air still tells its contact ATR in GET DATA 5F51. (card.md §2.2, §11)

use card_os::Response;
use sim::{
    card::{self, Options},
    issuer::test_keys,
    rng::SimRng,
};

#[test]
fn the_contact_atr_is_told_whatever_the_reader_made_of_the_card() {
    for (atr, told) in [
        ("3B888001000041E0B381A1003B", "E000FF8131FE4514"),
        ("3B888001004B51FFB381D1000F", "E000FF8131FE4514"),
        ("3BE000FF8131FE4514", "E000FF8131FE4514"),
        ("3BC5FF8131FB458073C6010000", "C5FF8131FB458073C6010000"),
    ] {
        let atr = hex::decode(atr).expect("hexadecimal");
        let options = Options { atr: &atr, ..Options::default() };
        let mut card = card::blank(*b"JITSUIN001", &test_keys(), options, SimRng::seeded(1)).expect("fits");
        assert_eq!(card.power_on()[..], atr);
        let mut response = Response::new();
        card.transmit(b"\x00\xCA\x5F\x51\x00", &mut response);
        assert_eq!(hex::encode_upper(&response), format!("{told}9000"));
    }
}
