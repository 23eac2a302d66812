//! What the ledger takes from a reader's finished runs.

use super::compare::{Milestone, first_at, mean_and_deviation};
use super::{ArmId, EpochRecord, Finding, Lane, Layer, Metric, Preset, Study, format_count};

/// Epochs at which the article gives a figure.
const EPOCHS: [u32; 3] = [17, 50, 150];
/// The presets whose arms are compared by their epochs to a milestone, and the key of what is found.
const RATIOS: [(&str, Preset); 3] = [
    ("race.ratio", Preset::Article),
    ("race.alexnet-fig1.ratio", Preset::AlexnetFig1),
    ("race.cifar-glorot.ratio", Preset::CifarGlorot),
];

/// Findings of all finished runs at the settings of a preset, over their seeds. At the article's (its network, batches,
/// learning rate and full MNIST): `race.best-by.ARM.EPOCH`, the lowest validation error up to an epoch, and `race.ratio`,
/// all-Tanh's epochs to 1.37 % over ReLU+Tanh's. At those of AlexNet's race: `race.PRESET.ratio`, tanh's epochs to 25 %
/// training error over ReLU's. `runs` are ordered oldest first; of a seed that ran twice the newest run counts.
pub fn race_findings(runs: &[(Study, Vec<EpochRecord>)]) -> Vec<Finding> {
    let mut findings = lowest_errors(&newest_records(runs, Preset::Article));
    let ratio = |(key, preset): (&str, Preset)| epochs_ratio(key, preset, &newest_records(runs, preset));
    findings.extend(RATIOS.into_iter().filter_map(ratio));
    findings
}

/// The epochs of all arms that trained at a preset's settings; of a seed that ran twice those of the newest run.
fn newest_records(runs: &[(Study, Vec<EpochRecord>)], preset: Preset) -> Vec<EpochRecord> {
    let mut kept: Vec<EpochRecord> = Vec::new();
    for (spec, records) in runs {
        let arms = arms_of_preset(spec, preset);
        let records = || records.iter().filter(|record| arms.contains(&record.arm));
        let lanes: Vec<_> = records().map(EpochRecord::lane).collect();
        kept.retain(|record| !lanes.contains(&record.lane()));
        kept.extend(records().cloned());
    }
    kept
}

/// The lowest validation error of the article's two arms up to each of its epochs.
fn lowest_errors(kept: &[EpochRecord]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
        let mut seeds: Vec<u64> = kept.iter().filter(|record| record.arm == arm).map(|record| record.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        for epoch in EPOCHS {
            let of = |seed: u64| kept.iter().filter(move |r| r.arm == arm && r.seed == seed);
            let (reached, best): (Vec<u64>, Vec<f64>) = seeds
                .iter()
                .filter(|&&seed| of(seed).any(|record| record.epoch == epoch))
                .filter_map(|&seed| {
                    let errors = of(seed)
                        .filter(|record| record.epoch <= epoch)
                        .filter_map(|record| record.get(Metric::ValError));
                    Some((seed, errors.min_by(f64::total_cmp)?))
                })
                .unzip();
            let title = arm.title();
            let of_each = mean_of_bests(best.len());
            let text = |error: f64| format!("{title}: {error:.2} % at best by epoch {epoch}{of_each}");
            findings.extend(finding(format!("race.best-by.{arm}.{epoch}"), &best, reached, text));
        }
    }
    findings
}

/// Says of the mean of several seeds' lowest errors that it is one.
fn mean_of_bests(seeds: usize) -> &'static str {
    if seeds > 1 { ", the mean of each seed's lowest" } else { "" }
}

/// The epoch at which a preset's second arm first came down to its milestone, over the first's, for each seed of which
/// both arms ran as long as the preset says.
fn epochs_ratio(key: &str, preset: Preset, kept: &[EpochRecord]) -> Option<Finding> {
    let study = Study::of(preset);
    let [a, b] = study.arms.as_slice() else { return None };
    let (arms, last, goal) = ([a.id, b.id], study.epochs, milestone_of(&study));
    let of = |arm: ArmId, seed: u64| kept.iter().filter(move |r| r.arm == arm && r.seed == seed && r.epoch <= last);
    let whole = |seed: &u64| arms.iter().all(|&arm| of(arm, *seed).any(|r| r.epoch == last));
    let mut seeds: Vec<u64> = kept.iter().map(|record| record.seed).filter(whole).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let both: Vec<Arrivals> = seeds.iter().map(|&seed| arms.map(|arm| first_at(of(arm, seed), goal))).collect();
    let [a, b] = arms.map(|arm| study.arm_title(arm));
    ratio_finding(key, [&a, &b], &both, last, seeds, goal)
}

