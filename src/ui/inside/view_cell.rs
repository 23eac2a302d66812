//! A view cell of a lesson: the view of a run's networks, side by side as far as the width allows, or below each other.

use super::mistakes::{draw_counts, draw_gallery};
use super::{
    Column, Network, answered_classes, draw_networks, draw_shown, filters, fit, histogram, lane_of, name_truth, say,
    write,
};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use crate::widgets::{draw_frame, write_wrapped};
use app::{App, ProductPlace, Shown, ViewCellState, wrap_options};
use lesson::ViewCell;
use protocol::{CellKey, Lane, Seen, ViewKind};
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
    let least = least_rows(theme, view, &networks, body.width);
    let rows = least.filter(|_| columns.len() < networks.len()).and_then(|least| rows(least, body, networks.len()));
    let are_below = rows.is_some();
    let columns = rows.unwrap_or(columns);
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
    let is_nothing = |network: &Network| matches!(network.shown, Shown::Nothing);
    if !app.is_view_wanted(key) && shown.iter().any(is_nothing) {
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
        let mut place = place;
        if are_below {
            let room = usize::from(place.width);
            let text = fit(theme, &format!("{} {}", theme.marker(network.slot), network.title), room);
            write(canvas.buffer, place.x, place.y, text, room, theme.arm(network.slot));
            (place.y, place.height) = (place.y + 1, place.height.saturating_sub(1));
        } else if shown.len() > 1 {
            place.width = place.width.saturating_sub(1);
        }
        let truth = network.shown.answer().and_then(|answer| name_truth(&answer.seen));
        let column = Column {
            title: network.title.clone(),
            top: 0,
            unit: app.view_cell_unit(view, training, network.lane.arm),
            epoch: network.shown.answer().map_or(0, |answer| answer.epoch),
            caption: format!("{} image {}{}", view.split.name(), view.image, truth.unwrap_or_default()),
            style: theme.arm(network.slot),
            scrolls: false,
            only: view.layer,
            classes: answered_classes(&networks).unwrap_or_default(),
        };
        let recorded = lane_of(training, network.lane);
        draw_shown(theme, network, (recorded, ProductPlace::default()), &column, place, canvas);
    }
}

/// Rows below each other, if each has as many as it needs, with one for the network's name.
fn rows(least: u16, body: Rect, networks: usize) -> Option<Vec<Rect>> {
    let networks = networks as u16;
    let height = body.height / networks.max(1);
    let row = |at: u16| Rect { y: body.y + at * height, height, ..body };
    (height > least).then(|| (0..networks).map(row).collect())
}

/// The rows in which a network's view of one layer can be read; other views take all that they get.
fn least_rows(theme: &Theme, view: &ViewCell, networks: &[Network], width: u16) -> Option<u16> {
    let of = |network: &Network| match &network.shown.answer()?.seen {
        Seen::Filters { layers } => {
            let layer = layers.iter().find(|known| Some(known.layer) == view.layer)?;
            Some(filters::least_rows(theme, std::slice::from_ref(layer), width))
        }
        Seen::Histogram { .. } => view.layer.map(|_| histogram::ONE_LAYER),
        _ => None,
    };
    networks.iter().filter_map(of).max()
}

#[cfg(test)]
mod tests {
    use super::rows;
    use ratatui::layout::Rect;

    #[test]
    fn networks_stand_below_each_other_where_each_has_its_rows() {
        let body = Rect::new(2, 4, 60, 13);
        assert_eq!(rows(5, body, 2), Some(vec![Rect::new(2, 4, 60, 6), Rect::new(2, 10, 60, 6)]));
        assert_eq!(rows(6, body, 2), None);
    }
}
