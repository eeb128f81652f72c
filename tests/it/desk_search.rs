//! Staff find users by the beginnings of their names and addresses, a page at a time.

use housekey::{Denied, UserPage, UserSearch};

use crate::support::desk::{desk, staff, why};
use crate::support::{Home, House, on_both_databases, user};

on_both_databases!(
    every_word_is_the_beginning_of_a_name_or_the_address,
    letters_beyond_ascii_are_found_whatever_their_case,
    what_like_takes_for_a_pattern_is_an_ordinary_character,
    any_text_is_an_answer_and_no_error,
    pages_lead_there_and_back,
    a_page_of_a_search_goes_on_with_the_search,
    a_row_that_cannot_be_read_hides_no_other,
    who_may_look_at_users_sees_them_and_nobody_else,
);

fn named(home: &Home, username: &str, email: &str, first: &str, last: &str) {
    home.execute(&format!(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
         date_joined) VALUES ('!', false, '{username}', '{first}', '{last}', '{email}', false, true, \
         '2026-01-01 00:00:00')"
    ));
}

fn house(home: &Home) -> (House, housekey::Session) {
    let house = home.open("notes");
    let session = staff(home, &house, "clerk", &["auth.view_user"]);
    (house, session)
}

fn names(page: &UserPage) -> Vec<&str> {
    page.users.iter().map(|user| user.username.as_str()).collect()
}

fn every_word_is_the_beginning_of_a_name_or_the_address(home: &Home) {
    let (house, session) = house(home);
    named(home, "ada", "countess@example.org", "Augusta Ada", "Lovelace");
    named(home, "Adam", "adam@example.org", "Adam", "Smith");
    named(home, "grace", "Grace@Example.ORG", "Grace", "Hopper");
    let desk = desk(&house, &session);
    let found = |text: &str| {
        let page = desk.users(&UserSearch::default().text(text)).unwrap();
        assert_eq!((&page.next, &page.previous), (&None, &None));
        let mut names: Vec<String> = names(&page).into_iter().map(str::to_owned).collect();
        names.sort_by_key(|name| name.to_lowercase());
        names.join(" ")
    };
    assert_eq!(found("ada"), "ada Adam");
    assert_eq!(found("ADA LOVE"), "ada");
    assert_eq!(found("love\tCOUNT"), "ada");
    assert_eq!(found("ada smith adam@"), "Adam");
    assert_eq!(found("grace@e"), "grace");
    assert_eq!(found("hop"), "grace");
    assert_eq!(found("opper"), "", "the middle of a name");
    assert_eq!(found("ada hop"), "", "each of another user");
    assert_eq!(found("a a ad ada"), "ada Adam");
    assert_eq!(found(" "), "ada Adam clerk grace");
}

fn letters_beyond_ascii_are_found_whatever_their_case(home: &Home) {
    let (house, session) = house(home);
    named(home, "jurgen", "", "Jürgen", "Änderung");
    named(home, "odos", "", "ΟΔΟΣ", "");
    let desk = desk(&house, &session);
    for (text, who) in [
        ("jür", "jurgen"),
        ("Jür", "jurgen"),
        ("änd", "jurgen"),
        ("Änd", "jurgen"),
        ("οδος", "odos"),
        ("ΟΔΟΣ", "odos"),
        ("ａ\u{308}nd", "jurgen"),
    ] {
        let page = desk.users(&UserSearch::default().text(text)).unwrap();
        assert_eq!(names(&page), [who], "{text}");
    }
}

