//! A view as a PNG: tiles of pixels with captions under headings, or a plot where the view is one of numbers.

use super::chart::{self, FAMILY};
use super::view::mistakes_head;
use app::{Background, Viewport};
use color_eyre::eyre::eyre;
use plotters::backend::BitMapBackend;
use plotters::drawing::IntoDrawingArea;
use plotters::element::Text;
use plotters::style::{IntoFont, RGBColor};
use protocol::{
    Ablated, AxisScale, Bins, ConfusionMatrix, ImageSplit, LayerFilters, LayerGradients, LayerMaps, Plot, PlotAxis,
    PlotSeries, Seen, SeenImage, SeenProducts, SeenShape, Source, SpreadKind, Stroke, ViewAnswer, format_count,
};

type Rgb = [u8; 3];

/// Pixels of a heading's line, of a caption's line, and of the margins.
const LINE: u32 = 18;
const CAPTION_LINE: u32 = 14;
const MARGIN: u32 = 12;
/// The widest row of tiles, where a section does not say how many stand in it, and of text.
const WIDTH: u32 = 1200;
/// The sizes of text.
const TITLE: u32 = 16;
const HEADING: u32 = 13;
const CAPTION: u32 = 11;

/// The frame of a tile, without which a pale one would not stand out from the page.
const FRAME: Rgb = [200, 200, 200];

/// A small picture.
struct Tile {
    width: u32,
    height: u32,
    pixels: Vec<Rgb>,
    /// The lines below it.
    caption: Vec<String>,
}

/// Tiles of one size under a heading.
#[derive(Default)]
struct Section {
    heading: String,
    tiles: Vec<Tile>,
    /// Tiles a row; as many as fit if 0.
    columns: u32,
    /// Screen pixels of one of a tile's.
    scale: u32,
    /// What stands at the left of each row, and above each column; may be empty.
    row_names: Vec<String>,
    column_names: Vec<String>,
}

/// The picture of a view, of an arm with this title, on white paper.
pub fn png(answer: &ViewAnswer, arm: &str) -> color_eyre::Result<Vec<u8>> {
    chart::prepare_font()?;
    let mut title = format!("run {}, {arm} seed {}, epoch {}", answer.run, answer.seed, answer.epoch);
    if let Some(changes) = answer.describe_changes() {
        title = format!("{title}; changed: {changes}");
    }
    match plot_of(&title, &answer.seen) {
        Some(plot) => Ok(chart::png(&plot, &Viewport::default(), Background::Light)?.bytes),
        None => tiles(&title, &sections(&answer.seen)),
    }
}

/// The view as tiles; none of a view that is a plot.
fn sections(seen: &Seen) -> Vec<Section> {
    match seen {
        Seen::Filters { layers } => layers.iter().map(filters).collect(),
        Seen::Maps { image, layers, .. } => {
            std::iter::once(the_image(image, "the image".into(), 4)).chain(layers.iter().map(maps)).collect()
        }
        Seen::Mistakes { images, wrong, mistakes, classes, shape, split } => {
            let of = mistakes.iter().map(|mistake| {
                let share = mistake.probabilities.get(mistake.answer as usize).copied().unwrap_or_default();
                let [truth, answer] = [mistake.truth, mistake.answer].map(|class| class_name(classes, class));
                let caption =
                    vec![format!("image {}", mistake.number), format!("{truth} as {answer}, {:.0} %", 100.0 * share)];
                tile_of(*shape, &mistake.pixels, caption)
            });
            let head = mistakes_head(*wrong, *images, *split, mistakes.len());
            let heading = format!("{head}: number, truth as answer, with its probability");
            vec![Section { heading, tiles: of.collect(), scale: 3, ..Section::default() }]
        }
        Seen::Wants { layer, unit, shape, images, optimised, classes, .. } => {
            let of = images.iter().map(|image| {
                let truth = class_name(classes, image.truth);
                let caption = vec![format!("image {}", image.number), format!("{truth}: {:.2}", image.output)];
                tile_of(*shape, &image.pixels, caption)
            });
            let found = tile_of(*shape, &optimised.pixels, vec![format!("{:.2}", optimised.output)]);
            let heading =
                format!("{layer} unit {unit}: the images with its largest outputs, with number, class and output");
            let largest = Section { heading, tiles: of.collect(), scale: 3, ..Section::default() };
            let heading = format!("gradient ascent: {}", optimised.regulariser);
            vec![largest, Section { heading, tiles: vec![found], scale: 6, ..Section::default() }]
        }
        Seen::Ask { classes, answer, probabilities, image, .. } => {
            let heading = format!("answer: {}", class_name(classes, *answer));
            vec![the_image(image, heading, 6), bars(String::new(), classes, probabilities)]
        }
        Seen::Answers { classes, probabilities } => {
            let of_images = probabilities.iter().enumerate();
            of_images.map(|(at, row)| bars(format!("image {at}"), classes, row)).collect()
        }
        Seen::Products(seen) => products(seen),
        Seen::Confusion { classes, matrix, split } => vec![confusion(classes, matrix, *split)],
        Seen::Histogram { .. } | Seen::Units { .. } | Seen::Gradients { .. } | Seen::Ablation { .. } => Vec::new(),
    }
}

