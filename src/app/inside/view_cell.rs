//! The view cells of the open lesson: whose networks they show, what they ask, and where they lead.

use super::answers::Shown;
use super::layout::columns_beside;
use super::mistakes::{MistakeEntry, MistakeFilter, join_mistakes};
use super::{InsidePage, InsidePlace, NOISE_SEED, ProductPlace, hidden_layers};
use crate::lesson::questions::{cell_title, pane_height};
use crate::{App, Effect, StoreQuery, TrainingRun};
use lesson::{CellBody, ViewCell};
use protocol::{ArmId, CellKey, Lane, Layer, LayerKind, RunId, ViewImage, ViewKind, ViewRequest, ViewSubject};
use ratatui::layout::Rect;

/// What a view cell has to show.
pub enum ViewCellState<'a> {
    /// Why there is nothing to look into; a whole sentence.
    Nothing(String),
    /// A run, and its lanes with their arm's place in the study.
    Run(&'a TrainingRun, Vec<(usize, Lane)>),
}

/// The page inside a run that shows the same as a view cell. The maps of an image have the answer beside them, and lead to
/// the products.
fn page_of(show: ViewKind) -> InsidePage {
    match show {
        ViewKind::Filters => InsidePage::Filters,
        ViewKind::Maps | ViewKind::Ask | ViewKind::Products => InsidePage::Maps,
        ViewKind::Histogram => InsidePage::Histogram,
        ViewKind::Units => InsidePage::Units,
        ViewKind::Gradients => InsidePage::Gradients,
        ViewKind::Confusion => InsidePage::Confusion,
        ViewKind::Mistakes => InsidePage::Mistakes,
        ViewKind::Wants => InsidePage::Wants,
        ViewKind::Ablation => InsidePage::Surgery,
    }
}

/// The rows that a view needs; most take all that they can get.
fn wanted_rows(show: ViewKind, layer: Option<Layer>) -> u16 {
    match show {
        ViewKind::Filters | ViewKind::Histogram if layer.is_some() => 14,
        // The heads, and a row a class.
        ViewKind::Confusion => 13,
        // An image beside the probabilities.
        ViewKind::Ask => 16,
        ViewKind::Units | ViewKind::Gradients | ViewKind::Products => 20,
        ViewKind::Filters
        | ViewKind::Maps
        | ViewKind::Histogram
        | ViewKind::Mistakes
        | ViewKind::Wants
        | ViewKind::Ablation => 60,
    }
}

/// The layer and the unit that a view is of, in the network of an arm: the first unless the cell names others. `None` if
/// the network does not have them.
fn unit_of(view: &ViewCell, training: &TrainingRun, arm: ArmId) -> Option<(usize, Layer, u32)> {
    let layers = hidden_layers(training, arm);
    let at = view.layer.map_or(Some(0), |layer| layers.iter().position(|(known, _)| *known == layer))?;
    let (layer, units) = *layers.get(at)?;
    let unit = view.unit.unwrap_or(0);
    (unit < units).then_some((at, layer, unit))
}

