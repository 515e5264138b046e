//! Plants defects in a copy of the source, wakes them one at a time, and shows what found each.
//!
//! A simulation that finds nothing may be blind. Each defect here must be found by some seed; with none
//! awake, no seed may find anything.

use crate::planting::{DEFECTS, plant};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What the copy needs.
const PLACES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "clippy.toml",
    "rustfmt.toml",
    "app",
    "server",
    "shared",
    "style",
];
/// The copy's own name of this program.
const PROGRAM: &str = "simulate-planted";
/// Appended to the copy's library.
const SWITCH: &str = r#"
/// Which defect is awake.
pub mod planted {
    use std::sync::LazyLock;

    static AWAKE: LazyLock<Option<u32>> =
        LazyLock::new(|| std::env::var("PLANTED").ok().and_then(|number| number.parse().ok()));

    #[must_use]
    pub fn is(number: u32) -> bool {
        *AWAKE == Some(number)
    }
}
"#;

/// Wakes every defect; true: each was found within so many seeds, and nothing was found without one.
pub(crate) fn hunt(seeds: u64) -> bool {
    match try_hunt(seeds) {
        Ok(is_well) => is_well,
        Err(error) => {
            eprintln!("{error}");
            false
        }
    }
}

fn try_hunt(seeds: u64) -> Result<bool, String> {
    let program = build()?;
    let mut is_well = true;
    println!("| defect | found by | seed | seconds |\n|---|---|---|---|");
    let sleeping = play(&program, 0, seeds)?;
    is_well &= sleeping.is_none();
    row(
        "(none)",
        sleeping.as_ref().map_or("nothing, as it must be", |found| &found.what),
        &sleeping,
    );
    for (number, defect) in (1..).zip(DEFECTS) {
        let found = play(&program, number, seeds)?;
        is_well &= found.is_some();
        row(defect.name, found.as_ref().map_or("NOT FOUND", |found| &found.what), &found);
    }
    println!("{} defects, {seeds} seeds at most for each", DEFECTS.len());
    Ok(is_well)
}

fn row(name: &str, what: &str, found: &Option<Found>) {
    match found {
        Some(Found { seed, seconds, .. }) => {
            println!("| {name} | {what} | {seed} | {seconds:.1} |")
        }
        None => println!("| {name} | {what} | – | – |"),
    }
}

/// What a seed found.
struct Found {
    seed: String,
    /// The promise, in short.
    what: String,
    seconds: f64,
}

/// Plays seeds with one defect awake until one finds it.
fn play(program: &Path, number: u32, seeds: u64) -> Result<Option<Found>, String> {
    let began = Instant::now();
    let output = Command::new(program)
        .args(["seeds", &seeds.to_string()])
        .env("PLANTED", number.to_string())
        .output()
        .map_err(|error| format!("cannot run the planted program: {error}"))?;
    if output.status.success() {
        return Ok(None);
    }
    let told = String::from_utf8_lossy(&output.stdout);
    let line =
        told.lines().find_map(|line| line.strip_prefix("Seed ")?.split_once(" breaks a promise: "));
    let (seed, what) = line.ok_or_else(|| {
        format!("a defect broke the program itself: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let what = in_short(what);
    let seconds = began.elapsed().as_secs_f64();
    Ok(Some(Found { seed: seed.to_owned(), what, seconds }))
}

/// The promise and what is wrong, without the ids, which say nothing here.
fn in_short(what: &str) -> String {
    let what = match what.split_once(" is broken at") {
        Some((promise, rest)) => {
            format!("{promise}: {}", rest.rsplit(": ").next().unwrap_or_default())
        }
        None => what.split(" says ").next().unwrap_or_default().to_owned(),
    };
    let is_id = |word: &&str| 8 < word.len() && word.contains('-');
    what.split(' ').map(|word| if is_id(&word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Builds the planted copy in the profile that this program was built in.
fn build() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let built = here.ancestors().nth(2).ok_or("this program has no place")?;
    let target = built.parent().ok_or("this program has no place")?;
    let profile = built.file_name().and_then(|name| name.to_str()).unwrap_or("debug");
    let copy = target.join("planted");
    copy_planted(&copy).map_err(|error| format!("cannot plant: {error}"))?;
    // The packages that this program was built with: dependencies have the features that all of them ask
    // for, and would be compiled again for any other selection.
    let (profile_name, packages) = match profile {
        "debug" => ("dev", ["--workspace"].as_slice()),
        other => (other, ["-p", "server"].as_slice()),
    };
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    // What an outer cargo told this program: build scripts that look at it would run again, and after
    // them half of the dependencies, now and when the tests are built the next time.
    let told = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"].iter().any(|kind| name.starts_with(kind))
    };
    for (name, _) in std::env::vars().filter(|(name, _)| told(name)) {
        cargo.env_remove(name);
    }
    let built_well = cargo
        .args(["build", "--quiet", "--example", PROGRAM, "--profile", profile_name])
        .args(packages)
        .env("CARGO_TARGET_DIR", target)
        .current_dir(&copy)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built_well.status.success() {
        let why = String::from_utf8_lossy(&built_well.stderr);
        return Err(format!("the planted copy cannot be built:\n{why}"));
    }
    Ok(built.join("examples").join(PROGRAM))
}

fn copy_planted(copy: &Path) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    for place in PLACES {
        let mut places = vec![root.join(place)];
        while let Some(from) = places.pop() {
            let to = copy.join(from.strip_prefix(root).map_err(|error| error.to_string())?);
            if from.is_dir() {
                let entries = fs::read_dir(&from).map_err(|error| error.to_string())?;
                places.extend(entries.flatten().map(|entry| entry.path()));
            } else {
                let text = fs::read(&from).map_err(|error| error.to_string())?;
                write_if_changed(&to, &changed(root, &from, text)?)?;
            }
        }
    }
    Ok(())
}

/// One file as it is in the copy.
fn changed(root: &Path, file: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let below = |folder: &str| file.strip_prefix(root.join(folder)).ok().and_then(Path::to_str);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|error| error.to_string());
    match (below("server/src"), below("server")) {
        (Some("lib.rs"), _) => Ok((text(bytes)? + SWITCH).into_bytes()),
        (Some(name), _) if DEFECTS.iter().any(|defect| defect.file == name) => {
            plant(name, &text(bytes)?).map(String::into_bytes)
        }
        // Another version is another package: cargo would take the copy's library for ours.
        _ if file == root.join("Cargo.toml") => {
            let version = env!("CARGO_PKG_VERSION");
            let (ours, planted) = (format!("\"{version}\""), format!("\"{version}-planted\""));
            Ok(text(bytes)?.replacen(&ours, &planted, 1).into_bytes())
        }
        (_, Some("Cargo.toml")) => {
            let renamed = format!("name = \"{PROGRAM}\"");
            Ok(text(bytes)?.replace("name = \"simulate\"", &renamed).into_bytes())
        }
        _ => Ok(bytes),
    }
}

/// What has not changed keeps its time, and is not built again.
fn write_if_changed(file: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(file).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    fs::write(file, bytes).map_err(|error| error.to_string())
}
