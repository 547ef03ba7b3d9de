//! Rows of a manifest as prepared samples.

use crate::draw::Draw;
use crate::format::raster::mask::{decode_mask_file, fit_mask};
use crate::limits::Limits;
use crate::manifest::ManifestRow;
use crate::scan::path_text::from_text;
use crate::slice::Volumes;
use crate::transform::augment::AugmentError;
use crate::transform::exchange::{Exchange, ExchangeError, Outlined};
use crate::transform::{AugmentConfig, prepare, prepare_mask, to_input};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tumorlens_core::preprocess::SpecError;
use tumorlens_core::{
    ClassIndex, ClassSet, PreprocessSpec, Sample, SampleError, SampleInfo, SampleSource, Seed, View,
};

/// A [`DatasetSource`] cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A row whose label is no class.
    #[error("{path}: label '{label}' is not one of the classes {classes}")]
    UnknownLabel {
        /// Path of the row.
        path: String,
        /// Its label.
        label: String,
        /// The classes, separated by commas.
        classes: String,
    },
    /// The preprocessing is out of range.
    #[error(transparent)]
    Preprocess(#[from] SpecError),
    /// The augmentation is out of range.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// The exchange of lesions is out of range.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// Lesions are exchanged, but no class says that there are none.
    #[error("lesions can be exchanged between two classes only, one of which has none")]
    NoNegative,
}

/// Images of a dataset, prepared on demand.
///
/// Files are decoded and prepared once; the small result is kept until the memory limit of the cache is reached, later
/// images are then prepared anew each time. Neither the cache nor the thread that asks changes a byte of what is
/// loaded. Augmentation is never kept.
#[derive(Debug)]
pub struct DatasetSource {
    folder: PathBuf,
    entries: Vec<Entry>,
    spec: PreprocessSpec,
    augment: AugmentConfig,
    /// The class without lesion, where lesions are exchanged.
    negative: Option<ClassIndex>,
    exchange: Exchange,
    /// Images whose outline is known and not empty.
    donors: Vec<usize>,
    cache_limit: usize,
    cache_used: AtomicUsize,
    volumes: Volumes,
}

/// Memory that prepared images may take unless [`DatasetSource::with_cache_limit`] says otherwise: 1 GiB, enough for
/// some 13,000 images of 128 x 128 with outlines.
pub const DEFAULT_CACHE_LIMIT: usize = 1 << 30;

#[derive(Debug)]
struct Entry {
    info: SampleInfo,
    /// Path of the outline as the manifest has it; empty when there is none.
    mask: String,
    is_negative: bool,
    prepared: OnceLock<Prepared>,
}

/// What is kept of one image: values in [0, 1] before augmentation and normalisation.
#[derive(Clone, Debug)]
struct Prepared {
    values: Vec<f32>,
    /// 0 or 1 a pixel; `None` where no outline is known, and also where it is known to be empty.
    mask: Option<Vec<u8>>,
}

impl Prepared {
    fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice()) + self.mask.as_ref().map_or(0, Vec::len)
    }
}

/// Values, outline and class of an image after the exchange of lesions.
type Exchanged = (Vec<f32>, Option<Vec<f32>>, ClassIndex);

