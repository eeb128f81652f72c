//! People and groups, kept as an operator keeps them.

mod support;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};

use support::{Home, KEY, text};

/// A house with `ada` and `grace`, who have good passwords.
fn people(name: &str) -> Home {
    let home = Home::new(name);
    home.says(0, &["migrate"], "");
    home.says(0, &["user", "create", "ada", "--email", "lovelace@example.org"], "correct horse\n");
    home.says(0, &["user", "create", "grace"], "battery staple\n");
    home
}

fn says_json(home: &Home, code: i32, arguments: &[&str], input: &str) -> Value {
    let arguments = [&["--json"], arguments].concat();
    serde_json::from_str(&home.says(code, &arguments, input)).unwrap()
}

fn database(home: &Home) -> SqliteConnection {
    SqliteConnection::establish(home.0.join("house.db").to_str().unwrap()).unwrap()
}

/// Whether this is the password of `ada`.
fn is_right(home: &Home, password: &str) -> bool {
    let database = home.0.join("house.db");
    let database = database.to_str().unwrap();
    let key = housekey::SecretKey::new(KEY).unwrap();
    let config = housekey::Config::new(database, database, key).unwrap().password_iterations(10);
    let house = housekey::Housekey::<SqliteConnection>::open(config).unwrap();
    house.authenticate("ada", password).unwrap().is_some()
}

