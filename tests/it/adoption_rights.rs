//! Groups and permissions come along by their names, and no right of one app becomes one over the whole house.

use housekey::adoption::{Answer, Fate};
use housekey::{AdoptionPlan, Caretaker};

use crate::support::adoption::Wiki;
use crate::support::{Home, on_both_databases};

on_both_databases!(
    groups_and_permissions_come_along_by_name,
    a_group_with_other_permissions_is_a_conflict,
    a_map_settles_groups,
    power_over_the_users_of_the_house_stays_behind,
    a_label_of_another_app_is_a_conflict,
    what_was_given_is_taken_back,
    a_second_app_joins_the_same_house,
    a_check_knows_who_has_joined,
);

/// `ada` of both, `kim` of the app alone; two groups, and permissions whose ids are others in the house.
fn wiki(home: &Home) -> Wiki<'_> {
    let house = [(1, "ada", "a@example.org")];
    let wiki = Wiki::new(home, &house, &[(1, "kim", ""), (2, "ada", "a@example.org")]);
    wiki.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'auth', 'user'), (2, 'wiki', 'page'); \
         INSERT INTO auth_permission (id, name, content_type_id, codename) VALUES (1, 'Can change user', 1, \
         'change_user'), (2, 'Can change page', 2, 'change_page'), (3, 'Can add page', 2, 'add_page'); \
         INSERT INTO auth_group (id, name) VALUES (1, 'editors'), (2, 'empty'); \
         INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 2), (1, 1); \
         INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (2, 1); \
         INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES (1, 3), (2, 1)",
    );
    wiki
}

fn keeper(wiki: &Wiki<'_>) -> Caretaker {
    Caretaker::open(wiki.home.config("setup")).unwrap()
}

#[track_caller]
fn fates(plan: &AdoptionPlan) -> Vec<(&str, &str, Fate, usize)> {
    let groups = plan.groups.iter();
    groups.map(|one| (&*one.name, &*one.house, one.fate, one.members)).collect()
}

fn groups_and_permissions_come_along_by_name(home: &Home) {
    let wiki = wiki(home);
    let plan = wiki.plan();
    let made = [("editors", "editors", Fate::Moved, 2), ("empty", "empty", Fate::Moved, 0)];
    assert_eq!(fates(&plan), made);
    assert_eq!((plan.memberships, plan.permissions), (2, 1));
    wiki.run(&wiki.adoption()).unwrap();
    let keeper = keeper(&wiki);
    let editors = keeper.find_group("editors").unwrap().unwrap();
    assert_eq!(editors.members, ["ada", "kim"]);
    assert_eq!(editors.permissions, ["wiki.change_page"]);
    assert_eq!(keeper.granted("kim").unwrap().own, ["wiki.add_page"]);
    assert!(keeper.granted("ada").unwrap().own.is_empty());
    assert_eq!(keeper.groups().unwrap(), ["editors", "empty"]);
    assert_eq!(
        home.text("SELECT name FROM auth_permission WHERE codename = 'add_page'"),
        "Can add page"
    );
}

/// The house's own `editors` may do this.
fn editors_of_the_house(home: &Home, codename: &str) {
    home.execute(&format!(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (71, 'wiki', 'page'); \
         INSERT INTO auth_permission (id, name, content_type_id, codename) VALUES (71, 'x', 71, '{codename}'); \
         INSERT INTO auth_group (id, name) VALUES (71, 'editors'); \
         INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (71, 71)"
    ));
    if home.is_postgres() {
        for table in ["django_content_type", "auth_permission", "auth_group"] {
            home.execute(&format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), 71)"));
        }
    }
}

fn a_group_with_other_permissions_is_a_conflict(home: &Home) {
    let wiki = wiki(home);
    editors_of_the_house(home, "delete_page");
    let plan = wiki.plan();
    let told: Vec<_> = plan.conflicts.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["group `editors` (in the house: `editors`)"]);
    // With the same ones it is joined.
    home.execute("UPDATE auth_permission SET codename = 'change_page'");
    let joined = ("editors", "editors", Fate::Matched, 2);
    assert_eq!(fates(&wiki.plan())[0], joined);
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(keeper(&wiki).find_group("editors").unwrap().unwrap().members, ["ada", "kim"]);
    // What the house gives the group later is no matter of a second run.
    home.execute("DELETE FROM auth_group_permissions");
    assert!(wiki.plan().is_done());
}

