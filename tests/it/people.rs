//! A user is renamed and goes on; a user or a group is deleted with what Django's own tables have of it, and
//! stays while others refer to it.

use housekey::{Caretaker, Error, Grant, Referenced, Rejected, User};
use serde_json::json;

use crate::support::django::Django;
use crate::support::{Home, House, PASSWORD, login, on_both_databases, user, whoami};

on_both_databases!(
    a_renamed_user_is_the_same_user_in_every_app,
    a_name_that_cannot_be_is_refused_and_changes_nothing,
    a_user_is_deleted_with_what_django_would_delete,
    a_group_is_deleted_with_what_django_would_delete,
    a_user_to_whom_other_rows_refer_stays,
    a_group_to_which_other_rows_refer_stays,
    what_a_user_and_a_group_have_is_told,
);

fn open(home: &Home) -> Caretaker {
    Caretaker::open(home.config("operator")).unwrap()
}

/// `ada` and `grace` with a permission each, both accountants, who have one too.
fn people(home: &Home) -> (House, Caretaker) {
    let models = housekey::permissions! { "billing": Invoice { add, change, view } };
    let house = home.open_with(home.config("billing").permissions(models));
    let keeper = open(home);
    for group in ["accountants", "clerks"] {
        keeper.create_group(group).unwrap();
        keeper.grant_to_group(group, "billing.change_invoice", Grant::Give).unwrap();
    }
    for name in ["ada", "grace"] {
        let id = user(&house, name).id;
        keeper.grant(name, "billing.add_invoice", Grant::Give).unwrap();
        keeper.set_membership(name, "accountants", Grant::Give).unwrap();
        home.execute(&format!(
            "INSERT INTO django_admin_log (action_time, object_repr, action_flag, change_message, user_id) \
             VALUES ('2026-01-01 00:00:00', 'x', 1, '', {id})"
        ));
    }
    (house, keeper)
}

fn a_renamed_user_is_the_same_user_in_every_app(home: &Home) {
    let house = home.open("notes");
    let (ada, cookie) = (user(&house, "ada"), login(&house, "ada"));
    let keeper = open(home);
    let renamed = keeper.rename_user("ada", "ｌｏｖｅｌａｃｅ").unwrap();
    assert_eq!((renamed.id, renamed.username.as_str()), (ada.id, "lovelace"));
    assert_eq!(whoami(&house, &cookie), Ok("lovelace".to_owned()));
    if let Some(mut django) = Django::start(home) {
        assert_eq!(django.text("whoami", json!({ "cookie": cookie })), "lovelace");
    }
    assert!(house.authenticate("lovelace", PASSWORD).unwrap().is_some());
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_none());
    assert_eq!(keeper.rename_user("lovelace", "lovelace").unwrap().id, ada.id);
    user(&house, "ada");
}

fn a_name_that_cannot_be_is_refused_and_changes_nothing(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let keeper = open(home);
    let taken = keeper.rename_user("ada", "grace").unwrap_err();
    assert!(matches!(taken, Error::UsernameTaken { .. }), "{taken:?}");
    for unknown in ["nobody", "", "ada\0", "Ada"] {
        let error = keeper.rename_user(unknown, "new").unwrap_err();
        assert!(matches!(error, Error::Unknown { what: "user", .. }), "{unknown:?}: {error:?}");
    }
    let long = "a".repeat(151);
    let endless = "a".repeat(10_000_000);
    for bad in ["", "two words", "a\0", "a\u{301}\u{302}", "a/b", &long, &endless] {
        let error = keeper.rename_user("ada", bad).unwrap_err();
        assert!(matches!(error, Error::User { .. }), "{error:?}");
        assert!(error.to_string().len() < 500, "{error}");
    }
    let names: Vec<String> =
        keeper.users("", 10).unwrap().into_iter().map(|u| u.username).collect();
    assert_eq!(names, ["ada", "grace"]);
    assert_eq!(keeper.rename_user("ada", &"a".repeat(150)).unwrap().username.len(), 150);
}

/// How many rows each of these columns has of an id.
fn rows(home: &Home, columns: &[(String, String)], id: i64) -> Vec<i64> {
    let of = |(table, column): &(String, String)| {
        home.count(&format!("SELECT count(*) FROM {table} WHERE {column} = {id}"))
    };
    columns.iter().map(of).collect()
}

