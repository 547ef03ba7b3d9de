//! A run's configuration; one that is accepted is written and read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_core::PreprocessSpec;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_data::transform::exchange::Exchange;
use tumorlens_nn::model::ModelConfig;
use tumorlens_nn::train::TrainConfig;

fuzz_target!(|text: &str| {
    let Ok(table) = text.parse::<toml::Table>() else {
        return;
    };
    let part = |name: &str| {
        table
            .get(name)
            .cloned()
            .unwrap_or(toml::Value::Table(toml::Table::new()))
    };
    if let Ok(train) = part("train").try_into::<TrainConfig>() {
        let _ = train.check(2);
        let written = toml::to_string(&train).map(|t| toml::from_str::<TrainConfig>(&t));
        if let Ok(read) = written {
            assert!(read.is_ok());
        }
    }
    let _ = part("augment").try_into::<AugmentConfig>();
    let _ = part("exchange").try_into::<Exchange>();
    if let Ok(spec) = part("preprocess").try_into::<PreprocessSpec>() {
        let _ = spec.check();
    }
    if let Ok(model) = part("model").try_into::<ModelConfig>() {
        if let Ok(graph) = model.graph([1, 64, 64], 1) {
            let _ = graph.shapes();
        }
    }
});
