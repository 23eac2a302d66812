//! What a convolutional network's start does to its pre-activations, before training and after. Every network is the lane
//! of a study, whose preset describes the start.

use super::bench::{Bench, Part};
use super::mlp::mean;
use super::steepness::{self, Shares};
use super::study_lane::{Images, train_network};
use super::summary::{Absent, Measured};
use super::{ExperimentError, summary};
use crate::data::{Dataset, Split};
use crate::network::Network;
use crate::train::{LaneNetwork, LaneSettings, activation_of};
use protocol::{
    Activation, Activations, ConvStart, DataSource, Figure, Finding, Lane, NetworkStart, Outcome, PlotPlace,
    PlotSeries, Source, Stroke, Study, Table, Widths, format_count,
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::Tensor;

const LAYERS: [&str; 4] = ["conv1", "conv2", "conv3", "fc1"];

/// Images per measuring pass.
const CHUNK: i64 = 100;

/// A start with an activation; its networks differ in the seed.
#[derive(Clone, Copy)]
struct Arm {
    start: NetworkStart,
    activation: Activation,
}

impl Arm {
    /// Its name in findings: `glorot.relu`.
    fn key(self) -> String {
        format!("{}.{}", self.start.name(), self.activation)
    }

    fn title(self) -> String {
        format!("{}, {}", self.start.title(), self.activation.title())
    }
}

/// Before the first step, or after the last.
#[derive(Clone, Copy)]
enum Time {
    Before,
    After,
}

/// Means over a layer's pre-activations z, all images and units together.
#[derive(Clone, Copy, Debug)]
struct LayerMeans {
    z_square: f64,
    shares: Shares,
    /// Of dLoss/dz, the loss being that of the unit's own image.
    gradient_square: f64,
}

impl LayerMeans {
    const ZERO: Self = Self { z_square: 0.0, shares: Shares { flat: 0.0, steep: 0.0 }, gradient_square: 0.0 };

    /// Adds the means of some of the images, which are this share of all.
    fn add(&mut self, part: &Self, share: f64) {
        self.z_square += share * part.z_square;
        self.shares.flat += share * part.shares.flat;
        self.shares.steep += share * part.shares.steep;
        self.gradient_square += share * part.gradient_square;
    }

    fn rms(&self) -> f64 {
        self.z_square.sqrt()
    }

    fn gradient(&self) -> f64 {
        self.gradient_square.sqrt()
    }
}

type Layers = [LayerMeans; LAYERS.len()];

/// What is known of a network so far.
#[derive(Clone, Default)]
struct History {
    before: Option<Layers>,
    /// Training error by epoch, in percent.
    errors: Vec<f64>,
    after: Option<Result<Layers, Absent>>,
}

impl History {
    fn measured(&self, time: Time, pick: impl Fn(&Layers) -> f64) -> Measured {
        let layers = match time {
            Time::Before => self.before.map(Ok),
            Time::After => self.after,
        };
        let layers = layers.unwrap_or(Err(Absent::Undefined("it is not measured yet")))?;
        summary::number(pick(&layers), "its sums are not finite")
    }

    /// The training error of the last epoch.
    fn end(&self) -> Measured {
        match self.after {
            Some(Err(absent)) => Err(absent),
            _ => self.errors.last().copied().ok_or(Absent::Undefined("it is not trained yet")),
        }
    }
}

pub fn run(settings: &ConvStart, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let (images, seeds) = (Images::load(bench)?, bench.seeds);
    let sizes = settings.sizes(bench.effort);
    let epochs = sizes.1;
    let arms: Vec<Arm> = settings
        .starts
        .iter()
        .flat_map(|&start| settings.activations.iter().map(move |&activation| Arm { start, activation }))
        .collect();
    let networks: Vec<(usize, Arm, u64)> = arms
        .iter()
        .flat_map(|&arm| seeds.iter().map(move |&seed| (arm, seed)))
        .enumerate()
        .map(|(at, (arm, seed))| (at, arm, seed))
        .collect();
    let histories = Mutex::new(vec![History::default(); networks.len()]);
    let work = |&(at, arm, seed): &(usize, Arm, u64), part: &Part| {
        let settings = lane_settings(arm, &images.source, &sizes, seed)?;
        train(&settings, seed, &images.data, &Record { histories: &histories, at, part })
    };
    let report = |is_done: bool| {
        let histories = lock(&histories);
        let arms: Vec<(Arm, &[History])> = arms.iter().copied().zip(histories.chunks(seeds.len())).collect();
        report(&arms, &settings.activations, seeds, epochs, &images, is_done)
    };
    bench.each(&format!("training on {}", images.title), &networks, work, |_| Some(report(false)))?;
    Ok(report(true))
}

/// Where a network in training writes its history, for the reader to see meanwhile.
struct Record<'a> {
    histories: &'a Mutex<Vec<History>>,
    at: usize,
    part: &'a Part<'a>,
}