#[test]
fn a_weak_password_is_refused_with_all_that_is_weak() {
    let home = people("weak");
    let said = home.says(1, &["user", "create", "eve"], "12345\n");
    assert_eq!(said.lines().count(), 4, "{said}");
    for part in ["fewer than 8", "tried first", "only digits", "--allow-weak-password"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(home.says(1, &["user", "show", "eve"], ""), "there is no user eve\n");

    let said = home.says(1, &["user", "password", "ada"], "Lovelace1\n");
    assert!(said.contains("too much like the e-mail address"), "{said}");
    assert!(!said.contains("Lovelace1"), "{said}");
    assert!(is_right(&home, "correct horse") && !is_right(&home, "Lovelace1"));
    let facts = says_json(&home, 1, &["user", "password", "ada"], "Ada!\n");
    let codes: Vec<&Value> =
        facts["weaknesses"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["password_too_similar", "password_too_short"]);

    home.says(0, &["user", "password", "ada", "--allow-weak-password"], "Lovelace1\n");
    assert!(is_right(&home, "Lovelace1"));
    home.says(0, &["user", "create", "eve", "--allow-weak-password"], "12345\n");
    // What is looked at is the name as it will be stored.
    let wide = ["user", "create", "ｌｉｓｋｏｖ"];
    assert!(home.says(1, &wide, "liskov-1\n").contains("the user name"));
}

#[test]
fn a_user_is_renamed() {
    let home = people("rename");
    let renamed = home.says(0, &["user", "rename", "ada", "ｌｏｖｅｌａｃｅ"], "");
    assert_eq!(renamed, "ada is lovelace from now on\n");
    assert_eq!(home.says(1, &["user", "rename", "ada", "x"], ""), "there is no user ada\n");
    let taken = home.says(2, &["user", "rename", "lovelace", "grace"], "");
    assert!(taken.starts_with("error: the user `grace` exists already"), "{taken}");
    let bad = home.says(2, &["user", "rename", "lovelace", "two words"], "");
    assert!(bad.contains("other characters than letters"), "{bad}");
    let facts = says_json(&home, 0, &["user", "rename", "lovelace", "ada"], "");
    assert_eq!((&facts["username"], &facts["id"]), (&json!("ada"), &json!(1)));
}

#[test]
fn a_user_is_deleted_by_who_says_so() {
    let home = people("delete");
    for input in ["", "yes\n"] {
        let said = home.says(2, &["user", "delete", "grace"], input);
        assert!(said.contains("--yes") && said.contains("nothing is changed"), "{said}");
    }
    home.says(0, &["user", "show", "grace"], "");
    let said = home.says(0, &["user", "delete", "grace", "--yes"], "");
    assert_eq!(said, "grace is deleted; local rows of the apps may have the id 2 still\n");
    for arguments in [&["user", "delete", "grace"][..], &["user", "delete", "grace", "--yes"]] {
        assert_eq!(home.says(1, arguments, ""), "there is no user grace\n");
    }
    let help = home.says(0, &["user", "delete", "--help"], "");
    assert!(help.contains("`deactivate` is mostly better"), "{help}");

    let note = "CREATE TABLE note (owner_id integer REFERENCES auth_user (id)); INSERT INTO note VALUES (1)";
    database(&home).batch_execute(note).unwrap();
    let said = home.says(2, &["user", "delete", "ada", "--yes"], "");
    assert!(said.contains("table note") && said.contains("deactivate the user instead"), "{said}");
    home.says(0, &["user", "show", "ada"], "");
    database(&home).batch_execute("DELETE FROM note").unwrap();
    assert_eq!(
        says_json(&home, 0, &["user", "delete", "ada", "--yes"], ""),
        json!({ "name": "ada" })
    );
}

#[test]
fn what_people_and_groups_have_is_shown() {
    let home = people("show");
    home.says(0, &["group", "create", "accountants"], "");
    home.says(0, &["group", "create", "clerks"], "");
    let rows = "INSERT INTO django_content_type (app_label, model) VALUES ('billing', 'invoice');
        INSERT INTO auth_permission (name, content_type_id, codename)
        SELECT 'x', max(id), 'add_invoice' FROM django_content_type UNION ALL
        SELECT 'x', max(id), 'view_invoice' FROM django_content_type;
        UPDATE auth_user SET first_name = 'Ada', last_name = 'Lovelace',
        date_joined = '2026-01-09 16:23:50', last_login = '2026-02-03 04:05:06' WHERE username = 'ada'";
    database(&home).batch_execute(rows).unwrap();
    home.says(0, &["group", "grant", "accountants", "billing.view_invoice"], "");
    home.says(0, &["user", "grant", "ada", "billing.add_invoice"], "");
    home.says(0, &["user", "grant", "ada", "--group", "accountants"], "");

    let said = home.says(0, &["user", "show", "ada"], "");
    let expected = "ada  lovelace@example.org  last login 2026-02-03 04:05:06 UTC
name: Ada Lovelace
id: 1
joined: 2026-01-09 16:23:50 UTC
groups: accountants
permissions: billing.add_invoice
permissions by groups: billing.view_invoice
";
    assert_eq!(said, expected);
    let facts = says_json(&home, 0, &["user", "show", "ada"], "");
    let expected = json!({
        "id": 1, "username": "ada", "email": "lovelace@example.org", "first_name": "Ada",
        "last_name": "Lovelace", "is_active": true, "is_staff": false, "is_superuser": false,
        "last_login": "2026-02-03T04:05:06+00:00", "date_joined": "2026-01-09T16:23:50+00:00",
        "groups": ["accountants"], "permissions": ["billing.add_invoice"],
        "group_permissions": ["billing.view_invoice"],
    });
    assert_eq!(facts, expected);

    let said = home.says(0, &["group", "show", "accountants"], "");
    assert_eq!(said, "accountants\nmembers: ada\npermissions: billing.view_invoice\n");
    let facts = says_json(&home, 0, &["group", "show", "clerks"], "");
    assert_eq!(facts, json!({ "name": "clerks", "members": [], "permissions": [] }));
    assert_eq!(home.says(0, &["group", "delete", "accountants"], ""), "accountants is deleted\n");
    for command in ["show", "delete"] {
        let said = home.says(1, &["group", command, "accountants"], "");
        assert_eq!(said, "there is no group accountants\n");
        let facts = says_json(&home, 1, &["group", command, "accountants"], "");
        assert_eq!(facts, json!({ "group": null }));
    }
    assert!(home.says(0, &["user", "show", "ada"], "").contains("permissions by groups: none\n"));
}

#[test]
fn a_terminal_is_shown_no_control_characters() {
    let home = people("control");
    let name = "sta\u{1b}[2Jff\n";
    home.says(0, &["group", "create", name], "");
    home.says(0, &["user", "grant", "ada", "--group", name], "");
    for arguments in [
        &["group", "show", name][..],
        &["group", "list"],
        &["user", "show", "ada"],
        &["user", "show", name],
        &["user", "delete", name],
        &["user", "rename", "ada", name],
        &["user", "grant", name, "billing.add_invoice"],
        &["group", "grant", name, name],
        &["group", "delete", name],
        &["group", "delete", name],
    ] {
        let output = home.run(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains('\u{1b}') && said.contains("\\u{1b}[2Jff\\u{a}"), "{said:?}");
    }
}
