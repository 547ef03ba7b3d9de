//! Platt scaling: a temperature and a shift of the one logit of a two-class network (J. Platt, "Probabilistic outputs
//! for support vector machines", 1999; H.-T. Lin, C.-J. Lin and R. Weng, Machine Learning 68:267, 2007).
//!
//! A temperature alone leaves the logit 0 at one half. Where a model's line lies elsewhere on the images at hand,
//! as after training on other shares of the classes or at another site, a shift is needed as well.

use super::{Temperature, TemperatureError, TemperatureFit};

/// A fitted temperature and shift: the probability is `sigmoid((logit - shift) / temperature)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShiftFit {
    /// Temperature, and the log losses before and after.
    pub fit: TemperatureFit,
    /// Taken from the logit.
    pub shift: f64,
}

/// Fits both on validation images: logistic regression on the logit, with Platt's targets, which keep the fit finite
/// where the images are separated without error.
///
/// # Errors
/// Without images, with images of one class alone, when a logit is not finite, or when logits do not point to the truth.
pub fn fit_shift(truth: &[bool], logits: &[f64]) -> Result<ShiftFit, TemperatureError> {
    fit_shift_above(truth, logits, Temperature::MIN)
}

/// As [`fit_shift`], with a temperature of at least `least`; where that is above the best one, the best shift for it. The
/// probabilities then are never surer than the logits at `least`, however well these images are told apart.
///
/// # Errors
/// As [`fit_shift`].
pub fn fit_shift_above(
    truth: &[bool],
    logits: &[f64],
    least: Temperature,
) -> Result<ShiftFit, TemperatureError> {
    if truth.len() != logits.len() {
        return Err(TemperatureError::Shape(format!(
            "{} logits for {} images",
            logits.len(),
            truth.len()
        )));
    }
    if truth.is_empty() {
        return Err(TemperatureError::NoImage);
    }
    if let Some(image) = logits.iter().position(|z| !z.is_finite()) {
        return Err(TemperatureError::NotFinite(image));
    }
    let positives = truth.iter().filter(|t| **t).count() as f64;
    let negatives = truth.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return Err(TemperatureError::OneClass);
    }
    let data = Data {
        truth,
        logits,
        high: (positives + 1.0) / (positives + 2.0),
        low: 1.0 / (negatives + 2.0),
    };
    let (slope, offset) = data.regress((1.0, 0.0), true);
    let mut temperature = (slope > 0.0)
        .then(|| Temperature::new(1.0 / slope).ok())
        .flatten()
        .ok_or(TemperatureError::NotInformative)?;
    let mut shift = -offset / slope;
    if least > temperature {
        temperature = least;
        let slope = 1.0 / least.get();
        let (_, offset) = data.regress((slope, offset), false);
        shift = -offset / slope;
    }
    Ok(ShiftFit {
        fit: TemperatureFit {
            temperature,
            log_loss_before: data.log_loss(Temperature::ONE, 0.0),
            log_loss_after: data.log_loss(temperature, shift),
            images: truth.len(),
        },
        shift,
    })
}

/// Images with Platt's targets of the two classes.
struct Data<'a> {
    truth: &'a [bool],
    logits: &'a [f64],
    high: f64,
    low: f64,
}

