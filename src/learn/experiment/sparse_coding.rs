//! A dictionary that is learned live, codes in it, and principal components for comparison.

use super::bench::{Bench, Part};
use super::mlp::digits;
use super::sparse::dictionary::{Dictionary, Sign, pictures};
use super::sparse::patches::{SIDE, patches};
use super::summary::Measured;
use super::{ExperimentError, summary};
use crate::random::{Purpose, Random};
use protocol::{Figure, ImageGrid, Outcome, Source, SparseCoding, Stroke, Table, TablePlace};
use std::sync::{Mutex, PoisonError};
use tch::{Kind, Tensor};

/// Digits from which patches are drawn, and digits of the test set that are coded.
const PICTURES: u32 = 5000;
const CODED: u32 = 500;
/// Pictures of the dictionary while it is learned.
const FRAMES: f64 = 40.0;
/// Patches that are shown as sums of atoms, and the atoms shown for each.
const SHOWN: i64 = 6;
const PARTS: usize = 6;
/// Coefficients in units of their own standard deviations: the histogram's end and its number of bins.
const FAR: f64 = 8.0;
const BINS: usize = 48;

/// The measurements of one seed.
struct Measurements {
    atoms: Vec<Vec<u8>>,
    components: Vec<Vec<u8>>,
    strips: Vec<(Vec<u8>, String)>,
    /// Percent of all coefficients in each bin: sparse codes, principal components.
    histograms: [Vec<f64>; 2],
    nonzero: f64,
    snr: f64,
    /// For as many principal components as a code has coefficients on average.
    snr_components: f64,
    kurtosis: [f64; 2],
}

pub fn run(settings: &SparseCoding, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let seeds = bench.seeds;
    // The first seed's dictionary while it is learned.
    let growing: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let work = |&seed: &u64, part: &Part| {
        let mut random = Random::new(seed, Purpose::Experiment { number: 6 });
        let x = patches(&digits(data.training(), PICTURES), &mut random);
        let mut dictionary = Dictionary::new(settings.atoms, Sign::Any, settings.price, &mut random);
        let mut frames = 0.0;
        dictionary.learn(&x, settings.batches, settings.steps, &mut random, |grown, done| {
            if seed == seeds[0] && done * FRAMES >= frames {
                frames += 1.0;
                *growing.lock().unwrap_or_else(PoisonError::into_inner) = grown.pictures()?;
                part.mark_changed();
            }
            part.step(0.98 * done)
        })?;
        look(&dictionary, &x, &patches(&digits(data.test(), CODED), &mut random), part)
    };
    let shown = |_: &[Option<Measurements>]| {
        let atoms = growing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (!atoms.is_empty()).then(|| Outcome { figures: vec![grid("The dictionary", atoms)], ..Outcome::default() })
    };
    let seen = bench.each("learning a dictionary", seeds, work, shown)?;
    Ok(report(&seen, seeds))
}

