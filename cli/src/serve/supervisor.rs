//! Whoever has started the process, as systemd: when it is to stop, and that it is ready.

use std::io;

/// SIGTERM, where there is such a thing, or Ctrl-C. They are waited for from the call on.
pub(super) fn stop() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Tells a `Type=notify` of systemd that visitors may come, by the datagram of `sd_notify(3)`; who has not asked for it has
/// not set the variable.
pub(super) fn ready() {
    #[cfg(unix)]
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET") {
        let sent = std::os::unix::net::UnixDatagram::unbound()
            .and_then(|socket| socket.send_to(b"READY=1", path));
        if let Err(error) = sent {
            tracing::warn!(%error, "NOTIFY_SOCKET takes no message; use Type=exec instead of Type=notify");
        }
    }
}
