//! Where the parts of the inside stand. Drawing and clicks go by the same.

use super::{Inside, InsidePage};
use crate::App;
use protocol::Layer;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

/// What a click chooses inside networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsideTarget {
    Unit(Layer, u32),
    /// By its place in the list.
    Mistake(usize),
    /// By its place among the layer's inputs.
    Product(usize),
    /// An image of the chosen split.
    Image(u32),
}

/// Where a frame has drawn something that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnTarget {
    pub target: InsideTarget,
    pub place: Rect,
}

/// Columns of a layer's units with what is lost without each.
pub const RANKING: u16 = 36;

/// Half of the columns that a view cell of a lesson has between its frame.
const HALF: u16 = 36;

/// Columns that a network needs on a page, to stand beside another.
fn wanted(page: InsidePage, is_product: bool) -> u16 {
    match page {
        // Three grids of numbers, with a blank column at each side.
        InsidePage::Maps if is_product => 76,
        InsidePage::Confusion => 56,
        InsidePage::Maps => 38,
        InsidePage::Histogram | InsidePage::Filters | InsidePage::Units | InsidePage::Gradients | InsidePage::Wants => {
            HALF
        }
        // These put the networks together by themselves.
        InsidePage::Mistakes | InsidePage::Digit | InsidePage::Surgery => 0,
    }
}

/// As many equal columns as have room, one for each network.
fn columns(body: Rect, wanted: u16, networks: usize) -> Vec<Rect> {
    let count = networks.clamp(1, usize::from((body.width / wanted.max(1)).max(1)));
    let width = body.width / count as u16;
    (0..count).map(|at| Rect { x: body.x + at as u16 * width, width, ..body }).collect()
}

