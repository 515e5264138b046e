//! How many sockets are open: in all, and of one client, so that nobody can take everybody's.
//!
//! Not here: what a socket may do (`live.rs`).

use super::session::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sockets of this server.
const SOCKETS_MAX: usize = 20_000;

/// The open sockets, counted. Memory is bounded, because who has none is not remembered.
pub(super) struct Sockets {
    per_client_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    of: HashMap<Client, usize>,
}

/// The right to one open socket; it ends with the value.
pub(super) struct Place {
    sockets: Arc<Sockets>,
    client: Client,
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The server has as many as it can serve.
    Server,
    /// This client has its share.
    Client,
}

impl Sockets {
    /// At most this many per client; 0: no limit.
    pub(super) fn new(per_client_max: usize) -> Arc<Self> {
        let per_client_max = if per_client_max == 0 { SOCKETS_MAX } else { per_client_max };
        Arc::new(Self { per_client_max, open: Mutex::default() })
    }

    pub(super) fn enter(self: &Arc<Self>, client: Client) -> Result<Place, Full> {
        let mut open = self.open();
        if SOCKETS_MAX <= open.all {
            return Err(Full::Server);
        }
        let theirs = open.of.get(&client).copied().unwrap_or(0);
        if self.per_client_max <= theirs {
            return Err(Full::Client);
        }
        open.all += 1;
        open.of.insert(client, theirs + 1);
        Ok(Place { sockets: self.clone(), client })
    }

    /// Two numbers are never half written.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.sockets.open();
        open.all -= 1;
        let theirs = open.of.get(&self.client).copied().unwrap_or(0);
        if theirs <= 1 {
            open.of.remove(&self.client);
        } else {
            open.of.insert(self.client, theirs - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::listener::Peer;
    use axum::extract::ConnectInfo;
    use axum::http::Extensions;
    use std::net::SocketAddr;

    fn client(last: u8) -> Client {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(Peer(SocketAddr::from(([192, 0, 2, last], 9)))));
        Client::of(&extensions)
    }

    #[test]
    fn a_client_has_its_share_and_gets_back_what_it_closes() {
        let sockets = Sockets::new(2);
        let first = sockets.enter(client(1)).ok();
        let _second = sockets.enter(client(1)).ok();
        assert_eq!(sockets.enter(client(1)).err(), Some(Full::Client));
        let other = sockets.enter(client(2)).ok();
        assert!(other.is_some(), "everybody has a share of their own");
        drop((first, other));
        assert_eq!(sockets.open().of.len(), 1, "who has none is forgotten");
        assert!(sockets.enter(client(1)).is_ok());
    }

    #[test]
    fn the_server_has_a_bound_whatever_the_shares_are() {
        let sockets = Sockets::new(0);
        let clients = (0..=u8::MAX).cycle().take(SOCKETS_MAX);
        let places: Vec<Place> = clients.filter_map(|n| sockets.enter(client(n)).ok()).collect();
        assert_eq!(places.len(), SOCKETS_MAX);
        assert_eq!(sockets.enter(client(1)).err(), Some(Full::Server));
        drop(places);
        assert!(sockets.enter(client(1)).is_ok());
    }
}
