//! Pictures become inputs, and maps of inputs find their way back.

use proptest::prelude::*;
use tumorlens_core::preprocess::{Crop, Fit};
use tumorlens_core::{GreyImage, Mask, PreprocessSpec, Seed, Size};
use tumorlens_data::transform::augment::{
    Affine, AffineParams, AugmentParams, FlipParams, SpatialParams, Step,
};
use tumorlens_data::transform::{
    AugmentConfig, Outside, TransformError, prepare, prepare_mask, to_input,
};

const fn size(width: usize, height: usize) -> Size {
    Size { width, height }
}

fn spec(crop: Crop, fit: Fit, side: usize) -> PreprocessSpec {
    PreprocessSpec {
        crop,
        fit,
        size: side,
        ..PreprocessSpec::default()
    }
}

/// A bright disc with some structure on a dark ground with a little noise.
fn head(size: Size, centre: (f32, f32), radius: f32) -> GreyImage {
    GreyImage::from_fn(size, |x, y| {
        let (dx, dy) = (x as f32 - centre.0, y as f32 - centre.1);
        if dx.hypot(dy) <= radius {
            150.0 + 40.0 * (0.3 * dx).sin() + 0.5 * dy
        } else {
            ((x * 7 + y * 13) % 5) as f32
        }
    })
}

#[test]
fn the_head_is_cut_out_with_its_margin() {
    let image = head(size(200, 160), (120.0, 70.0), 50.0);
    let spec = spec(Crop::Head { margin: 0.02 }, Fit::Pad, 64);
    let crop = prepare(&image, &spec).unwrap().placement.crop();
    // The disc covers columns 70 to 170 and rows 20 to 120; 2 % of 101 is 2.
    assert_eq!(
        (crop.x, crop.y, crop.width, crop.height),
        (68, 18, 105, 105)
    );
}

#[test]
fn a_speck_is_not_taken_for_the_head() {
    let image = GreyImage::from_fn(size(100, 100), |x, y| {
        if (10..20).contains(&x) && (10..20).contains(&y) {
            255.0
        } else {
            ((x + y) % 3) as f32
        }
    });
    let spec = spec(Crop::Head { margin: 0.02 }, Fit::Pad, 64);
    let crop = prepare(&image, &spec).unwrap().placement.crop();
    assert_eq!((crop.width, crop.height), (100, 100));
}

#[test]
fn padding_is_centred_and_background_while_stretching_fills_the_square() {
    let image = GreyImage::from_fn(size(100, 50), |x, _| 100.0 + x as f32);
    let padded = prepare(&image, &spec(Crop::None, Fit::Pad, 40)).unwrap();
    let content = padded.placement.content();
    assert_eq!(
        (content.x, content.y, content.width, content.height),
        (0, 10, 40, 20)
    );
    assert!(padded.values[..400].iter().all(|v| *v == 0.0));
    assert!(padded.values[1200..].iter().all(|v| *v == 0.0));
    assert!(padded.values[410..430].iter().all(|v| *v > 0.2));
    let stretched = prepare(&image, &spec(Crop::None, Fit::Stretch, 40)).unwrap();
    assert!((0..40).all(|y| stretched.values[y * 40 + 39] > 0.95));
}

#[test]
fn values_fill_the_window_and_the_input_is_normalised_in_every_channel() {
    let mut spec = spec(Crop::None, Fit::Pad, 32);
    spec.channels = 3;
    let image = GreyImage::from_fn(size(32, 32), |x, y| (1000 * x + y) as f32);
    let prepared = prepare(&image, &spec).unwrap();
    let range = prepared
        .values
        .iter()
        .fold((1.0f32, 0.0f32), |(l, h), v| (l.min(*v), h.max(*v)));
    assert_eq!(range, (0.0, 1.0));
    let input = to_input(&prepared.values, &spec);
    assert_eq!(input.len(), 3 * 32 * 32);
    assert_eq!(input[..1024], input[2048..]);
    assert!((input[500] - (prepared.values[500] - 0.3) / 0.25).abs() < 1e-6);
}

