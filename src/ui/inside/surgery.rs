//! Units ranked by what is lost without them, and what the reader's changes do.

use super::{Column, Network, mark, name_truth, ranked_classes, say, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::{App, InsideTarget, RANKING, Shown};
use protocol::{Ablated, Layer, Seen, UnitChange, View, ViewAnswer, ViewImage};
use ratatui::layout::Rect;
use ratatui::style::Style;

pub fn draw(app: &App, theme: &Theme, networks: &[Network], column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let Some(first) = networks.first() else { return };
    let ranking = Rect { width: RANKING.min(area.width), ..area };
    let room = usize::from(ranking.width);
    let Some((layer, _)) = column.unit else { return };
    let head = format!("{} without one unit of {layer}", first.title);
    write(canvas.buffer, area.x, area.y, app::truncate(&theme.text(&head), room), room, theme.strong());
    let below = Rect { y: ranking.y + 1, height: ranking.height.saturating_sub(1), ..ranking };
    match first.shown {
        Shown::Current(answer) | Shown::Earlier(answer) => {
            draw_ranking(theme, answer, app.inside.changes.of(first.lane.arm), column.unit, below, canvas);
        }
        Shown::Fault(why) | Shown::Absent(why) => say(theme, why, below, canvas),
        Shown::Nothing => say(theme, WAITING, below, canvas),
    }
    let beside = Rect { x: area.x + ranking.width + 1, width: area.width.saturating_sub(ranking.width + 1), ..area };
    draw_effects(app, theme, networks, beside, canvas);
}

/// Stands until the ranking of the chosen layer has come.
const WAITING: &str = "Every unit is left out once; that takes a moment.";

/// The units of a layer by what is lost without each, from the first on or around the chosen one; those that were changed have a
/// mark.
pub(super) fn draw_ranking(
    theme: &Theme,
    answer: &ViewAnswer,
    changes: &[UnitChange],
    chosen: Option<(Layer, u32)>,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    let (layer, split, images, error, loss, units) = match &answer.seen {
        Seen::Ablation { layer, split, images, error, loss, units } if chosen.is_none_or(|(of, _)| of == *layer) => {
            (*layer, split, images, error, loss, units)
        }
        _ => {
            say(theme, WAITING, area, canvas);
            return;
        }
    };
    let chosen = chosen.map(|(_, unit)| unit);
    let text = format!("unchanged: {error:.2} %, loss {loss:.4}");
    write(canvas.buffer, area.x, area.y, app::truncate(&theme.text(&text), room), room, theme.faint());
    let text = format!("(the first {images} {} images)", split.name());
    write(canvas.buffer, area.x, area.y + 1, app::truncate(&theme.text(&text), room), room, theme.faint());
    write(canvas.buffer, area.x, area.y + 2, "  unit   error %   loss more", room, theme.faint());
    let ranked = Ablated::rank(units);
    let list = Rect { y: area.y + 3, height: area.height.saturating_sub(3), ..area };
    let selected = chosen.and_then(|chosen| ranked.iter().position(|(unit, _)| *unit == chosen));
    let top = selected.unwrap_or(0).saturating_sub(usize::from(list.height).saturating_sub(1));
    let line = |(unit, without): &(u32, Ablated), line: Rect, canvas: &mut ImageCanvas| {
        let is_changed = changes.iter().any(|change| (change.layer, change.unit) == (layer, *unit));
        let star = if is_changed { "*" } else { " " };
        let text = format!("{star} {unit:>4}  {:>8.2}  {:>+11.4}", without.error, without.loss - loss);
        let style = if Some(*unit) == chosen { theme.selected() } else { Style::new() };
        write(canvas.buffer, line.x, line.y, text, room, style);
        mark(canvas, line, InsideTarget::Unit(layer, *unit));
    };
    scrolled(theme, &ranked, top, |_| 1, list, canvas, line);
}

/// What each network is like with the changes, beside what it is like without.
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
    for (at, network) in networks.iter().enumerate() {
        line(&format!("{} {}", theme.marker(network.slot), network.title), theme.arm(network.slot), canvas);
        let changes = app.inside.changes.of(network.lane.arm);
        for change in changes {
            line(&format!("* {change}"), theme.strong(), canvas);
        }
        if changes.is_empty() {
            // Changes are made in the first network.
            let hint = if at == 0 { "; x silences the chosen one" } else { "" };
            line(&format!("no unit is changed{hint}"), theme.faint(), canvas);
        }
        let error = |with_changes: bool| match app.inside_view(network.lane, View::Confusion { split }, with_changes) {
            Shown::Current(answer) => match &answer.seen {
                Seen::Confusion { matrix, .. } => format!("{:.2} %", matrix.error()),
                _ => "…".into(),
            },
            _ => "…".to_string(),
        };
        let text = if changes.is_empty() { error(false) } else { format!("{} -> {}", error(false), error(true)) };
        line(&format!("error {text}, all {} images", split.name()), theme.strong(), canvas);
        let asked =
            |with_changes: bool| app.inside_view(network.lane, View::Ask { image: image.clone() }, with_changes);
        // Not of an earlier image.
        let truth = match asked(false) {
            Shown::Current(answer) => name_truth(&answer.seen).unwrap_or_default(),
            _ => String::new(),
        };
        let answer = |with_changes: bool| match asked(with_changes) {
            Shown::Current(answer) => match &answer.seen {
                Seen::Ask { classes, probabilities, .. } => top_answers(classes, probabilities),
                _ => "…".into(),
            },
            Shown::Fault(why) | Shown::Absent(why) => why.to_string(),
            _ => "…".to_string(),
        };
        line(&format!("{about}{truth}:"), Style::new(), canvas);
        line(&format!("   {}", answer(false)), Style::new(), canvas);
        if !changes.is_empty() {
            line(&format!("-> {}", answer(true)), theme.strong(), canvas);
        }
        line("", Style::new(), canvas);
    }
    line("Changes are made for the views alone: no checkpoint has them.", theme.faint(), canvas);
}

/// The two most probable classes.
fn top_answers(classes: &[String], probabilities: &[f32]) -> String {
    let ranked = ranked_classes(probabilities);
    let name = |class: usize| classes.get(class).cloned().unwrap_or_default();
    let few: Vec<String> =
        ranked.into_iter().take(2).map(|(class, share)| format!("{} {:.1} %", name(class), 100.0 * share)).collect();
    few.join(", ")
}