/// The weights of a layer: those of one input side by side, of several a row for each filter.
fn filters(layer: &LayerFilters) -> Section {
    let (side, largest) = (layer.side, largest(&layer.weights));
    let has_columns = layer.inputs > 1;
    let tiles = layer.weights.chunks_exact((side * side).max(1) as usize).enumerate().map(|(at, kernel)| {
        let caption = if has_columns { Vec::new() } else { vec![at.to_string()] };
        signed_tile(side, kernel, largest, caption)
    });
    let arrangement = if has_columns { " in rows, their inputs in columns, both" } else { "," };
    let heading = format!(
        "{}: {}{arrangement} counted from 0; {}",
        layer.layer,
        format_count(layer.maps as usize, "filter"),
        describe_scale(largest)
    );
    let names = |count: u32| if has_columns { (0..count).map(|at| at.to_string()).collect() } else { Vec::new() };
    Section {
        heading,
        tiles: tiles.collect(),
        columns: if has_columns { layer.inputs } else { 0 },
        scale: (WIDTH / (layer.inputs.max(1) * (side + 1))).clamp(2, 12),
        row_names: names(layer.maps),
        column_names: names(layer.inputs),
    }
}

/// The outputs of a layer: a tile for each feature map, or rows of units that have one output each.
fn maps(layer: &LayerMaps) -> Section {
    let (largest, size) = (largest(&layer.y), (layer.height * layer.width).max(1) as usize);
    let heading = format!(
        "{}: outputs of {} of {}x{}, counted from 0; {}",
        layer.layer,
        format_count(layer.units as usize, "unit"),
        layer.height,
        layer.width,
        describe_scale(largest)
    );
    if size == 1 {
        return rows(heading, &layer.y);
    }
    let tiles = layer.y.chunks_exact(size).enumerate();
    let tiles = tiles.map(|(at, map)| signed_tile(layer.width, map, largest, vec![at.to_string()]));
    let scale = (80 / layer.width.max(1)).max(2);
    Section { heading, tiles: tiles.collect(), scale, ..Section::default() }
}

/// The inputs of a sum, its weights and their products.
fn products(seen: &SeenProducts) -> Vec<Section> {
    let section = |name: &str, values: &[f32]| {
        let largest = largest(values);
        let heading = format!("{name}, by input, counted from 0; {}", describe_scale(largest));
        if seen.side <= 1 {
            return rows(heading, values);
        }
        let maps = values.chunks_exact((seen.side * seen.side) as usize).enumerate();
        let tiles: Vec<Tile> =
            maps.map(|(at, map)| signed_tile(seen.side, map, largest, vec![at.to_string()])).collect();
        // A few kernels are large enough to count their pixels.
        let scale = if tiles.len() < 8 { 24 } else { 10 };
        Section { heading, tiles, scale, ..Section::default() }
    };
    let heading = format!(
        "{} unit {}, row {}, column {}: z {:.4} is the sum of the products and the bias {:.4}; y is {:.4}",
        seen.layer, seen.unit, seen.row, seen.column, seen.z, seen.bias, seen.y
    );
    let products = seen.products();
    vec![
        Section { heading, ..Section::default() },
        section("inputs", &seen.x),
        section("weights", &seen.weights),
        section("products", &products),
    ]
}

