//! A query goes where its tables live, and nothing looks atomic that is not.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use housekey::schema::{auth_group, auth_user};
use housekey::{Config, Error, Housekey, Place, SecretKey};

use crate::support::{Home, House, KEY, user};

diesel::table! {
    note (id) {
        id -> Integer,
        user_id -> Integer,
        text -> Text,
    }
}

fn house(home: &Home) -> House {
    let house = home.open("notes");
    house
        .local()
        .unwrap()
        .batch_execute(
            "CREATE TABLE note (id integer PRIMARY KEY, user_id integer NOT NULL, text text NOT NULL)",
        )
        .unwrap();
    house
}

fn add_note(conn: &mut impl NoteConnection, text: &str) -> QueryResult<usize> {
    diesel::insert_into(note::table)
        .values((note::user_id.eq(1), note::text.eq(text)))
        .execute(conn)
}

trait NoteConnection: diesel::connection::LoadConnection<Backend = diesel::sqlite::Sqlite> {}
impl<C: diesel::connection::LoadConnection<Backend = diesel::sqlite::Sqlite>> NoteConnection for C {}

fn add_group(conn: &mut impl NoteConnection, name: &str) -> QueryResult<usize> {
    diesel::insert_into(auth_group::table).values(auth_group::name.eq(name)).execute(conn)
}

fn notes(house: &House) -> Vec<String> {
    note::table.select(note::text).order(note::id).load(&mut house.local().unwrap()).unwrap()
}

fn groups(house: &House) -> i64 {
    auth_group::table.count().get_result(&mut house.shared().unwrap()).unwrap()
}

#[test]
fn every_query_finds_its_database() {
    let home = Home::sqlite();
    let house = house(&home);
    user(&house, "ada");
    let conn = &mut house.conn();
    add_note(conn, "tea").unwrap();
    let names: Vec<String> = auth_user::table.select(auth_user::username).load(conn).unwrap();
    let texts: Vec<String> = note::table.into_boxed().select(note::text).load(conn).unwrap();
    assert_eq!((names, texts), (vec!["ada".to_owned()], vec!["tea".to_owned()]));
    let exists =
        diesel::select(diesel::dsl::exists(note::table.filter(note::text.eq("auth_user"))));
    assert!(!exists.get_result::<bool>(conn).unwrap());
    diesel::update(note::table).set(note::text.eq("FROM auth_user")).execute(conn).unwrap();
    assert_eq!(notes(&house), ["FROM auth_user"]);
    assert_eq!(diesel::delete(note::table).execute(conn).unwrap(), 1);
    assert_eq!(house.place_of("auth_user"), Place::Shared);
    assert_eq!(house.place_of("note"), Place::Local);
}

#[test]
fn a_query_of_local_tables_takes_no_shared_connection() {
    let home = Home::sqlite();
    let house = house(&home);
    let (shared, local) = (house.stats().shared.checkouts, house.stats().local.checkouts);
    add_note(&mut house.conn(), "tea").unwrap();
    drop(house.conn());
    assert_eq!(house.stats().shared.checkouts, shared);
    assert_eq!(house.stats().local.checkouts, local + 1);
}

#[test]
fn a_query_over_both_places_is_an_error_that_names_the_tables() {
    let home = Home::sqlite();
    let house = house(&home);
    let query = "SELECT * FROM note JOIN auth_user ON auth_user.id = note.user_id";
    let error = diesel::sql_query(query).execute(&mut house.conn()).unwrap_err();
    let DieselError::QueryBuilderError(source) = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref::<Error>(), Some(Error::BothPlaces { .. })));
    let text = Error::from(error).to_string();
    assert!(text.contains("(shared: auth_user; local: note)"), "{text}");
}

