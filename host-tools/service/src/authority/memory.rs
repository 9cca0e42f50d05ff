//! A registry in memory: for tests, examples and measurements.

use super::{Registry, RegistryError, RevokedEntry, TokenHash, Verifier};
use pki::{
    profile::Hierarchy,
    revocation::{Reason, Revoked, Status},
};
use std::{
    collections::BTreeMap,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use time::OffsetDateTime;

/// First number of those given to responders: far from those of certificates.
const RESPONDERS: u32 = 0x7F00_0001;

/// Certificates, verifiers and a clock.
#[derive(Debug, Default)]
pub struct Memory(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    clock: Option<OffsetDateTime>,
    failure: Option<RegistryError>,
    certificates: BTreeMap<(&'static str, u32), Certificate>,
    verifiers: Vec<(TokenHash, Verifier)>,
    revision: u64,
    crls: u64,
    serials: u32,
}

#[derive(Debug)]
struct Certificate {
    municipality: String,
    status: Status,
}

impl Memory {
    /// Sets the clock; `None` for the real time.
    pub fn set_clock(&self, at: Option<OffsetDateTime>) {
        self.write().clock = at;
    }

    /// Makes every question fail, until `None`.
    pub fn fail(&self, failure: Option<RegistryError>) {
        self.write().failure = failure;
    }

    /// A certificate was issued, or its suspension released.
    pub fn good(&self, hierarchy: Hierarchy, serial: u32, municipality: &str) {
        self.set(hierarchy, serial, municipality, Status::Good);
    }

    /// A certificate was held or revoked.
    pub fn revoke(&self, hierarchy: Hierarchy, serial: u32, municipality: &str, at: OffsetDateTime, reason: Reason) {
        self.set(hierarchy, serial, municipality, Status::Revoked { at, reason });
    }

    /// A verifier was registered, with this token.
    pub fn register(&self, verifier: Verifier, token: TokenHash) {
        self.write().verifiers.push((token, verifier));
    }

    fn set(&self, hierarchy: Hierarchy, serial: u32, municipality: &str, status: Status) {
        let mut state = self.write();
        let certificate = Certificate { municipality: municipality.to_owned(), status };
        state.certificates.insert((hierarchy.name(), serial), certificate);
        state.revision += 1;
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn tell<T>(&self, tell: impl FnOnce(&State) -> T) -> Result<T, RegistryError> {
        let state = self.read();
        state.failure.clone().map_or_else(|| Ok(tell(&state)), Err)
    }
}

impl Registry for Memory {
    async fn now(&self) -> Result<OffsetDateTime, RegistryError> {
        self.tell(|state| state.clock.unwrap_or_else(OffsetDateTime::now_utc))
    }

    async fn status(&self, hierarchy: Hierarchy, serial: u32) -> Result<Status, RegistryError> {
        self.tell(|state| {
            let known = state.certificates.get(&(hierarchy.name(), serial));
            known.map_or(Status::Unknown, |certificate| certificate.status)
        })
    }

    async fn revision(&self, _: Hierarchy) -> Result<u64, RegistryError> {
        self.tell(|state| state.revision)
    }

    async fn revoked(&self, hierarchy: Hierarchy) -> Result<Vec<RevokedEntry>, RegistryError> {
        self.tell(|state| {
            let of = state.certificates.range((hierarchy.name(), 0)..=(hierarchy.name(), u32::MAX));
            let revoked = of.filter_map(|((_, serial), certificate)| match certificate.status {
                Status::Revoked { at, reason } => Some(RevokedEntry {
                    revoked: Revoked { serial: *serial, at, reason },
                    municipality: certificate.municipality.clone(),
                }),
                _ => None,
            });
            revoked.collect()
        })
    }

    async fn crl_number(&self, _: Hierarchy) -> Result<u64, RegistryError> {
        self.write().crls += 1;
        self.tell(|state| state.crls)
    }

    async fn next_serial(&self, _: Hierarchy) -> Result<u32, RegistryError> {
        self.write().serials += 1;
        self.tell(|state| RESPONDERS + state.serials)
    }

    async fn verifier(&self, token: TokenHash) -> Result<Option<Verifier>, RegistryError> {
        // All of them, so that the time says nothing about which.
        self.tell(|state| {
            let found = state.verifiers.iter().fold(
                None,
                |found, (hash, verifier)| {
                    if *hash == token { Some(verifier) } else { found }
                },
            );
            found.cloned()
        })
    }
}