fn look(dictionary: &Dictionary, learned: &Tensor, x: &Tensor, part: &Part) -> Result<Measurements, ExperimentError> {
    let a = dictionary.codes(x, 500, || part.poll())?;
    let (_, axes) = learned.tr().matmul(learned).linalg_eigh("L");
    // Ascending, so the largest are last.
    let axes = axes.flip([1]);
    let b = x.matmul(&axes);
    let nonzero = a.ne(0.0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    let kept = (nonzero * a.size()[1] as f64).round().clamp(1.0, b.size()[1] as f64) as i64;
    let few = b.narrow(1, 0, kept).matmul(&axes.narrow(1, 0, kept).tr());
    Ok(Measurements {
        atoms: dictionary.pictures()?,
        components: pictures(&axes)?,
        strips: strips(dictionary, x, &a)?,
        histograms: [histogram(&a)?, histogram(&b)?],
        nonzero: 100.0 * nonzero,
        snr: snr(x, &dictionary.decode(&a)),
        snr_components: snr(x, &few),
        kurtosis: [kurtosis(&a), kurtosis(&b)],
    })
}

/// Signal-to-noise ratio of a reconstruction, in decibels.
fn snr(x: &Tensor, found: &Tensor) -> f64 {
    let power = |t: &Tensor| t.square().sum(Kind::Double).double_value(&[]);
    10.0 * (power(x) / power(&(x - found)).max(1e-300)).log10()
}

/// Excess kurtosis of each coefficient over the patches, on average; 0 for a Gaussian.
fn kurtosis(a: &Tensor) -> f64 {
    let a = a.to_kind(Kind::Double);
    let a = &a - a.mean_dim([0].as_slice(), true, Kind::Double);
    let square = a.square().mean_dim([0].as_slice(), false, Kind::Double);
    let fourth = a.square().square().mean_dim([0].as_slice(), false, Kind::Double);
    let used = square.gt(1e-12).nonzero().view(-1);
    (fourth / square.square()).index_select(0, &used).mean(Kind::Double).double_value(&[]) - 3.0
}

/// Histogram of the coefficients, each in units of its own standard deviation, in percent. Values beyond are left out.
fn histogram(a: &Tensor) -> Result<Vec<f64>, ExperimentError> {
    let a = a.to_kind(Kind::Double);
    let deviation = a.square().mean_dim([0].as_slice(), true, Kind::Double).sqrt().clamp_min(1e-12);
    let places = ((a / deviation + FAR) * (BINS as f64 / (2.0 * FAR))).floor().view(-1);
    let inside = places.ge(0.0).logical_and(&places.lt(BINS as f64));
    let bins = places.masked_select(&inside).to_kind(Kind::Int64);
    let counts = Vec::<f64>::try_from(bins.bincount::<Tensor>(None, BINS as i64).to_kind(Kind::Double))?;
    let all = places.size()[0] as f64;
    Ok(counts.into_iter().map(|count| 100.0 * count / all).collect())
}

/// A patch, its reconstruction, and the atoms of which it is the sum, side by side; the coefficients below.
fn strips(dictionary: &Dictionary, x: &Tensor, a: &Tensor) -> Result<Vec<(Vec<u8>, String)>, ExperimentError> {
    let built = dictionary.decode(a);
    (0..SHOWN.min(x.size()[0]))
        .map(|at| {
            let (patch, code) = (x.get(at), a.get(at));
            let scale = patch.abs().max().clamp_min(1e-12);
            let grey = |t: &Tensor| Vec::<u8>::try_from(((t * 127.0) + 128.0).clamp(0.0, 255.0).to_kind(Kind::Uint8));
            let mut tiles = vec![grey(&(&patch / &scale))?, grey(&(built.get(at) / &scale))?];
            let order = Vec::<i64>::try_from(code.abs().argsort(0, true))?;
            let mut words = Vec::new();
            for column in order.into_iter().take(PARTS) {
                let weight = code.double_value(&[column]);
                if weight == 0.0 {
                    break;
                }
                let atom = dictionary.atoms.select(1, column);
                tiles.push(grey(&(&atom / atom.abs().max().clamp_min(1e-12)))?);
                words.push(format!("{weight:<+9.2}"));
            }
            let used = code.ne(0.0).sum(Kind::Int64).int64_value(&[]);
            let caption = format!("{:<9}{:<9}{}", "patch", format!("of {used}"), words.concat());
            Ok((strip(&tiles), caption))
        })
        .collect()
}

/// Pictures of 8x8 in one row, a black column between them.
fn strip(tiles: &[Vec<u8>]) -> Vec<u8> {
    let side = SIDE as usize;
    (0..side)
        .flat_map(|row| {
            (0..PARTS + 2).flat_map(move |at| {
                let line = tiles.get(at).map_or(vec![0; side], |tile| tile[row * side..(row + 1) * side].to_vec());
                line.into_iter().chain((at < PARTS + 1).then_some(0))
            })
        })
        .collect()
}

fn grid(title: &str, images: Vec<Vec<u8>>) -> Figure {
    let (width, height) = (SIDE as u32, SIDE as u32);
    Figure::Images(ImageGrid {
        title: title.into(),
        width,
        height,
        images,
        captions: Vec::new(),
        source: Source::Measured,
    })
}

fn report(seen: &[Measurements], seeds: &[u64]) -> Outcome {
    let all = |what: fn(&Measurements) -> f64| -> Vec<Measured> {
        seen.iter().map(|seen| summary::number(what(seen), "no patch uses any of the dictionary")).collect()
    };
    let find = |key: &str, subject: &str, what: fn(&Measurements) -> f64, says: &dyn Fn(f64) -> String| {
        summary::finding(format!("sparse-coding.{key}"), subject, &all(what), seeds, says).tabled()
    };
    let (sparse, components) = ("the sparse code", "the principal components");
    let findings = vec![
        find("nonzero", sparse, |s| s.nonzero, &|v| format!("a patch uses {v:.1} % of the dictionary")),
        find("snr", sparse, |s| s.snr, &|v| format!("and is rebuilt from that to {v:.1} dB")),
        find("snr.pca", components, |s| s.snr_components, &|v| {
            format!("as many principal components, the same ones for all, rebuild it to {v:.1} dB")
        }),
        find("kurtosis.sparse", sparse, |s| s.kurtosis[0], &|v| {
            format!("excess kurtosis of the sparse coefficients: {v:.1}")
        }),
        find("kurtosis.pca", components, |s| s.kurtosis[1], &|v| {
            format!("of the principal components: {v:.1}; a Gaussian has 0")
        }),
    ];
    let first = &seen[0];
    let (images, captions) = first.strips.iter().cloned().unzip();
    let strips = ImageGrid {
        title: "Patch, rebuilt, and its largest parts".into(),
        width: (PARTS as u32 + 2) * (SIDE as u32 + 1) - 1,
        height: SIDE as u32,
        images,
        captions,
        source: Source::Measured,
    };
    let middle = |at: usize| (at as f64 + 0.5) * 2.0 * FAR / BINS as f64 - FAR;
    let curve = |name: &str, which: usize| {
        let share = |at: usize| seen.iter().map(|s| s.histograms[which][at]).sum::<f64>() / seen.len() as f64;
        let points = (0..BINS).map(|at| [middle(at), share(at)]).filter(|point| point[1] > 0.0).collect();
        summary::curve(name, Source::Measured, Stroke::Line, points)
    };
    let histogram = summary::plot(
        "How large coefficients are",
        summary::axis("in standard deviations"),
        summary::log_axis("% of them"),
        vec![curve("sparse codes", 0), curve("principal components", 1)],
    );
    let row = |name: &str, numbers: [fn(&Measurements) -> f64; 3]| {
        let cells = numbers.map(|what| summary::with_spread(&all(what), 1));
        std::iter::once(name.to_string()).chain(cells).collect()
    };
    let rows = vec![
        row("sparse code", [|s| s.nonzero, |s| s.snr, |s| s.kurtosis[0]]),
        row("as many principal components", [|s| s.nonzero, |s| s.snr_components, |s| s.kurtosis[1]]),
    ];
    let places =
        [("nonzero", 0, 1), ("snr", 0, 2), ("kurtosis.sparse", 0, 3), ("snr.pca", 1, 2), ("kurtosis.pca", 1, 3)];
    let columns = ["code", "used %", "rebuilt, dB", "kurtosis"].map(String::from).to_vec();
    let table = Table {
        title: "Few parts of many".into(),
        columns,
        rows,
        sources: vec![Source::Measured; 4],
        places: places.map(|(key, row, column)| TablePlace::new(format!("sparse-coding.{key}"), row, column)).to_vec(),
    };
    let figures = vec![
        grid("The dictionary", first.atoms.clone()),
        Figure::Images(strips),
        grid("Principal components by variance", first.components.clone()),
        Figure::Plot(histogram),
        Figure::Table(table),
    ];
    Outcome { figures, findings, seconds: 0.0 }
}
