//! Every shape of query that diesel builds, and that people write, goes where its tables live.

use diesel::dsl::{count_star, exists, max};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use housekey::schema::{auth_group, auth_user, auth_user_groups};
use housekey::{Config, Error, Housekey, Place, SecretKey};

use crate::support::{Home, KEY, skip};

diesel::table! {
    note (id) {
        id -> Integer,
        user_id -> Integer,
        text -> Text,
    }
}
diesel::table! {
    tag (id) {
        id -> Integer,
        note_id -> Integer,
        name -> Text,
    }
}
diesel::table! {
    #[sql_name = "Order"]
    order (id) {
        id -> Integer,
        #[sql_name = "from"]
        auth_user -> Text,
    }
}
diesel::allow_tables_to_appear_in_same_query!(note, tag, order);
diesel::joinable!(tag -> note (note_id));

/// Queries in diesel's own words, alike for both databases: where each must go.
macro_rules! typed_queries {
    ($house:expr) => {{
        let goes = |place: Place, found: Result<Place, Error>| assert_eq!(found.unwrap(), place);
        let (local, shared) = (Place::Local, Place::Shared);
        let house = $house;
        goes(local, house.place_of_query(&note::table.select(note::all_columns)));
        goes(shared, house.place_of_query(&auth_user::table.select(auth_user::id)));
        goes(local, house.place_of_query(&order::table.filter(order::auth_user.eq("auth_user"))));
        goes(local, house.place_of_query(&note::table.inner_join(tag::table).count()));
        goes(local, house.place_of_query(&note::table.left_join(tag::table)));
        goes(shared, house.place_of_query(&auth_user::table.inner_join(auth_user_groups::table)));
        let (a, b) = diesel::alias!(note as a, note as b);
        goes(
            local,
            house.place_of_query(
                &a.inner_join(b.on(a.field(note::id).eq(b.field(note::user_id))))
                    .select(a.field(note::id)),
            ),
        );
        let member = auth_user_groups::table.select(auth_user_groups::user_id);
        goes(shared, house.place_of_query(&auth_user::table.filter(auth_user::id.eq_any(member))));
        goes(
            shared,
            house.place_of_query(
                &auth_user::table
                    .filter(exists(auth_group::table.select(auth_group::id)))
                    .select(auth_user::id),
            ),
        );
        goes(local, house.place_of_query(&diesel::select(exists(tag::table.select(tag::id)))));
        let newest = tag::table.select(max(tag::note_id)).single_value();
        goes(local, house.place_of_query(&note::table.filter(note::id.nullable().eq(newest))));
        goes(
            local,
            house.place_of_query(
                &note::table.group_by(note::user_id).select((note::user_id, count_star())),
            ),
        );
        goes(
            local,
            house.place_of_query(&note::table.select(note::id).union(tag::table.select(tag::id))),
        );
        goes(
            local,
            house.place_of_query(
                &note::table.select(note::id).intersect(tag::table.select(tag::note_id)),
            ),
        );
        goes(
            shared,
            house.place_of_query(
                &auth_user::table
                    .select(auth_user::id)
                    .except(auth_group::table.select(auth_group::id)),
            ),
        );
        goes(
            local,
            house.place_of_query(&note::table.order(note::id.desc()).limit(5).offset(2).distinct()),
        );
        goes(
            local,
            house.place_of_query(
                &note::table
                    .into_boxed()
                    .filter(note::id.eq(1))
                    .filter(note::text.like("%FROM auth_user%")),
            ),
        );
        goes(
            local,
            house.place_of_query(
                &diesel::insert_into(note::table)
                    .values((note::user_id.eq(1), note::text.eq("FROM auth_user"))),
            ),
        );
        goes(local, house.place_of_query(&diesel::insert_into(note::table).default_values()));
        let copy = tag::table.select((tag::note_id, tag::name));
        goes(
            local,
            house.place_of_query(
                &copy.insert_into(note::table).into_columns((note::user_id, note::text)),
            ),
        );
        goes(
            local,
            house.place_of_query(
                &diesel::insert_into(note::table)
                    .values(note::text.eq("a"))
                    .on_conflict_do_nothing(),
            ),
        );
        goes(
            local,
            house.place_of_query(
                &diesel::insert_into(note::table)
                    .values(note::text.eq("a"))
                    .on_conflict(note::id)
                    .do_update()
                    .set(note::text.eq("b")),
            ),
        );
        goes(
            local,
            house.place_of_query(&diesel::update(note::table.find(1)).set(note::text.eq("b"))),
        );
        let tagged = tag::table.select(tag::note_id);
        goes(
            local,
            house.place_of_query(
                &diesel::update(note::table.filter(note::id.eq_any(tagged)))
                    .set(note::text.eq("b")),
            ),
        );
        goes(
            local,
            house.place_of_query(&diesel::delete(
                note::table.filter(note::id.eq_any(tag::table.select(tag::note_id))),
            )),
        );
        goes(shared, house.place_of_query(&diesel::delete(auth_group::table.find(1))));
        goes(local, house.place_of_query(&diesel::select(1.into_sql::<Integer>())));
        // A long chain is deep in its SQL.
        let chain =
            (0..500).fold(note::table.into_boxed(), |query, id| query.or_filter(note::id.eq(id)));
        goes(local, house.place_of_query(&chain));
    }};
}

