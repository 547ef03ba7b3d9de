//! Integrated Gradients (Sundararajan et al. 2017).

use super::ExplainError;
use super::question::Question;

/// Points on the way, by the midpoint rule.
pub(super) const STEPS: usize = 32;

pub(super) fn map(question: &Question<'_>) -> Result<Vec<f32>, ExplainError> {
    let start = darkest(question);
    let on_the_way = |step: usize| {
        let share = (step as f32 + 0.5) / STEPS as f32;
        start
            .iter()
            .zip(question.input)
            .map(|(from, to)| from + share * (to - from))
            .collect()
    };
    let gradient = question.mean_input_gradient((0..STEPS).map(on_the_way))?;
    let area = question.network.graph().input[1..].iter().product();
    let mut map = vec![0.0; area];
    for (i, ((from, to), g)) in start.iter().zip(question.input).zip(gradient).enumerate() {
        map[i % area] += (to - from) * g;
    }
    Ok(map)
}

/// The image that holds in each channel the smallest value of that channel: nothing but background.
fn darkest(question: &Question<'_>) -> Vec<f32> {
    let area: usize = question.network.graph().input[1..].iter().product();
    let planes = question.input.chunks_exact(area);
    planes
        .flat_map(|plane| vec![plane.iter().copied().fold(f32::INFINITY, f32::min); area])
        .collect()
}
