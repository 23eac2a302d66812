//! How much of a code changes when digits are shifted and rotated, on average over many of them.

use super::moved;
use crate::experiment::bench::Part;
use crate::experiment::mlp::{error, mean};
use crate::experiment::summary::{Absent, Measured};
use crate::experiment::{ExperimentError, summary};
use crate::network::Network;
use protocol::{Activation, Figure, Finding, Outcome, Source, Steer, Stroke, Table};
use tch::{Kind, Tensor};

/// Pixels, degrees.
const SHIFTS: [i32; 5] = [1, 2, 3, 4, 5];
const TURNS: [i32; 6] = [5, 10, 15, 20, 25, 30];
/// A rotation that moves the rim of a digit, ten pixels from its middle, by about two pixels.
const TURN: usize = 1;
/// A unit that changes by less than this share of its range counts as unchanged.
const NOTICED: f64 = 0.01;
/// A unit with at most this range responds alike to every digit, so its changes can't be measured against it.
const LIVELY: f64 = 1e-6;

/// One layer's output for a batch: (digits, units) both.
pub struct Layer {
    pub h: Tensor,
    /// Whether the pre-activation is above zero: a rectifier is active, an S-curve is above its middle.
    pub on: Tensor,
}

/// One code under changes of one kind and size.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    /// Percent of the units that switch.
    switch: f64,
    /// Percent of the units that are unchanged.
    still: f64,
    /// Effective share of the units that carry the change, in percent: (sum d^2)^2 / (n sum d^4).
    carry: f64,
    /// The distance that the code moves, over its distance to another digit.
    distance: f64,
}

/// One layer of one network.
#[derive(Clone, Debug)]
pub struct Measurements {
    /// Percent of the units that are on.
    active: f64,
    shift: Vec<Change>,
    turn: Vec<Change>,
    /// Correlation over the units between how much each changes when digits are shifted and when they are rotated,
    /// relative to its range. By that measure a unit that responds to many digits changes more whatever the cause.
    busy: f64,
    /// The same relative to its standard deviation over the digits, which removes that effect.
    together: f64,
}

/// How much each unit with a range changes on average: (units) both.
struct Moves {
    /// Relative to its range.
    of_range: Tensor,
    /// Root mean square, relative to its standard deviation.
    of_deviation: Tensor,
}

/// Every layer of a code under every change. `code` computes the layers' output for a batch.
pub fn layers(
    images: &Tensor,
    labels: &Tensor,
    code: impl Fn(&Tensor) -> Vec<Layer>,
    part: &Part,
) -> Result<Vec<Measurements>, ExperimentError> {
    let still = code(images);
    let scales: Vec<Scale> = still.iter().map(|layer| Scale::of(&layer.h, labels)).collect();
    let sweep = |sizes: &[Vec<Steer>]| -> Result<Vec<Vec<(Change, Moves)>>, ExperimentError> {
        let mut found: Vec<Vec<(Change, Moves)>> = still.iter().map(|_| Vec::new()).collect();
        for alike in sizes {
            let mut each: Vec<Vec<(Change, Moves)>> = still.iter().map(|_| Vec::new()).collect();
            for &steer in alike {
                for (at, layer) in code(&moved(images, steer)).iter().enumerate() {
                    each[at].push(scales[at].change(&still[at], layer));
                }
                part.step(0.9)?;
            }
            found.iter_mut().zip(&each).for_each(|(found, alike)| found.push(average(alike)));
        }
        Ok(found)
    };
    let shifts = sweep(&SHIFTS.map(directions))?;
    let turns = sweep(&TURNS.map(|turn| [turn, -turn].map(|turn| Steer { turn, ..Steer::default() }).to_vec()))?;
    let seen = still.iter().zip(shifts).zip(turns).map(|((layer, shift), turn)| Measurements {
        active: 100.0 * mean(&layer.on),
        busy: correlation(&shift[0].1.of_range, &turn[TURN].1.of_range),
        together: correlation(&shift[0].1.of_deviation, &turn[TURN].1.of_deviation),
        shift: shift.into_iter().map(|(change, _)| change).collect(),
        turn: turn.into_iter().map(|(change, _)| change).collect(),
    });
    Ok(seen.collect())
}

