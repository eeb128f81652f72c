//! What there is on both sides, and what is to become of it.

use std::collections::HashSet;

use super::columns::Columns;
use super::ledger::{self, Adopted};
use super::matching::{self, Rules};
use super::people::{Locals, of_house};
use super::plan::{AdoptedColumn, AdoptionPlan, Conflict};
use super::report::listed;
use super::rights::Rights;
use super::{Adoption, LOCAL, Orphans, Ranks};
use crate::db::{SharedConnection, migrate};
use crate::error::{Error, MoveError};
use crate::moving::{Catalog, Database, literal};

/// A plan, with what its execution needs.
pub(super) struct Look {
    pub(super) plan: AdoptionPlan,
    pub(super) locals: Locals,
    pub(super) rights: Rights,
    pub(super) columns: Vec<Columns>,
    pub(super) ledger: Vec<Adopted>,
}

impl Adoption {
    pub(super) fn look(
        &self,
        conn: &mut SharedConnection,
        local: &mut Database,
        catalog: &Catalog,
    ) -> Result<Look, Error> {
        is_another_house(conn, local, catalog)?;
        let columns = Columns::find_all(local, catalog, &self.columns)?;
        let locals = Locals::read(local)?;
        let rights = Rights::read(local, catalog, self.ranks)?;
        self.is_about_the_app(&locals, &rights)?;
        let ledger = ledger::of_app(conn, &self.config.app_name)?;
        if ledger.is_empty() {
            has_no_other_name(conn, &locals, &self.config.app_name)?;
        }
        let house = of_house(conn)?;
        let rules =
            Rules { by: self.by, trusts_usernames: self.trusts_usernames, answers: &self.people };
        let (users, conflicts) = matching::decide(&locals.people, &house, &ledger, &rules);
        let conflicts = locals.with_unfit(&users, conflicts);
        let ranks = locals.ranks(&users);
        let mut plan = AdoptionPlan {
            app: self.config.app_name.clone(),
            users,
            conflicts,
            notes: Vec::new(),
            ranks: Vec::new(),
            groups: Vec::new(),
            left_permissions: Vec::new(),
            memberships: 0,
            permissions: 0,
            columns: Vec::new(),
            unbound: Vec::new(),
            sessions: 0,
        };
        self.note(&mut plan, ranks, &locals, &house);
        rights.plan(conn, &mut plan, &self.groups)?;
        if !plan.is_about_nobody() {
            self.look_at_columns(local, &columns, &mut plan)?;
            plan.unbound = columns.iter().flat_map(|columns| columns.unbound.clone()).collect();
            plan.sessions = sessions(local, catalog)?;
        }
        plan.conflicts.sort_by(|a, b| (&a.about, &a.name).cmp(&(&b.about, &b.name)));
        Ok(Look { plan, locals, rights, columns, ledger })
    }

    /// A map that names somebody else is for another app, or has a slip.
    fn is_about_the_app(&self, locals: &Locals, rights: &Rights) -> Result<(), MoveError> {
        let here: HashSet<&str> = locals.people.iter().map(|one| one.username.as_str()).collect();
        let nobody = self.people.keys().find(|name| !here.contains(name.as_str()));
        let nobody = nobody.map(|name| ("user", name));
        let no_group = self.groups.keys().find(|name| !rights.has_group(name));
        match nobody.or(no_group.map(|name| ("group", name))) {
            Some((what, name)) => Err(MoveError::NotInTheApp { what, name: name.clone() }),
            None => Ok(()),
        }
    }

