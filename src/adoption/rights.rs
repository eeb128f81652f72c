//! Groups and permissions that come along, by their names: ids are other ones in the house.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::plan::{AdoptedGroup, AdoptionPlan, Conflict, Fate};
use super::report::listed;
use super::{Answer, Ranks};
use crate::db::schema::{
    auth_group, auth_group_permissions, auth_permission, auth_user_groups,
    auth_user_user_permissions, django_content_type,
};
use crate::db::{DjangoId, SharedConnection, on_shared};
use crate::error::MoveError;
use crate::moving::{Catalog, Database, Row};
use crate::user::{declared, grants};

/// A permission by its name: ids are not the same in two databases.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Permission {
    pub(super) label: String,
    pub(super) model: String,
    pub(super) codename: String,
}

/// What Django's own apps declare: in the house it is power over everybody in it.
const OF_THE_HOUSE: [&str; 4] = ["auth", "admin", "contenttypes", "sessions"];

#[derive(Default)]
struct LocalGroup {
    permissions: BTreeSet<Permission>,
    members: Vec<i64>,
}

/// What the app has granted; users by their local ids.
#[derive(Default)]
pub(super) struct Rights {
    groups: BTreeMap<String, LocalGroup>,
    own: Vec<(i64, Permission)>,
    names: HashMap<Permission, String>,
    pub(super) left: Vec<String>,
}

/// What was given in the house, so that it can be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) groups: Vec<String>,
    pub(super) memberships: Vec<(i32, String)>,
    pub(super) permissions: Vec<(i32, Permission)>,
    pub(super) made_permissions: Vec<Permission>,
    pub(super) made_models: Vec<(String, String)>,
}

const TABLES: [&str; 6] = [
    "auth_group",
    "auth_permission",
    "django_content_type",
    "auth_group_permissions",
    "auth_user_groups",
    "auth_user_user_permissions",
];

/// Names a permission; `p` and `c` are its tables.
const PERMISSION: &str = "c.app_label, c.model, p.codename, p.name";
const JOINED: &str = "JOIN auth_permission AS p ON p.id = x.permission_id \
    JOIN django_content_type AS c ON c.id = p.content_type_id";

impl Rights {
    pub(super) fn read(
        local: &mut Database,
        catalog: &Catalog,
        ranks: Ranks,
    ) -> Result<Self, MoveError> {
        let mut rights = Self::default();
        if TABLES.iter().any(|table| catalog.table(table).is_none()) {
            return Ok(rights);
        }
        for row in local.rows("SELECT name FROM auth_group")? {
            rights.groups.entry(row.text(0).to_owned()).or_default();
        }
        for row in local.rows(&format!(
            "SELECT g.name, {PERMISSION} FROM auth_group_permissions AS x {JOINED} \
             JOIN auth_group AS g ON g.id = x.group_id"
        ))? {
            if let Some(permission) = rights.permission(&row, ranks) {
                let group = rights.groups.entry(row.text(0).to_owned()).or_default();
                group.permissions.insert(permission);
            }
        }
        for row in local.rows(
            "SELECT g.name, CAST(x.user_id AS varchar) FROM auth_user_groups AS x \
             JOIN auth_group AS g ON g.id = x.group_id ORDER BY x.user_id",
        )? {
            let group = rights.groups.entry(row.text(0).to_owned()).or_default();
            group.members.extend(row.integer(1));
        }
        for row in local.rows(&format!(
            "SELECT CAST(x.user_id AS varchar), {PERMISSION} FROM auth_user_user_permissions AS x {JOINED} \
             ORDER BY x.user_id"
        ))? {
            let permission = rights.permission(&row, ranks);
            rights.own.extend(row.integer(0).zip(permission));
        }
        rights.left.sort();
        rights.left.dedup();
        Ok(rights)
    }

