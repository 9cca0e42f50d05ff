//! Rows of signatures: PKCS#1 v1.5 with SHA-256, hashing included, which is under a thousandth of it.

use crate::{
    clock::Clock,
    contender::{Contender, Row, Side, Signing},
    error::BenchError,
    key::Key,
    message::MESSAGE,
    own::BackEnd,
    rivals::Library,
};
use std::sync::Arc;

/// Begins the name of every row of these.
pub const PREFIX: &str = "sign-";

/// Back ends and rivals with a key.
///
/// # Errors
/// [`BenchError`] where one refuses the key.
pub fn row(key: &Key, back_ends: &[BackEnd], rivals: &[(&'static str, Library)]) -> Result<Row, BenchError> {
    let (bits, name) = (key.bits, format!("{PREFIX}{}", key.bits));
    let (message, expected): (Arc<[u8]>, Arc<[u8]>) = (MESSAGE.into(), key.expected(MESSAGE)?.into());
    let own = back_ends.iter().map(|own| (own.name, own.about.to_owned(), Side::Own, own.signer));
    let about = |library: &Library| format!("{}, {}", (library.version)(), library.protection);
    let rivals = rivals.iter().map(|(name, library)| (*name, about(library), Side::Rival, library.signer));
    let contenders = own.chain(rivals).map(|(contender, about, side, prepare)| {
        let signer = prepare(key).map_err(|trouble| trouble.of(&name, contender))?;
        let work = Box::new(Signing::new(signer, Arc::clone(&message), Arc::clone(&expected)));
        Ok(Contender { name: contender.into(), about, side, countable: true, work })
    });
    let contenders = contenders.collect::<Result<_, BenchError>>()?;
    let title = format!("RSA-{bits} signatures, PKCS#1 v1.5, SHA-256");
    Ok(Row { name, title, clock: Clock::ThreadCpu, processor: None, contenders })
}
