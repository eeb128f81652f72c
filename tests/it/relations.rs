//! Local rows and the users they belong to, in two queries.

use housekey::{Error, Housekey, Referenced, User};

use crate::support::{Home, House, on_both_databases, user};

on_both_databases!(
    local_rows_find_their_users_in_order_by_one_query,
    users_find_their_local_rows,
    ids_without_a_user_are_found,
    no_rows_ask_nothing,
    more_ids_than_a_statement_takes,
);

struct Note {
    owner: Option<i64>,
    text: &'static str,
}

fn notes(owners: &[Option<i64>]) -> Vec<Note> {
    owners.iter().map(|owner| Note { owner: *owner, text: "tea" }).collect()
}

fn house(home: &Home) -> (House, User, User) {
    let house = home.open("notes");
    let (ada, grace) = (user(&house, "ada"), user(&house, "grace"));
    (house, ada, grace)
}

fn local_rows_find_their_users_in_order_by_one_query(home: &Home) {
    let (house, ada, grace) = house(home);
    let notes =
        notes(&[Some(grace.id), None, Some(ada.id), Some(9999), Some(grace.id), Some(i64::MAX)]);
    let before = house.stats().shared.checkouts;
    let owners = User::of(&house, &notes, |note| note.owner).unwrap();
    assert_eq!(house.stats().shared.checkouts, before + 1);
    let names: Vec<_> =
        owners.iter().map(|owner| owner.map(|user| user.username.as_str())).collect();
    assert_eq!(names, [Some("grace"), None, Some("ada"), None, Some("grace"), None]);
    assert_eq!(owners.missing(), [9999, i64::MAX]);
    assert!(owners.pairs(&notes).all(|(note, owner)| {
        note.text == "tea" && owner.is_none_or(|owner| Some(owner.id) == note.owner)
    }));
}

fn users_find_their_local_rows(home: &Home) {
    let (_, ada, grace) = house(home);
    let users = [grace.clone(), ada.clone()];
    let rows = notes(&[Some(ada.id), Some(9999), Some(grace.id), None, Some(ada.id)]);
    let grouped =
        <User as Referenced<diesel::SqliteConnection>>::with_rows(&users, rows, |note| note.owner);
    let counts: Vec<_> =
        grouped.iter().map(|(user, notes)| (user.username.as_str(), notes.len())).collect();
    assert_eq!(counts, [("grace", 1), ("ada", 2)]);
}

fn ids_without_a_user_are_found(home: &Home) {
    let (house, ada, _) = house(home);
    let orphans = User::find_orphans(&house, [7000, ada.id, -1, 7000, 0]).unwrap();
    assert_eq!(orphans, [7000, -1, 0]);
}

fn no_rows_ask_nothing(home: &Home) {
    let (house, ..) = house(home);
    let before = house.stats().shared.checkouts;
    let owners = User::of(&house, &notes(&[None, None]), |note| note.owner).unwrap();
    assert_eq!((owners.iter().count(), owners.missing().len()), (2, 0));
    assert_eq!(house.stats().shared.checkouts, before);
}

fn more_ids_than_a_statement_takes(home: &Home) {
    let (house, ada, _) = house(home);
    let orphans = User::find_orphans(&house, (0..40_000).map(|id| id + ada.id)).unwrap();
    assert_eq!(orphans.len(), 40_000 - 2);
}

/// A table of the apps' own, in the shared database.
mod company {
    use diesel::prelude::*;

    use super::{Error, Home, House, Housekey, Referenced};

    diesel::table! {
        company (id) {
            id -> Integer,
            name -> Text,
        }
    }

    #[derive(Queryable)]
    struct Company {
        id: i32,
        name: String,
    }

    impl Referenced<SqliteConnection> for Company {
        type Id = i32;

        fn id(&self) -> i32 {
            self.id
        }

        fn find_all(house: &Housekey<SqliteConnection>, ids: &[i32]) -> Result<Vec<Self>, Error> {
            Ok(company::table.filter(company::id.eq_any(ids)).load(&mut house.conn())?)
        }
    }

    #[test]
    fn a_table_that_the_apps_share_is_referred_to_alike() {
        let home = Home::sqlite();
        let house: House = home.open_with(home.config("notes").share_table("company"));
        home.execute("CREATE TABLE company (id integer PRIMARY KEY, name text NOT NULL)");
        home.execute("INSERT INTO company VALUES (1, 'Tea & Sons'), (2, 'Milk')");
        let found = Company::of(&house, &[2, 1, 3], |id| *id).unwrap();
        let names: Vec<_> = found.iter().map(|company| company.map(|c| c.name.as_str())).collect();
        assert_eq!(names, [Some("Milk"), Some("Tea & Sons"), None]);
        assert_eq!(found.missing(), [3]);
    }
}
