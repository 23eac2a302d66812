//! The plot of training runs: a metric of one run, or of several laid over each other, by epochs, images or seconds. This
//! file alone knows how a study's settings and records become a plot.

use super::axis::AxisRange;
use super::options::{ChartOptions, Published, XQuantity, measured_metrics};
use super::prediction_marks::{PredictionMark, add_predictions};
use super::readout::Readout;
use super::smoothing::smooth;
use crate::study::training_run::{LaneView, TrainingRun};
use lesson::{CellBody, Document, Library, PublishedCurve, PublishedPoint, TrainCell};
use protocol::{
    ArmId, AxisScale, Better, EpochRecord, Layer, Metric, Plot, PlotAxis, PlotBand, PlotMark, PlotSeries, Preset,
    RunId, Source, Stroke, Study, effective_steerings, format_real,
};

/// How far the axes of a race's chart reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisReach {
    /// Over what was measured, and the published points that belong to the study.
    #[default]
    Study,
    /// Over every published point as well.
    AllPoints,
}

/// Published points beside a race, and the study to which they belong.
#[derive(Clone, Debug)]
pub struct PublishedPoints<'a> {
    pub points: &'a [PublishedPoint],
    pub curves: &'a [PublishedCurve],
    /// The settings of the cell that has them.
    pub study: Study,
    pub reach: AxisReach,
}

/// What was published of this study's network and images, from the first race of a course that has it: it stands beside a
/// run that belongs to no cell.
pub fn published_beside<'a>(library: &'a Library, study: &Study, reach: AxisReach) -> PublishedPoints<'a> {
    let cells = library.lessons.iter().flat_map(Document::cells);
    let mut train_cells =
        cells.filter_map(|cell| if let CellBody::Train(train) = &cell.body { Some(train) } else { None });
    let is_about = |train: &&TrainCell| {
        let of = |study: &Study| (study.network, study.data.clone(), study.headline_metric());
        !(train.marks.is_empty() && train.curves.is_empty()) && of(&train.study) == of(study)
    };
    match train_cells.find(is_about) {
        Some(train) => PublishedPoints { points: &train.marks, curves: &train.curves, study: train.spec(), reach },
        None => PublishedPoints { points: &[], curves: &[], study: study.clone(), reach },
    }
}

impl PublishedPoints<'_> {
    /// Figures for other images or another network say nothing of a study.
    fn are_about(&self, training: &TrainingRun) -> bool {
        training.spec.network == self.study.network && training.spec.data == self.study.data
    }
}

/// A run in a chart.
#[derive(Clone, Copy, Debug)]
pub struct ChartRun<'a> {
    pub training: &'a TrainingRun,
    pub role: RunRole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunRole {
    /// Its arms have colours, means and single seeds.
    Shown,
    /// Another run was forked from it: it stands faint behind that one, an arm in the colour of the arm of its name.
    Ghost,
}

impl<'a> ChartRun<'a> {
    /// A run by itself.
    pub fn new(training: &'a TrainingRun) -> Self {
        Self { training, role: RunRole::Shown }
    }

    /// The run that another one was forked from.
    pub fn ghost(training: &'a TrainingRun) -> Self {
        Self { training, role: RunRole::Ghost }
    }
}

/// A lane's numbers of one metric, epoch by epoch.
struct LaneCurve<'a> {
    lane: &'a LaneView,
    epochs: Vec<u32>,
    x: Vec<f64>,
    raw: Vec<Option<f64>>,
    /// What is drawn: smoothed, where that was chosen.
    y: Vec<Option<f64>>,
}

impl<'a> LaneCurve<'a> {
    fn new(lane: &'a LaneView, study: &Study, options: &ChartOptions, layer: Option<Layer>) -> Self {
        let value = |record: &EpochRecord| match layer {
            Some(layer) => record.measured.of_layer(layer, options.metric),
            None => record.get(options.metric),
        };
        let mut curve = Self { lane, epochs: Vec::new(), x: Vec::new(), raw: Vec::new(), y: Vec::new() };
        let mut seconds = 0.0;
        for record in &lane.points {
            let x = match options.x {
                XQuantity::Epochs => f64::from(record.epoch),
                XQuantity::Images => f64::from(record.epoch) * f64::from(study.train_size),
                XQuantity::Seconds => {
                    // A sum that leaves out an epoch is no time.
                    let is_next = record.epoch as usize == curve.epochs.len() + 1;
                    let Some(took) = record.get(Metric::Seconds).filter(|_| is_next) else { break };
                    seconds += took;
                    seconds
                }
            };
            curve.epochs.push(record.epoch);
            curve.x.push(x);
            curve.raw.push(value(record));
        }
        // A gap at the end says that the lane diverged: one that was not measured is none.
        while curve.raw.last().is_some_and(Option::is_none) {
            curve.epochs.pop();
            curve.x.pop();
            curve.raw.pop();
        }
        curve.y = options.smoothing.weight().map_or_else(|| curve.raw.clone(), |weight| smooth(&curve.raw, weight));
        curve
    }