impl App {
    /// What a view cell of the open lesson has to show.
    pub fn view_cell_state(&self, key: &CellKey, view: &ViewCell) -> ViewCellState<'_> {
        let train = view.train_key(&key.lesson);
        let nothing = |why: String| ViewCellState::Nothing(why);
        let Some(run) = self.cell_runs.get(&train) else {
            return nothing(format!(
                "Your own networks stand here once they have been trained in {}.",
                self.place_of(&train)
            ));
        };
        let Some(training) = self.training_runs.get(run) else {
            return nothing(format!("The history of run {run} is being read."));
        };
        let Some(seed) = training.spec.seeds.first().copied() else {
            return nothing(format!("Run {run} has no seed."));
        };
        let named: Vec<ArmId> = view.arms.iter().filter_map(|arm| training.spec.find_arm(*arm)).collect();
        let is_shown = |arm: &ArmId| view.arms.is_empty() || named.contains(arm);
        let arms = training.spec.arm_ids().enumerate().filter(|(_, arm)| is_shown(arm)).take(2);
        let lanes: Vec<(usize, Lane)> = arms.map(|(at, arm)| (at, Lane { arm, seed })).collect();
        if lanes.is_empty() {
            let named: Vec<String> = view.arms.iter().map(|arm| arm.title()).collect();
            return nothing(format!("Run {run} in {} has no arm {}.", self.place_of(&train), named.join(", ")));
        }
        let has_filters =
            |lane: &Lane| hidden_layers(training, lane.arm).iter().any(|(layer, _)| layer.kind == LayerKind::Conv);
        let fits = |(_, lane): &(usize, Lane)| {
            unit_of(view, training, lane.arm).is_some() && (view.show != ViewKind::Filters || has_filters(lane))
        };
        if !lanes.iter().all(fits) {
            return nothing(format!("The networks of run {run} in {} have other layers.", self.place_of(&train)));
        }
        let kept = self.inside.kept_of(*run);
        if lanes.iter().all(|(_, lane)| kept.is_known(*lane) && kept.of(*lane).next().is_none()) {
            return nothing(format!("Run {run} in {} has not come to the end of an epoch yet.", self.place_of(&train)));
        }
        ViewCellState::Run(training, lanes)
    }

    /// A train cell by its title and its lesson.
    fn place_of(&self, key: &CellKey) -> String {
        let title = self.cell_of(key).map_or(key.cell.as_str(), cell_title);
        if key.lesson == self.document().meta.id {
            return format!("\"{title}\"");
        }
        let lesson = self.library.find(&key.lesson).and_then(|at| self.library.lessons[at].number);
        lesson.map_or_else(|| format!("\"{title}\""), |number| format!("\"{title}\" of lesson {number}"))
    }

    /// Rows of a view cell.
    pub(crate) fn view_cell_height(&self, key: &CellKey, view: &ViewCell) -> u16 {
        let rows = |text: &str, width: u16| {
            textwrap::wrap(text, crate::wrap_options(usize::from(width.saturating_sub(4).max(10)))).len() as u16
        };
        match self.view_cell_state(key, view) {
            // The frame, and a blank row above and below.
            ViewCellState::Nothing(why) => 4 + rows(&why, self.screen.text.width),
            ViewCellState::Run(..) => {
                let caption = if view.caption.is_empty() { 0 } else { rows(&view.caption, self.screen.pane.width) };
                // The frame, and the row of the networks.
                (3 + wanted_rows(view.show, view.layer) + caption).min(pane_height(self.screen.text.height))
            }
        }
    }

    /// The columns of a view cell's networks, as many as have room beside each other.
    pub fn view_cell_columns(&self, view: &ViewCell, body: Rect, networks: usize) -> Vec<Rect> {
        columns_beside(body, page_of(view.show), view.show == ViewKind::Products, networks)
    }

    /// The unit that a view cell marks, of an arm.
    pub fn view_cell_unit(&self, view: &ViewCell, training: &TrainingRun, arm: ArmId) -> Option<(Layer, u32)> {
        // Only units that the lesson names are marked.
        let is_named = view.unit.is_some() || view.show == ViewKind::Wants;
        let (_, layer, unit) = unit_of(view, training, arm).filter(|_| is_named)?;
        Some((layer, unit))
    }

    /// The question of a view cell about a lane, at the newest kept epoch; `None` if no checkpoint is known.
    fn view_cell_request(&self, view: &ViewCell, training: &TrainingRun, lane: Lane) -> Option<ViewRequest> {
        let asked = view.show.question(ViewSubject {
            split: view.split,
            image: ViewImage::Of { split: view.split, number: view.image },
            unit: unit_of(view, training, lane.arm).map(|(_, layer, unit)| (layer, unit)),
            place: (view.row, view.column),
            seed: NOISE_SEED,
        })?;
        let epoch = Some(self.inside.kept_of(training.run).nearest(lane, None)?);
        Some(ViewRequest {
            run: training.run,
            arm: Some(lane.arm),
            seed: Some(lane.seed),
            epoch,
            changes: Vec::new(),
            view: asked,
        })
    }

    /// What there is to see of a lane in a view cell.
    pub fn view_cell_shown(&self, view: &ViewCell, training: &TrainingRun, lane: Lane) -> Shown<'_> {
        match self.view_cell_request(view, training, lane) {
            Some(request) => self.inside.answers.shown_at_any_epoch(&request),
            None if self.inside.kept_of(training.run).is_known(lane) => {
                Shown::Absent("This network has no checkpoint.")
            }
            None => Shown::Nothing,
        }
    }

    /// The images that the networks of a view cell get wrong.
    pub fn view_cell_mistakes(&self, view: &ViewCell, training: &TrainingRun, lanes: &[Lane]) -> Vec<MistakeEntry<'_>> {
        let shown = lanes.iter().map(|lane| self.view_cell_shown(view, training, *lane));
        join_mistakes(shown, MistakeFilter::Any)
    }

    /// Whether the kernel may be asked for a view cell: the reader has pressed a key while it was on the screen.
    pub fn is_view_wanted(&self, key: &CellKey) -> bool {
        self.wanted_views.contains(key)
    }

    /// The view cells on the screen.
    fn view_cells_in_view(&self) -> impl Iterator<Item = (CellKey, &ViewCell)> {
        self.document().cells().into_iter().enumerate().filter_map(|(number, cell)| match &cell.body {
            CellBody::View(view) if self.view.sees_cell(number) => Some((self.key_of(cell), &**view)),
            _ => None,
        })
    }

    /// Notes which view cells are on the screen when the reader presses a key: the kernel is asked for these alone, so a
    /// lesson that is merely opened starts none. A cell that has come into view shows the newest epoch.
    pub(crate) fn want_views_in_view(&mut self) -> Vec<Effect> {
        let wanted: Vec<CellKey> = self.view_cells_in_view().map(|(key, _)| key).collect();
        let before = std::mem::replace(&mut self.wanted_views, wanted);
        let lanes = self.wanted_lanes(|key| !before.contains(key));
        // Those that are not known yet are asked for in any case.
        let known = lanes.into_iter().filter(|(run, lane)| self.inside.kept_of(*run).is_known(*lane));
        known.map(|(run, lane)| Effect::Query(StoreQuery::KeptEpochs { run, lane })).collect()
    }

    fn wanted_lanes(&self, is_chosen: impl Fn(&CellKey) -> bool) -> Vec<(RunId, Lane)> {
        let mut all = Vec::new();
        for (key, view) in self.view_cells_in_view().filter(|(key, _)| self.is_view_wanted(key) && is_chosen(key)) {
            if let ViewCellState::Run(training, lanes) = self.view_cell_state(&key, view) {
                all.extend(lanes.into_iter().map(|(_, lane)| (training.run, lane)));
            }
        }
        all
    }

    /// The lanes whose networks the view cells on the screen show, or would show if a checkpoint were kept.
    pub(super) fn lanes_of_view_cells(&self) -> Vec<(RunId, Lane)> {
        self.wanted_lanes(|_| true)
    }

    /// The questions of the view cells on the screen.
    pub(super) fn views_of_view_cells(&self) -> Vec<ViewRequest> {
        let mut all = Vec::new();
        for (key, view) in self.view_cells_in_view().filter(|(key, _)| self.is_view_wanted(key)) {
            if let ViewCellState::Run(training, lanes) = self.view_cell_state(&key, view) {
                all.extend(lanes.into_iter().filter_map(|(_, lane)| self.view_cell_request(view, training, lane)));
            }
        }
        all
    }

    /// Opens the inside at what a view cell shows.
    pub(crate) fn open_view(&mut self, key: &CellKey) -> Vec<Effect> {
        let Some(CellBody::View(view)) = self.cell_of(key).map(|cell| cell.body.clone()) else { return Vec::new() };
        let (training, lanes) = match self.view_cell_state(key, &view) {
            ViewCellState::Run(training, lanes) => (training, lanes),
            ViewCellState::Nothing(why) => {
                self.message = Some(why);
                return Vec::new();
            }
        };
        let Some((arm, lane)) = lanes.first().copied() else { return Vec::new() };
        let layer = unit_of(&view, training, lane.arm).map_or(0, |(layer, _, _)| layer);
        let place = InsidePlace {
            page: page_of(view.show),
            arm,
            is_beside: lanes.len() > 1,
            split: view.split,
            image: view.image,
            layer,
            unit: view.unit,
            product: (view.show == ViewKind::Products).then(|| ProductPlace {
                row: view.row,
                column: view.column,
                ..ProductPlace::default()
            }),
        };
        self.open_inside_at(training.run, place)
    }

    /// Opens the inside at the view cell in focus; `None` if another cell or none has it.
    pub(crate) fn open_focused_view(&mut self) -> Option<Vec<Effect>> {
        let cell = self.focused()?;
        matches!(cell.body, CellBody::View(_)).then(|| self.key_of(cell)).map(|key| self.open_view(&key))
    }
}
