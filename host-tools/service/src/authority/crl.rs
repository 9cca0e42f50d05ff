//! CRLs over HTTP: made once a change, kept, and told by ETag.

use super::{
    Authorities, Denied, Name, Registry, RegistryError, Served, Shared, cache_control, cacheable, etag, name,
    not_found, without,
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use pki::{
    profile::Municipality,
    revocation::{
        Revoked,
        crl::{LIFE, Scope},
    },
};
use std::{collections::HashMap, sync::Arc};
use time::OffsetDateTime;
use tokio::{sync::Mutex, task::spawn_blocking};

const KIND: &str = "application/pkix-crl";

/// The lists of an authority that were asked for, by municipality; the complete one has none.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<HashMap<Option<&'static str>, List>>);

#[derive(Debug, Clone)]
struct List {
    revision: u64,
    at: OffsetDateTime,
    der: Bytes,
    etag: String,
}

impl List {
    /// Nothing changed, and the clock has not left the first half of its life.
    fn is_current(&self, revision: u64, now: OffsetDateTime) -> bool {
        self.revision == revision && self.at <= now && now < self.at.saturating_add(LIFE / 2)
    }
}

pub(super) async fn complete<R: Registry>(
    State(authorities): Shared<R>,
    Path(file): Name,
    headers: HeaderMap,
) -> Response {
    let served = without(&file, ".crl").and_then(|hierarchy| authorities.served(hierarchy));
    let Some(served) = served else { return not_found() };
    authorities.list(served, Scope::Complete, &headers).await
}

pub(super) async fn of_municipality<R: Registry>(
    State(authorities): Shared<R>,
    Path((hierarchy, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let municipality = without(&file, ".crl").and_then(Municipality::by_code);
    let (Some(served), Some(municipality)) = (authorities.served(&hierarchy), municipality) else { return not_found() };
    authorities.list(served, Scope::Point(municipality), &headers).await
}

impl<R: Registry> Authorities<R> {
    async fn list(&self, served: &Served, scope: Scope, headers: &HeaderMap) -> Response {
        let hierarchy = served.authority.hierarchy().name();
        let caller = match self.caller(headers).await {
            Ok(caller) => caller,
            Err(Denied::Unaccredited) => {
                tracing::info!(hierarchy, outcome = "unauthorized", "crl");
                return unaccredited();
            }
            Err(Denied::Registry(error)) => return unavailable(&error),
        };
        match self.current(served, scope).await {
            Ok((list, now)) => {
                tracing::info!(hierarchy, verifier = name(caller.as_ref()), outcome = "told", "crl");
                let left = (list.at.saturating_add(LIFE) - now).whole_seconds();
                let cache = cache_control(self.options.open, left);
                cacheable(headers, KIND, &list.etag, &cache, list.der)
            }
            Err(error) => unavailable(&error),
        }
    }

    async fn current(&self, served: &Served, scope: Scope) -> Result<(List, OffsetDateTime), RegistryError> {
        let hierarchy = served.authority.hierarchy();
        let municipality = match scope {
            Scope::Complete => None,
            Scope::Point(municipality) => Some(municipality.code),
        };
        // Held while a list is made, so that it is made once; the revision before what it stands for.
        let mut lists = served.lists.0.lock().await;
        let now = self.registry.now().await?;
        let revision = self.registry.revision(hierarchy).await?;
        if let Some(list) = lists.get(&municipality).filter(|list| list.is_current(revision, now)) {
            return Ok((list.clone(), now));
        }
        let all = self.registry.revoked(hierarchy).await?;
        let here = all.into_iter().filter(|entry| municipality.is_none_or(|code| entry.municipality == code));
        let entries: Vec<Revoked> = here.map(|entry| entry.revoked).collect();
        let number = self.registry.crl_number(hierarchy).await?;
        let authority = Arc::clone(&served.authority);
        let made = spawn_blocking(move || authority.issue_crl(scope, number, &entries, now)).await;
        let der = match made {
            Ok(Ok(der)) => Bytes::from(der),
            Ok(Err(error)) => return Err(RegistryError::Broken(error.to_string())),
            Err(_) => return Err(RegistryError::Broken("the signer stopped".into())),
        };
        let list = List { revision, at: now, etag: etag(&der), der };
        lists.insert(municipality, list.clone());
        Ok((list, now))
    }
}

fn unaccredited() -> Response {
    let why = "revocation information is for accredited verifiers; send your token as Authorization: Bearer\n";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], why).into_response()
}

fn unavailable(error: &RegistryError) -> Response {
    match error {
        RegistryError::Busy => {
            let why = "the register is busy; try again\n";
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], why).into_response()
        }
        RegistryError::Broken(what) => {
            tracing::error!(what, "no CRL could be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "no CRL could be made\n").into_response()
        }
    }
}