fn a_map_settles_groups(home: &Home) {
    let wiki = wiki(home);
    editors_of_the_house(home, "delete_page");
    let answer = |answer| wiki.adoption().group("editors", answer);
    let joined = answer(Answer::Same("editors".to_owned())).plan().unwrap();
    assert_eq!(fates(&joined)[0], ("editors", "editors", Fate::Matched, 2));
    for taken in [
        Answer::Same("nobody".to_owned()),
        Answer::New("editors".to_owned()),
        Answer::New(String::new()),
    ] {
        assert_eq!(answer(taken).plan().unwrap().conflicts.len(), 1);
    }
    let twice = answer(Answer::New("empty".to_owned())).plan().unwrap();
    let reason = "another group of this app would become the same one";
    assert_eq!(twice.conflicts.iter().map(|one| &*one.reason).collect::<Vec<_>>(), [reason]);
    wiki.run(&answer(Answer::New("wiki editors".to_owned()))).unwrap();
    let keeper = keeper(&wiki);
    let group = keeper.find_group("wiki editors").unwrap().unwrap();
    assert_eq!(
        (group.members, group.permissions),
        (vec!["ada".to_owned(), "kim".to_owned()], vec!["wiki.change_page".to_owned()])
    );
    let old = keeper.find_group("editors").unwrap().unwrap();
    assert_eq!((old.members.len(), old.permissions), (0, vec!["wiki.delete_page".to_owned()]));
}

fn power_over_the_users_of_the_house_stays_behind(home: &Home) {
    let wiki = wiki(home);
    let plan = wiki.plan();
    assert_eq!(plan.left_permissions, ["auth.change_user"]);
    assert!(plan.to_string().contains("auth.change_user"), "{plan}");
    wiki.run(&wiki.adoption().keep_ranks()).unwrap();
    let keeper = keeper(&wiki);
    assert_eq!(keeper.granted("ada").unwrap().own, ["auth.change_user"]);
    let editors = keeper.find_group("editors").unwrap().unwrap();
    assert_eq!(editors.permissions, ["auth.change_user", "wiki.change_page"]);
}

fn a_label_of_another_app_is_a_conflict(home: &Home) {
    let wiki = wiki(home);
    let another = home.config("another");
    let another = another.permissions(housekey::permissions! { "wiki": Page { add } });
    housekey::migrate(&another).unwrap();
    let plan = wiki.plan();
    let told: Vec<_> = plan.conflicts.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["label `wiki` (in the house: `another`)"]);
    // The app itself may have declared them already.
    home.execute("UPDATE housekey_app_label SET app = 'wiki'");
    assert!(wiki.plan().is_settled());
}

fn what_was_given_is_taken_back(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    wiki.run(&wiki.adoption().keep_ranks()).unwrap();
    wiki.undo();
    assert_eq!(wiki.everything(), before);
    // A group that has got others meanwhile stays.
    std::fs::remove_file(wiki.undo_file()).unwrap();
    wiki.run(&wiki.adoption()).unwrap();
    let keeper = keeper(&wiki);
    keeper.create_user("later", "", "correct horse battery staple").unwrap();
    keeper.set_membership("later", "editors", housekey::Grant::Give).unwrap();
    wiki.undo();
    assert_eq!(keeper.groups().unwrap(), ["editors"]);
    assert_eq!(keeper.find_group("editors").unwrap().unwrap().members, ["later"]);
}

fn a_second_app_joins_the_same_house(home: &Home) {
    let wiki = wiki(home);
    wiki.run(&wiki.adoption()).unwrap();
    let after_one = wiki.everything();
    // It has a `kim`, too, who is the one who came with the wiki.
    let url = home.another("tasks");
    let tasks = Wiki::at(home, url, &[], &[(1, "eve", ""), (2, "kim", "")]);
    let config = tasks.config().app_name("tasks");
    let adoption = housekey::Adoption::new(config.clone()).trust_usernames();
    adoption.run(&home.folder().join("tasks.undo"), |_, _| {}).unwrap();
    assert_eq!(tasks.users(), "2 kim, 3 eve");
    assert_eq!(tasks.house(), "1 ada, 2 kim, 3 eve");
    assert!(wiki.plan().is_done());
    // The first one cannot take `kim` away from the second.
    let undone = wiki.undo();
    assert_eq!((undone.removed, undone.kept.len()), (0, 1));
    assert_eq!(tasks.house(), "1 ada, 2 kim, 3 eve");
    housekey::Adoption::undo(&config, &home.folder().join("tasks.undo")).unwrap();
    assert_eq!(wiki.house(), "1 ada, 2 kim");
    assert_ne!(wiki.everything(), after_one);
}

fn a_check_knows_who_has_joined(home: &Home) {
    let wiki = wiki(home);
    let told = || {
        let checkup = housekey::check(&wiki.config());
        let local = checkup.findings.iter().filter(|one| one.topic == "local");
        local.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert!(
        told().contains("2 users of its own") && told().contains("housekey adopt"),
        "{}",
        told()
    );
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(told(), "ok: the 2 users that the local database keeps have joined the house");
}
