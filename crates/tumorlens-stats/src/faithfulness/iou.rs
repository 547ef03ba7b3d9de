//! Intersection over union of the outline and the region that a map shows at a threshold.

use super::Outlined;
use crate::undefined::Undefined;
use serde::{Deserialize, Serialize};

/// Where the line between shown and not shown lies. A pixel at the line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// At this value, the same for all maps. Right where values mean the same in all images, as in an evidence map.
    Value(f64),
    /// At this share of each map's largest value, 0 to 1. Right for maps whose scale varies between images.
    ShareOfMaximum(f64),
}

impl Cut {
    /// The value at which a map is cut.
    ///
    /// # Errors
    /// For a share of the maximum, when no value is above 0.
    pub fn value(self, map: &[f32]) -> Result<f64, Undefined> {
        match self {
            Self::Value(value) => Ok(value),
            Self::ShareOfMaximum(share) => {
                let high = f64::from(map.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                if high > 0.0 {
                    Ok(share * high)
                } else {
                    Err(Undefined::FlatMap)
                }
            }
        }
    }
}

/// Intersection over union of the outline and the pixels at or above the cut, 0 to 1. A region without pixels gives 0:
/// there is an outline, and it was missed.
///
/// # Errors
/// For a share of the maximum, when no value is above 0.
pub fn iou(outlined: &Outlined, cut: Cut) -> Result<f64, Undefined> {
    Ok(Sorted::new(outlined).iou(cut.value(outlined.map())?))
}

/// Number of pixels at or above the cut.
///
/// # Errors
/// For a share of the maximum, when no value is above 0.
pub(super) fn shown(map: &[f32], cut: Cut) -> Result<usize, Undefined> {
    let value = cut.value(map)?;
    Ok(map.iter().filter(|v| f64::from(**v) >= value).count())
}

/// The cut with the largest mean IoU over a list of validation images, and that mean. Shares of the maximum are tried
/// in hundredths, values at 100 quantiles of all map values above 0. On ties the higher cut, which shows less. A map
/// without a value above 0 counts as missed.
///
/// `like` only says which kind of cut to look for.
///
/// # Errors
/// Without images, or when no map has a value above 0.
pub fn best_cut(validation: &[Outlined], like: Cut) -> Result<(Cut, f64), Undefined> {
    if validation.is_empty() {
        return Err(Undefined::NoImage);
    }
    let candidates = match like {
        Cut::ShareOfMaximum(_) => (1..=100)
            .map(|i| Cut::ShareOfMaximum(f64::from(i) / 100.0))
            .collect(),
        Cut::Value(_) => quantiles(validation)
            .into_iter()
            .map(Cut::Value)
            .collect::<Vec<_>>(),
    };
    let sorted: Vec<Sorted> = validation.iter().map(Sorted::new).collect();
    let mean = |cut: Cut| {
        let each = sorted
            .iter()
            .zip(validation)
            .map(|(s, o)| cut.value(o.map()).map_or(0.0, |value| s.iou(value)));
        each.sum::<f64>() / validation.len() as f64
    };
    let shown = validation.iter().any(|o| o.map().iter().any(|v| *v > 0.0));
    let best = candidates
        .into_iter()
        .map(|cut| (cut, mean(cut)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    best.filter(|_| shown).ok_or(Undefined::FlatMap)
}

/// A hundred rising values that divide all map values above 0 into equal parts.
fn quantiles(validation: &[Outlined]) -> Vec<f64> {
    let mut values: Vec<f32> = validation
        .iter()
        .flat_map(|o| o.map().iter().copied())
        .filter(|v| *v > 0.0)
        .collect();
    values.sort_by(f32::total_cmp);
    (0..100)
        .filter_map(|i| values.get(values.len() * i / 100))
        .map(|v| f64::from(*v))
        .collect()
}

/// Pixels by falling value, so that a region at any threshold is a prefix.
struct Sorted {
    values: Vec<f32>,
    /// Pixels of the outline among the first i.
    inside: Vec<usize>,
    area: usize,
}

impl Sorted {
    fn new(outlined: &Outlined) -> Self {
        let mut pixels: Vec<(f32, bool)> = outlined
            .map()
            .iter()
            .copied()
            .zip(outlined.inside().iter().copied())
            .collect();
        pixels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut inside = vec![0];
        inside.extend(pixels.iter().scan(0, |count, (_, within)| {
            *count += usize::from(*within);
            Some(*count)
        }));
        Self {
            values: pixels.into_iter().map(|p| p.0).collect(),
            inside,
            area: outlined.area(),
        }
    }

    fn iou(&self, threshold: f64) -> f64 {
        let shown = self.values.partition_point(|v| f64::from(*v) >= threshold);
        let both = self.inside[shown];
        both as f64 / (shown + self.area - both) as f64
    }
}