#[test]
fn raw_sql_that_cannot_be_read_is_an_error_and_no_guess() {
    let home = Home::sqlite();
    let house = house(&home);
    for sql in ["SELEKT 1", "BEGIN", "SELECT * FROM note; COMMIT"] {
        let error = house.conn().batch_execute(sql).unwrap_err();
        let error = Error::from(error);
        assert!(matches!(error, Error::UnreadableSql { .. }), "{sql}: {error:?}");
        assert!(error.to_string().contains("house.local()"));
    }
}

#[test]
fn a_transaction_commits_and_rolls_back_where_it_wrote() {
    let home = Home::sqlite();
    let house = house(&home);
    user(&house, "ada");
    let done = house.conn().transaction(|conn| {
        let users: i64 = auth_user::table.count().get_result(conn)?;
        assert_eq!(users, 1);
        add_note(conn, "kept")?;
        conn.transaction(|conn| {
            add_note(conn, "inner")?;
            Err::<(), _>(DieselError::RollbackTransaction)
        })
        .unwrap_err();
        Ok::<_, DieselError>(())
    });
    assert_eq!(done, Ok(()));
    let failed = house.conn().transaction(|conn| {
        add_note(conn, "lost")?;
        Err::<(), _>(DieselError::RollbackTransaction)
    });
    assert_eq!(failed, Err(DieselError::RollbackTransaction));
    assert_eq!(notes(&house), ["kept"]);
}

#[test]
fn a_transaction_does_not_write_in_two_places() {
    let home = Home::sqlite();
    let house = house(&home);
    let error = house
        .conn()
        .transaction(|conn| {
            add_note(conn, "tea")?;
            add_group(conn, "readers")
        })
        .unwrap_err();
    let error = Error::from(error);
    assert!(matches!(&error, Error::SecondPlace { place: Place::Local, .. }), "{error:?}");
    assert!(error.to_string().contains("note") && error.to_string().contains("auth_group"));
    assert_eq!((notes(&house).len(), groups(&house)), (0, 0));
}

#[test]
fn a_write_that_was_rolled_back_leaves_the_choice_open() {
    let home = Home::sqlite();
    let house = house(&home);
    let conn = &mut house.conn();
    conn.transaction(|conn| {
        let inner = conn.transaction(|conn| {
            add_note(conn, "tea")?;
            Err::<(), _>(DieselError::RollbackTransaction)
        });
        assert!(inner.is_err());
        add_group(conn, "readers")
    })
    .unwrap();
    assert_eq!((notes(&house).len(), groups(&house)), (0, 1));
}

#[test]
fn a_write_of_a_savepoint_that_was_released_binds_the_transaction() {
    let home = Home::sqlite();
    let house = house(&home);
    let error = house
        .conn()
        .transaction(|conn| {
            conn.transaction(|conn| add_note(conn, "tea"))?;
            let inner = conn.transaction(|conn| {
                add_note(conn, "milk")?;
                Err::<(), _>(DieselError::RollbackTransaction)
            });
            assert!(inner.is_err());
            add_group(conn, "readers")
        })
        .unwrap_err();
    assert!(matches!(Error::from(error), Error::SecondPlace { place: Place::Local, .. }));
    assert_eq!((notes(&house).len(), groups(&house)), (0, 0));
}

#[test]
fn a_panic_in_a_transaction_leaves_nothing_open() {
    let home = Home::sqlite();
    let house = house(&home);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _: QueryResult<()> = house.conn().transaction(|conn| {
            add_note(conn, "lost")?;
            panic!("the closure panics")
        });
    }));
    assert!(panicked.is_err());
    // Were the transaction still open, this would wait for its lock in vain.
    add_note(&mut house.conn(), "tea").unwrap();
    assert_eq!(notes(&house), ["tea"]);
}

#[test]
fn a_dropped_connection_rolls_back() {
    use diesel::connection::TransactionManager;
    type Manager = <housekey::RoutedConnection<SqliteConnection> as Connection>::TransactionManager;
    let home = Home::sqlite();
    let house = house(&home);
    let mut conn = house.conn();
    Manager::begin_transaction(&mut conn).unwrap();
    add_note(&mut conn, "lost").unwrap();
    drop(conn);
    assert!(notes(&house).is_empty());
}

