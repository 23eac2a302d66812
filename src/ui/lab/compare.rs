//! Whether two arms differ: which ones, in what their settings differ, the sentence, and the numbers behind it.

use super::draw_edit;
use crate::theme::Theme;
use crate::widgets::{draw_frame, write_wrapped};
use app::{App, CompareField, ComparedArm, EditOf, LabComparison, LabPage, arm_slots, truncate};
use protocol::DifferingSetting;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use statistics::{Comparison, print_p};
use unicode_width::UnicodeWidthStr;

pub fn draw(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = app.lab.page == LabPage::Compare;
    let inner = draw_frame(theme, "Do two arms differ?", focused, area, buffer);
    let Some(compared) = app.lab_comparison() else {
        let text = if app.lab.run.is_some() {
            "There is one arm. o shows other runs beside it; a, on the page of the study, adds an arm to the next run."
        } else {
            "Nothing is shown yet: Enter runs the study, and o shows runs that were trained before."
        };
        write_wrapped(theme, text, Style::new(), inner, inner.y, buffer);
        return;
    };
    let LabComparison { arms, differing, history, comparison } = &compared;
    let mut y = inner.y;
    for (label, field, arm) in [("first ", CompareField::First, arms[0]), ("second", CompareField::Second, arms[1])] {
        draw_field(app, theme, label, field, &arm_name(app, theme, arm), (inner, y), buffer);
        y += 1;
    }
    let threshold = app.lab_threshold().map_or("none; type one".to_string(), |value| format!("{value} %"));
    draw_field(
        app,
        theme,
        "epochs to a validation error of",
        CompareField::Threshold,
        &(threshold, Style::new()),
        (inner, y),
        buffer,
    );
    y += 2;
    let differing = differing_text(differing);
    y = write_wrapped(theme, &differing, theme.faint(), inner, y, buffer);
    for sentence in history {
        y = write_wrapped(theme, sentence, theme.bad(), inner, y, buffer);
    }
    y += 1;
    y = write_wrapped(theme, &comparison.sentence(), theme.strong(), inner, y, buffer);
    if let Some(sentence) = comparison.threshold_sentence() {
        y = write_wrapped(theme, &sentence, Style::new(), inner, y, buffer);
    }
    let left = Rect { y: y + 1, height: inner.bottom().saturating_sub(y + 1), ..inner };
    draw_numbers(theme, comparison, left, buffer);
}

/// An arm with its marker, and its run.
fn arm_name(app: &App, theme: &Theme, arm: ComparedArm) -> (String, Style) {
    let slots = arm_slots(&app.lab_chart_runs(), arm.run);
    let number = slots.into_iter().find(|(of, _)| *of == arm.arm).map_or(0, |(_, slot)| slot);
    let title =
        app.training_runs.get(&arm.run).map_or_else(|| arm.arm.title(), |training| training.spec.arm_title(arm.arm));
    (format!("{} {title} · run {}", theme.marker(number), arm.run), theme.arm(number))
}

fn draw_field(
    app: &App,
    theme: &Theme,
    label: &str,
    field: CompareField,
    (text, style): &(String, Style),
    (area, y): (Rect, u16),
    buffer: &mut Buffer,
) {
    if y >= area.bottom() {
        return;
    }
    let room = usize::from(area.width);
    let x = buffer.set_stringn(area.x, y, theme.text(label), room, theme.faint()).0 + 1;
    let place = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
    if field == CompareField::Threshold
        && let Some(edit) = app.lab.edit.as_ref().filter(|edit| edit.what == EditOf::Threshold)
    {
        draw_edit(edit, theme, Rect { width: place.width.min(12), ..place }, buffer);
        // The row below is blank.
        let why = edit.fault.clone().unwrap_or_default();
        buffer.set_stringn(area.x, y + 1, theme.text(&why), room, theme.bad());
        return;
    }
    let is_chosen = app.lab.page == LabPage::Compare && app.lab.compare.field == field;
    let style = if is_chosen { style.patch(theme.selected()) } else { *style };
    let text = if is_chosen && field != CompareField::Threshold { format!("← {text} →") } else { text.clone() };
    buffer.set_stringn(
        place.x,
        y,
        truncate(&theme.text(&text), usize::from(place.width)),
        usize::from(place.width),
        style,
    );
}

fn differing_text(differing: &[DifferingSetting]) -> String {
    if differing.is_empty() {
        return "Their settings are the same.".into();
    }
    let words = differing
        .iter()
        .map(|setting| format!("{} {} against {}", setting.title, setting.values[0], setting.values[1]));
    format!("They differ in {}.", words.collect::<Vec<_>>().join(", "))
}

/// A row a seed, then the means; columns at the right are left out where the room ends.
fn draw_numbers(theme: &Theme, comparison: &Comparison, area: Rect, buffer: &mut Buffer) {
    if comparison.pairs.is_empty() || area.height < 3 {
        return;
    }
    let differences: Vec<f64> = comparison.pairs.iter().map(|pair| pair.a - pair.b).collect();
    let decimals = comparison.decimals(&differences);
    let mut columns: Vec<(String, Vec<String>)> = vec![
        ("seed".into(), comparison.pairs.iter().map(|pair| pair.seed.to_string()).collect()),
        ("first %".into(), comparison.pairs.iter().map(|pair| format!("{:.2}", pair.a)).collect()),
        ("second %".into(), comparison.pairs.iter().map(|pair| format!("{:.2}", pair.b)).collect()),
        ("difference".into(), differences.iter().map(|difference| format!("{difference:+.decimals$}")).collect()),
    ];
    if let Some(to) = &comparison.to_threshold {
        let epoch = |arm, epoch: Option<u32>| epoch.map_or_else(|| to.absence(arm), |epoch| epoch.to_string());
        let rows = to.pairs.iter().map(|[a, b]| format!("{} : {}", epoch(0, *a), epoch(1, *b)));
        columns.push(("epochs".into(), rows.collect()));
    }
    if comparison.no_answers().is_none() && !comparison.answers.is_empty() {
        let of = |show: fn(&statistics::McNemar) -> String| {
            comparison.answers.iter().map(|answers| answers.outcome.as_ref().map_or("–".into(), show)).collect()
        };
        columns.push(("wrong alone".into(), of(|test| format!("{} : {}", test.only_a_wrong, test.only_b_wrong))));
        columns.push(("McNemar".into(), of(|test| print_p(test.p))));
    }
    let mut x = area.x;
    for (head, rows) in &columns {
        let width = rows.iter().map(|row| row.width()).chain([head.width()]).max().unwrap_or(0) as u16;
        if x + width > area.right() {
            break;
        }
        let right = |text: &str| x + width.saturating_sub(text.width() as u16);
        buffer.set_string(right(head), area.y, theme.text(head), theme.faint());
        let room = usize::from(area.height - 1);
        let shown = if rows.len() > room { room - 1 } else { rows.len() };
        for (row, y) in rows.iter().take(shown).zip(area.y + 1..) {
            buffer.set_string(right(row), y, theme.text(row), Style::new());
        }
        if shown < rows.len() && x == area.x {
            let more = format!("and {} more seeds", rows.len() - shown);
            buffer.set_stringn(x, area.bottom() - 1, more, usize::from(area.width), theme.faint());
        }
        x += width + 2;
    }
}
