//! An app's own users become users of the house, and none becomes somebody else by chance.

use housekey::adoption::{Answer, Fate, MatchBy};
use housekey::{Adoption, AdoptionPlan, Error, MoveError};

use crate::support::adoption::{Row, Wiki};
use crate::support::{Home, database, on_both_databases};

on_both_databases!(
    the_same_name_and_the_same_address_are_one_person,
    the_same_name_with_another_address_is_a_conflict,
    without_an_address_names_are_trusted_only_when_told,
    by_address_a_name_does_not_count,
    by_address_two_of_one_are_a_conflict,
    names_that_look_alike_are_a_conflict,
    a_map_settles_what_no_rule_can,
    a_map_cannot_make_one_of_two,
    a_map_that_names_nobody_is_refused,
    who_moves_takes_the_password_along_and_no_rank,
    a_second_run_does_nothing,
    who_comes_later_is_adopted_by_another_run,
    a_name_that_was_given_to_another_is_no_old_acquaintance,
    who_was_deleted_from_the_house_is_not_made_again_unasked,
    what_the_house_cannot_hold_is_a_conflict,
);

fn answer(how: fn(String) -> Answer, name: &str) -> Answer {
    how(name.to_owned())
}

/// What a plan says of a user: what becomes of them, and who that is.
#[track_caller]
fn fate(plan: &AdoptionPlan, name: &str) -> (Fate, String) {
    let mut found = plan.users.iter().filter(|user| user.username == name);
    let user = found.next().unwrap();
    assert!(found.next().is_none());
    (user.fate, user.house.clone())
}

fn is(fate: Fate, house: &str) -> (Fate, String) {
    (fate, house.to_owned())
}

/// The reasons of the conflicts, with the names.
fn conflicts(plan: &AdoptionPlan) -> Vec<String> {
    plan.conflicts.iter().map(|one| format!("{}: {}", one.name, one.reason)).collect()
}

const ADA: Row<'static> = (1, "ada", "ada@example.org");
const GRACE: Row<'static> = (2, "grace", "grace@example.org");

fn the_same_name_and_the_same_address_are_one_person(home: &Home) {
    let wiki = Wiki::new(home, &[ADA, GRACE], &[(1, "grace", "Grace@Example.ORG"), (2, "eve", "")]);
    let before = wiki.everything();
    let plan = wiki.plan();
    assert_eq!(fate(&plan, "grace"), is(Fate::Matched, "grace"));
    assert_eq!(fate(&plan, "eve"), is(Fate::Moved, "eve"));
    assert!(plan.is_settled() && !plan.is_done());
    assert_eq!(wiki.everything(), before, "a plan changes nothing");

    let report = wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.house(), "1 ada, 2 grace, 3 eve");
    assert_eq!(wiki.users(), "2 grace, 3 eve");
    assert!(report.plan.users.iter().all(|user| user.user_id.is_some()));
    // The account of the house is that of the house.
    let kept = "SELECT count(*) FROM auth_user WHERE username = 'grace' \
                AND password = 'hash of grace of the house' AND email = 'grace@example.org'";
    assert_eq!(home.count(kept), 1);
}

fn the_same_name_with_another_address_is_a_conflict(home: &Home) {
    let wiki = Wiki::new(home, &[ADA], &[(7, "ada", "ada@elsewhere.example"), (8, "eve", "")]);
    let before = wiki.everything();
    for adoption in [wiki.adoption(), wiki.adoption().trust_usernames()] {
        assert_eq!(conflicts(&adoption.plan().unwrap()), ["ada: same name, other e-mail"]);
        let error = wiki.run(&adoption).unwrap_err();
        assert!(
            matches!(error, Error::Move(MoveError::Unsettled { conflicts: 1, .. })),
            "{error:?}"
        );
    }
    assert_eq!(wiki.everything(), before);
    assert!(!wiki.undo_file().exists());
    // A letter that Unicode takes for a K is none in an address.
    database::execute(&home.shared_url(), "UPDATE auth_user SET email = 'k@example.org'");
    wiki.execute("UPDATE auth_user SET email = '\u{212a}@example.org' WHERE id = 7");
    assert_eq!(conflicts(&wiki.plan()), ["ada: same name, other e-mail"]);
}

