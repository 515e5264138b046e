//! Everything in a database as lines of JSON, from one moment, and back into an empty one. The lines
//! are the same for both databases: what one wrote, the other can read.
//!
//! Not here: SQL (`sqlite/copy.rs`, `postgres/copy.rs`), files and checksums (`operator/backup.rs`).

use super::{GENERATION, Result, Store};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// Rows that are written by one statement.
pub(super) const ROWS_PER_STATEMENT: usize = 500;

/// How a value stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 32 hexadecimal digits.
    Id,
    /// Hexadecimal digits.
    Bytes,
    Text,
    Number,
}

/// A table, and its columns in the order of a line.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
}

impl Table {
    /// The names of its columns.
    pub fn column_names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, _)| *name)
    }
}

use Kind::{Bytes, Id, Number, Text};

/// Every table of this release; a test compares it with what the databases have.
pub const TABLES: &[Table] = &[
    Table {
        name: "ledgers",
        columns: &[
            ("ledger", Id),
            ("slug", Text),
            ("state", Text),
            ("head", Number),
            ("owner_email", Text),
            ("owner_code", Text),
            ("generation", Number),
            ("others_until", Number),
        ],
    },
    Table {
        name: "events",
        columns: &[
            ("ledger", Id),
            ("position", Number),
            ("stream", Text),
            ("version", Number),
            ("process", Id),
            ("kind", Text),
            ("payload", Text),
            ("command_id", Id),
            ("cause", Number),
            ("recorded_at", Number),
        ],
    },
    Table {
        name: "documents",
        columns: &[
            ("ledger", Id),
            ("generation", Number),
            ("topic", Text),
            ("position", Number),
            ("body", Text),
        ],
    },
    Table {
        name: "orders",
        columns: &[
            ("ledger", Id),
            ("process", Id),
            ("code", Text),
            ("email", Text),
            ("status", Text),
            ("total_minor", Number),
            ("placed_at", Number),
            ("changed_at", Number),
            ("name", Text),
            ("seats", Number),
            ("sought", Text),
        ],
    },
    Table { name: "snapshots", columns: &[("ledger", Id), ("position", Number), ("body", Text)] },
    Table { name: "deadlines", columns: &[("ledger", Id), ("process", Id), ("at", Number)] },
    Table {
        name: "effects",
        columns: &[
            ("ledger", Id),
            ("id", Id),
            ("kind", Text),
            ("payload", Text),
            ("due_at", Number),
            ("attempts", Number),
            ("state", Text),
            ("last_error", Text),
        ],
    },
    Table {
        name: "sessions",
        columns: &[
            ("key", Bytes),
            ("email", Text),
            ("ledger", Id),
            ("created_at", Number),
            ("expires_at", Number),
        ],
    },
    Table {
        name: "attendees",
        columns: &[
            ("ledger", Id),
            ("process", Id),
            ("place", Number),
            ("kind", Id),
            ("given_name", Text),
            ("family_name", Text),
            ("email", Text),
            ("sought", Text),
            ("ticket", Text),
            ("admitted_at", Number),
        ],
    },
    Table {
        name: "order_links",
        columns: &[
            ("ledger", Id),
            ("link", Bytes),
            ("process", Id),
            ("expires_at", Number),
            ("used_at", Number),
        ],
    },
    Table { name: "switches", columns: &[("name", Text), ("value", Text)] },
];

/// What a copy begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always [`Header::FORMAT`].
    pub format: String,
    pub release: String,
    /// The last migration of the tables.
    pub migration: i64,
    /// Milliseconds since the Unix epoch.
    pub taken_at: i64,
    /// In the order in which their rows follow.
    pub tables: Vec<Counted>,
}

/// A table in a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: u64,
}

impl Header {
    pub const FORMAT: &'static str = "contoso-backup-1";

    pub(super) fn new(about: About<'_>, migration: i64, rows: &[i64]) -> Self {
        let tables = TABLES.iter().zip(rows).map(|(table, rows)| Counted {
            name: table.name.to_owned(),
            columns: table.column_names().map(str::to_owned).collect(),
            rows: rows.cast_unsigned(),
        });
        Self {
            format: Self::FORMAT.to_owned(),
            release: about.release.to_owned(),
            migration,
            taken_at: about.taken_at,
            tables: tables.collect(),
        }
    }

    /// How many rows follow.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// What only the caller knows of a copy.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub release: &'a str,
    /// Milliseconds since the Unix epoch.
    pub taken_at: i64,
}

