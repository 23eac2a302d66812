//! Units ranked by what is lost without them, and what the reader's changes do.

use super::{Column, Network, say, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::{App, Shown};
use protocol::{Seen, View, ViewImage};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns of the ranking.
const RANKING: u16 = 36;

pub fn draw(app: &App, theme: &Theme, networks: &[Network], column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let Some(first) = networks.first() else { return };
    let ranking = Rect { width: RANKING.min(area.width), ..area };
    draw_ranking(app, theme, first, column, ranking, canvas);
    let beside = Rect { x: area.x + ranking.width + 1, width: area.width.saturating_sub(ranking.width + 1), ..area };
    draw_effects(app, theme, networks, beside, canvas);
}

fn draw_ranking(app: &App, theme: &Theme, network: &Network, column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let room = usize::from(area.width);
    let Some((layer, chosen)) = column.unit else { return };
    let head = format!("{} without one unit of {layer}", network.title);
    write(canvas.buffer, area.x, area.y, app::truncate(&theme.text(&head), room), room, theme.strong());
    let Some(Seen::Ablation { images, error, loss, .. }) = network.shown.answer().map(|answer| &answer.seen) else {
        let text = match network.shown {
            Shown::Fault(why) => why,
            _ => "Every unit is left out once; that takes a moment.",
        };
        say(theme, text, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, canvas);
        return;
    };
    let text = format!("first {images}: {error:.2} %, loss {loss:.4}");
    write(canvas.buffer, area.x, area.y + 1, app::truncate(&theme.text(&text), room), room, theme.faint());
    write(canvas.buffer, area.x, area.y + 2, "  unit   error %   loss more", room, theme.faint());
    let ranked = app.ranked_units();
    let rows = usize::from(area.height.saturating_sub(3)).max(1);
    let selected = ranked.iter().position(|(unit, _)| *unit == chosen).unwrap_or(0);
    let top = selected.saturating_sub(rows.saturating_sub(1));
    for (row, (unit, without)) in (0..).zip(ranked.iter().skip(top).take(rows)) {
        let scale =
            app.inside.changes.of(network.lane.arm).iter().any(|change| (change.layer, change.unit) == (layer, *unit));
        let mark = if scale { "*" } else { " " };
        let text = format!("{mark} {unit:>4}  {:>8.2}  {:>+11.4}", without.error, without.loss - loss);
        let style = if *unit == chosen { theme.selected() } else { Style::new() };
        write(canvas.buffer, area.x, area.y + 3 + row, text, room, style);
    }
}

fn draw_effects(app: &App, theme: &Theme, networks: &[Network], area: Rect, canvas: &mut ImageCanvas) {
    let room = usize::from(area.width);
    let mut y = area.y;
    let mut line = |text: &str, style: Style, canvas: &mut ImageCanvas| {
        for part in textwrap::wrap(&theme.text(text), app::wrap_options(room.max(1))) {
            if y < area.bottom() {
                write(canvas.buffer, area.x, y, &part, room, style);
            }
            y += 1;
        }
    };
    let split = app.inside.split;
    let image = if app.inside.uses_drawing {
        ViewImage::Pixels(app.inside.drawing.network_input())
    } else {
        ViewImage::Of { split, number: app.inside.image }
    };
    let about = if app.inside.uses_drawing {
        "your drawing".to_string()
    } else {
        format!("{} image {}", split.name(), app.inside.image)
    };
    for network in networks {
        line(&format!("{} {}", theme.marker(network.slot), network.title), theme.arm(network.slot), canvas);
        let changes = app.inside.changes.of(network.lane.arm);
        for change in changes {
            line(&format!("* {change}"), theme.accent(), canvas);
        }
        if changes.is_empty() {
            line("no unit is changed; x silences the chosen one", theme.faint(), canvas);
        }
        let error = |with_changes: bool| match app.inside_view(network.lane, View::Confusion { split }, with_changes) {
            Shown::Current(answer) => match &answer.seen {
                Seen::Confusion { matrix, .. } => format!("{:.2} %", error_of(matrix)),
                _ => "…".into(),
            },
            _ => "…".to_string(),
        };
        let text = if changes.is_empty() { error(false) } else { format!("{} -> {}", error(false), error(true)) };
        line(&format!("{} error, all images: {text}", split.name()), theme.strong(), canvas);
        let answer = |with_changes: bool| match app.inside_view(
            network.lane,
            View::Ask { image: image.clone() },
            with_changes,
        ) {
            Shown::Current(answer) => match &answer.seen {
                Seen::Ask { classes, probabilities, .. } => top_answers(classes, probabilities),
                _ => "…".into(),
            },
            Shown::Fault(why) => why.to_string(),
            _ => "…".to_string(),
        };
        line(&format!("{about}: {}", answer(false)), Style::new(), canvas);
        if !changes.is_empty() {
            line(
                &format!("{:w$}  {}", "->", answer(true), w = about.chars().count().saturating_sub(1)),
                theme.strong(),
                canvas,
            );
        }
        line("", Style::new(), canvas);
    }
}

fn error_of(matrix: &[Vec<u32>]) -> f64 {
    let all: u32 = matrix.iter().flatten().sum();
    let right: u32 = matrix.iter().enumerate().filter_map(|(at, row)| row.get(at)).sum();
    100.0 * f64::from(all - right) / f64::from(all.max(1))
}

/// The two most probable classes.
fn top_answers(classes: &[String], probabilities: &[f32]) -> String {
    let mut ranked: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let name = |class: usize| classes.get(class).cloned().unwrap_or_default();
    let few: Vec<String> =
        ranked.into_iter().take(2).map(|(class, share)| format!("{} {:.1} %", name(class), 100.0 * share)).collect();
    few.join(", ")
}