#[test]
fn a_channel_of_asymmetry_stands_behind_the_grey_ones_and_tells_the_sides_apart() {
    let mut spec = spec(Crop::None, Fit::Pad, 32);
    spec.asymmetry = true;
    // Darker at the top, so that the window leaves more than the spot.
    let head = |x: usize, y: usize| {
        let inside = (x as f32 - 15.5).hypot(y as f32 - 15.5) < 14.0;
        if inside { 1.0 + y as f32 / 16.0 } else { 0.0 }
    };
    let even = GreyImage::from_fn(size(32, 32), head);
    let spot = |x: usize, y: usize| (20..26).contains(&x) && (12..18).contains(&y);
    let odd = GreyImage::from_fn(
        size(32, 32),
        |x, y| {
            if spot(x, y) { 3.0 } else { head(x, y) }
        },
    );
    let difference = |image: &GreyImage| {
        let input = to_input(&prepare(image, &spec).unwrap().values, &spec);
        assert_eq!(input.len(), spec.input_shape().iter().product::<usize>());
        input[1024..].to_vec()
    };
    assert!(difference(&even).iter().all(|d| d.abs() < 0.2));
    let odd = difference(&odd);
    let (bright, dark) = (15 * 32 + 23, 15 * 32 + 8);
    assert!(
        odd[bright] > 1.0 && odd[dark] < -1.0,
        "{} {}",
        odd[bright],
        odd[dark]
    );
}

#[test]
fn empty_and_broken_images_are_refused_with_a_reason() {
    let spec = PreprocessSpec::default();
    let constant = GreyImage::from_fn(size(30, 30), |_, _| 7.0);
    assert_eq!(
        prepare(&constant, &spec),
        Err(TransformError::Constant { value: 7.0 })
    );
    let mut broken = head(size(60, 60), (30.0, 30.0), 25.0);
    broken.values_mut()[61] = f32::NAN;
    let error = prepare(&broken, &spec).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pixel (1, 1) is NaN, not a finite number"
    );
    // Found by the fuzzer: their weighted sum overflows, and the network would see what is no number.
    broken.values_mut()[61] = -3e38;
    broken.values_mut()[62] = 3e38;
    assert_eq!(
        prepare(&broken, &spec).unwrap_err().to_string(),
        "pixel (1, 1) is -3e38, beyond 1e30"
    );
    let bad = PreprocessSpec {
        size: 8,
        ..PreprocessSpec::default()
    };
    assert!(matches!(
        prepare(&broken, &bad),
        Err(TransformError::Spec(_))
    ));
}

#[test]
fn an_outline_stays_where_its_lesion_is() {
    let lesion = |x: usize, y: usize| (90..110).contains(&x) && (50..60).contains(&y);
    let mut image = head(size(200, 160), (100.0, 80.0), 70.0);
    for (i, v) in image.values_mut().iter_mut().enumerate() {
        *v = if lesion(i % 200, i / 200) {
            1000.0
        } else {
            v.min(400.0)
        };
    }
    let mask = Mask::from_fn(image.size(), lesion);
    let mut spec = spec(Crop::Head { margin: 0.02 }, Fit::Pad, 96);
    spec.window.high = 100.0;
    let prepared = prepare(&image, &spec).unwrap();
    let outline = prepare_mask(&mask, &prepared.placement).unwrap();
    let (mut inside, mut both) = (0, 0);
    for (value, m) in prepared.values.iter().zip(&outline) {
        inside += usize::from(*m == 1.0);
        both += usize::from((*value > 0.6) == (*m == 1.0));
    }
    // 200 pixels of 146 a side become 96 of 96: 200 * (96 / 146)^2 = 86.
    assert!((76..=98).contains(&inside), "{inside}");
    assert!(both >= 96 * 96 - 12, "{both}");
    let other = Mask::from_fn(size(10, 10), |_, _| true);
    assert!(matches!(
        prepare_mask(&other, &prepared.placement),
        Err(TransformError::OtherSize { .. })
    ));
}

#[test]
fn a_lesion_smaller_than_a_pixel_is_not_lost() {
    let image = head(size(512, 512), (256.0, 256.0), 220.0);
    let prepared = prepare(&image, &spec(Crop::None, Fit::Pad, 32)).unwrap();
    let mask = Mask::from_fn(image.size(), |x, y| (x, y) == (250, 130));
    let outline = prepare_mask(&mask, &prepared.placement).unwrap();
    assert_eq!(outline.iter().sum::<f32>(), 1.0);
    assert_eq!(outline[(130 / 16) * 32 + 250 / 16], 1.0);
    let empty = Mask::from_fn(image.size(), |_, _| false);
    assert_eq!(
        prepare_mask(&empty, &prepared.placement)
            .unwrap()
            .iter()
            .sum::<f32>(),
        0.0
    );
}