    /// Its point of an epoch, if it has a number there.
    fn at(&self, epoch: u32) -> Option<(f64, f64)> {
        let is_there = |at: &usize| self.epochs.get(*at) == Some(&epoch);
        let at = (epoch as usize).checked_sub(1).filter(is_there);
        let at = at.or_else(|| self.epochs.binary_search(&epoch).ok())?;
        Some((self.x[at], self.y[at]?))
    }

    /// Its points; one whose loss left the finite numbers ends in a gap.
    fn points(&self, values: &[Option<f64>], options: &ChartOptions, study: &Study) -> Vec<(f64, Option<f64>)> {
        let end = self.lane.diverged.map(|(epoch, _)| match options.x {
            XQuantity::Epochs => (f64::from(epoch), None),
            XQuantity::Images => (f64::from(epoch) * f64::from(study.train_size), None),
            XQuantity::Seconds => (self.x.last().copied().unwrap_or(0.0), None),
        });
        self.x.iter().copied().zip(values.iter().copied()).chain(end).collect()
    }
}

/// The curves of one arm of a run, and where they stand among those of the plot.
struct ArmCurves<'a> {
    run: RunId,
    role: RunRole,
    study: &'a Study,
    /// As a legend says it, with the run where several are shown.
    title: String,
    /// The arm's place among those of the plot.
    slot: usize,
    arm: ArmId,
    has_means: bool,
    lanes: Vec<LaneCurve<'a>>,
    /// The seeds that the mean is taken over, and the last epoch that all of them have reached.
    kept_up: Vec<usize>,
    epoch: u32,
}

impl ArmCurves<'_> {
    fn source(&self) -> Source {
        Source::Run { run: self.run, arm: self.slot }
    }

    fn series(&self, name: String, stroke: Stroke, points: Vec<(f64, Option<f64>)>) -> PlotSeries {
        PlotSeries { name, source: self.source(), stroke, points, spread: Vec::new(), below: Vec::new() }
    }

    /// The mean over the seeds, with their spread.
    fn mean(&self, stroke: Stroke, options: &ChartOptions) -> PlotSeries {
        let name = format!("{}, {}{}", self.title, mean_of(self.kept_up.len()), smoothed(options));
        let mut series = self.series(name, stroke, Vec::new());
        let is_extremes = options.band.kind() == Some(protocol::SpreadKind::Extremes);
        let mut values = Vec::with_capacity(self.kept_up.len());
        for epoch in 1..=self.epoch {
            values.clear();
            let mut x = 0.0;
            for (at, value) in self.kept_up.iter().filter_map(|lane| self.lanes[*lane].at(epoch)) {
                x += at;
                values.push(value);
            }
            if values.len() < self.kept_up.len() || values.is_empty() {
                continue;
            }
            let count = values.len() as f64;
            series.points.push((x / count, Some(values.iter().sum::<f64>() / count)));
            if stroke == Stroke::Thick && options.band.kind().is_some() {
                let widths = options.band.widths(&values);
                series.spread.push(widths.map(|(_, above)| above));
                if is_extremes {
                    series.below.push(widths.map(|(below, _)| below));
                }
            }
        }
        series
    }

    fn lane_name(&self, lane: &LaneCurve) -> String {
        if self.study.seeds.len() > 1 { format!("{} s{}", self.title, lane.lane.lane.seed) } else { self.title.clone() }
    }

    /// Thin behind the means; by themselves with a mark at each point. Behind a smoothed mean they are as measured.
    fn lanes(&self, options: &ChartOptions) -> Vec<PlotSeries> {
        let (stroke, smoothed) = if self.has_means { (Stroke::Thin, "") } else { (Stroke::Both, smoothed(options)) };
        let series = |lane: &LaneCurve| {
            let values = if self.has_means { &lane.raw } else { &lane.y };
            let name = format!("{}{smoothed}", self.lane_name(lane));
            self.series(name, stroke, lane.points(values, options, self.study))
        };
        self.lanes.iter().map(series).collect()
    }

    /// What was measured, behind single curves that are smoothed.
    fn raw(&self, options: &ChartOptions) -> Vec<PlotSeries> {
        if self.has_means || options.smoothing.weight().is_none() {
            return Vec::new();
        }
        let series = |lane: &LaneCurve| {
            let name = format!("{}, as measured", self.lane_name(lane));
            self.series(name, Stroke::Thin, lane.points(&lane.raw, options, self.study))
        };
        self.lanes.iter().map(series).collect()
    }

    /// A faint curve: the mean, or the single lane.
    fn ghosts(&self, options: &ChartOptions) -> Vec<PlotSeries> {
        if self.has_means {
            return vec![self.mean(Stroke::Ghost, options)];
        }
        let series = |lane: &LaneCurve| {
            let name = format!("{}{}", self.lane_name(lane), smoothed(options));
            self.series(name, Stroke::Ghost, lane.points(&lane.y, options, self.study))
        };
        self.lanes.iter().map(series).collect()
    }

    /// Where an epoch begins along x: at the end of the one before, and in time for the mean of the lanes.
    fn beginning(&self, epoch: u32, x: XQuantity) -> Option<f64> {
        let before = epoch.saturating_sub(1);
        match x {
            _ if before == 0 => Some(0.0),
            XQuantity::Epochs => Some(f64::from(before)),
            XQuantity::Images => Some(f64::from(before) * f64::from(self.study.train_size)),
            XQuantity::Seconds => {
                let times: Vec<f64> =
                    self.lanes.iter().filter_map(|lane| lane.x.get(before as usize - 1).copied()).collect();
                protocol::mean_and_deviation(&times).map(|(mean, _)| mean)
            }
        }
    }
}

