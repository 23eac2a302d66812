//! The last line of an experiment's pane: how its outcome was measured, and what Enter would measure instead.

use crate::theme::Theme;
use app::{ExperimentView, Stale};
use protocol::{Estimate, ExperimentSpec, Figure, Outcome, Source, format_date, format_duration};
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// The text of the line within this width; the less important parts are left out.
pub fn footer_text(
    theme: &Theme,
    view: &ExperimentView,
    outcome: &Outcome,
    stale: Option<Stale>,
    (wanted, time): (&ExperimentSpec, Estimate),
    width: u16,
) -> (String, Style) {
    let whole = view.outcome.as_ref().is_some_and(|whole| std::ptr::eq(whole, outcome));
    let spec = if whole { view.spec.as_ref() } else { view.partial_spec.as_ref() }.unwrap_or(wanted);
    let settings = settings(spec, outcome);
    let with = if settings.is_empty() { String::new() } else { format!(", {settings}") };
    match (whole, stale) {
        (false, _) if view.running.is_some() => (format!("so far{with}"), theme.faint()),
        (false, _) => (format!("stopped before its end{with}"), theme.bad()),
        (true, None) => (measurement_text(view, spec, outcome, &with, usize::from(width)), theme.faint()),
        (true, Some(Stale::Settings)) => {
            let settings = if settings.is_empty() { settings } else { format!(" ({settings})") };
            (format!("measured with other settings than the lesson's now{settings}"), theme.bad())
        }
        (true, Some(Stale::Effort)) => {
            (format!("measured {settings}; Enter measures {}, {time}", wanted.effort.name()), theme.bad())
        }
    }
}

/// The source of a complete outcome: the papers it is drawn from, or the time and settings of the measurement.
fn measurement_text(
    view: &ExperimentView,
    spec: &ExperimentSpec,
    outcome: &Outcome,
    with: &str,
    width: usize,
) -> String {
    if let Some(papers) = cited_papers(outcome) {
        let text = format!("drawn from {papers}");
        let whole = format!("{text}; nothing is measured here");
        return if whole.width() <= width { whole } else { text };
    }
    let mut text = format!("measured here in {}{with}", format_duration(outcome.seconds));
    let unusual = Some(spec.experiment.unusual().join(" · ")).filter(|unusual| !unusual.is_empty());
    for more in view.finished.map(format_date).into_iter().chain(unusual) {
        if text.width() + 3 + more.width() <= width {
            text = format!("{text} · {more}");
        }
    }
    text
}

/// The effort and the seeds, if they matter.
fn settings(spec: &ExperimentSpec, outcome: &Outcome) -> String {
    let effort = spec.has_full().then(|| spec.effort.name().to_string());
    let seeds: Vec<String> = spec.seeds.iter().map(u64::to_string).collect();
    let seeds = format!("{} {}", if seeds.len() == 1 { "seed" } else { "seeds" }, seeds.join(", "));
    // Findings without seeds do not depend on chance.
    let random = outcome.findings.is_empty() || outcome.findings.iter().any(|finding| !finding.seeds.is_empty());
    effort.into_iter().chain(random.then_some(seeds)).collect::<Vec<_>>().join(", ")
}

/// The papers, if the figures show nothing but published results.
fn cited_papers(outcome: &Outcome) -> Option<String> {
    let mut papers: Vec<&str> = Vec::new();
    for source in outcome.figures.iter().flat_map(sources) {
        let Source::Cited(paper) = source else { return None };
        if !papers.contains(&paper.as_str()) {
            papers.push(paper);
        }
    }
    (!papers.is_empty()).then(|| papers.join("; "))
}

fn sources(figure: &Figure) -> Vec<&Source> {
    match figure {
        Figure::Plot(plot) => {
            let (series, bands) = (plot.series.iter().map(|s| &s.source), plot.bands.iter().map(|b| &b.source));
            series.chain(bands).chain(plot.marks.iter().map(|mark| &mark.source)).collect()
        }
        Figure::Table(table) => table.sources.iter().collect(),
        Figure::Images(images) => vec![&images.source],
        Figure::Bars(bars) => vec![&bars.source],
        Figure::Regions(regions) => vec![&regions.source],
        Figure::Units(units) => vec![&units.source],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Glyphs, Palette};
    use protocol::{AlexnetFigure, Dying, Effort, Experiment, Finding, Table, Timings};

    fn footer_of(source: Source, seeds: &[u64], width: u16) -> String {
        let table = Table {
            title: String::new(),
            columns: vec!["a".into()],
            rows: Vec::new(),
            sources: vec![source],
            places: Vec::new(),
        };
        let finding = Finding {
            key: "k".into(),
            text: "t".into(),
            value: Some(1.0),
            spread: None,
            seeds: seeds.to_vec(),
            tabled: false,
            is_bound: false,
        };
        let outcome = Outcome { figures: vec![Figure::Table(table)], findings: vec![finding], seconds: 5.56 };
        let experiment = if seeds.is_empty() {
            Experiment::AlexnetFigure(AlexnetFigure::default())
        } else {
            Experiment::Dying(Dying { bias: -1.0, ..Dying::default() })
        };
        let spec = ExperimentSpec { experiment, effort: Effort::Quick, seeds: vec![1, 2, 3] };
        let view = ExperimentView {
            outcome: Some(outcome),
            spec: Some(spec.clone()),
            finished: Some(1_795_661_487),
            ..ExperimentView::default()
        };
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        let time = Timings::default().experiment(&spec);
        footer_text(&theme, &view, view.outcome.as_ref().unwrap(), None, (&spec, time), width).0
    }

    #[test]
    fn a_figure_from_a_paper_is_not_told_to_be_measured() {
        let paper = Source::Cited("Krizhevsky 2012, Fig. 1".into());
        assert_eq!(footer_of(paper, &[], 72), "drawn from Krizhevsky 2012, Fig. 1; nothing is measured here");
        // None of its numbers depends on a seed.
        assert_eq!(footer_of(Source::Measured, &[], 72), "measured here in 5.6 s · 2026-11-26");
    }

    #[test]
    fn a_measurement_tells_its_day_and_unusual_settings_where_there_is_room() {
        let text = "measured here in 5.6 s, seeds 1, 2, 3 · 2026-11-26 · bias -1";
        assert_eq!(footer_of(Source::Measured, &[1, 2, 3], 72), text);
        assert_eq!(footer_of(Source::Measured, &[1, 2, 3], 55), &text[..text.len() - "· bias -1 ".len()]);
        assert_eq!(footer_of(Source::Measured, &[1, 2, 3], 40), "measured here in 5.6 s, seeds 1, 2, 3");
    }
}
