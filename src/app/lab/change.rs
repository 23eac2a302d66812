//! What changes a run or begins one from it: steering its learning rate, forking it at an epoch, sweeping a setting, and
//! taking each arm at the best that a sweep found.

use super::table::{TableRow, seeds_text};
use super::{EditOf, LabEdit, LabPage};
use crate::work::Work;
use crate::{App, Effect, Pane, Tag, TrainingRun};
use protocol::{
    Arm, ArmId, CellResult, Fork, Lane, LaneResults, Metric, RequestBody, RunId, RunSummary, SETTINGS, Setting,
    SteeredSetting, Study, Sweep, SweepAxis, best_cells,
};

impl LaneResults for TrainingRun {
    fn error(&self, lane: Lane, epoch: u32) -> Option<f64> {
        self.lanes.iter().find(|view| view.lane == lane)?.at(epoch)?.get(Metric::ValError)
    }

    fn has_diverged(&self, lane: Lane) -> bool {
        self.lanes.iter().any(|view| view.lane == lane && view.diverged.is_some())
    }
}

/// What a fork changes: the same settings of these arms, or of all.
type ForkChanges = (Vec<ArmId>, Vec<(String, String)>);

impl App {
    /// Changes the learning rate of the chosen arm from its next epoch on.
    pub(super) fn steer_lab(&mut self, up: bool) -> Vec<Effect> {
        let Some(training) = self.lab_training().filter(|training| training.state.is_active()) else {
            self.message = Some("nothing trains here; the learning rate is steered while a run trains".into());
            return Vec::new();
        };
        let (run, arms) = (training.run, &training.spec.arms);
        let chosen = self.lab.table.chosen_arm().or((arms.len() == 1).then_some(0));
        let Some(Arm { id: arm, settings }) = chosen.and_then(|at| arms.get(at)) else {
            let place = if self.lab_layout().study.is_some() { "" } else { ", on the page of the study (Tab)" };
            self.message = Some(format!("put the cursor of the table into the column of the arm to steer{place}"));
            return Vec::new();
        };
        // From what was asked for last, whichever lanes it holds for.
        let last = training.steerings.iter().rev().find(|steering| steering.arm == *arm);
        let now = last.map_or(settings.learning_rate, |steering| steering.value);
        let setting = SteeredSetting::LearningRate;
        let stepped = Setting::find(setting.key()).and_then(|setting| setting.step(&now.to_string(), up));
        let Some(value) = stepped.and_then(|text| text.parse().ok()) else {
            self.message =
                Some(format!("there is no step beyond {now}; `relu steer {run} {arm} lr=X` takes any value"));
            return Vec::new();
        };
        vec![Effect::Request(Tag::Run(run), RequestBody::Steer { run, arm: *arm, setting, value })]
    }

    /// Asks at which epoch the run is to be forked: that of the chart's cursor, or the last.
    pub(super) fn ask_for_fork(&mut self) {
        let Some(training) = self.lab_training() else {
            self.message = Some("there is no run to fork yet; Enter runs the study".into());
            return;
        };
        let run = training.run;
        if let Err(why) = self.fork_changes() {
            self.message = Some(why);
            return;
        }
        let last = self.last_fork_epoch();
        if last == 0 {
            self.message = Some(format!("run {run} has no epoch yet that another could follow"));
            return;
        }
        let read = self.last_epoch_read(&Pane::Lab);
        let epoch = read.filter(|epoch| (1..=last).contains(epoch)).unwrap_or(last);
        self.lab.edit = Some(LabEdit::new(EditOf::Fork, epoch.to_string()));
    }

    /// The last epoch at which the run can be forked: all lanes have it, and the fork has one behind it.
    fn last_fork_epoch(&self) -> u32 {
        let done = self.lab_training().map(|training| training.lanes.iter().map(crate::LaneView::epochs_done));
        let done = done.and_then(Iterator::min).unwrap_or(0);
        let epochs = self.lab.table.study().map_or(0, |study| study.epochs);
        done.min(epochs.saturating_sub(1))
    }

