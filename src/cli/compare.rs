//! `relu compare`: whether two arms, of one run or of two, differ.

use super::stored_run::{diverged_lanes, read_run};
use super::{Outcome, Usage, say, say_json};
use clap::Args;
use color_eyre::eyre::{bail, eyre};
use protocol::{
    ArmId, DifferingSetting, EpochRecord, ImageSet, Lane, MILESTONE, Metric, RunId, RunSummary, arm_history,
    differing_settings, format_count,
};
use serde_json::{Value, json};
use statistics::{
    ArmCurves, ArmSummary, AtEpoch, Comparison, LaneCurve, McNemar, Pair, Quantity, SeedAnswers, Summary, Threshold,
    print_p,
};
use std::process::ExitCode;
use std::str::FromStr;
use store::{Home, Store};
use unicode_width::UnicodeWidthStr;

#[derive(Args)]
pub struct Compare {
    /// RUN or RUN/ARM, such as 5/relu-tanh; a RUN alone must have one arm
    a: Side,
    /// The other one; differences are the first less the second
    b: Side,
    /// What is compared: `val_error`, `train_loss`, ..., of a layer `conv1.zeros`
    #[arg(long, default_value_t = Quantity::VAL_ERROR)]
    metric: Quantity,
    /// At which epoch: its number, or the last that both have
    #[arg(long, default_value = "last", value_parser = parse_epoch, value_name = "N|last")]
    epoch: AtEpoch,
    /// Count the epochs down to this value; 1.37 for `val_error`, else none
    #[arg(long, value_parser = parse_threshold, allow_negative_numbers = true, value_name = "X")]
    threshold: Option<f64>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// A run, and which of its arms.
#[derive(Clone, Copy)]
struct Side {
    run: RunId,
    arm: Option<ArmId>,
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((run, arm)) => Ok(Self { run: run.parse()?, arm: Some(arm.parse()?) }),
            None => Ok(Self { run: text.parse()?, arm: None }),
        }
    }
}

fn parse_epoch(text: &str) -> Result<AtEpoch, String> {
    match (text, text.parse()) {
        ("last", _) => Ok(AtEpoch::LastCommon),
        (_, Ok(epoch)) if epoch > 0 => Ok(AtEpoch::Number(epoch)),
        _ => Err(format!("`{text}` is no epoch; take a number from 1, or `last`")),
    }
}

fn parse_threshold(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| format!("`{text}` is no number"))
}

/// A run with what it measured.
pub struct MeasuredRun {
    pub store: Store,
    pub summary: RunSummary,
    pub records: Vec<EpochRecord>,
    /// The lanes whose loss left the finite numbers, with the epoch in which it did.
    pub diverged: Vec<(Lane, u32)>,
}

impl MeasuredRun {
    pub fn load(home: &Home, run: RunId) -> color_eyre::Result<Self> {
        let (store, summary) = read_run(home, run)?;
        let records = store.epochs(run)?;
        let diverged = diverged_lanes(&store, run)?.into_iter().map(|(lane, epoch, _)| (lane, epoch)).collect();
        Ok(Self { store, summary, records, diverged })
    }

    fn arm(&self, side: Side) -> color_eyre::Result<ArmId> {
        let arms: Vec<ArmId> = self.summary.spec.arm_ids().collect();
        let run = side.run;
        // The number behind an arm of a sweep says nothing: its title has the settings.
        let name = |arm: &ArmId| {
            let title = self.summary.spec.arm_title(*arm);
            if title == arm.title() { format!("{run}/{arm}") } else { format!("{run}/{arm} ({title})") }
        };
        let named = arms.iter().map(name).collect::<Vec<_>>().join(" or ");
        match (side.arm, arms.as_slice()) {
            (Some(arm), _) if let Some(found) = self.summary.spec.find_arm(arm) => Ok(found),
            (Some(arm), _) => Err(Usage(format!("run {run} has no arm {arm}; name {named}")).into()),
            (None, [only]) => Ok(*only),
            (None, _) => Err(Usage(format!("run {run} has {} arms; name one: {named}", arms.len())).into()),
        }
    }

    /// What decided the arm's numbers besides its settings.
    pub fn history(&self, arm: ArmId) -> color_eyre::Result<Vec<String>> {
        let RunSummary { run, spec, fork, .. } = &self.summary;
        Ok(arm_history(*run, spec, arm, &self.store.steerings(*run)?, *fork))
    }

