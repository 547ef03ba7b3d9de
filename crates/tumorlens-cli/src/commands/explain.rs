//! `tumorlens explain`: what a call rests on, by any method, at any layer.

use crate::args::ExplainArgs;
use crate::commands::predict::{outline, place, range, write};
use crate::exit_code::{Exit, Stopped};
use crate::pictures::{self, Stems, Unreadable};
use crate::progress::Progress;
use crate::{model, npy};
use anyhow::Context;
use std::fs;
use tumorlens_core::{Classifier, Observer};
use tumorlens_data::scan::path_text::to_text;
use tumorlens_data::slice::Volumes;
use tumorlens_nn::explain::{self, Method, layers};
use tumorlens_nn::precision::Precision;
use tumorlens_nn::predict::Predictor;
use tumorlens_report::figure::tensor::{TileLayout, tiles};
use tumorlens_report::overlay_png;

pub(crate) fn run(args: &ExplainArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let predictor = model::predictor(args.model.as_deref(), &args.device, Precision::F32)?;
    if let Some(names) = listing(args, &predictor)? {
        for name in names {
            println!("{name}");
        }
        return Ok(Exit::Done);
    }
    let methods = methods(args, &predictor)?;
    check_layer(args, &predictor, &methods)?;
    fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let found = pictures::find(&args.paths, &[], &[])?;
    let mut stems = Stems::default();
    let volumes = Volumes::default();
    let mut unreadable = found.skipped.len();
    progress.begin("explain", Some(found.images.len() as u64));
    for (done, file) in found.images.iter().enumerate() {
        if progress.should_stop() {
            return Err(Stopped.into());
        }
        let picture = match pictures::read(&file.path, predictor.preprocess(), &volumes, false) {
            Ok(picture) => picture,
            Err(Unreadable::File(reason) | Unreadable::Content(reason)) => {
                progress.say(&format!("{}: {reason}", to_text(&file.path)));
                unreadable += 1;
                continue;
            }
        };
        let stem = stems.of(&file.path);
        for &method in &methods {
            let layer = args.layer.as_deref().filter(|_| method.takes_layer());
            let classes = predictor.classes();
            let map = explain::attribute(
                predictor.network(),
                &picture.input,
                classes,
                classes.positive(),
                method,
                layer,
            )?;
            let map = place(&map, &picture)?;
            let own = method == Method::default_for(predictor.network().graph());
            let line = predictor.map_line().filter(|_| own);
            let threshold = line.map(|line| line.of(&map.values));
            let (range, outline) = (range(&map, threshold), outline(&map, threshold)?);
            write(
                &args.out.join(format!("{stem}.{method}.png")),
                &overlay_png(&picture.image, &map, range, outline.as_ref())?,
            )?;
            let raw = npy::bytes(map.size.height, map.size.width, &map.values);
            write(&args.out.join(format!("{stem}.{method}.npy")), &raw)?;
        }
        if args.features {
            let maps =
                explain::feature_maps(predictor.network(), &picture.input, args.layer.as_deref())?;
            let sheet = tiles(&maps.values, maps.size, TileLayout::feature_maps(maps.size))?;
            write(&args.out.join(format!("{stem}.features.png")), sheet.png())?;
        }
        progress.advance(done as u64 + 1, &stem);
    }
    progress.end();
    println!("pictures and raw maps: {}", args.out.display());
    Ok(if unreadable > 0 {
        Exit::Partial
    } else {
        Exit::Done
    })
}

/// A layer that does not exist, or that no chosen method looks at, is an error and not ignored.
fn check_layer(
    args: &ExplainArgs,
    predictor: &Predictor,
    methods: &[Method],
) -> anyhow::Result<()> {
    let Some(layer) = &args.layer else {
        return Ok(());
    };
    let known = layers(predictor.network().graph())?;
    anyhow::ensure!(
        known.iter().any(|l| l.name == *layer),
        "--layer {layer}: the model has no such layer; `--layer list` names them"
    );
    anyhow::ensure!(
        args.features || methods.iter().any(|m| m.takes_layer()),
        "--layer {layer}: no chosen method looks at a layer; choose another with --method"
    );
    Ok(())
}

/// What `--method list` and `--layer list` print.
fn listing(args: &ExplainArgs, predictor: &Predictor) -> anyhow::Result<Option<Vec<String>>> {
    if args.method.iter().any(|m| m == "list") {
        return Ok(Some(Method::ALL.iter().map(ToString::to_string).collect()));
    }
    if args.layer.as_deref() == Some("list") {
        let layers = layers(predictor.network().graph())?;
        let lines = layers
            .into_iter()
            .map(|l| format!("{:<28} {:?}", l.name, l.shape))
            .collect();
        return Ok(Some(lines));
    }
    Ok(None)
}

fn methods(args: &ExplainArgs, predictor: &Predictor) -> anyhow::Result<Vec<Method>> {
    if args.method.is_empty() {
        return Ok(vec![Method::default_for(predictor.network().graph())]);
    }
    Ok(args
        .method
        .iter()
        .map(|m| m.parse())
        .collect::<Result<_, _>>()?)
}