fn goes(house: &impl RawRouting, sql: &str) -> Result<Place, Error> {
    house.place_of_sql(sql)
}

trait RawRouting {
    fn place_of_sql(&self, sql: &str) -> Result<Place, Error>;
}
impl RawRouting for Housekey<SqliteConnection> {
    fn place_of_sql(&self, sql: &str) -> Result<Place, Error> {
        self.place_of_query(&diesel::sql_query(sql))
    }
}
impl RawRouting for Housekey<PgConnection> {
    fn place_of_sql(&self, sql: &str) -> Result<Place, Error> {
        self.place_of_query(&diesel::sql_query(sql))
    }
}

/// SQL that people write, alike for both databases.
fn raw_queries(house: &impl RawRouting) {
    let local = [
        "SELECT 1",
        "SELECT * FROM note -- FROM auth_user",
        "/* FROM auth_user */ SELECT 'it''s FROM auth_user' FROM note",
        "SELECT \"auth_user\" FROM \"Order\"",
        "SELECT auth_user.id FROM note AS auth_user",
        "WITH auth_user AS (SELECT 1 AS id) SELECT * FROM auth_user",
        "WITH RECURSIVE auth_user (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM auth_user WHERE n < 5) \
         SELECT n FROM auth_user",
        "SELECT (SELECT max(id) FROM tag) FROM note WHERE EXISTS (SELECT 1 FROM tag)",
        "SELECT * FROM (SELECT * FROM note) AS n, tag",
        "SELECT * FROM archive.auth_user",
        "CREATE TABLE box (id integer)",
        "CREATE INDEX note_text ON note (text)",
        "ALTER TABLE note ADD COLUMN done boolean",
        "DROP TABLE IF EXISTS note, tag",
        "CREATE VIEW short AS SELECT * FROM note",
        "INSERT INTO größe VALUES ('auth_user')",
        "UPDATE note SET text = (SELECT name FROM tag LIMIT 1)",
        "UPDATE note SET text = tag.name FROM tag WHERE tag.note_id = note.id",
        "SELECT id FROM note WHERE text IS NOT DISTINCT FROM auth_user",
        "SELECT n.auth_user FROM (note n JOIN tag t ON n.id = t.id AND t.name IN ('a', 'b')), \"Order\"",
        "SELECT note.id FROM note ORDER BY text, auth_user LIMIT 1",
        "INSERT INTO note SELECT * FROM tag WHERE true ON CONFLICT (id) DO UPDATE SET text = 'a', user_id = 1",
        "CREATE TABLE copy AS WITH auth_user AS (SELECT * FROM note) SELECT * FROM auth_user",
        "CREATE TABLE box (id integer PRIMARY KEY, owner integer REFERENCES auth_user (id))",
        "EXPLAIN SELECT * FROM note",
    ];
    for sql in local {
        assert_eq!(goes(house, sql).unwrap(), Place::Local, "{sql}");
    }
    let shared = [
        "SELECT * FROM AUTH_USER",
        "SELECT * FROM \"auth_user\" u JOIN auth_group g ON g.id = u.id",
        "WITH note AS (SELECT id FROM auth_user) SELECT * FROM note",
        "SELECT * FROM housekey_session WHERE session_key IN (SELECT session_key FROM django_session)",
        "DELETE FROM auth_user WHERE id = 1",
        "DROP TABLE auth_user",
        "SELECT 1 UNION SELECT id FROM auth_user",
        "SELECT * FROM company, \"crm_Lead\"",
        "SELECT a.id FROM auth_user AS a, auth_group AS b WHERE a.id = b.id",
        "SELECT (SELECT (SELECT max(id) FROM auth_user)) AS n",
        "SELECT replace(username, 'FROM note', '') FROM auth_user WHERE (replace(email, 'a', 'b') = '')",
        "SELECT id FROM auth_user WHERE id IN (WITH note AS (SELECT 1 AS id) SELECT id FROM note)",
        "WITH a AS (SELECT id FROM auth_user), b AS (SELECT id FROM a) SELECT * FROM a, b",
        "ALTER TABLE auth_group ADD COLUMN inherit integer",
    ];
    for sql in shared {
        assert_eq!(goes(house, sql).unwrap(), Place::Shared, "{sql}");
    }
    let both = [
        "SELECT * FROM note, auth_user",
        "SELECT * FROM note WHERE user_id IN (SELECT id FROM auth_user)",
        "INSERT INTO note (user_id) SELECT id FROM auth_user",
        "WITH note AS (SELECT * FROM auth_user) INSERT INTO note SELECT id FROM note",
        "UPDATE note SET text = (SELECT username FROM auth_user LIMIT 1)",
        "SELECT id FROM note UNION ALL SELECT id FROM auth_user",
        "SELECT 1 FROM note; SELECT 1 FROM auth_user",
        "SELECT * FROM note n, tag t, auth_user u",
        "SELECT * FROM (note JOIN (tag CROSS JOIN auth_user))",
        "UPDATE note SET text = u.username FROM auth_user u WHERE u.id = note.user_id",
        "WITH auth_user AS (SELECT 1 AS id) SELECT * FROM note WHERE id IN (SELECT id FROM auth_group)",
        "SELECT * FROM (WITH auth_user AS (SELECT 1) SELECT * FROM auth_user) AS a, auth_user, note",
        "SELECT auth_group.id AS \"from\", 1 FROM auth_group JOIN note ON true",
    ];
    for sql in both {
        assert!(matches!(goes(house, sql), Err(Error::BothPlaces { .. })), "{sql}");
    }
    for sql in [
        "VACUUM",
        "COMMIT",
        "DROP INDEX note_text",
        "gibberish",
        "SELECT * INTO auth_group FROM note",
        "MERGE INTO note USING tag ON note.id = tag.note_id WHEN MATCHED THEN DELETE",
        "CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM tag; END",
        "SELECT 'open",
        "SELECT \"open",
        "SELECT * FROM",
        "SELECT * FROM note, (SELECT 1",
        "SELECT * FROM note)",
        "SELECT * FROM note WHERE (id = 1; DELETE FROM auth_user)",
        "SELECT * FROM 1",
        "WITH a (SELECT 1) SELECT * FROM a",
        "INSERT note VALUES (1)",
        "DELETE note",
        "DROP TABLE",
    ] {
        assert!(matches!(goes(house, sql), Err(Error::UnreadableSql { .. })), "{sql}");
    }
}