impl Data<'_> {
    fn images(&self) -> impl Iterator<Item = (bool, f64)> {
        self.truth.iter().copied().zip(self.logits.iter().copied())
    }

    fn target(&self, positive: bool) -> f64 {
        if positive { self.high } else { self.low }
    }

    /// Newton's method on slope and offset, or on the offset alone, halving a step that does not lower the loss.
    fn regress(&self, (mut slope, mut offset): (f64, f64), both: bool) -> (f64, f64) {
        let loss = |slope: f64, offset: f64| -> f64 {
            let of = |(t, z): (bool, f64)| {
                let x = slope * z + offset;
                x.max(0.0) + (-x.abs()).exp().ln_1p() - self.target(t) * x
            };
            self.images().map(of).sum()
        };
        let mut now = loss(slope, offset);
        for _ in 0..200 {
            let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-12, 0.0, 1e-12);
            for (t, z) in self.images() {
                let p = Temperature::ONE.sigmoid(slope * z + offset);
                let (d, w) = (p - self.target(t), p * (1.0 - p));
                gb += d;
                hbb += w;
                if both {
                    ga += d * z;
                    haa += w * z * z;
                    hab += w * z;
                }
            }
            let determinant = haa * hbb - hab * hab;
            if ga.abs().max(gb.abs()) < 1e-9 || determinant <= 0.0 {
                break;
            }
            let step = (
                (hbb * ga - hab * gb) / determinant,
                (haa * gb - hab * ga) / determinant,
            );
            let mut share = 1.0;
            let lowered = loop {
                let next = (slope - share * step.0, offset - share * step.1);
                let found = loss(next.0, next.1);
                if found < now {
                    (slope, offset) = next;
                    break Some(found);
                }
                share *= 0.5;
                if share < 1e-10 {
                    break None;
                }
            };
            match lowered {
                Some(found) => now = found,
                None => break,
            }
        }
        (slope, offset)
    }

    /// Mean log loss, of labels rather than targets.
    fn log_loss(&self, temperature: Temperature, shift: f64) -> f64 {
        let of = |(t, z): (bool, f64)| {
            let x = (z - shift) / temperature.get();
            let x = if t { -x } else { x };
            x.max(0.0) + (-x.abs()).exp().ln_1p()
        };
        self.images().map(of).sum::<f64>() / self.truth.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Seed;

    /// Labels drawn with probability `sigmoid((z - shift) / temperature)`.
    fn drawn(temperature: f64, shift: f64) -> (Vec<bool>, Vec<f64>) {
        use rand::Rng;
        let mut rng = Seed(9).rng();
        let mut unit = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let temperature = Temperature::new(temperature).unwrap();
        (0..40_000)
            .map(|_| {
                let z = 12.0 * unit() - 6.0;
                (unit() < temperature.sigmoid(z - shift), z)
            })
            .unzip()
    }

    #[test]
    fn what_labels_were_drawn_with_is_found_again() {
        for (temperature, shift) in [(1.0, 0.0), (2.0, 1.5), (0.7, -2.0)] {
            let (truth, logits) = drawn(temperature, shift);
            let found = fit_shift(&truth, &logits).unwrap();
            assert!((found.fit.temperature.get() - temperature).abs() < 0.05 * temperature);
            assert!((found.shift - shift).abs() < 0.06, "{}", found.shift);
            assert!(found.fit.log_loss_after <= found.fit.log_loss_before + 1e-9);
        }
    }

    #[test]
    fn images_that_are_separated_have_a_finite_fit_between_them() {
        let truth: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        let logits: Vec<f64> = (0..40).map(|i| f64::from(i) / 4.0).collect();
        let found = fit_shift(&truth, &logits).unwrap();
        assert!((found.shift - 4.875).abs() < 0.01, "{}", found.shift);
    }

    #[test]
    fn with_a_least_temperature_the_shift_is_the_best_for_it() {
        let (truth, logits) = drawn(0.5, 1.0);
        let two = Temperature::new(2.0).unwrap();
        let found = fit_shift_above(&truth, &logits, two).unwrap();
        assert_eq!(found.fit.temperature, two);
        // There the mean probability is the share of positives.
        let p = |z: &f64| two.sigmoid(z - found.shift);
        let mean = logits.iter().map(p).sum::<f64>() / logits.len() as f64;
        let share = truth.iter().filter(|t| **t).count() as f64 / truth.len() as f64;
        assert!((mean - share).abs() < 1e-3, "{mean} {share}");
        let low = fit_shift_above(&truth, &logits, Temperature::new(0.1).unwrap());
        assert_eq!(low, fit_shift(&truth, &logits));
    }

    #[test]
    fn what_cannot_be_fitted_is_said() {
        assert_eq!(fit_shift(&[], &[]), Err(TemperatureError::NoImage));
        assert_eq!(fit_shift(&[true], &[1.0]), Err(TemperatureError::OneClass));
        let opposite = fit_shift(&[true, true, false, false], &[-2.0, -1.0, 1.0, 2.0]);
        assert_eq!(opposite, Err(TemperatureError::NotInformative));
        let bad = fit_shift(&[true, false], &[f64::NAN, 0.0]);
        assert_eq!(bad, Err(TemperatureError::NotFinite(0)));
    }
}
