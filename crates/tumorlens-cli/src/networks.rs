//! The networks of a run: those that teach and those that are kept, each kind one network or several joined to one.

use crate::config::RunConfig;
use crate::exit_code::Stopped;
use crate::explanation::map_line;
use crate::learning::Learning;
use crate::members::side_by_side;
use crate::training::Parts;
use std::path::Path;
use std::sync::Arc;
use tumorlens_core::Observer;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::source::DatasetSource;
use tumorlens_nn::graph::Graph;
use tumorlens_nn::graph::ensemble::ensemble;
use tumorlens_nn::network::Network;
use tumorlens_nn::train::{self, Outcome, Start, Teacher, Trained};
use tumorlens_nn::weights::Weights;
use tumorlens_nn::weights::safetensors::{self, Precision};

/// What the networks of a run have in common.
pub(crate) struct Networks<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) parts: &'a Parts,
    pub(crate) train: &'a DatasetSource,
    pub(crate) validation: &'a DatasetSource,
    pub(crate) start: Start,
    pub(crate) observer: &'a dyn Observer,
}

/// Trained networks as one.
pub(crate) struct Trainees {
    pub(crate) graph: Graph,
    /// As they are stored: exactly representable in half precision.
    pub(crate) weights: Weights,
    /// How the first of them was trained.
    pub(crate) first: Trained,
}

/// How a network of a run begins in its folder: of a run that was stopped, later ones have not begun.
pub(crate) fn start_in(folder: &Path, start: Start) -> Start {
    if folder.is_dir() { start } else { Start::Fresh }
}

/// Weights as a bundle holds them.
pub(crate) fn as_stored(graph: &Graph, weights: &Weights) -> anyhow::Result<Weights> {
    let stored = safetensors::write(weights, Precision::Half)?;
    Ok(safetensors::read(stored.into(), graph)?)
}

impl Networks<'_> {
    /// Trains `members` networks in `folder` and joins them. They differ in their seed, and as far as `config.ensemble` says in
    /// how their maps are scored and point.
    ///
    /// # Errors
    /// When training fails or is stopped.
    pub(crate) fn fit(
        &self,
        config: &RunConfig,
        members: usize,
        folder: &Path,
        teacher: Option<&Teacher>,
    ) -> anyhow::Result<Trainees> {
        let input = config.preprocess.input_shape();
        let outputs = self.dataset.classes.logits();
        let own: Vec<RunConfig> = (0..members).map(|i| config.member(i)).collect();
        let graphs = own.iter().map(|own| own.model.graph(input, outputs));
        let graphs: Vec<Graph> = graphs.collect::<Result<_, _>>()?;
        let (graph, weights, first) = if let ([own], [graph]) = (&own[..], &graphs[..]) {
            let trained = self.one((own, graph), folder, teacher, self.observer)?;
            (graph.clone(), trained.weights.clone(), trained)
        } else {
            let mut trained = side_by_side("member", members, self.observer, |i, observer| {
                let mut config = own[i].clone();
                config.train.seed = config.train.seed.derive("member").derive(&i.to_string());
                let folder = folder.join(format!("member-{i}"));
                self.one((&config, &graphs[i]), &folder, teacher, observer)
            })?;
            let weights = trained.iter().map(|t| &t.weights);
            let each: Vec<(&Graph, &Weights)> = graphs.iter().zip(weights).collect();
            let (graph, weights) = ensemble(&each)?;
            (graph, weights, trained.swap_remove(0))
        };
        Ok(Trainees {
            weights: as_stored(&graph, &weights)?,
            graph,
            first,
        })
    }

    fn one(
        &self,
        (config, graph): (&RunConfig, &Graph),
        folder: &Path,
        teacher: Option<&Teacher>,
        observer: &dyn Observer,
    ) -> anyhow::Result<Trained> {
        let learning = Learning {
            classes: &self.dataset.classes,
            graph,
            train: self.train,
            validation: self.validation,
            config,
            teacher,
            folder,
            start: start_in(folder, self.start),
        };
        match learning.fit(observer, &train::go_on)? {
            Outcome::Finished(trained) => Ok(trained),
            _ => Err(Stopped.into()),
        }
    }

    /// Trains those that teach, where the configuration asks for them. They learn from the same images as those that are
    /// kept, so that no image that is tested is known to either.
    ///
    /// # Errors
    /// When training fails or is stopped.
    pub(crate) fn teacher(
        &self,
        config: &RunConfig,
        folder: &Path,
    ) -> anyhow::Result<Option<Teacher>> {
        let asked = config.distillation;
        if asked.teachers == 0 {
            return Ok(None);
        }
        let mut own = config.clone();
        own.train.seed = config.train.seed.derive("teacher");
        self.observer
            .say(&format!("trained first, to teach: {}", asked.teachers));
        let trained = self.fit(&own, asked.teachers, &folder.join("teacher"), None)?;
        let weights = Arc::new(trained.weights);
        let device = config.device.0.open()?;
        let network = Network::judging(trained.graph.clone(), Arc::clone(&weights), &device)?;
        let images = (self.dataset, config);
        let rows = &self.parts.validation;
        let line = map_line(images, &network, rows, self.observer)?;
        Ok(Some(Teacher::new(
            &trained.graph,
            weights,
            &self.dataset.classes,
            line,
            asked.weight,
            config.train.precision,
        )?))
    }
}
