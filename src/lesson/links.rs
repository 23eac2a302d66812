//! Links as they stand on the screen.

use super::document::Target;
use super::layout::Line;
use super::span::Style;

/// A link on the screen; one that is wrapped has a part on each of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub target: Target,
    /// Line, and the span in it.
    pub parts: Vec<(usize, usize)>,
}

/// Every link. One that ends its line and begins the next is a single link, wrapped.
pub fn links(lines: &[Line]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    // The link that the line before ended with.
    let mut open = false;
    for (number, line) in lines.iter().enumerate() {
        let Line::Text(spans) = line else {
            open = false;
            continue;
        };
        for (at, span) in spans.iter().enumerate() {
            let Some(target) = &span.target else {
                // Indents and quote bars stand before a link that goes on.
                open &= span.style == Style::Frame || span.text.trim().is_empty();
                continue;
            };
            // One whose look changes within goes on as well.
            open |= at > 0 && spans[at - 1].target.as_ref() == Some(target);
            match links.last_mut().filter(|last| open && last.target == *target) {
                Some(last) => last.parts.push((number, at)),
                None => links.push(Link { target: target.clone(), parts: vec![(number, at)] }),
            }
            open = false;
        }
        open = spans.last().is_some_and(|span| span.target.is_some());
    }
    links
}
