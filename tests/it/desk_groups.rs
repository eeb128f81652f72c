//! Staff keep the groups of the house.

use housekey::{Denied, Error, EventKind, Grant};

use crate::support::desk::{desk, events, keeper, staff, superuser, told, why};
use crate::support::{Home, on_both_databases, user};

on_both_databases!(
    a_group_is_made_changed_and_deleted,
    a_name_is_taken_once_and_fits,
    groups_are_listed_with_members_and_permissions,
    each_deed_needs_its_permission,
    what_refers_to_a_group_holds_it,
    the_permissions_that_there_are_have_names,
);

fn a_group_is_made_changed_and_deleted(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace");
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let group = desk.create_group(" writers ").unwrap();
    assert_eq!((group.name.as_str(), group.members), ("writers", 0));
    assert!(group.permissions.is_empty());
    desk.set_rights(grace.id, &housekey::Rights::default().group("writers")).unwrap();

    desk.set_group_permissions(group.id, &["auth.view_user", "auth.add_user"]).unwrap();
    let may = |name: &str| house.permissions(&grace).unwrap().has_perm(name);
    assert!(may("auth.view_user") && may("auth.add_user"));
    desk.set_group_permissions(group.id, &["auth.view_user", "auth.view_group"]).unwrap();
    // The same again is no deed, and neither is its own name.
    desk.set_group_permissions(group.id, &["auth.view_group", "auth.view_user"]).unwrap();
    assert!(may("auth.view_user") && may("auth.view_group") && !may("auth.add_user"));
    desk.rename_group(group.id, "writers").unwrap();
    desk.rename_group(group.id, "readers").unwrap();
    assert_eq!(desk.group(group.id).unwrap().unwrap().name, "readers");
    assert!(may("auth.view_user"));
    desk.delete_group(group.id).unwrap();
    assert!(!may("auth.view_user"));
    assert_eq!(desk.group(group.id).unwrap(), None);

    assert_eq!(told(&events(home, EventKind::GroupCreated)), [("root", "by root: writers")]);
    assert_eq!(
        told(&events(home, EventKind::GroupChanged)),
        [
            ("root", "by root: writers +auth.add_user +auth.view_user"),
            ("root", "by root: writers -auth.add_user +auth.view_group"),
            ("root", "by root: readers, which was writers"),
        ]
    );
    assert_eq!(told(&events(home, EventKind::GroupDeleted)), [("root", "by root: readers")]);

    for nobody in [group.id, i64::MAX, -1] {
        for refused in [
            desk.rename_group(nobody, "x"),
            desk.set_group_permissions(nobody, &["auth.view_user"]),
            desk.delete_group(nobody),
        ] {
            assert!(matches!(refused, Err(Error::Unknown { what: "group", .. })), "{refused:?}");
        }
        assert_eq!(desk.group(nobody).unwrap(), None);
    }
}

fn a_name_is_taken_once_and_fits(home: &Home) {
    let house = home.open("notes");
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let (writers, readers) =
        (desk.create_group("writers").unwrap(), desk.create_group("readers").unwrap());
    for refused in
        [desk.create_group("writers").map(drop), desk.rename_group(readers.id, " writers")]
    {
        let Err(Error::GroupTaken { name, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(name, "writers");
    }
    let long = "ü".repeat(151);
    for name in ["", "  ", "a\0", &long] {
        for refused in [desk.create_group(name).map(drop), desk.rename_group(writers.id, name)] {
            assert!(matches!(refused, Err(Error::Group { .. })), "{refused:?}");
        }
    }
    assert!(desk.create_group(&long[2..]).is_ok());
    let names: Vec<String> = desk.groups().unwrap().into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["readers", "writers", &long[2..]]);

    let error = desk.set_group_permissions(writers.id, &["auth.view_user", "auth.no_such"]);
    assert!(matches!(error, Err(Error::Unknown { what: "permission", .. })), "{error:?}");
    assert!(desk.group(writers.id).unwrap().unwrap().permissions.is_empty());
}

fn groups_are_listed_with_members_and_permissions(home: &Home) {
    let house = home.open("notes");
    let session = superuser(&house, "root");
    let keeper = keeper(home);
    for group in ["b", "a", "c"] {
        keeper.create_group(group).unwrap();
    }
    for name in ["grace", "ada"] {
        user(&house, name);
        keeper.set_membership(name, "a", Grant::Give).unwrap();
    }
    keeper.set_membership("ada", "b", Grant::Give).unwrap();
    keeper.grant_to_group("a", "auth.view_user", Grant::Give).unwrap();
    keeper.grant_to_group("a", "auth.add_user", Grant::Give).unwrap();
    let desk = desk(&house, &session);
    let groups = desk.groups().unwrap();
    let lines: Vec<String> = groups
        .iter()
        .map(|group| format!("{} {} {}", group.name, group.members, group.permissions.join(" ")))
        .collect();
    assert_eq!(lines, ["a 2 auth.add_user auth.view_user", "b 1 ", "c 0 "]);
    let a = desk.group(groups[0].id).unwrap().unwrap();
    assert_eq!((a.name.as_str(), a.member_count, a.may_change), ("a", 2, true));
    assert_eq!(a.members, ["ada", "grace"]);
    assert_eq!(a.permissions, ["auth.add_user", "auth.view_user"]);

    // Of many members the first hundred are named.
    home.execute(&format!(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
         is_active, date_joined) WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1149) \
         SELECT '!', false, 'm' || i, '', '', '', false, true, '2026-01-01 00:00:00' FROM n; \
         INSERT INTO auth_user_groups (user_id, group_id) SELECT id, {} FROM auth_user WHERE username LIKE 'm1%'",
        groups[2].id
    ));
    let c = desk.group(groups[2].id).unwrap().unwrap();
    assert_eq!((c.member_count, c.members.len()), (150, 100));
    assert_eq!((c.members[0].as_str(), c.members[99].as_str()), ("m1000", "m1099"));
    assert_eq!(desk.groups().unwrap()[2].members, 150);
}

