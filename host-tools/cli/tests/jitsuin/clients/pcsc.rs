//! Programs that know nothing but PC/SC: pcsc_scan and pyscard.

use super::{Clients, Door, Served, pcscd::Pcscd};
use crate::support::{binary, run};
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
    if !has_pyscard() {
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

/// The holder types on the reader; what the program sends has no PIN in it. (PC/SC part 10, as pyscard reads it)
#[test]
fn pyscard_asks_the_keys_of_a_reader() {
    if !has_pyscard() {
        return;
    }
    let Some(served) = Served::new(Door::Socket, &[], (&["python3"], "python3")) else { return };
    // Without keys, no such features.
    let said = served.clients().run("/usr/bin/python3", &["-c", PIN_PAD, "none"]).succeeded();
    assert!(said.out.contains("no keys"), "{said:?}");
    let Served { _serving: serving, world, card, .. } = served;
    drop(serving);
    let (socket, trace) = (world.file("pad"), world.file("pad.jsonl").display().to_string());
    let _serving = world.serve(&card, &["--pcsc", socket.to_str().expect("plain"), "--pin-pad", "--trace", &trace]);
    let control = format!("{}.ctl", socket.display());
    let press = |pin: &[&str]| {
        run(binary().args(["ctl", "--control", &control, "press"]).args(pin)).succeeded();
    };
    // Wrong, too short, given up, right; and the change of the PIN: the new one twice.
    [&["9999"][..], &["123"], &[], &["1234"], &["4321"], &["4321"]].into_iter().for_each(press);
    let said = Clients::new(&socket).run("/usr/bin/python3", &["-c", PIN_PAD, "keys"]).succeeded();
    assert!(said.out.contains("the keys are content"), "{said:?}");
    let kept = std::fs::read_to_string(trace).expect("reads");
    assert!(!kept.contains("34333231") && !kept.contains("31323334"), "a PIN is in the trace");
}

fn has_pyscard() -> bool {
    let there = Command::new("/usr/bin/python3").args(["-c", "import smartcard"]).output();
    let there = there.is_ok_and(|output| output.status.success());
    if !there {
        vectors::skipped("Python's smartcard module not found; install Debian's package python3-pyscard");
    }
    there
}

const PIN_PAD: &str = r#"
import struct, sys
from smartcard.System import readers
from smartcard.scard import SCARD_CTL_CODE
from smartcard.pcsc.PCSCPart10 import getFeatureRequest, getTlvProperties, hasFeature, FEATURE_VERIFY_PIN_DIRECT, FEATURE_MODIFY_PIN_DIRECT
card = readers()[0].createConnection()
card.connect()
features = getFeatureRequest(card)
properties = getTlvProperties(card)
assert 65536 in properties.values(), properties
if sys.argv[1] == "none":
    assert hasFeature(features, FEATURE_VERIFY_PIN_DIRECT) is None, features
    print("no keys")
    sys.exit()
def send(text):
    data, sw1, sw2 = card.transmit(list(bytes.fromhex(text)))
    return "%02X%02X" % (sw1, sw2)
def ask(feature, structure, template):
    template = bytes.fromhex(template)
    message = structure + struct.pack("<I", len(template)) + template
    return bytes(card.control(hasFeature(features, feature), list(message))).hex()
# Time limit, ASCII in bytes, no block, 16 to 4 characters, confirmed by a key, no messages.
verify = bytes([5, 0, 0x82, 0, 0, 16, 4, 2, 1, 9, 4, 0, 0, 0, 0])
modify = bytes([5, 0, 0x82, 0, 0, 0, 0, 16, 4, 1, 2, 3, 9, 4, 0, 1, 2, 0, 0, 0])
assert send("00A4040C0AD392F000260100000001") == "9000"
answers = [ask(FEATURE_VERIFY_PIN_DIRECT, verify, "00200098") for _ in range(4)]
assert answers == ["63c2", "6403", "6401", "9000"], answers
assert ask(FEATURE_MODIFY_PIN_DIRECT, modify, "00240198") == "9000"
assert ask(FEATURE_VERIFY_PIN_DIRECT, verify[:10], "00200098") == "6b80"
# Nobody types: the reader's own word after its time.
assert ask(FEATURE_VERIFY_PIN_DIRECT, bytes([1]) + verify[1:], "00200098") == "6400"
assert send("002000980434333231") == "9000"
print("the keys are content")
"#;
