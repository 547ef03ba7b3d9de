//! How numbers are written: the same value gives the same text everywhere, on paper and on a terminal.

use tumorlens_core::Measured;

/// A figure with three decimals, fewer for large ones, scientific for tiny ones.
///
/// A value just below 1 is never rounded up to a perfect score: 0.99987 is written `0.9999`, not `1.000`.
/// Values that are not finite are written `undefined`; callers should have caught them before.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "undefined".to_owned();
    }
    let size = value.abs();
    let digits = match size {
        s if s == 0.0 || (0.0005..10.0).contains(&s) => 3,
        s if s < 0.0005 => return format!("{value:.2e}"),
        s if s < 100.0 => 2,
        s if s < 1000.0 => 1,
        _ => 0,
    };
    if size < 1.0 {
        below_one(value, digits)
    } else {
        decimals(value, digits)
    }
}

/// More digits, up to six, until the text no longer claims a full 1.
fn below_one(value: f64, digits: usize) -> String {
    (digits..=6)
        .map(|d| decimals(value, d))
        .find(|text| !text.trim_start_matches('-').starts_with('1'))
        .unwrap_or_else(|| decimals(value, 6))
}

/// A fixed number of decimals, without a minus sign in front of zero.
#[must_use]
pub fn decimals(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        _ => text,
    }
}

/// A measured figure on one line: `0.912 [0.871, 0.953]`, or `undefined: reason`.
#[must_use]
pub fn measured(measured: &Measured) -> String {
    match measured {
        Measured::Undefined { undefined } => format!("undefined: {undefined}"),
        Measured::Value {
            value,
            interval: None,
        } => number(*value),
        Measured::Value {
            value,
            interval: Some(interval),
        } => {
            format!(
                "{} [{}, {}]",
                number(*value),
                number(interval.low),
                number(interval.high)
            )
        }
    }
}

/// A share as a percentage with at most one decimal: `62.1 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let text = decimals(share * 100.0, 1);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A count with commas between thousands: `7,023`.
#[must_use]
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 image`, `7,023 images`.
#[must_use]
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tumorlens_core::{Interval, measured::IntervalMethod};

    #[test]
    fn figures_have_three_decimals_and_never_round_up_to_perfect() {
        for (value, text) in [
            (0.9123, "0.912"),
            (0.99987, "0.9999"),
            (0.999_999_99, "1.000000"),
            (1.0, "1.000"),
            (0.0, "0.000"),
            (-0.0, "0.000"),
            (-0.25, "-0.250"),
            (0.000_123, "1.23e-4"),
            (12.345, "12.35"),
            (123.45, "123.5"),
            (12345.6, "12346"),
            (f64::NAN, "undefined"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_measured_figure_shows_its_interval_or_its_reason() {
        let interval = Interval {
            low: 0.871,
            high: 0.953,
            level: 0.95,
            method: IntervalMethod::DeLong,
        };
        assert_eq!(
            measured(&Measured::with_interval(0.912, interval)),
            "0.912 [0.871, 0.953]"
        );
        assert_eq!(measured(&Measured::value(0.5)), "0.500");
        assert_eq!(
            measured(&Measured::undefined("no positive image")),
            "undefined: no positive image"
        );
    }

    #[test]
    fn counts_and_shares_read_like_prose() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(7_023), "7,023");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(counted(1, "image", "images"), "1 image");
        assert_eq!(percent(0.621), "62.1 %");
        assert_eq!(percent(1.0), "100 %");
    }

    proptest! {
        #[test]
        fn what_is_written_is_near_what_was_meant(value in -1e6f64..1e6) {
            let read: f64 = number(value).parse().unwrap();
            prop_assert!((read - value).abs() <= 0.006 * value.abs() + 1e-12);
        }
    }
}
