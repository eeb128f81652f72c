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
use tokio::time::{sleep, timeout};

/// How long the head of a request may be on its way, and nothing may come at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// No other server takes more.
const MOST_OF_A_HEAD: usize = 64 * 1024;
/// Beside what the databases need, below the 1024 files that a process may mostly have open.
const MOST_AT_ONCE: usize = 500;
/// How long the door stays open when it is to be closed: hyper hangs up on who has not been read yet.
const LULL: Duration = Duration::from_millis(250);
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
    let mut stop = pin!(async {
        stop.await;
        sleep(LULL).await;
    });
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

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    /// Before it stands one visitor.
    struct OneVisitor(Option<DuplexStream>);

    impl Listener for OneVisitor {
        type Io = DuplexStream;
        type Addr = ();

        async fn accept(&mut self) -> (DuplexStream, ()) {
            match self.0.take() {
                Some(visitor) => (visitor, ()),
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_come_before_the_end_is_answered() {
        let (mut visitor, server) = duplex(1024);
        visitor.write_all(b"GET / HTTP/1.1\r\nHost: front\r\n\r\n").await.unwrap();
        let app = |()| Router::new().route("/", get(|| async { "come in" }));
        answer(OneVisitor(Some(server)), app, async {}).await;
        let mut answered = String::new();
        visitor.read_to_string(&mut answered).await.unwrap();
        assert!(answered.starts_with("HTTP/1.1 200 "), "{answered:?}");
        assert!(answered.ends_with("come in"), "{answered:?}");
    }
}
