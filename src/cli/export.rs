//! A run's curves as a file: CSV, JSON, or an SVG chart.

use super::runs::{Format, epochs_in_order, find};
use super::{Outcome, Usage};
use app::{ArmView, ChartLimits, LaneView, MeanPoint, Race};
use color_eyre::eyre::eyre;
use lesson::{CellBody, Library, RaceMark};
use plotters::coord::{Shift, types::RangedCoordf64};
use plotters::prelude::*;
use plotters::style::full_palette::{BLUE_700, GREEN_700, GREY_600, ORANGE_800, PURPLE_500};
use protocol::{
    DataSource, EpochRecord, Network, Preset, RunEvent, RunId, RunSpec, RunSummary, escape_controls, escape_json,
    grouped,
};
use serde_json::json;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use store::{Home, OutputError, write_out};

pub fn export(home: &Home, run: RunId, format: Option<Format>, output: Option<&Path>) -> Outcome {
    let format = format.or_else(|| of_name(output?)).unwrap_or(Format::Csv);
    let (store, summary) = find(home, run)?;
    let epochs = epochs_in_order(&store, &summary)?;
    let text = match format {
        Format::Csv => csv(&epochs)?,
        Format::Json => json(&summary, &epochs)?,
        Format::Svg => escape_controls(&svg(&summary, &epochs)?).into_owned(),
    };
    match write_out(home, output.unwrap_or(Path::new("-")), text.as_bytes()) {
        Err(refused @ OutputError::InHome { .. }) => return Err(Usage(refused.to_string()).into()),
        // Told as such, so that a reader who has had enough is no failure.
        Err(OutputError::Unwritable { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe => {
            return Err(cause.into());
        }
        written => written?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a run's curves to a file that is not there yet, in the format that its name ends in.
///
/// # Errors
/// If there is something at the path already, and for what keeps the run from being read or the file from being written.
pub fn to_new_file(home: &Home, run: RunId, path: &Path) -> color_eyre::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(eyre!("{} is there already; take another name", path.display()));
    }
    export(home, run, None, Some(path)).map(drop)
}

/// The format that a file's name ends in.
fn of_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "svg" => Some(Format::Svg),
        _ => None,
    }
}

fn json(summary: &RunSummary, epochs: &[EpochRecord]) -> color_eyre::Result<String> {
    let text = serde_json::to_string_pretty(&json!({ "summary": summary, "epochs": epochs }))?;
    Ok(format!("{}\n", escape_json(&text)))
}

/// The columns of the table: the keys of an [`EpochRecord`], in their order.
const COLUMNS: [&str; 8] =
    ["arm", "seed", "epoch", "train_loss", "val_error", "test_error", "seconds", "images_per_second"];

