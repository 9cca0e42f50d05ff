//! Servers that answer until somebody interrupts them.

use crate::failure::Failure;
use service::server::{self, Limits};

/// Lets answers in flight go out, then ends.
pub(crate) async fn interrupted(
    listener: tokio::net::TcpListener,
    router: axum::Router,
    limits: Limits,
) -> Result<(), Failure> {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let mut stop = Some(stop);
    ctrlc::set_handler(move || {
        // A server that is gone already has nothing to stop.
        let _ = stop.take().map(|stop| stop.send(()));
    })?;
    server::serve(listener, router, limits, async { drop(stopped.await) }).await;
    Ok(())
}
