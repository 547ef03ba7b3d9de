//! `tumorlens phantom`: built-in phantoms as a folder of images.

use crate::args::PhantomArgs;
use crate::exit_code::Exit;
use crate::progress::Progress;
use anyhow::Context;
use tumorlens_core::Seed;
use tumorlens_data::phantom::{PhantomSpec, write_dataset};

pub(crate) fn run(args: &PhantomArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let mut spec = PhantomSpec {
        subjects: args.subjects,
        slices: args.slices,
        size: args.size,
        ..PhantomSpec::default()
    };
    if !args.weighting.is_empty() {
        spec.weightings.clone_from(&args.weighting);
    }
    write_dataset(&args.out, &spec, Seed(args.seed), progress)
        .with_context(|| args.out.display().to_string())?;
    println!("phantoms: {}", args.out.display());
    Ok(Exit::Done)
}
