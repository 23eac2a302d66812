//! Every network on images of every form, with every setting of the optimiser: it learns, it can be stopped anywhere,
//! and both engines agree. The convnet is PyTorch's.

use learn::data::{Augmentation, ImageShape};
use learn::fused::{FusedConvnet, InstructionSet};
use learn::network::{Architecture, Mode, Network};
use learn::optim::SgdSettings;
use learn::random::{Purpose, Random};
use learn::train::{LaneSettings, train};
use learn::{Control, Dataset, Ending, NamedTensor, Observer, Snapshot};
use protocol::{
    Activation, Activations, ArmId, ArmSettings, Backend, DataSource, EpochRecord, Init, Inputs, Lane, Metric,
    Progress, WrongImages,
};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;
use tch::Tensor;

static MNIST: LazyLock<Dataset> = LazyLock::new(|| Dataset::load(&DataSource::Mnist).unwrap());

/// For any arm: what is trained is in the settings.
const LANE: Lane = Lane { arm: ArmId::RELU_TANH, seed: 3 };

/// 230 images in batches of 50: the last batch is partial.
fn settings(architecture: Architecture) -> LaneSettings {
    LaneSettings {
        architecture,
        init: Init::He,
        inputs: Inputs::Unit,
        augmentation: Augmentation::default(),
        sgd: SgdSettings::default(),
        learning_rate: 0.05,
        schedule: Box::new(|_| 1.0),
        batch: 50,
        epochs: 2,
        train_size: 230,
        val_size: 20,
        threads: 1,
        backend: Backend::Fused,
    }
}

/// Stops after a number of batches.
struct Collector {
    batches_left: usize,
    records: Vec<EpochRecord>,
    last: Option<Snapshot>,
}

impl Observer for Collector {
    fn poll(&mut self, _: &Progress) -> Control {
        self.batches_left -= 1;
        if self.batches_left == 0 { Control::Stop } else { Control::Continue }
    }

    fn epoch(&mut self, record: &EpochRecord, _: &WrongImages, snapshot: &Snapshot) -> Control {
        self.records.push(record.clone());
        self.last = Some(snapshot.clone());
        Control::Continue
    }

    fn checkpoint(&mut self, snapshot: &Snapshot) {
        self.last = Some(snapshot.clone());
    }
}

fn run(settings: &LaneSettings, data: &Dataset, from: Option<&Snapshot>, batches: usize) -> (Ending, Collector) {
    let mut collector = Collector { batches_left: batches, records: Vec::new(), last: None };
    let ending = train(settings, LANE, data, from, &mut collector).unwrap();
    (ending, collector)
}

fn trained(settings: &LaneSettings, data: &Dataset) -> (Vec<EpochRecord>, Snapshot) {
    let (ending, collector) = run(settings, data, None, usize::MAX);
    assert_eq!(ending, Ending::Finished);
    (collector.records, collector.last.unwrap())
}

fn normalised(mut architecture: Architecture, norm: &str) -> Architecture {
    architecture.normalise(norm.parse().unwrap());
    architecture
}