/// The counts of a confusion matrix, with the classes at its axes.
fn confusion(classes: &[String], matrix: &ConfusionMatrix, split: ImageSplit) -> Section {
    let cells = || {
        let rows = matrix.0.iter().enumerate();
        rows.flat_map(|(truth, row)| row.iter().enumerate().map(move |(answer, count)| (truth == answer, *count)))
    };
    let most = cells().filter(|(is_right, _)| !is_right).map(|(_, count)| count).max().unwrap_or(0).max(1);
    let tiles = cells().map(|(is_right, count)| {
        let share = f64::from(count) / f64::from(most);
        // The diagonal would outshine all else.
        let pixel = if is_right { [225, 232, 225] } else { mix([255, 255, 255], signed_share(1.0), share) };
        Tile { width: 1, height: 1, pixels: vec![pixel], caption: vec![count.to_string()] }
    });
    let has_room = classes.len() <= 20;
    let names: Vec<String> =
        classes.iter().map(|class| class.chars().take(if has_room { 10 } else { 5 }).collect()).collect();
    let columns = classes.len() as u32;
    // Few classes have cells as wide as their names.
    let scale = if has_room { widest(&names, CAPTION).max(40) } else { (WIDTH / columns.max(1)).clamp(12, 40) };
    let heading = format!(
        "{} of {} {} images are wrong; rows are the truth, columns the answers",
        matrix.wrong(),
        matrix.images(),
        split.name()
    );
    Section { heading, tiles: tiles.collect(), columns, scale, row_names: names.clone(), column_names: names }
}

fn the_image(image: &SeenImage, heading: String, scale: u32) -> Section {
    let tiles = vec![tile_of(image.shape, &image.pixels, Vec::new())];
    Section { heading, tiles, scale, ..Section::default() }
}

/// A bar for the probability of each class.
fn bars(heading: String, classes: &[String], probabilities: &[f32]) -> Section {
    let names = classes.iter().zip(probabilities);
    Section {
        heading,
        tiles: probabilities.iter().map(|share| bar(*share)).collect(),
        columns: 1,
        scale: 3,
        row_names: names.map(|(class, share)| format!("{} {:.1} %", short(class), 100.0 * share)).collect(),
        column_names: Vec::new(),
    }
}

/// The view as a plot; `None` of one that is made of tiles.
fn plot_of(title: &str, seen: &Seen) -> Option<Plot> {
    Some(match seen {
        Seen::Histogram { layers, .. } => {
            let series = layers.iter().map(|layer| (layer.layer.to_string(), shares(&layer.z)));
            plot(title, "pre-activation", "share of the values, %", AxisScale::Linear, series)
        }
        Seen::Units { layers, .. } => {
            let series = layers.iter().map(|layer| {
                let mut zeros = layer.zeros.clone();
                zeros.sort_by(f64::total_cmp);
                let count = zeros.len().max(1) as f64;
                let points = zeros.into_iter().enumerate().map(|(at, zero)| (100.0 * (at as f64 + 0.5) / count, zero));
                (layer.layer.to_string(), points.collect::<Vec<_>>())
            });
            plot(title, "units, in order, %", "how often zero, %", AxisScale::Linear, series)
        }
        Seen::Gradients { layers, .. } => {
            let of = |value: fn(&LayerGradients) -> f64| -> Vec<(f64, f64)> {
                layers.iter().enumerate().map(|(at, layer)| (at as f64 + 1.0, value(layer))).collect()
            };
            let series = [
                ("weights".to_owned(), of(|layer| layer.weights)),
                ("pre-activations".to_owned(), of(|layer| layer.z)),
            ];
            // The ticks of an axis are numbers.
            let names = layers.iter().enumerate().map(|(at, layer)| format!("{} {}", at + 1, layer.layer));
            let x = format!("hidden layer: {}", names.collect::<Vec<_>>().join(", "));
            plot(title, &x, "gradient, rms", AxisScale::Log, series.into_iter())
        }
        Seen::Ablation { layer, units, error, .. } => {
            let ranked = Ablated::rank(units).into_iter().enumerate();
            let points = ranked.map(|(at, (_, unit))| (at as f64 + 1.0, unit.error)).collect();
            let last = units.len() as f64;
            let series = [
                (format!("without one unit of {layer}"), points),
                ("with all units".to_owned(), vec![(1.0, *error), (last, *error)]),
            ];
            plot(title, "units, the largest error first", "wrong answers, %", AxisScale::Linear, series.into_iter())
        }
        Seen::Filters { .. }
        | Seen::Maps { .. }
        | Seen::Confusion { .. }
        | Seen::Mistakes { .. }
        | Seen::Ask { .. }
        | Seen::Answers { .. }
        | Seen::Products(_)
        | Seen::Wants { .. } => return None,
    })
}

