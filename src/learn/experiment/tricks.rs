//! Training tricks, each alone against the plain network, and all together.

use super::gains::{self, ArmEnds, Gains, PLAIN, TOGETHER};
use super::mlp::{self, Recipe, Training, labelled, mean, mlp_of, train};
use super::summary::{Absent, Measured};
use super::{ExperimentError, bench::Bench, bench::Part, summary};
use crate::network::{Architecture, Mode, Network};
use crate::{random::Purpose, random::Random};
use protocol::{Activation, Aim, Figure, Init, Outcome, Source, Stroke, Trick, Tricks};
use tch::{Kind, Tensor};

/// One way to train.
struct Arm {
    activation: Activation,
    /// The name in findings and tables.
    name: &'static str,
    tricks: Vec<Trick>,
}

/// The results of one network.
struct History {
    /// Test error, in percent, at the evaluated epochs.
    errors: Vec<(u32, f64)>,
    /// Why there are no more: the network diverged.
    absent: Option<Absent>,
}

impl History {
    fn end(&self) -> Measured {
        match self.absent {
            Some(absent) => Err(absent),
            None => self.errors.last().map(|(_, error)| *error).ok_or(Absent::Undefined("it has not begun")),
        }
    }
}

/// Share of the hidden outputs that dropout silences.
const DROPPED: f64 = 0.25;
/// The most pixels that a digit is shifted in each direction.
const REACH: i64 = 2;

pub fn run(settings: &Tricks, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (seeds, images) = (bench.seeds, settings.images(bench.effort));
    let arms: Vec<Arm> = settings.activations.iter().flat_map(|&phi| arms(phi, &settings.tricks)).collect();
    let items: Vec<(&Arm, u64)> = arms.iter().flat_map(|arm| seeds.iter().map(move |&seed| (arm, seed))).collect();
    let work = |&(Arm { activation, tricks, .. }, seed): &(&Arm, u64), part: &Part| {
        let (mut x, labels) = labelled(data.training(), images);
        let (mut test, test_labels) = labelled(data.test(), 10_000);
        if tricks.contains(&Trick::InputNorm) {
            let average = mean(&x);
            let deviation = mean(&(&x - average).square()).sqrt();
            (x, test) = ((x - average) / deviation, (test - average) / deviation);
        }
        let width = i64::from(settings.width);
        let own = if *activation == Activation::Relu { Init::He } else { Init::Xavier };
        let init = if tricks.contains(&Trick::Initialisation) { own } else { Init::Standard };
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let dropout = if tricks.contains(&Trick::Dropout) { DROPPED } else { 0.0 };
        let mut architecture = Architecture::mlp(&[settings.width; 2], *activation, dropout);
        if tricks.contains(&Trick::BatchNorm) {
            architecture.insert_batch_norms();
        }
        let mut net = mlp_of(architecture, &[784, width, width, 10], init, &mut random);
        let momentum = if tricks.contains(&Trick::Momentum) { 0.9 } else { 0.0 };
        let (epochs, learning_rate) = (settings.epochs, settings.learning_rate);
        let how = Training { epochs, batch: 50, learning_rate, momentum, seed };
        let looks = (settings.every(), epochs);
        let random = Random::new(seed, Purpose::Noise { epoch: 0 });
        let mut recipe = Watch { tricks, random, test, test_labels, errors: Vec::new(), looks, part };
        let trained = train(&mut net, &x, &labels, &how, &mut recipe)?;
        Ok(History { errors: recipe.errors, absent: trained.err() })
    };
    let shown = |so_far: &[Option<History>]| {
        let known: Vec<Vec<&History>> =
            so_far.chunks(seeds.len()).map(|seeds| seeds.iter().flatten().collect()).collect();
        let figures = of_each(settings, &arms, &known).map(|(phi, arms, courses)| curves(phi, arms, courses));
        Some(Outcome { figures: figures.collect(), ..Outcome::default() })
    };
    let courses = bench.each("training with each trick", &items, work, shown)?;
    let by_arm: Vec<Vec<&History>> = courses.chunks(seeds.len()).map(|seeds| seeds.iter().collect()).collect();
    let mut outcome = Outcome::default();
    for (phi, arms, courses) in of_each(settings, &arms, &by_arm) {
        let found = report(phi, arms, courses, seeds);
        outcome.figures.extend(found.figures);
        outcome.findings.extend(found.findings);
    }
    Ok(outcome)
}

/// The plain network, each trick alone, all together.
fn arms(activation: Activation, tricks: &[Trick]) -> Vec<Arm> {
    let plain = Arm { activation, name: PLAIN, tricks: Vec::new() };
    let alone = tricks.iter().map(|&trick| Arm { activation, name: trick.name(), tricks: vec![trick] });
    let together = Arm { activation, name: TOGETHER, tricks: tricks.to_vec() };
    std::iter::once(plain).chain(alone).chain([together]).collect()
}

