//! One network, from first or given weights to its last epoch.

use crate::config::RunConfig;
use std::path::Path;
use tumorlens_core::{ClassSet, Observer};
use tumorlens_data::source::DatasetSource;
use tumorlens_nn::graph::Graph;
use tumorlens_nn::train::{self, AfterEpoch, Job, Outcome, Start, Teacher};
use tumorlens_nn::weights::Weights;
use tumorlens_nn::weights::transfer::{Frozen, TransferOptions, copy_into, load_into};

/// What a network learns from, how, and where its files go.
pub(crate) struct Learning<'a> {
    pub(crate) classes: &'a ClassSet,
    pub(crate) graph: &'a Graph,
    pub(crate) train: &'a DatasetSource,
    pub(crate) validation: &'a DatasetSource,
    pub(crate) config: &'a RunConfig,
    pub(crate) teacher: Option<&'a Teacher>,
    pub(crate) folder: &'a Path,
    pub(crate) start: Start,
}

impl Learning<'_> {
    /// Trains it.
    ///
    /// # Errors
    /// When weights or stages of the configuration do not fit, or training fails.
    pub(crate) fn fit(
        &self,
        observer: &dyn Observer,
        after_epoch: &AfterEpoch<'_>,
    ) -> anyhow::Result<Outcome> {
        let (graph, config) = (self.graph, self.config);
        let mut initial = Weights::initial(graph, config.train.seed.derive("weights"));
        if let Some(file) = &config.start.init {
            let options = TransferOptions::default();
            let report = if file.is_dir() || file.extension().is_some_and(|e| e == "tumorlens") {
                let other = crate::model::load(Some(file))?;
                let name = &other.card.name;
                copy_into(graph, &mut initial, &other.weights, name, options)?
            } else {
                load_into(graph, &mut initial, file, options)?
            };
            observer.say(&report.to_string());
        }
        let frozen = Frozen::new(graph, &config.start.freeze)?;
        Ok(train::fit(&Job {
            graph,
            initial: &initial,
            train: self.train,
            validation: self.validation,
            classes: self.classes,
            config: &config.train,
            teacher: self.teacher,
            folder: self.folder,
            start: self.start,
            device: config.device.0,
            frozen: &|name| frozen.contains(name),
            observer,
            after_epoch,
        })?)
    }
}
