//! The cursor that reads values in a figure, and the keys that move it.

use super::training_plot::{PublishedPoints, training_plot, training_readout};
use super::viewport::ChartId;
use super::{Pane, PlotCursor, PredictionMark, Readout, Viewport};
use crate::{App, Effect, Modal, Page, TrainingRun};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::{CellBody, PublishedPoint};
use protocol::{CellKey, Figure};

impl App {
    /// The pane whose values are being read.
    fn pane_being_read(&self) -> Option<&Pane> {
        if let Some(Modal::Values(pane)) = self.modals.last() { Some(pane) } else { None }
    }

    /// The cursor and its pane, while values are being read.
    pub fn cursor(&self) -> Option<(&Pane, PlotCursor)> {
        let pane = self.pane_being_read()?;
        Some((pane, self.viewport(pane).cursor?))
    }

    /// The viewport of the figure that a pane shows. It has a cursor only while values are being read.
    pub fn viewport(&self, on: &Pane) -> Viewport {
        let kept = self.viewports.get(&self.chart_id(on)).cloned().unwrap_or_default();
        let cursor = kept.cursor.filter(|_| self.pane_being_read() == Some(on));
        Viewport { cursor, ..kept }
    }

    /// The viewport of a pane as it was left, with its cursor.
    pub(crate) fn kept_viewport(&self, on: &Pane) -> Option<&Viewport> {
        self.viewports.get(&self.chart_id(on))
    }

    /// The viewport, to be changed. It keeps its cursor after reading has ended, but does not show it.
    pub(crate) fn viewport_mut(&mut self, on: &Pane) -> &mut Viewport {
        let id = self.chart_id(on);
        self.viewports.entry(id).or_default()
    }

    fn chart_id(&self, on: &Pane) -> ChartId {
        let figure = match on {
            Pane::Run(_) => 0,
            Pane::Cell(key) => self.shown_figure(key).unwrap_or(0),
        };
        ChartId { pane: on.clone(), figure }
    }

    /// The values that a pane shows now.
    pub fn readout(&self, on: &Pane) -> Option<Readout> {
        let of_race = |training: &TrainingRun, published: &PublishedPoints, predictions: &[PredictionMark]| {
            training_readout(training, &training_plot(training, published, predictions), &self.viewport(on))
        };
        match on {
            Pane::Run(run) => {
                let training = self.training_runs.get(run)?;
                Some(of_race(training, &self.published_points_of_run(), &self.prediction_marks_of_run(training)))
            }
            Pane::Cell(key) => match &self.document().cell(&key.cell)?.body {
                CellBody::Train(train) => {
                    let training = self.training_of(key)?;
                    Some(of_race(
                        training,
                        &self.published_points(&train.marks, train.spec()),
                        &self.prediction_marks(key, training),
                    ))
                }
                CellBody::Experiment(_) => {
                    let number = self.shown_figure(key)?;
                    let outcome = self.with_predictions(key, self.experiments.get(key)?.shown()?);
                    match outcome.figures.get(number)? {
                        Figure::Plot(plot) => Some(Readout::of_plot(plot, &self.viewport(on))),
                        Figure::Bars(bars) => Some(Readout::of_bars(bars)),
                        Figure::Table(_) | Figure::Images(_) | Figure::Regions(_) | Figure::Units(_) => None,
                    }
                }
                _ => None,
            },
        }
    }

    /// Whether a pane has a curve with values.
    pub(crate) fn can_read(&self, on: &Pane) -> bool {
        // This is called for each frame, so the plot of a run is not made for it.
        let has_points = |training: &TrainingRun, marks: &[PublishedPoint]| {
            !marks.is_empty() || training.lanes.iter().any(|lane| !lane.points.is_empty())
        };
        match on {
            Pane::Run(run) => self
                .training_runs
                .get(run)
                .is_some_and(|training| has_points(training, self.published_points_of_run().points)),
            Pane::Cell(key) => match self.document().cell(&key.cell).map(|cell| &cell.body) {
                Some(CellBody::Train(train)) => {
                    self.training_of(key).is_some_and(|training| has_points(training, &train.marks))
                }
                _ => {
                    self.readout(on).is_some_and(|readout| readout.curves.iter().any(|curve| !curve.points.is_empty()))
                }
            },
        }
    }

    /// The index of the figure on the visible page of an experiment's pane.
    fn shown_figure(&self, key: &CellKey) -> Option<usize> {
        let number = self.document().cells().iter().position(|cell| cell.id == key.cell)?;
        let (pages, at) = self.pages_of(key, number)?;
        match pages.get(at)? {
            Page::Figure(figure) => Some(*figure),
            Page::Rows(..) | Page::Columns(..) | Page::Images(..) | Page::Findings(_) => None,
        }
    }

    /// Puts the cursor into this pane's plot, or into the one in view.
    pub(crate) fn read_values(&mut self, on: Option<Pane>) {
        let on = on.or_else(|| Some(Pane::Cell(self.key_of(self.focused()?))));
        let found = on.and_then(|on| Some((self.readout(&on)?.first()?, on)));
        let Some((cursor, on)) = found else {
            self.message = Some("there is no curve to read here; v reads values in a plot".into());
            return;
        };
        if let (Pane::Cell(_), Some(cell)) = (&on, self.view.focus) {
            self.view.show_cell(cell);
        }
        self.viewport_mut(&on).cursor = Some(cursor);
        self.modals.push(Modal::Values(on));
    }

    pub(crate) fn values_key(&mut self, on: Pane, key: KeyEvent) -> Vec<Effect> {
        let Some(readout) = self.readout(&on) else { return Vec::new() };
        let known = self.viewport_mut(&on).cursor.filter(|cursor| readout.point(*cursor).is_some());
        // A new measurement may have replaced the figure meanwhile.
        let Some(mut cursor) = known.or_else(|| readout.first()) else { return Vec::new() };
        let count = readout.curves.get(cursor.curve).map_or(0, |curve| curve.points.len());
        let far = (count / 10).max(2) as isize;
        let step = if key.modifiers.contains(KeyModifiers::SHIFT) { far } else { 1 };
        match key.code {
            KeyCode::Left | KeyCode::Char('h') => readout.step(&mut cursor, -step),
            KeyCode::Right | KeyCode::Char('l') => readout.step(&mut cursor, step),
            KeyCode::Char('H') => readout.step(&mut cursor, -far),
            KeyCode::Char('L') => readout.step(&mut cursor, far),
            KeyCode::Home | KeyCode::Char('g') => readout.step(&mut cursor, isize::MIN),
            KeyCode::End | KeyCode::Char('G') => readout.step(&mut cursor, isize::MAX),
            KeyCode::Up | KeyCode::Char('k') => readout.change_curve(&mut cursor, -1),
            KeyCode::Down | KeyCode::Char('j') => readout.change_curve(&mut cursor, 1),
            KeyCode::Char('q') => return Vec::new(),
            // Another page has other curves, so the cursor starts there again.
            KeyCode::Char('1'..='9' | '[' | ']') if matches!(on, Pane::Cell(_)) => {
                self.page_key(key.code);
                if self.readout(&on).is_some() {
                    self.read_values(Some(on));
                }
                return Vec::new();
            }
            _ => {}
        }
        self.viewport_mut(&on).cursor = Some(cursor);
        self.modals.push(Modal::Values(on));
        Vec::new()
    }
}