/// The columns of a page's networks where they are not put together.
pub(super) fn columns_beside(body: Rect, page: InsidePage, is_product: bool, networks: usize) -> Vec<Rect> {
    let wanted = if page == InsidePage::Surgery { RANKING } else { wanted(page, is_product) };
    columns(body, wanted, if page == InsidePage::Mistakes { 1 } else { networks })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsideLayout {
    pub tabs: Rect,
    /// The run, the arms and the seed.
    pub head: Rect,
    pub timeline: Rect,
    pub body: Rect,
    /// Side by side, as many as are shown and have room.
    pub columns: Vec<Rect>,
    page: InsidePage,
}

impl InsideLayout {
    pub fn new(whole: Rect, page: InsidePage, is_product: bool, networks: usize) -> Self {
        let row = |y: u16| Rect { y: whole.y + y, height: whole.height.saturating_sub(y).min(1), ..whole };
        let body = Rect { y: whole.y + 3.min(whole.height), height: whole.height.saturating_sub(3), ..whole };
        let wanted = wanted(page, is_product);
        let columns = if wanted == 0 { vec![body] } else { columns(body, wanted, networks) };
        Self { tabs: row(0), head: row(1), timeline: row(2), body, columns, page }
    }

    /// How many networks the page shows, of so many; the others have no room.
    pub fn shown_networks(&self, networks: usize) -> usize {
        if wanted(self.page, false) == 0 { networks } else { self.columns.len().min(networks) }
    }

    /// Columns of all pages' titles, each with a blank.
    fn titles_width(has_numbers: bool) -> usize {
        InsidePage::ALL.iter().map(|page| tab_title(*page, has_numbers).width() + 1).sum()
    }

    /// Whether the pages have room for the keys that open them.
    fn has_numbers(&self) -> bool {
        usize::from(self.tabs.width) > Self::titles_width(true)
    }

    /// Whether the title has room before the pages.
    pub fn has_title(&self) -> bool {
        usize::from(self.tabs.width) > Inside::TITLE.width() + Self::titles_width(self.has_numbers())
    }

    /// What a tab says: the key that opens the page, if all have room for it, and the page's title.
    pub fn tab_title(&self, page: InsidePage) -> String {
        tab_title(page, self.has_numbers())
    }

    /// The titles of the pages in the first row: all of them, or those around the chosen one that fit.
    pub fn tab_columns(&self) -> Vec<(InsidePage, Rect)> {
        let has_numbers = self.has_numbers();
        let width = |page: InsidePage| tab_title(page, has_numbers).width() as u16 + 1;
        let total = |pages: &[InsidePage]| pages.iter().map(|page| width(*page)).sum::<u16>();
        // The pages and their keys are more important than the title.
        let start = if self.has_title() { Inside::TITLE.width() as u16 + 1 } else { 1 };
        let room = self.tabs.width.saturating_sub(start);
        let chosen = InsidePage::ALL.iter().position(|page| *page == self.page).unwrap_or(0);
        let mut pages = &InsidePage::ALL[..];
        let mut before = chosen;
        while total(pages) > room && pages.len() > 1 {
            // From the end that is further away.
            if before > pages.len() - 1 - before {
                (pages, before) = (&pages[1..], before - 1);
            } else {
                pages = &pages[..pages.len() - 1];
            }
        }
        let mut x = self.tabs.x + start;
        let tab = |page: &InsidePage| {
            let area = Rect { x, width: width(*page), ..self.tabs }.intersection(self.tabs);
            x += width(*page);
            (*page, area)
        };
        pages.iter().map(tab).collect()
    }

    /// The columns at which the epochs of a timeline stand.
    pub fn epoch_columns(&self, timeline: &[u32]) -> Vec<(u32, u16)> {
        let (Some(first), Some(last)) = (timeline.first(), timeline.last()) else { return Vec::new() };
        let (left, room) = (self.timeline.x + 8, self.timeline.width.saturating_sub(24).max(1));
        let span = f64::from((last - first).max(1));
        let at = |epoch: &u32| left + (f64::from(epoch - first) / span * f64::from(room - 1)).round() as u16;
        timeline.iter().map(|epoch| (*epoch, at(epoch))).collect()
    }

    /// The pixels of the grid in which a digit is drawn, without their frame.
    pub fn digit_grid(&self) -> Option<Rect> {
        (self.page == InsidePage::Digit).then(|| super::digit::grid_area(self.digit_area())).flatten()
    }

    /// The room of the grid.
    pub fn digit_area(&self) -> Rect {
        let width = if self.body.width >= 140 { 62.min(self.body.width) } else { 32.min(self.body.width) };
        Rect { x: self.body.x + 1, width, ..self.body }
    }
}

/// A page's title, after the key that opens it: 1 to 9, and 0 for the tenth.
fn tab_title(page: InsidePage, has_number: bool) -> String {
    let number = InsidePage::ALL.iter().position(|known| *known == page).map_or(0, |at| (at + 1) % 10);
    if has_number { format!("{number} {}", page.title()) } else { page.title().to_string() }
}

impl App {
    /// Where its parts stand.
    pub fn inside_layout(&self) -> InsideLayout {
        let whole = self.screen.whole;
        let height = self.screen.status.y.saturating_sub(whole.y).saturating_sub(self.screen.banner.height);
        InsideLayout::new(
            Rect { height, ..whole },
            self.inside.page,
            self.inside.product.is_some(),
            self.inside_lanes().len(),
        )
    }

    pub(crate) fn click_inside(&mut self, at: Position) {
        let layout = self.inside_layout();
        if let Some((page, _)) = layout.tab_columns().into_iter().find(|(_, area)| area.contains(at)) {
            self.turn_inside_page(page);
        } else if layout.timeline.contains(at) {
            let timeline = self.inside_timeline();
            let near = layout.epoch_columns(&timeline).into_iter().min_by_key(|(_, x)| x.abs_diff(at.x));
            self.inside.epoch = near.map(|(epoch, _)| epoch).filter(|epoch| timeline.last() != Some(epoch));
        } else if let Some(drawn) = self.drawn.targets.iter().rfind(|drawn| drawn.place.contains(at)).copied() {
            self.choose_inside(drawn.target);
        }
    }

    /// Chooses what was clicked; what is chosen already is stepped into, as by Enter.
    fn choose_inside(&mut self, target: InsideTarget) {
        match target {
            InsideTarget::Unit(layer, unit) if self.inside_unit() == Some((layer, unit)) => self.step_inside(),
            InsideTarget::Unit(layer, unit) => {
                let layers = self.inside_layers();
                if let Some(at) = layers.iter().position(|(known, _)| *known == layer) {
                    self.inside.layer = at;
                    self.choose_unit(unit);
                }
            }
            InsideTarget::Mistake(at) if self.inside.selected == at => self.step_inside(),
            InsideTarget::Mistake(at) => self.inside.selected = at,
            InsideTarget::Product(at) => {
                if let Some(place) = &mut self.inside.product {
                    place.product = Some(at);
                }
            }
            InsideTarget::Image(number) => self.step_into_image(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(columns: u16, page: InsidePage, networks: usize) -> InsideLayout {
        InsideLayout::new(Rect::new(0, 0, columns, 24), page, false, networks)
    }

    #[test]
    fn tabs_have_their_keys_where_all_fit() {
        let titles = |columns: u16| -> Vec<String> {
            let layout = layout(columns, InsidePage::Maps, 2);
            layout.tab_columns().into_iter().map(|(page, _)| layout.tab_title(page)).collect()
        };
        assert_eq!(titles(80)[..2], ["Filters", "Maps"]);
        assert_eq!(titles(80).len(), 10);
        assert_eq!([&titles(120)[0], &titles(120)[9]], ["1 Filters", "0 Surgery"]);
        for columns in [80, 94, 120, 200] {
            let layout = layout(columns, InsidePage::Maps, 2);
            assert!(layout.tab_columns().iter().all(|(_, area)| area.right() <= columns), "{columns}");
        }
    }

    #[test]
    fn a_page_that_joins_the_networks_shows_all_of_them() {
        assert_eq!(layout(80, InsidePage::Confusion, 2).shown_networks(2), 1);
        assert_eq!(layout(120, InsidePage::Confusion, 2).shown_networks(2), 2);
        assert_eq!(layout(80, InsidePage::Surgery, 2).shown_networks(2), 2);
        assert_eq!(layout(80, InsidePage::Maps, 2).shown_networks(2), 2);
    }
}