#[test]
fn a_stop_anywhere_keeps_dropout_and_the_optimisers_state() {
    let arm = ArmSettings { momentum: 0.9, nesterov: true, weight_decay: 1e-3, ..ArmSettings::default() };
    let sgd = SgdSettings::of(&arm);
    let prelu = Activations { conv: Activation::PRELU, fc: Activation::PRELU };
    let cases = [
        LaneSettings { sgd, ..settings(Architecture::lenet4([2, 3, 30], Activations::RELU_TANH, 0.5)) },
        LaneSettings { sgd, ..settings(Architecture::mlp(&[20, 10, 10], Activation::Tanh, 0.3)) },
        settings(Architecture::convnet([2, 3, 4, 10], prelu, 0.5)),
        LaneSettings {
            init: Init::CudaConvnet,
            inputs: Inputs::MeanImage,
            learning_rate: 1e-3,
            sgd: SgdSettings { bias_rate: 2.0, momentum: 0.9, ..SgdSettings::default() },
            ..settings(Architecture::convnet([2, 3, 4, 10], Activations::ALL_TANH, 0.0))
        },
        LaneSettings { inputs: Inputs::Standardised, ..settings(Architecture::lenet4([2, 3, 9], prelu, 0.0)) },
        LaneSettings {
            augmentation: Augmentation { flip: true, crop: 3 },
            ..settings(Architecture::lenet4([2, 3, 9], Activations::RELU_TANH, 0.0))
        },
        LaneSettings {
            sgd,
            augmentation: Augmentation { flip: true, crop: 3 },
            ..settings(normalised(Architecture::convnet([2, 3, 4, 10], prelu, 0.5), "batch"))
        },
        settings(normalised(Architecture::lenet4([3, 3, 9], Activations::RELU_TANH, 0.0), "local(0.5)")),
    ];
    let libtorch = |why: &str| format!("libtorch ({why}");
    let [only, slope, inputs, norm] = ["only", "an activation", "the inputs", "normalisation"].map(libtorch);
    let fused = "fused".to_string();
    let backends = [&fused, &only, &slope, &fused, &inputs, &fused, &norm, &norm];
    for (settings, backend) in cases.iter().zip(backends) {
        let (records, whole) = trained(settings, &MNIST);
        assert!(whole.environment.backend.starts_with(backend.as_str()), "{}", whole.environment.backend);
        for stop in [1, 3, 5, 9] {
            let (ending, cut) = run(settings, &MNIST, None, stop);
            assert_eq!(ending, Ending::Stopped);
            let (ending, rest) = run(settings, &MNIST, cut.last.as_ref(), usize::MAX);
            assert_eq!(ending, Ending::Finished);
            let (rest_records, rest) = (rest.records, rest.last.unwrap());
            assert_eq!((&rest.weights, &rest.velocity), (&whole.weights, &whole.velocity), "stopped at batch {stop}");
            let last = |records: &[EpochRecord]| records.last().unwrap().get(Metric::TrainLoss).unwrap().to_bits();
            assert_eq!(last(&rest_records), last(&records));
        }
    }
}

/// (k * 7919 mod 2003) / 2003 - 0.5, as in `tests/tools/convnet.py`.
fn series(count: usize, start: usize) -> Vec<f32> {
    (start..start + count).map(|k| ((k * 7919 % 2003) as f64 / 2003.0 - 0.5) as f32).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Whether a tensor has PyTorch's values.
fn near(what: &str, found: &Tensor, expected: &[f64]) {
    let mut values = vec![0.0_f32; found.numel()];
    assert_eq!(values.len(), expected.len(), "{what}");
    found.detach().contiguous().view(-1).copy_data(&mut values, expected.len());
    for (at, (found, expected)) in values.iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        assert!(difference <= 2e-5 * expected.abs().max(1.0), "{what} {at}: {found}, PyTorch {expected}");
    }
}

