//! Exports a run's curves as CSV, as JSON, as `TensorBoard`'s event file, or as a chart in SVG or PNG.

use super::chart;
use super::stored_run::{read_run, sorted_epochs, to_json};
use super::tfevents::tfevents;
use super::{Outcome, Usage, complain};
use app::{AxisReach, Background, ChartOptions, ChartRun, TrainingRun, Viewport, published_beside, study_plot};
use clap::ValueEnum;
use color_eyre::eyre::eyre;
use lesson::Library;
use protocol::{
    Arm, DataSource, EpochRecord, Layer, METRICS, Metric, Network, Plot, RunEvent, RunId, RunSummary, Setting,
    escape_controls, escape_json, grouped,
};
use statistics::Quantity;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use store::{Home, OutputError, Store, write_out};

/// The format of an exported file.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A row for each epoch of each lane
    Csv,
    /// Settings, state and epochs
    Json,
    /// The chart: validation error by epoch
    Svg,
    /// The same as pixels
    Png,
    /// Events for `tensorboard --logdir`
    Tfevents,
}

impl Format {
    fn is_chart(self) -> bool {
        matches!(self, Self::Svg | Self::Png)
    }
}

/// What an export is to be.
#[derive(Default)]
pub struct ExportOptions {
    /// What the file's name says, else CSV, if `None`.
    pub format: Option<Format>,
    /// What a chart shows; the validation error if `None`.
    pub metric: Option<Quantity>,
    /// The colours of a chart; light if `None`.
    pub theme: Option<ChartTheme>,
    /// Whether it may take the place of a file.
    pub force: bool,
}

/// The page that a chart is made for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChartTheme {
    Light,
    Dark,
}

impl ChartTheme {
    fn background(self) -> Background {
        match self {
            Self::Light => Background::Light,
            Self::Dark => Background::Dark,
        }
    }
}