    /// # Errors
    /// If the run measured other things alone, as one of an earlier version may have.
    fn curves(&self, arm: ArmId, quantity: Quantity) -> color_eyre::Result<ArmCurves> {
        let run = self.summary.run;
        let records: Vec<&EpochRecord> = self.records.iter().filter(|record| record.arm == arm).collect();
        if !records.is_empty() && records.iter().all(|record| quantity.of(record).is_none()) {
            let of_layers = if quantity.metric().entry().per_layer { " of that layer" } else { "" };
            bail!("run {run} did not measure {}{of_layers}; `relu runs export {run}` shows what it has", quantity);
        }
        Ok(ArmCurves::of(run, &self.summary.spec, arm, quantity, records, &self.diverged))
    }
}

pub fn compare(arguments: &Compare) -> Outcome {
    let home = Home::locate()?;
    let quantity = arguments.metric;
    let sides = [arguments.a, arguments.b];
    let runs = [MeasuredRun::load(&home, sides[0].run)?, MeasuredRun::load(&home, sides[1].run)?];
    let arms = [runs[0].arm(sides[0])?, runs[1].arm(sides[1])?];
    let sides = [(&runs[0], arms[0]), (&runs[1], arms[1])];
    let comparison = compare_arms(sides, quantity, arguments.epoch, threshold(arguments)?)?;
    let differing = differing_settings([0, 1].map(|side| (&runs[side].summary.spec, arms[side])));
    let mut history = Vec::new();
    for (run, arm) in runs.iter().zip(arms) {
        history.push(run.history(arm)?);
    }
    let to_threshold = comparison.threshold_sentence();
    if arguments.json {
        say_json(&as_value(&comparison, to_threshold.as_deref(), &differing, &history))?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&comparison.sentence())?;
    if let Some(sentence) = to_threshold {
        say(&sentence)?;
    }
    say("")?;
    print_table(&comparison)?;
    print_remarks(&comparison, &differing, &history.concat())?;
    Ok(ExitCode::SUCCESS)
}

/// Compares two arms, seed by seed and image by image.
///
/// # Errors
/// If an arm did not measure the quantity, or has not come to the epoch; and if the store can't be read.
pub fn compare_arms(
    sides: [(&MeasuredRun, ArmId); 2],
    quantity: Quantity,
    epoch: AtEpoch,
    threshold: Option<Threshold>,
) -> color_eyre::Result<Comparison> {
    let [(a, first), (b, second)] = sides;
    let curves = [a.curves(first, quantity)?, b.curves(second, quantity)?];
    check_epoch(epoch, &curves)?;
    let mut comparison = Comparison::of(quantity, [&curves[0], &curves[1]], epoch, threshold);
    if let Some(epoch) = comparison.epoch {
        comparison.compare_answers(|side, seed| wrong_images(sides[side].0, sides[side].1, seed, epoch, quantity))?;
    }
    Ok(comparison)
}

fn threshold(arguments: &Compare) -> color_eyre::Result<Option<Threshold>> {
    let default = (arguments.metric == Quantity::VAL_ERROR).then_some(MILESTONE);
    let Some(value) = arguments.threshold.or(default) else { return Ok(None) };
    let threshold = Threshold::new(arguments.metric, value).ok_or_else(|| {
        let metric = arguments.metric;
        eyre!(Usage(format!(
            "--threshold: {metric} is neither better low nor better high, so it comes down to nothing"
        )))
    })?;
    Ok(Some(threshold))
}

/// # Errors
/// If an arm has not come to the epoch with any of its seeds.
fn check_epoch(epoch: AtEpoch, curves: &[ArmCurves; 2]) -> color_eyre::Result<()> {
    let AtEpoch::Number(epoch) = epoch else { return Ok(()) };
    for arm in curves {
        let last = arm.lanes.iter().map(LaneCurve::last).max().unwrap_or(0);
        if arm.lanes.iter().all(|lane| lane.at(epoch).is_none()) {
            let (run, id) = (arm.run, arm.arm);
            let remedy = if last == 0 { String::new() } else { format!("; take --epoch 1 to {last}, or last") };
            bail!("{id} of run {run} has nothing measured at epoch {epoch}{remedy}");
        }
    }
    Ok(())
}

/// The images that a lane got wrong, of the split that the quantity is measured with, and else of the validation split.
fn wrong_images(
    run: &MeasuredRun,
    arm: ArmId,
    seed: u64,
    epoch: u32,
    quantity: Quantity,
) -> Result<ImageSet, store::StoreError> {
    let wrong = run.store.wrong_images(run.summary.run, Lane { arm, seed }, epoch)?;
    Ok(match quantity.metric() {
        Metric::TestError | Metric::TestLoss => wrong.test,
        _ => wrong.validation,
    })
}

