//! A deep network in training. With some activations and initial weights it learns, with others its loss stays at that
//! of guessing.

use super::bench::{Bench, Part};
use super::mean_field::Wide;
use super::mlp::{self, Recipe, Training, labelled, layers, mean, mlp, train};
use super::summary::{Absent, Measured};
use super::{ExperimentError, summary};
use crate::activation;
use crate::network::{Layer, Network};
use crate::random::{Purpose, Random};
use protocol::{Activation, Centre, DeepCase, DeepTraining, Figure, Finding, Outcome, Source, Stroke, Table};
use std::sync::{Mutex, PoisonError};
use tch::{Kind, Tensor};

const BATCH: u32 = 50;
/// Images for the validation error, from the end of the training file; no training uses them.
const VALIDATION: i64 = 5000;
/// Loss and error, in percent, of a network that gives every digit the same probability.
const GUESSING: (f64, f64) = (std::f64::consts::LN_10, 90.0);
/// Below this share of the loss of guessing a network counts as learning.
const LEARNS: f64 = 0.95;

/// One network in training.
struct ArmId {
    case: DeepCase,
    /// Its index among the learning rates.
    rate: usize,
    seed: u64,
}

/// The results of one network.
#[derive(Clone, Debug, Default)]
struct History {
    /// Mean loss of each epoch's batches, and the error after it in percent.
    epochs: Vec<(f64, f64)>,
    /// Why there are no more: the network diverged.
    absent: Option<Absent>,
}

impl History {
    fn has_begun(&self) -> bool {
        !self.epochs.is_empty() || self.absent.is_some()
    }

    /// The value of the last epoch; none for a network that diverged.
    fn end(&self, pick: fn(&(f64, f64)) -> f64) -> Measured {
        match self.absent {
            Some(absent) => Err(absent),
            None => self.epochs.last().map(pick).ok_or(Absent::Undefined("it has not begun")),
        }
    }
}

/// Records each epoch, for the reader to see while the network learns.
struct Watch<'a> {
    part: &'a Part<'a>,
    courses: &'a Mutex<Vec<History>>,
    at: usize,
    validation: (Tensor, Tensor),
}

impl Recipe for Watch<'_> {
    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(done)
    }

    fn after_epoch(&mut self, net: &Network, _: u32, loss: f64) -> Result<(), ExperimentError> {
        let (images, labels) = &self.validation;
        let error = mlp::error(net, images, labels);
        self.courses.lock().unwrap_or_else(PoisonError::into_inner)[self.at].epochs.push((loss, error));
        self.part.mark_changed();
        Ok(())
    }
}

pub fn run(settings: &DeepTraining, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (images, epochs) = settings.amount(bench.effort);
    let seeds = bench.seeds;
    let mut arms = Vec::new();
    for &case in &settings.cases {
        for rate in 0..settings.learning_rates.len() {
            arms.extend(seeds.iter().map(|&seed| ArmId { case, rate, seed }));
        }
    }
    let mut sizes = vec![i64::from(settings.width); settings.depth as usize + 2];
    sizes[0] = 784;
    sizes[settings.depth as usize + 1] = 10;
    let courses = Mutex::new(vec![History::default(); arms.len()]);
    let work = |at: &usize, part: &Part| {
        let ArmId { case, rate, seed } = arms[*at];
        let mut net = build(case, &sizes, seed);
        let (x, labels) = labelled(data.training(), images);
        let kept_apart = data.training().narrow(data.training().len() - VALIDATION, VALIDATION);
        let validation = labelled(&kept_apart, VALIDATION as u32);
        let how = Training { epochs, batch: BATCH, learning_rate: settings.learning_rates[rate], momentum: 0.0, seed };
        let trained = train(&mut net, &x, &labels, &how, &mut Watch { part, courses: &courses, at: *at, validation })?;
        courses.lock().unwrap_or_else(PoisonError::into_inner)[*at].absent = trained.err();
        Ok(())
    };
    let brightness = mean(&labelled(data.training(), 1000).0.square());
    let factors: Vec<f64> = settings.cases.iter().map(|&case| theory(case, settings, brightness)).collect();
    let outcome = || {
        let courses = courses.lock().unwrap_or_else(PoisonError::into_inner);
        report(settings, seeds, &arms, &courses, (epochs, &factors))
    };
    let doing = format!("{} networks of {} hidden layers", arms.len(), settings.depth);
    let numbers: Vec<usize> = (0..arms.len()).collect();
    bench.each(&doing, &numbers, work, |_| Some(outcome()))?;
    Ok(outcome())
}

