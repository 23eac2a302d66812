//! Which linear piece an input falls in. The active units determine it, and within it a ReLU network is one affine map.

mod net;
mod plane;
mod show;
mod walk;

use super::mlp::{Recipe, Training, digits, labelled, mlp, train};
use super::summary::{Absent, Measured};
use super::{ExperimentError, bench::Bench, summary};
use crate::random::{Purpose, Random};
use crate::{Dataset, Split};
use net::Net;
use plane::{PatternNumbers, Plane};
use protocol::{Activation, Effort, Figure, Finding, Init, LinearPieces, Outcome};
use walk::{Switch, walk};

/// Test images for which the affine map is compared with the network.
const COMPARED: usize = 100;
/// Rows of work between two checks whether to stop.
const STRIDE: usize = 200;

/// The measurements of one trained network.
struct Measurements {
    switches: Vec<Switch>,
    /// Region and class of each cell of the plane's grid.
    places: Vec<(u32, u32)>,
    /// In the order of [`FINDINGS`].
    values: Vec<f64>,
}

/// Key and sentence of each finding; `#` stands for the value.
const FINDINGS: [(&str, usize, &str); 8] = [
    ("gap", 0, "the affine map of a digit's piece gives the network's logits to within #, over 100 digits"),
    ("error", 2, "# % of the test digits are taken for another"),
    ("active", 1, "# % of the hidden units are on, on average over the test digits"),
    ("paths", 1, "# % of the paths from a pixel to a logit lead through units that are on"),
    ("patterns", 0, "the 10,000 test digits fall into # pieces"),
    ("alone", 0, "# of them are in a piece with no other test digit"),
    ("switches", 0, "on the straight line between the two digits units switch # times"),
    ("plane", 0, "inside the triangle of the three digits # pieces are seen"),
];

pub fn run(settings: &LinearPieces, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let corners = corners(&data, settings.digits)?;
    let images = inputs(&data.test().narrow(0, data.test().len().min(10_000)))?;
    let labels = Vec::<i64>::try_from(&data.test().labels)?;
    let mut figures = Vec::new();
    let mut values: Vec<Vec<Measured>> = vec![Vec::new(); FINDINGS.len()];
    let seeds = bench.seeds;
    for (number, &seed) in seeds.iter().enumerate() {
        let from = number as f64 / seeds.len() as f64;
        let share = 1.0 / seeds.len() as f64;
        let net = trained(settings, seed, &data, bench, (from, 0.6 * share))?;
        let net = bench.lock(&net, from + 0.6 * share)?;
        let net = match &*net {
            Ok(net) => net,
            Err(absent) => {
                for all in &mut values {
                    all.push(Err(*absent));
                }
                continue;
            }
        };
        let mut watch =
            |bench: &mut Bench, done: f64, doing: &str| bench.step(from + share * (0.6 + 0.4 * done), doing);
        let plane = Plane::through(&corners[0], &corners[1], &corners[2]);
        let seen = look(net, &corners, &plane, (&images, &labels), bench, &mut watch)?;
        for (all, value) in values.iter_mut().zip(&seen.values) {
            all.push(summary::number(*value, "it is not finite"));
        }
        // From the first seed whose network did not diverge.
        if figures.is_empty() {
            figures = drawn(settings, net, &corners, &plane, &seen);
        }
    }
    let finding = |((key, decimals, text), values): ((&str, usize, &str), &Vec<Measured>)| -> Finding {
        let text = |value: f64| {
            let number = if key == "gap" { format!("{value:.0e}") } else { format!("{value:.decimals$}") };
            text.replacen('#', &number, 1)
        };
        summary::finding(format!("linear-pieces.{key}"), "the network", values, seeds, text)
    };
    let findings = FINDINGS.into_iter().zip(&values).map(finding).collect();
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

fn drawn(
    settings: &LinearPieces,
    net: &Net,
    corners: &[Vec<f64>; 3],
    plane: &Plane,
    seen: &Measurements,
) -> Vec<Figure> {
    let digits = settings.digits;
    vec![
        show::patterns(net, corners, digits),
        show::paths(net, corners, digits),
        show::template(net, &corners[0], digits[0]),
        show::template(net, &corners[1], digits[1]),
        show::line(net, corners, digits, &seen.switches),
        show::plane(plane, digits, "Pieces of the plane through the three digits", seen.places.iter().map(|p| p.0)),
        show::plane(plane, digits, "What the network takes each place for", seen.places.iter().map(|p| p.1)),
    ]
}

/// Trains the network of a seed, or returns the one that was trained before.
fn trained(
    settings: &LinearPieces,
    seed: u64,
    data: &Dataset,
    bench: &mut Bench,
    (from, share): (f64, f64),
) -> Result<std::sync::Arc<std::sync::Mutex<Result<Net, Absent>>>, ExperimentError> {
    let LinearPieces { width, depth, .. } = *settings;
    let (images, epochs) = match bench.effort {
        Effort::Quick => (10_000, 6),
        Effort::Full => (50_000, 15),
    };
    bench.cached(&format!("linear-pieces {width} {depth} {images} {epochs} {seed}"), |bench| {
        let mut sizes = vec![i64::from(width); depth as usize + 2];
        sizes[0] = 784;
        sizes[depth as usize + 1] = 10;
        let mut net = mlp(&sizes, Activation::Relu, Init::He, &mut Random::new(seed, Purpose::InitialWeights));
        let (x, y) = labelled(data.training(), images);
        let how = Training { epochs, batch: 32, learning_rate: 0.02, momentum: 0.9, seed };
        let trained = train(&mut net, &x, &y, &how, &mut Reporting { bench, from, share })?;
        Ok(match trained {
            Ok(()) => Ok(Net::of(&net)?),
            Err(absent) => Err(absent),
        })
    })
}

struct Reporting<'a, 'b> {
    bench: &'a mut Bench<'b>,
    from: f64,
    share: f64,
}

impl Recipe for Reporting<'_, '_> {
    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.bench.step(self.from + self.share * done, "training a small ReLU network")
    }
}

