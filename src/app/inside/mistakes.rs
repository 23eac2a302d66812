//! The images that the networks on the screen answer wrongly, put together.

use super::answers::Shown;
use crate::App;
use protocol::{Mistake, Seen, View, ViewImage};
use std::collections::BTreeMap;

/// Which of them are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MistakeFilter {
    #[default]
    Any,
    /// Of both networks.
    Both,
    /// The first network gets it wrong, the second right.
    FirstAlone,
    SecondAlone,
}

impl MistakeFilter {
    pub const ALL: [Self; 4] = [Self::Any, Self::Both, Self::FirstAlone, Self::SecondAlone];

    fn admits(self, wrong: &[bool]) -> bool {
        match (self, wrong) {
            // Of one network alone.
            (_, [one]) => *one,
            (Self::Both, _) => wrong.iter().all(|wrong| *wrong),
            (Self::FirstAlone, [first, second, ..]) => *first && !second,
            (Self::SecondAlone, [first, second, ..]) => !first && *second,
            (Self::Any, _) | (_, []) => wrong.iter().any(|wrong| *wrong),
        }
    }
}

/// An image that a network gets wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct MistakeEntry<'a> {
    /// Counted from 0 within the split.
    pub number: u32,
    pub truth: u32,
    pub pixels: &'a [u8],
    /// Of each network on the screen, `None` where it is right.
    pub wrong: Vec<Option<&'a Mistake>>,
}

/// Puts the mistakes of several networks together. A long list of a network is cut off, so nothing is said of images behind the end
/// of such a list.
fn joined<'a>(of: &[(&'a [Mistake], bool)], filter: MistakeFilter) -> Vec<MistakeEntry<'a>> {
    let end = of.iter().filter(|(_, is_cut)| *is_cut).filter_map(|(list, _)| list.last()).map(|last| last.number).min();
    let mut entries: BTreeMap<u32, MistakeEntry> = BTreeMap::new();
    for (network, (list, _)) in of.iter().enumerate() {
        for mistake in list.iter().filter(|mistake| end.is_none_or(|end| mistake.number <= end)) {
            let entry = entries.entry(mistake.number).or_insert_with(|| MistakeEntry {
                number: mistake.number,
                truth: mistake.truth,
                pixels: &mistake.pixels,
                wrong: vec![None; of.len()],
            });
            entry.wrong[network] = Some(mistake);
        }
    }
    let is_admitted = |entry: &MistakeEntry| {
        let wrong: Vec<bool> = entry.wrong.iter().map(Option::is_some).collect();
        filter.admits(&wrong)
    };
    entries.into_values().filter(is_admitted).collect()
}

/// The same from what networks answer; empty until all of them have answered.
pub fn join_mistakes<'a>(of: impl Iterator<Item = Shown<'a>>, filter: MistakeFilter) -> Vec<MistakeEntry<'a>> {
    let list = |shown: Shown<'a>| match &shown.answer()?.seen {
        Seen::Mistakes { mistakes, wrong, .. } => Some((mistakes.as_slice(), *wrong as usize > mistakes.len())),
        _ => None,
    };
    let lists: Option<Vec<(&'a [Mistake], bool)>> = of.map(list).collect();
    lists.map_or_else(Vec::new, |lists| joined(&lists, filter))
}

/// Columns of the chosen image and its answers.
pub const MISTAKE_DETAIL: u16 = 30;

/// How many images stand beside each other in a gallery of this width, each in so many columns.
pub fn images_across(width: u16, image: u16) -> usize {
    usize::from((width / (image + 1)).max(1))
}

/// Images of the gallery have every other pixel, if they are not small.
pub fn gallery_shrink(height: u32) -> u32 {
    if height >= 20 { 2 } else { 1 }
}

impl App {
    /// How many mistakes stand beside each other on their page.
    pub(super) fn gallery_columns(&self) -> usize {
        let shape = self.inside.run.and_then(|run| self.inside.answers.newest_image_shape(run));
        let image = shape.map_or(1, |shape| (shape.width / gallery_shrink(shape.height)) as u16);
        // The body without the columns at its edges, and without the chosen image.
        images_across(self.inside_layout().body.width.saturating_sub(2 + MISTAKE_DETAIL + 1), image)
    }

    /// Moves the choice; beyond the first row it stays.
    pub(super) fn choose_mistake(&mut self, by: isize) {
        let last = self.mistake_entries().len().saturating_sub(1);
        let at = self.inside.selected.min(last);
        self.inside.selected = at.checked_add_signed(by).map_or(at, |next| next.min(last));
    }

    /// The mistakes that are listed; empty until all networks on the screen have answered.
    pub fn mistake_entries(&self) -> Vec<MistakeEntry<'_>> {
        let view = View::Mistakes { split: self.inside.split };
        let lanes = self.inside_lanes().into_iter();
        join_mistakes(lanes.map(|(_, lane)| self.inside_view(lane, view.clone(), true)), self.inside.filter)
    }

    /// The question for the answers to the chosen mistake.
    pub fn chosen_mistake_view(&self) -> Option<View> {
        let number = self.mistake_entries().get(self.inside.selected)?.number;
        Some(View::Ask { image: ViewImage::Of { split: self.inside.split, number } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_of_two_networks_are_joined_and_filtered() {
        let mistake =
            |number| Mistake { number, truth: 4, answer: 9, probabilities: Vec::new(), pixels: vec![number as u8] };
        let (first, second) = ([mistake(1), mistake(3), mistake(8)], [mistake(3), mistake(5), mistake(9)]);
        let numbers = |cut: bool, filter| -> Vec<u32> {
            joined(&[(&first[..], false), (&second[..2], cut)], filter).iter().map(|entry| entry.number).collect()
        };
        assert_eq!(numbers(false, MistakeFilter::Any), [1, 3, 5, 8]);
        assert_eq!(numbers(false, MistakeFilter::Both), [3]);
        assert_eq!(numbers(false, MistakeFilter::FirstAlone), [1, 8]);
        assert_eq!(numbers(false, MistakeFilter::SecondAlone), [5]);
        // Whether the second network gets 8 wrong is not known.
        assert_eq!(numbers(true, MistakeFilter::FirstAlone), [1]);
        assert_eq!(joined(&[(&first[..], false)], MistakeFilter::SecondAlone).len(), 3);
    }
}
