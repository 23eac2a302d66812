//! A sweep: a study whose arms are the grid of some settings' values, so that all that is known of a run holds for it.
//!
//! Its cells are arms of one run, with the seeds of the study each. With successive halving (K. Jamieson and A. Talwalkar,
//! "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016) the worse half of each arm's
//! cells stops at each rung, an epoch that all of them have to reach first.

use super::{super::format_real, Arm, ArmId, Lane, Setting, SettingValue, SpecError, Study, draft, settings::Value};
use serde::{Deserialize, Serialize};

/// A setting with the values that it takes.
#[derive(Clone, Debug)]
pub struct SweepAxis {
    /// `None` is every arm.
    pub arm: Option<ArmId>,
    pub setting: &'static Setting,
    pub values: Vec<String>,
}

/// How a run's arms are the cells of a grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredSweep", into = "StoredSweep")]
pub struct Sweep {
    pub cells: Vec<SweepCell>,
    pub halving: bool,
}

/// The form of a sweep in stores and messages.
#[derive(Serialize, Deserialize)]
struct StoredSweep {
    version: u32,
    cells: Vec<SweepCell>,
    halving: bool,
}

const VERSION: u32 = 1;

impl From<Sweep> for StoredSweep {
    fn from(Sweep { cells, halving }: Sweep) -> Self {
        Self { version: VERSION, cells, halving }
    }
}

impl TryFrom<StoredSweep> for Sweep {
    type Error = String;

    fn try_from(StoredSweep { version, cells, halving }: StoredSweep) -> Result<Self, String> {
        if version > VERSION {
            return Err(format!(
                "this sweep was stored by a later version of relu-notebook (form {version}; this one knows {VERSION})"
            ));
        }
        Ok(Self { cells, halving })
    }
}

/// One point of the grid: an arm of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepCell {
    pub arm: ArmId,
    /// The arm of the study that was swept.
    pub of: ArmId,
    /// Keys and values of the settings that were swept.
    pub settings: Vec<(String, String)>,
}

impl Sweep {
    /// Each setting that is swept, with its values over all arms: `learning rate 0.05, 0.2 and 0.5`.
    pub fn axes(&self) -> Vec<String> {
        let mut axes: Vec<(&str, Vec<&str>)> = Vec::new();
        for (key, value) in self.cells.iter().flat_map(|cell| &cell.settings) {
            match axes.iter_mut().find(|(known, _)| known == key) {
                Some((_, values)) if values.contains(&value.as_str()) => {}
                Some((_, values)) => values.push(value),
                None => axes.push((key, vec![value])),
            }
        }
        let words = |(key, values): (&str, Vec<&str>)| {
            let title = Setting::find(key).map_or(key, |setting| setting.title);
            match values.as_slice() {
                [all @ .., last] if !all.is_empty() => format!("{title} {} and {last}", all.join(", ")),
                all => format!("{title} {}", all.join("")),
            }
        };
        axes.into_iter().map(words).collect()
    }
}

impl SweepCell {
    /// `lr=0.03 wd=0.001`, or the arm where nothing of it was swept.
    pub fn title(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if settings.is_empty() { self.of.to_string() } else { format!("{} {}", self.of, settings.join(" ")) }
    }
}

fn fault(message: impl Into<String>) -> SpecError {
    SpecError { field: "over", message: message.into() }
}

