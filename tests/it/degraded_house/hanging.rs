//! Connections on which nothing comes back.

use std::process::Command;

use super::*;

impl Place {
    /// Visits that come together; how long the longest of them took, with the answers all 503.
    fn longest_of_refused_visits(&self, path: &str, visits: usize) -> Duration {
        std::thread::scope(|scope| {
            let visit = || {
                let began = Instant::now();
                assert_untouched(&self.visit(path));
                began.elapsed()
            };
            let visits: Vec<_> = (0..visits).map(|_| scope.spawn(visit)).collect();
            self.proxy.wait_until_held_up(1);
            self.assert_all_but_the_house_goes_on();
            visits.into_iter().map(|visit| visit.join().unwrap()).max().unwrap()
        })
    }
}

#[test]
fn visitors_wait_no_longer_than_the_deadline() {
    let Some(place) = Place::new("stuck") else { return skip("PostgreSQL") };
    place.fill_the_pool();
    place.proxy.set(Way::Stuck);
    let longest = place.longest_of_refused_visits("/", 10);
    assert!(longest < DEADLINE + Duration::from_millis(500), "{longest:?}");
    assert_untouched(&place.visit("/"));
    place.assert_all_but_the_house_goes_on();
    place.proxy.set(Way::Open);
    place.assert_is_back();
}

/// More of it than there are threads for the app's work.
#[test]
fn work_that_waits_for_the_house_does_not_stand_in_the_way() {
    let Some(place) = Place::new("crowd") else { return skip("PostgreSQL") };
    place.fill_the_pool();
    place.proxy.set(Way::Stuck);
    place.longest_of_refused_visits("/people", 40);
    place.proxy.set(Way::Open);
    place.assert_is_back();
    assert_eq!(place.visit("/people").body, "ada");
}

#[test]
fn connections_that_hung_and_then_broke_are_replaced() {
    let Some(place) = Place::new("cut") else { return skip("PostgreSQL") };
    place.fill_the_pool();
    place.proxy.set(Way::Stuck);
    place.longest_of_refused_visits("/", 4);
    place.proxy.cut();
    place.proxy.set(Way::Open);
    place.assert_is_back();
}

/// Nobody ever tells that these are lost: a firewall has forgotten them, or the other machine is gone.
#[test]
fn connections_that_hang_for_ever_are_given_up() {
    let Some(place) = Place::new("lost") else { return skip("PostgreSQL") };
    place.fill_the_pool();
    place.proxy.set(Way::Stuck);
    place.longest_of_refused_visits("/", 4);
    // The first tries to connect anew are lost as well.
    let known = place.proxy.connections();
    while place.proxy.connections() < known + 2 {
        std::thread::yield_now();
    }
    place.proxy.strand();
    place.proxy.set(Way::Open);
    place.assert_is_back();
    for path in ["/", "/page", "/people"] {
        assert_eq!(place.visit(path).status, 200);
    }
    assert_eq!(request("POST", place.app, "/login", "").status, 200);
}

/// Server processes that are stopped, and go on when this is dropped.
struct Stopped(Vec<String>);

impl Stopped {
    fn all_of(place: &Place) -> Option<Self> {
        let pids = database::texts(
            &place.home.shared_url(),
            "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid()",
        );
        assert_eq!(pids.len(), 4, "one for each connection of the pool");
        let stopped = Self(pids);
        stopped.signal("-STOP").then_some(stopped)
    }

    fn signal(&self, signal: &str) -> bool {
        let status = Command::new("kill").arg(signal).args(&self.0).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

#[test]
fn server_processes_that_are_stopped_are_done_without() {
    let Some(place) = Place::new("stopped") else { return skip("PostgreSQL") };
    place.fill_the_pool();
    let Some(stopped) = Stopped::all_of(&place) else { return skip("right to stop PostgreSQL") };
    std::thread::scope(|scope| {
        let visits: Vec<_> =
            (0..4).map(|_| scope.spawn(|| assert_untouched(&place.visit("/")))).collect();
        place.assert_all_but_the_house_goes_on();
        for visit in visits {
            visit.join().unwrap();
        }
    });
    // They still hang.
    place.assert_is_back();
    let connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND pid <> pg_backend_pid()";
    assert!(place.home.count(connections) <= 8);

    drop(stopped);
    place.assert_is_back();
    // Those that hung are closed when they have answered.
    while place.home.count(connections) > 4 {
        std::thread::yield_now();
    }
}

#[test]
fn server_processes_that_end_while_they_are_stopped_are_replaced() {
    let Some(place) = Place::new("ended") else { return skip("PostgreSQL") };
    place.fill_the_pool();
    let Some(stopped) = Stopped::all_of(&place) else { return skip("right to stop PostgreSQL") };
    assert_untouched(&place.visit("/"));
    place.home.execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[{}]) AS pid",
        stopped.0.join(", ")
    ));
    drop(stopped);
    place.assert_is_back();
}
