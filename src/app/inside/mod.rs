//! Inside the networks of a run: what the views show of its kept checkpoints, one arm or two side by side, with a place in the run's
//! history that the reader moves. What is shown are answers of the kernel; here is what is asked, and where the reader stands.

pub mod answers;
pub mod digit;
pub mod epochs;
pub mod keys;
pub mod layout;
pub mod mistakes;
mod own_digit;
pub mod own_digits;
pub mod surgery;
pub mod view_cell;

use crate::chart::next_of;
use crate::modal::Modal;
use crate::{App, Effect, StoreQuery, Tag, TrainingRun};
use answers::{Answers, Shown};
use crossterm::event::{KeyCode, KeyEvent};
use digit::Drawing;
use epochs::KeptEpochs;
use keys::InsideAction;
use mistakes::MistakeFilter;
use own_digits::OwnDigits;
use protocol::{
    Ablated, ArmId, ErrorKind, ImageSplit, Lane, Layer, LayerKind, Reply, RequestBody, RunEvent, RunId, Seen,
    SeenProducts, Surgery, UnitChange, View, ViewImage, ViewKind, ViewRequest, ViewSubject,
};
use std::collections::HashMap;
use std::time::Duration;
use surgery::Changes;

/// How long an epoch is seen while they are played.
const PLAY_INTERVAL: Duration = Duration::from_millis(300);

/// Of the noise that optimised images start from.
const NOISE_SEED: u64 = 1;

/// How far `+` and `-` scale a unit's output.
const SCALES: (f32, f32) = (1.0 / 64.0, 64.0);

/// What is shown of the networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InsidePage {
    #[default]
    Filters,
    Maps,
    Histogram,
    Units,
    Gradients,
    Confusion,
    Mistakes,
    /// The reader's own digit.
    Digit,
    Wants,
    Surgery,
}

impl InsidePage {
    pub const ALL: [Self; 10] = [
        Self::Filters,
        Self::Maps,
        Self::Histogram,
        Self::Units,
        Self::Gradients,
        Self::Confusion,
        Self::Mistakes,
        Self::Digit,
        Self::Wants,
        Self::Surgery,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Filters => "Filters",
            Self::Maps => "Maps",
            Self::Histogram => "Sums",
            Self::Units => "Units",
            Self::Gradients => "Gradients",
            Self::Confusion => "Confusion",
            Self::Mistakes => "Mistakes",
            Self::Digit => "Digit",
            Self::Wants => "Wants",
            Self::Surgery => "Surgery",
        }
    }

    /// The view that it shows.
    pub(crate) fn view(self) -> ViewKind {
        match self {
            Self::Filters => ViewKind::Filters,
            Self::Maps => ViewKind::Maps,
            Self::Histogram => ViewKind::Histogram,
            Self::Units => ViewKind::Units,
            Self::Gradients => ViewKind::Gradients,
            Self::Confusion => ViewKind::Confusion,
            Self::Mistakes => ViewKind::Mistakes,
            Self::Digit => ViewKind::Ask,
            Self::Wants => ViewKind::Wants,
            Self::Surgery => ViewKind::Ablation,
        }
    }
}

/// No epoch of any lane.
static NO_EPOCHS: KeptEpochs = KeptEpochs::new();

/// Where the inside of a run is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InsidePlace {
    pub page: InsidePage,
    /// The arm by its place in the study.
    pub arm: usize,
    pub is_beside: bool,
    pub split: ImageSplit,
    pub image: u32,
    /// By its place among the hidden layers.
    pub layer: usize,
    /// The first unit if none is named; of a ranking the first of that.
    pub unit: Option<u32>,
    /// The products of one of the unit's outputs are shown in place of the maps.
    pub product: Option<ProductPlace>,
}

/// The place of one output of a layer, with one of its products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductPlace {
    pub row: u32,
    pub column: u32,
    /// Which of the layer's inputs and weights, counted from 0; the largest product if none is chosen.
    pub product: Option<usize>,
}

impl ProductPlace {
    /// The product that is chosen.
    pub fn product_of(self, of: &SeenProducts) -> usize {
        let largest = || of.ranked().first().copied();
        let last = of.x.len().saturating_sub(1);
        self.product.or_else(largest).unwrap_or(0).min(last)
    }
}

/// Where the reader stands inside a run.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Inside {
    pub run: Option<RunId>,
    pub page: InsidePage,
    /// The arms by their place in the study: the first that is shown, and whether the next stands beside it.
    pub arm: usize,
    pub is_beside: bool,
    pub seed: Option<u64>,
    /// Without a number the newest that is kept.
    pub epoch: Option<u32>,
    /// Of each run that was asked about, by this or by a view cell.
    kept: HashMap<RunId, KeptEpochs>,
    pub is_playing: bool,
    pub split: ImageSplit,
    /// The image that maps and products are of, counted from 0 in its split.
    pub image: u32,
    /// The reader's drawing stands for the image.
    pub uses_drawing: bool,
    pub layer: usize,
    pub unit: u32,
    /// The reader has chosen the unit; until then a ranking has its first chosen.
    unit_is_chosen: bool,
    /// The products of one output are shown in place of the maps.
    pub product: Option<ProductPlace>,
    pub filmstrip: bool,
    pub filter: MistakeFilter,
    /// Of the list of the page: mistakes, or units by their rank.
    pub selected: usize,
    /// Rows that are scrolled off.
    pub top: usize,
    pub changes: Changes,
    pub drawing: Drawing,
    /// The digits that the reader has kept.
    pub own: OwnDigits,
    /// The kept digit that is shown.
    pub own_selected: Option<usize>,
    /// The next key says as which digit the drawing is kept.
    awaits_label: bool,
    /// The pages that were stepped in from, each with its first arm, the latest last.
    back: Vec<(InsidePage, usize)>,
    /// The run was deleted while it was looked into.
    is_deleted: bool,
    pub answers: Answers,
}

