//! Nobody at a desk gives or takes more than they have.

use housekey::{Active, Denied, Error, EventKind, Grant, Rights, UserDetails};
use serde_json::json;

use crate::support::desk::{desk, events, id, keeper, signed_in, staff, superuser, told, why};
use crate::support::django::Django;
use crate::support::{Home, House, database, on_both_databases, user};

on_both_databases!(
    rights_are_set_as_a_whole,
    only_what_is_other_is_written,
    one_wrong_name_and_nothing_is_changed,
    an_ordinary_clerk_gives_and_takes_what_the_clerk_has,
    every_way_up_is_shut,
    a_superuser_may_do_all_that,
    nobody_takes_their_own_rights_as_staff_or_superuser,
    a_right_of_two_models_is_one,
    django_sees_what_was_granted,
);

/// Django's tables of users, as they are.
fn state(home: &Home) -> Vec<Vec<String>> {
    let tables = [
        "auth_user",
        "auth_group",
        "auth_user_groups",
        "auth_user_user_permissions",
        "auth_group_permissions",
        "django_session",
    ];
    tables.into_iter().map(|table| database::rows(&home.shared_url(), table)).collect()
}

fn groups(home: &Home) {
    let keeper = keeper(home);
    for (group, permission) in [("viewers", "auth.view_user"), ("keepers", "auth.delete_group")] {
        keeper.create_group(group).unwrap();
        keeper.grant_to_group(group, permission, Grant::Give).unwrap();
    }
    keeper.create_group("empty").unwrap();
}

fn has(house: &House, name: &str, permission: &str) -> bool {
    let user = house.find_user(name).unwrap().unwrap();
    house.permissions(&user).unwrap().has_perm(permission)
}

fn rights_are_set_as_a_whole(home: &Home) {
    let house = home.open("notes");
    groups(home);
    let grace = user(&house, "grace").id;
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let mut rights = Rights::default().group("viewers").permission("auth.add_user");
    rights.is_staff = true;
    desk.set_rights(grace, &rights).unwrap();
    let file = desk.user(grace).unwrap().unwrap();
    assert_eq!(file.rights(), rights);
    assert!(file.user.is_staff && !file.user.is_superuser);
    assert!(has(&house, "grace", "auth.view_user") && has(&house, "grace", "auth.add_user"));

    let other = Rights::default().group("keepers").group("empty").permission("auth.add_group");
    desk.set_rights(grace, &other).unwrap();
    let file = desk.user(grace).unwrap().unwrap();
    assert_eq!(file.granted.groups, ["empty", "keepers"]);
    assert_eq!(file.granted.own, ["auth.add_group"]);
    assert!(!file.user.is_staff);
    assert!(!has(&house, "grace", "auth.view_user") && !has(&house, "grace", "auth.add_user"));

    let changed = events(home, EventKind::RightsChanged);
    assert_eq!(
        told(&changed),
        [
            ("grace", "by root: +staff +group viewers +auth.add_user"),
            (
                "grace",
                "by root: -staff -group viewers +group empty +group keepers -auth.add_user +auth.add_group"
            ),
        ]
    );
    let mut everything = Rights::default();
    everything.is_superuser = true;
    desk.set_rights(grace, &everything).unwrap();
    assert!(has(&house, "grace", "no.such"));
}

fn only_what_is_other_is_written(home: &Home) {
    let house = home.open("notes");
    groups(home);
    let grace = user(&house, "grace").id;
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let rights = Rights::default().group("viewers").permission("auth.add_user");
    desk.set_rights(grace, &rights).unwrap();
    let before = state(home);
    // Also when a name comes twice.
    let again = rights.clone().group("viewers").permission("auth.add_user");
    desk.set_rights(grace, &again).unwrap();
    assert_eq!(state(home), before);
    assert_eq!(events(home, EventKind::RightsChanged).len(), 1);
    desk.set_rights(grace, &rights.group("empty")).unwrap();
    let after = state(home);
    assert!(before[2].iter().all(|row| after[2].contains(row)), "the rows from before stay");
    assert_eq!(after[3], before[3]);
}

fn one_wrong_name_and_nothing_is_changed(home: &Home) {
    let house = home.open("notes");
    groups(home);
    let grace = user(&house, "grace").id;
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let before = state(home);
    let good = || Rights::default().group("viewers").permission("auth.add_user");
    for (rights, unknown) in [
        (good().group("no such"), "group"),
        (good().group("a\0"), "group"),
        (good().group(""), "group"),
        (good().permission("auth.no_such"), "permission"),
        (good().permission("auth"), "permission"),
        (good().permission("auth.\0"), "permission"),
        (good().permission(""), "permission"),
    ] {
        match desk.set_rights(grace, &rights).unwrap_err() {
            Error::Unknown { what, .. } => assert_eq!(what, unknown, "{rights:?}"),
            error => panic!("{error:?}"),
        }
    }
    assert!(matches!(desk.set_rights(-1, &good()), Err(Error::Unknown { what: "user", .. })));
    assert_eq!(state(home), before);
}