    /// The permission in the row, unless it stays behind.
    fn permission(&mut self, row: &Row, ranks: Ranks) -> Option<Permission> {
        let [label, model, codename, name] = [1, 2, 3, 4].map(|place| row.text(place).to_owned());
        if ranks == Ranks::Left && OF_THE_HOUSE.contains(&label.as_str()) {
            self.left.push(format!("{label}.{codename}"));
            return None;
        }
        let permission = Permission { label, model, codename };
        self.names.insert(permission.clone(), name);
        Some(permission)
    }

    /// The row of a permission in the house, which has it under the same words for people.
    fn row(
        &self,
        conn: &mut SharedConnection,
        permission: &Permission,
        known: &mut HashMap<Permission, i32>,
        given: &mut Given,
    ) -> QueryResult<i32> {
        let name = self.names.get(permission).map_or("", String::as_str);
        permission_row(conn, permission, name, known, given)
    }

    pub(super) fn group_names(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }

    /// Says what becomes of groups and permissions; those of users who were adopted before have come along then.
    pub(super) fn plan(
        &self,
        conn: &mut SharedConnection,
        plan: &mut AdoptionPlan,
        answers: &HashMap<String, Answer>,
    ) -> QueryResult<()> {
        let new = new_users(plan);
        let is_first = plan.users.iter().all(|user| user.fate != Fate::Before);
        let house = groups_of_house(conn)?;
        for (name, group) in &self.groups {
            let members = group.members.iter().filter(|id| new.contains(id)).count();
            if members == 0 && (!is_first || plan.users.is_empty()) {
                continue;
            }
            let (fate, target) = match becomes(name, group, answers.get(name), &house) {
                Ok((_, target)) if plan.groups.iter().any(|other| other.house == target) => {
                    let reason = "another group of this app would become the same one";
                    let remedy = "give one of them another name by the map";
                    plan.conflicts.push(Conflict::new("group", name, &target, reason, remedy));
                    (Fate::Unsettled, target)
                }
                Ok(becomes) => becomes,
                Err(conflict) => {
                    plan.conflicts.push(conflict);
                    (Fate::Unsettled, name.clone())
                }
            };
            plan.memberships += members;
            plan.groups.push(AdoptedGroup { name: name.clone(), house: target, fate, members });
        }
        plan.permissions = self.own.iter().filter(|(id, _)| new.contains(id)).count();
        if !new.is_empty() {
            plan.left_permissions.clone_from(&self.left);
            plan.conflicts.extend(self.taken_labels(conn, &plan.app)?);
            plan.notes.extend(self.known_labels(conn, &plan.app)?);
        }
        Ok(())
    }

    /// Labels under which another app of the house declares its permissions.
    fn taken_labels(&self, conn: &mut SharedConnection, app: &str) -> QueryResult<Vec<Conflict>> {
        let owners = declared::owners(conn)?;
        let labels: BTreeSet<&str> = self.names.keys().map(|one| one.label.as_str()).collect();
        let taken = labels.into_iter().filter_map(|label| {
            let owner = owners.get(label).filter(|owner| *owner != app)?;
            Some(Conflict::new(
                "label",
                label,
                owner,
                "permissions are granted under a label that another app of the house has",
                "whoever may do something in one app could do it in the other: give the app's models another label, \
                 or revoke these permissions in the app",
            ))
        });
        Ok(taken.collect())
    }

    /// Labels that are in the house, and nobody's: a Django does not say which are its own.
    fn known_labels(&self, conn: &mut SharedConnection, app: &str) -> QueryResult<Option<String>> {
        let owners = declared::owners(conn)?;
        let known: BTreeSet<String> =
            permissions_of_house(conn)?.into_keys().map(|one| one.label).collect();
        let labels: BTreeSet<&String> = self.names.keys().map(|one| &one.label).collect();
        let labels = labels.into_iter().filter(|label| known.contains(*label));
        let labels = labels.filter(|label| owners.get(*label).is_none_or(|owner| owner != app));
        let labels: Vec<String> = labels.cloned().collect();
        Ok((!labels.is_empty()).then(|| {
            format!(
                "permissions come along under labels that the house has already: {}; if these are those of another \
                 app, they count there, too",
                listed(&labels)
            )
        }))
    }

