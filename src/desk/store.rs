//! Rows of users and groups for the desk.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::expression::BoxableExpression;
use diesel::helper_types::{IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::rights::Rights;
use super::search::{From, Wanted};
use crate::db::schema::{
    auth_group, auth_group_permissions, auth_permission, auth_user, auth_user_groups,
    django_content_type,
};
use crate::db::{DjangoId, SharedConnection, locked, on_shared};
use crate::error::Error;
use crate::user::granted;

diesel::define_sql_function! { fn lower(text: Text) -> Text; }

type Condition<DB> = Box<dyn BoxableExpression<auth_user::table, DB, SqlType = Bool>>;
type Page<DB> =
    IntoBoxed<'static, Select<auth_user::table, (auth_user::id, auth_user::username)>, DB>;

/// SQLite finds no beginning by `LIKE` in an index on an expression.
#[cfg(feature = "sqlite")]
macro_rules! begins_in_sqlite {
    ($column:expr, $begin:expr) => {
        lower($column).ge($begin.clone()).and(lower($column).lt(format!("{}{}", $begin, char::MAX)))
    };
}

#[cfg(feature = "postgres")]
macro_rules! begins_in_postgres {
    ($column:expr, $begin:expr) => {
        lower($column).like(pattern($begin))
    };
}

/// A beginning may hold what `LIKE` takes for a pattern.
#[cfg(feature = "postgres")]
fn pattern(begin: &str) -> String {
    begin.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_") + "%"
}

/// The query for a page, in the words of one kind of database: how a word is looked for, and what is compared to go on
/// in what was found.
macro_rules! page_of {
    ($function:ident, $database:ty, $begins:ident, $found:expr) => {
        fn $function(wanted: &Wanted) -> Page<$database> {
            let mut page = auth_user::table
                .select((auth_user::id, auth_user::username))
                .into_boxed::<$database>();
            for spellings in &wanted.words {
                let begins = spellings.iter().flat_map(|word| -> [Condition<$database>; 4] {
                    [
                        Box::new($begins!(auth_user::username, word)),
                        Box::new($begins!(auth_user::email, word)),
                        Box::new($begins!(auth_user::first_name, word)),
                        Box::new($begins!(auth_user::last_name, word)),
                    ]
                });
                if let Some(begins) = begins.reduce(|one, other| Box::new(one.or(other))) {
                    page = page.filter(begins);
                }
            }
            let is_search = !wanted.words.is_empty();
            page = match &wanted.from {
                From::After(name) if is_search => page.filter($found.gt(name.clone())),
                From::Before(name) if is_search => page.filter($found.lt(name.clone())),
                From::After(name) => page.filter(auth_user::username.gt(name.clone())),
                From::Before(name) => page.filter(auth_user::username.lt(name.clone())),
                From::Start => page,
            };
            page = match &wanted.from {
                From::Before(_) => page.order(auth_user::username.desc()),
                From::Start | From::After(_) => page.order(auth_user::username.asc()),
            };
            // One more than are shown tells whether there are more.
            page.limit(i64::try_from(wanted.most).unwrap_or(i64::MAX - 1) + 1)
        }
    };
}
// SQLite, which mostly has no statistics, would rather go along the names from there. There is no index on a text
// to which something is added.
#[cfg(feature = "sqlite")]
page_of!(page_of_sqlite, diesel::sqlite::Sqlite, begins_in_sqlite, auth_user::username.concat(""));
#[cfg(feature = "postgres")]
page_of!(page_of_postgres, diesel::pg::Pg, begins_in_postgres, auth_user::username);

/// Ids and names, as far as the page goes.
pub(super) fn page(
    conn: &mut SharedConnection,
    wanted: &Wanted,
) -> QueryResult<Vec<(i64, String)>> {
    let rows: Vec<(DjangoId, String)> = match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => page_of_sqlite(wanted).load(&mut **conn)?,
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => page_of_postgres(wanted).load(&mut **conn)?,
    };
    Ok(rows.into_iter().map(|(id, name)| (i32::from(id).into(), name)).collect())
}

pub(super) fn active_superusers(conn: &mut SharedConnection) -> QueryResult<i64> {
    on_shared!(SharedConnection, conn, conn => {
        auth_user::table
            .filter(auth_user::is_active.eq(true))
            .filter(auth_user::is_superuser.eq(true))
            .count()
            .get_result(&mut **conn)
    })
}

