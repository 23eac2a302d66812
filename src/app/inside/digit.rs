//! A digit that the reader draws: the canvas and its history, and the picture as MNIST would have it.

use ratatui::layout::{Position, Rect};
use std::collections::VecDeque;

/// Pixels along each edge of the canvas, as many as MNIST's images have.
pub const SIDE: u8 = 28;
/// The same as an index and as a coordinate.
const EDGE: usize = SIDE as usize;
const LIMIT: i32 = SIDE as i32;
/// Pixels of the canvas.
pub const PIXELS: usize = EDGE * EDGE;

/// The longest side of a digit's bounding box in MNIST.
const BOX: usize = 20;
/// The index of the row and of the column at which MNIST has a digit's centre of mass. The centres of the 60,000
/// training images lie between 13.48 and 14.50 (measured), so the authors moved by whole pixels towards 14.
const CENTRE: f64 = 14.0;

/// Grey levels that the brush leaves at the four neighbours of its white pixel, and at the four diagonal ones. A straight
/// stroke has the ink of 1 + 2 * 192 / 255 = 2.5 white pixels across. The ones of MNIST's training images have 2.7 at
/// the median (measured: ink divided by the diagonal of the bounding box).
pub const BRUSH: (u8, u8) = (192, 96);

/// Changes that can be undone. Older ones are forgotten.
const HISTORY: usize = 200;

/// Words in the text of a drawing, behind its pixels.
const DATA_SET: &str = "data-set";
const AS_DRAWN: &str = "as-drawn";

/// What the pen does where the cursor goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pen {
    #[default]
    Off,
    Draws,
    Erases,
}

/// A picture before it is rotated and moved. It is kept as long as it is only rotated and moved, so that many small
/// rotations blur it once, and what has left the canvas can come back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    pixels: Vec<u8>,
    /// Clockwise, from 0 to 359.
    degrees: i32,
    /// Columns to the right and rows down, applied after the rotation.
    shift: (i32, i32),
    is_data_set_image: bool,
}

impl Picture {
    fn drawn(pixels: Vec<u8>) -> Self {
        Self { pixels, degrees: 0, shift: (0, 0), is_data_set_image: false }
    }

    fn is_moved(&self) -> bool {
        self.degrees != 0 || self.shift != (0, 0)
    }

    /// The canvas with the picture rotated about its centre of mass and moved.
    fn render(&self) -> Vec<u8> {
        if !self.is_moved() {
            return self.pixels.clone();
        }
        let centre = centre_of_mass(&self.pixels, EDGE).unwrap_or((CENTRE, CENTRE));
        let (sine, cosine) = f64::from(self.degrees).to_radians().sin_cos();
        let places = (0..LIMIT).flat_map(|row| (0..LIMIT).map(move |column| (column, row)));
        let moved = places.map(|(column, row)| {
            let (column, row) = (column - self.shift.0, row - self.shift.1);
            if self.degrees == 0 {
                return grey_at(&self.pixels, column, row);
            }
            // The inverse rotation says which point of the picture comes here. Rows count downwards, so a positive
            // angle is clockwise.
            let (x, y) = (f64::from(column) - centre.0, f64::from(row) - centre.1);
            bilinear(&self.pixels, centre.0 + x * cosine + y * sine, centre.1 - x * sine + y * cosine)
        });
        moved.collect()
    }
}

/// The canvas that the reader draws on. What changes the whole picture ends the stroke and lifts the pen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The picture before the stroke that is being drawn.
    picture: Picture,
    /// What the canvas shows: that picture, rotated and moved, with the stroke.
    pixels: Vec<u8>,
    /// Column and row.
    cursor: (u8, u8),
    pen: Pen,
    /// Earlier pictures, the latest last.
    undo: VecDeque<Picture>,
    /// Pictures that were undone, the next one last.
    redo: Vec<Picture>,
    /// Whether the network gets the picture as MNIST would have it, or as it is drawn.
    pub centred: bool,
}

impl Default for Drawing {
    fn default() -> Self {
        let pixels = vec![0; PIXELS];
        Self {
            picture: Picture::drawn(pixels.clone()),
            pixels,
            cursor: (SIDE / 2, SIDE / 2),
            pen: Pen::Off,
            undo: VecDeque::new(),
            redo: Vec::new(),
            centred: true,
        }
    }
}

