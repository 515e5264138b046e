//! How many files this process may have open; every connection is one.
//!
//! Many systems start programs with 1,024 and let them ask for more; we ask for all there are.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Raises the limit as far as we may; answers what it is then. `None`: there is none.
#[must_use]
pub fn raise_limit() -> Option<usize> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = if current == maximum {
        current
    } else {
        match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            Ok(()) => maximum,
            Err(error) => {
                warn!(%error, "Cannot raise the number of open files");
                current
            }
        }
    };
    raised.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}
