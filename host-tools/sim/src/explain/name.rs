//! Names of commands, and what they are about.

use super::context::Context;
use apdu::{Command, Header};
use card_os::profile::ISD;

/// The name of a command in its context.
pub(super) fn of(context: &Context, header: Header, body: Option<&Command<'_>>) -> String {
    match header.cla.0 {
        0x08 => format!("{} (secure messaging)", messaged(context, header)),
        0x84 => issuer(header),
        0x80 => system(context, header),
        0x00 => interindustry(context, header, body),
        _ => unknown(header),
    }
}

fn unknown(header: Header) -> String {
    format!("command {:02X} {:02X}", header.cla.0, header.ins)
}

fn interindustry(context: &Context, header: Header, body: Option<&Command<'_>>) -> String {
    let empty = body.is_some_and(|body| body.data.is_empty() && body.ne.is_none());
    match header.ins {
        0xA4 => select(context, header, body.map_or(&[], |body| body.data)),
        0xB0 => read_binary(context, header),
        0xB2 => read_record(context, header),
        0x20 if empty => format!("VERIFY {} (try counter)", context.target(header.p2)),
        0x20 => format!("VERIFY {}", context.target(header.p2)),
        0x24 => format!("CHANGE REFERENCE DATA {}", context.target(header.p2)),
        0x84 => "GET CHALLENGE".into(),
        0x88 => format!("INTERNAL AUTHENTICATE {}", context.target(header.p2)),
        0x82 => "EXTERNAL AUTHENTICATE".into(),
        0xCA => get_data(context, header),
        0xC0 => "GET RESPONSE".into(),
        0x70 => "MANAGE CHANNEL".into(),
        0x2A => "PERFORM SECURITY OPERATION".into(),
        _ => unknown(header),
    }
}

fn system(context: &Context, header: Header) -> String {
    match header.ins {
        0x2A => format!("COMPUTE DIGITAL SIGNATURE {}, scheme {:02X}", context.target(header.p2), header.p1),
        0x32 => format!("CHANGE KEY {}", context.target(header.p2)),
        0x82 => "EXTERNAL AUTHENTICATE".into(),
        0xCA => get_data(context, header),
        0x50 if context.is_at(&ISD) => "INITIALIZE UPDATE".into(),
        0xAE => "SET SESSION KEY".into(),
        0xA2 if header.p1 == 0x06 => "terminal certificate, body".into(),
        0xA2 if header.p1 == 0x00 => "terminal certificate, signature".into(),
        0xA2 => "terminal certificate".into(),
        0xFC => "last-command mark".into(),
        0x8A => "MANAGE ATTRIBUTES".into(),
        0x06 => "ERASE ALL RECORDS".into(),
        0x50 => "LOCK DF".into(),
        0x52 => "UNLOCK DF".into(),
        0x54 => "UNLOCK KEY".into(),
        _ => unknown(header),
    }
}

/// Inside the issuer channel.
fn issuer(header: Header) -> String {
    match header.ins {
        0x82 => format!("EXTERNAL AUTHENTICATE, security level {:02X}", header.p1),
        0xE2 => format!("STORE DATA, block {}", header.p2),
        0x46 => "GENERATE ASYMMETRIC KEY PAIR".into(),
        0x2C => "RESET RETRY COUNTER".into(),
        0xD8 => "PUT KEY".into(),
        0xF0 => format!("SET STATUS {:02X}", header.p2),
        0xF2 => "GET STATUS".into(),
        _ => unknown(header),
    }
}

/// Inside a session of the form-filling application. (card.md §13)
fn messaged(context: &Context, header: Header) -> String {
    match (header.ins, header.p1) {
        (0x20, _) => format!("VERIFY {}", context.target(header.p2)),
        (0xB0, _) => read_binary(context, header),
        (0xA4, 0x02) => "SELECT EF, enciphered identifier".into(),
        _ => format!("command {:02X}", header.ins),
    }
}

fn read_binary(context: &Context, header: Header) -> String {
    let (file, offset) = match header.p1 {
        p1 @ 0x80.. => (context.target(0x80 | (p1 & 0x1F)), u16::from(header.p2)),
        p1 => (context.target(0x80), u16::from_be_bytes([p1, header.p2])),
    };
    format!("READ BINARY {file} at {offset}")
}

fn read_record(context: &Context, header: Header) -> String {
    let rest = if header.p2 & 0x07 == 0x05 { " and all that follow" } else { "" };
    format!("READ RECORD {}{rest} of {}", header.p1, context.target(0x80 | (header.p2 >> 3)))
}

fn get_data(context: &Context, header: Header) -> String {
    let tag = u16::from_be_bytes([header.p1, header.p2]);
    let name = match tag {
        0x0066 => "card recognition data",
        0x5F51 => "ATR without its first byte",
        _ => context.data_object(tag).map_or("", |object| object.name),
    };
    format!("GET DATA {tag:04X} {name}").trim_end().to_owned()
}

fn select(context: &Context, header: Header, data: &[u8]) -> String {
    match (header.p1, data) {
        (0x04, []) => "SELECT default application".into(),
        (0x04, name) => context.named(name, header.p2).map_or_else(
            || format!("SELECT application {}", hex::encode_upper(name)),
            |application| format!("SELECT {}", application.name),
        ),
        (0x02, &[high, low]) => {
            let identifier = u16::from_be_bytes([high, low]);
            context.file(identifier).map_or_else(
                || format!("SELECT EF {identifier:04X}"),
                |object| format!("SELECT EF {identifier:04X} {}", object.name),
            )
        }
        (0x00, _) => "SELECT MF".into(),
        (0x09, _) => "SELECT by path".into(),
        _ => "SELECT".into(),
    }
}
