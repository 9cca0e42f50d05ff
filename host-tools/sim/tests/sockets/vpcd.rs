//! vpcd's wire protocol, from its reader's side.

use crate::support::{ATR, Echo};
use sim::{
    slot::Slot,
    vpcd::{Vpcd, VpcdError},
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
        ask(&[2], false);
        ask(&[0], false);
        // A torn message, and the reader is gone.
        reader.write_all(&[0]).expect("writes");
    }
    assert!(card.powers.load(Ordering::SeqCst) >= 2);
    drop(attached);
    assert!(matches!(Vpcd::attach("192.0.2.1:35963", Slot::new("x"), false), Err(VpcdError::Remote(_))));
    assert!(matches!(Vpcd::attach("nonsense", Slot::new("x"), false), Err(VpcdError::Address(..))));
}
