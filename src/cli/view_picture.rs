//! A view as a PNG: tiles of pixels with captions under headings, or a plot where the view is one of numbers.

use super::chart::{self, FAMILY};
use super::view::mistakes_head;
use app::{Background, Viewport};
use color_eyre::eyre::eyre;
use plotters::backend::BitMapBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::style::{IntoFont, RGBColor};
use protocol::{
    Ablated, AxisScale, Bins, Plot, PlotAxis, PlotSeries, Seen, SeenShape, Source, SpreadKind, Stroke, ViewAnswer,
    format_count,
};

type Rgb = [u8; 3];

/// Pixels of a line of text, and of the margins.
const LINE: u32 = 18;
const MARGIN: u32 = 12;
/// The widest row of tiles.
const WIDTH: u32 = 1200;

/// A small picture under a heading.
struct Tile {
    width: u32,
    height: u32,
    pixels: Vec<Rgb>,
    /// May be empty.
    caption: String,
}

struct Section {
    heading: String,
    tiles: Vec<Tile>,
    /// Tiles a row; as many as fit if 0.
    columns: u32,
    /// Screen pixels of one of a tile's.
    scale: u32,
}

/// The picture of a view on white paper.
#[allow(clippy::too_many_lines, reason = "a paragraph a view")]
pub fn png(answer: &ViewAnswer) -> color_eyre::Result<Vec<u8>> {
    let mut title = format!("run {}, {} seed {}, epoch {}", answer.run, answer.arm, answer.seed, answer.epoch);
    if let Some(changes) = answer.describe_changes() {
        title = format!("{title}; changed: {changes}");
    }
    match &answer.seen {
        Seen::Filters { layers } => {
            let sections = layers.iter().map(|layer| {
                let (side, largest) = (layer.side, largest(&layer.weights));
                let kernels = layer.weights.chunks_exact((side * side).max(1) as usize);
                let tiles = kernels.map(|kernel| Tile {
                    width: side,
                    height: side,
                    pixels: kernel.iter().map(|weight| signed(*weight, largest)).collect(),
                    caption: String::new(),
                });
                let heading = format!(
                    "{}: {} in rows, their inputs in columns; blue is negative, red positive, the strongest ±{largest:.3}",
                    layer.layer,
                    format_count(layer.maps as usize, "filter")
                );
                let scale = (WIDTH / (layer.inputs.max(1) * (side + 1))).clamp(2, 12);
                Section { heading, tiles: tiles.collect(), columns: layer.inputs, scale }
            });
            tiles(&title, &sections.collect::<Vec<_>>())
        }
        Seen::Maps { image, layers, .. } => {
            let input = Section {
                heading: "the image".into(),
                tiles: vec![tile_of(image.shape, &image.pixels, String::new())],
                columns: 0,
                scale: 4,
            };
            let of_layers = layers.iter().map(|layer| {
                let (largest, size) = (largest(&layer.y), (layer.height * layer.width).max(1) as usize);
                // A layer of single numbers is one row of pixels.
                let is_flat = size == 1;
                let (width, height, length) =
                    if is_flat { (layer.units, 1, layer.y.len().max(1)) } else { (layer.width, layer.height, size) };
                let maps = layer.y.chunks_exact(length).map(|map| Tile {
                    width,
                    height,
                    pixels: map.iter().map(|value| signed(*value, largest)).collect(),
                    caption: String::new(),
                });
                let heading = format!(
                    "{}: {} of {}x{}, outputs; red is positive, blue negative, the strongest {largest:.3}",
                    layer.layer,
                    format_count(layer.units as usize, "unit"),
                    layer.height,
                    layer.width
                );
                let scale =
                    if is_flat { (WIDTH / layer.units.max(1)).clamp(2, 10) } else { (80 / layer.width.max(1)).max(2) };
                Section { heading, tiles: maps.collect(), columns: 0, scale }
            });
            tiles(&title, &std::iter::once(input).chain(of_layers).collect::<Vec<_>>())
        }
        Seen::Mistakes { images, wrong, mistakes, classes, shape, split } => {
            let name = |class: u32| classes.get(class as usize).cloned().unwrap_or_default();
            let of = mistakes.iter().map(|mistake| {
                let share = mistake.probabilities.get(mistake.answer as usize).copied().unwrap_or_default();
                let caption = format!("{} as {} {:.0} %", name(mistake.truth), name(mistake.answer), 100.0 * share);
                tile_of(*shape, &mistake.pixels, caption)
            });
            let head = mistakes_head(*wrong, *images, *split, mistakes.len());
            let heading = format!("{head}: truth as answer, with its probability");
            tiles(&title, &[Section { heading, tiles: of.collect(), columns: 0, scale: 3 }])
        }
        Seen::Wants { layer, unit, shape, images, optimised, .. } => {
            let of = images
                .iter()
                .map(|image| tile_of(*shape, &image.pixels, format!("{} ({:.2})", image.truth, image.output)));
            let found = tile_of(*shape, &optimised.pixels, format!("{:.2}", optimised.output));
            let seen = Section {
                heading: format!("{layer} unit {unit}: the images with its largest outputs, with class and output"),
                tiles: of.collect(),
                columns: 0,
                scale: 3,
            };
            let heading = format!("gradient ascent: {}", optimised.regulariser);
            tiles(&title, &[seen, Section { heading, tiles: vec![found], columns: 0, scale: 6 }])
        }
        Seen::Ask { classes, answer, probabilities, image, .. } => {
            let heading = format!("answer: {}", classes.get(*answer as usize).cloned().unwrap_or_default());
            let asked = Section {
                heading,
                tiles: vec![tile_of(image.shape, &image.pixels, String::new())],
                columns: 0,
                scale: 6,
            };
            let bars = classes.iter().zip(probabilities).map(|(class, share)| Section {
                heading: format!("{class}: {:.1} %", 100.0 * share),
                tiles: vec![bar(*share)],
                columns: 0,
                scale: 3,
            });
            tiles(&title, &std::iter::once(asked).chain(bars).collect::<Vec<_>>())
        }
        Seen::Answers { classes, probabilities } => {
            let sections = probabilities.iter().enumerate().map(|(at, row)| {
                let bars = row.iter().zip(classes).map(|(share, class)| Tile { caption: class.clone(), ..bar(*share) });
                Section { heading: format!("image {at}"), tiles: bars.collect(), columns: 0, scale: 1 }
            });
            tiles(&title, &sections.collect::<Vec<_>>())
        }
        Seen::Products(seen) => {
            let products: Vec<f32> = seen.x.iter().zip(&seen.weights).map(|(x, weight)| x * weight).collect();
            let section = |name: &str, values: &[f32]| {
                let heading = format!(
                    "{name}; red is positive, blue negative, the strongest ±{largest:.3}",
                    largest = largest(values)
                );
                numbers(heading, seen.side, values)
            };
            let head = format!(
                "{} unit {}, row {}, column {}: z {:.4} is the sum of the products and the bias {:.4}; y is {:.4}",
                seen.layer, seen.unit, seen.row, seen.column, seen.z, seen.bias, seen.y
            );
            let head = Section { heading: head, tiles: Vec::new(), columns: 0, scale: 1 };
            let [x, weights, products] = [("inputs", &seen.x), ("weights", &seen.weights), ("products", &products)]
                .map(|(name, values)| section(name, values));
            tiles(&title, &[head, x, weights, products])
        }
        Seen::Confusion { classes, matrix, split } => {
            let most = matrix.0.iter().enumerate().flat_map(|(truth, row)| {
                row.iter().enumerate().filter(move |(at, _)| *at != truth).map(|(_, count)| *count)
            });
            let most = most.max().unwrap_or(0).max(1);
            let cells = matrix.0.iter().enumerate().flat_map(|(truth, row)| {
                row.iter().enumerate().map(move |(answer, count)| {
                    let share = f64::from(*count) / f64::from(most);
                    // The diagonal would outshine all else.
                    let pixel =
                        if truth == answer { [225, 232, 225] } else { mix([255, 255, 255], [200, 40, 40], share) };
                    Tile { width: 1, height: 1, pixels: vec![pixel], caption: count.to_string() }
                })
            });
            let names: Vec<String> = classes.iter().enumerate().map(|(at, class)| format!("{at} {class}")).collect();
            let heading =
                format!("{} split; rows are the truth, columns the answers: {}", split.name(), names.join(", "));
            let columns = classes.len() as u32;
            tiles(&title, &[Section { heading, tiles: cells.collect(), columns, scale: 48 }])
        }
        Seen::Histogram { layers, .. } => {
            let series = layers.iter().map(|layer| (layer.layer.to_string(), shares(&layer.z)));
            plot(&title, "pre-activation", "share of the values, %", AxisScale::Linear, series)
        }
        Seen::Units { layers, .. } => {
            let series = layers.iter().map(|layer| {
                let mut zeros = layer.zeros.clone();
                zeros.sort_by(f64::total_cmp);
                let count = zeros.len().max(1) as f64;
                let points = zeros.into_iter().enumerate().map(|(at, zero)| (100.0 * (at as f64 + 0.5) / count, zero));
                (layer.layer.to_string(), points.collect::<Vec<_>>())
            });
            plot(&title, "units, in order, %", "how often zero, %", AxisScale::Linear, series)
        }
        Seen::Gradients { layers, .. } => {
            let of = |value: fn(&protocol::LayerGradients) -> f64| -> Vec<(f64, f64)> {
                layers.iter().enumerate().map(|(at, layer)| (at as f64 + 1.0, value(layer))).collect()
            };
            let series = [
                ("weights".to_owned(), of(|layer| layer.weights)),
                ("pre-activations".to_owned(), of(|layer| layer.z)),
            ];
            plot(&title, "hidden layer", "gradient, rms", AxisScale::Log, series.into_iter())
        }
        Seen::Ablation { layer, units, error, .. } => {
            let ranked = Ablated::rank(units).into_iter().enumerate();
            let points = ranked.map(|(at, (_, unit))| (at as f64 + 1.0, unit.error)).collect();
            let last = units.len() as f64;
            let series = [
                (format!("without one unit of {layer}"), points),
                ("with all units".to_owned(), vec![(1.0, *error), (last, *error)]),
            ];
            plot(&title, "units, the largest error first", "wrong answers, %", AxisScale::Linear, series.into_iter())
        }
    }
}

