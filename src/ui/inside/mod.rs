//! The inside of networks on the screen: the pages' titles, the place in the run's history, and each page's view of one network or of
//! two side by side. The view cells of lessons draw the same views.

mod ask;
mod confusion;
mod digit;
mod digit_page;
mod filters;
mod gradients;
mod histogram;
mod maps;
mod mistakes;
mod products;
mod surgery;
mod tiles;
mod units;
pub mod view_cell;
mod wants;

use crate::image::ImageCanvas;
use crate::theme::{Glyphs, Theme};
use crate::widgets::write_wrapped;
use app::{
    App, DrawnTarget, Inside, InsideLayout, InsidePage, InsideTarget, LaneView, ProductPlace, Shown, TrainingRun,
};
use protocol::{
    ArmId, ImageSplit, Lane, Layer, LayerFilters, RunId, Seen, View, ViewAnswer, ViewImage, ViewRequest, format_count,
};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

/// A network on the screen.
struct Network<'a> {
    lane: Lane,
    title: String,
    /// The colour and the marker of its arm.
    slot: usize,
    /// What there is of the page's view.
    shown: Shown<'a>,
}

/// What a view of one network is drawn with.
pub struct Column {
    /// Lines that are scrolled off.
    pub top: usize,
    pub unit: Option<(Layer, u32)>,
    pub epoch: u32,
    /// The network's name.
    pub title: String,
    /// What stands beside a picture.
    pub caption: String,
    /// Of the network's arm.
    pub style: Style,
    /// Whether keys scroll the view.
    pub scrolls: bool,
    /// The only layer that is shown, of views that show each layer by itself.
    only: Option<Layer>,
    classes: Vec<String>,
}

/// Writes a line as far as it fits into so many columns; returns the column behind it. What lies below the views, where the status
/// line stands, stays as it is.
fn write(buffer: &mut Buffer, x: u16, y: u16, text: impl AsRef<str>, width: usize, style: Style) -> u16 {
    let area = buffer.area;
    if x < area.right() && y + 1 < area.bottom() { buffer.set_stringn(x, y, text, width, style).0 } else { x }
}

/// The text in the terminal's characters, its ellipsis too if it has to be cut.
fn fit(theme: &Theme, text: &str, width: usize) -> String {
    theme.text(&app::truncate(&theme.text(text), width))
}

/// The images that a view is over: `over 1,000 validation images`.
fn over(images: u32, split: ImageSplit) -> String {
    format!("over {}", format_count(images as usize, &format!("{} image", split.name())))
}

/// Notes that something can be clicked.
fn mark(canvas: &mut ImageCanvas, place: Rect, target: InsideTarget) {
    canvas.record.targets.push(DrawnTarget { target, place });
}

/// The classes with their probabilities, the most probable first.
fn ranked_classes(probabilities: &[f32]) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked
}

/// A sentence in place of a view, or beside it.
fn say(theme: &Theme, text: &str, area: Rect, canvas: &mut ImageCanvas) {
    write_wrapped(theme, text, theme.faint(), area, area.y, canvas.buffer);
}

impl Column {
    /// The name of a class.
    fn class(&self, number: usize) -> String {
        self.classes.get(number).cloned().unwrap_or_else(|| number.to_string())
    }

    /// The layers that are shown.
    fn layers<'a, T>(&self, all: &'a [T], layer: impl Fn(&T) -> Layer) -> &'a [T] {
        let at = self.only.and_then(|only| all.iter().position(|one| layer(one) == only));
        at.map_or(all, |at| &all[at..=at])
    }
}

/// Draws lines of several heights from one of them on, as far as they fit; the last may be cut off. An arrow tells that there are
/// more.
fn scrolled<T>(
    theme: &Theme,
    lines: &[T],
    top: usize,
    height: impl Fn(&T) -> u16,
    area: Rect,
    canvas: &mut ImageCanvas,
    mut draw: impl FnMut(&T, Rect, &mut ImageCanvas),
) {
    // The end of a list stays at the bottom.
    let mut last = lines.len();
    let mut rows = 0;
    while last > 0 && rows + height(&lines[last - 1]) <= area.height {
        last -= 1;
        rows += height(&lines[last]);
    }
    let top = top.min(last);
    let mut y = area.y;
    let mut shown = top;
    for line in lines.iter().skip(top) {
        let rows = height(line);
        if y >= area.bottom() {
            break;
        }
        draw(line, Rect { y, height: rows.min(area.bottom() - y), ..area }, canvas);
        y += rows;
        shown += usize::from(y <= area.bottom());
    }
    let arrows = if theme.glyphs == Glyphs::Ascii { ["^", "v"] } else { ["↑", "↓"] };
    let x = area.right().saturating_sub(1);
    if top > 0 {
        write(canvas.buffer, x, area.y, arrows[0], 1, theme.accent());
    }
    if shown < lines.len() && area.height > 0 {
        write(canvas.buffer, x, area.bottom() - 1, arrows[1], 1, theme.accent());
    }
}

