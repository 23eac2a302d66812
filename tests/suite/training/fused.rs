//! The fused backend as a whole: it reports that it runs, works at any width, and learns what LibTorch's backend
//! learns.

use learn::train::LaneSettings;
use learn::{Control, Dataset, Ending, Environment, NamedTensor, Observer, Snapshot, train_lane};
use protocol::{ArmId, Backend, DataSource, EpochRecord, Lane, Metric, Preset, Progress, Study, Widths, WrongImages};
use std::sync::LazyLock;

static DATA: LazyLock<Dataset> = LazyLock::new(|| Dataset::load(&DataSource::Mnist).unwrap());

const LANE: Lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };

/// Records the last epoch, its weights, and the reported backend.
#[derive(Default)]
struct Last {
    said: Option<String>,
    at_the_end: Option<(EpochRecord, Snapshot)>,
}

impl Observer for Last {
    fn training_started(&mut self, environment: &Environment) {
        self.said = Some(environment.backend.clone());
    }

    fn poll(&mut self, _: &Progress) -> Control {
        Control::Continue
    }

    fn epoch(&mut self, record: &EpochRecord, _: &WrongImages, snapshot: &Snapshot) -> Control {
        self.at_the_end = Some((record.clone(), snapshot.clone()));
        Control::Continue
    }

    fn checkpoint(&mut self, _: &Snapshot) {}
}

/// The last epoch of a lane, its weights, and what computed it.
fn train(spec: &Study, lane: Lane) -> (EpochRecord, Vec<NamedTensor>, String) {
    let mut last = Last::default();
    assert_eq!(train_lane(spec, lane, &DATA, None, &mut last).unwrap(), Ending::Finished);
    let (record, snapshot) = last.at_the_end.unwrap();
    assert_eq!(last.said.unwrap(), snapshot.environment.backend);
    (record, snapshot.weights, snapshot.environment.backend)
}

/// The distance between two tensors: the largest difference of two numbers.
fn distance(one: &NamedTensor, other: &NamedTensor) -> f32 {
    assert_eq!((&one.name, &one.shape), (&other.name, &other.shape));
    let differences = one.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs());
    differences.inspect(|difference| assert!(difference.is_finite(), "{}", one.name)).fold(0.0, f32::max)
}

/// Twelve batches with both backends, the last of them partial: the weights differ by at most a hundredth of the
/// distance that they have moved. Rounding accounts for less than a millionth of it, until one pre-activation near 0
/// falls on the other side. The softmax layer starts from zeros and passes no gradient, so the first steps alone would
/// show little.
#[test]
fn every_width_trains_as_with_libtorch() {
    for (widths, batch) in [([1, 1, 1], 7), ([5, 9, 33], 50), ([4, 16, 120], 100), ([20, 50, 500], 64)] {
        let widths = Widths(widths.to_vec());
        let train_size = 12 * batch - 3;
        let fused = Study { epochs: 1, train_size, val_size: 50, ..Study::of(Preset::Article) };
        let fused = fused.with_shared(|settings| {
            settings.widths = widths.clone();
            settings.batch = batch;
        });
        let libtorch = Study { backend: Backend::Libtorch, ..fused.clone() };
        let ((one, weights, ran), (other, expected, oracle)) = (train(&fused, LANE), train(&libtorch, LANE));
        assert!(ran.starts_with("fused (") && oracle == "libtorch", "{ran}, {oracle}");
        let apart = (one.get(Metric::TrainLoss).unwrap() - other.get(Metric::TrainLoss).unwrap()).abs();
        assert!(apart < 1e-4, "{widths:?}: {one:?} and {other:?}");
        let start = LaneSettings::new(&fused, LANE).unwrap().network(DATA.shape(), 10, LANE.seed).weights();
        for ((weights, expected), start) in weights.iter().zip(&expected).zip(&start) {
            let (apart, way) = (distance(weights, expected), distance(expected, start));
            assert!(way > 0.0 && apart <= 0.01 * way, "{widths:?}, {}: {apart} of {way}", weights.name);
        }
    }
}

/// The fused layers use only the lane's own thread. A lane with more is computed by LibTorch, and says so.
#[test]
fn libtorch_takes_over_a_lane_of_several_threads() {
    let spec = Study { threads: 2, epochs: 1, train_size: 300, val_size: 50, ..Study::of(Preset::Article) };
    let (asked, weights, ran) = train(&spec, LANE);
    let (oracle, expected, _) = train(&Study { backend: Backend::Libtorch, ..spec }, LANE);
    assert_eq!(ran, "libtorch (threads > 1)");
    assert_eq!(asked.get(Metric::TrainLoss).unwrap().to_bits(), oracle.get(Metric::TrainLoss).unwrap().to_bits());
    assert_eq!(weights, expected);
}

/// Ten epochs on 10,000 images, both arms, five seeds, both backends. For each seed weights and batches are the same,
/// so only rounding and its consequences differ, and the differences of the pairs must have a mean near zero.
#[test]
#[ignore = "takes minutes; run it in release"]
fn after_ten_epochs_the_errors_do_not_differ_beyond_the_spread() {
    const SEEDS: u64 = 5;
    let fused = Study { epochs: 10, train_size: 10_000, ..Study::of(Preset::Article) };
    let libtorch = Study { backend: Backend::Libtorch, ..fused.clone() };
    for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
        let error = |spec: &Study, seed| train(spec, Lane { arm, seed }).0.get(Metric::ValError).unwrap();
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (1..=SEEDS).map(|seed| (error(&fused, seed), error(&libtorch, seed))).unzip();
        let differences: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
        let (mean, standard_error) = mean_and_standard_error(&differences);
        println!("{arm}: fused {ours:.2?}, libtorch {theirs:.2?}, difference {mean:.3} +- {standard_error:.3} points");
        // A mean exceeds this many standard errors by chance in 3 of 100 such comparisons (Student's t with four
        // degrees of freedom). Less than an image of the 10,000 is no difference, however often it repeats.
        assert!(mean.abs() <= (3.3 * standard_error).max(0.01), "{arm}: {differences:?}");
        let range = |values: &[f64]| {
            let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
            least..=most
        };
        let (ours, theirs) = (range(&ours), range(&theirs));
        assert!(ours.start() <= theirs.end() && theirs.start() <= ours.end(), "{arm}: {ours:?} and {theirs:?}");
    }
}

fn mean_and_standard_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}
