//! One output of a layer as numbers: what the unit sees, its weights, their products, the sum, the bias, the activation.

use super::tiles::{TileSize, draw_signed, largest};
use super::{Column, fit, mark, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::{InsideTarget, ProductPlace};
use protocol::{LayerKind, SeenProducts};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns of a number, with a blank.
const NUMBER: u16 = 5;
/// Columns between the grids of numbers.
const GAP: u16 = 2;

pub fn draw(
    theme: &Theme,
    of: &SeenProducts,
    place: ProductPlace,
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    let mut y = area.y;
    let mut line = |text: &str, style: Style, canvas: &mut ImageCanvas| {
        if y < area.bottom() {
            write(canvas.buffer, area.x, y, fit(theme, text, room), room, style);
        }
        y += 1;
    };
    let at = if of.layer.kind == LayerKind::Conv {
        format!(" at row {}, column {} of {}x{} before pooling", of.row, of.column, of.width, of.height)
    } else {
        String::new()
    };
    line(&format!("{}: {} unit {}{at}", column.title, of.layer, of.unit), theme.strong(), canvas);
    let chosen = place.product_of(of);
    let (x, w) = (of.x.get(chosen).copied().unwrap_or(0.0), of.weights.get(chosen).copied().unwrap_or(0.0));
    let products = of.products();
    let sum: f32 = products.iter().sum();
    let side = of.side.max(1) as usize;
    // All are counted from 0, as the units are.
    let name = if side == 1 {
        format!("product with input {chosen}")
    } else {
        format!("product {chosen} (0 to {})", products.len().saturating_sub(1))
    };
    line(&format!("{name}: {x:.4} x {w:.4} = {:.4}", x * w), theme.accent().patch(theme.strong()), canvas);
    let [positive, negative] = signed_sums(&products);
    line(&format!("positive {positive:.4}, negative {negative:.4}: sum {sum:.4}"), Style::new(), canvas);
    let phi = of.activation.map_or(String::new(), |activation| format!(", {} gives {:.4}", activation.title(), of.y));
    line(&format!("sum {sum:.4} + bias {:.4} = z {:.4}{phi}", of.bias, of.z), theme.strong(), canvas);
    let length = side * side;
    let map = chosen / length;
    let title = match (side, of.inputs) {
        (1, _) => format!("the strongest of {} products, {}:", products.len(), column.caption),
        (_, 1) => format!("{}:", column.caption),
        (_, inputs) => format!("input map {map} (0 to {}), {}:", inputs.saturating_sub(1), column.caption),
    };
    line(&title, theme.faint(), canvas);
    let body = Rect { y: area.y + 5, height: area.height.saturating_sub(5), ..area };
    if side == 1 {
        draw_list(theme, of, &products, chosen, body, canvas);
        return;
    }
    let parts = [("what it sees", &of.x), ("weights", &of.weights), ("products", &products)];
    let width = side as u16 * NUMBER - 1;
    let rows = side as u16 + 1;
    // As many side by side as have room.
    let fits = |across: &u16| across * (width + GAP) - GAP <= body.width;
    let across = [3, 2].into_iter().find(fits).unwrap_or(1);
    for (at, (name, values)) in (0..).zip(parts) {
        let (left, top) = (body.x + at % across * (width + GAP), body.y + at / across * rows);
        if top >= body.bottom() {
            break;
        }
        write(canvas.buffer, left, top, name, usize::from(width), theme.faint());
        let of_map = values.get(map * length..(map + 1) * length).unwrap_or_default();
        for (row, numbers) in (0..).zip(of_map.chunks(side)) {
            for (offset, value) in (0..).zip(numbers) {
                let (x, y) = (left + offset * NUMBER, top + 1 + row);
                if y >= body.bottom() || x >= body.right() {
                    continue;
                }
                let is_chosen = usize::from(row) * side + usize::from(offset) == chosen % length;
                let style = if is_chosen { theme.selected() } else { look(theme, *value) };
                write(canvas.buffer, x, y, short(*value), usize::from(NUMBER - 1), style);
                let product = map * length + usize::from(row) * side + usize::from(offset);
                mark(canvas, Rect { x, y, width: NUMBER - 1, height: 1 }, InsideTarget::Product(product));
            }
        }
    }
    // The same as tiles of all inputs, to find a place in them.
    let top = body.y + 3_u16.div_ceil(across) * rows + u16::from(across == 3);
    let (tile, height) = TileSize::Small.cells(theme, of.side, of.side);
    if of.inputs > 1 && top + height < body.bottom() {
        write(canvas.buffer, body.x, top, "products of all input maps:", room, theme.faint());
        let strongest = largest(&products);
        for (input, values) in (0..).zip(products.chunks(length)) {
            let across = (body.width / (tile + 1)).max(1);
            let (left, y) = (body.x + input % across * (tile + 1), top + 1 + input / across * (height + 1));
            if y + height > body.bottom() {
                break;
            }
            let place = Rect { x: left, y, width: tile, height };
            draw_signed(theme, TileSize::Small, values, (of.side, strongest), place, canvas);
            mark(canvas, place, InsideTarget::Product(input as usize * length));
        }
    }
}

/// The products of a fully connected layer, the strongest first.
fn draw_list(theme: &Theme, of: &SeenProducts, products: &[f32], chosen: usize, area: Rect, canvas: &mut ImageCanvas) {
    let ranked = of.ranked();
    let rows = usize::from(area.height).max(1);
    let rank = ranked.iter().position(|at| *at == chosen).unwrap_or(0);
    for (row, at) in (0..).zip(ranked.into_iter().skip(rank.saturating_sub(rows - 1)).take(rows)) {
        let text = format!("input {at:>4}: {:>9.4} x {:>9.4} = {:>9.4}", of.x[at], of.weights[at], products[at]);
        let style = if at == chosen { theme.selected() } else { look(theme, products[at]) };
        write(canvas.buffer, area.x, area.y + row, text, usize::from(area.width), style);
        mark(canvas, Rect { y: area.y + row, height: 1, ..area }, InsideTarget::Product(at));
    }
}

/// The sum of the positive products, and that of the negative ones.
fn signed_sums(products: &[f32]) -> [f64; 2] {
    let sum = |keep: fn(f64) -> bool| products.iter().map(|product| f64::from(*product)).filter(|p| keep(*p)).sum();
    [sum(|product| product > 0.0), sum(|product| product < 0.0)]
}

fn look(theme: &Theme, value: f32) -> Style {
    if value == 0.0 { theme.faint() } else { Style::new() }
}

/// A number in four columns.
fn short(value: f32) -> String {
    let text = match value.abs() {
        size if size < 0.005 => "0".into(),
        size if size < 0.995 => format!("{value:.2}").replacen("0.", ".", 1),
        size if size < 9.95 && value > 0.0 => format!("{value:.2}"),
        size if size < 9.95 => format!("{value:.1}"),
        size if size < 99.5 && value > 0.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    format!("{text:>4}")
}

#[cfg(test)]
mod tests {
    use super::{short, signed_sums};

    #[test]
    fn products_are_summed_by_their_sign() {
        let sums = signed_sums(&[1.5, -0.25, 0.0, 2.0, -0.5]);
        assert_eq!(sums.map(|sum| format!("{sum:.2}")), ["3.50", "-0.75"]);
    }

    #[test]
    fn a_number_takes_four_columns() {
        let cases = [
            (0.0, "   0"),
            (0.125, " .12"),
            (-0.5, "-.50"),
            (1.0, "1.00"),
            (-2.56, "-2.6"),
            (31.4, "31.4"),
            (-31.4, " -31"),
        ];
        for (value, expected) in cases {
            assert_eq!(short(value), expected, "{value}");
        }
    }
}