fn plot(
    title: &str,
    x: &str,
    y: &str,
    scale: AxisScale,
    curves: impl Iterator<Item = (String, Vec<(f64, f64)>)>,
) -> Plot {
    let series = curves.map(|(name, points)| PlotSeries {
        name,
        source: Source::Measured,
        stroke: Stroke::Line,
        points: points.into_iter().map(|(x, y)| (x, Some(y))).collect(),
        spread: Vec::new(),
        below: Vec::new(),
    });
    Plot {
        title: title.into(),
        x: PlotAxis { label: x.into(), ..PlotAxis::default() },
        y: PlotAxis { label: y.into(), scale, limits: None },
        series: series.collect(),
        spread: SpreadKind::Deviation,
        ..Plot::default()
    }
}

/// The middle of each bin with its share of the values, in percent.
fn shares(bins: &Bins) -> Vec<(f64, f64)> {
    let all = bins.counts.iter().sum::<u64>().max(1) as f64;
    let width = (bins.to - bins.from) / bins.counts.len().max(1) as f64;
    let middle = |at: usize| bins.from + width * (at as f64 + 0.5);
    bins.counts.iter().enumerate().map(|(at, count)| (middle(at), 100.0 * *count as f64 / all)).collect()
}

/// Signed numbers that belong to no map: rows of them, each with the number of its first.
fn rows(heading: String, values: &[f32]) -> Section {
    const ROW: usize = 100;
    let largest = largest(values);
    let tiles = values.chunks(ROW).map(|row| signed_tile(row.len() as u32, row, largest, Vec::new()));
    let names = (0..values.len()).step_by(ROW).map(|at| at.to_string());
    Section {
        heading,
        tiles: tiles.collect(),
        columns: 1,
        scale: 10,
        row_names: names.collect(),
        column_names: Vec::new(),
    }
}

/// Signed numbers in rows of `width`.
fn signed_tile(width: u32, values: &[f32], largest: f32, caption: Vec<String>) -> Tile {
    let pixels = values.iter().map(|value| signed(*value, largest)).collect();
    Tile { width, height: values.len() as u32 / width.max(1), pixels, caption }
}

fn tile_of(shape: SeenShape, pixels: &[u8], caption: Vec<String>) -> Tile {
    let pixel = |values: &[u8]| match values {
        [red, green, blue] => [*red, *green, *blue],
        values => [values.first().copied().unwrap_or_default(); 3],
    };
    let pixels = pixels.chunks_exact(shape.channels.max(1) as usize).map(pixel).collect();
    Tile { width: shape.width, height: shape.height, pixels, caption }
}

