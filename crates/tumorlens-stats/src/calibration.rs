//! Whether probabilities mean what they say: Brier score, log loss, reliability and its error, temperature scaling.

mod reliability;
mod shift;
mod temperature;

pub(crate) use reliability::Tally;
pub use reliability::{Bins, BinsError, Reliability, ReliabilityBin};
pub use shift::{ShiftFit, fit_shift, fit_shift_above};
pub use temperature::{
    Temperature, TemperatureError, TemperatureFit, fit_temperature, fit_temperature_softmax,
};

use crate::undefined::{Undefined, probabilities, same_length};

/// Brier score of a two-class problem: mean of `(p - y)^2`, 0 (best) to 1.
///
/// # Errors
/// Without images, when the slices differ in length or a score is not a probability.
pub fn brier(truth: &[bool], scores: &[f64]) -> Result<f64, Undefined> {
    check(truth, scores)?;
    mean(truth.iter().zip(scores).map(|(&t, &p)| squared_error(t, p)))
}

/// Log loss of a two-class problem in nats, 0 (best) upwards. The probability of the truth is held at least
/// `f64::EPSILON`, as scikit-learn holds it, so that one confident error gives 36 and not infinity.
///
/// # Errors
/// Without images, when the slices differ in length or a score is not a probability.
pub fn log_loss(truth: &[bool], scores: &[f64]) -> Result<f64, Undefined> {
    check(truth, scores)?;
    mean(
        truth
            .iter()
            .zip(scores)
            .map(|(&t, &p)| surprise(if t { p } else { 1.0 - p })),
    )
}

fn check(truth: &[bool], scores: &[f64]) -> Result<(), Undefined> {
    same_length("scores", truth.len(), scores.len())?;
    probabilities(scores)
}

/// `(p - y)^2`.
pub(crate) fn squared_error(truth: bool, p: f64) -> f64 {
    (p - f64::from(u8::from(truth))).powi(2)
}

/// Negative logarithm of the probability that was given to the truth.
pub(crate) fn surprise(p_of_truth: f64) -> f64 {
    // `max(0.0)` turns the -0 of a certain and right answer into 0.
    (-p_of_truth.clamp(f64::EPSILON, 1.0).ln()).max(0.0)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Result<f64, Undefined> {
    let n = values.len();
    if n == 0 {
        Err(Undefined::NoImage)
    } else {
        Ok(values.sum::<f64>() / n as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_images_give_what_is_worked_out_by_hand() {
        assert_eq!(
            brier(&[true, false], &[0.8, 0.4]),
            Ok((0.04f64 + 0.16) / 2.0).map(|v: f64| v + 0.0)
        );
        let loss = log_loss(&[true, false], &[0.8, 0.4]).unwrap();
        assert!((loss - (-(0.8f64.ln()) - 0.6f64.ln()) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn a_confident_error_costs_36_nats_and_not_infinity() {
        let loss = log_loss(&[true], &[0.0]).unwrap();
        assert!((loss - 36.043_653_389).abs() < 1e-6);
        assert_eq!(log_loss(&[true], &[1.0]), Ok(0.0));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert_eq!(brier(&[true], &[1.2]), Err(Undefined::NotProbability(0)));
        assert_eq!(
            log_loss(&[true, true], &[0.2, f64::NAN]),
            Err(Undefined::NotProbability(1))
        );
        assert_eq!(brier(&[], &[]), Err(Undefined::NoImage));
    }
}