    /// What is wrong with an epoch to fork at.
    pub(super) fn fault_of_fork(&self, text: &str) -> Option<String> {
        let last = self.last_fork_epoch();
        let epoch = text.trim().parse::<u32>().ok().filter(|epoch| (1..=last).contains(epoch));
        epoch.is_none().then(|| match last {
            1 => "the run can be forked at epoch 1 alone, so that an epoch follows".into(),
            _ => format!("take an epoch from 1 to {last}, so that another follows"),
        })
    }

    /// In what the table differs from the run, if a fork can change it: the same for every arm that it changes.
    fn fork_changes(&self) -> Result<ForkChanges, String> {
        let Some(training) = self.lab_training() else { return Err("there is no run to fork".into()) };
        let (run, study) = (&training.spec, self.lab.table.study()?);
        let ids = |study: &Study| study.arm_ids().collect::<Vec<_>>();
        if ids(run) != ids(study) {
            return Err(format!("a fork has the arms of run {}; L and u bring them back", training.run));
        }
        let mut changes: Vec<(String, String)> = Vec::new();
        let mut forked: Option<Vec<ArmId>> = None;
        for setting in SETTINGS {
            let text = |study: &Study, at: usize| setting.print(study, &study.arms[at].settings);
            let changed: Vec<usize> = (0..run.arms.len()).filter(|&at| text(run, at) != text(study, at)).collect();
            let Some(&first) = changed.first() else { continue };
            let arms: Vec<ArmId> = changed.iter().map(|&at| run.arms[at].id).collect();
            let is_same = changed.iter().all(|&at| text(study, at) == text(study, first));
            if !is_same || forked.as_ref().is_some_and(|forked| *forked != arms) {
                return Err(format!(
                    "{}: a fork makes one change, the same in every arm that it takes on; give them one value, or take the \
                     change back in the others (x)",
                    setting.title
                ));
            }
            forked = Some(arms);
            changes.push((setting.key.into(), text(study, first)));
        }
        match forked {
            None => Err("the table has the settings of the run; change one, then f forks it".into()),
            Some(arms) if arms.len() == run.arms.len() => Ok((Vec::new(), changes)),
            Some(arms) => Ok((arms, changes)),
        }
    }

    /// What a fork would change, in words.
    pub fn fork_words(&self) -> String {
        let Ok((arms, changes)) = self.fork_changes() else { return String::new() };
        let changes: Vec<String> = changes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let arms: Vec<&str> = arms.iter().map(ArmId::as_str).collect();
        if arms.is_empty() { changes.join(" ") } else { format!("{} {}", arms.join(", "), changes.join(" ")) }
    }

    /// Forks the run at an epoch with what the table changes; the run stays behind as it was.
    pub(super) fn fork_lab(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        if let Some(why) = self.fault_of_fork(text) {
            return Err(why);
        }
        let epoch = text.trim().parse::<u32>().map_err(|_| format!("`{}` is no epoch", text.trim()))?;
        let (arms, changes) = self.fork_changes()?;
        let parent = self.lab.run.ok_or("there is no run to fork")?;
        self.lab.starting = Some(self.lab.table.study().cloned().map_err(ToOwned::to_owned));
        self.lab.forked = Some(parent);
        let fork = Fork { parent, epoch };
        Ok(vec![Effect::Request(Tag::Lab, RequestBody::Fork { fork, arms, changes, name: None })])
    }

    /// Asks over which values the chosen setting is swept.
    pub(super) fn ask_for_sweep(&mut self) {
        let TableRow::Setting(setting) = self.lab.table.row() else {
            self.message = Some("choose the row of a setting to sweep, such as the learning rate".into());
            return;
        };
        if !setting.is_of_arms() {
            self.message =
                Some(format!("{} is shared by all arms; a sweep varies a setting of the arms", setting.title));
            return;
        }
        let known = self.lab.table.value(self.lab.table.row(), 0).map(|value| value.text).unwrap_or_default();
        let around = [setting.step(&known, false), Some(known.clone()), setting.step(&known, true)];
        let values: Vec<String> = around.into_iter().flatten().collect();
        let arm = self.lab.table.column().checked_sub(1).and_then(|at| {
            let id = self.lab.table.study().ok()?.arms.get(at)?.id;
            Some(format!("{id}."))
        });
        self.lab.page = LabPage::Study;
        let text = format!("{}{}={}", arm.unwrap_or_default(), setting.key, values.join(","));
        self.lab.edit = Some(LabEdit::new(EditOf::Sweep, text));
    }

