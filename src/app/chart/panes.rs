//! The charts of the notebook's panes: how each is set up, and the keys and the mouse that go to it.

use super::study_plot::{ChartRun, study_plot, study_readout};
use super::view::{ChartView, ShownChart};
use super::viewport::ChartId;
use super::{ChartOptions, Pane, PlotCursor, Readout, Viewport, XQuantity};
use crate::keys::{ChartAction, chart_action};
use crate::{App, Effect, LabPage, Modal, Page, TrainingRun, keys};
use crossterm::event::{KeyCode, KeyEvent};
use lesson::CellBody;
use protocol::{CellKey, Figure, Layer, Metric, Plot, RunId};
use ratatui::layout::{Position, Rect};

/// Where a frame has drawn the curves of a chart, to find the chart under the mouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnChart {
    pub pane: Pane,
    /// The room of the curves on the screen.
    pub place: Rect,
}

/// A chart that is dragged with the mouse.
#[derive(Clone, Debug)]
pub(crate) struct ChartDrag {
    pane: Pane,
    place: Rect,
    /// Where the pointer was last.
    at: Position,
}

/// The message where the chart of a run has nothing to read yet.
pub(crate) const NOT_MEASURED: &str = "nothing is measured here yet; v reads the curves once the first epoch is done";

/// The message while a chart is dragged. Elsewhere, and with Shift, the terminal selects text.
const DRAGGING: &str = "The chart moves with the mouse; f fits it again. Hold Shift while you drag to select text.";

impl App {
    /// The pane whose chart takes the keys.
    fn pane_being_read(&self) -> Option<&Pane> {
        if let Some(Modal::Values(pane)) = self.modals.last() { Some(pane) } else { None }
    }

    /// Where values are being read.
    pub fn cursor(&self) -> Option<(&Pane, PlotCursor)> {
        let pane = self.pane_being_read()?;
        Some((pane, self.viewport(pane).cursor?))
    }

    /// How the chart of a pane is set up. It has a cursor while it takes the keys.
    pub fn chart_view(&self, on: &Pane) -> ChartView {
        let mut view = self.kept_view(on);
        if self.pane_being_read() != Some(on) {
            view.viewport.cursor = None;
        }
        view
    }

    /// The same with the cursor where it was left.
    fn kept_view(&self, on: &Pane) -> ChartView {
        self.charts.get(&self.chart_id(on)).cloned().unwrap_or_else(|| {
            let metric = self.headline_metric(on).unwrap_or(ChartOptions::default().metric);
            ChartView { options: ChartOptions { metric, ..ChartOptions::default() }, ..ChartView::default() }
        })
    }

    /// That of the study whose runs a pane shows.
    fn headline_metric(&self, on: &Pane) -> Option<Metric> {
        let study = match on {
            Pane::Run(run) => &self.training_runs.get(run)?.spec,
            Pane::Lab => &self.lab_training()?.spec,
            Pane::Cell(key) => match &self.document().cell(&key.cell)?.body {
                CellBody::Train(train) => match self.training_of(key) {
                    Some(training) => &training.spec,
                    None => return Some(train.spec().headline_metric()),
                },
                _ => return None,
            },
        };
        Some(study.headline_metric())
    }

    /// The metric, and of a metric of layers the layer, that the pane of a run shows; `None` if nobody chose there.
    pub(crate) fn shown_metric(&self, run: RunId) -> Option<(Metric, Option<Layer>)> {
        let options = &self.charts.get(&self.chart_id(&Pane::Run(run)))?.options;
        Some((options.metric, options.shown_layer(self.training_runs.get(&run).into_iter())))
    }

    /// What is seen of the figure that a pane shows.
    pub fn viewport(&self, on: &Pane) -> Viewport {
        self.chart_view(on).viewport
    }

    fn chart_id(&self, on: &Pane) -> ChartId {
        let figure = match on {
            Pane::Run(_) | Pane::Lab => 0,
            Pane::Cell(key) => self.shown_figure(key).unwrap_or(0),
        };
        ChartId { pane: on.clone(), figure }
    }

    /// The epoch at which the cursor of a chart of runs stands, or stood when it was left.
    pub(crate) fn last_epoch_read(&self, on: &Pane) -> Option<u32> {
        let view = self.charts.get(&self.chart_id(on)).filter(|view| view.options.x == XQuantity::Epochs)?;
        let point = self.with_chart(on, view, |chart| chart.readout.point(view.viewport.cursor?).map(|point| point.x));
        Some(point.flatten()? as u32)
    }

    /// Shows all of the laboratory's chart after its runs have changed; the metric and the band stay as they were chosen.
    pub(crate) fn fit_lab_chart(&mut self) {
        let id = self.chart_id(&Pane::Lab);
        if let Some(view) = self.charts.get_mut(&id) {
            view.viewport = Viewport::default();
        }
    }

