//! Decoders of compressed frames.
//!
//! | transfer syntax | decoder |
//! | --- | --- |
//! | RLE | [`rle`], PS3.5 annex G |
//! | JPEG baseline, extended (8 and 12 bit), lossless | [`jpeg`], ITU-T T.81 |
//! | JPEG-LS, lossless and near-lossless | [`jpeg_ls`], ITU-T T.87 |
//! | JPEG 2000 | [`jpeg_2000`], ITU-T T.800 |

mod bits;
pub mod jpeg;
pub mod jpeg_2000;
pub mod jpeg_ls;
pub mod rle;

/// A decoded frame: `samples[(y * width + x) * components + c]`, each in the low `precision` bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Components of a pixel.
    pub components: usize,
    /// Bits of a sample, 1 to 16.
    pub precision: u8,
    /// Whether the stream itself says that its samples are signed; JPEG and JPEG-LS cannot say it.
    pub signed: bool,
    /// Samples; two's complement in `precision` bits where signed.
    pub samples: Vec<u16>,
}
