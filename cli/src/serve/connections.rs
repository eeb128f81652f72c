//! From a connection to its requests: with bounds for who is slow, and an end that waits for who is being answered.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long the head of a request may be on its way, and nothing may come at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// No other server takes more.
const MOST_OF_A_HEAD: usize = 64 * 1024;
/// Beside what the databases need, below the 1024 files that a process may mostly have open.
const MOST_AT_ONCE: usize = 500;
/// How long requests under way may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Answers what comes through the door until it is to stop.
pub(super) async fn answer<D: Listener>(
    mut door: D,
    app: impl Fn(D::Addr) -> Router,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(MOST_OF_A_HEAD);
    let (places, open) = (Arc::new(Semaphore::new(MOST_AT_ONCE)), GracefulShutdown::new());
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, door.accept().await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        let service = TowerToHyperService::new(app(peer));
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A visitor who has gone away is nobody's trouble.
            let _ = connection.await;
            drop(place);
        });
    }
    // Who comes now finds that nobody listens, and a proxy asks elsewhere.
    drop(door);
    if timeout(GRACE, open.shutdown()).await.is_err() {
        tracing::warn!("some requests had not ended after {} s; they are cut off", GRACE.as_secs());
    }
}