    /// Calls a function with the chart of a pane, set up in this way. `None` for a pane without one.
    fn with_chart<R>(&self, on: &Pane, view: &ChartView, then: impl FnOnce(&ShownChart) -> R) -> Option<R> {
        let (runs, published, predictions) = match on {
            Pane::Run(run) => {
                let training = self.training_runs.get(run)?;
                let predictions = self.prediction_marks_of_run(training);
                (vec![ChartRun::new(training)], self.published_points_of_run(&training.spec), predictions)
            }
            Pane::Lab => {
                let training = self.lab_training()?;
                let predictions = self.prediction_marks_of_run(training);
                (self.lab_chart_runs(), self.published_points_of_run(&training.spec), predictions)
            }
            Pane::Cell(key) => match &self.document().cell(&key.cell)?.body {
                CellBody::Train(train) => {
                    let training = self.training_of(key)?;
                    let published = self.published_points(train);
                    (vec![ChartRun::new(training)], published, self.prediction_marks(key, training))
                }
                CellBody::Experiment(_) => {
                    let number = self.shown_figure(key)?;
                    let outcome = self.with_predictions(key, self.experiments.get(key)?.shown()?);
                    return match outcome.figures.get(number)? {
                        Figure::Plot(plot) => {
                            let readout = Readout::of_plot(plot, &view.viewport);
                            Some(then(&ShownChart { plot, readout: &readout, has_axes: true, runs: &[] }))
                        }
                        Figure::Bars(bars) => {
                            let readout = Readout::of_bars(bars);
                            Some(then(&ShownChart {
                                plot: &Plot::default(),
                                readout: &readout,
                                has_axes: false,
                                runs: &[],
                            }))
                        }
                        Figure::Table(_) | Figure::Images(_) | Figure::Regions(_) | Figure::Units(_) => None,
                    };
                }
                _ => return None,
            },
        };
        let plot = study_plot(&runs, &view.options, &published, &predictions);
        let readout = study_readout(&runs, &view.options, &plot, &view.viewport);
        Some(then(&ShownChart { plot: &plot, readout: &readout, has_axes: true, runs: &runs }))
    }

    /// What can be read in a pane as it shows now.
    pub fn readout(&self, on: &Pane) -> Option<Readout> {
        self.with_chart(on, &self.chart_view(on), |chart| chart.readout.clone())
    }

    /// Changes how the chart of a pane is set up, and shows the message of the change.
    fn change_chart(&mut self, on: &Pane, change: impl FnOnce(&mut ChartView, &ShownChart) -> Option<String>) {
        let id = self.chart_id(on);
        let before = self.kept_view(on);
        let mut after = before.clone();
        let message = self.with_chart(on, &before, |chart| change(&mut after, chart));
        // Another metric or another axis may have fewer points.
        let changed = after.clone();
        self.with_chart(on, &changed, |chart| after.place_cursor(chart.readout));
        self.charts.insert(id, after);
        if let Some(message) = message.flatten() {
            self.message = Some(message);
        }
    }

    /// Whether a pane has the chart of runs of which none has come to the end of an epoch.
    fn has_unmeasured_runs(&self, on: &Pane) -> bool {
        let view = self.chart_view(on);
        let is_unmeasured = self.with_chart(on, &view, |chart| {
            !chart.runs.is_empty() && chart.runs.iter().all(|run| !run.training.is_measured())
        });
        is_unmeasured.unwrap_or(false)
    }

    /// Whether a pane has a curve with values.
    pub(crate) fn can_read(&self, on: &Pane) -> bool {
        // Each frame asks: the curves of a race need not be made for it.
        match on {
            Pane::Run(run) => self.training_runs.get(run).is_some_and(TrainingRun::is_measured),
            Pane::Lab => self.lab_runs().into_iter().any(TrainingRun::is_measured),
            Pane::Cell(key) => match self.document().cell(&key.cell).map(|cell| &cell.body) {
                Some(CellBody::Train(_)) => self.training_of(key).is_some_and(TrainingRun::is_measured),
                _ => {
                    self.readout(on).is_some_and(|readout| readout.curves.iter().any(|curve| !curve.points.is_empty()))
                }
            },
        }
    }

    /// The number of the figure on the page that an experiment's pane shows.
    fn shown_figure(&self, key: &CellKey) -> Option<usize> {
        let number = self.document().cells().iter().position(|cell| cell.id == key.cell)?;
        let (pages, at) = self.pages_of(key, number)?;
        match pages.get(at)? {
            Page::Figure(figure) => Some(*figure),
            Page::Rows(..) | Page::Columns(..) | Page::Images(..) | Page::Findings(_) => None,
        }
    }

    /// Gives the keys to the chart of a pane, or of the cell in focus.
    pub(crate) fn read_values(&mut self, on: Option<Pane>) {
        let on = on.or_else(|| Some(Pane::Cell(self.key_of(self.focused()?))));
        // The published points beside a run are no curves of it.
        if on.as_ref().is_some_and(|on| self.has_unmeasured_runs(on)) {
            self.message = Some(NOT_MEASURED.into());
            return;
        }
        let found = on.and_then(|on| Some((self.readout(&on)?.first()?, on)));
        let Some((cursor, on)) = found else {
            self.message = Some("there is no curve to read here; v reads values in a plot".into());
            return;
        };
        if let (Pane::Cell(_), Some(cell)) = (&on, self.view.focus) {
            self.view.show_cell(cell);
        }
        let id = self.chart_id(&on);
        let view = self.kept_view(&on);
        self.charts.entry(id).or_insert(view).viewport.cursor = Some(cursor);
        self.modals.push(Modal::Values(on));
    }