/// The header is there whatever follows: a table without one can't be read as a table.
fn csv(epochs: &[EpochRecord]) -> color_eyre::Result<String> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for record in epochs {
        writer.serialize(record)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// The article's three points, and the settings of the race to which they belong, from the lesson that tells of them.
fn article_marks() -> (Vec<RaceMark>, RunSpec) {
    let library = Library::english();
    let lesson = library.find("faster").map(|at| &library.lessons[at]);
    let cell = lesson.and_then(|lesson| lesson.cell("race"));
    match cell.map(|cell| &cell.body) {
        Some(CellBody::Train(train)) => (train.marks.clone(), train.spec()),
        _ => (Vec::new(), RunSpec::of(Preset::Article)),
    }
}

const SIZE: (u32, u32) = (960, 600);
/// Columns of pixels at the right for the values of the published points.
const GUTTER: u32 = 120;
/// Pixels between two lines of text there.
const LINE: i32 = 16;

fn title(summary: &RunSummary) -> String {
    let spec = &summary.spec;
    let widths = &spec.first_settings().widths;
    let is_lenet4 = spec.network == Network::Lenet4 && *widths == Network::Lenet4.default_widths();
    let network = if is_lenet4 { "LeNet-4".into() } else { format!("{} {widths}", spec.network) };
    let data = if spec.data == DataSource::Mnist { "MNIST" } else { "own images" };
    let images =
        if spec.train_size == 50_000 { String::new() } else { format!(" ({} images)", grouped(spec.train_size)) };
    let seeds: Vec<String> = spec.seeds.iter().map(u64::to_string).collect();
    let seeds = match seeds.len() {
        1 => format!("seed {}", seeds[0]),
        2..=8 => format!("seeds {}", seeds.join(", ")),
        count => format!("{count} seeds"),
    };
    let (run, settings) = (summary.run, spec.settings_words());
    format!("Run {run}: {network} on {data}{images}, {settings}, {seeds}")
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, LogCoord<f64>>>;

fn failed(error: &dyn std::fmt::Display) -> color_eyre::Report {
    eyre!("the chart can't be drawn: {error}")
}

/// Validation error by epoch on a logarithmic axis, each arm with a colour and a marker of its own. With several seeds
/// the mean is thick, one standard deviation around it shaded, and the seeds are thin.
fn svg(summary: &RunSummary, epochs: &[EpochRecord]) -> color_eyre::Result<String> {
    let (marks, study) = article_marks();
    let mut race = Race::new(summary.run, summary.spec.clone());
    for record in epochs {
        race.apply(&RunEvent::Epoch { run: summary.run, record: record.clone() });
    }
    let belonging = marks.iter().filter(|mark| mark.belongs_to(&summary.spec, &study));
    let limits = race.chart_limits(belonging.map(|mark| (mark.epoch, mark.error)));
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| failed(&e))?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title(summary), ("sans-serif", 20))
            .margin(16)
            .margin_right(GUTTER)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..limits.x.1, (limits.y.0..limits.y.1).log_scale())
            .map_err(|e| failed(&e))?;
        chart
            .configure_mesh()
            .x_desc("epoch")
            .y_desc("validation error, % (logarithmic)")
            .y_labels(10)
            .y_label_formatter(&|value| format!("{value:.2}"))
            .x_label_formatter(&|value| format!("{value:.0}"))
            .light_line_style(WHITE)
            .draw()
            .map_err(|e| failed(&e))?;
        for (number, arm) in race.by_arm().iter().enumerate() {
            draw_arm(&mut chart, &race, number, arm, limits.y)?;
        }
        draw_marks(&mut chart, &marks, limits)?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.9))
            .border_style(GREY_600)
            .draw()
            .map_err(|e| failed(&e))?;
        label_marks(&root, &chart, &marks, limits)?;
        root.present().map_err(|e| failed(&e))?;
    }
    Ok(text)
}

/// An arm's curve, or its mean with its band and its seeds. What began above the chart comes in where it first is on it.
fn draw_arm(
    chart: &mut Chart,
    race: &Race,
    number: usize,
    arm: &ArmView,
    (low, high): (f64, f64),
) -> color_eyre::Result<()> {
    let colour = [ORANGE_800, BLUE_700, GREEN_700, PURPLE_500][number % 4];
    let shown = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
        points.into_iter().filter(|(_, error)| (low..=high).contains(error)).collect()
    };
    let of = |lane: &LaneView| shown(lane.points.iter().map(|r| (f64::from(r.epoch), r.val_error)).collect());
    let lanes: Vec<_> = race.lanes.iter().filter(|lane| lane.lane.arm == arm.arm).map(of).collect();
    let many = race.has_seeds();
    if many && arm.measured > 1 {
        let edge = |sign: f64| {
            let value = move |point: &MeanPoint| {
                let off = sign * point.val.deviation.unwrap_or(0.0);
                (f64::from(point.epoch), (point.val.mean + off).clamp(low, high))
            };
            arm.curve.iter().map(value).collect::<Vec<_>>()
        };
        let band: Vec<_> = edge(1.0).into_iter().chain(edge(-1.0).into_iter().rev()).collect();
        chart.draw_series([Polygon::new(band, colour.mix(0.15).filled())]).map_err(|e| failed(&e))?;
    }
    for lane in lanes.iter().filter(|_| many) {
        let thin = colour.mix(0.4).stroke_width(1);
        chart.draw_series(LineSeries::new(lane.clone(), thin)).map_err(|e| failed(&e))?;
    }
    let points = if many {
        shown(arm.curve.iter().map(|point| (f64::from(point.epoch), point.val.mean)).collect())
    } else {
        lanes.into_iter().next().unwrap_or_default()
    };
    let sparse: Vec<_> = points.iter().copied().step_by((points.len() / 15).max(1)).collect();
    let title = arm.arm.title();
    let name = match (many, arm.measured) {
        (true, 0 | 1) => format!("{title}, one seed so far"),
        (true, count) => format!("{title}, mean of {count} seeds ± sd"),
        (false, _) => title,
    };
    let width = if many { 3 } else { 2 };
    chart
        .draw_series(LineSeries::new(points, colour.stroke_width(width)))
        .map_err(|e| failed(&e))?
        .label(name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(width)));
    if number.is_multiple_of(2) {
        chart.draw_series(sparse.iter().map(|&p| Circle::new(p, 4, colour.filled()))).map_err(|e| failed(&e))?;
    } else {
        let triangles = sparse.iter().map(|&p| TriangleMarker::new(p, 5, colour.filled()));
        chart.draw_series(triangles).map_err(|e| failed(&e))?;
    }
    Ok(())
}

