//! How an answer comes to who has asked for it: a task, or a thread.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::error::Error;

/// Who is told.
pub(super) enum Reply<T> {
    #[cfg(feature = "_web")]
    Task(tokio::sync::oneshot::Sender<Result<T, Error>>),
    Thread {
        answer: SyncSender<Result<T, Error>>,
        asker: Weak<()>,
    },
}

#[cfg(feature = "_web")]
pub(super) fn to_a_task<T>() -> (Reply<T>, tokio::sync::oneshot::Receiver<Result<T, Error>>) {
    let (answer, told) = tokio::sync::oneshot::channel();
    (Reply::Task(answer), told)
}

pub(super) fn to_a_thread<T>() -> (Reply<T>, Asker<T>) {
    let (answer, told) = sync_channel(1);
    let is_here = Arc::new(());
    (Reply::Thread { answer, asker: Arc::downgrade(&is_here) }, Asker { told, _is_here: is_here })
}

impl<T> Reply<T> {
    /// Has who asked gone away?
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            #[cfg(feature = "_web")]
            Self::Task(answer) => answer.is_closed(),
            Self::Thread { asker, .. } => asker.strong_count() == 0,
        }
    }

    /// Who has gone away does not want to know.
    pub(super) fn send(self, told: Result<T, Error>) {
        match self {
            #[cfg(feature = "_web")]
            Self::Task(answer) => drop(answer.send(told)),
            Self::Thread { answer, .. } => drop(answer.send(told)),
        }
    }
}

/// A thread that waits.
pub(super) struct Asker<T> {
    told: Receiver<Result<T, Error>>,
    _is_here: Arc<()>,
}

pub(super) enum Told<T> {
    Answer(Result<T, Error>),
    NotYet,
    /// Who was to answer is gone.
    Nothing,
}

impl<T> Asker<T> {
    pub(super) fn told_within(&self, time: Duration) -> Told<T> {
        match self.told.recv_timeout(time) {
            Ok(answer) => Told::Answer(answer),
            Err(RecvTimeoutError::Timeout) => Told::NotYet,
            Err(RecvTimeoutError::Disconnected) => Told::Nothing,
        }
    }
}