impl Drawing {
    /// The grey values of the canvas row by row, 0 for black and 255 for white.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The cursor's column and row.
    pub fn cursor(&self) -> (u8, u8) {
        self.cursor
    }

    pub fn pen(&self) -> Pen {
        self.pen
    }

    pub fn is_empty(&self) -> bool {
        self.pixels.iter().all(|grey| *grey == 0)
    }

    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty() || self.has_open_stroke()
    }

    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty() && !self.has_open_stroke()
    }

    /// Moves the cursor as far as the canvas goes. A pen that is down draws or erases on the way.
    pub fn move_cursor(&mut self, columns: i16, rows: i16) {
        let moved = |from: u8, by: i16| (i32::from(from) + i32::from(by)).clamp(0, LIMIT - 1) as u8;
        self.draw_line_to((moved(self.cursor.0, columns), moved(self.cursor.1, rows)));
    }

    /// Puts the pen down at the cursor, or lifts it. Each change ends a stroke, which is undone as a whole.
    pub fn set_pen(&mut self, pen: Pen) {
        if pen != self.pen {
            self.end_stroke();
            self.pen = pen;
            self.touch(self.cursor);
        }
    }

    /// Begins a stroke at this pixel.
    pub fn press_at(&mut self, column: u8, row: u8) {
        self.press(Pen::Draws, column, row);
    }

    /// Begins to erase at this pixel.
    pub fn erase_at(&mut self, column: u8, row: u8) {
        self.press(Pen::Erases, column, row);
    }

    fn press(&mut self, pen: Pen, column: u8, row: u8) {
        self.lift();
        self.cursor = (column.min(SIDE - 1), row.min(SIDE - 1));
        self.set_pen(pen);
    }

    /// Continues what `press_at` or `erase_at` began, in a straight line to this pixel.
    pub fn drag_to(&mut self, column: u8, row: u8) {
        self.draw_line_to((column.min(SIDE - 1), row.min(SIDE - 1)));
    }

    /// Ends the stroke and lifts the pen.
    pub fn lift(&mut self) {
        self.end_stroke();
        self.pen = Pen::Off;
    }

    pub fn clear(&mut self) {
        self.change(|_| Picture::drawn(vec![0; PIXELS]));
    }

    /// Takes back the last stroke or other change.
    pub fn undo(&mut self) {
        self.lift();
        if let Some(earlier) = self.undo.pop_back() {
            self.redo.push(std::mem::replace(&mut self.picture, earlier));
            self.pixels = self.picture.render();
        }
    }

    /// Brings back what was undone last, until something else is changed.
    pub fn redo(&mut self) {
        self.lift();
        if let Some(later) = self.redo.pop() {
            self.remember(later);
        }
    }

    /// Moves the picture. What leaves the canvas comes back if the picture is moved back before the next stroke; a
    /// stroke makes the loss final until it is undone.
    pub fn shift(&mut self, columns: i16, rows: i16) {
        let moved = |from: i32, by: i16| (from + i32::from(by)).clamp(-LIMIT, LIMIT);
        self.change(|picture| {
            let shift = (moved(picture.shift.0, columns), moved(picture.shift.1, rows));
            Picture { shift, ..picture }
        });
    }

    /// Rotates the picture clockwise about its centre of mass.
    pub fn rotate(&mut self, degrees: i32) {
        self.change(|picture| {
            let degrees = (picture.degrees + degrees % 360).rem_euclid(360);
            Picture { degrees, ..picture }
        });
    }

    /// Shows an image of the data set. Returns whether it has the canvas's number of pixels; nothing changes otherwise.
    pub fn set_pixels(&mut self, pixels: &[u8]) -> bool {
        let fits = pixels.len() == PIXELS;
        if fits {
            self.change(|_| Picture { is_data_set_image: true, ..Picture::drawn(pixels.to_vec()) });
        }
        fits
    }

    /// The picture as MNIST would have it, by [`normalise`]. An image of the data set that has not been changed is
    /// returned as it is.
    pub fn as_mnist(&self) -> Vec<u8> {
        if self.is_unchanged_image() { self.pixels.clone() } else { normalise(&self.pixels) }
    }

    /// What the network gets: the picture as MNIST would have it, or as it is drawn if the reader wants that.
    pub fn network_input(&self) -> Vec<u8> {
        if self.centred { self.as_mnist() } else { self.pixels.clone() }
    }

    fn is_unchanged_image(&self) -> bool {
        self.picture.is_data_set_image && !self.picture.is_moved() && !self.has_open_stroke()
    }

    /// The drawing as text, for [`from_text`](Self::from_text): its pixels in hexadecimal digits, and what else the
    /// network's input depends on. The history is not in it.
    pub fn to_text(&self) -> String {
        let mut text = to_hex(&self.pixels);
        let words = [(self.is_unchanged_image(), DATA_SET), (!self.centred, AS_DRAWN)];
        for (_, word) in words.into_iter().filter(|(holds, _)| *holds) {
            text.push(' ');
            text.push_str(word);
        }
        text
    }

    /// Reads a drawing's text; `None` if it is damaged.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let pixels = from_hex(words.next()?)?;
        let mut drawing = Self { picture: Picture::drawn(pixels.clone()), pixels, ..Self::default() };
        for word in words {
            match word {
                DATA_SET => drawing.picture.is_data_set_image = true,
                AS_DRAWN => drawing.centred = false,
                _ => return None,
            }
        }
        Some(drawing)
    }

    /// The text of a picture that the networks get as it is, by its pixels in hexadecimal digits.
    pub(super) fn as_drawn_text(hex: &str) -> String {
        format!("{hex} {AS_DRAWN}")
    }

    /// The same picture with nothing to undo.
    pub(super) fn without_history(&self) -> Self {
        Self::from_text(&self.to_text()).unwrap_or_default()
    }

    /// Shows a drawing that was kept, as a change that can be undone.
    pub fn show(&mut self, kept: &Self) {
        self.change(|_| kept.picture.clone());
        self.centred = kept.centred;
    }

    /// Whether a stroke has changed the canvas and has not ended.
    fn has_open_stroke(&self) -> bool {
        self.pen != Pen::Off && self.pixels != self.picture.render()
    }

    fn end_stroke(&mut self) {
        if self.has_open_stroke() {
            self.redo.clear();
            self.remember(Picture::drawn(self.pixels.clone()));
        }
    }

    /// Makes another picture of this one, as a change that can be undone.
    fn change(&mut self, make: impl FnOnce(Picture) -> Picture) {
        self.lift();
        let changed = make(self.picture.clone());
        // A picture without anything in it has nothing to move or rotate.
        let is_blank = |picture: &Picture| picture.pixels.iter().all(|grey| *grey == 0);
        if changed != self.picture && !(is_blank(&changed) && is_blank(&self.picture)) {
            self.redo.clear();
            self.remember(changed);
        }
    }

    /// Puts the picture on the undo history and replaces it.
    fn remember(&mut self, picture: Picture) {
        if self.undo.len() == HISTORY {
            self.undo.pop_front();
        }
        self.undo.push_back(std::mem::replace(&mut self.picture, picture));
        self.pixels = self.picture.render();
    }

    fn draw_line_to(&mut self, end: (u8, u8)) {
        if self.pen != Pen::Off {
            for pixel in line(self.cursor, end) {
                self.touch(pixel);
            }
        }
        self.cursor = end;
    }

    /// Applies the pen at a pixel and its eight neighbours. The brush keeps the larger of the old and the new value, so
    /// slow and fast strokes look the same. The eraser clears all nine, so along the path of a stroke it leaves nothing.
    fn touch(&mut self, (column, row): (u8, u8)) {
        for (across, down) in (-1_i32..=1).flat_map(|down| (-1_i32..=1).map(move |across| (across, down))) {
            let Some(at) = index_of(i32::from(column) + across, i32::from(row) + down) else { continue };
            let ink = match across.abs() + down.abs() {
                0 => u8::MAX,
                1 => BRUSH.0,
                _ => BRUSH.1,
            };
            match self.pen {
                Pen::Off => {}
                Pen::Draws => self.pixels[at] = self.pixels[at].max(ink),
                Pen::Erases => self.pixels[at] = 0,
            }
        }
    }
}

