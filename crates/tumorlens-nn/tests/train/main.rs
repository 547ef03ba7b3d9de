//! Training as a whole, on small synthetic images.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking, as the test does"
)]

mod determinism;
mod evaluation;
mod killing;
mod learning;
mod refusals;
mod resuming;
mod scene;
mod teaching;
