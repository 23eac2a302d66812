//! Curves of activations, drawn small: the list to choose from, and those of the study's arms.

use crate::theme::{Glyphs, Theme};
use crate::widgets::open_dialog;
use app::{ActivationList, StudyTable, truncate};
use protocol::Activation;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// What is drawn of a curve: z from -WIDTH to WIDTH, the value between these.
const WIDTH: f64 = 3.0;
const VALUES: (f64, f64) = (-1.6, 2.4);

/// The list, with the chosen one's formula and source below.
pub fn draw_list(list: &ActivationList, theme: &Theme, body: Rect, buffer: &mut Buffer) {
    let all: Vec<Activation> = Activation::all().collect();
    let width = ActivationList::TILE;
    let columns = ActivationList::columns(body.width.saturating_sub(2)).min(all.len());
    let rows = all.len().div_ceil(columns) as u16;
    // A title, three rows of a curve, and a blank where that fits.
    let height = if rows * 5 + 4 <= body.height { 5 } else { 4 };
    let size = (columns as u16 * width + 4, rows * height + 4);
    let area = Rect {
        width: size.0.min(body.width),
        height: size.1.min(body.height),
        x: body.x + body.width.saturating_sub(size.0) / 2,
        y: body.y + body.height.saturating_sub(size.1) / 2,
    };
    let title = "Add an arm with this activation in all its layers";
    let title = if list.typed.is_empty() { title.to_string() } else { format!("{title}: {}", list.typed) };
    let inner = open_dialog(&title, area, theme, buffer);
    let shown = usize::from(inner.height.saturating_sub(2) / height).max(1);
    let first = (list.selected / columns + 1).saturating_sub(shown);
    for (at, activation) in all.iter().enumerate().skip(first * columns).take(shown * columns) {
        let x = inner.x + (at % columns) as u16 * width;
        let y = inner.y + (at / columns - first) as u16 * height;
        let tile = Rect { x, y, width, height }.intersection(inner);
        let is_chosen = at == list.selected;
        let title = format!("{:<1$}", format!(" {}", activation.title()), usize::from(width - 1));
        let style = if is_chosen { theme.selected() } else { theme.strong() };
        buffer.set_stringn(tile.x, tile.y, theme.text(&title), usize::from(tile.width), style);
        let curve = Rect { x: tile.x + 1, y: tile.y + 1, width: width - 4, height: 3 }.intersection(tile);
        draw_curve(*activation, theme, theme.arm(at), curve, buffer);
    }
    if let Some(activation) = all.get(list.selected) {
        let entry = activation.entry();
        let text = format!("{} = {} · {}", entry.title, entry.formula, entry.reference);
        let y = inner.bottom().saturating_sub(1);
        let text = truncate(&theme.text(&text), usize::from(inner.width));
        buffer.set_stringn(inner.x, y, text, usize::from(inner.width), theme.faint());
    }
}

/// The curves of the arms' convolutions, side by side, where there is room.
pub fn draw_arms(table: &StudyTable, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    /// Columns and rows of one, a title included.
    const TILE: (u16, u16) = (19, 6);
    if area.height < TILE.1 {
        return;
    }
    let height = area.height.min(9);
    for (at, arm) in table.arms().iter().enumerate() {
        let x = area.x + at as u16 * TILE.0;
        let tile = Rect { x, width: TILE.0, height, ..area }.intersection(area);
        if tile.width < TILE.0 - 1 {
            break;
        }
        let title = format!("{} {}", theme.marker(at), arm.activations.title());
        let room = usize::from(TILE.0 - 2);
        buffer.set_stringn(tile.x, tile.y, truncate(&theme.text(&title), room), room, theme.arm(at));
        let curve = Rect { y: tile.y + 1, width: TILE.0 - 3, height: tile.height - 1, ..tile };
        draw_curve(arm.activations.conv, theme, theme.arm(at), curve, buffer);
    }
}

/// A curve with its axes: Braille dots, or plain characters where the terminal has no others.
fn draw_curve(activation: Activation, theme: &Theme, style: Style, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let is_plain = theme.glyphs == Glyphs::Ascii;
    let (across, down) = if is_plain { (1, 1) } else { (2, 4) };
    let size = (usize::from(area.width) * across, usize::from(area.height) * down);
    let row_of = |value: f64| {
        let part = (VALUES.1 - value) / (VALUES.1 - VALUES.0);
        (part * size.1 as f64).floor()
    };
    let z_of = |column: f64| WIDTH * (2.0 * column / size.0 as f64 - 1.0);
    let zero = row_of(0.0) as usize;
    for column in 0..area.width {
        let y = area.y + (zero / down) as u16;
        buffer.set_stringn(area.x + column, y, theme.text("·"), 1, theme.faint());
    }
    let mut dots = vec![0_u8; usize::from(area.width) * usize::from(area.height)];
    let mut set = |x: usize, y: usize| {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        dots[(y / down) * usize::from(area.width) + x / across] |= BITS[x % across][y % down];
    };
    for x in 0..size.0 {
        // All rows that the curve passes between both edges of the column.
        let ends = [z_of(x as f64), z_of(x as f64 + 1.0)].map(|z| row_of(activation.value(z)));
        let (top, bottom) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let last = size.1 as f64 - 1.0;
        if bottom < 0.0 || top > last {
            continue;
        }
        for y in top.max(0.0) as usize..=bottom.min(last) as usize {
            set(x, y);
        }
    }
    for (at, shape) in dots.iter().enumerate().filter(|(_, shape)| **shape != 0) {
        let (x, y) = (area.x + (at % usize::from(area.width)) as u16, area.y + (at / usize::from(area.width)) as u16);
        let symbol = if is_plain { Some('*') } else { char::from_u32(0x2800 + u32::from(*shape)) };
        if let (Some(symbol), Some(cell)) = (symbol, buffer.cell_mut((x, y))) {
            cell.set_char(symbol).set_style(style);
        }
    }
}
