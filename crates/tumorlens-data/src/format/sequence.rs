//! Which MR sequence a scan was made with, from names and times.
//!
//! Scanners have no common name for it: descriptions are free text, so that names are looked for first and the times
//! of the sequence decide where no name does. Values follow BIDS (suffixes `T1w`, `T2w`, `FLAIR`, ...; contrast is
//! its entity `ce`).

use serde::{Deserialize, Serialize};
use std::path::Path;

/// The weighting, as BIDS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Weighting {
    /// Fat and white matter bright, fluid dark.
    #[serde(rename = "T1w")]
    T1,
    /// Fluid bright.
    #[serde(rename = "T2w")]
    T2,
    /// T2 with fluid suppressed.
    #[serde(rename = "FLAIR")]
    Flair,
    /// Proton density.
    #[serde(rename = "PDw")]
    ProtonDensity,
    /// Gradient echo with long echo, and susceptibility weighting.
    #[serde(rename = "T2starw")]
    T2Star,
    /// Diffusion, and maps made of it.
    #[serde(rename = "dwi")]
    Diffusion,
    /// Functional imaging.
    #[serde(rename = "bold")]
    Bold,
}

impl Weighting {
    /// Every value.
    pub const ALL: [Self; 7] = [
        Self::T1,
        Self::T2,
        Self::Flair,
        Self::ProtonDensity,
        Self::T2Star,
        Self::Diffusion,
        Self::Bold,
    ];

    /// The suffix of a BIDS file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::T1 => "T1w",
            Self::T2 => "T2w",
            Self::Flair => "FLAIR",
            Self::ProtonDensity => "PDw",
            Self::T2Star => "T2starw",
            Self::Diffusion => "dwi",
            Self::Bold => "bold",
        }
    }
}

/// What is known of a scan's sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sequence {
    /// The weighting; absent where neither names nor times tell.
    pub weighting: Option<Weighting>,
    /// Whether contrast agent was given; absent where nothing says so.
    pub contrast: Option<bool>,
}

/// What a file says of its sequence. Texts are read, never repeated: people write names into them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Description of the series, name of the protocol, name of the sequence.
    pub names: Vec<String>,
    /// `ScanningSequence`, e.g. `SE`, `IR\\SE`, `EP`.
    pub scanning: Option<String>,
    /// `ContrastBolusAgent`.
    pub agent: Option<String>,
    /// Repetition, echo and inversion time, ms.
    pub times: [Option<f64>; 3],
}

impl Sequence {
    /// From the attributes of a DICOM object.
    #[must_use]
    pub fn of(said: &Said) -> Self {
        let words: Vec<String> = said.names.iter().flat_map(|name| words(name)).collect();
        let agent = said
            .agent
            .as_deref()
            .map(str::trim)
            .filter(|a| !a.is_empty());
        let given = agent
            .map(|a| !["NO", "NONE", "N", "NATIVE"].contains(&a.to_ascii_uppercase().as_str()));
        Self {
            weighting: by_words(&words).or_else(|| by_times(said)),
            contrast: given.or_else(|| enhanced(&words).then_some(true)),
        }
    }

    /// From the name of a file, as BIDS and most collections write it.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        let words = name.as_deref().map(words).unwrap_or_default();
        Self {
            weighting: by_words(&words),
            contrast: enhanced(&words).then_some(true),
        }
    }
}

/// Upper case, split where letters or digits end; `+` and `*` belong to a word.
fn words(text: &str) -> Vec<String> {
    text.to_ascii_uppercase()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '*')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

fn by_words(words: &[String]) -> Option<Weighting> {
    let any = |test: &dyn Fn(&str) -> bool| words.iter().any(|w| test(w));
    let begins = |starts: &[&str]| any(&|w: &str| starts.iter().any(|s| w.starts_with(s)));
    // From the special to the general: a FLAIR is called "T2 FLAIR", a diffusion scan "T2 DWI".
    if begins(&["DWI", "DTI", "DIFF", "ADC", "TRACEW"])
        || any(&|w| w.contains("DIFF") && w.starts_with("EP"))
    {
        Some(Weighting::Diffusion)
    } else if any(&|w| w.contains("FLAIR")) || begins(&["TIRM", "DARKFLUID"]) {
        Some(Weighting::Flair)
    } else if begins(&["T2*", "T2STAR", "SWI", "SWAN", "HEMO"]) {
        Some(Weighting::T2Star)
    } else if begins(&["BOLD", "FMRI"]) {
        Some(Weighting::Bold)
    } else if begins(&["MPRAGE", "MPR", "T1", "BRAVO", "SPGR", "IRSPGR", "FSPGR"]) {
        Some(Weighting::T1)
    } else if begins(&["T2"]) {
        Some(Weighting::T2)
    } else if any(&|w| w == "PD" || w == "PDW") {
        Some(Weighting::ProtonDensity)
    } else {
        None
    }
}

