//! An app that has users of its own joins the house, step by step as an operator does it.

mod support;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};

use support::{Home, KEY, text};

/// The settings of the app `wiki`.
const WIKI: [(&str, &str); 3] =
    [("SECRET_KEY", KEY), ("APP_NAME", "wiki"), ("DATABASE_URL", "sqlite:wiki.db")];

/// A house with `ada` and `grace`; the app has `eve`, an `ada`, and another `grace`.
fn house_and_wiki(name: &str) -> Home {
    let home = Home::new(name);
    home.says(0, &["migrate"], "");
    for user in ["ada", "grace"] {
        let email = format!("{user}@example.org");
        home.says(0, &["user", "create", user, "--email", &email], "correct horse\n");
    }
    let wiki = [("SECRET_KEY", KEY), ("SHARED_DATABASE_URL", "sqlite:wiki.db")];
    assert!(home.run_in(&wiki, &["migrate"], "").status.success());
    for (user, email) in
        [("eve", "eve@example.org"), ("ada", "ada@example.org"), ("grace", "other@example.org")]
    {
        let create = ["user", "create", user, "--email", email, "--superuser"];
        assert!(home.run_in(&wiki, &create, "battery staple\n").status.success());
    }
    execute(
        &home,
        "wiki.db",
        "CREATE TABLE page (id integer PRIMARY KEY, author_id integer REFERENCES auth_user (id), reader_id integer); \
         INSERT INTO page VALUES (1, 1, 2), (2, 2, 1), (3, 3, 3)",
    );
    home
}

fn execute(home: &Home, file: &str, sql: &str) {
    let mut conn = SqliteConnection::establish(home.0.join(file).to_str().unwrap()).unwrap();
    conn.batch_execute(sql).unwrap();
}

/// The rows of a table, as text.
fn rows(home: &Home, file: &str, columns: &str, table: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let mut conn = SqliteConnection::establish(home.0.join(file).to_str().unwrap()).unwrap();
    let query = format!("SELECT {columns} AS line FROM {table} ORDER BY id");
    let lines: Vec<Line> = diesel::sql_query(query).load(&mut conn).unwrap();
    lines.into_iter().map(|row| row.line).collect::<Vec<_>>().join(", ")
}

/// What it prints and says, if it ends with this code.
#[track_caller]
fn adopt(home: &Home, code: i32, arguments: &[&str]) -> String {
    let output = home.run_in(&WIKI, &[&["adopt"], arguments].concat(), "");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains("pbkdf2"), "{said}");
    said
}

const USERS: &str = "id || ' ' || username";
const PAGES: &str = "id || ' ' || author_id || ' ' || reader_id";

