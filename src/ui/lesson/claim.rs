//! Draws a claim of the ledger: the claim, what was published, what the reader measured, and the verdict.

use crate::theme::Theme;
use crate::widgets::draw_frame;
use app::{ClaimLine, claim_lines};
use lesson::{ClaimCell, Findings, Verdict};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

pub fn draw(theme: &Theme, claim: &ClaimCell, found: &Findings, focused: bool, area: Rect, buffer: &mut Buffer) {
    let verdict = claim.verdict(found);
    let words = claim.verdict_in_words(found);
    let inner = draw_frame(theme, &words, focused, area, buffer);
    // The title of the frame is the verdict, in its own colour.
    let style = match verdict {
        Verdict::NotYetTried | Verdict::NoNumber => theme.faint(),
        Verdict::Holds => theme.good(),
        Verdict::HoldsInPart => theme.middling(),
        Verdict::DoesNotHold => theme.bad(),
    };
    buffer.set_stringn(area.x + 1, area.y, format!(" {words} "), usize::from(area.width - 2), style);
    for (row, (kind, text)) in (inner.y..).zip(claim_lines(claim, found, inner.width)) {
        let style = match kind {
            ClaimLine::Says => theme.strong(),
            ClaimLine::Published | ClaimLine::Asked | ClaimLine::Missing => theme.faint(),
            ClaimLine::Measured => Style::new(),
        };
        write_line(theme, &text, style, inner, row, buffer);
    }
}

fn write_line(theme: &Theme, text: &str, style: Style, area: Rect, row: u16, buffer: &mut Buffer) {
    if row < area.bottom() {
        buffer.set_stringn(area.x, row, theme.measured(text), usize::from(area.width), style);
    }
}
