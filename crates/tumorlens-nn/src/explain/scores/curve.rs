//! Deletion and insertion (Petsiuk et al. 2018, "RISE", <https://arxiv.org/abs/1806.07421>): does the probability fall
//! when the pixels that the map calls important are taken away, and rise when they are put in?

use super::super::ExplainError;
use super::super::question::Question;
use super::blur::blur;
use rand::RngExt;
use tumorlens_core::Seed;
use tumorlens_stats::faithfulness::{PerturbationCurve, by_importance};

/// Steps between no pixel and all.
const STEPS: usize = 24;

/// Probability of the target, before calibration, against the share of pixels changed.
pub(super) struct Curves {
    pub(super) deletion: PerturbationCurve,
    pub(super) insertion: PerturbationCurve,
}

/// Deletion paints the most important pixels with mean grey (0 in the network's units). Insertion starts from the
/// blurred image, because a grey image with a few sharp pixels is like nothing the network was trained on, and puts
/// the most important pixels back.
pub(super) fn curves(
    question: &Question<'_>,
    map: &[f32],
    ties: Seed,
) -> Result<Curves, ExplainError> {
    let order = order(map, ties);
    let grey = vec![0.0; question.input.len()];
    let blurred = blur(question.input, question.network.graph().input);
    let deletion = question.probabilities(steps(&order, question.input, &grey))?;
    let insertion = question.probabilities(steps(&order, &blurred, question.input))?;
    Ok(Curves {
        deletion: curve(deletion)?,
        insertion: curve(insertion)?,
    })
}

/// The mean of some curves; `None` of none.
pub(super) fn mean_curve<'a>(
    curves: impl Iterator<Item = &'a PerturbationCurve>,
) -> Result<Option<PerturbationCurve>, ExplainError> {
    let mut sum = vec![0.0; STEPS + 1];
    let mut count = 0u32;
    for curve in curves {
        sum.iter_mut()
            .zip(curve.scores())
            .for_each(|(sum, score)| *sum += score);
        count += 1;
    }
    if count == 0 {
        return Ok(None);
    }
    curve(sum.into_iter().map(|s| s / f64::from(count)).collect()).map(Some)
}

fn curve(probabilities: Vec<f64>) -> Result<PerturbationCurve, ExplainError> {
    let fractions = (0..=STEPS).map(|step| step as f64 / STEPS as f64).collect();
    Ok(PerturbationCurve::new(fractions, probabilities)?)
}

/// Pixels by falling value. A rectified map is 0 over wide areas: equal values come in an order drawn from the seed,
/// since any regular order would score the order and not the map.
fn order(map: &[f32], ties: Seed) -> Vec<usize> {
    let mut rng = ties.rng();
    let mut shuffled: Vec<usize> = (0..map.len()).collect();
    // Fisher and Yates 1938.
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, rng.random_range(0..=last as u64) as usize);
    }
    let values: Vec<f32> = shuffled.iter().map(|&pixel| map[pixel]).collect();
    by_importance(&values)
        .into_iter()
        .map(|position| shuffled[position])
        .collect()
}

/// The images on the way from one image to another, pixel after pixel in this order.
fn steps<'a>(
    order: &'a [usize],
    from: &'a [f32],
    to: &'a [f32],
) -> impl Iterator<Item = Vec<f32>> + 'a {
    (0..=STEPS).map(move |step| {
        let mut image = from.to_vec();
        let changed = &order[..step * order.len() / STEPS];
        for (plane, to) in image
            .chunks_exact_mut(order.len())
            .zip(to.chunks_exact(order.len()))
        {
            changed.iter().for_each(|&pixel| plane[pixel] = to[pixel]);
        }
        image
    })
}
