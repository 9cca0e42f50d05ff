//! Peculiarities of single programs. (card.md §3.3, §5.4, §9.3, §19.3, §19.4)

use super::*;

/// jpki-rs over PC/SC: every command goes out twice, and the second answer counts. A wrong PIN costs two tries.
#[test]
fn doubled_commands() {
    let mut client = Client::new();
    let mut twice = |command: &str| {
        let first = client.send(command);
        (first, client.send(command))
    };
    let same = |(first, second): ((Vec<u8>, u16), (Vec<u8>, u16))| {
        assert_eq!(first, second);
        second
    };
    let done = (vec![], 0x9000);
    assert_eq!(same(twice(&format!("00A4040C 0A {JPKI}"))), done);
    assert_eq!(same(twice("00A4020C 02 000A")), done);
    assert_eq!(same(twice("00B0000007")).0.len(), 7);
    assert_eq!(same(twice("00B0000000")).0, stored(JPKI, 0x0A)[..256]);
    assert_eq!(same(twice("00A4020C 02 0018")), done);
    assert_eq!(same(twice("00200080")).1, 0x63C3, "a query costs nothing, twice");
    let ((_, first), (_, second)) = twice("00200080 04 30303030");
    assert_eq!((first, second), (0x63C2, 0x63C1), "a wrong PIN costs two tries");
    assert_eq!(same(twice("00200080")).1, 0x63C1);
    assert_eq!(same(twice("00200080 04 31323334")), done);
    assert_eq!(same(twice("00200080")).1, 0x63C3);
    assert_eq!(same(twice("00A4020C 02 0017")), done);
    assert_eq!(same(twice("802A0080 01 41 00")).0.len(), 256);
    // Two wrong entries by its user, and it is blocked.
    twice("00A4020C 02 0018");
    twice("00200080 04 30303030");
    let ((_, first), (_, second)) = twice("00200080 04 30303030");
    assert_eq!((first, second), (0x63C0, 0x6984));
}

/// jpki-image-signer: four bytes, and five if that fails. It does not, so the five are for those who try them. (card.md §7.2)
#[test]
fn queries_of_four_and_of_five_bytes() {
    let mut client = Client::with(JPKI);
    for (pin, word) in [(0x18, 0x63C3), (0x1B, 0x63C5)] {
        client.file(pin);
        assert_eq!(client.word("00200080"), word);
        assert_eq!(client.word("0020008000"), 0x6700);
        assert_eq!(client.word("00200080"), word, "neither cost a try");
    }
}

/// jpki/myna, pymyna and the myna crate at every start; TRETJapanNFCReader and CoreExtendedNFC with twenty bytes.
#[test]
fn the_label_has_spaces_behind_it() {
    let mut client = Client::with(JPKI);
    client.file(0x06);
    assert_eq!(client.data("00B0000020"), format!("{:32}", "JPKIAPICCTOKEN2").as_bytes());
    assert_eq!(client.data("00B0000014"), b"JPKIAPICCTOKEN2     ");
    assert_eq!(client.data("00B0000000").len(), 160);
}

/// jpki/myna: the tries of seven objects in three applications.
fn walk(client: &mut Client) -> Vec<u16> {
    let mut words = Vec::new();
    for (application, pins) in [(TEXT, &[0x11, 0x14, 0x15][..]), (FACE, &[0x13, 0x12]), (JPKI, &[0x18, 0x1B])] {
        client.select(application);
        for pin in pins {
            client.file(*pin);
            words.push(client.word("00200080"));
        }
    }
    words
}

