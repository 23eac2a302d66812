//! Makes the plot of a run: validation error by epoch.

use super::axis::AxisRange;
use super::prediction_marks::{PredictionMark, add_predictions};
use super::readout::Readout;
use crate::study::training_run::TrainingRun;
use lesson::{CellBody, Document, Library, PublishedPoint};
use protocol::{AxisScale, Metric, Plot, PlotAxis, PlotMark, PlotSeries, Preset, Source, Stroke, Study};

/// How far the axes of a run's chart reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisReach {
    /// Over the measurements, and the published points that belong to the study.
    #[default]
    Study,
    /// Over every published point too.
    AllPoints,
}

/// Published points beside a run, with the study that they belong to.
#[derive(Clone, Debug)]
pub struct PublishedPoints<'a> {
    pub points: &'a [PublishedPoint],
    /// The study of the train cell that names the points.
    pub study: Study,
    pub reach: AxisReach,
}

/// The points of the course's first train cell that has some, the article's. They are shown beside a run that belongs
/// to no cell.
pub fn article_points(library: &Library, reach: AxisReach) -> PublishedPoints<'_> {
    let cells = library.lessons.iter().flat_map(Document::cells);
    let mut train_cells =
        cells.filter_map(|cell| if let CellBody::Train(train) = &cell.body { Some(train) } else { None });
    match train_cells.find(|train| !train.marks.is_empty()) {
        Some(train) => PublishedPoints { points: &train.marks, study: train.spec(), reach },
        None => PublishedPoints { points: &[], study: Study::of(Preset::Article), reach },
    }
}

impl PublishedPoints<'_> {
    /// Whether a run has the network and the data that the points were published for.
    fn apply_to(&self, training: &TrainingRun) -> bool {
        training.spec.network == self.study.network && training.spec.data == self.study.data
    }
}

/// Plots the validation error by epoch: each lane, or with several seeds each arm's mean with its spread and the lanes
/// thin behind it; then the published points and the predictions.
///
/// The means come first, in the order of the arms, then the lanes: [`training_readout`] relies on it.
pub fn training_plot(training: &TrainingRun, published: &PublishedPoints, predictions: &[PredictionMark]) -> Plot {
    let run = training.run;
    let has_means = training.has_seeds();
    let means = training.by_arm().into_iter().enumerate().filter(|_| has_means).map(|(arm, view)| PlotSeries {
        name: format!("{}, {}", training.spec.arm_title(view.arm), mean_of(view.measured)),
        source: Source::Run { run, arm },
        stroke: Stroke::Thick,
        points: view.curve.iter().map(|point| (f64::from(point.epoch), Some(point.val.mean))).collect(),
        spread: view.curve.iter().map(|point| point.val.deviation).collect(),
    });
    let lanes = training.lanes.iter().map(|lane| {
        let measured = lane.points.iter().map(|record| (f64::from(record.epoch), record.get(Metric::ValError)));
        // A lane that diverged has no error from that epoch on.
        let end = lane.diverged.map(|(epoch, _)| (f64::from(epoch), None));
        PlotSeries {
            name: training.lane_name(lane),
            source: Source::Run { run, arm: training.arm_number(lane) },
            stroke: if has_means { Stroke::Thin } else { Stroke::Both },
            points: measured.chain(end).collect(),
            spread: Vec::new(),
        }
    });
    let marks = published.points.iter().filter(|_| published.apply_to(training)).map(|mark| PlotMark {
        label: mark.label.clone(),
        source: Source::Cited(mark.source.clone()),
        at: [f64::from(mark.epoch), mark.error],
    });
    let (x, mut y) = limits(training, published);
    // A logarithmic axis can't show an error of 0.
    let errors = || training.lanes.iter().flat_map(|lane| lane.points.iter().filter_map(|r| r.get(Metric::ValError)));
    let scale = if errors().any(|error| error <= 0.0) { AxisScale::Linear } else { AxisScale::Log };
    if scale == AxisScale::Linear {
        y = (0.0, (errors().fold(0.0, f64::max).max(1.0) * 1.05).min(MOST_ERROR));
    }
    let mut plot = Plot {
        title: format!("Run {run}"),
        x: PlotAxis { label: "epoch".into(), scale: AxisScale::Linear, limits: Some(x) },
        y: PlotAxis { label: "validation error, %".into(), scale, limits: Some(y) },
        series: means.chain(lanes).collect(),
        bands: Vec::new(),
        marks: marks.collect(),
        places: Vec::new(),
    };
    add_predictions(&mut plot, predictions);
    plot
}

