//! Transactions of the routed connection: what others see of them, and that nobody waits for ever.

use std::sync::Barrier;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use housekey::schema::auth_group;
use housekey::{Config, Error, Housekey, Place, SecretKey};

use crate::support::{Home, House, KEY, skip};

diesel::table! {
    note (id) {
        id -> Integer,
        text -> Text,
    }
}

const TABLE: &str = "CREATE TABLE note (id integer PRIMARY KEY, text text NOT NULL)";

fn sqlite(home: &Home, change: impl FnOnce(Config) -> Config) -> House {
    let house = home.open_with(change(home.config("notes")));
    house.local().unwrap().batch_execute(TABLE).unwrap();
    house
}

fn postgres(shared: &Home, local: &Home) -> Housekey<PgConnection> {
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&shared.shared_url(), &local.shared_url(), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = Housekey::<PgConnection>::open(config).unwrap();
    house.local().unwrap().batch_execute(TABLE).unwrap();
    house
}

macro_rules! add_note {
    ($conn:expr, $id:expr) => {
        diesel::insert_into(note::table)
            .values((note::id.eq($id), note::text.eq("x")))
            .execute($conn)
    };
}

macro_rules! add_group {
    ($conn:expr, $name:expr) => {
        diesel::insert_into(auth_group::table).values(auth_group::name.eq($name)).execute($conn)
    };
}

macro_rules! notes {
    ($conn:expr) => {
        note::table.count().get_result::<i64>($conn).unwrap()
    };
}

macro_rules! groups {
    ($conn:expr) => {
        auth_group::table.count().get_result::<i64>($conn).unwrap()
    };
}

/// An app's own tests roll everything back, in both places.
#[test]
fn a_test_transaction_leaves_nothing_in_either_place() {
    let home = Home::sqlite();
    let house = sqlite(&home, |config| config);
    let mut conn = house.conn();
    conn.begin_test_transaction().unwrap();
    add_note!(&mut conn, 1).unwrap();
    assert_eq!((notes!(&mut conn), groups!(&mut conn)), (1, 0));
    drop(conn);

    // Transactions that are each right by themselves are so in a test as well.
    let mut conn = house.conn();
    conn.begin_test_transaction().unwrap();
    conn.transaction(|conn| add_note!(conn, 1)).unwrap();
    conn.transaction(|conn| add_group!(conn, "readers")).unwrap();
    let both = conn.transaction(|conn| {
        add_note!(conn, 2)?;
        add_group!(conn, "writers")
    });
    assert!(matches!(both.map_err(Error::from), Err(Error::SecondPlace { .. })));
    assert_eq!((notes!(&mut conn), groups!(&mut conn)), (1, 1));
    drop(conn);

    let mut conn = house.conn();
    conn.test_transaction::<_, DieselError, _>(|conn| add_group!(conn, "readers"));
    drop(conn);
    let conn = &mut house.conn();
    assert_eq!((notes!(conn), groups!(conn)), (0, 0));
}

#[test]
fn on_postgres_a_transaction_is_seen_by_others_when_it_commits() {
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let house = postgres(&shared, &local);
    let (mut one, mut two) = (house.conn(), house.conn());
    one.transaction(|one| {
        add_note!(one, 1)?;
        assert_eq!(notes!(&mut two), 0, "not before the commit");
        one.transaction(|one| add_note!(one, 2))?;
        let inner = one.transaction(|one| {
            add_note!(one, 3)?;
            Err::<(), _>(DieselError::RollbackTransaction)
        });
        assert!(inner.is_err());
        assert_eq!((notes!(one), groups!(one)), (2, 0));
        Ok::<_, DieselError>(())
    })
    .unwrap();
    assert_eq!(notes!(&mut two), 2);
}

/// Both places joined, one snapshot in each: what others commit meanwhile is not seen.
#[test]
fn on_postgres_a_transaction_sees_one_snapshot_of_each_place_when_it_asks_for_one() {
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let house = postgres(&shared, &local);
    for home in [&shared, &local] {
        let name = home.text("SELECT current_database()::text");
        home.execute(&format!(
            "ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
        ));
    }
    let fresh = Housekey::<PgConnection>::open(
        Config::new(&shared.shared_url(), &local.shared_url(), SecretKey::new(KEY).unwrap())
            .unwrap(),
    )
    .unwrap();
    let mut other = house.conn();
    fresh
        .conn()
        .transaction(|conn| {
            assert_eq!((notes!(conn), groups!(conn)), (0, 0));
            add_note!(&mut other, 1)?;
            add_group!(&mut other, "readers")?;
            assert_eq!((notes!(conn), groups!(conn)), (0, 0));
            Ok::<_, DieselError>(())
        })
        .unwrap();
    assert_eq!((notes!(&mut other), groups!(&mut other)), (1, 1));
}

