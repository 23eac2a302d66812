//! The page of the reader's own digit: the grid, what the networks see, what they answer, and the digits that were kept.

use super::digit::{AnswerBars, draw_answers, draw_canvas, draw_seen};
use super::{Network, say, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
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
    // What is true of the whole page stands in its last rows.
    let notes = [own_line(app, networks), input_line(app)];
    let notes_area = Rect { y: area.bottom().saturating_sub(notes.len() as u16), height: notes.len() as u16, ..area };
    let has_notes = notes_area.y > grid.bottom();
    let left = room.right() + 1;
    let mut body = Rect { x: left, width: area.right().saturating_sub(left), ..area };
    if has_notes {
        body.height = notes_area.y - area.y;
        for (y, note) in (notes_area.y..).zip(&notes) {
            let width = usize::from(area.width);
            write(canvas.buffer, area.x, y, app::truncate(&theme.text(note), width), width, theme.faint());
        }
    }
    // What the networks see stands beside the answers where both have room, else beneath the grid.
    let title = if drawing.centred { "what they see, centred" } else { "what they see, as drawn" };
    let seen = drawing.network_input();
    let beneath = grid.bottom() + 1;
    if body.width >= SEEN + 2 + 28 {
        draw_seen(theme, &seen, title, Rect { width: SEEN, ..body }, canvas.buffer);
        body = Rect { x: body.x + SEEN + 2, width: body.width - SEEN - 2, ..body };
    } else if body.bottom() >= beneath + 15 {
        draw_seen(theme, &seen, title, Rect { y: beneath, width: SEEN, height: 15, ..room }, canvas.buffer);
    }
    if drawing.is_empty() {
        say(
            theme,
            "Space puts the pen down, the arrows draw; the mouse draws too. The networks answer at each stroke.",
            body,
            canvas,
        );
        return;
    }
    let titles: Vec<String> = networks.iter().map(|network| network.title.clone()).collect();
    let bars = networks.iter().zip(&titles).map(|(network, arm)| {
        let (classes, probabilities): (&[String], &[f32]) = match network.shown.answer().map(|answer| &answer.seen) {
            Some(Seen::Ask { classes, probabilities, .. }) => (classes, probabilities),
            _ => (&[], &[]),
        };
        let style = theme.arm(network.slot);
        let note = match network.shown {
            Shown::Fault(why) | Shown::Absent(why) => why,
            Shown::Current(_) | Shown::Earlier(_) | Shown::Nothing => "no answer yet",
        };
        AnswerBars { arm, style, classes, probabilities, stale: !network.shown.is_current(), note }
    });
    let bars: Vec<AnswerBars> = bars.collect();
    draw_answers(theme, &bars, body, canvas.buffer);
}

/// Columns of the picture that the networks see.
const SEEN: u16 = 28;

/// What the networks get, and which image the other pages show.
fn input_line(app: &App) -> String {
    let drawing = &app.inside.drawing;
    let how = if drawing.centred {
        "They get it centred as MNIST's (r: as drawn)"
    } else {
        "They get it as drawn (r: centred)"
    };
    let image =
        if app.inside.uses_drawing { "the other pages show it too (o)" } else { "o shows it on the other pages" };
    format!("{how}; {image}")
}

/// How many digits are kept, and how many of them each network gets right.
fn own_line(app: &App, networks: &[Network]) -> String {
    let own = &app.inside.own;
    if own.is_empty() {
        return "w keeps the digit; the kept ones are evaluated here".into();
    }
    let of = |network: &Network| {
        let right = match app.inside_view(network.lane, app.own_view(), true) {
            Shown::Current(answer) => app.own_right(&answer.seen).map(|right| right.to_string()),
            _ => None,
        };
        format!("{} {} right", network.title, right.unwrap_or_else(|| "…".into()))
    };
    let chosen = app.shown_own().and_then(|at| Some((at, own.get(at)?)));
    let shown = chosen.map_or(String::new(), |(at, digit)| format!(" (this is number {}, a {})", at + 1, digit.label));
    let networks: Vec<String> = networks.iter().map(of).collect();
    format!("{} kept{shown}: {}", own.len(), networks.join(", "))
}
