//! PyTorch checkpoints (`torch.save` of a plain state dict, version 1.6 and later): a ZIP archive of one pickle, which
//! describes the tensors, and one entry of raw values for each storage.
//!
//! A pickle is a program. Only the dozen instructions that describe tensors are understood here, nothing is looked
//! up by name and nothing can be called; any other instruction or name is refused, so a hostile file does no harm.

mod archive;
mod opcode;
mod pickle;
mod reference;
mod value;

use super::file::{Admission, StoredTensor, StoredTensors, WeightsFileError, is_counter, shown};
use archive::Archive;
use reference::TensorReference;

/// Largest pickle that is run, in bytes; that of resnet50 has 40 kB.
const LONGEST_PICKLE: usize = 1 << 20;

/// Every tensor of a checkpoint.
///
/// # Errors
/// When the archive is damaged, the pickle holds anything but tensors, or a value is not finite.
pub(super) fn parse(bytes: &[u8]) -> Result<StoredTensors, WeightsFileError> {
    let archive = Archive::read(bytes).map_err(format_error)?;
    let (folder, references) = describe(&archive).map_err(format_error)?;
    let mut admission = Admission::default();
    let mut tensors = StoredTensors::new();
    // Tensors may share a storage, so a small file could ask for much; each value of the file is read once on average.
    let mut budget = bytes.len();
    for (name, reference) in references {
        let count = admission
            .admit(&name, &reference.shape)
            .map_err(format_error)?;
        if is_counter(&name) {
            continue;
        }
        budget = budget
            .checked_sub(count)
            .ok_or_else(|| format_error(format!("{} is larger than the file", shown(&name))))?;
        let data = archive.find(&format!("{folder}/data/{}", reference.storage.key));
        let values = data
            .ok_or_else(|| "has no values".to_owned())
            .and_then(|data| reference.values(count, data));
        let values = values.map_err(|reason| format_error(format!("{} {reason}", shown(&name))))?;
        let tensor = StoredTensor::finite(&name, reference.shape, values.into())?;
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// The folder inside the archive, and the tensors that the pickle describes.
fn describe(archive: &Archive<'_>) -> Result<(String, Vec<(String, TensorReference)>), String> {
    let mut pickles = archive
        .names()
        .filter_map(|name| name.strip_suffix("/data.pkl"));
    let folder = match (pickles.next(), pickles.next()) {
        (Some(folder), None) => folder.to_owned(),
        (None, _) => {
            return Err("the archive holds no data.pkl, so it is no PyTorch checkpoint".to_owned());
        }
        _ => return Err("the archive holds more than one data.pkl".to_owned()),
    };
    if let Some(order) = archive.find(&format!("{folder}/byteorder"))
        && order != b"little"
    {
        return Err("values are not little-endian".to_owned());
    }
    let program = archive
        .find(&format!("{folder}/data.pkl"))
        .unwrap_or_default();
    if program.len() > LONGEST_PICKLE {
        return Err(format!(
            "pickle of {} bytes, at most {LONGEST_PICKLE} are read",
            program.len()
        ));
    }
    Ok((folder, pickle::tensors(program)?))
}

fn format_error(reason: String) -> WeightsFileError {
    WeightsFileError::Format {
        format: "PyTorch checkpoint",
        reason,
    }
}

#[cfg(test)]
mod tests;
