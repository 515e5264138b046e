//! Who sits where and what was mailed, in SQLite. Not here: writing attendees; a commit does it.

use super::write::json;
use super::{Sqlite, settle};
use crate::store::people::{
    AttendeeCounts, AttendeeKey, AttendeeRow, LinkHash, ListedAttendee, NewLink,
};
use crate::store::{LedgerId, ProcessId, Result, counted};

impl Sqlite {
    pub async fn find_ticket(
        &self,
        ledger: LedgerId,
        ticket: &str,
    ) -> Result<Option<(ProcessId, u32)>> {
        let row: Option<(ProcessId, i64)> = sqlx::query_as(
            "SELECT process, place FROM attendees WHERE ledger = $1 AND ticket = $2",
        )
        .bind(ledger)
        .bind(ticket)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|(process, place)| (process, counted(place))))
    }

    pub async fn attendees(
        &self,
        ledger: LedgerId,
        search: &str,
        after: &AttendeeKey,
        limit: u32,
    ) -> Result<Vec<ListedAttendee>> {
        let rows: Vec<AttendeeRow> = sqlx::query_as(
            "SELECT attendees.process, place, kind, given_name, family_name, attendees.email,
                    ticket, admitted_at, code
             FROM attendees INDEXED BY attendees_by_kind_and_name
             JOIN orders ON orders.ledger = attendees.ledger AND orders.process = attendees.process
             WHERE attendees.ledger = $1
             AND (instr(attendees.sought, $2) > 0
                  OR instr(lower(code || char(10) || substr(code, 1, 3) || '-' || substr(code, 4)), $2)
                     > 0)
             AND (kind, attendees.sought, attendees.process, place) > ($3, $4, $5, $6)
             ORDER BY kind, attendees.sought, attendees.process, place LIMIT $7",
        )
        .bind(ledger)
        .bind(search)
        .bind(after.kind)
        .bind(&after.sought)
        .bind(after.process)
        .bind(i64::from(after.place))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(ListedAttendee::from).collect())
    }

    pub async fn attendee_counts(&self, ledger: LedgerId) -> Result<AttendeeCounts> {
        let row: (i64, i64) =
            sqlx::query_as("SELECT count(*), count(admitted_at) FROM attendees WHERE ledger = $1")
                .bind(ledger)
                .fetch_one(&self.readers)
                .await?;
        Ok(row.into())
    }

    pub async fn processes_by_email(
        &self,
        ledger: LedgerId,
        email: &str,
        limit: u32,
    ) -> Result<Vec<ProcessId>> {
        let processes = sqlx::query_scalar(
            "SELECT process FROM orders INDEXED BY orders_by_email_and_code
             WHERE ledger = $1 AND email = $2 ORDER BY placed_at DESC, process LIMIT $3",
        )
        .bind(ledger)
        .bind(email)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(processes)
    }

    pub async fn add_links(&self, ledger: LedgerId, links: &[NewLink], now: i64) -> Result<()> {
        let rows: Vec<_> = links
            .iter()
            .map(|link| (hex(&link.hash), link.process.simple(), link.expires_at))
            .collect();
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(
            "DELETE FROM order_links WHERE ledger = $1 AND expires_at <= $3;
             INSERT INTO order_links (ledger, link, process, expires_at)
             SELECT $1, unhex(value ->> 0), unhex(value ->> 1), value ->> 2
             FROM json_each($2) WHERE true
             ON CONFLICT (ledger, link) DO NOTHING",
        )
        .bind(ledger)
        .bind(json(&rows))
        .bind(now)
        .execute(writer.connection().await?)
        .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn take_link(
        &self,
        ledger: LedgerId,
        hash: &LinkHash,
        now: i64,
    ) -> Result<Option<ProcessId>> {
        let mut writer = self.writer.lock().await;
        let taken = sqlx::query_scalar(
            "UPDATE order_links SET used_at = $3
             WHERE ledger = $1 AND link = $2 AND used_at IS NULL AND expires_at > $3
             RETURNING process",
        )
        .bind(ledger)
        .bind(hash.as_slice())
        .bind(now)
        .fetch_all(writer.connection().await?)
        .await;
        let taken: Vec<ProcessId> = settle(writer, taken, |_| true)?;
        Ok(taken.into_iter().next())
    }
}

fn hex(hash: &LinkHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
