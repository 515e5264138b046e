//! The whole registration under every failure that we could think of, by seeds.
//!
//! The real ledgers, workers and rules run over a store, clocks, a provider and a mail server that fail
//! as a seed says, on one thread in simulated time. `make simulate` runs many seeds; a seed that breaks a
//! promise prints its story and how to replay it.

mod checks;
mod disk;
mod five_failures;
mod owner;
mod plan;
mod post;
mod provider;
mod registrant;
mod run;
mod seeds;
mod store;
mod world;
