//! Several sessions by one query.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use diesel::dsl::AsSelect;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text};

use super::{Row, Wanted};
use crate::db::schema::{auth_user, django_session, housekey_session};
use crate::db::{AnyOf, DatabaseNow, InAMinute, Null};
use crate::user::store::UserRow;

/// PostgreSQL keeps a plan that it takes for no dearer than one for these very values. It is made for ten, so for fewer
/// it would plan each time, at four times the cost of the query: they are filled up by one of them, which is looked up
/// once.
const PLANNED_ONCE: usize = 16;

/// As many columns as there are in [`UserRow`].
type NoUser = Null<AsSelect<Option<UserRow>, Pg>, 11>;
type NoText = Null<Nullable<Text>>;
type NoBool = Null<Nullable<Bool>>;

/// A session, or a user; of which session is said where that was not known.
type Found = (Option<String>, Option<String>, Option<bool>, Option<bool>, Option<UserRow>);

/// Three questions in one: the sessions, the users they are thought to belong to, and the users of those of which
/// nothing is thought. A join of all would take twice as long.
pub(super) fn find_each(
    conn: &mut PgConnection,
    wanted: &[Wanted<'_>],
) -> QueryResult<Vec<Option<Row>>> {
    let keys = filled(wanted.iter().map(|wanted| wanted.key.expose_secret()), "");
    let keys = keys.into_sql::<Array<Text>>();
    let owners = filled(wanted.iter().filter_map(|wanted| wanted.owner), 0);
    let owners = owners.into_sql::<Array<Integer>>();
    let unknown = wanted.iter().filter(|wanted| wanted.owner.is_none());
    let unknown = filled(unknown.map(|wanted| wanted.key.expose_secret()), "");
    let unknown = unknown.into_sql::<Array<Text>>();
    let sessions =
        django_session::table.filter(django_session::session_key.eq(AnyOf(keys))).select((
            django_session::session_key.nullable(),
            django_session::session_data.nullable(),
            django_session::expire_date.gt(DatabaseNow).nullable(),
            django_session::expire_date.gt(InAMinute).nullable(),
            NoUser::new(),
        ));
    let users = auth_user::table.filter(auth_user::id.eq(AnyOf(owners))).select((
        NoText::new(),
        NoText::new(),
        NoBool::new(),
        NoBool::new(),
        Option::<UserRow>::as_select(),
    ));
    let users_of_others = housekey_session::table
        .inner_join(auth_user::table)
        .filter(housekey_session::session_key.eq(AnyOf(unknown)))
        .select((
            housekey_session::session_key.nullable(),
            NoText::new(),
            NoBool::new(),
            NoBool::new(),
            Option::<UserRow>::as_select(),
        ));
    let found = sessions.union_all(users).union_all(users_of_others).load::<Found>(conn)?;
    Ok(Answer::of(found).of_each(wanted))
}

fn filled<T: Copy>(values: impl Iterator<Item = T>, nobody: T) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    let first = values.first().copied().unwrap_or(nobody);
    values.resize(values.len().max(PLANNED_ONCE), first);
    values
}

#[derive(Default)]
struct Answer {
    sessions: HashMap<String, (Arc<str>, bool, bool)>,
    users: HashMap<i32, Arc<UserRow>>,
    users_of: HashMap<String, Arc<UserRow>>,
}

impl Answer {
    fn of(found: Vec<Found>) -> Self {
        let mut answer = Self::default();
        for found in found {
            match found {
                (Some(key), Some(data), Some(alive), Some(lasts), _) => {
                    answer.sessions.insert(key, (data.into(), alive, lasts));
                }
                (Some(key), .., Some(user)) => {
                    answer.users_of.insert(key, Arc::new(user));
                }
                (None, .., Some(user)) => {
                    answer.users.insert(user.id, Arc::new(user));
                }
                _ => {}
            }
        }
        answer
    }

    fn of_each(&self, wanted: &[Wanted<'_>]) -> Vec<Option<Row>> {
        let row = |wanted: &Wanted<'_>| {
            let (data, alive, lasts) = self.sessions.get(wanted.key.expose_secret())?.clone();
            let user = match wanted.owner {
                Some(owner) => self.users.get(&owner),
                None => self.users_of.get(wanted.key.expose_secret()),
            };
            Some(Row { data, alive, lasts, user: user.cloned(), verified: OnceLock::new() })
        };
        wanted.iter().map(row).collect()
    }
}
