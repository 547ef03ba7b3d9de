//! Values to documents: figures, the HTML report, the model card, tables for a terminal.
//!
//! A report is one plain value, [`Report`], that the caller fills with what it has; [`render`] turns it into one HTML page
//! without scripts and without any reference to the network, readable on a phone, in the dark and on paper.
//! What is missing is left out or stated with its reason.
//!
//! ```
//! use tumorlens_core::Measured;
//! use tumorlens_report::{Report, render, report::summary::KeyFigure};
//!
//! let mut report = Report { title: "Brain tumor on MRI".into(), ..Report::default() };
//! report.summary.key_figures.push(KeyFigure { name: "auroc".into(), measured: Measured::value(0.912) });
//! let html = render(&report)?;
//! assert!(html.contains("0.912"));
//! # Ok::<(), tumorlens_report::ReportError>(())
//! ```
//!
//! Charts are drawn as inline SVG by [`figure`], heat maps and feature maps as PNG. Numbers are written by [`number`]
//! alone, so that one value reads the same everywhere. Texts from data are hostile until escaped: the templates escape by
//! default, [`svg`] escapes its own texts, [`terminal`] makes control characters visible.

pub mod card;
pub mod figure;
pub mod glossary;
pub mod number;
mod page;
pub mod picture;
pub mod plain_words;
mod render;
pub mod report;
mod shrink;
pub mod svg;
pub mod terminal;
pub mod tuning;

pub use figure::case::CasePicture;
pub use figure::overlay::{HeatRange, overlay_png};
pub use picture::{Picture, PictureError};
pub use render::{ReportError, render};
pub use report::{Fact, Report, Section, Theme};
pub use svg::{FigureError, Svg};
pub use tuning::{Tuning, render_tuning};
