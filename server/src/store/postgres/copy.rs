//! Everything in a PostgreSQL database as lines, and back. One transaction sees one moment for as long
//! as it lasts, and keeps nobody from writing. Not here: `pg_dump`; nobody has to have it.

use super::{MIGRATIONS, Postgres};
use crate::store::Result;
use crate::store::copy::{
    About, Header, Kind, Lines, TABLES, Table, Target, ensure_empty, ensure_end, list,
};
use crate::store::migrations::check_known;
use anyhow::Context;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection};
use std::io::Write;

/// A copy takes as long as it takes.
const NO_LIMIT: &str = "SET LOCAL statement_timeout = 0";

impl Postgres {
    pub async fn copy_out(&self, about: About<'_>, to: &mut (dyn Write + Send)) -> Result<Header> {
        let mut connection = self.pool.acquire().await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut moment = connection.begin_with(begin).await?;
        sqlx::query(NO_LIMIT).execute(&mut *moment).await?;
        let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations");
        check_known(found.fetch_one(&mut *moment).await?, MIGRATIONS.len() as i64)?;
        let mut rows = Vec::with_capacity(TABLES.len());
        for Table { name, .. } in TABLES {
            let count = AssertSqlSafe(format!("SELECT count(*) FROM {name}"));
            rows.push(sqlx::query_scalar(count).fetch_one(&mut *moment).await?);
        }
        let header = Header::new(about, MIGRATIONS.len() as i64, &rows);
        let line = serde_json::to_string(&header).context("a header is plain data")?;
        writeln!(to, "{line}").context("cannot write the header")?;
        for Table { name, columns } in TABLES {
            let columns = list(columns, |_, (column, kind)| match kind {
                Kind::Text | Kind::Number => (*column).to_owned(),
                Kind::Id => format!("replace({column}::text, '-', '')"),
                Kind::Bytes => format!("encode({column}, 'hex')"),
            });
            let statement =
                AssertSqlSafe(format!("SELECT json_build_array({columns})::text FROM {name}"));
            let mut lines = sqlx::query_scalar::<_, String>(statement).fetch(&mut *moment);
            while let Some(line) = lines.try_next().await? {
                writeln!(to, "{line}").context("cannot write a row")?;
            }
        }
        moment.rollback().await?;
        Ok(header)
    }

    pub(in crate::store) async fn copy_in(
        &self,
        migration: i64,
        targets: Vec<Target>,
        lines: &mut Lines<'_>,
    ) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        let mut all = connection.begin().await?;
        sqlx::query(NO_LIMIT).execute(&mut *all).await?;
        let found: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut *all)
            .await?;
        ensure_empty(found == migration)?;
        for mut target in targets {
            let name = target.name;
            let any = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {name})"));
            let has_rows: bool = sqlx::query_scalar(any).fetch_one(&mut *all).await?;
            ensure_empty(!has_rows)?;
            let columns = list(&target.columns, |_, (column, _)| (*column).to_owned());
            let values = list(&target.columns, |index, (_, kind)| match kind {
                Kind::Text => format!("value ->> {index}"),
                Kind::Number => format!("(value ->> {index})::bigint"),
                Kind::Id => format!("(value ->> {index})::uuid"),
                Kind::Bytes => format!("decode(value ->> {index}, 'hex')"),
            });
            let statement = format!(
                "INSERT INTO {name} ({columns})
                 SELECT {values} FROM json_array_elements($1::json) AS rows (value)"
            );
            while let Some(rows) = target.next(lines)? {
                let statement = AssertSqlSafe(statement.clone());
                sqlx::query(statement).bind(rows).execute(&mut *all).await?;
            }
        }
        ensure_end(lines)?;
        all.commit().await?;
        Ok(())
    }
}