/// The runs, ghosts last.
fn runs_in_order<'r, 'a>(runs: &'r [ChartRun<'a>]) -> impl Iterator<Item = &'r ChartRun<'a>> {
    let of = |role| runs.iter().filter(move |run| run.role == role);
    of(RunRole::Shown).chain(of(RunRole::Ghost))
}

/// The place of each arm of a run among those of a plot of these runs, by which it has its colour. The arms of a ghost come
/// first: those that were forked from it keep their colours, and so do the columns of the table that it was run from.
pub fn arm_slots(runs: &[ChartRun], of: RunId) -> Vec<(ArmId, usize)> {
    let ghosts = || runs.iter().filter(|run| run.role == RunRole::Ghost);
    let mut of_ghosts: Vec<(ArmId, usize)> = Vec::new();
    let mut next = 0;
    let mut slots_of = |run: &ChartRun, known: &[(ArmId, usize)]| -> Vec<(ArmId, usize)> {
        let slot = |arm: ArmId| {
            let namesake = known.iter().find(|(known, _)| *known == arm);
            let slot = namesake.map_or(next, |(_, slot)| *slot);
            next = next.max(slot + 1);
            (arm, slot)
        };
        run.training.spec.arm_ids().map(slot).collect()
    };
    for ghost in ghosts() {
        let slots = slots_of(ghost, &of_ghosts);
        if ghost.training.run == of {
            return slots;
        }
        of_ghosts.extend(slots);
    }
    for run in runs.iter().filter(|run| run.role == RunRole::Shown) {
        let is_fork = run.training.fork.is_some_and(|fork| ghosts().any(|ghost| ghost.training.run == fork.parent));
        let slots = slots_of(run, if is_fork { &of_ghosts } else { &[] });
        if run.training.run == of {
            return slots;
        }
    }
    Vec::new()
}

/// All arms of the runs.
fn arm_curves<'a>(runs: &[ChartRun<'a>], options: &ChartOptions, layer: Option<Layer>) -> Vec<ArmCurves<'a>> {
    let has_several = runs.len() > 1;
    let mut arms: Vec<ArmCurves> = Vec::new();
    for run in runs_in_order(runs) {
        let training = run.training;
        for (arm, slot) in arm_slots(runs, training.run) {
            let title = training.spec.arm_title(arm);
            let (kept_up, epoch) = training.kept_up_lanes(arm);
            let of_arm: Vec<&LaneView> = training.lanes.iter().filter(|lane| lane.lane.arm == arm).collect();
            let kept_up =
                (0..of_arm.len()).filter(|at| kept_up.iter().any(|lane| lane.lane == of_arm[*at].lane)).collect();
            arms.push(ArmCurves {
                run: training.run,
                role: run.role,
                study: &training.spec,
                title: if has_several { format!("run {} {title}", training.run) } else { title },
                slot,
                arm,
                has_means: training.has_seeds(),
                lanes: of_arm.iter().map(|lane| LaneCurve::new(lane, &training.spec, options, layer)).collect(),
                kept_up,
                epoch,
            });
        }
    }
    arms
}

