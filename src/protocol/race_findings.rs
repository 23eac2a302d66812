//! What a reader's finished races have to say to the ledger.

use super::{Arm, EpochRecord, Finding, Preset, RunSpec, compare};

/// Epochs at which the article gives a figure.
const EPOCHS: [u32; 3] = [17, 50, 150];

/// Findings of all finished runs at the article's setting (its network, batches, learning rate and full MNIST):
/// `race.best-by.ARM.EPOCH`, the lowest validation error up to an epoch, and `race.ratio`, how many times sooner
/// ReLU+Tanh reached all-Tanh's best. `runs` oldest first; of a seed that ran twice the newest counts.
pub fn race_findings(runs: &[(RunSpec, Vec<EpochRecord>)]) -> Vec<Finding> {
    let mut kept: Vec<EpochRecord> = Vec::new();
    for (_, records) in runs.iter().filter(|(spec, _)| is_the_articles(spec)) {
        let lanes: Vec<_> = records.iter().map(EpochRecord::lane).collect();
        kept.retain(|record| !lanes.contains(&record.lane()));
        kept.extend(records.iter().cloned());
    }
    let mut findings = Vec::new();
    for arm in [Arm::RELU_TANH, Arm::ALL_TANH] {
        let mut seeds: Vec<u64> = kept.iter().filter(|record| record.arm == arm).map(|record| record.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        for epoch in EPOCHS {
            let of = |seed: u64| kept.iter().filter(move |r| r.arm == arm && r.seed == seed);
            let (reached, best): (Vec<u64>, Vec<f64>) = seeds
                .iter()
                .filter(|&&seed| of(seed).any(|record| record.epoch == epoch))
                .filter_map(|&seed| {
                    let errors = of(seed).filter(|record| record.epoch <= epoch).map(|record| record.val_error);
                    Some((seed, errors.min_by(f64::total_cmp)?))
                })
                .unzip();
            let title = arm.title();
            let text = |error: f64| format!("{title}: {error:.2} % at best by epoch {epoch}");
            findings.extend(finding(format!("race.best-by.{arm}.{epoch}"), &best, reached, text));
        }
    }
    if let Some(comparison) = compare(Arm::RELU_TANH, Arm::ALL_TANH, &kept) {
        let text = |ratio: f64| format!("all-Tanh's best epoch comes {ratio:.1} times as late as ReLU+Tanh is as good");
        let mut seeds: Vec<u64> = kept.iter().map(|record| record.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        findings.extend(finding("race.ratio".into(), &comparison.ratios, seeds, text));
    }
    findings
}

/// Whatever the seeds, epochs, arms, threads and backend: these change no curve's meaning.
fn is_the_articles(spec: &RunSpec) -> bool {
    let article = RunSpec::of(Preset::Article);
    let RunSpec { seeds, epochs, arms, threads, backend, .. } = spec.clone();
    *spec == RunSpec { arms, seeds, epochs, threads, backend, ..article }
}

fn finding(key: String, values: &[f64], seeds: Vec<u64>, text: impl Fn(f64) -> String) -> Option<Finding> {
    let count = values.len() as f64;
    let value = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
    let spread = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
    (!values.is_empty()).then(|| Finding { key, text: text(value), value, spread, seeds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, errors: impl Fn(u32) -> f64, epochs: u32) -> (RunSpec, Vec<EpochRecord>) {
        let spec = RunSpec { seeds: vec![seed], epochs, ..RunSpec::of(Preset::Article) };
        let record = |arm: Arm, epoch: u32| EpochRecord {
            arm,
            seed,
            epoch,
            train_loss: 0.1,
            val_error: errors(epoch),
            test_error: 1.0,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        let records =
            spec.arms.iter().flat_map(|&arm| (1..=epochs).map(move |epoch| (arm, epoch))).map(|(a, e)| record(a, e));
        (spec.clone(), records.collect())
    }

    fn value(findings: &[Finding], key: &str) -> Option<(f64, usize)> {
        findings.iter().find(|finding| finding.key == key).map(|finding| (finding.value, finding.seeds.len()))
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
        assert!(value(&findings, "race.ratio").is_some());
    }

    #[test]
    fn other_settings_do_not_speak() {
        let (spec, records) = run(1, |_| 1.0, 150);
        let small = RunSpec { train_size: 10_000, ..spec };
        assert!(race_findings(&[(small, records)]).is_empty());
    }
}
