//! A house moves to another database, and nobody in it notices.

use housekey::{Caretaker, Grant, Rejected};

use crate::support::transfers::{alike, house, moved, numbers, pairs, same, table};
use crate::support::{
    Home, House, KEY, OTHER_KEY, PASSWORD, database, login, on_both_databases, troubles, user,
    whoami,
};

on_both_databases!(
    users_and_their_sessions_are_the_same_there,
    there_and_back_again_is_the_same_house,
    what_has_ended_between_two_runs_is_no_matter,
    a_house_without_anybody_moves,
    a_session_that_cannot_be_kept_stops_nothing,
);

/// `ada` in a group, `grace` with a permission, `alan` who may not sign in; one user is gone again. The cookies
/// are those of `ada` and `grace`, and one that has ended.
fn fill(home: &Home, url: &str) -> (House, [String; 3]) {
    let models = housekey::permissions! { "billing": Invoice { add, change, view } };
    let config = || home.config_at(url, "billing", KEY).permissions(models.clone());
    let house = home.open_with(config());
    let keeper = Caretaker::open(config()).unwrap();
    for name in ["ada", "grace", "alan", "gone"] {
        user(&house, name);
    }
    keeper.create_group("accountants").unwrap();
    keeper.grant_to_group("accountants", "billing.change_invoice", Grant::Give).unwrap();
    keeper.set_membership("ada", "accountants", Grant::Give).unwrap();
    keeper.grant("grace", "billing.view_invoice", Grant::Give).unwrap();
    keeper.set_superuser("alan", Grant::Give).unwrap();
    let cookies = ["ada", "grace", "alan"].map(|name| login(&house, name));
    keeper.delete_user("gone").unwrap();
    database::execute(
        url,
        "UPDATE auth_user SET is_active = FALSE WHERE username = 'alan'; \
         UPDATE django_session SET expire_date = '2020-01-01 00:00:00' WHERE session_key IN \
         (SELECT s.session_key FROM housekey_session s JOIN auth_user u ON u.id = s.user_id \
          WHERE u.username = 'alan')",
    );
    let nobody = house.session(None).unwrap();
    nobody.insert("cart", [1, 2]).unwrap();
    house.save(&nobody).unwrap();
    (house, cookies)
}

