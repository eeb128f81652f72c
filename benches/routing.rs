//! What the routed connection costs beside plain diesel and r2d2, in one run.
//!
//!     cargo bench --all-features --bench routing
//!
//! PostgreSQL takes part when `HOUSEKEY_TEST_POSTGRES` names a server (`scripts/test` shows how to start one).

#![expect(clippy::exhaustive_structs, reason = "so are the items of `table!`")]
#![expect(missing_docs, reason = "criterion's macros make public items")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the ratios are what one wants to see")]
#![expect(clippy::disallowed_methods, reason = "the environment says where PostgreSQL is")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use housekey::schema::auth_user;
use housekey::{Config, HouseConnection, Housekey, SecretKey};

diesel::table! {
    note (id) {
        id -> Integer,
        text -> Text,
    }
}

fn open<L: HouseConnection>(shared: &str, local: &str) -> Housekey<L> {
    let key = SecretKey::new("benches-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF").unwrap();
    let config = Config::new(shared, local, key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = Housekey::<L>::open(config).unwrap();
    house
        .local()
        .unwrap()
        .batch_execute(
            "DROP TABLE IF EXISTS note; CREATE TABLE note (id integer PRIMARY KEY, text text NOT NULL); \
             INSERT INTO note VALUES (1, 'tea')",
        )
        .unwrap();
    house
}

/// A pool as housekey's: no ping at check-out.
fn pool<C: R2D2Connection + Send + 'static>(url: &str) -> Pool<ConnectionManager<C>> {
    let builder = Pool::builder().max_size(8).min_idle(Some(0)).test_on_check_out(false);
    builder.build_unchecked(ConnectionManager::new(url))
}

const ROUNDS: usize = 400;
const QUERIES: u32 = 100;

/// The same query on a plain and on a routed connection, turn by turn, so that what the machine does
/// besides meets both: the medians, and how they compare.
fn side_by_side(name: &str, mut plain: impl FnMut(), mut routed: impl FnMut()) {
    let time = |query: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..QUERIES).for_each(|_| query());
        start.elapsed() / QUERIES
    };
    let mut times: Vec<_> = (0..ROUNDS).map(|_| (time(&mut plain), time(&mut routed))).collect();
    times.sort_by_key(|(plain, _)| *plain);
    let plain = times[ROUNDS / 2].0;
    times.sort_by_key(|(_, routed)| *routed);
    let routed = times[ROUNDS / 2].1;
    let ratio = routed.as_secs_f64() / plain.as_secs_f64();
    println!("{name:<16} plain {plain:>9.2?}   routed {routed:>9.2?}   ratio {ratio:.3}");
}

macro_rules! compare {
    ($name:expr, $plain:expr, $house:expr) => {
        side_by_side(
            &format!("{} typed", $name),
            || drop(by_key(black_box(1)).first::<String>(&mut $plain).unwrap()),
            || drop(by_key(black_box(1)).first::<String>(&mut $house.conn()).unwrap()),
        );
        let boxed =
            || note::table.into_boxed().filter(note::id.eq(black_box(1))).select(note::text);
        side_by_side(
            &format!("{} boxed", $name),
            || drop(boxed().first::<String>(&mut $plain).unwrap()),
            || drop(boxed().first::<String>(&mut $house.conn()).unwrap()),
        );
    };
}

#[diesel::dsl::auto_type]
fn by_key(id: i32) -> _ {
    note::table.find(id).select(note::text)
}

fn sqlite(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("housekey-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let house = open::<SqliteConnection>(&path("shared.db"), &path("local.db"));
    let pool = pool::<SqliteConnection>(&path("local.db"));
    let query = auth_user::table.find(1).select(auth_user::id);
    criterion.bench_function("decision known by type", |bench| {
        bench.iter(|| house.place_of_query(black_box(&query)).unwrap());
    });
    compare!("SQLite", pool.get().unwrap(), house);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn postgres(_: &mut Criterion) {
    let Ok(admin) = std::env::var("HOUSEKEY_TEST_POSTGRES") else { return };
    let mut conn = PgConnection::establish(&admin).unwrap();
    let server = admin.rsplit_once('/').unwrap().0;
    let names =
        ["shared", "local"].map(|name| format!("housekey_bench_{name}_{}", std::process::id()));
    for name in &names {
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    }
    let [shared, local] = [0, 1].map(|at| format!("{server}/{}", names[at]));
    let house = open::<PgConnection>(&shared, &local);
    // The same backend for both: two of them may sit on different cores, which is a factor of three.
    compare!("PostgreSQL", house.local().unwrap(), house);
    drop(house);
    for name in &names {
        conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
    }
}

criterion_group!(benches, sqlite, postgres);
criterion_main!(benches);
