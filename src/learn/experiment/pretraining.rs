//! Whether a rectifier network still gains from unsupervised pre-training: Table 1 of Glorot et al. 2011, MNIST, at a
//! size for two cores, and the same with few labels (their Figure 4).

use super::autoencoder::{PretrainSettings, pretrain};
use super::mlp::{Recipe, Training, digits, error, labelled, mlp, pre_activations, train};
use super::summary::Measured;
use super::{ExperimentError, bench::Bench, bench::Part, summary};
use crate::network::{Layer, Network};
use crate::{Dataset, random::Purpose, random::Random};
use protocol::{Activation, Figure, Finding, Init, Outcome, Pretraining, Source, Stroke, Table};
use tch::{Kind, Tensor};

/// Weight of the rectifier's L1 penalty, in pre-training and after (Glorot et al. 2011).
const PENALTY: f64 = 0.001;
/// The least number of steps of gradient descent, however few the labels.
const STEPS: u32 = 1000;
const BATCH: u32 = 50;
/// Most epochs, and fewest.
const EPOCHS: (u32, u32) = (8, 100);

/// Test errors of one activation and seed, without and with pre-training, by number of labels.
type Errors = Vec<[Measured; 2]>;

pub fn run(settings: &Pretraining, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (seeds, effort) = (bench.seeds, bench.effort);
    let phis = &settings.activations;
    let items: Vec<(Activation, u64)> =
        phis.iter().flat_map(|&phi| seeds.iter().map(move |&seed| (phi, seed))).collect();
    let (unlabelled, epochs) = (settings.unlabelled(effort), settings.epochs(effort));
    let work =
        |&(phi, seed): &(Activation, u64), part: &Part| measure(settings, phi, seed, unlabelled, epochs, &data, part);
    let errors = bench.each("pre-training and fine-tuning", &items, work, |_| None)?;
    Ok(report(settings, &errors, seeds))
}

fn measure(
    settings: &Pretraining,
    phi: Activation,
    seed: u64,
    unlabelled: u32,
    epochs: u32,
    data: &Dataset,
    part: &Part,
) -> Result<Errors, ExperimentError> {
    let width = i64::from(settings.width);
    let (test, test_labels) = labelled(data.test(), 10_000);
    let relu = phi == Activation::Relu;
    let fresh = || {
        let init = if relu { Init::He } else { Init::Xavier };
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut net = mlp(&[784, width, width, width, 10], phi, init, &mut random);
        if relu {
            net.architecture.insert_behind_activations(&Layer::AlternateSigns);
        }
        net
    };
    let penalty = if relu { PENALTY } else { 0.0 };
    let mut pretrained = fresh();
    let share = 0.35;
    let restored = pretrain(
        &mut pretrained,
        &digits(data.training(), unlabelled),
        &PretrainSettings { epochs, seed, penalty, part, share },
    )?;
    let networks = settings.labels.len() as f64 * 2.0;
    let mut errors = Errors::new();
    for (at, &labels) in settings.labels.iter().enumerate() {
        let (x, answers) = labelled(data.training(), labels);
        let epochs = (STEPS * BATCH).div_ceil(labels).clamp(EPOCHS.0, EPOCHS.1);
        let mut pair = [Ok(0.0); 2];
        for (with, found) in pair.iter_mut().enumerate() {
            if with == 1
                && let Err(absent) = restored
            {
                *found = Err(absent);
                continue;
            }
            let mut net = if with == 1 { pretrained.copy() } else { fresh() };
            let how = Training { epochs, batch: BATCH, learning_rate: 0.05, momentum: 0.5, seed };
            let from = share + (1.0 - share) * (2 * at + with) as f64 / networks;
            let mut recipe = Tuning { penalty, part, from, part_of: (1.0 - share) / networks };
            let trained = train(&mut net, &x, &answers, &how, &mut recipe)?;
            *found = trained.map(|()| error(&net, &test, &test_labels));
        }
        errors.push(pair);
    }
    Ok(errors)
}

struct Tuning<'a> {
    penalty: f64,
    part: &'a Part<'a>,
    from: f64,
    part_of: f64,
}

