//! How the tables of one release become those of the next, while servers of both write to them.
//!
//! Expand first, contract a release later: each migration says which programs can still work with the
//! tables after it, by the last migration that the oldest of them knows. That stands beside the migration in
//! the table of migrations, so that a program reads it of migrations that it does not know.
//! Not here: how long a database is kept waiting (`postgres/migrate.rs`).

use super::Result;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};

/// Where sqlx remembers what was applied.
pub(super) const TABLE: &str = "_sqlx_migrations";
/// Stands in a migration's description before the number of the oldest program.
const FROM: &str = ", for programs from ";

/// One file in `migrations/`; the same versions and names in both folders.
#[derive(Clone, Copy, Debug)]
pub(super) struct MigrationFile {
    pub(super) version: i64,
    name: &'static str,
    pub(super) sql: &'static str,
    /// The last migration of the oldest program that can work with the tables after it.
    oldest: i64,
    /// Does not run in a transaction, because it would keep writers out for as long as it takes.
    pub(super) is_concurrent: bool,
}

impl MigrationFile {
    /// Only programs that know it can work with the tables after it.
    pub(super) const fn contracts(version: i64, name: &'static str, sql: &'static str) -> Self {
        Self { version, name, sql, oldest: version, is_concurrent: false }
    }

    /// Programs whose last migration is `oldest` can work with the tables after it, too.
    pub(super) const fn expands(
        version: i64,
        name: &'static str,
        sql: &'static str,
        oldest: i64,
    ) -> Self {
        Self { version, name, sql, oldest, is_concurrent: false }
    }

    /// The same, outside of a transaction. It is one statement, which changes nothing the second time.
    pub(super) const fn concurrently(self) -> Self {
        Self { is_concurrent: true, ..self }
    }

    pub(super) fn migration(&self) -> Migration {
        let description = match self.oldest < self.version {
            true => format!("{}{FROM}{}", self.name, self.oldest),
            false => self.name.to_owned(),
        };
        let (sql, kind) = (self.sql.into_sql_str(), MigrationType::Simple);
        Migration::new(self.version, description.into(), kind, sql, self.is_concurrent)
    }
}

/// The files up to this version.
pub(super) fn up_to(files: &[MigrationFile], until: i64) -> &[MigrationFile] {
    let end = files.partition_point(|file| file.version <= until);
    &files[..end]
}

/// The files that were not applied yet, in their order.
///
/// # Errors
/// The database failed, or a migration was applied that had another text.
pub(super) async fn pending<'a, C: Migrate>(
    files: &'a [MigrationFile],
    connection: &mut C,
) -> std::result::Result<Vec<&'a MigrationFile>, MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    let mut pending = Vec::new();
    for file in files {
        match applied.iter().find(|known| known.version == file.version) {
            None => pending.push(file),
            Some(known) if known.checksum == file.migration().checksum => {}
            Some(known) => return Err(MigrateError::VersionMismatch(known.version)),
        }
    }
    Ok(pending)
}

/// Number and description of each migration that a database has, in their order.
pub(super) type Applied = [(i64, String)];

/// Whether a program that knows the migrations up to `known` can work with these tables.
///
/// # Errors
/// They were contracted beyond it.
pub(super) fn check_expanded(applied: &Applied, known: i64) -> Result<()> {
    for (version, description) in applied.iter().filter(|(version, _)| known < *version) {
        let oldest = description.rsplit_once(FROM).and_then(|(_, oldest)| oldest.parse().ok());
        if oldest.is_none_or(|oldest: i64| known < oldest) {
            return Err(anyhow::anyhow!(
                "the database was made by a newer release: it has migration {version}, after which \
                 this release (which knows {known}) cannot work with it"
            )
            .into());
        }
    }
    Ok(())
}

/// The same for a tool, which makes no tables either: a tool must not guess.
///
/// # Errors
/// There are no tables, or those of an older release, or they were contracted.
pub(super) fn check_release(applied: &Applied, known: i64) -> Result<()> {
    let what = match applied.last() {
        Some((last, _)) if known <= *last => return check_expanded(applied, known),
        Some((last, _)) => format!(
            "the database has the tables of an older release (migration {last}, not {known}): start \
             the server of this release once"
        ),
        None => "the database has no tables of ours: start the server once, or look at \
                 DATABASE_URL and DATA_DIR"
            .to_owned(),
    };
    Err(anyhow::anyhow!(what).into())
}

/// What copies everything has to know everything: it would leave out what it does not know.
///
/// # Errors
/// The tables are not exactly those of this release.
pub(super) fn check_known(found: i64, known: i64) -> Result<()> {
    match found == known {
        true => Ok(()),
        false => Err(anyhow::anyhow!(
            "the database has the tables of a newer release (migration {found}, not {known}), and a \
             copy would leave out what is new: use that release's tool"
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(files: &[MigrationFile]) -> Vec<(i64, String)> {
        let rows =
            files.iter().map(|file| (file.version, file.migration().description.into_owned()));
        rows.collect()
    }

    #[test]
    fn an_older_program_works_with_expanded_tables_and_not_with_contracted_ones() {
        let expanded = [
            MigrationFile::contracts(1, "one", "SELECT 1"),
            MigrationFile::expands(2, "two", "SELECT 2", 1),
            MigrationFile::expands(3, "three", "SELECT 3", 1).concurrently(),
        ];
        let rows = applied(&expanded);
        assert!([1, 2, 3].into_iter().all(|known| check_expanded(&rows, known).is_ok()));
        assert!(check_expanded(&rows, 0).is_err());
        let mut contracted = expanded.to_vec();
        contracted.push(MigrationFile::expands(4, "four", "SELECT 4", 3));
        let rows = applied(&contracted);
        assert!(check_expanded(&rows, 3).is_ok() && check_expanded(&rows, 2).is_err());
        // What an earlier release wrote says nothing: only who knows it can work with it.
        let silent = [(1, "one".to_owned()), (2, "two".to_owned())];
        assert!(check_expanded(&silent, 1).is_err());
    }

    #[test]
    fn a_tool_wants_the_tables_of_its_release_or_expanded_ones() {
        let rows = applied(&[
            MigrationFile::contracts(1, "one", "SELECT 1"),
            MigrationFile::expands(2, "two", "SELECT 2", 1),
        ]);
        assert!(check_release(&rows, 1).is_ok() && check_release(&rows, 2).is_ok());
        assert!(check_release(&rows, 3).is_err() && check_release(&[], 1).is_err());
        assert!(check_known(2, 2).is_ok() && check_known(2, 1).is_err());
    }
}
