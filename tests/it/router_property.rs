//! 10,000 random statements over random tables: each goes where the tables it was made of live, and
//! what goes somewhere runs there.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::{Config, Error, Housekey, Place, SecretKey};

use crate::support::dice::Dice;
use crate::support::{Home, House, KEY, skip};

const CASES: u32 = 10_000;

/// Tables of three columns `id`, `ref`, `name` each; in SQL and as the router knows them.
const SHARED: [&str; 5] = ["company", "Größe", "select", "crm_Lead", "UPPER"];
const LOCAL: [&str; 5] = ["note", "Tag", "order", "from auth_user", "auth_users"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Dialect {
    Sqlite,
    Postgres,
}

/// Writes a statement and keeps the account of its tables.
struct Writer {
    dice: Dice,
    dialect: Dialect,
    tables: BTreeSet<&'static str>,
    choice: Vec<&'static str>,
    /// Names that a `WITH` around us has given.
    named: Vec<String>,
    aliases: usize,
}

impl Writer {
    fn new(seed: u64, dialect: Dialect) -> Self {
        let mut dice = Dice(seed);
        let choice = match dice.below(5) {
            0 | 1 => SHARED.to_vec(),
            2 | 3 => LOCAL.to_vec(),
            _ => SHARED.iter().chain(&LOCAL).copied().collect(),
        };
        let tables = BTreeSet::new();
        Self { dice, dialect, tables, choice, named: Vec::new(), aliases: 0 }
    }

    fn quoted(&mut self, name: &str) -> String {
        match (self.dialect, self.dice.below(4)) {
            (Dialect::Sqlite, 0) => format!("`{name}`"),
            (Dialect::Sqlite, 1) => format!("[{name}]"),
            _ => format!("\"{name}\""),
        }
    }

    fn table(&mut self) -> String {
        let table = self.choice[self.dice.below(self.choice.len())];
        self.tables.insert(table);
        let is_plain = ["company", "note", "auth_users"].contains(&table);
        let name = match self.dice.below(4) {
            0 if is_plain => table.to_owned(),
            1 if is_plain => table.to_uppercase(),
            _ => self.quoted(table),
        };
        let schema = if self.dialect == Dialect::Sqlite { "main" } else { "public" };
        let is_shadowed = self.named.iter().any(|named| named == table);
        if is_shadowed || self.dice.one_in(6) { format!("{schema}.{name}") } else { name }
    }

    fn noise(&mut self) -> &'static str {
        self.dice.pick(&["", "", "", " /* FROM company, note */ ", " -- JOIN auth_user\n ", "\n\t"])
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("{}{}", self.dice.pick(&["t", "auth_user_", "note_"]), self.aliases)
    }

    fn literal(&mut self) -> &'static str {
        self.dice.pick(&["'x'", "'it''s FROM company'", "'SELECT * FROM note; --'", "'\"Tag\"'"])
    }

    /// Something to select from, with the alias under which its columns are found.
    fn source(&mut self, depth: usize) -> (String, String) {
        let alias = self.alias();
        if depth > 0 && self.dice.one_in(5) {
            let query = self.select("id, ref, name", depth - 1);
            return (format!("({query}) AS {alias}"), alias);
        }
        if !self.named.is_empty() && self.dice.one_in(3) {
            let name = self.named[self.dice.below(self.named.len())].clone();
            let name = self.quoted(&name);
            return (format!("{name} AS {alias}"), alias);
        }
        (format!("{} AS {alias}", self.table()), alias)
    }

    fn condition(&mut self, alias: &str, depth: usize) -> String {
        match self.dice.below(if depth == 0 { 2 } else { 6 }) {
            0 => format!("{alias}.id = {}", self.dice.below(9)),
            1 => format!("{alias}.name <> {}", self.literal()),
            2 => format!("{alias}.id IN ({})", self.select("ref", depth - 1)),
            3 => format!("EXISTS ({})", self.select("id", depth - 1)),
            4 => format!(
                "{alias}.ref = (SELECT max(q.id) FROM ({}) AS q)",
                self.select("id", depth - 1)
            ),
            _ => {
                let (left, right) =
                    (self.condition(alias, depth - 1), self.condition(alias, depth - 1));
                format!("({left} OR NOT {right})")
            }
        }
    }

    fn select(&mut self, columns: &str, depth: usize) -> String {
        let (first, alias) = self.source(depth);
        let columns: Vec<String> =
            columns.split(", ").map(|column| format!("{alias}.{column}")).collect();
        let noise = self.noise();
        let mut sql = format!("SELECT{noise} {} FROM {first}", columns.join(", "));
        for _ in 0..self.dice.below(3) {
            let (other, theirs) = self.source(depth.saturating_sub(1));
            let join = self.dice.pick(&["JOIN", "LEFT JOIN", "INNER JOIN"]);
            sql = format!("{sql} {join} {other} ON {theirs}.id = {alias}.ref");
        }
        if self.dice.one_in(2) {
            let condition = self.condition(&alias, depth);
            sql = format!("{sql} WHERE {condition}");
        }
        if columns.len() == 1 && self.dice.one_in(6) {
            sql = format!("{sql} GROUP BY {}", columns[0]);
        }
        sql
    }

    fn compound(&mut self, depth: usize) -> String {
        let mut sql = self.select("id, name", depth);
        for _ in 0..self.dice.below(3) {
            let set = self.dice.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]);
            sql = format!("{sql} {set} {}", self.select("id, name", depth));
        }
        sql
    }

    /// `WITH` gives the name of a table to a query that may be about others.
    fn with(&mut self) -> String {
        let name = *["note", "company", "recent"].get(self.dice.below(3)).unwrap();
        // The name can be seen in its own query in SQLite, which then says that it is circular.
        self.named.push(name.to_owned());
        let named = std::mem::take(&mut self.named);
        let query = self.select_without(name);
        self.named = named;
        let quoted = self.quoted(name);
        let body = self.compound(1);
        self.named.pop();
        format!("WITH {quoted} AS ({query}) {body}")
    }

    fn select_without(&mut self, name: &str) -> String {
        let all = self.choice.clone();
        self.choice.retain(|table| *table != name);
        let query = self.select("id, ref, name", 1);
        self.choice = all;
        query
    }

    fn returning(&mut self) -> &'static str {
        self.dice.pick(&["", "", " RETURNING id"])
    }

    fn statement(&mut self) -> String {
        let table = |writer: &mut Self| writer.table();
        match self.dice.below(10) {
            0..=3 => self.compound(2),
            4 => self.with(),
            5 => {
                let (table, literal) = (table(self), self.literal());
                let conflict = self.dice.pick(&["", " ON CONFLICT DO NOTHING"]);
                let returning = self.returning();
                format!(
                    "INSERT INTO {table} (ref, name) VALUES (1, {literal}), (2, {literal}){conflict}{returning}"
                )
            }
            6 => {
                let table = table(self);
                format!("INSERT INTO {table} (ref, name) {}", self.select("id, name", 1))
            }
            7 => format!("INSERT INTO {} DEFAULT VALUES", table(self)),
            8 => {
                let (table, literal) = (table(self), self.literal());
                let query = self.select("id", 1);
                let returning = self.returning();
                format!("UPDATE {table} SET name = {literal} WHERE ref IN ({query}){returning}")
            }
            _ => {
                let table = table(self);
                let returning = self.returning();
                format!("DELETE FROM {table} WHERE id IN ({}){returning}", self.select("ref", 1))
            }
        }
    }

    /// What the tables that went into the statement say of its place.
    fn expected(&self) -> Option<Place> {
        let is_shared = |table: &&str| SHARED.contains(table);
        match (self.tables.iter().any(is_shared), self.tables.iter().all(is_shared)) {
            (true, true) => Some(Place::Shared),
            (false, _) => Some(Place::Local),
            (true, false) => None,
        }
    }
}

