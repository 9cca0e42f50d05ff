//! The watcher bites, and finds nothing where nothing is.

use trial::watched::Watched;

const SELECT: &[u8] = b"\x00\xA4\x04\x0C\x05\xD3\x92\xF0\x00\x26";

#[test]
fn a_life_of_a_card_is_as_the_model_says() {
    for mut watched in [Watched::whole(), Watched::small()] {
        for _ in 0..2 {
            watched.begin();
            for command in [
                &b"\x00\x20\x00\x98\x041234"[..],
                b"\x00\xA4\x04\x00\x07\xA0\x00\x00\x01\x51\x00\x00\x00",
                b"\x00\xCA\x00\x66\x00",
                b"\x80\xCA\x00\x42\x00",
                SELECT,
                b"\x00\xB0\x86\x00\x00",
                b"\x00\xB0\x82\x10\x00\x10\x00",
                b"\x00\xB0\x81\x00\x04",
                b"\x00\x20\x00\x9B\x06ABC123",
                b"\x00\xB0\x81\x00\x00\x0C\x00",
                b"\x00\x84\x00\x00\x10",
                b"\x00\x88\x00\x97\x01x\x00",
                b"\x00\x24\x01\x9B\x06ABC124",
                b"\x00\x20\x00\x9B\x06ABC123",
            ] {
                watched.command(command);
            }
            watched.restart();
            watched.command(SELECT);
            watched.command(b"\x00\x20\x00\x9B\x06ABC124");
            watched.warm_reset();
            watched.power_cycle();
        }
    }
}
