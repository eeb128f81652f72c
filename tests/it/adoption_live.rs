//! A real Django with ten thousand users joins a house with ten thousand others: nobody is lost, nothing goes to
//! somebody else, and both Django and a Rust app let people in with the passwords that they had.

use std::collections::{BTreeMap, BTreeSet};

use housekey::adoption::{Answer, Fate};
use housekey::{Adoption, AdoptionPlan, Config, SecretKey};
use serde_json::json;

use crate::support::apps::{App, Browser};
use crate::support::club::{Club, whose};
use crate::support::django::Version::{self, V4_2, V5_2};
use crate::support::{Home, KEY, database, on_both_databases, skip};

on_both_databases!(
    ten_thousand_join_ten_thousand,
    a_club_of_django_4_2_joins_and_serves,
    a_club_of_django_5_2_joins_and_serves,
    orphans_and_an_unknown_table_are_accounted_for,
);

/// The columns that only an operator knows of.
const NAMED: [&str; 2] = ["club_comment.author_id", "reading_log.reader_id"];

/// The house is the database of a club, and a second club joins it.
struct Clubs {
    house: String,
    url: String,
    config: Config,
    joining: Club,
}

fn clubs(
    house: String,
    url: String,
    (first, second): (Version, Version),
    (of_house, of_club): (&[&str], &[&str]),
) -> Option<Clubs> {
    Club::fill(&house, first, of_house)?;
    let joining = Club::fill(&url, second, of_club)?;
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&house, &url, key).unwrap().app_name("club").password_iterations(10);
    let config = config.deadline(std::time::Duration::from_secs(60));
    housekey::migrate(&config).unwrap();
    Some(Clubs { house, url, config, joining })
}

impl Clubs {
    fn adoption(&self) -> Adoption {
        let adoption = Adoption::new(self.config.clone()).trust_usernames();
        NAMED.iter().fold(adoption, |adoption, column| adoption.column(column))
    }

    /// Each conflict is another person, who gets a name with a number.
    fn settled(&self) -> Adoption {
        let plan = self.adoption().plan().unwrap();
        let conflicts = plan.conflicts.iter().zip(1..);
        conflicts.fold(self.adoption(), |adoption, (conflict, number)| {
            assert_eq!((&*conflict.about, &*conflict.reason), ("user", "same name, other e-mail"));
            adoption.person(&conflict.name, Answer::New(format!("club{number}")))
        })
    }
}

/// Every user by name: the e-mail, and the hash of the password.
fn people(url: &str) -> BTreeMap<String, (String, String)> {
    let row = "username || ' ' || email || ' ' || password";
    let rows = format!("SELECT string_agg({row}, '\n') FROM auth_user");
    let rows = database::text(url, &rows);
    let people = rows.lines().map(|row| {
        let parts: Vec<&str> = row.split(' ').collect();
        (parts[0].to_owned(), (parts[1].to_owned(), parts[2].to_owned()))
    });
    people.collect()
}

/// How many rows each table has that is in Django's hands.
fn sizes(url: &str) -> Vec<i64> {
    let tables = ["auth_user", "club_article", "club_article_fans", "club_comment", "club_profile"];
    let more = ["club_seat", "club_vote", "club_stamp", "reading_log", "django_admin_log"];
    let count = |table: &&str| database::count(url, &format!("SELECT count(*) FROM {table}"));
    tables.iter().chain(&more).map(count).collect()
}