impl Record<'_> {
    fn update(&self, change: impl FnOnce(&mut History)) {
        change(&mut lock(self.histories)[self.at]);
        self.part.mark_changed();
    }
}

fn lock(histories: &Mutex<Vec<History>>) -> MutexGuard<'_, Vec<History>> {
    histories.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The settings of a network: those of a study with its arm alone.
fn lane_settings(
    arm: Arm,
    source: &DataSource,
    (images, epochs, widths): &(u32, u32, Widths),
    seed: u64,
) -> Result<LaneSettings, ExperimentError> {
    let study = Study {
        seeds: vec![seed],
        epochs: *epochs,
        train_size: *images,
        val_size: ConvStart::MEASURED,
        data: source.clone(),
        ..Study::of(arm.start.preset())
    };
    let activations = Activations { conv: arm.activation, fc: arm.activation };
    let study = study.with_arms([activations]).with_shared(|settings| settings.widths = widths.clone());
    study.check()?;
    Ok(LaneSettings::new(&study, Lane { arm: study.arms[0].id, seed })?)
}

/// Measures a network, trains it and measures it again.
fn train(settings: &LaneSettings, seed: u64, data: &Dataset, record: &Record) -> Result<(), ExperimentError> {
    let part = record.part;
    settings.check(data)?;
    let net = settings.network(data.shape(), data.classes().len(), seed);
    let mut network = LaneNetwork::new(settings, net, data, seed);
    let shown = data.validation(settings.val_size);
    let before = measure(&network, &shown, part)?;
    record.update(|history| history.before = Some(before));
    let trained = train_network(settings, &mut network, seed, part, |error| {
        record.update(|history| history.errors.push(error));
    })?;
    let after = match trained {
        Ok(()) => Ok(measure(&network, &shown, part)?),
        Err(absent) => Err(absent),
    };
    record.update(|history| history.after = Some(after));
    Ok(())
}

/// The layers of a network over all images of a split.
fn measure(network: &LaneNetwork, shown: &Split, part: &Part) -> Result<Layers, ExperimentError> {
    let engine = &network.engine;
    let mut layers = [LayerMeans::ZERO; LAYERS.len()];
    // A part of the images at a time, as the maps of all would take hundreds of megabytes.
    for start in (0..shown.len()).step_by(CHUNK as usize) {
        part.poll()?;
        let count = CHUNK.min(shown.len() - start);
        let pick: Vec<i64> = (start..start + count).collect();
        let x = shown.inputs(&pick, engine.net.architecture.padding, &engine.preprocessing);
        let share = count as f64 / shown.len() as f64;
        let means = layer_means(&engine.net, &x, &shown.labels.narrow(0, start, count));
        layers.iter_mut().zip(&means).for_each(|(layer, means)| layer.add(means, share));
    }
    Ok(layers)
}