/// Whether a metric follows from which images a network gets wrong, so that McNemar's test is of the same images.
fn is_of_images(quantity: Quantity) -> bool {
    let of_images = [Metric::ValError, Metric::ValLoss, Metric::TestError, Metric::TestLoss];
    of_images.contains(&quantity.metric())
}

fn as_value(
    comparison: &Comparison,
    to_threshold: Option<&str>,
    differing: &[DifferingSetting],
    history: &[Vec<String>],
) -> Value {
    let arm = |arm: &ArmSummary| {
        let (mean, sd) = (arm.summary.map(|of| of.mean), arm.summary.and_then(|of| of.deviation));
        json!({ "run": arm.run, "arm": arm.arm, "seeds": arm.seeds, "mean": mean, "sd": sd })
    };
    let paired = comparison.paired.map(|paired| {
        let signs = paired.signs;
        json!({
            "n": paired.count,
            "mean": paired.mean,
            "ci95": [paired.interval.0, paired.interval.1],
            "t": paired.test.map(|test| test.t),
            "p": paired.test.map(|test| test.p),
            "sign": { "below": signs.negative, "equal": signs.zero, "above": signs.positive, "p": signs.p },
        })
    });
    let answers = |answers: &SeedAnswers| match &answers.outcome {
        Ok(test) => json!({ "seed": answers.seed, "only_a_wrong": test.only_a_wrong,
                            "only_b_wrong": test.only_b_wrong, "p": test.p }),
        Err(why) => json!({ "seed": answers.seed, "only_a_wrong": null, "only_b_wrong": null, "p": null,
                            "reason": why.to_string() }),
    };
    let (mcnemar, reason) = match comparison.no_answers() {
        _ if !is_of_images(comparison.quantity) => {
            let reason = format!("McNemar's test is of images, and {} is not", comparison.quantity);
            (Value::Null, Some(reason))
        }
        Some(reason) => (Value::Null, Some(reason)),
        None => (comparison.answers.iter().map(answers).collect(), None),
    };
    let threshold = comparison.to_threshold.as_ref().map(|to| {
        let [epochs_a, epochs_b] = &to.epochs;
        json!({
            "value": to.threshold,
            "epochs_a": epochs_a,
            "epochs_b": epochs_b,
            "ratio": to.ratio.map(|ratio| ratio.mean),
            "ci95": to.ratio.map(|ratio| [ratio.interval.0, ratio.interval.1]),
            "sentence": to_threshold,
        })
    });
    let left_out = comparison
        .left_out
        .iter()
        .map(|left_out| json!({ "seed": left_out.seed, "reason": comparison.reason(left_out) }))
        .collect::<Vec<_>>();
    let settings = differing
        .iter()
        .map(|setting| json!({ "key": setting.key, "a": setting.values[0], "b": setting.values[1] }))
        .collect::<Vec<_>>();
    json!({
        "metric": comparison.quantity.to_string(),
        "epoch": comparison.epoch,
        "a": arm(&comparison.arms[0]),
        "b": arm(&comparison.arms[1]),
        "paired": paired,
        "mcnemar": mcnemar,
        "mcnemar_reason": reason,
        "threshold": threshold,
        "left_out": left_out,
        "settings": settings,
        "history": { "a": history.first(), "b": history.get(1) },
        "sentence": comparison.sentence(),
    })
}

/// A value of the metric, of the same number of digits down a column.
fn value(quantity: Quantity, value: f64) -> String {
    match quantity.metric().entry().unit {
        "%" | "s" => format!("{value:.2}"),
        "images/s" => format!("{value:.0}"),
        _ => format!("{value:.4}"),
    }
}

