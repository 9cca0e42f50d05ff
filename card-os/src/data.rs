//! GET DATA. (card.md §11, D-40)

use crate::{
    access::{self, Read},
    card::Response,
    file, identity,
    platform::Nvm,
    profile::Phase,
    refusal::Refusal,
    session::Session,
    store::Store,
};

/// Tag of the contact ATR without its first byte; the one object that applications answer too.
const ATR_OBJECT: u16 = 0x5F51;
/// Tag of the GlobalPlatform card recognition data.
const RECOGNITION: u16 = 0x0066;

/// GlobalPlatform card recognition data: card management 2.2.2, SCP02/SCP03 identifiers as the specification lists them.
const RECOGNITION_DATA: [u8; 48] = [
    0x73, 0x2E, 0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01, 0x60, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
    0xFC, 0x6B, 0x02, 0x02, 0x02, 0x63, 0x09, 0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x03, 0x64, 0x0B, 0x06,
    0x09, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04, 0x02, 0x55,
];

/// Puts the data object's content into `out`, without an outer tag.
///
/// # Errors
/// [`Refusal::ReferenceNotFound`]; [`Refusal::Length`] where it is larger than `ne`.
pub fn get<N: Nvm>(
    session: &Session,
    phase: Phase,
    store: &Store<N>,
    (tag, ne, proprietary): (u16, u32, bool),
    out: &mut Response,
) -> Result<(), Refusal> {
    if !session.at_isd() && (tag != ATR_OBJECT || proprietary) {
        return Err(Refusal::ReferenceNotFound);
    }
    match tag {
        ATR_OBJECT => answer(identity::contact_atr(store).get(1..).ok_or(Refusal::ReferenceNotFound)?, ne, out),
        RECOGNITION => answer(&RECOGNITION_DATA, ne, out),
        _ => {
            let object = session.application().data_object(tag).ok_or(Refusal::ReferenceNotFound)?;
            let length = file::length(store, object).ok_or(Refusal::ReferenceNotFound)?;
            let granted = access::grant::<Read, N>(object, session, phase, store)?;
            fits(length, ne)?;
            out.resize(length, 0).map_err(|_| Refusal::Length)?;
            file::read(&granted, store, 0, out);
            granted.confirm(session, store)
        }
    }
}

fn answer(content: &[u8], ne: u32, out: &mut Response) -> Result<(), Refusal> {
    fits(content.len(), ne)?;
    out.extend_from_slice(content).map_err(|_| Refusal::Length)
}

fn fits(length: usize, ne: u32) -> Result<(), Refusal> {
    if u32::try_from(length).is_ok_and(|length| length <= ne) { Ok(()) } else { Err(Refusal::Length) }
}