impl Recipe for Tuning<'_> {
    fn loss(&mut self, net: &Network, x: &Tensor, labels: &Tensor) -> Tensor {
        let z = pre_activations(net, x);
        let loss = z[z.len() - 1].cross_entropy_for_logits(labels);
        if self.penalty == 0.0 {
            return loss;
        }
        let activity: Tensor = z[..z.len() - 1].iter().map(|z| z.relu().sum(Kind::Float)).sum();
        loss + activity * (self.penalty / x.size()[0] as f64)
    }

    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(self.from + self.part_of * done)
    }
}

/// Table 1, MNIST, test error in percent: without, with.
fn published(phi: Activation) -> Option<[f64; 2]> {
    match phi {
        Activation::Relu => Some([1.43, 1.20]),
        Activation::Tanh => Some([1.57, 1.16]),
        Activation::Softplus => Some([1.77, 1.17]),
        _ => None,
    }
}

/// Half of a 95 % confidence interval for an error in percent, counted on 10,000 images (normal approximation).
fn interval(percent: f64) -> f64 {
    let share = percent / 100.0;
    196.0 * (share * (1.0 - share) / 10_000.0).sqrt()
}

fn report(settings: &Pretraining, errors: &[Errors], seeds: &[u64]) -> Outcome {
    let (mut series, mut rows, mut findings) = (Vec::new(), Vec::new(), Vec::<Finding>::new());
    for (&phi, seeded) in settings.activations.iter().zip(errors.chunks(seeds.len())) {
        for (with, word) in ["without", "with"].into_iter().enumerate() {
            let all = |at: usize| seeded.iter().map(|errors| errors[at][with]).collect::<Vec<Measured>>();
            let name = format!("{} {word} pre-training", phi.title());
            let mut points = Vec::new();
            let mut cells = vec![format!("{} {word}", phi.title())];
            for (at, &labels) in settings.labels.iter().enumerate() {
                let subject = format!("{name}, {labels} labels");
                let says = |error: f64| format!("{subject}: {error:.2} % test error");
                let key = format!("pretraining.error.{phi}.{word}.{labels}");
                let finding = summary::finding(key, &subject, &all(at), seeds, says);
                points.push((f64::from(labels), finding.value));
                cells.push(finding.value.map_or("-".into(), |error| {
                    let half = finding.spread.unwrap_or_default().max(interval(error));
                    format!("{error:.2} +- {half:.2}")
                }));
                findings.push(finding.tabled());
            }
            cells.push(published(phi).map_or("-".into(), |table| format!("{:.2}", table[with])));
            rows.push(cells);
            let name = format!("{} {word}", phi.title());
            series.push(summary::curve_with_gaps(name, Source::Measured, Stroke::Both, points));
        }
        for (at, &labels) in settings.labels.iter().enumerate() {
            let gain = |errors: &Errors| Ok(errors[at][0]? - errors[at][1]?);
            let gains: Vec<Measured> = seeded.iter().map(gain).collect();
            let subject = format!("{}, {labels} labels", phi.title());
            let says = |gain: f64| {
                let way = if gain >= 0.0 { "lowers" } else { "raises" };
                format!("{subject}: pre-training {way} the error by {:.2} points", gain.abs())
            };
            findings.push(summary::finding(format!("pretraining.gain.{phi}.{labels}"), &subject, &gains, seeds, says));
        }
    }
    let (x, y) = (summary::log_axis("labelled digits"), summary::log_axis("test error, %"));
    let plot = summary::plot("Test error with and without pre-training", x, y, series);
    let mut columns = vec!["pre-training".to_string()];
    columns.extend(settings.labels.iter().map(|labels| format!("{labels} labels")));
    columns.push("paper".into());
    let mut sources = vec![Source::Measured; columns.len() - 1];
    let paper = "Glorot, Bordes, Bengio 2011, Table 1: 3 x 1000 units, 50,000 labels";
    sources.push(Source::Cited(paper.into()));
    let title = "Test error, %; +- of the seeds, or of counting".into();
    let table = Table { title, columns, rows, sources, places: Vec::new() };
    Outcome { figures: vec![Figure::Table(table), Figure::Plot(plot)], findings, seconds: 0.0 }
}
