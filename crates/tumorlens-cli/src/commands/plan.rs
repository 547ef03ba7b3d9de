//! `tumorlens plan`: the configuration that suits a dataset, with the reason of each choice.

use super::predict::write;
use crate::args::PlanArgs;
use crate::exit_code::Exit;
use crate::plan::{Choice, Fingerprint, Plan};
use serde::Serialize;
use tumorlens_data::dataset::Dataset;
use tumorlens_report::number::counted;
use tumorlens_report::terminal::Table;

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    fingerprint: &'a Fingerprint,
    choices: &'a [Choice],
    config: &'a crate::config::RunConfig,
}

pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let dataset = Dataset::load(&args.dataset)?;
    let plan = Plan::of(&dataset);
    if let Some(file) = &args.out {
        write(file, plan.config.to_toml()?.as_bytes())?;
    }
    if args.json {
        let document = Document {
            fingerprint: &plan.fingerprint,
            choices: &plan.choices,
            config: &plan.config,
        };
        println!("{}", serde_json::to_string(&document)?);
        return Ok(Exit::Done);
    }
    print!("{}", found(&plan.fingerprint));
    println!();
    for choice in &plan.choices {
        println!("{} = {}\n    {}", choice.field, choice.value, choice.reason);
    }
    match &args.out {
        Some(file) => println!("\nwritten: {}", file.display()),
        None => println!(
            "\n`run`, `train` and `crossval` use this where no --config is given; --out FILE writes it down."
        ),
    }
    Ok(Exit::Done)
}

fn found(fingerprint: &Fingerprint) -> String {
    let counts = |map: &std::collections::BTreeMap<String, usize>| {
        let each: Vec<String> = map.iter().map(|(name, n)| format!("{name} {n}")).collect();
        each.join(", ")
    };
    let mut table = Table::new(["found", ""]);
    let images = counted(fingerprint.images as u64, "image", "images");
    let groups = counted(fingerprint.units as u64, "group", "groups");
    table.row(["to learn from".to_owned(), format!("{images} in {groups}")]);
    table.row(["classes".to_owned(), counts(&fingerprint.classes)]);
    table.row(["sources".to_owned(), counts(&fingerprint.sources)]);
    table.row(["planes".to_owned(), counts(&fingerprint.planes)]);
    table.row(["outlined".to_owned(), fingerprint.outlined.to_string()]);
    let side = fingerprint.median_side;
    let side = side.map_or_else(|| "unknown".to_owned(), |side| format!("{side} px"));
    table.row(["shorter side, median".to_owned(), side]);
    table.text()
}
