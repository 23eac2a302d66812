//! Units that no training image activates. Their gradient is zero for every image, so with plain ReLU only a change in
//! the layers before them can revive them. Leaky ReLU keeps a slope of 0.01 there.

use super::mlp::{Recipe, Training, bias, error, labelled, mlp, pre_activations, train};
use super::summary::Measured;
use super::{ExperimentError, bench::Bench, bench::Part, summary};
use crate::{network::Network, random::Purpose, random::Random};
use protocol::{Activation, Dying, Figure, Init, Outcome, Plot, PlotPlace, Source, Stroke, Table, TablePlace};
use tch::{Kind, Tensor};

const KINDS: [Activation; 2] = [Activation::Relu, Activation::LEAKY];

/// The history of one network.
struct History {
    /// Percent of the hidden units that are silent for every training image, before training and after each epoch in
    /// which the network did not diverge.
    dead: Vec<f64>,
    /// The same at the end.
    ends_dead: Measured,
    /// Units that were silent after one epoch and active after the next.
    revived: Measured,
    error: Measured,
}

pub fn run(settings: &Dying, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let seeds = bench.seeds;
    let arms: Vec<(Activation, f64)> = settings.rates.iter().flat_map(|&rate| KINDS.map(|phi| (phi, rate))).collect();
    let items: Vec<(Activation, f64, u64)> =
        arms.iter().flat_map(|&(phi, rate)| seeds.iter().map(move |&seed| (phi, rate, seed))).collect();
    let work = |&(phi, learning_rate, seed): &(Activation, f64, u64), part: &Part| {
        let (x, labels) = labelled(data.training(), settings.images);
        let (test, test_labels) = labelled(data.test(), 10_000);
        let width = i64::from(settings.width);
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut net = mlp(&[784, width, width, 10], phi, Init::He, &mut random);
        for layer in 0..2 {
            let _ = tch::no_grad(|| bias(&net, layer).shallow_clone().fill_(settings.bias));
        }
        let how = Training { epochs: settings.epochs, batch: 50, learning_rate, momentum: 0.0, seed };
        let mut count = Count { x: x.shallow_clone(), silent: vec![silent(&net, &x)], part };
        let trained = train(&mut net, &x, &labels, &how, &mut count)?;
        let back = |pair: &[Vec<bool>]| pair[0].iter().zip(&pair[1]).filter(|(before, now)| **before && !**now).count();
        let revived = count.silent.windows(2).map(back).sum::<usize>() as f64;
        let share =
            |silent: &Vec<bool>| 100.0 * silent.iter().filter(|unit| **unit).count() as f64 / silent.len() as f64;
        let dead: Vec<f64> = count.silent.iter().map(share).collect();
        let last = dead.last().copied().unwrap_or_default();
        let at_the_end = |value: &dyn Fn() -> f64| trained.map(|()| value());
        Ok(History {
            dead,
            ends_dead: at_the_end(&|| last),
            revived: at_the_end(&|| revived),
            error: at_the_end(&|| error(&net, &test, &test_labels)),
        })
    };
    let shown = |so_far: &[Option<History>]| {
        let known = arms.iter().zip(so_far.chunks(seeds.len()));
        let known: Vec<_> = known.map(|(&arm, courses)| (arm, courses.iter().flatten().collect())).collect();
        Some(Outcome { figures: vec![Figure::Plot(curves(&known))], ..Outcome::default() })
    };
    let courses = bench.each("training and counting", &items, work, shown)?;
    let found: Vec<_> =
        arms.iter().zip(courses.chunks(seeds.len())).map(|(&arm, courses)| (arm, courses.iter().collect())).collect();
    let prefix = if settings.bias == 0.0 { "dying" } else { "dying.low-bias" };
    Ok(report(prefix, &found, seeds))
}

type Arm<'a> = ((Activation, f64), Vec<&'a History>);

