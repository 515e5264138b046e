//! Everything the server can be told, one struct per concern. Read once, from the environment.
//!
//! Not here: limits that are product facts; they are constants beside their use.

mod own_secret;

use crate::clock::Clock;
use crate::http::proxies::Proxies;
use crate::nodes::Program;
use crate::store::sqlite_url;
use anyhow::{Context, bail};
use hmac::{Hmac, KeyInit, Mac};
use lettre::Address;
use sha2::Sha256;
use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest time to leave in.
const DRAIN_SECONDS_MAX: u64 = 300;
/// Good enough for mails that nobody sends on.
const DEFAULT_SENDER: &str = "no-reply@localhost";

#[derive(Clone, Debug)]
pub struct Config {
    pub http: Http,
    pub storage: Storage,
    pub payment: Payment,
    pub mail: Mail,
    pub tls: Tls,
    pub secrets: Secrets,
    /// What this server runs: this build, except where a test is another release, behind the test door by
    /// `TEST_RELEASE`.
    pub program: Program,
}

#[derive(Clone, Debug)]
pub struct Http {
    /// Where to listen; port 0 takes a free one. `LISTEN_ADDR`
    pub listen_addr: SocketAddr,
    /// How the world reaches us, without a slash at the end; empty: by the address we listen on.
    /// `PUBLIC_URL`
    pub public_url: String,
    /// How other servers on the same database reach this one, without a slash at the end; empty: they
    /// do not ask it, and it does not ask them. They need the same `SECRET_KEY`. `NODE_URL`
    pub node_url: String,
    /// The built app. `DIST_DIR`
    pub dist_dir: PathBuf,
    /// Lets tests set the clock and make conferences. Only on a loopback address. `TEST_DOOR=1`
    pub test_door: bool,
    /// How far ahead of the machine's clock to start, behind the test door: a test's time goes on over
    /// a restart. `TEST_CLOCK_AHEAD_MS`
    pub test_clock_ahead_ms: i64,
    /// How long to serve on after the order to stop, while we say that we are not ready any more; `None`:
    /// not at all, or for a moment when other servers were heard. `DRAIN_SECONDS`
    pub drain: Option<Duration>,
    /// Commands per minute and client address; 0: no limit, neither on frames of a socket nor, unless
    /// they are set, on orders and requests (for load tests). `COMMANDS_PER_MINUTE`
    pub commands_per_minute: u32,
    /// Orders placed or changed per minute, client address and conference; 0: no limit.
    /// `ORDERS_PER_MINUTE`
    pub orders_per_minute: u32,
    /// Requests of any kind, and topics watched, per minute and client address; 0: no limit.
    /// `REQUESTS_PER_MINUTE`
    pub requests_per_minute: u32,
    /// Open sockets per client address; 0: no limit but the server's own (for load tests).
    /// `SOCKETS_PER_CLIENT`
    pub sockets_per_client: usize,
    /// Open connections per address, those of sockets with them; 0: no limit but the server's own.
    /// `CONNECTIONS_PER_CLIENT`
    pub connections_per_client: usize,
    /// Whose word is taken for who the client is. `TRUSTED_PROXIES`, `FORWARDED_HEADER`
    pub proxies: Proxies,
}

#[derive(Clone, Debug)]
pub struct Storage {
    /// `sqlite:path` or `postgres://…`. `DATABASE_URL`
    pub database_url: String,
    /// Where files of ours go. `DATA_DIR`
    pub data_dir: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Payment {
    /// The provider's address; empty: the simulated one inside this server. `PAYMENT_PROVIDER_URL`
    pub provider_url: String,
}

#[derive(Clone)]
pub struct Mail {
    /// The mail server, with user and password; empty: files. `SMTP_URL`
    pub smtp_url: String,
    /// Whom mails come from. `MAIL_FROM`
    pub from: String,
    /// Without a mail server, mails are written here as `.eml` files. `MAIL_DIR`
    pub dir: PathBuf,
    /// Shows the files to whoever asks, although we listen to more than this machine. `INBOX=1`
    pub shows_inbox: bool,
}

#[derive(Clone, Debug)]
pub struct Tls {
    /// Authorities (PEM) that we believe besides the machine's own, when we go out to a mail server or
    /// a payment provider. `TRUSTED_CERTIFICATES`
    pub trusted_certificates: Option<PathBuf>,
}

/// What the operator's tools have to know: the same database and the same clock as the server.
#[derive(Clone, Debug)]
pub struct Operator {
    pub storage: Storage,
    /// As [`Http::test_clock_ahead_ms`], where the test door is open.
    pub test_clock_ahead_ms: Option<i64>,
}

impl Operator {
    /// Reads the environment, and makes nothing.
    ///
    /// # Errors
    /// All mistakes at once, in one message.
    pub fn from_env() -> anyhow::Result<Self> {
        let mut mistakes = Vec::new();
        let ahead_ms = parse_or("TEST_CLOCK_AHEAD_MS", "0", &mut mistakes);
        if !mistakes.is_empty() {
            bail!("the configuration is wrong: {}", mistakes.join("; "));
        }
        let has_test_door = var_or("TEST_DOOR", "0") == "1";
        let test_clock_ahead_ms = has_test_door.then_some(ahead_ms);
        Ok(Self { storage: Storage::from_env(), test_clock_ahead_ms })
    }