fn bar(share: f32) -> Tile {
    const LENGTH: u32 = 100;
    const HEIGHT: u32 = 4;
    let filled = (LENGTH as f32 * share).round() as u32;
    let filled_colour = signed_share(1.0);
    let pixels = (0..LENGTH * HEIGHT).map(|at| if at % LENGTH < filled { filled_colour } else { [235; 3] });
    Tile { width: LENGTH, height: HEIGHT, pixels: pixels.collect(), caption: Vec::new() }
}

fn class_name(classes: &[String], class: u32) -> String {
    classes.get(class as usize).map_or_else(String::new, |name| short(name))
}

/// A class's name in a caption: those of a folder of images may be of any length.
fn short(class: &str) -> String {
    class.chars().take(12).collect()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

fn describe_scale(largest: f32) -> String {
    format!("orange is positive, blue negative, the strongest ±{largest:.3}")
}

/// The notebook's colour of a signed value on a white page.
fn signed(value: f32, largest: f32) -> Rgb {
    signed_share(if largest > 0.0 { value / largest } else { 0.0 })
}

fn signed_share(share: f32) -> Rgb {
    Background::Light.signed_colour(share)
}

fn mix(from: Rgb, to: Rgb, share: f64) -> Rgb {
    let part = |at: usize| (f64::from(from[at]) + share * (f64::from(to[at]) - f64::from(from[at]))).round() as u8;
    [part(0), part(1), part(2)]
}

/// Pixels that a text takes.
fn text_width(text: &str, size: u32) -> u32 {
    let measured = (FAMILY, size).into_font().box_size(text);
    // A character is less than an em wide.
    measured.map_or(text.chars().count() as u32 * size, |(width, _)| width)
}

fn widest<'t>(texts: impl IntoIterator<Item = &'t String>, size: u32) -> u32 {
    texts.into_iter().map(|text| text_width(text, size)).max().unwrap_or(0)
}

/// Lines of at most [`WIDTH`] pixels, broken between words.
fn wrap(text: &str, size: u32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size) <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

/// A text with its size and the place of its upper left corner.
struct PlacedText {
    text: String,
    size: u32,
    place: (u32, u32),
}

/// Where everything of a section stands, from its upper left corner.
struct SectionLayout {
    texts: Vec<PlacedText>,
    /// Of each tile's pixels.
    tiles: Vec<(u32, u32)>,
    width: u32,
    height: u32,
}

/// How many names are passed over for each that is written, so that they have room.
fn name_step(size: u32, pitch: u32) -> usize {
    size.div_ceil(pitch.max(1)).max(1) as usize
}

fn layout(section: &Section) -> SectionLayout {
    let Section { tiles, scale, row_names, column_names, .. } = section;
    let heading = wrap(&section.heading, HEADING);
    let mut top = heading.len() as u32 * LINE;
    let mut texts: Vec<PlacedText> =
        (0..).zip(heading).map(|(at, text)| PlacedText { text, size: HEADING, place: (0, at * LINE) }).collect();
    let caption = |text: String, place: (u32, u32)| PlacedText { text, size: CAPTION, place };
    let mut places = Vec::new();
    let mut tiles_end = 0;
    if let Some(first) = tiles.first() {
        let (width, height) = (first.width * scale, first.height * scale);
        let lines = tiles.iter().map(|tile| tile.caption.len()).max().unwrap_or(0) as u32;
        let captions = widest(tiles.iter().flat_map(|tile| &tile.caption), CAPTION);
        // A frame takes one pixel of the gap on each side.
        let gap = (*scale).clamp(3, 6);
        let (across, down) = (width.max(captions) + gap, height + lines * CAPTION_LINE + gap);
        let left = if row_names.is_empty() { 0 } else { widest(row_names, CAPTION) + 8 };
        let fitting = WIDTH.saturating_sub(left) / across;
        let columns = if section.columns > 0 { section.columns } else { fitting.max(1) };
        let step = name_step(widest(column_names, CAPTION) + 2, across);
        for (at, name) in (0..).zip(column_names).step_by(step) {
            texts.push(caption(name.clone(), (left + at * across, top)));
        }
        if !column_names.is_empty() {
            top += LINE;
        }
        for (at, name) in (0..).zip(row_names).step_by(name_step(CAPTION_LINE, down)) {
            texts.push(caption(name.clone(), (0, top + at * down + height.saturating_sub(CAPTION + 1) / 2)));
        }
        for (at, tile) in (0..).zip(tiles) {
            let (x, y) = (left + at % columns * across, top + at / columns * down);
            places.push((x, y));
            tiles_end = tiles_end.max(x + tile.width * scale);
            for (line, text) in (0..).zip(&tile.caption) {
                texts.push(caption(text.clone(), (x, y + height + 2 + line * CAPTION_LINE)));
            }
        }
        top += (tiles.len() as u32).div_ceil(columns) * down;
    }
    let ends = texts.iter().map(|text| text.place.0 + text_width(&text.text, text.size));
    let width = ends.max().unwrap_or(0).max(tiles_end);
    SectionLayout { texts, tiles: places, width, height: top }
}

