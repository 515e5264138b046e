//! What the load client is asked to do.

use crate::screens::Pace;
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::str::FromStr;

const USAGE: &str =
    "usage: rush [--scenario steady,reservations,peak,screens,watchers] [--registrants 1,16,64,256]
            [--seconds 5] [--reservers 256] [--people 10000] [--seats 1000] [--screens 1000]
            [--watchers 5000] [--orders-a-minute 500] [--screen-seconds 30] [--database-url URL]
            [--json FILE]
  everything by default; without --database-url: DATABASE_URL, or SQLite in a temporary folder";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Whole registrations, one after the other, by so many registrants at once.
    Steady,
    /// Seats are reserved and nothing else is done.
    Reservations,
    /// Everybody comes within two seconds, for far too few seats.
    Peak,
    /// Screens, half of them dashboards, while orders arrive at a steady pace.
    Screens,
    /// Screens that show free seats and are otherwise idle, while a few orders arrive.
    Watchers,
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        Ok(match name {
            "steady" => Self::Steady,
            "reservations" => Self::Reservations,
            "peak" => Self::Peak,
            "screens" => Self::Screens,
            "watchers" => Self::Watchers,
            _ => bail!("there is no scenario '{name}'"),
        })
    }
}

pub(crate) struct Options {
    pub(crate) scenarios: Vec<Scenario>,
    /// Levels of `steady`.
    pub(crate) registrants: Vec<usize>,
    /// How long a level of `steady` lasts, and `reservations`.
    pub(crate) seconds: u64,
    pub(crate) reservers: usize,
    /// Who comes to the peak.
    pub(crate) people: usize,
    /// What there is for them.
    pub(crate) seats: u32,
    pub(crate) screens: usize,
    pub(crate) watchers: usize,
    pub(crate) orders_a_minute: u32,
    pub(crate) screen_seconds: u64,
    pub(crate) database_url: Option<String>,
    pub(crate) json: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        use Scenario::{Peak, Reservations, Screens, Steady, Watchers};
        Self {
            scenarios: vec![Steady, Reservations, Peak, Screens, Watchers],
            registrants: vec![1, 16, 64, 256],
            seconds: 5,
            reservers: 256,
            people: 10_000,
            seats: 1_000,
            screens: 1_000,
            watchers: 5_000,
            orders_a_minute: 500,
            screen_seconds: 30,
            database_url: std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()),
            json: None,
        }
    }
}

impl Options {
    /// As the command line says.
    ///
    /// # Errors
    /// It says something that cannot be understood.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().context(USAGE)?;
            options.set(&name, value).with_context(|| format!("{name}\n{USAGE}"))?;
        }
        Ok(options)
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace { orders_a_minute: self.orders_a_minute, seconds: self.screen_seconds }
    }

    fn set(&mut self, name: &str, value: String) -> anyhow::Result<()> {
        match name {
            "--scenario" => self.scenarios = list(&value)?,
            "--registrants" => self.registrants = list(&value)?,
            "--seconds" => self.seconds = value.parse()?,
            "--reservers" => self.reservers = value.parse()?,
            "--people" => self.people = value.parse()?,
            "--seats" => self.seats = value.parse()?,
            "--screens" => self.screens = value.parse()?,
            "--watchers" => self.watchers = value.parse()?,
            "--orders-a-minute" => self.orders_a_minute = value.parse()?,
            "--screen-seconds" => self.screen_seconds = value.parse()?,
            "--database-url" => self.database_url = Some(value),
            "--json" => self.json = Some(value.into()),
            _ => bail!("there is no such option"),
        }
        Ok(())
    }
}

fn list<T: FromStr<Err: Into<anyhow::Error>>>(value: &str) -> anyhow::Result<Vec<T>> {
    value.split(',').map(|item| item.parse().map_err(Into::into)).collect()
}
