//! Intersection over union of the outline and the region that a map shows at a threshold.

use super::Outlined;
use crate::undefined::Undefined;
use serde::{Deserialize, Serialize};
use tumorlens_core::MapLine;

/// Where the line between shown and not shown lies. A pixel at the line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// At this value, the same for all maps. Right where values mean the same in all images, as in an evidence map.
    Value(f64),
    /// At this share of each map's largest value, 0 to 1. Right for maps whose scale varies between images.
    ShareOfMaximum(f64),
    /// As the outlined region of a model's own map is cut.
    Line(MapLine),
}

/// What a higher line may cost of the mean IoU: where lines do nearly as well, the higher shows less of what is no lesion.
const TOLERANCE: f64 = 0.005;

impl Cut {
    /// The value at which a map is cut.
    ///
    /// # Errors
    /// For a share of the maximum, when no value is above 0.
    pub fn value(self, map: &[f32]) -> Result<f64, Undefined> {
        self.below(highest(map))
    }

    /// The value at which a map of this largest value is cut.
    fn below(self, high: f64) -> Result<f64, Undefined> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Line(line) => Ok(f64::from(line.below(high as f32))),
            Self::ShareOfMaximum(share) if high > 0.0 => Ok(share * high),
            Self::ShareOfMaximum(_) => Err(Undefined::FlatMap),
        }
    }

    /// What is the same for all maps: the part that says from where on anything is shown.
    fn floor(self) -> f64 {
        match self {
            Self::Value(value) => value,
            Self::Line(line) => f64::from(line.threshold),
            Self::ShareOfMaximum(_) => 0.0,
        }
    }
}

fn highest(map: &[f32]) -> f64 {
    f64::from(map.iter().copied().fold(f32::NEG_INFINITY, f32::max))
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
/// without a value above 0 counts as missed. Of a [`Cut::Line`] the highest threshold is taken that costs no more than 0.005 of
/// the best mean IoU, with the share (in twentieths) that goes with it best.
///
/// `like` only says which kind of cut to look for.
///
/// # Errors
/// Without images, or when no map has a value above 0.
pub fn best_cut(validation: &[Outlined], like: Cut) -> Result<(Cut, f64), Undefined> {
    if validation.is_empty() {
        return Err(Undefined::NoImage);
    }
    let sorted: Vec<Sorted> = validation.iter().map(Sorted::new).collect();
    if sorted.iter().all(|map| map.highest() <= 0.0) {
        return Err(Undefined::FlatMap);
    }
    let mean = |cut: Cut| {
        let each = sorted
            .iter()
            .map(|map| cut.below(map.highest()).map_or(0.0, |value| map.iou(value)));
        each.sum::<f64>() / validation.len() as f64
    };
    let tried = candidates(validation, like).into_iter();
    let mut tried: Vec<(Cut, f64)> = tried.map(|cut| (cut, mean(cut))).collect();
    if let (Cut::Line(_), Some((_, top))) = (like, best(&tried)) {
        let enough = tried.iter().filter(|(_, mean)| *mean >= top - TOLERANCE);
        let floors = enough.map(|(cut, _)| cut.floor());
        let floor = floors.fold(f64::NEG_INFINITY, f64::max);
        tried.retain(|(cut, _)| cut.floor() >= floor);
    }
    best(&tried).ok_or(Undefined::FlatMap)
}

/// The cut with the largest mean, the last on ties.
fn best(tried: &[(Cut, f64)]) -> Option<(Cut, f64)> {
    tried.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Cuts of one kind, rising.
fn candidates(validation: &[Outlined], like: Cut) -> Vec<Cut> {
    match like {
        Cut::ShareOfMaximum(_) => (1..=100)
            .map(|i| Cut::ShareOfMaximum(f64::from(i) / 100.0))
            .collect(),
        Cut::Value(_) => {
            let values = quantiles(validation).into_iter();
            values.map(|v| Cut::Value(f64::from(v))).collect()
        }
        Cut::Line(_) => {
            let values = quantiles(validation).into_iter();
            let lines = |threshold| {
                (0..20u8).map(move |i| {
                    let share = f32::from(i) / 20.0;
                    Cut::Line(MapLine { threshold, share })
                })
            };
            values.flat_map(lines).collect()
        }
    }
}

/// A hundred rising values that divide all map values above 0 into equal parts.
fn quantiles(validation: &[Outlined]) -> Vec<f32> {
    let mut values: Vec<f32> = validation
        .iter()
        .flat_map(|o| o.map().iter().copied())
        .filter(|v| *v > 0.0)
        .collect();
    values.sort_by(f32::total_cmp);
    (0..100)
        .filter_map(|i| values.get(values.len() * i / 100).copied())
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

    fn highest(&self) -> f64 {
        self.values.first().copied().map_or(0.0, f64::from)
    }

    fn iou(&self, threshold: f64) -> f64 {
        let shown = self.values.partition_point(|v| f64::from(*v) >= threshold);
        let both = self.inside[shown];
        both as f64 / (shown + self.area - both) as f64
    }
}
