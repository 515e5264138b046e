//! A small TCP proxy, before PostgreSQL or another server, that does to connections what networks do:
//! cuts them in the middle of a question, keeps an answer back, lets them wait or hang.

use crate::dice::Dice;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Bytes that are passed on together.
const CHUNK: usize = 16 * 1024;

/// What is done to a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// Only a part of the next question arrives, then both sides are cut off.
    CutQuestion,
    /// The next question arrives and is acted upon; its answer does not come back.
    LoseAnswer,
    /// Nothing moves for this long.
    Delay(Duration),
    /// Nothing moves for this long, and then both sides are cut off.
    Hang(Duration),
}

pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    _accepting: AbortOnDropHandle<()>,
}

/// Who is behind it.
#[derive(Clone, Debug)]
enum Behind {
    /// PostgreSQL.
    Socket(PathBuf),
    Server(SocketAddr),
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Behind {
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
            Self::Server(addr) => Box::new(TcpStream::connect(addr).await?),
        })
    }
}

struct Shared {
    behind: Behind,
    connections: Mutex<Vec<mpsc::UnboundedSender<Trouble>>>,
    closed_until: Mutex<Instant>,
}

impl Proxy {
    /// Listens on a free port for a cluster that has its socket in this folder.
    pub(crate) async fn of_database(folder: &Path, dice: Dice) -> anyhow::Result<Self> {
        Self::start(Behind::Socket(folder.join(".s.PGSQL.5432")), dice).await
    }

    /// Listens on a free port for a server.
    pub(crate) async fn of_server(addr: SocketAddr, dice: Dice) -> anyhow::Result<Self> {
        Self::start(Behind::Server(addr), dice).await
    }

    async fn start(behind: Behind, mut dice: Dice) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behind,
            connections: Mutex::default(),
            closed_until: Mutex::new(Instant::now()),
        });
        let accepting = {
            let shared = shared.clone();
            tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    let closed_until = *lock(&shared.closed_until);
                    if Instant::now() < closed_until {
                        continue;
                    }
                    let (sender, troubles) = mpsc::unbounded_channel();
                    lock(&shared.connections).push(sender);
                    tokio::spawn(carry(client, shared.behind.clone(), troubles, dice.fork()));
                }
            })
        };
        Ok(Self { addr, shared, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// The same database, but every byte passes here.
    pub(crate) fn url(&self, url: &str) -> anyhow::Result<String> {
        let (front, _) = url.split_once("?host=").context("a socket's URL")?;
        Ok(front.replace("@localhost/", &format!("@{}/", self.addr)))
    }

    /// Does this to every connection there is; says to how many.
    pub(crate) fn trouble(&self, trouble: Trouble) -> usize {
        let mut connections = lock(&self.shared.connections);
        connections.retain(|connection| connection.send(trouble).is_ok());
        connections.len()
    }

    /// Takes no new connections for this long.
    pub(crate) fn close_for(&self, duration: Duration) {
        *lock(&self.shared.closed_until) = Instant::now() + duration;
    }
}

/// The maps hold plain data, so a panic elsewhere has not broken them.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries bytes until one side ends or trouble cuts both off; dropping the streams closes them.
async fn carry(
    mut client: TcpStream,
    behind: Behind,
    mut troubles: mpsc::UnboundedReceiver<Trouble>,
    mut dice: Dice,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut server = behind.connect().await?;
    let (mut up, mut down) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut cuts_question, mut loses_answer) = (false, false);
    loop {
        tokio::select! {
            Some(trouble) = troubles.recv() => match trouble {
                Trouble::CutQuestion => cuts_question = true,
                Trouble::LoseAnswer => loses_answer = true,
                Trouble::Delay(duration) => tokio::time::sleep(duration).await,
                Trouble::Hang(duration) => {
                    tokio::time::sleep(duration).await;
                    return Ok(());
                }
            },
            read = client.read(&mut up) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                if cuts_question {
                    let part = dice.below(u32::try_from(read).unwrap_or(1)) as usize;
                    return server.write_all(&up[..part]).await;
                }
                server.write_all(&up[..read]).await?;
            }
            read = server.read(&mut down) => {
                let read = read?;
                if read == 0 || loses_answer {
                    return Ok(());
                }
                client.write_all(&down[..read]).await?;
            }
        }
    }
}
