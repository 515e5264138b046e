//! The command line: serve, seed, compress-assets, and the operator's tools. Reads the configuration,
//! wires everything, decides nothing.

use anyhow::Context;
use server::clock::Clock;
use server::config::{Config, Operator};
use server::house::House;
use server::operator::{self, Outcome, Tool};
use server::{http, seed, telemetry};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

/// Commands are many small pieces that come and go, on all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: server [VERB]
  serve            serves the app and its API (the default); .env.sample lists its settings
  seed             creates the three demonstration conferences, where they are missing
  compress-assets DIR
                   writes a .br file beside every file in DIR that is worth compressing
for the operator, beside a running server (docs/operating.md):";

/// Something was wrong; it was said what.
const WRONG: u8 = 1;
/// The command line means nothing.
const WRONG_USAGE: u8 = 2;
/// When the house has not stopped by itself so long after it was told to, the process ends all the same.
const ENDS_WITHIN: Duration = Duration::from_millis(9_500);
/// What may still be under way in the background when everything else has ended.
const BACKGROUND_ENDS_WITHIN: Duration = Duration::from_millis(100);

/// Connections that the system keeps while we take others; it has a limit of its own. Whoever finds no
/// room is told nothing, and tries again only after a second, then after three, then after seven.
const BACKLOG: u32 = 16_384;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let code = runtime.block_on(run(&words)).unwrap_or_else(|error| failed(&error));
    runtime.shutdown_timeout(BACKGROUND_ENDS_WITHIN);
    code
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

async fn run(words: &[&str]) -> anyhow::Result<ExitCode> {
    match words {
        [] | ["serve"] => serve().await?,
        ["seed"] => seed_store().await?,
        ["compress-assets", dir] => http::assets::compress(Path::new(dir))?,
        ["help" | "--help" | "-h"] => println!("{USAGE}\n{}", operator::USAGE),
        words => match Tool::parse(words) {
            Some(tool) => return operate(tool).await,
            None => {
                eprintln!("{USAGE}\n{}", operator::USAGE);
                return Ok(ExitCode::from(WRONG_USAGE));
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// What a tool says goes to standard output; whoever stops reading has read enough.
async fn operate(tool: Tool) -> anyhow::Result<ExitCode> {
    let operator = Operator::from_env()?;
    let mut out = io::stdout();
    match tool.run(&operator, &mut out).await {
        Ok(Outcome::Fine) => Ok(ExitCode::SUCCESS),
        Ok(Outcome::Wrong) => Ok(ExitCode::from(WRONG)),
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            out.flush()?;
            Err(error)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("Error: {error:#}");
    ExitCode::from(WRONG)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listen_addr = config.http.listen_addr;
    let listener = listen(listen_addr)
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
    // Listened to before anybody knows where we are: until then a signal would just kill us.
    tokio::spawn(stop_when_told(house.clone(), Signals::listen()?));
    // On standard output, so that whoever started us can read where we are.
    println!("listening on http://{local_addr}");
    house.serve(listener).await;
    Ok(())
}

/// Who says it twice is in a hurry.
async fn stop_when_told(house: House, mut signals: Signals) {
    signals.next().await;
    let lasts = house.leaves_for();
    if !lasts.is_zero() {
        info!("Leaving: not ready any more, and serving on for {} s", lasts.as_secs());
    }
    tokio::select! {
        () = house.leaving.go(lasts) => {}
        () = signals.next() => {}
    }
    info!("Stopping");
    std::thread::spawn(end_anyhow);
    house.stop.cancel();
}

/// On a thread of its own, because what hangs may be the runtime.
fn end_anyhow() {
    std::thread::sleep(ENDS_WITHIN);
    error!("Something hangs; ended without it. What was answered is in the store");
    std::process::exit(i32::from(WRONG));
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

/// The two ways to tell a server to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