/// The network of a case before training.
fn build(case: DeepCase, sizes: &[i64], seed: u64) -> Network {
    let mut net = mlp(sizes, case.activation, case.init, &mut Random::new(seed, Purpose::InitialWeights));
    let rest = output_at_zero(case.activation);
    if case.is_scaled() {
        for layer in 0..layers(&net) {
            let _ = mlp::weight(&net, layer).shallow_clone().g_mul_scalar_(case.gain);
        }
    }
    match case.centre {
        Centre::None => {}
        Centre::Biases => {
            // Pixels are no activations, so the first layer keeps its biases.
            for layer in 1..layers(&net) {
                let sums = mlp::weight(&net, layer).sum_dim_intlist([1].as_slice(), false, Kind::Float);
                mlp::bias(&net, layer).shallow_clone().copy_(&(sums * -rest));
            }
        }
        Centre::Output => net.architecture.insert_behind_activations(&Layer::Offset(rest)),
    }
    net
}

/// phi(0).
fn output_at_zero(phi: Activation) -> f64 {
    activation::apply(phi, &Tensor::from(0.0_f64)).double_value(&[])
}

/// The factor by which a layer multiplies the gradient's size before training, by the theory of wide layers.
/// `brightness` is the mean squared pixel.
fn theory(case: DeepCase, settings: &DeepTraining, brightness: f64) -> f64 {
    let offset = if case.centre == Centre::None { 0.0 } else { output_at_zero(case.activation) };
    let DeepCase { activation, init, gain, .. } = case;
    Wide { activation, init, gain, offset, width: settings.width.into(), depth: settings.depth }.factor(brightness)
}

/// The results so far: for every case the curves at its best rate.
fn report(
    settings: &DeepTraining,
    seeds: &[u64],
    arms: &[ArmId],
    courses: &[History],
    (epochs, factors): (u32, &[f64]),
) -> Outcome {
    let (mut losses, mut errors, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings: Vec<Finding> = Vec::new();
    let mut learning = 0;
    for (&case, factor) in settings.cases.iter().zip(factors) {
        let of = |rate: usize| -> Vec<(u64, &History)> {
            let ours = arms.iter().zip(courses).filter(|(arm, _)| arm.case == case && arm.rate == rate);
            ours.filter(|(_, course)| course.has_begun()).map(|(arm, course)| (arm.seed, course)).collect()
        };
        // The rate at which the fewest networks diverged, and among these the one with the lowest loss.
        let rank = |rate: usize| {
            let ends: Vec<Measured> = of(rate).iter().map(|(_, course)| course.end(loss_of)).collect();
            (ends.iter().filter(|end| end.is_err()).count(), summary::mean(&ends).unwrap_or(f64::INFINITY))
        };
        let rates = (0..settings.learning_rates.len()).filter(|&rate| !of(rate).is_empty());
        let better = |a: &usize, b: &usize| {
            let ((absent_a, loss_a), (absent_b, loss_b)) = (rank(*a), rank(*b));
            absent_a.cmp(&absent_b).then(loss_a.total_cmp(&loss_b))
        };
        let Some(best) = rates.min_by(better) else { continue };
        let (known, courses): (Vec<u64>, Vec<&History>) = of(best).into_iter().unzip();
        let name = format!("{}, {}", case.activation_title(), case.init_title());
        let mean = |epoch: usize, pick: fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = courses.iter().filter_map(|course| course.epochs.get(epoch)).map(pick).collect();
            summary::mean_and_spread(&values)
        };
        // The epoch in which a network diverged is a gap.
        let length = |course: &&History| course.epochs.len() + usize::from(course.absent.is_some());
        let through = courses.iter().map(length).max().unwrap_or(0);
        for (series, pick) in [(&mut losses, loss_of as fn(&(f64, f64)) -> f64), (&mut errors, error_of)] {
            let points = (0..through).map(|epoch| ((epoch + 1) as f64, mean(epoch, pick).0)).collect();
            let mut curve = summary::curve_with_gaps(name.clone(), Source::Measured, Stroke::Both, points);
            if seeds.len() > 1 {
                curve.spread = (0..through).map(|epoch| mean(epoch, pick).1).collect();
            }
            series.push(curve);
        }
        let ends = |pick| courses.iter().map(|course| course.end(pick)).collect::<Vec<Measured>>();
        let (loss, error) = (ends(loss_of), ends(error_of));
        let key = case.key();
        let learns = |loss: f64| loss < LEARNS * GUESSING.0;
        let verdict = |loss: f64| if learns(loss) { "it learns" } else { "it stalls" };
        let say = |loss: f64| format!("{name}: training loss {loss:.3} at the end, {}", verdict(loss));
        let loss = summary::finding(
            format!("deep-training.loss.{key}"),
            &format!("{name}, training loss"),
            &loss,
            &known,
            say,
        );
        let say = |error: f64| format!("{name}: validation error {error:.1} % at the end");
        let error = summary::finding(
            format!("deep-training.error.{key}"),
            &format!("{name}, validation error"),
            &error,
            &known,
            say,
        );
        rows.push(vec![
            case.activation_title(),
            case.init_title(),
            format!("{factor:.2}"),
            settings.learning_rates[best].to_string(),
            // Its spread is at the curve's last point, because the table has to fit a narrow screen.
            loss.value.map_or_else(|| "-".into(), |loss| format!("{loss:.3}")),
            summary::cell_with_spread(&error, 1),
        ]);
        learning += u32::from(loss.value.is_some_and(learns));
        findings.extend([loss, error].map(Finding::tabled));
    }
    let text = format!("{learning} of {} networks learn: their training loss ends 5 % below guessing", rows.len());
    findings.push(summary::exact("deep-training.learning", learning.into(), text));
    let flat = |at: f64, what: &str| {
        let source = Source::Theory(what.into());
        summary::curve("guessing", source, Stroke::Line, vec![[1.0, at], [f64::from(epochs), at]])
    };
    losses.push(flat(GUESSING.0, "ln 10"));
    errors.push(flat(GUESSING.1, "nine of ten"));
    let title = format!("{} hidden layers in training", settings.depth);
    let drawn = |title: String, y: &str, series| {
        Figure::Plot(summary::plot(title, summary::axis("epoch"), summary::log_axis(y), series))
    };
    let columns = ["activation", "initialisation", "a layer", "rate", "loss", "error, %"].map(String::from).to_vec();
    let mut sources = vec![Source::Measured; columns.len()];
    sources[2] = Source::Theory("gradient's factor for wide layers, untrained".into());
    let figures = vec![
        drawn(title.clone(), "training loss", losses),
        drawn(title, "validation error, %", errors),
        Figure::Table(Table {
            title: "At each case's best learning rate".into(),
            columns,
            rows,
            sources,
            places: Vec::new(),
        }),
    ];
    Outcome { figures, findings, seconds: 0.0 }
}

