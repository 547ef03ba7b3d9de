//! Weight randomisation (Adebayo et al. 2018, "Sanity checks for saliency maps", <https://arxiv.org/abs/1810.03292>):
//! the map of a network that knows nothing must not look like the map of the trained one.
//!
//! All layers are drawn anew at once, the end of the paper's cascade. Maps are compared by the size of Spearman's rank
//! correlation over pixels, because a random network may turn a map over and still show nothing but the image.

use super::row::Judge;
use super::{ExplainError, Method, Sanity};
use crate::network::Network;
use crate::weights::Weights;
use tumorlens_core::{Attribution, Seed};
use tumorlens_stats::faithfulness::rank_correlation;

/// Networks with random weights.
const DRAWS: u64 = 3;

/// Mean size of the rank correlation from which on a method fails: the new map then holds about half of the
/// variance of the old map's ranks.
pub const SANITY_THRESHOLD: f64 = 0.7;

/// The same architecture with weights as before training, drawn [`DRAWS`] times.
pub(super) fn strangers(network: &Network, seed: Seed) -> Result<Vec<Network>, ExplainError> {
    let graph = network.graph();
    let device = network.device().clone().without_autodiff();
    let stranger = |draw| {
        let weights = Weights::initial(graph, seed.index(draw));
        Ok(Network::new(graph.clone(), &weights, &device, None)?)
    };
    (0..DRAWS).map(stranger).collect()
}

/// Compares the maps of the first images with those of the strangers. Pairs with a map that is the same everywhere,
/// as when a random network rectifies all of it away, have no correlation and are left out.
pub(super) fn check(
    judge: &Judge<'_>,
    method: Method,
    maps: &[Attribution],
    strangers: &[Network],
) -> Result<Sanity, ExplainError> {
    let mut sizes = Vec::new();
    for stranger in strangers {
        for (image, map) in judge
            .images
            .iter()
            .zip(maps)
            .take(judge.options.sanity_images)
        {
            let other = judge.map(stranger, image, method)?;
            sizes.extend(
                rank_correlation(&map.values, &other.values)
                    .ok()
                    .map(f64::abs),
            );
        }
    }
    if sizes.is_empty() {
        let reason = "no image had a map by the trained and by a random network".to_owned();
        return Ok(Sanity::NotRun { reason });
    }
    let similarity = sizes.iter().sum::<f64>() / sizes.len() as f64;
    Ok(if similarity < SANITY_THRESHOLD {
        Sanity::Pass { similarity }
    } else {
        Sanity::Fail { similarity }
    })
}