    fn note(
        &self,
        plan: &mut AdoptionPlan,
        ranks: Vec<String>,
        locals: &Locals,
        house: &[matching::Someone],
    ) {
        match self.ranks {
            Ranks::Left => plan.ranks = ranks,
            Ranks::Kept if ranks.is_empty() => {}
            Ranks::Kept => plan.notes.push(format!(
                "{} users keep their rank, in the whole house: {}",
                ranks.len(),
                listed(&ranks)
            )),
        }
        let same = matching::same_addresses(&plan.users, &locals.people, house);
        if same > 0 {
            plan.notes.push(format!(
                "{same} users who move have the e-mail of a house user of another name, and may be the same people"
            ));
        }
        let let_in = matching::let_in(&plan.users, &locals.people, house);
        if !let_in.is_empty() {
            plan.notes.push(format!(
                "{} users whom the app had deactivated may sign in, as the house lets them: {}",
                let_in.len(),
                listed(&let_in)
            ));
        }
        let alike = matching::same_looks(&plan.users);
        if alike > 0 {
            plan.notes.push(format!(
                "{alike} users who move have names that differ from each other only by case or Unicode form"
            ));
        }
    }

    fn look_at_columns(
        &self,
        local: &mut Database,
        columns: &[Columns],
        plan: &mut AdoptionPlan,
    ) -> Result<(), MoveError> {
        for spot in columns.iter().flat_map(|columns| &columns.spots) {
            let column = spot.look(local)?;
            if column.orphans > 0 {
                let remedy = match (spot.may_lose_orphans(), self.orphans) {
                    (true, Orphans::Null) => None,
                    (true, Orphans::Conflict) => {
                        Some("take these ids out by --orphans null, or correct or delete the rows")
                    }
                    (false, _) => Some("correct or delete the rows"),
                };
                plan.conflicts.extend(remedy.map(|remedy| orphaned(&column, remedy)));
            }
            plan.columns.push(column);
        }
        Ok(())
    }
}

fn orphaned(column: &AdoptedColumn, remedy: &str) -> Conflict {
    let AdoptedColumn { table, column, orphans, .. } = column;
    let reason = format!("{orphans} rows have an id that is nobody's, and would become somebody's");
    Conflict::new(&format!("{table}.{column}"), "", "", &reason, remedy)
}

/// One database under two names is known by the name of the house in it.
fn is_another_house(
    conn: &mut SharedConnection,
    local: &mut Database,
    catalog: &Catalog,
) -> Result<(), Error> {
    let Some(house) = migrate::house(conn)? else { return Ok(()) };
    if catalog.table("housekey_setting").is_none() {
        return Ok(());
    }
    let same = format!("SELECT count(*) FROM housekey_setting WHERE value = {}", literal(&house));
    if local.number(&same)? > 0 { Err(MoveError::SameDatabase.into()) } else { Ok(()) }
}

fn sessions(local: &mut Database, catalog: &Catalog) -> Result<u64, MoveError> {
    if catalog.table("django_session").is_none() {
        return Ok(0);
    }
    local.count("django_session")
}

/// They name users by their old ids, which are those of others now.
pub(super) fn end_sessions(local: &mut Database, catalog: &Catalog) -> Result<(), MoveError> {
    for table in ["django_session", "housekey_session"] {
        if catalog.table(table).is_some() {
            local.run(&format!("DELETE FROM {table}"))?;
        }
    }
    Ok(())
}

/// Ids that an adoption has given under another name would be taken for the app's own.
fn has_no_other_name(conn: &mut SharedConnection, locals: &Locals, app: &str) -> Result<(), Error> {
    let here: HashSet<(&str, i64)> =
        locals.people.iter().map(|one| (one.username.as_str(), one.id)).collect();
    for (other, users) in ledger::of_others(conn, app)? {
        let got = |one: &Adopted| i64::from(one.user_id);
        let mut renumbered = users.iter().filter(|one| one.local_id != got(one)).peekable();
        if renumbered.peek().is_some()
            && renumbered.all(|one| here.contains(&(one.username.as_str(), got(one))))
        {
            let problem = format!(
                "has joined this house as the app `{other}`: its users have the ids of the house; set APP_NAME to that"
            );
            return Err(MoveError::Schema { database: LOCAL, problem }.into());
        }
    }
    Ok(())
}
