//! The activation's share of a training step: whole steps of three networks, timed in turn with the activation's own
//! kernels on tensors of the same sizes.

use super::clock::{median_and_spread, rotated, seconds};
use super::way::Way;
use crate::activation;
use crate::data::{Padding, Preprocessing, Split};
use crate::engine::Engine;
use crate::experiment::{ExperimentError, bench::Bench, summary};
use crate::network::{Architecture, Mode, Network};
use crate::optim::{Sgd, SgdSettings};
use crate::train::{BatchPlace, Objective, step};
use protocol::{Activation, Activations, Backend, Figure, Finding, Init, Source, Table};
use tch::{Kind, Tensor};

/// Images per step.
const BATCH: i64 = 100;
/// Too small to change what is timed.
const LEARNING_RATE: f64 = 1e-4;

/// A network with one activation throughout.
struct Subject {
    /// The network's name, and its name in findings.
    net: (&'static str, &'static str),
    activation: Activation,
    step: Box<dyn FnMut()>,
    /// What a step calls: the kernels, the pre-activations, and a gradient of their size.
    calls: Vec<(Way, Tensor, Tensor)>,
    /// The times of every round: a step, and the calls.
    times: Vec<(f64, f64)>,
}

/// Percentages and milliseconds, one row for each network and activation.
pub fn measure(
    activations: &[Activation],
    rounds: u32,
    bench: &mut Bench,
    from: f64,
) -> Result<(Figure, Vec<Finding>), ExperimentError> {
    let data = bench.mnist()?;
    let batch = data.test().narrow(0, BATCH);
    let mut subjects = Vec::new();
    for &phi in activations {
        subjects.push(mlp(phi, &batch));
        subjects.push(lenet(phi, Backend::Libtorch, &batch));
        subjects.push(lenet(phi, Backend::Fused, &batch));
    }
    // Round 0 warms up the caches and LibTorch and is not counted.
    for round in 0..=rounds {
        for at in rotated(round as usize, subjects.len()) {
            let subject = &mut subjects[at];
            let done = f64::from(round) / f64::from(rounds + 1);
            bench.step(from + (1.0 - from) * done, &format!("a step of {}", subject.net.0))?;
            let calls = &subject.calls;
            let step = seconds(1, &mut subject.step);
            let _guard = tch::no_grad_guard();
            let kernels = seconds(1, || {
                for (way, z, g) in calls {
                    let (_out, kept) = way.forward(z);
                    drop(way.backward(&kept, g));
                }
            });
            if round > 0 {
                subject.times.push((step, kernels));
            }
        }
    }
    Ok(report(&mut subjects))
}

