//! What an app can see of its queries: spans, counters, diesel's own instrumentation, and no allocation.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use axum::http::HeaderValue;
use axum::response::{Html, IntoResponse, Response};
use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use housekey::axum::HousekeyLayer;
use housekey::schema::auth_user;
use tower_layer::Layer;
use tower_service::Service;

use crate::support::log::recorded;
use crate::support::{Home, House, user};

diesel::table! {
    note (id) {
        id -> Integer,
        text -> Text,
    }
}

fn house(home: &Home) -> House {
    let house = home.open("notes");
    let table = "CREATE TABLE note (id integer PRIMARY KEY, text text NOT NULL)";
    house.local().unwrap().batch_execute(table).unwrap();
    house
}

#[test]
fn every_query_is_a_span_with_its_place_and_tables_and_without_its_values() {
    let home = Home::sqlite();
    let house = house(&home);
    let seen = recorded(|| {
        let conn = &mut house.conn();
        let value = note::text.eq("s3cr3t");
        diesel::insert_into(note::table).values(value).execute(conn).unwrap();
        auth_user::table.select(auth_user::id).load::<i32>(conn).unwrap();
    });
    let expected = [
        "query place=local tables=\"note\"",
        "begin",
        "end",
        "query place=shared tables=\"auth_user\"",
        "begin",
        "end",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_counters_tell_what_was_known_and_what_was_waited_for() {
    let home = Home::sqlite();
    let house = house(&home);
    let before = house.stats();
    let conn = &mut house.conn();
    for _ in 0..10 {
        note::table.count().get_result::<i64>(conn).unwrap();
        note::table.into_boxed().count().get_result::<i64>(conn).unwrap();
    }
    let after = house.stats();
    assert_eq!((after.routed - before.routed, after.decided - before.decided), (20, 2));
    assert_eq!(after.local.checkouts - before.local.checkouts, 1);
    assert_eq!((after.local.open, after.local.idle, after.local.size), (1, 0, 8));

    let small =
        home.config("tasks").pool_sizes(1, 1).deadline(std::time::Duration::from_millis(50));
    let small = House::open(small).unwrap();
    let _held = small.shared().unwrap();
    assert!(matches!(small.shared(), Err(housekey::Error::PoolTimeout { .. })));
    let stats = small.stats().shared;
    assert_eq!((stats.timeouts, stats.open, stats.idle), (1, 1, 0));
    assert!(stats.waited.as_millis() >= 50);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Log {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            self.0.lock().unwrap().push(query.to_string());
        }
    }
}

#[test]
fn diesels_instrumentation_sees_the_queries_of_both_places_and_of_no_other_connection() {
    let home = Home::sqlite();
    let house = house(&home);
    let log = Log::default();
    let mut conn = house.conn();
    conn.set_instrumentation(log.clone());
    note::table.count().get_result::<i64>(&mut conn).unwrap();
    auth_user::table.count().get_result::<i64>(&mut conn).unwrap();
    drop(conn);
    note::table.count().get_result::<i64>(&mut house.conn()).unwrap();
    let seen = log.0.lock().unwrap().clone();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].contains("note") && seen[1].contains("auth_user"));
}

/// The routed connection may allocate no more than diesel does on a connection that is there already.
#[test]
fn a_known_query_is_routed_without_allocation() {
    let home = Home::sqlite();
    let house = house(&home);
    user(&house, "ada");
    let query = || auth_user::table.find(1).select(auth_user::id);
    let mut routed = house.conn();
    let mut plain = house.shared().unwrap();
    for _ in 0..3 {
        query().first::<i32>(&mut routed).unwrap();
        query().first::<i32>(&mut plain).unwrap();
    }
    let ours = allocation_counter::measure(|| drop(query().first::<i32>(&mut routed)));
    let theirs = allocation_counter::measure(|| drop(query().first::<i32>(&mut plain)));
    assert_eq!(ours.count_total, theirs.count_total);
    house.place_of_query(&query()).unwrap();
    let local = || note::table.find(1).select(note::id);
    let (mut routed, mut plain) = (house.conn(), house.local().unwrap());
    for _ in 0..3 {
        assert!(local().first::<i32>(&mut routed).is_err());
        assert!(local().first::<i32>(&mut plain).is_err());
    }
    let ours = allocation_counter::measure(|| drop(local().first::<i32>(&mut routed)));
    let theirs = allocation_counter::measure(|| drop(local().first::<i32>(&mut plain)));
    assert_eq!(ours.count_total, theirs.count_total);
    drop((routed, plain));
    let fresh = allocation_counter::measure(|| drop(local().first::<i32>(&mut house.conn())));
    let pooled =
        allocation_counter::measure(|| drop(local().first::<i32>(&mut house.local().unwrap())));
    assert_eq!(fresh.count_total, pooled.count_total);
    let decision = allocation_counter::measure(|| drop(house.place_of_query(&query())));
    assert_eq!(decision.count_total, 0);
}

/// A page that is there already, with the headers that pages have.
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

/// A visitor's request, as a router hands it to a layer.
fn request(cookie: Option<&str>) -> Request {
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert("host", HeaderValue::from_static("127.0.0.1"));
    request.headers_mut().insert("accept", HeaderValue::from_static("text/html"));
    if let Some(cookie) = cookie {
        request.headers_mut().insert("cookie", HeaderValue::from_str(cookie).unwrap());
    }
    request.extensions_mut().insert(OriginalUri("/".parse().unwrap()));
    request
}

/// Until the answer is there, which waits for nothing.
fn allocations(
    service: &mut impl Service<Request, Response = Response, Error = Infallible>,
    request: Request,
) -> u64 {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut answer = None;
    let counted = allocation_counter::measure(|| {
        let mut answered = pin!(service.call(request));
        let Poll::Ready(Ok(response)) = answered.as_mut().poll(cx) else { panic!("it waits") };
        answer = Some(response);
    });
    assert_eq!(answer.unwrap().status(), 200);
    counted.count_total
}

/// What remains are the visit itself, and its place among the extensions of the request.
#[test]
fn who_has_no_session_costs_two_allocations() {
    let home = Home::sqlite();
    let house = house(&home);
    let layer = HousekeyLayer::new(&house).with_secure_hsts_seconds(60).with_login_url("/login");
    let layer = layer.with_allowed_host(".example.org").with_allowed_host("127.0.0.1");
    let mut guarded = layer.layer(Page);
    let mut plain = Page;
    for cookie in [None, Some("theme=dark; sidebar=open")] {
        // What is put together once is there from the second request on.
        allocations(&mut guarded, request(cookie));
        let ours = allocations(&mut guarded, request(cookie));
        let theirs = allocations(&mut plain, request(cookie));
        assert_eq!(ours - theirs, 2, "{cookie:?}");
    }
    let decided = allocation_counter::measure(|| drop(house.session(None)));
    assert_eq!(decided.count_total, 1, "the session, which holds nothing yet");
}