fn plot(
    title: &str,
    x: &str,
    y: &str,
    scale: AxisScale,
    curves: impl Iterator<Item = (String, Vec<(f64, f64)>)>,
) -> color_eyre::Result<Vec<u8>> {
    let series = curves.map(|(name, points)| PlotSeries {
        name,
        source: Source::Measured,
        stroke: Stroke::Line,
        points: points.into_iter().map(|(x, y)| (x, Some(y))).collect(),
        spread: Vec::new(),
        below: Vec::new(),
    });
    let plot = Plot {
        title: title.into(),
        x: PlotAxis { label: x.into(), ..PlotAxis::default() },
        y: PlotAxis { label: y.into(), scale, limits: None },
        series: series.collect(),
        spread: SpreadKind::Deviation,
        ..Plot::default()
    };
    Ok(chart::png(&plot, &Viewport::default(), Background::Light)?.bytes)
}

/// The middle of each bin with its share of the values, in percent.
fn shares(bins: &Bins) -> Vec<(f64, f64)> {
    let all = bins.counts.iter().sum::<u64>().max(1) as f64;
    let width = (bins.to - bins.from) / bins.counts.len().max(1) as f64;
    let middle = |at: usize| bins.from + width * (at as f64 + 0.5);
    bins.counts.iter().enumerate().map(|(at, count)| (middle(at), 100.0 * *count as f64 / all)).collect()
}

