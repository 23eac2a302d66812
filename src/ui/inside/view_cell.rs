//! A view cell of a lesson: the view of a run's networks, side by side as far as the width allows.

use super::mistakes::{draw_counts, draw_gallery};
use super::{Column, Network, answered_classes, draw_networks, draw_shown, lane_of, say, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use crate::widgets::{draw_frame, write_wrapped};
use app::{App, ProductPlace, Shown, ViewCellState, wrap_options};
use lesson::ViewCell;
use protocol::{CellKey, Lane, ViewKind};
use ratatui::layout::Rect;

pub fn draw(
    app: &App,
    theme: &Theme,
    view: &ViewCell,
    key: &CellKey,
    focused: bool,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let inner = draw_frame(theme, &view.title, focused, area, canvas.buffer);
    let (training, lanes) = match app.view_cell_state(key, view) {
        ViewCellState::Run(training, lanes) => (training, lanes),
        ViewCellState::Nothing(why) => {
            write_wrapped(theme, &why, theme.faint(), inner, inner.y + 1, canvas.buffer);
            return;
        }
    };
    let network = |(slot, lane): (usize, Lane)| Network {
        lane,
        title: training.spec.arm_title(lane.arm),
        slot,
        shown: app.view_cell_shown(view, training, lane),
    };
    let networks: Vec<Network> = lanes.into_iter().map(network).collect();
    let caption = if view.caption.is_empty() {
        0
    } else {
        textwrap::wrap(&theme.text(&view.caption), wrap_options(usize::from(inner.width.max(1)))).len() as u16
    };
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + caption), ..inner };
    write_wrapped(theme, &view.caption, theme.faint(), inner, body.bottom(), canvas.buffer);
    let columns = app.view_cell_columns(view, body, networks.len());
    let is_joined = view.show == ViewKind::Mistakes;
    let count = if is_joined { networks.len() } else { columns.len().min(networks.len()) };
    let (shown, hidden) = networks.split_at(count);
    let row = Rect { height: 1, ..inner };
    let x = draw_networks(theme, training.run, shown, |_| 0, row, canvas);
    if let Some(hidden) = hidden.first() {
        let text = format!("  (i: {} too)", hidden.title);
        write(canvas.buffer, x, row.y, theme.text(&text), usize::from(row.right().saturating_sub(x)), theme.faint());
    }
    // Before the reader's first key nothing is asked for.
    if !app.is_view_wanted(key) && shown.iter().all(|network| matches!(network.shown, Shown::Nothing)) {
        say(theme, "The next key that you press here lets the kernel compute this view.", body, canvas);
        return;
    }
    if is_joined {
        let lanes: Vec<Lane> = networks.iter().map(|network| network.lane).collect();
        let Some(of) = draw_counts(theme, &networks, body, canvas) else { return };
        let gallery = Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body };
        let entries = app.view_cell_mistakes(view, training, &lanes);
        draw_gallery(theme, &entries, of, &networks, None, gallery, canvas);
        return;
    }
    for (network, place) in shown.iter().zip(columns) {
        let gap = u16::from(shown.len() > 1);
        let place = Rect { width: place.width.saturating_sub(gap), ..place };
        let column = Column {
            title: network.title.clone(),
            top: 0,
            unit: app.view_cell_unit(view, training, network.lane.arm),
            epoch: network.shown.answer().map_or(0, |answer| answer.epoch),
            caption: format!("{} image {}", view.split.name(), view.image),
            style: theme.arm(network.slot),
            scrolls: false,
            only: view.layer,
            classes: answered_classes(&networks).unwrap_or_default(),
        };
        let recorded = lane_of(training, network.lane);
        draw_shown(theme, network, (recorded, ProductPlace::default()), &column, place, canvas);
    }
}
