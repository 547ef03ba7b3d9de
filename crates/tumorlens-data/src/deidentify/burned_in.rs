//! Signs that text may be burned into the pixels. Nothing here looks at pixels: that a file shows no sign proves nothing,
//! and so nothing is ever written of it.

use crate::format::dicom::data_set::DataSet;
use crate::format::dicom::tag::{self, Tag};

/// Bits of the pixels that hold an overlay (PS3.3 C.9.2, retired).
const OVERLAY_BIT_POSITION: u16 = 0x0102;

/// Classes whose images are made for reading, with text in them: secondary captures and ultrasound.
const CLASSES: [&str; 7] = [
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.6.2",
    "1.2.840.10008.5.1.4.1.1.6.3",
];

/// Why pixels may show who it is; `None` when nothing says so.
pub(super) fn sign(set: &DataSet<'_>) -> Option<&'static str> {
    let is = |tag: Tag, words: &[&str]| set.texts(tag).iter().any(|t| words.contains(&t.as_str()));
    if set
        .text(tag::BURNED_IN_ANNOTATION)
        .is_some_and(|said| said != "NO")
    {
        return Some("says that text is burned into its pixels");
    }
    let class = set.text(tag::SOP_CLASS_UID).unwrap_or_default();
    // The multi-frame classes lie below that of the secondary capture.
    if CLASSES.contains(&class.as_str()) || class.starts_with("1.2.840.10008.5.1.4.1.1.7.") {
        return Some("is a secondary capture or an ultrasound image, which often show text");
    }
    if is(tag::MODALITY, &["US", "IVUS", "SC"]) || set.text(tag::CONVERSION_TYPE).is_some() {
        return Some("was captured from a screen, film or video");
    }
    let shown = set.text(tag::IMAGE_TYPE).unwrap_or_default();
    if ["SCREEN", "CAPTURE"].iter().any(|w| shown.contains(w)) {
        return Some("is a picture of a screen");
    }
    let in_pixels = (0x6000..=0x60FE)
        .step_by(2)
        .any(|group| set.shorts(Tag(group, OVERLAY_BIT_POSITION)).first() > Some(&0));
    in_pixels.then_some("has an overlay in spare bits of its pixels")
}