/// What Django says, or what its source says where there is no Django.
fn columns_that_go_with(home: &Home, model: &str) -> Vec<(String, String)> {
    let told = match Django::start(home) {
        Some(mut django) => django.call("columns_that_go_with", json!({ "model": model })),
        None if model == "User" => json!([
            ["django_admin_log", "user_id"],
            ["auth_user_groups", "user_id"],
            ["auth_user_user_permissions", "user_id"],
        ]),
        None => json!([["auth_user_groups", "group_id"], ["auth_group_permissions", "group_id"]]),
    };
    serde_json::from_value(told).unwrap()
}

fn a_user_is_deleted_with_what_django_would_delete(home: &Home) {
    let (house, keeper) = people(home);
    let [ada, grace] = ["ada", "grace"].map(|name| keeper.find_user(name).unwrap().unwrap());
    let [one, two, theirs] = [login(&house, "grace"), login(&house, "grace"), login(&house, "ada")];
    // As if Django had begun the second: nothing beside its data says whose it is.
    home.execute(&format!("DELETE FROM housekey_session WHERE session_key = '{two}'"));
    let columns = columns_that_go_with(home, "User");
    assert_eq!(rows(home, &columns, grace.id), [1, 1, 1]);

    keeper.delete_user("grace").unwrap();
    assert_eq!(rows(home, &columns, grace.id), [0, 0, 0]);
    assert_eq!(rows(home, &columns, ada.id), [1, 1, 1]);
    assert!(keeper.find_user("grace").unwrap().is_none());
    for cookie in [&one, &two] {
        assert_eq!(whoami(&house, cookie), Err(Some(Rejected::Gone)));
    }
    assert_eq!(whoami(&house, &theirs), Ok("ada".to_owned()));
    assert_eq!((home.sessions(), home.count("SELECT count(*) FROM housekey_session")), (1, 1));
    assert_eq!(User::find_orphans(&house, [ada.id, grace.id]).unwrap(), [grace.id]);
    assert!(user(&house, "grace").id > grace.id, "an id is never given again");
    for unknown in ["nobody", "", "a\0"] {
        let error = keeper.delete_user(unknown).unwrap_err();
        assert!(matches!(error, Error::Unknown { what: "user", .. }), "{unknown:?}: {error:?}");
    }
}

fn a_group_is_deleted_with_what_django_would_delete(home: &Home) {
    let (house, keeper) = people(home);
    let ada = keeper.find_user("ada").unwrap().unwrap();
    let id = home.count("SELECT CAST(id AS bigint) FROM auth_group WHERE name = 'accountants'");
    let columns = columns_that_go_with(home, "Group");
    let mut before = rows(home, &columns, id);
    before.sort_unstable();
    assert_eq!(before, [1, 2]);
    keeper.delete_group("accountants").unwrap();
    assert_eq!(rows(home, &columns, id), [0, 0]);
    assert_eq!(keeper.groups().unwrap(), ["clerks"]);
    assert_eq!(keeper.find_group("clerks").unwrap().unwrap().permissions.len(), 1);
    assert!(!house.permissions(&ada).unwrap().has_perm("billing.change_invoice"));
    assert!(house.permissions(&ada).unwrap().has_perm("billing.add_invoice"));
    for unknown in ["accountants", "", "a\0"] {
        let error = keeper.delete_group(unknown).unwrap_err();
        assert!(matches!(error, Error::Unknown { what: "group", .. }), "{unknown:?}: {error:?}");
    }
}

/// A table of somebody else with one row that refers to a user.
struct Referring {
    table: &'static str,
    sql: &'static str,
}

const REFERRING: [Referring; 5] = [
    Referring { table: "post", sql: "author_id integer REFERENCES auth_user (id)" },
    Referring {
        table: "post",
        sql: "author_id integer REFERENCES auth_user (id) ON DELETE CASCADE",
    },
    Referring {
        table: "post",
        sql: "author_id integer REFERENCES auth_user (id) ON DELETE SET NULL",
    },
    Referring {
        table: "post",
        sql: "id integer, \"the \"\"author\" integer REFERENCES auth_user \
              DEFERRABLE INITIALLY DEFERRED",
    },
    Referring { table: "\"Odd \"\"post\"", sql: "author_id integer REFERENCES auth_user (id)" },
];