/// A metric of runs as the reader has chosen to see it: each lane, or with several seeds each arm's mean with its spread and
/// the lanes thin behind them; what was changed while they trained; the published points, and what the reader predicted.
///
/// The means come first, in the order of the arms, then the lanes: what an option adds stands behind them, so that a series
/// keeps its place.
pub fn study_plot(
    runs: &[ChartRun],
    options: &ChartOptions,
    published: &PublishedPoints,
    predictions: &[PredictionMark],
) -> Plot {
    let layer = options.shown_layer(runs.iter().map(|run| run.training));
    let all = arm_curves(runs, options, layer);
    let (arms, ghosts): (Vec<&ArmCurves>, Vec<&ArmCurves>) = all.iter().partition(|arm| arm.role == RunRole::Shown);
    let means = arms.iter().filter(|arm| arm.has_means).map(|arm| arm.mean(Stroke::Thick, options));
    let lanes = arms.iter().flat_map(|arm| arm.lanes(options));
    let raw = arms.iter().flat_map(|arm| arm.raw(options));
    let ghosts = ghosts.iter().flat_map(|arm| arm.ghosts(options));
    let mut series: Vec<PlotSeries> =
        means.chain(in_study_order(runs, lanes.collect())).chain(raw).chain(ghosts).collect();
    let has_published = has_published_points(runs, options, published);
    let marks: Vec<PlotMark> = if has_published && options.shows_published_points(published.study.headline_metric()) {
        let x = |mark: &PublishedPoint| match options.x {
            XQuantity::Images => f64::from(mark.epoch) * f64::from(published.study.train_size),
            XQuantity::Epochs | XQuantity::Seconds => f64::from(mark.epoch),
        };
        let mark = |mark: &PublishedPoint| PlotMark {
            label: mark.label.clone(),
            source: Source::Cited(mark.source.clone()),
            at: [x(mark), mark.error],
        };
        published.points.iter().map(mark).collect()
    } else {
        Vec::new()
    };
    let shown_points =
        if marks.is_empty() { PublishedPoints { points: &[], ..published.clone() } } else { published.clone() };
    let curves = if has_published && options.shows_published_points(published.study.headline_metric()) {
        published.curves
    } else {
        &[]
    };
    let per_epoch = if options.x == XQuantity::Images { f64::from(published.study.train_size) } else { 1.0 };
    series.extend(curves.iter().map(|curve| PlotSeries {
        name: curve.label.clone(),
        source: Source::Cited(curve.source.clone()),
        stroke: Stroke::Points,
        points: curve.points.iter().map(|[epoch, error]| (epoch * per_epoch, Some(*error))).collect(),
        spread: Vec::new(),
        below: Vec::new(),
    }));
    let (label, scale) = options.y_axis(layer);
    let values = || {
        let lanes = all.iter().flat_map(|arm| &arm.lanes);
        let measured = lanes.flat_map(|lane| lane.raw.iter().chain(&lane.y)).filter_map(|y| *y);
        let published = curves.iter().flat_map(|curve| &curve.points).map(|[_, error]| *error);
        measured.filter(|y| y.is_finite()).chain(published)
    };
    // No logarithm has a place for an error of 0, and a published curve is compared on the axis that its figure has.
    let is_linear = !curves.is_empty() || values().any(|value| value <= 0.0);
    let scale = if is_linear { AxisScale::Linear } else { scale };
    let [x, y] = limits(runs, options, &all, &shown_points, scale, values);
    let mut notes: Vec<String> = options.smoothing.describe().into_iter().collect();
    if has_published && options.published == Published::Hidden {
        notes.push("published points hidden".into());
    }
    let mut plot = Plot {
        title: title(runs),
        x: PlotAxis { label: options.x.label().into(), scale: AxisScale::Linear, limits: x },
        y: PlotAxis { label, scale, limits: y },
        series,
        bands: changes(runs, &all, options.x),
        marks,
        places: Vec::new(),
        spread: options.band.kind().unwrap_or_default(),
        notes,
    };
    if options.metric == Metric::ValError && options.x == XQuantity::Epochs {
        add_predictions(&mut plot, predictions);
    }
    plot
}

/// A plot for each metric of which the runs have a number, in the order of the table, and the place of the chosen one.
pub fn study_multiples(runs: &[ChartRun], options: &ChartOptions, published: &PublishedPoints) -> (Vec<Plot>, usize) {
    let metrics = measured_metrics(runs.iter().map(|run| run.training));
    let chosen = metrics.iter().position(|metric| *metric == options.metric).unwrap_or(0);
    let plot = |metric| study_plot(runs, &ChartOptions { metric, ..*options }, published, &[]);
    (metrics.into_iter().map(plot).collect(), chosen)
}

/// The lanes in the order of the runs' own lists, which pair the arms of a seed.
fn in_study_order(runs: &[ChartRun], by_arm: Vec<PlotSeries>) -> Vec<PlotSeries> {
    let mut ordered: Vec<Option<PlotSeries>> = by_arm.into_iter().map(Some).collect();
    let mut first = 0;
    let mut order = Vec::with_capacity(ordered.len());
    for run in runs.iter().filter(|run| run.role == RunRole::Shown) {
        let lanes = &run.training.lanes;
        let arms: Vec<ArmId> = run.training.spec.arm_ids().collect();
        let counts = |arm: &ArmId| lanes.iter().filter(|lane| lane.lane.arm == *arm).count();
        for (number, lane) in lanes.iter().enumerate() {
            let Some(arm) = arms.iter().position(|arm| *arm == lane.lane.arm) else { continue };
            let before: usize = arms[..arm].iter().map(counts).sum();
            let own = lanes[..number].iter().filter(|other| other.lane.arm == lane.lane.arm).count();
            order.push(first + before + own);
        }
        first += arms.iter().map(counts).sum::<usize>();
    }
    order.into_iter().filter_map(|at| ordered.get_mut(at).and_then(Option::take)).collect()
}