#[test]
fn an_operator_goes_from_the_plan_to_the_undo() {
    let home = house_and_wiki("adopt");
    let said = adopt(&home, 1, &["--plan", "--write-map", "map.csv"]);
    for part in [
        "app `wiki` has 3 users of its own",
        "1 users of the house already, whose accounts stay as they are (same name, same e-mail)",
        "1 of: same name, other e-mail",
        "column page.author_id: 3 rows (foreign key)",
        "page.reader_id has no foreign key: if it has ids of users, name it by --column",
        "eve (superuser)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let map = home.0.join("map.csv");
    assert_eq!(std::fs::read_to_string(&map).unwrap(), "local,house,how\ngrace,grace,\n");
    // What is not filled in is not settled, and nothing happens.
    let arguments = ["--map", "map.csv", "--column", "page.reader_id"];
    assert!(adopt(&home, 1, &arguments).contains("same name, other e-mail"));
    assert_eq!(rows(&home, "house.db", USERS, "auth_user"), "1 ada, 2 grace");

    std::fs::write(&map, "local,house,how\ngrace,grace.of.wiki,new\n").unwrap();
    assert!(
        adopt(&home, 0, &[&["--plan"], &arguments[..]].concat()).ends_with("conflicts: none\n")
    );
    let said = adopt(&home, 0, &arguments);
    assert!(said.ends_with("housekey adopt --undo adopt-wiki.undo.json takes it back\n"), "{said}");
    assert_eq!(
        rows(&home, "house.db", USERS, "auth_user"),
        "1 ada, 2 grace, 3 eve, 4 grace.of.wiki"
    );
    assert_eq!(rows(&home, "wiki.db", USERS, "auth_user"), "1 ada, 3 eve, 4 grace");
    assert_eq!(rows(&home, "wiki.db", PAGES, "page"), "1 3 1, 2 1 3, 3 4 4");
    assert_eq!(rows(&home, "house.db", "is_superuser", "auth_user WHERE id > 2"), "0, 0");
    assert!(adopt(&home, 0, &arguments).ends_with("there is nothing to do\n"));
    assert!(!home.0.join("adopt-wiki-2.undo.json").exists());

    assert!(adopt(&home, 0, &["--undo", "adopt-wiki.undo.json"]).contains("2 users were deleted"));
    assert_eq!(rows(&home, "house.db", USERS, "auth_user"), "1 ada, 2 grace");
    assert_eq!(rows(&home, "wiki.db", PAGES, "page"), "1 1 2, 2 2 1, 3 3 3");
    // The old file is in nobody's way.
    assert!(adopt(&home, 0, &arguments).contains("adopt-wiki-2.undo.json"));
}

#[test]
fn a_report_in_json_has_every_user() {
    let home = house_and_wiki("adopt-json");
    let output = home.run_in(&WIKI, &["adopt", "--plan", "--json"], "");
    assert_eq!(output.status.code(), Some(1));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fates: Vec<_> =
        plan["users"].as_array().unwrap().iter().map(|user| &user["fate"]).collect();
    assert_eq!(fates, ["moved", "matched", "unsettled"]);
    assert_eq!(plan["conflicts"][0]["name"], "grace");
    execute(&home, "wiki.db", "UPDATE auth_user SET email = 'grace@example.org' WHERE id = 3");
    let output = home.run_in(&WIKI, &["adopt", "--json", "--undo-file", "undo.json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["undo_file"], "undo.json");
    let ids: Vec<_> =
        report["plan"]["users"].as_array().unwrap().iter().map(|user| &user["user_id"]).collect();
    assert_eq!(ids, [&json!(3), &json!(1), &json!(2)]);
    // What leads back is for its owner alone, and tells no password.
    let file = home.0.join("undo.json");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("pbkdf2"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let output = home.run_in(&WIKI, &["--json", "adopt", "--undo", "undo.json"], "");
    let undone: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&undone["users"], &undone["removed"]), (&json!(3), &json!(1)));
}

#[test]
fn a_map_that_is_none_is_refused() {
    let home = house_and_wiki("adopt-map");
    for (map, problem) in [
        ("ada;ada;same\n", "the first line must be local,house,how"),
        ("local,house,how\nada,ada,maybe\n", "in line 2, how must be same, new or empty"),
        ("local,house,how\nada,ada\n", "correct it"),
        (
            "local,house,how\nada,ada,same\nada,a,new\n",
            "line 3 is about somebody who is in it before",
        ),
        ("local,house,how\nnobody,ada,same\n", "the map names the user `nobody`"),
        ("local,house,how\ngroup:nobody,ada,same\n", "the map names the group `nobody`"),
    ] {
        std::fs::write(home.0.join("map.csv"), map).unwrap();
        let said = adopt(&home, 2, &["--map", "map.csv"]);
        assert!(said.contains(problem) && said.lines().count() == 1, "{said}");
    }
    assert!(adopt(&home, 2, &["--map", "nowhere.csv"]).contains("nowhere.csv"));
    // A new map is written over none.
    assert!(adopt(&home, 2, &["--plan", "--write-map", "map.csv"]).contains("name another one"));
    assert_eq!(rows(&home, "house.db", USERS, "auth_user"), "1 ada, 2 grace");
}

#[test]
fn without_an_app_there_is_nothing_to_adopt() {
    let home = house_and_wiki("adopt-none");
    let run = |settings: &[(&str, &str)]| {
        let output = home.run_in(settings, &["adopt"], "");
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    assert!(text(&home.run(&["adopt"]).stderr).contains("DATABASE_URL"));
    let same = [("SECRET_KEY", KEY), ("DATABASE_URL", "sqlite:house.db")];
    assert!(run(&same).contains("both URLs lead to one database"));
    assert!(adopt(&home, 2, &["--undo", "nowhere.json"]).contains("cannot be read"));
}

/// Names that would move the cursor of whoever reads the plan.
#[test]
fn names_are_shown_and_not_obeyed() {
    let home = house_and_wiki("adopt-names");
    let odd = "UPDATE auth_user SET username = 'gr' || char(27) || '[31m' || char(10, 8238) || 'ace' WHERE id = 3";
    execute(&home, "wiki.db", odd);
    let said = adopt(&home, 0, &["--plan"]);
    assert!(said.contains("gr\\u{1b}[31m\\u{a}\\u{202e}ace (superuser)"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said}");
}

/// A disk that is full ends the run with what to do, and the app is as it was. At the worst moment the house cannot even
/// forget the users again: the next run goes on from there.
#[cfg(unix)]
#[test]
fn a_full_disk_changes_nothing_in_the_app() {
    let home = house_and_wiki("adopt-full");
    execute(&home, "wiki.db", "UPDATE auth_user SET email = 'grace@example.org' WHERE id = 3");
    let app = || {
        let users = rows(&home, "wiki.db", "id || username || password || email", "auth_user");
        users + &rows(&home, "wiki.db", PAGES, "page")
    };
    let before = app();
    let mut unchanged = 0;
    // No file grows beyond so many blocks of 512 bytes.
    for blocks in [0, 1, 8, 32, 64, 96].into_iter().chain((100..=400).step_by(4)) {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" adopt");
        let output = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_housekey")])
            .current_dir(&home.0)
            .env("SHARED_DATABASE_URL", "sqlite:house.db")
            .envs(WIKI)
            .output()
            .unwrap();
        let said = text(&output.stderr);
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
        assert_eq!(app(), before, "{said}");
        if rows(&home, "house.db", USERS, "auth_user") == "1 ada, 2 grace" {
            unchanged += 1;
        } else {
            assert!(said.contains("or take the users back: --undo adopt-wiki"), "{said}");
            break;
        }
    }
    assert!(unchanged > 0);
    adopt(&home, 0, &[]);
    assert_eq!(rows(&home, "wiki.db", USERS, "auth_user"), "1 ada, 2 grace, 3 eve");
    // The reader was not named, and stays.
    assert_eq!(rows(&home, "wiki.db", PAGES, "page"), "1 3 2, 2 1 1, 3 2 3");
}

#[test]
fn the_app_must_have_a_name() {
    let home = house_and_wiki("nameless");
    for name in ["", " "] {
        let settings = [WIKI[0], ("APP_NAME", name), WIKI[2]];
        let output = home.run_in(&settings, &["adopt", "--plan"], "");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).starts_with("error: APP_NAME is not set"), "{output:?}");
    }
}
