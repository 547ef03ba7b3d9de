//! A head on its side: to a model that learnt from upright heads it is no head, and whoever handed it in should be told why.

use crate::pictures::Picture;
use tumorlens_core::{Classifier, GreyImage, Size, Verdict};

/// What is said of a picture that the model refuses, where it would not refuse it after a quarter turn.
pub(super) const ON_ITS_SIDE: &str =
    "; after a quarter turn it would be judged: if this is a head on its side, turn it upright";

/// Whether the model would judge a picture that lay on its other side. What cannot be judged at all is no reason to turn.
pub(super) fn would_be_judged(image: &GreyImage, model: &dyn Classifier) -> bool {
    let left = quarter_turn(image);
    let right = quarter_turn(&quarter_turn(&left));
    [left, right]
        .into_iter()
        .any(|turned| is_judged(turned, model))
}

fn is_judged(image: GreyImage, model: &dyn Classifier) -> bool {
    let Ok(picture) = Picture::of(image, model.preprocess()) else {
        return false;
    };
    let judged = model.judge(&[&picture.input]);
    judged.is_ok_and(|j| j.iter().all(|j| j.verdict != Verdict::Refused))
}

/// To the left: the right side becomes the top.
fn quarter_turn(image: &GreyImage) -> GreyImage {
    let size = Size {
        width: image.height(),
        height: image.width(),
    };
    let last = image.width() - 1;
    GreyImage::from_fn(size, |x, y| image.values()[x * image.width() + (last - y)])
}

#[cfg(test)]
#[allow(clippy::print_stdout, reason = "says that it was skipped")]
mod tests {
    use super::*;
    use crate::{model, pictures};
    use std::path::{Path, PathBuf};
    use tumorlens_data::slice::Volumes;
    use tumorlens_nn::precision::Precision;

    #[test]
    fn a_quarter_turn_brings_the_right_side_to_the_top_and_four_bring_it_back() {
        let size = Size {
            width: 3,
            height: 2,
        };
        let image = GreyImage::new(size, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let turned = quarter_turn(&image);
        assert_eq!((turned.width(), turned.height()), (2, 3));
        assert_eq!(turned.values(), [3.0, 6.0, 2.0, 5.0, 1.0, 4.0]);
        let back = quarter_turn(&quarter_turn(&quarter_turn(&turned)));
        assert_eq!(back, image);
    }

    #[test]
    fn of_heads_on_their_side_that_the_built_in_model_refuses_nine_in_ten_would_be_judged_upright()
    {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        let data = std::env::var_os("TUMORLENS_DATA").map_or(default, PathBuf::from);
        let Ok(files) = std::fs::read_dir(data.join("navoneel/yes")) else {
            println!("SKIPPED: no collections (TUMORLENS_DATA)");
            return;
        };
        let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let predictor = model::predictor(None, "cpu", Precision::F32).unwrap();
        let (mut refused, mut told) = (0, 0);
        for file in files.iter().take(60) {
            let read = pictures::read(file, predictor.preprocess(), &Volumes::default(), true);
            let Ok(upright) = read else { continue };
            let turned = quarter_turn(&upright.image);
            if !is_judged(turned.clone(), &predictor) {
                refused += 1;
                told += usize::from(would_be_judged(&turned, &predictor));
            }
        }
        println!("{told} of {refused} told");
        assert!(
            refused > 0 && told * 10 >= refused * 9,
            "{told} of {refused}"
        );
    }
}
