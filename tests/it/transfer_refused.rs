//! What cannot be moved is refused with a word of what to do; both sides stay as they were, and no secret is told.

use housekey::Transfer;

use crate::support::database::{execute, is_postgres};
use crate::support::transfers::{chain, house, local, moved, pairs, refused};
use crate::support::{Home, KEY, PASSWORD, database, login, on_both_databases, user};

on_both_databases!(
    a_target_that_is_not_empty,
    one_database_under_two_names,
    what_is_no_house,
    what_cannot_be_opened,
    a_house_of_another_version,
    a_django_of_another_version,
    references_that_would_lead_nowhere,
    no_secret_is_told,
);

/// A house with `ada`, who is signed in.
fn open(home: &Home, url: &str) -> String {
    let house = home.open_with(home.config_at(url, "notes", KEY));
    user(&house, "ada");
    login(&house, "ada")
}

fn a_target_that_is_not_empty(home: &Home) {
    for (from, to) in pairs(home) {
        open(home, &from);
        let there = home.open_with(home.config_at(&to, "notes", KEY));
        user(&there, "grace");
        let plan = house(&from, &to).plan().unwrap().to_string();
        let words = "housekey_event has rows there that are not in FROM (1)";
        assert!(plan.contains(words), "what has happened there is not thrown away: {plan}");
        execute(&to, "DELETE FROM housekey_event");
        let said = refused(&house(&from, &to), &from, &to);
        assert!(
            said.starts_with("TO is not empty: auth_user has rows there that are not in FROM (1)"),
            "{said}"
        );
        let plan = house(&from, &to).plan().unwrap();
        assert!(
            plan.problems.len() == 1 && plan.to_string().contains("error: TO is not empty"),
            "{plan}"
        );
        assert!(plan.to_string().ends_with("nothing can be moved before the errors are mended"));

        execute(&to, "DELETE FROM auth_user");
        let nobody = there.session(None).unwrap();
        nobody.insert("cart", 1).unwrap();
        there.save(&nobody).unwrap();
        let said = refused(&house(&from, &to), &from, &to);
        assert!(
            said.starts_with(
                "TO is not empty: django_session has rows there that are not in FROM (1)"
            ),
            "{said}"
        );
        execute(&to, "DELETE FROM django_session");
        drop(there);
        moved(&house(&from, &to), &from, &to);

        // One more, and one that is not the same any more.
        execute(&to, "UPDATE auth_user SET email = 'other@example.org'");
        let said = refused(&house(&from, &to), &from, &to);
        assert!(
            said.starts_with("TO is not empty: auth_user has rows there that are not in FROM (1)"),
            "{said}"
        );
    }
}

fn one_database_under_two_names(home: &Home) {
    let url = home.another("house");
    open(home, &url);
    let said = chain(&Transfer::new(&url, &url).unwrap_err());
    assert!(said.contains("both URLs lead to one database; name two"), "{said}");
    let other = if is_postgres(&url) {
        format!("{}?application_name=other", url.replace("127.0.0.1", "localhost"))
    } else {
        let link = home.folder().join("link.db");
        std::os::unix::fs::symlink(&url["sqlite:".len()..], &link).unwrap();
        format!("sqlite:{}", link.display())
    };
    for transfer in [house(&url, &other), local(&other, &url)] {
        assert!(refused(&transfer, &url, &url).starts_with("both URLs lead to one database"));
        assert!(transfer.plan().is_err());
    }
    if is_postgres(&url) {
        // Two schemas of one database are two places.
        execute(&url, "CREATE SCHEMA elsewhere");
        let other = format!("{url}?options=-csearch_path%3Delsewhere");
        assert!(house(&url, &other).run(|_| {}).unwrap().is_done);
        assert_eq!(database::count(&url, "SELECT count(*) FROM elsewhere.auth_user"), 1);
    }
}

fn what_is_no_house(home: &Home) {
    for (from, to) in pairs(home) {
        execute(&from, "CREATE TABLE note (id integer); INSERT INTO note VALUES (1)");
        let said = refused(&house(&from, &to), &from, &to);
        assert!(
            said.starts_with(
                "FROM has no auth_user: it is neither a house nor the database of a Django"
            ),
            "{said}"
        );
        assert!(said.contains("--local"), "{said}");
        assert!(house(&from, &to).plan().is_err());
        // A house in TO does not help.
        open(home, &to);
        refused(&house(&from, &to), &from, &to);
    }
}

fn what_cannot_be_opened(home: &Home) {
    let (from, to) = (home.another("from"), home.local_url("to"));
    open(home, &from);
    let missing = home.local_url("missing");
    let said = refused(&house(&missing, &from), &missing, &from);
    assert!(said.starts_with("FROM gives no connection; see that it is there"), "{said}");
    assert!(!home.folder().join("missing.db").exists());

    let folder = home.folder().join("not/there/to.db");
    let there = format!("sqlite:{}", folder.display());
    let said = refused(&house(&from, &there), &from, &there);
    assert!(said.starts_with("TO gives no connection"), "{said}");

    let noise = home.folder().join("noise.db");
    std::fs::write(&noise, "this is no database, but a letter".repeat(99)).unwrap();
    let noise = format!("sqlite:{}", noise.display());
    let said = chain(&house(&noise, &to).run(|_| {}).unwrap_err());
    assert!(said.starts_with("FROM failed") && said.contains("not a database"), "{said}");
    let said = chain(&house(&from, &noise).run(|_| {}).unwrap_err());
    assert!(said.starts_with("TO failed") && said.contains("not a database"), "{said}");
    assert!(!home.folder().join("to.db").exists());

    for (wrong, says) in
        [("mysql://ada@db/house", "unknown scheme"), ("", "empty"), (":memory:", "in-memory")]
    {
        let said = chain(&Transfer::new(wrong, &to).unwrap_err());
        assert!(said.starts_with("FROM ") && said.contains(says), "{said}");
        assert!(chain(&Transfer::new(&from, wrong).unwrap_err()).starts_with("TO "), "{wrong}");
    }
    if home.is_postgres() {
        let closed = "postgres://ada:geheim@127.0.0.1:1/house";
        for transfer in [house(closed, &to), house(&from, closed)] {
            let said = chain(&transfer.run(|_| {}).unwrap_err());
            assert!(said.contains("gives no connection") && !said.contains("geheim"), "{said}");
        }
    }
}

