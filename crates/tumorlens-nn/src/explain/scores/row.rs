//! One row of the table: a method, or a reference that knows nothing of the network.

use super::curve::{Curves, curves, mean_curve};
use super::mean::mean;
use super::sanity::check;
use super::{ExplainError, Method, MethodScores, OutlinedImage, Sanity, ScoreOptions, attribute};
use crate::explain::question::Question;
use crate::network::Network;
use rand::RngExt;
use tumorlens_core::{Attribution, ClassIndex, ClassSet, MapLine, Measured};
use tumorlens_stats::bootstrap::Resampling;
use tumorlens_stats::faithfulness::{
    Cut, Localised, Outlined, PerturbationCurve, SizeBins, best_cut, centre_prior,
    localisation_table,
};
use tumorlens_stats::groups::Groups;

/// The list that every row is scored on.
pub(super) struct Judge<'a> {
    pub(super) network: &'a Network,
    pub(super) classes: &'a ClassSet,
    pub(super) target: ClassIndex,
    /// Each with an outline that holds some of its pixels, not all.
    pub(super) images: &'a [OutlinedImage<'a>],
    pub(super) options: &'a ScoreOptions,
}

impl Judge<'_> {
    /// The row of a method.
    pub(super) fn method(
        &self,
        method: Method,
        strangers: &[Network],
    ) -> Result<MethodScores, ExplainError> {
        let maps: Vec<Attribution> = self
            .images
            .iter()
            .map(|image| self.map(self.network, image, method))
            .collect::<Result<_, _>>()?;
        let sanity = check(self, method, &maps, strangers)?;
        let layer = maps
            .first()
            .map_or_else(String::new, |map| map.layer.clone());
        // Only the logits of an evidence map mean the same in all images.
        let like = if method == Method::Evidence {
            Cut::Line(MapLine {
                threshold: 0.0,
                share: 0.0,
            })
        } else {
            Cut::ShareOfMaximum(0.5)
        };
        let maps: Vec<Vec<f32>> = maps.into_iter().map(|map| map.values).collect();
        Ok(MethodScores {
            layer,
            sanity,
            ..self.row(&method.to_string(), &maps, like)?
        })
    }

    /// The row of independent uniform noise.
    pub(super) fn random(&self) -> Result<MethodScores, ExplainError> {
        let [_, height, width] = self.network.graph().input;
        let seed = self.options.seed.derive("random");
        let noise = |image: usize| {
            let mut rng = seed.index(image as u64).rng();
            (0..height * width).map(|_| rng.random()).collect()
        };
        let maps: Vec<Vec<f32>> = (0..self.images.len()).map(noise).collect();
        Ok(MethodScores {
            reference: true,
            ..self.row("random", &maps, Cut::ShareOfMaximum(0.5))?
        })
    }

    /// The row of a hill in the middle. Tumors are more often near the middle of the head than at its edge, so that
    /// pointing there is no merit.
    pub(super) fn centre(&self) -> Result<MethodScores, ExplainError> {
        let maps = vec![self.hill(); self.images.len()];
        Ok(MethodScores {
            reference: true,
            ..self.row("centre_prior", &maps, Cut::ShareOfMaximum(0.5))?
        })
    }

    /// The map of one image by this or another network.
    pub(super) fn map(
        &self,
        network: &Network,
        image: &OutlinedImage<'_>,
        method: Method,
    ) -> Result<Attribution, ExplainError> {
        let layer = self
            .options
            .layer
            .as_deref()
            .filter(|_| method.takes_layer());
        attribute(
            network,
            image.input,
            self.classes,
            self.target,
            method,
            layer,
        )
    }

    fn row(&self, name: &str, maps: &[Vec<f32>], like: Cut) -> Result<MethodScores, ExplainError> {
        let given = self.options.cut;
        let cut = match given.filter(|_| matches!(like, Cut::Line(_))) {
            Some(cut) => Ok((cut, 0.0)),
            None => best_cut(&self.outlined(maps)?, like),
        };
        let mut lesions = localisation_table(
            &self.localised(maps, cut.as_ref().map_or(like, |c| c.0))?,
            &SizeBins::default(),
            self.resampling(),
        );
        let all = lesions.remove(0);
        let curves = self.curves(maps)?;
        let deletion = || curves.iter().map(|c| &c.deletion);
        let insertion = || curves.iter().map(|c| &c.insertion);
        Ok(MethodScores {
            method: name.to_owned(),
            layer: String::new(),
            reference: false,
            pointing_nowhere: all.pointing_nowhere,
            pointing_game: all.map.pointing,
            energy_inside: all.map.energy,
            iou: all.map.iou,
            cut: cut.ok().map(|(cut, _)| cut),
            by_lesion_size: lesions,
            deletion: self.mean_area(deletion()),
            insertion: self.mean_area(insertion()),
            deletion_curve: mean_curve(deletion())?,
            insertion_curve: mean_curve(insertion())?,
            sanity: Sanity::NotRun {
                reason: "a reference does not look at the network".to_owned(),
            },
        })
    }

    fn outlined<'a>(&'a self, maps: &'a [Vec<f32>]) -> Result<Vec<Outlined<'a>>, ExplainError> {
        let [_, height, width] = self.network.graph().input;
        let each = self.images.iter().zip(maps);
        each.map(|(image, map)| Ok(Outlined::new(map, image.mask, width, height)?))
            .collect()
    }

    /// The figures of every image, beside those of what knows nothing.
    fn localised(&self, maps: &[Vec<f32>], cut: Cut) -> Result<Vec<Localised>, ExplainError> {
        let hills = vec![self.hill(); self.images.len()];
        let like = Cut::ShareOfMaximum(0.5);
        let hill_cut = best_cut(&self.outlined(&hills)?, like).map_or(like, |(cut, _)| cut);
        let outlined = self.outlined(maps)?;
        let each = outlined.iter().zip(self.images);
        Ok(each
            .map(|(outlined, image)| {
                Localised::measure(image.path, image.group, outlined, cut, hill_cut)
            })
            .collect())
    }

    fn curves(&self, maps: &[Vec<f32>]) -> Result<Vec<Curves>, ExplainError> {
        let ties = self.options.seed.derive("ties");
        let images = self.images.iter().zip(maps).take(self.options.curve_images);
        let each = images.enumerate().map(|(i, (image, map))| {
            let question = Question::new(self.network, image.input, self.classes, self.target)?;
            curves(&question, map, ties.index(i as u64))
        });
        each.collect()
    }

    fn mean_area<'a>(&self, curves: impl Iterator<Item = &'a PerturbationCurve>) -> Measured {
        let areas: Vec<f64> = curves.map(PerturbationCurve::area).collect();
        let names: Vec<&str> = self
            .images
            .iter()
            .map(|image| image.group)
            .take(areas.len())
            .collect();
        mean(&areas, &Groups::new(&names), self.resampling())
    }

    fn hill(&self) -> Vec<f32> {
        let [_, height, width] = self.network.graph().input;
        centre_prior(width, height)
    }

    fn resampling(&self) -> Resampling {
        let seed = self.options.seed.derive("explanation scores");
        Resampling {
            replicates: self.options.replicates,
            ..Resampling::seeded(seed)
        }
    }
}
