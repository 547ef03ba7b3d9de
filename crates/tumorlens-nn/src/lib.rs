//! Networks: models, training, prediction, explanation, bundles.
//!
//! The only crate that names burn; no burn type leaves its public API beyond [`network`] and [`device`].
//! An architecture is a value ([`graph::Graph`]), weights are named host values ([`weights::Weights`]), and a
//! [`network::Network`] is both on a device. Every layer therefore has a name by which it can be loaded,
//! frozen, tapped and explained.
#![forbid(unsafe_code)]

mod atomic_write;
pub mod bench;
pub mod bundle;
pub mod device;
mod engine;
pub mod evaluate;
pub mod explain;
pub mod graph;
pub mod guard;
pub mod loss;
pub mod model;
pub mod network;
pub mod optimizer;
pub mod precision;
pub mod predict;
pub mod schedule;
pub mod train;
pub mod weights;

pub use tumorlens_kernels::HugePages;
