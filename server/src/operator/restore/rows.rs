//! The rows of a copy one by one, with the names of their columns: an earlier release may have had others,
//! or in another order.
//!
//! Not here: the file and its checksum (`operator/backup.rs`).

use crate::operator::backup::Reader;
use crate::store::copy::Header;
use anyhow::Context;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// One row.
pub(super) struct Row {
    columns: Arc<Vec<String>>,
    values: Vec<Value>,
    /// As it stands in the file.
    pub(super) line: String,
}

impl Row {
    fn value(&self, column: &str) -> anyhow::Result<&Value> {
        let place = self.columns.iter().position(|name| name == column);
        let value = place.and_then(|place| self.values.get(place));
        value.with_context(|| format!("a row has no {column}"))
    }

    pub(super) fn text(&self, column: &str) -> anyhow::Result<&str> {
        self.value(column)?.as_str().with_context(|| format!("{column} is no text"))
    }

    pub(super) fn number(&self, column: &str) -> anyhow::Result<i64> {
        self.value(column)?.as_i64().with_context(|| format!("{column} is no number"))
    }

    /// `None` where there is none.
    pub(super) fn id(&self, column: &str) -> anyhow::Result<Option<Uuid>> {
        let id = match self.value(column)? {
            Value::Null => return Ok(None),
            value => value.as_str().and_then(|id| id.parse().ok()),
        };
        id.map(Some).with_context(|| format!("{column} is no id"))
    }

    /// The row's line with nothing greater than a bound in these columns. A copy of an earlier release may
    /// be without one of them.
    pub(super) fn bounded(mut self, columns: &[&str], bound: u64) -> anyhow::Result<String> {
        for (name, value) in self.columns.iter().zip(&mut self.values) {
            let is_bounded = columns.contains(&name.as_str());
            if is_bounded && value.as_u64().is_none_or(|number| bound < number) {
                *value = bound.into();
            }
        }
        Ok(serde_json::to_string(&self.values)?)
    }
}

/// Reads a whole copy; ends with an error when it is not whole.
pub(super) struct Rows {
    reader: Reader,
    pub(super) header: Header,
    columns: Vec<Arc<Vec<String>>>,
    /// Which table the next row is of, and how many of its rows were read.
    table: usize,
    read: u64,
}

impl Rows {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let mut reader = Reader::open(file)?;
        let header = reader.header()?;
        let columns = header.tables.iter().map(|table| Arc::new(table.columns.clone()));
        Ok(Self { reader, columns: columns.collect(), header, table: 0, read: 0 })
    }

    /// The next row, and the place of its table in the header.
    fn row(&mut self, line: String) -> anyhow::Result<(usize, Row)> {
        while self.header.tables.get(self.table).is_some_and(|table| table.rows == self.read) {
            (self.table, self.read) = (self.table + 1, 0);
        }
        let columns = self.columns.get(self.table).context("a row too many")?.clone();
        self.read += 1;
        let name = &self.header.tables[self.table].name;
        let values: Vec<Value> = serde_json::from_str(&line)
            .with_context(|| format!("a row of {name} is unreadable"))?;
        Ok((self.table, Row { columns, values, line }))
    }
}

impl Iterator for Rows {
    type Item = anyhow::Result<(usize, Row)>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.reader.next()?.and_then(|line| self.row(line)))
    }
}
