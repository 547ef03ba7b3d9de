//! Built-in phantoms: procedural slices of heads with known truth.
//!
//! A head is a set of distance functions in millimetres (skin, skull, cortex with sulci, white matter, nuclei, ventricles,
//! cerebellum, brain stem, face), drawn anew for every subject and cut in any direction, so that the slices of one
//! subject share their anatomy. A lesion pushes its surroundings away and has an outline. Coil sensitivity, blur and
//! Rician noise come on top. Every head, healthy or not, may have wide ventricles, white spots of ageing or a cyst, is
//! sliced at places drawn in the same way, and is shown with the same range of brightness, so that nothing but a lesion
//! tells the classes apart. No patient is in them, and nothing that is true of them is thereby true of patients.
//!
//! Planted traps (copies in disguise, a wrong label) let tests compare what an audit finds with what is there.
//!
//! ```
//! use tumorlens_core::Seed;
//! use tumorlens_data::phantom::{PhantomSpec, generate};
//!
//! let spec = PhantomSpec { subjects: 4, size: 64, ..PhantomSpec::default() };
//! let slice = generate(&spec, Seed(1))?.next().ok_or("no slice")?;
//! assert_eq!(slice.image.size(), slice.mask.size());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anatomy;
mod dataset;
mod face;
pub(crate) mod field;
mod lesion;
mod paint;
mod plane;
mod render;
pub(crate) mod space;
mod tissue;
mod trap;

pub use dataset::{WriteError, write_dataset};
pub use lesion::LesionKind;
pub use plane::Plane;
pub use tissue::{UnknownWeighting, Weighting};
pub use trap::{Trap, TrapKind, Traps};

use crate::draw::Draw;
use anatomy::Anatomy;
use lesion::{Lesion, Target};
use plane::Grid;
use render::{Scene, render};
use serde::{Deserialize, Serialize};
use tissue::Palette;
use tumorlens_core::{GreyImage, Mask, Seed};

/// Which phantoms to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhantomSpec {
    /// Number of heads, 1 to 100,000. Default 120.
    pub subjects: usize,
    /// Slices of each head, 1 to 100. Default 4.
    pub slices: usize,
    /// Side of the pictures in pixels, 32 to 1024. Default 160.
    pub size: usize,
    /// Share of the heads that have a lesion, 0 to 1. Default 0.5. Every slice of such a head shows it.
    pub tumor_share: f32,
    /// Weightings of the slices, drawn anew for each; at least one. Default T1 with contrast agent and FLAIR, the two that
    /// show most tumors; with all four it takes more slices to learn what a lesion is.
    pub weightings: Vec<Weighting>,
    /// Planted traps.
    pub traps: Traps,
}

impl Default for PhantomSpec {
    fn default() -> Self {
        Self {
            subjects: 120,
            slices: 4,
            size: 160,
            tumor_share: 0.5,
            weightings: vec![Weighting::T1Contrast, Weighting::Flair],
            traps: Traps::default(),
        }
    }
}

/// A field of a [`PhantomSpec`] is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("phantoms: {field} is {found}, expected {expected}")]
pub struct PhantomSpecError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub found: String,
    /// Values allowed.
    pub expected: &'static str,
}

/// One picture with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct PhantomSlice {
    /// Unique name, e.g. `sub-0007_02_axial`; file names and [`Trap::original`] use it.
    pub name: String,
    /// Whole numbers from 0 to 255.
    pub image: GreyImage,
    /// The lesion; empty without one.
    pub mask: Mask,
    /// Direction of the slice.
    pub plane: Plane,
    /// Weighting of the image.
    pub weighting: Weighting,
    /// The head, e.g. `sub-0007`; also for copies.
    pub subject: String,
    /// Whether the head has a lesion.
    pub has_tumor: bool,
    /// What the lesion looks like.
    pub lesion: Option<LesionKind>,
    /// Set on planted copies.
    pub trap: Option<Trap>,
}