impl Inside {
    pub const TITLE: &'static str = " Inside";

    /// The kept epochs of the run that is looked into.
    pub fn kept(&self) -> &KeptEpochs {
        self.run.map_or(&NO_EPOCHS, |run| self.kept_of(run))
    }

    pub(crate) fn kept_of(&self, run: RunId) -> &KeptEpochs {
        self.kept.get(&run).unwrap_or(&NO_EPOCHS)
    }

    /// Forgets a run that was deleted.
    pub(crate) fn remove_run(&mut self, run: RunId) {
        self.kept.remove(&run);
        if self.run == Some(run) {
            (self.is_deleted, self.is_playing) = (true, false);
        }
    }

    /// What stands in place of the networks while there is no history of the run.
    pub fn missing_history(&self) -> String {
        match self.run.filter(|_| self.is_deleted) {
            Some(run) => format!("Run {run} was deleted; Esc leaves."),
            None => "The run's history is being read.".into(),
        }
    }
}

impl App {
    /// Whether the inside of networks is on the screen.
    pub fn is_inside_open(&self) -> bool {
        self.modals.iter().any(|modal| matches!(modal, Modal::Inside))
    }

    /// Shows the inside of a run's networks.
    pub(crate) fn open_inside(&mut self, run: RunId) -> Vec<Effect> {
        if self.inside.run != Some(run) {
            let Inside { own, drawing, kept, answers, .. } = std::mem::take(&mut self.inside);
            self.inside = Inside { run: Some(run), own, drawing, kept, answers, is_beside: true, ..Inside::default() };
        }
        self.modals.retain(|modal| !matches!(modal, Modal::Inside));
        self.modals.push(Modal::Inside);
        let history = (!self.training_runs.contains_key(&run)).then_some(Effect::Query(StoreQuery::Run(run)));
        history.into_iter().chain(self.query_kept_epochs()).collect()
    }

    /// Opens it at a page with an image and a unit, at the newest epoch.
    pub(crate) fn open_inside_at(&mut self, run: RunId, place: InsidePlace) -> Vec<Effect> {
        let effects = self.open_inside(run);
        let InsidePlace { page, arm, is_beside, split, image, layer, unit, product } = place;
        self.turn_inside_page(page);
        let inside = &mut self.inside;
        (inside.arm, inside.is_beside, inside.seed) = (arm, is_beside, None);
        (inside.split, inside.image, inside.uses_drawing) = (split, image, false);
        (inside.layer, inside.unit, inside.unit_is_chosen) = (layer, unit.unwrap_or(0), unit.is_some());
        (inside.selected, inside.top) = (0, 0);
        inside.product = product;
        (inside.epoch, inside.is_playing, inside.filmstrip) = (None, false, false);
        effects
    }

    /// Opens it for the run that has the reader's attention, or says why there is none.
    pub(crate) fn open_inside_of(&mut self, run: Option<RunId>) -> Vec<Effect> {
        let Some(run) = run else {
            self.message = Some("there is no network to look into yet; a run keeps them, epoch by epoch".into());
            return Vec::new();
        };
        self.open_inside(run)
    }

    pub fn inside_training(&self) -> Option<&TrainingRun> {
        self.training_runs.get(&self.inside.run?)
    }

    /// The lanes that are shown, with their arm's place in the study.
    pub fn inside_lanes(&self) -> Vec<(usize, Lane)> {
        let Some(training) = self.inside_training() else { return Vec::new() };
        let arms: Vec<ArmId> = training.spec.arm_ids().collect();
        let Some(seed) = self.inside.seed.or(training.spec.seeds.first().copied()) else { return Vec::new() };
        let count = if self.inside.is_beside { arms.len().min(2) } else { 1 };
        let at = |offset: usize| (self.inside.arm + offset) % arms.len().max(1);
        (0..count).map(at).filter_map(|at| Some((at, Lane { arm: *arms.get(at)?, seed }))).collect()
    }

    fn inside_lane(&self) -> Option<Lane> {
        self.inside_lanes().first().map(|(_, lane)| *lane)
    }

    /// The kept epochs of the lanes that are shown.
    pub fn inside_timeline(&self) -> Vec<u32> {
        let lanes: Vec<Lane> = self.inside_lanes().into_iter().map(|(_, lane)| lane).collect();
        self.inside.kept().timeline(&lanes)
    }

    /// The hidden layers of the first network that is shown, each with its number of units.
    pub fn inside_layers(&self) -> Vec<(Layer, u32)> {
        let (Some(training), Some(lane)) = (self.inside_training(), self.inside_lane()) else { return Vec::new() };
        hidden_layers(training, lane.arm)
    }

    /// The layer that is chosen, with its number of units.
    fn inside_layer(&self) -> Option<(Layer, u32)> {
        let layers = self.inside_layers();
        layers.get(self.inside.layer.min(layers.len().saturating_sub(1))).copied()
    }

