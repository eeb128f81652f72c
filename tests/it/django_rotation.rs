//! A house of Rust and Django changes its `SECRET_KEY` one app after the other, and nobody is signed
//! out: the new key first as a fallback everywhere, then in use, then alone.

use serde_json::json;

use crate::support::apps::{App, Browser};
use crate::support::django::Version::V5_2;
use crate::support::{Home, KEY, OTHER_KEY, on_both_databases, user};

on_both_databases!(the_rust_app_may_go_first, the_django_app_may_go_first);

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Before,
    Staged,
    Swapped,
    After,
}
use Stage::{After, Before, Staged, Swapped};

impl Stage {
    fn settings(self) -> [(&'static str, String); 2] {
        let (key, fallback) = match self {
            Before => (KEY, None),
            Staged => (KEY, Some(OTHER_KEY)),
            Swapped => (OTHER_KEY, Some(KEY)),
            After => (OTHER_KEY, None),
        };
        let fallbacks: Vec<_> = fallback.into_iter().collect();
        [("SECRET_KEY", key.to_owned()), ("SECRET_KEY_FALLBACKS", json!(fallbacks).to_string())]
    }
}

fn the_rust_app_may_go_first(home: &Home) {
    let steps = [
        (Before, Before),
        (Staged, Before),
        (Staged, Staged),
        (Swapped, Staged),
        (Swapped, Swapped),
        (After, Swapped),
        (After, After),
    ];
    rotate(home, &steps);
}

fn the_django_app_may_go_first(home: &Home) {
    let steps = [
        (Before, Before),
        (Before, Staged),
        (Staged, Staged),
        (Staged, Swapped),
        (Swapped, Swapped),
        (Swapped, After),
        (After, After),
    ];
    rotate(home, &steps);
}

/// Each step: the stages of the Rust app and of the Django app.
fn rotate(home: &Home, steps: &[(Stage, Stage)]) {
    user(&home.open("rust"), "ada");
    let mut apps: [Option<(Stage, App)>; 2] = [None, None];
    let mut visitors: Vec<Browser> = Vec::new();
    for (rust_stage, django_stage) in steps {
        for (slot, stage) in [rust_stage, django_stage].into_iter().copied().enumerate() {
            if apps[slot].as_ref().is_some_and(|(running, _)| *running == stage) {
                continue;
            }
            apps[slot] = None;
            let Some(app) = start(home, slot, stage) else { return };
            apps[slot] = Some((stage, app));
        }
        let [Some((_, rust)), Some((_, django))] = &apps else { return };
        for (here, there) in [(rust, django), (django, rust)] {
            let mut browser = Browser::new();
            browser.sign_in(here, "ada");
            browser.get(here, &format!("/set?from={}", here.name));
            assert_eq!(browser.name_at(there), "ada", "from {}", here.name);
            assert_eq!(browser.whoami(here)["session"]["from"], here.name);
            visitors.push(browser);
        }
        // Whoever has come in at any step before is still in, at both.
        for visitor in &mut visitors {
            for app in [django, rust] {
                assert_eq!(visitor.name_at(app), "ada", "at {}", app.name);
            }
        }
        assert_eq!(home.sessions(), i64::try_from(visitors.len()).unwrap());
    }
}

/// The Rust app in the first slot, the Django app in the second.
fn start(home: &Home, slot: usize, stage: Stage) -> Option<App> {
    let settings = stage.settings();
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    if slot == 0 {
        Some(App::start_with(home, "rust", &settings))
    } else {
        App::django_with(home, "django", V5_2, &settings)
    }
}
