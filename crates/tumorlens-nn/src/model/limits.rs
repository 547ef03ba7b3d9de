//! Ranges of the options. A configuration may come from a stranger's bundle, so they also bound the memory.

use super::architecture::Depth;
use super::{Architecture, Head, ModelConfig, ModelError};
use crate::graph::Graph;
use crate::weights::slots;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Most weights of a network: vgg19, the largest of torchvision's here, has 144 million.
const MOST_WEIGHTS: usize = 500_000_000;
/// Longest side of an image, px.
const LONGEST_SIDE: usize = 4096;

pub(super) fn check(config: &ModelConfig) -> Result<(), ModelError> {
    check_options_exist(config)?;
    if let Some(widths) = &config.widths {
        within("widths", widths.len(), 1..=8)?;
        widths
            .iter()
            .try_for_each(|&width| within("widths", width, 1..=2048))?;
    }
    if let Some(base) = config.base_width {
        within("base_width", base, 1..=256)?;
    }
    if let Some(dense) = config.dense {
        within("dense", dense, 1..=16_384)?;
    }
    if let Some(rate) = config.dropout
        && !(0.0..1.0).contains(&rate)
    {
        return Err(range("dropout", rate, "0 to below 1"));
    }
    if let Head::Evidence {
        top,
        sharpness,
        channels,
        ..
    } = config.head
    {
        if !(top > 0.0 && top <= 1.0) {
            return Err(range("top", top, "above 0, at most 1"));
        }
        if let Some(sharpness) = sharpness
            && !(sharpness > 0.0 && sharpness <= 100.0)
        {
            return Err(range("sharpness", sharpness, "above 0, at most 100"));
        }
        within("channels", channels, 1..=1024)?;
    }
    Ok(())
}

fn check_options_exist(config: &ModelConfig) -> Result<(), ModelError> {
    let architecture = config.architecture;
    let absent = |option, hint| {
        Err(ModelError::NotAnOption {
            architecture,
            option,
            hint,
        })
    };
    if architecture == Architecture::Cnn {
        if config.base_width.is_some() {
            return absent("base_width", "; use 'widths'");
        }
    } else if let Some(widths) = &config.widths {
        match architecture.depth() {
            Depth::ResNet(_) if config.base_width.is_some() => {
                return absent("base_width", " beside 'widths'");
            }
            Depth::ResNet(_) => within("number of widths", widths.len(), 4..=4)?,
            _ => return absent("widths", "; use 'base_width'"),
        }
    }
    if config.dense.is_some() {
        if !architecture.has_dense() {
            return absent("dense", "");
        }
        if matches!(config.head, Head::Evidence { .. }) {
            return absent("dense", " with an evidence head");
        }
    }
    Ok(())
}

pub(super) fn check_sizes(input: [usize; 3], outputs: usize) -> Result<(), ModelError> {
    let [channels, height, width] = input;
    within("input channels", channels, 1..=16)?;
    within("image height", height, 1..=LONGEST_SIDE)?;
    within("image width", width, 1..=LONGEST_SIDE)?;
    within("outputs", outputs, 1..=1000)
}

pub(super) fn check_weights(graph: &Graph) -> Result<(), ModelError> {
    // Every size was checked above, so no product overflows 64 bits.
    let total: usize = slots(graph)
        .iter()
        .map(|slot| slot.shape.iter().product::<usize>())
        .sum();
    if total > MOST_WEIGHTS {
        Err(ModelError::TooLarge {
            limit: MOST_WEIGHTS,
        })
    } else {
        Ok(())
    }
}

fn within(
    option: &'static str,
    found: usize,
    allowed: RangeInclusive<usize>,
) -> Result<(), ModelError> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let (least, most) = (allowed.start(), allowed.end());
    let expected = if least == most {
        least.to_string()
    } else {
        format!("{least} to {most}")
    };
    Err(range(option, found, &expected))
}

fn range(option: &'static str, found: impl Display, expected: &str) -> ModelError {
    ModelError::Range {
        option,
        found: found.to_string(),
        expected: expected.to_owned(),
    }
}