    /// The layer and the unit that are chosen.
    pub fn inside_unit(&self) -> Option<(Layer, u32)> {
        let (layer, units) = self.inside_layer()?;
        let unit = self.first_of_ranking().unwrap_or(self.inside.unit);
        Some((layer, unit.min(units.saturating_sub(1))))
    }

    /// The first unit of the ranking, as long as the reader has chosen none.
    fn first_of_ranking(&self) -> Option<u32> {
        let is_open = self.inside.page == InsidePage::Surgery && !self.inside.unit_is_chosen;
        is_open.then(|| self.ranked_units().first().map(|(unit, _)| *unit)).flatten()
    }

    /// Whether the networks take the grey images of 28x28 pixels that the reader can draw.
    pub fn takes_drawing(&self) -> bool {
        let shape = self.inside.run.and_then(|run| self.inside.answers.newest_image_shape(run));
        match shape {
            Some(shape) => (shape.channels, shape.height, shape.width) == (1, 28, 28),
            None => self
                .inside_training()
                .is_some_and(|training| !matches!(training.spec.data, protocol::DataSource::Cifar10)),
        }
    }

    fn inside_image(&self) -> ViewImage {
        if self.inside.uses_drawing {
            ViewImage::Pixels(self.inside.drawing.network_input())
        } else {
            ViewImage::Of { split: self.inside.split, number: self.inside.image }
        }
    }

    /// A question about a lane at the epoch that is looked at; `None` if no checkpoint is known.
    fn inside_request(&self, lane: Lane, view: View, with_changes: bool) -> Option<ViewRequest> {
        let run = self.inside.run?;
        let epoch = Some(self.inside.kept().nearest(lane, self.inside.epoch)?);
        let changes = if with_changes { self.inside.changes.of(lane.arm).to_vec() } else { Vec::new() };
        Some(ViewRequest { run, arm: Some(lane.arm), seed: Some(lane.seed), epoch, changes, view })
    }

    /// What a page shows of a lane: the view of the page.
    fn page_view(&self) -> Option<View> {
        let inside = &self.inside;
        // Nothing is asked about an empty grid.
        if inside.page == InsidePage::Digit && (inside.drawing.is_empty() || !self.takes_drawing()) {
            return None;
        }
        let kind = match (inside.page, inside.product) {
            (InsidePage::Maps, Some(_)) => ViewKind::Products,
            (page, _) => page.view(),
        };
        let image = match inside.page {
            InsidePage::Digit => ViewImage::Pixels(inside.drawing.network_input()),
            _ => self.inside_image(),
        };
        let place = inside.product.unwrap_or_default();
        kind.question(ViewSubject {
            split: inside.split,
            image,
            unit: self.inside_unit(),
            place: (place.row, place.column),
            seed: NOISE_SEED,
        })
    }