fn without_an_address_names_are_trusted_only_when_told(home: &Home) {
    let house = [(1, "ada", ""), (2, "grace", "grace@example.org"), (3, "eve", "")];
    let local = [(5, "ada", "ada@example.org"), (6, "grace", " "), (7, "eve", "")];
    let wiki = Wiki::new(home, &house, &local);
    let open =
        ["ada", "eve", "grace"].map(|name| format!("{name}: same name, and no e-mail to compare"));
    assert_eq!(conflicts(&wiki.plan()), open);
    let plan = wiki.adoption().trust_usernames().plan().unwrap();
    assert!(plan.is_settled());
    assert_eq!(fate(&plan, "grace"), is(Fate::Matched, "grace"));
}

fn by_address_a_name_does_not_count(home: &Home) {
    let local =
        [(1, "countess", "ADA@example.org"), (2, "grace", ""), (3, "eve", "eve@example.org")];
    let wiki = Wiki::new(home, &[ADA, GRACE], &local);
    let plan = wiki.adoption().by(MatchBy::Email).plan().unwrap();
    assert_eq!(fate(&plan, "countess"), is(Fate::Matched, "ada"));
    assert_eq!(fate(&plan, "eve"), is(Fate::Moved, "eve"));
    let open = "grace: the name is that of a house user with another e-mail, or none";
    assert_eq!(conflicts(&plan), [open]);
    // By name they are two, and it is said that they have one address.
    let plan = wiki.plan();
    assert_eq!(fate(&plan, "countess"), is(Fate::Moved, "countess"));
    assert!(plan.notes[0].starts_with("1 users who move have the e-mail"), "{:?}", plan.notes);
}

fn by_address_two_of_one_are_a_conflict(home: &Home) {
    let house = [ADA, (2, "lovelace", "ada@example.org"), (3, "grace", "grace@example.org")];
    let local = [
        (1, "a", "ada@example.org"),
        (2, "g", "grace@example.org"),
        (3, "h", "GRACE@example.org"),
        (4, "x", "x@example.org"),
        (5, "y", "x@example.org"),
    ];
    let wiki = Wiki::new(home, &house, &local);
    let plan = wiki.adoption().by(MatchBy::Email).plan().unwrap();
    let open = ["a", "g", "h"].map(|name| format!("{name}: more than one user has the e-mail"));
    assert_eq!(conflicts(&plan), open);
    assert_eq!(fate(&plan, "y"), is(Fate::Moved, "y"));
}

fn names_that_look_alike_are_a_conflict(home: &Home) {
    let house = [(1, "ada", ""), (2, "zo\u{eb}", ""), (3, "stra\u{df}e", ""), (4, "finn", "")];
    let local = [
        (11, "Ada", "a@example.org"),
        (12, "zoe\u{308}", "b@example.org"),
        (13, "STRASSE", "c@example.org"),
        (14, "\u{fb01}nn", "d@example.org"),
        (15, "eve", ""),
        (16, "EVE", ""),
    ];
    let wiki = Wiki::new(home, &house, &local);
    let plan = wiki.plan();
    for (local, house) in [("Ada", "ada"), ("zoe\u{308}", "zo\u{eb}"), ("STRASSE", "stra\u{df}e")] {
        assert_eq!(fate(&plan, local), is(Fate::Unsettled, house));
    }
    assert_eq!(plan.conflicts.len(), 4, "{:?}", plan.conflicts);
    // They were two in the app, and are two in the house.
    assert_eq!(fate(&plan, "EVE"), is(Fate::Moved, "EVE"));
    assert!(
        plan.notes[0].starts_with("2 users who move have names that differ"),
        "{:?}",
        plan.notes
    );
}

fn a_map_settles_what_no_rule_can(home: &Home) {
    let local = [(1, "ada", "other@example.org"), (2, "hopper", ""), (3, "Grace", "")];
    let wiki = Wiki::new(home, &[ADA, GRACE], &local);
    let adoption = wiki
        .adoption()
        .person("ada", answer(Answer::New, "ada.of.wiki"))
        .person("hopper", answer(Answer::Same, "grace"))
        .person("Grace", answer(Answer::New, "Grace"));
    wiki.run(&adoption).unwrap();
    assert_eq!(wiki.house(), "1 ada, 2 grace, 3 ada.of.wiki, 4 Grace");
    assert_eq!(wiki.users(), "2 hopper, 3 ada, 4 Grace");
    assert_eq!(home.text("SELECT password FROM auth_user WHERE id = 3"), "hash of ada of the wiki");
    // The same map again finds nothing to do.
    std::fs::remove_file(wiki.undo_file()).unwrap();
    assert!(wiki.run(&adoption).unwrap().undo_file.is_none());
}