fn each_deed_needs_its_permission(home: &Home) {
    let house = home.open("notes");
    keeper(home).create_group("empty").unwrap();
    let sees = staff(home, &house, "sees", &["auth.view_group", "auth.change_user"]);
    let at = desk(&house, &sees);
    let group = at.groups().unwrap()[0].id;
    assert!(!at.group(group).unwrap().unwrap().may_change);
    assert_eq!(why(at.create_group("x")), Denied::Lacks("auth.add_group"));
    assert_eq!(why(at.rename_group(group, "x")), Denied::Lacks("auth.change_group"));
    let refused = at.set_group_permissions(group, &["auth.view_group"]);
    assert_eq!(why(refused), Denied::Lacks("auth.change_group"));
    assert_eq!(why(at.delete_group(group)), Denied::Lacks("auth.delete_group"));

    let changes = staff(home, &house, "changes", &["auth.change_group"]);
    let at = desk(&house, &changes);
    at.set_group_permissions(group, &["auth.change_group"]).unwrap();
    at.rename_group(group, "changers").unwrap();
    assert_eq!(why(at.delete_group(group)), Denied::Lacks("auth.delete_group"));

    // Who puts users into groups must see what there is; more of a group is no business of theirs.
    let puts = staff(home, &house, "puts", &["auth.change_user"]);
    let at = desk(&house, &puts);
    assert_eq!(at.groups().unwrap().len(), 1);
    assert_eq!(why(at.group(group)), Denied::Lacks("auth.view_group"));
    let nothing = staff(home, &house, "nothing", &["auth.view_user", "auth.add_group"]);
    assert_eq!(why(desk(&house, &nothing).groups()), Denied::Lacks("auth.view_group"));
}

fn what_refers_to_a_group_holds_it(home: &Home) {
    let house = home.open("notes");
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let group = desk.create_group("writers").unwrap().id;
    home.execute(&format!(
        "CREATE TABLE wiki_page (id integer PRIMARY KEY, group_id integer NOT NULL REFERENCES auth_group (id)); \
         INSERT INTO wiki_page (id, group_id) VALUES (1, {group})"
    ));
    let error = desk.delete_group(group).unwrap_err();
    let Error::StillReferred { what: "group", name, table, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((name.as_str(), table.as_str()), ("writers", "wiki_page"));
    assert!(desk.group(group).unwrap().is_some());
    assert!(events(home, EventKind::GroupDeleted).is_empty());
}

fn the_permissions_that_there_are_have_names(home: &Home) {
    let house = home.open_with(home.config("billing").permissions(housekey::permissions! {
        "billing": Invoice { add, "approve_invoice" = "Can approve invoice" }
    }));
    let session = staff(home, &house, "clerk", &[]);
    let all = desk(&house, &session).permissions().unwrap();
    assert_eq!(all, keeper(home).permissions(None).unwrap());
    assert_eq!(all.len(), 14);
    assert_eq!(all[0], ("auth.add_group".to_owned(), "Can add group".to_owned()));
    assert_eq!(all[13].0, "billing.approve_invoice");
}