/// The values of a run's plot, with the test error beside the validation error of each epoch.
pub fn training_readout(training: &TrainingRun, plot: &Plot, viewport: &super::Viewport) -> Readout {
    let means = training.by_arm().into_iter().filter(|_| training.has_seeds());
    let means = means.map(|arm| arm.curve.iter().map(|point| (point.epoch, point.test.mean)).collect::<Vec<_>>());
    let lanes = training
        .lanes
        .iter()
        .map(|lane| lane.points.iter().filter_map(|r| Some((r.epoch, r.get(Metric::TestError)?))).collect::<Vec<_>>());
    let mut readout = Readout::of_plot(plot, viewport);
    for (curve, tests) in readout.curves.iter_mut().zip(means.chain(lanes)) {
        for point in &mut curve.points {
            let at = tests.binary_search_by(|(epoch, _)| f64::from(*epoch).total_cmp(&point.x));
            point.beside = at.ok().map(|at| tests[at].1);
        }
    }
    readout
}

fn mean_of(seeds: usize) -> String {
    if seeds == 1 { "one seed so far".into() } else { format!("mean of {seeds}") }
}

/// An error in percent is never more.
const MOST_ERROR: f64 = 100.0;

/// The limits of both axes, from the measurements and those published points that the axes have to reach.
fn limits(training: &TrainingRun, published: &PublishedPoints) -> ((f64, f64), (f64, f64)) {
    /// The upper limit is at most so many times the lowest error, however high the first errors are, so that small
    /// differences between low errors stay visible.
    const MOST: f64 = 20.0;
    let sets_axes = |mark: &&PublishedPoint| {
        published.apply_to(training)
            && (published.reach == AxisReach::AllPoints || mark.belongs_to(&training.spec, &published.study))
    };
    let marks = || published.points.iter().filter(sets_axes);
    let measured =
        training.lanes.iter().flat_map(|lane| lane.points.iter().filter_map(|record| record.get(Metric::ValError)));
    let errors = measured.chain(marks().map(|mark| mark.error)).filter(|error| error.is_finite() && *error > 0.0);
    let (low, high) = errors.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), e| (low.min(e), high.max(e)));
    // Before the first epoch: from a good network to one that has hardly begun to learn.
    let (low, high) = if low <= high { (low, high) } else { (1.0, 40.0) };
    // Some of every curve is visible.
    let bests = training.lanes.iter().filter_map(|lane| lane.best().and_then(|record| record.get(Metric::ValError)));
    let worst = bests.filter(|error| error.is_finite()).fold(0.0, f64::max);
    let high = high.min((MOST * low).max(1.2 * worst)).max(1.3 * low);
    let last = marks().map(|mark| mark.epoch).fold(training.spec.epochs.max(3), u32::max);
    ((0.0, f64::from(last)), (low * 0.95, (high * 1.05).min(MOST_ERROR)))
}