impl SweepAxis {
    /// Reads `lr=0.01,0.03`, `lr=0.001..1`, or `ARM.lr=...` for one arm alone. A range has both its ends and, of a real
    /// number, the values 1, 2 and 5 of each decade between them, about thirds of a decade; of a whole number, the low end
    /// doubled again and again. Values that hold commas are parted by `;`.
    ///
    /// # Errors
    /// If the setting can't be swept, or takes no such value.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let (name, values) = text
            .split_once('=')
            .ok_or_else(|| fault(format!("`{text}` is no setting with values; write for example lr=0.01,0.03,0.1")))?;
        // A key holds no dot, a name of an arm may.
        let (arm, key) = match name.rsplit_once('.') {
            Some((arm, key)) => (Some(arm.parse().map_err(fault)?), key),
            None => (None, name),
        };
        let setting = Setting::find(key).ok_or_else(|| fault(format!("unknown setting `{key}`")))?;
        let SettingValue::Arm(value) = &setting.value else {
            return Err(fault(match setting.key {
                "seeds" => "seeds repeat a cell; name them in the study: `... | seeds=1-3`".into(),
                key => format!("{key} is shared by all arms of a study; sweep a setting of the arms, such as lr"),
            }));
        };
        let mut settings = super::ArmSettings::default();
        let mut read = |text: &str| {
            value.parse(&mut settings, text.trim()).map_err(|why| fault(format!("{}: {why}", setting.key)))?;
            Ok(value.print(&settings))
        };
        let values = match values.split_once("..") {
            Some((low, high)) => range(value, setting.key, &read(low)?, &read(high)?)?,
            None => split(values).into_iter().map(&mut read).collect::<Result<_, _>>()?,
        };
        if let Some(twice) = super::first_repeated(&values) {
            return Err(fault(format!("{}: {twice} is named twice; name each value once", setting.key)));
        }
        Ok(Self { arm, setting, values })
    }

    fn is_of(&self, arm: ArmId) -> bool {
        self.arm.is_none_or(|own| own == arm)
    }
}

/// At `;` if there is one, else at the commas outside of brackets.
fn split(values: &str) -> Vec<&str> {
    if values.contains(';') {
        return values.split(';').collect();
    }
    let mut depth = 0;
    let outside = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    values.split(outside).collect()
}

/// The values from one end to the other.
fn range<T>(value: &Value<T>, key: &str, low: &str, high: &str) -> Result<Vec<String>, SpecError> {
    let number = |text: &str| text.parse::<f64>().ok();
    let (Some(from), Some(to)) = (number(low), number(high)) else {
        return Err(fault(format!("{key} takes no range; name its values: {key}=A,B")));
    };
    if from <= 0.0 || from >= to {
        return Err(fault(format!(
            "{key}: a range goes from a number above 0 up to a larger one, in equal ratios; name other values one by one"
        )));
    }
    let mut values = vec![low.to_owned()];
    if matches!(value, Value::Whole { .. }) {
        let doubled = std::iter::successors(Some(from), |value| Some(value * 2.0)).skip(1);
        values.extend(doubled.take_while(|value| *value < to).map(|value| value.to_string()));
    } else {
        // As decimal text, so that each is the number that a reader would write.
        let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
        let between = decades.flat_map(|decade| ["1", "2", "5"].map(|digit| format!("{digit}e{decade}")));
        let between = between.filter_map(|text| number(&text)).filter(|value| *value > from && *value < to);
        values.extend(between.map(format_real));
    }
    values.push(high.to_owned());
    Ok(values)
}