fn a_map_cannot_make_one_of_two(home: &Home) {
    let local = [(1, "ada", "ada@example.org"), (2, "a", ""), (3, "b", ""), (4, "c", "")];
    let wiki = Wiki::new(home, &[ADA], &local);
    let adoption = wiki
        .adoption()
        .person("a", answer(Answer::Same, "ada"))
        .person("b", answer(Answer::New, "c"))
        .person("c", answer(Answer::New, "ada"));
    let one = "another user of this app would become the same house user";
    let plan = adoption.plan().unwrap();
    let expected = [
        format!("a: {one}"),
        format!("ada: {one}"),
        "c: the map gives a name that another user of the house has".to_owned(),
    ];
    assert_eq!(conflicts(&plan), expected);
    let same = wiki.adoption().person("b", answer(Answer::New, "c")).plan().unwrap();
    let name = "another user of this app would get the same name";
    assert_eq!(conflicts(&same), [format!("b: {name}"), format!("c: {name}")]);
    for bad in ["two words", "", "e\u{301}", &"x".repeat(151)] {
        let plan = wiki.adoption().person("b", answer(Answer::New, bad)).plan().unwrap();
        assert_eq!(conflicts(&plan), ["b: the map gives a name that no user may have"], "{bad}");
    }
}

fn a_map_that_names_nobody_is_refused(home: &Home) {
    let wiki = Wiki::new(home, &[ADA], &[(1, "a", "")]);
    let refused = |adoption: Adoption| adoption.plan().unwrap_err().to_string();
    let said = refused(wiki.adoption().person("ada", answer(Answer::Same, "ada")));
    assert_eq!(said, "the map names the user `ada`, whom the app does not have; correct that line");
    let said = refused(wiki.adoption().group("a", answer(Answer::Same, "a")));
    assert_eq!(said, "the map names the group `a`, whom the app does not have; correct that line");
    let plan = wiki.adoption().person("a", answer(Answer::Same, "eve")).plan().unwrap();
    assert_eq!(conflicts(&plan), ["a: the map names a user who is not in the house"]);
}

fn who_moves_takes_the_password_along_and_no_rank(home: &Home) {
    let wiki = Wiki::new(home, &[ADA], &[(1, "root", "root@example.org"), (2, "eve", "")]);
    wiki.execute(
        "UPDATE auth_user SET is_superuser = true, is_staff = true, last_name = 'Łoś', \
         last_login = '2026-01-02 03:04:05.000006' WHERE id = 1; UPDATE auth_user SET is_active = false WHERE id = 2",
    );
    let plan = wiki.plan();
    assert_eq!(plan.ranks, ["root (superuser)"]);
    let kept = wiki.adoption().keep_ranks().plan().unwrap();
    assert!(
        kept.ranks.is_empty() && kept.notes[0].contains("root (superuser)"),
        "{:?}",
        kept.notes
    );
    wiki.run(&wiki.adoption()).unwrap();
    let moved = "SELECT count(*) FROM auth_user WHERE username = 'root' AND NOT is_superuser AND NOT is_staff \
        AND is_active AND password = 'hash of root of the wiki' AND first_name = 'of the wiki' \
        AND last_name = 'Łoś' AND email = 'root@example.org' AND last_login = '2026-01-02 03:04:05.000006' \
        AND date_joined = '2020-02-29 12:00:00.123456'";
    assert_eq!(home.count(moved), 1);
    assert_eq!(
        home.count("SELECT count(*) FROM auth_user WHERE username = 'eve' AND NOT is_active"),
        1
    );
    assert_eq!(wiki.undo().removed, 2);
    std::fs::remove_file(wiki.undo_file()).unwrap();
    wiki.run(&wiki.adoption().keep_ranks()).unwrap();
    assert_eq!(home.count("SELECT count(*) FROM auth_user WHERE is_superuser AND is_staff"), 1);
}