/// A picture of RGB pixels.
struct Canvas {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

impl Canvas {
    fn white(width: u32, height: u32) -> Self {
        Self { width, height, bytes: vec![u8::MAX; width as usize * height as usize * 3] }
    }

    /// Fills a rectangle, as far as it lies within the picture.
    fn fill(&mut self, (left, top): (u32, u32), (width, height): (u32, u32), colour: Rgb) {
        let [from, to] = [left, left + width].map(|x| 3 * x.min(self.width) as usize);
        let row = 3 * self.width as usize;
        for y in top..(top + height).min(self.height) {
            let start = y as usize * row;
            self.bytes[start + from..start + to].as_chunks_mut().0.fill(colour);
        }
    }

    /// Draws a tile with its frame; `place` is the upper left corner of its pixels.
    fn draw_tile(&mut self, tile: &Tile, scale: u32, place: (u32, u32)) {
        let (left, top) = place;
        let frame = (tile.width * scale + 2, tile.height * scale + 2);
        self.fill((left.saturating_sub(1), top.saturating_sub(1)), frame, FRAME);
        for (at, pixel) in (0_u32..).zip(&tile.pixels) {
            let (column, row) = (at % tile.width.max(1), at / tile.width.max(1));
            self.fill((left + column * scale, top + row * scale), (scale, scale), *pixel);
        }
    }

