//! What is asked, and how several questions are answered by one query.

use std::sync::Arc;

use super::line::Turn;
use super::reply::Reply;
use super::sources::Sources;
use crate::error::Error;
use crate::session::find::Row;
use crate::session::{Rejected, SessionKey};
use crate::user::Permissions;
use crate::user::permission::Holder;
use crate::user::store::{self as users, UserRow};

/// A session's row, alive or not, or why there is none.
pub(crate) type Found = Result<Arc<Row>, Rejected>;

pub(super) enum Ask {
    Session(SessionKey, Reply<Found>),
    User(i32, Reply<Option<UserRow>>),
    Permissions(Holder, Reply<Permissions>),
}

impl Ask {
    /// Has who asked gone away?
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Session(_, reply) => reply.is_abandoned(),
            Self::User(_, reply) => reply.is_abandoned(),
            Self::Permissions(_, reply) => reply.is_abandoned(),
        }
    }
}

/// Answers all of them: one query for the sessions, one for the users, one for the permissions. The turn ends with the
/// last of these.
pub(super) fn answer(sources: &Sources, asked: impl IntoIterator<Item = Ask>, turn: Turn<'_>) {
    let shared = &sources.shared;
    let (mut sessions, mut users, mut permissions) = (Asked::new(), Asked::new(), Asked::new());
    for ask in asked {
        match ask {
            Ask::Session(key, reply) => sessions.push(key, reply),
            Ask::User(id, reply) => users.push(id, reply),
            Ask::Permissions(holder, reply) => permissions.push(holder, reply),
        }
    }
    let mut queries = [sessions.of.len(), users.of.len(), permissions.of.len()]
        .iter()
        .filter(|asked| **asked > 0)
        .count();
    let mut turn = Some(turn);
    let mut is_asked = || {
        queries -= 1;
        if queries == 0 {
            turn.take();
        }
    };
    sessions.answer(|key| session(sources, key), |keys| sessions_of(sources, keys), &mut is_asked);
    users.answer(
        |id| users::find_by_id(shared, (*id).into()),
        |ids| {
            let wanted: Vec<i64> = ids.iter().copied().map(i64::from).collect();
            let found = users::find_by_ids(shared, &wanted)?;
            let of = |id: &i32| found.iter().find(|row| row.id == *id).cloned();
            Ok(ids.iter().map(of).collect())
        },
        &mut is_asked,
    );
    permissions.answer(
        |holder| permissions_of(sources, *holder),
        |holders| sources.permissions(holders),
        &mut is_asked,
    );
}

fn session(sources: &Sources, key: &SessionKey) -> Result<Found, Error> {
    match sources.rows(std::slice::from_ref(key)) {
        Ok(rows) => Ok(rows.into_iter().next().flatten().ok_or(Rejected::Gone)),
        Err(error) if error.is_strange_row() => Ok(Err(Rejected::Unreadable)),
        Err(error) => Err(error),
    }
}

fn sessions_of(sources: &Sources, keys: &[SessionKey]) -> Result<Vec<Found>, Error> {
    Ok(sources.rows(keys)?.into_iter().map(|row| row.ok_or(Rejected::Gone)).collect())
}

fn permissions_of(sources: &Sources, holder: Holder) -> Result<Permissions, Error> {
    Ok(sources.permissions(&[holder])?.pop().unwrap_or_default())
}

/// Questions of one kind, each with who wants to know.
struct Asked<K, T> {
    of: Vec<K>,
    replies: Vec<Reply<T>>,
}

impl<K, T> Asked<K, T> {
    fn new() -> Self {
        Self { of: Vec::new(), replies: Vec::new() }
    }

    fn push(&mut self, of: K, reply: Reply<T>) {
        self.of.push(of);
        self.replies.push(reply);
    }

    /// `each` answers in the order of the questions.
    fn answer(
        self,
        one: impl Fn(&K) -> Result<T, Error>,
        each: impl FnOnce(&[K]) -> Result<Vec<T>, Error>,
        is_asked: &mut impl FnMut(),
    ) {
        let alone = || self.of.iter().map(&one).collect();
        let answers: Vec<Result<T, Error>> = match self.of.len() {
            0 => return,
            1 => alone(),
            _ => match each(&self.of) {
                Ok(answers) => answers.into_iter().map(Ok).collect(),
                // One row that cannot be read does not hide the others.
                Err(error) if error.is_strange_row() => alone(),
                Err(error) => self.of.iter().map(|_| Err(error.for_another())).collect(),
            },
        };
        is_asked();
        for (reply, answer) in self.replies.into_iter().zip(answers) {
            reply.send(answer);
        }
    }
}