fn config(shared: &Home, local_url: &str) -> Config {
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&shared.shared_url(), local_url, key).unwrap();
    let config = config.share_table("company").share_tables_with_prefix("crm_");
    housekey::migrate(&config).unwrap();
    config
}

#[test]
fn on_sqlite() {
    let home = Home::sqlite();
    let house =
        Housekey::<SqliteConnection>::open(config(&home, &home.local_url("notes"))).unwrap();
    typed_queries!(&house);
    raw_queries(&house);
    for sql in
        ["SELECT * FROM `auth_user`", "SELECT * FROM [Auth_User]", "SELECT * FROM main.auth_user"]
    {
        assert_eq!(goes(&house, sql).unwrap(), Place::Shared, "{sql}");
    }
    for sql in [
        "SELECT * FROM 'auth_user'",
        "REPLACE INTO auth_group VALUES (1, 'a')",
        "INSERT OR IGNORE INTO auth_group VALUES (1, 'a')",
        "UPDATE OR REPLACE auth_group SET name = 'a'",
        "EXPLAIN QUERY PLAN SELECT * FROM auth_user",
        "SELECT :from, @note, $note FROM auth_user /* it may be open",
        "SELECT * FROM auth_user, json_each('[1]')",
    ] {
        assert_eq!(goes(&house, sql).unwrap(), Place::Shared, "{sql}");
    }
    // SQLite takes the name for the query's own, and says that it is circular.
    let circular = "WITH auth_user AS (SELECT * FROM auth_user) SELECT * FROM auth_user";
    assert_eq!(goes(&house, circular).unwrap(), Place::Local);
}

