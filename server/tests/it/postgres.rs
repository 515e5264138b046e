//! A throw-away PostgreSQL for the tests of this binary, and one empty database in it for each test.

#[path = "../../src/bin/load/cluster.rs"]
mod cluster;

use crate::program::signal;
pub(crate) use cluster::Cluster;
use std::sync::OnceLock;

/// Durability is not what these tests are about, and there may be many connections.
const FAST: &str = "-c max_connections=300 -c fsync=off -c full_page_writes=off";

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The URL of an empty database that nobody else uses.
pub(crate) async fn database() -> String {
    CLUSTER.get_or_init(own).database().await
}

/// A cluster of one's own, for tests that stop it.
pub(crate) fn own() -> Cluster {
    Cluster::start(FAST)
}

impl Cluster {
    /// Stops all its processes where they stand: they neither answer nor refuse.
    pub(crate) fn freeze(&self) {
        signal("STOP", &self.processes());
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) {
        signal("CONT", &self.processes());
    }
}