#[test]
fn a_shared_table_of_another_kind_is_an_error_that_names_the_door() {
    let Some(home) = Home::postgres() else { return crate::support::skip("PostgreSQL") };
    let house = house(&home);
    add_note(&mut house.conn(), "tea").unwrap();
    let error = auth_user::table.count().get_result::<i64>(&mut house.conn()).unwrap_err();
    let error = Error::from(error);
    assert!(matches!(error, Error::OtherKind { .. }), "{error:?}");
    assert!(error.to_string().contains("auth_user") && error.to_string().contains("shared_as"));
    let mut shared = house.shared_as::<PgConnection>().unwrap();
    assert_eq!(auth_user::table.count().get_result::<i64>(&mut shared), Ok(0));
    assert!(matches!(house.shared(), Err(Error::OtherKind { .. })));
}

#[test]
fn two_postgres_databases_are_routed_like_two_files() {
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return crate::support::skip("PostgreSQL");
    };
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&shared.shared_url(), &local.shared_url(), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = Housekey::<PgConnection>::open(config.password_iterations(10)).unwrap();
    local.execute(
        "CREATE TABLE note (id serial PRIMARY KEY, user_id int NOT NULL, text text NOT NULL)",
    );
    house.create_user("ada", "", "x").unwrap();
    let conn = &mut house.conn();
    let (id, text): (i32, String) = diesel::insert_into(note::table)
        .values((note::user_id.eq(1), note::text.eq("tea")))
        .returning((note::id, note::text))
        .get_result(conn)
        .unwrap();
    assert_eq!((id, text.as_str()), (1, "tea"));
    let names: Vec<String> = auth_user::table.select(auth_user::username).load(conn).unwrap();
    assert_eq!(names, ["ada"]);
}

#[test]
fn the_users_may_be_in_a_file_and_the_notes_on_a_server() {
    let (home, Some(local)) = (Home::sqlite(), Home::postgres()) else {
        return crate::support::skip("PostgreSQL");
    };
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&home.shared_url(), &local.shared_url(), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = Housekey::<PgConnection>::open(config.password_iterations(10)).unwrap();
    local.execute(
        "CREATE TABLE note (id serial PRIMARY KEY, user_id int NOT NULL, text text NOT NULL)",
    );
    let ada = house.create_user("ada", "", "x").unwrap();
    let values = (note::user_id.eq(1), note::text.eq("tea"));
    diesel::insert_into(note::table).values(values).execute(&mut house.conn()).unwrap();
    let error = auth_user::table.count().get_result::<i64>(&mut house.conn()).unwrap_err();
    assert!(matches!(Error::from(error), Error::OtherKind { .. }));
    let mut shared = house.shared_as::<SqliteConnection>().unwrap();
    assert_eq!(auth_user::table.count().get_result::<i64>(&mut shared), Ok(1));
    let owners = housekey::Referenced::of(&house, &[ada.id, 7], |id| *id);
    let owners: housekey::References<housekey::User, i64> = owners.unwrap();
    assert_eq!((owners.iter().flatten().count(), owners.missing()), (1, &[7][..]));
}

#[test]
fn the_same_url_twice_is_one_database_with_one_pool() {
    let home = Home::sqlite();
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&home.shared_url(), &home.shared_url(), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = House::open(config.pool_sizes(1, 1)).unwrap();
    let conn = &mut house.conn();
    conn.batch_execute("CREATE TABLE note (id integer PRIMARY KEY, user_id int, text text)")
        .unwrap();
    add_note(conn, "tea").unwrap();
    let joined =
        diesel::sql_query("SELECT * FROM note LEFT JOIN auth_user ON auth_user.id = user_id");
    joined.execute(conn).unwrap();
    conn.transaction(|conn| {
        add_note(conn, "milk")?;
        add_group(conn, "readers")
    })
    .unwrap();
    assert_eq!(house.stats().local.checkouts, house.stats().shared.checkouts);
}
