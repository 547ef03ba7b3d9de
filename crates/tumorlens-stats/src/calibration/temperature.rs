//! Temperature scaling: one number by which logits are divided so that probabilities mean what they say
//! (C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017).

use crate::undefined::same_length;
use serde::{Deserialize, Serialize};

/// A divisor of logits, 0.01 to 100; above 1 it makes a model less sure. It changes no ranking and, at 0.5 or argmax, no
/// call.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

/// A number is not a temperature.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a temperature (0.01 to 100)")]
pub struct TemperatureRangeError(f64);

/// A fitted temperature and what it gained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemperatureFit {
    /// The temperature.
    pub temperature: Temperature,
    /// Log loss of the validation logits at temperature 1, in nats.
    pub log_loss_before: f64,
    /// Log loss at the fitted temperature, in nats.
    pub log_loss_after: f64,
    /// Number of validation images.
    pub images: usize,
}

/// Why no temperature can be fitted. Logits then stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemperatureError {
    /// Without data.
    #[error("temperature: no validation image")]
    NoImage,
    /// With one class alone any temperature that makes the model surer looks better.
    #[error("temperature: all validation images are of one class")]
    OneClass,
    /// All calls are right: the loss falls for ever as the temperature goes to 0.
    #[error(
        "temperature: the validation images are separated without error, so the best temperature would be 0"
    )]
    Separated,
    /// Logits that say nothing, or the opposite of the truth: the best temperature would be infinite.
    #[error(
        "temperature: the logits do not point to the truth, so the best temperature would be infinite"
    )]
    NotInformative,
    /// A logit is infinite or not a number.
    #[error("temperature: a logit of image {0} is not a finite number")]
    NotFinite(usize),
    /// Slices differ in length, or images in the number of logits.
    #[error("temperature: {0}")]
    Shape(String),
    /// A label is not below the number of logits.
    #[error("temperature: image {image} has class {class} of {classes}")]
    UnknownClass {
        /// Image.
        image: usize,
        /// Its class.
        class: usize,
        /// Number of logits.
        classes: usize,
    },
}

impl Temperature {
    /// The temperature that changes nothing.
    pub const ONE: Self = Self(1.0);
    /// The lowest.
    pub const MIN: Self = Self(Self::LOWEST);
    const LOWEST: f64 = 0.01;
    const HIGHEST: f64 = 100.0;