fn config(shared_url: &str, local_url: &str) -> Config {
    let config = Config::new(shared_url, local_url, SecretKey::new(KEY).unwrap()).unwrap();
    let config = SHARED.iter().fold(config, |config, table| config.share_table(*table));
    housekey::migrate(&config).unwrap();
    config
}

fn make(conn: &mut impl SimpleConnection, tables: &[&str]) {
    for table in tables {
        conn.batch_execute(&format!(
            "CREATE TABLE \"{table}\" (id integer PRIMARY KEY, ref integer, name text)"
        ))
        .unwrap();
    }
}

/// Checks all cases, and hands those that have a place to be run there.
fn check(
    dialect: Dialect,
    place_of: impl Fn(&str) -> Result<Place, Error>,
    mut run: impl FnMut(&str, Place),
) {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2026);
    eprintln!("SEED={seed}");
    let mut places = [0; 3];
    for case in 0..CASES {
        let mut writer =
            Writer::new(seed.wrapping_mul(1_000_003).wrapping_add(case.into()), dialect);
        let sql = writer.statement();
        let found = place_of(&sql);
        match (writer.expected(), found) {
            (Some(expected), Ok(found)) if expected == found => {
                places[usize::from(found == Place::Local)] += 1;
                run(&sql, found);
            }
            (None, Err(Error::BothPlaces { shared, local, .. })) => {
                places[2] += 1;
                assert_eq!(shared.len() + local.len(), writer.tables.len(), "case {case}: {sql}");
            }
            (expected, found) => panic!("case {case}: {expected:?} is not {found:?} for {sql}"),
        }
    }
    assert!(places.iter().all(|count| *count > 1000), "every place is tried: {places:?}");
}

#[test]
fn on_sqlite_every_statement_runs_where_it_is_sent() {
    let home = Home::sqlite();
    let house = House::open(config(&home.shared_url(), &home.local_url("notes"))).unwrap();
    make(&mut house.shared().unwrap(), &SHARED);
    make(&mut house.local().unwrap(), &LOCAL);
    let mut conn = house.conn();
    // All in one transaction of each place, rolled back in between: the disk has no part in this.
    check(
        Dialect::Sqlite,
        |sql| house.place_of_query(&diesel::sql_query(sql)),
        |sql, place| {
            let done = conn.transaction(|conn| {
                diesel::sql_query(sql).execute(conn)?;
                Err::<(), _>(diesel::result::Error::RollbackTransaction)
            });
            assert_eq!(done, Err(diesel::result::Error::RollbackTransaction), "{place}: {sql}");
        },
    );
}

#[test]
fn on_postgres_every_statement_is_sent_where_its_tables_live() {
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let house =
        Housekey::<PgConnection>::open(config(&shared.shared_url(), &local.shared_url())).unwrap();
    check(Dialect::Postgres, |sql| house.place_of_query(&diesel::sql_query(sql)), |_, _| {});
}
