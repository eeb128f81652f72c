//! What the routed connection costs beside plain diesel and r2d2, in one run.
//!
//!     cargo bench --all-features --bench routing
//!
//! PostgreSQL takes part when `HOUSEKEY_TEST_POSTGRES` names a server (`scripts/test` shows how to start one).

#![expect(clippy::exhaustive_structs, reason = "so are the items of `table!`")]
#![expect(missing_docs, reason = "criterion's macros make public items")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "the environment says where PostgreSQL is")]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
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

/// The same query, on a connection of a plain pool and on a routed one.
macro_rules! compare {
    ($group:expr, $pool:expr, $house:expr) => {
        $group.bench_function("typed/plain", |bench| {
            bench.iter(|| by_key(black_box(1)).first::<String>(&mut $pool.get().unwrap()).unwrap());
        });
        $group.bench_function("typed/routed", |bench| {
            bench.iter(|| by_key(black_box(1)).first::<String>(&mut $house.conn()).unwrap());
        });
        $group.bench_function("boxed/plain", |bench| {
            bench.iter(|| {
                let query = note::table.into_boxed().filter(note::id.eq(black_box(1)));
                query.select(note::text).first::<String>(&mut $pool.get().unwrap()).unwrap()
            });
        });
        $group.bench_function("boxed/routed", |bench| {
            bench.iter(|| {
                let query = note::table.into_boxed().filter(note::id.eq(black_box(1)));
                query.select(note::text).first::<String>(&mut $house.conn()).unwrap()
            });
        });
    };
}

#[diesel::dsl::auto_type]
fn by_key(id: i32) -> _ {
    note::table.find(id).select(note::text)
}

fn decision(group: &mut BenchmarkGroup<'_, WallTime>, house: &Housekey<SqliteConnection>) {
    let query = auth_user::table.find(1).select(auth_user::id);
    group.bench_function("decision/known by type", |bench| {
        bench.iter(|| house.place_of_query(black_box(&query)).unwrap());
    });
}

fn sqlite(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("housekey-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let house = open::<SqliteConnection>(&path("shared.db"), &path("local.db"));
    let pool = pool::<SqliteConnection>(&path("local.db"));
    let mut group = criterion.benchmark_group("sqlite");
    decision(&mut group, &house);
    compare!(group, pool, house);
    group.finish();
    std::fs::remove_dir_all(&folder).unwrap();
}

fn postgres(criterion: &mut Criterion) {
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
    let pool = pool::<PgConnection>(&local);
    let mut group = criterion.benchmark_group("postgres");
    compare!(group, pool, house);
    group.finish();
    drop((house, pool));
    for name in &names {
        conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
    }
}

criterion_group!(benches, sqlite, postgres);
criterion_main!(benches);
