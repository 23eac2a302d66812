//! Tricks of training for convolutional networks, each alone against the plain network, and all together. Every arm is
//! that of a study: what a trick is, its setting says.

use super::gains::{self, ArmEnds, PLAIN, TOGETHER};
use super::study_lane::{Images, train_network};
use super::summary::Measured;
use super::{ExperimentError, bench::Bench, bench::Part, reference, summary};
use crate::data::Dataset;
use crate::evaluate::evaluate;
use crate::network::Mode;
use crate::train::{LaneNetwork, LaneSettings};
use protocol::{Activation, ConvnetTricks, DataSource, Figure, Lane, Outcome, Source, Stroke, Study, Table};

/// The training errors of a network by epoch, in percent, and the test error at the end.
struct History {
    training: Vec<f64>,
    end: Measured,
}

pub fn run(settings: &ConvnetTricks, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let (images, seeds) = (Images::load(bench)?, bench.seeds);
    let sizes = settings.sizes(bench.effort);
    let studies = settings.activations.iter().map(|&phi| study(phi, &images.source, sizes, seeds));
    let studies: Vec<Study> = studies.collect::<Result<_, _>>()?;
    let lanes = |study: &Study| -> Vec<Lane> {
        study.arm_ids().flat_map(|arm| seeds.iter().map(move |&seed| Lane { arm, seed })).collect()
    };
    let items: Vec<(&Study, Lane)> =
        studies.iter().flat_map(|study| lanes(study).into_iter().map(move |lane| (study, lane))).collect();
    let work = |&(study, lane): &(&Study, Lane), part: &Part| train(study, lane, &images.data, part);
    let shown = |so_far: &[Option<History>]| {
        let known: Vec<Option<&History>> = so_far.iter().map(Option::as_ref).collect();
        let parts = known.chunks(known.len() / settings.activations.len());
        let figures = settings.activations.iter().zip(parts);
        let figures = figures.map(|(&phi, histories)| curves(phi, &images, histories, seeds.len())).collect();
        Some(Outcome { figures, ..Outcome::default() })
    };
    let doing = format!("training on {}", images.title);
    let histories = bench.each(&doing, &items, work, shown)?;
    let mut outcome = Outcome::default();
    for (&phi, histories) in settings.activations.iter().zip(histories.chunks(items.len() / settings.activations.len()))
    {
        let arms = histories.chunks(seeds.len()).zip(names(&images.source));
        let arms: Vec<ArmEnds> = arms
            .map(|(seeds, name)| ArmEnds { name, ends: seeds.iter().map(|history| history.end).collect() })
            .collect();
        let title = format!("{} on {}", phi.title(), images.title);
        let found = gains::report("convnet-tricks", phi, &title, &arms, seeds);
        let known: Vec<Option<&History>> = histories.iter().map(Some).collect();
        outcome.figures.push(curves(phi, &images, &known, seeds.len()));
        outcome.figures.extend(found.figures);
        outcome.findings.extend(found.findings);
    }
    outcome.figures.push(published());
    outcome.findings.push(images.finding("convnet-tricks.cifar10"));
    Ok(outcome)
}

/// The arms, each with what it changes in a study.
fn arms(source: &DataSource, epochs: u32) -> Vec<(&'static str, String)> {
    let is_cifar = *source == DataSource::Cifar10;
    // After three fifths and after four fifths.
    let after = [3, 4].map(|fifths| (fifths * epochs / 5).max(1));
    let [first, second] = if after[0] < after[1] { after } else { [after[0], after[0] + 1] };
    let tricks = [
        ("flips", "flip=yes".to_string()),
        ("crops", format!("crop={}", if is_cifar { 4 } else { 2 })),
        ("weight-decay", "wd=0.004".into()),
        ("dropout", "dropout=0.25".into()),
        ("rate-drops", format!("schedule=drops({first},{second},0.1)")),
        ("batch-norm", "norm=batch".into()),
        ("local-norm", "norm=local".into()),
    ];
    // A mirrored digit is another sign.
    let tricks: Vec<_> = tricks.into_iter().filter(|(name, _)| is_cifar || *name != "flips").collect();
    // A network has one normalisation.
    let all = tricks.iter().filter(|(name, _)| *name != "local-norm").map(|(_, setting)| setting.clone());
    let together = (TOGETHER, all.collect::<Vec<_>>().join(" "));
    [(PLAIN, String::new())].into_iter().chain(tricks).chain([together]).collect()
}

