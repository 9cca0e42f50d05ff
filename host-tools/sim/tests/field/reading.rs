//! Every form of READ BINARY in use: each reads the same file. (card.md §19.2)

use super::*;

/// Files of every length and filler: shorter than any chunk, whole chunks of 256, and neither.
const FILES: [(&str, u8); 16] = [
    (JPKI, 0x01),
    (JPKI, 0x02),
    (JPKI, 0x06),
    (JPKI, 0x08),
    (JPKI, 0x0A),
    (JPKI, 0x0B),
    (FACE, 0x01),
    (FACE, 0x02),
    (FACE, 0x03),
    (FACE, 0x05),
    (TEXT, 0x01),
    (TEXT, 0x02),
    (TEXT, 0x03),
    (TEXT, 0x04),
    (TEXT, 0x05),
    (TEXT, 0x07),
];

/// Lets a client read every file, selected and opened; it gives what it has read.
fn every_file(mut read: impl FnMut(&mut Client, &[u8]) -> Vec<u8>) {
    for (application, number) in FILES {
        let mut client = Client::with(application);
        client.open(application);
        client.file(number.into());
        let stored = stored(application, number);
        assert_eq!(read(&mut client, &stored), stored, "{application}, EF {number:04X}");
    }
}

/// One READ BINARY with a short Le; 256 is written as 00.
fn read(client: &mut Client, offset: usize, length: usize) -> (Vec<u8>, u16) {
    client.send(&format!("00B0 {offset:04X} {:02X}", length % 256))
}

/// Chunks from an offset up to a size that the client knows, the last one exact.
fn chunks(client: &mut Client, mut offset: usize, size: usize, chunk: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while offset < size {
        let wanted = chunk.min(size - offset);
        let (data, word) = read(client, offset, wanted);
        assert_eq!((data.len(), word), (wanted, 0x9000), "at {offset}");
        all.extend(data);
        offset += wanted;
    }
    all
}

/// OpenSC, hpki, JPKIReader, jpki-local-signer: four bytes, then chunks of 256 from the beginning.
#[test]
fn a_header_then_chunks_of_256() {
    every_file(|client, stored| {
        let header = read(client, 0, 4).0;
        assert_eq!(header, stored[..header.len()]);
        chunks(client, 0, stored.len(), 256)
    });
    // With the length out of the header, as all of them do with certificates.
    for number in [0x02, 0x0A, 0x0B] {
        let mut client = Client::with(JPKI);
        client.file(number);
        let header = client.data("00B0000004");
        let size = usize::from(u16::from_be_bytes([header[2], header[3]])) + 4;
        let stored = stored(JPKI, number as u8);
        assert_eq!(chunks(&mut client, 0, size, 256), stored[..size]);
        assert!(stored[size..].iter().all(|byte| *byte == 0), "filler behind the certificate");
    }
}

/// jpki/myna goes on behind the seven bytes; jpki-rs and WebUSB-MyNumberCard begin anew.
#[test]
fn seven_bytes_then_the_rest_or_all() {
    every_file(|client, stored| {
        let mut all = read(client, 0, 7).0;
        all.extend(chunks(client, all.len(), stored.len(), 256));
        all
    });
    every_file(|client, stored| {
        read(client, 0, 7);
        chunks(client, 0, stored.len(), 256)
    });
}

/// jpki-signer-android: eight bytes, then chunks of 255.
#[test]
fn eight_bytes_then_chunks_of_255() {
    every_file(|client, stored| {
        read(client, 0, 8);
        chunks(client, 0, stored.len(), 0xFF)
    });
}

/// jpki-image-signer: chunks of 224; myna crate: of 255; both until one is short, which is no error.
#[test]
fn chunks_until_one_is_short() {
    for chunk in [0xE0, 0xFF, 256] {
        every_file(|client, _| {
            let mut all = Vec::new();
            loop {
                let (data, word) = read(client, all.len(), chunk);
                // A file of whole chunks has no short one: the next lies beyond its end.
                if word == 0x6B00 {
                    assert!(data.is_empty() && all.len().is_multiple_of(chunk));
                    return all;
                }
                assert_eq!(word, 0x9000, "short data is no error");
                let short = data.len() < chunk;
                all.extend(data);
                if short {
                    return all;
                }
            }
        });
    }
}

/// pyjpki: asks once more after the last chunk, short or not.
#[test]
fn chunks_until_there_is_no_more() {
    every_file(|client, _| {
        let mut all = Vec::new();
        loop {
            let (data, word) = read(client, all.len(), 0xFF);
            if word == 0x6B00 || data.is_empty() {
                assert_eq!(word, 0x6B00);
                return all;
            }
            all.extend(data);
        }
    });
}

/// sc-tools-myna and readthecard: 65,536 bytes at once, from any file; pymyna and others: exactly so many.
#[test]
fn whole_files_with_extended_le() {
    every_file(|client, _| client.data("00B0000000 0000"));
    every_file(|client, stored| client.data(&format!("00B0000000 {:04X}", stored.len())));
    every_file(|client, stored| {
        let half = stored.len() / 2;
        let mut all = client.data(&format!("00B0000000 {half:04X}"));
        all.extend(client.data(&format!("00B0{half:04X}00 {:04X}", stored.len() - half)));
        all
    });
}

/// myna-card crate and jsapdu: without SELECT, and then as the current EF.
#[test]
fn short_identifiers() {
    for (application, number) in FILES {
        let mut client = Client::with(application);
        client.open(application);
        let stored = stored(application, number);
        let first = stored.len().min(256);
        assert_eq!(client.data(&format!("00B0{:02X}0000", 0x80 | number)), stored[..first], "EF {number:04X}");
        assert_eq!(client.data("00B0000001"), stored[..1], "and it is the current EF");
        assert_eq!(client.data(&format!("00B0{:02X}0000 0000", 0x80 | number)), stored);
    }
}

/// One byte at offset 2, 11, 14, 20 and 71 hexadecimal: the lengths that single clients ask for.
#[test]
fn single_bytes_and_odd_lengths() {
    for (application, number) in FILES {
        let mut client = Client::with(application);
        client.open(application);
        client.file(number.into());
        let stored = stored(application, number);
        assert_eq!(client.data("00B0000201"), stored[2..3]);
        for length in [0x11, 0x14, 0x20, 0x71] {
            assert_eq!(client.data(&format!("00B00000{length:02X}")), stored[..stored.len().min(length)]);
        }
    }
}