/// The epochs at which two arms with one seed came down to the milestone; `None` for one that did not.
type Arrivals = [Option<u32>; 2];

/// The epoch by which arms are put in order. One that did not come down has one more than the last.
fn rank_epoch(arrival: Option<u32>, last: u32) -> f64 {
    f64::from(arrival.unwrap_or(last.saturating_add(1)))
}

/// `9`, or `8.5 on average` over several.
fn mean_epoch(epochs: &[u32]) -> String {
    let mean = epochs.iter().copied().map(f64::from).sum::<f64>() / epochs.len() as f64;
    if epochs.len() == 1 { format!("{mean:.0}") } else { format!("{mean:.1} on average") }
}

/// When an arm came down to the milestone, with each seed.
fn arrival_finding(
    key: String,
    title: &str,
    arrivals: &[Option<u32>],
    last: u32,
    seeds: Vec<u64>,
    goal: Milestone,
) -> Option<Finding> {
    let values: Vec<f64> = arrivals.iter().map(|arrival| rank_epoch(*arrival, last)).collect();
    let reached: Vec<u32> = arrivals.iter().flatten().copied().collect();
    let (count, all) = (reached.len(), arrivals.len());
    let within = format!("within {}", format_count(last as usize, "epoch"));
    let text = match count {
        0 if all == 1 => format!("{title} did not come down to {goal} {within}"),
        0 => format!("{title} did not come down to {goal} {within} with any of {all} seeds"),
        _ if count == all => format!("{title} was down to {goal} at epoch {}", mean_epoch(&reached)),
        _ => format!(
            "{title} was down to {goal} with {count} of {all} seeds, at epoch {}, and not {within} with the others",
            mean_epoch(&reached)
        ),
    };
    let found = finding(key, &values, seeds, |_| text.clone())?;
    Some(Finding { is_bound: count < all, ..found })
}

/// The second arm's epochs to the milestone over the first's.
fn ratio_finding(
    key: &str,
    titles: [&str; 2],
    both: &[Arrivals],
    last: u32,
    seeds: Vec<u64>,
    goal: Milestone,
) -> Option<Finding> {
    let [a, b] = titles;
    let ratio = |[one, other]: &Arrivals| rank_epoch(*other, last) / rank_epoch(*one, last);
    let ratios: Vec<f64> = both.iter().map(ratio).collect();
    let measured: Vec<f64> = both.iter().filter(|pair| pair.iter().all(Option::is_some)).map(ratio).collect();
    let alone = |arm: usize| both.iter().filter(|pair| pair[arm].is_some() && pair[1 - arm].is_none()).count();
    let within = format!("within {}", format_count(last as usize, "epoch"));
    let all = both.len();
    let text = match (mean_and_deviation(&measured), both) {
        _ if both.iter().flatten().all(Option::is_none) => {
            format!("neither {a} nor {b} came down to {goal} {within}")
        }
        (Some((mean, _)), _) if measured.len() == all => {
            format!("down to {goal} {b} took {mean:.2} times {a}'s epochs")
        }
        (_, [[Some(epoch), None]]) => {
            format!("{a} was down to {goal} at epoch {epoch}, {b} not {within}")
        }
        (_, [[None, Some(epoch)]]) => {
            format!("{b} was down to {goal} at epoch {epoch}, {a} not {within}")
        }
        (mean, _) => {
            let both = match mean {
                Some((mean, _)) => {
                    format!("both with {} of {all} seeds, {b} in {mean:.2} times {a}'s epochs", measured.len())
                }
                None => format!("both with none of {all} seeds"),
            };
            format!("down to {goal} {within}: {both}; {a} alone with {}, {b} alone with {}", alone(0), alone(1))
        }
    };
    let found = finding(key.into(), &ratios, seeds, |_| text.clone())?;
    Some(Finding { is_bound: measured.len() < all, ..found })
}

/// The keys of the findings of a run with these settings, see [`run_findings`].
pub fn run_finding_keys(spec: &Study) -> Vec<String> {
    let of_arm = |arm: ArmId| ["error", "best", "epochs"].map(|what| format!("race.{what}.{arm}"));
    let mut keys: Vec<String> = spec.arm_ids().flat_map(of_arm).collect();
    if spec.arms.len() > 1 {
        keys.push("race.ratio".into());
    }
    keys
}