impl Sweep {
    /// The study whose arms are the cells: each arm of `base` with every combination of the values. An axis of one arm
    /// stands in for that of all arms with the same setting.
    ///
    /// # Errors
    /// If an axis names no arm, or the cells are too many for one run, with the arithmetic.
    pub fn new(base: &Study, axes: &[SweepAxis], halving: bool) -> Result<(Study, Self), SpecError> {
        if axes.is_empty() {
            return Err(fault("none given; take for example lr=0.01,0.03,0.1"));
        }
        let mut axes = axes.to_vec();
        for axis in &mut axes {
            // Named as the study's text may name it.
            axis.arm = axis.arm.map(|arm| base.find_arm(arm).unwrap_or(arm));
        }
        let axes = axes.as_slice();
        for (at, axis) in axes.iter().enumerate() {
            let key = axis.setting.key;
            if let Some(arm) = axis.arm.filter(|arm| base.settings(*arm).is_none()) {
                let arms: Vec<String> = base.arm_ids().map(|arm| arm.to_string()).collect();
                return Err(fault(format!("{arm}.{key}: there is no such arm; there are {}", arms.join(", "))));
            }
            if axes[..at].iter().any(|other| other.arm == axis.arm && other.setting.key == key) {
                return Err(fault(format!("{key} is swept twice; name all its values at once")));
            }
        }
        let axes_of = |arm: ArmId| -> Vec<&SweepAxis> {
            let is_replaced = |axis: &SweepAxis| {
                axis.arm.is_none() && axes.iter().any(|own| own.arm == Some(arm) && own.setting.key == axis.setting.key)
            };
            axes.iter().filter(|axis| axis.is_of(arm) && !is_replaced(axis)).collect()
        };
        Self::check_size(base, &axes_of)?;
        let mut study = Study { arms: Vec::new(), ..base.clone() };
        let mut cells = Vec::new();
        for arm in &base.arms {
            let axes = axes_of(arm.id);
            let mut points = vec![Vec::new()];
            for axis in &axes {
                let with = |point: &Vec<(String, String)>, value: &String| {
                    let mut point = point.clone();
                    point.push((axis.setting.key.to_owned(), value.clone()));
                    point
                };
                points = points.iter().flat_map(|point| axis.values.iter().map(|value| with(point, value))).collect();
            }
            let single = points.len() == 1;
            for point in points {
                let taken: Vec<ArmId> = study.arm_ids().collect();
                let mut settings = arm.settings.clone();
                for (axis, (_, text)) in axes.iter().zip(&point) {
                    if let SettingValue::Arm(value) = &axis.setting.value {
                        value
                            .parse(&mut settings, text)
                            .map_err(|why| fault(format!("{}: {why}", axis.setting.key)))?;
                    }
                }
                let id = if single && !taken.contains(&arm.id) { arm.id } else { cell_id(arm, &taken) };
                study.arms.push(Arm { id, settings });
                cells.push(SweepCell { arm: id, of: arm.id, settings: point });
            }
        }
        let same = study.arms.iter().enumerate().find_map(|(at, arm)| {
            study.arms[..at].iter().position(|other| other.settings == arm.settings).map(|other| (other, at))
        });
        if let Some((one, other)) = same {
            let (one, other): (&SweepCell, &SweepCell) = (&cells[one], &cells[other]);
            return Err(fault(format!(
                "{} and {} are the same cell; leave one of them out",
                one.title(),
                other.title()
            )));
        }
        study.check()?;
        Ok((study, Self { cells, halving }))
    }