    pub(crate) fn values_key(&mut self, on: Pane, key: KeyEvent) -> Vec<Effect> {
        // Another page has other curves.
        if self.has_pages(&on) && matches!(key.code, KeyCode::Char('1'..='9' | '[' | ']')) {
            self.page_key(key.code);
            if self.readout(&on).is_some() {
                self.read_values(Some(on));
            }
            return Vec::new();
        }
        if on == Pane::Lab {
            // A message or a change of the layout needs to know who has the keys.
            self.modals.push(Modal::Values(on.clone()));
            if self.lab_key_in_chart(key) {
                return Vec::new();
            }
            self.modals.pop();
        }
        match chart_action(key) {
            Some(action) => return self.perform_in_chart(&on, action),
            None if keys::action(key) == Some(crate::Action::Help) => {
                let top = self.chart_help();
                self.modals.extend([Modal::Values(on), Modal::Help { top }]);
            }
            None => self.modals.push(Modal::Values(on)),
        }
        Vec::new()
    }

    /// Carries out a key of a chart that takes the keys, which it does until it is left.
    pub(crate) fn perform_in_chart(&mut self, on: &Pane, action: ChartAction) -> Vec<Effect> {
        if action == ChartAction::Leave {
            if *on == Pane::Lab {
                self.leave_lab_values();
            }
            return Vec::new();
        }
        // The cursor belongs to the chart while it has the keys.
        self.modals.push(Modal::Values(on.clone()));
        if action == ChartAction::Copy {
            return self.copy_chart(on);
        }
        self.chart_action(on, action);
        Vec::new()
    }

    /// Whether the pane is that of an experiment, whose pages the digits turn.
    fn has_pages(&self, on: &Pane) -> bool {
        let Pane::Cell(key) = on else { return false };
        self.document().cell(&key.cell).is_some_and(|cell| matches!(cell.body, CellBody::Experiment(_)))
    }

    /// Carries a key of a chart out.
    pub(crate) fn chart_action(&mut self, on: &Pane, action: ChartAction) {
        if action == ChartAction::PublishedReach {
            self.show_marks(match on {
                Pane::Run(run) => Some(*run),
                Pane::Lab => self.lab.run,
                Pane::Cell(_) => None,
            });
            return;
        }
        self.change_chart(on, |view, chart| view.perform(action, chart));
    }

    /// Whether the mouse belongs to the chart of a pane: it takes the keys, or it is that of the run on top.
    fn takes_mouse(&self, pane: &Pane) -> bool {
        match self.modals.last() {
            Some(Modal::Values(read)) => read == pane,
            Some(Modal::Run(run)) => *pane == Pane::Run(*run),
            Some(Modal::Lab) => *pane == Pane::Lab && !self.lab.takes_letters(),
            _ => false,
        }
    }

    /// The chart under the pointer, if the mouse belongs to it.
    fn chart_under(&self, at: Position) -> Option<&DrawnChart> {
        self.drawn.charts.iter().find(|chart| chart.place.contains(at) && self.takes_mouse(&chart.pane))
    }

    /// Zooms the chart under the pointer; returns whether there is one.
    pub(crate) fn zoom_under(&mut self, at: Position, zooms_in: bool) -> bool {
        let Some(DrawnChart { pane, place }) = self.chart_under(at).cloned() else { return false };
        self.change_chart(&pane, |view, chart| {
            view.turn_wheel(chart.plot, place, at, zooms_in);
            None
        });
        true
    }

    /// Reads the point nearest to the pointer and begins a drag; returns whether a chart is there.
    pub(crate) fn press_chart(&mut self, at: Position) -> bool {
        let Some(DrawnChart { pane, place }) = self.chart_under(at).cloned() else { return false };
        if matches!(self.modals.last(), Some(Modal::Run(_) | Modal::Lab)) {
            // A click chooses the page, as it does anywhere in the laboratory.
            if pane == Pane::Lab {
                self.lab.page = LabPage::Chart;
                self.lab.page_before_values = None;
            }
            self.read_values(Some(pane.clone()));
        }
        if self.pane_being_read() == Some(&pane) {
            self.change_chart(&pane, |view, chart| {
                view.click(chart, place, at);
                None
            });
        }
        self.drag = Some(ChartDrag { pane, place, at });
        true
    }

    /// Moves the dragged chart with the pointer; returns whether one is dragged.
    pub(crate) fn drag_chart(&mut self, to: Position) -> bool {
        let held = self.drag.take().filter(|drag| self.takes_mouse(&drag.pane));
        let Some(ChartDrag { pane, place, at }) = held else { return false };
        self.change_chart(&pane, |view, chart| {
            view.drag(chart.plot, place, at, to);
            None
        });
        self.drag = Some(ChartDrag { pane, place, at: to });
        self.message = Some(DRAGGING.into());
        true
    }
}
