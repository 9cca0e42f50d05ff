//! OpenSC 0.23.0 and HEAD, as seen on the wire. (card.md §19.1)

use super::*;

/// The probes of the drivers before `jpki`, in their order, and what refuses them.
fn burst() -> Vec<(String, u16)> {
    let mut burst: Vec<(String, u16)> = [
        ("00A4040007 627601FF000000", 0x6A82),
        ("00A4040006 A00000000101", 0x6A82),
        ("00A404000B E82B0601040181C31F0201 00", 0x6A82),
        ("00A4040C0F D23300000045737445494420763335", 0x6A82),
        ("00CADF3005", 0x6A88),
        ("00CB3FFF03 5C017E 08", 0x6D00),
        ("00A4040009 A00000030800001000 00", 0x6A82),
        ("00A4040009 A00000030800001000 00", 0x6A82),
        ("00A4040C07 A000000116DB00 00", 0x6A82),
        ("00A4040C07 A0000000791000 00", 0x6A82),
    ]
    .map(|(command, word)| (command.to_owned(), word))
    .into();
    burst.extend((0x00..=0x0F).map(|last| (format!("00A4040C07 A00000007901{last:02X} 00"), 0x6A82)));
    burst.extend(
        ["00A404000C F276A288BCFBA69D34F31001", "00A4040009 A00000039742544659 00", "00A4040006 D27600012401 00"]
            .map(|command| (command.to_owned(), 0x6A82)),
    );
    burst
}

#[test]
fn the_detection_burst_changes_nothing() {
    let mut after_power = Client::new();
    let mut in_use = Client::with(JPKI);
    in_use.open(JPKI);
    in_use.file(0x0A);
    for client in [&mut after_power, &mut in_use] {
        let before = client.state();
        for (command, word) in burst() {
            assert_eq!(client.word(&command), word, "{command}");
        }
        assert!(client.state() == before, "memory, status, application or EF is another");
    }
}

/// With the ATR that OpenSC knows, and with another one: it then selects twice.
#[test]
fn binding_reads_both_counters() {
    for selects in [1, 2] {
        let mut client = Client::new();
        for _ in 0..selects {
            client.select(JPKI);
        }
        for (pin, word) in [(0x18, 0x63C3), (0x1B, 0x63C5)] {
            client.file(pin);
            assert_eq!(client.word("00200080"), word);
        }
    }
}

/// Binding fails unless SW1 is 63, whatever happened to the PINs before.
#[test]
fn a_query_is_answered_with_63_in_every_state() {
    let mut client = Client::with(JPKI);
    client.open(JPKI);
    for (pin, word) in [(0x18, 0x63C3), (0x1B, 0x63C5)] {
        client.file(pin);
        assert_eq!(client.word("00200080"), word, "verified");
    }
    for tries in (0..3).rev() {
        assert_eq!(client.verify(0x18, "0000"), 0x63C0 | tries);
        assert_eq!(client.word("00200080"), 0x63C0 | tries);
    }
    assert_eq!(client.verify(0x18, sample::AUTHENTICATION_PIN), 0x6984);
    assert_eq!(client.word("00200080"), 0x63C0, "blocked");
}

/// Token information is asked for again and again.
#[test]
fn many_queries_cost_nothing() {
    let mut client = Client::with(JPKI);
    client.open(JPKI);
    let memory = client.card.nvm().bytes().to_vec();
    for _ in 0..100 {
        for (pin, word) in [(0x18, 0x63C3), (0x1B, 0x63C5)] {
            client.file(pin);
            assert_eq!(client.word("00200080"), word);
        }
    }
    assert_eq!(client.card.nvm().bytes(), memory);
    assert_eq!(client.data("802A0397 01 41 00").len(), 256, "and both PINs are still verified");
    assert_eq!(client.data("802A039A 01 41 00").len(), 256);
}

/// A dump: 0001 is skipped where it is refused, the others are read.
#[test]
fn a_dump_without_the_password() {
    let mut client = Client::with(JPKI);
    for (number, readable) in [(0x0A, true), (0x01, false), (0x0B, true), (0x02, true)] {
        client.file(number);
        let (header, word) = client.send("00B0000004");
        if readable {
            assert_eq!((&header[..2], word), (&[0x30, 0x82][..], 0x9000));
        } else {
            assert_eq!((header.len(), word), (0, 0x6982));
        }
    }
}

/// Login, sign, select, sign again; the password before each signature of the signature key, as PKCS#11 wants it.
#[test]
fn logins_and_signatures() {
    let mut client = Client::with(JPKI);
    assert_eq!(client.verify(0x18, sample::AUTHENTICATION_PIN), 0x9000);
    let info = format!("{SHA256_INFO}{}", "5A".repeat(32));
    let expected = padded(&hex::decode(&info).expect("hexadecimal"));
    for _ in 0..3 {
        client.file(0x0A);
        client.file(0x17);
        assert_eq!(opened(0, &client.data(&format!("802A0080 33 {info} 00"))), expected);
    }
    for _ in 0..3 {
        assert_eq!(client.verify(0x1B, sample::SIGNATURE_PASSWORD), 0x9000);
        client.file(0x1A);
        assert_eq!(opened(1, &client.data(&format!("802A0080 33 {info} 00"))), expected);
    }
    for length in [0x0A, 0x10, 0x64] {
        assert_eq!(client.data(&format!("00840000 {length:02X}")).len(), length, "C_GenerateRandom");
    }
}

/// Since 0.24 a logout is a re-SELECT; on this card the status stays, and the next session works either way. (D-27)
#[test]
fn a_logout_by_select_keeps_the_status() {
    let mut client = Client::with(JPKI);
    client.open(JPKI);
    client.select(JPKI);
    assert_eq!(client.word("00B0000001"), 0x6986, "no EF is current any more");
    client.file(0x17);
    assert_eq!(client.data("802A0080 01 41 00").len(), 256);
    client.file(0x01);
    assert_eq!(client.data("00B0000002"), [0x30, 0x82]);
    // Another application is what takes it away.
    client.select(TEXT);
    client.select(JPKI);
    client.file(0x17);
    assert_eq!(client.word("802A0080 01 41 00"), 0x6982);
}

/// After somebody's reset OpenSC selects the application again and goes on.
#[test]
fn a_reset_by_others_is_survived() {
    let mut client = Client::with(JPKI);
    client.open(JPKI);
    client.card.reset();
    client.select(JPKI);
    client.file(0x17);
    assert_eq!(client.data("802A0080 01 41 00").len(), 256, "a warm reset keeps the status (D-28)");
    client.card.power_off();
    client.card.power_on();
    client.select(JPKI);
    client.file(0x17);
    assert_eq!(client.word("802A0080 01 41 00"), 0x6982, "power does not");
}
