//! Two models on the same images: is one really better, or were the images kind to it?

mod mcnemar;
mod permutation;

pub use mcnemar::McNemar;
pub use permutation::sign_flip_p_value;

use crate::bootstrap::{Resampling, bootstrap};
use crate::delong::{PairedDeLong, paired_delong};
use crate::evaluation::{EvaluationError, EvaluationSettings, Part, Scored, check};
use crate::metric::{Figures, Metric};
use crate::undefined::{Undefined, measured, same_length};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tumorlens_core::{ClassSet, Measured};

/// What one model said of the images.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Scored images, in any order.
    pub images: &'a [Scored],
    /// Whether each was called positive; see [`calls_at`](crate::evaluation::calls_at).
    pub calls: &'a [bool],
}

/// The AUROCs of two models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AurocComparison {
    /// First less second, with DeLong's interval over groups.
    pub difference: Measured,
    /// Two-sided p value of DeLong's paired test.
    pub p_value: Measured,
}

/// Two models on the same images. Differences are first less second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Images.
    pub images: usize,
    /// Groups.
    pub groups: usize,
    /// Paired DeLong test.
    pub auroc: AurocComparison,
    /// McNemar's test of the calls. It takes images as independent.
    pub mcnemar: McNemar,
    /// Two-sided p value of equal accuracy by exchanging the models group by group; right also where images come in
    /// groups.
    pub accuracy_p_value: Measured,
    /// Difference of every figure, with a paired percentile bootstrap over groups.
    pub differences: Figures,
}

/// Two lists are not of the same images.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ComparisonError {
    /// An image that only one model scored.
    #[error("{0}: scored by one model only")]
    Unpaired(String),
    /// An image with two labels or two groups.
    #[error("{0}: label or group differs between the models")]
    Differs(String),
    /// One list by itself is not valid.
    #[error("{0}")]
    Images(EvaluationError),
    /// Not one call an image.
    #[error("{0}")]
    Calls(Undefined),
}

/// Compares two models on the same images, matched by path.
///
/// # Errors
/// When the lists are not of the same images with the same labels and groups, or do not fit the classes.
pub fn compare(
    classes: &ClassSet,
    first: Judged,
    second: Judged,
    settings: &EvaluationSettings,
) -> Result<Comparison, ComparisonError> {
    let (a, b) = align(classes, first, second)?;
    let resampling = settings.resampling;
    let accuracy_right = |part: &Part| -> Vec<bool> {
        part.calls()
            .iter()
            .flat_map(|(_, called)| part.truth().iter().zip(called).map(|(t, c)| t == c))
            .collect()
    };
    let (right_a, right_b) = (accuracy_right(&a), accuracy_right(&b));
    let mut by_group = vec![0i64; a.groups().count()];
    for (i, &group) in a.groups().of().iter().enumerate() {
        by_group[group] += i64::from(right_a[i]) - i64::from(right_b[i]);
    }
    let paired = paired_delong(a.truth(), a.scores(), b.scores(), a.groups());
    Ok(Comparison {
        images: a.truth().len(),
        groups: a.groups().count(),
        auroc: auroc(paired, resampling.level),
        mcnemar: McNemar::count(&right_a, &right_b),
        accuracy_p_value: measured(sign_flip_p_value(
            &by_group,
            resampling.derive("sign flips"),
        )),
        differences: differences(&a, &b, settings, resampling.derive("differences")),
    })
}

fn auroc(paired: Result<PairedDeLong, Undefined>, level: f64) -> AurocComparison {
    match paired {
        Err(reason) => AurocComparison {
            difference: reason.clone().into(),
            p_value: reason.into(),
        },
        Ok(paired) => {
            let plain = Measured::value(paired.difference());
            let difference = paired
                .interval(level)
                .map(|i| Measured::with_interval(paired.difference(), i));
            AurocComparison {
                difference: difference.unwrap_or(plain),
                p_value: measured(paired.p_value()),
            }
        }
    }
}

fn differences(
    a: &Part,
    b: &Part,
    settings: &EvaluationSettings,
    resampling: Resampling,
) -> Figures {
    let (of_a, of_b) = (a.statistics(&settings.bins), b.statistics(&settings.bins));
    let difference = |times: &[u32]| -> Vec<Result<f64, Undefined>> {
        of_a(times)
            .into_iter()
            .zip(of_b(times))
            .map(|(a, b)| Ok(a? - b?))
            .collect()
    };
    let replicates = bootstrap(a.groups(), resampling, |times| {
        difference(times).into_iter().map(Result::ok).collect()
    });
    let metrics = Metric::OF_SCORES.into_iter().chain(Metric::OF_CALLS);
    let values = difference(&vec![1; a.truth().len()]);
    let figure = |(column, (metric, value)): (usize, (Metric, Result<f64, Undefined>))| {
        let figure = match (value, replicates.interval(column)) {
            (Ok(value), Some(interval)) => Measured::with_interval(value, interval),
            (value, _) => measured(value),
        };
        (metric, figure)
    };
    metrics.zip(values).enumerate().map(figure).collect()
}

/// Both lists as questions about the same images in the order of their paths.
fn align(
    classes: &ClassSet,
    first: Judged,
    second: Judged,
) -> Result<(Part, Part), ComparisonError> {
    let (a, b) = (by_path(classes, first)?, by_path(classes, second)?);
    let lone = a
        .keys()
        .find(|p| !b.contains_key(*p))
        .or_else(|| b.keys().find(|p| !a.contains_key(*p)));
    if let Some(path) = lone {
        return Err(ComparisonError::Unpaired((*path).to_owned()));
    }
    let differs = a
        .values()
        .zip(b.values())
        .find(|(x, y)| x.0.label != y.0.label || x.0.group != y.0.group);
    if let Some((image, _)) = differs {
        return Err(ComparisonError::Differs(image.0.path.clone()));
    }
    let part = |judged: BTreeMap<&str, (&Scored, bool)>| {
        let (images, calls): (Vec<&Scored>, Vec<bool>) = judged.into_values().unzip();
        Part::new(classes.positive(), &images, vec![(String::new(), calls)])
    };
    Ok((part(a), part(b)))
}

fn by_path<'a>(
    classes: &ClassSet,
    judged: Judged<'a>,
) -> Result<BTreeMap<&'a str, (&'a Scored, bool)>, ComparisonError> {
    check(classes, judged.images).map_err(ComparisonError::Images)?;
    same_length("calls", judged.images.len(), judged.calls.len())
        .map_err(ComparisonError::Calls)?;
    Ok(judged
        .images
        .iter()
        .zip(judged.calls)
        .map(|(i, &c)| (i.path.as_str(), (i, c)))
        .collect())
}

#[cfg(test)]
mod tests;