#[test]
fn a_walk_over_the_status_of_all_pins() {
    let mut client = Client::new();
    let fresh = [0x63C3, 0x63CA, 0x63CA, 0x63CA, 0x63CA, 0x63C3, 0x63C5];
    assert_eq!(walk(&mut client), fresh);
    assert_eq!(walk(&mut client), fresh);
    client.select(FACE);
    assert_eq!(client.verify(0x12, "00000000000000"), 0x63C9);
    client.select(TEXT);
    for tries in (0..3).rev() {
        assert_eq!(client.verify(0x11, "0000"), 0x63C0 | tries);
    }
    // 照合番号B of one application is not that of the other.
    assert_eq!(walk(&mut client), [0x63C0, 0x63CA, 0x63CA, 0x63CA, 0x63C9, 0x63C3, 0x63C5]);
}

/// jpki/myna and the myna-card crate: SELECT, VERIFY the old value, CHANGE to the new one; two commands for one citizen's PIN.
#[test]
fn changes_of_pins() {
    for (application, pin, old, new, change) in [
        (JPKI, 0x18, sample::AUTHENTICATION_PIN, "5678", "00240180"),
        (JPKI, 0x1B, sample::SIGNATURE_PASSWORD, "OTHER12", "00240180"),
        (TEXT, 0x11, sample::AUTHENTICATION_PIN, "5678", "00240180"),
        (COMMON, 0x1C, sample::AUTHENTICATION_PIN, "5678", "80320080"),
        (JUKI, 0x1C, sample::AUTHENTICATION_PIN, "5678", "80320080"),
    ] {
        let mut client = Client::with(application);
        let command = format!("{change} {:02X} {}", new.len(), hex::encode(new));
        client.file(pin);
        assert_eq!(client.word(&command), 0x6982, "{application}: the old value comes first");
        assert_eq!(client.verify(pin, old), 0x9000);
        assert_eq!(client.word(&command), 0x9000);
        client.card.power_off();
        client.card.power_on();
        client.select(application);
        assert_eq!(client.verify(pin, old) & 0xFFF0, 0x63C0, "{application}: the old value is no longer right");
        assert_eq!(client.verify(pin, new), 0x9000);
    }
}

/// Every way to read the My Number and the four attributes. (card.md §9.3)
#[test]
fn ways_to_read_the_text() {
    let number = stored(TEXT, 0x01);
    let attributes = stored(TEXT, 0x02);
    assert_eq!((number.len(), attributes.len()), (17, 256));
    let mut client = Client::with(TEXT);
    client.open(TEXT);
    client.file(0x01);
    assert_eq!(client.data("00B0000011"), number, "jpki/myna, jpki-rs, mynacard-android-demo and others");
    assert_eq!(client.data("00B0000000"), number, "flutter_nfc_mynumber, myna-card crate, readthecard");
    assert_eq!(client.data("00B0000000 0000"), number);
    client.file(0x02);
    let header = client.data("00B0000007");
    let size = 3 + usize::from(header[2]);
    assert_eq!(client.data(&format!("00B00007{:02X}", size - 7)), attributes[7..size], "jpki/myna");
    assert_eq!(client.data(&format!("00B00000{size:02X}")), attributes[..size], "jpki-rs, mynacard-android-demo");
    let length = client.data("00B0000201");
    assert_eq!(client.data(&format!("00B00000{:02X}", 3 + length[0])), attributes[..size], "pymyna");
    assert_eq!(client.data("00B0000071"), attributes[..0x71], "flutter_nfc_mynumber");
    client.file(0x05);
    assert_eq!(client.data("00B0000000"), stored(TEXT, 0x05), "jpki/myna (Go): 256 bytes of a shorter file");
    assert_eq!(client.data("00B0000000 0100"), stored(TEXT, 0x05), "pymyna");
    // pymyna insists on these lengths.
    for (file, length) in [(0x03, 336), (0x04, 568)] {
        client.file(file);
        assert_eq!(client.data(&format!("00B0000000 {length:04X}")).len(), length);
        assert_eq!(client.data("00B0000000 0000").len(), length);
    }
}