pub(super) fn set_flags(
    conn: &mut SharedConnection,
    user_id: i32,
    rights: &Rights,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.find(user_id))
            .set((
                auth_user::is_staff.eq(rights.is_staff),
                auth_user::is_superuser.eq(rights.is_superuser),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// The groups by name: the id of each, and how many are in it.
pub(super) fn groups(conn: &mut SharedConnection) -> QueryResult<Vec<(i32, String, i64)>> {
    on_shared!(SharedConnection, conn, conn => {
        let groups: Vec<(DjangoId, String)> = auth_group::table
            .order(auth_group::name)
            .select((auth_group::id, auth_group::name))
            .load(&mut **conn)?;
        let members: Vec<(DjangoId, i64)> = auth_user_groups::table
            .group_by(auth_user_groups::group_id)
            .select((auth_user_groups::group_id, count_star()))
            .load(&mut **conn)?;
        let members: BTreeMap<i32, i64> =
            members.into_iter().map(|(id, count)| (id.into(), count)).collect();
        let groups = groups.into_iter().map(|(id, name)| (i32::from(id), name));
        Ok(groups
            .map(|(id, name)| (id, name, members.get(&id).copied().unwrap_or_default()))
            .collect())
    })
}

/// What each group gives, sorted.
pub(super) fn permissions_of_groups(
    conn: &mut SharedConnection,
) -> QueryResult<BTreeMap<i32, Vec<String>>> {
    let rows: Vec<(DjangoId, (String, String))> = on_shared!(SharedConnection, conn, conn => {
        auth_group_permissions::table
            .inner_join(auth_permission::table.inner_join(django_content_type::table))
            .select((
                auth_group_permissions::group_id,
                (django_content_type::app_label, auth_permission::codename),
            ))
            .load(&mut **conn)?
    });
    let mut found: BTreeMap<i32, Vec<(String, String)>> = BTreeMap::new();
    for (id, permission) in rows {
        found.entry(id.into()).or_default().push(permission);
    }
    Ok(found.into_iter().map(|(id, rows)| (id, granted::sorted(rows))).collect())
}

pub(super) fn group_name(conn: &mut SharedConnection, id: i32) -> QueryResult<Option<String>> {
    on_shared!(SharedConnection, conn, conn => {
        auth_group::table.find(id).select(auth_group::name).first(&mut **conn).optional()
    })
}

/// The same, to be changed by this transaction alone.
pub(super) fn group_name_locked(
    conn: &mut SharedConnection,
    id: i32,
) -> QueryResult<Option<String>> {
    let name = auth_group::table.find(id).select(auth_group::name);
    locked!(conn, name => first).optional()
}

pub(super) fn member_count(conn: &mut SharedConnection, group: i32) -> QueryResult<i64> {
    on_shared!(SharedConnection, conn, conn => {
        let members = auth_user_groups::table.filter(auth_user_groups::group_id.eq(group));
        members.count().get_result(&mut **conn)
    })
}

/// The first so many by name.
pub(super) fn members(
    conn: &mut SharedConnection,
    group: i32,
    most: i64,
) -> QueryResult<Vec<String>> {
    on_shared!(SharedConnection, conn, conn => {
        auth_user_groups::table
            .inner_join(auth_user::table)
            .filter(auth_user_groups::group_id.eq(group))
            .order(auth_user::username)
            .limit(most)
            .select(auth_user::username)
            .load(&mut **conn)
    })
}

/// Unless a group of that name is there.
pub(super) fn rename_group(conn: &mut SharedConnection, id: i32, name: &str) -> Result<(), Error> {
    let renamed = on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_group::table.find(id))
            .set(auth_group::name.eq(name))
            .execute(&mut **conn)
    });
    renamed.map(drop).map_err(|error| taken(error, name))
}

/// What a name that is there already is called.
pub(super) fn taken(error: diesel::result::Error, name: &str) -> Error {
    let error = Error::from(error);
    if error.is_taken() { Error::GroupTaken { name: name.to_owned() } } else { error }
}

#[cfg(test)]
#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what there is")]
mod tests {
    use std::marker::PhantomData;
    use std::ops::ControlFlow;

    use diesel::backend::Backend;
    use diesel::connection::SimpleConnection;
    use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
    use diesel::sql_types::Integer;

    use super::*;
    use crate::db::migrate;
    use crate::desk::UserSearch;
    use crate::desk::search::wanted;
    use crate::place::DatabaseKind;