fn an_ordinary_clerk_gives_and_takes_what_the_clerk_has(home: &Home) {
    let house = home.open("notes");
    groups(home);
    let grace = user(&house, "grace").id;
    let session = staff(home, &house, "clerk", &["auth.change_user", "auth.view_user"]);
    let desk = desk(&house, &session);
    let rights = Rights::default().group("viewers").group("empty").permission("auth.change_user");
    desk.set_rights(grace, &rights).unwrap();
    assert!(has(&house, "grace", "auth.view_user") && has(&house, "grace", "auth.change_user"));
    desk.set_rights(grace, &Rights::default()).unwrap();
    assert!(!has(&house, "grace", "auth.view_user") && !has(&house, "grace", "auth.change_user"));

    // A permission by a group counts as one's own.
    keeper(home).set_membership("clerk", "keepers", Grant::Give).unwrap();
    desk.set_rights(grace, &Rights::default().group("keepers")).unwrap();
    assert!(has(&house, "grace", "auth.delete_group"));
}

/// Each of these would be a way to more than the clerk has.
fn every_way_up_is_shut(home: &Home) {
    let house = home.open("notes");
    groups(home);
    let keeper = keeper(home);
    let all_of_a_clerk = [
        "auth.add_user",
        "auth.change_user",
        "auth.delete_user",
        "auth.view_user",
        "auth.add_group",
        "auth.change_group",
        "auth.view_group",
    ];
    let session = staff(home, &house, "clerk", &all_of_a_clerk);
    let clerk = id(&house, "clerk");
    let grace = user(&house, "grace").id;
    superuser(&house, "root");
    let root = id(&house, "root");
    // Who may do one thing more than the clerk, alone or by a group, also while not active.
    user(&house, "more");
    keeper.grant("more", "auth.delete_group", Grant::Give).unwrap();
    user(&house, "member");
    keeper.set_membership("member", "keepers", Grant::Give).unwrap();
    user(&house, "sleeper");
    keeper.grant("sleeper", "auth.delete_group", Grant::Give).unwrap();
    keeper.set_active("sleeper", Active::No).unwrap();
    house.create_superuser("asleep", "", crate::support::PASSWORD).unwrap();
    keeper.set_active("asleep", Active::No).unwrap();
    let session_of_root = signed_in(&house, "root").id().unwrap();

    let desk = desk(&house, &session);
    let group = |name: &str| {
        let groups = desk.groups().unwrap();
        groups.into_iter().find(|group| group.name == name).unwrap().id
    };
    let (keepers, viewers) = (group("keepers"), group("viewers"));
    let kept = |id: i64| desk.user(id).unwrap().unwrap().rights();
    let refused = |what: &str, deed: &dyn Fn() -> Result<(), Error>| {
        let before = state(home);
        let why = why(deed());
        assert_eq!(why, Denied::MoreThanYours, "{what}");
        assert_eq!(state(home), before, "{what}");
    };

    for target in [clerk, grace] {
        for flag in ["staff", "superuser"] {
            let mut rights = kept(target);
            rights.is_superuser |= flag == "superuser";
            rights.is_staff |= flag == "staff";
            if rights != kept(target) {
                refused(flag, &|| desk.set_rights(target, &rights));
            }
        }
        let more = kept(target).permission("auth.delete_group");
        refused("a permission", &|| desk.set_rights(target, &more));
        // A name that does not exist yet may be made tomorrow.
        let more = kept(target).permission("billing.approve_invoice");
        refused("a permission that is not there", &|| desk.set_rights(target, &more));
        let more = kept(target).group("keepers");
        refused("a group", &|| desk.set_rights(target, &more));
        // The good part of what is asked for is not done, either.
        let more = kept(target).group("viewers").group("keepers");
        refused("a good group and another", &|| desk.set_rights(target, &more));
    }
    for name in ["root", "more", "member", "sleeper", "asleep"] {
        let target = id(&house, name);
        let details = UserDetails::new(name).email("clerk@example.org");
        refused(name, &|| desk.update_user(target, &details).map(drop));
        refused(name, &|| desk.set_rights(target, &kept(target)));
        refused(name, &|| desk.set_rights(target, &Rights::default()));
        refused(name, &|| desk.set_active(target, Active::No));
        refused(name, &|| desk.set_active(target, Active::Yes));
        refused(name, &|| desk.set_password_link(target).map(drop));
        refused(name, &|| desk.unlock(target));
        refused(name, &|| desk.end_sessions(target).map(drop));
        refused(name, &|| desk.end_session(target, "0").map(drop));
        assert!(!desk.user(target).unwrap().unwrap().may_change, "{name}");
    }
    refused("a session", &|| desk.end_session(root, &session_of_root).map(drop));

    let none: [&str; 0] = [];
    refused("a group of more", &|| desk.rename_group(keepers, "mine"));
    refused("a group of more", &|| desk.set_group_permissions(keepers, &none));
    refused("a group of more", &|| desk.set_group_permissions(keepers, &["auth.delete_group"]));
    refused("a group", &|| desk.set_group_permissions(viewers, &["auth.delete_group"]));
    refused("a group", &|| {
        desk.set_group_permissions(viewers, &["auth.view_user", "auth.delete_group"])
    });
    assert!(!desk.group(keepers).unwrap().unwrap().may_change);
    assert!(desk.group(viewers).unwrap().unwrap().may_change);
    keeper.grant("clerk", "auth.delete_group", Grant::Give).unwrap();
    keeper.grant_to_group("keepers", "auth.add_permission", Grant::Give).unwrap();
    refused("a group of more", &|| desk.delete_group(keepers));
}

