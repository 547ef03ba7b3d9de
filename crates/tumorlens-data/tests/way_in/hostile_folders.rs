//! Folders made by accident, by another operating system, or by somebody with bad intent.

use crate::synthetic::{Folder, png};
use tumorlens_data::scan::{Scan, ScanOptions, scan};

fn scanned(folder: &Folder) -> Scan {
    scan(&[folder.join("set")], &ScanOptions::default()).unwrap()
}

#[test]
fn what_systems_leave_behind_is_counted_and_no_class() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    for junk in [
        "yes/Thumbs.db",
        "yes/.DS_Store",
        "yes/._y0.png",
        "yes/desktop.ini",
        "no/.gitkeep",
    ] {
        folder.write(format!("set/{junk}"), b"junk");
    }
    folder.write("set/__MACOSX/yes/y0.png", png(9));
    folder.write("set/yes/readme.txt", b"hello");
    folder.write("set/yes/labels.csv", b"a,b");
    let scan = scanned(&folder);
    assert_eq!(scan.images.len(), 4);
    assert!(scan.skipped.is_empty(), "{:?}", scan.skipped);
    let counts: Vec<(&str, usize)> = scan
        .ignored
        .0
        .iter()
        .map(|(k, v)| (k.as_str(), *v))
        .collect();
    let expected = [
        ("file of the operating system", 2),
        ("folder of the operating system", 1),
        ("hidden file or folder", 3),
        ("no picture", 2),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn files_that_promise_a_picture_and_hold_none_are_named() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    folder.write("set/yes/empty.png", b"");
    folder.write("set/no/page.jpg", b"<html>");
    std::fs::create_dir(folder.join("set/yes/folder.png")).unwrap();
    let scan = scanned(&folder);
    let reasons: Vec<&str> = scan.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert_eq!(
        (scan.images.len(), reasons),
        (
            4,
            vec!["is no PNG, JPEG, TIFF, BMP or WebP picture", "is empty"]
        )
    );
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use tumorlens_data::scan::path_text::{from_text, to_text};

    #[test]
    fn links_in_circles_end_and_each_place_is_taken_once() {
        let folder = Folder::new();
        folder.two_classes("set", 2);
        let set = folder.join("set");
        symlink("..", set.join("yes/up")).unwrap();
        symlink("self", set.join("yes/self")).unwrap();
        symlink("/nonexistent", set.join("no/dangling.png")).unwrap();
        symlink("y0.png", set.join("yes/again.png")).unwrap();
        // Two folders that hold each other would double the walk at every level.
        for (a, b) in [("p", "q"), ("q", "p")] {
            std::fs::create_dir(set.join("yes").join(a)).unwrap();
            symlink(format!("../{b}"), set.join("yes").join(a).join("one")).unwrap();
            symlink(format!("../{b}"), set.join("yes").join(a).join("two")).unwrap();
        }
        let scan = scanned(&folder);
        assert_eq!(scan.images.len(), 4);
        assert_eq!(scan.skipped.len(), 2, "{:?}", scan.skipped);
        assert_eq!(scan.ignored.0["link to a folder already found"], 5);
        assert_eq!(scan.ignored.0["link to a file already found"], 1);
    }

    #[test]
    fn linked_images_elsewhere_are_followed() {
        let folder = Folder::new();
        folder.two_classes("set", 1);
        folder.write("store/a.png", png(70));
        folder.write("store/deep/b.png", png(71));
        symlink(folder.join("store"), folder.join("set/yes/more")).unwrap();
        assert_eq!(scanned(&folder).images.len(), 4);
    }

    #[test]
    fn devices_pipes_and_sockets_are_never_opened() {
        let folder = Folder::new();
        folder.two_classes("set", 2);
        symlink("/dev/zero", folder.join("set/yes/zero.png")).unwrap();
        symlink("/etc/passwd", folder.join("set/yes/passwd.png")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("set/no/s.png")).unwrap();
        let pipe = folder.join("set/no/pipe.png");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .is_ok_and(|s| s.success());
        let scan = scanned(&folder);
        assert_eq!(scan.images.len(), 4);
        assert_eq!(
            scan.ignored.0["pipe, socket or device"],
            2 + usize::from(made)
        );
        assert!(
            scan.skipped[0].path.ends_with("passwd.png"),
            "{:?}",
            scan.skipped
        );
        if made {
            let limits = tumorlens_data::limits::Limits::default();
            assert!(tumorlens_data::format::raster::decode_file(&pipe, &limits).is_err());
        }
    }

    #[test]
    fn names_of_any_bytes_are_found_and_shown_without_harm() {
        let folder = Folder::new();
        folder.two_classes("set", 1);
        let names: [&[u8]; 6] = [
            b"\xff\xfecaf\xe9.png",
            b"a\nb.png",
            b"\x1b[31mred.png",
            b"=1+1.png",
            b"-rf",
            b"$(x)'\".png",
        ];
        for (i, name) in names.iter().enumerate() {
            folder.write(
                std::path::Path::new("set/yes").join(OsStr::from_bytes(name)),
                png(80 + i as u64),
            );
        }
        folder.write("set/no/\u{202e}gnp.exe.png", png(90));
        let scan = scanned(&folder);
        assert_eq!(scan.images.len(), 9);
        for image in &scan.images {
            let text = to_text(&image.path);
            assert!(
                text.chars().all(|c| !c.is_control() && c != '\u{202e}'),
                "{text}"
            );
            assert_eq!(from_text(&text), image.path);
        }
    }

    #[test]
    fn the_order_does_not_depend_on_how_the_disk_lists_a_folder() {
        let (one, two) = (Folder::new(), Folder::new());
        for i in 0..20u64 {
            one.write(format!("set/yes/{i}.png"), png(i));
            two.write(format!("set/yes/{}.png", 19 - i), png(19 - i));
        }
        let names = |folder: &Folder| -> Vec<_> {
            scanned(folder)
                .images
                .iter()
                .map(|i| i.path.file_name().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(&one), names(&two));
    }
}
