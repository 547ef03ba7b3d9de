//! The model card as Markdown and as a piece of HTML.

use crate::glossary::title;
use crate::number::{count, measured};
use crate::page;
use crate::render::ReportError;
use minijinja::value::Serde;
use tumorlens_core::BundleCard;
use tumorlens_core::bundle_card::RESEARCH_USE_ONLY;

/// The card as a Markdown document.
#[must_use]
pub fn card_markdown(card: &BundleCard) -> String {
    let classes = card
        .classes
        .names()
        .iter()
        .map(|name| markdown(name))
        .collect::<Vec<_>>()
        .join(", ");
    let positive = markdown(card.classes.name(card.classes.positive()));
    let mut lines = vec![
        format!("# Model card: {}", markdown(&card.name)),
        String::new(),
        format!("**{RESEARCH_USE_ONLY}**"),
        String::new(),
        markdown(&card.intended_use),
        String::new(),
        "| | |".to_owned(),
        "|---|---|".to_owned(),
        format!("| Architecture | {} |", markdown(&card.architecture)),
        format!("| Learned values | {} |", count(card.parameters)),
        format!("| Classes | {classes} (positive: {positive}) |"),
        format!(
            "| Made by | tumorlens {} |",
            markdown(&card.tumorlens_version)
        ),
        format!(
            "| Dataset (SHA-256 of its content) | {} |",
            markdown(&card.dataset_sha256)
        ),
        format!("| Seed | {} |", card.seed),
    ];
    list(
        &mut lines,
        "Limits",
        card.limits.iter().map(|limit| markdown(limit)),
    );
    table(
        &mut lines,
        "Training data",
        "| Source | Images | Groups | Licence |\n|---|---:|---:|---|",
        card.data.iter().map(|source| {
            let [images, groups] = [source.images, source.groups].map(|n| count(n as u64));
            format!(
                "| {} | {images} | {groups} | {} |",
                markdown(&source.name),
                markdown(&source.licence)
            )
        }),
    );
    table(
        &mut lines,
        "Figures on the held-out part",
        "| Figure | Value and interval |\n|---|---|",
        card.figures.iter().map(|(key, figure)| {
            format!(
                "| {} | {} |",
                markdown(title(key)),
                markdown(&measured(figure))
            )
        }),
    );
    lines.push(String::new());
    lines.join("\n")
}

fn list(lines: &mut Vec<String>, heading: &str, items: impl Iterator<Item = String>) {
    let items: Vec<_> = items.map(|item| format!("- {item}")).collect();
    if !items.is_empty() {
        lines.extend([String::new(), format!("## {heading}"), String::new()]);
        lines.extend(items);
    }
}

fn table(lines: &mut Vec<String>, heading: &str, head: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        lines.extend([
            String::new(),
            format!("## {heading}"),
            String::new(),
            head.to_owned(),
        ]);
        lines.extend(rows);
    }
}

/// Text that Markdown and the HTML inside it leave as it is, on one line.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '#' | '~' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The card as an HTML fragment without heading, to be styled by the page that holds it.
///
/// # Errors
/// When the template cannot be filled, which would be a mistake in this crate.
pub fn card_html(card: &BundleCard) -> Result<String, ReportError> {
    page::fill("card.html", minijinja::context! { card => Serde(card) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tumorlens_core::bundle_card::DataSource;
    use tumorlens_core::{ClassSet, Measured};

    fn card() -> BundleCard {
        BundleCard {
            name: "br35h|resnet18".into(),
            tumorlens_version: "0.1.0".into(),
            classes: ClassSet::tumor(),
            architecture: "resnet18, 1 channel".into(),
            parameters: 11_170_753,
            intended_use: "Research on axial slices.".into(),
            limits: vec!["Not tested on <script>alert(1)</script> images.".into()],
            data: vec![DataSource {
                name: "br35h".into(),
                images: 3000,
                groups: 889,
                licence: "not stated".into(),
            }],
            dataset_sha256: "ab".repeat(32),
            figures: BTreeMap::from([("auroc".to_owned(), Measured::undefined("one class only"))]),
            seed: 1,
        }
    }

    #[test]
    fn the_markdown_card_holds_every_part_and_escapes_its_texts() {
        let text = card_markdown(&card());
        assert!(text.starts_with("# Model card: br35h\\|resnet18\n\n**For research use only."));
        for part in [
            "| Learned values | 11,170,753 |",
            "| Classes | no\\_tumor, tumor (positive: tumor) |",
            "| br35h | 3,000 | 889 | not stated |",
            "| AUROC | undefined: one class only |",
            "- Not tested on &lt;script>alert(1)&lt;/script> images.",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn the_html_card_escapes_its_texts_and_empty_lists_leave_no_heading() {
        let html = card_html(&card()).unwrap();
        assert!(!html.contains("<script>"));
        assert!(html.contains("11,170,753") && html.contains("one class only"));
        let bare = BundleCard {
            limits: vec![],
            data: vec![],
            ..card()
        };
        assert!(!card_markdown(&bare).contains("## Limits"));
        assert!(!card_html(&bare).unwrap().contains("Training data"));
    }
}
