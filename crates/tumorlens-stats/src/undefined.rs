//! Why a figure has no value. Every function of this crate that may be undefined says so with one of these.

use tumorlens_core::Measured;

/// The reason for which a figure is undefined; its message is what a report prints in the figure's place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// The list is empty.
    #[error("no image")]
    NoImage,
    /// The positive class is absent.
    #[error("no positive image")]
    NoPositive,
    /// The negative class is absent.
    #[error("no negative image")]
    NoNegative,
    /// Nothing was called positive.
    #[error("no image was called positive")]
    NoPositiveCall,
    /// Nothing was called negative.
    #[error("no image was called negative")]
    NoNegativeCall,
    /// Every image was referred.
    #[error("no image was called, all were referred")]
    NothingCalled,
    /// Neither a positive image nor a positive call, so that F1 is 0/0.
    #[error("neither a positive image nor a positive call")]
    NothingPositive,
    /// All images, or all calls, are of one class, so that a correlation is 0/0.
    #[error("all images or all calls are of one class")]
    OneClass,
    /// A class of several is absent.
    #[error("no image of class {0}")]
    NoImageOfClass(usize),
    /// A mean over classes or folds has an undefined term.
    #[error("{of}: {reason}")]
    Part {
        /// The class or fold.
        of: String,
        /// Why its figure is undefined.
        reason: String,
    },
    /// A variance needs at least two groups on either side.
    #[error("fewer than two groups with a {0} image")]
    TooFewGroups(&'static str),
    /// Two models do not differ on any pair of images.
    #[error("the two models rank all images alike")]
    NoDifference,
    /// Two models are right and wrong on the same images.
    #[error("both models are right on the same images")]
    NoDisagreement,
    /// No threshold from 0 to 1 reaches the wanted specificity.
    #[error("no threshold reaches the target")]
    TargetOutOfReach,
    /// Slices that belong together differ in length.
    #[error("{found} {what} for {expected} images")]
    Length {
        /// What there is too little or too much of.
        what: &'static str,
        /// Number expected.
        expected: usize,
        /// Number found.
        found: usize,
    },
    /// A score is infinite or not a number.
    #[error("the score of image {0} is not a finite number")]
    NotFinite(usize),
    /// A probability lies outside [0, 1].
    #[error("the score of image {0} is not a probability")]
    NotProbability(usize),
    /// A class number is not below the number of classes.
    #[error("class {found} of {classes} classes")]
    UnknownClass {
        /// Class found.
        found: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An attribution map is the same everywhere, or nowhere above 0.
    #[error("the map points nowhere")]
    FlatMap,
}

impl From<Undefined> for Measured {
    fn from(reason: Undefined) -> Self {
        Self::undefined(reason.to_string())
    }
}

/// A figure without interval, or the reason for which it has no value.
#[must_use]
pub fn measured(figure: Result<f64, Undefined>) -> Measured {
    figure.map_or_else(Measured::from, Measured::value)
}

/// Checks that two slices have one length.
pub(crate) fn same_length(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), Undefined> {
    if expected == found {
        Ok(())
    } else {
        Err(Undefined::Length {
            what,
            expected,
            found,
        })
    }
}

/// Checks that every score is a probability.
pub(crate) fn probabilities(scores: &[f64]) -> Result<(), Undefined> {
    match scores.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(i) => Err(Undefined::NotProbability(i)),
    }
}
