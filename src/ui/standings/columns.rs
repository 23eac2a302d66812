//! The numbers of a race as a table that fits: the columns of least rank go first where the room ends.

use super::{Entry, bar, fitting, put_more};
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// A column: what stands above it, its value, and its rank, the lowest of which stay longest.
struct Column {
    head: &'static str,
    rank: u8,
    of: fn(&Entry) -> &str,
}

/// In the order in which they stand.
const COLUMNS: [Column; 10] = [
    Column { head: "seeds", rank: 4, of: |entry| &entry.seeds },
    Column { head: "epoch", rank: 5, of: |entry| &entry.epoch },
    Column { head: "val %", rank: 1, of: |entry| &entry.val },
    Column { head: "test %", rank: 6, of: |entry| &entry.test },
    Column { head: "best %", rank: 2, of: |entry| &entry.best },
    Column { head: "test@", rank: 3, of: |entry| &entry.best_test },
    Column { head: "@epoch", rank: 7, of: |entry| &entry.best_epoch },
    Column { head: "img/s", rank: 8, of: |entry| &entry.speed },
    Column { head: "time", rank: 9, of: |entry| &entry.time },
    Column { head: "loss", rank: 10, of: |entry| &entry.loss },
];
const BETWEEN: usize = 2;
const BAR: std::ops::RangeInclusive<usize> = 5..=16;

/// Draws a table of lanes or arms; returns the row beneath it.
pub fn draw(theme: &Theme, entries: &[Entry], what: &str, area: Rect, buffer: &mut Buffer) -> u16 {
    if area.is_empty() {
        return area.y;
    }
    let room = usize::from(area.width);
    let name = entries.iter().map(|entry| entry.name.width()).max().unwrap_or(0) + 2;
    let width = |column: &Column| {
        let values = entries.iter().map(|entry| (column.of)(entry).width());
        values.max().filter(|widest| *widest > 0).map(|widest| widest.max(column.head.width()))
    };
    let mut ranked: Vec<&Column> = COLUMNS.iter().collect();
    ranked.sort_by_key(|column| column.rank);
    let (mut used, mut last) = (name, 0);
    for column in ranked {
        let Some(width) = width(column) else { continue };
        if used + BETWEEN + width > room {
            break;
        }
        used += BETWEEN + width;
        last = column.rank;
    }
    let left = room.saturating_sub(used + 1);
    let bar_width = if left < *BAR.start() { 0 } else { left.min(*BAR.end()) };
    let indent = if bar_width == 0 { 0 } else { bar_width + 1 };
    let row = |of: &dyn Fn(&Column) -> String| -> String {
        let columns = COLUMNS.iter().filter(|column| column.rank <= last);
        columns.filter_map(|column| Some(format!("{:1$}{2:>3$}", "", BETWEEN, of(column), width(column)?))).collect()
    };
    let head = row(&|column| column.head.into());
    let x = area.x + indent as u16;
    let room = usize::from(area.right() - x);
    buffer.set_stringn(x, area.y, theme.text(&format!("{:name$}{head}", "")), room, theme.faint());
    let (shown, more) = fitting(entries.len(), area.height - 1);
    let mut y = area.y + 1;
    for entry in entries.iter().take(shown) {
        let style = theme.arm(entry.arm);
        buffer.set_string(area.x, y, bar(theme, entry.done, bar_width), style);
        let name = format!("{:name$}", format!("{} {}", theme.marker(entry.arm), entry.name));
        let x = buffer.set_stringn(x, y, theme.text(&name), room, style).0;
        let numbers = row(&|column| (column.of)(entry).into());
        buffer.set_stringn(x, y, theme.text(&numbers), usize::from(area.right().saturating_sub(x)), style);
        y += 1;
    }
    put_more(theme, more, what, area, y, buffer)
}