    /// How a database would run a query: the query, the word that asks for it, and what comes back.
    struct Explained<Q, ST>(Q, &'static str, PhantomData<ST>);

    impl<Q, ST> QueryId for Explained<Q, ST> {
        type QueryId = ();
        const HAS_STATIC_QUERY_ID: bool = false;
    }

    impl<Q, ST> Query for Explained<Q, ST> {
        type SqlType = ST;
    }

    impl<Q, ST, C> RunQueryDsl<C> for Explained<Q, ST> {}

    impl<DB: Backend, Q: QueryFragment<DB>, ST> QueryFragment<DB> for Explained<Q, ST> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
            out.unsafe_to_cache_prepared();
            out.push_sql(self.1);
            self.0.walk_ast(out)
        }
    }

    /// As many as a large house has: two letters begin the names of thirty.
    fn fill(conn: &mut impl SimpleConnection, kind: DatabaseKind, numbers: &str, letter: &str) {
        let (ledger, steps) = migrate::scripts(kind);
        conn.batch_execute(ledger).unwrap();
        for (_, sql) in steps {
            conn.batch_execute(sql).unwrap();
        }
        let letter = |number: &str| letter.replace('?', number);
        let (one, two) = (letter("n % 26"), letter("n / 26 % 26"));
        conn.batch_execute(&format!(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
             is_active, date_joined) SELECT '!', false, {one} || {two} || n, {two} || {one} || 'na', {one} || {two} \
             || 'son', {two} || {one} || n || '@example.org', false, true, '2026-01-01 00:00:00' FROM {numbers}"
        ))
        .unwrap();
    }

    fn sqlite() -> SqliteConnection {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let numbers = "(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 20000) \
                       SELECT n FROM t)";
        fill(&mut conn, DatabaseKind::Sqlite, numbers, "char(97 + ?)");
        conn
    }

    /// In a transaction that nobody else sees, and that is never committed.
    fn postgres() -> ControlFlow<(), PgConnection> {
        let Ok(server) = std::env::var("HOUSEKEY_TEST_POSTGRES") else {
            return ControlFlow::Break(());
        };
        let mut conn = PgConnection::establish(&server).unwrap();
        conn.batch_execute("BEGIN; CREATE SCHEMA desk; SET LOCAL search_path = desk").unwrap();
        let numbers = "generate_series(1, 20000) AS n";
        fill(&mut conn, DatabaseKind::Postgres, numbers, "chr(97 + ?)");
        conn.batch_execute("ANALYZE auth_user").unwrap();
        ControlFlow::Continue(conn)
    }

    fn plan_of_sqlite(conn: &mut SqliteConnection, search: &UserSearch) -> String {
        type Row = (Integer, Integer, Integer, Text);
        let query = page_of_sqlite(&wanted(search).unwrap());
        let plan = Explained::<_, Row>(query, "EXPLAIN QUERY PLAN ", PhantomData);
        let lines: Vec<(i32, i32, i32, String)> = plan.load(conn).unwrap();
        lines.into_iter().map(|(.., line)| line + "\n").collect()
    }

    fn plan_of_postgres(conn: &mut PgConnection, search: &UserSearch) -> String {
        let query = page_of_postgres(&wanted(search).unwrap());
        let plan = Explained::<_, Text>(query, "EXPLAIN ", PhantomData);
        let lines: Vec<String> = plan.load(conn).unwrap();
        lines.join("\n")
    }

    const INDEXES: [&str; 4] = [
        "housekey_user_username",
        "housekey_user_email",
        "housekey_user_first_name",
        "housekey_user_last_name",
    ];

    fn searches() -> [UserSearch; 4] {
        let search = || UserSearch::default().text("qu");
        [search(), search().after("b"), search().before("y"), search().text("qu quna")]
    }

    #[test]
    fn a_search_asks_four_indexes_and_reads_no_table() {
        let mut conn = sqlite();
        for statistics in ["", "ANALYZE"] {
            conn.batch_execute(statistics).unwrap();
            for search in searches() {
                let plan = plan_of_sqlite(&mut conn, &search);
                assert!(INDEXES.iter().all(|index| plan.contains(index)), "{plan}");
                assert!(!plan.contains("SCAN"), "{plan}");
            }
        }
        let ControlFlow::Continue(mut conn) = postgres() else { return };
        for search in searches() {
            let plan = plan_of_postgres(&mut conn, &search);
            assert!(INDEXES.iter().all(|index| plan.contains(index)), "{plan}");
            assert!(!plan.contains("Seq Scan"), "{plan}");
        }
    }

    #[test]
    fn a_list_goes_along_the_names_and_sorts_nothing() {
        let lists = || {
            let list = UserSearch::default;
            [list(), list().after("m"), list().before("m")]
        };
        let mut conn = sqlite();
        for statistics in ["", "ANALYZE"] {
            conn.batch_execute(statistics).unwrap();
            for search in lists() {
                let plan = plan_of_sqlite(&mut conn, &search);
                assert!(plan.contains("sqlite_autoindex_auth_user_1"), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
        let ControlFlow::Continue(mut conn) = postgres() else { return };
        for search in lists() {
            let plan = plan_of_postgres(&mut conn, &search);
            assert!(plan.contains("auth_user_username_key"), "{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{plan}");
        }
    }
}
