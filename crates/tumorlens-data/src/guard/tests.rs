use super::*;

fn image(f: impl FnMut(usize, usize) -> f32) -> GreyImage {
    let size = Size {
        width: 200,
        height: 240,
    };
    GreyImage::from_fn(size, f)
}

fn inside(x: usize, y: usize) -> bool {
    let (dx, dy) = (x as f32 - 100.0, y as f32 - 120.0);
    (dx / 75.0).powi(2) + (dy / 95.0).powi(2) < 1.0
}

#[test]
fn a_bright_oval_on_black_is_let_through_and_so_is_its_negative_refused() {
    let grain = |x: usize, y: usize| ((x * 7 + y * 13) % 11) as f32;
    let head = image(|x, y| {
        if inside(x, y) {
            100.0 + grain(x, y)
        } else {
            0.0
        }
    });
    assert_eq!(check_grey(&head), Ok(()));
    let negative = image(|x, y| {
        if inside(x, y) {
            20.0
        } else {
            150.0 + 5.0 * grain(x, y)
        }
    });
    assert!(matches!(check_grey(&negative), Err(Unlike::Background(_))));
}

/// Two in three of a width of 200 and a height of 240, in the middle.
fn framed(x: usize, y: usize) -> bool {
    (33..167).contains(&x) && (40..200).contains(&y)
}

#[test]
fn black_around_a_picture_that_is_bright_to_its_edges_is_no_background_and_specks_in_the_black_change_nothing()
 {
    let texture = |x: usize, y: usize| 60.0 + ((x * 7 + y * 13) % 41) as f32;
    let speck = |x: usize, y: usize| x == 5 && y.is_multiple_of(50);
    let picture = image(|x, y| match (framed(x, y), speck(x, y)) {
        (true, _) => texture(x, y),
        (_, true) => 100.0,
        _ => 2.0,
    });
    assert!(matches!(check_grey(&picture), Err(Unlike::Framed(_))));
    let head = image(|x, y| {
        if inside(x, y) && framed(x, y) {
            texture(x, y)
        } else {
            0.0
        }
    });
    assert_eq!(check_grey(&head), Ok(()), "cut off at four sides");
}

#[test]
fn a_frame_is_taken_off_and_nothing_of_what_it_surrounds() {
    let grain = |x: usize, y: usize| ((x * 31 + y * 17) % 97) as f32 + 20.0;
    let whole = image(|x, y| if framed(x, y) { grain(x, y) } else { 0.0 });
    let size = Size {
        width: 134,
        height: 160,
    };
    let alone = GreyImage::from_fn(size, |x, y| grain(x + 33, y + 40));
    let frame = |image: &GreyImage| inside_frame(image, ends(&grid(image)));
    assert_eq!(frame(&whole), Some(alone.clone()));
    assert_eq!(frame(&alone), None);
}

#[test]
fn an_even_picture_a_small_spot_and_a_chessboard_are_refused() {
    assert!(check_grey(&image(|_, _| 5.0)).is_err());
    let spot = image(|x, y| {
        if x < 110 && x > 100 && y > 100 && y < 110 {
            9.0
        } else {
            0.0
        }
    });
    assert!(matches!(check_grey(&spot), Err(Unlike::Empty(_))));
    let size = Size {
        width: 96,
        height: 96,
    };
    let board = GreyImage::from_fn(size, |x, y| if (x + y) % 2 == 0 { 1.0 } else { 0.0 });
    assert!(check_grey(&board).is_err());
}