/// Percent of the digits that are misclassified without a shift, and at each shift.
pub fn errors(net: &Network, images: &Tensor, labels: &Tensor, part: &Part) -> Result<Vec<f64>, ExperimentError> {
    let at = |by: i32| {
        let error = |steer| {
            part.poll()?;
            Ok(error(net, &moved(images, steer), labels))
        };
        let errors = directions(by).into_iter().map(error).collect::<Result<Vec<f64>, ExperimentError>>()?;
        Ok(summary::mean_and_spread(&errors).0.unwrap_or_default())
    };
    std::iter::once(0).chain(SHIFTS).map(at).collect()
}

/// This many pixels right, left, down and up.
fn directions(by: i32) -> Vec<Steer> {
    [(by, 0), (-by, 0), (0, by), (0, -by)].map(|(right, down)| Steer { right, down, ..Steer::default() }).to_vec()
}

/// What a code's changes are measured against.
struct Scale {
    /// Of each unit over the digits, (units).
    range: Tensor,
    /// Of each unit between the digits, (units).
    variance: Tensor,
    /// Mean distance between two digits of different classes.
    apart: f64,
}

impl Scale {
    fn of(h: &Tensor, labels: &Tensor) -> Self {
        let range = h.amax([0].as_slice(), false) - h.amin([0].as_slice(), false);
        let variance = h.var_dim([0].as_slice(), false, false);
        let (other, other_labels) = (h.roll([1], [0]), labels.roll([1], [0]));
        let distance = lengths(&(h - other));
        let different = labels.ne_tensor(&other_labels).to_kind(Kind::Float);
        let apart = mean(&(distance * &different)) / mean(&different);
        Self { range, variance, apart }
    }

    /// The measured change, and how much each unit that has a range changes.
    fn change(&self, from: &Layer, to: &Layer) -> (Change, Moves) {
        let difference = &to.h - &from.h;
        let noticed = difference.abs().gt_tensor(&(&self.range * NOTICED));
        let (square, count) = (difference.square(), difference.size()[1] as f64);
        let fourth = square.square().sum_dim_intlist([1].as_slice(), false, Kind::Float);
        let share = square.sum_dim_intlist([1].as_slice(), false, Kind::Float).square() / (fourth * count);
        let change = Change {
            switch: 100.0 * mean(&from.on.ne_tensor(&to.on)),
            still: 100.0 * (1.0 - mean(&noticed)),
            // A digit for which no unit changes has no share.
            carry: 100.0 * mean(&share.nan_to_num(0.0, 0.0, 0.0)),
            distance: mean(&lengths(&difference)) / self.apart,
        };
        let lively = self.range.gt(LIVELY);
        let of_range = difference.abs().mean_dim(0, false, Kind::Float) / &self.range;
        let of_deviation = (square.mean_dim(0, false, Kind::Float) / &self.variance).sqrt();
        let [of_range, of_deviation] = [of_range, of_deviation].map(|each| each.masked_select(&lively));
        (change, Moves { of_range, of_deviation })
    }
}

/// Euclidean norm of each row.
fn lengths(rows: &Tensor) -> Tensor {
    rows.square().sum_dim_intlist([1].as_slice(), false, Kind::Float).sqrt()
}

fn average(found: &[(Change, Moves)]) -> (Change, Moves) {
    let over =
        |what: fn(&Change) -> f64| found.iter().map(|(change, _)| what(change)).sum::<f64>() / found.len() as f64;
    let change = Change {
        switch: over(|c| c.switch),
        still: over(|c| c.still),
        carry: over(|c| c.carry),
        distance: over(|c| c.distance),
    };
    let over = |what: fn(&Moves) -> &Tensor| {
        let each: Vec<&Tensor> = found.iter().map(|(_, moves)| what(moves)).collect();
        Tensor::stack(&each, 0).mean_dim(0, false, Kind::Float)
    };
    (change, Moves { of_range: over(|m| &m.of_range), of_deviation: over(|m| &m.of_deviation) })
}

