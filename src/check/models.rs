//! Content types and permissions: whose they are, and whether they are about what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Findings, seen};
use crate::config::Config;
use crate::db::SharedPool;
use crate::error::Error;
use crate::user::declared::{self, ModelPermission};

/// The permissions that Django makes for each model.
const ACTIONS: [&str; 4] = ["add", "change", "delete", "view"];

pub(super) fn look(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    seen("permissions", look_at(shared, config))
}

fn look_at(shared: &SharedPool, config: &Config) -> Result<Vec<Finding>, Error> {
    let (owners, models, permissions) = shared.run(|conn| {
        Ok((declared::owners(conn)?, declared::models(conn)?, declared::all_permissions(conn)?))
    })?;
    let mut findings = Findings::about("permissions");
    if let Some((label, model)) =
        models.iter().find(|(label, model)| model == "user" && label != "auth")
    {
        findings.warn(
            format!("a Django app may have a user model of its own ({label}.{model})"),
            "if that is its AUTH_USER_MODEL, set it to \"auth.User\", which is what housekey shares",
        );
    }
    misplaced(&mut findings, &models, &permissions);
    for label in declared::labels(config) {
        let declares = |model: &str| {
            config.permissions.iter().any(|ours| ours.app_label == label && ours.model == model)
        };
        let stranger = models.iter().find(|(of, model)| of == label && !declares(model));
        let remedy = "give each app of the house an app label of its own: who may do something in one \
                      could do it in the other";
        match (owners.get(label), stranger) {
            (None, _) => findings.warn(
                format!("the permissions of `{label}` are not in the shared database"),
                "call housekey::migrate",
            ),
            (Some(owner), _) if *owner != config.app_name => {
                findings.warn(format!("the app label `{label}` belongs to app `{owner}`"), remedy);
            }
            (Some(_), Some((_, model))) => findings.warn(
                format!(
                    "under our app label there is `{label}.{model}`, which this app does not declare: it is \
                     another app's, or was declared before"
                ),
                "give each app of the house an app label of its own; a row that is left over may be deleted",
            ),
            (Some(_), None) => {}
        }
    }
    Ok(findings.unless_any(format!("{} permissions of {} models", permissions.len(), models.len())))
}

/// Rows of one table that were copied into the shared database with the ids of another one: then the
/// permissions that Django has made for one model hang on another. One of the same name that an app has declared
/// for another model stands alone, and that model has its own.
fn misplaced(
    findings: &mut Findings,
    models: &[(String, String)],
    permissions: &[ModelPermission],
) {
    let known: BTreeSet<&str> = models.iter().map(|(_, model)| model.as_str()).collect();
    let about = |permission: &ModelPermission| {
        let (action, about) = permission.codename.split_once('_')?;
        let is_djangos = ACTIONS.contains(&action)
            && permission.name.starts_with(&format!("Can {action} "))
            && known.contains(about);
        is_djangos.then(|| about.to_owned())
    };
    let mut in_place = BTreeSet::new();
    let mut strays: BTreeMap<_, usize> = BTreeMap::new();
    for permission in permissions {
        match (about(permission), &permission.model) {
            (Some(about), Some((_, model))) if *model == about => {
                in_place.insert(&permission.codename);
            }
            (Some(about), model) => *strays.entry((model, about)).or_default() += 1,
            (None, _) => {}
        }
    }
    let is_misplaced = |permission: &&ModelPermission| match (about(permission), &permission.model)
    {
        (_, None) => true,
        (Some(about), Some((_, model))) if *model != about => {
            let together = strays.get(&(&permission.model, about));
            !in_place.contains(&permission.codename) || together.is_some_and(|count| *count > 1)
        }
        _ => false,
    };
    let bad: Vec<&ModelPermission> = permissions.iter().filter(is_misplaced).collect();
    let Some(first) = bad.first() else { return };
    let model = first.model.as_ref();
    let model = model.map_or("no model".to_owned(), |(label, model)| format!("`{label}.{model}`"));
    findings.wrong(
        format!(
            "{} permissions hang on another model than they are about (`{}` on {model}): rows of \
             django_content_type or auth_permission were copied here with the ids of another database",
            bad.len(),
            first.codename
        ),
        "delete the copied rows of auth_permission and django_content_type, let `migrate --database=shared` of \
         each Django app make them anew, and grant them again: ids are never copied",
    );
}
