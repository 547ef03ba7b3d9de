//! Weight files of others: what they hold, by name, without executing any of it.

use super::{Values, pth, safetensors};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest file that is read, in bytes: four times torchvision's largest network here.
const MOST_BYTES: u64 = 2 << 30;
/// Most tensors in a file; resnet50 has 320.
const MOST_TENSORS: usize = 4096;
/// Most axes of a tensor.
const MOST_AXES: usize = 8;
/// Longest name of a tensor, in bytes.
const LONGEST_NAME: usize = 256;

/// Tensors by name; the counters `num_batches_tracked` of batch normalisations are left out.
pub type StoredTensors = BTreeMap<String, StoredTensor>;

/// One tensor of a file, row-major, every value finite.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// Shape, no axis empty.
    pub shape: Vec<usize>,
    /// Values, converted to single precision.
    pub values: Values,
}

impl StoredTensor {
    /// A tensor of values that are all finite.
    pub(super) fn finite(
        name: &str,
        shape: Vec<usize>,
        values: Values,
    ) -> Result<Self, WeightsFileError> {
        if values.all_finite() {
            return Ok(Self { shape, values });
        }
        Err(WeightsFileError::NotFinite {
            name: name.to_owned(),
        })
    }
}

/// Weights cannot be read from or written to a file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsFileError {
    /// What went wrong with this file.
    #[error("{path}: {source}")]
    At {
        /// File.
        path: String,
        /// Reason.
        source: Box<WeightsFileError>,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is too large.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// Limit in bytes.
        limit: u64,
    },
    /// Neither of the two formats.
    #[error("no weights: {found}")]
    Unknown {
        /// What it is instead.
        found: &'static str,
    },
    /// Not a sound file of its format.
    #[error("{format}: {reason}")]
    Format {
        /// Format.
        format: &'static str,
        /// What is wrong, one line.
        reason: String,
    },
    /// A value is NaN or infinite, or does not fit the precision asked for.
    #[error("weights: '{name}' holds a value that is not finite")]
    NotFinite {
        /// Tensor.
        name: String,
    },
    /// A tensor that the architecture needs is not there.
    #[error("weights: '{name}' is missing")]
    Missing {
        /// Tensor.
        name: String,
    },
    /// A tensor that the architecture does not know.
    #[error("weights: '{name}' belongs to no layer")]
    Unexpected {
        /// Tensor.
        name: String,
    },
    /// A tensor of another shape.
    #[error("weights: '{name}' has shape {found:?}, expected {expected:?}")]
    WrongShape {
        /// Tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the architecture needs.
        expected: Vec<usize>,
    },
}

/// Reads a `.safetensors` file or a PyTorch checkpoint of a plain state dict; the content decides, not the name.
///
/// # Errors
/// When the file cannot be read or is not sound; names the file and the reason.
pub fn read(path: &Path) -> Result<StoredTensors, WeightsFileError> {
    read_bytes(path)
        .and_then(|bytes| parse(&bytes))
        .map_err(|source| WeightsFileError::At {
            path: one_line(&path.display().to_string()),
            source: Box::new(source),
        })
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, WeightsFileError> {
    let mut bytes = Vec::new();
    // The limit holds whatever the size that the file system tells, e.g. for a pipe.
    File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(WeightsFileError::TooLarge { limit: MOST_BYTES });
    }
    Ok(bytes)
}

/// As [`read`], from memory.
///
/// # Errors
/// When the bytes are no sound weight file.
pub fn parse(bytes: &[u8]) -> Result<StoredTensors, WeightsFileError> {
    const OTHERS: [(&[u8], &str); 5] = [
        (
            b"\x89HDF",
            "an HDF5 file (Keras); save the weights as safetensors",
        ),
        (b"\x93NUMPY", "a NumPy array"),
        (b"GGUF", "a GGUF file"),
        (
            b"\x80",
            "a Python pickle, as PyTorch wrote before version 1.6; load and save it again with a newer one",
        ),
        (
            b"\x08",
            "perhaps an ONNX file; give the weights as safetensors",
        ),
    ];
    if bytes.starts_with(b"PK\x03\x04") {
        return pth::parse(bytes);
    }
    // The first eight bytes of safetensors are a length, so any of these may open a sound file, too: its error is
    // replaced only after it failed.
    safetensors::parse(bytes).map_err(|error| {
        let other = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic));
        match other {
            Some((_, found)) if bytes.get(8) != Some(&b'{') => WeightsFileError::Unknown { found },
            _ => error,
        }
    })
}

/// Counters that PyTorch keeps in batch normalisations; only its cumulative average uses them.
pub(super) fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

/// A name as an error message may show it.
pub(super) fn shown(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    let dots = if short.len() < name.len() { "..." } else { "" };
    format!("'{}{dots}'", short.escape_debug())
}

/// Text from outside without line breaks or other controls.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// What both formats demand of names and shapes.
#[derive(Debug, Default)]
pub(super) struct Admission {
    seen: usize,
}

impl Admission {
    /// Counts a tensor and checks its name and shape; gives the number of its values.
    pub(super) fn admit(&mut self, name: &str, shape: &[usize]) -> Result<usize, String> {
        self.seen += 1;
        if self.seen > MOST_TENSORS {
            return Err(format!("more than {MOST_TENSORS} tensors"));
        }
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
            return Err(format!(
                "{} is no name of a tensor: letters, digits, '.', '_', '-'",
                shown(name)
            ));
        }
        if shape.len() > MOST_AXES || shape.contains(&0) {
            return Err(format!(
                "{} has shape {:?}",
                shown(name),
                &shape[..shape.len().min(MOST_AXES)]
            ));
        }
        shape
            .iter()
            .try_fold(1usize, |product, &side| product.checked_mul(side))
            .ok_or_else(|| format!("{} is larger than any memory", shown(name)))
    }
}