/// The value to which the epochs of a run are counted: the published one for its network and images, else the article's.
fn milestone_of(spec: &Study) -> Milestone {
    spec.milestone().unwrap_or(Milestone::ARTICLE)
}

/// The findings of one run, over its seeds: for each arm `race.error.ARM`, the validation error after the last epoch,
/// and `race.best.ARM`, the lowest, once the run has finished; `race.epochs.ARM`, the epochs to 1.37 % (of AlexNet's race
/// to 25 % training error), of which one more
/// than the last stands in where a finished run never reached it (`Finding::is_bound`); and `race.ratio`, the second
/// arm's epochs over the first's. Lanes that diverged are left out.
pub fn run_findings(spec: &Study, records: &[EpochRecord], diverged: &[Lane], is_finished: bool) -> Vec<Finding> {
    let of = |lane: Lane| records.iter().filter(move |record| record.lane() == lane);
    let sound = |arm: ArmId| -> Vec<u64> {
        spec.seeds.iter().copied().filter(|&seed| !diverged.contains(&Lane { arm, seed })).collect()
    };
    // The outer `None` while a run may still reach it.
    let goal = milestone_of(spec);
    let epochs = |arm: ArmId, seed: u64| match first_at(of(Lane { arm, seed }), goal) {
        None if !is_finished => None,
        arrival => Some(arrival),
    };
    let mut findings = Vec::new();
    for arm in spec.arm_ids() {
        let (seeds, title) = (sound(arm), spec.arm_title(arm));
        let absent = |what: &str| Finding {
            key: format!("race.{what}.{arm}"),
            text: format!("{title} diverged with every seed"),
            value: None,
            spread: None,
            seeds: Vec::new(),
            tabled: false,
            is_bound: false,
        };
        if seeds.is_empty() {
            findings.extend(["error", "best", "epochs"].map(absent));
            continue;
        }
        let all =
            |value: &dyn Fn(u64) -> Option<f64>| seeds.iter().map(|&seed| value(seed)).collect::<Option<Vec<f64>>>();
        let errors =
            |seed: u64| of(Lane { arm, seed }).filter_map(|record| Some((record.epoch, record.get(Metric::ValError)?)));
        let last = |seed| errors(seed).find(|(epoch, _)| *epoch == spec.epochs).map(|(_, error)| error);
        let best = |seed| errors(seed).map(|(_, error)| error).min_by(f64::total_cmp);
        if is_finished {
            let at = spec.epochs;
            let error = |error: f64| format!("{title}: {error:.2} % wrong after epoch {at}");
            findings.extend(
                all(&last).and_then(|values| finding(format!("race.error.{arm}"), &values, seeds.clone(), error)),
            );
            let of_each = mean_of_bests(seeds.len());
            let lowest = |error: f64| format!("{title}: {error:.2} % wrong at best{of_each}");
            findings.extend(
                all(&best).and_then(|values| finding(format!("race.best.{arm}"), &values, seeds.clone(), lowest)),
            );
        }
        let arrivals: Option<Vec<Option<u32>>> = seeds.iter().map(|&seed| epochs(arm, seed)).collect();
        findings.extend(arrivals.and_then(|arrivals| {
            arrival_finding(format!("race.epochs.{arm}"), &title, &arrivals, spec.epochs, seeds.clone(), goal)
        }));
    }
    findings.extend(run_ratio(spec, sound, epochs));
    findings
}

/// The keys of what a run with these settings finds of its layers, see [`layer_findings`].
pub fn layer_finding_keys(spec: &Study) -> Vec<String> {
    let of_arm = |arm: ArmId| {
        let layers = spec.settings(arm).map_or_else(Vec::new, |own| spec.network.hidden_layers(&own.widths));
        layers.into_iter().map(move |layer| zeros_key(arm, layer))
    };
    spec.arm_ids().flat_map(of_arm).collect()
}

fn zeros_key(arm: ArmId, layer: Layer) -> String {
    format!("race.zeros.{arm}.{layer}")
}

