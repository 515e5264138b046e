//! The command line: serve, seed, compress-assets. Reads the configuration, wires everything, decides
//! nothing.

use anyhow::{Context, bail};
use server::clock::Clock;
use server::config::Config;
use server::house::House;
use server::{http, seed, telemetry};
use std::path::Path;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

const USAGE: &str = "usage: server [serve | seed | compress-assets DIR]
  serve            serves the app and its API (the default); .env.sample lists its settings
  seed             creates the three demonstration conferences, where they are missing
  compress-assets  writes a .br file beside every file in DIR that is worth compressing";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["serve"] => serve().await,
        ["seed"] => seed_store().await,
        ["compress-assets", dir] => http::assets::compress(Path::new(dir)),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listen_addr = config.http.listen_addr;
    let listener = TcpListener::bind(listen_addr)
        .await
        .with_context(|| format!("cannot listen on {listen_addr}; set LISTEN_ADDR to another"))?;
    let local_addr = listener.local_addr()?;
    let test_door = config.http.test_door;
    let clock =
        if test_door { Clock::shifted(config.http.test_clock_ahead_ms) } else { Clock::Real };
    let store = store_name(&config.storage.database_url);
    let house = House::open(config, clock, local_addr).await?;
    info!("Release {} with {store}", house.release);
    info!("{}", mails_go_where(&house));
    if test_door {
        info!("The test door is open: whoever reaches this port can set the clock");
    }
    let stop = house.stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        info!("Stopping");
        stop.cancel();
    });
    // On standard output, so that whoever started us can read where we are.
    println!("listening on http://{local_addr}");
    house.serve(listener).await
}

async fn seed_store() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    seed::run(&config).await
}

/// Without the mail server's address, which has the password.
fn mails_go_where(house: &House) -> String {
    let dir = house.config.mail.dir.display();
    match (house.config.inbox(), house.config.mail.smtp_url.as_str()) {
        (Some(_), _) => format!("Mails go to {dir}; read them at {}/inbox", house.public_url),
        (None, "") => format!("Mails go to {dir}"),
        (None, _) => "Mails go to the mail server".to_owned(),
    }
}

/// Which database, without the password that a URL may carry.
fn store_name(url: &str) -> String {
    if url.starts_with("postgres") {
        "PostgreSQL".to_owned()
    } else {
        format!("SQLite in {}", url.trim_start_matches("sqlite:"))
    }
}

async fn wait_for_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