/// Lines on their way into a database. It ends with an error when the last line is not as expected.
pub type Lines<'a> = dyn Iterator<Item = anyhow::Result<String>> + Send + 'a;

/// A table of a copy as this release knows it. What a file says never becomes SQL: only names that we
/// know ourselves do.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) columns: Vec<(&'static str, Kind)>,
    pub(super) rows: u64,
}

impl Target {
    pub(super) fn of(counted: &Counted) -> anyhow::Result<Self> {
        let Counted { name, columns, rows } = counted;
        let table = TABLES.iter().find(|table| table.name == *name);
        let table =
            table.ok_or_else(|| anyhow::anyhow!("this release has no table called {name}"))?;
        let known = |wanted: &String| {
            let column = table.columns.iter().find(|(name, _)| name == wanted).copied();
            column.ok_or_else(|| anyhow::anyhow!("{name} has no column called {wanted}"))
        };
        let columns = columns.iter().map(known).collect::<anyhow::Result<_>>()?;
        Ok(Self { name: table.name, columns, rows: *rows })
    }

    /// The next rows as one JSON array of arrays; `None` when all have been read.
    pub(super) fn next(&mut self, lines: &mut Lines<'_>) -> anyhow::Result<Option<String>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let mut rows = String::from("[");
        for _ in 0..self.rows.min(ROWS_PER_STATEMENT as u64) {
            let line = lines.next().ok_or_else(|| anyhow::anyhow!("the file ends too early"))??;
            let values: Vec<serde_json::Value> = serde_json::from_str(&line).map_err(|error| {
                anyhow::anyhow!("a row of {} is unreadable: {error}", self.name)
            })?;
            anyhow::ensure!(values.len() == self.columns.len(), "a row of {} is short", self.name);
            if rows.len() > 1 {
                rows.push(',');
            }
            rows.push_str(&line);
            self.rows -= 1;
        }
        rows.push(']');
        Ok(Some(rows))
    }
}

impl Store {
    /// Writes everything, as it is at one moment, while others go on writing.
    ///
    /// # Errors
    /// The database failed, or the writer.
    pub async fn copy_out(&self, about: About<'_>, to: &mut (dyn Write + Send)) -> Result<Header> {
        match self {
            Self::Sqlite(store) => store.copy_out(about, to).await,
            Self::Postgres(store) => store.copy_out(about, to).await,
            Self::Kept(_) => Err(anyhow::anyhow!("only databases keep this").into()),
        }
    }

    /// Fills an empty database, or leaves it as empty as it was. The copy may be of an earlier release:
    /// its rows are migrated as those of a running house are.
    ///
    /// # Errors
    /// The database has rows or newer tables, the lines are not what the header says, or one of both
    /// failed.
    pub async fn copy_in(url: &str, header: &Header, lines: &mut Lines<'_>) -> Result<()> {
        let targets = header.tables.iter().map(Target::of).collect::<anyhow::Result<Vec<_>>>()?;
        let store = Self::open_as(url, header.migration, GENERATION).await?;
        let done = match &store {
            Self::Sqlite(store) => store.copy_in(header.migration, targets, lines).await,
            Self::Postgres(store) => store.copy_in(header.migration, targets, lines).await,
            Self::Kept(_) => Err(anyhow::anyhow!("only databases keep this").into()),
        };
        store.close().await;
        done?;
        // Brings the rows of an earlier release to ours.
        Self::open(url).await?.close().await;
        Ok(())
    }
}

/// A list of columns as one database writes it.
pub(super) fn list<T>(columns: &[T], one: impl Fn(usize, &T) -> String) -> String {
    let columns: Vec<String> =
        columns.iter().enumerate().map(|(index, column)| one(index, column)).collect();
    columns.join(", ")
}

/// A copy is never mixed with what is there.
pub(super) fn ensure_empty(is_empty: bool) -> Result<()> {
    match is_empty {
        true => Ok(()),
        false => Err(anyhow::anyhow!(
            "the database is not empty, or has newer tables: restore into a new one"
        )
        .into()),
    }
}

/// Asking for the line behind the last row makes the reader look at the end of the file.
pub(super) fn ensure_end(lines: &mut Lines<'_>) -> anyhow::Result<()> {
    anyhow::ensure!(lines.next().transpose()?.is_none(), "the file goes on behind its end");
    Ok(())
}
