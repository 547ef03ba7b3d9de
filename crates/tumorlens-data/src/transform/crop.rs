//! The box of the head.

use super::bitmap::Bitmap;
use super::tones::Tones;
use super::{Rect, TransformError, window};
use tumorlens_core::preprocess::{Crop, Window};
use tumorlens_core::{GreyImage, PreprocessSpec, Size};

/// Grey levels of the histogram that Otsu's threshold is computed on.
const LEVELS: usize = 256;

/// Brightness is compressed by ln(1 + COMPRESS v) before the threshold is sought. On plain values it often lies between
/// dark and bright tissue, and the box then holds one hemisphere, or the tumor alone. On a logarithmic scale all tissue
/// is near and the background far.
const COMPRESS: f32 = 24.0;

/// Parts of the head that are closer than this share of the longer side count as one: skull and brain, or the brain's
/// halves, may be divided by dark lines.
const GAP: f32 = 0.03;

/// The part of the image that the specification keeps.
pub(super) fn crop_box(
    image: &GreyImage,
    tones: Option<&Tones>,
    spec: &PreprocessSpec,
) -> Result<Rect, TransformError> {
    let whole = Rect::whole(image.size());
    let Crop::Head { margin } = spec.crop else {
        return Ok(whole);
    };
    let inside = bright(image, tones, spec.window)?;
    let reach = (GAP / 2.0 * image.width().max(image.height()) as f32).ceil() as usize;
    let Some(head) = inside.largest_component(&inside.dilated(reach)) else {
        return Ok(whole);
    };
    if head.width * head.height * 10 < image.size().area() {
        return Ok(whole);
    }
    Ok(widen(head, margin, image.size()))
}

/// The pixels above the background.
fn bright(
    image: &GreyImage,
    tones: Option<&Tones>,
    window: Window,
) -> Result<Bitmap, TransformError> {
    let constant = || TransformError::Constant {
        value: image.values()[0],
    };
    let mut histogram = [0u64; LEVELS];
    if let Some(tones) = tones {
        // The level of a tone is computed once, not once a pixel.
        let bounds = tones
            .measure(window.low, window.high)
            .ok_or_else(constant)?;
        let mut of_tone: Vec<f32> = (0..tones.count()).map(|tone| tone as f32).collect();
        bounds.apply(&mut of_tone);
        let levels: Vec<u8> = of_tone.into_iter().map(level).collect();
        for (level, pixels) in levels.iter().zip(tones.pixels()) {
            histogram[usize::from(*level)] += u64::from(*pixels);
        }
        let threshold = otsu(&histogram);
        let inside: Vec<bool> = levels.iter().map(|l| usize::from(*l) > threshold).collect();
        return Ok(tones.bitmap(image.size(), &inside));
    }
    let bounds = window::measure(image.values(), window.low, window.high).ok_or_else(constant)?;
    let mut values = image.values().to_vec();
    bounds.apply(&mut values);
    let levels: Vec<u8> = values.into_iter().map(level).collect();
    for level in &levels {
        histogram[usize::from(*level)] += 1;
    }
    let threshold = otsu(&histogram);
    let inside = |level| usize::from(level) > threshold;
    Ok(Bitmap::of(&levels, image.size(), inside))
}

/// The level of a value in [0, 1].
fn level(value: f32) -> u8 {
    let compressed = (COMPRESS * value).ln_1p() / COMPRESS.ln_1p();
    (compressed * (LEVELS - 1) as f32).round() as u8
}

/// Otsu's threshold: the level that divides the histogram into two classes with the largest variance between them; a
/// level above it is foreground. (Otsu 1979)
fn otsu(histogram: &[u64; LEVELS]) -> usize {
    let total = histogram.iter().sum::<u64>() as f64;
    let sum: f64 = histogram
        .iter()
        .enumerate()
        .map(|(l, n)| l as f64 * *n as f64)
        .sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut threshold) = (-1.0, 0);
    for (level, count) in histogram.iter().enumerate() {
        below += *count as f64;
        sum_below += level as f64 * *count as f64;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let difference = sum_below / below - (sum - sum_below) / above;
        let between = below * above * difference * difference;
        if between > best {
            (best, threshold) = (between, level);
        }
    }
    threshold
}

/// Widens a box on each side by `margin` times its longer side, within the image.
fn widen(head: Rect, margin: f32, size: Size) -> Rect {
    let more = (f64::from(margin) * head.width.max(head.height) as f64).round() as usize;
    let (x, y) = (head.x.saturating_sub(more), head.y.saturating_sub(more));
    Rect {
        x,
        y,
        width: (head.x + head.width + more).min(size.width) - x,
        height: (head.y + head.height + more).min(size.height) - y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_finds_the_gap_between_two_greys() {
        let levels: Vec<u8> = [20u8; 60]
            .into_iter()
            .chain([22; 40])
            .chain([180; 30])
            .chain([190; 70])
            .collect();
        let mut histogram = [0; LEVELS];
        levels.iter().for_each(|l| histogram[usize::from(*l)] += 1);
        assert_eq!(otsu(&histogram), 22);
    }
}