/// The findings of a finished run about its hidden layers, over its seeds: `race.zeros.ARM.LAYER`, the percentage of the
/// layer's outputs that are exactly 0 after the last epoch, on the sample of [`Metric::Zeros`]. None of lanes that diverged,
/// nor of a run whose epochs did not record it.
pub fn layer_findings(spec: &Study, records: &[EpochRecord], diverged: &[Lane]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for arm in spec.arm_ids() {
        let Some(settings) = spec.settings(arm) else { continue };
        let sound = spec.seeds.iter().copied().filter(|&seed| !diverged.contains(&Lane { arm, seed }));
        let seeds: Vec<u64> = sound.collect();
        for layer in spec.network.hidden_layers(&settings.widths) {
            let last = |&seed: &u64| {
                let is_last =
                    |record: &&EpochRecord| record.lane() == Lane { arm, seed } && record.epoch == spec.epochs;
                records.iter().find(is_last)?.measured.of_layer(layer, Metric::Zeros)
            };
            let Some(values) = seeds.iter().map(last).collect::<Option<Vec<f64>>>() else { continue };
            let (title, at) = (spec.arm_title(arm), spec.epochs);
            let text =
                |share: f64| format!("{title}: {share:.1} % of {layer}'s outputs are exactly 0 after epoch {at}");
            findings.extend(finding(zeros_key(arm, layer), &values, seeds.clone(), text));
        }
    }
    findings
}

/// The second arm's epochs to the milestone over the first's, for the seeds with which neither diverged.
fn run_ratio(
    spec: &Study,
    sound: impl Fn(ArmId) -> Vec<u64>,
    epochs: impl Fn(ArmId, u64) -> Option<Option<u32>>,
) -> Option<Finding> {
    let [first, second, ..] = spec.arms.as_slice() else { return None };
    let (first, second) = (first.id, second.id);
    let others = sound(second);
    let seeds: Vec<u64> = sound(first).into_iter().filter(|seed| others.contains(seed)).collect();
    let both: Vec<Arrivals> =
        seeds.iter().map(|&seed| Some([epochs(first, seed)?, epochs(second, seed)?])).collect::<Option<_>>()?;
    let [a, b] = [first, second].map(|arm| spec.arm_title(arm));
    let absent = |text: String| Finding {
        key: "race.ratio".into(),
        text,
        value: None,
        spread: None,
        seeds: Vec::new(),
        tabled: false,
        is_bound: false,
    };
    if both.is_empty() {
        return Some(absent(format!("{a} or {b} diverged with every seed")));
    }
    if both.iter().flatten().all(Option::is_none) {
        let which = if spec.arms.len() > 2 { ", the first two arms," } else { "" };
        let (within, goal) = (format_count(spec.epochs as usize, "epoch"), milestone_of(spec));
        return Some(absent(format!("neither {a} nor {b}{which} came down to {goal} within {within}")));
    }
    ratio_finding("race.ratio", [&a, &b], &both, spec.epochs, seeds, milestone_of(spec))
}

/// The arms of a study that train at a preset's settings. Seeds, epochs, threads and backend may differ, as they do not
/// change what a curve means.
fn arms_of_preset(spec: &Study, preset: Preset) -> Vec<ArmId> {
    let wanted = Study::of(preset);
    let Study { seeds, epochs, arms, threads, backend, .. } = spec.clone();
    if *spec != (Study { arms, seeds, epochs, threads, backend, ..wanted.clone() }) {
        return Vec::new();
    }
    wanted.arms.iter().filter(|arm| spec.arms.contains(arm)).map(|arm| arm.id).collect()
}

