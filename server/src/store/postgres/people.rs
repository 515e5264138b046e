//! Who sits where and what was mailed, in PostgreSQL. Not here: writing attendees; a commit does it.

use std::io;

use tokio::time::timeout;

use super::{ANSWER_MAX, Postgres};
use crate::store::people::{
    AttendeeCounts, AttendeeKey, AttendeeRow, LinkHash, ListedAttendee, NewLink,
};
use crate::store::{LedgerId, ProcessId, Result, counted};

impl Postgres {
    pub async fn find_ticket(
        &self,
        ledger: LedgerId,
        ticket: &str,
    ) -> Result<Option<(ProcessId, u32)>> {
        let query = sqlx::query_as(
            "SELECT process, place FROM attendees WHERE ledger = $1 AND ticket = $2",
        )
        .bind(ledger)
        .bind(ticket);
        let row: Option<(ProcessId, i64)> = ask!(self, query, fetch_optional)?;
        Ok(row.map(|(process, place)| (process, counted(place))))
    }

    pub async fn attendees(
        &self,
        ledger: LedgerId,
        search: &str,
        after: &AttendeeKey,
        limit: u32,
    ) -> Result<Vec<ListedAttendee>> {
        let query = sqlx::query_as(
            "SELECT attendees.process, place, kind, given_name, family_name, attendees.email,
                    ticket, admitted_at, code
             FROM attendees
             JOIN orders ON orders.ledger = attendees.ledger AND orders.process = attendees.process
             WHERE attendees.ledger = $1
             AND (strpos(attendees.sought, $2) > 0
                  OR strpos(lower(code || chr(10) || substr(code, 1, 3) || '-' || substr(code, 4)), $2)
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
        .bind(i64::from(limit));
        let rows: Vec<AttendeeRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(ListedAttendee::from).collect())
    }

    pub async fn attendee_counts(&self, ledger: LedgerId) -> Result<AttendeeCounts> {
        let query =
            sqlx::query_as("SELECT count(*), count(admitted_at) FROM attendees WHERE ledger = $1")
                .bind(ledger);
        let row: (i64, i64) = ask!(self, query, fetch_one)?;
        Ok(row.into())
    }

    pub async fn processes_by_email(
        &self,
        ledger: LedgerId,
        email: &str,
        limit: u32,
    ) -> Result<Vec<ProcessId>> {
        let query = sqlx::query_scalar(
            "SELECT process FROM orders
             WHERE ledger = $1 AND email = $2 ORDER BY placed_at DESC, process LIMIT $3",
        )
        .bind(ledger)
        .bind(email)
        .bind(i64::from(limit));
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn add_links(&self, ledger: LedgerId, links: &[NewLink], now: i64) -> Result<()> {
        let hashes: Vec<&[u8]> = links.iter().map(|link| link.hash.as_slice()).collect();
        let processes: Vec<ProcessId> = links.iter().map(|link| link.process).collect();
        let expiries: Vec<i64> = links.iter().map(|link| link.expires_at).collect();
        let query = sqlx::query(
            "WITH swept AS (DELETE FROM order_links WHERE ledger = $1 AND expires_at <= $5)
             INSERT INTO order_links (ledger, link, process, expires_at)
             SELECT $1, link, process, expires_at
             FROM unnest($2::bytea[], $3::uuid[], $4::bigint[]) AS row (link, process, expires_at)
             ON CONFLICT (ledger, link) DO NOTHING",
        )
        .bind(ledger)
        .bind(hashes)
        .bind(processes)
        .bind(expiries)
        .bind(now);
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn take_link(
        &self,
        ledger: LedgerId,
        hash: &LinkHash,
        now: i64,
    ) -> Result<Option<ProcessId>> {
        let query = sqlx::query_scalar(
            "UPDATE order_links SET used_at = $3
             WHERE ledger = $1 AND link = $2 AND used_at IS NULL AND expires_at > $3
             RETURNING process",
        )
        .bind(ledger)
        .bind(hash.as_slice())
        .bind(now);
        // All rows, so that the server has said that it committed.
        let taken: Vec<ProcessId> = ask!(self, query, fetch_all)?;
        Ok(taken.into_iter().next())
    }
}
