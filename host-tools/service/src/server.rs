//! HTTP/1.1 under limits.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

/// Pause after the system gave no connection, for example for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes that a request's head may have.
const HEAD_MAX: usize = 16 * 1024;
/// Header fields that a request may have.
const HEADERS_MAX: usize = 64;

/// What a peer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; others wait to be accepted.
    pub connections: u16,
    /// Bytes of a request's body.
    pub body: usize,
    /// For a request's head, and for the silence before it.
    pub head: Duration,
    /// From a request's head to the answer's, its body included.
    pub request: Duration,
    /// For a connection, after which it is closed behind the answer in flight.
    pub connection: Duration,
    /// For answers in flight, when a connection or the server ends.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            body: 64 * 1024,
            head: Duration::from_secs(10),
            request: Duration::from_secs(20),
            connection: Duration::from_secs(600),
            farewell: Duration::from_secs(10),
        }
    }
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Others could reach it, and nobody asked for that.
    #[error("{0} can be reached from other machines, in clear; listen on 127.0.0.1, or say that this is wanted")]
    Reachable(SocketAddr),
    /// The operating system.
    #[error("{0}: {1}")]
    Io(SocketAddr, io::Error),
}

/// Listens on an address: of this machine's loopback, unless `anywhere`.
///
/// # Errors
/// [`ListenError`].
pub async fn listen(address: SocketAddr, anywhere: bool) -> Result<TcpListener, ListenError> {
    if !address.ip().is_loopback() && !anywhere {
        return Err(ListenError::Reachable(address));
    }
    TcpListener::bind(address).await.map_err(|error| ListenError::Io(address, error))
}

/// Serves until `shutdown`, then lets answers in flight go out.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections.into()));
    let (stop, stopped) = watch::channel(());
    let router = limited(router, limits);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // The place first: who finds none stays in the system's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, router.clone(), limits, stopped.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no connection was accepted");
                sleep(PAUSE).await;
            }
        }
    }
    drop((listener, stop));
    let all = places.acquire_many(limits.connections.into());
    if timeout(limits.farewell + PAUSE, all).await.is_err() {
        tracing::warn!("connections were left behind");
    }
}

/// One connection, from its first request to its last.
async fn connection(stream: TcpStream, router: Router, limits: Limits, mut stopped: watch::Receiver<()>) {
    // An answer is written at once; what could be gathered is gathered already.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD_MAX).max_headers(HEADERS_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            }
            return;
        }
        // The sender is gone.
        _ = stopped.changed() => {}
        () = sleep(limits.connection) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.farewell, connection).await;
}

fn limited(router: Router, limits: Limits) -> Router {
    let timed = move |request: Request, next: Next| async move {
        let late = |_| (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response();
        timeout(limits.request, next.run(request)).await.unwrap_or_else(late)
    };
    router
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(middleware::from_fn(timed))
        .layer(middleware::map_response(hardened))
}

/// No browser guesses what an answer is.
async fn hardened(mut response: Response) -> Response {
    let nosniff = axum::http::HeaderValue::from_static("nosniff");
    response.headers_mut().insert(axum::http::header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
