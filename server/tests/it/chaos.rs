//! The short form of `make chaos`: the program itself, with few faults of every kind.
//!
//! PostgreSQL does not wait for the disk here: no power is lost. Not here: how long recovery takes; the program prints it, and nothing is asserted about time.

use std::process::Command;

/// Runs the program and shows what it printed when a promise was broken.
fn run(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(arguments)
        .args(["--registrants", "6", "--fsync", "off"])
        .output()
        .expect("the program was built with the tests");
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{printed}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "chaos {arguments:?}: {printed}\n{errors}");
}

/// Killed while it starts, right after requests and at work; whatever was answered is there.
#[test]
fn a_killed_server_loses_no_answer() {
    run(&["--scenario", "kill", "--kills", "6"]);
}

#[test]
fn a_database_that_dies_or_is_cut_off_loses_no_answer() {
    run(&["--scenario", "database-kill,proxy", "--faults", "3"]);
}

#[test]
fn a_full_disk_no_files_and_a_long_pause_lose_no_answer() {
    let scenarios = "disk-full,descriptors,stop-continue";
    run(&["--scenario", scenarios, "--database", "sqlite", "--faults", "2"]);
}

/// One release on both sides; the sockets are few, and the connections are kept, which is harder.
#[test]
fn servers_that_are_replaced_under_load_and_back_fail_nobody() {
    let few = ["--nodes", "2", "--sockets", "20", "--orders", "120", "--rest", "0"];
    let short = ["--drain", "1", "--time", "off", "--keep-alive", "on"];
    run(&[&["--scenario", "upgrade"], &few[..], &short].concat());
}

#[test]
fn servers_that_die_hang_or_are_cut_off_lose_no_answer() {
    run(&["--scenario", "nodes", "--faults", "4"]);
}
