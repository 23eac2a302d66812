//! Draws the axes of a plot: lines, ticks with their numbers, and the label of x if it fits among the numbers.

use crate::theme::{Glyphs, Theme};
use app::{AxisRange, tick_labels};
use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

/// The areas in which the axes are drawn.
pub struct Axes<'t> {
    /// The area of the curves.
    pub plot: Rect,
    /// The area of the plot with the numbers.
    pub area: Rect,
    pub theme: &'t Theme,
}

impl Axes<'_> {
    fn glyph(&self, rich: &'static str, plain: &'static str) -> &'static str {
        if self.theme.glyphs == Glyphs::Ascii { plain } else { rich }
    }

    fn put(&self, buffer: &mut Buffer, x: u16, y: u16, text: &str) {
        if x < self.area.right() && y < self.area.bottom() {
            buffer.set_stringn(x, y, text, usize::from(self.area.right() - x), self.theme.faint());
        }
    }

    pub fn y(&self, range: &AxisRange, ticks: &[f64], buffer: &mut Buffer) {
        let plot = self.plot;
        for row in plot.y..plot.bottom() {
            self.put(buffer, plot.x - 1, row, self.glyph("│", "|"));
        }
        for (&value, name) in ticks.iter().zip(tick_labels(ticks)) {
            if let Some(part) = range.part(value).filter(|part| (-0.001..=1.001).contains(part)) {
                let row = plot.y + ((1.0 - part) * f64::from(plot.height - 1)).round() as u16;
                self.put(buffer, plot.x - 1 - name.width() as u16 - 1, row, &name);
                self.put(buffer, plot.x - 1, row, self.glyph("┤", "+"));
            }
        }
    }

    /// Draws the x axis; returns whether its label fitted.
    pub fn x(&self, range: &AxisRange, ticks: &[f64], label: &str, buffer: &mut Buffer) -> bool {
        let (plot, row) = (self.plot, self.plot.bottom() + 1);
        self.put(buffer, plot.x - 1, plot.bottom(), self.glyph("└", "+"));
        self.put(buffer, plot.x, plot.bottom(), &self.glyph("─", "-").repeat(usize::from(plot.width)));
        // Each number as (first column, text, column of the tick). A number that would touch the one before is left
        // out.
        let mut numbers: Vec<(u16, String, u16)> = Vec::new();
        for (&value, name) in ticks.iter().zip(tick_labels(ticks)) {
            let Some(part) = range.part(value).filter(|part| (-0.001..=1.001).contains(part)) else { continue };
            let column = plot.x + (part * f64::from(plot.width - 1)).round() as u16;
            let width = name.width() as u16;
            let start = column.saturating_sub(width / 2).min(self.area.right().saturating_sub(width));
            if numbers.last().is_none_or(|(before, name, _)| start > before + name.width() as u16 + 1) {
                numbers.push((start, name, column));
            }
        }
        let label = self.theme.text(label);
        let width = label.width() as u16;
        let at = label_place(&numbers, width, self.area);
        for (start, name, column) in &numbers {
            if at.is_none_or(|at| start + (name.width() as u16) < at || *start > at + width) {
                self.put(buffer, *start, row, name);
                self.put(buffer, *column, plot.bottom(), self.glyph("┴", "+"));
            }
        }
        if let Some(at) = at {
            self.put(buffer, at, row, &label);
        }
        at.is_some()
    }
}

/// The first column of a label of this width: at the right end, else in the last gap between two numbers where it fits.
fn label_place(numbers: &[(u16, String, u16)], width: u16, area: Rect) -> Option<u16> {
    let end = |at: usize| numbers[at].0 + numbers[at].1.width() as u16;
    let right = area.right().checked_sub(width).filter(|_| width > 0)?;
    let Some(last) = numbers.len().checked_sub(1) else { return Some(right) };
    if end(last) < right {
        return Some(right);
    }
    let gap = (0..last).rev().map(|at| (end(at), numbers[at + 1].0)).find(|(from, to)| to - from >= width + 4);
    gap.map(|(from, to)| from + (to - from - width) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Palette;
    use protocol::AxisScale;

    fn axis(ticks: &[f64], high: f64, label: &str) -> String {
        let area = Rect::new(0, 0, 40, 3);
        let theme = Theme::new(Palette::None, Glyphs::Ascii);
        let mut buffer = Buffer::empty(area);
        let axes = Axes { plot: Rect::new(2, 0, 38, 1), area, theme: &theme };
        axes.x(&AxisRange::new((1.0, high), AxisScale::Linear).unwrap(), ticks, label, &mut buffer);
        (0..40).map(|x| buffer[(x, 2)].symbol()).collect::<String>().trim_end().into()
    }

    #[test]
    fn the_label_leaves_the_numbers_alone() {
        assert_eq!(axis(&[1.0, 2.0, 3.0], 3.0, "layer"), "  1                  2      layer      3");
        assert_eq!(axis(&[1.0, 2.0], 3.0, "layer"), "  1                  2             layer");
        // If it fits nowhere among the numbers, the plot writes it elsewhere.
        assert_eq!(axis(&[1.0, 2.0, 3.0], 3.0, "zeros among features"), "  1                  2                 3");
        assert_eq!(axis(&[], 3.0, ""), "");
    }
}