pub fn draw(app: &App, theme: &Theme, canvas: &mut ImageCanvas) {
    let layout = app.inside_layout();
    canvas.record.targets.clear();
    let whole = Rect { height: app.screen.status.y.saturating_sub(app.screen.whole.y), ..app.screen.whole };
    Clear.render(whole, canvas.buffer);
    draw_tabs(app, theme, &layout, canvas);
    let Some(training) = app.inside_training() else {
        let text = app.inside.missing_history();
        write_wrapped(theme, &text, theme.faint(), layout.body, layout.body.y, canvas.buffer);
        return;
    };
    let network = |(slot, lane): (usize, Lane)| Network {
        lane,
        title: training.spec.arm_title(lane.arm),
        slot,
        shown: app.inside_shown(lane),
    };
    let networks: Vec<Network> = app.inside_lanes().into_iter().map(network).collect();
    draw_head(app, theme, &layout, &networks, canvas);
    draw_timeline(app, theme, &layout, canvas);
    let inside = Rect { x: layout.body.x + 1, width: layout.body.width.saturating_sub(2), ..layout.body };
    let column = column_of(app, theme, &networks, 0);
    match app.inside.page {
        InsidePage::Mistakes => mistakes::draw(app, theme, &networks, inside, canvas),
        InsidePage::Digit => digit_page::draw(app, theme, &networks, inside, canvas),
        InsidePage::Surgery => surgery::draw(app, theme, &networks, &column, inside, canvas),
        _ => {
            // A map more may fit without the blank at the right; the next network has one at its left.
            let blank = if app.inside.page == InsidePage::Maps { 1 } else { 2 };
            for (at, (area, network)) in layout.columns.iter().zip(&networks).enumerate() {
                let area = Rect { x: area.x + 1, width: area.width.saturating_sub(blank), ..*area };
                draw_network(app, theme, network, &column_of(app, theme, &networks, at), area, canvas);
            }
        }
    }
}

fn column_of(app: &App, theme: &Theme, networks: &[Network], at: usize) -> Column {
    let shown = networks.get(at).map_or(Shown::Nothing, |network| network.shown);
    let answer = shown.answer();
    let classes = answered_classes(networks);
    let caption = if matches!(shown, Shown::Earlier(answer) if !is_of_chosen_image(app, answer)) {
        "the image before; the next is being computed".to_string()
    } else if app.inside.uses_drawing {
        "your drawing".to_string()
    } else {
        let truth = answer.and_then(|answer| name_truth(&answer.seen)).unwrap_or_default();
        format!("{} image {}{truth}", app.inside.split.name(), app.inside.image)
    };
    Column {
        top: app.inside.top,
        unit: app.inside_unit(),
        title: networks.get(at).map_or(String::new(), |network| network.title.clone()),
        epoch: answer.map_or(0, |answer| answer.epoch),
        caption,
        style: networks.get(at).map_or(Style::new(), |network| theme.arm(network.slot)),
        scrolls: true,
        only: None,
        classes: classes.unwrap_or_default(),
    }
}

/// Whether an answer is of the image that is chosen now: while the next one is computed, the one before is shown. An answer
/// does not name its image, so it is compared with what is known about the chosen one.
fn is_of_chosen_image(app: &App, answer: &ViewAnswer) -> bool {
    let image = if app.inside.uses_drawing {
        ViewImage::Pixels(app.inside.drawing.network_input())
    } else {
        ViewImage::Of { split: app.inside.split, number: app.inside.image }
    };
    let view = match &answer.seen {
        Seen::Maps { .. } => View::Maps { image },
        Seen::Products(of) => View::Products { image, layer: of.layer, unit: of.unit, row: of.row, column: of.column },
        _ => return true,
    };
    let request = ViewRequest {
        run: answer.run,
        arm: Some(answer.arm),
        seed: Some(answer.seed),
        epoch: Some(answer.epoch),
        changes: answer.changes.clone(),
        view,
    };
    matches!(app.inside.answers.get(&request), Some(Ok(known)) if std::ptr::eq(known, answer))
}

/// What an image of the data is: `, which is a 7`, or `, which is ship`.
fn name_truth(seen: &Seen) -> Option<String> {
    let (Seen::Maps { truth: Some(truth), classes, .. } | Seen::Ask { truth: Some(truth), classes, .. }) = seen else {
        return None;
    };
    let name = classes.get(*truth as usize)?;
    let article = if name.chars().all(|c| c.is_ascii_digit()) { "a " } else { "" };
    Some(format!(", which is {article}{name}"))
}

