//! `= ANY ($1)`, of a query that is known by its type: diesel's own `eq_any` is an `IN` on other databases, and its text is made
//! anew each time.

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping,
    is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, SqlType};

/// One of the values of an array.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct AnyOf<Values>(pub(crate) Values);

impl<Values, Type> Expression for AnyOf<Values>
where
    Values: Expression<SqlType = Array<Type>>,
    Type: SqlType + TypedExpressionType,
{
    type SqlType = Type;
}

impl<Values: AppearsOnTable<QS>, QS> AppearsOnTable<QS> for AnyOf<Values> where Self: Expression {}

impl<Values: SelectableExpression<QS>, QS> SelectableExpression<QS> for AnyOf<Values> where
    Self: AppearsOnTable<QS>
{
}

impl<Values, GB> ValidGrouping<GB> for AnyOf<Values> {
    type IsAggregate = is_aggregate::Never;
}

impl<Values: QueryFragment<Pg>> QueryFragment<Pg> for AnyOf<Values> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("ANY(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