fn a_user_to_whom_other_rows_refer_stays(home: &Home) {
    let (house, keeper) = people(home);
    let cookie = login(&house, "grace");
    let grace = keeper.find_user("grace").unwrap().unwrap();
    let columns = columns_that_go_with(home, "User");
    let stays = |table: &str| {
        let error = keeper.delete_user("grace").unwrap_err();
        let Error::StillReferred { what: "user", table: told, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(told.replace(['"', '\\'], ""), table.replace(['"', '\\'], ""));
        assert!(error.to_string().contains("deactivate the user instead"), "{error}");
        assert_eq!(rows(home, &columns, grace.id), [1, 1, 1]);
        assert_eq!(whoami(&house, &cookie), Ok("grace".to_owned()));
    };
    for Referring { table, sql } in REFERRING {
        home.execute(&format!("CREATE TABLE {table} ({sql})"));
        let values = if sql.starts_with("id ") { "7, " } else { "" };
        home.execute(&format!("INSERT INTO {table} VALUES ({values}{})", grace.id));
        stays(table);
        assert_eq!(home.count(&format!("SELECT count(*) FROM {table}")), 1);
        home.execute(&format!("DROP TABLE {table}"));
    }
    let by_name = "CREATE TABLE post (author varchar(150) REFERENCES auth_user (username))";
    home.execute(&format!("{by_name}; INSERT INTO post VALUES ('grace')"));
    stays("post");
    home.execute("DELETE FROM post; INSERT INTO post VALUES ('ada')");
    keeper.delete_user("grace").unwrap();
}

fn a_group_to_which_other_rows_refer_stays(home: &Home) {
    let (_house, keeper) = people(home);
    home.execute(
        "CREATE TABLE team (group_id integer REFERENCES auth_group (id) ON DELETE CASCADE)",
    );
    home.execute("INSERT INTO team SELECT id FROM auth_group WHERE name = 'accountants'");
    let error = keeper.delete_group("accountants").unwrap_err();
    assert!(matches!(&error, Error::StillReferred { what: "group", table, .. } if table == "team"));
    assert!(!error.to_string().contains("deactivate"), "{error}");
    assert_eq!(keeper.find_group("accountants").unwrap().unwrap().members, ["ada", "grace"]);
    assert_eq!(home.count("SELECT count(*) FROM team"), 1);
    keeper.delete_group("clerks").unwrap();

    // What refers to the rows that would go along is left to the database.
    home.execute("DROP TABLE team");
    home.execute("CREATE TABLE badge (id bigint REFERENCES auth_user_groups (id))");
    home.execute("INSERT INTO badge SELECT max(id) FROM auth_user_groups");
    let error = keeper.delete_group("accountants").unwrap_err();
    assert!(matches!(error, Error::StillReferred { .. }), "{error:?}");
    assert_eq!(keeper.find_group("accountants").unwrap().unwrap().permissions.len(), 1);
    let error = keeper.delete_user("grace").unwrap_err();
    assert!(matches!(error, Error::StillReferred { .. }), "{error:?}");
    assert!(keeper.find_user("grace").unwrap().is_some());
}

fn what_a_user_and_a_group_have_is_told(home: &Home) {
    let (_house, keeper) = people(home);
    keeper.set_membership("ada", "clerks", Grant::Give).unwrap();
    keeper.grant_to_group("clerks", "billing.add_invoice", Grant::Give).unwrap();
    let granted = keeper.granted("ada").unwrap();
    assert_eq!(granted.groups, ["accountants", "clerks"]);
    assert_eq!(granted.own, ["billing.add_invoice"]);
    assert_eq!(granted.by_groups, ["billing.add_invoice", "billing.change_invoice"]);
    let group = keeper.find_group("accountants").unwrap().unwrap();
    assert_eq!((group.name.as_str(), group.members.len()), ("accountants", 2));
    assert_eq!(group.permissions, ["billing.change_invoice"]);
    assert_eq!(keeper.find_group("clerks").unwrap().unwrap().members, ["ada"]);
    for nothing in ["nobody", "", "a\0"] {
        assert_eq!(keeper.find_group(nothing).unwrap(), None);
        assert!(matches!(keeper.granted(nothing), Err(Error::Unknown { .. })));
    }
}