fn a_house_of_another_version(home: &Home) {
    for (from, to) in pairs(home) {
        open(home, &from);
        execute(
            &from,
            "INSERT INTO housekey_migration VALUES ('9999_future', 'x', '2030-01-01 00:00:00')",
        );
        let said = refused(&house(&from, &to), &from, &to);
        assert!(
            said.starts_with(
                "FROM has the migrations 9999_future of a newer housekey; move with that one"
            ),
            "{said}"
        );
        execute(&from, "DELETE FROM housekey_migration WHERE step LIKE '9999%'");

        drop(home.open_with(home.config_at(&to, "notes", KEY)));
        execute(
            &to,
            "INSERT INTO housekey_migration VALUES ('9999_future', 'x', '2030-01-01 00:00:00')",
        );
        let said = refused(&house(&from, &to), &from, &to);
        assert!(said.starts_with("TO has the migrations 9999_future"), "{said}");
        execute(&to, "DELETE FROM housekey_migration WHERE step LIKE '9999%'");

        execute(&from, "DELETE FROM housekey_migration WHERE step = '0004_registry'");
        let said = refused(&house(&from, &to), &from, &to);
        assert!(
            said.starts_with(
                "FROM lacks the migrations 0004_registry; run `housekey migrate` there first"
            ),
            "{said}"
        );
    }
}

fn a_django_of_another_version(home: &Home) {
    for (from, to) in pairs(home) {
        open(home, &from);
        execute(
            &from,
            "INSERT INTO django_migrations (app, name, applied) VALUES \
            ('auth', '0099_more', '2030-01-01 00:00:00'), ('shop', '0001_initial', '2030-01-01 00:00:00')",
        );
        let said = refused(&house(&from, &to), &from, &to);
        assert!(said.starts_with("TO lacks Django's migrations auth.0099_more, which FROM has; run `manage.py migrate`"), "{said}");
        execute(&from, "DELETE FROM django_migrations WHERE name = '0099_more'");
        moved(&house(&from, &to), &from, &to);
    }
}

/// What was left on purpose is missed by what refers to it.
fn references_that_would_lead_nowhere(home: &Home) {
    for (from, to) in pairs(home) {
        let tables = "CREATE TABLE land (id integer NOT NULL PRIMARY KEY); \
            CREATE TABLE town (id integer NOT NULL PRIMARY KEY, land integer NOT NULL REFERENCES land (id))";
        execute(&from, tables);
        execute(&to, tables);
        execute(&from, "INSERT INTO land VALUES (1); INSERT INTO town VALUES (1, 1), (2, 1)");
        let said = refused(&local(&from, &to).leave("land"), &from, &to);
        assert!(
            said.starts_with(
                "2 rows of town would refer to rows that are not there; nothing was moved"
            ),
            "{said}"
        );
    }
}

fn no_secret_is_told(home: &Home) {
    for (from, to) in pairs(home) {
        let cookie = open(home, &from);
        let hash = database::text(&from, "SELECT password FROM auth_user");
        let secrets = [cookie.as_str(), &hash, PASSWORD, KEY];
        let silent = |said: &str| {
            // Three such letters may stand in a checksum.
            let mut words = said.split(|letter: char| !letter.is_alphanumeric());
            assert!(words.all(|word| word != "ada"), "{said}");
            for secret in secrets {
                assert!(!said.contains(secret), "{said}");
            }
        };
        // A database that complains repeats what it was given.
        execute(&from, "INSERT INTO auth_group (name) VALUES ('ada')");
        drop(home.open_with(home.config_at(&to, "notes", KEY)));
        let refuse = if is_postgres(&to) {
            "ALTER TABLE auth_group ADD CONSTRAINT none_so CHECK (name <> 'ada'); \
             CREATE UNIQUE INDEX one_only ON auth_user ((1))"
        } else {
            "CREATE UNIQUE INDEX one_only ON auth_user ((1)); CREATE TRIGGER none_so BEFORE INSERT ON auth_group \
             WHEN NEW.name = 'ada' BEGIN SELECT RAISE(ABORT, 'none so'); END"
        };
        execute(&to, refuse);
        execute(
            &from,
            &format!(
                "INSERT INTO auth_user (username, password, email, first_name, last_name, is_superuser, \
            is_staff, is_active, date_joined) VALUES ('adam', '{hash}', '', '', '', FALSE, FALSE, TRUE, '2026-01-01 00:00:00')"
            ),
        );
        let said = refused(&house(&from, &to), &from, &to);
        silent(&said.replace("nada", ""));
        assert!(
            said.starts_with("TO failed, and nothing was moved; mend the cause and run this again"),
            "{said}"
        );
        execute(&from, "DELETE FROM auth_group");
        let said = refused(&house(&from, &to), &from, &to);
        silent(&said);
        assert!(said.contains("one_only"), "{said}");
        execute(&to, "DROP INDEX one_only");
        let report = moved(&house(&from, &to), &from, &to);
        silent(&format!("{report} {report:?} {}", report.to_json()));
    }
}
