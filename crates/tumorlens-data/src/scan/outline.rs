//! Which files are outlines, and of which image.
//!
//! A picture is an outline when it lies in a folder called `mask`, `masks`, `outline`, `outlines`, `segmentation` or
//! `segmentations`, or when its name ends in `_mask` and the picture without it lies beside. It belongs to the image
//! at the same place without the mask folder and without `_mask`, whatever the extensions; failing that, to the only
//! image of that name anywhere below the root.

use crate::label_table::normalise;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Images and outlines of one walk.
pub(super) struct Outlines {
    /// Full path, path below the root, outline.
    pub(super) images: Vec<(PathBuf, PathBuf, Option<PathBuf>)>,
    /// Outlines that belong to no image, or to more than one.
    pub(super) unmatched: Vec<PathBuf>,
}

/// A place without extension: folders below the root, stem.
type Key = (PathBuf, PathBuf);

/// Sets outlines apart from images and joins them.
pub(super) fn join(files: Vec<(PathBuf, PathBuf)>) -> Outlines {
    let beside: BTreeMap<Key, usize> = files
        .iter()
        .enumerate()
        .map(|(i, (_, relative))| (key(relative), i))
        .collect();
    let is_outline = |relative: &Path| {
        in_mask_folder(relative)
            || without_suffix(&key(relative)).is_some_and(|k| beside.contains_key(&k))
    };
    let (outlines, images): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|(_, relative)| is_outline(relative));

    let mut images: Vec<_> = images
        .into_iter()
        .map(|(path, relative)| (path, relative, None))
        .collect();
    let mut by_place: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut by_stem: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (i, (_, relative, _)) in images.iter().enumerate() {
        let key = key(relative);
        by_stem.entry(key.1.clone()).or_default().push(i);
        by_place.entry(key).or_default().push(i);
    }
    let mut unmatched = Vec::new();
    for (path, relative) in outlines {
        let place = target(&relative);
        let candidates = by_place.get(&place).or_else(|| by_stem.get(&place.1));
        match candidates.map(Vec::as_slice) {
            Some([only]) if images[*only].2.is_none() => images[*only].2 = Some(path),
            _ => unmatched.push(path),
        }
    }
    Outlines { images, unmatched }
}

fn key(relative: &Path) -> Key {
    let folder = relative.parent().unwrap_or(Path::new("")).to_owned();
    // Of x.nii.gz the stem is x.
    let mut stem = PathBuf::from(relative.file_stem().unwrap_or_default());
    if stem.extension().is_some_and(|e| e == "nii" || e == "hdr") {
        stem.set_extension("");
    }
    (folder, stem)
}

/// Where the image of an outline is expected.
fn target(relative: &Path) -> Key {
    let (folder, stem) = key(relative);
    let folder = folder.components().filter(|c| !names_masks(c)).collect();
    let key = (folder, stem);
    without_suffix(&key).unwrap_or(key)
}

fn without_suffix((folder, stem): &Key) -> Option<Key> {
    let stem = stem.to_str()?.strip_suffix("_mask")?;
    Some((folder.clone(), PathBuf::from(stem)))
}

fn in_mask_folder(relative: &Path) -> bool {
    relative
        .parent()
        .is_some_and(|p| p.components().any(|c| names_masks(&c)))
}

fn names_masks(component: &Component) -> bool {
    let Component::Normal(name) = component else {
        return false;
    };
    let names = [
        "mask",
        "masks",
        "outline",
        "outlines",
        "segmentation",
        "segmentations",
    ];
    name.to_str()
        .is_some_and(|n| names.contains(&normalise(n).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[&str]) -> (Vec<String>, usize) {
        let outlines = join(
            files
                .iter()
                .map(|f| (PathBuf::from(f), PathBuf::from(f)))
                .collect(),
        );
        let text = |(path, _, mask): &(PathBuf, PathBuf, Option<PathBuf>)| {
            format!(
                "{} {}",
                path.display(),
                mask.as_deref().unwrap_or(Path::new("-")).display()
            )
        };
        (
            outlines.images.iter().map(text).collect(),
            outlines.unmatched.len(),
        )
    }

    #[test]
    fn outlines_are_found_in_a_mask_folder_and_beside_the_image() {
        let files = [
            "masks/y0.png",
            "yes/y0.jpg",
            "yes/y1.jpg",
            "yes/y1_mask.tif",
            "no/n_mask.png",
        ];
        let expected = [
            "yes/y0.jpg masks/y0.png",
            "yes/y1.jpg yes/y1_mask.tif",
            "no/n_mask.png -",
        ];
        assert_eq!(joined(&files), (expected.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn an_outline_that_could_belong_to_two_images_belongs_to_none() {
        let files = [
            "masks/1.png",
            "no/1.jpg",
            "yes/1.jpg",
            "masks/yes/2.png",
            "yes/2.jpg",
            "no/2.jpg",
        ];
        let expected = [
            "no/1.jpg -",
            "yes/1.jpg -",
            "yes/2.jpg masks/yes/2.png",
            "no/2.jpg -",
        ];
        assert_eq!(joined(&files), (expected.map(str::to_owned).to_vec(), 1));
    }
}