fn a_superuser_may_do_all_that(home: &Home) {
    let house = home.open("notes");
    groups(home);
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    house.create_superuser("second", "", crate::support::PASSWORD).unwrap();
    let second = id(&house, "second");
    assert!(desk.user(second).unwrap().unwrap().may_change);
    desk.set_password_link(second).unwrap();
    desk.set_rights(second, &Rights::default()).unwrap();
    let second = house.find_user("second").unwrap().unwrap();
    assert!(!second.is_staff && !second.is_superuser);
    desk.set_active(second.id, Active::No).unwrap();
}

fn nobody_takes_their_own_rights_as_staff_or_superuser(home: &Home) {
    let house = home.open("notes");
    let session = superuser(&house, "root");
    let root = id(&house, "root");
    let at = desk(&house, &session);
    let mut rights = at.user(root).unwrap().unwrap().rights();
    rights.is_superuser = false;
    assert_eq!(why(at.set_rights(root, &rights)), Denied::LastSuperuser);
    house.create_superuser("second", "", crate::support::PASSWORD).unwrap();
    assert_eq!(why(at.set_rights(root, &rights)), Denied::Yourself);
    (rights.is_superuser, rights.is_staff) = (true, false);
    assert_eq!(why(at.set_rights(root, &rights)), Denied::Yourself);
    // The own permissions are no way to more, and may go.
    rights.is_staff = true;
    at.set_rights(root, &rights.clone().permission("auth.add_user")).unwrap();
    at.set_rights(root, &rights).unwrap();

    let clerk = staff(home, &house, "clerk", &["auth.change_user"]);
    let at = desk(&house, &clerk);
    assert_eq!(why(at.set_rights(id(&house, "clerk"), &Rights::default())), Denied::Yourself);
    let clerk = house.find_user("clerk").unwrap().unwrap();
    assert!(clerk.is_staff && has(&house, "clerk", "auth.change_user"));
}

/// `has_perm` knows no models: both rows are given, and both are taken.
fn a_right_of_two_models_is_one(home: &Home) {
    let house = home.open("notes");
    home.execute(
        "INSERT INTO auth_permission (content_type_id, codename, name) \
         SELECT id, 'add_user', 'x' FROM django_content_type WHERE app_label = 'auth' AND model = 'group'",
    );
    let grace = user(&house, "grace").id;
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    desk.set_rights(grace, &Rights::default().permission("auth.add_user")).unwrap();
    assert_eq!(home.count("SELECT count(*) FROM auth_user_user_permissions"), 2);
    assert_eq!(desk.user(grace).unwrap().unwrap().granted.own, ["auth.add_user"]);
    desk.set_rights(grace, &Rights::default()).unwrap();
    assert_eq!(home.count("SELECT count(*) FROM auth_user_user_permissions"), 0);
}

fn django_sees_what_was_granted(home: &Home) {
    let house = home.open("notes");
    let Some(mut django) = Django::start(home) else { return };
    django.call("make_tables", json!({}));
    let session = superuser(&house, "root");
    let desk = desk(&house, &session);
    let grace = desk.create_user(&UserDetails::new("grace")).unwrap().id;
    let group = desk.create_group("viewers").unwrap().id;
    desk.set_group_permissions(group, &["auth.view_user", "admin.view_logentry"]).unwrap();
    let mut sees = || {
        let names = ["auth.view_user", "admin.view_logentry", "auth.add_group", "auth.add_user"];
        django.call("has_perms", json!({"username": "grace", "permissions": names}))
    };
    assert_eq!(sees(), json!([false, false, false, false]));
    let rights = Rights::default().group("viewers").permission("auth.add_group");
    desk.set_rights(grace, &rights).unwrap();
    assert_eq!(sees(), json!([true, true, true, false]));
    desk.set_group_permissions(group, &["auth.view_user"]).unwrap();
    assert_eq!(sees(), json!([true, false, true, false]));
    let mut everything = Rights::default();
    everything.is_superuser = true;
    desk.set_rights(grace, &everything).unwrap();
    assert_eq!(sees(), json!([true, true, true, true]));
    desk.set_active(grace, Active::No).unwrap();
    assert_eq!(sees(), json!([false, false, false, false]));
}