/// The arms of each activation, with the results of their networks.
fn of_each<'a, 'e>(
    settings: &'a Tricks,
    arms: &'a [Arm],
    courses: &'a [Vec<&'e History>],
) -> impl Iterator<Item = (Activation, &'a [Arm], &'a [Vec<&'e History>])> {
    let each = settings.tricks.len() + 2;
    let parts = arms.chunks(each).zip(courses.chunks(each));
    settings.activations.iter().zip(parts).map(|(&phi, (arms, courses))| (phi, arms, courses))
}

fn curves(phi: Activation, arms: &[Arm], courses: &[Vec<&History>]) -> Figure {
    let series = arms
        .iter()
        .zip(courses)
        .filter(|(_, courses)| !courses.is_empty())
        .map(|(arm, courses)| {
            let longest = courses.iter().max_by_key(|course| course.errors.len());
            let epochs = longest.iter().flat_map(|course| &course.errors).map(|(epoch, _)| *epoch);
            let at = |look: usize| {
                let looks = courses.iter().filter_map(|course| course.errors.get(look));
                summary::mean_and_spread(&looks.map(|(_, error)| *error).collect::<Vec<f64>>()).0
            };
            let points = epochs.enumerate().map(|(look, epoch)| (f64::from(epoch), at(look))).collect();
            summary::curve_with_gaps(arm.name, Source::Measured, Stroke::Both, points)
        })
        .collect();
    let y = summary::log_axis("test error, %");
    let title = format!("{}: test error with each trick", phi.title());
    Figure::Plot(summary::plot(title, summary::axis("epoch"), y, series))
}

fn report(phi: Activation, arms: &[Arm], courses: &[Vec<&History>], seeds: &[u64]) -> Outcome {
    let title = phi.title();
    let ends = |courses: &Vec<&History>| courses.iter().map(|course| course.end()).collect();
    let each: Vec<ArmEnds> =
        arms.iter().zip(courses).map(|(arm, courses)| ArmEnds { name: arm.name, ends: ends(courses) }).collect();
    let Gains { mut figures, mut findings, alone } = gains::report("tricks", phi, title, &each, seeds);
    figures.insert(0, curves(phi, arms, courses));
    let plain = vec![Ok(0.0); seeds.len()];
    for aim in Aim::ALL {
        let mut sum: Vec<Measured> = plain.clone();
        let serves = |name: &str| Trick::ALL.iter().any(|trick| trick.name() == name && trick.aim() == Some(aim));
        alone.iter().filter(|(name, _)| serves(name)).for_each(|(_, gained)| gains::add(&mut sum, gained));
        let what = match aim {
            Aim::Descent => "a faster descent",
            Aim::NewDigits => "new digits",
        };
        let says = |gain: f64| format!("{title}: the tricks for {what} sum up to {gain:.2} points");
        findings.push(summary::finding(format!("tricks.camp.{phi}.{}", aim.name()), title, &sum, seeds, says));
    }
    Outcome { figures, findings, seconds: 0.0 }
}

struct Watch<'a> {
    tricks: &'a [Trick],
    /// For augmentation and dropout.
    random: Random,
    test: Tensor,
    test_labels: Tensor,
    errors: Vec<(u32, f64)>,
    /// Epochs between two evaluations on the test digits, and the last epoch.
    looks: (u32, u32),
    part: &'a Part<'a>,
}

impl Recipe for Watch<'_> {
    fn input(&mut self, x: Tensor) -> Tensor {
        if self.tricks.contains(&Trick::Augmentation) { moved(&x, &mut self.random) } else { x }
    }

    fn loss(&mut self, net: &Network, x: &Tensor, labels: &Tensor) -> Tensor {
        let logits = net.logits_in(x, Mode::Training(&mut self.random));
        let loss = logits.cross_entropy_for_logits(labels);
        if !self.tricks.contains(&Trick::WeightDecay) {
            return loss;
        }
        let weights = (0..mlp::layers(net)).map(|layer| mlp::weight(net, layer));
        let squares: Tensor = weights.map(|w| w.square().sum(Kind::Float)).sum();
        loss + squares * 1e-4
    }

    fn learning_rate(&self, how: &Training, epoch: u32) -> f64 {
        if !self.tricks.contains(&Trick::Schedule) {
            return how.learning_rate;
        }
        let left = f64::from(how.epochs + 1 - epoch) / f64::from(how.epochs + 1);
        2.0 * how.learning_rate * left
    }

    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(done)
    }

    fn after_epoch(&mut self, net: &Network, epoch: u32, _: f64) -> Result<(), ExperimentError> {
        let (every, last) = self.looks;
        if epoch.is_multiple_of(every) || epoch == last {
            self.errors.push((epoch, mlp::error(net, &self.test, &self.test_labels)));
        }
        Ok(())
    }
}

/// Every image of (batch, 784) shifted by up to two pixels in each direction, with zeros where nothing was.
pub fn moved(x: &Tensor, random: &mut Random) -> Tensor {
    let padded = x.reshape([-1, 28, 28]).constant_pad_nd([REACH; 4]);
    let reach = 2 * REACH as u32 + 1;
    let images: Vec<Tensor> = (0..x.size()[0])
        .map(|at| {
            let (down, right) = (i64::from(random.below(reach)), i64::from(random.below(reach)));
            padded.get(at).narrow(0, down, 28).narrow(1, right, 28)
        })
        .collect();
    Tensor::stack(&images, 0).reshape([-1, 784])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_digit_keeps_its_ink() {
        let mut image = vec![0.0_f32; 784];
        image[14 * 28 + 14] = 1.0;
        let x = Tensor::from_slice(&image).reshape([1, 784]);
        let mut random = Random::new(1, Purpose::Noise { epoch: 1 });
        let mut places = Vec::new();
        for _ in 0..50 {
            let moved = moved(&x, &mut random);
            assert!((moved.sum(Kind::Float).double_value(&[]) - 1.0).abs() < 1e-6);
            let at = moved.argmax(1, false).int64_value(&[0]);
            assert!((at / 28 - 14).abs() <= 2 && (at % 28 - 14).abs() <= 2);
            places.push(at);
        }
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 10);
    }
}
