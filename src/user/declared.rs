//! Rows for the permissions that apps declare, as Django's `create_permissions` makes them
//! (`django/contrib/auth/management/__init__.py`).

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::config::Config;
use crate::db::schema::{auth_permission, django_content_type, housekey_app_label};
use crate::db::{DjangoId, Moment, SharedConnection, SharedPool, migrate, on_shared};
use crate::error::Error;
use crate::permission::{ModelPermissions, Permission};

/// Makes the rows that are not there yet. Nothing is ever taken away: a permission may have been granted.
pub(crate) fn declare(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    if let Some(problem) = config.permissions.iter().find_map(ModelPermissions::problem) {
        return Err(Error::config("Config::permissions", problem));
    }
    if config.permissions.is_empty() {
        return Ok(());
    }
    // An app that starts again waits for nobody, and need not be one that may write here.
    if shared.run(|conn| is_declared(conn, config))? {
        return Ok(());
    }
    let declared = shared.write(|conn| {
        migrate::lock(conn)?;
        let mut owners = owners(conn)?;
        for label in labels(config) {
            take_label(conn, label, owners.remove(label), &config.app_name)?;
        }
        for model in &config.permissions {
            let content_type = content_type(conn, model)?;
            for permission in &model.permissions {
                create(conn, content_type, permission)?;
            }
        }
        Ok(())
    });
    declared.map_err(Error::settled)
}

/// Is every row there, under labels that are this app's?
fn is_declared(conn: &mut SharedConnection, config: &Config) -> QueryResult<bool> {
    let (owners, models) = (owners(conn)?, models(conn)?);
    let permissions = permissions(conn, &labels(config))?;
    let is_ours = |label: &str| owners.get(label).is_some_and(|owner| *owner == config.app_name);
    Ok(config.permissions.iter().all(|model| {
        let name = (model.app_label.clone(), model.model.clone());
        let has = |one: &Permission| permissions.contains(&(name.clone(), one.codename.clone()));
        is_ours(&model.app_label) && models.contains(&name) && model.permissions.iter().all(has)
    }))
}

/// The permissions under these labels: label and model, codename.
fn permissions(
    conn: &mut SharedConnection,
    labels: &BTreeSet<&str>,
) -> QueryResult<BTreeSet<((String, String), String)>> {
    let rows: Vec<((String, String), String)> = on_shared!(SharedConnection, conn, conn => {
        auth_permission::table
            .inner_join(django_content_type::table)
            .filter(django_content_type::app_label.eq_any(labels))
            .select((
                (django_content_type::app_label, django_content_type::model),
                auth_permission::codename,
            ))
            .load(&mut **conn)?
    });
    Ok(rows.into_iter().collect())
}

/// Which apps of the house have declared models under which label.
pub(crate) fn owners(conn: &mut SharedConnection) -> QueryResult<BTreeMap<String, String>> {
    on_shared!(SharedConnection, conn, conn => {
        let rows: Vec<(String, String)> = housekey_app_label::table
            .select((housekey_app_label::label, housekey_app_label::app))
            .load(&mut **conn)?;
        Ok(rows.into_iter().collect())
    })
}

/// The models of each label, declared in Rust or made by a Django.
pub(crate) fn models(conn: &mut SharedConnection) -> QueryResult<Vec<(String, String)>> {
    on_shared!(SharedConnection, conn, conn => {
        django_content_type::table
            .select((django_content_type::app_label, django_content_type::model))
            .load(&mut **conn)
    })
}

/// A permission, and the model that it hangs on: its label and name.
pub(crate) struct ModelPermission {
    pub(crate) codename: String,
    pub(crate) name: String,
    pub(crate) model: Option<(String, String)>,
}

pub(crate) fn all_permissions(conn: &mut SharedConnection) -> QueryResult<Vec<ModelPermission>> {
    type Row = (String, String, Option<(String, String)>);
    let model = (django_content_type::app_label, django_content_type::model).nullable();
    on_shared!(SharedConnection, conn, conn => {
        let rows: Vec<Row> = auth_permission::table
            .left_join(django_content_type::table)
            .select((auth_permission::codename, auth_permission::name, model))
            .load(&mut **conn)?;
        let permissions = rows.into_iter();
        Ok(permissions.map(|(codename, name, model)| ModelPermission { codename, name, model }).collect())
    })
}

/// Those that can be granted, sorted: `app_label.codename`, each with Django's name for it.
pub(crate) fn grantable(conn: &mut SharedConnection) -> QueryResult<Vec<(String, String)>> {
    let named = |one: ModelPermission| {
        let (label, _) = one.model?;
        Some((format!("{label}.{}", one.codename), one.name))
    };
    let mut named: Vec<_> = all_permissions(conn)?.into_iter().filter_map(named).collect();
    named.sort();
    Ok(named)
}

pub(crate) fn labels(config: &Config) -> BTreeSet<&str> {
    config.permissions.iter().map(|model| model.app_label.as_str()).collect()
}

fn take_label(
    conn: &mut SharedConnection,
    label: &str,
    owner: Option<String>,
    app: &str,
) -> Result<(), Error> {
    match owner {
        Some(owner) if owner == app => Ok(()),
        Some(taken_by) => {
            Err(Error::LabelTaken { app: app.to_owned(), label: label.to_owned(), taken_by })
        }
        None => on_shared!(SharedConnection, conn, conn => {
            diesel::insert_into(housekey_app_label::table)
                .values((
                    housekey_app_label::label.eq(label),
                    housekey_app_label::app.eq(app),
                    housekey_app_label::since.eq(Moment::Now),
                ))
                .execute(&mut **conn)?;
            Ok(())
        }),
    }
}

fn content_type(conn: &mut SharedConnection, model: &ModelPermissions) -> QueryResult<i32> {
    on_shared!(SharedConnection, conn, conn => {
        let known = django_content_type::table
            .filter(django_content_type::app_label.eq(&model.app_label))
            .filter(django_content_type::model.eq(&model.model))
            .select(django_content_type::id);
        if let Some(id) = known.first::<DjangoId>(&mut **conn).optional()? {
            return Ok(id.into());
        }
        diesel::insert_into(django_content_type::table)
            .values((
                django_content_type::app_label.eq(&model.app_label),
                django_content_type::model.eq(&model.model),
            ))
            .execute(&mut **conn)?;
        known.first::<DjangoId>(&mut **conn).map(i32::from)
    })
}

fn create(
    conn: &mut SharedConnection,
    content_type: i32,
    permission: &Permission,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let known = auth_permission::table
            .filter(auth_permission::content_type_id.eq(content_type))
            .filter(auth_permission::codename.eq(&permission.codename));
        if diesel::select(diesel::dsl::exists(known)).get_result(&mut **conn)? {
            return Ok(());
        }
        diesel::insert_into(auth_permission::table)
            .values((
                auth_permission::content_type_id.eq(content_type),
                auth_permission::codename.eq(&permission.codename),
                auth_permission::name.eq(&permission.name),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}