impl DatasetSource {
    /// A source over some rows of a manifest, in their order. Paths are relative to `folder`. Files are not opened yet.
    ///
    /// # Errors
    /// When a label is not among the classes, or a specification is out of range.
    pub fn new<'a>(
        folder: &Path,
        rows: impl IntoIterator<Item = &'a ManifestRow>,
        classes: &ClassSet,
        spec: &PreprocessSpec,
        augment: &AugmentConfig,
    ) -> Result<Self, SourceError> {
        spec.check()?;
        augment.check()?;
        let entries = rows.into_iter().map(|row| Entry::new(row, classes));
        Ok(Self {
            folder: folder.to_owned(),
            entries: entries.collect::<Result<_, _>>()?,
            spec: spec.clone(),
            augment: augment.clone(),
            negative: classes.negative(),
            exchange: Exchange::default(),
            donors: Vec::new(),
            cache_limit: DEFAULT_CACHE_LIMIT,
            cache_used: AtomicUsize::new(0),
            volumes: Volumes::default(),
        })
    }

    /// The same with another limit on the memory of the cache, in bytes; 0 keeps nothing.
    #[must_use]
    pub fn with_cache_limit(mut self, bytes: usize) -> Self {
        self.cache_limit = bytes;
        self
    }

    /// The same with lesions exchanged between the images of [`View::Augmented`].
    ///
    /// # Errors
    /// When a probability is out of range, or no class is without lesion.
    pub fn with_exchange(mut self, exchange: Exchange) -> Result<Self, SourceError> {
        exchange.check()?;
        if exchange.is_off() {
            return Ok(self);
        }
        if self.negative.is_none() {
            return Err(SourceError::NoNegative);
        }
        let outlined =
            |i: &usize| !self.entries[*i].mask.is_empty() && !self.entries[*i].is_negative;
        self.donors = (0..self.entries.len()).filter(outlined).collect();
        self.exchange = exchange;
        Ok(self)
    }

    /// The preprocessing of every image.
    #[must_use]
    pub fn spec(&self) -> &PreprocessSpec {
        &self.spec
    }

    /// The augmentation of [`View::Augmented`].
    #[must_use]
    pub fn augment(&self) -> &AugmentConfig {
        &self.augment
    }

    /// The values of an image in [0, 1], `[size, size]`: prepared, not normalised.
    ///
    /// # Errors
    /// When there is no such image, or its file cannot be read or decoded.
    pub fn prepared_values(&self, index: usize) -> Result<Vec<f32>, SampleError> {
        self.prepared(self.entry(index)?).map(|p| p.values)
    }

    fn entry(&self, index: usize) -> Result<&Entry, SampleError> {
        self.entries.get(index).ok_or_else(|| SampleError {
            path: format!("image {index}"),
            reason: format!("there are only {} images", self.entries.len()),
        })
    }

    /// The prepared image, from the cache or its file.
    fn prepared(&self, entry: &Entry) -> Result<Prepared, SampleError> {
        if let Some(kept) = entry.prepared.get() {
            return Ok(kept.clone());
        }
        let prepared = self.decode(entry)?;
        let bytes = prepared.bytes();
        let reserved = self
            .cache_used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes)
                    .filter(|total| *total <= self.cache_limit)
            });
        if reserved.is_ok() && entry.prepared.set(prepared.clone()).is_err() {
            // Another thread was faster with the same image.
            self.cache_used.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(prepared)
    }

    /// An image after the exchange of lesions: its values, its outline and its class.
    fn exchanged(
        &self,
        entry: &Entry,
        values: Vec<f32>,
        mask: Option<Vec<f32>>,
        seed: Seed,
    ) -> Result<Exchanged, SampleError> {
        let label = entry.info.label;
        // What lies inside an unknown outline cannot be exchanged.
        let (false, Some(negative), Some(mask)) = (self.exchange.is_off(), self.negative, &mask)
        else {
            return Ok((values, mask, label));
        };
        let side = self.spec.size;
        let mut image = Outlined {
            values,
            mask: mask.clone(),
            side,
        };
        if image.has_lesion() == (label == negative) {
            // The outline contradicts the label, or the crop left nothing of it.
            return Ok((image.values, Some(image.mask), label));
        }
        let mut draw = Draw::new(seed.derive("exchange"));
        let (change, cut) = (draw.unit() as f32, draw.chance(self.exchange.cut));
        if !image.has_lesion() && change < self.exchange.paste && !self.donors.is_empty() {
            let donor = &self.entries[self.donors[draw.below(self.donors.len())]];
            let Prepared { values, mask } = self.prepared(donor)?;
            let mask = mask
                .unwrap_or_default()
                .into_iter()
                .map(f32::from)
                .collect();
            image.paste(&Outlined { values, mask, side }, &mut draw);
        } else if image.has_lesion() && change < self.exchange.heal {
            image.heal();
        }
        if cut {
            image.cut(&mut draw);
        }
        let label = match image.has_lesion() {
            true => ClassIndex(1 - negative.0),
            false => negative,
        };
        Ok((image.values, Some(image.mask), label))
    }

    fn decode(&self, entry: &Entry) -> Result<Prepared, SampleError> {
        let failed = |path: &str, reason: &dyn std::fmt::Display| SampleError {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        let path = &entry.info.path;
        let image = self
            .volumes
            .read(&self.folder.join(from_text(path)), &Limits::default())
            .map_err(|e| failed(path, &e))?
            .image;
        let prepared = prepare(&image, &self.spec).map_err(|e| failed(path, &e))?;
        let mask = if entry.mask.is_empty() {
            None
        } else {
            let file = self.folder.join(from_text(&entry.mask));
            let outline =
                decode_mask_file(&file, &Limits::default()).map_err(|e| failed(&entry.mask, &e))?;
            let outline = fit_mask(&outline, image.size())
                .ok_or_else(|| failed(&entry.mask, &"has another shape than its image"))?;
            let outline = prepare_mask(&outline, &prepared.placement);
            let outline = outline.map_err(|e| failed(&entry.mask, &e))?;
            Some(outline.into_iter().map(|v| u8::from(v > 0.5)).collect())
        };
        Ok(Prepared {
            values: prepared.values,
            mask,
        })
    }
}

impl Entry {
    fn new(row: &ManifestRow, classes: &ClassSet) -> Result<Self, SourceError> {
        let label: ClassIndex =
            classes
                .find(&row.label)
                .ok_or_else(|| SourceError::UnknownLabel {
                    path: row.path.clone(),
                    label: row.label.clone(),
                    classes: classes.names().join(", "),
                })?;
        let is_negative = classes.negative() == Some(label);
        Ok(Self {
            info: SampleInfo {
                path: row.path.clone(),
                group: row.unit().to_owned(),
                source: row.source.clone(),
                label,
                has_mask: is_negative || !row.mask.is_empty(),
            },
            mask: row.mask.clone(),
            is_negative,
            prepared: OnceLock::new(),
        })
    }
}

impl SampleSource for DatasetSource {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn info(&self, index: usize) -> &SampleInfo {
        &self.entries[index].info
    }

    fn shape(&self) -> [usize; 3] {
        self.spec.input_shape()
    }

    fn load(&self, index: usize, view: View) -> Result<Sample, SampleError> {
        let entry = self.entry(index)?;
        let Prepared { mut values, mask } = self.prepared(entry)?;
        let mut mask: Option<Vec<f32>> = match mask {
            Some(mask) => Some(mask.into_iter().map(f32::from).collect()),
            None => entry.is_negative.then(|| vec![0.0; values.len()]),
        };
        let mut label = entry.info.label;
        if let View::Augmented(seed) = view {
            let drawn = mask.take();
            (values, mask, label) = self.exchanged(entry, values, drawn, seed)?;
            let params = self.augment.draw(seed);
            params.apply(&mut values, mask.as_deref_mut(), self.spec.size);
        }
        Ok(Sample {
            input: to_input(&values, &self.spec),
            mask,
            label,
            index,
        })
    }
}