fn loss_of(epoch: &(f64, f64)) -> f64 {
    epoch.0
}

fn error_of(epoch: &(f64, f64)) -> f64 {
    epoch.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Init;

    const SIZES: [i64; 8] = [784, 200, 200, 200, 200, 200, 200, 10];

    fn case(centre: Centre) -> DeepCase {
        DeepCase { gain: 4.0, centre, ..DeepCase::new(Activation::Sigmoid, Init::Xavier) }
    }

    fn input() -> Tensor {
        let mut random = Random::new(3, Purpose::Experiment { number: 8 });
        let pixels: Vec<f32> = (0..50 * 784).map(|_| random.uniform()).collect();
        Tensor::from_slice(&pixels).view([50, 784])
    }

    /// The size of the gradient at each hidden layer, and its factor per layer.
    fn sizes(net: &mut Network, x: &Tensor) -> (Vec<f64>, f64) {
        net.require_gradients(true);
        let z = mlp::pre_activations(net, x);
        let loss = z[z.len() - 1].square().mean(Kind::Float);
        let gradients = Tensor::run_backward(&[loss], &z[..z.len() - 1], false, false);
        let rms: Vec<f64> = gradients.iter().map(|g| mean(&g.square()).sqrt()).collect();
        let factor = (rms[0] / rms[rms.len() - 1]).powf(1.0 / (rms.len() - 1) as f64);
        (rms, factor)
    }

    /// Biases of minus half the sum of the weights, or a sigmoid less 1/2, give the same function and the same
    /// gradients; and both are tanh with Xavier's weights on an input that is twice as bright.
    #[test]
    fn a_sigmoid_can_be_centred_in_two_ways() {
        let x = input();
        let [mut biases, mut output] = [Centre::Biases, Centre::Output].map(|centre| build(case(centre), &SIZES, 1));
        let tanh = build(DeepCase::new(Activation::Tanh, Init::Xavier), &SIZES, 1);
        let largest = |t: &Tensor| t.abs().max().double_value(&[]);
        let (a, b, c) = (biases.logits(&x), output.logits(&x), tanh.logits(&(&x * 2.0)) * 2.0);
        assert!(largest(&(&a - &b)) < 1e-4 * largest(&b), "{a} {b}");
        assert!(largest(&(&c - &b)) < 1e-4 * largest(&b), "{c} {b}");
        let (a, b) = (sizes(&mut biases, &x).0, sizes(&mut output, &x).0);
        assert!(a.iter().zip(&b).all(|(a, b)| (a / b - 1.0).abs() < 1e-3), "{a:?} {b:?}");
    }

    /// The factor that autograd measures on networks of 200 units equals that of the theory of wide layers.
    #[test]
    fn gradients_shrink_as_the_theory_has_it() {
        let x = input();
        let settings = DeepTraining { width: 200, depth: 6, ..DeepTraining::default() };
        let brightness = mean(&x.square());
        for case in [
            DeepCase::new(Activation::Sigmoid, Init::Standard),
            DeepCase::new(Activation::Tanh, Init::Xavier),
            case(Centre::None),
            case(Centre::Biases),
            case(Centre::Output),
        ] {
            let seeds = 1..=3_u64;
            let found = seeds.map(|seed| sizes(&mut build(case, &SIZES, seed), &x).1).sum::<f64>() / 3.0;
            let expected = theory(case, &settings, brightness);
            assert!((found / expected - 1.0).abs() < 0.05, "{}: {found}, {expected}", case.key());
        }
    }
}
