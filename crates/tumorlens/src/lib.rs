//! Finds brain tumors in MRI images with convolutional networks and shows what it saw: the library.
//!
//! The whole way through, from a folder of pictures to a call, in the words of the crates that this one gathers:
//!
//! 1. [`data::prepare`] scans folders or CSV files, finds copies of one slice, groups and splits.
//! 2. [`data::audit`] counts leaks and measures shortcuts.
//! 3. [`nn::model::ModelConfig`] becomes a [`nn::graph::Graph`]; [`nn::train::fit`] trains it.
//! 4. [`nn::bundle::Decision`] calibrates on validation images; [`stats::evaluation::evaluate`] measures on test images.
//! 5. [`nn::explain::attribute`] shows what a call rests on.
//! 6. [`nn::bundle::Bundle`] keeps all that is needed to use the model; [`nn::predict::Predictor`] uses it.
//! 7. [`report::render`] writes it down.
//!
//! Judging a picture with a bundle:
//!
//! ```no_run
//! use tumorlens::core::Classifier;
//! use tumorlens::data::{format::raster::decode_file, limits::Limits, transform};
//! use tumorlens::nn::{bundle::Bundle, device::DeviceChoice, predict::Predictor};
//!
//! let bundle = Bundle::load("model.tumorlens".as_ref())?;
//! let model = Predictor::new(bundle, DeviceChoice::Cpu)?;
//! let picture = decode_file("slice.png".as_ref(), &Limits::default())?;
//! let prepared = transform::prepare(&picture.image, model.preprocess())?;
//! let input = transform::to_input(&prepared.values, model.preprocess());
//! for judgement in model.judge(&[&input])? {
//!     println!("{} ({:.3})", judgement.label, judgement.probability.get());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For research use only. Not a medical device.
#![forbid(unsafe_code)]

pub use tumorlens_core as core;
pub use tumorlens_data as data;
pub use tumorlens_nn as nn;
pub use tumorlens_report as report;
pub use tumorlens_stats as stats;
