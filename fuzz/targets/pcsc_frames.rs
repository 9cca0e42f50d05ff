//! Any bytes from a PC/SC client, in any pieces: the same messages as in one piece, and no memory for what is only announced.
//!
//! The first byte says how many pieces there are, as many bytes say how long each is, and the rest is what the client wrote.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sim::pcsc::{FRAME_MAX, Inbox, Malformed};

/// Messages as a client wrote them, and whether the rest makes no sense.
type Messages = (Vec<(u32, Vec<u8>, Vec<u8>)>, Option<Malformed>);

fuzz_target!(|data: &[u8]| {
    let Some((count, rest)) = data.split_first() else { return };
    let Some((lengths, bytes)) = rest.split_at_checked(usize::from(count % 32)) else { return };
    let mut pieces = Vec::new();
    let mut left = bytes;
    for length in lengths {
        let (piece, after) = left.split_at(usize::from(*length).min(left.len()));
        pieces.push(piece);
        left = after;
    }
    pieces.push(left);
    let whole = messages([bytes]);
    assert_eq!(messages(pieces), whole);
});

fn messages<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Messages {
    let (mut inbox, mut messages, mut unread) = (Inbox::default(), Vec::new(), 0);
    for mut piece in pieces {
        while !piece.is_empty() {
            let space = inbox.space();
            let length = space.len().min(piece.len());
            space[..length].copy_from_slice(&piece[..length]);
            inbox.arrived(length);
            unread += length;
            piece = &piece[length..];
            loop {
                match inbox.frame() {
                    Ok(Some(frame)) => {
                        unread -= 8 + frame.body.len() + frame.data.len();
                        messages.push((frame.command, frame.body.to_vec(), frame.data.to_vec()));
                        inbox.consume();
                    }
                    Ok(None) => break,
                    Err(malformed) => return (messages, Some(malformed)),
                }
            }
            assert!(inbox.capacity() <= FRAME_MAX && inbox.is_empty() == (unread == 0));
        }
    }
    (messages, None)
}
