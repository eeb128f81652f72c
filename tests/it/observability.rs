//! What an app can see of its queries: spans, counters, diesel's own instrumentation, and no allocation.

use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use housekey::schema::auth_user;

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