/// A deferred transaction that reads and then writes fails at once when another has written meanwhile,
/// whatever `busy_timeout` says. Ours takes the lock at its beginning, and waits for it.
#[test]
fn on_sqlite_two_writers_wait_for_each_other() {
    let home = Home::sqlite();
    let house = sqlite(&home, |config| config);
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (house, start) = (&house, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..10 {
                    let id = writer * 10 + round;
                    let written = house.conn().transaction(|conn| {
                        let before = notes!(conn);
                        add_note!(conn, id)?;
                        assert_eq!(notes!(conn), before + 1);
                        Ok::<_, DieselError>(())
                    });
                    assert_eq!(written, Ok(()));
                }
            });
        }
    });
    assert_eq!(notes!(&mut house.conn()), 80);
}

/// Pools of three, and threads that hold a connection of one while they ask for one of the other.
fn nobody_waits_for_ever<L>(
    house: &Housekey<L>,
    work: impl Fn(&Housekey<L>, usize) -> Result<(), Error> + Sync,
) where
    L: housekey::HouseConnection,
{
    let start = Barrier::new(64);
    let results: Vec<Result<(), Error>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|number| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    (0..5).try_for_each(|_| work(house, number))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for result in results {
        match result {
            Ok(()) => {}
            Err(Error::PoolTimeout { place, size, .. }) => {
                assert_eq!(size, 3);
                assert!(matches!(place, Place::Shared | Place::Local));
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    let stats = house.stats();
    assert_eq!((stats.shared.open, stats.local.open), (stats.shared.idle, stats.local.idle));
}

#[test]
fn sixty_four_threads_on_pools_of_three_never_wait_for_each_other() {
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    drop(postgres(&shared, &local));
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&shared.shared_url(), &local.shared_url(), key).unwrap();
    let config = config.pool_sizes(3, 3).deadline(Duration::from_millis(500));
    let house = Housekey::<PgConnection>::open(config).unwrap();
    nobody_waits_for_ever(&house, |house, number| {
        let conn = &mut house.conn();
        let in_transaction = |conn: &mut housekey::RoutedConnection<PgConnection>| {
            if number % 2 == 0 {
                note::table.count().get_result::<i64>(conn)?;
                auth_group::table.count().get_result::<i64>(conn)?;
            } else {
                auth_group::table.count().get_result::<i64>(conn)?;
                note::table.count().get_result::<i64>(conn)?;
            }
            Ok::<_, DieselError>(())
        };
        let done =
            if number % 4 < 2 { conn.transaction(in_transaction) } else { in_transaction(conn) };
        done.map_err(Error::from)
    });
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%'";
    assert_eq!((shared.count(open), local.count(open)), (0, 0));
}

#[test]
fn rows_may_be_loaded_one_by_one() {
    use diesel::pg::PgRowByRowLoadingMode;
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let house = postgres(&shared, &local);
    let conn = &mut house.conn();
    for id in 0..5 {
        add_note!(conn, id).unwrap();
    }
    let rows = note::table
        .select(note::id)
        .order(note::id)
        .load_iter::<i32, PgRowByRowLoadingMode>(conn)
        .unwrap();
    let ids: Vec<i32> = rows.map(Result::unwrap).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
}

#[test]
fn a_panic_leaves_no_transaction_open_on_the_server() {
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let house = postgres(&shared, &local);
    for round in 0..10 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _: QueryResult<()> = house.conn().transaction(|conn| {
                add_note!(conn, round)?;
                groups!(conn);
                panic!("the closure panics")
            });
        }));
        assert!(panicked.is_err());
    }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%'";
    // A server sees a moment later that a connection is gone.
    let is_quiet = |home: &Home| (0..1_000).any(|_| home.count(open) == 0);
    assert!(is_quiet(&shared) && is_quiet(&local));
    assert_eq!(notes!(&mut house.conn()), 0);
}