/// A row a seed, and the means beneath.
fn print_table(comparison: &Comparison) -> color_eyre::Result<()> {
    let quantity = comparison.quantity;
    let show = |number: f64| value(quantity, number);
    let unit = quantity.metric().entry().unit;
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    if let Some(epoch) = comparison.epoch {
        say(&format!("{}{unit} at epoch {epoch}", quantity.title()))?;
    }
    let decimals = comparison.decimals(&comparison.pairs.iter().map(|pair| pair.a - pair.b).collect::<Vec<_>>());
    let mut columns: Vec<Vec<String>> = vec![
        vec!["seed".into()],
        vec![comparison.arms[0].title.clone()],
        vec![comparison.arms[1].title.clone()],
        vec!["difference".into()],
    ];
    for pair in &comparison.pairs {
        columns[0].push(pair.seed.to_string());
        columns[1].push(show(pair.a));
        columns[2].push(show(pair.b));
        columns[3].push(format!("{:.decimals$}", pair.a - pair.b));
    }
    let pairs = |value: fn(&Pair) -> f64| Summary::of(&comparison.pairs.iter().map(value).collect::<Vec<_>>());
    if let Some(to) = &comparison.to_threshold {
        let epoch = |arm, epoch: Option<u32>| epoch.map_or_else(|| to.absence(arm), |epoch| epoch.to_string());
        let rows = to.pairs.iter().map(|&[a, b]| format!("{} : {}", epoch(0, a), epoch(1, b)));
        columns.push(std::iter::once(format!("epochs to {}", to.threshold)).chain(rows).collect());
    }
    if is_of_images(quantity) && comparison.no_answers().is_none() && !comparison.answers.is_empty() {
        let of = |heading: &str, show: fn(&McNemar) -> String| {
            let rows = comparison.answers.iter().map(|answers| answers.outcome.as_ref().map_or("–".into(), show));
            std::iter::once(heading.to_string()).chain(rows).collect::<Vec<_>>()
        };
        columns.push(of("wrong alone", |test| format!("{} : {}", test.only_a_wrong, test.only_b_wrong)));
        columns.push(of("McNemar", |test| print_p(test.p)));
    }
    // Of the rows above. What an arm has of other seeds is a remark.
    let arms = [pairs(|pair| pair.a), pairs(|pair| pair.b)];
    let means = (arms.map(|of| Some(of?.mean)), comparison.paired.map(|paired| paired.mean));
    let deviations = (arms.map(|of| of?.deviation), comparison.paired.map(|paired| paired.deviation));
    for (name, ([a, b], difference)) in [("mean", means), ("sd", deviations)] {
        columns[0].push(name.into());
        columns[1].push(a.map_or(String::new(), show));
        columns[2].push(b.map_or(String::new(), show));
        columns[3].push(difference.map_or(String::new(), |value| format!("{value:.decimals$}")));
    }
    let widths: Vec<usize> = columns.iter().map(|rows| rows.iter().map(|row| row.width()).max().unwrap_or(0)).collect();
    for row in 0..columns[0].len() {
        let cells = columns.iter().zip(&widths).map(|(rows, &width)| {
            let text = rows.get(row).map_or("", String::as_str);
            format!("{}{text}", " ".repeat(width - text.width()))
        });
        say(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// What the table does not show.
fn print_remarks(
    comparison: &Comparison,
    differing: &[DifferingSetting],
    history: &[String],
) -> color_eyre::Result<()> {
    let mut remarks = Vec::new();
    if let Some(paired) = comparison.paired {
        let signs = paired.signs;
        let [a, b] = [&comparison.arms[0].title, &comparison.arms[1].title];
        let equal = if signs.zero == 0 { String::new() } else { format!(", level with {}", signs.zero) };
        remarks.push(format!(
            "{a} is below {b} with {} of {} seeds, above with {}{equal} (sign test, {})",
            signs.negative,
            paired.count,
            signs.positive,
            print_p(signs.p)
        ));
    }
    let no_answers = comparison.no_answers().filter(|_| is_of_images(comparison.quantity));
    remarks.extend(no_answers.map(|reason| format!("no McNemar test: {reason}")));
    remarks.extend(comparison.left_out.iter().map(|left_out| format!("left out: {}", comparison.reason(left_out))));
    for arm in comparison.arms.iter().filter(|arm| arm.seeds.len() > comparison.pairs.len()) {
        if let Some(Summary { mean, .. }) = arm.summary {
            let mean = value(comparison.quantity, mean);
            remarks.push(format!(
                "{}: the mean over all its {} is {mean}",
                arm.title,
                format_count(arm.seeds.len(), "seed")
            ));
        }
    }
    let settings: Vec<String> = differing
        .iter()
        .map(|DifferingSetting { title, values: [a, b], .. }| format!("{title} {a} against {b}"))
        .collect();
    if !settings.is_empty() {
        remarks.push(format!("settings that differ: {}", settings.join(", ")));
    }
    remarks.extend(history.iter().cloned());
    if !remarks.is_empty() {
        say("")?;
    }
    Ok(remarks.iter().try_for_each(|remark| say(remark))?)
}
