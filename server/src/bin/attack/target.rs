//! The server under attack: a release build in a process of its own, with the limits it has by default.

use crate::line::{ATTACKER, Line, post};
use crate::{program, running};
use anyhow::{Context, ensure};
use serde_json::json;
use server::store::sqlite_url;
use shared::views::ConferenceView;
use shared::{OrderId, SeatTypeId};
use std::net::SocketAddr;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use uuid::Uuid;

const SLUG: &str = "attacked";

pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    seat_type: SeatTypeId,
    server: Child,
    _folder: TempDir,
}

impl Target {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = sqlite_url(&folder.path().join("contoso.db"));
        let log = folder.path().join("server.log");
        let command = Command::new(program::path()?);
        let mut command = program::set_up(command, folder.path(), &url, &log, true)?;
        let mut server = command
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let addr = running::address(&mut server).await?;
        let conference = json!({
            "slug": SLUG,
            "name": "The attacked conference",
            "owner": { "email": "mia@example.org", "access_code": "K7M-2QX" },
            "seat_types": [{ "name": "General", "price_minor": 19_900, "quota": 100_000 }],
        });
        let mut line = Line::open(ATTACKER, addr).await?;
        let request = post("/test/conferences", "", &conference.to_string());
        let (status, body) = line.ask(&request).await?;
        ensure!(status == 200, "no conference: {status} {}", String::from_utf8_lossy(&body));
        let view: ConferenceView = serde_json::from_slice(&body)?;
        Ok(Self { addr, seat_type: view.seat_types[0].id, server, _folder: folder })
    }

    pub(crate) const fn slug(&self) -> &'static str {
        SLUG
    }

    pub(crate) fn fresh_id(&self) -> OrderId {
        OrderId(Uuid::new_v4())
    }

    pub(crate) fn fresh_token(&self) -> String {
        format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
    }

    /// A whole request for these many seats.
    pub(crate) fn register(&self, order_id: OrderId, token: &str, quantity: u32) -> Vec<u8> {
        let seats = json!([{ "seat_type": self.seat_type, "quantity": quantity }]);
        let body = json!({
            "command_id": Uuid::new_v4(), "conference": SLUG, "order_id": order_id, "seats": seats,
        });
        post("/api/commands/register-to-conference", token, &body.to_string())
    }

    /// A body that says who registers.
    pub(crate) fn details(&self, order_id: OrderId) -> String {
        let registrant = json!({
            "given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.org",
        });
        let body = json!({
            "command_id": Uuid::new_v4(),
            "conference": SLUG,
            "order_id": order_id,
            "registrant": registrant,
        });
        body.to_string()
    }

    /// What the server keeps in memory now, in megabytes (`VmRSS` of proc(5) status).
    pub(crate) fn memory_mb(&self) -> anyhow::Result<f64> {
        running::memory_mb(&self.server, "VmRSS:")
    }

    pub(crate) fn summary(&self) -> anyhow::Result<String> {
        Ok(format!(
            "The most that the server ever kept in memory: {:.0} MB",
            running::memory_mb(&self.server, "VmHWM:")?
        ))
    }
}
