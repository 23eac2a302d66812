//! The figures: patterns, weights of a piece, and a line and a plane through the pieces.

use super::net::Net;
use super::plane::{self, Plane, SIZE};
use super::walk::Switch;
use crate::experiment::summary;
use protocol::{Figure, ImageGrid, PlotMark, Regions, Source, Stroke, Table};

const SIDE: u32 = 28;

/// For each digit and hidden layer, which units are active.
pub fn patterns(net: &Net, corners: &[Vec<f64>; 3], digits: [u32; 3]) -> Figure {
    let mut rows = Vec::new();
    for (corner, digit) in corners.iter().zip(digits) {
        let (pattern, _) = net.forward(corner);
        let mut units = pattern.iter();
        let on = net.on(&pattern);
        for (layer, (hidden, on)) in net.hidden().iter().zip(on).enumerate() {
            let marks = units.by_ref().take(hidden.units()).map(|on| if *on { '#' } else { '.' }).collect();
            rows.push(vec![digit.to_string(), (layer + 1).to_string(), format!("{on} of {}", hidden.units()), marks]);
        }
    }
    let columns = ["digit", "layer", "on", "units"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    Figure::Table(Table {
        title: "Which units each digit switches on".into(),
        columns,
        rows,
        sources,
        places: Vec::new(),
    })
}

/// Paths through one unit of each hidden layer: how many are active for each digit, and what becomes of the first
/// digit's on the way to the second.
pub fn paths(net: &Net, corners: &[Vec<f64>; 3], digits: [u32; 3]) -> Figure {
    let patterns = corners.each_ref().map(|corner| net.forward(corner).0);
    // A path is active if all its units are: for both digits, if all its units are active for both.
    let count = |pattern: &[bool]| net.on(pattern).iter().product::<usize>();
    let all = count(&vec![true; patterns[0].len()]);
    let row =
        |name: String, count: usize| vec![name, count.to_string(), format!("{:.1}", 100.0 * count as f64 / all as f64)];
    let mut rows: Vec<_> = patterns.iter().zip(digits).map(|(p, digit)| row(a(digit), count(p))).collect();
    let [first, second, _] = &patterns;
    let both: Vec<bool> = first.iter().zip(second).map(|(a, b)| *a && *b).collect();
    let (from, to) = (a(digits[0]), a(digits[1]));
    rows.push(row(format!("from {from} to {to}: stay on"), count(&both)));
    rows.push(row("switched off".into(), count(first) - count(&both)));
    rows.push(row("switched on".into(), count(second) - count(&both)));
    let columns = ["digit", &format!("paths on, of {all}"), "%"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    Figure::Table(Table { title: "Paths through the hidden layers".into(), columns, rows, sources, places: Vec::new() })
}

/// A digit, and the weights with which its piece computes the largest logit: zero is grey, and white adds to it.
pub fn template(net: &Net, corner: &[f64], digit: u32) -> Figure {
    let (pattern, logits) = net.forward(corner);
    let class = plane::class(&logits);
    let map = net.affine(&pattern);
    let weights = &map.weights[class * map.inputs..][..map.inputs];
    let largest = weights.iter().fold(f64::MIN_POSITIVE, |m, w| m.max(w.abs()));
    let pixels = corner.iter().map(|pixel| (255.0 * pixel).round() as u8).collect();
    let shades = weights.iter().map(|w| (127.5 + 127.5 * w / largest).round() as u8).collect();
    Figure::Images(ImageGrid {
        title: format!("{}, and the weights of its piece", a(digit)),
        width: SIDE,
        height: SIDE,
        images: vec![pixels, shades],
        captions: vec![a(digit), format!("weights for {class}")],
        source: Source::Measured,
    })
}

/// With its article.
fn a(digit: u32) -> String {
    if digit == 8 { "an 8".into() } else { format!("a {digit}") }
}

/// Logits along the straight line from the first digit to the second. Between two switches they are exactly linear.
pub fn line(net: &Net, corners: &[Vec<f64>; 3], digits: [u32; 3], switches: &[Switch]) -> Figure {
    let ends = [0, 1].map(|end| net.forward(&corners[end]).1);
    let mut path: Vec<(f64, &[f64])> = switches.iter().map(|switch| (switch.at, &switch.logits[..])).collect();
    path.insert(0, (0.0, &ends[0]));
    path.push((1.0, &ends[1]));
    let (from, to) = (digits[0] as usize, digits[1] as usize);
    // Besides these two, the class with the largest logit on the way.
    let highest = |class: usize| path.iter().map(|(_, logits)| logits[class]).fold(f64::NEG_INFINITY, f64::max);
    let third =
        (0..10).filter(|&class| class != from && class != to).max_by(|&x, &y| highest(x).total_cmp(&highest(y)));
    let of = |class: usize| path.iter().map(|(at, logits)| [*at, logits[class]]).collect::<Vec<_>>();
    let mut series: Vec<_> = [from, to]
        .into_iter()
        .chain(third)
        .map(|class| summary::curve(format!("logit of {class}"), Source::Measured, Stroke::Line, of(class)))
        .collect();
    // Every switch bends every logit, so one row of marks is enough.
    let heights = || series.iter().flat_map(|s| s.points.iter()).filter_map(|point| point.1);
    let (lowest, highest) = (heights().fold(f64::INFINITY, f64::min), heights().fold(f64::NEG_INFINITY, f64::max));
    let floor = lowest - 0.08 * (highest - lowest);
    let marks = switches.iter().map(|switch| [switch.at, floor]).collect::<Vec<_>>();
    if !marks.is_empty() {
        series.push(summary::curve("a unit switches", Source::Measured, Stroke::Points, marks));
    }
    let title = format!("From {} to {}: {} pieces", a(digits[0]), a(digits[1]), switches.len() + 1);
    let x = summary::axis(&format!("share of the {to}"));
    Figure::Plot(summary::plot(title, x, summary::axis("logit"), series))
}

/// A number for each cell of the grid, with the three digits marked.
pub fn plane(plane: &Plane, digits: [u32; 3], title: &str, regions: impl Iterator<Item = u32>) -> Figure {
    let mark = |(at, digit): (&[f64; 2], u32)| PlotMark { label: digit.to_string(), source: Source::Measured, at: *at };
    Figure::Regions(Regions {
        title: title.into(),
        width: SIZE.0 as u32,
        height: SIZE.1 as u32,
        regions: regions.collect(),
        marks: plane.corners.iter().zip(digits).map(mark).collect(),
        source: Source::Measured,
    })
}
