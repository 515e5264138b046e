//! A throw-away PostgreSQL of this process, with empty databases in it.
//!
//! It is gone when the process is gone, however that ended. Part of `chaos.rs` and of the tests. Not
//! here: containers or downloads; the binaries of a local installation are used.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// One PostgreSQL, reached by a socket in its folder.
pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    /// Options of the server.
    settings: String,
    binaries: PathBuf,
    owner: Option<Owner>,
    databases: AtomicU32,
    /// Waits for the end of its input, which comes with the end of this process or of this value.
    watcher: Child,
}

/// PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Makes a cluster and starts it with these options (`-c name=value …`).
    pub(crate) fn start(settings: &str) -> Self {
        let binaries = binaries().expect(
            "PostgreSQL is needed here: install it (Debian and Ubuntu: `apt install postgresql`), \
             or put `initdb` and `pg_ctl` on the PATH",
        );
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().expect("a temporary folder");
        let is_root = fs::metadata(folder.path()).expect("the folder was just made").uid() == 0;
        let owner = is_root.then(unprivileged);
        if let Some(Owner { user, group }) = owner {
            chown(folder.path(), Some(user), Some(group)).expect("root may give a folder away");
        }
        let folder = folder.keep();
        let watcher = watch(&folder, &binaries, owner);
        let databases = AtomicU32::new(0);
        let settings = settings.to_owned();
        let cluster = Self { folder, settings, binaries, owner, databases, watcher };
        cluster.run(
            "initdb",
            &["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"],
        );
        cluster.resume();
        cluster
    }

    /// Starts it again after `stop`.
    pub(crate) fn resume(&self) {
        let folder = self.folder.display();
        let log = format!("--log={folder}/log");
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={folder} -c shared_buffers=32MB {}",
            self.settings
        );
        self.run("pg_ctl", &["--wait", "--silent", &log, "--options", &options, "start"]);
    }

    /// Breaks all connections at once: `immediate` as a crash would, `fast` in an orderly way.
    pub(crate) fn stop(&self, mode: &str) {
        let mode = format!("--mode={mode}");
        self.run("pg_ctl", &["--wait", "--silent", &mode, "stop"]);
    }

    /// The postmaster and its children; the postmaster last.
    pub(crate) fn processes(&self) -> Vec<String> {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("it runs");
        let postmaster = pid.lines().next().expect("its process").trim().to_owned();
        let is_child = |process: &String| {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            // The name in parentheses may hold anything; behind it come the state and the parent.
            let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
            parent == Some(postmaster.as_str())
        };
        let processes = fs::read_dir("/proc").expect("a list of processes").flatten();
        let names = processes.filter_map(|process| process.file_name().into_string().ok());
        let numbers = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        let mut processes: Vec<String> = numbers.filter(is_child).collect();
        processes.push(postmaster.clone());
        processes
    }

    /// The URL of a new and empty database.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection =
            PgConnection::connect(&self.url("postgres")).await.expect("the cluster runs");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        connection.execute(create).await.expect("a new database");
        connection.close().await.expect("a clean end");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.binaries.join(program));
        command.arg("--pgdata").arg(self.folder.join("data")).args(arguments);
        // What `pg_ctl` leaves running would hold on to our output for ever.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir(&self.folder);
        if let Some(Owner { user, group }) = self.owner {
            command.uid(user).gid(group);
        }
        let status = command.status().expect("the binary was found");
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(status.success(), "{program} {arguments:?} failed: {log}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        drop(self.watcher.wait());
    }
}

/// A process of its own group, so that Ctrl-C in the terminal does not reach it.
fn watch(folder: &Path, binaries: &Path, owner: Option<Owner>) -> Child {
    const CLEAN: &str = "cat; \"$1/pg_ctl\" -D \"$2/data\" -m immediate -w stop; rm -rf \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", CLEAN, "watcher"]).arg(binaries).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).current_dir("/");
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    command.spawn().expect("a shell")
}

/// The folder with `initdb` and `pg_ctl`: on the PATH, where `pg_config` says, or where Debian puts
/// it (the newest).
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    let asked = Command::new("pg_config")
        .arg("--bindir")
        .output()
        .ok()
        .map(|answer| PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()));
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    installed.sort_by_key(|bin| version_in(bin));
    on_path
        .chain(asked)
        .chain(installed.into_iter().rev())
        .find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
}

fn version_in(bin: &Path) -> u32 {
    let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// The first of `postgres` and `nobody` that this machine knows.
fn unprivileged() -> Owner {
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    ["postgres", "nobody"]
        .iter()
        .find_map(|wanted| {
            let user = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
            let mut ids = user.split(':').skip(2).map(|id| id.parse().ok());
            Some(Owner { user: ids.next()??, group: ids.next()?? })
        })
        .expect("a user `postgres` or `nobody`, because PostgreSQL does not run as root")
}
