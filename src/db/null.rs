//! `NULL` in the place of columns, where the rows of a `UNION` have nothing to say.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping,
    is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// So many columns, which together have this type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Null<Type, const COLUMNS: usize = 1>(PhantomData<Type>);

impl<Type, const COLUMNS: usize> Null<Type, COLUMNS> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Type: TypedExpressionType, const COLUMNS: usize> Expression for Null<Type, COLUMNS> {
    type SqlType = Type;
}

impl<Type, QS, const COLUMNS: usize> AppearsOnTable<QS> for Null<Type, COLUMNS> where
    Self: Expression
{
}

impl<Type, QS, const COLUMNS: usize> SelectableExpression<QS> for Null<Type, COLUMNS> where
    Self: Expression
{
}

impl<Type, GB, const COLUMNS: usize> ValidGrouping<GB> for Null<Type, COLUMNS> {
    type IsAggregate = is_aggregate::Never;
}

impl<Type: 'static, const COLUMNS: usize> QueryId for Null<Type, COLUMNS> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Type, DB: Backend, const COLUMNS: usize> QueryFragment<DB> for Null<Type, COLUMNS> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for column in 0..COLUMNS {
            out.push_sql(if column == 0 { "NULL" } else { ", NULL" });
        }
        Ok(())
    }
}
