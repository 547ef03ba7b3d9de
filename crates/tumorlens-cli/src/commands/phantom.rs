//! `tumorlens phantom`: built-in phantoms as a folder of images.

use crate::args::PhantomArgs;
use crate::exit_code::Exit;
use crate::progress::Progress;
use anyhow::Context;
use tumorlens_core::Seed;
use tumorlens_data::phantom::{PhantomSpec, write_dataset};

pub(crate) fn run(args: &PhantomArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let spec = PhantomSpec {
        subjects: args.subjects,
        size: args.size,
        ..PhantomSpec::default()
    };
    write_dataset(&args.out, &spec, Seed(args.seed), progress)
        .with_context(|| args.out.display().to_string())?;
    println!("phantoms: {}", args.out.display());
    Ok(Exit::Done)
}