/// The pixels of a straight line, both ends included. Each touches the next at an edge or a corner. Source: J. E.
/// Bresenham, "Algorithm for computer control of a digital plotter", IBM Systems Journal 4 (1965), in its form for all
/// directions.
fn line(start: (u8, u8), end: (u8, u8)) -> Vec<(u8, u8)> {
    let (mut x, mut y) = (i32::from(start.0), i32::from(start.1));
    let (end_x, end_y) = (i32::from(end.0), i32::from(end.1));
    let (across, down) = ((end_x - x).abs(), -(end_y - y).abs());
    let (step_x, step_y) = ((end_x - x).signum(), (end_y - y).signum());
    let mut error = across + down;
    let mut pixels = vec![start];
    while (x, y) != (end_x, end_y) {
        let doubled = 2 * error;
        if doubled >= down {
            error += down;
            x += step_x;
        }
        if doubled <= across {
            error += across;
            y += step_y;
        }
        pixels.push((x as u8, y as u8));
    }
    pixels
}

/// The index of a pixel of the canvas.
fn index_of(column: i32, row: i32) -> Option<usize> {
    let inside = (0..LIMIT).contains(&column) && (0..LIMIT).contains(&row);
    inside.then_some((row * LIMIT + column) as usize)
}

/// A grey level of the canvas, which is black outside.
fn grey_at(pixels: &[u8], column: i32, row: i32) -> u8 {
    index_of(column, row).map_or(0, |at| pixels[at])
}