    /// What there is of the view of the page, of a lane.
    pub fn inside_shown(&self, lane: Lane) -> Shown<'_> {
        // The ranking is of the unchanged network.
        let with_changes = self.inside.page != InsidePage::Surgery;
        let request = self.page_view().and_then(|view| self.inside_request(lane, view, with_changes));
        self.inside_answer(lane, request)
    }

    /// What there is of another view, of a lane.
    pub fn inside_view(&self, lane: Lane, view: View, with_changes: bool) -> Shown<'_> {
        self.inside_answer(lane, self.inside_request(lane, view, with_changes))
    }

    /// What there is of a question about a lane; without a question why there is none.
    fn inside_answer(&self, lane: Lane, request: Option<ViewRequest>) -> Shown<'_> {
        match request {
            Some(request) => self.inside.answers.shown(&request),
            None if self.inside.kept().nearest(lane, None).is_none() => Shown::Absent(self.absent_checkpoint(lane)),
            None => Shown::Nothing,
        }
    }

    /// The filters of a lane at another kept epoch.
    pub fn inside_filters_at(&self, lane: Lane, epoch: u32) -> Shown<'_> {
        match self.filters_request(lane, epoch) {
            Some(request) => match self.inside.answers.get(&request) {
                Some(Ok(answer)) => Shown::Current(answer),
                Some(Err(why)) => Shown::Fault(why),
                None => Shown::Nothing,
            },
            None => Shown::Absent(self.absent_checkpoint(lane)),
        }
    }

    fn filters_request(&self, lane: Lane, epoch: u32) -> Option<ViewRequest> {
        let request = self.inside_request(lane, View::Filters, true)?;
        Some(ViewRequest { epoch: Some(epoch), ..request })
    }

    /// All questions whose answers the screen shows, the most urgent first.
    fn needed_views(&self) -> Vec<ViewRequest> {
        let lanes: Vec<Lane> = self.inside_lanes().into_iter().map(|(_, lane)| lane).collect();
        let inside = &self.inside;
        let page = self.page_view();
        let with_changes = inside.page != InsidePage::Surgery;
        let of_page = |lane: &Lane| self.inside_request(*lane, page.clone()?, with_changes);
        let mut needed: Vec<ViewRequest> = lanes.iter().filter_map(of_page).collect();
        match inside.page {
            InsidePage::Filters if inside.filmstrip => {
                for lane in &lanes {
                    needed.extend(inside.kept().of(*lane).filter_map(|epoch| self.filters_request(*lane, epoch)));
                }
            }
            // The answers to the chosen image by every network.
            InsidePage::Mistakes => {
                if let Some(view) = self.chosen_mistake_view() {
                    needed.extend(lanes.iter().filter_map(|lane| self.inside_request(*lane, view.clone(), true)));
                }
            }
            InsidePage::Digit if !inside.own.is_empty() && self.takes_drawing() => {
                needed.extend(lanes.iter().filter_map(|lane| self.inside_request(*lane, self.own_view(), true)));
            }
            InsidePage::Surgery => {
                let confusion = View::Confusion { split: inside.split };
                let ask = View::Ask { image: self.inside_image() };
                for lane in &lanes {
                    for view in [&ask, &confusion] {
                        needed.extend(self.inside_request(*lane, view.clone(), true));
                        needed.extend(self.inside_request(*lane, view.clone(), false));
                    }
                }
            }
            _ => {}
        }
        needed
    }

    /// The question of all kept digits.
    pub fn own_view(&self) -> View {
        View::Answers { images: self.inside.own.iter().map(|digit| digit.drawing.network_input()).collect() }
    }

    /// The lanes whose networks are on the screen: inside a run, or else in view cells.
    fn lanes_in_view(&self) -> Vec<(RunId, Lane)> {
        match self.inside.run.filter(|_| self.is_inside_open()) {
            Some(run) => self.inside_lanes().into_iter().map(|(_, lane)| (run, lane)).collect(),
            None => self.lanes_of_view_cells(),
        }
    }

    /// Sends the questions that the screen needs; called after every event.
    pub(crate) fn ask_views(&mut self) -> Vec<Effect> {
        let is_unknown = |&(run, lane): &(RunId, Lane)| {
            let query = StoreQuery::KeptEpochs { run, lane };
            !self.inside.kept_of(run).is_known(lane) && !self.pending_queries.is_pending(query)
        };
        let unknown = self.lanes_in_view().into_iter().filter(is_unknown);
        let mut effects: Vec<Effect> =
            unknown.map(|(run, lane)| Effect::Query(StoreQuery::KeptEpochs { run, lane })).collect();
        let needed = if self.is_inside_open() { self.needed_views() } else { self.views_of_view_cells() };
        for (number, request) in self.inside.answers.ask(needed) {
            effects.push(Effect::Request(Tag::View(number), RequestBody::View(Box::new(request))));
        }
        effects
    }

    /// Reads the kept epochs again. Those that are not known yet are asked for in any case.
    fn query_kept_epochs(&self) -> Vec<Effect> {
        let Some(run) = self.inside.run else { return Vec::new() };
        let lanes = self.inside_lanes().into_iter().filter(|(_, lane)| self.inside.kept_of(run).is_known(*lane));
        lanes.map(|(_, lane)| Effect::Query(StoreQuery::KeptEpochs { run, lane })).collect()
    }

    pub(crate) fn load_kept_epochs(&mut self, run: RunId, lane: Lane, epochs: Vec<u32>) -> Vec<Effect> {
        self.inside.kept.entry(run).or_default().set(lane, epochs);
        self.pending_queries.finish(StoreQuery::KeptEpochs { run, lane }).1
    }

    /// Asks for the kept epochs of a run that is looked into, at the end of each of its epochs. A view cell is asked for
    /// its first epoch, and then once the run is at rest: a view at every epoch would take cores from the training.
    pub(crate) fn update_kept_epochs(&self, event: &RunEvent) -> Vec<Effect> {
        let is_at_rest = matches!(
            event,
            RunEvent::Finished { .. }
                | RunEvent::Stopped { .. }
                | RunEvent::Paused { .. }
                | RunEvent::Interrupted { .. }
                | RunEvent::Failed { .. }
        );
        let is_epoch = matches!(event, RunEvent::Epoch { .. });
        let run = event.run();
        let has_changed = |lane: &Lane| {
            is_at_rest || is_epoch && (self.is_inside_open() || self.inside.kept_of(run).of(*lane).next().is_none())
        };
        let lanes = self.lanes_in_view().into_iter().filter(|(of, lane)| *of == run && has_changed(lane));
        lanes.map(|(run, lane)| Effect::Query(StoreQuery::KeptEpochs { run, lane })).collect()
    }

    /// Takes the kernel's answer to a question.
    pub(crate) fn take_view(&mut self, number: u64, reply: Result<Reply, String>) {
        match reply {
            Ok(Reply::View(answer)) => {
                self.inside.answers.take(number, Ok(*answer));
            }
            Ok(Reply::Refused { kind, message }) => {
                let Some(request) = self.inside.answers.take(number, Err(message.clone())) else { return };
                if let (ErrorKind::Storage, Some(arm), Some(seed), Some(epoch)) =
                    (kind, request.arm, request.seed, request.epoch)
                {
                    // Another epoch takes its place.
                    self.inside.answers.forget(&request);
                    self.inside.kept.entry(request.run).or_default().skip_damaged(Lane { arm, seed }, epoch);
                    self.message = Some(format!("epoch {epoch} is left out: {message}"));
                }
            }
            Ok(_) => {
                self.inside.answers.take(
                    number,
                    Err("the kernel answered something else; the notebook and the kernel may be of different versions"
                        .into()),
                );
            }
            Err(why) => {
                self.inside.answers.take(number, Err(why));
            }
        }
    }

    /// The next epoch of those that are played, once what the screen shows has come.
    pub(crate) fn play_on(&mut self) -> Vec<Effect> {
        if !self.inside.is_playing || !self.is_inside_open() {
            self.inside.is_playing = false;
            return Vec::new();
        }
        let is_waiting = self.inside_lanes().iter().any(|(_, lane)| !self.inside_shown(*lane).is_current());
        if !is_waiting {
            self.inside.epoch = epochs::step(&self.inside_timeline(), self.inside.epoch, true);
            self.inside.is_playing = self.inside.epoch.is_some();
        }
        if self.inside.is_playing { vec![Effect::Wake(PLAY_INTERVAL)] } else { Vec::new() }
    }

    fn toggle_play(&mut self) -> Vec<Effect> {
        if std::mem::take(&mut self.inside.is_playing) {
            return Vec::new();
        }
        let timeline = self.inside_timeline();
        if timeline.len() < 2 {
            let kept = if timeline.is_empty() { "there is no kept epoch" } else { "there is one kept epoch" };
            self.message = Some(format!("{kept}; more come while the run trains"));
            return Vec::new();
        }
        // From the beginning, if it stands at the end.
        if self.inside.epoch.is_none() {
            self.inside.epoch = timeline.first().copied();
        }
        self.inside.is_playing = true;
        vec![Effect::Wake(PLAY_INTERVAL)]
    }

    pub(crate) fn inside_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.modals.push(Modal::Inside);
        if self.inside.awaits_label {
            return self.answer_label(key.code);
        }
        if self.inside.page == InsidePage::Digit
            && self.takes_drawing()
            && let Some(action) = keys::draw_action(key)
        {
            return self.draw_digit(action);
        }
        match keys::action(key) {
            Some(action) => self.perform_inside(action),
            None => Vec::new(),
        }
    }

    #[allow(clippy::too_many_lines, reason = "a line or two an action")]
    pub(crate) fn perform_inside(&mut self, action: InsideAction) -> Vec<Effect> {
        match action {
            InsideAction::NextPage | InsideAction::PreviousPage => {
                let page = next_of(&InsidePage::ALL, self.inside.page, action == InsideAction::NextPage);
                self.turn_inside_page(page);
            }
            InsideAction::Page(number) => {
                if let Some(page) = InsidePage::ALL.get(usize::from(number)) {
                    self.turn_inside_page(*page);
                }
            }
            InsideAction::EpochBack | InsideAction::EpochForward if self.inside.product.is_some() => {
                self.step_product(action == InsideAction::EpochForward, false);
            }
            InsideAction::EpochBack | InsideAction::EpochForward => {
                self.step_epoch(action == InsideAction::EpochForward);
            }
            InsideAction::FirstEpoch => self.inside.epoch = self.inside_timeline().first().copied(),
            InsideAction::LastEpoch => self.inside.epoch = None,
            InsideAction::Play => return self.toggle_play(),
            InsideAction::Up | InsideAction::Down if self.inside.product.is_some() => {
                self.step_product(action == InsideAction::Down, true);
            }
            InsideAction::Up => self.move_inside(-1),
            InsideAction::Down => self.move_inside(1),
            InsideAction::PageUp => self.move_inside(-10),
            InsideAction::PageDown => self.move_inside(10),
            InsideAction::Enter => self.step_inside(),
            InsideAction::NextArm => self.next_inside_arm(),
            InsideAction::Beside => {
                let arms = self.inside_training().map_or(0, |training| training.spec.arms.len());
                if arms < 2 {
                    self.message = Some("this run has one arm".into());
                } else {
                    self.inside.is_beside = !self.inside.is_beside;
                }
            }
            InsideAction::NextSeed => self.next_inside_seed(),
            InsideAction::NextSplit => {
                self.inside.split = next_of(&ImageSplit::ALL, self.inside.split, true);
                (self.inside.image, self.inside.selected, self.inside.top) = (0, 0, 0);
                self.message = Some(format!("{} images", self.inside.split.name()));
            }
            InsideAction::NextLayer | InsideAction::PreviousLayer => {
                let count = self.inside_layers().len().max(1);
                let by = if action == InsideAction::NextLayer { 1 } else { count - 1 };
                self.inside.layer = (self.inside.layer.min(count - 1) + by) % count;
                (self.inside.unit, self.inside.unit_is_chosen, self.inside.top) = (0, false, 0);
                self.restart_product();
            }
            InsideAction::NextUnit | InsideAction::PreviousUnit => {
                let units = self.units_of_layer();
                let by = if action == InsideAction::NextUnit { 1 } else { units - 1 };
                let unit = self.inside_unit().map_or(0, |(_, unit)| unit);
                self.choose_unit((unit + by) % units);
            }
            InsideAction::NextImage | InsideAction::PreviousImage if self.inside.page == InsidePage::Mistakes => {
                self.choose_mistake(if action == InsideAction::NextImage { 1 } else { -1 });
            }
            InsideAction::NextImage | InsideAction::PreviousImage => {
                self.inside.uses_drawing = false;
                let forward = action == InsideAction::NextImage;
                self.inside.image = if forward { self.inside.image + 1 } else { self.inside.image.saturating_sub(1) };
            }
            InsideAction::UseDrawing => {
                if self.inside.drawing.is_empty() || !self.takes_drawing() {
                    self.message = Some("nothing is drawn; 8 opens the grid".into());
                } else {
                    self.inside.uses_drawing = !self.inside.uses_drawing;
                    let of = if self.inside.uses_drawing {
                        "your drawing is the image; o: the data's again"
                    } else {
                        "the image of the data again"
                    };
                    self.message = Some(of.into());
                }
            }
            InsideAction::Filmstrip => {
                self.turn_inside_page(InsidePage::Filters);
                self.inside.filmstrip = !self.inside.filmstrip;
            }
            InsideAction::NextFilter => {
                self.turn_inside_page(InsidePage::Mistakes);
                self.inside.filter = next_of(&MistakeFilter::ALL, self.inside.filter, true);
                (self.inside.selected, self.inside.top) = (0, 0);
            }
            InsideAction::Silence => self.silence_unit(),
            InsideAction::ScaleUp => self.scale_unit(2.0),
            InsideAction::ScaleDown => self.scale_unit(0.5),
            InsideAction::Revive if self.shows_unit() => self.change_unit(Surgery::Revive),
            InsideAction::Revive => {}
            InsideAction::UndoChange => {
                let Some(lane) = self.inside_lane() else { return Vec::new() };
                let was_changed = self.inside.changes.undo(lane.arm);
                self.message = Some(if was_changed { self.describe_changes(lane) } else { "nothing to undo".into() });
            }
            InsideAction::UndoAllChanges => {
                let Some(lane) = self.inside_lane() else { return Vec::new() };
                self.inside.changes.clear(lane.arm);
                self.message = Some(self.describe_changes(lane));
            }
            InsideAction::PlaceLeft => self.move_product_place(0, -1),
            InsideAction::PlaceRight => self.move_product_place(0, 1),
            InsideAction::PlaceUp => self.move_product_place(-1, 0),
            InsideAction::PlaceDown => self.move_product_place(1, 0),
            InsideAction::Theme => self.switch_background(),
            InsideAction::Help => self.modals.push(Modal::Help { top: 0 }),
            InsideAction::Close => self.leave_inside(),
        }
        Vec::new()
    }

    /// Back from what was stepped into, else to where the inside was opened from.
    fn leave_inside(&mut self) {
        if self.inside.is_deleted {
            (self.inside.product, self.inside.back) = (None, Vec::new());
        }
        if self.inside.product.take().is_some() {
            return;
        }
        if let Some((page, arm)) = self.inside.back.pop() {
            (self.inside.page, self.inside.arm) = (page, arm);
            return;
        }
        self.inside.is_playing = false;
        self.modals.retain(|modal| !matches!(modal, Modal::Inside));
    }

    fn turn_inside_page(&mut self, page: InsidePage) {
        let inside = &mut self.inside;
        inside.back.clear();
        inside.product = None;
        if inside.page != page {
            (inside.page, inside.selected, inside.top) = (page, 0, 0);
        }
    }

    fn step_epoch(&mut self, forward: bool) {
        self.inside.is_playing = false;
        self.inside.epoch = epochs::step(&self.inside_timeline(), self.inside.epoch, forward);
    }

    fn units_of_layer(&self) -> u32 {
        let layers = self.inside_layers();
        layers.get(self.inside.layer.min(layers.len().saturating_sub(1))).map_or(1, |(_, units)| (*units).max(1))
    }

    fn choose_unit(&mut self, unit: u32) {
        (self.inside.unit, self.inside.unit_is_chosen) = (unit, true);
    }

    /// The units of the chosen layer, that whose loss costs most first; each with the loss in nats without it.
    pub fn ranked_units(&self) -> Vec<(u32, Ablated)> {
        let Some(lane) = self.inside_lane() else { return Vec::new() };
        let layer = self.inside_layer().map(|(layer, _)| layer);
        match self.inside_view(lane, self.ablation_view(), false).answer().map(|answer| &answer.seen) {
            Some(Seen::Ablation { layer: of, units, .. }) if Some(*of) == layer => Ablated::rank(units),
            _ => Vec::new(),
        }
    }

    fn ablation_view(&self) -> View {
        let layer = self.inside_layer().map_or(Layer { kind: LayerKind::Fc, number: 1 }, |(layer, _)| layer);
        View::Ablation { layer, split: self.inside.split }
    }

    /// Moves the choice of the page's list, or scrolls.
    fn move_inside(&mut self, by: isize) {
        let inside = &self.inside;
        match inside.page {
            // A row further, or three.
            InsidePage::Mistakes => self.choose_mistake(by.clamp(-3, 3) * self.gallery_columns() as isize),
            InsidePage::Surgery => {
                let ranked = self.ranked_units();
                let chosen = self.inside_unit().map(|(_, unit)| unit);
                let at = ranked.iter().position(|(unit, _)| Some(*unit) == chosen).unwrap_or(0);
                if let Some((unit, _)) = ranked.get(at.saturating_add_signed(by).min(ranked.len().saturating_sub(1))) {
                    self.choose_unit(*unit);
                }
            }
            InsidePage::Maps | InsidePage::Wants | InsidePage::Units => {
                let units = self.units_of_layer();
                let at = i64::from(inside.unit.min(units - 1)) + by as i64;
                self.choose_unit(at.clamp(0, i64::from(units) - 1) as u32);
            }
            InsidePage::Filters
            | InsidePage::Histogram
            | InsidePage::Gradients
            | InsidePage::Confusion
            | InsidePage::Digit => {
                self.inside.top = inside.top.saturating_add_signed(by).min(usize::from(u16::MAX));
            }
        }
    }

    /// Enter: from a mistake to its maps, from a map to one of its products.
    fn step_inside(&mut self) {
        match self.inside.page {
            InsidePage::Mistakes => {
                let Some(number) = self.mistake_entries().get(self.inside.selected).map(|entry| entry.number) else {
                    return;
                };
                self.step_into_image(number);
            }
            InsidePage::Maps if self.inside.product.is_none() => {
                self.inside.product = Some(self.first_product());
            }
            InsidePage::Units | InsidePage::Filters => {
                self.inside.back.push((self.inside.page, self.inside.arm));
                self.inside.page = InsidePage::Wants;
            }
            InsidePage::Wants | InsidePage::Surgery => {
                if let Some((_, unit)) = self.inside_unit() {
                    self.choose_unit(unit);
                }
                self.inside.back.push((self.inside.page, self.inside.arm));
                self.inside.page = InsidePage::Maps;
            }
            _ => self.message = Some("there is nothing to step into here".into()),
        }
    }

    /// The maps of an image of the split.
    fn step_into_image(&mut self, number: u32) {
        (self.inside.image, self.inside.uses_drawing) = (number, false);
        self.inside.back.push((self.inside.page, self.inside.arm));
        self.inside.page = InsidePage::Maps;
    }

    /// The output of the chosen unit with the largest activation, where the maps are known; before pooling it is near there.
    fn first_product(&self) -> ProductPlace {
        let place = || {
            let (layer, unit) = self.inside_unit()?;
            let lane = self.inside_lane()?;
            let shown = self.inside_view(lane, View::Maps { image: self.inside_image() }, true);
            let Some(Seen::Maps { layers, .. }) = shown.answer().map(|answer| &answer.seen) else { return None };
            let maps = layers.iter().find(|maps| maps.layer == layer)?;
            let size = (maps.height * maps.width) as usize;
            let map = maps.y.get(unit as usize * size..)?.get(..size)?;
            let (at, _) = map.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
            let (row, column) = (at as u32 / maps.width.max(1), at as u32 % maps.width.max(1));
            // LeNet's and the convnet's maps are pooled by 2.
            let factor = if layer.kind == LayerKind::Conv { 2 } else { 1 };
            Some(ProductPlace { row: row * factor, column: column * factor, product: None })
        };
        place().unwrap_or_default()
    }

    fn restart_product(&mut self) {
        if self.inside.product.is_some() {
            self.inside.product = Some(self.first_product());
        }
    }

    /// The products that are shown, of the first lane.
    pub fn inside_products(&self) -> Option<&SeenProducts> {
        match self.inside_lane().and_then(|lane| self.inside_shown(lane).answer()).map(|answer| &answer.seen) {
            Some(Seen::Products(products)) => Some(products),
            _ => None,
        }
    }

    /// Another product: of a convolution the next in its row, or a row of the kernel further; of a fully connected layer the
    /// next by its size.
    fn step_product(&mut self, forward: bool, by_row: bool) {
        let (Some(of), Some(place)) = (self.inside_products(), self.inside.product) else { return };
        let chosen = place.product_of(of);
        let step = |at: usize, by: usize| {
            let next = if forward { at + by } else { at.saturating_sub(by) };
            next.min(of.x.len().saturating_sub(1))
        };
        let next = if of.side > 1 {
            step(chosen, if by_row { of.side as usize } else { 1 })
        } else {
            let ranked = of.ranked();
            let rank = ranked.iter().position(|at| *at == chosen).unwrap_or(0);
            ranked.get(step(rank, 1)).copied().unwrap_or(0)
        };
        self.inside.product = Some(ProductPlace { product: Some(next), ..place });
    }

    fn move_product_place(&mut self, rows: i64, columns: i64) {
        let Some((height, width)) = self.inside_products().map(|products| (products.height, products.width)) else {
            self.message = Some("Enter on a map shows one of its products first".into());
            return;
        };
        let moved = |at: u32, by: i64, size: u32| (i64::from(at) + by).clamp(0, i64::from(size) - 1) as u32;
        if let Some(place) = &mut self.inside.product {
            place.row = moved(place.row, rows, height);
            place.column = moved(place.column, columns, width);
        }
    }

    fn next_inside_arm(&mut self) {
        let arms = self.inside_training().map_or(0, |training| training.spec.arms.len());
        if arms < 2 {
            self.message = Some("this run has one arm".into());
            return;
        }
        self.inside.arm = (self.inside.arm + 1) % arms;
    }

    fn next_inside_seed(&mut self) {
        let Some(training) = self.inside_training() else { return };
        let seeds = &training.spec.seeds;
        if seeds.len() < 2 {
            self.message = Some("this run has one seed".into());
            return;
        }
        let at = self.inside.seed.and_then(|seed| seeds.iter().position(|known| *known == seed)).unwrap_or(0);
        self.inside.seed = seeds.get((at + 1) % seeds.len()).copied();
    }

    /// Whether the unit that a change is made to is on the screen. Where it is not, the first press of a key brings it there.
    fn shows_unit(&mut self) -> bool {
        let has_filters = self.inside_layer().is_some_and(|(layer, _)| layer.kind == LayerKind::Conv);
        let is_ranked = !self.ranked_units().is_empty();
        let is_waiting = self.inside_lane().is_some_and(|lane| !self.inside_shown(lane).is_current());
        match self.inside.page {
            InsidePage::Surgery if !is_ranked && is_waiting => {
                self.message = Some("the units are still being ranked".into());
                false
            }
            InsidePage::Surgery | InsidePage::Maps | InsidePage::Units | InsidePage::Wants => true,
            InsidePage::Filters if has_filters && !self.inside.filmstrip => true,
            _ => {
                self.turn_inside_page(InsidePage::Surgery);
                self.message = Some("units are changed here; the same key changes the chosen one".into());
                false
            }
        }
    }

    /// Silences the chosen unit of the first arm that is shown, or gives it the scale that it had before.
    fn silence_unit(&mut self) {
        let (Some((layer, unit)), Some(lane), true) = (self.inside_unit(), self.inside_lane(), self.shows_unit())
        else {
            return;
        };
        let changes = &self.inside.changes;
        let is_silenced = changes.scale(lane.arm, layer, unit) == 0.0;
        let scale = if is_silenced { changes.scale_before_silence(lane.arm, layer, unit) } else { 0.0 };
        self.change_unit(Surgery::Scale(scale));
    }

    fn scale_unit(&mut self, by: f32) {
        let (Some((layer, unit)), Some(lane), true) = (self.inside_unit(), self.inside_lane(), self.shows_unit())
        else {
            return;
        };
        let scale = self.inside.changes.scale(lane.arm, layer, unit);
        if scale == 0.0 {
            self.message = Some(format!("{layer}:{unit} is silenced; x gives it its output back"));
            return;
        }
        let (least, most) = SCALES;
        self.change_unit(Surgery::Scale((scale * by).clamp(least, most)));
    }

    fn change_unit(&mut self, change: Surgery) {
        let (Some((layer, unit)), Some(lane)) = (self.inside_unit(), self.inside_lane()) else { return };
        self.choose_unit(unit);
        self.inside.changes.add(lane.arm, UnitChange { layer, unit, change });
        self.message = Some(format!("{}; z undoes it, the checkpoint stays as it is", self.describe_changes(lane)));
    }

    /// The changes of an arm, in a line.
    fn describe_changes(&self, lane: Lane) -> String {
        let title = self.inside_training().map_or(String::new(), |training| training.spec.arm_title(lane.arm));
        match self.inside.changes.of(lane.arm) {
            [] => format!("{title}: no unit is changed"),
            [.., last] if self.inside.changes.of(lane.arm).len() > 3 => {
                format!("{title}: {} changes, the last {last}", self.inside.changes.of(lane.arm).len())
            }
            few => format!("{title}: {}", few.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// The hints of the status line.
    pub fn inside_hints(&self) -> Vec<String> {
        let hints: &[&str] = match self.inside.page {
            _ if self.inside.product.is_some() => {
                &["← → ↑ ↓ products", "H J K L place", "u unit", "i layer", "Esc back"]
            }
            InsidePage::Filters => &["← → epochs", "Tab page", "Space plays", "f filmstrip", "a arm", "Esc back"],
            InsidePage::Maps => &["n p image", "↑ ↓ unit", "Enter its products", "i layer", "← → epochs", "Esc back"],
            InsidePage::Histogram | InsidePage::Gradients | InsidePage::Confusion => {
                &["← → epochs", "Tab page", "Space plays", "t split", "a arm", "Esc back"]
            }
            InsidePage::Units => &["↑ ↓ unit", "i layer", "Enter what it wants", "← → epochs", "Esc back"],
            InsidePage::Mistakes => &["↑ ↓ n p choose", "m whose", "Enter its maps", "← → epochs", "Esc back"],
            InsidePage::Digit if !self.takes_drawing() => &["← → epochs", "Tab page", "a arm", "Esc back"],
            InsidePage::Digit => &[
                "Space pen",
                "e eraser",
                "z undo",
                "c clear",
                "w keep",
                "r centred",
                "( ) turn",
                "o to all pages",
                "Esc back",
            ],
            InsidePage::Wants => &["↑ ↓ unit", "i layer", "← → epochs", "Tab page", "Esc back"],
            InsidePage::Surgery => &["x silence", "↑ ↓ unit", "+ - scale", "v revive", "z undo", "i layer", "Esc back"],
        };
        hints.iter().map(|hint| (*hint).to_string()).collect()
    }

    /// What the wheel does: through the epochs on pages without a list.
    pub(crate) fn inside_wheel(&mut self, way: KeyCode) {
        match self.inside.page {
            InsidePage::Mistakes | InsidePage::Surgery | InsidePage::Maps | InsidePage::Wants | InsidePage::Units => {
                self.move_inside(if way == KeyCode::Down { 1 } else { -1 });
            }
            InsidePage::Digit => {}
            _ => self.step_epoch(way == KeyCode::Down),
        }
    }
}

/// The hidden layers of an arm's network, each with its number of units.
fn hidden_layers(training: &TrainingRun, arm: ArmId) -> Vec<(Layer, u32)> {
    let Some(settings) = training.spec.settings(arm) else { return Vec::new() };
    let layers = training.spec.network.hidden_layers(&settings.widths);
    layers.into_iter().zip(settings.widths.0.iter().copied()).collect()
}
