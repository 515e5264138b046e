//! How many of something are open: in all, and of one client, so that nobody can take everybody's.
//! Connections and sockets are counted alike.
//!
//! Not here: what a connection (`connections.rs`) or a socket (`live.rs`) may do.

use super::session::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places of one kind, counted. Memory is bounded, because who has none is not remembered.
pub(super) struct Places {
    max: usize,
    per_client_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<Client, usize>,
}

/// The right to one place; it ends with the value.
pub(super) struct Place {
    places: Arc<Places>,
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

impl Places {
    /// At most `max`, and at most `per_client_max` of one client; 0: no share.
    pub(super) fn new(max: usize, per_client_max: usize) -> Arc<Self> {
        let per_client_max = if per_client_max == 0 { max } else { per_client_max };
        Arc::new(Self { max, per_client_max, taken: Mutex::default() })
    }

    /// Takes a place for this client.
    pub(super) fn enter(self: &Arc<Self>, client: Client) -> Result<Place, Full> {
        self.enter_up_to(self.per_client_max, client)
    }

    /// The same for somebody who speaks for many, and so has no share.
    pub(super) fn enter_for_many(self: &Arc<Self>, client: Client) -> Result<Place, Full> {
        self.enter_up_to(self.max, client)
    }

    fn enter_up_to(self: &Arc<Self>, share: usize, client: Client) -> Result<Place, Full> {
        let mut taken = self.taken();
        if self.max <= taken.all {
            return Err(Full::Server);
        }
        let theirs = taken.of.get(&client).copied().unwrap_or(0);
        if share <= theirs {
            return Err(Full::Client);
        }
        taken.all += 1;
        taken.of.insert(client, theirs + 1);
        Ok(Place { places: self.clone(), client })
    }

    /// Two numbers are never half written.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        let theirs = taken.of.get(&self.client).copied().unwrap_or(0);
        if theirs <= 1 {
            taken.of.remove(&self.client);
        } else {
            taken.of.insert(self.client, theirs - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn client(last: u8) -> Client {
        Client::at(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_client_has_its_share_and_gets_back_what_it_closes() {
        let places = Places::new(100, 2);
        let first = places.enter(client(1)).ok();
        let _second = places.enter(client(1)).ok();
        assert_eq!(places.enter(client(1)).err(), Some(Full::Client));
        let _for_somebody_else = places.enter_for_many(client(1)).ok();
        let other = places.enter(client(2)).ok();
        assert!(other.is_some(), "everybody has a share of their own");
        drop((first, other));
        assert_eq!(places.taken().of.len(), 1, "who has none is forgotten");
        assert_eq!(places.taken().all, 2);
    }

    #[test]
    fn there_is_a_bound_whatever_the_shares_are() {
        let places = Places::new(1_000, 0);
        let clients = (0..=u8::MAX).cycle().take(1_000);
        let taken: Vec<Place> = clients.filter_map(|n| places.enter(client(n)).ok()).collect();
        assert_eq!(taken.len(), 1_000);
        assert_eq!(places.enter(client(1)).err(), Some(Full::Server));
        assert_eq!(places.enter_for_many(client(1)).err(), Some(Full::Server));
        drop(taken);
        assert!(places.enter(client(1)).is_ok());
    }
}