/// The means of each hidden layer for images (count, channels, height, width) and their labels (count).
fn layer_means(net: &Network, x: &Tensor, labels: &Tensor) -> Vec<LayerMeans> {
    let (hidden, logits) = net.trace(x);
    // In the sum of all losses, each image affects its own alone.
    let loss = logits.cross_entropy_for_logits(labels) * labels.size()[0] as f64;
    let z: Vec<&Tensor> = hidden.iter().map(|layer| &layer.z).collect();
    let gradients = Tensor::run_backward(&[&loss], &z, false, false);
    let means = hidden.iter().zip(&gradients).map(|(layer, gradient)| {
        let phi = layer.name.parse().map_or(net.architecture.activations.conv, |name| activation_of(net, name));
        let z = layer.z.detach();
        let square = |values: &Tensor| mean(&values.to_kind(tch::Kind::Double).square());
        LayerMeans { z_square: square(&z), shares: steepness::shares(phi, &z), gradient_square: square(gradient) }
    });
    means.collect()
}

/// The plots of what is known, and in the end the tables and the findings.
fn report(
    arms: &[(Arm, &[History])],
    activations: &[Activation],
    seeds: &[u64],
    epochs: u32,
    images: &Images,
    is_done: bool,
) -> Outcome {
    let rms: Vec<(Arm, [Vec<Finding>; 2])> = arms
        .iter()
        .map(|&(arm, histories)| (arm, [Time::Before, Time::After].map(|time| rms(arm, histories, time, seeds))))
        .collect();
    let of = |phi: Activation| rms.iter().filter(move |(arm, _)| arm.activation == phi);
    let mut figures: Vec<Figure> = activations.iter().map(|&phi| layers_plot(phi, of(phi), epochs)).collect();
    let ends: Vec<Finding> = arms.iter().map(|&(arm, histories)| end(arm, histories, seeds)).collect();
    figures.push(errors_plot(arms, &ends, epochs));
    if !is_done {
        return Outcome { figures, ..Outcome::default() };
    }
    figures.push(table(format!("{}: layers before training", images.title), arms, Time::Before));
    let after = format!("{}: layers after {}", images.title, format_count(epochs as usize, "epoch"));
    figures.push(table(after, arms, Time::After));
    let mut findings: Vec<Finding> = rms.into_iter().flat_map(|(_, times)| times.into_iter().flatten()).collect();
    findings.extend(ends);
    findings.extend(arms.iter().map(|&(arm, histories)| gradient(arm, histories, seeds)));
    findings.push(images.finding("conv-start.cifar10"));
    Outcome { figures, findings, seconds: 0.0 }
}

/// The RMS of each layer's pre-activations.
fn rms(arm: Arm, histories: &[History], time: Time, seeds: &[u64]) -> Vec<Finding> {
    let (name, when) = match time {
        Time::Before => ("rms", "before training"),
        Time::After => ("rms-end", "after training"),
    };
    let layers = LAYERS.iter().enumerate().map(|(at, layer)| {
        let values: Vec<Measured> =
            histories.iter().map(|history| history.measured(time, |layers| layers[at].rms())).collect();
        let subject = format!("{}: pre-activations of {layer} {when}", arm.title());
        let says = |rms: f64| format!("{subject} have an RMS of {}", significant(rms));
        let key = format!("conv-start.{name}.{}.{layer}", arm.key());
        summary::finding(key, &subject, &values, seeds, says).tabled()
    });
    layers.collect()
}

/// The training error of the last epoch.
fn end(arm: Arm, histories: &[History], seeds: &[u64]) -> Finding {
    let values: Vec<Measured> = histories.iter().map(History::end).collect();
    let title = arm.title();
    let says = |error: f64| format!("{title}: {error:.1} % training error in the last epoch");
    summary::finding(format!("conv-start.error.{}", arm.key()), &title, &values, seeds, says)
}