    /// The study of the table as a sweep over what a line says: settings with their values, parted by spaces, and the word
    /// `halving`.
    pub(super) fn read_sweep(&self, text: &str) -> Result<(Study, Sweep), String> {
        let study = self.lab.table.study()?;
        let (halving, axes): (Vec<&str>, Vec<&str>) = text.split_whitespace().partition(|word| *word == "halving");
        let axes = axes.into_iter().map(SweepAxis::parse).collect::<Result<Vec<_>, _>>();
        let axes = axes.map_err(|why| why.to_string())?;
        Sweep::new(study, &axes, !halving.is_empty()).map_err(|why| why.to_string())
    }

    pub(super) fn start_sweep(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let (spec, sweep) = self.read_sweep(text)?;
        Ok(self.ask_or_start(Work::Sweep(spec, sweep)))
    }

    pub(crate) fn begin_sweep(&mut self, spec: Study, sweep: Sweep) -> Vec<Effect> {
        self.lab.starting = Some(Ok(spec.clone()));
        self.lab.page = LabPage::Chart;
        vec![Effect::Request(Tag::Lab, RequestBody::Sweep { spec, sweep, name: None })]
    }

    /// The sweep whose cells the shown run has, if it is one.
    pub(super) fn lab_sweep(&self) -> Option<&Sweep> {
        let is_shown = |summary: &&RunSummary| Some(summary.run) == self.lab.run;
        self.runs.iter().find(is_shown)?.sweep.as_ref()
    }

    /// What the cells of the shown sweep have come to.
    pub fn sweep_results(&self) -> Vec<CellResult> {
        let (Some(sweep), Some(training)) = (self.lab_sweep(), self.lab_training()) else { return Vec::new() };
        sweep.results(&training.spec, training)
    }

    /// Puts each arm of a sweep at its own best values into the table, with seeds that the sweep did not have: those that
    /// chose the values would favour them.
    pub(super) fn take_best_cells(&mut self) {
        let results = self.sweep_results();
        let Some(training) = self.lab_training().filter(|_| !results.is_empty()) else {
            self.message = Some("the run is no sweep; S sweeps the chosen setting".into());
            return;
        };
        let best = best_cells(&results).into_iter().map(|(of, best)| {
            let settings = training.spec.settings(best?.cell.arm)?.clone();
            Some(Arm { id: of, settings })
        });
        let Some(arms) = best.collect::<Option<Vec<Arm>>>() else {
            self.message = Some("not every arm has a cell that came to its last epoch yet".into());
            return;
        };
        let last = training.spec.seeds.iter().max().copied().unwrap_or(0);
        let seeds = (1..=training.spec.seeds.len() as u64).map(|more| last.saturating_add(more)).collect();
        let study = Study { arms, seeds, ..training.spec.clone() };
        if let Err(why) = study.check() {
            self.message = Some(why.to_string());
            return;
        }
        let seeds = seeds_text(&study).unwrap_or_default();
        self.message = Some(format!("each arm at its own best, with fresh seeds {seeds}; Enter runs it"));
        self.lab.page = LabPage::Study;
        self.lab.table.set_study(&study);
    }

    /// Keeps the parent of a fork beside it.
    pub(super) fn keep_forked_run(&mut self, run: RunId) {
        if let Some(parent) = self.lab.forked.take()
            && parent != run
            && !self.lab.overlaid.contains(&parent)
        {
            self.lab.overlaid.insert(0, parent);
        }
    }
}