    /// Gives in the house what the plan says.
    pub(super) fn give(
        &self,
        conn: &mut SharedConnection,
        plan: &AdoptionPlan,
    ) -> QueryResult<Given> {
        let mut given = Given::default();
        let new = new_users(plan);
        let ids: HashMap<i64, i32> = plan
            .users
            .iter()
            .filter(|user| new.contains(&user.local_id))
            .filter_map(|user| Some((user.local_id, i32::try_from(user.user_id?).ok()?)))
            .collect();
        let mut permissions = permissions_of_house(conn)?;
        for planned in &plan.groups {
            let Some(group) = self.groups.get(&planned.name) else { continue };
            if planned.fate == Fate::Moved {
                grants::create_group(conn, &planned.house)?;
                given.groups.push(planned.house.clone());
            }
            let Some(id) = grants::group(conn, &planned.house)? else { continue };
            if planned.fate == Fate::Moved {
                for permission in &group.permissions {
                    let permission = self.row(conn, permission, &mut permissions, &mut given)?;
                    grants::set_of_group(conn, (id, permission), grants::Grant::Give)?;
                }
            }
            let members = group.members.iter().filter_map(|local| ids.get(local).copied());
            let joined = join(conn, id, members.collect())?;
            given.memberships.extend(joined.into_iter().map(|user| (user, planned.house.clone())));
        }
        let had = own_of_house(conn)?;
        for (local, permission) in &self.own {
            let Some(user) = ids.get(local) else { continue };
            let row = self.row(conn, permission, &mut permissions, &mut given)?;
            if !had.contains(&(*user, row)) {
                grants::set_of_user(conn, (*user, row), grants::Grant::Give)?;
                given.permissions.push((*user, permission.clone()));
            }
        }
        Ok(given)
    }
}

/// The local ids of those who come now.
fn new_users(plan: &AdoptionPlan) -> HashSet<i64> {
    let new = plan.users.iter().filter(|user| user.fate != Fate::Before);
    new.map(|user| user.local_id).collect()
}

fn becomes(
    name: &str,
    group: &LocalGroup,
    answer: Option<&Answer>,
    house: &BTreeMap<String, BTreeSet<Permission>>,
) -> Result<(Fate, String), Conflict> {
    let open = |target: &str, reason: &str, remedy: &str| {
        Conflict::new("group", name, target, reason, remedy)
    };
    match answer {
        Some(Answer::Same(target)) if house.contains_key(target) => {
            Ok((Fate::Matched, target.clone()))
        }
        Some(Answer::Same(target)) => Err(open(
            target,
            "the map names a group that is not in the house",
            "correct that line of the map",
        )),
        Some(Answer::New(target)) if house.contains_key(target) => Err(open(
            target,
            "the map gives a name that another group of the house has",
            "give another one",
        )),
        Some(Answer::New(target)) if !(1..=150).contains(&target.chars().count()) => {
            Err(open(target, "the map gives a name that no group may have", "give another one"))
        }
        Some(Answer::New(target)) => Ok((Fate::Moved, target.clone())),
        None => match house.get(name) {
            None => Ok((Fate::Moved, name.to_owned())),
            Some(permissions) if *permissions == group.permissions => {
                Ok((Fate::Matched, name.to_owned()))
            }
            Some(_) => Err(open(
                name,
                "a group of that name has other permissions in the house",
                "settle it by the map: `same` joins that group as it is, `new` makes one under another name",
            )),
        },
    }
}

type Named = (String, String, String);

fn permission((label, model, codename): Named) -> Permission {
    Permission { label, model, codename }
}

macro_rules! named {
    () => {
        (django_content_type::app_label, django_content_type::model, auth_permission::codename)
    };
}

pub(super) fn permissions_of_house(
    conn: &mut SharedConnection,
) -> QueryResult<HashMap<Permission, i32>> {
    let rows: Vec<(DjangoId, Named)> = on_shared!(SharedConnection, conn, conn => {
        auth_permission::table
            .inner_join(django_content_type::table)
            .select((auth_permission::id, named!()))
            .load(&mut **conn)?
    });
    Ok(rows.into_iter().map(|(id, named)| (permission(named), id.into())).collect())
}