    fn check_size<'a>(base: &Study, axes_of: &impl Fn(ArmId) -> Vec<&'a SweepAxis>) -> Result<(), SpecError> {
        let sizes = |arm| axes_of(arm).iter().map(|axis| axis.values.len()).collect::<Vec<_>>();
        let cells: usize = base.arm_ids().map(|arm| sizes(arm).iter().product::<usize>()).sum();
        let lanes = cells.saturating_mul(base.seeds.len());
        if lanes <= Study::MAX_LANES as usize {
            return Ok(());
        }
        let product = |arm: ArmId| {
            let factors: Vec<String> = sizes(arm).iter().map(usize::to_string).collect();
            format!("{} of {arm}", if factors.is_empty() { "1".into() } else { factors.join(" x ") })
        };
        let sum: Vec<String> = base.arm_ids().map(product).collect();
        Err(fault(format!(
            "{} are {cells} cells, times {} are {lanes} lanes; a run has {} at most: take fewer values, arms or seeds",
            sum.join(" + "),
            super::format_count(base.seeds.len(), "seed"),
            Study::MAX_LANES
        )))
    }

    /// Whether halving would stop a cell: an arm has several, and more than one epoch.
    pub fn can_halve(&self, study: &Study) -> bool {
        let cells = |group: ArmId| self.cells.iter().filter(|cell| cell.of == group).count();
        self.groups().into_iter().any(|group| !rungs(cells(group), study.epochs).is_empty())
    }

    pub fn cell(&self, arm: ArmId) -> Option<&SweepCell> {
        self.cells.iter().find(|cell| cell.arm == arm)
    }

    /// The arms that were swept, in their order.
    pub fn groups(&self) -> Vec<ArmId> {
        let mut groups: Vec<ArmId> = self.cells.iter().map(|cell| cell.of).collect();
        groups.dedup();
        groups
    }

    /// How far each lane may train as things stand, and which cells have to stop for good.
    pub fn progress(&self, study: &Study, results: &impl LaneResults) -> SweepProgress {
        let mut progress = SweepProgress { limits: Vec::new(), stopped: Vec::new() };
        for group in self.groups() {
            let mut open: Vec<ArmId> = self.cells.iter().filter(|cell| cell.of == group).map(|cell| cell.arm).collect();
            let rungs = if self.halving { rungs(open.len(), study.epochs) } else { Vec::new() };
            let mut limit = study.epochs;
            for rung in rungs {
                let lanes = |arm: ArmId| study.seeds.iter().map(move |&seed| Lane { arm, seed });
                let is_there = |lane: Lane| results.has_diverged(lane) || results.error(lane, rung).is_some();
                if !open.iter().all(|&arm| lanes(arm).all(is_there)) {
                    limit = rung;
                    break;
                }
                let mean = |arm: ArmId| mean(lanes(arm).map(|lane| results.error(lane, rung)));
                // One that diverged is worse than any number. Sorting keeps the order of equals.
                let mut ranked: Vec<(ArmId, Option<f64>)> = open.iter().map(|&arm| (arm, mean(arm))).collect();
                ranked.sort_by(|(_, a), (_, b)| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY)));
                let survivors = ranked.len().div_ceil(2);
                let out = |(at, (_, mean)): &(usize, &(ArmId, Option<f64>))| *at >= survivors || mean.is_none();
                let stopped: Vec<ArmId> = ranked.iter().enumerate().filter(out).map(|(_, (arm, _))| *arm).collect();
                open.retain(|arm| !stopped.contains(arm));
                progress.stopped.extend(stopped.into_iter().map(|arm| (arm, rung)));
            }
            progress.limits.extend(open.into_iter().map(|arm| (arm, limit)));
        }
        progress
    }

    /// What each cell came to, as far as it has.
    pub fn results(&self, study: &Study, results: &impl LaneResults) -> Vec<CellResult> {
        let stopped = self.progress(study, results).stopped;
        let result = |cell: &SweepCell| {
            let stopped = stopped.iter().find(|(arm, _)| *arm == cell.arm).map(|(_, rung)| *rung);
            let epoch = stopped.unwrap_or(study.epochs);
            let lane = |seed: u64| Lane { arm: cell.arm, seed };
            let has_diverged = |seed: &u64| results.has_diverged(lane(*seed));
            let errors: Vec<(u64, f64)> = study
                .seeds
                .iter()
                .filter(|seed| !has_diverged(seed))
                .filter_map(|&seed| Some((seed, results.error(lane(seed), epoch)?)))
                .collect();
            let diverged: Vec<u64> = study.seeds.iter().copied().filter(has_diverged).collect();
            let is_over = stopped.is_some() || errors.len() + diverged.len() == study.seeds.len();
            CellResult { cell: cell.clone(), epoch, errors, diverged, stopped: stopped.is_some(), is_over }
        };
        self.cells.iter().map(result).collect()
    }
}

/// What is known of a sweep's lanes.
pub trait LaneResults {
    /// The validation error after this epoch, if that is measured.
    fn error(&self, lane: Lane, epoch: u32) -> Option<f64>;