fn finding(key: String, values: &[f64], seeds: Vec<u64>, text: impl Fn(f64) -> String) -> Option<Finding> {
    let (value, spread) = mean_and_deviation(values)?;
    Some(Finding { key, text: text(value), value: Some(value), spread, seeds, tabled: false, is_bound: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Measurement;

    fn run(seed: u64, errors: impl Fn(u32) -> f64, epochs: u32) -> (Study, Vec<EpochRecord>) {
        let spec = Study { seeds: vec![seed], epochs, ..Study::of(Preset::Article) };
        let record =
            |arm: ArmId, epoch: u32| EpochRecord::new(Lane { arm, seed }, epoch, [(Metric::ValError, errors(epoch))]);
        let records =
            spec.arm_ids().flat_map(|arm| (1..=epochs).map(move |epoch| (arm, epoch))).map(|(a, e)| record(a, e));
        (spec.clone(), records.collect())
    }

    fn value(findings: &[Finding], key: &str) -> Option<(f64, usize)> {
        let found = findings.iter().find(|finding| finding.key == key)?;
        Some((found.value?, found.seeds.len()))
    }

    /// A run of 36 epochs from cuda-convnet's initialisation is no evidence about Glorot's, nor about the article's race.
    #[test]
    fn each_preset_has_a_ratio_of_its_own() {
        let train = |preset: Preset, seed: u64, arrivals: [u32; 2]| {
            let spec = Study { seeds: vec![seed], ..Study::of(preset) };
            let record = |(arm, arrival): (ArmId, u32), epoch: u32| {
                let error = if epoch < arrival { 26.0 } else { 25.0 };
                EpochRecord::new(Lane { arm, seed }, epoch, [(Metric::TrainError, error)])
            };
            let arms: Vec<(ArmId, u32)> = spec.arm_ids().zip(arrivals).collect();
            let records = arms.into_iter().flat_map(|arm| (1..=spec.epochs).map(move |epoch| record(arm, epoch)));
            (spec.clone(), records.collect::<Vec<_>>())
        };
        let runs = [
            train(Preset::AlexnetFig1, 1, [6, 24]),
            train(Preset::AlexnetFig1, 2, [6, 36]),
            train(Preset::CifarGlorot, 1, [10, 15]),
        ];
        let found = race_findings(&runs);
        assert_eq!(value(&found, "race.alexnet-fig1.ratio"), Some((5.0, 2)));
        assert_eq!(value(&found, "race.cifar-glorot.ratio"), Some((1.5, 1)));
        assert_eq!(value(&found, "race.ratio"), None);
        let never = [train(Preset::AlexnetFig1, 1, [6, 99])];
        let found = race_findings(&never);
        let ratio = found.iter().find(|finding| finding.key == "race.alexnet-fig1.ratio").unwrap();
        assert!(ratio.is_bound && ratio.value == Some(37.0 / 6.0));
    }

    #[test]
    fn all_found_keys_are_known_to_the_ledger() {
        for key in RATIOS.map(|(key, _)| key) {
            assert!(crate::matches_any(crate::RACE_FINDING_KEYS, key), "{key}");
        }
    }

    #[test]
    fn the_best_so_far_counts_and_the_newest_run_of_a_seed() {
        let falling = |epoch: u32| 3.0 - f64::from(epoch) / 100.0;
        let runs = [run(1, |_| 9.0, 20), run(1, falling, 60), run(2, |e| falling(e) + 0.1, 20)];
        let findings = race_findings(&runs);
        let (error, seeds) = value(&findings, "race.best-by.relu-tanh.17").unwrap();
        assert!((error - 2.88).abs() < 1e-9);
        assert_eq!(seeds, 2);
        assert_eq!(value(&findings, "race.best-by.all-tanh.50").unwrap().1, 1);
        assert_eq!(value(&findings, "race.best-by.all-tanh.150"), None);
        assert_eq!(value(&findings, "race.ratio"), None);
    }

    #[test]
    fn the_lead_is_measured_at_the_articles_milestone_and_survives_a_lost_race() {
        let mut runs = [run(1, |_| 2.0, 150), run(2, |_| 1.0, 149)];
        // ReLU+Tanh reaches it at epoch 10 and ends behind; all-Tanh reaches it at epoch 20.
        for record in &mut runs[0].1 {
            let error = match (record.arm == ArmId::RELU_TANH, record.epoch) {
                (true, 10..) => 1.37,
                (false, 20..) => 1.2,
                _ => 2.0,
            };
            *record = record.clone().with(Metric::ValError, error);
        }
        assert_eq!(value(&race_findings(&runs), "race.ratio"), Some((2.0, 1)));
        // It never reaches the error, which counts as one epoch more than the last.
        for record in runs[0].1.iter_mut().filter(|record| record.arm == ArmId::ALL_TANH) {
            *record = record.clone().with(Metric::ValError, 2.0);
        }
        let findings = race_findings(&runs);
        assert_eq!(value(&findings, "race.ratio"), Some((15.1, 1)));
        let ratio = findings.iter().find(|finding| finding.key == "race.ratio").unwrap();
        assert!(ratio.is_bound, "{ratio:?}");
        assert_eq!(ratio.text, "ReLU+Tanh was down to 1.37 % at epoch 10, all-Tanh not within 150 epochs");
    }

    /// The figures that the lesson on the race quotes from `assets/runs/article-five-seeds.csv`.
    #[test]
    fn the_committed_runs_say_what_the_lesson_quotes() {
        let lines = include_str!("../../assets/runs/article-five-seeds.csv").lines().skip(1);
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        let of_seed = |seed: u64| {
            let (spec, mut records) = run(seed, |_| 0.0, 150);
            for record in &mut records {
                let key = [record.arm.to_string(), seed.to_string(), record.epoch.to_string()];
                let row = rows.iter().find(|row| row[..3] == key).unwrap();
                *record = record.clone().with(Metric::ValError, row[4].parse().unwrap());
            }
            (spec, records)
        };
        let runs: Vec<_> = (1..=5).map(of_seed).collect();
        let ratio = |runs: &[(Study, Vec<EpochRecord>)]| value(&race_findings(runs), "race.ratio").unwrap().0;
        let ratios: Vec<String> = runs.iter().map(|run| format!("{:.2}", ratio(std::slice::from_ref(run)))).collect();
        assert_eq!(ratios, ["0.94", "1.00", "1.00", "0.79", "1.89"]);
        let mean = |arm: ArmId, epoch: u32| {
            let all = runs.iter().flat_map(|(_, records)| records);
            let at: Vec<f64> = all
                .filter(|record| record.arm == arm && record.epoch == epoch)
                .filter_map(|record| record.get(Metric::ValError))
                .collect();
            format!("{:.2}", at.iter().sum::<f64>() / 5.0)
        };
        let found =
            [(ArmId::RELU_TANH, 50), (ArmId::RELU_TANH, 150), (ArmId::ALL_TANH, 150)].map(|(arm, at)| mean(arm, at));
        assert_eq!(found, ["1.19", "1.17", "1.17"]);
    }

    /// A run of both arms with these errors, one for each epoch; `None` from where an arm diverged.
    fn own_run(seeds: &[u64], epochs: u32, errors: impl Fn(ArmId, u64, u32) -> Option<f64>) -> Vec<EpochRecord> {
        let arms = [ArmId::RELU_TANH, ArmId::ALL_TANH];
        let lanes = arms.iter().flat_map(|&arm| seeds.iter().map(move |&seed| (arm, seed)));
        let all = lanes.flat_map(|(arm, seed)| (1..=epochs).map(move |epoch| (arm, seed, epoch)));
        let record = |(arm, seed, epoch)| {
            let measured = [(Metric::ValError, errors(arm, seed, epoch)?)];
            Some(EpochRecord::new(Lane { arm, seed }, epoch, measured))
        };
        all.filter_map(record).collect()
    }

    fn spec_of(seeds: &[u64], epochs: u32) -> Study {
        Study { seeds: seeds.to_vec(), epochs, ..Study::of(Preset::Article) }
    }

    /// Mean and sample deviation over the seeds. An arm that never reached the error counts one epoch more than the
    /// last.
    #[test]
    fn a_run_finds_means_over_its_seeds() {
        let (seeds, epochs) = ([1, 2], 4);
        // ReLU+Tanh reaches it at epochs 2 and 4; all-Tanh with the second seed only, at epoch 3.
        let errors = |arm: ArmId, seed: u64, epoch: u32| {
            let down = match (arm == ArmId::RELU_TANH, seed) {
                (true, 1) => 2,
                (true, _) => 4,
                (false, 1) => 99,
                (false, _) => 3,
            };
            Some(if epoch >= down { 1.37 - f64::from(epoch == down) / 10.0 } else { 2.0 })
        };
        let (spec, records) = (spec_of(&seeds, epochs), own_run(&seeds, epochs, errors));
        let found = run_findings(&spec, &records, &[], true);
        let near = |key: &str, value: f64, spread: f64| {
            let finding = found.iter().find(|finding| finding.key == key).unwrap();
            assert!((finding.value.unwrap() - value).abs() < 1e-9, "{finding:?}");
            assert!((finding.spread.unwrap() - spread).abs() < 1e-9, "{finding:?}");
            assert_eq!(finding.seeds, seeds, "{key}");
        };
        let half = std::f64::consts::SQRT_2 / 2.0;
        near("race.epochs.relu-tanh", 3.0, 2.0 * half);
        near("race.epochs.all-tanh", 4.0, 2.0 * half);
        near("race.error.relu-tanh", 1.32, 0.1 * half);
        near("race.best.relu-tanh", 1.27, 0.0);
        near("race.error.all-tanh", 1.685, 0.63 * half);
        near("race.best.all-tanh", 1.635, 0.73 * half);
        // 5 over 2, and 3 over 4.
        near("race.ratio", 1.625, 1.75 * half);
        // The 5 stands in for an epoch that was never trained: no text has it or what is computed with it.
        let said = |key: &str| {
            let finding = found.iter().find(|finding| finding.key == key).unwrap();
            (finding.text.clone(), finding.is_bound)
        };
        let title = ArmId::ALL_TANH.title();
        let down =
            |count: &str| format!("{title} was down to 1.37 % with {count}, and not within 4 epochs with the others");
        assert_eq!(said("race.epochs.all-tanh"), (down("1 of 2 seeds, at epoch 3"), true));
        assert_eq!(said("race.epochs.relu-tanh").0, "ReLU+Tanh was down to 1.37 % at epoch 3.0 on average");
        let ratio = format!(
            "down to 1.37 % within 4 epochs: both with 1 of 2 seeds, {title} in 0.75 times ReLU+Tanh's epochs; ReLU+Tanh \
             alone with 1, {title} alone with 0"
        );
        assert_eq!(said("race.ratio"), (ratio, true));
        assert_eq!(said("race.best.relu-tanh").0, "ReLU+Tanh: 1.27 % wrong at best, the mean of each seed's lowest");
        let keys: Vec<&str> = found.iter().map(|finding| finding.key.as_str()).collect();
        assert_eq!(keys, run_finding_keys(&spec), "what is promised is found");

        // Before the end neither the last error is known, nor whether the run will reach 1.37 %.
        let begun = run_findings(&spec, &own_run(&seeds, 3, errors), &[], false);
        assert_eq!(begun, [], "with a seed each arm may still come down");
        let begun = run_findings(&spec_of(&[2], 4), &own_run(&[2], 3, errors), &[], false);
        let keys: Vec<&str> = begun.iter().map(|finding| finding.key.as_str()).collect();
        assert_eq!(keys, ["race.epochs.all-tanh"]);
    }

    #[test]
    fn a_run_finds_the_zeros_of_each_layer_where_its_epochs_have_them() {
        let spec = spec_of(&[1, 2], 2);
        let mut records = own_run(&[1, 2], 2, |_, _, _| Some(1.0));
        assert_eq!(layer_findings(&spec, &records, &[]), [], "an older run did not record them");
        for record in &mut records {
            let of_epoch = 10.0 * f64::from(record.epoch) + record.seed as f64;
            let settings = spec.settings(record.arm).unwrap();
            for layer in spec.network.hidden_layers(&settings.widths) {
                let value = of_epoch + f64::from(layer.number);
                record.measured.set(Measurement { metric: Metric::Zeros, layer: Some(layer), value });
            }
        }
        let found = layer_findings(&spec, &records, &[]);
        let keys: Vec<&str> = found.iter().map(|finding| finding.key.as_str()).collect();
        assert_eq!(keys, layer_finding_keys(&spec), "what is promised is found");
        // After the last epoch: 22 and 23, of the second convolution one more.
        assert_eq!(value(&found, "race.zeros.relu-tanh.conv1"), Some((22.5, 2)));
        assert_eq!(value(&found, "race.zeros.all-tanh.conv2"), Some((23.5, 2)));
        assert_eq!(found[0].text, "ReLU+Tanh: 22.5 % of conv1's outputs are exactly 0 after epoch 2");
        let diverged = [Lane { arm: ArmId::RELU_TANH, seed: 2 }];
        let found = layer_findings(&spec, &records, &diverged);
        assert_eq!(value(&found, "race.zeros.relu-tanh.conv1"), Some((22.0, 1)));
    }

    #[test]
    fn a_seed_that_diverged_is_left_out_and_no_ratio_is_made_of_nothing() {
        let (spec, lane) = (spec_of(&[1, 2], 3), |arm, seed| Lane { arm, seed });
        let errors = |arm: ArmId, seed: u64, epoch: u32| {
            let diverges = arm == ArmId::ALL_TANH && seed == 1 && epoch > 1;
            (!diverges).then_some(if epoch == 3 { 1.0 } else { 2.0 })
        };
        let records = own_run(&[1, 2], 3, errors);
        let found = run_findings(&spec, &records, &[lane(ArmId::ALL_TANH, 1)], true);
        assert_eq!(value(&found, "race.error.relu-tanh"), Some((1.0, 2)));
        assert_eq!(value(&found, "race.error.all-tanh"), Some((1.0, 1)));
        assert_eq!(value(&found, "race.ratio"), Some((1.0, 1)), "the seed with which both are sound");

        // An arm of which every seed diverged has all its findings, without numbers.
        let both = [lane(ArmId::ALL_TANH, 1), lane(ArmId::ALL_TANH, 2)];
        let found = run_findings(&spec, &records, &both, true);
        let absent: Vec<(&str, &str)> = found
            .iter()
            .filter(|finding| finding.value.is_none())
            .map(|finding| (finding.key.as_str(), finding.text.as_str()))
            .collect();
        let title = ArmId::ALL_TANH.title();
        let expected = [
            ("race.error.all-tanh", format!("{title} diverged with every seed")),
            ("race.best.all-tanh", format!("{title} diverged with every seed")),
            ("race.epochs.all-tanh", format!("{title} diverged with every seed")),
            ("race.ratio", format!("{} or {title} diverged with every seed", ArmId::RELU_TANH.title())),
        ];
        let expected: Vec<(&str, &str)> = expected.iter().map(|(key, text)| (*key, text.as_str())).collect();
        assert_eq!(absent, expected);
        assert!(absent.len() < found.len(), "the other arm has its numbers");
    }

    #[test]
    fn a_run_that_never_came_down_has_no_ratio() {
        let (spec, records) = (spec_of(&[1], 3), own_run(&[1], 3, |_, _, _| Some(2.0)));
        let found = run_findings(&spec, &records, &[], true);
        assert_eq!(value(&found, "race.epochs.relu-tanh"), Some((4.0, 1)), "an epoch beyond the last");
        let ratio = found.iter().find(|finding| finding.key == "race.ratio").unwrap();
        assert_eq!(ratio.value, None);
        let title = ArmId::ALL_TANH.title();
        assert_eq!(ratio.text, format!("neither ReLU+Tanh nor {title} came down to 1.37 % within 3 epochs"));
        let epochs = found.iter().find(|finding| finding.key == "race.epochs.relu-tanh").unwrap();
        assert_eq!(epochs.text, "ReLU+Tanh did not come down to 1.37 % within 3 epochs");
        // An arm that may still reach it is not judged.
        let begun = run_findings(&spec, &records[..1], &[], false);
        assert_eq!(begun, []);
        // A single arm has no ratio.
        let alone = spec.with_arms([super::super::Activations::RELU_TANH]);
        let keys: Vec<String> = run_findings(&alone, &records, &[], true).into_iter().map(|found| found.key).collect();
        assert_eq!(keys, ["race.error.relu-tanh", "race.best.relu-tanh", "race.epochs.relu-tanh"]);
        assert_eq!(keys, run_finding_keys(&alone));
    }

    #[test]
    fn other_settings_do_not_speak() {
        let (spec, records) = run(1, |_| 1.0, 150);
        let small = Study { train_size: 10_000, ..spec };
        assert!(race_findings(&[(small, records)]).is_empty());
    }

    /// AlexNet's race is decided by its training error, whatever its validation error does.
    #[test]
    fn a_race_on_cifar_is_counted_by_its_training_error() {
        let spec: Study = "all-relu; all-tanh | preset=cifar-glorot epochs=4".parse().unwrap();
        let record = |arm, epoch, error: f64| {
            let measured = [(Metric::TrainError, error), (Metric::ValError, 1.0)];
            EpochRecord::new(Lane { arm, seed: 1 }, epoch, measured)
        };
        let arms: Vec<ArmId> = spec.arm_ids().collect();
        let (relu, tanh) = ([40.0, 25.0, 20.0, 19.0], [45.0, 38.0, 30.0, 25.01]);
        let records: Vec<EpochRecord> = (1..=4)
            .flat_map(|epoch| {
                let at = epoch as usize - 1;
                [record(arms[0], epoch, relu[at]), record(arms[1], epoch, tanh[at])]
            })
            .collect();
        let found = run_findings(&spec, &records, &[], true);
        let text = |key: &str| found.iter().find(|finding| finding.key == key).unwrap().text.clone();
        assert_eq!(text(&format!("race.epochs.{}", arms[0])), "all-ReLU was down to 25 % training error at epoch 2");
        assert_eq!(
            text(&format!("race.epochs.{}", arms[1])),
            "all-Tanh did not come down to 25 % training error within 4 epochs"
        );
        assert_eq!(
            text("race.ratio"),
            "all-ReLU was down to 25 % training error at epoch 2, all-Tanh not within 4 epochs"
        );
    }
}
