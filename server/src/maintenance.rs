//! Whether the house takes new orders. The operator says so by a switch in the store; every server on
//! that store sees it within seconds, and a restart does not forget it.
//!
//! Reading goes on meanwhile, and orders that are placed finish. Not here: which commands begin
//! something (`http/commands.rs`, `http/owner_commands.rs`), the command line (`operator.rs`).

use crate::domain::Refusal;
use crate::store::{Store, StoreFault};
use shared::RefusalCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

/// The switch in the store. Its value is what the operator wants people to read; it may be empty.
pub const SWITCH: &str = "maintenance";
/// How often a server looks at the switch.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What this server knows of the switch. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Maintenance {
    store: Store,
    message: Arc<watch::Sender<Option<String>>>,
}

impl Maintenance {
    /// Knows nothing yet, and takes that for "off".
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, message: Arc::new(watch::Sender::new(None)) }
    }

    /// Looks at the switch.
    ///
    /// # Errors
    /// The store failed; what was known before stays so.
    pub async fn look(&self) -> Result<(), StoreFault> {
        let message = self.store.switch(SWITCH).await?;
        self.message.send_if_modified(|known| {
            let has_changed = *known != message;
            if has_changed {
                let is_on = message.is_some();
                info!(
                    maintenance = is_on,
                    "New orders are {}",
                    if is_on { "refused" } else { "taken" }
                );
                *known = message;
            }
            has_changed
        });
        Ok(())
    }

    /// Looks again and again until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // Whoever needs the store says that it is away.
            if let Err(fault) = self.look().await {
                debug!(error = format!("{fault:#}"), "Cannot read the switches");
            }
        }
    }

    /// Says no to what would begin something new.
    ///
    /// # Errors
    /// The house is under maintenance; the operator's words are in the detail.
    pub fn check(&self) -> Result<(), Refusal> {
        match &*self.message.borrow() {
            None => Ok(()),
            Some(message) => Err(Refusal {
                detail: Some(message.clone()).filter(|message| !message.is_empty()),
                ..RefusalCode::Maintenance.into()
            }),
        }
    }
}