    fn has_diverged(&self, lane: Lane) -> bool;
}

/// How far a sweep has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepProgress {
    /// The epoch up to which the lanes of each cell that goes on may train.
    pub limits: Vec<(ArmId, u32)>,
    /// The cells that successive halving stopped, each with the rung.
    pub stopped: Vec<(ArmId, u32)>,
}

/// What a cell came to.
#[derive(Clone, Debug, PartialEq)]
pub struct CellResult {
    pub cell: SweepCell,
    /// The epoch that it ends with.
    pub epoch: u32,
    /// The validation error of each seed after that epoch.
    pub errors: Vec<(u64, f64)>,
    pub diverged: Vec<u64>,
    /// By successive halving.
    pub stopped: bool,
    /// Nothing more of it will be measured.
    pub is_over: bool,
}

impl CellResult {
    /// The mean over all seeds; `None` if one of them diverged: that is worse than any number.
    pub fn mean(&self) -> Option<f64> {
        if self.diverged.is_empty() { mean(self.errors.iter().map(|(_, error)| Some(*error))) } else { None }
    }
}

/// The best cell of each arm: the lowest mean validation error at the last epoch, over all seeds. `None` for an arm of
/// which no cell has come to the last epoch.
pub fn best_cells(results: &[CellResult]) -> Vec<(ArmId, Option<&CellResult>)> {
    let mut groups: Vec<ArmId> = results.iter().map(|result| result.cell.of).collect();
    groups.dedup();
    let best = |group: ArmId| {
        let whole = results.iter().filter(|result| result.cell.of == group && result.is_over && !result.stopped);
        let sound = whole.filter_map(|result| Some((result.mean()?, result)));
        sound.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, result)| result)
    };
    groups.into_iter().map(|group| (group, best(group))).collect()
}

/// The other cells of the arm whose mean at the last epoch is as low as that of its best.
pub fn tied_cells<'r>(results: &'r [CellResult], best: &CellResult) -> Vec<&'r CellResult> {
    let is_tied = |other: &&CellResult| {
        let same_arm = other.cell.of == best.cell.of && other.cell.arm != best.cell.arm;
        same_arm && other.is_over && !other.stopped && other.mean() == best.mean()
    };
    results.iter().filter(is_tied).collect()
}

/// `None` of nothing, and if one of them is.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values = values.collect::<Option<Vec<_>>>()?;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The epochs at which so many cells are halved, so that the last of them trains to the end: an eighth, a quarter and half
/// of the epochs for eight cells. Fewer where there are not so many epochs.
fn rungs(cells: usize, epochs: u32) -> Vec<u32> {
    let halvings = cells.max(1).ilog2();
    let mut rungs: Vec<u32> = (1..=halvings).rev().map(|power| (epochs >> power.min(31)).max(1)).collect();
    rungs.dedup();
    rungs.retain(|&rung| rung < epochs);
    rungs
}

