//! Programs that know nothing but PC/SC: pcsc_scan and pyscard.

use super::{Door, Served, pcscd::Pcscd};
use std::process::Command;

/// What the reader behind a door is called.
const fn name(door: Door) -> &'static str {
    match door {
        Door::Socket => "Jitsuin Virtual Reader 00 00",
        Door::Pcscd => Pcscd::READER,
    }
}

#[test]
fn pcsc_scan_sees_the_card() {
    scans(Door::Socket);
}

#[test]
fn pcsc_scan_sees_the_card_over_pcscd() {
    scans(Door::Pcscd);
}

#[test]
fn pyscard_talks_to_the_card() {
    talks(Door::Socket);
}

#[test]
fn pyscard_talks_to_the_card_over_pcscd() {
    talks(Door::Pcscd);
}

fn scans(door: Door) {
    let Some(served) = Served::new(door, &[], (&["pcsc_scan"], "pcsc-tools")) else { return };
    let said = served.clients().run("pcsc_scan", &["-n", "-t", "2"]).all();
    assert!(said.contains(name(door)) && said.contains("Card inserted"), "{said}");
    assert!(said.contains("3B E0 00 FF 81 31 FE 45 14"), "{said}");
}

fn talks(door: Door) {
    let there = Command::new("/usr/bin/python3").args(["-c", "import smartcard"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        vectors::skipped("Python's smartcard module not found; install Debian's package python3-pyscard");
        return;
    }
    let Some(served) = Served::new(door, &[], (&["python3"], "python3")) else { return };
    let said = served.clients().run("/usr/bin/python3", &["-c", PYSCARD, name(door)]).succeeded();
    assert!(said.out.contains("pyscard is content"), "{said:?}");
}

const PYSCARD: &str = r#"
import sys
from smartcard.System import readers
from smartcard.scard import *
from smartcard.CardMonitoring import CardMonitor
# vpcd has a second slot, which is empty.
reader = readers()[0]
assert str(reader) == sys.argv[1], reader
card = reader.createConnection()
card.connect()
assert bytes(card.getATR()).hex() == "3be000ff8131fe4514"
def send(text):
    data, sw1, sw2 = card.transmit(list(bytes.fromhex(text)))
    return bytes(data).hex(), "%02X%02X" % (sw1, sw2)
assert send("00A4040C0AD392F000260100000001") == ("", "9000")
assert send("00200098") == ("", "63C3")
assert send("002000980431323334") == ("", "9000")
data, word = send("802A0397026F6B00")
assert (len(data), word) == (512, "9000")
assert send("00B08A00000000")[0].startswith("3082"), "extended Le"
card.disconnect()
# A reset by the end of a session keeps what the specification says it keeps; power does not.
_, context = SCardEstablishContext(SCARD_SCOPE_USER)
_, handle, protocol = SCardConnect(context, str(reader), SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_Tx)
assert protocol == SCARD_PROTOCOL_T1
assert SCardBeginTransaction(handle) == 0 and SCardEndTransaction(handle, SCARD_LEAVE_CARD) == 0
result, name, state, protocol, atr = SCardStatus(handle)
assert result == 0 and bytes(atr).hex() == "3be000ff8131fe4514"
assert SCardDisconnect(handle, SCARD_UNPOWER_CARD) == 0
_, handle, protocol = SCardConnect(context, str(reader), SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1)
result, answer = SCardTransmit(handle, SCARD_PCI_T1, list(bytes.fromhex("00200098")))
assert bytes(answer).hex() == "6a88", "the ISD is current after power"
result, states = SCardGetStatusChange(context, 0, [(str(reader), SCARD_STATE_UNAWARE)])
assert states[0][1] & SCARD_STATE_PRESENT and states[0][1] & SCARD_STATE_INUSE, states
assert SCardDisconnect(handle, SCARD_LEAVE_CARD) == 0
assert SCardReleaseContext(context) == 0
print("pyscard is content")
"#;
