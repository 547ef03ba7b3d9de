//! Localisation over many images, in all and by the size of the lesion, beside what knows nothing.

use super::iou::shown;
use super::localisation::{Localisation, localise};
use super::{Cut, Outlined, centre_prior, chance};
use crate::bootstrap::{Resampling, bootstrap};
use crate::groups::Groups;
use crate::undefined::Undefined;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tumorlens_core::Measured;

/// Figures of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Localised {
    /// Path of the image.
    pub path: String,
    /// Its group.
    pub group: String,
    /// Share of the image's pixels that the outline holds, above 0 and below 1.
    pub lesion_share: f64,
    /// The method's map.
    pub map: Localisation,
    /// Expected for a random map, see [`chance`](super::chance()).
    pub chance: Localisation,
    /// The map that always shows the middle, see [`centre_prior`](super::centre_prior).
    pub centre: Localisation,
}

/// Limits between lesion sizes, as rising shares of the image above 0 and below 1. A lesion at a limit belongs to the
/// larger size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct SizeBins(Vec<f64>);

/// Numbers are not limits between sizes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lesion sizes must be divided at rising shares above 0 and below 1")]
pub struct SizeBinsError;

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocalisationRow {
    /// Which lesions: `all`, or their share of the image such as `1 to 3 %`.
    pub lesions: String,
    /// Images.
    pub images: usize,
    /// Groups.
    pub groups: usize,
    /// Images whose map points nowhere; they are missing from the method's means.
    pub pointing_nowhere: usize,
    /// Means of the method, with intervals by the group bootstrap.
    pub map: Localisation,
    /// Means expected by chance.
    pub chance: Localisation,
    /// Means of the centre prior, with intervals by the group bootstrap.
    pub centre: Localisation,
}

impl Localised {
    /// Measures one map beside chance and the centre prior. Each has its own cut, chosen on the same validation images,
    /// so that neither is handicapped; the random region has as many pixels as the method's.
    #[must_use]
    pub fn measure(
        path: impl Into<String>,
        group: impl Into<String>,
        outlined: &Outlined,
        cut: Cut,
        centre_cut: Cut,
    ) -> Self {
        let pixels = outlined.map().len();
        let middle = centre_prior(outlined.width(), outlined.height());
        Self {
            path: path.into(),
            group: group.into(),
            lesion_share: outlined.area() as f64 / pixels as f64,
            map: localise(outlined, cut),
            chance: chance(
                outlined.area(),
                pixels,
                shown(outlined.map(), cut).unwrap_or(0),
            ),
            centre: localise(&outlined.with_map(&middle), centre_cut),
        }
    }
}

impl Default for SizeBins {
    /// Below 1 %, 1 to 3 %, 3 % and more of the image.
    fn default() -> Self {
        Self(vec![0.01, 0.03])
    }
}

impl SizeBins {
    /// Checks limits.
    ///
    /// # Errors
    /// When they do not rise strictly inside (0, 1).
    pub fn new(limits: Vec<f64>) -> Result<Self, SizeBinsError> {
        let inside = limits.iter().all(|l| *l > 0.0 && *l < 1.0);
        if inside && limits.is_sorted_by(|a, b| a < b) {
            Ok(Self(limits))
        } else {
            Err(SizeBinsError)
        }
    }

    fn find(&self, share: f64) -> usize {
        self.0.partition_point(|limit| *limit <= share)
    }

    fn name(&self, bin: usize) -> String {
        // Rounded to a thousandth of a percent, which hides that 0.07 * 100 is not 7.
        let percent = |share: f64| (share * 1e5).round() / 1e3;
        match (
            bin.checked_sub(1).and_then(|i| self.0.get(i)),
            self.0.get(bin),
        ) {
            (None, Some(high)) => format!("below {} %", percent(*high)),
            (Some(low), Some(high)) => format!("{} to {} %", percent(*low), percent(*high)),
            (Some(low), None) => format!("{} % and more", percent(*low)),
            (None, None) => "any size".to_owned(),
        }
    }
}

impl TryFrom<Vec<f64>> for SizeBins {
    type Error = SizeBinsError;
    fn try_from(limits: Vec<f64>) -> Result<Self, SizeBinsError> {
        Self::new(limits)
    }
}

impl From<SizeBins> for Vec<f64> {
    fn from(bins: SizeBins) -> Self {
        bins.0
    }
}

/// Means over all images and over each lesion size, the smallest first; sizes without images have rows too.
#[must_use]
pub fn localisation_table(
    images: &[Localised],
    bins: &SizeBins,
    resampling: Resampling,
) -> Vec<LocalisationRow> {
    let all = row(
        "all".to_owned(),
        &images.iter().collect::<Vec<_>>(),
        resampling,
    );
    let sizes = (0..=bins.0.len()).map(|bin| {
        let own: Vec<&Localised> = images
            .iter()
            .filter(|i| bins.find(i.lesion_share) == bin)
            .collect();
        row(bins.name(bin), &own, resampling)
    });
    std::iter::once(all).chain(sizes).collect()
}

fn row(lesions: String, images: &[&Localised], resampling: Resampling) -> LocalisationRow {
    let resampling = resampling.derive(&lesions);
    LocalisationRow {
        lesions,
        images: images.len(),
        groups: images
            .iter()
            .map(|i| i.group.as_str())
            .collect::<BTreeSet<_>>()
            .len(),
        pointing_nowhere: images
            .iter()
            .filter(|i| i.map.pointing.get().is_none())
            .count(),
        map: means(images, |i| &i.map, resampling),
        chance: means(
            images,
            |i| &i.chance,
            Resampling {
                replicates: 0,
                ..resampling
            },
        ),
        centre: means(images, |i| &i.centre, resampling),
    }
}

fn means(
    images: &[&Localised],
    of: fn(&Localised) -> &Localisation,
    resampling: Resampling,
) -> Localisation {
    let names: Vec<&str> = images.iter().map(|i| i.group.as_str()).collect();
    let figures: Vec<[Option<f64>; 3]> = images
        .iter()
        .map(|i| of(i).figures().map(Measured::get))
        .collect();
    let mean = |times: &[u32], k: usize| {
        let defined = figures
            .iter()
            .zip(times)
            .filter_map(|(f, &n)| f[k].map(|v| (v, n)));
        let (sum, n) = defined.fold((0.0, 0), |(sum, all), (v, n)| {
            (sum + v * f64::from(n), all + n)
        });
        (n > 0).then(|| sum / f64::from(n))
    };
    let replicates = bootstrap(&Groups::new(&names), resampling, |times| {
        (0..3).map(|k| mean(times, k)).collect()
    });
    let once = vec![1; images.len()];
    let figure = |k: usize| match (mean(&once, k), replicates.interval(k)) {
        (Some(value), Some(interval)) => Measured::with_interval(value, interval),
        (Some(value), None) => Measured::value(value),
        (None, _) => Measured::from(if images.is_empty() {
            Undefined::NoImage
        } else {
            Undefined::FlatMap
        }),
    };
    Localisation {
        pointing: figure(0),
        energy: figure(1),
        iou: figure(2),
    }
}