fn enhanced(words: &[String]) -> bool {
    words.iter().any(|w| {
        [
            "GD",
            "GAD",
            "POST",
            "POSTGD",
            "CE",
            "T1C",
            "T1CE",
            "T1GD",
            "+C",
            "C+",
            "T1C+",
            "T1+C",
            "GADOLINIUM",
            "KM",
        ]
        .contains(&w.as_str())
    })
}

/// Times in milliseconds, as textbooks of neuroradiology give them for 1.5 and 3 T.
fn by_times(said: &Said) -> Option<Weighting> {
    let scanning = said.scanning.as_deref().unwrap_or_default();
    let echo_planar = scanning.split('\\').any(|s| s.trim() == "EP");
    let [repetition, echo, inversion] = said.times;
    let (repetition, echo) = (repetition?, echo?);
    if echo_planar {
        return None;
    }
    match inversion {
        Some(inversion) if inversion >= 1600.0 && echo >= 60.0 => Some(Weighting::Flair),
        Some(inversion) if (300.0..1600.0).contains(&inversion) && echo < 30.0 => {
            Some(Weighting::T1)
        }
        _ if repetition <= 1000.0 && echo <= 30.0 => Some(Weighting::T1),
        _ if repetition >= 1800.0 && echo >= 70.0 => Some(Weighting::T2),
        _ if repetition >= 1800.0 && echo <= 40.0 => Some(Weighting::ProtonDensity),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Sequence {
        Sequence::of(&Said {
            names: vec![name.to_owned()],
            ..Said::default()
        })
    }

    fn timed(scanning: &str, times: [f64; 3]) -> Option<Weighting> {
        let said = Said {
            scanning: Some(scanning.to_owned()),
            times: times.map(|t| (t > 0.0).then_some(t)),
            ..Said::default()
        };
        Sequence::of(&said).weighting
    }

    #[test]
    fn a_name_tells_the_sequence_before_the_times_do() {
        for (name, weighting) in [
            ("AX T2 FLAIR FS", Weighting::Flair),
            ("t2_tirm_tra_dark-fluid", Weighting::Flair),
            ("t1_mprage_sag_p2_iso", Weighting::T1),
            ("Ax T1 SE +C", Weighting::T1),
            ("SAG 3D BRAVO POST", Weighting::T1),
            ("t2_tse_tra", Weighting::T2),
            ("T2* GRE", Weighting::T2Star),
            ("ep2d_diff_3scan_trace", Weighting::Diffusion),
            ("DWI b1000", Weighting::Diffusion),
            ("PD axial", Weighting::ProtonDensity),
        ] {
            assert_eq!(named(name).weighting, Some(weighting), "{name}");
        }
        assert_eq!(named("localizer").weighting, None);
    }

    #[test]
    fn contrast_is_told_by_the_agent_or_the_name() {
        assert_eq!(named("Ax T1 SE +C").contrast, Some(true));
        assert_eq!(named("T1w").contrast, None);
        let agent = |agent: &str| {
            Sequence::of(&Said {
                agent: Some(agent.to_owned()),
                ..Said::default()
            })
            .contrast
        };
        assert_eq!(agent("Gadovist 7.5 ml"), Some(true));
        assert_eq!(agent("NONE"), Some(false));
        assert_eq!(agent(" "), None);
    }

    #[test]
    fn times_tell_where_no_name_does() {
        assert_eq!(timed("SE", [500.0, 12.0, 0.0]), Some(Weighting::T1));
        assert_eq!(timed("GR\\IR", [2300.0, 2.98, 900.0]), Some(Weighting::T1));
        assert_eq!(timed("SE", [4500.0, 100.0, 0.0]), Some(Weighting::T2));
        assert_eq!(
            timed("IR\\SE", [9000.0, 120.0, 2500.0]),
            Some(Weighting::Flair)
        );
        assert_eq!(
            timed("SE", [2500.0, 20.0, 0.0]),
            Some(Weighting::ProtonDensity)
        );
        assert_eq!(timed("EP", [3000.0, 80.0, 0.0]), None);
    }

    #[test]
    fn a_bids_name_tells_sequence_and_contrast() {
        let sequence = Sequence::of_file(Path::new("sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz"));
        assert_eq!(sequence.weighting, Some(Weighting::T1));
        assert_eq!(sequence.contrast, Some(true));
        let sequence = Sequence::of_file(Path::new("sub-02_FLAIR.nii"));
        assert_eq!(sequence.weighting, Some(Weighting::Flair));
        assert_eq!(
            Sequence::of_file(Path::new("someones_anatomy.nii.gz")).weighting,
            None
        );
    }
}