impl PhantomSlice {
    /// Name of the class that the slice is filed under: the true one, but for a planted label conflict.
    #[must_use]
    pub fn label(&self) -> &'static str {
        let wrong = self
            .trap
            .as_ref()
            .is_some_and(|t| t.kind == TrapKind::LabelConflict);
        if self.has_tumor == wrong {
            "no_tumor"
        } else {
            "tumor"
        }
    }
}

impl PhantomSpec {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self) -> Result<(), PhantomSpecError> {
        let error = |field, found: String, expected| {
            Err(PhantomSpecError {
                field,
                found,
                expected,
            })
        };
        if !(1..=100_000).contains(&self.subjects) {
            return error("subjects", self.subjects.to_string(), "1 to 100000");
        }
        if !(1..=100).contains(&self.slices) {
            return error("slices", self.slices.to_string(), "1 to 100");
        }
        if !(32..=1024).contains(&self.size) {
            return error("size", self.size.to_string(), "32 to 1024");
        }
        if !(0.0..=1.0).contains(&self.tumor_share) {
            return error("tumor_share", self.tumor_share.to_string(), "0 to 1");
        }
        if self.weightings.is_empty() {
            return error("weightings", "empty".to_owned(), "at least one");
        }
        let (planted, slices) = (self.traps.count(), self.subjects * self.slices);
        if planted > slices {
            return error(
                "traps",
                planted.to_string(),
                "at most as many as there are slices",
            );
        }
        Ok(())
    }

    /// Number of slices, traps included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subjects * self.slices + self.traps.count()
    }

    /// Never true of a checked specification; here because `len` is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// All slices, subject by subject, then the traps. Slices are drawn as they are asked for, and each depends on the
/// specification, the seed and its number only.
///
/// # Errors
/// When the specification is out of range.
pub fn generate(
    spec: &PhantomSpec,
    seed: Seed,
) -> Result<impl Iterator<Item = PhantomSlice> + use<>, PhantomSpecError> {
    spec.check()?;
    let spec = spec.clone();
    Ok((0..spec.len()).map(move |number| slice(&spec, seed, number)))
}

/// Slice `number` below [`PhantomSpec::len`] of a checked specification.
fn slice(spec: &PhantomSpec, seed: Seed, number: usize) -> PhantomSlice {
    let originals = spec.subjects * spec.slices;
    if number < originals {
        original(spec, seed, number / spec.slices, number % spec.slices)
    } else {
        let original_of =
            |number: usize| original(spec, seed, number / spec.slices, number % spec.slices);
        trap::plant(
            &spec.traps,
            originals,
            number - originals,
            seed,
            original_of,
        )
    }
}

fn original(spec: &PhantomSpec, seed: Seed, subject: usize, index: usize) -> PhantomSlice {
    let seed = seed.derive("phantom").index(subject as u64);
    let anatomy = Anatomy::draw(seed);
    let target = Target::draw(&anatomy, seed);
    // Evenly over the subjects, so that the share is met by any number of them.
    let share = |n: usize| (n as f64 * f64::from(spec.tumor_share)).round() as usize;
    let has_tumor = share(subject + 1) > share(subject);
    let lesion = has_tumor.then(|| Lesion::draw(target, seed));

    let seed = seed.derive("slice").index(index as u64);
    let mut draw = Draw::new(seed);
    let plane = Plane::ALL[draw.below(3)];
    let weighting = spec.weightings[draw.below(spec.weightings.len())];
    let place = anatomy.in_this_head(target.centre);
    let scene = Scene {
        lesion: lesion.as_ref(),
        grid: Grid::draw(plane, place, 0.45 * target.radius, spec.size, &mut draw),
        palette: Palette::draw(weighting, &mut draw),
        anatomy: &anatomy,
    };
    let (image, mask) = render(&scene, spec.size, seed);
    PhantomSlice {
        name: format!("sub-{:04}_{:02}_{}", subject + 1, index + 1, plane.name()),
        image,
        mask,
        plane,
        weighting,
        subject: format!("sub-{:04}", subject + 1),
        has_tumor,
        lesion: lesion.map(|l| l.kind),
        trap: None,
    }
}