/// Batch normalisation and local response normalisation in the convnet and in LeNet-4, against those that
/// `tests/tools/norms.py` has found with PyTorch's: values, gradients, and after two steps the running statistics and what
/// an evaluation makes of them.
#[test]
fn normalised_networks_are_pytorchs() {
    let fixture = std::fs::read_to_string("tests/fixtures/norms.json").unwrap();
    let fixture: Value = serde_json::from_str(&fixture).unwrap();
    let whole = |key: &str| fixture[key].as_u64().unwrap() as usize;
    let (images, steps) = (whole("images"), whole("steps"));
    for case in fixture["cases"].as_array().unwrap() {
        let text = |key: &str| case[key].as_str().unwrap();
        let what = |of: &str| format!("{} {} {}: {of}", text("network"), text("activation"), text("norm"));
        let activation: Activation = text("activation").parse().unwrap();
        let arm = Activations { conv: activation, fc: activation };
        let widths: Vec<u32> = serde_json::from_value(case["widths"].clone()).unwrap();
        let (architecture, channels) = match text("network") {
            "convnet" => (Architecture::convnet(widths.try_into().unwrap(), arm, 0.0), 3),
            _ => (Architecture::lenet4(widths.try_into().unwrap(), arm, 0.0), 1),
        };
        let architecture = normalised(architecture, text("norm"));
        // LeNet-4 pads its images to 32x32.
        let side = 32 - 2 * architecture.padding.border;
        let shape = ImageShape { channels, height: side, width: side };
        let mut net = Network::new(architecture, shape, 10, Init::Xavier, 1);
        let mut start = 0;
        for parameter in &net.parameters {
            let values = Tensor::from_slice(&series(parameter.numel(), start)).view(parameter.size().as_slice());
            tch::no_grad(|| parameter.shallow_clone().copy_(&values));
            start += parameter.numel();
        }
        let labels = Tensor::from_slice(&(0..images as i64).collect::<Vec<_>>());
        let inputs = |step: usize| {
            let values = series(images * channels * 32 * 32, start + 1000 * step);
            Tensor::from_slice(&values).view([images as i64, channels as i64, 32, 32])
        };
        let mut random = Random::new(1, Purpose::InitialWeights);
        let _ = net.logits_in(&inputs(0), Mode::Training(&mut random));
        let last = inputs(steps - 1);
        let logits = net.logits_in(&last, Mode::Training(&mut random));
        near(&what("logits in training"), &logits, &numbers(&case["training_logits"]));
        let loss = logits.cross_entropy_for_logits(&labels);
        near(&what("loss"), &loss, &[case["loss"].as_f64().unwrap()]);
        let gradients = Tensor::run_backward(&[&loss], &net.parameters, false, false);
        for (parameter, gradient) in net.names().iter().zip(&gradients) {
            near(&what(parameter), gradient, &numbers(&case["gradients"][parameter]));
        }
        let statistics = case["statistics"].as_object().unwrap();
        let weights = net.weights();
        assert_eq!(weights.len(), gradients.len() + statistics.len());
        for (name, expected) in statistics {
            let found = weights.iter().find(|tensor| tensor.name == *name).unwrap();
            near(&what(name), &Tensor::from_slice(&found.values), &numbers(expected));
        }
        net.require_gradients(false);
        near(&what("logits"), &net.logits(&last), &numbers(&case["logits"]));
    }
}

