//! What a stretch of load costs: time, both processes' CPU, bytes on the wire and on the disk.

use crate::connection::WIRE_BYTES;
use crate::figures;
use crate::target::Target;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub(crate) struct Meter {
    started: Instant,
    server_cpu: f64,
    client_cpu: f64,
    wire_bytes: u64,
    disk_bytes: Option<u64>,
}

pub(crate) struct Spent {
    pub(crate) elapsed: Duration,
    /// User and system, in seconds.
    pub(crate) server_cpu: f64,
    pub(crate) client_cpu: f64,
    /// Both ways, HTTP and sockets with their headers and frames, without those of TCP.
    pub(crate) wire_bytes: u64,
    /// How much the database grew; `None` where it is not ours to look at.
    pub(crate) disk_bytes: Option<u64>,
}

impl Meter {
    pub(crate) fn start(target: &Target) -> anyhow::Result<Self> {
        Ok(Self {
            server_cpu: target.cpu_seconds()?,
            client_cpu: figures::cpu_seconds(std::process::id())?,
            wire_bytes: WIRE_BYTES.load(Ordering::Relaxed),
            disk_bytes: target.database_bytes(),
            started: Instant::now(),
        })
    }

    pub(crate) fn stop(self, target: &Target) -> anyhow::Result<Spent> {
        let disk_bytes = target.database_bytes().zip(self.disk_bytes);
        Ok(Spent {
            elapsed: self.started.elapsed(),
            server_cpu: target.cpu_seconds()? - self.server_cpu,
            client_cpu: figures::cpu_seconds(std::process::id())? - self.client_cpu,
            wire_bytes: WIRE_BYTES.load(Ordering::Relaxed) - self.wire_bytes,
            disk_bytes: disk_bytes.map(|(after, before)| after.saturating_sub(before)),
        })
    }
}