/// The grey level between four pixels, each weighted by how near it is.
fn bilinear(pixels: &[u8], x: f64, y: f64) -> u8 {
    let (column, row) = (x.floor(), y.floor());
    let (right, below) = (x - column, y - row);
    let at = |across, down| f64::from(grey_at(pixels, column as i32 + across, row as i32 + down));
    let upper = at(0, 0) * (1.0 - right) + at(1, 0) * right;
    let lower = at(0, 1) * (1.0 - right) + at(1, 1) * right;
    (upper * (1.0 - below) + lower * below).round() as u8
}

/// The mean column and row of an image's pixels, weighted by their grey levels; `None` if all are black.
fn centre_of_mass(pixels: &[u8], width: usize) -> Option<(f64, f64)> {
    let (mut mass, mut columns, mut rows) = (0, 0, 0);
    for (at, grey) in pixels.iter().enumerate() {
        let grey = usize::from(*grey);
        mass += grey;
        columns += grey * (at % width);
        rows += grey * (at / width);
    }
    (mass > 0).then(|| (columns as f64 / mass as f64, rows as f64 / mass as f64))
}

/// Makes a picture as MNIST's authors made their images: the bounding box of what is not black is scaled so that its
/// longer side has 20 pixels, with grey levels from anti-aliasing, and moved by whole pixels until its centre of mass
/// is at the centre of the 28x28 image. Source: Y. `LeCun`, C. Cortes, C. Burges, "The MNIST database of handwritten
/// digits".
///
/// With w x h pixels in the box, the scaled box has round(20 w / max(w, h)) x round(20 h / max(w, h)), but at least one
/// each way. The authors don't say how they interpolate; here each axis has a triangular filter, see `filter`. The
/// centre is the pixel with index 14 each way. A box that would leave the image is kept at its edge, so nothing is
/// cut off; no image of MNIST needs that. The first 3,000 test images stay as they are, bit for bit (measured).
pub fn normalise(pixels: &[u8]) -> Vec<u8> {
    let mut image = vec![0; PIXELS];
    let Some((left, top, width, height)) = bounding_box(pixels) else { return image };
    let longest = width.max(height);
    // Rounds a half up.
    let scaled = |side: usize| ((2 * BOX * side + longest) / (2 * longest)).max(1);
    let (new_width, new_height) = (scaled(width), scaled(height));
    let (columns, rows) = (filter(width, new_width), filter(height, new_height));
    let scaled: Vec<u8> = rows
        .iter()
        .flat_map(|down| columns.iter().map(move |across| (down, across)))
        .map(|(down, across)| {
            let sum = |(y, weight): (usize, &f64)| {
                let row = &pixels[(top + y) * EDGE + left..][..width];
                weight * row.iter().zip(across).map(|(grey, weight)| f64::from(*grey) * weight).sum::<f64>()
            };
            down.iter().enumerate().map(sum).sum::<f64>().round() as u8
        })
        .collect();
    let centre = centre_of_mass(&scaled, new_width).unwrap_or_default();
    let start = |centre: f64, side: usize| ((CENTRE - centre).round().max(0.0) as usize).min(EDGE - side);
    let (left, top) = (start(centre.0, new_width), start(centre.1, new_height));
    for (row, greys) in scaled.chunks(new_width).enumerate() {
        image[(top + row) * EDGE + left..][..new_width].copy_from_slice(greys);
    }
    image
}