    fn write(&mut self, texts: &[PlacedText]) -> color_eyre::Result<()> {
        let failed = |error: &dyn std::fmt::Display| eyre!("the picture can't be drawn: {error}");
        let root = BitMapBackend::with_buffer(&mut self.bytes, (self.width, self.height)).into_drawing_area();
        for PlacedText { text, size, place: (x, y) } in texts {
            let style = (FAMILY, *size).into_font().color(&RGBColor(20, 20, 20));
            root.draw(&Text::new(text.clone(), (*x as i32, *y as i32), style)).map_err(|error| failed(&error))?;
        }
        root.present().map_err(|error| failed(&error))
    }
}

/// The picture of sections below each other.
fn tiles(title: &str, sections: &[Section]) -> color_eyre::Result<Vec<u8>> {
    let layouts: Vec<SectionLayout> = sections.iter().map(layout).collect();
    let title = wrap(title, TITLE);
    let top = MARGIN + title.len() as u32 * LINE + 6;
    let width = layouts.iter().map(|layout| layout.width).max().unwrap_or(0).max(widest(&title, TITLE));
    let height = top + layouts.iter().map(|layout| layout.height + MARGIN).sum::<u32>();
    let mut canvas = Canvas::white(width + 2 * MARGIN, height);
    let mut texts: Vec<PlacedText> = (0..)
        .zip(title)
        .map(|(at, text)| PlacedText { text, size: TITLE, place: (MARGIN, MARGIN + at * LINE) })
        .collect();
    let mut y = top;
    for (section, layout) in sections.iter().zip(layouts) {
        let shifted = |(left, above): (u32, u32)| (MARGIN + left, y + above);
        for (tile, place) in section.tiles.iter().zip(layout.tiles) {
            canvas.draw_tile(tile, section.scale, shifted(place));
        }
        texts.extend(layout.texts.into_iter().map(|text| PlacedText { place: shifted(text.place), ..text }));
        y += layout.height + MARGIN;
    }
    canvas.write(&texts)?;
    chart::encode_png(&canvas.bytes, canvas.width, canvas.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(caption: &[&str]) -> Tile {
        let pixels = [1.0, -1.0, -1.0, 1.0].map(signed_share).to_vec();
        Tile { width: 2, height: 2, pixels, caption: caption.iter().map(|line| (*line).to_owned()).collect() }
    }

    /// A digit must not look like a wire mesh.
    #[test]
    fn a_tile_is_solid_and_has_a_frame() {
        let mut canvas = Canvas::white(12, 12);
        canvas.draw_tile(&tile(&[]), 4, (2, 2));
        let pixel = |x: usize, y: usize| &canvas.bytes[3 * (12 * y + x)..][..3];
        for (y, x) in (2..10).flat_map(|y| (2..10).map(move |x| (y, x))) {
            let colour = signed_share(if (x < 6) == (y < 6) { 1.0 } else { -1.0 });
            assert_eq!(pixel(x, y), colour, "{x}, {y}");
        }
        for at in 1..=10 {
            for (x, y) in [(at, 1), (at, 10), (1, at), (10, at)] {
                assert_eq!(pixel(x, y), FRAME, "{x}, {y}");
            }
        }
        assert_eq!((pixel(0, 0), pixel(11, 11)), (&[255; 3][..], &[255; 3][..]));
        // What lies outside is left out.
        canvas.draw_tile(&tile(&[]), 40, (10, 10));
    }

    #[test]
    fn tiles_and_names_do_not_overlap() {
        chart::prepare_font().unwrap();
        let captions = ["image 1234", "automobile as truck, 100 %"];
        let section = Section {
            heading: "eleven tiles".into(),
            tiles: (0..11).map(|_| tile(&captions)).collect(),
            columns: 3,
            scale: 10,
            row_names: (0..4).map(|at| format!("row {at}")).collect(),
            column_names: (0..3).map(|at| format!("column {at}")).collect(),
        };
        let layout = layout(&section);
        assert_eq!((layout.tiles.len(), layout.texts.len()), (11, 1 + 4 + 3 + 2 * 11));
        let boxes = layout.texts.iter().map(|text| (text.place, (text_width(&text.text, text.size), text.size)));
        let boxes: Vec<_> = boxes.chain(layout.tiles.iter().map(|place| (*place, (20, 20)))).collect();
        for (at, (place, size)) in boxes.iter().enumerate() {
            for (other, other_size) in &boxes[at + 1..] {
                let apart = |place: u32, size: u32, other: u32, other_size: u32| {
                    place + size <= other || other + other_size <= place
                };
                assert!(
                    apart(place.0, size.0, other.0, other_size.0) || apart(place.1, size.1, other.1, other_size.1),
                    "{place:?} {size:?}, {other:?} {other_size:?}"
                );
            }
            assert!(place.0 + size.0 <= layout.width && place.1 + size.1 <= layout.height, "{place:?} {size:?}");
        }
    }

    /// The largest view: a layer of 256 feature maps with as many inputs.
    #[test]
    fn a_picture_is_bounded() {
        chart::prepare_font().unwrap();
        let filters = filters(&LayerFilters {
            layer: "conv2".parse().unwrap(),
            maps: 256,
            inputs: 256,
            side: 5,
            weights: vec![0.5; 256 * 256 * 25],
            biases: vec![0.0; 256],
        });
        let classes: Vec<String> = (0..100).map(|class| format!("a class named {class}")).collect();
        let confusion = confusion(&classes, &ConfusionMatrix(vec![vec![9999; 100]; 100]), ImageSplit::Test);
        for section in [filters, confusion] {
            let SectionLayout { width, height, .. } = layout(&section);
            assert!(width < 5000 && height < 5000, "{width}x{height}");
        }
    }
}
