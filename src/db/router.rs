//! Which table lives where: a pure function of the table's name.

use std::collections::HashSet;

use crate::place::Place;

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
    tables: HashSet<String>,
    prefixes: Vec<String>,
}

impl Router {
    pub(crate) fn new(tables: &[String], prefixes: &[String]) -> Self {
        let own = DJANGO_TABLES.iter().map(|name| (*name).to_owned());
        let prefixes = std::iter::once(OWN_PREFIX.to_owned()).chain(prefixes.iter().cloned());
        Self { tables: own.chain(tables.iter().cloned()).collect(), prefixes: prefixes.collect() }
    }

    pub(crate) fn place_of(&self, table: &str) -> Place {
        let shared = self.tables.contains(table)
            || self.prefixes.iter().any(|prefix| table.starts_with(prefix.as_str()));
        if shared { Place::Shared } else { Place::Local }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_are_djangos_tables_ours_and_those_the_app_names() {
        let router = Router::new(&["company".to_owned()], &["crm_".to_owned()]);
        for table in ["auth_user", "django_session", "housekey_key", "company", "crm_lead"] {
            assert_eq!(router.place_of(table), Place::Shared, "{table}");
        }
        for table in ["note", "auth_users", "company_car", "my_auth_user", ""] {
            assert_eq!(router.place_of(table), Place::Local, "{table}");
        }
    }
}
