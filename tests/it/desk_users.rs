//! Staff make and change users, each deed by its permission, and what is done is written down with who has done it.

use housekey::{Active, Denied, Error, EventKind, Grant, Role, Session, UserDetails, UserSearch};

use crate::support::desk::{desk, events, id, keeper, signed_in, staff, superuser, told, why};
use crate::support::{
    Home, PASSWORD, cookie, login, login_in, on_both_databases, skip, user, whoami,
};

on_both_databases!(
    a_desk_is_for_active_staff,
    each_deed_needs_its_permission,
    a_right_that_is_gone_meanwhile_is_gone,
    who_is_new_chooses_a_password_by_a_link,
    who_is_not_active_gets_no_link,
    details_are_changed_by_the_rules_of_new_users,
    what_is_older_than_the_rules_stays,
    who_is_deactivated_comes_back,
    nobody_shuts_themselves_out,
    sessions_are_seen_and_ended,
    who_is_kept_waiting_is_let_in,
    a_user_is_shown_with_all_that_is_granted,
    what_is_done_is_written_down_with_who_and_from_where,
);

fn a_desk_is_for_active_staff(home: &Home) {
    let house = home.open("notes");
    assert_eq!(why(house.desk(&Session::default())), Denied::NotStaff);
    user(&house, "grace");
    let session = signed_in(&house, "grace");
    assert_eq!(why(house.desk(&session)), Denied::NotStaff);
    // What the session knew of the user when it was loaded does not count.
    keeper(home).set_staff("grace", Grant::Give).unwrap();
    assert_eq!(desk(&house, &session).actor().username, "grace");
    keeper(home).set_active("grace", Active::No).unwrap();
    let error = house.desk(&session).unwrap_err();
    assert!(error.to_string().contains("housekey user grant NAME --staff"), "{error}");
    keeper(home).set_active("grace", Active::Yes).unwrap();
    keeper(home).delete_user("grace").unwrap();
    assert_eq!(why(house.desk(&session)), Denied::NotStaff);
}

fn each_deed_needs_its_permission(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    let others = ["auth.add_user", "auth.delete_user", "auth.view_user", "auth.change_group"];
    let looks = staff(home, &house, "looks", &others);
    let desk_of_looks = desk(&house, &looks);
    let lacks = Denied::Lacks("auth.change_user");
    let details = UserDetails::new("other");
    assert_eq!(why(desk_of_looks.update_user(grace, &details)), lacks);
    assert_eq!(why(desk_of_looks.set_active(grace, Active::No)), lacks);
    assert_eq!(why(desk_of_looks.set_password_link(grace)), lacks);
    assert_eq!(why(desk_of_looks.unlock(grace)), lacks);
    assert_eq!(why(desk_of_looks.end_sessions(grace)), lacks);
    assert_eq!(why(desk_of_looks.end_session(grace, "0")), lacks);
    assert_eq!(why(desk_of_looks.set_rights(grace, &housekey::Rights::default())), lacks);
    assert!(!desk_of_looks.user(grace).unwrap().unwrap().may_change);
    assert!(desk_of_looks.sessions(grace).unwrap().is_empty());

    let changes = staff(home, &house, "changes", &["auth.change_user"]);
    let desk_of_changes = desk(&house, &changes);
    assert!(desk_of_changes.user(grace).unwrap().unwrap().may_change);
    assert_eq!(why(desk_of_changes.create_user(&details)), Denied::Lacks("auth.add_user"));

    let nothing = staff(home, &house, "nothing", &["auth.add_user"]);
    let desk_of_nothing = desk(&house, &nothing);
    let sees = Denied::Lacks("auth.view_user");
    assert_eq!(why(desk_of_nothing.user(grace)), sees);
    assert_eq!(why(desk_of_nothing.sessions(grace)), sees);
    assert_eq!(why(desk_of_nothing.users(&UserSearch::default())), sees);
    assert!(!desk_of_nothing.has_perm("auth.view_user"));
    assert!(desk_of_nothing.has_perm("auth.add_user"));

    let root = superuser(&house, "root");
    let desk_of_root = desk(&house, &root);
    assert!(desk_of_root.has_perm("auth.view_user") && desk_of_root.has_perm("no.such"));
    desk_of_root.update_user(grace, &details).unwrap();
}