fn report(subjects: &mut [Subject]) -> (Figure, Vec<Finding>) {
    subjects.sort_by_key(|subject| subject.net.0);
    let relu: Vec<(&str, Vec<f64>)> = subjects
        .iter()
        .filter(|subject| subject.activation == Activation::Relu)
        .map(|subject| (subject.net.0, subject.times.iter().map(|(step, _)| *step).collect()))
        .collect();
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for Subject { net: (net, name), activation: phi, times, .. } in subjects {
        let (step, spread) = median_and_spread(&times.iter().map(|(step, _)| 1e3 * step).collect::<Vec<_>>());
        let shares: Vec<f64> = times.iter().map(|(step, kernels)| 100.0 * kernels / step).collect();
        let (share, share_spread) = median_and_spread(&shares);
        let against = relu.iter().find(|(other, _)| other == net).map(|(_, relu)| {
            let ratios: Vec<f64> = times.iter().zip(relu).map(|((step, _), relu)| step / relu).collect();
            median_and_spread(&ratios)
        });
        if let Some((ratio, spread)) = against.filter(|_| *phi != Activation::Relu) {
            let text = format!("{net}, {}: a step takes {ratio:.2} times as long as with ReLU", phi.title());
            let key = format!("activation-cost.step.{name}.{phi}");
            findings.push(Finding { spread: Some(spread), ..summary::exact(key, ratio, text) }.tabled());
        }
        rows.push(vec![
            (*net).to_string(),
            phi.title().into(),
            format!("{step:.2}+-{spread:.2}"),
            against.map_or("-".into(), |(ratio, spread)| format!("{ratio:.2}+-{spread:.2}")),
            format!("{share:.1}+-{share_spread:.1}"),
        ]);
        let text = format!("{net}, {}: of a step of {step:.2} ms the activation is {share:.1} %", phi.title());
        let key = format!("activation-cost.share.{name}.{phi}");
        findings.push(Finding { spread: Some(share_spread), ..summary::exact(key, share, text) }.tabled());
    }
    let columns = ["network", "activation", "step, ms", "of ReLU's", "activation, %"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let title = format!("A step of {BATCH} images and the activation's share");
    (Figure::Table(Table { title, columns, rows, sources, places: Vec::new() }), findings)
}

/// 784-1000-1000-1000-10, the size of Glorot's networks of 2011.
fn mlp(phi: Activation, batch: &Split) -> Subject {
    let architecture = Architecture { padding: Padding::NONE, ..Architecture::mlp(&[1000; 3], phi, 0.0) };
    let net = network(architecture, batch).with_fast_activations();
    let calls = (0..3).map(|_| call(fast(phi), BATCH * 1000)).collect();
    let step = steps(net, Backend::Libtorch, batch);
    Subject { net: ("MLP, 3 x 1000", "mlp"), activation: phi, step, calls, times: Vec::new() }
}

/// The article's LeNet-4, by LibTorch or with its convolutions and its first fully connected layer fused.
fn lenet(phi: Activation, backend: Backend, batch: &Split) -> Subject {
    let activations = Activations { conv: phi, fc: phi };
    let net = network(Architecture::lenet4([4, 16, 120], activations, 0.0), batch);
    // 4 maps of 14 x 14, 16 of 5 x 5, 120 units.
    let sizes = [BATCH * 4 * 14 * 14, BATCH * 16 * 5 * 5, BATCH * 120];
    let (name, [convolution, unit]) = match backend {
        Backend::Libtorch => (("LeNet-4, LibTorch", "lenet4"), [Way::Of(phi); 2]),
        Backend::Fused => (("LeNet-4, fused", "lenet4-fused"), [Way::Of(activation::factored(phi).core), fast(phi)]),
    };
    let ways = [convolution, convolution, unit];
    let calls = ways.into_iter().zip(sizes).map(|(way, size)| call(way, size)).collect();
    Subject { net: name, activation: phi, step: steps(net, backend, batch), calls, times: Vec::new() }
}

fn network(architecture: Architecture, batch: &Split) -> Network {
    Network::new(architecture, batch.shape(), 10, Init::Xavier, 1)
}

/// The same batch at every step.
struct OneBatch {
    engine: Engine,
    split: Split,
}

impl Objective for OneBatch {
    fn loss(&mut self, pick: &[i64], _: BatchPlace) -> Tensor {
        self.engine.logits(&self.split, pick, Mode::Evaluation).cross_entropy_for_logits(&self.split.labels)
    }

    fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        self.engine.gradients(loss)
    }

    fn parameters(&mut self) -> &mut [Tensor] {
        &mut self.engine.net.parameters
    }
}

fn steps(net: Network, backend: Backend, batch: &Split) -> Box<dyn FnMut()> {
    let split = batch.narrow(0, BATCH);
    let engine = Engine::new(net, split.shape(), Preprocessing::Unit, backend, 1);
    let mut batch = OneBatch { engine, split };
    let pick: Vec<i64> = (0..BATCH).collect();
    let mut sgd = Sgd::new(SgdSettings::default(), batch.engine.net.names());
    Box::new(move || {
        step(&mut batch, &mut sgd, LEARNING_RATE, &pick, BatchPlace { epoch: 1, batch: 0 });
    })
}

/// As `activation::apply_fast` has it.
fn fast(phi: Activation) -> Way {
    if phi == Activation::Tanh { Way::TanhBySigmoid } else { Way::Of(phi) }
}

fn call(way: Way, elements: i64) -> (Way, Tensor, Tensor) {
    let normal = || Tensor::randn([elements], (Kind::Float, tch::Device::Cpu));
    (way, normal(), normal())
}