/// The names of the classes that come with an answer.
fn answered_classes(networks: &[Network]) -> Option<Vec<String>> {
    networks.iter().find_map(|network| match &network.shown.answer()?.seen {
        Seen::Confusion { classes, .. }
        | Seen::Mistakes { classes, .. }
        | Seen::Ask { classes, .. }
        | Seen::Maps { classes, .. }
        | Seen::Wants { classes, .. } => Some(classes.clone()),
        _ => None,
    })
}

fn draw_tabs(app: &App, theme: &Theme, layout: &InsideLayout, canvas: &mut ImageCanvas) {
    let row = layout.tabs;
    if layout.has_title() {
        let style = theme.accent().patch(theme.strong());
        write(canvas.buffer, row.x, row.y, Inside::TITLE, usize::from(row.width), style);
    }
    for (page, area) in layout.tab_columns() {
        let style = if page == app.inside.page { theme.selected() } else { theme.faint() };
        let width = usize::from(area.width.saturating_sub(1));
        write(canvas.buffer, area.x, area.y, layout.tab_title(page), width, style);
    }
}

/// The run, the networks with the epoch of what is shown, and what was changed in them.
fn draw_head(app: &App, theme: &Theme, layout: &InsideLayout, networks: &[Network], canvas: &mut ImageCanvas) {
    let row = Rect { x: layout.head.x + 1, width: layout.head.width.saturating_sub(1), ..layout.head };
    let Some(training) = app.inside_training() else { return };
    let (shown, hidden) = networks.split_at(layout.shown_networks(networks.len()));
    let x = draw_networks(theme, training.run, shown, |arm| app.inside.changes.of(arm).len(), row, canvas);
    if let Some(hidden) = hidden.first() {
        let room = usize::from(row.right().saturating_sub(x));
        let text = fit(theme, &format!("  (a shows {})", hidden.title), room);
        write(canvas.buffer, x, row.y, text, room, theme.faint());
    }
}

/// The run, and the networks with the epoch of what is shown and how many of their units are changed; returns the column
/// behind them.
fn draw_networks(
    theme: &Theme,
    run: RunId,
    networks: &[Network],
    changes: impl Fn(ArmId) -> usize,
    row: Rect,
    canvas: &mut ImageCanvas,
) -> u16 {
    let mut x = row.x;
    let left = |x: u16| usize::from(row.right().saturating_sub(x));
    let seed = networks.first().map_or(String::new(), |network| format!(" seed {}", network.lane.seed));
    let text = format!("run {run}{seed}: ");
    x = write(canvas.buffer, x, row.y, theme.text(&text), left(x), theme.faint());
    for (at, network) in networks.iter().enumerate() {
        if at > 0 {
            x = write(canvas.buffer, x, row.y, theme.text("  |  "), left(x), theme.faint());
        }
        let epoch = match network.shown {
            Shown::Current(answer) => format!(" epoch {}", answer.epoch),
            Shown::Earlier(answer) => format!(" epoch {} …", answer.epoch),
            Shown::Fault(_) | Shown::Absent(_) | Shown::Nothing => String::new(),
        };
        let changed = match changes(network.lane.arm) {
            0 => String::new(),
            count => format!(", {} changed", format_count(count, "unit")),
        };
        let text = format!("{} {}", theme.marker(network.slot), network.title);
        x = write(canvas.buffer, x, row.y, theme.text(&text), left(x), theme.arm(network.slot));
        x = write(canvas.buffer, x, row.y, theme.text(&epoch), left(x), Style::new());
        x = write(canvas.buffer, x, row.y, theme.text(&changed), left(x), theme.bad());
    }
    x
}