/// The labels of the marks in the column at the right, each at its own height. Points of one height share the number,
/// as in `1.37 @17` and `@150`. A point above or below the axis has no label, as no row there has its value. A
/// prediction has its own text.
pub fn mark_values(plot: &Plot, y: &AxisRange) -> Vec<String> {
    let value = |(at, mark): (usize, &PlotMark)| {
        if mark.source == Source::Reader {
            return mark.label.clone();
        }
        if !y.contains(mark.at[1]) {
            return String::new();
        }
        let is_same = |other: &PlotMark| other.at[1].total_cmp(&mark.at[1]).is_eq() && other.source == mark.source;
        let number = if plot.marks[..at].iter().any(is_same) { String::new() } else { format!("{:.2} ", mark.at[1]) };
        format!("{number}@{}", super::readout::exact(mark.at[0]))
    };
    plot.marks.iter().enumerate().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Viewport;
    use protocol::{ArmId, EpochRecord, Lane, RunEvent, RunId};

    fn training(seeds: &[u64], epochs: u32) -> TrainingRun {
        TrainingRun::new(RunId(1), Study { seeds: seeds.to_vec(), epochs, ..Study::of(Preset::Article) })
    }

    fn measure(training: &mut TrainingRun, arm: ArmId, seed: u64, epoch: u32, val_error: f64) {
        let record = EpochRecord::new(
            Lane { arm, seed },
            epoch,
            [
                (Metric::TrainLoss, 0.1),
                (Metric::ValError, val_error),
                (Metric::TestError, val_error + 0.5),
                (Metric::Seconds, 1.0),
                (Metric::ImagesPerSecond, 1.0),
            ],
        );
        training.apply(&RunEvent::Epoch { run: RunId(1), record });
    }

    fn published_points(marks: &[PublishedPoint], reach: AxisReach) -> PublishedPoints<'_> {
        PublishedPoints { points: marks, study: Study::of(Preset::Article), reach }
    }

    fn mark(epoch: u32, error: f64) -> PublishedPoint {
        let label = format!("{error:.2} % @ {epoch}");
        PublishedPoint { epoch, error, arm: None, label, source: "the article".into() }
    }

    #[test]
    fn what_was_measured_sets_the_axes_and_a_hopeless_beginning_does_not() {
        let mut training = training(&[1], 12);
        for (number, error) in [(1, 12.0), (2, 5.0), (3, 4.0)] {
            measure(&mut training, ArmId::RELU_TANH, 1, number, error);
        }
        let marks = [mark(17, 1.37), mark(150, 1.37)];
        let plot = |training: &TrainingRun, reach| training_plot(training, &published_points(&marks, reach), &[]);
        let own = plot(&training, AxisReach::Study);
        assert_eq!((own.x.limits, own.y.limits), (Some((0.0, 12.0)), Some((4.0 * 0.95, 12.0 * 1.05))));
        let wide = plot(&training, AxisReach::AllPoints);
        assert_eq!((wide.x.limits.unwrap().1, wide.y.limits.unwrap().0), (150.0, 1.37 * 0.95));
        for (number, error) in [(4, 88.0), (5, 1.0)] {
            measure(&mut training, ArmId::RELU_TANH, 1, number, error);
        }
        assert!((plot(&training, AxisReach::Study).y.limits.unwrap().1 - 21.0).abs() < 1e-9);
    }

    /// With few images of an easy task the error reaches 0 after some epochs.
    #[test]
    fn an_error_of_zero_is_on_the_chart_and_other_data_have_no_published_points() {
        let mut training = training(&[1], 12);
        training.spec.data = protocol::DataSource::Folder("/images".into());
        for (number, error) in [(1, 40.0), (2, 0.0)] {
            measure(&mut training, ArmId::RELU_TANH, 1, number, error);
        }
        let plot = training_plot(&training, &published_points(&[mark(17, 1.37)], AxisReach::AllPoints), &[]);
        assert_eq!((plot.y.scale, plot.y.limits), (AxisScale::Linear, Some((0.0, 42.0))));
        assert_eq!(plot.x.limits, Some((0.0, 12.0)));
        assert!(plot.marks.is_empty());
        let ranges = Viewport::default().view(&plot);
        assert!(ranges.y.contains(0.0) && ranges.y.contains(40.0));
    }

    #[test]
    fn no_axis_shows_more_than_all_images() {
        for (error, high) in [(90.0, 100.0), (40.0, 54.6)] {
            let mut training = training(&[1], 12);
            measure(&mut training, ArmId::RELU_TANH, 1, 1, error);
            let plot = training_plot(&training, &published_points(&[], AxisReach::Study), &[]);
            assert!(plot.y.limits.is_some_and(|(_, most)| (most - high).abs() < 1e-9), "{:?}", plot.y.limits);
        }
    }

    /// A series names its arm for every seed, and a lane that diverged ends with a gap.
    #[test]
    fn every_series_belongs_to_its_arm() {
        let mut training = training(&[1, 2], 12);
        for seed in [1, 2] {
            measure(&mut training, ArmId::RELU_TANH, seed, 1, 3.0 * seed as f64);
        }
        training.apply(&RunEvent::Diverged { run: RunId(1), arm: ArmId::ALL_TANH, seed: 2, epoch: 1, batch: 3 });
        let plot = training_plot(&training, &published_points(&[], AxisReach::Study), &[]);
        let (means, seeds) = (Stroke::Thick, Stroke::Thin);
        let arms = plot.series.iter().map(|series| match series.source {
            Source::Run { arm, .. } => (arm, series.stroke),
            _ => panic!("{series:?}"),
        });
        assert_eq!(arms.collect::<Vec<_>>(), [(0, means), (1, means), (0, seeds), (1, seeds), (0, seeds), (1, seeds)]);
        assert_eq!(plot.series[0].points, [(1.0, Some(4.5))]);
        assert_eq!(plot.series[5].divergence(), Some((1.0, None)));
        let readout = training_readout(&training, &plot, &Viewport::default());
        assert_eq!(readout.curves[0].points[0].beside, Some(5.0));
        assert_eq!(readout.curves[4].points[0].beside, Some(6.5));
    }

    #[test]
    fn points_of_one_height_share_their_number() {
        let marks = [mark(17, 1.37), mark(50, 1.05), mark(150, 1.37), mark(30, 90.0)];
        let plot = training_plot(&training(&[1], 150), &published_points(&marks[..3], AxisReach::Study), &[]);
        let y = Viewport::default().view(&plot).y;
        assert_eq!(mark_values(&plot, &y), ["1.37 @17", "1.05 @50", "@150"]);
        let short = training_plot(&training(&[1], 12), &published_points(&marks, AxisReach::Study), &[]);
        assert_eq!(mark_values(&short, &Viewport::default().view(&short).y)[3], "", "above the chart");
    }
}
