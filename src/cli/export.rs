//! A run's curves as a file: CSV, JSON, or an SVG chart.

use super::runs::{Format, epochs_in_order, find};
use super::{Outcome, Usage};
use crate::lesson::{CellBody, Library, RaceMark};
use crate::protocol::{EpochRecord, RunId, RunSummary};
use crate::store::{Home, files};
use color_eyre::eyre::{WrapErr, eyre};
use plotters::prelude::*;
use plotters::style::full_palette::{BLUE_700, GREEN_700, GREY_600, ORANGE_800, PURPLE_500};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub fn export(home: &Home, run: RunId, format: Format, output: Option<&Path>) -> Outcome {
    if let Some(path) = output {
        refuse_inside(home, path)?;
    }
    let (store, summary) = find(home, run)?;
    let epochs = epochs_in_order(&store, &summary)?;
    let bytes = match format {
        Format::Csv => csv(&epochs)?,
        Format::Json => {
            let mut bytes = serde_json::to_vec_pretty(&json!({ "summary": summary, "epochs": epochs }))?;
            bytes.push(b'\n');
            bytes
        }
        Format::Svg => svg(&summary, &epochs)?.into_bytes(),
    };
    match output {
        Some(path) => {
            files::write_out(path, &bytes).wrap_err_with(|| format!("{} can't be written", path.display()))?;
        }
        None => std::io::stdout().write_all(&bytes)?,
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

/// What lies in the home is the notebook's own: one mistyped path would put a table in the store's place.
fn refuse_inside(home: &Home, path: &Path) -> Result<(), Usage> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Where a link leads to, or where a new file would be.
    let there = path.canonicalize().or_else(|_| folder.canonicalize());
    let inside = home.folder().canonicalize();
    if matches!((&there, &inside), (Ok(there), Ok(inside)) if there.starts_with(inside)) {
        let (path, home) = (path.display(), home.folder().display());
        return Err(Usage(format!("{path} lies in {home}, which holds the notebook's own files; take another folder")));
    }
    Ok(())
}

fn csv(epochs: &[EpochRecord]) -> color_eyre::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in epochs {
        writer.serialize(record)?;
    }
    Ok(writer.into_inner()?)
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
    fn no_table_takes_the_place_of_what_the_home_holds() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path().join("home")).unwrap();
        home.prepare().unwrap();
        std::fs::write(home.database(), "").unwrap();
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(home.database(), &link).unwrap();
        for path in [home.database(), home.folder().join("new.csv"), home.folder().join("runs/../new.csv"), link] {
            assert!(refuse_inside(&home, &path).is_err(), "{}", path.display());
        }
        for path in [parent.path().join("run.csv"), parent.path().join("nowhere/run.csv"), "run.csv".into()] {
            assert!(refuse_inside(&home, &path).is_ok(), "{}", path.display());
        }
    }
}
