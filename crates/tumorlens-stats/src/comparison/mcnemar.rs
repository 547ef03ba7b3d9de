//! McNemar's test: of the images on which two models differ, does one get more right than the other?

use crate::undefined::{Undefined, measured};
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};
use tumorlens_core::Measured;

/// McNemar's test of paired calls (McNemar 1947), without the chi-squared approximation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Images that only the first model got right.
    pub only_first_right: u64,
    /// Images that only the second model got right.
    pub only_second_right: u64,
    /// Two-sided exact conditional p value. Never too small, often too large.
    pub exact_p: Measured,
    /// Two-sided mid-p value, which keeps its level better (Fagerland, Lydersen and Laake 2013).
    pub mid_p: Measured,
}

impl McNemar {
    /// From whether each model was right on each image; the shorter list ends the count.
    #[must_use]
    pub fn count(first_right: &[bool], second_right: &[bool]) -> Self {
        let only =
            |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count() as u64;
        Self::of(
            only(first_right, second_right),
            only(second_right, first_right),
        )
    }

    /// From the numbers of images on which exactly one model is right.
    #[must_use]
    pub fn of(only_first_right: u64, only_second_right: u64) -> Self {
        let p = p_values(only_first_right, only_second_right);
        Self {
            only_first_right,
            only_second_right,
            exact_p: measured(p.clone().map(|p| p.0)),
            mid_p: measured(p.map(|p| p.1)),
        }
    }
}

fn p_values(b: u64, c: u64) -> Result<(f64, f64), Undefined> {
    let fewer = b.min(c);
    let n = b
        .checked_add(c)
        .filter(|n| *n > 0)
        .ok_or(Undefined::NoDisagreement)?;
    let toss = Binomial::new(0.5, n).map_err(|_| Undefined::NoDisagreement)?;
    let point = toss.pmf(fewer);
    if b == c {
        return Ok((1.0, 1.0 - point / 2.0));
    }
    let exact = (2.0 * toss.cdf(fewer)).min(1.0);
    Ok((exact, exact - point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(figure: &Measured, expected: f64) -> bool {
        (figure.get().unwrap() - expected).abs() < 1e-12
    }

    #[test]
    fn the_airway_example_of_fagerland_gives_its_p_values() {
        // Fagerland, Lydersen, Laake, BMC Med Res Methodol 13:91 (2013): 1 against 7, exact 0.070, mid-p 0.039.
        let test = McNemar::of(1, 7);
        assert!(close(&test.exact_p, 18.0 / 256.0), "{test:?}");
        assert!(close(&test.mid_p, 10.0 / 256.0), "{test:?}");
    }

    #[test]
    fn which_model_is_first_does_not_matter() {
        let (ab, ba) = (McNemar::of(3, 12), McNemar::of(12, 3));
        assert_eq!((ab.exact_p, ab.mid_p), (ba.exact_p, ba.mid_p));
    }

    #[test]
    fn a_tie_is_no_evidence_and_no_disagreement_is_undefined() {
        let tie = McNemar::of(1, 1);
        assert!(close(&tie.exact_p, 1.0) && close(&tie.mid_p, 0.75));
        let alike = McNemar::count(&[true, false], &[true, false]);
        assert_eq!(
            alike.exact_p,
            Measured::undefined("both models are right on the same images")
        );
    }

    #[test]
    fn images_on_which_one_is_right_are_counted() {
        let test = McNemar::count(&[true, true, false, true], &[false, true, true, false]);
        assert_eq!((test.only_first_right, test.only_second_right), (2, 1));
    }
}
