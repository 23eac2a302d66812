//! `relu view`: looks into a trained network, without the notebook.

use super::stored_run::read_run;
use super::view_image::{Digit, read_digit};
use super::view_picture;
use super::{Outcome, Usage, connect_or_start, export, say, say_json};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use color_eyre::eyre::bail;
use protocol::{
    Ablated, ArmId, Bins, ConfusionMatrix, ImageSplit, Layer, Reply, RequestBody, RunId, Seen, SeenProducts, SeenShape,
    Surgery, UnitChange, View, ViewAnswer, ViewImage, ViewKind, ViewRequest, ViewSubject, escape_line, format_count,
};
use shell::client::Client;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use store::Home;

/// What follows the options in `relu view --help`.
const EXPLANATION: &str = "\
A view is of one kept checkpoint: of the first arm and seed and of the last kept epoch if nothing else is said. It is \
computed anew from the checkpoint, so every kept epoch of every run has all of them; `relu runs show` tells which epochs \
are kept. Hidden layers are looked at with the first 1,000 images of the split, histograms and gradients \
with 250 (63 of CIFAR-10), answers with all. Of the mistakes all are counted and the first 500 listed.

Examples:
  relu view 5 confusion --arm all-tanh --epoch 20
  relu view 5 ask --digit validation:17
  relu view 5 ask --digit four.png --json
  relu view 5 filters -o filters.png
  relu view 5 ablation --layer fc1
  relu view 5 products --layer conv1 --unit 3 --row 12 --column 9 --digit test:4

--silence, --scale and --revive change the network before it is looked at; the checkpoint stays as it is. Each may be \
given several times; all silences come first, then the scales, then the revivals. They hold for every kind of view, and \
LibTorch then gives the answers to whole splits too.

  relu view 5 confusion --silence conv1:3 --silence conv1:0
  relu view 5 ask --digit test:4 --scale fc1:7=0.5
  relu view 5 units --revive conv2:4";

#[derive(Args)]
#[command(after_help = EXPLANATION)]
pub struct ViewArguments {
    /// Its number in `relu runs`
    run: RunId,
    /// What is asked
    #[arg(value_parser = kinds())]
    kind: ViewKind,
    /// The arm, as `relu runs show --json` names it; otherwise the first
    #[arg(long)]
    arm: Option<ArmId>,
    /// Otherwise the first
    #[arg(long)]
    seed: Option<u64>,
    /// A kept epoch; otherwise the last
    #[arg(long)]
    epoch: Option<u32>,
    /// Whose images
    #[arg(long, value_parser = splits(), default_value = ImageSplit::Validation.name())]
    split: ImageSplit,
    /// Of `wants`, `ablation` and `products`: conv1, fc1, ...; otherwise the last hidden layer
    #[arg(long)]
    layer: Option<Layer>,
    /// Of `wants` and `products`: counted from 0; otherwise 0
    #[arg(long)]
    unit: Option<u32>,
    /// Of `products`: the row of the output in its feature map before pooling, counted from 0
    #[arg(long, default_value_t = 0)]
    row: u32,
    /// Of `products`: the column
    #[arg(long, default_value_t = 0)]
    column: u32,
    /// Of `wants`: the seed of the noise that the optimised image starts from
    #[arg(long, default_value_t = 1)]
    noise: u64,
    /// Of `ask`, `maps` and `products`: a PNG of the data set's size, white on black for digits, or SPLIT:NUMBER, counted from 0;
    /// otherwise validation:0
    #[arg(long, value_name = "FILE.png|SPLIT:N")]
    digit: Option<String>,
    /// Sets the output of a unit or of a feature map to 0, counted from 0: conv1:3
    #[arg(long, value_name = "LAYER:UNIT", value_parser = read_silence)]
    silence: Vec<UnitChange>,
    /// Multiplies it: fc1:7=0.5
    #[arg(long, value_name = "LAYER:UNIT=FACTOR", value_parser = read_scale)]
    scale: Vec<UnitChange>,
    /// Shifts its bias until its mean pre-activation over the first 1,000 validation images is 0
    #[arg(long, value_name = "LAYER:UNIT", value_parser = read_revival)]
    revive: Vec<UnitChange>,
    /// One JSON object with every number
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// A picture
    #[arg(short, long, value_name = "FILE.png")]
    output: Option<PathBuf>,
    /// Replaces a file that is there
    #[arg(long)]
    force: bool,
}