/// Values and gradients of cuda-convnet's network, with ReLU and with tanh, against those that `tests/tools/convnet.py` has
/// found with PyTorch's own layers.
#[test]
fn the_convnet_is_pytorchs() {
    let fixture = std::fs::read_to_string("tests/fixtures/convnet.json").unwrap();
    let fixture: Value = serde_json::from_str(&fixture).unwrap();
    let cifar = ImageShape { channels: 3, height: 32, width: 32 };
    let whole = Architecture::convnet([32, 32, 64, 64], Activations::ALL_RELU, 0.0);
    let count: i64 = whole.parameters(cifar, 10).iter().map(|parameter| parameter.size.iter().product::<i64>()).sum();
    assert_eq!(count, fixture["parameters_at_full_size"].as_i64().unwrap());
    let widths: [u32; 4] = serde_json::from_value(fixture["widths"].clone()).unwrap();
    let images = fixture["images"].as_u64().unwrap() as usize;
    for (name, arm) in [("relu", Activations::ALL_RELU), ("tanh", Activations::ALL_TANH)] {
        let architecture = Architecture::convnet(widths, arm, 0.0);
        let mut start = 0;
        let mut weights = Vec::new();
        for parameter in architecture.parameters(cifar, 10) {
            let shape: Vec<usize> = parameter.size.iter().map(|&size| size as usize).collect();
            let length = shape.iter().product();
            weights.push(NamedTensor { name: parameter.name, shape, values: series(length, start) });
            start += length;
        }
        let mut net = Network::new(architecture, cifar, 10, Init::Xavier, 1);
        net.load(&weights).unwrap();
        let x = Tensor::from_slice(&series(images * cifar.len(), start)).view([images as i64, 3, 32, 32]);
        // Channels last, as a split has them, and one channel after the other.
        for x in [x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]), x] {
            let logits = net.logits(&x);
            near(name, &logits, &numbers(&fixture[name]["logits"]));
            let labels = Tensor::from_slice(&(0..images as i64).collect::<Vec<_>>());
            let loss = logits.cross_entropy_for_logits(&labels);
            near(name, &loss, &[fixture[name]["loss"].as_f64().unwrap()]);
            let gradients = Tensor::run_backward(&[&loss], &net.parameters, false, false);
            for (parameter, gradient) in net.names().iter().zip(&gradients) {
                let expected = numbers(&fixture[name]["gradients"][parameter]);
                near(&format!("{name} {parameter}"), gradient, &expected);
            }
        }
        let net = net.laid_out_for_fusion();
        let values = Tensor::from_slice(&series(images * cifar.len(), start)).view([images as i64, 3, 32, 32]);
        let values = Vec::<f32>::try_from(values.permute([0, 2, 3, 1]).contiguous().view(-1)).unwrap();
        for set in InstructionSet::available() {
            let (kind, name) = (name, format!("{name}, {}", set.name()));
            let mut fused = FusedConvnet::with(set, cifar, widths.map(i64::from));
            let logits = fused.logits(&net, &values, Mode::Evaluation);
            near(&name, &logits, &numbers(&fixture[kind]["logits"]));
            let labels = Tensor::from_slice(&(0..images as i64).collect::<Vec<_>>());
            let gradients = fused.gradients(&net, &logits.cross_entropy_for_logits(&labels));
            for (parameter, gradient) in net.names().iter().zip(&gradients) {
                let expected = numbers(&fixture[kind]["gradients"][parameter]);
                near(&format!("{name} {parameter}"), gradient, &expected);
            }
        }
    }
}