/// The published points that lie in the chart, and all of them in its key.
fn draw_marks(chart: &mut Chart, marks: &[RaceMark], limits: ChartLimits) -> color_eyre::Result<()> {
    let inside =
        |mark: &&RaceMark| f64::from(mark.epoch) <= limits.x.1 && (limits.y.0..=limits.y.1).contains(&mark.error);
    let cross = |mark: &RaceMark| Cross::new((f64::from(mark.epoch), mark.error), 5, RED.stroke_width(2));
    let key: Vec<String> = marks.iter().map(|mark| mark.label.clone()).collect();
    chart
        .draw_series(marks.iter().filter(inside).map(cross))
        .map_err(|e| failed(&e))?
        .label(format!("{}: {}", marks.first().map_or("", |mark| &mark.source), key.join(", ")))
        .legend(|(x, y)| Cross::new((x + 10, y), 5, RED.stroke_width(2)));
    Ok(())
}

/// The values of the published points at the right, each at its own height; an arrow at the border where it lies outside.
fn label_marks(root: &Canvas, chart: &Chart, marks: &[RaceMark], limits: ChartLimits) -> color_eyre::Result<()> {
    let ((_, last), (low, high)) = (limits.x, limits.y);
    let mut labels: Vec<(i32, f64, String)> = Vec::new();
    for mark in marks {
        let epoch = f64::from(mark.epoch);
        let (column, height) = chart.backend_coord(&(epoch.min(last), mark.error.clamp(low, high)));
        if let Some(triangle) = arrow((column, height), epoch > last, mark.error, (low, high)) {
            root.draw(&Polygon::new(triangle, RED.filled())).map_err(|e| failed(&e))?;
        }
        match labels.iter_mut().find(|(_, known, _)| known.total_cmp(&mark.error).is_eq()) {
            Some((.., text)) => *text = format!("{text}, @{}", mark.epoch),
            None => labels.push((height, mark.error, format!("{:.2} % @{}", mark.error, mark.epoch))),
        }
    }
    labels.sort_by_key(|label| label.0);
    let right = chart.backend_coord(&(last, low)).0;
    let mut free = i32::MIN;
    for (height, _, label) in labels {
        // One that would cover the one above it moves down, and a line shows its height.
        let y = height.max(free);
        free = y + LINE;
        let line = PathElement::new([(right, height), (right + 8, height), (right + 14, y)], RED.stroke_width(1));
        root.draw(&line).map_err(|e| failed(&e))?;
        let font = ("sans-serif", 13).into_font().color(&RED);
        root.draw(&Text::new(label, (right + 17, y - 7), font)).map_err(|e| failed(&e))?;
    }
    Ok(())
}