/// Reads the kind of a view; help lists all.
fn kinds() -> impl TypedValueParser<Value = ViewKind> {
    let kinds = ViewKind::ALL.map(|kind| PossibleValue::new(kind.name()).help(kind.description()));
    PossibleValuesParser::new(kinds).try_map(|name| name.parse::<ViewKind>())
}

fn splits() -> impl TypedValueParser<Value = ImageSplit> {
    PossibleValuesParser::new(ImageSplit::ALL.map(ImageSplit::name)).try_map(|name| name.parse::<ImageSplit>())
}

pub fn view(arguments: &ViewArguments) -> Outcome {
    refuse_unused(arguments)?;
    if let Some(output) = &arguments.output {
        check_ending(output)?;
    }
    let home = Home::locate()?;
    let (_, summary) = read_run(&home, arguments.run)?;
    let settings = arguments.arm.and_then(|arm| summary.spec.find_arm(arm));
    let settings = settings.and_then(|arm| summary.spec.settings(arm)).unwrap_or(summary.spec.first_settings());
    let last = || summary.spec.network.hidden_layers(&settings.widths).last().copied();
    let digit = arguments.digit.as_deref().map(read_digit).transpose()?;
    let mut client = connect_or_start(&home)?;
    let subject = ViewSubject {
        split: arguments.split,
        image: image(digit, arguments, &mut client)?,
        unit: arguments.layer.or_else(last).map(|layer| (layer, arguments.unit.unwrap_or(0))),
        place: (arguments.row, arguments.column),
        seed: arguments.noise,
    };
    let view = arguments.kind.question(subject);
    let view = view.ok_or_else(|| Usage(format!("run {} has no hidden layer", arguments.run)))?;
    let &ViewArguments { run, arm, seed, epoch, .. } = arguments;
    let changes = [&arguments.silence, &arguments.scale, &arguments.revive].into_iter().flatten().copied().collect();
    let answer = ask(&mut client, ViewRequest { run, arm, seed, epoch, changes, view })?;
    let title = summary.spec.arm_title(answer.arm);
    if arguments.json {
        say_json(&answer)?;
    } else if let Some(output) = &arguments.output {
        let bytes = view_picture::png(&answer, &title)?;
        export::write_file(&home, Some(output), &bytes, arguments.force)?;
    } else {
        say(&format!("run {}, {title} seed {}, epoch {}", answer.run, answer.seed, answer.epoch))?;
        if let Some(changes) = answer.describe_changes() {
            say(&format!("changed: {changes}"))?;
        }
        if arguments.kind.takes_image() {
            say(&format!("image: {}", escape_line(arguments.digit.as_deref().unwrap_or("validation:0"))))?;
        }
        for line in lines(&answer) {
            say(&line)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a kind of view takes an option.
type Takes = fn(ViewKind) -> bool;

/// Refuses options that the view would ignore.
fn refuse_unused(arguments: &ViewArguments) -> Result<(), Usage> {
    let kind = arguments.kind;
    let options: [(&str, bool, Takes); 3] = [
        ("--digit", arguments.digit.is_some(), ViewKind::takes_image),
        ("--layer", arguments.layer.is_some(), ViewKind::takes_layer),
        ("--unit", arguments.unit.is_some(), ViewKind::takes_unit),
    ];
    let Some((option, _, takes)) = options.into_iter().find(|(_, is_given, takes)| *is_given && !takes(kind)) else {
        return Ok(());
    };
    let takers: Vec<&str> = ViewKind::ALL.into_iter().filter(|kind| takes(*kind)).map(ViewKind::name).collect();
    let (name, takers) = (kind.name(), takers.join(", "));
    Err(Usage(format!("{name} takes no {option}; leave it out, or look at one of {takers}")))
}

/// Whether a picture may be written there: a file is named as the PNG that it becomes, stdout and other streams have any
/// name.
fn check_ending(output: &Path) -> Result<(), Usage> {
    let is_png = output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    let is_stream = output == Path::new("-") || output.starts_with("/dev") || output.starts_with("/proc");
    if is_png || is_stream {
        return Ok(());
    }
    let (name, renamed) = (output.display(), output.with_extension("png"));
    Err(Usage(format!(
        "{name}: the picture of a view is a PNG; take a name that ends in .png, such as {}",
        renamed.display()
    )))
}

/// Reads `conv1:3`.
fn read_unit(text: &str) -> Result<(Layer, u32), String> {
    let read = || {
        let (layer, unit) = text.split_once(':')?;
        Some((layer.parse().ok()?, unit.parse().ok()?))
    };
    read().ok_or_else(|| format!("`{text}` is no unit, such as conv1:3 or fc1:7"))
}

fn read_silence(text: &str) -> Result<UnitChange, String> {
    let (layer, unit) = read_unit(text)?;
    Ok(UnitChange { layer, unit, change: Surgery::Scale(0.0) })
}

/// Reads `fc1:7=0.5`.
fn read_scale(text: &str) -> Result<UnitChange, String> {
    let (unit, factor) = text.split_once('=').ok_or_else(|| format!("`{text}` has no factor, as in fc1:7=0.5"))?;
    let (layer, unit) = read_unit(unit)?;
    let factor: Option<f32> = factor.parse().ok().filter(|factor: &f32| factor.is_finite());
    let factor = factor.ok_or_else(|| format!("`{text}`: take a finite number behind the `=`, as in fc1:7=0.5"))?;
    Ok(UnitChange { layer, unit, change: Surgery::Scale(factor) })
}

fn read_revival(text: &str) -> Result<UnitChange, String> {
    let (layer, unit) = read_unit(text)?;
    Ok(UnitChange { layer, unit, change: Surgery::Revive })
}

/// The image that the view is of.
fn image(digit: Option<Digit>, arguments: &ViewArguments, client: &mut Client) -> color_eyre::Result<ViewImage> {
    Ok(match digit {
        None => FIRST_IMAGE,
        Some(Digit::OfSplit { split, number }) => ViewImage::Of { split, number },
        Some(Digit::Drawn(picture)) => ViewImage::Pixels(picture.into_pixels(image_shape(arguments, client)?)?),
    })
}

/// The shape of the run's images. Only the kernel reads the data sets, and its answer about any image of one has it.
fn image_shape(arguments: &ViewArguments, client: &mut Client) -> color_eyre::Result<SeenShape> {
    let &ViewArguments { run, arm, seed, epoch, .. } = arguments;
    let view = View::Ask { image: FIRST_IMAGE };
    let answer = ask(client, ViewRequest { run, arm, seed, epoch, changes: Vec::new(), view })?;
    let Seen::Ask { image, .. } = answer.seen else { bail!("the kernel gave another view") };
    Ok(image.shape)
}

fn ask(client: &mut Client, request: ViewRequest) -> color_eyre::Result<Box<ViewAnswer>> {
    match client.request_within(PATIENCE, RequestBody::View(Box::new(request)))? {
        Reply::View(answer) => Ok(answer),
        _ => bail!("the kernel gave no view"),
    }
}

/// What is looked at if no image is named.
const FIRST_IMAGE: ViewImage = ViewImage::Of { split: ImageSplit::Validation, number: 0 };

/// The longest wait for an answer: all training images of CIFAR-10 take half a minute on a core that is shared.
const PATIENCE: Duration = Duration::from_mins(10);

/// The answer in words, a line each.
#[allow(clippy::too_many_lines, reason = "a paragraph a view")]
fn lines(answer: &ViewAnswer) -> Vec<String> {
    match &answer.seen {
        Seen::Filters { layers } => layers
            .iter()
            .flat_map(|layer| {
                let of = layer.inputs as usize * (layer.side * layer.side) as usize;
                let head = format!(
                    "{}: {}, each {}x{}x{}",
                    layer.layer,
                    format_count(layer.maps as usize, "filter"),
                    layer.inputs,
                    layer.side,
                    layer.side
                );
                let filters = layer.weights.chunks_exact(of.max(1)).zip(&layer.biases).enumerate();
                let rows = filters.map(|(at, (weights, bias))| {
                    let (low, high) = range(weights);
                    let squares: f64 = weights.iter().map(|value| f64::from(*value).powi(2)).sum();
                    let rms = (squares / of.max(1) as f64).sqrt();
                    format!("  {at:>3}  from {low:>8.4} to {high:>7.4}, rms {rms:.4}, bias {bias:.4}")
                });
                std::iter::once(head).chain(rows).collect::<Vec<_>>()
            })
            .collect(),
        Seen::Maps { layers, probabilities, .. } => {
            let of_layer = layers.iter().map(|layer| {
                let (low, high) = range(&layer.y);
                let zeros = layer.y.iter().filter(|value| **value == 0.0).count();
                format!(
                    "{}: {} of {}x{}, outputs from {low:.4} to {high:.4}, {:.1} % zero",
                    layer.layer,
                    format_count(layer.units as usize, "unit"),
                    layer.height,
                    layer.width,
                    100.0 * zeros as f64 / layer.y.len().max(1) as f64
                )
            });
            let best = probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let answer = best.map(|(class, share)| format!("answer: class {class}, {:.1} %", 100.0 * share));
            of_layer.chain(answer).collect()
        }
        Seen::Histogram { images, split, layers } => std::iter::once(over(*images, *split))
            .chain(layers.iter().flat_map(|layer| {
                let sums = format!(
                    "{} ({}): mean {:.4}, deviation {:.4}, from {:.4} to {:.4}  {}",
                    layer.layer,
                    layer.activation,
                    layer.mean,
                    layer.deviation,
                    layer.z.from,
                    layer.z.to,
                    spark(&layer.z)
                );
                let Bins { from, to, .. } = layer.gradient;
                [sums, format!("  gradients there: from {from:.3e} to {to:.3e}  {}", spark(&layer.gradient))]
            }))
            .collect(),
        Seen::Units { images, split, layers } => std::iter::once(over(*images, *split))
            .chain(layers.iter().map(|layer| {
                let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
                let dead: Vec<String> = layer.dead.iter().map(u32::to_string).collect();
                let dead = if dead.is_empty() { "none dead".into() } else { format!("dead: {}", dead.join(", ")) };
                format!(
                    "{}: {}, {:.1} % zero, {:.1} % saturated; {dead}",
                    layer.layer,
                    format_count(layer.zeros.len(), "unit"),
                    mean(&layer.zeros),
                    mean(&layer.saturated)
                )
            }))
            .collect(),
        Seen::Gradients { images, split, layers } => std::iter::once(over(*images, *split))
            .chain(layers.iter().map(|layer| {
                format!("{}: weights {:.3e}, pre-activations {:.3e} (rms)", layer.layer, layer.weights, layer.z)
            }))
            .collect(),
        Seen::Confusion { classes, matrix, split } => confusion(classes, matrix, *split),
        Seen::Mistakes { images, wrong, mistakes, classes, split, .. } => {
            let head = mistakes_head(*wrong, *images, *split, mistakes.len());
            let rows = mistakes.iter().map(|mistake| {
                let share = |class: u32| 100.0 * mistake.probabilities.get(class as usize).copied().unwrap_or_default();
                let name = |class: u32| classes.get(class as usize).cloned().unwrap_or_default();
                format!(
                    "  image {:>5}: {} taken for {} ({:.1} % against {:.1} %)",
                    mistake.number,
                    name(mistake.truth),
                    name(mistake.answer),
                    share(mistake.answer),
                    share(mistake.truth)
                )
            });
            std::iter::once(head).chain(rows).collect()
        }
        Seen::Ask { classes, answer, probabilities, truth, .. } => {
            let name = |class: u32| classes.get(class as usize).cloned().unwrap_or_default();
            let truth = truth.map_or(String::new(), |truth| format!(" (it is {})", name(truth)));
            let rows = classes.iter().zip(probabilities).map(|(class, share)| {
                format!("  {class:<10} {:>5.1} %  {}", 100.0 * share, "█".repeat((30.0 * share).round() as usize))
            });
            std::iter::once(format!("answer: {}{truth}", name(*answer))).chain(rows).collect()
        }
        Seen::Answers { classes, probabilities } => {
            let best = |row: &[f32]| {
                let best = row.iter().zip(classes).max_by(|a, b| a.0.total_cmp(b.0));
                best.map_or_else(String::new, |(share, class)| format!("{class}, {:.1} %", 100.0 * share))
            };
            probabilities.iter().enumerate().map(|(at, row)| format!("image {at}: {}", best(row))).collect()
        }
        Seen::Products(products) => sum_of_products(products),
        Seen::Wants { layer, unit, split, sample, images, optimised, .. } => {
            let head = format!("{layer} unit {unit}: its largest outputs {}", over(*sample, *split));
            let rows = images
                .iter()
                .map(|image| format!("  image {:>5} (class {}): {:.4}", image.number, image.truth, image.output));
            let found = format!("gradient ascent reaches {:.4} ({})", optimised.output, optimised.regulariser);
            std::iter::once(head).chain(rows).chain([found]).collect()
        }
        Seen::Ablation { layer, images, split, error, loss, units } => {
            let head = format!(
                "{layer}, {}; with all units {error:.2} % wrong, loss {loss:.4}; without one, the largest error first:",
                over(*images, *split)
            );
            let rows = Ablated::rank(units).into_iter().map(|(unit, of)| {
                format!("  unit {unit:>4}: {:>6.2} % wrong ({:+.2}), loss {:.4}", of.error, of.error - error, of.loss)
            });
            std::iter::once(head).chain(rows).collect()
        }
    }
}

/// How many images are wrong, and how many of them are listed where not all are.
pub fn mistakes_head(wrong: u32, images: u32, split: ImageSplit, listed: usize) -> String {
    let head = format!("{wrong} of {images} {} images are wrong", split.name());
    if listed < wrong as usize { format!("{head}; the first {listed} of {wrong} follow") } else { head }
}

/// The sum with its largest terms.
fn sum_of_products(seen: &SeenProducts) -> Vec<String> {
    const SHOWN: usize = 12;
    let products = seen.products();
    let place = if seen.height * seen.width > 1 {
        format!(", row {}, column {} of {}x{}", seen.row, seen.column, seen.height, seen.width)
    } else {
        String::new()
    };
    let total = |keep: fn(f32) -> bool| products.iter().filter(|product| keep(**product)).map(|p| f64::from(*p)).sum();
    let (positive, negative): (f64, f64) = (total(|product| product > 0.0), total(|product| product < 0.0));
    let head = format!("{} unit {}{place}, of {}", seen.layer, seen.unit, format_count(products.len(), "input"));
    let sums = [
        ("positive products".to_owned(), positive),
        ("negative products".into(), negative),
        ("bias".into(), f64::from(seen.bias)),
        ("z, their sum".into(), f64::from(seen.z)),
    ];
    let y = seen.activation.map(|activation| (format!("y = {activation} of z"), f64::from(seen.y)));
    let sums: Vec<(String, f64)> = sums.into_iter().chain(y).collect();
    // An activation with a parameter has a longer name than the others.
    let label = sums.iter().map(|(name, _)| name.chars().count() + 1).max().unwrap_or(0);
    let sums = sums.into_iter().map(|(name, value)| format!("  {name:<label$}{value:>10.4}"));
    let side = (seen.side as usize).max(1);
    let terms = seen.ranked().into_iter().take(SHOWN).map(|at| {
        let input = at / (side * side);
        let name = if side > 1 {
            format!("input {input}, row {}, column {}", at / side % side, at % side)
        } else {
            format!("input {input}")
        };
        format!("  {name:<26} {:>9.4} x {:>9.4} = {:>9.4}", seen.x[at], seen.weights[at], products[at])
    });
    std::iter::once(head).chain(sums).chain(["the largest products, input x weight:".into()]).chain(terms).collect()
}

fn over(images: u32, split: ImageSplit) -> String {
    format!("over {} of the {} split", format_count(images as usize, "image"), split.name())
}

fn range(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
}

/// A histogram in one line.
fn spark(bins: &Bins) -> String {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    // Neighbours are added up, so that a line has room.
    let counts: Vec<u64> = bins.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts.iter().map(|count| LEVELS[(count * 8).div_ceil(most).min(8) as usize]).collect()
}

/// A row for each true class, a column for each answer.
fn confusion(classes: &[String], matrix: &ConfusionMatrix, split: ImageSplit) -> Vec<String> {
    let names = classes.iter().map(|class| class.chars().count()).max().unwrap_or(1);
    let head = format!(
        "{} of {} {} images are wrong ({:.2} %); rows are the truth, columns the answers",
        matrix.wrong(),
        matrix.images(),
        split.name(),
        matrix.error()
    );
    let cell = |text: &str| format!("{text:>6}");
    let short = |class: &String| cell(&class.chars().take(5).collect::<String>());
    let columns = format!("{:names$} {}", "", classes.iter().map(short).collect::<String>());
    let rows = classes.iter().zip(&matrix.0).map(|(class, row)| {
        let counts: String =
            row.iter().map(|count| cell(&if *count == 0 { "·".into() } else { count.to_string() })).collect();
        format!("{class:names$} {counts}")
    });
    [head, columns].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_says_so() {
        let head = |wrong, listed| mistakes_head(wrong, 2000, ImageSplit::Test, listed);
        assert_eq!(head(12, 12), "12 of 2000 test images are wrong");
        assert_eq!(head(1057, 500), "1057 of 2000 test images are wrong; the first 500 of 1057 follow");
    }

    #[test]
    fn a_picture_is_written_under_the_name_of_a_png() {
        for sound in ["filters.png", "a.b/FILTERS.PNG", "-", "/dev/stdout"] {
            assert!(check_ending(Path::new(sound)).is_ok(), "{sound}");
        }
        for (name, remedy) in [("filters.jpg", "such as filters.png"), ("a/filters", "such as a/filters.png")] {
            let why = check_ending(Path::new(name)).map_err(|Usage(why)| why).unwrap_err();
            assert!(why.starts_with(name) && why.contains(remedy), "{why}");
        }
    }

    #[test]
    fn the_sums_of_products_stand_in_one_column() {
        for activation in ["relu", "leaky(0.2)", "leaky(0.123456)"] {
            let seen = SeenProducts {
                layer: "fc1".parse().unwrap(),
                unit: 3,
                row: 0,
                column: 0,
                height: 1,
                width: 1,
                activation: Some(activation.parse().unwrap()),
                inputs: 2,
                side: 1,
                x: vec![1.0, 2.0],
                weights: vec![0.5, -0.25],
                bias: 0.125,
                z: 0.125,
                y: 0.125,
            };
            let lines = sum_of_products(&seen);
            assert_eq!(lines[5].split_whitespace().next(), Some("y"));
            let ends: Vec<usize> = lines[1..6].iter().map(|line| line.chars().count()).collect();
            assert!(ends.iter().all(|end| *end == ends[0]), "{lines:?}");
        }
    }
}