fn what_like_takes_for_a_pattern_is_an_ordinary_character(home: &Home) {
    let (house, session) = house(home);
    named(home, "a_b", "", "100%", r"back\slash");
    named(home, "axb", "", "100x", "back/slash");
    let desk = desk(&house, &session);
    for (text, who) in [
        ("a_", &["a_b"][..]),
        ("100%", &["a_b"]),
        (r"back\", &["a_b"]),
        (r"back\s", &["a_b"]),
        ("%", &[]),
        ("_", &[]),
        (r"\", &[]),
        ("100", &["a_b", "axb"]),
        ("'", &[]),
    ] {
        let page = desk.users(&UserSearch::default().text(text)).unwrap();
        assert_eq!(names(&page), who, "{text}");
    }
}

fn any_text_is_an_answer_and_no_error(home: &Home) {
    let (house, session) = house(home);
    let desk = desk(&house, &session);
    let long = "ü".repeat(100_000);
    let many = "c cl cle cler clerk ".repeat(5_000);
    for nobody in ["a\0", "\0", &long, "a b c d e f g h", "\u{10FFFF}", "\u{FEFF}"] {
        let page = desk.users(&UserSearch::default().text(nobody)).unwrap();
        assert!(page.users.is_empty(), "{nobody:?}");
    }
    for everybody in ["", "  \n\u{3000}", &many] {
        let page = desk.users(&UserSearch::default().text(everybody)).unwrap();
        assert_eq!(names(&page), ["clerk"], "{everybody:?}");
    }
    for hostile in ["\0", "a\0b", "'; DROP TABLE auth_user; --", &long] {
        for search in [UserSearch::default().after(hostile), UserSearch::default().before(hostile)]
        {
            assert!(desk.users(&search).unwrap().users.len() <= 1);
        }
    }
    for most in [0, u32::MAX] {
        let page = desk.users(&UserSearch::default().most(most)).unwrap();
        assert_eq!(names(&page), ["clerk"]);
    }
}

fn pages_lead_there_and_back(home: &Home) {
    let (house, session) = house(home);
    for name in ["d1", "d2", "d3", "d4", "d5", "d6"] {
        user(&house, name);
    }
    let desk = desk(&house, &session);
    let by_two = || UserSearch::default().most(2);
    let first = desk.users(&by_two()).unwrap();
    assert_eq!(names(&first), ["clerk", "d1"]);
    assert_eq!((first.next.as_deref(), &first.previous), (Some("d1"), &None));
    let second = desk.users(&by_two().after("d1")).unwrap();
    assert_eq!(names(&second), ["d2", "d3"]);
    assert_eq!((second.next.as_deref(), second.previous.as_deref()), (Some("d3"), Some("d2")));
    let third = desk.users(&by_two().after("d3")).unwrap();
    assert_eq!(names(&third), ["d4", "d5"]);
    let last = desk.users(&by_two().after("d5")).unwrap();
    assert_eq!(names(&last), ["d6"]);
    assert_eq!((&last.next, last.previous.as_deref()), (&None, Some("d6")));

    let back = desk.users(&by_two().before("d6")).unwrap();
    assert_eq!(names(&back), ["d4", "d5"]);
    assert_eq!((back.next.as_deref(), back.previous.as_deref()), (Some("d5"), Some("d4")));
    let front = desk.users(&by_two().before("d2")).unwrap();
    assert_eq!(names(&front), ["clerk", "d1"]);
    assert_eq!((front.next.as_deref(), &front.previous), (Some("d1"), &None));
    assert_eq!(desk.users(&by_two().before("clerk")).unwrap(), UserPage::default());
    assert_eq!(desk.users(&by_two().after("d6")).unwrap(), UserPage::default());
}

fn a_page_of_a_search_goes_on_with_the_search(home: &Home) {
    let (house, session) = house(home);
    for name in ["a1", "b1", "a2", "b2", "a3"] {
        user(&house, name);
    }
    let desk = desk(&house, &session);
    let of_a = || UserSearch::default().text("a").most(2);
    let first = desk.users(&of_a()).unwrap();
    assert_eq!(names(&first), ["a1", "a2"]);
    let second = desk.users(&of_a().after(first.next.unwrap())).unwrap();
    assert_eq!((names(&second), &second.next), (vec!["a3"], &None));
    let back = desk.users(&of_a().before(second.previous.unwrap())).unwrap();
    assert_eq!((names(&back), &back.previous), (vec!["a1", "a2"], &None));
}

/// On PostgreSQL a column holds nothing else.
fn a_row_that_cannot_be_read_hides_no_other(home: &Home) {
    let (house, session) = house(home);
    if home.is_postgres() {
        return;
    }
    user(&house, "broken");
    user(&house, "dora");
    home.execute("UPDATE auth_user SET date_joined = 'of no calendar' WHERE username = 'broken'");
    let desk = desk(&house, &session);
    assert_eq!(names(&desk.users(&UserSearch::default()).unwrap()), ["clerk", "dora"]);
}

fn who_may_look_at_users_sees_them_and_nobody_else(home: &Home) {
    let house = home.open("notes");
    let none = staff(home, &house, "none", &["auth.add_user", "auth.view_group"]);
    let refused = desk(&house, &none).users(&UserSearch::default());
    assert_eq!(why(refused), Denied::Lacks("auth.view_user"));
    for permission in ["auth.view_user", "auth.change_user"] {
        let one = staff(home, &house, permission.trim_start_matches("auth."), &[permission]);
        assert!(desk(&house, &one).users(&UserSearch::default()).is_ok(), "{permission}");
    }
}
