//! vpcd's wire protocol, from its reader's side.

use crate::support::{ATR, Echo, until};
use sim::{
    hostile::{Campaign, Hostile, Plan},
    slot::Slot,
    vpcd::{Listener, Vpcd, VpcdError},
};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

#[test]
fn vpcd_is_served_as_its_reader_speaks() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address").to_string();
    let (slot, card) = (Slot::new("vpcd"), Echo::default());
    slot.insert(Box::new(card.clone()));
    let attached = Vpcd::attach(&address, slot, false).expect("attaches");
    for _ in 0..2 {
        let (mut reader, _) = listener.accept().expect("the card connects, and connects again");
        reader.set_read_timeout(Some(Duration::from_secs(5))).expect("timeout");
        let mut ask = |message: &[u8], answered: bool| {
            let length = u16::try_from(message.len()).expect("length").to_be_bytes();
            reader.write_all(&length).expect("writes");
            thread::sleep(Duration::from_millis(5));
            reader.write_all(message).expect("writes");
            if !answered {
                return Vec::new();
            }
            let mut length = [0; 2];
            reader.read_exact(&mut length).expect("answers");
            let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
            reader.read_exact(&mut answer).expect("answers");
            answer
        };
        assert_eq!(ask(&[4], true), ATR);
        ask(&[1], false);
        ask(&[], false);
        assert_eq!(ask(&[0, 0xA4, 4, 0], true), [0, 0xA4, 4, 0, 0x90, 0x00]);
        // The ATR is told while a command runs, before its answer.
        ask(&[0xFE, 0, 0, 0], false);
        assert_eq!(ask(&[4], true), ATR);
        // What else came meanwhile is done after it, in order.
        ask(&[2], false);
        assert_eq!(ask(&[0, 0xA4, 4, 0], true), [0xFE, 0, 0, 0, 0x90, 0x00]);
        assert_eq!(ask(&[4], true), [0, 0xA4, 4, 0, 0x90, 0x00]);
        ask(&[0xFE, 0, 0, 0], false);
        ask(&[0], false);
        // A torn message, and the reader is gone.
        reader.write_all(&[0]).expect("writes");
    }
    assert!(card.powers.load(Ordering::SeqCst) >= 2);
    drop(attached);
    assert!(matches!(Vpcd::attach("192.0.2.1:35963", Slot::new("x"), false), Err(VpcdError::Remote(_))));
    assert!(matches!(Vpcd::attach("nonsense", Slot::new("x"), false), Err(VpcdError::Address(..))));
}

/// A message has a length of two bytes; a hostile card says more, and the reader waits for exactly one answer.
#[test]
fn what_no_message_holds_is_cut_off() {
    let plan = Plan::parse("p", "[[rule]]\nwhen = \"00 A4 *\"\ndo = \"long\"\nbytes = 70000").expect("a plan");
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let slot = Slot::new("vpcd");
    slot.insert(Box::new(Hostile::new(Echo::default(), Campaign::new(plan, Box::new(|_| {})))));
    let _attached = Vpcd::attach(&listener.local_addr().expect("address").to_string(), slot, false).expect("attaches");
    let (mut reader, _) = listener.accept().expect("the card connects");
    reader.set_read_timeout(Some(Duration::from_secs(5))).expect("timeout");
    reader.write_all(&[0, 1, 1, 0, 4, 0, 0xA4, 4, 0, 0, 4, 0, 0xB0, 0, 0]).expect("writes");
    let mut answer = vec![0; 2 + 0xFFFF];
    reader.read_exact(&mut answer).expect("answers");
    assert!(answer.starts_with(&[0xFF, 0xFF, 0, 0xA4, 4, 0, 0xA5]) && answer.ends_with(&[0xA5]));
    let mut next = [0; 8];
    reader.read_exact(&mut next).expect("and is still there");
    assert_eq!(next, [0, 6, 0, 0xB0, 0, 0, 0x90, 0x00]);
}

#[test]
fn an_empty_slot_is_an_empty_reader() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address").to_string();
    let slot = Slot::new("vpcd");
    let attached = Vpcd::attach(&address, std::sync::Arc::clone(&slot), false).expect("attaches");
    listener.set_nonblocking(true).expect("mode");
    thread::sleep(Duration::from_millis(200));
    assert!(listener.accept().is_err(), "nothing to be attached");
    listener.set_nonblocking(false).expect("mode");
    for _ in 0..2 {
        slot.insert(Box::new(Echo::default()));
        let (mut reader, _) = listener.accept().expect("the card connects");
        reader.set_read_timeout(Some(Duration::from_secs(5))).expect("timeout");
        slot.remove();
        assert!(matches!(reader.read(&mut [0]), Ok(0) | Err(_)), "and leaves");
    }
    drop(attached);
}

/// Other people's cards: here our own peer plays one.
#[test]
fn a_card_from_elsewhere_sits_in_a_slot() {
    let slot = Slot::new("listening");
    let listener = Listener::bind("127.0.0.1:0", std::sync::Arc::clone(&slot), false).expect("listens");
    let address = listener.address().to_string();
    let (theirs, card) = (Slot::new("theirs"), Echo::default());
    theirs.insert(Box::new(card.clone()));
    let attached = Vpcd::attach(&address, std::sync::Arc::clone(&theirs), false).expect("attaches");
    until("the card is there", || slot.state().present);
    assert_eq!(slot.state().atr, ATR);
    slot.power_on().expect("has power");
    assert_eq!(slot.transmit(&[1, 2, 3, 4]).expect("answers"), [1, 2, 3, 4, 0x90, 0x00]);
    let longest = vec![7; 65_533];
    assert_eq!(slot.transmit(&longest).expect("answers").len(), 65_535);
    assert_eq!(slot.transmit(&vec![7; 65_536]).expect("answers"), [0x67, 0x00], "cannot be written");
    assert_eq!(slot.transmit(&[4]).expect("answers"), [0x67, 0x00], "would be a control");
    slot.reset().expect("resets");
    until("it was reset", || card.resets.load(Ordering::SeqCst) == 1);
    theirs.remove();
    until("the card is gone", || !slot.state().present);
    theirs.insert(Box::new(card));
    until("the card is back", || slot.state().present);
    drop(attached);
    until("the card is gone with its owner", || !slot.state().present);
    assert!(matches!(Listener::bind(&address, Slot::new("second"), false), Err(VpcdError::Taken(..))));
    assert!(matches!(Listener::bind("192.0.2.1:1", Slot::new("far"), false), Err(VpcdError::Remote(_))));
}