fn a_right_that_is_gone_meanwhile_is_gone(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let opened_before = desk(&house, &session);
    keeper(home).grant("clerk", "auth.change_user", Grant::Take).unwrap();
    let refused = opened_before.set_active(grace, Active::No);
    assert_eq!(why(refused), Denied::Lacks("auth.change_user"));
    keeper(home).grant("clerk", "auth.change_user", Grant::Give).unwrap();
    opened_before.set_active(grace, Active::No).unwrap();
    for shut_out in ["is_staff", "is_active"] {
        home.execute(&format!("UPDATE auth_user SET {shut_out} = false WHERE username = 'clerk'"));
        assert_eq!(why(opened_before.set_active(grace, Active::Yes)), Denied::NotStaff);
        home.execute(&format!("UPDATE auth_user SET {shut_out} = true WHERE username = 'clerk'"));
    }
    assert!(!house.find_user("grace").unwrap().unwrap().is_active);
}

fn who_is_new_chooses_a_password_by_a_link(home: &Home) {
    let house = home.open("notes");
    let session = staff(home, &house, "clerk", &["auth.add_user", "auth.change_user"]);
    let desk = desk(&house, &session);
    let details = UserDetails::new("grace").email(" Grace@Example.ORG").names(" Grace ", "Hopper");
    let grace = desk.create_user(&details).unwrap();
    assert_eq!(house.find_user("grace").unwrap().as_ref(), Some(&grace));
    assert_eq!(
        (grace.email.as_str(), grace.full_name().as_str()),
        ("Grace@example.org", "Grace Hopper")
    );
    assert!(grace.is_active && !grace.is_staff && !grace.is_superuser);
    assert!(home.text("SELECT password FROM auth_user WHERE username = 'grace'").starts_with('!'));
    assert!(!desk.user(grace.id).unwrap().unwrap().has_password);
    assert!(house.authenticate("grace", "").unwrap().is_none());
    assert!(house.reset_link(&grace).unwrap().is_none(), "nobody else hands out such a link");

    let link = desk.set_password_link(grace.id).unwrap();
    assert!(house.reset_password(&link.uid, &link.token, PASSWORD).unwrap());
    assert!(!house.reset_password(&link.uid, &link.token, "another one").unwrap());
    assert!(house.authenticate("grace", PASSWORD).unwrap().is_some());
    assert!(desk.user(grace.id).unwrap().unwrap().has_password);

    let taken = desk.create_user(&UserDetails::new("grace")).unwrap_err();
    assert!(matches!(taken, Error::UsernameTaken { .. }), "{taken:?}");
    let long = "x".repeat(151);
    for details in [
        UserDetails::new(""),
        UserDetails::new("two words"),
        UserDetails::new(&long),
        UserDetails::new("new").email("x".repeat(255)),
        UserDetails::new("new").email("a\0@example.org"),
        UserDetails::new("new").names(&long, ""),
        UserDetails::new("new").names("", &long),
        UserDetails::new("new").names("a\0", ""),
    ] {
        let error = desk.create_user(&details).unwrap_err();
        assert!(matches!(error, Error::User { .. }), "{error:?}");
    }
    assert_eq!(home.count("SELECT count(*) FROM auth_user"), 2);
}

fn who_is_not_active_gets_no_link(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let desk = desk(&house, &session);
    desk.set_active(grace, Active::No).unwrap();
    let error = desk.set_password_link(grace).unwrap_err();
    assert_eq!(error.to_string(), "the user `grace` may not sign in; activate the user first");
    assert!(events(home, EventKind::PasswordLink).is_empty());
}