/// How much of the gradient at fc1 is left at conv1, before training.
fn gradient(arm: Arm, histories: &[History], seeds: &[u64]) -> Finding {
    let ratio = |layers: &Layers| layers[0].gradient() / layers[LAYERS.len() - 1].gradient();
    let values: Vec<Measured> = histories.iter().map(|history| history.measured(Time::Before, ratio)).collect();
    let title = arm.title();
    let says = |ratio: f64| {
        format!("{title}: before training, the gradient at conv1 is {} times that at fc1", significant(ratio))
    };
    summary::finding(format!("conv-start.gradient.{}", arm.key()), &title, &values, seeds, says)
}

/// The layers of one activation's networks: of each start, before training and after it.
fn layers_plot<'a>(phi: Activation, arms: impl Iterator<Item = &'a (Arm, [Vec<Finding>; 2])>, epochs: u32) -> Figure {
    let (mut series, mut places) = (Vec::new(), Vec::new());
    for (arm, times) in arms {
        for (findings, epoch) in times.iter().zip([0, epochs]) {
            // A log axis can't show 0, which becomes a gap.
            let shown: Vec<(f64, Option<&Finding>)> = (1..)
                .zip(findings)
                .map(|(layer, finding)| {
                    (f64::from(layer), Some(finding).filter(|finding| finding.value.is_some_and(|rms| rms > 0.0)))
                })
                .collect();
            if shown.iter().all(|(_, finding)| finding.is_none()) {
                continue;
            }
            let point = |&(x, finding): &(f64, Option<&Finding>)| (x, finding.and_then(|finding| finding.value));
            let name = format!("{}, epoch {epoch}", arm.start.title());
            let points = shown.iter().map(point).collect();
            let curve = summary::curve_with_gaps(name, Source::Measured, Stroke::Both, points);
            let spread: Vec<Option<f64>> =
                shown.iter().map(|(_, finding)| finding.and_then(|finding| finding.spread)).collect();
            series.push(with_spread(curve, spread));
            places
                .extend(shown.iter().filter_map(|&(x, finding)| Some(PlotPlace { finding: finding?.key.clone(), x })));
        }
    }
    let x = summary::axis("layer: conv1, conv2, conv3, fc1");
    let title = format!("{}: pre-activations by layer", phi.title());
    let mut plot = summary::plot(title, x, summary::log_axis("RMS of z"), series);
    plot.places = places;
    Figure::Plot(plot)
}

/// Training error by epoch, of each arm the mean over its seeds.
fn errors_plot(arms: &[(Arm, &[History])], ends: &[Finding], epochs: u32) -> Figure {
    let series = arms.iter().filter_map(|(arm, histories)| {
        // The epoch in which a network diverged is a gap.
        let length = |history: &History| history.errors.len() + usize::from(matches!(history.after, Some(Err(_))));
        let known = histories.iter().map(length).max().filter(|known| *known > 0)?;
        let at = |epoch: usize| {
            let values: Vec<f64> = histories.iter().filter_map(|history| history.errors.get(epoch).copied()).collect();
            summary::mean_and_spread(&values)
        };
        let points = (0..known).map(|epoch| ((epoch + 1) as f64, at(epoch).0)).collect();
        let curve = summary::curve_with_gaps(arm.title(), Source::Measured, Stroke::Both, points);
        Some(with_spread(curve, (0..known).map(|epoch| at(epoch).1).collect()))
    });
    let series: Vec<PlotSeries> = series.collect();
    let y = summary::axis("training error, %");
    let mut plot = summary::plot("Training error by start", summary::axis("epoch"), y, series);
    // The mean of the curve's last point is over the same seeds unless one diverged.
    let is_whole =
        |(_, histories): &&(Arm, &[History])| histories.iter().all(|history| matches!(history.after, Some(Ok(_))));
    let whole = arms.iter().zip(ends).filter(|(arm, _)| is_whole(arm));
    plot.places = whole.map(|(_, end)| PlotPlace { finding: end.key.clone(), x: f64::from(epochs) }).collect();
    Figure::Plot(plot)
}

/// The curve with its spread, if a point has one.
fn with_spread(curve: PlotSeries, spread: Vec<Option<f64>>) -> PlotSeries {
    if spread.iter().any(Option::is_some) { PlotSeries { spread, ..curve } } else { curve }
}

