//! What the load client is asked to do.

use crate::pace::Pace;
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::str::FromStr;

const USAGE: &str =
    "usage: rush [--scenario steady,ceiling,reservations,last-seats,peak,screens,dashboard,
                        watchers,fight,history,rebuild]
            [--registrants 1,16,64,256] [--seconds 5] [--reservers 256] [--people 10000] [--seats 1000]
            [--screens 1000] [--watchers 5000] [--orders-a-minute 500] [--screen-seconds 30]
            [--dashboards 100] [--fire 18000]
            [--events 1000000] [--conferences 10000] [--all-events 10000000] [--database-url URL]
            [--json FILE]
  everything but history and rebuild by default; without --database-url: DATABASE_URL, or SQLite in a temporary folder";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Whole registrations, one after the other, by so many registrants at once.
    Steady,
    /// The same rows, written by nobody but a loop.
    Ceiling,
    /// Seats are reserved and nothing else is done.
    Reservations,
    /// Many want two seats each, and one of ten can have them.
    LastSeats,
    /// Everybody comes within two seconds, for far too few seats.
    Peak,
    /// Screens, half of them dashboards, while orders arrive at a steady pace.
    Screens,
    /// Dashboards under fire: orders arrive much faster than anybody can read.
    Dashboard,
    /// Screens that show free seats and are otherwise idle, while a few orders arrive.
    Watchers,
    /// Two servers that do not know of each other write one conference.
    Fight,
    /// The same orders with little and with much that happened before.
    History,
    /// A conference with a long past is written anew while orders for it arrive.
    Rebuild,
}

impl Scenario {
    const NAMES: [(&str, Self); 11] = [
        ("steady", Self::Steady),
        ("ceiling", Self::Ceiling),
        ("reservations", Self::Reservations),
        ("last-seats", Self::LastSeats),
        ("peak", Self::Peak),
        ("screens", Self::Screens),
        ("dashboard", Self::Dashboard),
        ("watchers", Self::Watchers),
        ("fight", Self::Fight),
        ("history", Self::History),
        ("rebuild", Self::Rebuild),
    ];

    /// Begins by writing a past, before a server opens the database.
    pub(crate) fn has_past(self) -> bool {
        matches!(self, Self::History | Self::Rebuild)
    }

    /// As it is called on the command line and in the figures.
    pub(crate) fn name(self) -> String {
        let found = Self::NAMES.iter().find(|(_, scenario)| *scenario == self);
        found.map_or_else(String::new, |(name, _)| (*name).to_owned())
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, scenario)| *scenario)
            .with_context(|| format!("there is no scenario '{name}'"))
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
    pub(crate) dashboards: usize,
    /// Orders a minute that arrive while they are open.
    pub(crate) fire: u32,
    /// In the conference with the longest past.
    pub(crate) events: u64,
    /// Beside it.
    pub(crate) conferences: usize,
    /// In all of them.
    pub(crate) all_events: u64,
    pub(crate) database_url: Option<String>,
    pub(crate) json: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        let scenarios = Scenario::NAMES.map(|(_, scenario)| scenario);
        let is_short = |scenario: &Scenario| !scenario.has_past();
        Self {
            scenarios: scenarios.into_iter().filter(is_short).collect(),
            registrants: vec![1, 16, 64, 256],
            seconds: 5,
            reservers: 256,
            people: 10_000,
            seats: 1_000,
            screens: 1_000,
            watchers: 5_000,
            orders_a_minute: 500,
            screen_seconds: 30,
            dashboards: 100,
            fire: 18_000,
            events: 1_000_000,
            conferences: 10_000,
            all_events: 10_000_000,
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

    /// Which database it is, in words.
    pub(crate) fn database(&self) -> &'static str {
        let is_postgres = self.database_url.as_ref().is_some_and(|url| url.starts_with("postgres"));
        if is_postgres { "PostgreSQL" } else { "SQLite, FULL" }
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
            "--dashboards" => self.dashboards = value.parse()?,
            "--fire" => self.fire = value.parse()?,
            "--screen-seconds" => self.screen_seconds = value.parse()?,
            "--events" => self.events = value.parse()?,
            "--conferences" => self.conferences = value.parse()?,
            "--all-events" => self.all_events = value.parse()?,
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