/// The kept epochs as a row of points, with the one that is looked at.
fn draw_timeline(app: &App, theme: &Theme, layout: &InsideLayout, canvas: &mut ImageCanvas) {
    let row = layout.timeline;
    let timeline = app.inside_timeline();
    let room = usize::from(row.width.saturating_sub(1));
    let Some(last) = timeline.last() else {
        // The page says why.
        write(canvas.buffer, row.x, row.y, " no kept epoch", room, theme.faint());
        return;
    };
    write(canvas.buffer, row.x, row.y, " epochs", room, theme.faint());
    let ascii = theme.glyphs == Glyphs::Ascii;
    let at = app.inside.epoch.unwrap_or(*last);
    let columns = layout.epoch_columns(&timeline);
    let track = columns.first().zip(columns.last()).map(|((_, from), (_, to))| *from..=*to);
    for x in track.into_iter().flatten() {
        write(canvas.buffer, x, row.y, if ascii { "-" } else { "─" }, 1, theme.faint());
    }
    for (_, x) in &columns {
        write(canvas.buffer, *x, row.y, if ascii { "+" } else { "┼" }, 1, theme.faint());
    }
    if let Some((_, x)) = columns.iter().find(|(epoch, _)| *epoch == at) {
        write(canvas.buffer, *x, row.y, if ascii { "O" } else { "●" }, 1, theme.accent().patch(theme.strong()));
    }
    let end = columns.last().map_or(row.x, |(_, x)| x + 2);
    let newest = if app.inside.epoch.is_none() { ", newest" } else { "" };
    let doing = if app.inside.is_playing { " (playing)" } else { newest };
    let text = format!("{at}/{last}{doing}");
    write(canvas.buffer, end, row.y, text, usize::from(row.right().saturating_sub(end)), theme.strong());
}

/// The page's view of one network.
fn draw_network(app: &App, theme: &Theme, network: &Network, column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let is_absent = matches!(network.shown, Shown::Absent(_));
    if app.inside.page == InsidePage::Filters && app.inside.filmstrip && !is_absent {
        let answers: Vec<(u32, Option<&LayerFilters>)> = app
            .inside
            .kept()
            .of(network.lane)
            .map(|epoch| {
                let answer = app.inside_filters_at(network.lane, epoch).answer();
                let layer = answer.and_then(|answer| match &answer.seen {
                    Seen::Filters { layers } => layers.get(app.inside.layer.min(layers.len().saturating_sub(1))),
                    _ => None,
                });
                (epoch, layer)
            })
            .collect();
        filters::draw_filmstrip(theme, &answers, column, area, canvas);
        return;
    }
    let recorded = app.inside_training().and_then(|training| lane_of(training, network.lane));
    let place = app.inside.product.unwrap_or_default();
    draw_shown(theme, network, (recorded, place), column, area, canvas);
}

fn lane_of(training: &TrainingRun, lane: Lane) -> Option<&LaneView> {
    training.lanes.iter().find(|known| known.lane == lane)
}

/// What there is of a view of one network, or why there is nothing.
fn draw_shown(
    theme: &Theme,
    network: &Network,
    beside: (Option<&LaneView>, ProductPlace),
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    match network.shown {
        Shown::Current(answer) | Shown::Earlier(answer) => draw_answer(theme, answer, beside, column, area, canvas),
        Shown::Fault(why) => _ = write_wrapped(theme, why, theme.bad(), area, area.y, canvas.buffer),
        Shown::Absent(why) => say(theme, why, area, canvas),
        Shown::Nothing => say(theme, "The kernel computes this view …", area, canvas),
    }
}

/// A view of one network, with what its run has recorded and the chosen product.
fn draw_answer(
    theme: &Theme,
    answer: &ViewAnswer,
    (recorded, place): (Option<&LaneView>, ProductPlace),
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    match &answer.seen {
        Seen::Filters { layers } => {
            filters::draw(theme, column.layers(layers, |layer| layer.layer), column, area, canvas);
        }
        Seen::Maps { image, layers, probabilities, .. } => {
            let layers = column.layers(layers, |layer| layer.layer);
            maps::draw(theme, (image, layers, probabilities), column, area, canvas);
        }
        Seen::Histogram { split, images, layers } => {
            let layers = column.layers(layers, |layer| layer.layer);
            histogram::draw(theme, layers, &over(*images, *split), column, area, canvas);
        }
        Seen::Units { split, images, layers } => {
            let layers = column.layers(layers, |layer| layer.layer);
            units::draw(theme, layers, &over(*images, *split), column, area, canvas);
        }
        Seen::Gradients { split, images, layers } => {
            gradients::draw(theme, (layers, &over(*images, *split)), recorded, column, area, canvas);
        }
        Seen::Confusion { split, classes, matrix } => {
            confusion::draw(theme, classes, (matrix, *split), column, area, canvas);
        }
        Seen::Wants { layer, unit, split, sample, shape, images, optimised, .. } => {
            let of = (*layer, *unit, *shape);
            wants::draw(theme, of, (images, (*sample, *split), optimised), column, area, canvas);
        }
        Seen::Ask { classes, probabilities, image, .. } => {
            ask::draw(theme, (image, classes, probabilities), column, area, canvas);
        }
        Seen::Products(products) => products::draw(theme, products, place, column, area, canvas),
        Seen::Ablation { .. } => surgery::draw_ranking(theme, answer, &[], column.unit, area, canvas),
        // Their pages put the networks together.
        Seen::Mistakes { .. } | Seen::Answers { .. } => {}
    }
}