/// Signed numbers as pixels: a tile for each input map, or rows of numbers that belong to no map.
fn numbers(heading: String, side: u32, values: &[f32]) -> Section {
    const ROW: usize = 100;
    let largest = largest(values);
    let tile = |width: u32, height: u32, values: &[f32]| Tile {
        width,
        height,
        pixels: values.iter().map(|value| signed(*value, largest)).collect(),
        caption: String::new(),
    };
    let tiles: Vec<Tile> = if side > 1 {
        values.chunks_exact((side * side) as usize).map(|map| tile(side, side, map)).collect()
    } else {
        vec![tile(values.len().min(ROW) as u32, values.len().div_ceil(ROW) as u32, values)]
    };
    // A single kernel is large enough to count its pixels.
    let scale = if side > 1 && tiles.len() < 8 { 24 } else { 10 };
    Section { heading, tiles, columns: 0, scale }
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// White at zero, red above it, blue below it.
fn signed(value: f32, largest: f32) -> Rgb {
    let share = if largest > 0.0 { f64::from(value.abs() / largest) } else { 0.0 };
    mix([255, 255, 255], if value < 0.0 { [33, 102, 172] } else { [178, 24, 43] }, share)
}

fn mix(from: Rgb, to: Rgb, share: f64) -> Rgb {
    let part = |at: usize| (f64::from(from[at]) + share * (f64::from(to[at]) - f64::from(from[at]))).round() as u8;
    [part(0), part(1), part(2)]
}

fn tile_of(shape: SeenShape, pixels: &[u8], caption: String) -> Tile {
    let pixel = |values: &[u8]| match values {
        [red, green, blue] => [*red, *green, *blue],
        values => [values.first().copied().unwrap_or_default(); 3],
    };
    let pixels = pixels.chunks_exact(shape.channels.max(1) as usize).map(pixel).collect();
    Tile { width: shape.width, height: shape.height, pixels, caption }
}

fn bar(share: f32) -> Tile {
    const WIDTH: u32 = 100;
    let filled = (WIDTH as f32 * share).round() as u32;
    let pixels = (0..WIDTH).map(|at| if at < filled { [178, 24, 43] } else { [235, 235, 235] });
    Tile {
        width: WIDTH,
        height: 2,
        pixels: pixels.chain((0..WIDTH).map(|at| if at < filled { [178, 24, 43] } else { [235; 3] })).collect(),
        caption: String::new(),
    }
}

/// Where each tile of a section stands, and the section's height.
fn placed(section: &Section) -> (Vec<(u32, u32)>, u32) {
    let Some(first) = section.tiles.first() else { return (Vec::new(), LINE) };
    let caption = if section.tiles.iter().all(|tile| tile.caption.is_empty()) { 0 } else { LINE };
    // A caption needs some room.
    let width = (first.width * section.scale).max(if caption > 0 { 84 } else { 0 });
    let (across, down) = (width + section.scale.min(6), first.height * section.scale + caption + section.scale.min(6));
    let columns = if section.columns > 0 { section.columns } else { (WIDTH / across).max(1) };
    let places = (0..section.tiles.len() as u32).map(|at| (at % columns * across, LINE + at / columns * down));
    let rows = (section.tiles.len() as u32).div_ceil(columns);
    (places.collect(), LINE + rows * down)
}

fn tiles(title: &str, sections: &[Section]) -> color_eyre::Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| eyre!("the picture can't be drawn: {error}");
    chart::prepare_font()?;
    let layouts: Vec<_> = sections.iter().map(placed).collect();
    let right = sections.iter().zip(&layouts).flat_map(|(section, (places, _))| {
        section.tiles.iter().zip(places).map(|(tile, (x, _))| x + (tile.width * section.scale).max(84))
    });
    let width = right.max().unwrap_or(0).max(WIDTH) + 2 * MARGIN;
    let height = 2 * MARGIN + LINE + 6 + layouts.iter().map(|(_, height)| height + MARGIN).sum::<u32>();
    let mut bytes = vec![u8::MAX; width as usize * height as usize * 3];
    {
        let root = BitMapBackend::with_buffer(&mut bytes, (width, height)).into_drawing_area();
        let text = |text: &str, size: u32, x: u32, y: u32| {
            let style = (FAMILY, size).into_font().color(&RGBColor(20, 20, 20));
            root.draw(&Text::new(text.to_owned(), (x as i32, y as i32), style)).map_err(|e| failed(&e))
        };
        text(title, 16, MARGIN, MARGIN)?;
        let mut top = MARGIN + LINE + 6;
        for (section, (places, height)) in sections.iter().zip(&layouts) {
            text(&section.heading, 13, MARGIN, top)?;
            for (tile, (x, y)) in section.tiles.iter().zip(places) {
                let (left, above) = (MARGIN + x, top + y);
                for (at, [red, green, blue]) in (0_u32..).zip(&tile.pixels) {
                    let (x, y) = (left + at % tile.width * section.scale, above + at / tile.width * section.scale);
                    let corners =
                        [(x as i32, y as i32), ((x + section.scale) as i32 - 1, (y + section.scale) as i32 - 1)];
                    let colour = RGBColor(*red, *green, *blue);
                    root.draw(&Rectangle::new(corners, plotters::style::ShapeStyle::from(&colour).filled()))
                        .map_err(|e| failed(&e))?;
                }
                if !tile.caption.is_empty() {
                    text(&tile.caption, 11, left, above + tile.height * section.scale + 2)?;
                }
            }
            top += height + MARGIN;
        }
        root.present().map_err(|e| failed(&e))?;
    }
    chart::encode_png(&bytes, width, height)
}