fn curves(arms: &[Arm]) -> Plot {
    let series = arms
        .iter()
        .filter(|(_, courses)| !courses.is_empty())
        .map(|((phi, rate), courses)| {
            let at = |epoch: usize| {
                let dead: Vec<f64> = courses.iter().filter_map(|course| course.dead.get(epoch).copied()).collect();
                summary::mean_and_spread(&dead)
            };
            // The epoch in which a network diverged is a gap.
            let length = |course: &&History| course.dead.len() + usize::from(course.ends_dead.is_err());
            let epochs = courses.iter().map(length).max().unwrap_or(0);
            let points = (0..epochs).map(|epoch| (epoch as f64, at(epoch).0)).collect();
            let name = format!("{}, learning rate {rate}", phi.title());
            let mut curve = summary::curve_with_gaps(name, Source::Measured, Stroke::Both, points);
            if courses.len() > 1 {
                curve.spread = (0..epochs).map(|epoch| at(epoch).1).collect();
            }
            curve
        })
        .collect();
    let (x, y) = (summary::axis("epoch"), summary::axis("units silent for every image, %"));
    summary::plot("Silent units while training", x, y, series)
}

fn report(prefix: &str, arms: &[Arm], seeds: &[u64]) -> Outcome {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    let (mut plot, mut places) = (curves(arms), Vec::new());
    for ((phi, rate), courses) in arms {
        let all = |what: fn(&History) -> Measured| courses.iter().map(|course| what(course)).collect::<Vec<_>>();
        let dead = all(|course| course.ends_dead);
        let (revived, error) = (all(|course| course.revived), all(|course| course.error));
        let name = format!("{} at learning rate {rate}", phi.title());
        let mut say = |what: &str, values: &[Measured], text: &dyn Fn(f64) -> String| {
            let finding = {
                let subject = format!("{name}, {what}");
                summary::finding(format!("{prefix}.{what}.{phi}.{rate}"), &subject, values, seeds, text)
            };
            let cell = summary::cell_with_spread(&finding, 1);
            findings.push(finding.tabled());
            cell
        };
        let cells = [
            say("dead", &dead, &|dead| format!("{name}: {dead:.1} % of the hidden units end silent")),
            say("revived", &revived, &|count| format!("{name}: {count:.1} silent units came back")),
            say("error", &error, &|error| format!("{name}: the test error ends at {error:.2} %")),
        ];
        // The suffix after the activation and the rate.
        let found = (2..).zip(["dead", "revived", "error"]);
        places.extend(
            found.map(|(column, what)| TablePlace::new(format!("{prefix}.{what}.{phi}.{rate}"), rows.len(), column)),
        );
        // The networks that did not diverge are those at the curve's last epoch, from which the findings come.
        let trained = courses.iter().filter(|course| course.ends_dead.is_ok());
        let last = trained.map(|course| course.dead.len().saturating_sub(1)).max();
        let finding = format!("{prefix}.dead.{phi}.{rate}");
        plot.places.extend(last.map(|epoch| PlotPlace { finding, x: epoch as f64 }));
        rows.push([phi.title().into(), rate.to_string()].into_iter().chain(cells).collect());
    }
    let columns = ["activation", "rate", "silent, %", "came back", "test error, %"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let table = Table { title: "After the last epoch".into(), columns, rows, sources, places };
    Outcome { figures: vec![Figure::Plot(plot), Figure::Table(table)], findings, seconds: 0.0 }
}

/// Whether each hidden unit is silent for every image.
fn silent(net: &Network, x: &Tensor) -> Vec<bool> {
    tch::no_grad(|| {
        let z = pre_activations(net, x);
        z[..z.len() - 1]
            .iter()
            .flat_map(|z| {
                let most = z.amax([0_i64].as_slice(), false).to_kind(Kind::Float);
                let answers = move |unit| most.double_value(&[unit]) > 0.0;
                (0..z.size()[1]).map(move |unit| !answers(unit)).collect::<Vec<_>>()
            })
            .collect()
    })
}

struct Count<'a> {
    x: Tensor,
    silent: Vec<Vec<bool>>,
    part: &'a Part<'a>,
}

impl Recipe for Count<'_> {
    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(done)
    }

    fn after_epoch(&mut self, net: &Network, _: u32, _: f64) -> Result<(), ExperimentError> {
        self.silent.push(silent(net, &self.x));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::mlp::weight;

    #[test]
    fn a_unit_with_a_low_bias_is_silent() {
        let mut random = Random::new(1, Purpose::InitialWeights);
        let net = mlp(&[3, 2, 1], Activation::Relu, Init::He, &mut random);
        let x = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]).reshape([3, 3]);
        let _ = tch::no_grad(|| bias(&net, 0).get(1).fill_(-100.0));
        let found = silent(&net, &x);
        assert!(found[1]);
        assert_eq!(found[0], (0..3).all(|i| weight(&net, 0).double_value(&[0, i]) <= 0.0));
    }
}
