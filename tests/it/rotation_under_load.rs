//! A house of two Rust apps and a Django app changes its key in three steps while visitors go on: nobody is signed
//! out, nobody is told that something went wrong, and a step too early is refused with the name of the app.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use housekey::{Caretaker, Error, SecretKey, Seen, SignOut};
use serde_json::json;

use crate::support::apps::{App, Browser};
use crate::support::django::Version::V5_2;
use crate::support::{Home, KEY, OTHER_KEY, on_both_databases, user};

on_both_databases!(three_steps_under_load_sign_nobody_out);

const NAMES: [&str; 3] = ["rust1", "rust2", "django"];
/// How many visitors each of the three drivers begins with, and how many come while the key changes.
const VISITORS: usize = 8;
const NEWCOMERS: usize = 24;

/// The apps as they run now. A request holds its app for reading, so that a restart waits for it, as a proxy
/// drains an app.
struct Apps([RwLock<App>; 3]);

impl Apps {
    fn start(home: &Home) -> Option<Self> {
        let apps =
            [start(home, 0, KEY, &[])?, start(home, 1, KEY, &[])?, start(home, 2, KEY, &[])?];
        Some(Self(apps.map(RwLock::new)))
    }

    fn restart(&self, home: &Home, which: usize, key: &str, fallbacks: &[&str]) {
        let mut app = self.0[which].write().unwrap();
        *app = start(home, which, key, fallbacks).unwrap();
    }
}

fn start(home: &Home, which: usize, key: &str, fallbacks: &[&str]) -> Option<App> {
    let fallbacks = json!(fallbacks).to_string();
    let settings = [("SECRET_KEY", key), ("SECRET_KEY_FALLBACKS", fallbacks.as_str())];
    match NAMES[which] {
        "django" => App::django_with(home, "django", V5_2, &settings),
        name => Some(App::start_with(home, name, &settings)),
    }
}

#[derive(Default)]
struct Load {
    stop: AtomicBool,
    requests: AtomicUsize,
    rounds: [AtomicUsize; 3],
}

impl Load {
    /// Until every visitor of every driver has been everywhere since now.
    fn wait_for_two_rounds(&self) {
        let begun = self.rounds.each_ref().map(|rounds| rounds.load(Ordering::SeqCst));
        while self
            .rounds
            .iter()
            .zip(begun)
            .any(|(rounds, begun)| rounds.load(Ordering::SeqCst) < begun + 2)
        {
            assert!(!self.stop.load(Ordering::SeqCst), "a driver has failed");
            std::thread::yield_now();
        }
    }
}

/// If a driver panics, the others and the operator do not wait for it.
struct StopsAll<'a>(&'a Load);

impl Drop for StopsAll<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}

fn drive(number: usize, apps: &Apps, load: &Load) {
    let _stops_all = StopsAll(load);
    let sign_in = |at: usize| {
        let mut browser = Browser::new();
        browser.sign_in(&apps.0[at].read().unwrap(), "ada");
        browser
    };
    let mut visitors: Vec<Browser> = (0..VISITORS).map(|_| sign_in(number)).collect();
    let mut round = 0;
    while !load.stop.load(Ordering::SeqCst) {
        for visitor in &mut visitors {
            ask_both_rust_apps_at_once(visitor, apps);
            load.requests.fetch_add(2, Ordering::SeqCst);
            for app in 0..NAMES.len() {
                let app = apps.0[(number + app + round) % NAMES.len()].read().unwrap();
                let answer = visitor.get(&app, "/whoami");
                assert_eq!(answer.status(), 200, "{}: {}", app.name, answer.text);
                assert_eq!(answer.json()["username"], "ada", "at {} in round {round}", app.name);
                load.requests.fetch_add(1, Ordering::SeqCst);
            }
        }
        round += 1;
        load.rounds[number].fetch_add(1, Ordering::SeqCst);
        if visitors.len() < VISITORS + NEWCOMERS {
            visitors.push(sign_in(round % NAMES.len()));
        }
    }
}

/// As a page does that has more than one part. With a Django app among them one may be a stranger for once, as in
/// any Django: that one deletes a session when it renews it.
fn ask_both_rust_apps_at_once(visitor: &mut Browser, apps: &Apps) {
    let before = visitor.session();
    let answers = std::thread::scope(|scope| {
        let asked = [0, 1].map(|which| {
            let mut browser = visitor.thief();
            scope.spawn(move || {
                let answer = browser.get(&apps.0[which].read().unwrap(), "/whoami");
                (answer.status(), answer.json()["username"].clone(), browser.session())
            })
        });
        asked.map(|answer| answer.join().unwrap())
    });
    for (status, name, session) in answers {
        assert_eq!((status, &name), (200, &json!("ada")), "one of two at once");
        if session != before {
            visitor.set_session(session);
        }
    }
}

fn three_steps_under_load_sign_nobody_out(home: &Home) {
    user(&home.open("rust1"), "ada");
    let Some(apps) = Apps::start(home) else { return };
    let load = Load::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..NAMES.len() {
            let (apps, load) = (&apps, &load);
            scope.spawn(move || drive(number, apps, load));
        }
        let _stops_all = StopsAll(&load);
        load.wait_for_two_rounds();
        rotate(home, &apps, &load);
    });
    let (requests, took) = (load.requests.into_inner(), began.elapsed());
    eprintln!("{requests} requests in {took:?}");
    assert!(requests > 1000, "{requests}");
}

fn rotate(home: &Home, apps: &Apps, load: &Load) {
    let (old, new) = (KEY, OTHER_KEY);
    let key = |text| SecretKey::new(text).unwrap();
    let keeper = home.config("operator").fallback_key(key(new));
    let keeper = Caretaker::open(keeper).unwrap();

    keeper.stage_key(&key(new)).unwrap();
    apps.restart(home, 0, old, &[new]);
    load.wait_for_two_rounds();
    let early = keeper.promote_key(Seen::default(), &[]).unwrap_err();
    assert!(
        matches!(early, Error::KeyTooEarly { .. }) && early.to_string().contains("`rust2`"),
        "{early}"
    );
    apps.restart(home, 1, old, &[new]);
    apps.restart(home, 2, old, &[new]);
    load.wait_for_two_rounds();

    keeper.promote_key(Seen::default(), &[]).unwrap();
    for which in [0, 2] {
        apps.restart(home, which, new, &[old]);
        load.wait_for_two_rounds();
    }
    let retire = || keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {});
    let early = retire().unwrap_err();
    assert!(
        matches!(early, Error::KeyInUse { .. }) && early.to_string().contains("`rust2`"),
        "{early}"
    );
    apps.restart(home, 1, new, &[old]);
    load.wait_for_two_rounds();

    // Everybody has been here since: nothing hangs on the old key any more.
    retire().unwrap();
    for which in [1, 0, 2] {
        apps.restart(home, which, new, &[]);
        load.wait_for_two_rounds();
    }
}