fn nobody_is_lost(clubs: &Clubs, adoption: &Adoption, undo_file: &std::path::Path) {
    let (house, club) = (people(&clubs.house), people(&clubs.url));
    let (before, size) = (whose(&clubs.url), sizes(&clubs.url));
    let report = adoption.run(undo_file, |_, _| {}).unwrap();
    accounted(&report.plan, &house, &club);

    // The house: everybody who was there as before, and those who moved with their hashes.
    let after = people(&clubs.house);
    let moved: Vec<_> = report.plan.users.iter().filter(|user| user.fate == Fate::Moved).collect();
    assert_eq!(after.len(), house.len() + moved.len());
    assert!(house.iter().all(|(name, facts)| after.get(name) == Some(facts)));
    assert!(moved.iter().all(|user| after.get(&user.house) == club.get(&user.username)));

    // The app: each row belongs to whom it says, and each id is that of the same person in the house.
    assert_eq!((whose(&clubs.url), sizes(&clubs.url)), (before, size));
    let ids = |url: &str| {
        let rows = "SELECT string_agg(CAST(id AS varchar) || ' ' || username, '\n') FROM auth_user";
        let rows = database::text(url, rows);
        let pair =
            |row: &str| row.split_once(' ').map(|(id, name)| (name.to_owned(), id.to_owned()));
        rows.lines().filter_map(pair).collect::<BTreeMap<String, String>>()
    };
    let (of_house, of_club) = (ids(&clubs.house), ids(&clubs.url));
    for user in &report.plan.users {
        assert_eq!(of_club.get(&user.username), of_house.get(&user.house), "{user:?}");
    }

    // A second run does nothing.
    let again = adoption.run(&undo_file.with_extension("again"), |_, _| {}).unwrap();
    assert!(again.undo_file.is_none() && again.plan.is_done());
}

/// Everybody has one line in the report, and nobody was taken for somebody else.
fn accounted(
    plan: &AdoptionPlan,
    house: &BTreeMap<String, (String, String)>,
    club: &BTreeMap<String, (String, String)>,
) {
    let names: BTreeSet<&String> = plan.users.iter().map(|user| &user.username).collect();
    assert_eq!((names.len(), plan.users.len()), (club.len(), club.len()));
    let ids: BTreeSet<Option<i64>> = plan.users.iter().map(|user| user.user_id).collect();
    assert_eq!(ids.len(), club.len());
    for user in &plan.users {
        let (mine, theirs) =
            (&club[&user.username].0, house.get(&user.house).map(|facts| &facts.0));
        match user.fate {
            Fate::Matched => {
                assert_eq!(user.house, user.username);
                let theirs = theirs.unwrap();
                assert!(mine == theirs || mine.is_empty() || theirs.is_empty(), "{user:?}");
            }
            Fate::Moved => assert_eq!(theirs, None, "{user:?}"),
            _ => panic!("{user:?}"),
        }
    }
}

fn ten_thousand_join_ten_thousand(home: &Home) {
    let (house, url) = (home.shared_url(), home.another("club"));
    ten_thousand(home, house, url);
}

#[test]
fn ten_thousand_join_a_house_of_another_kind() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    ten_thousand(&home, home.shared_url(), home.local_url("club"));
}

/// 3,000 are in both, of whom 100 have another address in the club.
fn ten_thousand(home: &Home, house: String, url: String) {
    let of_house = ["--users", "10000"];
    let of_club =
        ["--users", "10000", "--start", "7001", "--seed", "2", "--other-email", "100", "--reorder"];
    let Some(clubs) = clubs(house, url, (V5_2, V4_2), (&of_house, &of_club)) else { return };
    let plan = clubs.adoption().plan().unwrap();
    let count = |fate: Fate| plan.users.iter().filter(|user| user.fate == fate).count();
    // Of the 100 first, the ten whose number ends with 3 have no address in the house.
    assert_eq!(
        (count(Fate::Matched), count(Fate::Moved), count(Fate::Unsettled)),
        (2910, 7000, 90)
    );
    nobody_is_lost(&clubs, &clubs.settled(), &home.folder().join("undo.json"));
}

fn a_club_of_django_4_2_joins_and_serves(home: &Home) {
    joins(home, (V5_2, V4_2));
}

fn a_club_of_django_5_2_joins_and_serves(home: &Home) {
    joins(home, (V4_2, V5_2));
}

