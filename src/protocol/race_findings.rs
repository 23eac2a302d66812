//! What the ledger takes from a reader's finished runs.

use super::compare::{MILESTONE, first_at, mean_and_deviation};
use super::{ArmId, EpochRecord, Finding, Lane, Metric, Preset, Study};

/// Epochs at which the article gives a figure.
const EPOCHS: [u32; 3] = [17, 50, 150];
const LAST: u32 = 150;

/// Findings of all finished runs at the article's setting (its network, batches, learning rate and full MNIST):
/// `race.best-by.ARM.EPOCH`, the lowest validation error up to an epoch, and `race.ratio`, all-Tanh's epochs to 1.37 %
/// over ReLU+Tanh's. `runs` are ordered oldest first; of a seed that ran twice the newest run counts.
pub fn race_findings(runs: &[(Study, Vec<EpochRecord>)]) -> Vec<Finding> {
    let mut kept: Vec<EpochRecord> = Vec::new();
    for (spec, records) in runs {
        let arms = articles_arms(spec);
        let records = || records.iter().filter(|record| arms.contains(&record.arm));
        let lanes: Vec<_> = records().map(EpochRecord::lane).collect();
        kept.retain(|record| !lanes.contains(&record.lane()));
        kept.extend(records().cloned());
    }
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
            let text = |error: f64| format!("{title}: {error:.2} % at best by epoch {epoch}");
            findings.extend(finding(format!("race.best-by.{arm}.{epoch}"), &best, reached, text));
        }
    }
    findings.extend(epochs_ratio(&kept));
    findings
}

/// The epoch at which all-Tanh first reached the article's 1.37 %, over ReLU+Tanh's, for each seed of which both arms
/// ran as long as the article's. An arm that never reached it counts one epoch more than it ran.
fn epochs_ratio(kept: &[EpochRecord]) -> Option<Finding> {
    let of = |arm: ArmId, seed: u64| kept.iter().filter(move |r| r.arm == arm && r.seed == seed && r.epoch <= LAST);
    let whole =
        |seed: &u64| [ArmId::RELU_TANH, ArmId::ALL_TANH].iter().all(|&arm| of(arm, *seed).any(|r| r.epoch == LAST));
    let mut seeds: Vec<u64> = kept.iter().map(|record| record.seed).filter(whole).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let first = |arm: ArmId, seed: u64| f64::from(first_at(of(arm, seed), MILESTONE).unwrap_or(LAST + 1));
    let ratios: Vec<f64> = seeds.iter().map(|&s| first(ArmId::ALL_TANH, s) / first(ArmId::RELU_TANH, s)).collect();
    let text = |ratio: f64| format!("down to 1.37 % all-Tanh took {ratio:.1} times ReLU+Tanh's epochs");
    finding("race.ratio".into(), &ratios, seeds, text)
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

/// The findings of one run, over its seeds: for each arm `race.error.ARM`, the validation error after the last epoch,
/// and `race.best.ARM`, the lowest, once the run has finished; `race.epochs.ARM`, the epochs to 1.37 %, or one more
/// than the last if a finished run never reached it; and `race.ratio`, the second arm's epochs over the first's. Lanes
/// that diverged are left out.
pub fn run_findings(spec: &Study, records: &[EpochRecord], diverged: &[Lane], is_finished: bool) -> Vec<Finding> {
    let of = |lane: Lane| records.iter().filter(move |record| record.lane() == lane);
    let sound = |arm: ArmId| -> Vec<u64> {
        spec.seeds.iter().copied().filter(|&seed| !diverged.contains(&Lane { arm, seed })).collect()
    };
    // `None` while a run may still reach it.
    let epochs = |arm: ArmId, seed: u64| {
        let beyond = is_finished.then_some(spec.epochs + 1);
        first_at(of(Lane { arm, seed }), MILESTONE).or(beyond).map(f64::from)
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
            let lowest = |error: f64| format!("{title}: {error:.2} % wrong at best");
            findings.extend(
                all(&best).and_then(|values| finding(format!("race.best.{arm}"), &values, seeds.clone(), lowest)),
            );
        }
        let down = |epoch: f64| format!("{title} was down to {MILESTONE} % at epoch {epoch:.1}");
        let reached = all(&|seed| epochs(arm, seed));
        findings.extend(reached.and_then(|values| finding(format!("race.epochs.{arm}"), &values, seeds.clone(), down)));
    }
    findings.extend(run_ratio(spec, sound, epochs));
    findings
}

/// The second arm's epochs to the milestone over the first's, for the seeds with which neither diverged.
fn run_ratio(
    spec: &Study,
    sound: impl Fn(ArmId) -> Vec<u64>,
    epochs: impl Fn(ArmId, u64) -> Option<f64>,
) -> Option<Finding> {
    let [first, second, ..] = spec.arms.as_slice() else { return None };
    let (first, second) = (first.id, second.id);
    let others = sound(second);
    let seeds: Vec<u64> = sound(first).into_iter().filter(|seed| others.contains(seed)).collect();
    let both: Vec<(f64, f64)> =
        seeds.iter().map(|&seed| epochs(first, seed).zip(epochs(second, seed))).collect::<Option<_>>()?;
    let [a, b] = [first, second].map(|arm| spec.arm_title(arm));
    let absent = |text: String| Finding {
        key: "race.ratio".into(),
        text,
        value: None,
        spread: None,
        seeds: Vec::new(),
        tabled: false,
    };
    if both.is_empty() {
        return Some(absent(format!("{a} or {b} diverged with every seed")));
    }
    let beyond = f64::from(spec.epochs + 1);
    if both.iter().all(|&(one, other)| one >= beyond && other >= beyond) {
        return Some(absent(format!("neither {a} nor {b} came down to {MILESTONE} %")));
    }
    let ratios: Vec<f64> = both.iter().map(|(one, other)| other / one).collect();
    let text = |ratio: f64| format!("down to {MILESTONE} % {b} took {ratio:.2} times {a}'s epochs");
    finding("race.ratio".into(), &ratios, seeds, text)
}

/// The arms of a study that train at the article's settings. Seeds, epochs, threads and backend may differ, as they do
/// not change what a curve means.
fn articles_arms(spec: &Study) -> Vec<ArmId> {
    let article = Study::of(Preset::Article);
    let Study { seeds, epochs, arms, threads, backend, .. } = spec.clone();
    if *spec != (Study { arms, seeds, epochs, threads, backend, ..article.clone() }) {
        return Vec::new();
    }
    article.arms.iter().filter(|arm| spec.arms.contains(arm)).map(|arm| arm.id).collect()
}

fn finding(key: String, values: &[f64], seeds: Vec<u64>, text: impl Fn(f64) -> String) -> Option<Finding> {
    let (value, spread) = mean_and_deviation(values)?;
    Some(Finding { key, text: text(value), value: Some(value), spread, seeds, tabled: false })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(value(&race_findings(&runs), "race.ratio"), Some((15.1, 1)));
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
        assert!(ratio.text.starts_with("neither") && ratio.text.contains("1.37 %"), "{}", ratio.text);
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
}
