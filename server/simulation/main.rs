//! The whole registration under every failure that we could think of, by seeds.
//!
//! The real ledgers, workers and rules run over a store, clocks, a provider and a mail server that fail
//! as a seed says, on one thread in simulated time. `make simulate` runs many seeds; a seed that breaks a
//! promise prints its story and how to replay it. `make mutants` plants defects and shows that they are
//! found.

#![expect(clippy::disallowed_methods, reason = "time passes here as the simulation says")]

mod asking;
mod checks;
mod disk;
#[cfg(test)]
mod five_failures;
mod hashing;
mod mutants;
mod owner;
mod peers;
mod plan;
mod planting;
mod post;
mod provider;
mod registrant;
mod run;
mod seeds;
mod servers;
mod store;
mod world;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str =
    "usage: simulate [seeds [COUNT [FROM]] | replay SEED | mutants [SEEDS] | hashing]
  seeds COUNT FROM  plays COUNT seeds (1,000), beginning with FROM (1), on all cores
  replay SEED       plays one seed and tells its story
  mutants SEEDS     plants defects, one at a time, and plays up to SEEDS (3,000) until each is found
  hashing           lays conferences on many servers, and takes one of them away";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, or: u64| match words.get(index) {
        Some(word) => word.parse().ok(),
        None => Some(or),
    };
    let is_well = match words.first().map(String::as_str) {
        None => Some(seeds::many(1, 1_000)),
        Some("seeds") => {
            number(2, 1).zip(number(1, 1_000)).map(|(from, count)| seeds::many(from, count))
        }
        Some("replay") => number(1, 1).map(seeds::replay),
        Some("mutants") => number(1, 3_000).map(mutants::hunt),
        Some("hashing") => {
            hashing::rows();
            Some(true)
        }
        Some(_) => None,
    };
    match is_well {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
