//! What it costs to make HTML of a page, and to find what stands on it: 50 users of 100,000.
//!
//!     cargo bench --features pages --bench pages

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use criterion::{Criterion, criterion_group, criterion_main};
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use housekey::pages::{Frame, UserRow, Users};
use housekey::{Config, Housekey, SecretKey, Session, UserSearch};

const PASSWORD: &str = "correct horse battery staple";

fn users(criterion: &mut Criterion) {
    let now = "2026-05-20T12:00:00Z".parse().unwrap();
    let user = |id: i64| UserRow {
        id,
        username: format!("wilhelmine.schwarzenberger.{id}"),
        name: "Wilhelmine Schwarzenberger".to_owned(),
        email: format!("wilhelmine.schwarzenberger.{id}@example.org"),
        is_active: id % 10 != 0,
        is_staff: id % 8 == 0,
        is_superuser: id % 16 == 0,
        last_login: Some(now),
    };
    let frame =
        Frame { app: "billing".to_owned(), base: "/account".to_owned(), now, ..Frame::default() };
    let page =
        Users { frame, users: (0..50).map(user).collect(), may_add: true, ..Users::default() };
    criterion.bench_function("users, 50 of them", |bench| bench.iter(|| page.to_html()));
}

/// As the handler does it, but for the request: the desk is opened, the users are found and shown.
fn users_of_many(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("housekey-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.join(name).display());
    let key = SecretKey::new(housekey::key::generate()).unwrap();
    let config = Config::new(&url("house.db"), &url("notes.db"), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = Housekey::<SqliteConnection>::open(config).unwrap();
    let ada = house.create_superuser("ada", "", PASSWORD).unwrap();
    house.shared().unwrap().batch_execute(MANY).unwrap();
    let session = Session::default();
    house.login(&session, &ada).unwrap();
    for (name, text) in
        [("the first page", ""), ("a word", "hopper77"), ("two words", "gra hopper77")]
    {
        let wanted = UserSearch::default().text(text);
        criterion.bench_function(&format!("50 of 100,000 users: {name}"), |bench| {
            bench.iter(|| {
                let found = house.desk(&session).unwrap().users(&wanted).unwrap();
                assert_eq!(found.users.len(), 50);
                let users = found.users.iter().map(UserRow::from).collect();
                Users { users, next: found.next, ..Users::default() }.to_html()
            });
        });
    }
    drop(house);
    std::fs::remove_dir_all(&folder).unwrap();
}

const MANY: &str = "
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 99999)
    INSERT INTO auth_user (username, first_name, last_name, email, password, is_active, is_staff, is_superuser,
                           date_joined)
    SELECT 'grace' || n, 'Grace', 'Hopper' || n, 'grace' || n || '@example.org', '!', 1, 0, 0, '2026-01-01 00:00:00'
    FROM number";

criterion_group!(benches, users, users_of_many);
criterion_main!(benches);
