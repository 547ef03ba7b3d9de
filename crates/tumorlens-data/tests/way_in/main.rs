//! The way in: picture files, folders and tables to a dataset on disk.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails like the test itself"
)]

mod datasets;
mod folders;
#[path = "../shared/head.rs"]
#[allow(dead_code, reason = "mirroring is for other tests")]
mod head;
mod hostile_folders;
mod pictures;
mod synthetic;
mod tables;
mod units;