/// The first test image of each digit.
fn corners(data: &Dataset, wanted: [u32; 3]) -> Result<[Vec<f64>; 3], ExperimentError> {
    let labels = Vec::<i64>::try_from(&data.test().labels)?;
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for (found, digit) in found.iter_mut().zip(wanted) {
        // A set without this digit gives its first image.
        let at = labels.iter().position(|&label| label == i64::from(digit)).unwrap_or(0);
        *found = inputs(&data.test().narrow(at as i64, 1))?.swap_remove(0);
    }
    Ok(found)
}

/// The images of a split, 784 pixels each in [0, 1].
fn inputs(split: &Split) -> Result<Vec<Vec<f64>>, ExperimentError> {
    let pixels = Vec::<f64>::try_from(digits(split, split.len() as u32).to_kind(tch::Kind::Double).view(-1))?;
    Ok(pixels.chunks(784).map(<[f64]>::to_vec).collect())
}

/// Everything that is measured on one network.
fn look(
    net: &Net,
    corners: &[Vec<f64>; 3],
    plane: &Plane,
    (images, labels): (&[Vec<f64>], &[i64]),
    bench: &mut Bench,
    report: &mut dyn FnMut(&mut Bench, f64, &str) -> Result<(), ExperimentError>,
) -> Result<Measurements, ExperimentError> {
    let (mut census, mut inhabitants) = (PatternNumbers::default(), Vec::<u32>::new());
    let (mut wrong, mut active, mut paths, mut gap) = (0, 0.0, 0.0, 0.0_f64);
    for (at, (image, label)) in images.iter().zip(labels).enumerate() {
        if at % STRIDE == 0 {
            report(bench, 0.5 * at as f64 / images.len() as f64, "the pieces of the test digits")?;
        }
        let (pattern, logits) = net.forward(image);
        wrong += u32::from(plane::class(&logits) as i64 != *label);
        active += pattern.iter().filter(|on| **on).count() as f64 / pattern.len() as f64;
        paths += net.paths_on(&pattern);
        if at < COMPARED {
            let affine = net.affine(&pattern).apply(image);
            gap = affine.iter().zip(&logits).fold(gap, |gap, (a, b)| gap.max((a - b).abs()));
        }
        let number = census.number(pattern) as usize;
        inhabitants.resize(inhabitants.len().max(number + 1), 0);
        inhabitants[number] += 1;
    }
    let switches = walk(net, &corners[0], &corners[1]);
    let (mut places, mut inside, mut regions) =
        (Vec::new(), std::collections::HashSet::new(), PatternNumbers::default());
    for row in 0..plane::SIZE.1 {
        report(bench, 0.5 + 0.5 * row as f64 / plane::SIZE.1 as f64, "a plane through three digits")?;
        let found = plane::row(net, plane, row, &mut regions);
        inside.extend(found.iter().enumerate().filter(|(column, _)| plane.inside(*column, row)).map(|(_, p)| p.0));
        places.extend(found);
    }
    let percent = 100.0 / images.len() as f64;
    let alone = inhabitants.iter().filter(|&&count| count == 1).count() as f64;
    let values = vec![
        gap,
        f64::from(wrong) * percent,
        active * percent,
        paths * percent,
        census.count() as f64,
        alone,
        switches.len() as f64,
        inside.len() as f64,
    ];
    Ok(Measurements { switches, places, values })
}
