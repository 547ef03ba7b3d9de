//! Transfer syntaxes (DICOM PS3.5 annex A).

use crate::format::error::DecodeError;

/// How data elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Most significant byte first.
    pub big: bool,
    /// The value representation is written beside the tag.
    pub explicit: bool,
}

/// How pixel data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Without compression.
    Native,
    /// RLE Lossless (annex G).
    Rle,
    /// JPEG, DCT or lossless: the frame header inside says which.
    Jpeg,
    /// JPEG-LS, lossless or near-lossless.
    JpegLs,
    /// JPEG 2000.
    Jpeg2000,
}

/// One transfer syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Unique identifier.
    pub uid: &'static str,
    /// Name in PS3.6, shortened.
    pub name: &'static str,
    /// Data elements.
    pub form: Form,
    /// The data set is deflated (RFC 1951).
    pub deflated: bool,
    /// Pixels; `None` when this program has no decoder.
    pub coding: Option<Coding>,
}

const IMPLICIT: Form = Form {
    big: false,
    explicit: false,
};
const LITTLE: Form = Form {
    big: false,
    explicit: true,
};
const BIG: Form = Form {
    big: true,
    explicit: true,
};

const fn syntax(uid: &'static str, name: &'static str, form: Form, coding: Coding) -> Syntax {
    Syntax {
        uid,
        name,
        form,
        deflated: false,
        coding: Some(coding),
    }
}

const fn unread(uid: &'static str, name: &'static str) -> Syntax {
    Syntax {
        uid,
        name,
        form: LITTLE,
        deflated: false,
        coding: None,
    }
}

/// The default of files without a statement.
pub const IMPLICIT_LITTLE_ENDIAN: Syntax = syntax(
    "1.2.840.10008.1.2",
    "Implicit VR Little Endian",
    IMPLICIT,
    Coding::Native,
);

/// Every syntax that is known by name.
pub const SYNTAXES: [Syntax; 26] = [
    IMPLICIT_LITTLE_ENDIAN,
    syntax(
        "1.2.840.10008.1.2.1",
        "Explicit VR Little Endian",
        LITTLE,
        Coding::Native,
    ),
    Syntax {
        deflated: true,
        ..syntax(
            "1.2.840.10008.1.2.1.99",
            "Deflated Explicit VR Little Endian",
            LITTLE,
            Coding::Native,
        )
    },
    syntax(
        "1.2.840.10008.1.2.2",
        "Explicit VR Big Endian",
        BIG,
        Coding::Native,
    ),
    syntax(
        "1.2.840.10008.1.2.4.50",
        "JPEG Baseline (Process 1)",
        LITTLE,
        Coding::Jpeg,
    ),
    syntax(
        "1.2.840.10008.1.2.4.51",
        "JPEG Extended (Process 2 and 4)",
        LITTLE,
        Coding::Jpeg,
    ),
    unread(
        "1.2.840.10008.1.2.4.53",
        "JPEG Spectral Selection (Process 6 and 8)",
    ),
    unread(
        "1.2.840.10008.1.2.4.55",
        "JPEG Full Progression (Process 10 and 12)",
    ),
    syntax(
        "1.2.840.10008.1.2.4.57",
        "JPEG Lossless (Process 14)",
        LITTLE,
        Coding::Jpeg,
    ),
    syntax(
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless (Process 14, Selection Value 1)",
        LITTLE,
        Coding::Jpeg,
    ),
    syntax(
        "1.2.840.10008.1.2.4.80",
        "JPEG-LS Lossless",
        LITTLE,
        Coding::JpegLs,
    ),
    syntax(
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Near-Lossless",
        LITTLE,
        Coding::JpegLs,
    ),
    syntax(
        "1.2.840.10008.1.2.4.90",
        "JPEG 2000 (Lossless Only)",
        LITTLE,
        Coding::Jpeg2000,
    ),
    syntax(
        "1.2.840.10008.1.2.4.91",
        "JPEG 2000",
        LITTLE,
        Coding::Jpeg2000,
    ),
    unread("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 (Lossless Only)"),
    unread("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2"),
    unread("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
    unread("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate"),
    unread("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile"),
    unread("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile"),
    unread("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile"),
    unread("1.2.840.10008.1.2.4.110", "JPEG XL (Lossless Only)"),
    unread("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"),
    unread("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL"),
    syntax("1.2.840.10008.1.2.5", "RLE Lossless", LITTLE, Coding::Rle),
    unread("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression"),
];

/// Looks a syntax up.
///
/// # Errors
/// [`DecodeError::Unsupported`] naming the identifier when it is not known.
pub fn find(uid: &str) -> Result<Syntax, DecodeError> {
    SYNTAXES
        .iter()
        .find(|s| s.uid == uid)
        .copied()
        .ok_or_else(|| {
            // An identifier holds digits and dots alone; anything else in its place is not repeated.
            let shown: String = uid
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '.')
                .take(64)
                .collect();
            DecodeError::Unsupported {
                format: "dicom",
                what: format!("transfer syntax {shown:?}"),
            }
        })
}
