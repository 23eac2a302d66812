//! The page of the reader's own digit: the grid, what the networks see, what they answer, and the digits that were kept.

use super::digit::{AnswerBars, draw_answers, draw_canvas, draw_seen};
use super::{Network, say};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use crate::widgets::write_wrapped;
use app::{App, Shown};
use protocol::Seen;
use ratatui::layout::Rect;

pub fn draw(app: &App, theme: &Theme, networks: &[Network], area: Rect, canvas: &mut ImageCanvas) {
    if !app.takes_drawing() {
        let text = "The networks of this run take images of another shape; a digit is drawn for those of MNIST.";
        say(theme, text, area, canvas);
        return;
    }
    let layout = app.inside_layout();
    let drawing = &app.inside.drawing;
    let room = layout.digit_area();
    let Some(grid) = draw_canvas(theme, drawing, room, canvas.buffer) else {
        say(theme, "A digit needs 16 rows to be drawn in; enlarge the terminal.", area, canvas);
        return;
    };
    let foot = Rect { y: grid.bottom() + 1, height: area.bottom().saturating_sub(grid.bottom() + 1), ..room };
    let mut y = foot.y;
    if foot.height > 0 {
        let own = own_line(app, networks);
        y = write_wrapped(theme, &own, theme.faint(), foot, y, canvas.buffer);
    }
    let mut left = room.right() + 1;
    // What the networks see stands beside the answers where both have room, else beneath the grid.
    let title = if drawing.centred { "centred as MNIST's" } else { "as drawn" };
    let seen = drawing.network_input();
    if area.right().saturating_sub(left) >= 30 + 28 {
        draw_seen(theme, &seen, title, Rect { x: left, width: 28, ..area }, canvas.buffer);
        left += 30;
    } else if area.bottom() >= y + 15 {
        draw_seen(theme, &seen, title, Rect { y, width: 28, height: 15, ..room }, canvas.buffer);
    }
    let titles: Vec<String> = networks.iter().map(|network| network.title.clone()).collect();
    let bars = networks.iter().zip(&titles).map(|(network, arm)| {
        let answer = network.shown.answer().filter(|_| !drawing.is_empty());
        let (classes, probabilities): (&[String], &[f32]) = match answer.map(|answer| &answer.seen) {
            Some(Seen::Ask { classes, probabilities, .. }) => (classes, probabilities),
            _ => (&[], &[]),
        };
        let style = theme.arm(network.slot);
        AnswerBars { arm, style, classes, probabilities, stale: !network.shown.is_current() }
    });
    let bars: Vec<AnswerBars> = bars.collect();
    let answers = Rect { x: left, width: area.right().saturating_sub(left), ..area };
    draw_answers(theme, &bars, answers, canvas.buffer);
}

/// How many digits are kept, and how many of them each network gets right.
fn own_line(app: &App, networks: &[Network]) -> String {
    let own = &app.inside.own;
    if own.is_empty() {
        return "0-9 keeps the digit; the kept ones are evaluated here".into();
    }
    let of = |network: &Network| {
        let right = match app.inside_view(network.lane, app.own_view(), true) {
            Shown::Current(answer) => app.own_right(&answer.seen).map(|right| right.to_string()),
            _ => None,
        };
        format!("{} {} right", network.title, right.unwrap_or_else(|| "…".into()))
    };
    let chosen = app.inside.own_selected.and_then(|at| Some((at, own.iter().nth(at)?)));
    let shown = chosen.map_or(String::new(), |(at, digit)| format!(" (this is number {}, a {})", at + 1, digit.label));
    let networks: Vec<String> = networks.iter().map(of).collect();
    format!("{} kept{shown}: {}", own.len(), networks.join(", "))
}
