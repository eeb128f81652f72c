//! What it costs to make HTML of a page.
//!
//!     cargo bench --features pages --bench pages

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use criterion::{Criterion, criterion_group, criterion_main};
use housekey::pages::{Frame, UserRow, Users};

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

criterion_group!(benches, users);
criterion_main!(benches);
