//! What a request costs beside its query, as far as it can be asked from outside; the parts in between, with the ratios that
//! are promised, are timed by `src/micro.rs`.
//!
//!     cargo bench --all-features --bench micro

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{Html, IntoResponse, Response};
use criterion::{Criterion, criterion_group, criterion_main};
use diesel::SqliteConnection;
use hmac::{Hmac, KeyInit, Mac};
use housekey::axum::HousekeyLayer;
use housekey::signing::{ObjectSigner, TimestampSigner};
use housekey::{Config, Housekey, KeyRing, SecretKey, Session};
use sha2::Sha256;
use tower_layer::Layer;
use tower_service::Service;

const KEY: &str = "benches-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF";

type Values = BTreeMap<String, serde_json::Value>;

fn signing(criterion: &mut Criterion) {
    let now = chrono::DateTime::from_timestamp(1_764_000_000, 0).unwrap();
    let ring = KeyRing::new(SecretKey::new(KEY).unwrap());
    let raw: Hmac<Sha256> = Hmac::new_from_slice(KEY.as_bytes()).unwrap();
    let mut group = criterion.benchmark_group("signing");
    group.bench_function("raw HMAC-SHA256 of 64 bytes", |bench| {
        bench.iter(|| raw.clone().chain_update(black_box([b'm'; 64])).finalize());
    });
    let signer = TimestampSigner::new(&ring, "notes");
    let text = signer.sign(&"v".repeat(57), now);
    group.bench_function("a signed value of 64 bytes is verified", |bench| {
        bench.iter(|| signer.unsign(black_box(&text)).unwrap());
    });
    let objects = ObjectSigner::new(&ring, "django.contrib.sessions.SessionStore");
    let login = BTreeMap::from([
        ("_auth_user_id", "543231".to_owned()),
        ("_auth_user_backend", "django.contrib.auth.backends.ModelBackend".to_owned()),
        ("_auth_user_hash", "d14d993e50".repeat(7)[..64].to_owned()),
    ]);
    let plain = objects.dumps(&login, now).unwrap();
    group.bench_function("the data of a login, plain", |bench| {
        bench.iter(|| objects.loads::<Values>(black_box(&plain)).unwrap());
    });
    let packed = objects.dumps_compressed(&login, now).unwrap();
    assert!(packed.starts_with('.'));
    group.bench_function("the data of a login, packed as Django does", |bench| {
        bench.iter(|| objects.loads::<Values>(black_box(&packed)).unwrap());
    });
}

fn requests(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("housekey-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&path("shared.db"), &path("local.db"), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = Housekey::<SqliteConnection>::open(config.password_iterations(1)).unwrap();
    let ada = house.create_user("ada", "", "correct horse battery staple").unwrap();
    let session = Session::default();
    house.login(&session, &ada).unwrap();
    let cookie = session.key().unwrap().expose_secret().to_owned();
    let mut forged = cookie.clone();
    forged.replace_range(39.., if cookie.ends_with('a') { "b" } else { "a" });

    let mut group = criterion.benchmark_group("requests");
    group.bench_function("a forged cookie is refused", |bench| {
        bench.iter(|| house.session(Some(black_box(&forged))).unwrap());
    });
    group.bench_function("a cookie is looked up (SQLite)", |bench| {
        bench.iter(|| house.session(Some(black_box(&cookie))).unwrap());
    });
    let mut plain = Page;
    group.bench_function("an anonymous request without the layer", |bench| {
        bench.iter(|| answer(&mut plain, "theme=dark; sidebar=open"));
    });
    let mut guarded = HousekeyLayer::new(&house).layer(Page);
    group.bench_function("an anonymous request through the layer", |bench| {
        bench.iter(|| answer(&mut guarded, "theme=dark; sidebar=open"));
    });
    drop(group);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[derive(Clone)]
struct Page;

impl Service<Request> for Page {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        ready(Ok(Html("hello").into_response()))
    }
}

/// It waits for nothing.
fn answer(
    service: &mut impl Service<Request, Response = Response, Error = Infallible>,
    cookie: &'static str,
) -> Response {
    let request = Request::builder().header("host", "127.0.0.1").header("cookie", cookie);
    let mut answered = pin!(service.call(request.body(Body::empty()).unwrap()));
    let answered = answered.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = answered else { panic!("it waits") };
    response
}

criterion_group!(benches, signing, requests);
criterion_main!(benches);
