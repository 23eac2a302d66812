//! One small change of a digit, and how much of a hidden code changes: measured over many digits, and shown for one
//! that the reader moves.
//!
//! The networks are trained once and cached, so that steering is answered at once.

mod moved;
mod sweep;

use super::ExperimentError;
use super::bench::{Bench, Part};
use super::mlp::{Recipe, Trained as Ended, Training, activation, labelled, mlp, train};
use crate::network::Network;
use crate::random::{Purpose, Random};
use moved::moved;
use protocol::{Activation, Code, Disentangle, Figure, Init, Outcome, Source, Steer, UnitState, Units};
use std::time::Instant;
use sweep::Sweep;
use tch::Tensor;

const LAYERS: usize = 2;

/// What is cached for the reader's next key.
struct Trained {
    /// Of the first seed, in the activations' order, with how each one's training ended.
    nets: Vec<(Network, Ended)>,
    /// The test digits, (10,000, 784), and their labels. Loading all of MNIST for one key would be noticeable.
    digits: (Tensor, Tensor),
    measured: Outcome,
}

pub fn run(settings: &Disentangle, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let at_rest = Disentangle { steer: Steer::default(), ..settings.clone() };
    let key = format!("disentangle {at_rest:?} {:?} {:?}", bench.effort, bench.seeds);
    let trained = bench.cached(&key, |bench| prepare(&at_rest, bench))?;
    let trained = bench.lock(&trained, 0.0)?;
    let shown = i64::from(settings.steer.digit);
    let (image, label) = (trained.digits.0.narrow(0, shown, 1), trained.digits.1.int64_value(&[shown]));
    let live = look(&trained.nets, &image, label, settings.steer)?;
    let mut outcome = trained.measured.clone();
    outcome.figures.insert(0, Figure::Units(live));
    Ok(outcome)
}

fn prepare(settings: &Disentangle, bench: &mut Bench) -> Result<Trained, ExperimentError> {
    let began = Instant::now();
    let data = bench.mnist()?;
    let (seeds, images) = (bench.seeds, settings.images(bench.effort));
    let networks = settings.activations.iter().flat_map(|&phi| seeds.iter().map(move |&seed| Some((phi, seed))));
    // The pixels themselves need no training.
    let items: Vec<Option<(Activation, u64)>> = std::iter::once(None).chain(networks).collect();
    let work = |item: &Option<(Activation, u64)>, part: &Part| {
        let (test, test_labels) = labelled(data.test(), settings.digits);
        let Some((phi, seed)) = *item else {
            let pixels = |x: &Tensor| vec![sweep::Layer { h: x.shallow_clone(), on: x.gt(0.5) }];
            let layers = sweep::layers(&test, &test_labels, pixels, part)?;
            return Ok((None, Sweep { activation: None, layers, errors: Vec::new(), absent: None }));
        };
        let (x, labels) = labelled(data.training(), images);
        let width = i64::from(settings.width);
        let init = if phi == Activation::Relu { Init::He } else { Init::Xavier };
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut net = mlp(&[784, width, width, 10], phi, init, &mut random);
        // The sigmoid's slope is a quarter of the others'.
        let learning_rate = if phi == Activation::Sigmoid { 0.5 } else { 0.1 };
        let how = Training { epochs: settings.epochs, batch: 50, learning_rate, momentum: 0.5, seed };
        let trained = train(&mut net, &x, &labels, &how, &mut LinearDecay(part))?;
        let layers = sweep::layers(&test, &test_labels, |x| hidden(&net, x), part)?;
        let errors = sweep::errors(&net, &test, &test_labels, part)?;
        Ok((Some((net, trained)), Sweep { activation: Some(phi), layers, errors, absent: trained.err() }))
    };
    let done = bench.each("two hidden layers each", &items, work, |_| None)?;
    let (nets, sweeps): (Vec<Option<(Network, Ended)>>, Vec<Sweep>) = done.into_iter().unzip();
    let measured = Outcome { seconds: began.elapsed().as_secs_f64(), ..sweep::report(&sweeps, seeds) };
    let nets = nets.into_iter().flatten().step_by(seeds.len()).collect();
    let (images, labels) = labelled(data.test(), 10_000);
    // A label is copied because it is a view of the data set, which would stay in memory with it.
    Ok(Trained { nets, digits: (images, labels.copy()), measured })
}

/// The output of each hidden layer: (digits, units).
fn hidden(net: &Network, x: &Tensor) -> Vec<sweep::Layer> {
    let (hidden, _) = tch::no_grad(|| net.trace(x));
    hidden.into_iter().map(|layer| sweep::Layer { on: layer.z.gt(0.0), h: layer.y }).collect()
}

/// The shown digit where the reader has moved it, and which units switched.
fn look(nets: &[(Network, Ended)], image: &Tensor, label: i64, steer: Steer) -> Result<Units, ExperimentError> {
    let (layer, there) = (steer.layer as usize % LAYERS, moved(image, steer));
    let mut codes = Vec::new();
    for (net, trained) in nets {
        let on = |x: &Tensor| Vec::<bool>::try_from(hidden(net, x).swap_remove(layer).on.view(-1));
        let units: Vec<UnitState> =
            on(image)?.into_iter().zip(on(&there)?).map(|(before, now)| state(before, now)).collect();
        let count = |wanted: &[UnitState]| units.iter().filter(|unit| wanted.contains(unit)).count();
        let says = tch::no_grad(|| net.logits(&there).argmax(1, false).int64_value(&[0]));
        let text = format!(
            "{}{} on, +{} -{}",
            trained.map_or_else(|absent| format!("{absent}; "), |()| format!("says {says}; ")),
            count(&[UnitState::On, UnitState::SwitchedOn]),
            count(&[UnitState::SwitchedOn]),
            count(&[UnitState::SwitchedOff])
        );
        codes.push(Code { name: activation(net).title().into(), text, units });
    }
    let pixels = (there.clamp(0.0, 1.0) * 255.0).round().to_kind(tch::Kind::Uint8);
    let title = format!("{}; hidden layer {}", place(label, steer), layer + 1);
    let image = Vec::<u8>::try_from(pixels.view(-1))?;
    Ok(Units { title, width: 28, height: 28, image, codes, source: Source::Measured })
}

fn state(before: bool, now: bool) -> UnitState {
    match (before, now) {
        (false, false) => UnitState::Off,
        (true, true) => UnitState::On,
        (false, true) => UnitState::SwitchedOn,
        (true, false) => UnitState::SwitchedOff,
    }
}

/// `a 7, 2 right, 1 up, turned 10 degrees`.
fn place(label: i64, steer: Steer) -> String {
    let mut words = vec![format!("A {label}")];
    for (by, forth, back) in [(steer.right, "right", "left"), (steer.down, "down", "up")] {
        if by != 0 {
            words.push(format!("{} {}", by.abs(), if by > 0 { forth } else { back }));
        }
    }
    if steer.turn != 0 {
        words.push(format!("turned {}°", steer.turn));
    }
    words.join(", ")
}

/// A learning rate that falls linearly to 0.
struct LinearDecay<'a>(&'a Part<'a>);

impl Recipe for LinearDecay<'_> {
    fn learning_rate(&self, how: &Training, epoch: u32) -> f64 {
        how.learning_rate * f64::from(how.epochs + 1 - epoch) / f64::from(how.epochs)
    }

    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.0.step(0.9 * done)
    }
}