/// Pearson correlation.
fn correlation(a: &Tensor, b: &Tensor) -> f64 {
    let [a, b] = [a, b].map(|v| v - v.mean(Kind::Float));
    let dot = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
    let length = (dot(&a, &a) * dot(&b, &b)).sqrt();
    if length > 0.0 { dot(&a, &b) / length } else { 0.0 }
}

/// The measurements of one network of one seed; the pixels have no network.
#[derive(Clone, Debug)]
pub struct Sweep {
    pub activation: Option<Activation>,
    pub layers: Vec<Measurements>,
    /// From `errors`; none for the pixels.
    pub errors: Vec<f64>,
    /// The reason if nothing of this counts: the network diverged.
    pub absent: Option<Absent>,
}

impl Sweep {
    /// A value of it, unless the network diverged.
    fn value(&self, value: f64) -> Measured {
        match self.absent {
            Some(absent) => Err(absent),
            None => summary::number(value, "every digit has the same code"),
        }
    }

    fn name(&self, layer: usize) -> String {
        self.activation.map_or("pixels".into(), |phi| format!("{}, layer {}", phi.title(), layer + 1))
    }

    fn key(&self, layer: usize) -> String {
        self.activation.map_or("pixels".into(), |phi| format!("{phi}.{}", layer + 1))
    }
}