fn title(runs: &[ChartRun]) -> String {
    let shown: Vec<String> =
        runs.iter().filter(|run| run.role == RunRole::Shown).map(|run| run.training.run.to_string()).collect();
    match shown.as_slice() {
        [one] => format!("Run {one}"),
        [all @ .., last] => format!("Runs {} and {last}", all.join(", ")),
        [] => String::new(),
    }
}

/// Whether published points have a place in the plot: they are errors by epoch, of a network on its data.
fn has_published_points(runs: &[ChartRun], options: &ChartOptions, published: &PublishedPoints) -> bool {
    options.has_published_points(published.study.headline_metric())
        && !(published.points.is_empty() && published.curves.is_empty())
        && runs.iter().any(|run| run.role == RunRole::Shown && published.are_about(run.training))
}

/// A line where a fork left its parent, and one for each setting that was changed, at the beginning of its epoch.
fn changes(runs: &[ChartRun], arms: &[ArmCurves], x: XQuantity) -> Vec<PlotBand> {
    let mut bands = Vec::new();
    for run in runs.iter().filter(|run| run.role == RunRole::Shown) {
        if let Some(fork) = run.training.fork
            && let Some(arm) = arms.iter().find(|arm| arm.run == run.training.run)
            && let Some(at) = arm.beginning(fork.epoch + 1, x)
        {
            let label = format!("fork of run {}", fork.parent);
            bands.push(PlotBand { label, source: arm.source(), vertical: true, from: at, to: at });
        }
        for change in effective_steerings(&run.training.steerings) {
            let of_arm = |arm: &&ArmCurves| arm.run == run.training.run && arm.arm == change.arm;
            let Some(arm) = arms.iter().find(of_arm) else { continue };
            if let Some(at) = arm.beginning(change.epoch, x) {
                let label = format!("{}: {} {}", arm.title, change.setting.key(), format_real(change.value));
                bands.push(PlotBand { label, source: arm.source(), vertical: true, from: at, to: at });
            }
        }
    }
    bands
}

/// The values of a plot of runs. Beside a validation error stands the test error of the same epoch.
pub fn study_readout(runs: &[ChartRun], options: &ChartOptions, plot: &Plot, viewport: &super::Viewport) -> Readout {
    let mut readout = Readout::of_plot(plot, viewport);
    if options.metric != Metric::ValError {
        return readout;
    }
    let none = PublishedPoints { points: &[], curves: &[], study: Study::of(Preset::Article), reach: AxisReach::Study };
    let tests = study_plot(runs, &ChartOptions { metric: Metric::TestError, ..*options }, &none, &[]);
    for (curve, tests) in readout.curves.iter_mut().zip(&tests.series) {
        for point in &mut curve.points {
            let at = tests.points.binary_search_by(|(x, _)| x.total_cmp(&point.x));
            point.beside = at.ok().and_then(|at| tests.points[at].1);
        }
    }
    readout
}

/// What the name of a smoothed curve adds: its values are none that were measured.
fn smoothed(options: &ChartOptions) -> &'static str {
    if options.smoothing.weight().is_some() { ", smoothed" } else { "" }
}

fn mean_of(seeds: usize) -> String {
    if seeds == 1 { "one seed so far".into() } else { format!("mean of {seeds}") }
}

/// The ends of both axes: what was measured decides, and those published points that belong to the study, or all.
fn limits<V: Iterator<Item = f64>>(
    runs: &[ChartRun],
    options: &ChartOptions,
    arms: &[ArmCurves],
    published: &PublishedPoints,
    scale: AxisScale,
    values: impl Fn() -> V,
) -> [Option<(f64, f64)>; 2] {
    let shown = || runs.iter().filter(|run| run.role == RunRole::Shown).map(|run| run.training);
    let sets_axes = |mark: &&PublishedPoint| {
        published.reach == AxisReach::AllPoints
            || shown().any(|training| mark.belongs_to(&training.spec, &published.study))
    };
    let marks = || published.points.iter().filter(sets_axes);
    let y = match scale {
        AxisScale::Log => log_limits(options, arms, values().chain(marks().map(|mark| mark.error))),
        AxisScale::Linear => linear_limits(values),
    };
    let is_percent = options.entry().unit == "%";
    let y = y.map(|(low, high)| (low, if is_percent { high.min(100.0) } else { high }));
    let epochs = |training: &TrainingRun| f64::from(training.spec.epochs.max(3));
    let x = match options.x {
        XQuantity::Epochs => {
            let marked = marks().map(|mark| f64::from(mark.epoch));
            Some((0.0, shown().map(epochs).chain(marked).fold(0.0, f64::max)))
        }
        XQuantity::Images => {
            let size = f64::from(published.study.train_size);
            let marked = marks().map(|mark| f64::from(mark.epoch) * size);
            let all = shown().map(|training| epochs(training) * f64::from(training.spec.train_size));
            Some((0.0, all.chain(marked).fold(0.0, f64::max)))
        }
        XQuantity::Seconds => {
            let last = |lane: &LaneCurve| lane.x.last().copied().unwrap_or(0.0);
            let longest = arms.iter().flat_map(|arm| &arm.lanes).map(last).fold(0.0, f64::max);
            (longest > 0.0).then_some((0.0, longest))
        }
    };
    [x.filter(|(low, high)| low < high), y]
}