fn users_and_their_sessions_are_the_same_there(home: &Home) {
    for (from, to) in pairs(home) {
        let (before, [ada, grace, ended]) = fill(home, &from);
        let people = "SELECT username || ' ' || CAST(id AS varchar(9)) || ' ' || password \
            FROM auth_user ORDER BY id";
        let names = database::texts(&from, people);
        drop(before);
        let report = moved(&house(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        assert_eq!(numbers(&report, "auth_user"), (3, 3, 0, vec![]));
        assert_eq!(numbers(&report, "django_session"), (4, 3, 0, vec![(1, "it has ended")]));
        let of_ended = vec![(1, "its session has ended")];
        assert_eq!(numbers(&report, "housekey_session"), (3, 2, 0, of_ended));
        assert_eq!(database::texts(&to, people), names);

        let config = home.config_at(&to, "billing", KEY);
        let there = home.open_with(config.clone());
        let found = troubles(&there);
        assert!(found.iter().all(|line| line.contains("SQLite")), "{found:?}");
        assert_eq!(whoami(&there, &ada), Ok("ada".to_owned()));
        assert_eq!(whoami(&there, &grace), Ok("grace".to_owned()));
        assert_eq!(whoami(&there, &ended), Err(Some(Rejected::Gone)));
        for (name, permission, other) in [
            ("ada", "billing.change_invoice", "billing.view_invoice"),
            ("grace", "billing.view_invoice", "billing.change_invoice"),
        ] {
            assert!(there.authenticate(name, "wrong").unwrap().is_none());
            let user = there.authenticate(name, PASSWORD).unwrap().unwrap();
            let may = there.permissions(&user).unwrap();
            assert!(may.has_perm(permission) && !may.has_perm(other), "{name}");
        }
        // 4 was the id of somebody who is gone.
        assert_eq!(user(&there, "next").id, 5);
        let other = home.config_at(&to, "billing", OTHER_KEY);
        assert!(housekey::Housekey::<diesel::SqliteConnection>::open(other).is_err());
        assert!(Caretaker::open(config).unwrap().session_count().unwrap() >= 3);
    }
}

fn there_and_back_again_is_the_same_house(home: &Home) {
    for (place, (from, to)) in pairs(home).into_iter().enumerate() {
        drop(fill(home, &from));
        let back = alike(home, &from, &format!("back{place}"));
        moved(&house(&from, &to), &from, &to);
        moved(&house(&to, &back), &to, &back);
        let stays =
            ["django_migrations", "housekey_change", "housekey_migration", "housekey_throttle"];
        let of_house = |name: &&String| !stays.contains(&name.as_str());
        for name in database::tables(&from).iter().filter(of_house) {
            let rows = |url| {
                let living = |row: &String| !row.contains("2020-01-01") && !row.contains("alan");
                let rows = database::rows(url, name).into_iter().filter(living);
                rows.collect::<Vec<_>>()
            };
            let mut here = rows(&from);
            if name == "housekey_session" {
                let there = rows(&back);
                assert_eq!(here.len(), there.len() + 1);
                here.retain(|row| there.contains(row));
            }
            same(&here.join("\n"), &rows(&back).join("\n"), name);
        }
    }
}

/// A session that was living when it moved, and is not when the move is run again.
fn what_has_ended_between_two_runs_is_no_matter(home: &Home) {
    for (from, to) in pairs(home) {
        drop(fill(home, &from));
        moved(&house(&from, &to), &from, &to);
        let end = "UPDATE django_session SET expire_date = '2020-01-01 00:00:00' WHERE session_key \
            IN (SELECT session_key FROM housekey_session WHERE user_id = 1)";
        for url in [&from, &to] {
            database::execute(url, end);
        }
        let again = house(&from, &to).run(|_| {}).unwrap();
        assert_eq!(again.tables.iter().map(|table| table.moved).sum::<u64>(), 0, "{again}");
        assert_eq!(table(&again, "django_session").matched, 3);
        assert_eq!(table(&again, "housekey_session").matched, 2);
    }
}

fn a_house_without_anybody_moves(home: &Home) {
    for (from, to) in pairs(home) {
        drop(home.open_with(home.config_at(&from, "notes", KEY)));
        let report = moved(&house(&from, &to), &from, &to);
        assert!(report.is_whole());
        assert_eq!(user(&home.open_with(home.config_at(&to, "notes", KEY)), "ada").id, 1);
    }
}

/// As SQLite takes them, which looks at no length.
fn a_session_that_cannot_be_kept_stops_nothing(home: &Home) {
    for (from, to) in pairs(home).into_iter().filter(|(from, _)| !database::is_postgres(from)) {
        let (before, [ada, ..]) = fill(home, &from);
        drop(before);
        let long = "x".repeat(60);
        database::execute(
            &from,
            &format!(
                "INSERT INTO django_session VALUES ('{long}', 'e30:x', '2999-01-01 00:00:00'), \
                    ('broken', 'a' || char(0), '2999-01-01 00:00:00'), ('timeless', 'x', 'some day'); \
                 INSERT INTO housekey_session (session_key, user_id, app, created) VALUES \
                    ('broken', 1, 'x', '2026-01-01 00:00:00'), ('nowhere', 1, 'x', '2026-01-01 00:00:00')"
            ),
        );
        let report = moved(&house(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        let left = |name| table(&report, name).left.iter().map(|left| left.rows).sum::<u64>();
        // Between two files they are as good as they were; one has ended, and one leads nowhere.
        let expected = if database::is_postgres(&to) { (4, 3) } else { (1, 2) };
        assert_eq!((left("django_session"), left("housekey_session")), expected, "{report}");
        let nobody = "SELECT count(*) FROM housekey_session WHERE session_key NOT IN \
            (SELECT session_key FROM django_session)";
        assert_eq!(database::count(&to, nobody), 0);
        let there = home.open_with(home.config_at(&to, "billing", KEY));
        assert_eq!(whoami(&there, &ada), Ok("ada".to_owned()));
        assert!(!report.to_string().contains(&long));
    }
}
