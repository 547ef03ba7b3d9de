//! What results are told apart by, beside the source: how the image was taken, its size and that of the lesion.

use std::collections::BTreeMap;
use tumorlens_core::Mask;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::format::raster::mask::decode_mask_file;
use tumorlens_data::limits::Limits;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::slice::Volumes;

/// Tag of the longer side of the image.
const IMAGE: &str = "longer side";
/// Tag of the outlined share of the image, so named that levels sort by size; on images with outlined lesions only.
pub(crate) const LESION: &str = "lesion area";

/// Tags of one image. A file that cannot be read has none: whoever reads it for its content says so.
pub(crate) fn of(
    dataset: &Dataset,
    row: &ManifestRow,
    volumes: &Volumes,
) -> BTreeMap<String, String> {
    let limits = Limits::default();
    let acquisition = row.acquisition();
    let known = acquisition.known();
    let mut tags: BTreeMap<String, String> = known
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if let Ok(slice) = volumes.read(&dataset.file(row), &limits) {
        let image = slice.image;
        let side = image.width().max(image.height());
        tags.insert(IMAGE.to_owned(), side_level(side).to_owned());
    }
    let mask = dataset
        .mask_file(row)
        .and_then(|file| decode_mask_file(&file, &limits).ok());
    if let Some(level) = mask.as_ref().and_then(lesion_level) {
        tags.insert(LESION.to_owned(), level.to_owned());
    }
    tags
}

fn side_level(side: usize) -> &'static str {
    match side {
        0..256 => "0 to 255 px",
        256..512 => "256 to 511 px",
        _ => "512 px and more",
    }
}

/// `None` without a lesion.
fn lesion_level(mask: &Mask) -> Option<&'static str> {
    let share = mask.area() as f64 / mask.values().len().max(1) as f64;
    match share {
        0.0 => None,
        s if s < 0.01 => Some("0 to 1 %"),
        s if s < 0.04 => Some("1 to 4 %"),
        _ => Some("4 % and more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Size;

    #[test]
    fn an_empty_outline_is_no_lesion_and_the_levels_meet() {
        let size = Size {
            width: 20,
            height: 10,
        };
        let of = |lit: usize| Mask::from_fn(size, |x, y| y * 20 + x < lit);
        assert_eq!(lesion_level(&of(0)), None);
        assert_eq!(lesion_level(&of(1)), Some("0 to 1 %"));
        assert_eq!(lesion_level(&of(2)), Some("1 to 4 %"));
        assert_eq!(lesion_level(&of(8)), Some("4 % and more"));
        assert_eq!(side_level(255), "0 to 255 px");
        assert_eq!(side_level(512), "512 px and more");
    }
}