fn cell_id(arm: &Arm, taken: &[ArmId]) -> ArmId {
    if arm.id.named_activations().is_some() {
        return draft::derive_id(arm.settings.activations, taken);
    }
    let numbered = (1_u32..).map_while(|number| format!("{}-{number}", arm.id).parse().ok());
    let mut free = numbered.filter(|id| !taken.contains(id));
    free.next().unwrap_or_else(|| draft::derive_id(arm.settings.activations, taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn sweep(text: &str, axes: &[&str]) -> Result<(Study, Sweep), String> {
        let axes: Result<Vec<_>, _> = axes.iter().map(|axis| SweepAxis::parse(axis)).collect();
        let axes = axes.map_err(|error| error.to_string())?;
        Sweep::new(&text.parse().unwrap(), &axes, false).map_err(|error| error.to_string())
    }

    fn titles(text: &str, axes: &[&str]) -> Vec<String> {
        let (study, sweep) = sweep(text, axes).unwrap();
        assert_eq!(study.arm_ids().collect::<Vec<_>>(), sweep.cells.iter().map(|cell| cell.arm).collect::<Vec<_>>());
        for cell in &sweep.cells {
            let settings = study.settings(cell.arm).unwrap();
            for (key, value) in &cell.settings {
                assert_eq!(Setting::find(key).unwrap().print(&study, settings), *value);
            }
        }
        sweep.cells.iter().map(SweepCell::title).collect()
    }

    #[test]
    fn what_is_swept_is_named_with_its_values() {
        let axes = |text: &str, axes: &[&str]| sweep(text, axes).unwrap().1.axes();
        assert_eq!(axes("relu-tanh; all-tanh", &["lr=0.1,0.2,0.5"]), ["learning rate 0.1, 0.2 and 0.5"]);
        assert_eq!(
            axes("relu-tanh; all-tanh", &["relu-tanh.lr=0.1,0.2", "all-tanh.wd=0.5"]),
            ["learning rate 0.1 and 0.2", "weight decay 0.5"]
        );
    }

    #[test]
    fn the_arms_are_the_grid() {
        assert_eq!(
            titles("relu-tanh; all-tanh", &["lr=0.01,0.1", "wd=0,1e-3", "all-tanh.lr=0.05"]),
            [
                "relu-tanh lr=0.01 wd=0",
                "relu-tanh lr=0.01 wd=0.001",
                "relu-tanh lr=0.1 wd=0",
                "relu-tanh lr=0.1 wd=0.001",
                "all-tanh wd=0 lr=0.05",
                "all-tanh wd=0.001 lr=0.05",
            ]
        );
        let (study, _) = sweep("mine: relu-tanh; all-tanh", &["mine.lr=0.01,0.1"]).unwrap();
        let arms: Vec<String> = study.arm_ids().map(|arm| arm.to_string()).collect();
        assert_eq!(arms, ["mine-1", "mine-2", "all-tanh"]);
        assert_eq!(study.to_string().parse::<Study>().unwrap(), study, "its text form is that of any study");
    }

    #[test]
    fn a_sweep_survives_json_and_a_later_form_is_refused() {
        let (_, sweep) = sweep("relu-tanh; all-tanh", &["lr=0.01,0.1"]).unwrap();
        let mut json = serde_json::to_value(&sweep).unwrap();
        assert_eq!(serde_json::from_value::<Sweep>(json.clone()).unwrap(), sweep);
        json["version"] = 2.into();
        let error = serde_json::from_value::<Sweep>(json).unwrap_err().to_string();
        assert!(error.contains("later version"), "{error}");
    }

    #[test]
    fn lists_and_ranges() {
        let values = |text: &str| SweepAxis::parse(text).unwrap().values.join(" ");
        assert_eq!(values("lr=0.001..1"), "0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1");
        assert_eq!(values("lr=3e-3..0.3"), "0.003 0.005 0.01 0.02 0.05 0.1 0.2 0.3");
        assert_eq!(values("batch=16..256"), "16 32 64 128 256");
        assert_eq!(values("batch=10..50"), "10 20 40 50");
        assert_eq!(values("schedule=constant,steps(30,0.1),cosine"), "constant steps(30,0.1) cosine");
        assert_eq!(values("widths=4,16,120;8,32,240"), "4,16,120 8,32,240");
    }

    #[test]
    fn what_can_not_be_swept_is_refused_with_the_remedy() {
        for (axes, word) in [
            (&["lr"][..], "lr=0.01,0.03,0.1"),
            (&["speed=1,2"], "unknown setting `speed`"),
            (&["seeds=1,2"], "seeds=1-3"),
            (&["epochs=1,2"], "shared by all arms"),
            (&["lr=0.1,1e-1"], "0.1 is named twice"),
            (&["lr=1..0.1"], "up to a larger one"),
            (&["momentum=0..0.9"], "above 0"),
            (&["lr=0.1", "lr=0.2"], "swept twice"),
            (&["gelu-gelu.lr=0.1"], "there are relu-tanh, relu-tanh-2"),
            (&["lr=0.01,0.1"], "relu-tanh lr=0.01 and relu-tanh-2 lr=0.01 are the same cell"),
            (
                &["wd=0,0.1", "dropout=0.1,0.2,0.3"],
                "2 x 3 of relu-tanh + 2 x 3 of relu-tanh-2 are 12 cells, times 6 seeds are 72 lanes",
            ),
        ] {
            let error = sweep("relu-tanh; relu-tanh lr=0.3 | seeds=1-6", axes).unwrap_err();
            assert!(error.contains(word), "{axes:?}: {error}");
        }
    }

    #[derive(Default)]
    struct Known(HashMap<(String, u32), f64>, Vec<String>);

    impl LaneResults for Known {
        fn error(&self, lane: Lane, epoch: u32) -> Option<f64> {
            self.0.get(&(lane.to_string(), epoch)).copied()
        }

        fn has_diverged(&self, lane: Lane) -> bool {
            self.1.contains(&lane.to_string())
        }
    }

    #[test]
    fn halving_stops_the_worse_half_at_each_rung_once_all_are_there() {
        assert_eq!(rungs(8, 16), [2, 4, 8]);
        assert_eq!(rungs(5, 10), [2, 5]);
        assert_eq!(rungs(8, 3), [1]);
        assert_eq!(rungs(1, 10), [0_u32; 0]);
        let axes = [SweepAxis::parse("lr=0.01,0.02,0.05,0.1,0.2").unwrap()];
        let (study, sweep) = Sweep::new(&"relu-tanh | epochs=8".parse().unwrap(), &axes, true).unwrap();
        let arms: Vec<ArmId> = study.arm_ids().collect();
        let mut known = Known::default();
        let limits = |known: &Known| sweep.progress(&study, known).limits;
        assert_eq!(limits(&known), arms.iter().map(|&arm| (arm, 2)).collect::<Vec<_>>());
        // The last one diverges; the third is best at the first rung, the second at the next.
        for (arm, errors) in [(0, [9.0, 9.0]), (1, [5.0, 3.0]), (2, [4.0, 4.0]), (3, [6.0, 1.0])] {
            known.0.insert((Lane { arm: arms[arm], seed: 1 }.to_string(), 2), errors[0]);
            if arm != 0 {
                known.0.insert((Lane { arm: arms[arm], seed: 1 }.to_string(), 4), errors[1]);
            }
        }
        assert_eq!(limits(&known).len(), 5, "one has not come to the rung");
        known.1.push(Lane { arm: arms[4], seed: 1 }.to_string());
        let progress = sweep.progress(&study, &known);
        assert_eq!(progress.stopped, [(arms[0], 2), (arms[4], 2), (arms[2], 4)]);
        assert_eq!(progress.limits, [(arms[1], 8), (arms[3], 8)]);
        known.0.insert((Lane { arm: arms[1], seed: 1 }.to_string(), 8), 5.5);
        let results = sweep.results(&study, &known);
        assert!(!results[3].is_over && results[1].is_over && results[4].mean().is_none());
        assert_eq!((results[2].epoch, results[2].mean(), results[2].stopped), (4, Some(4.0), true));
        let best = |results| best_cells(results)[0].1.map(|best| best.cell.arm);
        assert!(sweep.can_halve(&study) && !sweep.can_halve(&Study { epochs: 1, ..study.clone() }));
        assert_eq!(best(&results), Some(arms[1]), "a cell that was stopped is none, however low it was");
        known.0.insert((Lane { arm: arms[3], seed: 1 }.to_string(), 8), 5.25);
        assert_eq!(best(&sweep.results(&study, &known)), Some(arms[3]));
    }
}
