//! The gallery of images with wrong answers, and the chosen one with what every network says of it.

use super::tiles::{draw_image, image_cells};
use super::{Network, mark, ranked_classes, say, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::{App, InsideTarget, MISTAKE_DETAIL, MistakeEntry, MistakeFilter, Shown, gallery_shrink, images_across};
use protocol::{Seen, SeenShape};
use ratatui::layout::Rect;
use ratatui::style::Style;

pub fn draw(app: &App, theme: &Theme, networks: &[Network], area: Rect, canvas: &mut ImageCanvas) {
    let entries = app.mistake_entries();
    let Some((shape, classes)) = draw_counts(theme, networks, area, canvas) else { return };
    let room = usize::from(area.width);
    let others = if networks.len() > 1 { "; m for others" } else { "" };
    let which = format!("{} images listed: {}{others}", entries.len(), filter_text(app.inside.filter, networks));
    write(canvas.buffer, area.x, area.y + 1, app::truncate(&theme.text(&which), room), room, theme.faint());
    let body = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    let gallery = Rect { width: body.width.saturating_sub(MISTAKE_DETAIL + 1), ..body };
    let selected = app.inside.selected.min(entries.len().saturating_sub(1));
    draw_gallery(theme, &entries, (shape, classes), networks, Some(selected), gallery, canvas);
    if let Some(entry) = entries.get(selected) {
        let detail = Rect { x: gallery.right() + 1, width: body.width - gallery.width - 1, ..body };
        draw_detail(app, theme, (entry, shape), networks, classes, detail, canvas);
    }
}

/// How many images each network gets wrong, in the first row; returns the shape of the images and the classes. `None` until every
/// network has answered, which it says then.
pub(super) fn draw_counts<'a>(
    theme: &Theme,
    networks: &[Network<'a>],
    area: Rect,
    canvas: &mut ImageCanvas,
) -> Option<(SeenShape, &'a [String])> {
    let shapes = networks.iter().find_map(|network| match network.shown.answer().map(|answer| &answer.seen) {
        Some(Seen::Mistakes { shape, classes, .. }) => Some((*shape, classes.as_slice())),
        _ => None,
    });
    if shapes.is_some() && networks.iter().all(|network| network.shown.answer().is_some()) {
        let room = usize::from(area.width);
        let counts = app::truncate(&theme.text(&counts(networks)), room);
        write(canvas.buffer, area.x, area.y, counts, room, theme.strong());
        return shapes;
    }
    let fault = networks.iter().find_map(|network| match network.shown {
        Shown::Fault(why) | Shown::Absent(why) => Some(format!("{}: {why}", network.title)),
        _ => None,
    });
    say(theme, fault.as_deref().unwrap_or("The answers to every image are being computed."), area, canvas);
    None
}

/// The images with their class and what each network answers, around the selected one.
pub(super) fn draw_gallery(
    theme: &Theme,
    entries: &[MistakeEntry],
    (shape, classes): (SeenShape, &[String]),
    networks: &[Network],
    selected: Option<usize>,
    gallery: Rect,
    canvas: &mut ImageCanvas,
) {
    let shrink = gallery_shrink(shape.height);
    let (width, height) = image_cells(shape, shrink);
    // A row of the class and a row of what is answered.
    let (wide, high) = (width + 1, height + 2);
    let across = images_across(gallery.width, width);
    let rows: Vec<usize> = (0..entries.len()).step_by(across).collect();
    let fits = usize::from((gallery.height / high).max(1));
    let top = (selected.unwrap_or(0) / across).saturating_sub(fits - 1);
    scrolled(
        theme,
        &rows,
        top,
        |_| high,
        gallery,
        canvas,
        |first, place, canvas| {
            for (at, number) in (*first..(first + across).min(entries.len())).enumerate() {
                let entry = &entries[number];
                let x = place.x + at as u16 * wide;
                let tile = Rect { x, width, ..place };
                // A row without room for its images and their classes is left to the arrow.
                if tile.height <= height && gallery.height > height {
                    return;
                }
                draw_image(theme, shape, entry.pixels, shrink, Rect { height, ..tile }, canvas);
                let (room, y) = (usize::from(width), tile.y + height);
                if y < tile.bottom() {
                    let truth = class(classes, entry.truth);
                    let style = if selected == Some(number) { theme.selected() } else { Style::new() };
                    write(canvas.buffer, x, y, format!("{truth:<room$}"), room, style);
                }
                if y + 1 < tile.bottom() {
                    draw_answers(theme, entry, networks, classes, (x, y + 1, width), canvas);
                }
                mark(canvas, Rect { x, width, ..place }.intersection(place), InsideTarget::Mistake(number));
            }
        },
    );
}

/// Beneath a tile: the marker of each network with its answer.
fn draw_answers(
    theme: &Theme,
    entry: &MistakeEntry,
    networks: &[Network],
    classes: &[String],
    (mut x, y, width): (u16, u16, u16),
    canvas: &mut ImageCanvas,
) {
    let end = x + width;
    for (network, wrong) in networks.iter().zip(&entry.wrong) {
        let answer = wrong.map_or(entry.truth, |mistake| mistake.answer);
        let text = format!("{}{} ", theme.marker(network.slot), class(classes, answer));
        let style = if wrong.is_some() { theme.arm(network.slot) } else { theme.faint() };
        x = write(canvas.buffer, x, y, text, usize::from(end.saturating_sub(x)), style);
    }
}

fn draw_detail(
    app: &App,
    theme: &Theme,
    (entry, shape): (&MistakeEntry, SeenShape),
    networks: &[Network],
    classes: &[String],
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let needed = 2 + networks.len() as u16 * 5;
    let shrink = if area.height >= image_cells(shape, 1).1 + needed { 1 } else { 2 };
    let (_, rows) = image_cells(shape, shrink);
    draw_image(theme, shape, entry.pixels, shrink, Rect { height: rows.min(area.height), ..area }, canvas);
    let mut y = area.y + rows;
    let room = usize::from(area.width);
    let head = format!("{} image {}, truth {}", app.inside.split.name(), entry.number, class(classes, entry.truth));
    write(canvas.buffer, area.x, y, theme.text(&head), room, theme.strong());
    y += 1;
    let Some(view) = app.chosen_mistake_view() else { return };
    for network in networks {
        if y >= area.bottom() {
            return;
        }
        let title = format!("{} {}", theme.marker(network.slot), network.title);
        write(canvas.buffer, area.x, y, app::truncate(&theme.text(&title), room), room, theme.arm(network.slot));
        y += 1;
        let shown = app.inside_view(network.lane, view.clone(), true);
        let Shown::Current(answer) = shown else {
            write(canvas.buffer, area.x, y, theme.text("  …"), room, theme.faint());
            y += 4;
            continue;
        };
        let Seen::Ask { probabilities, .. } = &answer.seen else { continue };
        let ranked = ranked_classes(probabilities);
        for (at, (of, share)) in ranked.into_iter().take(3).enumerate() {
            if y >= area.bottom() {
                return;
            }
            let is_true = of == entry.truth as usize;
            let text = format!(
                "  {:<9} {:5.1} %{}",
                class(classes, of as u32),
                100.0 * share,
                if is_true { " true" } else { "" }
            );
            let style = if is_true {
                theme.good()
            } else if at == 0 {
                theme.bad()
            } else {
                Style::new()
            };
            write(canvas.buffer, area.x, y, theme.text(&text), room, style);
            y += 1;
        }
        y += 1;
    }
}

fn class(classes: &[String], number: u32) -> String {
    classes.get(number as usize).cloned().unwrap_or_else(|| number.to_string())
}

/// How many images each network gets wrong, and how many of them are listed.
fn counts(networks: &[Network]) -> String {
    let mut of = String::new();
    let mut counts = Vec::new();
    let mut listed = None;
    for network in networks {
        let Some(Seen::Mistakes { wrong, images, mistakes, split, .. }) =
            network.shown.answer().map(|answer| &answer.seen)
        else {
            continue;
        };
        of = format!("wrong of {images} {} images: ", split.name());
        counts.push(format!("{} {wrong}", network.title));
        if *wrong as usize > mistakes.len() {
            listed = Some(mistakes.len());
        }
    }
    let listed = listed.map_or(String::new(), |first| format!("; the first {first} each"));
    of + &counts.join(" · ") + &listed
}

fn filter_text(filter: MistakeFilter, networks: &[Network]) -> String {
    match (filter, networks) {
        (_, [one]) => format!("wrong by {}", one.title),
        (MistakeFilter::Both, _) => "wrong by both".into(),
        (MistakeFilter::FirstAlone, [first, second, ..]) => {
            format!("wrong by {}, right by {}", first.title, second.title)
        }
        (MistakeFilter::SecondAlone, [first, second, ..]) => {
            format!("right by {}, wrong by {}", first.title, second.title)
        }
        (MistakeFilter::Any, _) | (_, []) => "wrong by one or both".into(),
    }
}