fn names(source: &DataSource) -> impl Iterator<Item = &'static str> {
    arms(source, 10).into_iter().map(|(name, _)| name)
}

/// The study of an activation's arms. On CIFAR-10 it is cuda-convnet's network with Glorot's weights and momentum, on MNIST
/// the article's LeNet-4.
fn study(
    phi: Activation,
    source: &DataSource,
    [images, epochs, maps]: [u32; 3],
    seeds: &[u64],
) -> Result<Study, ExperimentError> {
    let arms: Vec<String> =
        arms(source, epochs).into_iter().map(|(name, settings)| format!("{name}: {phi}-{phi} {settings}")).collect();
    let shared = if *source == DataSource::Cifar10 {
        format!("preset=cifar-glorot widths={maps},{maps},{},{}", 2 * maps, 2 * maps)
    } else {
        "preset=article".into()
    };
    // In batches of fifty, as so few images make few steps. Nothing is chosen by validation images.
    let text = format!("{} | {shared} batch=50 images={images} epochs={epochs} val=100", arms.join("; "));
    let study = Study { seeds: seeds.to_vec(), ..text.parse()? };
    study.check()?;
    Ok(study)
}

fn train(study: &Study, lane: Lane, data: &Dataset, part: &Part) -> Result<History, ExperimentError> {
    let settings = LaneSettings::new(study, lane)?;
    settings.check(data)?;
    let net = settings.network(data.shape(), data.classes().len(), lane.seed);
    let mut network = LaneNetwork::new(&settings, net, data, lane.seed);
    let mut training = Vec::new();
    let trained = train_network(&settings, &mut network, lane.seed, part, |error| {
        training.push(error);
        part.mark_changed();
    })?;
    if let Err(absent) = trained {
        return Ok(History { training, end: Err(absent) });
    }
    let logits = |pick: &[i64]| network.engine.logits(data.test(), pick, Mode::Evaluation);
    let evaluated = evaluate(data.test(), logits, || part.poll().is_err()).ok_or(ExperimentError::Stopped)?;
    Ok(History { training, end: summary::number(evaluated.error, "the error is not finite") })
}

/// Training error by epoch, of each arm the mean over the seeds.
fn curves(phi: Activation, images: &Images, histories: &[Option<&History>], seeds: usize) -> Figure {
    let series = histories
        .chunks(seeds)
        .zip(names(&images.source))
        .filter_map(|(histories, name)| {
            let known: Vec<&History> = histories.iter().copied().flatten().collect();
            let epochs = known.iter().map(|history| history.training.len()).max().filter(|epochs| *epochs > 0)?;
            let mean = |epoch: usize| {
                let values: Vec<f64> =
                    known.iter().filter_map(|history| history.training.get(epoch).copied()).collect();
                summary::mean_and_spread(&values).0
            };
            let points = (0..epochs).map(|epoch| ((epoch + 1) as f64, mean(epoch))).collect();
            Some(summary::curve_with_gaps(name, Source::Measured, Stroke::Both, points))
        })
        .collect();
    let y = summary::axis("training error, %");
    let title = format!("{} on {}", phi.title(), images.title);
    Figure::Plot(summary::plot(title, summary::axis("epoch"), y, series))
}

/// The errors that the page of cuda-convnet names for its networks, and what their layer files add to each other.
fn published() -> Figure {
    let row = |cells: [&str; 4]| cells.map(String::from).to_vec();
    let source = reference::cuda_convnet();
    Figure::Table(Table {
        title: "cuda-convnet's published networks".into(),
        columns: row(["network", "test error, %", "time", "what it adds"]),
        rows: vec![
            row(["80sec", "26", "80 s", "nothing is done to the images"]),
            row(["18pct", "18", "20 min", "local norm, weight decay, rate drops"]),
            row(["13pct", "13", "25 min", "flips, crops, two local layers"]),
            row(["11pct", "11", "75 min", "local norm across maps, more epochs"]),
        ],
        sources: vec![source.clone(), source.clone(), source.clone(), source],
        places: Vec::new(),
    })
}
