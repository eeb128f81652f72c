//! What `housekey_change` holds, asked for by every process some thirty times a second: a query of its own type, which is
//! prepared once.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};

/// The changes that a snapshot sees and the one before did not, and the snapshot: by one statement, so that it is the
/// same for both.
pub(super) struct Since<'a> {
    /// All transactions from this one on are new.
    pub(super) from: i64,
    /// These were open.
    pub(super) open: &'a [i64],
    pub(super) most: i64,
}

impl QueryId for Since<'_> {
    type QueryId = Since<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Since<'_> {
    type SqlType = (Text, Timestamptz, Timestamptz, Bool, Nullable<Text>, Nullable<BigInt>);
}

impl<C> RunQueryDsl<C> for Since<'_> {}

impl QueryFragment<Pg> for Since<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT now.*, change.xid IS NOT NULL, change.session_key, change.user_id \
             FROM (SELECT txid_current_snapshot()::text, clock_timestamp(), pg_postmaster_start_time()) AS now \
             LEFT JOIN ((SELECT xid, session_key, user_id FROM housekey_change WHERE xid >= ",
        );
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(
            " UNION ALL SELECT xid, session_key, user_id FROM housekey_change WHERE xid = ANY (",
        );
        out.push_bind_param::<Array<BigInt>, _>(self.open)?;
        out.push_sql(")) LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.most)?;
        out.push_sql(") AS change ON true");
        Ok(())
    }
}