/// The sweeps of each network are side by side, one for each seed; the pixels come first.
pub fn report(sweeps: &[Sweep], seeds: &[u64]) -> Outcome {
    let (pixels, networks) = sweeps.split_at(1);
    let kinds: Vec<&[Sweep]> = std::iter::once(pixels).chain(networks.chunks(seeds.len())).collect();
    let (mut quiet, mut robust, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let mut curves: [Vec<_>; 4] = Default::default();
    for seeded in kinds {
        let first = &seeded[0];
        for layer in 0..first.layers.len() {
            let (name, key) = (first.name(layer), first.key(layer));
            let all = |what: &dyn Fn(&Measurements) -> f64| -> Vec<Measured> {
                seeded.iter().map(|sweep| sweep.value(what(&sweep.layers[layer]))).collect()
            };
            let average = |what: &dyn Fn(&Measurements) -> f64| summary::mean(&all(what));
            let curve = |name: &str, sizes: &[i32], what: &dyn Fn(&Measurements, usize) -> f64| {
                let point = |at: usize| (f64::from(sizes[at]), average(&|seen| what(seen, at)));
                let points = std::iter::once((0.0, Some(0.0))).chain((0..sizes.len()).map(point)).collect();
                summary::curve_with_gaps(name, Source::Measured, Stroke::Both, points)
            };
            let is_last = layer + 1 == first.layers.len();
            if let Some(phi) = first.activation.filter(|_| layer == 0) {
                curves[0].push(curve(phi.title(), &SHIFTS, &|seen, at| seen.shift[at].switch));
                curves[1].push(curve(phi.title(), &TURNS, &|seen, at| seen.turn[at].switch));
            }
            if is_last {
                curves[2].push(curve(&name, &SHIFTS, &|seen, at| seen.shift[at].distance));
            }
            let cell =
                |decimals: usize, what: &dyn Fn(&Measurements) -> f64| summary::with_spread(&all(what), decimals);
            // A pixel is neither on nor off.
            let unit = |decimals: usize, what: &dyn Fn(&Measurements) -> f64| {
                if first.activation.is_some() { cell(decimals, what) } else { "-".into() }
            };
            quiet.push(vec![
                name.clone(),
                unit(0, &|s| s.active),
                unit(1, &|s| s.shift[0].switch),
                cell(1, &|s| s.shift[0].still),
                cell(1, &|s| s.shift[0].carry),
            ]);
            robust.push(vec![
                name.clone(),
                cell(2, &|s| s.shift[0].distance),
                cell(2, &|s| s.busy),
                cell(2, &|s| s.together),
            ]);
            let mut find = |what: &str, value: &dyn Fn(&Measurements) -> f64, says: &dyn Fn(f64) -> String| {
                let seeds = if first.activation.is_some() { seeds } else { &[] };
                let key = format!("disentangle.{what}.{key}");
                let found: Finding = summary::finding(key, &name, &all(value), seeds, says);
                findings.push(found.tabled());
            };
            find("still", &|s| s.shift[0].still, &|v| format!("{name}: {v:.1} % do not notice a shift of one pixel"));
            find("distance", &|s| s.shift[0].distance, &|v| {
                format!("{name}: one pixel moves the code {:.0} % of the way to another digit", 100.0 * v)
            });
            find("busy", &|s| s.busy, &|v| {
                format!("{name}: units that move under a shift move under a turn, correlation {v:.2}")
            });
            find("together", &|s| s.together, &|v| {
                format!("{name}: the same with each unit's moves in its own standard deviations, {v:.2}")
            });
            if first.activation.is_some() {
                find("switch", &|s| s.shift[0].switch, &|v| {
                    format!("{name}: {v:.1} % of the units switch at a shift of one pixel")
                });
            }
        }
        if let Some(phi) = first.activation {
            let mean_at = |at: usize| {
                summary::mean(&seeded.iter().map(|sweep| sweep.value(sweep.errors[at])).collect::<Vec<Measured>>())
            };
            let points = (0..first.errors.len()).map(|at| (at as f64, mean_at(at))).collect();
            curves[3].push(summary::curve_with_gaps(phi.title(), Source::Measured, Stroke::Both, points));
        }
    }
    let titles = [
        ("Units of layer 1 that switch", "shift, pixels", "units, %"),
        ("The same when a digit is turned", "turn, degrees", "units, %"),
        ("How far a shift moves the code", "shift, pixels", "1 = another digit"),
        ("Errors on shifted digits", "shift, pixels", "mistaken, %"),
    ];
    let mut figures: Vec<Figure> = titles
        .into_iter()
        .zip(curves)
        .map(|((title, x, y), curves)| Figure::Plot(summary::plot(title, summary::axis(x), summary::axis(y), curves)))
        .collect();
    for (title, columns, rows) in [
        ("A shift of one pixel, % of the units", &["code", "on", "switch", "still", "carry"][..], quiet),
        ("A shift of one pixel, and a turn", &["code", "distance", "busy", "together"][..], robust),
    ] {
        let sources = vec![Source::Measured; columns.len()];
        let columns = columns.iter().map(ToString::to_string).collect();
        figures.push(Figure::Table(Table { title: title.into(), columns, rows, sources, places: Vec::new() }));
    }
    Outcome { figures, findings, seconds: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_counted_as_defined() {
        let layer = |h: &[f32; 8]| {
            let h = Tensor::from_slice(h).view([2, 4]);
            Layer { on: h.gt(0.0), h }
        };
        // Two digits of different classes, at distance 2, so each unit's range is 1.
        let before = layer(&[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        let scale = Scale::of(&before.h, &Tensor::from_slice(&[3_i64, 5]));
        assert!((scale.apart - 2.0).abs() < 1e-6);
        // The first digit: one unit turns on, one off, both by 1. The second: one changes by 1 and stays on.
        let after = layer(&[1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 0.0, 0.005]);
        let (change, each) = scale.change(&before, &after);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-3, "{a} is not {b}");
        near(change.switch, 100.0 * 3.0 / 8.0);
        near(change.still, 100.0 * 5.0 / 8.0);
        near(change.carry, 100.0 * f64::midpoint(2.0 / 4.0, 1.0 / 4.0));
        near(change.distance, f64::midpoint(2_f64.sqrt(), 1.0) / 2.0);
        near(each.of_range.double_value(&[0]), 1.0);
        // It changes by 1 both times; its values 0 and 1 have the standard deviation 1/2.
        near(each.of_deviation.double_value(&[0]), 2.0);
        // A unit that responds to no unshifted digit has no range, whatever it does later.
        let scale = Scale::of(&layer(&[0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]).h, &Tensor::from_slice(&[3_i64, 5]));
        let (_, each) = scale.change(&before, &after);
        assert_eq!((each.of_range.size(), each.of_deviation.size()), (vec![3], vec![3]));
        near(correlation(&Tensor::from_slice(&[1.0_f32, 2.0, 3.0]), &Tensor::from_slice(&[6.0_f32, 4.0, 2.0])), -1.0);
    }
}
