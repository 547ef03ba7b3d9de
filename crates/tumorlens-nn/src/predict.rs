//! A bundle ready for use: the [`Classifier`] that the command line and a server ask.

use crate::bundle::{Bundle, BundleError};
use crate::device::{DeviceChoice, DeviceError};
use crate::explain::{self, Method};
use crate::network::{DeviceFailure, Network};
use crate::precision::Precision;
use tumorlens_core::{
    Attribution, ClassSet, Classifier, ClassifyError, Judgement, MapLine, PreprocessSpec,
};

/// Images that go through the network at once.
const BATCH: usize = 32;

/// A bundle on a device.
#[derive(Debug)]
pub struct Predictor {
    bundle: Bundle,
    network: Network,
    name: String,
    method: Method,
}

/// A predictor cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// The bundle is not usable.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The device is not usable.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl Predictor {
    /// Puts a bundle on a device.
    ///
    /// # Errors
    /// When the device is not compiled in or the bundle's weights do not fit its architecture.
    pub fn new(bundle: Bundle, device: DeviceChoice) -> Result<Self, PredictorError> {
        let name = bundle.identity()?;
        Self::named(bundle, name, device)
    }

    /// As [`Self::new`] on a bundle whose name is known from its reading.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn named(
        bundle: Bundle,
        name: String,
        device: DeviceChoice,
    ) -> Result<Self, PredictorError> {
        Self::named_in(Precision::F32, bundle, name, device)
    }

    /// As [`Self::named`], in a precision. Temperature and thresholds of a bundle were fitted in single precision; in 16 bits
    /// a probability near a threshold may fall on its other side.
    ///
    /// # Errors
    /// As [`Self::new`]; and when the device has no such precision.
    pub fn named_in(
        precision: Precision,
        bundle: Bundle,
        name: String,
        device: DeviceChoice,
    ) -> Result<Self, PredictorError> {
        precision.check(device)?;
        let network = bundle.network_in(precision, &device.open()?);
        let network = network.map_err(BundleError::from)?;
        let method = Method::default_for(&bundle.graph);
        Ok(Self {
            bundle,
            network,
            name,
            method,
        })
    }

    /// Judges also what is unlike the images that the model knows.
    #[must_use]
    pub fn unguarded(mut self) -> Self {
        self.bundle.familiarity = None;
        self
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The network, for explanations beyond the default.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    fn check(&self, input: &[f32]) -> Result<(), ClassifyError> {
        let expected = self.bundle.graph.input.iter().product();
        if input.len() != expected {
            return Err(ClassifyError::Shape {
                found: input.len(),
                expected,
            });
        }
        if input.iter().any(|v| !v.is_finite()) {
            return Err(ClassifyError::NotFinite("a value of the input"));
        }
        Ok(())
    }
}

impl Classifier for Predictor {
    fn name(&self) -> &str {
        &self.name
    }

    fn classes(&self) -> &ClassSet {
        &self.bundle.card.classes
    }

    fn preprocess(&self) -> &PreprocessSpec {
        &self.bundle.preprocess
    }

    fn map_line(&self) -> Option<MapLine> {
        self.bundle.decision.map_line()
    }

    fn judge(&self, inputs: &[&[f32]]) -> Result<Vec<Judgement>, ClassifyError> {
        let mut judgements = Vec::with_capacity(inputs.len());
        for chunk in inputs.chunks(BATCH) {
            for input in chunk {
                self.check(input)?;
            }
            let failed = |e: DeviceFailure| ClassifyError::Model(e.to_string());
            for answer in self.network.answers(chunk.concat()).map_err(failed)? {
                let judged = self.bundle.judge(&answer);
                judgements.push(judged.ok_or(ClassifyError::NotFinite("a logit"))?);
            }
        }
        Ok(judgements)
    }

    fn explain(&self, input: &[f32]) -> Result<Attribution, ClassifyError> {
        self.check(input)?;
        let classes = self.classes();
        explain::attribute(
            &self.network,
            input,
            classes,
            classes.positive(),
            self.method,
            None,
        )
        .map_err(|e| ClassifyError::Model(e.to_string()))
    }
}