fn table(title: String, arms: &[(Arm, &[History])], time: Time) -> Figure {
    let mut rows = Vec::new();
    for (arm, histories) in arms {
        for (at, layer) in LAYERS.iter().enumerate() {
            let mean = |pick: fn(&LayerMeans) -> f64| {
                let values: Vec<Measured> =
                    histories.iter().map(|history| history.measured(time, |layers| pick(&layers[at]))).collect();
                summary::mean(&values)
            };
            let cell = |value: Option<f64>, print: fn(f64) -> String| value.map_or("-".into(), print);
            rows.push(vec![
                arm.title(),
                (*layer).to_string(),
                cell(mean(LayerMeans::rms), significant),
                summary::cell(mean(|means| means.shares.steep), 1),
                summary::cell(mean(|means| means.shares.flat), 1),
                cell(mean(LayerMeans::gradient), |gradient| format!("{gradient:.1e}")),
            ]);
        }
    }
    let columns = ["network", "layer", "RMS of z", "steep %", "flat %", "dLoss/dz"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    Figure::Table(Table { title, columns, rows, sources, places: Vec::new() })
}

/// Three significant digits of a number that is not negative.
fn significant(value: f64) -> String {
    if value > 0.0 && value < 1e-6 {
        return format!("{value:.2e}");
    }
    let decimals = if value > 0.0 { (2.0 - value.log10().floor()).max(0.0) as usize } else { 0 };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ImageShape;
    use crate::network::Architecture;
    use crate::random::{Purpose, Random};
    use protocol::{Init, Inputs, Parameter};
    use std::collections::HashMap;
    use tch::Kind;

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 8, width: 8 };

    /// Square maps, or single units.
    type Maps = Vec<Vec<f64>>;

    /// The layers of a network in plain arithmetic, for one image.
    struct ByHand {
        parameters: HashMap<String, Vec<f64>>,
        phi: fn(f64) -> f64,
    }

    impl ByHand {
        fn new(net: &Network, phi: fn(f64) -> f64) -> Self {
            let doubles = |values: &[f32]| values.iter().copied().map(f64::from).collect();
            let parameters =
                net.weights().iter().map(|tensor| (tensor.name.clone(), doubles(&tensor.values))).collect();
            Self { parameters, phi }
        }

        fn weights_and_biases(&self, layer: &str) -> [&[f64]; 2] {
            ["weight", "bias"].map(|what| self.parameters[&format!("{layer}.{what}")].as_slice())
        }

        /// Kernels of 5x5, with zeros around the maps.
        fn convolution(&self, layer: &str, x: &Maps) -> Maps {
            let [w, b] = self.weights_and_biases(layer);
            let (side, inputs) = (x[0].len().isqrt(), x.len());
            let value = |map: usize, at: usize| {
                let mut sum = b[map];
                for (from, pixels) in x.iter().enumerate() {
                    for kernel in 0..25 {
                        let (row, column) = (at / side + kernel / 5, at % side + kernel % 5);
                        if (2..side + 2).contains(&row) && (2..side + 2).contains(&column) {
                            sum += w[(map * inputs + from) * 25 + kernel] * pixels[(row - 2) * side + column - 2];
                        }
                    }
                }
                sum
            };
            (0..b.len()).map(|map| (0..side * side).map(|at| value(map, at)).collect()).collect()
        }

        /// Units, each as a map of one value.
        fn dense(&self, layer: &str, x: &Maps) -> Maps {
            let [w, b] = self.weights_and_biases(layer);
            let x: Vec<f64> = x.concat();
            let value = |unit: usize| b[unit] + w[unit * x.len()..].iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
            (0..b.len()).map(|unit| vec![value(unit)]).collect()
        }

        /// The pre-activations of the first layer.
        fn first(&self, image: &Maps) -> Maps {
            pool(&self.convolution("conv1", image), |window| window.iter().copied().fold(f64::MIN, f64::max))
        }

        /// The pre-activations of the next layer, behind those of a hidden one.
        fn next(&self, layer: usize, z: &Maps) -> Maps {
            let y: Maps = z.iter().map(|map| map.iter().map(|&z| (self.phi)(z)).collect()).collect();
            let average = |window: &[f64]| window.iter().sum::<f64>() / window.len() as f64;
            match layer {
                0 => self.convolution("conv2", &y),
                1 => self.convolution("conv3", &pool(&y, average)),
                2 => self.dense("fc1", &pool(&y, average)),
                _ => self.dense("fc2", &y),
            }
        }

        /// The loss of an image whose hidden layer has these pre-activations.
        fn loss(&self, layer: usize, z: &Maps, label: usize) -> f64 {
            let logits = (layer..LAYERS.len()).fold(z.clone(), |z, layer| self.next(layer, &z));
            logits.iter().map(|logit| logit[0].exp()).sum::<f64>().ln() - logits[label][0]
        }

        /// The gradient of the loss with respect to z, by differences.
        fn gradients(&self, layer: usize, z: &Maps, label: usize) -> Vec<f64> {
            const STEP: f64 = 1e-5;
            let places = z.iter().enumerate().flat_map(|(map, values)| (0..values.len()).map(move |at| (map, at)));
            let moved = |map: usize, at: usize, by: f64| {
                let mut z = z.clone();
                z[map][at] += by;
                self.loss(layer, &z, label)
            };
            places.map(|(map, at)| (moved(map, at, STEP) - moved(map, at, -STEP)) / (2.0 * STEP)).collect()
        }
    }

    /// Windows of 3x3, two apart, smaller at the end.
    fn pool(x: &Maps, reduce: impl Fn(&[f64]) -> f64) -> Maps {
        let side = x[0].len().isqrt();
        let half = side.div_ceil(2);
        let window = |map: &[f64], at: usize| -> Vec<f64> {
            let (top, left) = (at / half * 2, at % half * 2);
            let rows = top..(top + 3).min(side);
            rows.flat_map(|row| &map[row * side + left..row * side + (left + 3).min(side)]).copied().collect()
        };
        x.iter().map(|map| (0..half * half).map(|at| reduce(&window(map, at))).collect()).collect()
    }

    fn network(widths: [u32; 4], phi: Activation, init: Init) -> Network {
        let architecture = Architecture::convnet(widths, Activations { conv: phi, fc: phi }, 0.0);
        Network::new(architecture, SHAPE, 10, init, 1)
    }

    /// Images with values of about this size.
    fn images(count: usize, size: f32) -> Vec<Maps> {
        let mut random = Random::new(5, Purpose::Experiment { number: 0 });
        let mut map =
            || (0..SHAPE.height * SHAPE.width).map(|_| f64::from(random.normal() * size)).collect::<Vec<f64>>();
        (0..count).map(|_| (0..SHAPE.channels).map(|_| map()).collect()).collect()
    }

    fn tensor(images: &[Maps]) -> Tensor {
        let values: Vec<f64> = images.iter().flatten().flatten().copied().collect();
        let [channels, height, width] = [SHAPE.channels, SHAPE.height, SHAPE.width].map(|size| size as i64);
        Tensor::from_slice(&values).view([-1, channels, height, width]).to_kind(Kind::Float)
    }

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-4 * expected, "{found}, not {expected}");
    }

    /// RMS, shares and gradients of every layer in plain arithmetic, from the weights and the images.
    #[test]
    fn layers_are_measured_as_their_numbers_say() {
        type Phi = fn(f64) -> f64;
        let labels = [7, 2, 0];
        let relu: [Phi; 2] = [|z| z.max(0.0), |z| f64::from(z > 0.0)];
        let tanh: [Phi; 2] = [f64::tanh, |z| z.cosh().powi(-2)];
        for (activation, [phi, slope]) in [(Activation::Relu, relu), (Activation::Tanh, tanh)] {
            let net = network([2, 3, 4, 5], activation, Init::He);
            let images = images(labels.len(), 2.0);
            let by_hand = ByHand::new(&net, phi);
            let means = layer_means(&net, &tensor(&images), &Tensor::from_slice(&labels.map(|label| label as i64)));
            let mut z: Vec<Maps> = images.iter().map(|image| by_hand.first(image)).collect();
            for (layer, found) in means.iter().enumerate() {
                let all: Vec<f64> = z.iter().flatten().flatten().copied().collect();
                let mean = |of: &dyn Fn(f64) -> f64| all.iter().map(|&z| of(z)).sum::<f64>() / all.len() as f64;
                near(found.rms(), mean(&|z| z * z).sqrt());
                near(found.shares.flat, 100.0 * mean(&|z| f64::from(slope(z) < 0.05)));
                near(found.shares.steep, 100.0 * mean(&|z| f64::from(slope(z) >= 0.5)));
                let each = z.iter().zip(labels).flat_map(|(z, label)| by_hand.gradients(layer, z, label));
                near(found.gradient(), (each.map(|gradient| gradient.powi(2)).sum::<f64>() / all.len() as f64).sqrt());
                z = z.iter().map(|z| by_hand.next(layer, z)).collect();
            }
            assert_eq!(means.len(), LAYERS.len());
        }
    }

    /// A sum of n products with weights of deviation s has the deviation s sqrt(sum of the inputs' mean squares).
    #[test]
    fn fresh_weights_scale_their_inputs() {
        let deviation = 0.03;
        let net = network([4, 4, 8, 4000], Activation::Tanh, Init::Normal(Parameter::new(deviation)));
        let x = tensor(&images(20, 50.0));
        let means = layer_means(&net, &x, &Tensor::zeros([20], (Kind::Int64, tch::Device::Cpu)));
        let conv3 = &net.trace(&x).0[2].y;
        // One pixel of each map is left.
        let pooled = conv3.avg_pool2d(3, 2, 0, true, true, None::<i64>).flatten(1, -1);
        let squares = pooled.square().mean_dim(0, false, Kind::Double).sum(Kind::Double).double_value(&[]);
        let expected = deviation * squares.sqrt();
        assert!((means[3].rms() / expected - 1.0).abs() < 0.05, "{}, not {expected}", means[3].rms());
    }

    #[test]
    fn a_start_is_what_its_preset_says() {
        let settings = |start, activation| {
            let arm = Arm { start, activation };
            lane_settings(arm, &DataSource::Cifar10, &(400, 2, Widths(vec![1, 2, 3, 4])), 5).unwrap()
        };
        let cuda = settings(NetworkStart::CudaConvnet, Activation::Tanh);
        assert_eq!((cuda.init, cuda.inputs), (Init::CudaConvnet, Inputs::MeanImage));
        let rates =
            |settings: &LaneSettings| vec![settings.learning_rate, settings.sgd.bias_rate, settings.sgd.momentum];
        assert_eq!(rates(&cuda), [0.001, 2.0, 0.9]);
        let glorot = settings(NetworkStart::Glorot, Activation::Relu);
        assert_eq!((glorot.init, glorot.inputs), (Init::Xavier, Inputs::Standardised));
        assert_eq!(rates(&glorot), [0.01, 1.0, 0.9]);
        for (settings, phi) in [(cuda, Activation::Tanh), (glorot, Activation::Relu)] {
            let activations = Activations { conv: phi, fc: phi };
            assert_eq!(settings.architecture, Architecture::convnet([1, 2, 3, 4], activations, 0.0));
            assert_eq!((settings.batch, settings.epochs, settings.train_size, settings.val_size), (128, 2, 400, 500));
        }
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        let all = [12.34, 1.234, 0.012_34, 0.000_123_4, 123.4, 1234.0, 0.0, 1.234e-8].map(significant);
        assert_eq!(all, ["12.3", "1.23", "0.0123", "0.000123", "123", "1234", "0", "1.23e-8"]);
    }
}
