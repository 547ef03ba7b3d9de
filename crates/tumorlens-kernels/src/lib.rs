//! CPU kernels of convolutional networks: forward and gradients, vectorised, deterministic.
//!
//! Values lie in blocks of [`LANES`] channels with a border of zeros ([`Blocked`]), so that a convolution reads its
//! input without a copy and without asking where the image ends, and every inner step is one broadcast and a few
//! fused multiply-adds on whole vectors. The instruction set is chosen at run time ([`Isa`]).
//!
//! Every result is a fixed sequence of operations: the same bits come out whatever the number of threads. Between
//! instruction sets results differ by rounding.
//!
//! The crate knows no network: `tumorlens-nn` plans one on top of it.

mod activation;
mod blocked;
pub mod conv;
pub mod depthwise;
pub mod element;
pub mod flat;
mod isa;
mod lanes;
mod memory;
pub mod norm;
pub mod peak;
pub mod pool;

pub use activation::Activation;
pub use blocked::{Blocked, Lane, Shape};
pub use isa::Isa;
pub use memory::HugePages;

/// Channels in a block, and values in a vector.
pub const LANES: usize = 16;