pub fn export(home: &Home, run: RunId, options: &ExportOptions, output: Option<&Path>) -> Outcome {
    let named = output.filter(|path| *path != Path::new("-")).and_then(format_of);
    let format = match (options.format, output) {
        (Some(format), Some(path)) if named.is_some_and(|named| named != format) => {
            let kind = format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            let message = format!("{}: its ending is not that of --format {kind}; leave --format out", path.display());
            return Err(Usage(message).into());
        }
        (Some(format), _) => format,
        (None, Some(path)) if path != Path::new("-") => format_of(path).ok_or_else(|| {
            Usage(format!("{}: name a file that ends in {FILE_ENDINGS}, or give --format", path.display()))
        })?,
        (None, _) => Format::Csv,
    };
    if options.metric.is_some() && !format.is_chart() {
        return Err(Usage("--metric chooses what a chart shows; every other format has every metric".into()).into());
    }
    if options.theme.is_some() && !format.is_chart() {
        return Err(Usage("--theme is for charts, svg and png; the other formats have no colours".into()).into());
    }
    let background = options.theme.map_or(Background::Light, ChartTheme::background);
    let to_stdout = output.is_none_or(|path| path == Path::new("-"));
    if let Format::Png | Format::Tfevents = format
        && to_stdout
        && io::stdout().is_terminal()
    {
        let (what, ending) = if format == Format::Png { ("a PNG", "png") } else { ("an event file", "tfevents") };
        let message = format!("{what} is no text for a terminal; name a file with -o FILE.{ending}, or pipe it");
        return Err(Usage(message).into());
    }
    let (store, summary) = read_run(home, run)?;
    let epochs = sorted_epochs(&store, &summary)?;
    if let Some(metric) = options.metric {
        check_measured(metric, &epochs).map_err(Usage)?;
    }
    let metric = options.metric.map_or((summary.spec.headline_metric(), None), |of| (of.metric(), of.layer()));
    let chart_options = ChartOptions { metric: metric.0, layer: metric.1, ..ChartOptions::default() };
    let bytes = match format {
        Format::Csv => csv(&epochs)?.into_bytes(),
        Format::Json => json(home, &store, &summary, &epochs)?.into_bytes(),
        Format::Tfevents => tfevents(&summary, &epochs),
        Format::Svg => {
            let plot = plot(&summary, &store.history(run)?, &chart_options);
            let svg = chart::svg(&plot, &Viewport::default(), background)?;
            escape_controls(&svg).into_owned().into_bytes()
        }
        Format::Png => {
            let plot = plot(&summary, &store.history(run)?, &chart_options);
            let png = chart::png(&plot, &Viewport::default(), background)?;
            png.remark.iter().for_each(|remark| complain(remark));
            png.bytes
        }
    };
    write_file(home, output, &bytes, options.force)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes what the user asked for to a file, or to stdout.
///
/// # Errors
/// If it can't be written there. A file within the home is an error of usage, and so is one that holds something unless
/// `force` says that it may go.
pub fn write_file(home: &Home, output: Option<&Path>, bytes: &[u8], force: bool) -> color_eyre::Result<()> {
    if let Some(path) = output.filter(|path| *path != Path::new("-")) {
        let holds_something = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0);
        if holds_something && !force && !is_own_stream(path) {
            let message = format!("{} is there already; take another name, or --force", path.display());
            return Err(Usage(message).into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.exists()) {
            let folder = folder.display();
            return Err(eyre!("{}: there is no folder {folder}; `mkdir -p {folder}` makes it", path.display()));
        }
    }
    match write_out(home, output.unwrap_or(Path::new("-")), bytes) {
        Err(refused @ OutputError::InHome { .. }) => Err(Usage(refused.to_string()).into()),
        // Returned as an I/O error: a reader that closes the pipe is no failure.
        Err(OutputError::Unwritable { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe => Err(cause.into()),
        written => Ok(written?),
    }
}

/// Whether a path is a name of an open file of this process, such as /dev/stdout, which the shell has opened already.
fn is_own_stream(path: &Path) -> bool {
    ["/dev/", "/proc/"].iter().any(|folder| path.starts_with(folder))
}

/// A chart without a curve says nothing of why.
fn check_measured(wanted: Quantity, epochs: &[EpochRecord]) -> Result<(), String> {
    let is_measured = |quantity: &Quantity| epochs.iter().any(|record| quantity.of(record).is_some());
    if epochs.is_empty() || is_measured(&wanted) {
        return Ok(());
    }
    let measured: Vec<String> = columns(epochs).iter().filter(|of| is_measured(of)).map(Quantity::to_string).collect();
    Err(format!("this run did not measure {wanted}; it has {}", measured.join(", ")))
}

/// Writes a run's curves to a new file, in the format of its extension.
///
/// # Errors
/// If there is something at the path already, and for what keeps the run from being read or the file from being written.
pub fn to_new_file(
    home: &Home,
    run: RunId,
    path: &Path,
    shown: Option<(Metric, Option<Layer>)>,
) -> color_eyre::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(eyre!("{} is there already; take another name", path.display()));
    }
    let is_chart = format_of(path).is_some_and(Format::is_chart);
    let metric = shown.filter(|_| is_chart).and_then(|(metric, layer)| Quantity::new(metric, layer).ok());
    export(home, run, &ExportOptions { metric, ..ExportOptions::default() }, Some(path)).map(drop)
}

/// The endings by which [`format_of`] knows a format.
const FILE_ENDINGS: &str = ".csv, .json, .svg, .png or .tfevents";

/// The format that a file's name says. `TensorBoard`'s own names have more behind `tfevents`.
fn format_of(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    match Path::new(&name).extension()?.to_str()? {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "svg" => Some(Format::Svg),
        "png" => Some(Format::Png),
        _ => name.contains(".tfevents").then_some(Format::Tfevents),
    }
}

fn json(home: &Home, store: &Store, summary: &RunSummary, epochs: &[EpochRecord]) -> color_eyre::Result<String> {
    let text = serde_json::to_string_pretty(&to_json(home, store, summary, epochs)?)?;
    Ok(format!("{}\n", escape_json(&text)))
}

/// The columns of metrics: those of the whole network, then those of each measured layer, such as `conv1.zeros`.
pub fn columns(epochs: &[EpochRecord]) -> Vec<Quantity> {
    let layers: BTreeSet<Layer> = epochs.iter().flat_map(|record| record.measured.layers()).collect();
    let of = |layer: Option<Layer>| METRICS.iter().filter_map(move |entry| Quantity::new(entry.metric, layer).ok());
    of(None).chain(layers.into_iter().flat_map(|layer| of(Some(layer)))).collect()
}

/// Always writes the header, as a table can't be read without one. A value that was not measured is an empty field.
fn csv(epochs: &[EpochRecord]) -> color_eyre::Result<String> {
    let columns = columns(epochs);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns.iter().map(Quantity::to_string);
    writer.write_record(["arm", "seed", "epoch"].map(String::from).into_iter().chain(names))?;
    for record in epochs {
        let lane = [record.arm.to_string(), record.seed.to_string(), record.epoch.to_string()];
        let value = |quantity: &Quantity| quantity.of(record).map_or(String::new(), |value| format!("{value:?}"));
        writer.write_record(lane.into_iter().chain(columns.iter().map(value)))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn title(summary: &RunSummary) -> String {
    let spec = &summary.spec;
    let is_usual = |arm: &Arm| arm.settings.widths == Network::Lenet4.default_widths();
    let kind = match spec.network {
        Network::Lenet4 => "LeNet-4",
        Network::Mlp => "MLP",
        Network::Convnet => "convnet",
    };
    let widths = if spec.network == Network::Lenet4 && spec.arms.iter().all(is_usual) {
        String::new()
    } else {
        Setting::find("widths").map_or_else(String::new, |widths| format!(" of widths {}", spec.setting_text(widths)))
    };
    let network = format!("{kind}{widths}");
    let data = match spec.data {
        DataSource::Mnist => "MNIST",
        DataSource::Cifar10 => "CIFAR-10",
        DataSource::Folder(_) => "own images",
    };
    let images =
        if spec.train_size == 50_000 { String::new() } else { format!(" ({} images)", grouped(spec.train_size)) };
    let name = summary.name.as_ref().map_or(String::new(), |name| format!(", {name}"));
    let (run, settings, seeds) = (summary.run, spec.settings_words_except(&["net", "widths"]), spec.seeds_words());
    format!("Run {run}{name}: {network} on {data}{images}, {settings}, {seeds}")
}

/// The notebook's chart of a run: a metric by epoch, with the article's points where they have a place; with several seeds
/// their mean and each seed.
fn plot(summary: &RunSummary, history: &[RunEvent], options: &ChartOptions) -> Plot {
    let library = Library::english();
    let mut race = TrainingRun::new(summary.run, summary.spec.clone());
    for event in history {
        race.apply(event);
    }
    let published = published_beside(&library, &summary.spec, AxisReach::Study);
    let plot = study_plot(&[ChartRun::new(&race)], options, &published, &[]);
    Plot { title: title(summary), ..plot }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{ArmId, Lane, Measurement, Metric, Preset, Study};

    #[test]
    fn an_export_from_the_notebook_overwrites_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path().join("home")).unwrap();
        let path = parent.path().join("run-1.csv");
        std::fs::write(&path, "mine").unwrap();
        let error = to_new_file(&home, RunId(1), &path, None).unwrap_err();
        assert!(error.to_string().contains("there already"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_table_has_its_header_with_and_without_rows() {
        let measured = [
            (Metric::TrainLoss, 0.5),
            (Metric::ValError, 1.5),
            (Metric::TestError, 1.25),
            (Metric::Seconds, 0.25),
            (Metric::ImagesPerSecond, 1e5),
        ];
        let mut record = EpochRecord::new(Lane { arm: ArmId::RELU_TANH, seed: 1 }, 2, measured);
        let header =
            "arm,seed,epoch,train_loss,val_error,test_error,seconds,images_per_second,train_error,val_loss,test_loss";
        assert_eq!(csv(&[]).unwrap(), format!("{header}\n"));
        let row = "relu-tanh,1,2,0.5,1.5,1.25,0.25,100000.0,,,";
        assert_eq!(csv(std::slice::from_ref(&record)).unwrap(), format!("{header}\n{row}\n"));
        let layer = Some("fc1".parse().unwrap());
        record.measured.set(Measurement { metric: Metric::Zeros, layer, value: 50.0 });
        let table = csv(&[record]).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        // Later metrics follow these.
        assert!(lines[0].starts_with(&format!("{header},fc1.zeros,fc1.dead,fc1.activation_rms,fc1.gradient_rms")));
        assert!(lines[1].starts_with(&format!("{row},50.0,")));
        assert_eq!((lines.len(), lines[0].matches(',').count()), (2, lines[1].matches(',').count()));
    }

    fn run(spec: Study) -> (RunSummary, Vec<RunEvent>) {
        let mut history = Vec::new();
        for (lane, epoch) in spec.lanes().into_iter().flat_map(|lane| (1..=spec.epochs).map(move |epoch| (lane, epoch)))
        {
            let error = 4.0 + 8.0 / f64::from(epoch) + 0.1 * lane.seed as f64;
            let record = EpochRecord::new(lane, epoch, [(Metric::ValError, error), (Metric::TestError, error)]);
            history.push(RunEvent::Epoch { run: RunId(7), record });
        }
        let summary = RunSummary {
            run: RunId(7),
            name: None,
            state: protocol::RunState::Finished,
            spec,
            tags: Vec::new(),
            notes: None,
            not_exact: None,
            fork: None,
            steerings: Vec::new(),
            sweep: None,
            created: 0,
            updated: 0,
            elapsed: 1.0,
            epochs_done: 12,
            done: Vec::new(),
            best: Vec::new(),
            ends: Vec::new(),
        };
        (summary, history)
    }

    #[test]
    fn a_title_names_the_network_once_and_the_widths_of_all_arms() {
        let title_of = |text: &str| title(&run(text.parse().unwrap()).0);
        assert_eq!(
            title_of("relu-relu widths=20; all-tanh widths=64,32 | net=mlp seeds=1,2"),
            "Run 7: MLP of widths 20 / 64,32 on MNIST, batch 100, learning rate 0.1, seeds 1, 2"
        );
        assert_eq!(
            title_of("relu-tanh; all-tanh | images=500"),
            "Run 7: LeNet-4 on MNIST (500 images), batch 100, learning rate 0.1, seed 1"
        );
    }

    fn drawn(spec: Study) -> String {
        let (summary, history) = run(spec);
        chart::svg(&plot(&summary, &history, &ChartOptions::default()), &Viewport::default(), Background::Light)
            .unwrap()
    }

    fn small() -> Study {
        Study { epochs: 12, train_size: 10_000, ..Study::of(Preset::Article) }
    }

    #[test]
    fn a_metric_that_was_not_measured_is_refused_with_those_that_were() {
        let record = EpochRecord::new(Lane { arm: ArmId::RELU_TANH, seed: 1 }, 1, [(Metric::ValError, 2.0)]);
        assert_eq!(check_measured("val_error".parse().unwrap(), std::slice::from_ref(&record)), Ok(()));
        let error = check_measured("test_loss".parse().unwrap(), &[record]).unwrap_err();
        assert_eq!(error, "this run did not measure test_loss; it has val_error");
    }

    #[test]
    fn a_files_name_says_its_format() {
        let of = |name: &str| format_of(Path::new(name));
        assert!(of("a.CSV") == Some(Format::Csv) && of("runs/a.svg") == Some(Format::Svg));
        assert!(of("run-7.tfevents") == Some(Format::Tfevents));
        assert!(of("events.out.tfevents.1795661487.desk") == Some(Format::Tfevents));
        assert!(of("tfevents").is_none() && of("a.xls").is_none());
    }

    #[test]
    fn a_chart_shows_the_metric_that_was_asked_for() {
        let (summary, history) = run(small());
        let options = ChartOptions { metric: Metric::TestError, ..ChartOptions::default() };
        let svg = chart::svg(&plot(&summary, &history, &options), &Viewport::default(), Background::Light).unwrap();
        assert!(svg.contains("test error, % (log)") && !svg.contains("the article"), "{svg}");
    }

    /// As in the notebook, the curve of a lane that diverged ends with a cross.
    #[test]
    fn a_lane_that_diverged_ends_with_a_mark() {
        let (summary, mut history) = run(small());
        let crosses = |history: &[RunEvent]| {
            let svg =
                chart::svg(&plot(&summary, history, &ChartOptions::default()), &Viewport::default(), Background::Light)
                    .unwrap();
            svg.matches("stroke=\"#C80000\"").count()
        };
        assert_eq!(crosses(&history), 0);
        history.push(RunEvent::Diverged { run: RunId(7), arm: ArmId::ALL_TANH, seed: 1, epoch: 13, batch: 2 });
        assert_eq!(crosses(&history), 4, "two strokes in the plot and two in the key");
        let svg =
            chart::svg(&plot(&summary, &history, &ChartOptions::default()), &Viewport::default(), Background::Light)
                .unwrap();
        assert!(svg.contains("diverged: all-Tanh"), "{svg}");
    }

    /// The axes of a study of another size fit its own curves. The article's points are arrows at the border, and the legend lists
    /// them.
    #[test]
    fn a_study_that_is_not_the_articles_has_its_own_axes() {
        let ticks = |svg: &str| -> Vec<u32> {
            let lines = svg.lines().map(str::trim);
            lines.filter_map(|line| line.parse().ok()).collect()
        };
        let arrows = |svg: &str| svg.matches("<polygon opacity=\"1\" fill=\"#B81432\"").count();
        let chart = drawn(small());
        assert!(ticks(&chart).iter().all(|tick| *tick <= 12), "{:?}", ticks(&chart));
        assert!(chart.contains("the article: 1.37 % @ 17, 1.05 % @ 50, 1.37 % @ 150"), "{chart}");
        assert!(chart.contains("10,000 images") && chart.contains("validation error, % (log)"), "{chart}");
        assert_eq!(arrows(&chart), 3);
        // Several seeds: a mean, a band, and every seed.
        let seeds = drawn(Study { seeds: vec![1, 2, 3], ..small() });
        assert!(seeds.contains("ReLU+Tanh, mean of 3 ± sd") && seeds.contains("single seeds"), "{seeds}");
        assert!(seeds.contains("opacity=\"0.15\""));
        // The article's own study reaches its points, which have their values at the right.
        let whole = drawn(Study { epochs: 60, ..Study::of(Preset::Article) });
        assert!(ticks(&whole).iter().max().is_some_and(|last| (40..=60).contains(last)), "{:?}", ticks(&whole));
        assert!(whole.contains("1.37 @17, @150") && whole.contains("1.05 @50"), "{whole}");
        assert_eq!(arrows(&whole), 1, "epoch 150 is beyond");
    }
}
