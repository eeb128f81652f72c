//! Which table lives where: a pure function of the table's name.

use std::collections::HashSet;

use crate::place::{DatabaseKind, Place};

const DJANGO_TABLES: [&str; 10] = [
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "django_admin_log",
    "django_content_type",
    "django_migrations",
    "django_session",
];
const OWN_PREFIX: &str = "housekey_";

/// The tables of the shared database; every other table is local.
#[derive(Debug, Clone)]
pub(crate) struct Router {
    kind: DatabaseKind,
    tables: HashSet<String>,
    prefixes: Vec<String>,
}

impl Router {
    pub(crate) fn new(kind: DatabaseKind, tables: &[String], prefixes: &[String]) -> Self {
        let own = DJANGO_TABLES.iter().map(|name| (*name).to_owned());
        let own_prefix = std::iter::once(OWN_PREFIX.to_owned());
        Self {
            kind,
            tables: own.chain(tables.iter().map(|name| fold(kind, name))).collect(),
            prefixes: own_prefix.chain(prefixes.iter().map(|name| fold(kind, name))).collect(),
        }
    }

    pub(crate) fn place_of(&self, table: &str) -> Place {
        let table = fold(self.kind, table);
        let shared = self.tables.contains(&table)
            || self.prefixes.iter().any(|prefix| table.starts_with(prefix.as_str()));
        if shared { Place::Shared } else { Place::Local }
    }
}

/// SQLite does not tell names apart by the case of their letters.
fn fold(kind: DatabaseKind, name: &str) -> String {
    match kind {
        DatabaseKind::Sqlite => name.to_ascii_lowercase(),
        DatabaseKind::Postgres => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_are_djangos_tables_ours_and_those_the_app_names() {
        let router =
            Router::new(DatabaseKind::Sqlite, &["Company".to_owned()], &["crm_".to_owned()]);
        for table in ["auth_user", "django_session", "housekey_key", "COMPANY", "crm_lead"] {
            assert_eq!(router.place_of(table), Place::Shared, "{table}");
        }
        for table in ["note", "auth_users", "company_car", "my_auth_user", ""] {
            assert_eq!(router.place_of(table), Place::Local, "{table}");
        }
    }
}
