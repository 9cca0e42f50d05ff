//! The registry of a world: its database.

use super::{Category, Registry, RegistryError, RevokedEntry, TokenHash, Verifier};
use pki::{
    profile::Hierarchy,
    revocation::{Reason, Revoked, Status},
};
use time::OffsetDateTime;
use world::{
    Certificate, WorldError, authority, certificate, clock,
    status::CertificateStatus,
    store::{Store, StoreError},
};

/// What a world has on record. Several processes may answer from one.
#[derive(Debug, Clone)]
pub struct Recorded {
    store: Store,
    now: Option<OffsetDateTime>,
}

impl Recorded {
    /// The record of this database; `now` stands for the world's clock where it is given.
    #[must_use]
    pub fn new(store: Store, now: Option<OffsetDateTime>) -> Self {
        Recorded { store, now }
    }
}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(sqlx::Error::PoolTimedOut) => RegistryError::Busy,
            error => RegistryError::Broken(error.to_string()),
        }
    }
}

impl From<WorldError> for RegistryError {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Store(error) => error.into(),
            error => RegistryError::Broken(error.to_string()),
        }
    }
}

/// As the authorities tell it: a hold is a revocation that can go again. (pki.md §10)
#[must_use]
pub fn status(certificate: &Certificate) -> Status {
    let since = certificate.since.unwrap_or(certificate.begins);
    match certificate.status {
        CertificateStatus::Valid => Status::Good,
        CertificateStatus::Held => Status::Revoked { at: since, reason: Reason::CertificateHold },
        CertificateStatus::Revoked { reason } => Status::Revoked { at: since, reason },
    }
}

impl Registry for Recorded {
    async fn now(&self) -> Result<OffsetDateTime, RegistryError> {
        match self.now {
            Some(now) => Ok(now),
            None => Ok(clock::now(&self.store).await?),
        }
    }

    async fn status(&self, hierarchy: Hierarchy, serial: u32) -> Result<Status, RegistryError> {
        let known = certificate::get(self.store.pool(), hierarchy, serial).await?;
        Ok(known.as_ref().map_or(Status::Unknown, status))
    }

    async fn revision(&self, _: Hierarchy) -> Result<u64, RegistryError> {
        Ok(authority::revision(&self.store).await?)
    }

    async fn revoked(&self, hierarchy: Hierarchy) -> Result<Vec<RevokedEntry>, RegistryError> {
        let now = self.now().await?;
        let all = certificate::revoked(self.store.pool(), hierarchy, now).await?;
        let entry = |one: &Certificate| match status(one) {
            Status::Revoked { at, reason } => Some(RevokedEntry {
                revoked: Revoked { serial: one.serial, at, reason },
                municipality: one.municipality.clone(),
            }),
            _ => None,
        };
        Ok(all.iter().filter_map(entry).collect())
    }

    async fn crl_number(&self, hierarchy: Hierarchy) -> Result<u64, RegistryError> {
        Ok(u64::from(authority::next(&self.store, &format!("crl-{}", hierarchy.name())).await?))
    }

    async fn next_serial(&self, hierarchy: Hierarchy) -> Result<u32, RegistryError> {
        Ok(authority::next(&self.store, hierarchy.name()).await?)
    }

    async fn verifier(&self, token: TokenHash) -> Result<Option<Verifier>, RegistryError> {
        let known = authority::verifier(&self.store, &token.0).await?;
        let verifier =
            known.and_then(|(name, category)| Some(Verifier { name, category: Category::from_number(category)? }));
        Ok(verifier)
    }
}
