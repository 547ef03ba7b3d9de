//! A checkpoint: named values and a JSON header in one file, every bit of which is checked.
//!
//! The file is a safetensors file, whose metadata hold the header under `tumorlens`, followed by the SHA-256 of all
//! bytes before it.

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

const HEADER: &str = "tumorlens";
const HASH_LENGTH: usize = 32;

/// Named values on their way into a file: name, shape, values.
pub(super) type Named<'a> = (String, &'a [usize], &'a [f32]);

/// What a file held.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint<H> {
    pub(super) header: H,
    pub(super) values: BTreeMap<String, Vec<f32>>,
}

/// The bytes are not a sound checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct CheckpointError(pub(super) String);

impl CheckpointError {
    pub(super) fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// The bytes of a checkpoint; the same content gives the same bytes.
pub(super) fn encode<H: Serialize>(
    header: &H,
    named: &[Named<'_>],
) -> Result<Vec<u8>, CheckpointError> {
    let header = serde_json::to_string(header).map_err(CheckpointError::new)?;
    let bytes: Vec<Vec<u8>> = named
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views: Vec<(&str, TensorView<'_>)> = named
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| {
            let view =
                TensorView::new(Dtype::F32, shape.to_vec(), bytes).map_err(CheckpointError::new)?;
            Ok((name.as_str(), view))
        })
        .collect::<Result<_, _>>()?;
    let metadata = HashMap::from([(HEADER.to_owned(), header)]);
    let mut file = safetensors::serialize(views, Some(metadata)).map_err(CheckpointError::new)?;
    let hash = Sha256::digest(&file);
    file.extend(hash);
    Ok(file)
}

/// Checks the hash, then reads.
pub(super) fn decode<H: DeserializeOwned>(file: &[u8]) -> Result<Checkpoint<H>, CheckpointError> {
    let damaged = || CheckpointError("its checksum does not fit its content".to_owned());
    let split = file.len().checked_sub(HASH_LENGTH).ok_or_else(damaged)?;
    let (body, hash) = file.split_at(split);
    if Sha256::digest(body).as_slice() != hash {
        return Err(damaged());
    }
    let (_, metadata): (_, Metadata) =
        SafeTensors::read_metadata(body).map_err(CheckpointError::new)?;
    let header = metadata.metadata().as_ref().and_then(|m| m.get(HEADER));
    let header =
        header.ok_or_else(|| CheckpointError("has no header of a checkpoint".to_owned()))?;
    let header = serde_json::from_str(header).map_err(CheckpointError::new)?;
    let tensors = SafeTensors::deserialize(body).map_err(CheckpointError::new)?;
    let floats = |view: &TensorView<'_>| {
        let (four, _) = view.data().as_chunks::<4>();
        four.iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect()
    };
    let values = tensors
        .iter()
        .map(|(name, view)| (name.to_owned(), floats(&view)))
        .collect();
    Ok(Checkpoint { header, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Header {
        epoch: usize,
    }

    fn file() -> Vec<u8> {
        let (a, b) = ([1.5, -0.0, f32::MIN_POSITIVE, 3e38], [7.0]);
        encode(
            &Header { epoch: 4 },
            &[("b".to_owned(), &[2, 2], &a), ("a".to_owned(), &[1], &b)],
        )
        .unwrap()
    }

    #[test]
    fn what_is_written_comes_back_bit_for_bit() {
        let read: Checkpoint<Header> = decode(&file()).unwrap();
        assert_eq!(read.header, Header { epoch: 4 });
        let bits: Vec<u32> = read.values["b"].iter().map(|v| v.to_bits()).collect();
        assert_eq!(bits, [1.5, -0.0, f32::MIN_POSITIVE, 3e38].map(f32::to_bits));
        assert_eq!(read.values["a"], [7.0]);
        assert_eq!(file(), file());
    }

    #[test]
    fn every_single_bit_flip_is_noticed() {
        let sound = file();
        for bit in 0..sound.len() * 8 {
            let mut flipped = sound.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<Header>(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        let sound = file();
        for length in 0..sound.len() {
            assert!(
                decode::<Header>(&sound[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_refused_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            // With a right checksum, so that what is behind it is reached.
            let hash = Sha256::digest(&bytes);
            bytes.extend(hash);
            prop_assert!(decode::<Header>(&bytes).is_err());
        }
    }
}
