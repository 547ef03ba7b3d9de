//! Training as a whole, on small synthetic images.

mod determinism;
mod evaluation;
mod killing;
mod learning;
mod refusals;
mod resuming;
mod scene;