/// No more than so many times the lowest value is shown, however bad an arm began, so that small differences between low
/// errors can still be seen.
const MOST: f64 = 20.0;

fn log_limits(options: &ChartOptions, arms: &[ArmCurves], values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let positive = values.filter(|value| *value > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| (low.min(v), high.max(v)));
    if low > high {
        // Before the first epoch: from a good network to one that has hardly begun.
        return (options.entry().unit == "%").then_some((0.95, 1.05 * MOST));
    }
    if options.entry().better != Better::Lower {
        return Some((low * 0.95, high * 1.05));
    }
    // No curve stays above the chart as a whole.
    let lanes = arms.iter().flat_map(|arm| &arm.lanes);
    let best = |lane: &LaneCurve| lane.raw.iter().filter_map(|value| *value).fold(f64::INFINITY, f64::min);
    let worst = lanes.map(best).filter(|best| best.is_finite()).fold(0.0, f64::max);
    let high = high.min((MOST * low).max(1.2 * worst)).max(1.3 * low);
    Some((low * 0.95, high * 1.05))
}

/// All values with some room, from 0 where none is below it and the lowest is near.
fn linear_limits<V: Iterator<Item = f64>>(values: impl Fn() -> V) -> Option<(f64, f64)> {
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return None;
    }
    if low >= 0.0 && low <= 0.5 * high {
        return Some((0.0, if high > 0.0 { high * 1.05 } else { 1.0 }));
    }
    let room = 0.05 * if high > low { high - low } else { high.abs() };
    Some((low - room, high + room))
}

