//! How each table of a house goes over.

/// The way of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// With its ids, into a table that has no other rows.
    Copied,
    /// In place of what is there: books that TO has only begun to keep.
    Replaced,
    /// Row by row to the row of the same meaning, whatever its id.
    Matched,
    /// Not at all, and why.
    Kept(&'static str),
}

pub(super) struct Shared {
    pub(super) table: &'static str,
    pub(super) way: Way,
    /// The column that says when a row has ended.
    pub(super) ends: Option<&'static str>,
}

const fn shared(table: &'static str, way: Way, ends: Option<&'static str>) -> Shared {
    Shared { table, way, ends }
}

const OWN_RECORD: &str = "each database keeps its own record of its migrations";
const OF_TODAY: &str =
    "wrong passwords of the last hours are not worth the way; the count begins anew";

const OF_TRIGGERS: &str = "the triggers of TO write their own";

/// Every table of a house, each behind those that it refers to.
pub(super) const SHARED: [Shared; 22] = [
    shared("django_migrations", Way::Kept(OWN_RECORD), None),
    shared("housekey_migration", Way::Kept(OWN_RECORD), None),
    shared("django_content_type", Way::Matched, None),
    shared("auth_permission", Way::Matched, None),
    shared("auth_group", Way::Copied, None),
    shared("auth_group_permissions", Way::Copied, None),
    shared("auth_user", Way::Copied, None),
    shared("auth_user_groups", Way::Copied, None),
    shared("auth_user_user_permissions", Way::Copied, None),
    shared("django_admin_log", Way::Copied, None),
    shared("django_session", Way::Copied, Some("expire_date")),
    shared("housekey_session", Way::Copied, None),
    shared("housekey_stranger", Way::Kept(OF_TRIGGERS), None),
    shared("housekey_change", Way::Kept(OF_TRIGGERS), None),
    shared("housekey_renewal", Way::Replaced, Some("until")),
    shared("housekey_key", Way::Replaced, None),
    shared("housekey_app", Way::Replaced, None),
    shared("housekey_app_label", Way::Replaced, None),
    shared("housekey_setting", Way::Replaced, None),
    shared("housekey_adoption", Way::Replaced, None),
    shared("housekey_throttle", Way::Kept(OF_TODAY), None),
    shared("housekey_event", Way::Copied, None),
];

/// What the makers of tables write down for themselves.
const RECORDS: [&str; 5] = [
    "django_migrations",
    "__diesel_schema_migrations",
    "_sqlx_migrations",
    "seaql_migrations",
    "alembic_version",
];

pub(super) fn of_house(table: &str) -> Option<&'static Shared> {
    SHARED.iter().find(|shared| shared.table == table)
}

/// The way of a table of an app.
pub(super) fn local(table: &str) -> Way {
    if RECORDS.contains(&table) {
        return Way::Kept(OWN_RECORD);
    }
    if of_house(table).is_some() || table.starts_with("housekey_") {
        return Way::Kept("it is the house's: `housekey transfer` without --local moves it");
    }
    Way::Copied
}

/// Is it an app's own table?
pub(super) fn is_local(table: &str) -> bool {
    local(table) == Way::Copied
}

/// Rows that are worth nothing when they cannot be read: they stay behind, and stop nothing.
pub(super) fn may_be_lost(table: &str) -> bool {
    ["django_session", "housekey_session", "housekey_renewal"].contains(&table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::shared_tables;

    #[test]
    fn every_table_of_the_house_has_a_way() {
        for table in shared_tables() {
            assert!(of_house(table).is_some(), "{table}");
        }
        assert_eq!(SHARED.len(), shared_tables().count());
    }
}
