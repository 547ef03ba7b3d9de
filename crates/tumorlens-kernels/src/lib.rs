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
pub mod bf16;
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
mod pixel;
mod planar;
pub mod pool;

pub use activation::Activation;
pub use bf16::Bf16x32;
pub use blocked::{Blocked, Shape};
pub use isa::Isa;
pub use memory::HugePages;
pub use pixel::{Lane, Pixel};
pub use planar::Planar;

/// Channels in a block, and values in a vector.
pub const LANES: usize = 16;