fn details_are_changed_by_the_rules_of_new_users(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace");
    user(&house, "ada");
    let cookie_of_grace = login(&house, "grace");
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let desk = desk(&house, &session);
    let details = UserDetails::new("ﬁnn").email("f@EXAMPLE.org").names("Finn", "");
    let finn = desk.update_user(grace.id, &details).unwrap();
    assert_eq!((finn.username.as_str(), finn.email.as_str()), ("finn", "f@example.org"));
    assert_eq!(house.find_user("finn").unwrap().unwrap().first_name, "Finn");
    assert_eq!(whoami(&house, &cookie_of_grace), Ok("finn".to_owned()), "the session goes on");
    // The same again is no deed.
    desk.update_user(grace.id, &UserDetails::from(&finn)).unwrap();
    let changed = events(home, EventKind::UserChanged);
    let what = "by clerk: e-mail address, first name, user name, which was grace";
    assert_eq!(told(&changed), [("finn", what)]);

    let taken = desk.update_user(grace.id, &UserDetails::new("ada")).unwrap_err();
    assert!(matches!(taken, Error::UsernameTaken { .. }), "{taken:?}");
    let error = desk.update_user(grace.id, &UserDetails::new("no name")).unwrap_err();
    assert!(matches!(error, Error::User { .. }), "{error:?}");
    for nobody in [grace.id + 1000, i64::MAX, -1, 0] {
        let error = desk.update_user(nobody, &UserDetails::new("x")).unwrap_err();
        assert!(matches!(error, Error::Unknown { what: "user", .. }), "{error:?}");
        assert_eq!(desk.user(nobody).unwrap(), None);
    }
    assert_eq!(house.find_user("finn").unwrap().unwrap().email, "f@example.org");
}

fn what_is_older_than_the_rules_stays(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    home.execute(
        "UPDATE auth_user SET username = 'grace hopper', email = 'G@EXAMPLE.org', first_name = ' x ' \
         WHERE username = 'grace'",
    );
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let desk = desk(&house, &session);
    let before = desk.user(grace).unwrap().unwrap().user;
    let details = UserDetails::from(&before).names(&before.first_name, "Hopper");
    let after = desk.update_user(grace, &details).unwrap();
    assert_eq!(after, housekey_user(&before, "Hopper"));
    assert_eq!(desk.user(grace).unwrap().unwrap().user, after);
}

fn housekey_user(before: &housekey::User, last_name: &str) -> housekey::User {
    let mut after = before.clone();
    last_name.clone_into(&mut after.last_name);
    after
}

fn who_is_deactivated_comes_back(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    let cookie_of_grace = login(&house, "grace");
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let desk = desk(&house, &session);
    for _ in 0..2 {
        desk.set_active(grace, Active::No).unwrap();
    }
    assert!(whoami(&house, &cookie_of_grace).is_err());
    for _ in 0..2 {
        desk.set_active(grace, Active::Yes).unwrap();
    }
    assert_eq!(whoami(&house, &cookie_of_grace), Ok("grace".to_owned()));
    // What is so already is no deed.
    assert_eq!(told(&events(home, EventKind::UserDeactivated)), [("grace", "by clerk")]);
    assert_eq!(told(&events(home, EventKind::UserActivated)), [("grace", "by clerk")]);
    assert!(matches!(desk.set_active(-1, Active::No), Err(Error::Unknown { .. })));
}

