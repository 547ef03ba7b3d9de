//! Which model: a bundle, the bundle of a run, or the built-in one.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use tumorlens_nn::bundle::{Bundle, BundleError};
use tumorlens_nn::precision::Precision;
use tumorlens_nn::predict::Predictor;

/// Name of the bundle in a run's folder.
pub(crate) const BUNDLE: &str = "model.tumorlens";

/// Trained on open data; its card says on what, and how far it carries.
const BUILT_IN: &[u8] = include_bytes!("../assets/builtin.tumorlens");

/// The name that its hash gives it, known in advance so that no program start has to compute it.
const BUILT_IN_NAME: &str = "tumorlens-built-in-be271b7a";

/// Loads a bundle from a file or a run's folder; without a path the built-in one.
pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Bundle> {
    load_named(path).map(|(bundle, _)| bundle)
}

/// As [`load`], with the bundle's name and hash.
pub(crate) fn load_named(path: Option<&Path>) -> anyhow::Result<(Bundle, String)> {
    match path {
        None => {
            let bundle = Bundle::embedded(BUILT_IN).context("built-in model")?;
            Ok((bundle, BUILT_IN_NAME.to_owned()))
        }
        Some(_) => load_checked(path),
    }
}

/// As [`load_named`], with the hashes of the built-in bundle checked as well.
pub(crate) fn load_checked(path: Option<&Path>) -> anyhow::Result<(Bundle, String)> {
    match path {
        None => Bundle::named_from_bytes(BUILT_IN).context("built-in model"),
        Some(path) => {
            let file = file(path)?;
            Bundle::load_named(&file).map_err(|error| match error {
                // It names its file itself.
                error @ BundleError::Io { .. } => error.into(),
                error => anyhow::Error::new(error).context(file.display().to_string()),
            })
        }
    }
}

/// The bundle's file: the path itself, or the one in a run's folder.
fn file(path: &Path) -> anyhow::Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let inside = path.join(BUNDLE);
    if !inside.is_file() {
        bail!(
            "{}: the folder holds no {BUNDLE}; has the run finished?",
            path.display()
        );
    }
    Ok(inside)
}

/// The precision that a network is judged in where this one is asked for; `say` is told where it is another.
pub(crate) fn precision_to_judge(
    asked: &str,
    device: &str,
    say: impl FnOnce(&str),
) -> anyhow::Result<Precision> {
    let asked = asked.parse::<Precision>()?;
    asked.check(device.parse()?)?;
    let judged = asked.for_judging();
    if judged != asked {
        say(
            "this processor has no products of 16 bits: judging in f32, which is faster and more exact",
        );
    }
    Ok(judged)
}

/// Loads a model and puts it on a device.
pub(crate) fn predictor(
    path: Option<&Path>,
    device: &str,
    precision: Precision,
) -> anyhow::Result<Predictor> {
    let device = device.parse::<tumorlens_nn::device::DeviceChoice>()?;
    let (bundle, name) = load_named(path)?;
    Ok(Predictor::named_in(precision, bundle, name, device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_of_this_version_has_the_name_that_it_would_get_when_written_again() {
        let (bundle, name) = load_checked(None).unwrap();
        assert_eq!(bundle.identity().unwrap(), name);
        assert_eq!(name, BUILT_IN_NAME);
    }
}
