//! A run's curves as a file: CSV, JSON, or an SVG chart.

use super::runs::{Format, epochs_in_order, find};
use super::{Outcome, Usage};
use crate::lesson::{CellBody, Library, RaceMark};
use crate::protocol::{EpochRecord, RunId, RunSummary, escape_controls, escape_json};
use crate::store::{Home, OutputError, write_out};
use color_eyre::eyre::eyre;
use plotters::prelude::*;
use plotters::style::full_palette::{BLUE_700, GREEN_700, GREY_600, ORANGE_800, PURPLE_500};
use serde_json::json;
use std::io;
use std::path::Path;
use std::process::ExitCode;

pub fn export(home: &Home, run: RunId, format: Format, output: Option<&Path>) -> Outcome {
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
    let format = match path.extension().and_then(|end| end.to_str()) {
        Some("json") => Format::Json,
        Some("svg") => Format::Svg,
        _ => Format::Csv,
    };
    if path.symlink_metadata().is_ok() {
        return Err(eyre!("{} is there already; take another name", path.display()));
    }
    export(home, run, format, Some(path)).map(drop)
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

/// The article's three points, from the lesson that tells of them.
fn article_marks() -> Vec<RaceMark> {
    let library = Library::english();
    let lesson = library.find("faster").map(|at| &library.lessons[at]);
    let cell = lesson.and_then(|lesson| lesson.cell("race"));
    match cell.map(|cell| &cell.body) {
        Some(CellBody::Train(train)) => train.marks.clone(),
        _ => Vec::new(),
    }
}

/// Validation error by epoch on a logarithmic axis, each arm with a colour and a marker of its own.
fn svg(summary: &RunSummary, epochs: &[EpochRecord]) -> color_eyre::Result<String> {
    let marks = article_marks();
    let errors = || epochs.iter().map(|r| r.val_error).chain(marks.iter().map(|m| m.error)).filter(|e| *e > 0.0);
    let low = errors().fold(1.0, f64::min) * 0.95;
    let high = errors().fold(2.0, f64::max) * 1.05;
    let last = f64::from(summary.spec.epochs.max(marks.iter().map(|m| m.epoch).max().unwrap_or(1)));
    let mut text = String::new();
    {
        let failed = |error: &dyn std::fmt::Display| eyre!("the chart can't be drawn: {error}");
        let root = SVGBackend::with_string(&mut text, (960, 600)).into_drawing_area();
        root.fill(&WHITE).map_err(|e| failed(&e))?;
        let seeds: Vec<String> = summary.spec.seeds.iter().map(u64::to_string).collect();
        let title = format!(
            "Run {}: LeNet-4 on MNIST, batch {}, learning rate {}, seed {}",
            summary.run,
            summary.spec.batch,
            summary.spec.learning_rate,
            seeds.join(", ")
        );
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..last * 1.02, (low..high).log_scale())
            .map_err(|e| failed(&e))?;
        chart
            .configure_mesh()
            .x_desc("epoch")
            .y_desc("validation error, %")
            .y_labels(14)
            .y_label_formatter(&|value| format!("{value:.2}"))
            .x_label_formatter(&|value| format!("{value:.0}"))
            .light_line_style(WHITE)
            .draw()
            .map_err(|e| failed(&e))?;
        for lane in summary.spec.lanes() {
            let arm = summary.spec.arms.iter().position(|arm| *arm == lane.arm).unwrap_or(0);
            let colour = [ORANGE_800, BLUE_700, GREEN_700, PURPLE_500][arm % 4];
            let points: Vec<(f64, f64)> =
                epochs.iter().filter(|r| r.lane() == lane).map(|r| (f64::from(r.epoch), r.val_error)).collect();
            let sparse = points.iter().copied().step_by((points.len() / 15).max(1)).collect::<Vec<_>>();
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))
                .map_err(|e| failed(&e))?
                .label(format!("{} (seed {})", lane.arm.title(), lane.seed))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
            if arm % 2 == 0 {
                chart
                    .draw_series(sparse.iter().map(|&p| Circle::new(p, 4, colour.filled())))
                    .map_err(|e| failed(&e))?;
            } else {
                let triangles = sparse.iter().map(|&p| TriangleMarker::new(p, 5, colour.filled()));
                chart.draw_series(triangles).map_err(|e| failed(&e))?;
            }
        }
        for mark in &marks {
            let at = (f64::from(mark.epoch), mark.error);
            let label = format!("{}, {}", mark.label, mark.source);
            // A label at the right edge stands left of its point.
            let shift = if at.0 > 0.8 * last { -190 } else { 8 };
            let element = EmptyElement::at(at)
                + Cross::new((0, 0), 5, RED.stroke_width(2))
                + Text::new(label, (shift, -16), ("sans-serif", 14).into_font().color(&RED));
            chart.draw_series([element]).map_err(|e| failed(&e))?;
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.9))
            .border_style(GREY_600)
            .draw()
            .map_err(|e| failed(&e))?;
        root.present().map_err(|e| failed(&e))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Arm;

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
}