    /// The clock that the server goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.test_clock_ahead_ms.map_or(Clock::Real, Clock::shifted)
    }
}

impl Storage {
    fn from_env() -> Self {
        let data_dir = PathBuf::from(var_or("DATA_DIR", "data"));
        let default_url = sqlite_url(&data_dir.join("contoso.db"));
        Self { database_url: var_or("DATABASE_URL", &default_url), data_dir }
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The server's address has the password.
        f.debug_struct("Mail").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Mail {
    /// The address that mails come from.
    ///
    /// # Errors
    /// It is none.
    pub fn sender(&self) -> anyhow::Result<Address> {
        self.from.parse().context("MAIL_FROM is not an address such as tickets@example.org")
    }
}

/// Keys, all derived from one secret. Never shown.
#[derive(Clone)]
pub struct Secrets {
    /// Signs what we give to a registrant who found an order by e-mail and code.
    pub token_key: [u8; 32],
    /// Shared with the payment provider. `PAYMENT_SECRET`
    pub payment_key: Vec<u8>,
    /// Signs what the nodes of one database ask each other.
    pub node_key: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Config {
    /// The folder whose mails anybody may read who reaches us: only while nobody else's mail server has
    /// them, and only on this machine unless the operator says otherwise.
    #[must_use]
    pub fn inbox(&self) -> Option<&Path> {
        let Mail { smtp_url, dir, shows_inbox, .. } = &self.mail;
        let may_show = *shows_inbox || self.http.listen_addr.ip().is_loopback();
        (smtp_url.is_empty() && may_show).then_some(dir)
    }

    /// Reads the environment, and makes and keeps a secret of our own if none is given.
    ///
    /// # Errors
    /// All mistakes at once, in one message.
    pub fn from_env() -> anyhow::Result<Self> {
        let mut mistakes = Vec::new();
        let listen_addr = parse_or("LISTEN_ADDR", "127.0.0.1:8080", &mut mistakes);
        let commands_per_minute = parse_or("COMMANDS_PER_MINUTE", "600", &mut mistakes);
        let sockets_per_client = parse_or("SOCKETS_PER_CLIENT", "2000", &mut mistakes);
        // Who lets one address do anything, as load tests do, means all of it.
        let unless_free = |default| if commands_per_minute == 0 { "0" } else { default };
        let (orders, requests) = (unless_free("60"), unless_free("30000"));
        let connections = if sockets_per_client == 0 { "0" } else { "2500" };
        let http = Http {
            listen_addr,
            public_url: var_or("PUBLIC_URL", "").trim_end_matches('/').to_owned(),
            node_url: var_or("NODE_URL", "").trim_end_matches('/').to_owned(),
            dist_dir: PathBuf::from(var_or("DIST_DIR", "dist")),
            test_door: var_or("TEST_DOOR", "0") == "1",
            test_clock_ahead_ms: parse_or("TEST_CLOCK_AHEAD_MS", "0", &mut mistakes),
            drain: drain(&mut mistakes),
            commands_per_minute,
            orders_per_minute: parse_or("ORDERS_PER_MINUTE", orders, &mut mistakes),
            requests_per_minute: parse_or("REQUESTS_PER_MINUTE", requests, &mut mistakes),
            sockets_per_client,
            connections_per_client: parse_or("CONNECTIONS_PER_CLIENT", connections, &mut mistakes),
            proxies: Proxies {
                networks: parse_or("TRUSTED_PROXIES", "", &mut mistakes),
                says: parse_or("FORWARDED_HEADER", "x-forwarded-for", &mut mistakes),
            },
        };
        if http.test_door && !http.listen_addr.ip().is_loopback() {
            mistakes.push("TEST_DOOR is only for a loopback LISTEN_ADDR".to_owned());
        }
        let program = program(http.test_door, &mut mistakes);
        if !mistakes.is_empty() {
            bail!("the configuration is wrong: {}", mistakes.join("; "));
        }
        let storage = Storage::from_env();
        let payment = Payment {
            provider_url: var_or("PAYMENT_PROVIDER_URL", "").trim_end_matches('/').to_owned(),
        };
        let mail = Mail {
            smtp_url: var_or("SMTP_URL", ""),
            from: var_or("MAIL_FROM", DEFAULT_SENDER),
            dir: env::var("MAIL_DIR").map_or_else(|_| storage.data_dir.join("mail"), PathBuf::from),
            shows_inbox: var_or("INBOX", "0") == "1",
        };
        if !mail.smtp_url.is_empty() && mail.from == DEFAULT_SENDER {
            bail!(
                "the configuration is wrong: SMTP_URL needs MAIL_FROM, the address mails come from"
            );
        }
        let secret = match env::var("SECRET_KEY") {
            Ok(secret) if own_secret::BYTES <= secret.len() => secret.into_bytes(),
            Ok(_) => bail!("the configuration is wrong: SECRET_KEY has fewer than 32 characters"),
            Err(_) => own_secret::read_or_make(&storage.data_dir)?,
        };
        let secrets = Secrets::derive(&secret, env::var("PAYMENT_SECRET").ok());
        let trusted_certificates = var_or("TRUSTED_CERTIFICATES", "");
        let trusted_certificates =
            (!trusted_certificates.is_empty()).then(|| PathBuf::from(trusted_certificates));
        let tls = Tls { trusted_certificates };
        Ok(Self { http, storage, payment, mail, tls, secrets, program })
    }

    /// A configuration for a test: a free port, everything in one folder, no limits.
    #[must_use]
    pub fn for_testing(folder: &Path, database_url: &str) -> Self {
        Self {
            http: Http {
                listen_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
                public_url: String::new(),
                node_url: String::new(),
                dist_dir: folder.join("dist"),
                test_door: true,
                test_clock_ahead_ms: 0,
                drain: None,
                commands_per_minute: 0,
                orders_per_minute: 0,
                requests_per_minute: 0,
                sockets_per_client: 0,
                connections_per_client: 0,
                proxies: Proxies::default(),
            },
            storage: Storage { database_url: database_url.to_owned(), data_dir: folder.to_owned() },
            payment: Payment { provider_url: String::new() },
            mail: Mail {
                smtp_url: String::new(),
                from: DEFAULT_SENDER.to_owned(),
                dir: folder.join("mail"),
                shows_inbox: false,
            },
            tls: Tls { trusted_certificates: None },
            secrets: Secrets::derive(&[7; 32], None),
            program: Program::of_this_build(),
        }
    }
}

impl Secrets {
    fn derive(secret: &[u8], payment: Option<String>) -> Self {
        let payment_key =
            payment.map_or_else(|| key(secret, b"payment").to_vec(), String::into_bytes);
        let (token_key, node_key) = (key(secret, b"token"), key(secret, b"nodes"));
        Self { token_key, payment_key, node_key }
    }
}

fn key(secret: &[u8], purpose: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is a key");
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

fn program(test_door: bool, mistakes: &mut Vec<String>) -> Program {
    let program = Program::of_this_build();
    let Some(name) = env::var("TEST_RELEASE").ok().filter(|name| test_door && !name.is_empty())
    else {
        return program;
    };
    let release = name.parse().unwrap_or_else(|_| {
        mistakes.push(format!("TEST_RELEASE={name}"));
        program.release
    });
    Program { release, ..program }
}

/// Bounded, because whoever told us to stop waits for us.
fn drain(mistakes: &mut Vec<String>) -> Option<Duration> {
    const NAME: &str = "DRAIN_SECONDS";
    env::var(NAME).ok().filter(|value| !value.is_empty())?;
    let seconds = parse_or(NAME, "0", mistakes);
    if DRAIN_SECONDS_MAX < seconds {
        mistakes.push(format!("{NAME}={seconds} (at most {DRAIN_SECONDS_MAX})"));
    }
    Some(Duration::from_secs(seconds))
}

fn var_or(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn parse_or<T: std::str::FromStr>(name: &str, default: &str, mistakes: &mut Vec<String>) -> T
where
    T::Err: std::fmt::Display,
{
    let value = var_or(name, default);
    value.parse().unwrap_or_else(|error| {
        mistakes.push(format!("{name}={value} ({error})"));
        default.parse().unwrap_or_else(|_| unreachable!("the default of {name} is right"))
    })
}