#[test]
fn a_long_chain_is_read_and_does_not_end_the_program() {
    let home = Home::sqlite();
    let house =
        Housekey::<SqliteConnection>::open(config(&home, &home.local_url("notes"))).unwrap();
    for chain in [" OR a=1".repeat(100_000), " || a".repeat(100_000)] {
        let sql = format!("SELECT 1 FROM note WHERE a{chain}");
        assert_eq!(goes(&house, &sql).unwrap(), Place::Local);
    }
    let deep = format!("SELECT 1 FROM note WHERE {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(goes(&house, &deep).unwrap(), Place::Local);
    let (open, close) = ("SELECT * FROM (".repeat(20_000), ")".repeat(20_000));
    let nested = format!("{open}SELECT * FROM auth_user{close}");
    assert_eq!(goes(&house, &nested).unwrap(), Place::Shared);
    let explained = "EXPLAIN ".repeat(1_000_000) + "SELECT 1";
    assert!(matches!(goes(&house, &explained), Err(Error::UnreadableSql { .. })));
    let named = "WITH a AS (".repeat(100_000) + "SELECT 1 FROM note";
    assert!(matches!(goes(&house, &named), Err(Error::UnreadableSql { .. })));
}

#[test]
fn on_postgres() {
    let (Some(home), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let house = Housekey::<PgConnection>::open(config(&home, &local.shared_url())).unwrap();
    typed_queries!(&house);
    raw_queries(&house);
    let shared = [
        "SELECT * FROM public.auth_user",
        "SELECT * FROM \"public\".\"auth_user\" FOR UPDATE SKIP LOCKED",
        "WITH auth_user AS (SELECT * FROM auth_user) SELECT * FROM auth_user",
        "INSERT INTO auth_group (name) VALUES ('a') ON CONFLICT (name) DO NOTHING RETURNING id",
        "SELECT DISTINCT ON (id) * FROM auth_user WHERE id = ANY($1)",
        "TRUNCATE auth_group CASCADE",
        "SELECT id FROM ONLY \"auth_user\"",
        "SELECT id FROM ONLY (auth_user)",
        "TABLE auth_user",
        "SELECT id FROM auth_group UNION ALL TABLE company",
        "SELECT * FROM auth_user FOR NO KEY UPDATE",
        "SELECT * FROM auth_user, generate_series(1, 3) AS note (n)",
        "SELECT * FROM auth_user u, LATERAL (SELECT u.id) AS note",
        "SELECT extract(year FROM date_joined) FROM auth_user",
        "SELECT substring(username FROM 1 FOR 2) AS from FROM auth_user",
        "SELECT E'it\\'s FROM note', $$ FROM note $$, $a$ $$ FROM note $a$ FROM auth_user",
        "/* one /* in */ FROM note */ SELECT id FROM auth_user",
        "DELETE FROM auth_group USING company c, auth_user WHERE c.id = auth_group.id",
        "UPDATE ONLY auth_group SET name = 'a'",
        "INSERT INTO auth_group TABLE company",
        "CREATE INDEX CONCURRENTLY note ON auth_user USING btree (email)",
        "EXPLAIN (ANALYZE, COSTS off) SELECT * FROM auth_user",
        "ANALYZE auth_user (email), auth_group",
        "LOCK TABLE auth_user IN SHARE MODE",
    ];
    for sql in shared {
        assert_eq!(goes(&house, sql).unwrap(), Place::Shared, "{sql}");
    }
    let local = [
        "SELECT * FROM \"Auth_User\"",
        "WITH gone AS (DELETE FROM note RETURNING id) SELECT * FROM gone",
        "SELECT text FROM note WHERE text ILIKE 'a%' ESCAPE '!' AND id = ANY(ARRAY[1, 2]) AND text ~ 'x'",
    ];
    for sql in local {
        assert_eq!(goes(&house, sql).unwrap(), Place::Local, "{sql}");
    }
    let both = [
        "SELECT id FROM note UNION ALL TABLE auth_user",
        "DELETE FROM note USING auth_user u WHERE u.id = note.user_id",
        "WITH a AS (INSERT INTO note (text) VALUES ('a') RETURNING id) SELECT * FROM a, auth_user",
        "CREATE TABLE mine (LIKE auth_user)",
        "CREATE TABLE mine () INHERITS (auth_user)",
        "CREATE TABLE mine PARTITION OF auth_user DEFAULT",
        "ALTER TABLE note INHERIT auth_user",
        "TRUNCATE note, auth_group",
    ];
    for sql in both {
        assert!(matches!(goes(&house, sql), Err(Error::BothPlaces { .. })), "{sql}");
    }
    let unreadable = [
        "SELECT * FROM ROWS FROM (generate_series(1, 2), f())",
        "SELECT * FROM U&\"auth\\005fuser\"",
        "SELECT 1 /* open",
        "SELECT $a$ open",
        "SELECT E'open\\'",
    ];
    for sql in unreadable {
        assert!(matches!(goes(&house, sql), Err(Error::UnreadableSql { .. })), "{sql}");
    }
    let locking = auth_user::table.filter(auth_user::id.eq(1)).for_update().skip_locked();
    assert_eq!(house.place_of_query(&locking).unwrap(), Place::Shared);
    let locking = auth_user::table.filter(auth_user::id.eq(1)).for_no_key_update();
    assert_eq!(house.place_of_query(&locking).unwrap(), Place::Shared);
    let returning = diesel::insert_into(note::table).values(note::text.eq("a")).returning(note::id);
    assert_eq!(house.place_of_query(&returning).unwrap(), Place::Local);
}

diesel::table! {
    memo (id) {
        id -> Integer,
        text -> Text,
    }
}

#[derive(Identifiable, AsChangeset, Queryable, Debug, PartialEq)]
#[diesel(table_name = memo)]
struct Memo {
    id: i32,
    text: String,
}

#[test]
fn a_struct_saves_its_changes_where_its_table_lives() {
    use diesel::connection::SimpleConnection;
    let home = Home::sqlite();
    let house =
        Housekey::<SqliteConnection>::open(config(&home, &home.local_url("notes"))).unwrap();
    let table =
        "CREATE TABLE memo (id integer PRIMARY KEY, text text); INSERT INTO memo VALUES (1, 'a')";
    house.local().unwrap().batch_execute(table).unwrap();
    let changed = Memo { id: 1, text: "b".to_owned() };
    assert_eq!(
        changed.save_changes::<Memo>(&mut house.conn()),
        Ok(Memo { id: 1, text: "b".to_owned() })
    );
}