#[test]
fn a_map_peaks_in_the_picture_where_it_peaks_in_the_input() {
    let image = head(size(300, 200), (180.0, 90.0), 60.0);
    let prepared = prepare(&image, &spec(Crop::Head { margin: 0.05 }, Fit::Pad, 64)).unwrap();
    let placement = prepared.placement;
    let (u, v) = placement.to_input_point(200.5, 100.5);
    let mut map = vec![-2.0; 64 * 64];
    map[v as usize * 64 + u as usize] = 5.0;
    let back = placement.to_original(&map, Outside::Minimum).unwrap();
    assert_eq!(back.size(), image.size());
    let peak =
        (0..back.values().len()).max_by(|a, b| back.values()[*a].total_cmp(&back.values()[*b]));
    let peak = peak.unwrap();
    assert!((peak % 300).abs_diff(200) <= 2 && (peak / 300).abs_diff(100) <= 2);
    assert_eq!(back.values()[0], -2.0);
    assert_eq!(
        placement.to_original(&map, Outside::Zero).unwrap().values()[0],
        0.0
    );
    assert!(placement.to_original(&map[1..], Outside::Zero).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_finite_image_gives_finite_values_or_a_reason(
        width in 1usize..60, height in 1usize..60, seed: u64, stretch: bool, crop: bool, large: bool,
    ) {
        let mut bits = Seed(seed).rng();
        let image = GreyImage::from_fn(size(width, height), |_, _| {
            use rand::Rng;
            let value = f32::from_bits(bits.next_u32());
            if large && value.is_finite() { value } else { (bits.next_u32() % 256) as f32 }
        });
        let crop = if crop { Crop::Head { margin: 0.5 } } else { Crop::None };
        let spec = spec(crop, if stretch { Fit::Stretch } else { Fit::Pad }, 24);
        if let Ok(prepared) = prepare(&image, &spec) {
            prop_assert_eq!(prepared.values.len(), 24 * 24);
            prop_assert!(prepared.values.iter().all(|v| (0.0..=1.0).contains(v)));
            let back = prepared.placement.to_original(&prepared.values, Outside::Zero).unwrap();
            prop_assert!(back.values().iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn points_go_to_the_input_and_back(
        width in 8usize..300, height in 8usize..300, x in 0.0f64..1.0, y in 0.0f64..1.0, side in 16usize..200,
    ) {
        let image = GreyImage::from_fn(size(width, height), |x, y| (x * y) as f32);
        let placement = prepare(&image, &spec(Crop::None, Fit::Pad, side)).unwrap().placement;
        let (x, y) = (x * width as f64, y * height as f64);
        let (u, v) = placement.to_input_point(x, y);
        let (bx, by) = placement.to_original_point(u, v);
        prop_assert!((bx - x).abs() < 1e-9 && (by - y).abs() < 1e-9);
    }

    #[test]
    fn augmented_values_stay_in_range_outlines_stay_binary_and_seeds_decide(seed: u64, side in 1usize..70, strength in 0.0f32..4.0) {
        let config = AugmentConfig::default().scaled(strength);
        config.check().unwrap();
        let image: Vec<f32> = (0..side * side).map(|i| (i * 31 % 97) as f32 / 96.0).collect();
        let mask: Vec<f32> = (0..side * side).map(|i| f32::from(u8::from(i % 5 == 0))).collect();
        let apply = |params: &AugmentParams| {
            let (mut image, mut mask) = (image.clone(), mask.clone());
            params.apply(&mut image, Some(&mut mask), side);
            (image, mask)
        };
        let params = config.draw(Seed(seed));
        let (changed, outline) = apply(&params);
        prop_assert!(changed.iter().all(|v| (0.0..=1.0).contains(v)));
        prop_assert!(outline.iter().all(|v| *v == 0.0 || *v == 1.0));
        prop_assert_eq!(apply(&config.draw(Seed(seed))), (changed.clone(), outline));
        // Written down and read again, the parameters do the same.
        let json = serde_json::to_string(&params).unwrap();
        let read: AugmentParams = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &params);
        // The outline does not influence the image.
        let mut alone = image.clone();
        params.apply(&mut alone, None, side);
        prop_assert_eq!(alone, changed);
    }
}

fn spatial(flip: Option<FlipParams>, affine: Option<AffineParams>) -> AugmentParams {
    AugmentParams {
        spatial: SpatialParams {
            flip,
            affine,
            elastic: None,
        },
        steps: vec![],
    }
}

const STILL: AffineParams = AffineParams {
    rotation: 0.0,
    scale: 1.0,
    shear: 0.0,
    shift: [0.0, 0.0],
    aspect: 1.0,
};

#[test]
fn flipping_twice_is_the_identity_and_a_quarter_turn_is_exact() {
    let image: Vec<f32> = (0..25).map(|i| i as f32 / 25.0).collect();
    for (horizontal, vertical) in [(true, false), (false, true), (true, true)] {
        let flip = spatial(
            Some(FlipParams {
                horizontal,
                vertical,
                transposed: false,
            }),
            None,
        );
        let mut twice = image.clone();
        flip.apply(&mut twice, None, 5);
        assert_ne!(twice, image);
        flip.apply(&mut twice, None, 5);
        assert_eq!(twice, image);
    }
    let mut turned = image.clone();
    let quarter = AffineParams {
        rotation: 90.0,
        ..STILL
    };
    spatial(None, Some(quarter)).apply(&mut turned, None, 5);
    // Clockwise: the left column becomes the top row, read upwards.
    for x in 0..5 {
        assert!((turned[x] - image[(4 - x) * 5]).abs() < 1e-5);
    }
}

#[test]
fn a_picture_is_stretched_along_its_own_axes_at_the_same_area_and_only_where_asked() {
    // A centred square of 16 of 32 pixels, turned by a quarter first, which changes nothing of it.
    let inside = |x: usize| (8..24).contains(&x);
    let image: Vec<f32> = (0..1024)
        .map(|i| f32::from(u8::from(inside(i % 32) && inside(i / 32))))
        .collect();
    for rotation in [0.0, 90.0] {
        let mut stretched = image.clone();
        let wider = AffineParams {
            rotation,
            aspect: 1.5625,
            ..STILL
        };
        spatial(None, Some(wider)).apply(&mut stretched, None, 32);
        let row: f32 = stretched[16 * 32..17 * 32].iter().sum();
        let column: f32 = stretched.iter().skip(16).step_by(32).sum();
        // The factors are the square root of the aspect and its reciprocal: 16 * 1.25 and 16 / 1.25.
        assert!((row - 20.0).abs() < 0.1, "{row} at {rotation}");
        assert!((column - 12.8).abs() < 0.1, "{column} at {rotation}");
    }
    let draws = |aspect| {
        let affine = Affine {
            probability: 1.0,
            aspect,
            ..Affine::default()
        };
        let config = AugmentConfig {
            affine,
            ..AugmentConfig::none()
        };
        (0..200)
            .map(move |seed| config.draw(Seed(seed)).spatial.affine.unwrap())
            .collect::<Vec<_>>()
    };
    let (without, with) = (draws(0.0), draws(0.25));
    assert!(without.iter().all(|a| a.aspect == 1.0));
    assert!(with.iter().all(|a| (0.8..=1.25).contains(&a.aspect)));
    assert!(with.iter().any(|a| a.aspect < 0.85) && with.iter().any(|a| a.aspect > 1.18));
    for (a, b) in without.iter().zip(with) {
        // Everything else of the draw stays as it was.
        assert_eq!(*a, AffineParams { aspect: 1.0, ..b });
    }
}

#[test]
fn mirrored_and_transposed_is_a_quarter_turn_of_image_and_outline_and_drawn_for_as_many_samples_as_asked()
 {
    let image: Vec<f32> = (0..25).map(|i| i as f32 / 25.0).collect();
    let turn = |horizontal| {
        let flip = FlipParams {
            horizontal,
            vertical: !horizontal,
            transposed: true,
        };
        let (mut turned, mut outline) = (image.clone(), image.clone());
        spatial(Some(flip), None).apply(&mut turned, Some(&mut outline), 5);
        assert_eq!(turned, outline);
        turned
    };
    let (left, right) = (turn(true), turn(false));
    for (at, (left, right)) in left.iter().zip(&right).enumerate() {
        let (x, y) = (at % 5, at / 5);
        assert_eq!(
            *left,
            image[x * 5 + (4 - y)],
            "the right column becomes the top row"
        );
        assert_eq!(
            *right,
            image[(4 - x) * 5 + y],
            "the left column becomes the top row"
        );
    }
    let mut config = AugmentConfig::none();
    config.flip.transposed = 0.25;
    let drawn = |seed| config.draw(Seed(seed)).spatial.flip;
    let count = (0..2000).filter_map(drawn).filter(|f| f.transposed).count();
    assert!((420..580).contains(&count), "{count}");
}

#[test]
fn shift_and_scale_move_image_and_outline_in_the_documented_direction() {
    let mut image = vec![0.0; 64 * 64];
    image[32 * 64 + 32] = 1.0;
    let mut mask = image.clone();
    let shift = AffineParams {
        shift: [0.25, -0.125],
        ..STILL
    };
    spatial(None, Some(shift)).apply(&mut image, Some(&mut mask), 64);
    assert!((image[24 * 64 + 48] - 1.0).abs() < 1e-5);
    assert_eq!(mask[24 * 64 + 48], 1.0);

    let square = |half: usize| -> Vec<f32> {
        let inside = |i: usize| (32 - half..32 + half).contains(&i);
        (0..64 * 64)
            .map(|i| f32::from(u8::from(inside(i % 64) && inside(i / 64))))
            .collect()
    };
    let mut grown = square(8);
    let grow = AffineParams {
        scale: 2.0,
        ..STILL
    };
    spatial(None, Some(grow)).apply(&mut square(8), Some(&mut grown), 64);
    assert_eq!(grown, square(16));
}

#[test]
fn no_augmentation_changes_nothing_and_strength_zero_is_none() {
    assert_eq!(AugmentConfig::default().scaled(0.0), AugmentConfig::none());
    assert_eq!(
        AugmentConfig::default().scaled(1.0),
        AugmentConfig::default()
    );
    for seed in 0..50 {
        assert_eq!(
            AugmentConfig::none().draw(Seed(seed)),
            AugmentParams::default()
        );
    }
}

#[test]
fn switching_one_transform_off_leaves_the_others_as_they_were() {
    let all = AugmentConfig::default();
    let mut without = all.clone();
    without.gamma.probability = 0.0;
    for seed in 0..50 {
        let mut expected = all.draw(Seed(seed));
        expected.steps.retain(|s| !matches!(s, Step::Gamma(_)));
        assert_eq!(without.draw(Seed(seed)), expected);
    }
}

#[test]
fn a_misspelt_or_impossible_configuration_is_refused() {
    assert!(serde_json::from_str::<AugmentConfig>(r#"{"gama": {}}"#).is_err());
    assert!(serde_json::from_str::<AugmentConfig>(r#"{"gamma": {"range": 1}}"#).is_err());
    let mut config: AugmentConfig =
        serde_json::from_str(r#"{"affine": {"rotation": 20}}"#).unwrap();
    assert_eq!((config.affine.rotation, config.affine.shear), (20.0, 6.0));
    config.noise.sigma = f32::NAN;
    assert_eq!(
        config.check().unwrap_err().to_string(),
        "augmentation noise: sigma is NaN, expected 0 to 1"
    );
}

#[test]
fn parameters_written_by_hand_cannot_break_an_image() {
    let json = r#"{"spatial": {"affine": {"rotation": 1e38, "scale": 0, "shear": 90, "shift": [1e38, -1e38]}},
        "steps": [{"blur": {"sigma": 1e30}}, {"low_resolution": {"factor": 0}}, {"contrast": {"factor": 1e38, "shift": 1e38}},
        {"erasing": {"centre": [9, -9], "size": [-1, 3], "grey": 7}}, {"frame": {"widths": [2, 2, 2, 2], "grey": 1e30}},
        {"gamma": {"exponent": -1}}, {"inversion": {"air": 0}}, {"compression": {"quality": -5}}]}"#;
    let params: AugmentParams = serde_json::from_str(json).unwrap();
    let mut image = vec![0.5; 20 * 20];
    params.apply(&mut image, None, 20);
    assert!(image.iter().all(|v| (0.0..=1.0).contains(v)));
}