/// What a plot says of its published points at their own height, where they stand in a column: those of one height share
/// their number, as in `1.37 @17` and `@150`. A point above or below all of the axis says nothing, since no height there
/// is its own. What the reader predicted has its own words.
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
    use super::super::options::SeedBand;
    use super::super::smoothing::Smoothing;
    use super::*;
    use crate::Viewport;
    use protocol::{Lane, RunEvent, SpreadKind};

    fn training_plot(training: &TrainingRun, published: &PublishedPoints, predictions: &[PredictionMark]) -> Plot {
        study_plot(&[ChartRun::new(training)], &ChartOptions::default(), published, predictions)
    }

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
        PublishedPoints { points: marks, curves: &[], study: Study::of(Preset::Article), reach }
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

    /// Few images of an easy task are all right after some epochs.
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

    /// A series says which arm it belongs to, whatever its seed; a lane that diverged ends in a gap.
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
        let runs = [ChartRun::new(&training)];
        let readout = study_readout(&runs, &ChartOptions::default(), &plot, &Viewport::default());
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

    fn none() -> PublishedPoints<'static> {
        published_points(&[], AxisReach::Study)
    }

    fn points(plot: &Plot, series: usize) -> Vec<(f64, f64)> {
        plot.series[series].points.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect()
    }

    /// Two epochs of two seconds and of three, of 50,000 images each.
    #[test]
    fn x_counts_epochs_images_or_seconds() {
        let mut training = training(&[1], 12);
        for (epoch, seconds) in [(1, 2.0), (2, 3.0)] {
            let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
            let record = EpochRecord::new(lane, epoch, [(Metric::ValError, 4.0), (Metric::Seconds, seconds)]);
            training.apply(&RunEvent::Epoch { run: RunId(1), record });
        }
        let of = |x| {
            let options = ChartOptions { x, ..ChartOptions::default() };
            let plot = study_plot(&[ChartRun::new(&training)], &options, &none(), &[]);
            (points(&plot, 0), plot.x.label.clone(), plot.x.limits)
        };
        let (epochs, images, seconds) = (of(XQuantity::Epochs), of(XQuantity::Images), of(XQuantity::Seconds));
        assert_eq!(epochs, (vec![(1.0, 4.0), (2.0, 4.0)], "epoch".into(), Some((0.0, 12.0))));
        let expected = (vec![(5e4, 4.0), (1e5, 4.0)], "training images seen".into(), Some((0.0, 6e5)));
        assert_eq!(images, expected);
        assert_eq!(seconds, (vec![(2.0, 4.0), (5.0, 4.0)], "time, s".into(), Some((0.0, 5.0))));
    }

    #[test]
    fn a_metric_has_the_name_the_unit_and_the_scale_of_its_table() {
        let mut training = training(&[1], 12);
        let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
        let mut record = EpochRecord::new(lane, 1, [(Metric::TrainLoss, 0.5)]);
        for (layer, value) in [("conv1", 20.0), ("fc1", 30.0)] {
            let layer = Some(layer.parse().unwrap());
            record.measured.set(protocol::Measurement { metric: Metric::Zeros, layer, value });
        }
        training.apply(&RunEvent::Epoch { run: RunId(1), record });
        let of = |metric, layer: Option<&str>| {
            let layer = layer.map(|layer| layer.parse().unwrap());
            let options = ChartOptions { metric, layer, ..ChartOptions::default() };
            let plot = study_plot(&[ChartRun::new(&training)], &options, &none(), &[]);
            (points(&plot, 0), plot.y.label.clone(), plot.y.scale)
        };
        let loss = of(Metric::TrainLoss, None);
        assert_eq!(loss, (vec![(1.0, 0.5)], "training loss, nats".into(), AxisScale::Log));
        let zeros = (vec![(1.0, 20.0)], "zeros in conv1, %".into(), AxisScale::Linear);
        assert_eq!(of(Metric::Zeros, None), zeros);
        assert_eq!(of(Metric::Zeros, Some("fc7")), zeros, "a layer that was not measured");
        assert_eq!(of(Metric::Zeros, Some("fc1")).0, [(1.0, 30.0)]);
        let trainings = || std::iter::once(&training);
        let measured = super::super::options::measured_metrics(trainings());
        assert_eq!(measured, [Metric::TrainLoss, Metric::Zeros]);
        assert_eq!(of(Metric::DeadUnits, None).0, []);
    }

    /// Errors of 1, 2 and 6: the mean is 3, the standard error sqrt(7 / 3), the extremes 1 and 6.
    #[test]
    fn the_band_is_the_one_that_was_chosen() {
        let mut training = training(&[1, 2, 3], 12);
        for (seed, error) in [(1, 1.0), (2, 2.0), (3, 6.0)] {
            measure(&mut training, ArmId::RELU_TANH, seed, 1, error);
        }
        let of = |band| {
            let options = ChartOptions { band, ..ChartOptions::default() };
            let plot = study_plot(&[ChartRun::new(&training)], &options, &none(), &[]);
            (points(&plot, 0), plot.series[0].ends(0), plot.spread)
        };
        let (mean, ends, kind) = of(SeedBand::StandardError);
        let (low, high) = ends.unwrap();
        let error = (7.0_f64 / 3.0).sqrt();
        assert_eq!((mean, kind), (vec![(1.0, 3.0)], SpreadKind::StandardError));
        assert!((3.0 - low - error).abs() < 1e-12 && (high - 3.0 - error).abs() < 1e-12);
        assert_eq!(of(SeedBand::Extremes).1, Some((1.0, 6.0)));
        assert_eq!(of(SeedBand::None).1, None);
    }

    #[test]
    fn a_smoothed_curve_has_what_was_measured_behind_it() {
        let mut one = training(&[1], 12);
        let mut two = training(&[1, 2], 12);
        for (epoch, error) in [(1, 1.0), (2, 3.0)] {
            measure(&mut one, ArmId::RELU_TANH, 1, epoch, error);
            measure(&mut two, ArmId::RELU_TANH, 1, epoch, error);
            measure(&mut two, ArmId::RELU_TANH, 2, epoch, error + 1.0);
        }
        let options = ChartOptions { smoothing: Smoothing::default().step(true), ..ChartOptions::default() };
        let plot = |training| study_plot(&[ChartRun::new(training)], &options, &none(), &[]);
        let alone = plot(&one);
        let smoothed = [(1.0, 1.0), (2.0, 7.0 / 3.0)];
        let near = |points: Vec<(f64, f64)>, expected: &[(f64, f64)]| {
            let is_near = |(one, other): (&(f64, f64), &(f64, f64))| {
                (one.0 - other.0).abs() < 1e-12 && (one.1 - other.1).abs() < 1e-12
            };
            assert!(points.len() == expected.len() && points.iter().zip(expected).all(is_near), "{points:?}");
        };
        near(points(&alone, 0), &smoothed);
        // The arms' own curves keep their places; what was measured follows them.
        near(points(&alone, 2), &[(1.0, 1.0), (2.0, 3.0)]);
        assert_eq!((alone.series[0].stroke, alone.series[2].stroke), (Stroke::Both, Stroke::Thin));
        assert!(alone.notes[0].contains("smoothed by 0.5"), "{:?}", alone.notes);
        let means = plot(&two);
        near(points(&means, 0), &[(1.0, 1.5), (2.0, 7.0 / 3.0 + 0.5)]);
        near(points(&means, 2), &[(1.0, 1.0), (2.0, 3.0)]);
    }

    /// Runs laid over each other have no colour in common; a ghost has that of the arm that was forked from it.
    #[test]
    fn overlaid_runs_have_names_and_colours_of_their_own() {
        let mut runs = [training(&[1], 12), training(&[1], 12), training(&[1], 12)];
        for (number, training) in (1..).zip(&mut runs) {
            training.run = RunId(number);
            let record = EpochRecord::new(
                Lane { arm: ArmId::RELU_TANH, seed: 1 },
                1,
                [(Metric::ValError, number as f64), (Metric::TestError, 1.0)],
            );
            training.apply(&RunEvent::Epoch { run: RunId(number), record });
        }
        let steering = protocol::Steering {
            arm: ArmId::RELU_TANH,
            epoch: 5,
            setting: protocol::SteeredSetting::LearningRate,
            value: 0.03,
            passed: Vec::new(),
        };
        runs[1].apply(&RunEvent::Steered { run: RunId(2), steering });
        let fork = protocol::Fork { parent: RunId(1), epoch: 1 };
        runs[1].apply(&RunEvent::Forked { run: RunId(2), fork });
        let shown = [ChartRun::ghost(&runs[0]), ChartRun::new(&runs[1]), ChartRun::new(&runs[2])];
        let plot = study_plot(&shown, &ChartOptions::default(), &none(), &[]);
        let described: Vec<(String, usize, Stroke)> = plot
            .series
            .iter()
            .map(|series| match series.source {
                Source::Run { arm, .. } => (series.name.clone(), arm, series.stroke),
                _ => panic!("{series:?}"),
            })
            .collect();
        let of = |name: &str, arm, stroke| (name.to_string(), arm, stroke);
        assert_eq!(
            described,
            [
                of("run 2 ReLU+Tanh", 0, Stroke::Both),
                of("run 2 all-Tanh", 1, Stroke::Both),
                of("run 3 ReLU+Tanh", 2, Stroke::Both),
                of("run 3 all-Tanh", 3, Stroke::Both),
                of("run 1 ReLU+Tanh", 0, Stroke::Ghost),
                of("run 1 all-Tanh", 1, Stroke::Ghost),
            ]
        );
        assert_eq!(plot.title, "Runs 2 and 3");
        let [fork, band] = &plot.bands[..] else { panic!("{:?}", plot.bands) };
        assert_eq!((fork.from, fork.label.as_str()), (1.0, "fork of run 1"));
        assert_eq!((band.from, band.to, band.label.as_str()), (4.0, 4.0, "run 2 ReLU+Tanh: lr 0.03"));
    }

    /// A published curve is one of the metric that its study is about, and stands beside runs of its network and images.
    #[test]
    fn a_published_curve_stands_beside_what_it_is_about() {
        let study: Study = "all-relu; all-tanh | preset=cifar-glorot".parse().unwrap();
        let curves = [PublishedCurve {
            label: "Figure 1, tanh".into(),
            source: "somebody".into(),
            points: vec![[0.0, 73.0], [36.0, 25.0]],
        }];
        let published = PublishedPoints { points: &[], curves: &curves, study: study.clone(), reach: AxisReach::Study };
        let training = TrainingRun::new(RunId(1), study.clone());
        let cited = |training: &TrainingRun, options: &ChartOptions| -> Vec<PlotSeries> {
            let plot = study_plot(&[ChartRun::new(training)], options, &published, &[]);
            plot.series.into_iter().filter(|series| matches!(series.source, Source::Cited(_))).collect()
        };
        let options = ChartOptions { metric: Metric::TrainError, ..ChartOptions::default() };
        let [curve] = &cited(&training, &options)[..] else { panic!("one curve") };
        assert_eq!((curve.name.as_str(), &curve.source), ("Figure 1, tanh", &Source::Cited("somebody".into())));
        assert_eq!(curve.points, [(0.0, Some(73.0)), (36.0, Some(25.0))]);
        let images = ChartOptions { x: XQuantity::Images, ..options };
        let last = (36.0 * f64::from(study.train_size), Some(25.0));
        assert_eq!(cited(&training, &images)[0].points[1], last);
        let plot = study_plot(&[ChartRun::new(&training)], &options, &published, &[]);
        assert_eq!((plot.y.scale, plot.y.limits), (AxisScale::Linear, Some((0.0, 73.0 * 1.05))));
        assert!(cited(&training, &ChartOptions::default()).is_empty(), "it is no validation error");
        assert!(cited(&training, &ChartOptions { published: Published::Hidden, ..options }).is_empty());
        let mnist = TrainingRun::new(RunId(1), Study::of(Preset::Article));
        assert!(cited(&mnist, &options).is_empty());
    }

    #[test]
    fn hidden_published_points_are_noted() {
        let training = training(&[1], 12);
        let marks = [mark(17, 1.37)];
        let published = published_points(&marks, AxisReach::AllPoints);
        let options = ChartOptions { published: Published::Hidden, ..ChartOptions::default() };
        let plot = study_plot(&[ChartRun::new(&training)], &options, &published, &[]);
        assert_eq!((plot.marks.len(), plot.x.limits), (0, Some((0.0, 12.0))));
        assert_eq!(plot.notes, ["published points hidden"]);
        let images = ChartOptions { x: XQuantity::Images, ..ChartOptions::default() };
        let plot = study_plot(&[ChartRun::new(&training)], &images, &published, &[]);
        assert_eq!((plot.marks[0].at, plot.x.limits), ([17.0 * 5e4, 1.37], Some((0.0, 17.0 * 5e4))));
    }
}
