//! The safetensors format: a JSON header, then raw values; nothing in it can run.
//! <https://github.com/huggingface/safetensors#format>

use super::element::Element;
pub use super::file::WeightsFileError;
use super::file::{Admission, StoredTensor, StoredTensors, is_counter, one_line, shown};
use super::{Parameter, Values, Weights, slots};
use crate::graph::Graph;
use bytes::Bytes;
use half::f16;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Longest header that is read, in bytes; that of resnet50 has 30 kB.
const LONGEST_HEADER: u64 = 1 << 20;

/// How values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 4 bytes a value: exact.
    #[default]
    Single,
    /// 2 bytes a value, IEEE half precision: 11 significant bits, at most 65504.
    Half,
}

/// The weights as a safetensors file. The same weights give the same bytes.
///
/// # Errors
/// When a value is not finite, or not any more in half precision.
pub fn write(weights: &Weights, precision: Precision) -> Result<Vec<u8>, WeightsFileError> {
    let mut encoded: Vec<(&str, &[usize], Vec<u8>)> = Vec::with_capacity(weights.parameters.len());
    for parameter in &weights.parameters {
        let bytes =
            encode(&parameter.values, precision).ok_or_else(|| WeightsFileError::NotFinite {
                name: parameter.name.clone(),
            })?;
        encoded.push((&parameter.name, &parameter.shape, bytes));
    }
    let dtype = match precision {
        Precision::Single => Dtype::F32,
        Precision::Half => Dtype::F16,
    };
    let views = encoded
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(dtype, shape.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    views
        .and_then(|views| serialize(views, None))
        .map_err(|error| format_error(error.to_string()))
}

fn encode(values: &[f32], precision: Precision) -> Option<Vec<u8>> {
    match precision {
        Precision::Single => values.iter().all(|value| value.is_finite()).then(|| {
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        }),
        Precision::Half => {
            let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32(value)).collect();
            halves.iter().all(|value| value.is_finite()).then(|| {
                halves
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect()
            })
        }
    }
}

/// The weights of exactly this architecture from a safetensors file, of which those in half precision keep the bytes.
///
/// # Errors
/// When the file is not sound, or a tensor is missing, of another shape, or belongs to no layer.
pub fn read(bytes: Bytes, graph: &Graph) -> Result<Weights, WeightsFileError> {
    let mut tensors = tensors(&bytes, |element, data| {
        if element == Element::Half {
            return Some(Values::of_halves(bytes.slice_ref(data)));
        }
        element.decode(data).map(Values::from)
    })?;
    let mut parameters = Vec::new();
    for slot in slots(graph) {
        let Some(tensor) = tensors.remove(&slot.name) else {
            return Err(WeightsFileError::Missing { name: slot.name });
        };
        if tensor.shape != slot.shape {
            return Err(WeightsFileError::WrongShape {
                name: slot.name,
                found: tensor.shape,
                expected: slot.shape,
            });
        }
        parameters.push(Parameter {
            name: slot.name,
            shape: slot.shape,
            role: slot.role,
            values: tensor.values,
        });
    }
    match tensors.into_keys().next() {
        Some(name) => Err(WeightsFileError::Unexpected { name }),
        None => Ok(Weights { parameters }),
    }
}

/// Every tensor of a safetensors file; F32, F16 and BF16 are read.
///
/// # Errors
/// When the file is not sound or holds a value that is not finite.
pub fn parse(bytes: &[u8]) -> Result<StoredTensors, WeightsFileError> {
    tensors(bytes, |element, data| {
        element.decode(data).map(Values::from)
    })
}

/// Every tensor, with the values that are made of its bytes; none of a type that is not read.
fn tensors(
    bytes: &[u8],
    values: impl Fn(Element, &[u8]) -> Option<Values> + Sync,
) -> Result<StoredTensors, WeightsFileError> {
    check_header(bytes).map_err(format_error)?;
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| format_error(brief(&error.to_string())))?;
    let mut admission = Admission::default();
    let mut tensors: Vec<(String, TensorView<'_>)> = file.tensors();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, view) in &tensors {
        admission.admit(name, view.shape()).map_err(format_error)?;
    }
    tensors.retain(|(name, _)| !is_counter(name));
    let read: Vec<Result<StoredTensor, WeightsFileError>> = tensors
        .par_iter()
        .map(|(name, view)| {
            let values = element(view.dtype()).and_then(|element| values(element, view.data()));
            let values = values.ok_or_else(|| {
                format_error(format!(
                    "{} has type {}: F32, F16 and BF16 are read",
                    shown(name),
                    view.dtype()
                ))
            })?;
            StoredTensor::finite(name, view.shape().to_vec(), values)
        })
        .collect();
    let named = tensors.into_iter().zip(read);
    named
        .map(|((name, _), tensor)| Ok((name, tensor?)))
        .collect()
}

fn element(dtype: Dtype) -> Option<Element> {
    match dtype {
        Dtype::F32 => Some(Element::Single),
        Dtype::F16 => Some(Element::Half),
        Dtype::BF16 => Some(Element::BFloat16),
        _ => None,
    }
}

/// Length of the header, and that no name occurs twice: the library keeps the last one of a name.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(format!("only {} bytes", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER {
        return Err(format!(
            "header of {length} bytes, at most {LONGEST_HEADER} are read"
        ));
    }
    let header = usize::try_from(length)
        .ok()
        .and_then(|length| rest.get(..length));
    let header = header.ok_or_else(|| "the file ends inside its header".to_owned())?;
    serde_json::from_slice::<UniqueNames>(header)
        .map_err(|error| brief(&format!("header: {error}")))?;
    Ok(())
}

/// A JSON object whose keys differ.
struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueNames)
    }
}

impl<'de> Visitor<'de> for UniqueNames {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("{} occurs twice", shown(&name))));
            }
            names.insert(name);
        }
        Ok(self)
    }
}

/// A library's message, which may quote the file, as one short line.
fn brief(text: &str) -> String {
    one_line(&text.chars().take(120).collect::<String>())
}

fn format_error(reason: String) -> WeightsFileError {
    WeightsFileError::Format {
        format: "safetensors",
        reason,
    }
}

#[cfg(test)]
mod tests;
