//! The templates, embedded in the program, and the filters that they use.
//!
//! Escaping is on for every template: what reaches the page unescaped is either an [`crate::Svg`], which escaped its own
//! texts, or a picture's base64, which is checked to be nothing else.

use crate::{glossary, number};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

const TEMPLATES: &[(&str, &str)] = &[
    ("report.html", include_str!("../templates/report.html")),
    ("tuning.html", include_str!("../templates/tuning.html")),
    ("macros.html", include_str!("../templates/macros.html")),
    (
        "sections/summary.html",
        include_str!("../templates/sections/summary.html"),
    ),
    (
        "sections/data.html",
        include_str!("../templates/sections/data.html"),
    ),
    (
        "sections/training.html",
        include_str!("../templates/sections/training.html"),
    ),
    (
        "sections/evaluation.html",
        include_str!("../templates/sections/evaluation.html"),
    ),
    (
        "sections/explanation.html",
        include_str!("../templates/sections/explanation.html"),
    ),
    (
        "sections/provenance.html",
        include_str!("../templates/sections/provenance.html"),
    ),
    ("card.html", include_str!("../templates/card.html")),
];

/// Colours and what figures are drawn with.
pub(crate) const FIGURES: &str = include_str!("../templates/figure.css");
/// The style sheet, put into the page.
pub(crate) const STYLE: &str = concat!(
    include_str!("../templates/figure.css"),
    include_str!("../templates/report.css")
);
/// Declarations that replace the light colours.
pub(crate) const DARK: &str = include_str!("../templates/dark.css");

/// Fills one template.
pub(crate) fn fill(name: &str, values: Value) -> Result<String, crate::ReportError> {
    Ok(environment()?.get_template(name)?.render(values)?)
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    // A misspelt name in a template is an error in every test rather than an empty cell in a report.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Lines that hold only a tag leave no blank line in the page.
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    environment.add_filter("number", number::number);
    environment.add_filter("count", number::count);
    environment.add_filter("percent", number::percent);
    environment.add_filter("images", |n: u64| number::counted(n, "image", "images"));
    environment.add_filter("term", |key: &str| glossary::title(key).to_owned());
    environment.add_filter("meaning", |key: &str| glossary::meaning(key).to_owned());
    environment.add_filter("base64", checked_base64);
    Ok(environment)
}

/// Base64 as it is: escaping would turn each `/` into six characters.
fn checked_base64(text: &str) -> Result<Value, Error> {
    if text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    {
        Ok(Value::from_safe_string(text.to_owned()))
    } else {
        Err(Error::new(
            ErrorKind::InvalidOperation,
            "a picture is not base64",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_base64_passes_unescaped() {
        assert!(checked_base64("iVBORw0KGgo+/=").is_ok());
        assert!(checked_base64("\"><script>").is_err());
    }

    #[test]
    fn every_template_parses_and_a_misspelt_name_is_an_error() {
        assert!(environment().is_ok());
        assert!(
            environment()
                .unwrap()
                .render_str("{{ nothing }}", ())
                .is_err()
        );
    }
}