    /// Checks the number.
    ///
    /// # Errors
    /// When it lies outside 0.01 to 100.
    pub fn new(value: f64) -> Result<Self, TemperatureRangeError> {
        let range = Self::LOWEST..=Self::HIGHEST;
        if range.contains(&value) {
            Ok(Self(value))
        } else {
            Err(TemperatureRangeError(value))
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// Probability of the positive class from the one logit of a two-class network.
    #[must_use]
    pub fn sigmoid(self, logit: f64) -> f64 {
        let x = logit / self.0;
        // Written for either sign so that the exponential does not overflow.
        if x >= 0.0 {
            1.0 / (1.0 + (-x).exp())
        } else {
            x.exp() / (1.0 + x.exp())
        }
    }

    /// Probabilities of all classes from their logits.
    #[must_use]
    pub fn softmax(self, logits: &[f64]) -> Vec<f64> {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = logits
            .iter()
            .map(|z| ((z - largest) / self.0).exp())
            .collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(|p| p / sum).collect()
    }
}

impl TryFrom<f64> for Temperature {
    type Error = TemperatureRangeError;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Temperature> for f64 {
    fn from(temperature: Temperature) -> Self {
        temperature.0
    }
}

/// Fits the temperature of a two-class network on validation images: one logit, that of the positive class, for each.
///
/// # Errors
/// See [`TemperatureError`].
pub fn fit_temperature(truth: &[bool], logits: &[f64]) -> Result<TemperatureFit, TemperatureError> {
    same_length("logits", truth.len(), logits.len())
        .map_err(|e| TemperatureError::Shape(e.to_string()))?;
    // The one logit is the lead of the positive class over the negative one.
    let margins = truth
        .iter()
        .zip(logits)
        .map(|(&positive, &z)| if positive { vec![-z] } else { vec![z] });
    fit(margins.collect(), truth.iter().map(|t| usize::from(*t)))
}

/// Fits the temperature of a network with one logit a class.
///
/// # Errors
/// See [`TemperatureError`].
pub fn fit_temperature_softmax(
    truth: &[usize],
    logits: &[Vec<f64>],
) -> Result<TemperatureFit, TemperatureError> {
    same_length("logits", truth.len(), logits.len())
        .map_err(|e| TemperatureError::Shape(e.to_string()))?;
    let classes = logits.first().map_or(0, Vec::len);
    let mut margins = Vec::with_capacity(truth.len());
    for (image, (&class, z)) in truth.iter().zip(logits).enumerate() {
        if z.len() != classes {
            return Err(TemperatureError::Shape(format!(
                "image {image} has {} logits, the first {classes}",
                z.len()
            )));
        }
        if class >= classes {
            return Err(TemperatureError::UnknownClass {
                image,
                class,
                classes,
            });
        }
        margins.push(
            (0..classes)
                .filter(|c| *c != class)
                .map(|c| z[c] - z[class])
                .collect(),
        );
    }
    fit(margins, truth.iter().copied())
}

/// Minimises the log loss over the inverse temperature b, in which it is convex. `margins` has, for each image, by how
/// much each wrong class leads the true one; its loss is `ln(1 + sum exp(b margin))`.
fn fit(
    margins: Vec<Vec<f64>>,
    mut truth: impl Iterator<Item = usize>,
) -> Result<TemperatureFit, TemperatureError> {
    let first = truth.next().ok_or(TemperatureError::NoImage)?;
    if truth.all(|class| class == first) {
        return Err(TemperatureError::OneClass);
    }
    if let Some(image) = margins
        .iter()
        .position(|m| m.iter().any(|z| !z.is_finite()))
    {
        return Err(TemperatureError::NotFinite(image));
    }
    let mut low = 1.0 / Temperature::HIGHEST;
    let mut high = 1.0 / Temperature::LOWEST;
    if Loss::at(low, &margins).slope >= 0.0 {
        return Err(TemperatureError::NotInformative);
    }
    if Loss::at(high, &margins).slope <= 0.0 {
        return Err(TemperatureError::Separated);
    }
    // Newton's steps inside a bracket that halves whenever a step would leave it.
    let mut b = 1.0;
    for _ in 0..200 {
        let Loss {
            slope, curvature, ..
        } = Loss::at(b, &margins);
        if slope > 0.0 {
            high = b
        } else {
            low = b
        }
        let newton = b - slope / curvature;
        let next = if newton > low && newton < high {
            newton
        } else {
            f64::midpoint(low, high)
        };
        if (next - b).abs() <= 1e-14 * b {
            break;
        }
        b = next;
    }
    let temperature = (1.0 / b).clamp(Temperature::LOWEST, Temperature::HIGHEST);
    Ok(TemperatureFit {
        temperature: Temperature(temperature),
        log_loss_before: Loss::at(1.0, &margins).value,
        log_loss_after: Loss::at(b, &margins).value,
        images: margins.len(),
    })
}

/// Mean log loss with its derivatives by the inverse temperature.
struct Loss {
    value: f64,
    slope: f64,
    curvature: f64,
}

impl Loss {
    fn at(b: f64, margins: &[Vec<f64>]) -> Self {
        let (mut value, mut slope, mut curvature) = (0.0, 0.0, 0.0);
        for margin in margins {
            // The true class has margin 0; the largest exponent is taken out so that nothing overflows.
            let largest = margin.iter().fold(0.0f64, |a, z| a.max(b * z));
            let mut sum = (-largest).exp();
            let (mut first, mut second) = (0.0, 0.0);
            for z in margin {
                let power = (b * z - largest).exp();
                sum += power;
                first += z * power;
                second += z * z * power;
            }
            let mean = first / sum;
            value += largest + sum.ln();
            slope += mean;
            curvature += second / sum - mean * mean;
        }
        let n = margins.len() as f64;
        Self {
            value: value / n,
            slope: slope / n,
            curvature: curvature / n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_four_right_at_one_logit_gives_the_temperature_of_theory() {
        // All logits +-2 and three of four signs right: the best probability is 3/4, so 2 / T = ln 3.
        let fit = fit_temperature(&[true, true, false, true], &[2.0, 2.0, -2.0, -2.0]).unwrap();
        assert!((fit.temperature.get() - 2.0 / 3f64.ln()).abs() < 1e-12);
        assert!((fit.temperature.sigmoid(2.0) - 0.75).abs() < 1e-12);
        assert!(fit.log_loss_after < fit.log_loss_before);
    }

    #[test]
    fn two_logits_a_class_give_the_same_temperature_as_one() {
        let truth = [true, false, true, false, true];
        let logits = [3.0, -1.0, 0.5, 1.0, -0.2];
        let one = fit_temperature(&truth, &logits).unwrap();
        let classes: Vec<usize> = truth.iter().map(|t| usize::from(*t)).collect();
        let pairs: Vec<Vec<f64>> = logits.iter().map(|z| vec![5.0, 5.0 + z]).collect();
        let two = fit_temperature_softmax(&classes, &pairs).unwrap();
        assert!((one.temperature.get() - two.temperature.get()).abs() < 1e-9);
    }

    #[test]
    fn degenerate_data_is_refused_with_its_reason() {
        use TemperatureError as E;
        assert_eq!(fit_temperature(&[], &[]), Err(E::NoImage));
        assert_eq!(
            fit_temperature(&[true, true], &[1.0, -1.0]),
            Err(E::OneClass)
        );
        assert_eq!(
            fit_temperature(&[true, false], &[1.0, -1.0]),
            Err(E::Separated)
        );
        assert_eq!(
            fit_temperature(&[true, false], &[900.0, -900.0]),
            Err(E::Separated)
        );
        assert_eq!(
            fit_temperature(&[true, false], &[-1.0, 1.0]),
            Err(E::NotInformative)
        );
        assert_eq!(
            fit_temperature(&[true, false], &[0.0, 0.0]),
            Err(E::NotInformative)
        );
        assert_eq!(
            fit_temperature(&[true, false], &[0.0, f64::NAN]),
            Err(E::NotFinite(1))
        );
        assert!(matches!(fit_temperature(&[true], &[]), Err(E::Shape(_))));
        assert!(matches!(
            fit_temperature_softmax(&[0, 1], &[vec![1.0, 2.0], vec![1.0]]),
            Err(E::Shape(_))
        ));
        assert!(matches!(
            fit_temperature_softmax(&[0, 2], &[vec![1.0, 2.0], vec![1.0, 0.0]]),
            Err(E::UnknownClass {
                image: 1,
                class: 2,
                classes: 2
            })
        ));
    }

    #[test]
    fn an_overconfident_network_is_cooled_down_without_overflow() {
        let truth: Vec<bool> = (0..40).map(|i| i % 2 == 0).collect();
        let logits: Vec<f64> = (0..40)
            .map(|i| {
                if (i % 2 == 0) == (i % 10 != 0) {
                    700.0
                } else {
                    -700.0
                }
            })
            .map(|z| z / 10.0)
            .collect();
        let fit = fit_temperature(&truth, &logits).unwrap();
        assert!(fit.temperature.get() > 10.0);
        assert!(fit.log_loss_after < fit.log_loss_before);
    }

    #[test]
    fn a_temperature_outside_its_range_cannot_be_read() {
        assert!(serde_json::from_str::<Temperature>("0.0").is_err());
        assert_eq!(
            serde_json::from_str::<Temperature>("1.0").unwrap(),
            Temperature::ONE
        );
    }

    #[test]
    fn softmax_sums_to_one_for_large_logits() {
        let p = Temperature::ONE.softmax(&[1000.0, 1001.0, 0.0]);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((p[1] - 0.731_058_578_630_004_9).abs() < 1e-12);
    }
}