/// The corners of a triangle that points out of the chart; none for a point inside.
fn arrow((x, y): (i32, i32), right: bool, error: f64, (low, high): (f64, f64)) -> Option<Vec<(i32, i32)>> {
    if right {
        return Some(vec![(x, y - 5), (x + 9, y), (x, y + 5)]);
    }
    let way = if error > high { -1 } else { i32::from(error < low) };
    (way != 0).then(|| vec![(x - 5, y), (x, y + 9 * way), (x + 5, y)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Arm;

    #[test]
    fn an_export_from_the_notebook_replaces_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path().join("home")).unwrap();
        let path = parent.path().join("run-1.csv");
        std::fs::write(&path, "mine").unwrap();
        let error = to_new_file(&home, RunId(1), &path).unwrap_err();
        assert!(error.to_string().contains("there already"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_table_has_its_header_with_and_without_rows() {
        let record = EpochRecord {
            arm: Arm::RELU_TANH,
            seed: 1,
            epoch: 2,
            train_loss: 0.5,
            val_error: 1.5,
            test_error: 1.25,
            seconds: 0.25,
            images_per_second: 1e5,
        };
        let header = format!("{}\n", COLUMNS.join(","));
        assert_eq!(csv(&[]).unwrap(), header);
        assert_eq!(
            csv(std::slice::from_ref(&record)).unwrap(),
            format!("{header}relu-tanh,1,2,0.5,1.5,1.25,0.25,100000.0\n")
        );
        // Each column carries the name of its value.
        let mut named = csv::Writer::from_writer(Vec::new());
        named.serialize(&record).unwrap();
        assert!(named.into_inner().unwrap().starts_with(header.as_bytes()));
    }

    fn drawn(spec: RunSpec) -> String {
        let mut epochs = Vec::new();
        for (lane, epoch) in spec.lanes().into_iter().flat_map(|lane| (1..=spec.epochs).map(move |epoch| (lane, epoch)))
        {
            let error = 4.0 + 8.0 / f64::from(epoch) + 0.1 * lane.seed as f64;
            epochs.push(EpochRecord {
                arm: lane.arm,
                seed: lane.seed,
                epoch,
                train_loss: 0.1,
                val_error: error,
                test_error: error,
                seconds: 1.0,
                images_per_second: 1.0,
            });
        }
        let summary = RunSummary {
            run: RunId(7),
            name: None,
            state: protocol::RunState::Finished,
            spec,
            not_exact: None,
            created: 0,
            updated: 0,
            elapsed: 1.0,
            epochs_done: 12,
            done: Vec::new(),
            best: Vec::new(),
        };
        svg(&summary, &epochs).unwrap()
    }

    /// The article's points do not squeeze a study of another size: they are arrows at the border, and the key lists them.
    #[test]
    fn a_study_that_is_not_the_articles_has_its_own_axes() {
        let ticks = |svg: &str| -> Vec<u32> {
            let lines = svg.lines().map(str::trim);
            lines.filter_map(|line| line.parse().ok()).collect()
        };
        let small = RunSpec { epochs: 12, train_size: 10_000, ..RunSpec::of(Preset::Article) };
        let chart = drawn(small.clone());
        assert!(ticks(&chart).iter().all(|tick| *tick <= 12), "{:?}", ticks(&chart));
        assert!(chart.contains("1.37 % @17, @150") && chart.contains("1.05 % @50"));
        assert!(chart.contains("the article: 1.37 % @ 17, 1.05 % @ 50, 1.37 % @ 150"));
        assert!(chart.contains("10,000 images"));
        assert_eq!(chart.matches("<polygon opacity=\"1\" fill=\"#FF0000\"").count(), 3, "three arrows");
        // Several seeds: a mean, a band, and every seed.
        let seeds = drawn(RunSpec { seeds: vec![1, 2, 3], ..small });
        assert!(seeds.contains("ReLU+Tanh, mean of 3 seeds ± sd") && seeds.contains("opacity=\"0.15\""));
        // The article's own study reaches its points.
        let whole = drawn(RunSpec { epochs: 60, ..RunSpec::of(Preset::Article) });
        assert!(ticks(&whole).iter().max().is_some_and(|last| (40..=60).contains(last)), "{:?}", ticks(&whole));
        assert_eq!(whole.matches("<polygon opacity=\"1\" fill=\"#FF0000\"").count(), 1, "epoch 150 is beyond");
    }
}