/// jpki/myna takes the My Number out of one application and shows it to the other as 照合番号A.
#[test]
fn the_number_of_one_application_opens_the_other() {
    let mut client = Client::with(TEXT);
    client.open(TEXT);
    client.file(0x01);
    let number = client.data("00B0000311")[..12].to_vec();
    client.select(FACE);
    assert_eq!(client.verify(0x13, std::str::from_utf8(&number).expect("digits")), 0x9000);
    client.file(0x02);
    assert_eq!(client.data("00B0000000 0000"), stored(FACE, 0x02));
    assert_eq!(client.data("00B0010000"), stored(FACE, 0x02)[256..512], "or in chunks");
}

/// 共通カードAP: the card's number, as jpki/myna and as sc-tools-myna read it.
#[test]
fn the_number_of_the_card() {
    let mut client = Client::with(COMMON);
    let record = stored(COMMON, 0x01);
    assert_eq!(client.data("00B2010C00"), record);
    client.file(0x01);
    assert_eq!(client.data("00B2010500"), record);
    assert_eq!((record.len(), &record[..2]), (30, &[0x01, 0x1C][..]));
}

/// iOS selects the AIDs of an app by itself, with an Le that no app wrote; mynumbercard-idp selects by a part of the name.
#[test]
fn names_selected_by_others() {
    let mut client = Client::new();
    for application in [JPKI, COMMON, JUKI, FACE, TEXT] {
        let information = client.data(&format!("00A40400 0A {application} 00"));
        assert_eq!(hex::encode_upper(information), format!("6F0C840A{application}"));
    }
    assert_eq!(client.word("00A4040C 05 D392F00026"), 0x9000);
    client.file(0x18);
    for wrong in ["D392F000260100000002", "D392F000260100000003", "A0000002770000"] {
        let length = wrong.len() / 2;
        assert_eq!(client.word(&format!("00A4040C {length:02X} {wrong}")), 0x6A82, "names out of public code");
    }
    assert_eq!(client.word("00A4020C 02 2F00"), 0x6A82);
    assert_eq!(client.word("00200080"), 0x63C3, "a failed SELECT changes nothing");
}

/// jpki/myna and jpki-cli end a session with a reset: the next one begins as if nothing had been. (D-28)
#[test]
fn sessions_that_end_with_a_reset() {
    let mut client = Client::new();
    for _ in 0..3 {
        client.select(JPKI);
        client.file(0x06);
        assert_eq!(client.data("00B0000020").len(), 32);
        assert_eq!(client.verify(0x18, sample::AUTHENTICATION_PIN), 0x9000);
        client.file(0x17);
        assert_eq!(client.data("802A0080 01 41 00").len(), 256);
        client.card.reset();
    }
}

/// Everything that clients let the card sign, in each of their forms. (card.md §8.3, §19.4)
#[test]
fn forms_of_signatures() {
    let mut client = Client::with(JPKI);
    client.open(JPKI);
    let infos = [
        ("3020300C06082A864886F70D020505000410", 16),
        ("3021300906052B2403020105000414", 20),
        ("3021300906052B0E03021A05000414", 20),
        (SHA256_INFO, 32),
        ("3041300D060960864801650304020205000430", 48),
        ("3051300D060960864801650304020305000440", 64),
        // Without DigestInfo: jpki/myna's raw command, six bytes of pkcs11-tool, and the most there can be.
        ("", 32),
        ("", 6),
        ("", 245),
    ];
    for (key, file, sfi) in [(0, 0x17, 0x97), (1, 0x1A, 0x9A)] {
        for (prefix, length) in infos {
            let input = format!("{prefix}{}", "3C".repeat(length));
            let bytes = hex::decode(&input).expect("hexadecimal");
            let length = bytes.len();
            client.file(file);
            for command in [
                format!("802A0080 {length:02X} {input} 00"),
                format!("802A00{sfi:02X} {length:02X} {input} 00"),
                format!("802A0080 00{length:04X} {input} 0000"),
            ] {
                assert_eq!(opened(key, &client.data(&command)), padded(&bytes), "{command}");
            }
        }
    }
}