fn nobody_shuts_themselves_out(home: &Home) {
    let house = home.open("notes");
    let clerk = staff(home, &house, "clerk", &["auth.change_user"]);
    let id_of_clerk = id(&house, "clerk");
    let desk_of_clerk = desk(&house, &clerk);
    assert_eq!(why(desk_of_clerk.set_active(id_of_clerk, Active::No)), Denied::Yourself);

    let root = superuser(&house, "root");
    let id_of_root = id(&house, "root");
    let desk_of_root = desk(&house, &root);
    assert_eq!(why(desk_of_root.set_active(id_of_root, Active::No)), Denied::LastSuperuser);
    house.create_superuser("second", "", PASSWORD).unwrap();
    assert_eq!(why(desk_of_root.set_active(id_of_root, Active::No)), Denied::Yourself);
    // One who may not sign in is no help.
    desk_of_root.set_active(id(&house, "second"), Active::No).unwrap();
    assert_eq!(why(desk_of_root.set_active(id_of_root, Active::No)), Denied::LastSuperuser);
    for name in ["clerk", "root"] {
        assert!(house.find_user(name).unwrap().unwrap().is_active, "{name}");
    }
}

fn sessions_are_seen_and_ended(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    user(&house, "ada");
    let sessions: Vec<Session> = (0..3).map(|_| signed_in(&house, "grace")).collect();
    let of_ada = signed_in(&house, "ada");
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let desk = desk(&house, &session);
    let seen = desk.sessions(grace).unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].address, Some("192.0.2.7".parse().unwrap()));

    let (first, id_of_first) = (cookie(&sessions[0]), sessions[0].id().unwrap());
    assert!(!desk.end_session(grace, &of_ada.id().unwrap()).unwrap(), "ada's is not grace's");
    assert!(!desk.end_session(grace, "").unwrap());
    assert!(desk.end_session(grace, &id_of_first).unwrap());
    assert!(!desk.end_session(grace, &id_of_first).unwrap());
    assert!(whoami(&house, &first).is_err());
    assert_eq!(whoami(&house, &cookie(&sessions[1])), Ok("grace".to_owned()));
    assert_eq!(desk.end_sessions(grace).unwrap(), 2);
    assert_eq!(desk.end_sessions(grace).unwrap(), 0);
    assert!(desk.sessions(grace).unwrap().is_empty());
    assert_eq!(whoami(&house, &cookie(&of_ada)), Ok("ada".to_owned()));

    let ended = events(home, EventKind::SessionRevoked);
    assert_eq!(told(&ended), [("grace", "by clerk: 1 ended"), ("grace", "by clerk: 2 ended")]);
    assert_eq!((&ended[0].session, &ended[1].session), (&Some(id_of_first), &None));
    assert!(matches!(desk.end_sessions(-1), Err(Error::Unknown { .. })));
    assert!(matches!(desk.end_session(-1, ""), Err(Error::Unknown { .. })));
}

fn who_is_kept_waiting_is_let_in(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    let session = staff(home, &house, "clerk", &["auth.change_user"]);
    let tries = || house.authenticate("grace", "a wrong one");
    while tries().is_ok() {}
    assert!(matches!(tries(), Err(Error::TooManyAttempts { .. })));
    desk(&house, &session).unlock(grace).unwrap();
    login_in(&house, &Session::default(), "grace");
    assert_eq!(told(&events(home, EventKind::UserUnlocked)), [("grace", "by clerk")]);
}

fn a_user_is_shown_with_all_that_is_granted(home: &Home) {
    let house = home.open("notes");
    let grace = user(&house, "grace").id;
    let keeper = keeper(home);
    for group in ["writers", "readers"] {
        keeper.create_group(group).unwrap();
        keeper.set_membership("grace", group, Grant::Give).unwrap();
    }
    keeper.grant_to_group("readers", "auth.view_group", Grant::Give).unwrap();
    keeper.grant("grace", "auth.view_user", Grant::Give).unwrap();
    let session = staff(home, &house, "clerk", &["auth.view_user"]);
    let file = desk(&house, &session).user(grace).unwrap().unwrap();
    assert_eq!(file.user.username, "grace");
    assert_eq!(file.granted.groups, ["readers", "writers"]);
    assert_eq!(file.granted.own, ["auth.view_user"]);
    assert_eq!(file.granted.by_groups, ["auth.view_group"]);
    assert!(file.has_password && !file.may_change);
    let rights = file.rights();
    assert_eq!((&rights.groups, &rights.permissions), (&file.granted.groups, &file.granted.own));
    assert!(!rights.is_staff && !rights.is_superuser);
}