fn a_second_run_does_nothing(home: &Home) {
    let wiki = Wiki::new(home, &[ADA, GRACE], &[(1, "grace", "grace@example.org"), (2, "eve", "")]);
    wiki.execute("INSERT INTO page VALUES (1, 1, 'of grace'), (2, 2, 'of eve')");
    wiki.run(&wiki.adoption()).unwrap();
    let before = wiki.everything();
    // The house goes on, and its users write in the app.
    database::execute(&home.shared_url(), "UPDATE auth_user SET username = 'renamed' WHERE id = 3");
    assert!(wiki.plan().is_done(), "{}", wiki.plan());
    database::execute(&home.shared_url(), "UPDATE auth_user SET username = 'eve' WHERE id = 3");
    let report = wiki.adoption().run(&home.folder().join("again"), |_, _| {}).unwrap();
    assert!(report.undo_file.is_none() && report.plan.is_done());
    assert!(report.to_string().ends_with("there is nothing to do"), "{report}");
    assert!(!home.folder().join("again").exists());
    assert_eq!(wiki.everything(), before);
}

fn who_comes_later_is_adopted_by_another_run(home: &Home) {
    let wiki = Wiki::new(home, &[ADA, GRACE], &[(1, "grace", "grace@example.org"), (9, "eve", "")]);
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.users(), "2 grace, 3 eve");
    wiki.execute(
        "INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, \
         is_active, date_joined) VALUES (50, 'x', false, 'kim', '', '', '', false, true, '2026-01-01 00:00:00')",
    );
    let file = home.folder().join("second");
    let report = wiki.adoption().run(&file, |_, _| {}).unwrap();
    assert_eq!(fate(&report.plan, "eve"), is(Fate::Before, "eve"));
    assert_eq!(wiki.users(), "2 grace, 3 eve, 4 kim");
    // Its file takes all of them back.
    let undone = Adoption::undo(&wiki.config(), &file).unwrap();
    assert_eq!((undone.users, undone.removed), (3, 2));
    assert_eq!(wiki.users(), "1 grace, 9 eve, 50 kim");
    assert_eq!(wiki.house(), "1 ada, 2 grace");
}

fn a_name_that_was_given_to_another_is_no_old_acquaintance(home: &Home) {
    let wiki = Wiki::new(home, &[ADA], &[(7, "eve", "")]);
    wiki.run(&wiki.adoption()).unwrap();
    wiki.execute("UPDATE auth_user SET id = 99");
    let before = "has the name or the id of a user who was adopted before";
    assert_eq!(conflicts(&wiki.plan()), [format!("eve: {before}")]);
    wiki.execute("UPDATE auth_user SET id = 2, username = 'mallory'");
    assert_eq!(conflicts(&wiki.plan()), [format!("mallory: {before}")]);
    let adoption = wiki.adoption().person("mallory", answer(Answer::New, "mallory"));
    assert_eq!(fate(&adoption.plan().unwrap(), "mallory"), is(Fate::Moved, "mallory"));
}

fn who_was_deleted_from_the_house_is_not_made_again_unasked(home: &Home) {
    let wiki = Wiki::new(home, &[ADA], &[(7, "eve", "")]);
    wiki.run(&wiki.adoption()).unwrap();
    database::execute(&home.shared_url(), "DELETE FROM auth_user WHERE username = 'eve'");
    let open = "eve: was adopted before, and deleted from the house since";
    assert_eq!(conflicts(&wiki.plan()), [open]);
    let adoption = wiki.adoption().person("eve", answer(Answer::New, "eve"));
    adoption.run(&home.folder().join("second"), |_, _| {}).unwrap();
    assert_eq!(wiki.house(), "1 ada, 3 eve");
    assert_eq!(wiki.users(), "3 eve");
}

fn what_the_house_cannot_hold_is_a_conflict(home: &Home) {
    // SQLite alone takes such rows.
    let url = home.local_url("wiki");
    let wiki = Wiki::at(home, url, &[ADA], &[(1, "eve", ""), (2, "kim", ""), (3, "tim", "")]);
    wiki.execute(&format!("UPDATE auth_user SET last_name = '{}' WHERE id = 1", "x".repeat(151)));
    wiki.execute("UPDATE auth_user SET date_joined = 'yesterday' WHERE id = 2");
    let reason = "has a value that the house cannot hold: too long, no text, or no time";
    assert_eq!(conflicts(&wiki.plan()), [format!("eve: {reason}"), format!("kim: {reason}")]);
}
