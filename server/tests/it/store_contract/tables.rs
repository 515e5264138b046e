//! Which tables and columns a database has, asked of the database itself.

use sqlx::{Connection, PgConnection, SqliteConnection};
use std::collections::BTreeSet;

/// The tables of ours in the database behind `url`.
pub(crate) async fn tables(url: &str) -> BTreeSet<String> {
    let statement = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let in_postgres = "SELECT table_name::text FROM information_schema.tables
                       WHERE table_schema = 'public'";
    ask(url, statement, in_postgres, "").await
}

/// The columns of one table.
pub(crate) async fn columns(url: &str, table: &str) -> BTreeSet<String> {
    let statement = "SELECT name FROM pragma_table_info($1)";
    let in_postgres = "SELECT column_name::text FROM information_schema.columns
                       WHERE table_schema = 'public' AND table_name = $1";
    ask(url, statement, in_postgres, table).await
}

async fn ask(
    url: &str,
    in_sqlite: &'static str,
    in_postgres: &'static str,
    table: &str,
) -> BTreeSet<String> {
    let names: Vec<String> = if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await.expect("it runs");
        let query = sqlx::query_scalar(in_postgres);
        let query = if table.is_empty() { query } else { query.bind(table) };
        query.fetch_all(&mut connection).await.expect("names")
    } else {
        let mut connection = SqliteConnection::connect(url).await.expect("it is there");
        let query = sqlx::query_scalar(in_sqlite);
        let query = if table.is_empty() { query } else { query.bind(table) };
        query.fetch_all(&mut connection).await.expect("names")
    };
    names.into_iter().collect()
}