/// Left, top, width and height of what is not black.
fn bounding_box(pixels: &[u8]) -> Option<(usize, usize, usize, usize)> {
    let marked = || pixels.iter().take(PIXELS).enumerate().filter(|(_, grey)| **grey > 0).map(|(at, _)| at);
    let (left, right) = (marked().map(|at| at % EDGE).min()?, marked().map(|at| at % EDGE).max()?);
    let (top, bottom) = (marked().next()? / EDGE, marked().next_back()? / EDGE);
    Some((left, top, right - left + 1, bottom - top + 1))
}

/// The weights of `from` pixels in each of `to` pixels along one axis. With s = from / to, pixel i has its centre at
/// c = s (i + 1/2), and pixel j the weight max(0, 1 - |j + 1/2 - c| / max(s, 1)), divided by the sum of all weights.
/// This interpolates linearly where the picture becomes larger, and averages where it becomes smaller.
fn filter(from: usize, to: usize) -> Vec<Vec<f64>> {
    let scale = from as f64 / to as f64;
    let weights_of = |pixel: usize| {
        let centre = scale * (pixel as f64 + 0.5);
        let weight = |other: usize| (1.0 - (other as f64 + 0.5 - centre).abs() / scale.max(1.0)).max(0.0);
        let weights: Vec<f64> = (0..from).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    };
    (0..to).map(weights_of).collect()
}

/// Where the pixels of the grid stand in this room, within a frame: two columns a pixel where there is room for that, else one.
pub fn grid_area(area: Rect) -> Option<Rect> {
    let edge = u16::from(SIDE);
    let size = |scale: &u16| (scale * edge, scale * edge / 2);
    let fits = |scale: &u16| size(scale).0 + 2 <= area.width && size(scale).1 + 2 <= area.height;
    let scale = [2, 1].into_iter().find(fits)?;
    let (width, height) = size(&scale);
    Some(Rect { x: area.x + 1, y: area.y + 1, width, height })
}

/// The pixel under the mouse, for a canvas that was drawn in these cells. A cell with two pixels above each other gives
/// the upper one.
pub fn pixel_at(grid: Rect, column: u16, row: u16) -> Option<(u8, u8)> {
    if !grid.contains(Position { x: column, y: row }) {
        return None;
    }
    let along = |cell: u16, cells: u16| (u32::from(cell) * u32::from(SIDE) / u32::from(cells)) as u8;
    Some((along(column - grid.x, grid.width), along(row - grid.y, grid.height)))
}