fn what_is_done_is_written_down_with_who_and_from_where(home: &Home) {
    let house = home.open("notes");
    let session = staff(home, &house, "clerk", &["auth.add_user", "auth.change_user"]);
    let desk = desk(&house, &session);
    let grace = desk.create_user(&UserDetails::new("grace")).unwrap();
    desk.set_password_link(grace.id).unwrap();
    let made = events(home, EventKind::UserCreated).pop().unwrap();
    let link = events(home, EventKind::PasswordLink).pop().unwrap();
    for event in [&made, &link] {
        assert_eq!((event.user_id, event.username.as_deref()), (Some(grace.id), Some("grace")));
        assert_eq!(event.detail.as_deref(), Some("by clerk"));
        assert_eq!(event.address, Some("192.0.2.7".parse().unwrap()));
        assert_eq!((event.agent.as_deref(), event.app.as_str()), (Some("Browser"), "notes"));
    }
    // So is what was refused, about who has asked for it.
    let root = house.create_superuser("root", "", PASSWORD).unwrap();
    assert_eq!(why(desk.unlock(root.id)), Denied::MoreThanYours);
    assert_eq!(why(desk.create_group("x")), Denied::Lacks("auth.add_group"));
    house.events(&housekey::EventFilter::default()).unwrap();
    let refused = events(home, EventKind::PermissionDenied);
    assert_eq!(told(&refused), [("clerk", "more than yours"), ("clerk", "auth.add_group")]);
    assert_eq!(refused[0].address, made.address);

    // What cannot be written down is not done.
    home.execute("ALTER TABLE housekey_event RENAME TO gone");
    assert!(desk.set_active(grace.id, Active::No).is_err());
    assert!(house.find_user("grace").unwrap().unwrap().is_active);
}

#[test]
fn a_consumer_looks_and_an_auth_app_changes() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let owners = home.open("owner");
    let grace = user(&owners, "grace").id;
    superuser(&owners, "root");
    let group = desk(&owners, &signed_in(&owners, "root")).create_group("writers").unwrap();
    let app = crate::support::House::open(home.config_as(Role::Consumer, "notes")).unwrap();
    let session = signed_in(&app, "root");
    let at = desk(&app, &session);
    assert_eq!(at.users(&UserSearch::default()).unwrap().users.len(), 2);
    assert!(at.user(grace).unwrap().is_some() && at.group(group.id).unwrap().is_some());
    assert_eq!(at.groups().unwrap().len(), 1);
    assert!(!at.permissions().unwrap().is_empty());
    at.end_sessions(grace).unwrap();
    let rights = housekey::Rights::default().group("writers");
    for refused in [
        at.create_user(&UserDetails::new("x")).map(drop),
        at.update_user(grace, &UserDetails::new("x")).map(drop),
        at.set_active(grace, Active::No),
        at.set_rights(grace, &rights),
        at.create_group("x").map(drop),
        at.rename_group(group.id, "x"),
        at.set_group_permissions(group.id, &["auth.view_user"]),
        at.delete_group(group.id),
    ] {
        assert!(matches!(refused, Err(Error::NotAllowed { .. })), "{refused:?}");
    }

    let app = crate::support::House::open(home.config_as(Role::Auth, "accounts")).unwrap();
    let at = desk(&app, &session);
    at.update_user(grace, &UserDetails::new("hopper")).unwrap();
    at.set_rights(grace, &rights).unwrap();
    at.set_group_permissions(group.id, &["auth.view_user"]).unwrap();
    at.set_active(grace, Active::No).unwrap();
    at.unlock(grace).unwrap();
    at.create_user(&UserDetails::new("new")).unwrap();
    at.rename_group(group.id, "readers").unwrap();
    at.delete_group(group.id).unwrap();
}
