//! The users of the house, each with a password that is made at the first start, and kept for the next ones.

use diesel::SqliteConnection;
use housekey::{Error, Housekey};

use super::folder::Folder;
use super::terminal::Failure;

const NAMES: [&str; 2] = ["ada", "grace"];

pub(crate) struct People(Vec<(&'static str, String)>);

impl People {
    /// Whoever of them is not in the house yet is made. The first may do everything, and open the desk.
    pub(crate) async fn of(
        house: &Housekey<SqliteConnection>,
        folder: &Folder,
    ) -> Result<Self, Failure> {
        let mut people = Vec::new();
        for name in NAMES {
            people.push((name, folder.secret(&format!("{name}.password"), new_password)?));
        }
        let wanted = people.clone();
        house.run(move |house| create_missing(house, &wanted)).await?;
        Ok(Self(people))
    }
}

/// A line for each, with the password.
impl std::fmt::Display for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> =
            self.0.iter().map(|(name, password)| format!("{name}  {password}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

fn create_missing(
    house: &Housekey<SqliteConnection>,
    people: &[(&str, String)],
) -> Result<(), Error> {
    for (place, (name, password)) in people.iter().enumerate() {
        match house.find_user(name)? {
            Some(_) => {}
            None if place == 0 => drop(house.create_superuser(name, "", password)?),
            None => drop(house.create_user(name, "", password)?),
        }
    }
    Ok(())
}

fn new_password() -> String {
    housekey::key::generate().chars().take(16).collect()
}