/// The largest difference of two weights.
fn distance(a: &[NamedTensor], b: &[NamedTensor]) -> f32 {
    let values = |all: &[NamedTensor]| all.iter().flat_map(|tensor| tensor.values.clone()).collect::<Vec<f32>>();
    values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// With the same masks: dropout is behind fc1, which LibTorch computes in both engines.
#[test]
fn both_engines_drop_the_same_units() {
    let lenet4 = |dropout| Architecture::lenet4([2, 3, 30], Activations::RELU_TANH, dropout);
    let fused = LaneSettings { epochs: 1, ..settings(lenet4(0.5)) };
    let libtorch = LaneSettings { backend: Backend::Libtorch, epochs: 1, ..settings(lenet4(0.5)) };
    let dense = LaneSettings { epochs: 1, ..settings(lenet4(0.0)) };
    let [ours, oracle, dense] = [&fused, &libtorch, &dense].map(|settings| trained(settings, &MNIST).1.weights);
    let (apart, without) = (distance(&ours, &oracle), distance(&ours, &dense));
    assert!(apart < 1e-4 && without > 1e-2, "{apart}, {without}");
}

/// With the same pictures: our engine moves bytes, LibTorch gets moved inputs.
#[test]
fn both_engines_see_the_same_augmented_images() {
    let arm = Activations::RELU_TANH;
    for (architecture, inputs) in [
        (Architecture::lenet4([2, 3, 30], arm, 0.0), Inputs::Unit),
        (Architecture::convnet([2, 3, 4, 30], arm, 0.0), Inputs::Standardised),
    ] {
        let lane = |backend, augmentation| LaneSettings {
            backend,
            augmentation,
            inputs,
            epochs: 1,
            ..settings(architecture.clone())
        };
        let augmentation = Augmentation { flip: true, crop: 3 };
        let [ours, oracle, plain] = [
            lane(Backend::Fused, augmentation),
            lane(Backend::Libtorch, augmentation),
            lane(Backend::Fused, Augmentation::default()),
        ]
        .map(|settings| trained(&settings, &MNIST));
        assert!(ours.1.environment.backend.starts_with("fused"), "{}", ours.1.environment.backend);
        let (apart, without) =
            (distance(&ours.1.weights, &oracle.1.weights), distance(&ours.1.weights, &plain.1.weights));
        // Both round differently, and an epoch of steps makes that larger.
        assert!(apart < 1e-3 && without > 20.0 * apart, "{inputs:?}: {apart}, {without}");
    }
}

/// Every step's rate is the schedule's: nothing is learned at a rate of 0.
#[test]
fn each_step_has_its_own_rate() {
    let mut first_only = settings(Architecture::mlp(&[10], Activation::Tanh, 0.0));
    first_only.schedule = Box::new(|step| if (step.place.epoch, step.place.batch) == (1, 0) { 1.0 } else { 0.0 });
    let (_, whole) = trained(&first_only, &MNIST);
    let (_, one) = run(&settings(Architecture::mlp(&[10], Activation::Tanh, 0.0)), &MNIST, None, 1);
    assert_eq!(whole.weights, one.last.unwrap().weights);
}

/// One class of images is bright on the left and one on the right, with some noise.
fn write_images(folder: &Path, colours: png::ColorType, (height, width): (u32, u32)) {
    for (class, bright) in [("left", 0), ("right", 1)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for number in 0..60_u32 {
            let file = std::fs::File::create(folder.join(class).join(format!("{number}.png"))).unwrap();
            let mut encoder = png::Encoder::new(file, width, height);
            encoder.set_color(colours);
            let row = width * colours.samples() as u32;
            let base = |at: u32| if 2 * (at % row) / row == bright { 160 } else { 30 };
            let pixels: Vec<u8> = (0..height * row).map(|at| (base(at) + (at * 37 + number * 11) % 60) as u8).collect();
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        }
    }
}

#[test]
fn every_network_learns_from_images_of_any_form() {
    let forms = [(png::ColorType::Grayscale, (8, 8)), (png::ColorType::Rgb, (64, 20)), (png::ColorType::Rgb, (32, 32))];
    for (colours, sides) in forms {
        let folder = tempfile::tempdir().unwrap();
        write_images(folder.path(), colours, sides);
        let data = Dataset::load(&DataSource::Folder(folder.path().to_owned())).unwrap();
        assert_eq!((data.classes().len(), data.split_sizes().train, data.split_sizes().val), (2, 80, 20));
        let (arm, fc) = (Activations::RELU_TANH, Activation::Tanh);
        for (name, architecture) in [
            ("lenet4", Architecture::lenet4([3, 4, 10], arm, 0.0)),
            ("mlp", Architecture::mlp(&[12, 8], fc, 0.0)),
            ("convnet", Architecture::convnet([3, 4, 4, 8], arm, 0.0)),
        ] {
            let sgd = SgdSettings { momentum: 0.9, ..SgdSettings::default() };
            let learning_rate = 0.01;
            let small =
                LaneSettings { train_size: 80, batch: 10, epochs: 8, sgd, learning_rate, ..settings(architecture) };
            let (records, last) = trained(&small, &data);
            let what = format!("{name} on {}", data.shape());
            let best = records.iter().filter_map(|record| record.get(Metric::TestError)).fold(f64::INFINITY, f64::min);
            assert!(
                best < 1.0 && records[7].get(Metric::TrainLoss).unwrap() < records[0].get(Metric::TrainLoss).unwrap(),
                "{what}: {records:?}"
            );
            let backend = if name == "convnet" { "fused (" } else { "libtorch (" };
            assert!(last.environment.backend.starts_with(backend), "{what}: {}", last.environment.backend);
            let logits = last.weights.iter().rfind(|tensor| tensor.name.ends_with("weight")).unwrap();
            assert_eq!(logits.shape[0], 2, "{what}");
        }
    }
}