fn joins(home: &Home, versions: (Version, Version)) {
    let of_house = ["--users", "60"];
    let of_club = ["--users", "60", "--start", "41", "--seed", "2", "--reorder", "--unknown-table"];
    let (house, url) = (home.shared_url(), home.another("club"));
    let Some(clubs) = clubs(house, url, versions, (&of_house, &of_club)) else { return };
    // An author who is not in the house, and can sign in.
    let author = "SELECT min(u.username) FROM auth_user u JOIN club_article a ON a.author_id = u.id \
        WHERE u.username > 'user00061' AND u.is_active AND u.password NOT LIKE '!%'";
    let author = database::text(&clubs.url, author);
    let titles = titles_of(&clubs.joining.start(), &author);
    nobody_is_lost(&clubs, &clubs.settled(), &home.folder().join("undo.json"));

    // The same people, with the same passwords, have the same articles; in a Rust app they are signed in, too.
    let joined = clubs.joining.clone().joined(&clubs.house);
    joined.manage(&["migrate", "--database=shared"]);
    let app = joined.start();
    let rust = App::start(home, "rust");
    assert_eq!(titles_of(&app, &author), titles);
    let mut browser = Browser::new();
    browser.sign_in(&rust, &author);
    assert_eq!(browser.name_at(&app), author);
    // In the admin, too, which the superuser of the house opens.
    browser.sign_in(&app, "user00001");
    for path in ["/admin/auth/user/", "/admin/club/article/"] {
        assert_eq!(browser.get(&app, path).status(), 200, "{path}");
    }
    let article = format!(
        "SELECT min(a.id) FROM club_article a JOIN auth_user u ON u.id = a.author_id \
        WHERE u.username = '{author}'"
    );
    let article = database::count(&clubs.url, &article);
    let page = browser.get(&app, &format!("/admin/club/article/{article}/change/")).text;
    let id = format!("SELECT id FROM auth_user WHERE username = '{author}'");
    let id = database::count(&clubs.house, &id);
    assert!(page.contains(&format!("name=\"author\" value=\"{id}\"")), "{page}");
    assert!(page.contains(&format!("/admin/auth/user/{id}/change/\">{author}</a>")), "{page}");
}

/// The articles of whoever signs in.
fn titles_of(app: &App, name: &str) -> serde_json::Value {
    let mut browser = Browser::new();
    browser.sign_in(app, name);
    let titles = browser.get(app, "/articles").json()["articles"].clone();
    assert_ne!(titles, json!([]), "{name} has articles");
    titles
}

fn orphans_and_an_unknown_table_are_accounted_for(home: &Home) {
    let of_club = ["--users", "60", "--orphans", "3", "--unknown-table"];
    let (house, url) = (home.shared_url(), home.another("club"));
    let Some(clubs) =
        clubs(house, url, (V5_2, V5_2), (&["--users", "5", "--start", "500"], &of_club))
    else {
        return;
    };
    let before = database::dump(&clubs.url, &["django_session"]);
    let plan = clubs.adoption().plan().unwrap();
    let mut orphaned: Vec<_> = plan.columns.iter().filter(|column| column.orphans > 0).collect();
    assert!(orphaned.iter().all(|column| column.orphans == 3), "{orphaned:?}");
    let told = plan
        .conflicts
        .iter()
        .filter(|one| one.reason.contains("3 rows have an id that is nobody's"));
    assert_eq!(told.count(), orphaned.len());
    orphaned.retain(|column| NAMED.contains(&&*format!("{}.{}", column.table, column.column)));
    assert_eq!(orphaned.len(), 2);
    assert_eq!(database::dump(&clubs.url, &["django_session"]), before);

    // An operator who deletes them can go on; what may be empty is emptied.
    for column in plan.conflicts.iter().filter_map(|one| one.about.split_once('.')) {
        let (table, column) = column;
        let orphan = format!("{column} > 0 AND {column} NOT IN (SELECT id FROM auth_user)");
        if (table, column) != ("club_article", "editor_id") {
            database::execute(&clubs.url, &format!("DELETE FROM {table} WHERE {orphan}"));
        }
    }
    let words = r#"SELECT count(*) FROM "Old ratings" r JOIN auth_user u ON r."of user" = u.id
        WHERE r.label = 'of ' || u.username"#;
    assert_eq!(database::count(&clubs.url, words), 12);
    nobody_is_lost(&clubs, &clubs.adoption().null_orphans(), &home.folder().join("undo.json"));
    assert_eq!(database::count(&clubs.url, words), 12);
}
