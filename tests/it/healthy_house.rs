//! A house of three apps, one of them Django's, in which nothing is wrong: nothing is said to be.

use housekey::{Level, Profile, Role, check, check_against};

use crate::support::apps::{App, Browser};
use crate::support::django::Version::V5_2;
use crate::support::{Home, on_both_databases, user};

on_both_databases!(nothing_is_said_of_a_healthy_house);

fn nothing_is_said_of_a_healthy_house(home: &Home) {
    user(&home.open("notes"), "ada");
    // The apps have no more rights than they need; whoever made the tables is none of them.
    home.execute("DELETE FROM housekey_app");
    let shared = if home.is_postgres() { home.url_as(Role::Auth) } else { home.shared_url() };
    let with = |url: &'static str| {
        // There is no TLS in this house, and it says so.
        let clear = ("SESSION_COOKIE_SECURE", "false".to_owned());
        [("SHARED_DATABASE_URL", shared.clone()), ("PUBLIC_URL", url.to_owned()), clear]
    };
    let start = |name: &str, url| {
        let settings = with(url);
        App::start_with(home, name, &settings.each_ref().map(|(n, v)| (*n, v.as_str())))
    };
    let notes = start("notes", "http://house.local:8001");
    let tasks = start("tasks", "http://house.local:8002");
    // Whoever may make tables makes the Django app's.
    drop(App::django(home, "wiki", V5_2));
    let settings = with("http://house.local:8003");
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let Some(wiki) = App::migrated_django(home, "wiki", V5_2, &settings) else { return };
    let apps = [&notes, &tasks, &wiki];
    for here in apps {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        browser.get(here, "/set?from=here");
        for there in apps {
            assert_eq!(browser.name_at(there), "ada");
        }
    }

    for name in ["notes", "wiki"] {
        let config = home.config_at(&shared, name, crate::support::KEY);
        let checkup = check(&config.danger_cookies_in_the_clear());
        let troubles: Vec<_> = checkup.troubles().filter(|it| !is_of_the_server(it)).collect();
        assert!(troubles.is_empty(), "{troubles:?}");
        // It has looked, and says at what.
        for topic in ["database", "migrations", "key", "cookies", "hosts", "passwords", "sessions"]
        {
            let found =
                checkup.findings.iter().any(|it| it.topic == topic && it.level == Level::Ok);
            assert!(found, "{topic}: {:?}", checkup.findings);
        }
    }
    for app in apps {
        let document = Browser::new().get(app, "/housekey.json");
        assert_eq!(document.header("cache-control"), Some("no-store"));
        assert!(document.session_cookie().is_none());
        let profile = Profile::from_json(&document.text).unwrap();
        let config = home.config("notes").danger_cookies_in_the_clear();
        let checkup = check_against(&config, &profile);
        assert!(checkup.is_well(), "{:?}", checkup.findings);
    }
}

/// The tests' PostgreSQL may not wait for its disk.
fn is_of_the_server(finding: &housekey::Finding) -> bool {
    finding.topic == "durability"
}
