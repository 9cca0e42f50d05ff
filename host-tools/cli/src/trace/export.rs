//! A trace in the formats of others. What was blanked is written as zeros.

use super::lines;
use crate::{
    args::{Format, TraceExport},
    failure::Failure,
    private,
};
use sim::{
    explain::Explained,
    trace::{Kind, Line},
};
use std::net::Ipv4Addr;
use time::OffsetDateTime;

/// ATR where the trace has none: that of the card over contacts. (card.md §2)
const ATR: &[u8] = &sim::card::CONTACT_ATR;

/// `jitsuin trace export`
pub(super) fn run(export: &TraceExport) -> Result<(), Failure> {
    let mut out = match export.format {
        Format::Apdu4j => format!("# ATR: {}\n# PROTOCOL: T=1\n#\n", hex::encode_upper(ATR)).into_bytes(),
        Format::Opensc => block(ATR)?,
        Format::Pcap => pcap_header(),
    };
    for line in lines(&export.file)? {
        let line = line?;
        if export.reader.as_ref().is_some_and(|wanted| *wanted != line.reader) {
            continue;
        }
        let Some((command, response)) = bytes(&line) else { continue };
        match export.format {
            Format::Apdu4j => {
                let took = line.took.unwrap_or(0) / 1000;
                let (command, response) = (hex::encode_upper(command), hex::encode_upper(response));
                out.extend(format!("# Sent\n{command}\n# Received in {took}ms\n{response}\n").bytes());
            }
            Format::Opensc => out.extend(block(&response)?),
            Format::Pcap => out.extend(packet(line.time, &[command, response].concat())?),
        }
    }
    private::write(&export.out, &out, export.force)
}

/// Command and response as they were, as far as they are known.
fn bytes(line: &Line) -> Option<(Vec<u8>, Vec<u8>)> {
    if line.event != Kind::Exchange {
        return None;
    }
    let command = line.command(&|_: &Explained, count| Some(vec![0; count]))?;
    let exchange = line.exchange.as_ref()?;
    let mut response = match &exchange.response {
        sim::explain::Shown::Plain(bytes) => bytes.clone(),
        sim::explain::Shown::Blank(count) => vec![0; *count],
    };
    response.extend(hex::decode(&exchange.sw).ok()?);
    Some((command, response))
}

/// What OpenSC's fuzz targets read: the ATR first, then what the card answers, each with its length in little-endian order.
fn block(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let length = u16::try_from(bytes.len()).map_err(|_| too_long(bytes.len()))?;
    Ok([&length.to_le_bytes(), bytes].concat())
}

fn too_long(bytes: usize) -> Failure {
    Failure::Refused(format!("an answer of {bytes} bytes has no place in this format"))
}

/// A capture file of packets without a link layer. (libpcap's file format, version 2.4; LINKTYPE_IPV4)
fn pcap_header() -> Vec<u8> {
    const LINKTYPE_IPV4: u32 = 228;
    let mut header = 0xA1B2_C3D4_u32.to_le_bytes().to_vec();
    header.extend([2_u16, 4].iter().flat_map(|word| word.to_le_bytes()));
    header.extend([0_u32, 0, 0x4_0000, LINKTYPE_IPV4].iter().flat_map(|word| word.to_le_bytes()));
    header
}

/// One exchange as a datagram of GSMTAP, type SIM, which is how Wireshark knows APDUs.
fn packet(time: OffsetDateTime, apdu: &[u8]) -> Result<Vec<u8>, Failure> {
    const PORT: u16 = 4729;
    let gsmtap = [2, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let length = |head: usize| u16::try_from(head + apdu.len()).map_err(|_| too_long(apdu.len()));
    let (datagram, whole) = (length(8 + 16)?, length(20 + 8 + 16)?);
    let mut ip = vec![0x45, 0];
    ip.extend(whole.to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    ip.extend([Ipv4Addr::LOCALHOST.octets(), Ipv4Addr::LOCALHOST.octets()].concat());
    let sum = checksum(&ip).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    let seconds = u32::try_from(time.unix_timestamp()).unwrap_or(0);
    let mut record: Vec<u8> = [seconds, time.microsecond(), u32::from(whole), u32::from(whole)]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    record.extend(ip);
    // Without a checksum, as UDP over IPv4 allows.
    record.extend([PORT, PORT, datagram, 0].iter().flat_map(|word| word.to_be_bytes()));
    record.extend(gsmtap);
    record.extend_from_slice(apdu);
    Ok(record)
}

/// The Internet checksum. (RFC 1071)
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    !((sum & 0xFFFF) + (sum >> 16)) as u16
}