fn groups_of_house(
    conn: &mut SharedConnection,
) -> QueryResult<BTreeMap<String, BTreeSet<Permission>>> {
    let mut groups: BTreeMap<String, BTreeSet<Permission>> =
        grants::groups(conn)?.into_iter().map(|name| (name, BTreeSet::new())).collect();
    let rows: Vec<(String, Named)> = on_shared!(SharedConnection, conn, conn => {
        auth_group_permissions::table
            .inner_join(auth_group::table)
            .inner_join(auth_permission::table.inner_join(django_content_type::table))
            .select((auth_group::name, named!()))
            .load(&mut **conn)?
    });
    for (group, named) in rows {
        groups.entry(group).or_default().insert(permission(named));
    }
    Ok(groups)
}

fn own_of_house(conn: &mut SharedConnection) -> QueryResult<HashSet<(i32, i32)>> {
    let rows: Vec<(DjangoId, DjangoId)> = on_shared!(SharedConnection, conn, conn => {
        auth_user_user_permissions::table
            .select((
                auth_user_user_permissions::user_id,
                auth_user_user_permissions::permission_id,
            ))
            .load(&mut **conn)?
    });
    Ok(rows.into_iter().map(|(user, permission)| (user.into(), permission.into())).collect())
}

/// Puts users into a group, and says who was not in it before.
fn join(conn: &mut SharedConnection, group: i32, users: Vec<i32>) -> QueryResult<Vec<i32>> {
    let members: Vec<DjangoId> = on_shared!(SharedConnection, conn, conn => {
        auth_user_groups::table
            .filter(auth_user_groups::group_id.eq(group))
            .select(auth_user_groups::user_id)
            .load(&mut **conn)?
    });
    let members: HashSet<i32> = members.into_iter().map(i32::from).collect();
    let new: BTreeSet<i32> = users.into_iter().filter(|user| !members.contains(user)).collect();
    let new: Vec<i32> = new.into_iter().collect();
    for some in new.chunks(1_000) {
        let rows: Vec<_> = some
            .iter()
            .map(|user| (auth_user_groups::user_id.eq(*user), auth_user_groups::group_id.eq(group)))
            .collect();
        on_shared!(SharedConnection, conn, conn => {
            diesel::insert_into(auth_user_groups::table).values(rows).execute(&mut **conn)?;
        });
    }
    Ok(new)
}

/// The row of a model, which is made where the house has none.
pub(super) fn model_row(
    conn: &mut SharedConnection,
    (label, model): (&str, &str),
    given: &mut Given,
) -> QueryResult<i32> {
    if let Some(row) = grants::model(conn, label, model)? {
        return Ok(row);
    }
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(django_content_type::table)
            .values((
                django_content_type::app_label.eq(label),
                django_content_type::model.eq(model),
            ))
            .execute(&mut **conn)?;
    });
    given.made_models.push((label.to_owned(), model.to_owned()));
    grants::model(conn, label, model)?.ok_or(diesel::NotFound)
}

/// The row of a permission, which is made where the house has none.
pub(super) fn permission_row(
    conn: &mut SharedConnection,
    permission: &Permission,
    name: &str,
    known: &mut HashMap<Permission, i32>,
    given: &mut Given,
) -> QueryResult<i32> {
    if let Some(row) = known.get(permission) {
        return Ok(*row);
    }
    let content_type = model_row(conn, (&permission.label, &permission.model), given)?;
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(auth_permission::table)
            .values((
                auth_permission::content_type_id.eq(content_type),
                auth_permission::codename.eq(&permission.codename),
                auth_permission::name.eq(name),
            ))
            .execute(&mut **conn)?;
    });
    given.made_permissions.push(permission.clone());
    *known = permissions_of_house(conn)?;
    known.get(permission).copied().ok_or(diesel::NotFound)
}