fn to_hex(pixels: &[u8]) -> String {
    let digits = pixels.iter().flat_map(|grey| [grey >> 4, grey & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// The pixels of a canvas; `None` if there are more or fewer, or something else.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    (digits.len() == 2 * PIXELS).then(|| digits.chunks(2).map(|pair| 16 * pair[0] + pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// What `tests/tools/digit.py` computed with numpy.
    fn fixture() -> Value {
        serde_json::from_str(include_str!("../../../tests/fixtures/digit.json")).unwrap()
    }

    fn pixels_of(value: &Value) -> Vec<u8> {
        from_hex(value.as_str().unwrap()).unwrap()
    }

    fn assert_near(ours: &[u8], expected: &[u8], name: &Value) {
        let apart = ours.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(ours.len() == expected.len() && apart <= Some(2), "{name}: {apart:?} grey levels apart");
    }

    /// A hook with a thick end, off the centre.
    fn drawn() -> Drawing {
        let mut drawing = Drawing::default();
        drawing.press_at(6, 3);
        drawing.drag_to(17, 5);
        drawing.drag_to(9, 22);
        drawing.lift();
        drawing.press_at(9, 19);
        drawing.drag_to(12, 20);
        drawing.lift();
        drawing
    }

    #[test]
    fn a_drawing_is_normalised_as_by_numpy() {
        let fixture = fixture();
        for case in fixture["drawings"].as_array().unwrap() {
            let mut drawing = Drawing::from_text(case["drawing"].as_str().unwrap()).unwrap();
            let expected = pixels_of(&case["mnist"]);
            assert_near(&drawing.as_mnist(), &expected, &case["name"]);
            assert_eq!(drawing.network_input(), drawing.as_mnist());
            drawing.centred = false;
            assert_eq!(drawing.network_input(), pixels_of(&case["drawing"]));
        }
    }

    #[test]
    fn a_drawing_is_rotated_as_by_numpy() {
        let fixture = fixture();
        for case in fixture["rotations"].as_array().unwrap() {
            let mut drawing = Drawing::from_text(case["drawing"].as_str().unwrap()).unwrap();
            drawing.rotate(case["degrees"].as_i64().unwrap() as i32);
            assert_near(drawing.pixels(), &pixels_of(&case["rotated"]), &case["degrees"]);
        }
    }

    #[test]
    fn the_centre_of_mass_is_in_the_middle_pixel() {
        let mut drawing = drawn();
        for (columns, rows) in [(0, 0), (4, 0), (-9, 3), (0, 3)] {
            drawing.shift(columns, rows);
            let image = drawing.as_mnist();
            let (x, y) = centre_of_mass(&image, EDGE).unwrap();
            assert!((x - CENTRE).abs() <= 0.5 && (y - CENTRE).abs() <= 0.5, "{x}, {y}");
            let (_, _, width, height) = bounding_box(&image).unwrap();
            assert_eq!(width.max(height), BOX);
        }
        assert_eq!(Drawing::default().as_mnist(), vec![0; PIXELS]);
    }

    #[test]
    fn an_image_of_the_data_set_is_passed_on_until_it_is_changed() {
        let mut drawing = Drawing::default();
        // Far from where MNIST would have it.
        let mut image = vec![0; PIXELS];
        image[..40].fill(200);
        assert!(drawing.set_pixels(&image));
        assert_eq!(drawing.as_mnist(), image);
        assert_eq!(Drawing::from_text(&drawing.to_text()).unwrap().as_mnist(), image);
        drawing.rotate(10);
        assert_ne!(drawing.as_mnist(), image);
        drawing.rotate(-10);
        assert_eq!(drawing.as_mnist(), image);
        // The eraser changes nothing where nothing is.
        drawing.erase_at(20, 20);
        drawing.lift();
        assert_eq!(drawing.as_mnist(), image);
        drawing.press_at(20, 20);
        assert_ne!(drawing.as_mnist(), image, "a stroke that has not ended counts");
        drawing.undo();
        assert_eq!(drawing.as_mnist(), image);
        assert!(!drawing.set_pixels(&[1, 2, 3]), "it is not of this size");
        assert_eq!(drawing.pixels(), image);
    }

    #[test]
    fn a_line_has_no_gaps() {
        for (start, end) in [((0, 0), (27, 9)), ((27, 3), (2, 25)), ((5, 27), (6, 0)), ((4, 4), (4, 4))] {
            let pixels = line(start, end);
            assert_eq!((pixels[0], *pixels.last().unwrap()), (start, end));
            for pair in pixels.windows(2) {
                let steps = (pair[0].0.abs_diff(pair[1].0), pair[0].1.abs_diff(pair[1].1));
                assert_eq!(steps.0.max(steps.1), 1, "{pair:?}");
            }
            let mut drawing = Drawing::default();
            drawing.press_at(start.0, start.1);
            drawing.drag_to(end.0, end.1);
            let white = |&(column, row): &(u8, u8)| drawing.pixels()[usize::from(row) * EDGE + usize::from(column)];
            assert!(pixels.iter().map(white).all(|grey| grey == 255));
        }
    }

    #[test]
    fn the_cursor_draws_while_the_pen_is_down() {
        let mut drawing = Drawing::default();
        drawing.move_cursor(-3, 0);
        assert!(drawing.is_empty() && !drawing.can_undo());
        drawing.set_pen(Pen::Draws);
        drawing.move_cursor(1, 1);
        drawing.move_cursor(1, -1);
        drawing.set_pen(Pen::Off);
        let grey = |column, row| grey_at(drawing.pixels(), column, row);
        assert_eq!([grey(11, 14), grey(12, 15), grey(13, 14)], [255; 3]);
        assert_eq!([grey(10, 14), grey(12, 14), grey(10, 13)], [BRUSH.0, BRUSH.0, BRUSH.1]);
        assert_eq!(drawing.cursor(), (13, 14));
        drawing.move_cursor(-100, 100);
        assert_eq!(drawing.cursor(), (0, 27));
    }

    #[test]
    fn the_eraser_leaves_nothing_of_a_stroke() {
        let mut drawing = Drawing::default();
        for (column, row) in [(3, 4), (25, 27)] {
            drawing.press_at(0, 0);
            drawing.drag_to(column, row);
            drawing.erase_at(0, 0);
            drawing.drag_to(column, row);
            drawing.lift();
            assert!(drawing.is_empty());
        }
    }

    #[test]
    fn undo_and_redo_restore_every_bit() {
        let mut drawing = Drawing::default();
        let mut shown = vec![drawing.pixels().to_vec()];
        let operations: [fn(&mut Drawing); 8] = [
            |drawing| {
                drawing.press_at(3, 3);
                drawing.drag_to(20, 11);
                drawing.lift();
            },
            |drawing| {
                drawing.set_pen(Pen::Draws);
                drawing.move_cursor(-4, 7);
            },
            |drawing| drawing.rotate(17),
            |drawing| drawing.shift(-9, 4),
            |drawing| drawing.rotate(5),
            |drawing| {
                drawing.erase_at(5, 12);
                drawing.drag_to(9, 9);
            },
            Drawing::clear,
            |drawing| assert!(drawing.set_pixels(&[7; PIXELS])),
        ];
        for operation in operations {
            operation(&mut drawing);
            shown.push(drawing.pixels().to_vec());
        }
        for expected in shown.iter().rev().skip(1) {
            drawing.undo();
            assert_eq!(drawing.pixels(), expected);
        }
        assert!(!drawing.can_undo());
        drawing.undo();
        for expected in &shown[1..] {
            drawing.redo();
            assert_eq!(drawing.pixels(), expected);
        }
        assert!(!drawing.can_redo());
        drawing.undo();
        drawing.press_at(1, 1);
        drawing.lift();
        assert!(!drawing.can_redo(), "a stroke forgets what was undone");
    }

    #[test]
    fn the_history_is_bounded() {
        let mut drawing = drawn();
        for _ in 0..3 * HISTORY {
            drawing.rotate(1);
        }
        assert_eq!(drawing.undo.len(), HISTORY);
        while drawing.can_undo() {
            drawing.undo();
        }
        assert_eq!(drawing.redo.len(), HISTORY);
    }

    #[test]
    fn small_rotations_do_not_blur_ever_more() {
        let mut drawing = drawn();
        let before = drawing.pixels().to_vec();
        drawing.rotate(10);
        let rotated = drawing.pixels().to_vec();
        assert_ne!(rotated, before);
        drawing.rotate(-10);
        assert_eq!(drawing.pixels(), before);
        for _ in 0..370 {
            drawing.rotate(1);
        }
        assert_eq!(drawing.pixels(), rotated);
    }

    #[test]
    fn what_leaves_the_canvas_comes_back() {
        let mut drawing = drawn();
        let before = drawing.pixels().to_vec();
        for _ in 0..30 {
            drawing.shift(-1, 0);
        }
        assert!(drawing.is_empty());
        drawing.shift(28, 0);
        assert_eq!(drawing.pixels(), before);
        drawing.shift(-10, 0);
        drawing.press_at(20, 20);
        drawing.lift();
        drawing.shift(10, 0);
        assert_ne!(drawing.pixels(), before, "a stroke makes the loss final");
        for _ in 0..3 {
            drawing.undo();
        }
        assert_eq!(Drawing { redo: Vec::new(), ..drawing }.pixels(), before);
    }

    #[test]
    fn a_drawing_is_stored_as_text() {
        let mut drawing = drawn();
        drawing.centred = false;
        let text = drawing.to_text();
        assert!(text.len() < 1600);
        let read = Drawing::from_text(&text).unwrap();
        assert_eq!((read.pixels(), read.centred), (drawing.pixels(), false));
        for damaged in ["", "00", &text[1..], &text.replace("ff", "+f"), &format!("{text} x"), &text.replace("ff", "é")]
        {
            assert_eq!(Drawing::from_text(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn the_mouse_finds_its_pixel() {
        let grid = Rect::new(5, 2, 28, 14);
        assert_eq!(pixel_at(grid, 5, 2), Some((0, 0)));
        assert_eq!(pixel_at(grid, 32, 15), Some((27, 26)));
        assert_eq!(pixel_at(grid, 33, 15), None);
        assert_eq!(pixel_at(grid, 4, 2), None);
        let large = Rect::new(5, 2, 56, 28);
        assert_eq!(pixel_at(large, 60, 29), Some((27, 27)));
        assert_eq!(pixel_at(large, 8, 3), Some((1, 1)));
        assert_eq!(pixel_at(Rect::default(), 0, 0), None);
    }
}
