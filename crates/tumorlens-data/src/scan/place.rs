//! What the folders above an image say: its class and its part of an official split.

use super::path_text::to_text;
use crate::label_table::{LabelTable, Meaning, split_part};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// What is known of an image from where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// This class.
    Class(String),
    /// In a folder for images without label.
    LeftOut,
    /// No folder names a class.
    Missing,
}

/// Class and split of each file.
pub(super) struct Places {
    /// In the order of the files: label, and `train`, `validation`, `test` or nothing.
    pub(super) of: Vec<(Label, &'static str)>,
    /// Folders outside the table that became classes, with their number of images.
    pub(super) own: BTreeMap<String, usize>,
}

/// Finds the place of each file, given by its path below a root called `root_name`.
///
/// The nearest folder that the table knows gives the class; the root's own name counts as the farthest. An image
/// without such a folder takes the name of its folder at the class level: the level of the known classes where there
/// are any, else the first level at which the folders differ; train and test folders do not count as levels.
pub(super) fn places<'a>(
    files: impl Iterator<Item = &'a Path>,
    root_name: &str,
    table: &LabelTable,
) -> Places {
    let folders: Vec<Folders> = files
        .map(|path| Folders::of(path, root_name, table))
        .collect();
    let known = folders
        .iter()
        .filter_map(|f| f.known.as_ref().and_then(|k| k.level))
        .min();
    let level = known.or_else(|| common_level(&folders));
    let mut own = BTreeMap::new();
    let of = folders
        .into_iter()
        .map(|folders| {
            let label = match folders.known {
                Some(Known {
                    meaning: Meaning::Class(class),
                    ..
                }) => Label::Class(class),
                Some(_) => Label::LeftOut,
                None => match level.and_then(|level| folders.names.get(level)) {
                    Some(name) => {
                        *own.entry(name.clone()).or_insert(0) += 1;
                        Label::Class(name.clone())
                    }
                    None => Label::Missing,
                },
            };
            (label, folders.split)
        })
        .collect();
    Places { of, own }
}

struct Folders {
    /// From the root down, without those that name a part of a split.
    names: Vec<String>,
    known: Option<Known>,
    split: &'static str,
}

struct Known {
    meaning: Meaning,
    /// Position in `names`; none for the root itself.
    level: Option<usize>,
}

impl Folders {
    fn of(path: &Path, root_name: &str, table: &LabelTable) -> Self {
        let parents = path.parent().unwrap_or(Path::new("")).components();
        let all = parents.filter_map(|c| {
            if let Component::Normal(n) = c {
                Some(to_text(Path::new(n)))
            } else {
                None
            }
        });
        let mut split = split_part(root_name).unwrap_or_default();
        let mut names = Vec::new();
        for name in all {
            match split_part(&name) {
                Some(part) => split = part,
                None => names.push(name),
            }
        }
        let meaning = |name: &str| Some(table.look_up(name)).filter(|m| *m != Meaning::Unknown);
        let nearest = names.iter().enumerate().rev();
        let mut known = nearest
            .filter_map(|(i, name)| {
                meaning(name).map(|m| Known {
                    meaning: m,
                    level: Some(i),
                })
            })
            .next();
        if known.is_none() {
            known = meaning(root_name).map(|m| Known {
                meaning: m,
                level: None,
            });
        }
        Self {
            names,
            known,
            split,
        }
    }
}

/// The first level at which the folders of images without a known class differ; the last common one where they do not.
fn common_level(folders: &[Folders]) -> Option<usize> {
    let mut unknown = folders
        .iter()
        .filter(|f| f.known.is_none() && !f.names.is_empty())
        .map(|f| &f.names);
    let first = unknown.next()?;
    let (mut common, mut shortest) = (first.len(), first.len());
    for names in unknown {
        common = common.min(first.iter().zip(names).take_while(|(a, b)| a == b).count());
        shortest = shortest.min(names.len());
    }
    Some(common.min(shortest - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(root: &str, files: &[&str]) -> Vec<String> {
        let places = places(files.iter().map(Path::new), root, &LabelTable::default());
        let text = |(label, split): &(Label, &str)| match label {
            Label::Class(class) => format!("{split}:{class}"),
            other => format!("{split}:{other:?}"),
        };
        places.of.iter().map(text).collect()
    }

    #[test]
    fn the_nearest_known_folder_gives_the_class_through_train_and_test() {
        let files = [
            "Training/glioma_tumor/1.jpg",
            "Testing/no_tumor/p/2.jpg",
            "Testing/yes/no/3.jpg",
        ];
        assert_eq!(
            labels("data", &files),
            ["train:tumor", "test:no_tumor", "test:no_tumor"]
        );
    }

    #[test]
    fn a_class_folder_given_by_itself_names_the_class() {
        assert_eq!(labels("yes", &["1.jpg", "sub/2.jpg"]), [":tumor", ":tumor"]);
    }

    #[test]
    fn unknown_folders_are_classes_at_the_class_level() {
        let files = [
            "set/cats/a/1.png",
            "set/cats/b/2.png",
            "set/dogs/3.png",
            "4.png",
        ];
        assert_eq!(
            labels("data", &files),
            [":cats", ":cats", ":dogs", ":Missing"]
        );
        let beside = ["x/yes/1.png", "x/odd/2.png", "x/odd/deep/3.png", "x/4.png"];
        assert_eq!(
            labels("data", &beside),
            [":tumor", ":odd", ":odd", ":Missing"]
        );
    }

    #[test]
    fn folders_for_prediction_are_left_out() {
        assert_eq!(
            labels("br", &["yes/1.png", "pred/2.png"]),
            [":tumor", ":LeftOut"]
        );
    }
}
